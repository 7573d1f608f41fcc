/* SPDX-License-Identifier: GPL-2.0-only */
/* One read of all budgets, as its parts share it. This room's own. */
#ifndef EBB_HOST_BUDGET_READ_H
#define EBB_HOST_BUDGET_READ_H

#include "host/budget/bound.h"
#include "host/budget/budget.h"
#include "host/budget/cgroup.h"

#define EBB_BUDGET_NONE UINT32_MAX

/**
 * struct ebb_budget_reader - what is kept from read to read
 * @root: before /proc and /sys
 * @told: hashes of the troubles that were told; one more is not told when it is full
 * @bounds: which nodes the processes are bound to
 * @groups: the cgroups as the last read found them
 */
struct ebb_budget_reader {
	char *root;
	uint32_t told_count;
	uint64_t told[64];
	struct ebb_bounds bounds;
	struct ebb_cgroups groups;
};

/* What the zones of a node keep back. */
struct ebb_zone_marks {
	bool known;
	uint64_t low_pages;
	uint64_t reserve_pages;
};

/**
 * struct ebb_budget_read - one read
 * @memory_bytes: MemTotal of the host; 0 if it is not known
 * @nodes: NUMA nodes that have memory, a bit for each; 0 if they are not known
 * @marks: of the nodes, once they were read
 */
struct ebb_budget_read {
	struct ebb_budget_reader *reader;
	struct ebb_budget_list list;
	uint64_t memory_bytes;
	uint64_t nodes;
	bool zones_read;
	struct ebb_zone_marks marks[EBB_BUDGET_NODES_MAX];
};

/*
 * Adds a budget, whose dir is the list's from here on. Returns its index,
 * EBB_BUDGET_NONE if there is no room for it or no memory.
 */
uint32_t ebb_budget_add(struct ebb_budget_read *read,
			const struct ebb_budget *budget);

/* Of EBB_BUDGET_NODE, EBB_BUDGET_POOL and such; EBB_BUDGET_NONE: not there. */
uint32_t ebb_budget_find(const struct ebb_budget_list *list,
			 enum ebb_budget_kind kind, uint32_t node,
			 uint64_t page_bytes);

/* Notes a trouble, if it was never told. */
void ebb_budget_trouble(struct ebb_budget_read *read, const char *format, ...)
	__attribute__((__format__(__printf__, 2, 3)));

/* Cgroups need no more than their guests can take, see budget.h. */
void ebb_budget_bound_marks(struct ebb_budget_list *list,
			    const struct ebb_budget_process *processes,
			    uint32_t process_count);

/* Where a text of the kernel's has what ebb_budget_swap_cache() needs. */
struct ebb_budget_anon_names {
	const char *active, *inactive, *mapped, *shared, *cached, *writing;
};

/* Of /proc/meminfo and that of a node. */
extern const struct ebb_budget_anon_names ebb_budget_meminfo_names;

/*
 * What is in swap, and still in RAM only because nobody wanted memory since it was paged
 * out: the kernel takes it before all else, and MemAvailable and usage do not know. It is
 * what of the lists of anonymous pages is neither mapped nor shared memory, without what is
 * still being written. 0 if the text does not say.
 */
uint64_t ebb_budget_swap_cache(const char *text,
			       const struct ebb_budget_anon_names *names);

/* In this order: each adds what it finds. */
void ebb_budget_read_swap(struct ebb_budget_read *read);
void ebb_budget_read_host(struct ebb_budget_read *read,
			  uint64_t promised_bytes);
void ebb_budget_read_pools(struct ebb_budget_read *read);
void ebb_budget_read_nodes(struct ebb_budget_read *read);

/* Adds the budget of a node. Returns its index or EBB_BUDGET_NONE. */
uint32_t ebb_budget_add_node(struct ebb_budget_read *read, uint32_t node);
uint32_t ebb_budget_add_node_pool(struct ebb_budget_read *read, uint32_t node,
				  uint64_t page_bytes);

#endif /* EBB_HOST_BUDGET_READ_H */
