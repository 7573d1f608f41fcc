/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Refaults that are not the guest's: those of cgroups at a limit of their own.
 *
 * Theory of operation
 * ===================
 *
 * The problem. A container at its memory limit reclaims from itself and needs
 * the pages again, thousands a second, while the guest has gigabytes free. The
 * kernel counts that in workingset_refault_* of /proc/vmstat, as it counts pages
 * that a free target took from somebody. One is nothing to the guest, the other
 * is a reason to give the target up.
 *
 * The rule. Refaults of a cgroup count as limited if it met a limit since the
 * last look (memory.events: high, max), or some seconds before, or if kswapd took of
 * it since: it takes pages of a container that thrashes, too, which then is under its
 * limit until it has read them again. But what is needed again because kswapd took
 * it does not count (taken.h). In cgroup2 both counts hold what lies
 * below, and what lay there until it was removed: what the children that are
 * left do not explain is that of children that are gone, as of a container that
 * is killed and made anew.
 *
 * cgroup v1 has memory.failcnt for it, and refaults since Linux 6.2; before that
 * all of the guest's count as limited while some cgroup is at its limit, which
 * leaves stalled allocations to tell of the guest's own need.
 *
 * A cgroup that never met a limit costs the reading of one small file. When one
 * meets its first limit, it is not known which of its refaults are older: no look
 * counts more than the whole guest had since the look before, and a little that a
 * cgroup's counters may be late.
 *
 * Two clocks. A container that thrashes needs a million pages in the time in which
 * a busy guest reads its counters, and they are not read at one moment. So the
 * guest's refaults are counted over a shorter time than those of its cgroups: from
 * the end of one reading of the cgroups to the start of the next. What remains is the
 * guest's own. Refaults while the cgroups are read count for nobody.
 */
#ifndef EBB_GUEST_LIMITED_H
#define EBB_GUEST_LIMITED_H

#include <stdint.h>

#include "guest/vmstat.h"

struct ebb_limited;

#define EBB_LIMITED_RECENT_US ((uint64_t)5 * 1000 * 1000)

/*
 * @root: as in sysfile.h, kept; @recent_us: for so long a cgroup that met a limit
 * counts as being at it. Returns 0 or -ENOMEM.
 */
int ebb_limited_new(const char *root, uint64_t recent_us,
		    struct ebb_limited **ret_limited);

/* NULL is fine. */
void ebb_limited_free(struct ebb_limited *limited);

/**
 * ebb_limited_look - refaults of cgroups at their limits, in pages
 *
 * Counts from the first look on and never goes back. At most 4096 cgroups are
 * seen. Without cgroups it stays 0.
 */
uint64_t ebb_limited_look(struct ebb_limited *limited);

/* The agent itself has so many pages reclaimed since the last look. */
void ebb_limited_note_reclaim(struct ebb_limited *limited, uint64_t pages);

/**
 * ebb_limited_read - the guest's counters, and what of them is limited
 * @ret_now: to be held against the @ret_next of the reading before
 * @ret_next: what the next reading is to be held against
 *
 * What is reclaimed (steal) is kswapd's part and the agent's own.
 *
 * Returns 0 or a negative errno.
 */
int ebb_limited_read(struct ebb_limited *limited, struct ebb_vmstat *ret_now,
		     struct ebb_vmstat *ret_next);

#endif /* EBB_GUEST_LIMITED_H */
