/* SPDX-License-Identifier: GPL-2.0-only */
/* The stages in which a budget in need is served. The policy's own. */
#ifndef EBB_HOST_STAGE_H
#define EBB_HOST_STAGE_H

#include "host/policy/policy.h"

/**
 * ebb_policy_serve - what a stage does for the need of a budget
 * @budget: its index
 * @why: the stage: one of those where a budget is in need
 *
 * Adds to what domains are to give (their scratch) and to what is met of all
 * budgets that this relieves, until this one's need is met or nobody can give.
 */
void ebb_policy_serve(struct ebb_policy *policy, uint32_t budget,
		      enum ebb_policy_why why);

/* @bytes of @domain are on their way: its budgets have their parts of them. */
void ebb_policy_note_met(struct ebb_policy *policy,
			 const struct ebb_policy_domain *domain,
			 uint64_t bytes);

/* @domain is to give @bytes, for @budget, because of @why. */
void ebb_policy_take(struct ebb_policy *policy,
		     struct ebb_policy_domain *domain, uint32_t budget,
		     enum ebb_policy_why why, uint64_t bytes);

/* Of the domain's memory that counts in a budget, 0 to 1. */
double ebb_policy_part(const struct ebb_policy_domain *domain, uint32_t budget);

/*
 * Of what all have of a budget and may keep, as it needs the rest, the share of each: this
 * times its shares, in bytes of the budget.
 */
double ebb_policy_fair_level(const struct ebb_policy *policy, uint32_t budget);

#endif /* EBB_HOST_STAGE_H */
