/* SPDX-License-Identifier: GPL-2.0-only */
/* What ebbctl explain, policy and list print of the policy. */
#ifndef EBB_HOST_CTL_EXPLAIN_H
#define EBB_HOST_CTL_EXPLAIN_H

#include "host/ctl/client.h"
#include "host/interface/explain.h"

/*
 * Asks for an explanation. @domain: empty: of all. Returns CTL_DONE with @ret_value,
 * which the caller owns, or the exit status after a ctl_error().
 */
int ctl_ask_explain(const struct ctl_args *args, const char *domain,
		    struct json_object **ret_value);

/* Lines of a block: whether it takes memory, and what it may run short of. */
void ctl_policy_state_print(const struct ebb_explain *explain);
void ctl_pauses_print(const char *key, const struct ebb_explain *explain);
void ctl_budgets_print(const struct ebb_explain *explain);

/* A block of a domain, behind an empty line. */
void ctl_explain_domain_print(const struct ebb_explain_domain *domain);

#endif /* EBB_HOST_CTL_EXPLAIN_H */
