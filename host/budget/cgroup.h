/* SPDX-License-Identifier: GPL-2.0-only */
/* The cgroups that processes are in, and their limits. This room's own. */
#ifndef EBB_HOST_BUDGET_CGROUP_H
#define EBB_HOST_BUDGET_CGROUP_H

#include "host/budget/mounts.h"
#include "host/budget/read.h"

struct ebb_cgroup;

/**
 * struct ebb_cgroups - those of one read; zeroed at first
 * @mounted: else none are known
 * @slots: of indexes of items, by hash of the path
 */
struct ebb_cgroups {
	struct ebb_budget_read *read;
	bool mounted;
	struct ebb_cgroup_mount mount;
	uint32_t count;
	uint32_t capacity;
	struct ebb_cgroup *items;
	uint32_t *slots;
};

/* Finds where they are mounted. */
void ebb_cgroups_begin(struct ebb_cgroups *groups,
		       struct ebb_budget_read *read);
void ebb_cgroups_end(struct ebb_cgroups *groups);

/*
 * Reads the limits of a cgroup and of all above it, if they were not yet. @path is
 * below what is mounted. Returns its index or EBB_BUDGET_NONE.
 */
uint32_t ebb_cgroups_enter(struct ebb_cgroups *groups, const char *path);

/**
 * ebb_cgroups_of_process - enter the cgroup of a process
 * @process: its name in /proc
 *
 * Returns 0; -EXDEV: it is in none, or in one that cannot be seen from here;
 * -ENOENT: it has ended, or no cgroups are mounted; -ENOMEM or -errno.
 */
int ebb_cgroups_of_process(struct ebb_cgroups *groups, const char *process,
			   uint32_t *ret_cgroup);

/*
 * The budgets of a cgroup and of those above it, the nearest first. Returns how
 * many there are, of which at most @max are written.
 */
uint32_t ebb_cgroups_budgets(const struct ebb_cgroups *groups, uint32_t cgroup,
			     uint32_t *ret_budgets, uint32_t max);

#endif /* EBB_HOST_BUDGET_CGROUP_H */
