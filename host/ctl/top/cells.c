/* SPDX-License-Identifier: GPL-2.0-only */
#include <config.h>

#include "host/ctl/top/cells.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "host/ctl/text.h"

enum {
	PRINTED_BYTES = 1024
};

int top_cells_resize(struct top_cells *cells, int rows, int columns)
{
	size_t count = (size_t)rows * (size_t)columns;
	struct top_cell *fresh =
		realloc(cells->cells, (count ? count : 1) * sizeof(*fresh));

	if (!fresh) {
		top_cells_clear(cells);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++)
		fresh[i] = (struct top_cell){ .c = L' ' };
	cells->cells = fresh;
	cells->rows = rows;
	cells->columns = columns;
	return 0;
}

void top_cells_clear(struct top_cells *cells)
{
	free(cells->cells);
	cells->cells = NULL;
	cells->rows = 0;
	cells->columns = 0;
}

static struct top_cell *find_cell(const struct top_cells *cells, int row,
				  int column)
{
	if (row < 0 || row >= cells->rows || column < 0 ||
	    column >= cells->columns)
		return NULL;
	return &cells->cells[(size_t)row * (size_t)cells->columns +
			     (size_t)column];
}

void top_cells_put(struct top_cells *cells, int row, int column,
		   enum top_style style, wchar_t c)
{
	struct top_cell *cell = find_cell(cells, row, column);

	if (!cell)
		return;
	cell->c = c;
	cell->style = (uint8_t)style;
}

/* One character. Returns its columns, -1 if they are more than @width. */
static int put_char(struct top_cells *cells, int row, int column, int width,
		    enum top_style style, wchar_t c)
{
	int columns = c ? wcwidth(c) : -1;

	if (columns < 0) {
		c = L'?';
		columns = 1;
	}
	if (columns > width)
		return -1;
	if (columns >= 1)
		top_cells_put(cells, row, column, style, c);
	if (columns == 2)
		top_cells_put(cells, row, column + 1, style, 0);
	return columns;
}

int top_cells_text(struct top_cells *cells, int row, int column, int width,
		   enum top_style style, const char *text)
{
	int used = 0;

	if (width > cells->columns - column)
		width = cells->columns - column;
	if (width <= 0 || column < 0 || row < 0 || row >= cells->rows)
		return 0;
	while (*text) {
		wchar_t c;
		size_t bytes = ctl_next_char(text, &c);
		int columns = put_char(cells, row, column + used, width - used,
				       style, c);

		if (columns < 0) {
			/* The mark may fall on the half of a wide one. */
			if (used == width &&
			    !find_cell(cells, row, column + width - 1)->c)
				top_cells_put(cells, row, column + width - 2,
					      style, L' ');
			top_cells_put(cells, row, column + width - 1, style,
				      cells->utf8 ? L'\u2026' : L'~');
			return width;
		}
		used += columns;
		text += bytes;
	}
	return used;
}

int top_cells_printf(struct top_cells *cells, int row, int column, int width,
		     enum top_style style, const char *format, ...)
{
	char text[PRINTED_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return top_cells_text(cells, row, column, width, style, text);
}

void top_cells_right(struct top_cells *cells, int row, int column, int width,
		     enum top_style style, const char *text)
{
	int taken = ctl_text_width(text);

	if (taken > width)
		taken = width;
	top_cells_text(cells, row, column + width - taken, taken, style, text);
}

void top_cells_select(struct top_cells *cells, int row)
{
	for (int column = 0; column < cells->columns; column++) {
		struct top_cell *cell = find_cell(cells, row, column);

		if (cell)
			cell->selected = true;
	}
}

static int line_length(const struct top_cells *cells, int row)
{
	int length = cells->columns;

	while (length > 0 && find_cell(cells, row, length - 1)->c == L' ')
		length--;
	return length;
}

void top_cells_print(const struct top_cells *cells, FILE *file)
{
	int before = 0;

	for (int row = 0; row < cells->rows; row++) {
		int length = line_length(cells, row);

		if (length == 0 && before == 0)
			continue;
		before = length;
		for (int column = 0; column < length; column++) {
			wchar_t c = find_cell(cells, row, column)->c;

			if (c)
				fprintf(file, "%lc", (wint_t)c);
		}
		fputc('\n', file);
	}
}
