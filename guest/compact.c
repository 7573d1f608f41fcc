/* SPDX-License-Identifier: GPL-2.0-only */
#include "guest/compact.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "guest/child.h"
#include "guest/facts.h"
#include "guest/limit.h"
#include "guest/sysfile.h"

struct ebb_compact {
	sd_event *event;
	const char *root;
	ebb_compact_done_fn done;
	void *opaque;
	struct ebb_child child;
	struct ebb_limit limit;
	uint64_t free_huge_bytes; /* when the burst began */
	uint64_t lacked_bytes;
	bool was_worth_it;
};

static int read_free_huge(const struct ebb_compact *compact,
			  uint64_t *ret_bytes)
{
	char proc_dir[EBB_SYSFILE_PATH_BYTES];
	struct ebb_msg_facts facts;
	int r;

	snprintf(proc_dir, sizeof(proc_dir), "%s/proc", compact->root);
	r = ebb_facts_read(proc_dir, &facts);
	if (r < 0)
		return r;
	*ret_bytes = facts.free_huge_bytes;
	return 0;
}

/* In the child: each node, or all at once where there are no nodes. */
static int compact_all(const void *root)
{
	char pattern[EBB_SYSFILE_PATH_BYTES];
	bool written = false;
	glob_t nodes;

	snprintf(pattern, sizeof(pattern),
		 "%s/sys/devices/system/node/node*/compact",
		 (const char *)root);
	if (glob(pattern, 0, NULL, &nodes) == 0)
		for (size_t i = 0; i < nodes.gl_pathc; i++)
			if (ebb_sysfile_write("", nodes.gl_pathv[i], "1") == 0)
				written = true;
	if (!written)
		written = ebb_sysfile_write(root, "/proc/sys/vm/compact_memory",
					    "1") == 0;
	return written ? 0 : 1;
}

static uint64_t now_us(const struct ebb_compact *compact)
{
	uint64_t usec = 0;

	sd_event_now(compact->event, CLOCK_MONOTONIC, &usec);
	return usec;
}

static void on_done(int code, void *opaque)
{
	struct ebb_compact *compact = opaque;
	uint64_t gained_bytes = 0, free_bytes;

	if (code == 0 && read_free_huge(compact, &free_bytes) == 0 &&
	    free_bytes > compact->free_huge_bytes)
		gained_bytes = free_bytes - compact->free_huge_bytes;
	/* Of one that was killed nothing is learnt. */
	if (code < 0)
		gained_bytes = compact->lacked_bytes;
	compact->was_worth_it =
		ebb_limit_ended(&compact->limit, now_us(compact),
				compact->lacked_bytes, gained_bytes);
	if (code >= 0)
		compact->done(compact->opaque);
}

int ebb_compact_new(sd_event *event, const char *root, ebb_compact_done_fn done,
		    void *opaque, struct ebb_compact **ret_compact)
{
	struct ebb_compact *compact = calloc(1, sizeof(*compact));

	if (!compact)
		return -ENOMEM;
	compact->event = sd_event_ref(event);
	compact->root = root;
	compact->done = done;
	compact->opaque = opaque;
	compact->child.done = on_done;
	compact->child.opaque = compact;
	*ret_compact = compact;
	return 0;
}

void ebb_compact_free(struct ebb_compact *compact)
{
	if (!compact)
		return;
	ebb_child_end(&compact->child);
	sd_event_unref(compact->event);
	free(compact);
}

int ebb_compact_start(struct ebb_compact *compact, uint64_t target_bytes)
{
	uint64_t free_bytes;
	int r;

	if (ebb_child_runs(&compact->child))
		return -EBUSY;
	if (!ebb_limit_allows(&compact->limit, now_us(compact)))
		return -EAGAIN;
	r = read_free_huge(compact, &free_bytes);
	if (r < 0)
		return r;
	if (free_bytes >= target_bytes)
		return -EALREADY;
	compact->free_huge_bytes = free_bytes;
	compact->lacked_bytes = target_bytes - free_bytes;
	return ebb_child_start(&compact->child, compact->event, compact_all,
			       compact->root);
}

bool ebb_compact_runs(const struct ebb_compact *compact)
{
	return ebb_child_runs(&compact->child);
}

void ebb_compact_stop(struct ebb_compact *compact)
{
	ebb_child_kill(&compact->child);
}

void ebb_compact_retry(struct ebb_compact *compact)
{
	compact->limit = (struct ebb_limit){ 0 };
}

bool ebb_compact_was_worth_it(const struct ebb_compact *compact)
{
	return compact->was_worth_it;
}
