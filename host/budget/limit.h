/* SPDX-License-Identifier: GPL-2.0-only */
/* The memory limit of one cgroup. This room's own. */
#ifndef EBB_HOST_BUDGET_LIMIT_H
#define EBB_HOST_BUDGET_LIMIT_H

#include "host/budget/mounts.h"
#include "host/budget/read.h"

/**
 * ebb_limit_read - add the budget of a cgroup, if it has a limit
 * @path: below what is mounted; "" for that
 * @swap_bytes: fast swap of the budget above
 * @ret_budget: its index; EBB_BUDGET_NONE if there is none
 *
 * Returns 1; 0: it has no limit, or none under what the host has; -ENOENT: it is
 * gone; or -errno, which is told.
 */
int ebb_limit_read(struct ebb_budget_read *read,
		   const struct ebb_cgroup_mount *mount, const char *path,
		   uint64_t swap_bytes, uint32_t *ret_budget);

#endif /* EBB_HOST_BUDGET_LIMIT_H */
