/* SPDX-License-Identifier: GPL-2.0-only */
/* What is served of domains: of the answers to domain-list and to policy-explain. */
#ifndef EBB_HOST_EXPORTER_DOMAINS_H
#define EBB_HOST_EXPORTER_DOMAINS_H

#include "host/exporter/text.h"
#include "protocol/message.h"

/**
 * exp_domains_print - "domains" of domain-list
 * @answer: as ebbd sent it
 * @page: metrics are added to it
 * @live: a member is added to that object of JSON; NULL: none is wanted
 * @ret_error: filled if the answer is not as host/interface/status.h has it
 *
 * Returns 0, -EINVAL, -ERANGE or -ENOMEM, and has added nothing then.
 */
int exp_domains_print(const struct json_object *answer, struct exp_text *page,
		      struct exp_text *live, struct ebb_msg_error *ret_error);

/* Likewise "domains" of policy-explain: what the policy takes of each, and why. */
int exp_shares_print(const struct json_object *answer, struct exp_text *page,
		     struct exp_text *live, struct ebb_msg_error *ret_error);

#endif /* EBB_HOST_EXPORTER_DOMAINS_H */
