/* SPDX-License-Identifier: GPL-2.0-only */
/* What is seen of top, as a picture. Pure. */
#ifndef EBB_HOST_CTL_TOP_DRAW_H
#define EBB_HOST_CTL_TOP_DRAW_H

#include "host/ctl/top/cells.h"
#include "host/ctl/top/view.h"

enum {
	/* What is smaller than that shows that it is too small. */
	TOP_ROWS_MIN = 8,
	TOP_COLUMNS_MIN = 36,
};

/* Fills @cells, which are blank. */
void top_draw(struct top_view *view, struct top_cells *cells);

/* So many rows show all domains of the table at once. */
int top_rows_wanted(const struct top_view *view);

#endif /* EBB_HOST_CTL_TOP_DRAW_H */
