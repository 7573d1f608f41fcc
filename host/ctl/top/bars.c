/* SPDX-License-Identifier: GPL-2.0-only */
#include <config.h>

#include "host/ctl/top/bars.h"

enum {
	LEVELS = 8
};

static const struct {
	wchar_t utf8;
	wchar_t ascii;
	enum top_style style;
} looks[TOP_PART_COUNT] = {
	[TOP_PART_USED] = { L'\u2588', L'#', TOP_BAR_USED },
	[TOP_PART_FREE] = { L'\u2593', L'=', TOP_BAR_FREE },
	[TOP_PART_SWAPPED] = { L'\u2592', L's', TOP_BAR_SWAPPED },
	[TOP_PART_LENT] = { L'\u2591', L'-', TOP_BAR_LENT },
	[TOP_PART_REST] = { L'\u00b7', L'.', TOP_BAR_REST },
};

void top_curve_add(struct top_curve *curve, uint64_t value)
{
	curve->values[curve->count++ % TOP_SAMPLES] = value;
}

wchar_t top_part_char(const struct top_cells *cells, enum top_part part)
{
	return cells->utf8 ? looks[part].utf8 : looks[part].ascii;
}

enum top_style top_part_style(enum top_part part)
{
	return looks[part].style;
}

void top_bar_draw(struct top_cells *cells, int row, int column, int width,
		  const uint64_t parts[TOP_PART_COUNT])
{
	double total = 0, sum = 0;
	int at = 0;

	for (int part = 0; part < TOP_PART_COUNT; part++)
		total += (double)parts[part];
	if (total == 0)
		return;
	for (int part = 0; part < TOP_PART_COUNT; part++) {
		int end;

		sum += (double)parts[part];
		end = (int)(sum / total * width + 0.5);
		while (at < end)
			top_cells_put(
				cells, row, column + at++, looks[part].style,
				top_part_char(cells, (enum top_part)part));
	}
}

static wchar_t level_char(const struct top_cells *cells, uint64_t value,
			  uint64_t most)
{
	static const char ascii[LEVELS + 1] = "_.:-=+*#";
	int level = 0; /* nothing of nothing */

	if (value >= most && most > 0)
		level = LEVELS - 1;
	else if (most > 0)
		level = (int)((double)value / (double)most * LEVELS);
	return cells->utf8 ? L'\u2581' + level : (wchar_t)ascii[level];
}

void top_curve_draw(struct top_cells *cells, int row, int column, int width,
		    const struct top_curve *curve, uint64_t most)
{
	int drawn = width < TOP_SAMPLES ? width : TOP_SAMPLES;

	for (int back = 1; back <= drawn && (uint32_t)back <= curve->count;
	     back++) {
		uint64_t value = curve->values[(curve->count - (uint32_t)back) %
					       TOP_SAMPLES];

		if (value != TOP_UNKNOWN)
			top_cells_put(cells, row, column + width - back,
				      TOP_BAR_USED,
				      level_char(cells, value, most));
	}
}
