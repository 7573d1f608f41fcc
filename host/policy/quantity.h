/* SPDX-License-Identifier: GPL-2.0-only */
/* What of a domain's memory is which. The policy's own. */
#ifndef EBB_HOST_QUANTITY_H
#define EBB_HOST_QUANTITY_H

#include "common/clock.h"
#include "common/u64.h"
#include "host/policy/policy.h"

/* What balanced returns was free for so long, and is returned not more often. */
#define EBB_POLICY_UNUSED_NS (60 * EBB_NS_PER_S)
#define EBB_POLICY_PERIOD_NS (10 * EBB_NS_PER_S)

/* @bytes without what is less than a step. */
static inline uint64_t ebb_policy_whole_steps(uint64_t bytes)
{
	return bytes - bytes % EBB_POLICY_STEP_BYTES;
}

/* Its word, as far as it can be true: all that is usable if it said nothing. */
uint64_t ebb_policy_working_set_bytes(const struct ebb_policy_domain *domain);

/* Its weight, at least 1. */
double ebb_policy_shares(const struct ebb_policy_domain *domain);

/* Free in the guest, resident on the host, beyond its cushion. */
uint64_t ebb_policy_spare_bytes(const struct ebb_policy_domain *domain);

/* What of that its rung can take, down to its min. */
uint64_t ebb_policy_ready_bytes(const struct ebb_policy_domain *domain);

/* What of that was free for as long as its free memory lasts. */
uint64_t ebb_policy_lasting_bytes(const struct ebb_policy_domain *domain);

/* And what of that a libvirt job made resident: it gave it before. */
uint64_t ebb_policy_refilled_bytes(const struct ebb_policy_domain *domain);

/* Whether that is long enough for it to be memory that the guest does not use. */
bool ebb_policy_has_lasted(const struct ebb_policy_domain *domain,
			   uint64_t now_ns);

/* Whether its mode may ask of it again, where nothing is needed. */
bool ebb_policy_is_due(const struct ebb_policy_domain *domain, uint64_t now_ns);

/*
 * What is resident and its kernel could free without swapping, beyond its cushion: also
 * what it works with. 0 if that is not known.
 */
uint64_t ebb_policy_yielding_bytes(const struct ebb_policy_domain *domain);

/* Whether its rung can drive it, and how far is known. */
bool ebb_policy_can_drive(const struct ebb_policy_domain *domain);

/* What it has resident, does not work with, and has above its min. */
uint64_t ebb_policy_idle_bytes(const struct ebb_policy_domain *domain);

/* Less idle memory than this is not worth the work of making its guest free it. */
uint64_t ebb_policy_worth_bytes(const struct ebb_policy_domain *domain);

#endif /* EBB_HOST_QUANTITY_H */
