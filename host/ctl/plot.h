/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Curves on a terminal, of characters alone: so they work over any connection.
 *
 * A row of a band has eight steps where the locale has the characters for it
 * (U+2581 to U+2588), and two where it has not. What is not known is a gap, and 0 is a
 * line at the bottom.
 */
#ifndef EBB_HOST_CTL_PLOT_H
#define EBB_HOST_CTL_PLOT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
	CTL_PLOT_LABEL = 16, /* columns before the curve */
	CTL_PLOT_WIDTH_MIN = 20,
	CTL_PLOT_WIDTH_MAX = 240,
};

/* Columns of a curve: what the terminal has, else what 80 columns leave. */
uint32_t ctl_plot_width(FILE *file);

/* Whether the locale has the characters. */
bool ctl_plot_has_blocks(void);

/**
 * struct ctl_plot_cell - one column
 * @known: else it is a gap
 */
struct ctl_plot_cell {
	bool known;
	uint64_t value;
};

/**
 * ctl_plot_band - a curve of @rows rows
 * @name: before the first row
 * @top: before it, too: what @max is
 * @max: the value of a full column; 0: all are at the bottom
 * @blocks: ctl_plot_has_blocks()
 */
void ctl_plot_band(FILE *file, const char *name, const char *top, uint64_t max,
		   const struct ctl_plot_cell *cells, uint32_t count,
		   uint32_t rows, bool blocks);

#endif /* EBB_HOST_CTL_PLOT_H */
