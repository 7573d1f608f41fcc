/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How much memory the guest's programs need, as it seems.
 *
 * Theory of operation
 * ===================
 *
 * Two sources. Both count what is in use and was not idle for a while:
 *
 *   mglru     The multi-generational LRU tells by generation when it was begun.
 *             A page was last seen in use between the birth of its generation
 *             and that of the next younger one. So a generation is idle if the
 *             next one is older than a minute; of the youngest nothing is
 *             known. Working set: all that is used, less what is idle.
 *
 *   refault   Else: what is neither free nor can be freed at once (inactive
 *             file pages, slabs that can shrink), and what was needed again
 *             soon after it had gone in the last minute or two, at most the
 *             file cache. MemAvailable would be shorter, but it falls when the
 *             watermarks are raised for the target that is made of it.
 *
 * An automatic target leaves the working set, an eighth of it and 64 MiB.
 */
#ifndef EBB_GUEST_WORKINGSET_H
#define EBB_GUEST_WORKINGSET_H

#include <stdint.h>
#include <stdio.h>

#include "guest/meminfo.h"
#include "protocol/message.h"

#define EBB_WORKINGSET_IDLE_MS 60000

/* Refaults by windows of a minute: a look just after another finds some, too. */
struct ebb_workingset {
	uint64_t window_us; /* when this one began, CLOCK_MONOTONIC; 0: never */
	uint64_t window_refault; /* counter then, in pages */
	uint64_t last_pages; /* refaults of the window before */
};

/**
 * ebb_workingset_idle_pages - pages in idle generations
 * @file: as debugfs' lru_gen; lines that are not understood are skipped
 *
 * Reads at most 64 Ki lines; what comes after counts as not idle.
 */
uint64_t ebb_workingset_idle_pages(FILE *file);

/**
 * ebb_workingset_refault_bytes - the working set without MGLRU
 * @refault_pages: of the last minute or two
 */
uint64_t ebb_workingset_refault_bytes(const struct ebb_msg_facts *facts,
				      const struct ebb_meminfo *meminfo,
				      uint64_t refault_pages);

/**
 * ebb_workingset_look - estimate now
 * @root: as in sysfile.h
 * @limited_pages: refaults that do not count (limited.h), since boot
 * @facts: as read; its working_set_ fields are filled in
 */
void ebb_workingset_look(struct ebb_workingset *workingset, const char *root,
			 uint64_t now_us, uint64_t limited_pages,
			 struct ebb_msg_facts *facts);

/* What an automatic target asks for; 0 if the working set is not known. */
uint64_t ebb_workingset_target_bytes(const struct ebb_msg_facts *facts);

#endif /* EBB_GUEST_WORKINGSET_H */
