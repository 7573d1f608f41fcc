/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The zones of a node. The kernel's own iterators need next_zone(), which no
 * module gets: so NODE_DATA() is walked, here and nowhere else.
 */
#ifndef EBB_KMOD_ZONE_H
#define EBB_KMOD_ZONE_H

#include <linux/mmzone.h>
#include <linux/types.h>

#include "compat.h"
#include "protocol/limits.h"

/* @zone: of @node and with pages, number @index of them. */
#define for_each_node_zone(zone, node, index)                       \
	for ((index) = 0; (index) < MAX_NR_ZONES; (index)++)        \
		if (((zone) = &NODE_DATA(node)->node_zones[index]), \
		    !populated_zone(zone))                          \
			; /* do nothing */                          \
		else

/* What of @zone is free in blocks of EBB_LEASE_ORDER_MIN or more, in pages. */
static inline u64 zone_free_huge_pages(const struct zone *zone)
{
	u64 pages = 0;
	int order;

	for (order = EBB_LEASE_ORDER_MIN; order < EBB_ORDER_COUNT; order++)
		pages += (u64)READ_ONCE(zone->free_area[order].nr_free)
			 << order;
	return pages;
}

/* What the buddy allocator has of @node, in pages. */
static inline u64 node_managed_pages(int node)
{
	struct zone *zone;
	u64 pages = 0;
	int i;

	for_each_node_zone(zone, node, i)
		pages += zone_managed_pages(zone);
	return pages;
}

#endif /* EBB_KMOD_ZONE_H */
