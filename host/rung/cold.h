/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which of a guest's memory is cold: found by a trial.
 *
 * Theory of operation
 * ===================
 *
 * The problem. To page out what a guest works with costs it a read of the disk for each
 * page, and brings nothing, as the page comes back. So what is cold has to be found, from
 * outside, in a guest of which nothing is known.
 *
 * The alternatives. The kernel's own knowledge is not to be had: idle page tracking
 * (/sys/kernel/mm/page_idle) is not in Debian's kernels and wants page frame numbers, and
 * so CAP_SYS_ADMIN; DAMON of virtual addresses is in few kernels, and one user has it at
 * a time; MGLRU tells generations of whole cgroups, in debugfs. The referenced bits of
 * smaps, cleared by clear_refs, miss what a guest does under KVM, whose accesses are in
 * tables of KVM's own, and cost a walk of all page tables each time.
 *
 * So a little of each part of the memory is paged out, at a random place. What the guest
 * wants, it fetches back within seconds: a part of whose trial more than a little came
 * back is hot, and is left alone; the others are cold, and are taken, coldest first. The
 * trial is no loss: it is part of what was to be paged out anyway.
 *
 * Parts are tried in a random order, one at a time, and as many as the caller wants, so
 * that a small request does not disturb a large guest. What was taken is reviewed some time later: a
 * trial may err, and what a guest works with changes. A part of which much came back has
 * shown that it is hot, and is left alone from then on; how much came back of all is told
 * to the caller, who ends it when that is too much. At the end the caller counts once
 * more, the trials too: a guest that wants back what it lost should be left alone.
 *
 * It waits for nothing and knows no clock but its caller's.
 */
#ifndef EBB_HOST_COLD_H
#define EBB_HOST_COLD_H

#include <stdbool.h>
#include <stdint.h>

#include "common/size.h"
#include "host/memory/pages.h"

/* Of the memory that is told cold or hot as one; and of that, the trial. */
#define EBB_COLD_PART_BYTES (32 * EBB_MIB)
#define EBB_COLD_TRIAL_BYTES (2 * EBB_MIB)

/* Paged out at a time, once it is known to be cold. */
#define EBB_COLD_PIECE_BYTES (2 * EBB_MIB)

/* More than one in so many that came back: hot. */
enum {
	EBB_COLD_HOT_PART = 16,
};

/**
 * struct ebb_cold_ops - the pages; see ebb_pages_present() and ebb_pages_out()
 */
struct ebb_cold_ops {
	int (*present)(void *opaque, uint64_t start, uint64_t bytes,
		       uint64_t *ret_bytes);
	int (*out)(void *opaque, uint64_t start, uint64_t bytes);
};

enum ebb_cold_state {
	EBB_COLD_UNTRIED, /* nothing is known */
	EBB_COLD_TRIED, /* a little is out, until it is judged */
	EBB_COLD_COLD, /* it may be taken, from its place @next on */
	EBB_COLD_TAKEN, /* all of it was */
	EBB_COLD_HOT, /* too much came back: it is left alone */
	EBB_COLD_EMPTY, /* next to nothing of it is in RAM, or can be paged out */
};

/**
 * struct ebb_cold_part - a part of the memory
 * @start, @bytes: where it is
 * @next: of it, the bytes that were taken as it is cold
 * @watched_start, @watched_bytes: of it, what was paged out last and is watched
 * @out_bytes: how much of that went out
 * @left_bytes: how much of that was in RAM right after, as it cannot be paged out
 * @back_ppm: how much of that came back
 * @out_ns: when
 * @reviewed: it was looked at after that
 */
struct ebb_cold_part {
	enum ebb_cold_state state;
	uint64_t start;
	uint64_t bytes;
	uint64_t next;
	uint64_t watched_start;
	uint64_t watched_bytes;
	uint64_t out_bytes;
	uint64_t left_bytes;
	uint32_t back_ppm;
	uint64_t out_ns;
	bool reviewed;
};

/**
 * struct ebb_cold - one search; its members may be read
 * @count, @parts: in the order of the trials
 * @tried: as many of them were tried, or found empty
 * @trials: so many of them are not judged yet
 * @refused: trials of which nothing went out, though it was in RAM
 * @out_bytes: what went out in all; @out_ns: when it did last
 * @reviewed_bytes, @back_bytes: of what was taken as cold, what was looked at again,
 *	and how much of that had come back
 */
struct ebb_cold {
	const struct ebb_cold_ops *ops;
	void *opaque;
	uint64_t random;
	uint32_t count;
	struct ebb_cold_part *parts;
	uint32_t tried;
	uint32_t trials;
	uint32_t refused;
	uint64_t out_bytes;
	uint64_t out_ns;
	uint64_t reviewed_bytes;
	uint64_t back_bytes;
};

/**
 * ebb_cold_begin - nothing is tried yet
 * @ranges: the memory
 * @ops, @opaque: outlive it
 * @seed: of the order and the places
 * @ret_cold: free with ebb_cold_end()
 *
 * Returns 0 or -ENOMEM.
 */
int ebb_cold_begin(const struct ebb_pages_range *ranges, uint32_t range_count,
		   const struct ebb_cold_ops *ops, void *opaque, uint64_t seed,
		   struct ebb_cold *ret_cold);

void ebb_cold_end(struct ebb_cold *cold);

/**
 * ebb_cold_try - page out a little of the next part
 * @most_bytes: no more than that, but a page
 * @ret_found_bytes: what of the part is still in RAM, and may be cold; 0: the part is
 *	empty, or nothing of it can be paged out
 *
 * Returns 1; 0: there is no part left; or -errno of the operations, but for those that
 * concern one part alone.
 */
int ebb_cold_try(struct ebb_cold *cold, uint64_t most_bytes, uint64_t now_ns,
		 uint64_t *ret_found_bytes);

/* What is on trial is told hot or cold. Returns 0 or -errno. */
int ebb_cold_judge(struct ebb_cold *cold);

/**
 * ebb_cold_take - page out a piece of what is coldest
 * @most_bytes: no more than that, but a page
 *
 * Returns 1; 0: there is none; or -errno.
 */
int ebb_cold_take(struct ebb_cold *cold, uint64_t most_bytes, uint64_t now_ns);

/* What was taken @age_ns ago or before is looked at again, once. Returns 0 or -errno. */
int ebb_cold_review(struct ebb_cold *cold, uint64_t now_ns, uint64_t age_ns);

/*
 * How much of @out_bytes is back now, be it of trials or of what was taken. Returns 0 or
 * -errno.
 */
int ebb_cold_count_back(struct ebb_cold *cold, uint64_t *ret_bytes);

#endif /* EBB_HOST_COLD_H */
