/* SPDX-License-Identifier: GPL-2.0-only */
#include <config.h>

#include "host/ctl/plot.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/cleanup.h"

enum {
	COLUMNS = 80,
	STEPS = 8, /* of one row */
};

static const char *const block_steps[STEPS + 1] = {
	" ",	  "\u2581", "\u2582", "\u2583", "\u2584",
	"\u2585", "\u2586", "\u2587", "\u2588",
};

static const char *const ascii_steps[STEPS + 1] = {
	" ", "_", "_", "_", "-", "-", "-", "#", "#",
};

static uint32_t columns_of(FILE *file)
{
	const char *text = getenv("COLUMNS");
	struct winsize size;
	long columns = text ? strtol(text, NULL, 10) : 0;

	if (ioctl(fileno(file), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return columns > 0 && columns < 10000 ? (uint32_t)columns : COLUMNS;
}

uint32_t ctl_plot_width(FILE *file)
{
	uint32_t columns = columns_of(file);

	if (columns < CTL_PLOT_LABEL + CTL_PLOT_WIDTH_MIN)
		return CTL_PLOT_WIDTH_MIN;
	if (columns > CTL_PLOT_LABEL + CTL_PLOT_WIDTH_MAX)
		return CTL_PLOT_WIDTH_MAX;
	return columns - CTL_PLOT_LABEL;
}

bool ctl_plot_has_blocks(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* How many of all steps of the band a column has; what is there has one. */
static uint64_t steps_of(const struct ctl_plot_cell *cell, uint64_t max,
			 uint32_t rows)
{
	double part = max > 0 ? (double)cell->value / (double)max : 0;
	double steps = part * STEPS * rows;

	if (!cell->known)
		return 0;
	if (steps < 1)
		return 1;
	return steps < STEPS * rows ? (uint64_t)(steps + 0.5) : STEPS * rows;
}

static void print_row(FILE *file, const struct ctl_plot_cell *cells,
		      uint32_t count, uint64_t max, uint32_t row, uint32_t rows,
		      const char *const *steps)
{
	uint32_t last = count;

	/* No blank at the end of a line. */
	while (last > 0 &&
	       steps_of(&cells[last - 1], max, rows) <= (uint64_t)STEPS * row)
		last--;
	for (uint32_t i = 0; i < last; i++) {
		uint64_t have = steps_of(&cells[i], max, rows);
		uint64_t below = (uint64_t)STEPS * row;

		have = have > below ? have - below : 0;
		fputs(steps[have < STEPS ? have : STEPS], file);
	}
	fputc('\n', file);
}

void ctl_plot_band(FILE *file, const char *name, const char *top, uint64_t max,
		   const struct ctl_plot_cell *cells, uint32_t count,
		   uint32_t rows, bool blocks)
{
	for (uint32_t row = rows; row-- > 0;) {
		const char *label = row + 1 == rows   ? name
				    : row + 2 == rows ? top
						      : "";

		fprintf(file, "%-*s|", CTL_PLOT_LABEL - 1, label);
		print_row(file, cells, count, max, row, rows,
			  blocks ? block_steps : ascii_steps);
	}
}
