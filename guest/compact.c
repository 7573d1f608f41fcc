/* SPDX-License-Identifier: GPL-2.0-only */
#include "guest/compact.h"

#include <errno.h>
#include <glob.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest/child.h"
#include "guest/facts.h"
#include "guest/limit.h"
#include "guest/sysfile.h"

/* On each CPU: a free gives back 63 pages of a list that is too long. */
#define FREED_BYTES ((size_t)2 << 20)
/* Small pieces of less are not worth a burst; they are left by all there is. */
#define PIECES_BYTES_MIN ((uint64_t)16 << 20)
/* A burst, and then this many times as long none; as long as limit.h at most. */
#define REST_TIMES 3
#define REST_US_MAX ((uint64_t)EBB_LIMIT_MIN_MS * 1000)

struct ebb_compact {
	sd_event *event;
	const char *root;
	struct ebb_knobs *knobs;
	ebb_compact_done_fn done;
	void *opaque;
	struct ebb_child child;
	struct ebb_limit limit;
	uint64_t free_huge_bytes; /* when the burst began */
	uint64_t lacked_bytes;
	uint64_t start_us;
	uint64_t rested_us; /* when the rest after it is over */
	uint64_t pieces_bytes; /* what it left in small pieces */
	bool was_worth_it;
};

static int read_facts(const struct ebb_compact *compact,
		      struct ebb_msg_facts *ret_facts)
{
	char proc_dir[EBB_SYSFILE_PATH_BYTES];

	snprintf(proc_dir, sizeof(proc_dir), "%s/proc", compact->root);
	return ebb_facts_read(proc_dir, ret_facts);
}

/* What is free, but not in huge ranges. */
static uint64_t in_pieces(const struct ebb_msg_facts *facts)
{
	return facts->free_bytes > facts->free_huge_bytes
		       ? facts->free_bytes - facts->free_huge_bytes
		       : 0;
}

/* ---- in the child ---- */

/*
 * Writes 1 to each file of @pattern, below a directory that is no link if
 * @real. Returns whether any took it.
 */
static bool write_each(const char *root, const char *pattern, bool real)
{
	char path[EBB_SYSFILE_PATH_BYTES];
	bool written = false;
	struct stat status;
	glob_t files;

	snprintf(path, sizeof(path), "%s%s", root, pattern);
	if (glob(path, 0, NULL, &files) != 0)
		return false;
	for (size_t i = 0; i < files.gl_pathc; i++) {
		const char *name = files.gl_pathv[i];

		snprintf(path, sizeof(path), "%.*s",
			 (int)(strrchr(name, '/') - name), name);
		if (real &&
		    (lstat(path, &status) < 0 || !S_ISDIR(status.st_mode)))
			continue;
		written |= ebb_sysfile_write("", name, "1") == 0;
	}
	globfree(&files);
	return written;
}

static void use_and_free(void)
{
	long page_bytes = sysconf(_SC_PAGESIZE);
	uint8_t *memory = mmap(NULL, FREED_BYTES, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return;
	/* Page by page, as the lists are. */
	madvise(memory, FREED_BYTES, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < FREED_BYTES; i += (size_t)page_bytes)
		*(volatile uint8_t *)&memory[i] = 1;
	munmap(memory, FREED_BYTES);
}

/* Cuts the lists of the CPUs to the length that they may have. */
static void cut_lists(void)
{
	cpu_set_t all, one;

	if (sched_getaffinity(0, sizeof(all), &all) < 0)
		return;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		if (sched_setaffinity(0, sizeof(one), &one) == 0)
			use_and_free();
	}
}

static int compact_all(const void *argument)
{
	const char *root = argument;
	bool written;

	/* A cache that was merged with another is there as a link, too. */
	write_each(root, "/sys/kernel/slab/*/shrink", true);
	/* Each node, or all at once where there are no nodes. */
	written = write_each(root, "/sys/devices/system/node/node*/compact",
			     false) ||
		  ebb_sysfile_write(root, "/proc/sys/vm/compact_memory", "1") ==
			  0;
	cut_lists();
	return written ? 0 : 1;
}

/* ---- in the agent ---- */

static uint64_t now_us(const struct ebb_compact *compact)
{
	uint64_t usec = 0;

	sd_event_now(compact->event, CLOCK_MONOTONIC, &usec);
	return usec;
}

static void on_done(int code, void *opaque)
{
	struct ebb_compact *compact = opaque;
	uint64_t gained_bytes = 0, rest_us, now = now_us(compact);
	struct ebb_msg_facts facts;

	ebb_knobs_restore_lists(compact->knobs);
	rest_us = REST_TIMES * (now - compact->start_us);
	compact->rested_us =
		now + (rest_us < REST_US_MAX ? rest_us : REST_US_MAX);
	if (code == 0 && read_facts(compact, &facts) == 0) {
		compact->pieces_bytes = in_pieces(&facts);
		if (facts.free_huge_bytes > compact->free_huge_bytes)
			gained_bytes = facts.free_huge_bytes -
				       compact->free_huge_bytes;
	}
	/* Of one that was killed nothing is learnt. */
	if (code < 0)
		gained_bytes = compact->lacked_bytes;
	compact->was_worth_it = ebb_limit_ended(
		&compact->limit, now, compact->lacked_bytes, gained_bytes);
	if (code >= 0)
		compact->done(compact->opaque);
}

int ebb_compact_new(sd_event *event, const char *root, struct ebb_knobs *knobs,
		    ebb_compact_done_fn done, void *opaque,
		    struct ebb_compact **ret_compact)
{
	struct ebb_compact *compact = calloc(1, sizeof(*compact));

	if (!compact)
		return -ENOMEM;
	compact->event = sd_event_ref(event);
	compact->root = root;
	compact->knobs = knobs;
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
	ebb_knobs_restore_lists(compact->knobs);
	sd_event_unref(compact->event);
	free(compact);
}

/* @facts: of now. */
static int start(struct ebb_compact *compact, const struct ebb_msg_facts *facts,
		 uint64_t target_bytes)
{
	int r;

	compact->free_huge_bytes = facts->free_huge_bytes;
	compact->lacked_bytes = target_bytes - facts->free_huge_bytes;
	compact->start_us = now_us(compact);
	ebb_knobs_shorten_lists(compact->knobs);
	r = ebb_child_start(&compact->child, compact->event, compact_all,
			    compact->root);
	if (r < 0)
		ebb_knobs_restore_lists(compact->knobs);
	return r;
}

int ebb_compact_start(struct ebb_compact *compact, uint64_t target_bytes)
{
	struct ebb_msg_facts facts;
	int r;

	if (ebb_child_runs(&compact->child))
		return -EBUSY;
	if (!ebb_limit_allows(&compact->limit, now_us(compact)))
		return -EAGAIN;
	r = read_facts(compact, &facts);
	if (r < 0)
		return r;
	if (facts.free_huge_bytes >= target_bytes)
		return -EALREADY;
	return start(compact, &facts, target_bytes);
}

/* Before limit.h says so. */
static bool may_again(const struct ebb_compact *compact,
		      const struct ebb_msg_facts *facts)
{
	uint64_t left_bytes = compact->pieces_bytes;

	return now_us(compact) >= compact->rested_us &&
	       (compact->was_worth_it ||
		in_pieces(facts) >= left_bytes + left_bytes / 4);
}

int ebb_compact_ask(struct ebb_compact *compact)
{
	struct ebb_msg_facts facts;
	int r;

	if (ebb_child_runs(&compact->child))
		return -EBUSY;
	r = read_facts(compact, &facts);
	if (r < 0)
		return r;
	if (in_pieces(&facts) < PIECES_BYTES_MIN)
		return -EALREADY;
	if (!ebb_limit_allows(&compact->limit, now_us(compact)) &&
	    !may_again(compact, &facts))
		return -EAGAIN;
	return start(compact, &facts, facts.free_bytes);
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
