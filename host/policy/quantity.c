/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/policy/quantity.h"

#include "common/size.h"

enum {
	CUSHION_PART = 16,
	WORTH_PART = 64,
};

#define CUSHION_BYTES_MIN (64 * EBB_MIB)

uint64_t ebb_policy_lent_bytes(const struct ebb_policy_domain *domain)
{
	return ebb_u64_minus(domain->usable_bytes,
			     domain->resident_bytes + domain->swapped_bytes);
}

uint64_t ebb_policy_debt_bytes(const struct ebb_policy_domain *domain)
{
	return ebb_u64_minus(domain->usable_bytes + domain->claimed_bytes,
			     domain->resident_bytes + domain->swapped_bytes);
}

bool ebb_policy_is_debt_known(const struct ebb_policy_domain *domain)
{
	return !domain->memory_unknown ||
	       domain->usable_bytes + domain->balloon_bytes > 0;
}

uint64_t ebb_policy_cushion_bytes(const struct ebb_policy_domain *domain)
{
	return ebb_u64_max(domain->usable_bytes / CUSHION_PART,
			   CUSHION_BYTES_MIN);
}

/* A guest may say any number. */
static uint64_t free_bytes_of(const struct ebb_policy_domain *domain)
{
	return ebb_u64_min(domain->free_bytes, domain->usable_bytes);
}

double ebb_policy_shares(const struct ebb_policy_domain *domain)
{
	return domain->shares ? domain->shares : 1;
}

uint64_t ebb_policy_working_set_bytes(const struct ebb_policy_domain *domain)
{
	uint64_t used_bytes = domain->usable_bytes - free_bytes_of(domain);

	/* What its balloon leaves to it is more than what it uses: a cushion is, too. */
	if (domain->rung.balloon)
		used_bytes = ebb_u64_max(domain->usable_bytes,
					 domain->resident_bytes);
	return domain->working_set_known
		       ? ebb_u64_min(domain->working_set_bytes, used_bytes)
		       : used_bytes;
}

/* A guest has no other pages without memory behind them than free ones. */
uint64_t ebb_policy_spare_bytes(const struct ebb_policy_domain *domain)
{
	uint64_t resident_free_bytes = ebb_u64_minus(
		free_bytes_of(domain), ebb_policy_lent_bytes(domain));

	return ebb_u64_minus(resident_free_bytes,
			     ebb_policy_cushion_bytes(domain));
}

uint64_t ebb_policy_yielding_bytes(const struct ebb_policy_domain *domain)
{
	uint64_t available_bytes =
		ebb_u64_min(domain->available_bytes, domain->usable_bytes);

	/* Its balloon takes nothing of what it needs, which the cushion is among. */
	if (domain->rung.balloon)
		return ebb_policy_idle_bytes(domain);
	return ebb_u64_minus(ebb_u64_minus(available_bytes,
					   ebb_policy_lent_bytes(domain)),
			     ebb_policy_cushion_bytes(domain));
}

uint64_t ebb_policy_ready_bytes(const struct ebb_policy_domain *domain)
{
	return ebb_u64_min(ebb_u64_min(ebb_policy_spare_bytes(domain),
				       domain->rung.free_bytes),
			   ebb_u64_minus(domain->resident_bytes,
					 domain->min_bytes));
}

uint64_t ebb_policy_lasting_bytes(const struct ebb_policy_domain *domain)
{
	uint64_t younger_bytes =
		ebb_u64_minus(free_bytes_of(domain), domain->lasting_bytes);

	return ebb_u64_min(ebb_policy_ready_bytes(domain),
			   ebb_u64_minus(ebb_policy_spare_bytes(domain),
					 younger_bytes));
}

uint64_t ebb_policy_refilled_bytes(const struct ebb_policy_domain *domain)
{
	return ebb_u64_min(domain->refilled_bytes,
			   ebb_policy_lasting_bytes(domain));
}

bool ebb_policy_has_lasted(const struct ebb_policy_domain *domain,
			   uint64_t now_ns)
{
	return domain->free_since_ns > 0 &&
	       now_ns - domain->free_since_ns >= EBB_POLICY_UNUSED_NS;
}

bool ebb_policy_is_due(const struct ebb_policy_domain *domain, uint64_t now_ns)
{
	return domain->history.decided_ns == 0 ||
	       now_ns - domain->history.decided_ns >= EBB_POLICY_PERIOD_NS;
}

bool ebb_policy_can_drive(const struct ebb_policy_domain *domain)
{
	return domain->rung.drive && domain->working_set_known;
}

bool ebb_policy_is_driven(const struct ebb_policy_domain *domain,
			  const struct ebb_policy_decision *decision)
{
	switch (decision->why) {
	case EBB_POLICY_FREE:
	case EBB_POLICY_BALLOON:
		return false;
	case EBB_POLICY_UNUSED:
		return domain->mode == EBB_POLICY_DENSITY &&
		       ebb_policy_can_drive(domain);
	case EBB_POLICY_IDLE:
	case EBB_POLICY_OVER_SHARE:
	case EBB_POLICY_OVER_MAX:
		break;
	}
	return true;
}

uint64_t ebb_policy_idle_bytes(const struct ebb_policy_domain *domain)
{
	return ebb_u64_minus(domain->resident_bytes,
			     ebb_u64_max(domain->min_bytes,
					 ebb_policy_working_set_bytes(domain)));
}

uint64_t ebb_policy_worth_bytes(const struct ebb_policy_domain *domain)
{
	return domain->resident_bytes / WORTH_PART;
}
