/* SPDX-License-Identifier: GPL-2.0-only */
/* Bars and curves of cells. Pure. */
#ifndef EBB_HOST_CTL_TOP_BARS_H
#define EBB_HOST_CTL_TOP_BARS_H

#include "host/ctl/top/cells.h"

/* A number that is not known. */
#define TOP_UNKNOWN UINT64_MAX

enum {
	/* More than the widest curve has columns. */
	TOP_SAMPLES = 120
};

/* What a bar is made of, from left to right. */
enum top_part {
	TOP_PART_USED, /* resident, and not free in the guest */
	TOP_PART_FREE, /* resident, and free in the guest */
	TOP_PART_SWAPPED,
	TOP_PART_LENT,
	TOP_PART_REST,
	TOP_PART_COUNT
};

/* The last values, one for each reading. Zeroed is an empty one. */
struct top_curve {
	uint32_t count; /* ever */
	uint64_t values[TOP_SAMPLES]; /* or TOP_UNKNOWN */
};

void top_curve_add(struct top_curve *curve, uint64_t value);

/* @parts: bytes of each; a bar of @width columns stands for their sum. */
void top_bar_draw(struct top_cells *cells, int row, int column, int width,
		  const uint64_t parts[TOP_PART_COUNT]);

/* The character of a part, for a legend. */
wchar_t top_part_char(const struct top_cells *cells, enum top_part part);
enum top_style top_part_style(enum top_part part);

/* The last @width values, the newest at the right; @most fills a cell. */
void top_curve_draw(struct top_cells *cells, int row, int column, int width,
		    const struct top_curve *curve, uint64_t most);

#endif /* EBB_HOST_CTL_TOP_BARS_H */
