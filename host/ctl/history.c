/* SPDX-License-Identifier: GPL-2.0-only */
/* ebbctl history: what a domain or a budget had, as curves, CSV or JSON. */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/ctl/client.h"
#include "host/ctl/plot.h"
#include "host/ctl/text.h"
#include "host/ctl/when.h"
#include "host/interface/history.h"

enum {
	HISTORY_LIMIT_MS = 30 * 1000,
	DEFAULT_LAST_MS = 60 * 60 * 1000,
	ROWS = 3, /* of a curve */
	/* How often samples are kept, and for how long those of the first kind. */
	FINE_MS = 10 * 1000,
	FINE_SPAN_MS = 6 * 60 * 60 * 1000,
	COARSE_MS = 5 * 60 * 1000,
};

/* A curve; of @optional ones, those that are never more than 0 are left out. */
struct curve {
	unsigned int series;
	const char *name;
	bool optional;
};

static const struct curve domain_curves[] = {
	{ EBB_DOMAIN_RESIDENT, "resident", false },
	{ EBB_DOMAIN_FREE, "free", false },
	{ EBB_DOMAIN_LENT, "lent", false },
	{ EBB_DOMAIN_WORKING_SET, "working set", true },
	{ EBB_DOMAIN_SWAPPED, "swapped", true },
	{ EBB_DOMAIN_BALLOON, "balloon", true },
	{ EBB_DOMAIN_PRESSURE, "pressure", true },
};

static const struct curve budget_curves[] = {
	{ EBB_BUDGET_USED, "used", false },
	{ EBB_BUDGET_AVAILABLE, "available", false },
	{ EBB_BUDGET_LENT, "lent", false },
	{ EBB_BUDGET_COVER, "cover", false },
	{ EBB_BUDGET_DEBT, "debt", true },
	{ EBB_BUDGET_NEED, "need", true },
	{ EBB_BUDGET_PRESSURE, "pressure", true },
};

/* ---- the question ---- */

/*
 * Points begin at multiples of the step. Returns one by which curves begin just at
 * @since_ms, and with at least half of the columns; or 0, as ebbd chooses.
 */
static uint64_t step_from(uint64_t since_ms, uint64_t now_ms, uint32_t limit)
{
	uint64_t span_ms = since_ms < now_ms ? now_ms - since_ms : 0;
	uint64_t base_ms = span_ms < FINE_SPAN_MS ? FINE_MS : COARSE_MS;
	uint64_t least_ms;

	if (limit < 3)
		return 0;
	/* One column for a part of a step, and one for the time until ebbd reads this. */
	least_ms = (span_ms / (limit - 2) / base_ms + 1) * base_ms;
	for (uint64_t ms = least_ms; ms <= 2 * least_ms; ms += base_ms)
		if (since_ms % ms == 0)
			return ms;
	return 0;
}

static int fill_request(const struct ctl_args *args,
			struct ebb_history_request *request)
{
	uint64_t now_ms = ctl_when_now_ms();

	if (args->operand_count > 0 && ctl_given(args, CTL_OPT_BUDGET))
		return ctl_usage(args, "give either a domain or --budget. See "
				       "ebbctl help history.");
	if (args->operand_count > 0)
		snprintf(request->domain, sizeof(request->domain), "%s",
			 args->operands[0]);
	else
		snprintf(request->budget, sizeof(request->budget), "%s",
			 args->budget ? args->budget : "host");
	if (ctl_when_since(args, "history", now_ms, &request->since_ms) !=
	    CTL_DONE)
		return CTL_USAGE;
	if (request->since_ms == 0)
		request->last_ms = DEFAULT_LAST_MS;
	/* Curves have a column for a point; numbers are as many as there may be. */
	request->limit = EBB_HISTORY_POINTS_MAX;
	if (ctl_given(args, CTL_OPT_CSV) || ctl_given(args, CTL_OPT_JSON))
		return CTL_DONE;
	request->limit = ctl_plot_width(stdout);
	if (args->since)
		request->step_ms =
			step_from(request->since_ms, now_ms, request->limit);
	return CTL_DONE;
}

/* ---- CSV ---- */

static void print_csv(const struct ebb_history *history)
{
	enum ebb_history_kind kind = ebb_history_kind_of(history);
	char text[CTL_WHEN_BYTES];

	fputs("time,rung", stdout);
	for (unsigned int i = 0; i < EBB_HISTORY_SERIES; i++)
		printf(",%s-min,%s-avg,%s-max",
		       ebb_history_series_name(kind, i),
		       ebb_history_series_name(kind, i),
		       ebb_history_series_name(kind, i));
	putchar('\n');
	for (uint32_t p = 0; p < history->point_count; p++) {
		const struct ebb_history_point *point = &history->points[p];

		printf("%s,%s", ctl_when_exact(point->time_ms, text),
		       point->rung);
		for (unsigned int i = 0; i < EBB_HISTORY_SERIES; i++) {
			const struct ebb_history_value *value =
				&point->values[i];

			if (value->known)
				printf(",%" PRIu64 ",%" PRIu64 ",%" PRIu64,
				       value->min, value->avg, value->max);
			else
				fputs(",,,", stdout);
		}
		putchar('\n');
	}
}

/* ---- curves ---- */

/* The points by their columns; NULL: a gap. */
struct view {
	const struct ebb_history *history;
	uint32_t width;
	bool blocks;
	const struct ebb_history_point *columns[CTL_PLOT_WIDTH_MAX];
};

static void make_view(const struct ebb_history *history, struct view *view)
{
	uint64_t span_ms = history->now_ms - history->since_ms;

	*view = (struct view){ .history = history,
			       .blocks = ctl_plot_has_blocks() };
	view->width = (uint32_t)(span_ms / history->step_ms) + 1;
	if (view->width > CTL_PLOT_WIDTH_MAX)
		view->width = CTL_PLOT_WIDTH_MAX;
	for (uint32_t i = 0; i < history->point_count; i++) {
		const struct ebb_history_point *point = &history->points[i];
		uint64_t column =
			(point->time_ms - history->since_ms) / history->step_ms;

		if (point->time_ms >= history->since_ms && column < view->width)
			view->columns[column] = point;
	}
}

static bool is_pressure(const struct curve *curve)
{
	return strcmp(curve->name, "pressure") == 0;
}

static void format_value(const struct curve *curve, uint64_t value, char *text,
			 size_t bytes)
{
	if (is_pressure(curve))
		snprintf(text, bytes, "%.1f%%", (double)value / 10000);
	else
		ebb_size_format(value, text, bytes);
}

static void print_curve(const struct view *view, const struct curve *curve)
{
	struct ctl_plot_cell cells[CTL_PLOT_WIDTH_MAX] = { 0 };
	const struct ebb_history_value *last = NULL;
	char top[EBB_SIZE_TEXT_BYTES], low[EBB_SIZE_TEXT_BYTES],
		now[EBB_SIZE_TEXT_BYTES];
	uint64_t max = 0, min = UINT64_MAX;

	for (uint32_t i = 0; i < view->width; i++) {
		const struct ebb_history_value *value =
			view->columns[i]
				? &view->columns[i]->values[curve->series]
				: NULL;

		if (!value || !value->known)
			continue;
		cells[i] = (struct ctl_plot_cell){ true, value->avg };
		last = value;
		if (value->max > max)
			max = value->max;
		if (value->min < min)
			min = value->min;
	}
	if (curve->optional && max == 0)
		return;
	if (!last) {
		printf("%-*s|not known\n\n", CTL_PLOT_LABEL - 1, curve->name);
		return;
	}
	format_value(curve, max, top, sizeof(top));
	format_value(curve, min, low, sizeof(low));
	format_value(curve, last->avg, now, sizeof(now));
	ctl_plot_band(stdout, curve->name, top, max, cells, view->width, ROWS,
		      view->blocks);
	printf("%-*s least %s, greatest %s, last %s\n\n", CTL_PLOT_LABEL - 1,
	       "", low, top, now);
}

/* What it was on in each column: its first letter. */
static void print_rungs(const struct view *view)
{
	uint32_t last = view->width;
	bool any = false;

	for (uint32_t i = 0; i < view->width; i++)
		any |= view->columns[i] && *view->columns[i]->rung;
	if (!any)
		return;
	while (last > 0 && !view->columns[last - 1])
		last--;
	printf("%-*s|", CTL_PLOT_LABEL - 1, "rung");
	for (uint32_t i = 0; i < last; i++)
		putchar(view->columns[i] && *view->columns[i]->rung
				? view->columns[i]->rung[0]
				: ' ');
	printf("\n%-*s l lease, r report, b balloon, p pageout, o observe\n\n",
	       CTL_PLOT_LABEL - 1, "");
}

/* Under the curves: when they begin, and now. */
static void print_axis(const struct view *view)
{
	const struct ebb_history *history = view->history;
	char begin[CTL_WHEN_BYTES], end[CTL_WHEN_BYTES];
	int fill;

	ctl_when_format(history->since_ms, history->now_ms, begin);
	ctl_when_format(history->now_ms, history->now_ms, end);
	fill = (int)view->width - (int)strlen(begin);
	if (fill < (int)strlen(end) + 1)
		fill = (int)strlen(end) + 1;
	printf("%-*s %s%*s\n", CTL_PLOT_LABEL - 1, "", begin, fill, end);
}

static void print_step(uint64_t step_ms)
{
	uint64_t s = step_ms / 1000;

	if (s % 3600 == 0)
		printf("%" PRIu64 " h", s / 3600);
	else if (s % 60 == 0)
		printf("%" PRIu64 " min", s / 60);
	else
		printf("%" PRIu64 " s", s);
}

static void print_curves(const struct ebb_history *history)
{
	bool budget = ebb_history_kind_of(history) == EBB_HISTORY_BUDGET;
	const struct curve *curves = budget ? budget_curves : domain_curves;
	size_t count = budget ? EBB_ARRAY_SIZE(budget_curves)
			      : EBB_ARRAY_SIZE(domain_curves);
	struct view view;

	make_view(history, &view);
	printf("%s, each column is ", history->name);
	print_step(history->step_ms);
	fputs("\n\n", stdout);
	for (size_t i = 0; i < count; i++)
		print_curve(&view, &curves[i]);
	print_rungs(&view);
	print_axis(&view);
}

static void print_history(const struct ctl_args *args,
			  const struct ebb_history *history)
{
	if (ctl_given(args, CTL_OPT_CSV))
		print_csv(history);
	else if (history->point_count == 0)
		printf("%s: no samples of that time.\n", history->name);
	else
		print_curves(history);
	if (*history->note)
		fprintf(stderr, "%s.\n", history->note);
}

int ctl_history(const struct ctl_args *args)
{
	struct ctl_request request = {
		.command = "history",
		.limit_ms = HISTORY_LIMIT_MS,
	};
	struct ebb_history_request asked = { 0 };
	struct ebb_history history;
	struct ebb_msg_error error;
	struct ctl_answer answer;
	int status = fill_request(args, &asked);

	if (status != CTL_DONE)
		return status;
	request.arguments = ebb_msg_encode(ebb_history_request_fields, &asked);
	status = ctl_ask_served(args, &request, &answer);
	if (status != CTL_DONE)
		return status;
	if (ebb_history_decode(answer.value, &history, &error) < 0) {
		status = ctl_answer_misfit(args, &error);
	} else {
		ctl_clean_message(ebb_history_fields, &history);
		if (history.step_ms == 0)
			history.step_ms = 1;
		if (ctl_given(args, CTL_OPT_JSON))
			ctl_json_print(stdout, answer.value);
		else
			print_history(args, &history);
		ebb_history_clear(&history);
	}
	ctl_answer_clear(&answer);
	return status;
}
