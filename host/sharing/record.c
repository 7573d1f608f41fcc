/* SPDX-License-Identifier: GPL-2.0-only */
/* A sample of each domain and budget, of the picture that was taken for the policy. */
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "host/history/past.h"
#include "host/sharing/state.h"

static void set(struct ebb_fine *fine, enum ebb_domain_series series,
		bool known, uint64_t value)
{
	if (known)
		ebb_fine_set(fine, EBB_HISTORY_DOMAIN, series, value);
}

/* What the policy takes as 0, or as it can, is kept as not known. */
static void record_domain(const struct ebb_policy_domain *domain,
			  struct ebb_member *member, struct ebb_past *past)
{
	struct ebb_fine fine = { 0 };
	struct ebb_vm_sight sight;
	uint64_t ppm = 0;
	bool held, said;

	ebb_vm_see(member->vm, &sight);
	held = !domain->memory_unknown;
	/* Else it is the host's books, by which nobody knows what the guest has free. */
	said = domain->heard_ns > 0 && sight.rung != EBB_RUNG_PAGEOUT;
	fine.rung = (uint8_t)sight.rung;
	set(&fine, EBB_DOMAIN_RESIDENT, held, domain->resident_bytes);
	set(&fine, EBB_DOMAIN_SWAPPED, held && sight.swapped_known,
	    domain->swapped_bytes);
	set(&fine, EBB_DOMAIN_FREE, said, domain->free_bytes);
	set(&fine, EBB_DOMAIN_LENT, held, ebb_policy_lent_bytes(domain));
	set(&fine, EBB_DOMAIN_USABLE, held, domain->usable_bytes);
	set(&fine, EBB_DOMAIN_BALLOON, sight.balloon_known,
	    domain->balloon_bytes);
	set(&fine, EBB_DOMAIN_WORKING_SET, domain->working_set_known,
	    domain->working_set_bytes);
	set(&fine, EBB_DOMAIN_PRESSURE,
	    ebb_stall_note(&member->stall, sight.stalled_us, sight.said_ns,
			   &ppm),
	    ppm);
	/* There may be room now. */
	if (!member->subject)
		member->subject =
			ebb_past_came(past, member->name, member->uuid);
	ebb_past_put_domain(past, member->subject, &fine);
}

/* Of the host alone: the kernel counts it of no other budget, but for cgroups of v2. */
static void set_pressure(struct ebb_sharing *sharing, struct ebb_fine *fine)
{
	uint64_t ppm;

	if (ebb_stall_note(&sharing->stall, sharing->ground.list.stalled_us,
			   ebb_now_ns(), &ppm))
		ebb_fine_set(fine, EBB_HISTORY_BUDGET, EBB_BUDGET_PRESSURE,
			     ppm);
}

static void record_budget(struct ebb_sharing *sharing,
			  const struct ebb_policy_budget *budget, double lent)
{
	struct ebb_fine fine = { .rung = EBB_SAMPLES_NO_RUNG };
	uint64_t used = budget->limit_bytes > budget->available_bytes
				? budget->limit_bytes - budget->available_bytes
				: 0;
	const uint64_t values[] = {
		[EBB_BUDGET_LIMIT] = budget->limit_bytes,
		[EBB_BUDGET_AVAILABLE] = budget->available_bytes,
		[EBB_BUDGET_USED] = used,
		[EBB_BUDGET_LENT] = (uint64_t)lent,
		[EBB_BUDGET_COVER] = budget->cover_bytes,
		[EBB_BUDGET_DEBT] = budget->debt_bytes,
		[EBB_BUDGET_NEED] = budget->need_bytes,
	};

	for (unsigned int i = 0; i < EBB_ARRAY_SIZE(values); i++)
		if (i != EBB_BUDGET_DEBT || budget->unknown_debts == 0)
			ebb_fine_set(&fine, EBB_HISTORY_BUDGET, i, values[i]);
	if (strcmp(budget->name, "host") == 0)
		set_pressure(sharing, &fine);
	ebb_past_put_budget(sharing->options.past, budget->name, &fine);
}

/* Of each budget, what its domains lent of it. */
static void sum_lent(const struct ebb_policy *policy, double *lent)
{
	for (uint32_t i = 0; i < policy->domain_count; i++) {
		const struct ebb_policy_domain *domain = &policy->domains[i];
		double bytes = (double)ebb_policy_lent_bytes(domain);

		if (domain->memory_unknown)
			continue;
		for (uint32_t p = 0; p < domain->part_count; p++)
			lent[domain->parts[p].budget] +=
				bytes * domain->parts[p].part;
	}
}

void ebb_sharing_record(struct ebb_sharing *sharing,
			const struct ebb_picture *picture)
{
	const struct ebb_policy *policy = &picture->policy;
	struct ebb_past *past = sharing->options.past;
	ebb_auto_free double *lent = NULL;

	if (!ebb_past_is_time(past))
		return;
	for (uint32_t i = 0; i < policy->domain_count; i++)
		record_domain(&policy->domains[i], picture->members[i], past);
	lent = calloc(policy->budget_count + 1, sizeof(*lent));
	if (lent)
		sum_lent(policy, lent);
	for (uint32_t i = 0; lent && i < policy->budget_count; i++)
		record_budget(sharing, &policy->budgets[i], lent[i]);
	ebb_past_ticked(past);
}
