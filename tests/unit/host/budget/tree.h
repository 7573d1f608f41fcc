/* SPDX-License-Identifier: GPL-2.0-only */
/* Trees of /proc and /sys for tests of the budgets, in the fake root. */
#ifndef EBB_TESTS_UNIT_HOST_BUDGET_TREE_H
#define EBB_TESTS_UNIT_HOST_BUDGET_TREE_H

#include "host/budget/budget.h"

#define TREE_V2 "/sys/fs/cgroup"
#define TREE_V1 "/sys/fs/cgroup/memory"

/* For cmocka: a host of 16 GiB, 4 GiB of it available, with cgroups of version 2. */
int tree_make(void **state);
int tree_remove(void **state);

/* After all tests of a group. */
int tree_end(void **state);

/* Lines of mountinfo, beside those of every host. */
void tree_mounts(const char *lines);

/* A file whose name is a format. */
void tree_write(const char *text, const char *format, ...)
	__attribute__((__format__(__printf__, 2, 3)));

/* A cgroup with a limit; of version 2 without a memory.high. */
void tree_limit(const char *dir, bool v1, unsigned long long limit,
		unsigned long long usage, unsigned long long inactive);

/*
 * Looks at the nodes that memory is bound to, until no more than @left jobs are under
 * way. Returns how many there were.
 */
uint32_t tree_look(struct ebb_budget_reader *reader, uint32_t left);

/* One read by a reader of its own; a second if its looks found something. */
struct ebb_budget_list tree_read(struct ebb_budget_process *processes,
				 uint32_t count);

/* The budget of a name; the test fails if there is none. */
const struct ebb_budget *tree_find(const struct ebb_budget_list *list,
				   const char *name);
bool tree_has(const struct ebb_budget_list *list, const char *name);

/* The part of a process that lies in the budget; 0 if none does. */
double tree_part(const struct ebb_budget_list *list,
		 const struct ebb_budget_process *process, const char *name);

#endif /* EBB_TESTS_UNIT_HOST_BUDGET_TREE_H */
