/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/exporter/budgets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "host/exporter/row.h"
#include "host/interface/explain.h"

static bool budgets_were_read(const void *message)
{
	const struct ebb_explain *explain = message;

	return explain->budgets_age_ms != UINT32_MAX;
}

/* Those that were left out are not known. */
static bool all_pauses_are_told(const void *message)
{
	const struct ebb_explain *explain = message;

	return explain->pauses_left_out == 0;
}

#define ROW(struct_, name_, unit_, field_, known_, help_)              \
	{                                                              \
		.name = (name_), .help = (help_), .unit = (unit_),     \
		.offset = offsetof(struct_, field_), .known = (known_) \
	}
#define POLICY(...) ROW(struct ebb_explain, __VA_ARGS__)
#define BUDGET(...) ROW(struct ebb_explain_budget, __VA_ARGS__)

static const struct exp_row policy_rows[] = {
	POLICY("ebb_policy_enabled", EXP_BOOL, enabled, NULL,
	       "Whether ebbd takes memory by itself, by its configuration."),
	POLICY("ebb_policy_dry_run", EXP_BOOL, dry_run, NULL,
	       "Whether ebbd only says what it would take."),
	POLICY("ebb_policy_paused", EXP_BOOL, paused, NULL,
	       "Whether a person paused the policy for all domains."),
	POLICY("ebb_policy_paused_domains", EXP_U32, pause_count,
	       all_pauses_are_told,
	       "Domains that a person paused the policy for, running or not."),
	POLICY("ebb_budgets_age_seconds", EXP_MS, budgets_age_ms,
	       budgets_were_read,
	       "How long ago the budgets of the host were read."),
	POLICY("ebb_budgets_left_out", EXP_U32, budgets_left_out,
	       budgets_were_read,
	       "Budgets that there are no metrics of, as they lack nothing."),
};

static bool is_debt_known(const void *message)
{
	const struct ebb_explain_budget *budget = message;

	return budget->unknown_debts == 0;
}

static const struct exp_row budget_rows[] = {
	BUDGET("ebb_budget_limit_bytes", EXP_U64, limit_bytes, NULL,
	       "All memory of the budget."),
	BUDGET("ebb_budget_available_bytes", EXP_U64, available_bytes, NULL,
	       "What of it can be had now."),
	BUDGET("ebb_budget_low_bytes", EXP_U64, low_bytes, NULL,
	       "Need begins once less than that is available."),
	BUDGET("ebb_budget_high_bytes", EXP_U64, high_bytes, NULL,
	       "Need ends once so much is available again."),
	BUDGET("ebb_budget_need_bytes", EXP_U64, need_bytes, NULL,
	       "What it needs now."),
	BUDGET("ebb_budget_met_bytes", EXP_U64, met_bytes, NULL,
	       "What of its need is asked of its domains."),
	BUDGET("ebb_budget_in_need", EXP_BOOL, in_need, NULL,
	       "Whether the budget is in need."),
	BUDGET("ebb_budget_emergency", EXP_BOOL, emergency, NULL,
	       "Whether less than half of low is available."),
	BUDGET("ebb_budget_debt_bytes", EXP_U64, debt_bytes, is_debt_known,
	       "What its largest debtors lent and may take back at any moment."),
	BUDGET("ebb_budget_unknown_debts", EXP_U32, unknown_debts, NULL,
	       "Domains of which nobody knows what they may take back."),
	BUDGET("ebb_budget_cover_bytes", EXP_U64, cover_bytes, NULL,
	       "What could be had in time if the largest debtors took it back."),
	BUDGET("ebb_budget_covered", EXP_BOOL, covered, NULL,
	       "Whether that is enough; if not, nothing is lent without need."),
	BUDGET("ebb_budget_fast_swap_bytes", EXP_U64, fast_swap_bytes, NULL,
	       "Free swap that is fast enough to count as cover."),
	BUDGET("ebb_budget_min_bytes", EXP_U64, min_bytes, NULL,
	       "The mins of all its domains together."),
	BUDGET("ebb_budget_mins_fit", EXP_BOOL, mins_fit, NULL,
	       "Whether the mins of all its domains can be kept."),
};

static int add_budgets(const struct ebb_explain *explain,
		       struct exp_sheet *sheet)
{
	struct exp_text labels = { 0 };
	uint32_t count = budgets_were_read(explain) ? explain->budget_count : 0;
	int r;

	for (uint32_t i = 0; i < count; i++) {
		exp_text_reset(&labels);
		exp_text_label(&labels, "budget", explain->budgets[i].name);
		exp_sheet_add(sheet, exp_text_get(&labels),
			      &explain->budgets[i]);
	}
	r = labels.failed ? -ENOMEM : 0;
	exp_text_clear(&labels);
	return r;
}

static void print_live(const struct ebb_explain *explain, struct exp_text *live)
{
	uint32_t count = budgets_were_read(explain) ? explain->budget_count : 0;

	exp_text_member(live, "policy");
	exp_text_add(live, "{");
	exp_rows_json(policy_rows, EBB_ARRAY_SIZE(policy_rows), "ebb_", explain,
		      live);
	exp_text_add(live, "}");
	exp_text_member(live, "budgets");
	exp_text_add(live, "[");
	for (uint32_t i = 0; i < count; i++) {
		const struct ebb_explain_budget *budget = &explain->budgets[i];

		exp_text_add(live, i > 0 ? ",{" : "{");
		exp_text_member(live, "name");
		exp_text_string(live, budget->name);
		exp_text_member(live, "text");
		exp_text_string(live, budget->text);
		exp_rows_json(budget_rows, EBB_ARRAY_SIZE(budget_rows),
			      "ebb_budget_", budget, live);
		exp_text_add(live, "}");
	}
	exp_text_add(live, "]");
}

static int print_all(const struct ebb_explain *explain, struct exp_text *page)
{
	struct exp_sheet policy, budgets;
	int r = exp_sheet_init(&policy, policy_rows,
			       EBB_ARRAY_SIZE(policy_rows));

	if (r < 0)
		return r;
	r = exp_sheet_init(&budgets, budget_rows, EBB_ARRAY_SIZE(budget_rows));
	if (r == 0) {
		exp_sheet_add(&policy, "", explain);
		r = add_budgets(explain, &budgets);
		if (r == 0) {
			exp_sheet_print(&policy, page);
			exp_sheet_print(&budgets, page);
		}
		exp_sheet_clear(&budgets);
	}
	exp_sheet_clear(&policy);
	return r;
}

int exp_budgets_print(const struct json_object *answer, struct exp_text *page,
		      struct exp_text *live, struct ebb_msg_error *ret_error)
{
	ebb_auto_free struct ebb_explain *explain = malloc(sizeof(*explain));
	int r;

	snprintf(ret_error->text, sizeof(ret_error->text), "out of memory");
	if (!explain)
		return -ENOMEM;
	r = ebb_msg_decode(answer, ebb_explain_fields, explain,
			   sizeof(*explain), ret_error);
	if (r == 0)
		r = print_all(explain, page);
	if (r == 0 && live)
		print_live(explain, live);
	return r;
}
