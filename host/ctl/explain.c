/* SPDX-License-Identifier: GPL-2.0-only */
/* ebbctl explain [DOMAIN]: what the policy decided, would decide now, and why. */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/size.h"
#include "host/ctl/explain.h"
#include "host/ctl/text.h"

enum {
	EXPLAIN_LIMIT_MS = 30 * 1000
};

int ctl_ask_explain(const struct ctl_args *args, const char *domain,
		    struct json_object **ret_value)
{
	struct ctl_request request = {
		.command = "policy-explain",
		.limit_ms = EXPLAIN_LIMIT_MS,
	};
	struct ebb_explain_request wanted = { 0 };
	struct ctl_answer answer;
	int status;

	snprintf(wanted.domain, sizeof(wanted.domain), "%s", domain);
	request.arguments = ebb_msg_encode(ebb_explain_request_fields, &wanted);
	status = ctl_ask_served(args, &request, &answer);
	if (status == CTL_DONE)
		*ret_value = answer.value;
	return status;
}

void ctl_policy_state_print(const struct ebb_explain *explain)
{
	const char *state = "on";

	if (!explain->enabled)
		state = "off (enabled = no in ebbd.conf)";
	else if (explain->paused)
		state = "paused: it takes nothing (ebbctl policy resume)";
	else if (explain->dry_run)
		state = "on, dry run: it decides, and takes nothing";
	ctl_pair_print(stdout, "Policy", "%s", state);
	ctl_pauses_print("Paused for", explain);
}

void ctl_pauses_print(const char *key, const struct ebb_explain *explain)
{
	for (uint32_t i = 0; i < explain->pause_count; i++) {
		const struct ebb_explain_pause *pause = &explain->pauses[i];

		ctl_pair_print(stdout, i ? "" : key, "%s%s",
			       *pause->name ? pause->name : pause->uuid,
			       pause->running ? "" : ", which does not run");
	}
	if (explain->pauses_left_out)
		ctl_pair_print(stdout, "", "and %" PRIu32 " more",
			       explain->pauses_left_out);
}

/* A guest whose memory is not known owes all that it may use, if that is known. */
static void print_unknown_debt(const struct ebb_explain_budget *budget)
{
	if (budget->unknown_debts)
		ctl_pair_print(stdout, "",
			       "    how much %s may take back is not known, so "
			       "nothing covers it",
			       budget->unknown_debtor);
	else if (*budget->unknown_debtor)
		ctl_pair_print(stdout, "",
			       "    what %s has is not known: its debt is all "
			       "that it may use",
			       budget->unknown_debtor);
}

/* By a hundredth of what is available a minute: less is no news. */
static bool is_falling(const struct ebb_explain_budget *budget)
{
	return budget->falling_bytes_per_s > 0 &&
	       budget->falling_bytes_per_s >=
		       budget->available_bytes / 100 / 60;
}

void ctl_budgets_print(const struct ebb_explain *explain)
{
	if (explain->budgets_age_ms == UINT32_MAX) {
		ctl_pair_print(stdout, "Budgets", "not known yet");
		return;
	}
	for (uint32_t i = 0; i < explain->budget_count; i++) {
		const struct ebb_explain_budget *budget = &explain->budgets[i];

		ctl_pair_print(stdout, i ? "" : "Budgets",
			       "%s: %s of %s available; %s", budget->name,
			       EBB_SIZE(budget->available_bytes),
			       EBB_SIZE(budget->limit_bytes),
			       budget->emergency ? "an emergency"
			       : budget->in_need ? "in need"
						 : "no need");
		if (is_falling(budget))
			ctl_pair_print(stdout, "",
				       "    it falls by %s a second",
				       EBB_SIZE(budget->falling_bytes_per_s));
		if (budget->in_need)
			ctl_pair_print(stdout, "",
				       "    needs %s, of which %s is asked for",
				       EBB_SIZE(budget->need_bytes),
				       EBB_SIZE(budget->met_bytes));
		if (*budget->text)
			ctl_pair_print(stdout, "", "    %s", budget->text);
		ctl_pair_print(stdout, "", "    %s of cover for a debt of %s%s",
			       EBB_SIZE(budget->cover_bytes),
			       EBB_SIZE(budget->debt_bytes),
			       budget->covered ? ""
					       : ": not covered, so nothing "
						 "more is lent without need");
		print_unknown_debt(budget);
		if (!budget->mins_fit)
			ctl_pair_print(stdout, "",
				       "    the mins of its domains are %s, "
				       "more than there is",
				       EBB_SIZE(budget->min_bytes));
	}
	if (explain->budgets_left_out)
		ctl_pair_print(stdout, "",
			       "and %" PRIu32
			       " more; those that lack something "
			       "come first",
			       explain->budgets_left_out);
}

/* ---- domains ---- */

static void print_facts(const struct ebb_explain_domain *domain)
{
	if (domain->facts_age_ms == UINT32_MAX) {
		ctl_pair_print(stdout, "Free", "not known");
		return;
	}
	if (domain->lasting_ms == UINT32_MAX)
		ctl_pair_print(stdout, "Free",
			       "%s, for how long is not known; its cushion is "
			       "%s",
			       EBB_SIZE(domain->free_bytes),
			       EBB_SIZE(domain->cushion_bytes));
	else
		ctl_pair_print(stdout, "Free",
			       "%s, %s of it for %" PRIu32 " s; its cushion is "
			       "%s",
			       EBB_SIZE(domain->free_bytes),
			       EBB_SIZE(domain->lasting_bytes),
			       domain->lasting_ms / 1000,
			       EBB_SIZE(domain->cushion_bytes));
	if (domain->working_set_known)
		ctl_pair_print(stdout, "Working set", "%s",
			       EBB_SIZE(domain->working_set_bytes));
	ctl_pair_print(stdout, "Facts from", "%.1f s ago",
		       (double)domain->facts_age_ms / 1000);
}

static void print_last(const struct ebb_explain_domain *domain)
{
	if (domain->last_age_ms == UINT32_MAX)
		return;
	ctl_pair_print(stdout, "Last", "%" PRIu32 " s ago: %s",
		       domain->last_age_ms / 1000, domain->last_text);
	if (domain->last_dry_run)
		ctl_pair_print(stdout, "", "not carried out: dry run");
	else if (*domain->last_ended)
		ctl_pair_print(stdout, "", "%s of %s came: %s",
			       EBB_SIZE(domain->last_came_bytes),
			       EBB_SIZE(domain->last_asked_bytes),
			       domain->last_ended);
	else
		ctl_pair_print(stdout, "", "under way");
}

/* A setting in percent of memory that is not known is not known, either. */
static void print_settings(const struct ebb_explain_domain *domain)
{
	const char *none = domain->memory_known ? "none" : "none or not known";

	ctl_pair_print(stdout, "Settings",
		       "%s, min %s, max %s, shares %" PRIu32, domain->mode,
		       domain->min_bytes ? EBB_SIZE(domain->min_bytes) : none,
		       domain->max_bytes ? EBB_SIZE(domain->max_bytes) : none,
		       domain->shares);
	if (domain->memory_known && domain->min_bytes > domain->usable_bytes)
		ctl_pair_print(stdout, "",
			       "min is more than the guest may use, and counts "
			       "as %s",
			       EBB_SIZE(domain->usable_bytes));
}

static void print_unknown_memory(const struct ebb_explain_domain *domain)
{
	if (domain->usable_bytes == 0)
		ctl_pair_print(stdout, "Memory", "not known");
	else
		ctl_pair_print(stdout, "Memory",
			       "%s usable; what of it is resident or lent is "
			       "not known",
			       EBB_SIZE(domain->usable_bytes));
}

static void print_memory(const struct ebb_explain_domain *domain)
{
	if (!domain->memory_known) {
		print_unknown_memory(domain);
		return;
	}
	ctl_pair_print(stdout, "Memory", "%s usable, %s resident, %s lent",
		       EBB_SIZE(domain->usable_bytes),
		       EBB_SIZE(domain->resident_bytes),
		       EBB_SIZE(domain->lent_bytes));
	if (!domain->swapped_known)
		ctl_pair_print(stdout, "",
			       "how much of it is in the host's swap, is not "
			       "known");
	if (!domain->balloon_known)
		ctl_pair_print(stdout, "",
			       "whether a balloon holds some of it, is not "
			       "known");
	else if (domain->balloon_bytes)
		ctl_pair_print(stdout, "", "a balloon holds %s more",
			       EBB_SIZE(domain->balloon_bytes));
	if (domain->claimed_bytes)
		ctl_pair_print(stdout, "",
			       "%s of that it may have back at any moment: it "
			       "owes them as what it lent",
			       EBB_SIZE(domain->claimed_bytes));
}

void ctl_explain_domain_print(const struct ebb_explain_domain *domain)
{
	putchar('\n');
	ctl_pair_print(stdout, "Domain", "%s", domain->name);
	print_settings(domain);
	print_memory(domain);
	print_facts(domain);
	ctl_pair_print(stdout, "Now", "%s", domain->text);
	print_last(domain);
}

static const char *name_of(const void *item)
{
	struct json_object *const *domain = item;
	struct json_object *name;

	if (!json_object_object_get_ex(*domain, "name", &name) || !name)
		return "";
	return json_object_get_string(name);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(name_of(a), name_of(b));
}

static int print_domains(const struct ctl_args *args, struct json_object *value)
{
	struct ebb_explain_domain domain;
	struct json_object *array;
	int status;

	if (!json_object_object_get_ex(value, "domains", &array) ||
	    !json_object_is_type(array, json_type_array))
		return CTL_DONE;
	json_object_array_sort(array, compare_names);
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		status = ctl_answer_decode(args,
					   json_object_array_get_idx(array, i),
					   ebb_explain_domain_fields, &domain,
					   sizeof(domain));
		if (status != CTL_DONE)
			return status;
		ctl_explain_domain_print(&domain);
	}
	return CTL_DONE;
}

int ctl_explain(const struct ctl_args *args)
{
	const char *domain = args->operand_count ? args->operands[0] : "";
	struct ebb_explain explain;
	struct json_object *value;
	int status;

	status = ctl_ask_explain(args, domain, &value);
	if (status != CTL_DONE)
		return status;
	status = ctl_answer_decode(args, value, ebb_explain_fields, &explain,
				   sizeof(explain));
	if (status == CTL_DONE && ctl_given(args, CTL_OPT_JSON)) {
		ctl_json_print(stdout, value);
	} else if (status == CTL_DONE) {
		ctl_policy_state_print(&explain);
		ctl_budgets_print(&explain);
		status = print_domains(args, value);
	}
	json_object_put(value);
	return status;
}
