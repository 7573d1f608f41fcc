/* SPDX-License-Identifier: GPL-2.0-only */
/* The domains, a line each, and one for each NUMA node of those that have several. */
#ifndef EBB_HOST_CTL_TOP_TABLE_H
#define EBB_HOST_CTL_TOP_TABLE_H

#include "host/ctl/top/cells.h"
#include "host/ctl/top/view.h"

/* In @rows rows from @row on: headings, and what fits below them. */
void top_table_draw(struct top_view *view, struct top_cells *cells, int row,
		    int rows);

/* Lines of the whole table, without headings. */
uint32_t top_table_lines(const struct top_view *view);

#endif /* EBB_HOST_CTL_TOP_TABLE_H */
