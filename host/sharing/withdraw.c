/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Orders whose reason is gone.
 *
 * An order may wait in line for its turn. What it was decided from does not wait: need
 * ends, a person changes a setting, a job begins. So at each look the orders that have
 * not begun are held against what is so now, and none waits for long: what is withdrawn
 * is decided about anew. A reclaim that runs is ended where a person's word is against it.
 *
 * What was ordered while nobody waited for it is gentle. When a budget of the domain is in
 * need that ends, whoever ordered it: see ebb_vm_hurry_reclaim(). It may take half a minute,
 * and longer where its pieces wait in line. So between its pieces it is held against what is
 * so now, too; and it lends no more once what it lends is not covered.
 */
#include "host/sharing/state.h"

/* What an order was decided from says nothing of now after so long. */
#define WAIT_NS (10 * EBB_NS_PER_S)
/* Nor if it has begun: twice its time limit, which is of the machine's clock. */
#define BEGUN_NS (60 * EBB_NS_PER_S)

void ebb_sharing_end_order(struct ebb_member *member)
{
	if (member->ordered)
		ebb_vm_cancel_reclaim(member->vm, member);
}

static bool is_needed(const struct ebb_sharing *sharing,
		      const struct ebb_member *member)
{
	for (uint32_t i = 0; i < member->part_count; i++)
		if (ebb_ground_is_short(&sharing->ground,
					member->parts[i].budget))
			return true;
	return false;
}

static bool is_same(const struct ebb_amount *a, const struct ebb_amount *b)
{
	return a->bytes == b->bytes && a->percent == b->percent;
}

static bool is_set_anew(const struct ebb_member *member)
{
	const struct ebb_policy_settings *before = &member->order.set;
	const struct ebb_policy_settings *now =
		&ebb_vm_settings(member->vm)->values;

	return now->mode != before->mode || now->shares != before->shares ||
	       now->rungs != before->rungs ||
	       now->reserved != before->reserved ||
	       !is_same(&now->min, &before->min) ||
	       !is_same(&now->max, &before->max);
}

/* What the order was decided from is no more so. */
static bool is_unwanted(const struct ebb_sharing *sharing,
			const struct ebb_member *member)
{
	struct ebb_policy_domain domain;

	ebb_member_picture(member, sharing->ground.list.count,
			   ebb_sharing_now_ns(sharing), &domain);
	return domain.phase != EBB_POLICY_SETTLED ||
	       is_needed(sharing, member) != member->order.for_need;
}

static void withdraw_if_stale(const struct ebb_sharing *sharing,
			      struct ebb_member *member)
{
	uint64_t age_ns = ebb_sharing_now_ns(sharing) - member->order.ns;
	bool unwanted = is_unwanted(sharing, member);

	if (unwanted || age_ns >= WAIT_NS)
		ebb_vm_withdraw_reclaim(
			member->vm, member,
			unwanted ||
				age_ns / sharing->options.speed >= BEGUN_NS);
}

void ebb_sharing_end_orders_set_anew(struct ebb_sharing *sharing)
{
	for (uint32_t i = 0; i < sharing->members.count; i++) {
		struct ebb_member *member = sharing->members.items[i];

		if (member->ordered && is_set_anew(member))
			ebb_sharing_end_order(member);
	}
}

void ebb_sharing_withdraw_stale(struct ebb_sharing *sharing)
{
	ebb_sharing_end_orders_set_anew(sharing);
	for (uint32_t i = 0; i < sharing->members.count; i++) {
		struct ebb_member *member = sharing->members.items[i];

		if (is_needed(sharing, member))
			ebb_vm_hurry_reclaim(member->vm);
		if (member->ordered)
			withdraw_if_stale(sharing, member);
	}
}

void ebb_sharing_withdraw_uncovered(const struct ebb_picture *picture)
{
	for (uint32_t i = 0; i < picture->policy.domain_count; i++) {
		struct ebb_member *member = picture->members[i];

		if (member->ordered && !member->order.for_need &&
		    !ebb_policy_is_at_ease(&picture->policy,
					   &picture->policy.domains[i]))
			ebb_vm_withdraw_reclaim(member->vm, member, true);
	}
}

void ebb_sharing_end_orders(struct ebb_sharing *sharing)
{
	for (uint32_t i = 0; i < sharing->members.count; i++)
		ebb_sharing_end_order(sharing->members.items[i]);
}
