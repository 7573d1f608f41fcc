/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The cgroups that processes are in, and their limits. This room's own.
 *
 * Theory of operation
 * ===================
 *
 * The cgroups of a read are a table by path, relative to what is mounted: each is
 * read once, however many guests are below it. A cgroup is entered after the one
 * above it, so budgets are in order from top to bottom.
 *
 * The first of all cgroups has no limit. In a container it is not the first of all
 * that is mounted, and what is has the limit of the container.
 *
 * Cost. For a thousand guests, to read where each process is and that its cgroups
 * have no limit is nearly all of the cost, and the answer changes next to never. So
 * both are kept from read to read, for EBB_CGROUP_AGE_S to twice that: a limit that is
 * set for one running guest is seen so much later. What is read each time: cgroups of
 * the first level (machine.slice), those of a process that was not there before, and
 * those that have a limit.
 */
#ifndef EBB_HOST_BUDGET_CGROUP_H
#define EBB_HOST_BUDGET_CGROUP_H

#include <sys/types.h>

#include "host/budget/mounts.h"

enum {
	EBB_CGROUP_AGE_S = 60
};

struct ebb_budget_read;
struct ebb_cgroup;
struct ebb_place;

/**
 * struct ebb_cgroups - those of one read; zeroed at first
 * @read: that is under way; else NULL
 * @before: those of the read before, while one is under way
 * @mounted: else none are known
 * @slots: of indexes of items, by hash of the path
 * @places: of processes; by pid once the read has ended
 */
struct ebb_cgroups {
	struct ebb_budget_read *read;
	struct ebb_cgroups *before;
	uint64_t now_ns;
	bool mounted;
	struct ebb_cgroup_mount mount;
	uint32_t count;
	uint32_t capacity;
	struct ebb_cgroup *items;
	uint32_t *slots;
	uint32_t place_count;
	uint32_t place_room;
	struct ebb_place *places;
};

/*
 * Begins a read: finds where they are mounted, and enters those that count always.
 * @before is what an earlier read left, or zeroed.
 */
void ebb_cgroups_begin(struct ebb_cgroups *groups, struct ebb_cgroups *before,
		       struct ebb_budget_read *read, uint32_t process_count);

/* Ends it. What came before is freed, and @groups is for the next read. */
void ebb_cgroups_end(struct ebb_cgroups *groups);
void ebb_cgroups_free(struct ebb_cgroups *groups);

/**
 * ebb_cgroups_of_process - enter the cgroup of a process
 *
 * Returns 0; -EXDEV: it is in none, or in one that cannot be seen from here;
 * -ENOENT: it has ended, or no cgroups are mounted; -ENOMEM or -errno.
 */
int ebb_cgroups_of_process(struct ebb_cgroups *groups, pid_t pid,
			   uint32_t *ret_cgroup);

/*
 * The budgets of a cgroup and of those above it, the nearest first. Returns how
 * many there are, of which at most @max are written.
 */
uint32_t ebb_cgroups_budgets(const struct ebb_cgroups *groups, uint32_t cgroup,
			     uint32_t *ret_budgets, uint32_t max);

#endif /* EBB_HOST_BUDGET_CGROUP_H */
