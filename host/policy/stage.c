/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/policy/stage.h"

#include "host/policy/level.h"
#include "host/policy/quantity.h"

/* An idle page counts like so many in use: 1 / (1 - a tax of 75 %). */
#define IDLE_WEIGHT 4.0

double ebb_policy_part(const struct ebb_policy_domain *domain, uint32_t budget)
{
	for (uint32_t i = 0; i < domain->part_count; i++)
		if (domain->parts[i].budget == budget)
			return domain->parts[i].part;
	return 0;
}

/* ---- what one domain could give in each stage ---- */

static uint64_t held_bytes(const struct ebb_policy_domain *domain)
{
	return ebb_u64_minus(domain->resident_bytes,
			     domain->scratch.take_bytes);
}

static uint64_t prepare_free(struct ebb_policy_domain *domain)
{
	struct ebb_policy_scratch *scratch = &domain->scratch;
	uint64_t spare_bytes = ebb_u64_minus(ebb_policy_spare_bytes(domain),
					     scratch->take_bytes);

	scratch->a = (double)spare_bytes;
	scratch->b = 1;
	return ebb_u64_minus(scratch->ready_bytes, scratch->take_bytes);
}

/*
 * Shares by page, shares / (active + IDLE_WEIGHT * idle), are to be at least
 * 1 / level: who has less gives of its idle memory until it has.
 */
static uint64_t prepare_idle(struct ebb_policy_domain *domain)
{
	struct ebb_policy_scratch *scratch = &domain->scratch;
	uint64_t active_bytes = ebb_policy_working_set_bytes(domain);
	uint64_t idle_bytes = ebb_u64_minus(held_bytes(domain), active_bytes);

	if (!ebb_policy_can_drive(domain))
		return 0;
	scratch->a = (double)idle_bytes + (double)active_bytes / IDLE_WEIGHT;
	scratch->b = ebb_policy_shares(domain) / IDLE_WEIGHT;
	return ebb_u64_minus(held_bytes(domain),
			     ebb_u64_max(domain->min_bytes, active_bytes));
}

double ebb_policy_fair_level(const struct ebb_policy *policy, uint32_t budget)
{
	double held = 0, shares = 0;

	for (uint32_t i = 0; i < policy->domain_count; i++) {
		const struct ebb_policy_domain *domain = &policy->domains[i];
		double part = ebb_policy_part(domain, budget);

		if (part <= 0)
			continue;
		held += part * (double)domain->resident_bytes;
		shares += ebb_policy_shares(domain);
	}
	held -= (double)policy->budgets[budget].need_bytes;
	return shares > 0 && held > 0 ? held / shares : 0;
}

/*
 * What all hold of the budget is weighted max-min fair then: shares * level, but nobody
 * gives of its share, @fair_level, also where others give nothing. Of what a driven guest
 * works with goes what its kernel can free without swapping; it reads that again from its
 * disk, while the host's kernel would end a guest.
 */
static uint64_t prepare_over_share(struct ebb_policy_domain *domain,
				   double fair_level)
{
	struct ebb_policy_scratch *scratch = &domain->scratch;
	uint64_t floor_bytes = domain->min_bytes;
	uint64_t kept_bytes =
		ebb_u64_min(ebb_policy_working_set_bytes(domain),
			    ebb_u64_minus(domain->resident_bytes,
					  ebb_policy_yielding_bytes(domain)));

	if (!ebb_policy_can_drive(domain) && !domain->rung.page_out)
		return 0;
	if (!domain->rung.page_out)
		floor_bytes = ebb_u64_max(floor_bytes, kept_bytes);
	scratch->a = (double)held_bytes(domain);
	scratch->b = ebb_policy_shares(domain) / scratch->part;
	floor_bytes =
		ebb_u64_max(floor_bytes, (uint64_t)(scratch->b * fair_level));
	return ebb_u64_minus(held_bytes(domain), floor_bytes);
}

static uint64_t prepare_domain(struct ebb_policy_domain *domain,
			       enum ebb_policy_why why, double fair_level)
{
	switch (why) {
	case EBB_POLICY_FREE:
		return domain->rung.balloon ? 0 : prepare_free(domain);
	case EBB_POLICY_BALLOON:
		return domain->rung.balloon ? prepare_free(domain) : 0;
	case EBB_POLICY_IDLE:
		return prepare_idle(domain);
	case EBB_POLICY_OVER_SHARE:
		return prepare_over_share(domain, fair_level);
	default:
		return 0;
	}
}

/*
 * What it must have at least to be asked. A guest at work may not give the little that
 * it seems to have idle, and would count as stuck when it has more.
 */
static uint64_t least_bytes(const struct ebb_policy_domain *domain,
			    enum ebb_policy_why why)
{
	return why == EBB_POLICY_FREE || why == EBB_POLICY_BALLOON
		       ? 0
		       : ebb_policy_worth_bytes(domain);
}

static void prepare(struct ebb_policy *policy, uint32_t budget,
		    enum ebb_policy_why why)
{
	bool emergency = policy->budgets[budget].emergency;
	double fair_level = why == EBB_POLICY_OVER_SHARE
				    ? ebb_policy_fair_level(policy, budget)
				    : 0;

	for (uint32_t i = 0; i < policy->domain_count; i++) {
		struct ebb_policy_domain *domain = &policy->domains[i];
		struct ebb_policy_scratch *scratch = &domain->scratch;
		uint64_t cap_bytes, left_bytes;

		scratch->cap = 0;
		scratch->part = scratch->asked ? ebb_policy_part(domain, budget)
					       : 0;
		if (scratch->part <= 0)
			continue;
		cap_bytes = prepare_domain(domain, why, fair_level);
		if (cap_bytes < least_bytes(domain, why))
			continue;
		left_bytes = ebb_u64_minus(scratch->allowance_bytes,
					   scratch->take_bytes);
		if (!emergency && cap_bytes > left_bytes)
			cap_bytes = left_bytes;
		scratch->cap = (double)ebb_policy_whole_steps(cap_bytes);
	}
}

/* ---- sharing ---- */

void ebb_policy_note_met(struct ebb_policy *policy,
			 const struct ebb_policy_domain *domain, uint64_t bytes)
{
	for (uint32_t i = 0; i < domain->part_count; i++)
		policy->budgets[domain->parts[i].budget].met_bytes +=
			(uint64_t)(domain->parts[i].part * (double)bytes);
}

void ebb_policy_take(struct ebb_policy *policy,
		     struct ebb_policy_domain *domain, uint32_t budget,
		     enum ebb_policy_why why, uint64_t bytes)
{
	domain->scratch.take_bytes += bytes;
	domain->scratch.budget = budget;
	domain->scratch.why = (uint8_t)why;
	ebb_policy_note_met(policy, domain, bytes);
}

static uint64_t unmet_bytes(const struct ebb_policy_budget *budget)
{
	return ebb_u64_minus(budget->need_bytes, budget->met_bytes);
}

/* In a stage: it can give so much less of its cap then. */
static void take_of_cap(struct ebb_policy *policy,
			struct ebb_policy_domain *domain, uint32_t budget,
			enum ebb_policy_why why, uint64_t bytes)
{
	struct ebb_policy_scratch *scratch = &domain->scratch;

	scratch->give_bytes = scratch->take_bytes + (uint64_t)scratch->cap;
	ebb_policy_take(policy, domain, budget, why, bytes);
	scratch->cap -= (double)bytes;
	scratch->a -= (double)bytes;
}

static void take_at_level(struct ebb_policy *policy, uint32_t budget,
			  enum ebb_policy_why why, double level)
{
	for (uint32_t i = 0; i < policy->domain_count; i++) {
		struct ebb_policy_domain *domain = &policy->domains[i];
		uint64_t bytes;

		if (domain->scratch.cap <= 0)
			continue;
		bytes = ebb_policy_whole_steps(
			(uint64_t)ebb_level_give(domain, level));
		if (bytes > 0)
			take_of_cap(policy, domain, budget, why, bytes);
	}
}

/* What whole steps left of the need: a step more from each who gives at all. */
static void take_remainder(struct ebb_policy *policy, uint32_t budget,
			   enum ebb_policy_why why, double level)
{
	for (uint32_t i = 0; i < policy->domain_count; i++) {
		struct ebb_policy_domain *domain = &policy->domains[i];

		if (unmet_bytes(&policy->budgets[budget]) == 0)
			return;
		if (domain->scratch.cap >= EBB_POLICY_STEP_BYTES &&
		    ebb_level_give(domain, level) > 0)
			take_of_cap(policy, domain, budget, why,
				    EBB_POLICY_STEP_BYTES);
	}
}

void ebb_policy_serve(struct ebb_policy *policy, uint32_t budget,
		      enum ebb_policy_why why)
{
	uint64_t need_bytes = unmet_bytes(&policy->budgets[budget]);
	double level;

	if (need_bytes == 0)
		return;
	prepare(policy, budget, why);
	level = ebb_level_find(policy, (double)need_bytes);
	take_at_level(policy, budget, why, level);
	take_remainder(policy, budget, why, level);
}
