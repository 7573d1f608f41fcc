/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /proc/vmstat: whether the guest is short of memory, or is only driven.
 *
 * The kernel counts kswapd's own reclaim as a memory stall (balance_pgdat()
 * calls psi_memstall_enter()), so a free target that is being reached looks
 * like pressure to PSI. Two counters tell them apart: an allocation that had to
 * reclaim memory itself (allocstall_*) waited, whoever drove kswapd; and pages
 * that come back soon after they went (workingset_refault_*) were in use.
 *
 * But pages also come back after a target was lowered, from free memory and at
 * nobody's cost. So refaults count only while memory is being reclaimed
 * (pgsteal_kswapd, and what the agent reclaims): else each cut would be punished for
 * what the one before it let the guest have back, down to nothing.
 *
 * A cgroup at a limit of its own is not the guest. The kernel counts its kills
 * (oom_kill) and its refaults (limited.h), but not its reclaim: allocstall_* and
 * pgsteal_kswapd are of the whole system. So a kill counts only where allocations
 * stalled, as they always do before the kernel kills for want of memory.
 */
#ifndef EBB_GUEST_VMSTAT_H
#define EBB_GUEST_VMSTAT_H

#include <stdint.h>

#include "guest/backoff.h"

/**
 * struct ebb_vmstat - counters since boot
 * @allocstall: allocations that reclaimed memory themselves, all zones
 * @refault: pages that were needed again, anonymous and of files
 * @limited: of @refault, those of cgroups at their limits; not read from here
 * @steal: pages that kswapd reclaimed
 * @oom_kill: processes that were killed for memory, the guest's or a cgroup's
 */
struct ebb_vmstat {
	uint64_t allocstall;
	uint64_t refault;
	uint64_t limited;
	uint64_t steal;
	uint64_t oom_kill;
};

/* A counter that the kernel does not have is 0. Returns 0 or -errno. */
int ebb_vmstat_read(const char *proc_dir, struct ebb_vmstat *ret_vmstat);

/**
 * ebb_vmstat_stalled - whether an allocation waited, or worse
 *
 * Counters that went back (a restored guest) tell nothing. Returns
 * EBB_BACKOFF_OOM, EBB_BACKOFF_ALLOCSTALL or EBB_BACKOFF_NONE.
 */
enum ebb_backoff_reason ebb_vmstat_stalled(const struct ebb_vmstat *before,
					   const struct ebb_vmstat *now);

/**
 * ebb_vmstat_judge - whether a sign of pressure is the guest's own
 * @before: some seconds ago
 * @total_bytes: MemTotal: refaults count from 8 MiB or 1/256 of it, the larger,
 *	and if at least a quarter as much was reclaimed
 *
 * Returns as ebb_vmstat_stalled(), or EBB_BACKOFF_PRESSURE for refaults.
 */
enum ebb_backoff_reason ebb_vmstat_judge(const struct ebb_vmstat *before,
					 const struct ebb_vmstat *now,
					 uint64_t total_bytes);

#endif /* EBB_GUEST_VMSTAT_H */
