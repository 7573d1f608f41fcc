/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/policy/policy.h"

#include "host/policy/history.h"
#include "host/policy/lent.h"
#include "host/policy/quantity.h"
#include "host/policy/stage.h"

enum {
	/* So small a part of what is unused does balanced return at a time. */
	UNUSED_PART = 8,
	EMERGENCY_PART = 2,
};

/* What is gone in less time than this says little of a pace. */
#define FALLING_NS_MIN (100 * EBB_NS_PER_MS)

/* ---- before ---- */

static void prepare_domain(struct ebb_policy_domain *domain, uint64_t now_ns)
{
	domain->scratch = (struct ebb_policy_scratch){
		.asked = ebb_policy_may_ask(domain, now_ns),
		.allowance_bytes = ebb_policy_allowance_bytes(domain, now_ns),
		.ready_bytes = ebb_policy_ready_bytes(domain),
		.budget = EBB_POLICY_NONE,
	};
}

/* It fades by half each second; within one in proportion. */
static uint64_t faded(uint64_t bytes_per_s, uint64_t elapsed_ns)
{
	uint64_t halvings = elapsed_ns / EBB_NS_PER_S;
	double part = (double)(elapsed_ns % EBB_NS_PER_S) / EBB_NS_PER_S;

	bytes_per_s = halvings < 64 ? bytes_per_s >> halvings : 0;
	return bytes_per_s - (uint64_t)((double)bytes_per_s / 2 * part);
}

void ebb_policy_note_fall(struct ebb_policy_budget *budget,
			  const struct ebb_policy_budget *before,
			  uint64_t elapsed_ns)
{
	uint64_t gone_bytes =
		ebb_u64_minus(before->available_bytes, budget->available_bytes);
	double s =
		(double)ebb_u64_max(elapsed_ns, FALLING_NS_MIN) / EBB_NS_PER_S;

	if (budget->kind == EBB_POLICY_HUGE_POOL)
		return;
	budget->pace_bytes_per_s = (uint64_t)((double)gone_bytes / s);
	budget->falling_bytes_per_s = ebb_u64_max(
		ebb_u64_min(budget->pace_bytes_per_s, before->pace_bytes_per_s),
		faded(before->falling_bytes_per_s, elapsed_ns));
}

/* What others take in the second until what is asked for now is there. */
static uint64_t ahead_bytes(const struct ebb_policy_budget *budget)
{
	return ebb_u64_min(budget->falling_bytes_per_s, budget->high_bytes);
}

uint64_t ebb_policy_wanted_bytes(const struct ebb_policy_budget *budget)
{
	uint64_t room_bytes = UINT64_MAX - budget->high_bytes;

	return budget->high_bytes +
	       ebb_u64_min(ahead_bytes(budget), room_bytes);
}

static uint64_t expected_bytes(const struct ebb_policy_budget *budget)
{
	return ebb_u64_minus(budget->available_bytes, ahead_bytes(budget));
}

bool ebb_policy_is_short(const struct ebb_policy_budget *budget)
{
	return !budget->for_show &&
	       expected_bytes(budget) < (budget->in_need ? budget->high_bytes
							 : budget->low_bytes);
}

static void prepare_budget(struct ebb_policy_budget *budget)
{
	budget->in_need = ebb_policy_is_short(budget);
	budget->need_bytes =
		budget->in_need ? ebb_u64_minus(ebb_policy_wanted_bytes(budget),
						budget->available_bytes)
				: 0;
	/* What may come is no emergency while there is enough. */
	budget->emergency = !budget->for_show &&
			    budget->available_bytes < budget->low_bytes &&
			    expected_bytes(budget) <
				    budget->low_bytes / EMERGENCY_PART;
	budget->met_bytes = 0;
	budget->holder = EBB_POLICY_NONE;
	budget->victim = EBB_POLICY_NONE;
}

/* What was asked of who obeys is on its way, for as long as one may wait for it. */
static void count_pending(struct ebb_policy *policy, uint64_t now_ns)
{
	for (uint32_t i = 0; i < policy->domain_count; i++) {
		const struct ebb_policy_domain *domain = &policy->domains[i];

		if (ebb_policy_is_relied_on(domain) &&
		    now_ns - domain->history.decided_ns < EBB_POLICY_WINDOW_NS)
			ebb_policy_note_met(policy, domain,
					    domain->history.pending_bytes);
	}
}

static void prepare(struct ebb_policy *policy, uint64_t now_ns)
{
	for (uint32_t i = 0; i < policy->domain_count; i++)
		prepare_domain(&policy->domains[i], now_ns);
	for (uint32_t i = 0; i < policy->budget_count; i++) {
		prepare_budget(&policy->budgets[i]);
		ebb_policy_count_lent(policy, i);
	}
	count_pending(policy, now_ns);
}

/* ---- with need ---- */

static double urgency(const struct ebb_policy_budget *budget)
{
	return (double)budget->available_bytes / (double)budget->high_bytes;
}

/* The budget in need that is worst off, but for those worse than @done. */
static uint32_t next_in_need(const struct ebb_policy *policy, uint32_t done)
{
	uint32_t worst = EBB_POLICY_NONE;

	for (uint32_t i = 0; i < policy->budget_count; i++) {
		const struct ebb_policy_budget *budget = &policy->budgets[i];

		if (budget->need_bytes == 0)
			continue;
		/* Those that are equal go by their index. */
		if (done != EBB_POLICY_NONE &&
		    (urgency(budget) < urgency(&policy->budgets[done]) ||
		     (urgency(budget) == urgency(&policy->budgets[done]) &&
		      i <= done)))
			continue;
		if (worst == EBB_POLICY_NONE ||
		    urgency(budget) < urgency(&policy->budgets[worst]))
			worst = i;
	}
	return worst;
}

/* Who holds most by its shares, and whom the kernel would take: the largest. */
static void name_holders(struct ebb_policy *policy, uint32_t index)
{
	struct ebb_policy_budget *budget = &policy->budgets[index];
	double most_held = 0, largest = 0;

	for (uint32_t i = 0; i < policy->domain_count; i++) {
		const struct ebb_policy_domain *domain = &policy->domains[i];
		double part = ebb_policy_part(domain, index);
		double held = part * (double)domain->resident_bytes;
		double size = held + part * (double)domain->swapped_bytes;

		if (held / ebb_policy_shares(domain) > most_held) {
			most_held = held / ebb_policy_shares(domain);
			budget->holder = i;
		}
		if (size > largest) {
			largest = size;
			budget->victim = i;
		}
	}
}

static void relieve(struct ebb_policy *policy)
{
	uint32_t index = EBB_POLICY_NONE;

	while ((index = next_in_need(policy, index)) != EBB_POLICY_NONE) {
		struct ebb_policy_budget *budget = &policy->budgets[index];

		ebb_policy_serve(policy, index, EBB_POLICY_FREE);
		ebb_policy_serve(policy, index, EBB_POLICY_BALLOON);
		ebb_policy_serve(policy, index, EBB_POLICY_IDLE);
		if (budget->emergency)
			ebb_policy_serve(policy, index, EBB_POLICY_OVER_SHARE);
		if (budget->met_bytes < budget->need_bytes)
			name_holders(policy, index);
	}
}

/* ---- without need ---- */

bool ebb_policy_is_in_need(const struct ebb_policy *policy,
			   const struct ebb_policy_domain *domain)
{
	for (uint32_t i = 0; i < domain->part_count; i++)
		if (policy->budgets[domain->parts[i].budget].in_need)
			return true;
	return false;
}

bool ebb_policy_is_at_ease(const struct ebb_policy *policy,
			   const struct ebb_policy_domain *domain)
{
	if (domain->parts_unknown)
		return false;
	for (uint32_t i = 0; i < domain->part_count; i++) {
		const struct ebb_policy_budget *budget =
			&policy->budgets[domain->parts[i].budget];

		if (budget->in_need || !ebb_policy_is_covered(budget))
			return false;
	}
	return true;
}

static uint64_t balanced_bytes(const struct ebb_policy_domain *domain,
			       uint64_t now_ns)
{
	uint64_t refilled_bytes;

	if (!ebb_policy_has_lasted(domain, now_ns) ||
	    !ebb_policy_is_due(domain, now_ns))
		return 0;
	refilled_bytes = ebb_policy_refilled_bytes(domain);
	return refilled_bytes +
	       (ebb_policy_lasting_bytes(domain) - refilled_bytes) /
		       UNUSED_PART;
}

/* Down to what it works with, its cushion, and its min. */
static uint64_t density_bytes(const struct ebb_policy_domain *domain)
{
	uint64_t floor_bytes = ebb_policy_working_set_bytes(domain) +
			       ebb_policy_cushion_bytes(domain);

	if (!ebb_policy_can_drive(domain))
		return domain->scratch.ready_bytes;
	return ebb_u64_minus(domain->resident_bytes,
			     ebb_u64_max(floor_bytes, domain->min_bytes));
}

static uint64_t over_max_bytes(const struct ebb_policy_domain *domain)
{
	uint64_t floor_bytes =
		ebb_u64_max(domain->max_bytes,
			    ebb_u64_max(domain->min_bytes,
					ebb_policy_working_set_bytes(domain)));

	if (domain->max_bytes == 0 || !ebb_policy_can_drive(domain))
		return 0;
	return ebb_u64_minus(domain->resident_bytes, floor_bytes);
}

static void return_from(struct ebb_policy *policy,
			struct ebb_policy_domain *domain, uint64_t now_ns)
{
	struct ebb_policy_scratch *scratch = &domain->scratch;
	uint64_t over_bytes = over_max_bytes(domain);
	uint64_t unused_bytes = 0, bytes, room_bytes;

	if (domain->mode == EBB_POLICY_BALANCED)
		unused_bytes = balanced_bytes(domain, now_ns);
	else if (domain->mode == EBB_POLICY_DENSITY)
		unused_bytes = density_bytes(domain);
	bytes = ebb_u64_max(over_bytes, unused_bytes);
	scratch->give_bytes = ebb_u64_max(bytes, scratch->ready_bytes);
	bytes = ebb_policy_whole_steps(
		ebb_u64_min(bytes, scratch->allowance_bytes));
	room_bytes =
		ebb_u64_min(bytes, ebb_policy_lendable_bytes(policy, domain));
	/*
	 * Of room that is short nothing is left for who comes after, not even what a
	 * step does not fit into: else more room could leave less of it.
	 */
	ebb_policy_note_lent(policy, domain, room_bytes);
	bytes = ebb_policy_whole_steps(room_bytes);
	if (bytes == 0)
		return;
	ebb_policy_take(policy, domain, EBB_POLICY_NONE,
			over_bytes > unused_bytes ? EBB_POLICY_OVER_MAX
						  : EBB_POLICY_UNUSED,
			bytes);
}

static void return_unused(struct ebb_policy *policy, uint64_t now_ns)
{
	for (uint32_t i = 0; i < policy->domain_count; i++) {
		struct ebb_policy_domain *domain = &policy->domains[i];

		if (domain->scratch.asked && domain->scratch.take_bytes == 0 &&
		    !domain->rung.balloon &&
		    ebb_policy_is_at_ease(policy, domain))
			return_from(policy, domain, now_ns);
	}
}

/* ---- all of it ---- */

static uint32_t write_down(const struct ebb_policy *policy,
			   struct ebb_policy_decision *ret_decisions)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < policy->domain_count; i++) {
		const struct ebb_policy_scratch *scratch =
			&policy->domains[i].scratch;

		if (scratch->take_bytes == 0)
			continue;
		ret_decisions[count++] = (struct ebb_policy_decision){
			.domain = i,
			.budget = scratch->budget,
			.why = (enum ebb_policy_why)scratch->why,
			.bytes = scratch->take_bytes,
			.give_bytes = scratch->give_bytes,
		};
	}
	return count;
}

uint32_t ebb_policy_decide(struct ebb_policy *policy, uint64_t now_ns,
			   struct ebb_policy_decision *ret_decisions)
{
	prepare(policy, now_ns);
	relieve(policy);
	return_unused(policy, now_ns);
	return write_down(policy, ret_decisions);
}
