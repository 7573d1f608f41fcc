/* SPDX-License-Identifier: GPL-2.0-only */
/* The pages of text: all that is known of the selected domain, and the help. */
#ifndef EBB_HOST_CTL_TOP_DETAILS_H
#define EBB_HOST_CTL_TOP_DETAILS_H

#include "host/ctl/top/cells.h"
#include "host/ctl/top/view.h"

/* In @rows rows from @row on; @view->scroll ends at the end of the text. */
void top_details_draw(struct top_view *view, struct top_cells *cells, int row,
		      int rows);
void top_help_draw(struct top_view *view, struct top_cells *cells, int row,
		   int rows);

#endif /* EBB_HOST_CTL_TOP_DETAILS_H */
