/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From top to bottom: a title, the host, what went wrong, the table or a page of text,
 * the last decisions, and the keys. What is small gives the table the most of it.
 */
#include <config.h>

#include "host/ctl/top/draw.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "common/size.h"
#include "host/ctl/text.h"
#include "host/ctl/top/details.h"
#include "host/ctl/top/size.h"
#include "host/ctl/top/table.h"

enum {
	BUDGET_NAME_COLUMNS = 14,
	BAR_COLUMNS = 20,
	/* A terminal of so many rows shows one decision, or one budget, more. */
	ROWS_A_DECISION = 8,
	ROWS_A_BUDGET = 12,
	DECISIONS_MAX = 12,
	/* Of a picture that is not for a screen. */
	ROWS_BESIDE_TABLE = 16,
};

/* ---- a line that is put together from left to right ---- */

struct line {
	struct top_cells *cells;
	int row;
	int at;
};

static void __attribute__((__format__(__printf__, 3, 4)))
add(struct line *line, enum top_style style, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	line->at += top_cells_text(line->cells, line->row, line->at,
				   line->cells->columns - line->at, style,
				   text);
}

/* ---- the head ---- */

static void draw_title(const struct top_view *view, struct top_cells *cells,
		       int row)
{
	const struct top_model *model = &view->model;
	struct line line = { cells, row, 0 };

	add(&line, TOP_HEADING, "ebbctl top");
	if (*view->host_name)
		add(&line, TOP_BOLD, "  %s", view->host_name);
	if (*model->filter)
		add(&line, TOP_WARNING, "  %u of %u domains with '%s'",
		    model->shown, model->count, model->filter);
	else
		add(&line, TOP_PLAIN, "  %u domain%s", model->count,
		    model->count == 1 ? "" : "s");
	if (view->paused)
		add(&line, TOP_WARNING, "  paused");
	else if (!view->once)
		add(&line, TOP_DIM, "  every %g s",
		    (double)view->interval_ms / 1000);
	top_cells_right(cells, row, line.at + 1, cells->columns - line.at - 1,
			TOP_DIM, view->clock);
}

static enum top_style budget_style(const struct ebb_explain_budget *budget)
{
	if (budget->emergency)
		return TOP_BAD;
	return budget->in_need || !budget->covered ? TOP_WARNING : TOP_GOOD;
}

static void add_need(struct line *line, const struct ebb_explain_budget *budget)
{
	enum top_style style = budget_style(budget);

	if (budget->in_need || budget->emergency)
		add(line, style, "%s, needs %s",
		    budget->emergency ? "emergency" : "in need",
		    EBB_SIZE(budget->need_bytes));
	else
		add(line, TOP_GOOD, "no need");
}

/* "cover 4.0 GiB for the largest debt, 2.1 GiB" */
static void add_cover(struct line *line,
		      const struct ebb_explain_budget *budget)
{
	add(line, budget->covered ? TOP_PLAIN : TOP_WARNING,
	    "cover %s for %s, %s%s", EBB_SIZE(budget->cover_bytes),
	    budget->cover_guests > 1 ? "the largest debts" : "the largest debt",
	    EBB_SIZE(budget->debt_bytes),
	    budget->covered	    ? ""
	    : budget->unknown_debts ? " and what is not known"
				    : ": too little");
}

/* There is room for that of each budget behind it. */
static bool shows_covers(const struct top_cells *cells)
{
	return cells->columns >= 120;
}

static void draw_budget(const struct ebb_explain_budget *budget,
			struct top_cells *cells, int row)
{
	uint64_t free_bytes = budget->available_bytes < budget->limit_bytes
				      ? budget->available_bytes
				      : budget->limit_bytes;
	uint64_t parts[TOP_PART_COUNT] = {
		[TOP_PART_USED] = budget->limit_bytes - free_bytes,
		[TOP_PART_FREE] = free_bytes,
	};
	struct line line = { cells, row, BUDGET_NAME_COLUMNS };

	top_cells_text(cells, row, 0, BUDGET_NAME_COLUMNS - 1, TOP_BOLD,
		       budget->name);
	if (cells->columns >= 80) {
		top_bar_draw(cells, row, line.at, BAR_COLUMNS, parts);
		line.at += BAR_COLUMNS + 1;
	}
	add(&line, TOP_PLAIN, "%s of %s, ", EBB_SIZE(budget->available_bytes),
	    EBB_SIZE(budget->limit_bytes));
	add_need(&line, budget);
	if (shows_covers(cells)) {
		add(&line, TOP_PLAIN, ", ");
		add_cover(&line, budget);
	}
}

static void add_pressure(struct line *line, const struct top_host *host)
{
	enum top_style style = TOP_PLAIN;

	if (!host->pressure_known) {
		add(line, TOP_DIM, "pressure -");
		return;
	}
	if (host->pressure_full >= 1)
		style = TOP_BAD;
	else if (host->pressure_some >= 1)
		style = TOP_WARNING;
	add(line, style, "pressure %.1f%%", host->pressure_some);
}

/* What lies over all budgets: pressure, and what is lent. */
static void draw_lent(const struct top_view *view, struct top_cells *cells,
		      int row)
{
	const struct top_host *host = &view->host;
	const struct ebb_explain *explain = &host->explain;
	struct line line = { cells, row, BUDGET_NAME_COLUMNS };
	uint32_t unknown;
	uint64_t lent = top_model_lent(&view->model, &unknown);

	top_cells_text(cells, row, 0, BUDGET_NAME_COLUMNS - 1, TOP_BOLD,
		       "lent");
	add(&line, TOP_PLAIN, "%s", EBB_SIZE(lent));
	if (unknown)
		add(&line, TOP_WARNING, ", not known of %u", unknown);
	add(&line, TOP_PLAIN, "; ");
	if (explain->budget_count && cells->columns >= 60 &&
	    !shows_covers(cells)) {
		add_cover(&line, &explain->budgets[0]);
		add(&line, TOP_PLAIN, "; ");
	}
	add_pressure(&line, host);
	if (explain->budget_count && cells->columns - line.at > 12)
		top_curve_draw(cells, row, line.at + 2,
			       cells->columns - line.at - 2, &host->available,
			       explain->budgets[0].limit_bytes);
}

static bool lacks_something(const struct ebb_explain_budget *budget)
{
	return budget->in_need || !budget->covered || !budget->mins_fit;
}

/* The first, and as many others as there is room for: those that lack something first. */
static int draw_budgets(const struct top_host *host, struct top_cells *cells,
			int row)
{
	const struct ebb_explain *explain = &host->explain;
	int left = cells->rows / ROWS_A_BUDGET - 1;

	if (!host->explained || explain->budget_count == 0 ||
	    explain->budgets_age_ms == UINT32_MAX) {
		top_cells_text(cells, row, 0, cells->columns, TOP_DIM,
			       "What the host has is not known yet.");
		return row + 1;
	}
	draw_budget(&explain->budgets[0], cells, row++);
	for (int turn = 0; turn < 2; turn++)
		for (uint32_t i = 1; i < explain->budget_count; i++) {
			const struct ebb_explain_budget *budget =
				&explain->budgets[i];

			if (left <= 0 || budget->for_show ||
			    lacks_something(budget) != (turn == 0))
				continue;
			draw_budget(budget, cells, row++);
			left--;
		}
	return row;
}

static int draw_policy(const struct top_host *host, struct top_cells *cells,
		       int row)
{
	const struct ebb_explain *explain = &host->explain;
	const char *text = NULL;

	if (!host->explained)
		return row;
	if (!explain->enabled)
		text = "The policy is off (enabled = no in ebbd.conf).";
	else if (explain->paused)
		text = "The policy is paused: it takes nothing (ebbctl policy "
		       "resume).";
	else if (explain->dry_run)
		text = "Dry run: the policy decides, and takes nothing.";
	if (!text)
		return row;
	top_cells_text(cells, row, 0, cells->columns, TOP_WARNING, text);
	return row + 1;
}

static int draw_trouble(const struct top_view *view, struct top_cells *cells,
			int row)
{
	if (!*view->trouble)
		return row;
	top_cells_printf(cells, row++, 0, cells->columns, TOP_BAD, "%s",
			 view->trouble);
	if (*view->clock)
		top_cells_printf(cells, row++, 0, cells->columns, TOP_BAD,
				 "So for %" PRIu32 " s; what is shown is of "
				 "%s, and ebbd is asked again and again.",
				 view->trouble_s, view->clock);
	return row;
}

/* Returns the row after it. */
static int draw_head(const struct top_view *view, struct top_cells *cells)
{
	int row = 0;

	draw_title(view, cells, row++);
	row = draw_trouble(view, cells, row);
	row = draw_budgets(&view->host, cells, row);
	draw_lent(view, cells, row++);
	return draw_policy(&view->host, cells, row);
}

/* ---- the foot ---- */

static void draw_keys(const struct top_view *view, struct top_cells *cells,
		      int row)
{
	struct line line = { cells, row, 0 };

	if (view->once)
		return;
	if (view->typing) {
		add(&line, TOP_BOLD, "Filter: %s", view->model.filter);
		add(&line, TOP_HEADING, "_");
		add(&line, TOP_DIM, "  Enter keeps it, Esc takes it away");
		return;
	}
	if (view->page != TOP_PAGE_TABLE) {
		add(&line, TOP_DIM, "q back  Up Down scroll");
		return;
	}
	add(&line, TOP_DIM,
	    "q quit  ? help  Enter details  / filter  <> sort: %s%s  p %s  "
	    "n nodes",
	    top_sort_name(view->model.sort), view->model.reverse ? " (r)" : "",
	    view->paused ? "go on" : "pause");
}

static int decision_rows(const struct top_cells *cells)
{
	int rows = cells->rows / ROWS_A_DECISION;

	return rows < DECISIONS_MAX ? rows : DECISIONS_MAX;
}

/* The newest at the bottom. */
static void draw_decisions(const struct top_decisions *decisions,
			   struct top_cells *cells, int row, int rows)
{
	const struct top_decision *newest = top_decisions_get(decisions, 0);

	if (!newest) {
		top_cells_text(cells, row + rows - 1, 0, cells->columns,
			       TOP_DIM,
			       decisions->untold
				       ? "This ebbd does not tell what it did."
				       : "Nothing has happened yet.");
		return;
	}
	for (int i = 0; i < rows; i++) {
		const struct top_decision *decision =
			top_decisions_get(decisions, (uint32_t)(rows - 1 - i));
		struct line line = { cells, row + i, 0 };

		if (!decision)
			continue;
		add(&line, TOP_DIM, "%s ", decision->clock);
		add(&line, TOP_PLAIN, "%s", decision->text);
	}
}

/* ---- all ---- */

static void draw_middle(struct top_view *view, struct top_cells *cells, int row,
			int rows)
{
	switch (view->page) {
	case TOP_PAGE_TABLE:
		top_table_draw(view, cells, row, rows);
		break;
	case TOP_PAGE_DETAILS:
		top_details_draw(view, cells, row, rows);
		break;
	case TOP_PAGE_HELP:
		top_help_draw(view, cells, row, rows);
		break;
	}
}

void top_draw(struct top_view *view, struct top_cells *cells)
{
	int decisions = decision_rows(cells);
	int foot = cells->rows - 1 - decisions;
	int row;

	if (cells->rows < TOP_ROWS_MIN || cells->columns < TOP_COLUMNS_MIN) {
		top_cells_printf(cells, 0, 0, cells->columns, TOP_PLAIN,
				 "at least %dx%d, please", TOP_COLUMNS_MIN,
				 TOP_ROWS_MIN);
		return;
	}
	row = draw_head(view, cells);
	if (foot > row)
		draw_middle(view, cells, row, foot - row);
	draw_decisions(&view->decisions, cells, foot, decisions);
	draw_keys(view, cells, cells->rows - 1);
}

int top_rows_wanted(const struct top_view *view)
{
	return (int)top_table_lines(view) + ROWS_BESIDE_TABLE + DECISIONS_MAX;
}
