/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Public knobs in place of the module: kswapd keeps more free, and kcompactd
 * more of it contiguous. And those that a target or a compaction needs beside it.
 *
 * Theory of operation
 * ===================
 *
 *   vm.watermark_scale_factor     the distance of a zone's HIGH from its MIN is
 *                                 twice this, in 1/10000 of the zone: raised
 *                                 until it reaches the target, at most to 3000
 *   vm.compaction_proactiveness   raised to 60
 *
 * With the module, too, while memory is compacted (compact.h):
 *
 *   vm.percpu_pagelist_high_fraction   raised, which makes the lists of free
 *                                 pages that each CPU keeps to itself short
 *
 * And while any target is in force that may not swap (swap.h):
 *
 *   vm.swappiness                 lowered to 1
 *
 * None is ever turned against its direction from what was there, each is used
 * only where the kernel has it. min_free_kbytes is never touched: it makes allocations stall.
 *
 * The invariant: *a knob that somebody else turned is not ours.* What was there
 * and what we write is saved in a file before it is written, so that it is put
 * back by whoever comes next: on a target of nothing, at the end of a lease, on
 * exit, when the module comes, or at the next start if the agent was killed.
 * And it is put back only if the knob still holds what we wrote.
 *
 * The file has one line for each knob that was changed:
 *
 *   NAME ORIGINAL WRITTEN PREVIOUS
 *
 * with what is about to be or was written last, and what was written before
 * that: after a kill between the file and the knob, it holds either.
 */
#ifndef EBB_GUEST_KNOBS_H
#define EBB_GUEST_KNOBS_H

#include <stdbool.h>
#include <stdint.h>

struct ebb_knobs;

/**
 * ebb_knobs_new - take over what was left by one that was killed
 * @root: as in sysfile.h, kept
 * @state_dir: directory of the state file, kept; made (0700) when it is needed
 *
 * Returns 0 or -ENOMEM. Knobs that cannot be put back are left as they are.
 */
int ebb_knobs_new(const char *root, const char *state_dir,
		  struct ebb_knobs **ret_knobs);

/* Puts all back. NULL is fine. */
void ebb_knobs_free(struct ebb_knobs *knobs);

/**
 * ebb_knobs_raise - turn the knobs for a target
 * @target_bytes: to be kept free, more than 0
 * @total_bytes: MemTotal
 *
 * Returns 0, -ENOENT (this kernel has none of them), or -errno of the state
 * file, without which nothing is changed.
 */
int ebb_knobs_raise(struct ebb_knobs *knobs, uint64_t target_bytes,
		    uint64_t total_bytes);

/* Puts all of that back that still holds what we wrote. */
void ebb_knobs_restore(struct ebb_knobs *knobs);

/*
 * The lists of the CPUs, short and as they were. Nothing happens where the
 * kernel has no such knob (before Linux 5.14).
 */
void ebb_knobs_shorten_lists(struct ebb_knobs *knobs);
void ebb_knobs_restore_lists(struct ebb_knobs *knobs);

/* kswapd leaves anonymous memory alone while there is page cache. */
void ebb_knobs_spare_anonymous(struct ebb_knobs *knobs);
void ebb_knobs_restore_swappiness(struct ebb_knobs *knobs);

#endif /* EBB_GUEST_KNOBS_H */
