/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the policy had a balloon take is given back when the host has enough again.
 *
 * A guest has it back as soon as it needs it, so it could stay where it is. But while it
 * does, the statistics of that guest are read twice a second, and it is the worse off
 * until they show what it needs. So where none of its budgets was in need for EASE_NS, and
 * each has as much beyond what ends a need as the guest may take then, all is given back:
 * whatever the guest does with it, that brings no need about.
 *
 * One at a look: what the one before took of it is seen by then. What a person had a
 * balloon take is his; where the policy had it take some, too, nobody knows which is
 * whose, and all goes back. That it had is kept nowhere: the ebbd after one that was
 * killed, and that of a host the guest was migrated to, take it for a person's.
 */
#include "host/policy/quantity.h"
#include "host/policy/stage.h"
#include "host/sharing/state.h"

#define EASE_NS (600 * EBB_NS_PER_S)
#define TOLD_NS (60 * EBB_NS_PER_S)

/* Whether each of its budgets has so much to spare. */
static bool has_enough(const struct ebb_policy *policy,
		       const struct ebb_policy_domain *domain, uint64_t bytes)
{
	if (domain->parts_unknown)
		return false;
	for (uint32_t i = 0; i < domain->part_count; i++) {
		const struct ebb_policy_budget *budget =
			&policy->budgets[domain->parts[i].budget];
		double part = domain->parts[i].part * (double)bytes;

		if (budget->in_need ||
		    (double)ebb_u64_minus(budget->available_bytes,
					  budget->high_bytes) < part)
			return false;
	}
	return true;
}

/* Returns whether it is time. */
static bool note_ease(struct ebb_member *member, bool at_ease, uint64_t now_ns)
{
	if (!at_ease)
		member->ease_ns = 0;
	else if (member->ease_ns == 0)
		member->ease_ns = now_ns;
	return at_ease && now_ns - member->ease_ns >= EASE_NS;
}

static bool is_due(struct ebb_member *member, const struct ebb_picture *picture,
		   uint32_t index)
{
	const struct ebb_policy *policy = &picture->policy;
	struct ebb_vm_sight sight;
	uint64_t held_bytes;

	ebb_vm_see(member->vm, &sight);
	held_bytes = sight.base_bytes - sight.usable_bytes;
	/* The guest has it back already; what a balloon does is told some time later. */
	if (held_bytes == 0 && picture->now_ns - member->last.ns >= TOLD_NS)
		member->ballooned = false;
	return note_ease(member,
			 held_bytes > 0 &&
				 has_enough(policy, &policy->domains[index],
					    held_bytes),
			 picture->now_ns);
}

void ebb_sharing_give_back(const struct ebb_picture *picture)
{
	bool given = false;

	for (uint32_t i = 0; i < picture->policy.domain_count; i++) {
		struct ebb_member *member = picture->members[i];

		if (!member->ballooned || member->ordered ||
		    !is_due(member, picture, i) || given)
			continue;
		ebb_vm_give_back(member->vm);
		given = true;
	}
}
