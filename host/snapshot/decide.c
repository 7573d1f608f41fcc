/* SPDX-License-Identifier: GPL-2.0-only */
/* Rows become what the policy decides from, and are written with what it decided. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "host/snapshot/snapshot.h"

#define PPM 1000000.0

/* All ages lie behind it. */
#define NOW_NS ((uint64_t)UINT32_MAX * 2 * EBB_NS_PER_MS)

static int __attribute__((__format__(__printf__, 3, 4)))
misfit(struct ebb_snapshot_error *error, const char *field, const char *format,
       ...)
{
	va_list args;

	error->field = field;
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return -EINVAL;
}

static uint64_t since_ns(uint32_t age_ms)
{
	return age_ms == UINT32_MAX ? 0
				    : NOW_NS - (uint64_t)age_ms * EBB_NS_PER_MS;
}

static uint64_t until_ns(uint32_t left_ms)
{
	return left_ms == 0 ? 0 : NOW_NS + (uint64_t)left_ms * EBB_NS_PER_MS;
}

/* ---- budgets ---- */

static int read_budget(const struct ebb_explain *head, uint32_t index,
		       struct ebb_policy_budget *ret_budget,
		       struct ebb_snapshot_error *error)
{
	const struct ebb_explain_budget *row = &head->budgets[index];

	if (row->high_bytes < row->low_bytes)
		return misfit(error, "high-bytes",
			      "is less than low-bytes. Need begins under low "
			      "and ends at high: raise it");
	for (uint32_t i = 0; i < index; i++)
		if (strcmp(head->budgets[i].name, row->name) == 0)
			return misfit(error, "name",
				      "is also that of an earlier budget. Give "
				      "each its own");
	*ret_budget = (struct ebb_policy_budget){
		.name = row->name,
		.kind = row->huge_pages ? EBB_POLICY_HUGE_POOL
					: EBB_POLICY_MEMORY,
		.limit_bytes = row->limit_bytes,
		.available_bytes = row->available_bytes,
		.low_bytes = row->low_bytes,
		.high_bytes = row->high_bytes,
		.falling_bytes_per_s = row->falling_bytes_per_s,
		.fast_swap_bytes = row->fast_swap_bytes,
		.cover_guests = row->cover_guests,
		.for_show = row->for_show,
		.in_need = row->in_need,
	};
	return 0;
}

/* ---- domains ---- */

static int read_parts(const struct ebb_explain *head,
		      const struct ebb_explain_domain *row,
		      struct ebb_policy_domain *domain,
		      struct ebb_snapshot_error *error)
{
	if (row->part_count > EBB_POLICY_PARTS_MAX)
		return misfit(error, "parts", "has more than %d. Name less",
			      EBB_POLICY_PARTS_MAX);
	for (uint32_t i = 0; i < row->part_count; i++) {
		const struct ebb_explain_part *part = &row->parts[i];
		uint32_t budget = 0;

		while (budget < head->budget_count &&
		       strcmp(head->budgets[budget].name, part->budget) != 0)
			budget++;
		if (budget == head->budget_count &&
		    head->budgets_left_out > 0) {
			domain->parts_unknown = true;
			continue;
		}
		if (budget == head->budget_count)
			return misfit(error, "parts",
				      "names a budget '%.60s', which is not in "
				      "budgets. Name one that is",
				      part->budget);
		domain->parts[domain->part_count++] = (struct ebb_policy_part){
			.budget = budget,
			.part = part->part_ppm / PPM,
		};
	}
	return 0;
}

/* Whether it was heard since it was asked is told apart, as ages are rounded. */
static void read_history(const struct ebb_explain_domain *row,
			 struct ebb_policy_domain *domain)
{
	domain->history = (struct ebb_policy_history){
		.decided_ns = since_ns(row->asked_age_ms),
		.pending_bytes = row->pending_bytes,
		.resident_bytes = row->asked_resident_bytes,
		.window_bytes = row->window_bytes,
		.rest_until_ns = until_ns(row->rests_left_ms),
		.idle_answers = row->idle_answers,
		.stuck_until_ns = until_ns(row->stuck_left_ms),
	};
	if (domain->history.decided_ns == 0 || domain->heard_ns == 0)
		return;
	if (!row->heard_since_asked &&
	    domain->heard_ns > domain->history.decided_ns)
		domain->heard_ns = domain->history.decided_ns;
	else if (row->heard_since_asked &&
		 domain->heard_ns <= domain->history.decided_ns)
		domain->heard_ns = domain->history.decided_ns + 1;
}

static enum ebb_policy_phase phase_of(const struct ebb_explain_domain *row,
				      int phase)
{
	if (row->paused)
		return EBB_POLICY_EXEMPT;
	return phase == EBB_POLICY_EXEMPT ? EBB_POLICY_SETTLED
					  : (enum ebb_policy_phase)phase;
}

static int read_domain(const struct ebb_explain *head,
		       const struct ebb_explain_domain *row,
		       struct ebb_policy_domain *ret_domain,
		       struct ebb_snapshot_error *error)
{
	int mode = ebb_snapshot_find_mode(row->mode);
	int phase = ebb_snapshot_find_phase(row->phase);

	if (mode < 0)
		return misfit(error, "mode",
			      "is '%.15s'. Give " EBB_SNAPSHOT_MODES,
			      row->mode);
	if (phase < 0)
		return misfit(error, "phase",
			      "is '%.15s'. Give " EBB_SNAPSHOT_PHASES,
			      row->phase);
	if (row->shares == 0)
		return misfit(error, "shares", "is 0. Give 1 or more");
	*ret_domain = (struct ebb_policy_domain){
		.name = row->name,
		.min_bytes = row->min_bytes,
		.max_bytes = row->max_bytes,
		.shares = row->shares,
		.mode = (enum ebb_policy_mode)mode,
		.phase = phase_of(row, phase),
		.memory_unknown = !row->memory_known,
		.usable_bytes = row->usable_bytes,
		.balloon_bytes = row->balloon_bytes,
		.claimed_bytes = row->claimed_bytes,
		.resident_bytes = row->resident_bytes,
		.swapped_bytes = row->swapped_bytes,
		.heard_ns = since_ns(row->facts_age_ms),
		.free_bytes = row->free_bytes,
		.lasting_bytes = row->lasting_bytes,
		.free_since_ns = since_ns(row->lasting_ms),
		.refilled_bytes = row->refilled_bytes,
		.available_bytes = row->available_bytes,
		.working_set_known = row->working_set_known,
		.working_set_bytes = row->working_set_bytes,
		.rung = { .free_bytes = row->takeable_bytes,
			  .drive = row->can_drive,
			  .page_out = row->can_page_out,
			  .balloon = row->by_balloon },
		.parts_unknown = !row->parts_known,
	};
	read_history(row, ret_domain);
	return read_parts(head, row, ret_domain, error);
}

/* ---- all of it ---- */

/* Names are those of the rows. */
struct test {
	struct ebb_policy policy;
	struct ebb_policy_decision *decisions;
	uint32_t decision_count;
};

static int read_all(const struct ebb_explain *head,
		    const struct ebb_explain_domain *domains,
		    struct ebb_policy *policy, struct ebb_snapshot_error *error)
{
	int r = 0;

	error->budget = true;
	for (uint32_t i = 0; i < head->budget_count && r == 0; i++) {
		error->index = i;
		r = read_budget(head, i, &policy->budgets[i], error);
	}
	if (r < 0)
		return r;
	error->budget = false;
	for (uint32_t i = 0; i < policy->domain_count && r == 0; i++) {
		error->index = i;
		r = read_domain(head, &domains[i], &policy->domains[i], error);
	}
	return r;
}

static void write_all(const struct test *test, struct ebb_explain *head,
		      struct ebb_explain_domain *domains)
{
	struct ebb_explain_budget budget;
	uint32_t next = 0;

	for (uint32_t i = 0; i < test->policy.domain_count; i++) {
		ebb_snapshot_domain(&test->policy, i, NOW_NS, &domains[i]);
		if (next < test->decision_count &&
		    test->decisions[next].domain == i)
			ebb_snapshot_decision(&test->policy,
					      &test->decisions[next++], NOW_NS,
					      &domains[i]);
		if (!head->enabled)
			ebb_snapshot_off(&domains[i]);
	}
	for (uint32_t i = 0; i < head->budget_count; i++) {
		ebb_snapshot_budget(&test->policy, i, &budget);
		head->budgets[i] = budget;
	}
}

int ebb_snapshot_decide(struct ebb_explain *head,
			struct ebb_explain_domain *domains, uint32_t count,
			struct ebb_snapshot_error *ret_error)
{
	/* An empty array is no lack of memory. */
	struct test test = {
		.policy = {
			.budgets = calloc(head->budget_count + (size_t)1,
					  sizeof(*test.policy.budgets)),
			.budget_count = head->budget_count,
			.domains = calloc(count + (size_t)1,
					  sizeof(*test.policy.domains)),
			.domain_count = count,
		},
		.decisions = calloc(count + (size_t)1,
				    sizeof(*test.decisions)),
	};
	int r = -ENOMEM;

	if (test.policy.budgets && test.policy.domains && test.decisions)
		r = read_all(head, domains, &test.policy, ret_error);
	if (r == 0) {
		test.decision_count =
			ebb_policy_decide(&test.policy, NOW_NS, test.decisions);
		write_all(&test, head, domains);
	}
	free(test.policy.budgets);
	free(test.policy.domains);
	free(test.decisions);
	return r;
}
