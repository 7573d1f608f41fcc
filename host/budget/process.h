/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest's process in a read. This room's own. */
#ifndef EBB_HOST_BUDGET_PROCESS_H
#define EBB_HOST_BUDGET_PROCESS_H

#include "host/budget/cgroup.h"
#include "host/budget/read.h"

/*
 * Adds the budgets that it lies in and are not in the list yet, and writes its
 * results. The host and the pools are there.
 */
void ebb_budget_read_process(struct ebb_budget_read *read,
			     struct ebb_cgroups *groups,
			     struct ebb_budget_process *process);

#endif /* EBB_HOST_BUDGET_PROCESS_H */
