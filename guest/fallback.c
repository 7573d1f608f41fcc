/* SPDX-License-Identifier: GPL-2.0-only */
#include "guest/fallback.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest/facts.h"
#include "guest/meminfo.h"
#include "guest/sysfile.h"

/* Reclaim itself leaves some free in small ranges. */
#define SCATTERED_MORE_BYTES ((uint64_t)16 << 20)

struct ebb_fallback {
	const char *root;
	char proc_dir[EBB_SYSFILE_PATH_BYTES];
	struct ebb_compact *compact;
	struct ebb_reclaim *reclaim;
	struct ebb_knobs *knobs;
	uint64_t kept_bytes;
	uint64_t free_bytes; /* at the last look */
	/* Less is free than is to be, but since the last look it grew. */
	bool gaining;
	bool cut; /* more was asked than there is */
};

int ebb_fallback_new(sd_event *event, const char *root, struct ebb_knobs *knobs,
		     struct ebb_compact *compact, struct ebb_limited *limited,
		     ebb_reclaim_done_fn reclaimed, void *opaque,
		     struct ebb_fallback **ret_fallback)
{
	struct ebb_fallback *fallback = calloc(1, sizeof(*fallback));
	int r;

	if (!fallback)
		return -ENOMEM;
	fallback->root = root;
	fallback->knobs = knobs;
	fallback->compact = compact;
	snprintf(fallback->proc_dir, sizeof(fallback->proc_dir), "%s/proc",
		 root);
	r = ebb_reclaim_new(event, root, limited, reclaimed, opaque,
			    &fallback->reclaim);
	if (r < 0) {
		ebb_fallback_free(fallback);
		return r;
	}
	*ret_fallback = fallback;
	return 0;
}

void ebb_fallback_free(struct ebb_fallback *fallback)
{
	if (!fallback)
		return;
	ebb_reclaim_free(fallback->reclaim);
	ebb_knobs_restore(fallback->knobs);
	free(fallback);
}

bool ebb_fallback_is_there(const struct ebb_fallback *fallback)
{
	char path[EBB_SYSFILE_PATH_BYTES];
	uint64_t scale;

	return ebb_reclaim_find(fallback->root, path, sizeof(path)) == 0 ||
	       ebb_sysfile_read_number(fallback->root,
				       "/proc/sys/vm/watermark_scale_factor",
				       &scale) == 0;
}

static void stop(struct ebb_fallback *fallback)
{
	ebb_reclaim_stop(fallback->reclaim);
	ebb_knobs_restore(fallback->knobs);
	fallback->kept_bytes = 0;
	fallback->gaining = false;
	fallback->cut = false;
}

/* Where kswapd alone frees memory, whether it still does. */
static void note_progress(struct ebb_fallback *fallback,
			  const struct ebb_msg_facts *facts,
			  uint64_t target_bytes)
{
	uint64_t lacked_bytes = target_bytes > facts->free_bytes
					? target_bytes - facts->free_bytes
					: 0;

	fallback->gaining = target_bytes > fallback->kept_bytes ||
			    facts->free_bytes >
				    fallback->free_bytes + lacked_bytes / 16;
	fallback->free_bytes = facts->free_bytes;
}

/*
 * What is to be free that the target is in huge ranges: as much more as is free
 * in smaller ones now and then, but not without bound.
 */
static uint64_t aim(const struct ebb_msg_facts *facts, uint64_t target_bytes)
{
	uint64_t scattered_bytes =
		facts->free_bytes > facts->free_huge_bytes
			? facts->free_bytes - facts->free_huge_bytes
			: 0;

	if (facts->free_huge_bytes >= target_bytes)
		return target_bytes;
	scattered_bytes += SCATTERED_MORE_BYTES;
	if (scattered_bytes > target_bytes / 8)
		scattered_bytes = target_bytes / 8;
	return target_bytes + scattered_bytes;
}

/* Cuts a target to what is free and may be freed. Returns whether it was more. */
static bool cut(const struct ebb_fallback *fallback, uint64_t *target_bytes,
		bool swap)
{
	struct ebb_meminfo meminfo;
	uint64_t most_bytes;

	if (ebb_meminfo_read(fallback->proc_dir, &meminfo) < 0)
		return false;
	most_bytes = meminfo.free_bytes + ebb_meminfo_gainable(&meminfo, swap);
	if (*target_bytes <= most_bytes)
		return false;
	*target_bytes = most_bytes;
	return true;
}

uint64_t ebb_fallback_keep(struct ebb_fallback *fallback, uint64_t target_bytes,
			   bool swap)
{
	struct ebb_msg_facts facts;
	int raised, reclaim;

	if (target_bytes == 0 ||
	    ebb_facts_read(fallback->proc_dir, &facts) < 0) {
		stop(fallback);
		return 0;
	}
	if (target_bytes > facts.total_bytes / 8 * 7)
		target_bytes = facts.total_bytes / 8 * 7;
	fallback->cut = cut(fallback, &target_bytes, swap);
	note_progress(fallback, &facts, target_bytes);
	raised = ebb_knobs_raise(fallback->knobs, target_bytes,
				 facts.total_bytes);
	/* One that runs for another target is not to go beyond this one. */
	if (target_bytes < fallback->kept_bytes)
		ebb_reclaim_stop(fallback->reclaim);
	reclaim = ebb_reclaim_start(fallback->reclaim,
				    aim(&facts, target_bytes), swap);
	if (raised < 0 && reclaim == -ENOENT) {
		stop(fallback);
		return 0;
	}
	if (!ebb_reclaim_runs(fallback->reclaim))
		ebb_compact_start(fallback->compact, target_bytes);
	fallback->kept_bytes = target_bytes;
	return target_bytes;
}

void ebb_fallback_retry(struct ebb_fallback *fallback)
{
	ebb_reclaim_retry(fallback->reclaim);
}

enum ebb_threshold_state ebb_fallback_state(const struct ebb_fallback *fallback)
{
	char path[EBB_SYSFILE_PATH_BYTES];
	struct ebb_msg_facts facts;

	if (fallback->kept_bytes == 0)
		return EBB_THRESHOLD_IDLE;
	if (ebb_reclaim_runs(fallback->reclaim))
		return EBB_THRESHOLD_DRIVING;
	if (ebb_compact_runs(fallback->compact))
		return EBB_THRESHOLD_FRAGMENTED;
	if (ebb_facts_read(fallback->proc_dir, &facts) == 0 &&
	    facts.free_huge_bytes >= fallback->kept_bytes)
		return fallback->cut ? EBB_THRESHOLD_EXHAUSTED
				     : EBB_THRESHOLD_HELD;
	if (fallback->gaining &&
	    ebb_reclaim_find(fallback->root, path, sizeof(path)) < 0)
		return EBB_THRESHOLD_DRIVING;
	return EBB_THRESHOLD_EXHAUSTED;
}
