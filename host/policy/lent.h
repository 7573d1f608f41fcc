/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What guests may take back at any moment, and what stands behind it.
 *
 * The rule. Any one guest (or as many as the budget says) can have everything back
 * at once: what is available beyond low, fast swap, and what the others have free
 * beyond their cushions do for the largest debts. A pool of huge pages has no swap
 * behind it, and a guest that meets it empty dies: there five quarters of all
 * debts must be available.
 *
 * A debt is never taken for less than it may be. What a guest says of its balloon lowers
 * its debt only by what the host asked the balloon to hold: a guest that can fill a balloon
 * can empty it. Where it is not known what a guest has, it owes all that it may use; where
 * not even that is known, nothing covers it. And one that is not known to lie anywhere
 * owes all of that to each budget.
 */
#ifndef EBB_HOST_POLICY_LENT_H
#define EBB_HOST_POLICY_LENT_H

#include "host/policy/policy.h"

/*
 * Writes debt_bytes, cover_bytes and min_bytes of a budget. The scratch must be
 * prepared.
 */
void ebb_policy_count_lent(struct ebb_policy *policy, uint32_t budget);

/*
 * What a domain may lend without need: no more than what covers more than is owed
 * does. So a pool that is covered stays covered. Of ordinary memory a debtor that
 * joins the largest takes its own free memory out of the cover; the next decision
 * sees that.
 */
uint64_t ebb_policy_lendable_bytes(const struct ebb_policy *policy,
				   const struct ebb_policy_domain *domain);

/* It lends @bytes more: others may lend less in the same decision. */
void ebb_policy_note_lent(struct ebb_policy *policy,
			  const struct ebb_policy_domain *domain,
			  uint64_t bytes);

#endif /* EBB_HOST_POLICY_LENT_H */
