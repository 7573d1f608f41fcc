/* SPDX-License-Identifier: GPL-2.0-only */
/* What may be asked of a domain, by what came of earlier decisions. The policy's own. */
#ifndef EBB_HOST_HISTORY_H
#define EBB_HOST_HISTORY_H

#include "common/clock.h"
#include "host/policy/policy.h"

/*
 * In so long at most a quarter of what a guest does not work with is asked for. What
 * is asked for is taken to be on its way for as long.
 */
#define EBB_POLICY_WINDOW_NS (10 * EBB_NS_PER_S)

/* Whether it is settled, was heard, and moves when it is asked. */
bool ebb_policy_obeys(const struct ebb_policy_domain *domain);

/* Whether what it was asked for is on its way: it obeys, and gave of late. */
bool ebb_policy_is_relied_on(const struct ebb_policy_domain *domain);

/* Whether it may be asked at all now. */
bool ebb_policy_may_ask(const struct ebb_policy_domain *domain,
			uint64_t now_ns);

/*
 * Whether it took memory since it was asked last, rather than give any: nothing of what
 * it was asked for is on its way, and that tells nothing of how it is at rest.
 */
bool ebb_policy_has_grown(const struct ebb_policy_domain *domain);

/* What may be asked of it now if there is no emergency. */
uint64_t ebb_policy_allowance_bytes(const struct ebb_policy_domain *domain,
				    uint64_t now_ns);

#endif /* EBB_HOST_HISTORY_H */
