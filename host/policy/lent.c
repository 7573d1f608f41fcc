/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/policy/lent.h"

#include "host/policy/history.h"
#include "host/policy/quantity.h"
#include "host/policy/stage.h"

/* Of all debts of a pool, so much must be there. */
#define POOL_MARGIN 1.25

/* The largest debts of a budget, largest first. */
struct debtors {
	uint32_t count;
	struct debtor {
		double debt;
		double spare;
	} items[EBB_POLICY_COVER_GUESTS_MAX];
};

static void swap_items(struct debtor *a, struct debtor *b)
{
	struct debtor item = *a;

	*a = *b;
	*b = item;
}

/* Of its debt. */
static double debt_part(const struct ebb_policy_domain *domain, uint32_t budget)
{
	if (domain->part_count == 0 && domain->parts_unknown)
		return 1;
	return ebb_policy_part(domain, budget);
}

static double debt_of(const struct ebb_policy_domain *domain, uint32_t budget)
{
	return debt_part(domain, budget) *
	       (double)ebb_policy_debt_bytes(domain);
}

/* @item takes its place, and is then what fell out, if anything did. */
static void insert(struct debtors *debtors, uint32_t count_max,
		   struct debtor *item)
{
	for (uint32_t i = 0; i < debtors->count; i++)
		if (item->debt > debtors->items[i].debt)
			swap_items(item, &debtors->items[i]);
	if (debtors->count < count_max) {
		debtors->items[debtors->count++] = *item;
		*item = (struct debtor){ 0 };
	}
}

static void count_memory(const struct ebb_policy *policy, uint32_t index)
{
	struct ebb_policy_budget *budget = &policy->budgets[index];
	uint32_t count_max = budget->cover_guests;
	struct debtors debtors = { 0 };
	double cover, called = 0, debt = 0;

	if (count_max > EBB_POLICY_COVER_GUESTS_MAX)
		count_max = EBB_POLICY_COVER_GUESTS_MAX;
	cover = (double)ebb_u64_minus(budget->available_bytes,
				      budget->low_bytes) +
		(double)budget->fast_swap_bytes;
	for (uint32_t i = 0; i < policy->domain_count; i++) {
		const struct ebb_policy_domain *domain = &policy->domains[i];
		double part = ebb_policy_part(domain, index);
		struct debtor item = {
			.debt = debt_of(domain, index),
			.spare = ebb_policy_obeys(domain) &&
						 !domain->rung.balloon
					 ? part * (double)domain->scratch
							   .ready_bytes
					 : 0,
		};

		/* Those in a job take it back now, whoever else may. */
		if (domain->phase == EBB_POLICY_IN_JOB)
			called += item.debt;
		else
			insert(&debtors, count_max, &item);
		cover += item.spare;
	}
	for (uint32_t i = 0; i < debtors.count; i++)
		debt += debtors.items[i].debt;
	budget->debt_bytes = (uint64_t)(called + debt);
	budget->cover_bytes = (uint64_t)cover;
}

static void count_pool(const struct ebb_policy *policy, uint32_t index)
{
	struct ebb_policy_budget *budget = &policy->budgets[index];
	double debt = 0;

	for (uint32_t i = 0; i < policy->domain_count; i++)
		debt += debt_of(&policy->domains[i], index);
	budget->debt_bytes = (uint64_t)(debt * POOL_MARGIN);
	budget->cover_bytes = budget->available_bytes;
}

/* A domain keeps no more than it has, whatever its min says. */
static uint64_t kept_bytes(const struct ebb_policy_domain *domain)
{
	return domain->usable_bytes > 0
		       ? ebb_u64_min(domain->min_bytes, domain->usable_bytes)
		       : domain->min_bytes;
}

static void count_mins(const struct ebb_policy *policy, uint32_t index)
{
	double sum = 0;

	for (uint32_t i = 0; i < policy->domain_count; i++)
		sum += ebb_policy_part(&policy->domains[i], index) *
		       (double)kept_bytes(&policy->domains[i]);
	policy->budgets[index].min_bytes = (uint64_t)sum;
}

static uint32_t count_unknown(const struct ebb_policy *policy, uint32_t index)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < policy->domain_count; i++)
		count += !ebb_policy_is_debt_known(&policy->domains[i]) &&
			 debt_part(&policy->domains[i], index) > 0;
	return count;
}

uint32_t ebb_policy_unknown_debtor(const struct ebb_policy *policy,
				   uint32_t budget)
{
	uint32_t found = EBB_POLICY_NONE;

	for (uint32_t i = 0; i < policy->domain_count; i++) {
		const struct ebb_policy_domain *domain = &policy->domains[i];

		if (!domain->memory_unknown || debt_part(domain, budget) <= 0)
			continue;
		if (!ebb_policy_is_debt_known(domain))
			return i;
		if (found == EBB_POLICY_NONE)
			found = i;
	}
	return found;
}

void ebb_policy_count_lent(struct ebb_policy *policy, uint32_t budget)
{
	count_mins(policy, budget);
	policy->budgets[budget].promised_bytes = 0;
	policy->budgets[budget].unknown_debts = count_unknown(policy, budget);
	if (policy->budgets[budget].kind == EBB_POLICY_HUGE_POOL)
		count_pool(policy, budget);
	else
		count_memory(policy, budget);
}

/*
 * By how much debt outgrows cover for each byte that is lent. In a pool it is
 * available then, and five quarters of it are owed. Elsewhere it may have been cover
 * already, as free memory of the guest.
 */
static double growth(const struct ebb_policy_budget *budget)
{
	return budget->kind == EBB_POLICY_HUGE_POOL ? POOL_MARGIN - 1 : 1;
}

uint64_t ebb_policy_lendable_bytes(const struct ebb_policy *policy,
				   const struct ebb_policy_domain *domain)
{
	double least = (double)domain->resident_bytes;

	for (uint32_t i = 0; i < domain->part_count; i++) {
		const struct ebb_policy_budget *budget =
			&policy->budgets[domain->parts[i].budget];
		double room = (double)ebb_u64_minus(
			budget->cover_bytes,
			budget->debt_bytes + budget->promised_bytes);
		double each = domain->parts[i].part * growth(budget);

		if (each > 0 && room / each < least)
			least = room / each;
	}
	return (uint64_t)least;
}

void ebb_policy_note_lent(struct ebb_policy *policy,
			  const struct ebb_policy_domain *domain,
			  uint64_t bytes)
{
	for (uint32_t i = 0; i < domain->part_count; i++) {
		struct ebb_policy_budget *budget =
			&policy->budgets[domain->parts[i].budget];

		budget->promised_bytes +=
			(uint64_t)(domain->parts[i].part * growth(budget) *
				   (double)bytes);
	}
}

bool ebb_policy_mins_fit(const struct ebb_policy_budget *budget)
{
	return budget->min_bytes <= budget->limit_bytes;
}

bool ebb_policy_is_covered(const struct ebb_policy_budget *budget)
{
	return budget->unknown_debts == 0 &&
	       budget->cover_bytes >= budget->debt_bytes;
}
