/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/policy/level.h"

enum {
	/* Of bytes below 2^53, this leaves less than one. */
	HALVINGS = 53,
};

double ebb_level_give(const struct ebb_policy_domain *domain, double level)
{
	const struct ebb_policy_scratch *scratch = &domain->scratch;
	double give = scratch->a - scratch->b * level;

	if (give > scratch->cap)
		give = scratch->cap;
	return give < 0 ? 0 : give;
}

static double given(const struct ebb_policy *policy, double level)
{
	double sum = 0;

	for (uint32_t i = 0; i < policy->domain_count; i++) {
		const struct ebb_policy_domain *domain = &policy->domains[i];

		if (domain->scratch.cap > 0)
			sum += domain->scratch.part *
			       ebb_level_give(domain, level);
	}
	return sum;
}

/* At which nobody gives any more. */
static double top_level(const struct ebb_policy *policy)
{
	double top = 0;

	for (uint32_t i = 0; i < policy->domain_count; i++) {
		const struct ebb_policy_scratch *scratch =
			&policy->domains[i].scratch;

		if (scratch->cap > 0 && scratch->a > top * scratch->b)
			top = scratch->a / scratch->b;
	}
	return top;
}

double ebb_level_find(const struct ebb_policy *policy, double need_bytes)
{
	double low = 0, high;

	if (given(policy, 0) <= need_bytes)
		return 0;
	high = top_level(policy);
	for (int i = 0; i < HALVINGS; i++) {
		double middle = low + (high - low) / 2;

		if (given(policy, middle) > need_bytes)
			low = middle;
		else
			high = middle;
	}
	return high;
}
