/* SPDX-License-Identifier: GPL-2.0-only */
/* What is served of the policy and of what can run short: the head of policy-explain. */
#ifndef EBB_HOST_EXPORTER_BUDGETS_H
#define EBB_HOST_EXPORTER_BUDGETS_H

#include "host/exporter/text.h"
#include "protocol/message.h"

/**
 * exp_budgets_print - of the answer to policy-explain
 * @answer: as ebbd sent it
 * @page: metrics are added to it
 * @live: members are added to that object of JSON; NULL: none is wanted
 * @ret_error: filled if the answer is not as host/interface/explain.h has it
 *
 * Returns 0, -EINVAL, -ERANGE or -ENOMEM, and has added nothing then.
 */
int exp_budgets_print(const struct json_object *answer, struct exp_text *page,
		      struct exp_text *live, struct ebb_msg_error *ret_error);

#endif /* EBB_HOST_EXPORTER_BUDGETS_H */
