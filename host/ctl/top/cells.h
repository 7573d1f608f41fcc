/* SPDX-License-Identifier: GPL-2.0-only */
/* A picture of a terminal: rows of cells. Pure; terminal.h shows it. */
#ifndef EBB_HOST_CTL_TOP_CELLS_H
#define EBB_HOST_CTL_TOP_CELLS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <wchar.h>

/* How a cell looks; terminal.c has the colours. */
enum top_style {
	TOP_PLAIN,
	TOP_DIM,
	TOP_BOLD,
	TOP_HEADING,
	TOP_GOOD,
	TOP_WARNING,
	TOP_BAD,
	/* Of a bar, by what the memory is; these and no others come from here on. */
	TOP_BAR_USED,
	TOP_BAR_FREE,
	TOP_BAR_SWAPPED,
	TOP_BAR_LENT,
	TOP_BAR_REST,
	TOP_STYLE_COUNT
};

/**
 * struct top_cell
 * @c: 0: the right half of the character before it
 */
struct top_cell {
	wchar_t c;
	uint8_t style;
	bool selected;
};

/**
 * struct top_cells - zeroed is an empty one
 * @utf8: characters beyond ASCII may be drawn
 */
struct top_cells {
	int rows;
	int columns;
	bool utf8;
	struct top_cell *cells;
};

/* Makes it this large and blank. Returns 0 or -ENOMEM, and is empty then. */
int top_cells_resize(struct top_cells *cells, int rows, int columns);
void top_cells_clear(struct top_cells *cells);

/* What lies outside is left out. */
void top_cells_put(struct top_cells *cells, int row, int column,
		   enum top_style style, wchar_t c);

/**
 * top_cells_text - a text in at most @width columns
 *
 * One that is longer ends with a mark. What could steer a terminal becomes '?'.
 * Returns the columns that it took.
 */
int top_cells_text(struct top_cells *cells, int row, int column, int width,
		   enum top_style style, const char *text);
int top_cells_printf(struct top_cells *cells, int row, int column, int width,
		     enum top_style style, const char *format, ...)
	__attribute__((__format__(__printf__, 6, 7)));

/* top_cells_text() that ends in column @column + @width - 1. */
void top_cells_right(struct top_cells *cells, int row, int column, int width,
		     enum top_style style, const char *text);

/* Shows a whole row as the selected one. */
void top_cells_select(struct top_cells *cells, int row);

/* As plain text, without blanks at the ends of lines, and one empty line for several. */
void top_cells_print(const struct top_cells *cells, FILE *file);

#endif /* EBB_HOST_CTL_TOP_CELLS_H */
