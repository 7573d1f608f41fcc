/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/snapshot/snapshot.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "host/policy/left.h"
#include "host/policy/words.h"

#define PPM 1000000

static_assert((int)EBB_EXPLAIN_PARTS_MAX >= (int)EBB_POLICY_PARTS_MAX,
	      "all parts of a domain are told");

static const char *const modes[] = {
	[EBB_POLICY_PERFORMANCE] = "performance",
	[EBB_POLICY_BALANCED] = "balanced",
	[EBB_POLICY_DENSITY] = "density",
};

static const char *const phases[] = {
	[EBB_POLICY_UNKNOWN] = "unknown", [EBB_POLICY_BOOTING] = "booting",
	[EBB_POLICY_SETTLED] = "settled", [EBB_POLICY_PAUSED] = "paused",
	[EBB_POLICY_IN_JOB] = "in-job",	  [EBB_POLICY_LEAVING] = "leaving",
	[EBB_POLICY_EXEMPT] = "exempt",
};

static const char *const whys[] = {
	[EBB_POLICY_FREE] = "free",
	[EBB_POLICY_BALLOON] = "free-by-balloon",
	[EBB_POLICY_IDLE] = "idle",
	[EBB_POLICY_OVER_SHARE] = "over-share",
	[EBB_POLICY_UNUSED] = "unused",
	[EBB_POLICY_OVER_MAX] = "over-max",
};

const char *ebb_snapshot_why_name(enum ebb_policy_why why)
{
	return whys[why];
}

static int find(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	return -1;
}

int ebb_snapshot_find_mode(const char *name)
{
	return find(modes, EBB_ARRAY_SIZE(modes), name);
}

int ebb_snapshot_find_phase(const char *name)
{
	return find(phases, EBB_ARRAY_SIZE(phases), name);
}

/* ---- times ---- */

static uint32_t to_ms(uint64_t ns)
{
	uint64_t ms = ns / EBB_NS_PER_MS;

	return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX - 1;
}

uint32_t ebb_snapshot_age_ms(uint64_t since_ns, uint64_t now_ns)
{
	if (since_ns == 0)
		return UINT32_MAX;
	return to_ms(now_ns > since_ns ? now_ns - since_ns : 0);
}

/* What is left of it, rounded up: a rest that is not over is not 0. */
static uint32_t left_ms(uint64_t until_ns, uint64_t now_ns)
{
	return until_ns > now_ns ? to_ms(until_ns - now_ns + EBB_NS_PER_MS - 1)
				 : 0;
}

/* ---- budgets ---- */

void ebb_snapshot_budget(const struct ebb_policy *policy, uint32_t index,
			 struct ebb_explain_budget *ret_row)
{
	const struct ebb_policy_budget *budget = &policy->budgets[index];
	uint32_t unknown = ebb_policy_unknown_debtor(policy, index);

	*ret_row = (struct ebb_explain_budget){
		.huge_pages = budget->kind == EBB_POLICY_HUGE_POOL,
		.limit_bytes = budget->limit_bytes,
		.available_bytes = budget->available_bytes,
		.low_bytes = budget->low_bytes,
		.high_bytes = budget->high_bytes,
		.falling_bytes_per_s = budget->falling_bytes_per_s,
		.fast_swap_bytes = budget->fast_swap_bytes,
		.cover_guests = budget->cover_guests,
		.for_show = budget->for_show,
		.in_need = budget->in_need,
		.emergency = budget->emergency,
		.need_bytes = budget->need_bytes,
		.met_bytes = budget->met_bytes,
		.covered = ebb_policy_is_covered(budget),
		.debt_bytes = budget->debt_bytes,
		.cover_bytes = budget->cover_bytes,
		.min_bytes = budget->min_bytes,
		.mins_fit = ebb_policy_mins_fit(budget),
	};
	snprintf(ret_row->name, sizeof(ret_row->name), "%s", budget->name);
	ebb_policy_need_words(policy, index, ret_row->text,
			      sizeof(ret_row->text));
	ret_row->unknown_debts = budget->unknown_debts;
	if (unknown != EBB_POLICY_NONE)
		snprintf(ret_row->unknown_debtor,
			 sizeof(ret_row->unknown_debtor), "%s",
			 policy->domains[unknown].name);
}

/* ---- domains ---- */

static void write_settings(const struct ebb_policy_domain *domain,
			   struct ebb_explain_domain *row)
{
	/* It may be its own name that the policy has. */
	if (domain->name != row->name)
		snprintf(row->name, sizeof(row->name), "%s", domain->name);
	snprintf(row->mode, sizeof(row->mode), "%s", modes[domain->mode]);
	snprintf(row->phase, sizeof(row->phase), "%s", phases[domain->phase]);
	row->min_bytes = domain->min_bytes;
	row->max_bytes = domain->max_bytes;
	row->shares = domain->shares;
}

static void write_memory(const struct ebb_policy_domain *domain,
			 uint64_t now_ns, struct ebb_explain_domain *row)
{
	row->memory_known = !domain->memory_unknown;
	row->usable_bytes = domain->usable_bytes;
	row->balloon_bytes = domain->balloon_bytes;
	row->claimed_bytes = domain->claimed_bytes;
	row->resident_bytes = domain->resident_bytes;
	row->swapped_bytes = domain->swapped_bytes;
	row->lent_bytes =
		domain->memory_unknown ? 0 : ebb_policy_lent_bytes(domain);
	row->cushion_bytes = ebb_policy_cushion_bytes(domain);
	row->facts_age_ms = ebb_snapshot_age_ms(domain->heard_ns, now_ns);
	row->free_bytes = domain->free_bytes;
	row->lasting_bytes = domain->lasting_bytes;
	row->lasting_ms = ebb_snapshot_age_ms(domain->free_since_ns, now_ns);
	row->working_set_known = domain->working_set_known;
	row->working_set_bytes =
		domain->working_set_known ? domain->working_set_bytes : 0;
	row->refilled_bytes = domain->refilled_bytes;
	row->available_bytes = domain->available_bytes;
	row->takeable_bytes = domain->rung.free_bytes;
	row->can_drive = domain->rung.drive;
	row->can_page_out = domain->rung.page_out;
	row->by_balloon = domain->rung.balloon;
}

static void write_parts(const struct ebb_policy *policy,
			const struct ebb_policy_domain *domain,
			struct ebb_explain_domain *row)
{
	row->parts_known = !domain->parts_unknown;
	row->part_count = domain->part_count;
	for (uint32_t i = 0; i < domain->part_count; i++) {
		const struct ebb_policy_part *part = &domain->parts[i];

		snprintf(row->parts[i].budget, sizeof(row->parts[i].budget),
			 "%s", policy->budgets[part->budget].name);
		row->parts[i].part_ppm = (uint32_t)(part->part * PPM + 0.5);
	}
}

static void write_history(const struct ebb_policy_domain *domain,
			  uint64_t now_ns, struct ebb_explain_domain *row)
{
	const struct ebb_policy_history *history = &domain->history;

	row->asked_age_ms = ebb_snapshot_age_ms(history->decided_ns, now_ns);
	row->heard_since_asked = domain->heard_ns > history->decided_ns;
	row->pending_bytes = history->pending_bytes;
	row->asked_resident_bytes = history->resident_bytes;
	row->window_bytes = history->window_bytes;
	row->rests_left_ms = left_ms(history->rest_until_ns, now_ns);
	row->stuck_left_ms = left_ms(history->stuck_until_ns, now_ns);
	row->idle_answers = history->idle_answers;
}

void ebb_snapshot_domain(const struct ebb_policy *policy, uint32_t index,
			 uint64_t now_ns, struct ebb_explain_domain *row)
{
	const struct ebb_policy_domain *domain = &policy->domains[index];

	write_settings(domain, row);
	write_memory(domain, now_ns, row);
	write_parts(policy, domain, row);
	write_history(domain, now_ns, row);
	snprintf(row->state, sizeof(row->state), "%s",
		 ebb_policy_left_name(ebb_policy_left(policy, index, now_ns)));
	ebb_policy_left_words(policy, index, now_ns, row->text,
			      sizeof(row->text));
	row->bytes = 0;
	row->why[0] = '\0';
}

void ebb_snapshot_decision(const struct ebb_policy *policy,
			   const struct ebb_policy_decision *decision,
			   uint64_t now_ns, struct ebb_explain_domain *row)
{
	row->bytes = decision->bytes;
	snprintf(row->why, sizeof(row->why), "%s",
		 ebb_snapshot_why_name(decision->why));
	ebb_policy_words(policy, decision, now_ns, row->text,
			 sizeof(row->text));
}

void ebb_snapshot_off(struct ebb_explain_domain *row)
{
	snprintf(row->state, sizeof(row->state), "off");
	snprintf(row->text, sizeof(row->text),
		 "%s: nothing: the policy is off; see enabled in ebbd.conf(5)",
		 row->name);
	row->bytes = 0;
	row->why[0] = '\0';
}
