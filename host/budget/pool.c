/* SPDX-License-Identifier: GPL-2.0-only */
/* Pools of huge pages, of all nodes and of one. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "common/u64.h"
#include "host/budget/read.h"
#include "host/budget/text.h"
#include "host/memory/hugepool.h"

enum {
	/* The kernel has at most so many sizes (HUGE_MAX_HSTATE), with room. */
	SIZES_MAX = 16
};

/* So that no sum or product of counters wraps. */
static bool is_count(uint64_t pages, uint64_t page_bytes)
{
	return pages <= UINT64_MAX / 4 / page_bytes;
}

static bool makes_sense(const struct ebb_hugepool *pool, uint64_t pages)
{
	return is_count(pages, pool->page_bytes) &&
	       is_count(pool->overcommit_pages, pool->page_bytes) &&
	       is_count(pool->surplus_pages, pool->page_bytes) &&
	       pool->free_pages <= pages;
}

static void name_pool(struct ebb_budget *budget)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	unsigned long long size = budget->page_bytes / EBB_KIB;
	size_t unit = 0;
	int used;

	while (size % 1024 == 0 && unit + 1 < EBB_ARRAY_SIZE(units)) {
		size /= 1024;
		unit++;
	}
	used = snprintf(budget->name, sizeof(budget->name), "%llu %s pages",
			size, units[unit]);
	if (budget->kind == EBB_BUDGET_POOL_NODE)
		snprintf(budget->name + used,
			 sizeof(budget->name) - (size_t)used, " of node %u",
			 budget->node);
}

static void read_pool(struct ebb_budget_read *read, const char *dir,
		      uint64_t page_bytes)
{
	struct ebb_budget budget = { .kind = EBB_BUDGET_POOL,
				     .page_bytes = page_bytes };
	struct ebb_hugepool pool;
	uint64_t pages = 0;
	int r = ebb_hugepool_read(dir, page_bytes, &pool);

	if (r == 0)
		r = ebb_text_read_number(
			&pages, "%s/hugepages-%llukB/nr_hugepages", dir,
			(unsigned long long)(page_bytes >> 10));
	name_pool(&budget);
	if (r < 0 || !makes_sense(&pool, pages)) {
		ebb_budget_trouble(read,
				   "the pool of %s in %s cannot be read or "
				   "understood (%s): what it has is unknown",
				   budget.name, dir,
				   strerror(r < 0 ? -r : EBADMSG));
		return;
	}
	/* Surplus pages are among the pages, and of what it may grow by. */
	budget.limit_bytes = (pages + ebb_u64_minus(pool.overcommit_pages,
						    pool.surplus_pages)) *
			     page_bytes;
	budget.available_bytes = ebb_hugepool_available_bytes(&pool);
	if (budget.limit_bytes > 0)
		ebb_budget_add(read, &budget);
}

void ebb_budget_read_pools(struct ebb_budget_read *read)
{
	DIR *dir ebb_auto_closedir = NULL;
	char path[EBB_TEXT_PATH_BYTES];
	struct dirent *entry;
	int count = 0;

	if (snprintf(path, sizeof(path), "%s" EBB_HUGEPOOL_ROOT,
		     read->reader->root) >= (int)sizeof(path))
		return;
	dir = opendir(path);
	if (!dir && errno != ENOENT)
		ebb_budget_trouble(read,
				   "%s cannot be read (%s): pools of huge "
				   "pages are unknown",
				   path, strerror(errno));
	while (dir && count < SIZES_MAX && (entry = readdir(dir))) {
		unsigned long long kib;

		if (sscanf(entry->d_name, "hugepages-%llukB", &kib) != 1 ||
		    kib == 0 || kib > EBB_GIB)
			continue;
		count++;
		read_pool(read, path, kib * EBB_KIB);
	}
}

uint32_t ebb_budget_add_node_pool(struct ebb_budget_read *read, uint32_t node,
				  uint64_t page_bytes)
{
	struct ebb_budget budget = { .kind = EBB_BUDGET_POOL_NODE,
				     .node = node,
				     .page_bytes = page_bytes };
	uint32_t whole =
		ebb_budget_find(&read->list, EBB_BUDGET_POOL, 0, page_bytes);
	uint64_t pages, free_pages;
	char dir[EBB_TEXT_PATH_BYTES];

	if (whole == EBB_BUDGET_NONE)
		return EBB_BUDGET_NONE;
	name_pool(&budget);
	snprintf(dir, sizeof(dir),
		 "%s/sys/devices/system/node/node%u/hugepages/hugepages-%llukB",
		 read->reader->root, node,
		 (unsigned long long)(page_bytes >> 10));
	if (ebb_text_read_number(&pages, "%s/nr_hugepages", dir) < 0 ||
	    ebb_text_read_number(&free_pages, "%s/free_hugepages", dir) < 0 ||
	    !is_count(pages, page_bytes) || free_pages > pages) {
		ebb_budget_trouble(read,
				   "the pool of %s cannot be read or "
				   "understood: what it has is unknown",
				   budget.name);
		return EBB_BUDGET_NONE;
	}
	budget.limit_bytes = pages * page_bytes;
	/* Reservations count over all nodes: they may fall on this one. */
	budget.available_bytes =
		ebb_u64_min(free_pages * page_bytes,
			    read->list.budgets[whole].available_bytes);
	return ebb_budget_add(read, &budget);
}
