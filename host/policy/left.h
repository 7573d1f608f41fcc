/* SPDX-License-Identifier: GPL-2.0-only */
/* Why nothing is asked of a domain, made from what decided so. Pure. */
#ifndef EBB_HOST_POLICY_LEFT_H
#define EBB_HOST_POLICY_LEFT_H

#include "host/policy/policy.h"

enum ebb_policy_left {
	/* It is not left out: there is a decision about it. */
	EBB_POLICY_NOT_LEFT,
	/* It cannot be asked: */
	EBB_POLICY_LEFT_UNKNOWN,
	EBB_POLICY_LEFT_BOOTING,
	EBB_POLICY_LEFT_PAUSED,
	EBB_POLICY_LEFT_JOB,
	EBB_POLICY_LEFT_LEAVING,
	EBB_POLICY_LEFT_EXEMPT,
	EBB_POLICY_LEFT_PENDING, /* what was asked before is under way */
	EBB_POLICY_LEFT_RESTS, /* it refused, as it needs its memory */
	EBB_POLICY_LEFT_STUCK, /* it does not move */
	EBB_POLICY_LEFT_UNHEARD, /* it said nothing since it was asked */
	/* It need not give: */
	EBB_POLICY_LEFT_ALLOWANCE, /* it gave all that is asked for in 10 s */
	EBB_POLICY_LEFT_UNNEEDED, /* a budget of its is in need, and others give */
	EBB_POLICY_LEFT_NO_NEED, /* nobody is, and it has nothing but a balloon */
	EBB_POLICY_LEFT_MODE, /* nobody is in need, and it is in mode performance */
	EBB_POLICY_LEFT_NO_SPARE, /* it has no free memory beyond its cushion */
	EBB_POLICY_LEFT_UNPLACED, /* in which budgets it lies is not known */
	EBB_POLICY_LEFT_UNCOVERED, /* the host could not give it back in time */
	EBB_POLICY_LEFT_YOUNG, /* its memory is not free for long enough */
	EBB_POLICY_LEFT_PERIOD, /* it gave a moment ago */
	EBB_POLICY_LEFT_LITTLE, /* what it should give is too little */
	EBB_POLICY_LEFT_COUNT
};

/* @domain: an index; the policy as it was decided about at @now_ns. */
enum ebb_policy_left ebb_policy_left(const struct ebb_policy *policy,
				     uint32_t domain, uint64_t now_ns);

/* A budget of the domain's that is in an emergency; NULL: none is. */
const struct ebb_policy_budget *
ebb_policy_find_emergency(const struct ebb_policy *policy,
			  const struct ebb_policy_domain *domain);

/* A stable word, as "booting" or "no-spare". */
const char *ebb_policy_left_name(enum ebb_policy_left left);

/**
 * ebb_policy_left_words - why, with the numbers that decided
 * @ret_text: at least EBB_POLICY_WORDS_BYTES of words.h
 *
 * As in: "web1: nothing: of 80.0 MiB free and resident its cushion is 128.0 MiB".
 * "" if it is not left out. Returns @ret_text.
 */
const char *ebb_policy_left_words(const struct ebb_policy *policy,
				  uint32_t domain, uint64_t now_ns,
				  char *ret_text, size_t text_bytes);

#endif /* EBB_HOST_POLICY_LEFT_H */
