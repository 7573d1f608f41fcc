/* SPDX-License-Identifier: GPL-2.0-only */
/* The level at which what all give is what is needed. Pure. */
#ifndef EBB_HOST_LEVEL_H
#define EBB_HOST_LEVEL_H

#include "host/policy/policy.h"

/**
 * ebb_level_give - what a domain gives at a level, in bytes
 *
 * By its scratch: clamp(a - b * level, 0, cap). It falls as the level rises.
 */
double ebb_level_give(const struct ebb_policy_domain *domain, double level);

/**
 * ebb_level_find - the lowest level at which all give no more than is needed
 * @need_bytes: of the budget; a domain's gift counts there by its part
 *
 * 0 if they give less than that all together.
 */
double ebb_level_find(const struct ebb_policy *policy, double need_bytes);

#endif /* EBB_HOST_LEVEL_H */
