/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ordinary memory of one NUMA node.
 *
 * What is available is computed as the kernel does for all nodes together
 * (si_mem_available(), mm/show_mem.c): free pages without those that are kept in
 * reserve, page cache and slabs that can be reclaimed, of each half or all but the
 * low watermark. The reserve of a zone is its largest lowmem reserve and its high
 * watermark (calculate_totalreserve_pages(), mm/page_alloc.c).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/u64.h"
#include "host/budget/read.h"
#include "host/budget/text.h"

#define NODE_PATH "/sys/devices/system/node"

/* Of zoneinfo, which grows with processors times zones. */
#define ZONEINFO_LINES_MAX 1000000

void ebb_budget_read_nodes(struct ebb_budget_read *read)
{
	char text[256];
	int r = ebb_text_read(text, sizeof(text), "%s" NODE_PATH "/has_memory",
			      read->reader->root);

	if (r == -ENOENT)
		r = ebb_text_read(text, sizeof(text), "%s" NODE_PATH "/online",
				  read->reader->root);
	/* A kernel without NUMA. */
	if (r == -ENOENT) {
		read->nodes = 1;
		return;
	}
	if (r > 0)
		r = ebb_text_nodes(text, &read->nodes);
	if (r < 0 || read->nodes == 0) {
		read->nodes = 0;
		ebb_budget_trouble(read,
				   NODE_PATH " cannot be read or understood "
					     "(%s): NUMA nodes are unknown",
				   strerror(r < 0 ? -r : EBADMSG));
	}
	read->list.nodes_online = (uint32_t)__builtin_popcountll(read->nodes);
}

/* A zone, as the lines of zoneinfo fill it. */
struct zone {
	unsigned int node;
	uint64_t low, high, managed, protection;
};

static void end_zone(struct ebb_zone_marks *marks, const struct zone *zone)
{
	uint64_t reserve = zone->protection + zone->high;

	if (zone->node >= EBB_BUDGET_NODES_MAX)
		return;
	marks[zone->node].known = true;
	marks[zone->node].low_pages += zone->low;
	marks[zone->node].reserve_pages += ebb_u64_min(reserve, zone->managed);
}

/* Bounded, so that no sum of zones wraps. */
static uint64_t bounded(unsigned long long pages)
{
	return ebb_u64_min(pages, UINT64_C(1) << 48);
}

/* "        protection: (0, 2934, 23981, 23981, 23981)" */
static uint64_t largest(const char *list)
{
	uint64_t most = 0;
	unsigned long long pages;

	for (; sscanf(list, " %llu", &pages) == 1; list++) {
		if (bounded(pages) > most)
			most = bounded(pages);
		list = strchr(list, ',');
		if (!list)
			break;
	}
	return most;
}

static void note_line(struct zone *zone, const char *line)
{
	unsigned long long pages;
	char word[32];

	if (sscanf(line, " %31s %llu", word, &pages) == 2) {
		if (strcmp(word, "low") == 0)
			zone->low = bounded(pages);
		else if (strcmp(word, "high") == 0)
			zone->high = bounded(pages);
		else if (strcmp(word, "managed") == 0)
			zone->managed = bounded(pages);
	} else if (sscanf(line, " %31s (", word) == 1 &&
		   strcmp(word, "protection:") == 0) {
		zone->protection = largest(strchr(line, '(') + 1);
	}
}

static int read_zones(struct ebb_budget_read *read)
{
	FILE *file ebb_auto_fclose = NULL;
	struct zone zone = { .node = EBB_BUDGET_NODES_MAX };
	char path[EBB_TEXT_PATH_BYTES], line[512];
	unsigned int node;

	if (snprintf(path, sizeof(path), "%s/proc/zoneinfo",
		     read->reader->root) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	file = fopen(path, "re");
	if (!file)
		return -errno;
	for (int i = 0;
	     i < ZONEINFO_LINES_MAX && fgets(line, sizeof(line), file); i++) {
		if (sscanf(line, "Node %u, zone", &node) == 1) {
			end_zone(read->marks, &zone);
			zone = (struct zone){ .node = node };
		} else {
			note_line(&zone, line);
		}
	}
	end_zone(read->marks, &zone);
	return 0;
}

/* What of so much that can be reclaimed is not taken into account. */
static uint64_t reclaimable(uint64_t bytes, uint64_t low_bytes)
{
	return bytes - ebb_u64_min(bytes / 2, low_bytes);
}

static int parse_node(const char *text, const struct ebb_zone_marks *marks,
		      struct ebb_budget *budget)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t total, free_bytes, active, inactive, slab, available;

	if (!marks->known || ebb_text_field(text, "MemTotal:", &total) < 0 ||
	    ebb_text_field(text, "MemFree:", &free_bytes) < 0 ||
	    ebb_text_field(text, "Active(file):", &active) < 0 ||
	    ebb_text_field(text, "Inactive(file):", &inactive) < 0)
		return -EBADMSG;
	/* Since 4.20 with other memory of the kernel's that can be reclaimed. */
	if (ebb_text_field(text, "KReclaimable:", &slab) < 0 &&
	    ebb_text_field(text, "SReclaimable:", &slab) < 0)
		return -EBADMSG;
	if (free_bytes > total || active > total || inactive > total ||
	    slab > total || total > UINT64_MAX / 8)
		return -EBADMSG;
	available = ebb_u64_minus(free_bytes +
					  reclaimable(active + inactive,
						      marks->low_pages * page) +
					  reclaimable(slab,
						      marks->low_pages * page),
				  marks->reserve_pages * page);
	budget->limit_bytes = total;
	available = ebb_u64_min(available, total);
	budget->available_bytes =
		available +
		ebb_u64_min(ebb_budget_swap_cache(text,
						  &ebb_budget_meminfo_names),
			    total - available);
	return 0;
}

/* Its pools of huge pages are not for others, as for the host. */
static uint64_t pool_bytes(const struct ebb_budget_read *read, uint32_t node)
{
	uint64_t bytes = 0, pages, all;

	for (uint32_t i = 0; i < read->list.count; i++) {
		const struct ebb_budget *pool = &read->list.budgets[i];

		if (pool->kind == EBB_BUDGET_POOL &&
		    ebb_text_read_number(
			    &pages,
			    "%s" NODE_PATH
			    "/node%u/hugepages/hugepages-%llukB/nr_hugepages",
			    read->reader->root, node,
			    (unsigned long long)(pool->page_bytes >> 10)) ==
			    0 &&
		    !__builtin_mul_overflow(pages, pool->page_bytes, &all) &&
		    all <= UINT64_MAX / 32)
			bytes += all;
	}
	return bytes;
}

uint32_t ebb_budget_add_node(struct ebb_budget_read *read, uint32_t node)
{
	struct ebb_budget budget = { .kind = EBB_BUDGET_NODE, .node = node };
	char text[EBB_TEXT_BYTES];
	int r = 0;

	snprintf(budget.name, sizeof(budget.name), "node %u", node);
	if (!read->zones_read)
		r = read_zones(read);
	read->zones_read = true;
	if (r == 0)
		r = ebb_text_read(text, sizeof(text),
				  "%s" NODE_PATH "/node%u/meminfo",
				  read->reader->root, node);
	if (r >= 0)
		r = parse_node(text, &read->marks[node], &budget);
	if (r < 0) {
		ebb_budget_trouble(read,
				   "/proc/zoneinfo or " NODE_PATH
				   "/node%u/meminfo cannot be read or "
				   "understood (%s): what node %u has is "
				   "unknown",
				   node, strerror(-r), node);
		return EBB_BUDGET_NONE;
	}
	budget.limit_bytes =
		ebb_u64_minus(budget.limit_bytes, pool_bytes(read, node));
	budget.fast_swap_bytes = read->list.swap.fast_free_bytes;
	ebb_budget_marks(budget.limit_bytes, &budget.low_bytes,
			 &budget.high_bytes);
	return ebb_budget_add(read, &budget);
}
