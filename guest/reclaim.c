/* SPDX-License-Identifier: GPL-2.0-only */
#include "guest/reclaim.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "guest/cgroup.h"
#include "guest/child.h"
#include "guest/facts.h"
#include "guest/limit.h"
#include "guest/meminfo.h"
#include "guest/sysfile.h"
#include "guest/vmstat.h"

#define CHUNK_BYTES ((uint64_t)64 << 20)
#define GAINABLE_BYTES_MIN ((uint64_t)4 << 20)

/* What is judged as one window of pressure, as the kernel's trigger has it. */
#define JUDGE_MS 1000

/* Exit codes of the child; above: CODE_REASON + enum ebb_backoff_reason. */
enum {
	CODE_REACHED,
	CODE_NOTHING_MORE,
	CODE_FAILED,
	CODE_REASON = 16,
};

struct ebb_reclaim {
	sd_event *event;
	const char *root;
	ebb_reclaim_done_fn done;
	void *opaque;
	struct ebb_limited *limited;
	struct ebb_child child;
	struct ebb_limit limit;
	uint64_t free_bytes; /* when the burst began */
	/* What the child works on. */
	char proc_dir[EBB_SYSFILE_PATH_BYTES];
	char path[EBB_SYSFILE_PATH_BYTES];
	uint64_t target_bytes;
	bool swap;
};

int ebb_reclaim_find(const char *root, char *ret_path, size_t path_bytes)
{
	char point[EBB_SYSFILE_PATH_BYTES], whole[2 * EBB_SYSFILE_PATH_BYTES];

	if (ebb_cgroup_find(root, 2, point, sizeof(point)) < 0 ||
	    (size_t)snprintf(ret_path, path_bytes, "%s/memory.reclaim",
			     point) >= path_bytes)
		return -ENOENT;
	snprintf(whole, sizeof(whole), "%s%s", root, ret_path);
	return access(whole, W_OK) == 0 ? 0 : -ENOENT;
}

static uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* In the child. */
static int reclaim_all(const void *argument)
{
	const struct ebb_reclaim *reclaim = argument;
	struct ebb_msg_facts facts;
	struct ebb_meminfo meminfo;
	struct ebb_vmstat before, now, next;
	uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	enum ebb_backoff_reason reason;
	uint64_t judged_ms = clock_ms();
	int r = ebb_limited_read(reclaim->limited, &now, &before);

	while (r >= 0) {
		uint64_t chunk_bytes, gainable_bytes;

		if (ebb_facts_read(reclaim->proc_dir, &facts) < 0 ||
		    ebb_limited_read(reclaim->limited, &now, &next) < 0)
			break;
		reason = ebb_vmstat_judge(&before, &now, facts.total_bytes);
		if (reason != EBB_BACKOFF_NONE)
			return CODE_REASON + (int)reason;
		if (facts.free_bytes >= reclaim->target_bytes)
			return CODE_REACHED;
		if (clock_ms() - judged_ms >= JUDGE_MS) {
			judged_ms = clock_ms();
			before = next;
		}
		chunk_bytes = reclaim->target_bytes - facts.free_bytes;
		if (chunk_bytes > CHUNK_BYTES)
			chunk_bytes = CHUNK_BYTES;
		/* One that is hard to find would be swapped for. */
		if (ebb_meminfo_read(reclaim->proc_dir, &meminfo) < 0)
			break;
		gainable_bytes = ebb_meminfo_gainable(&meminfo, reclaim->swap);
		if (gainable_bytes < GAINABLE_BYTES_MIN)
			return CODE_NOTHING_MORE;
		if (chunk_bytes > gainable_bytes / 2)
			chunk_bytes = gainable_bytes / 2;
		r = ebb_sysfile_write_number(reclaim->root, reclaim->path,
					     chunk_bytes);
		if (r == 0)
			ebb_limited_note_reclaim(reclaim->limited,
						 chunk_bytes / page_bytes);
	}
	return r == -EAGAIN ? CODE_NOTHING_MORE : CODE_FAILED;
}

static uint64_t now_us(const struct ebb_reclaim *reclaim)
{
	uint64_t usec = 0;

	sd_event_now(reclaim->event, CLOCK_MONOTONIC, &usec);
	return usec;
}

static void on_done(int code, void *opaque)
{
	struct ebb_reclaim *reclaim = opaque;
	uint64_t lacked_bytes = reclaim->target_bytes - reclaim->free_bytes;
	uint64_t gained_bytes = 0;
	struct ebb_msg_facts facts;

	if (ebb_facts_read(reclaim->proc_dir, &facts) == 0 &&
	    facts.free_bytes > reclaim->free_bytes)
		gained_bytes = facts.free_bytes - reclaim->free_bytes;
	/* What the child has noted went with it. */
	ebb_limited_note_reclaim(reclaim->limited,
				 gained_bytes /
					 (uint64_t)sysconf(_SC_PAGESIZE));
	/* Of one that was killed nothing is learnt. */
	if (code < 0)
		gained_bytes = lacked_bytes;
	ebb_limit_ended(&reclaim->limit, now_us(reclaim), lacked_bytes,
			gained_bytes);
	if (code >= 0)
		reclaim->done(code > CODE_REASON ? (enum ebb_backoff_reason)(
							   code - CODE_REASON)
						 : EBB_BACKOFF_NONE,
			      reclaim->opaque);
}

int ebb_reclaim_new(sd_event *event, const char *root,
		    struct ebb_limited *limited, ebb_reclaim_done_fn done,
		    void *opaque, struct ebb_reclaim **ret_reclaim)
{
	struct ebb_reclaim *reclaim = calloc(1, sizeof(*reclaim));

	if (!reclaim)
		return -ENOMEM;
	reclaim->event = sd_event_ref(event);
	reclaim->root = root;
	reclaim->limited = limited;
	reclaim->done = done;
	reclaim->opaque = opaque;
	reclaim->child.done = on_done;
	reclaim->child.opaque = reclaim;
	snprintf(reclaim->proc_dir, sizeof(reclaim->proc_dir), "%s/proc", root);
	*ret_reclaim = reclaim;
	return 0;
}

void ebb_reclaim_free(struct ebb_reclaim *reclaim)
{
	if (!reclaim)
		return;
	ebb_child_end(&reclaim->child);
	sd_event_unref(reclaim->event);
	free(reclaim);
}

int ebb_reclaim_start(struct ebb_reclaim *reclaim, uint64_t target_bytes,
		      bool swap)
{
	struct ebb_msg_facts facts;
	int r;

	if (ebb_child_runs(&reclaim->child))
		return -EBUSY;
	r = ebb_reclaim_find(reclaim->root, reclaim->path,
			     sizeof(reclaim->path));
	if (r < 0)
		return r;
	if (!ebb_limit_allows(&reclaim->limit, now_us(reclaim)))
		return -EAGAIN;
	r = ebb_facts_read(reclaim->proc_dir, &facts);
	if (r < 0)
		return r;
	if (facts.free_bytes >= target_bytes)
		return -EALREADY;
	reclaim->free_bytes = facts.free_bytes;
	reclaim->target_bytes = target_bytes;
	reclaim->swap = swap;
	return ebb_child_start(&reclaim->child, reclaim->event, reclaim_all,
			       reclaim);
}

bool ebb_reclaim_runs(const struct ebb_reclaim *reclaim)
{
	return ebb_child_runs(&reclaim->child);
}

void ebb_reclaim_stop(struct ebb_reclaim *reclaim)
{
	ebb_child_kill(&reclaim->child);
}

void ebb_reclaim_retry(struct ebb_reclaim *reclaim)
{
	reclaim->limit = (struct ebb_limit){ 0 };
}
