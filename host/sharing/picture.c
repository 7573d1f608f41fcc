/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/sharing/picture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* An empty one is no lack of memory. */
static void *new_array(uint32_t count, size_t bytes)
{
	return calloc(count ? count : 1, bytes);
}

int ebb_picture_take(const struct ebb_policy_budget *budgets,
		     uint32_t budget_count, struct ebb_member *const *members,
		     uint32_t member_count, uint64_t now_ns,
		     struct ebb_picture *ret_picture)
{
	struct ebb_picture picture = {
		.now_ns = now_ns,
		.policy = {
			.budgets = new_array(budget_count, sizeof(*budgets)),
			.budget_count = budget_count,
			.domains = new_array(member_count,
					     sizeof(struct ebb_policy_domain)),
			.domain_count = member_count,
		},
		.members = new_array(member_count, sizeof(*members)),
		.decisions = new_array(member_count,
				       sizeof(struct ebb_policy_decision)),
	};

	if (!picture.policy.budgets || !picture.policy.domains ||
	    !picture.members || !picture.decisions) {
		ebb_picture_clear(&picture);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < budget_count; i++)
		picture.policy.budgets[i] = budgets[i];
	for (uint32_t i = 0; i < member_count; i++) {
		picture.members[i] = members[i];
		ebb_member_picture(members[i], budget_count, now_ns,
				   &picture.policy.domains[i]);
	}
	picture.decision_count =
		ebb_policy_decide(&picture.policy, now_ns, picture.decisions);
	*ret_picture = picture;
	return 0;
}

void ebb_picture_clear(struct ebb_picture *picture)
{
	free(picture->policy.budgets);
	free(picture->policy.domains);
	free(picture->members);
	free(picture->decisions);
	*picture = (struct ebb_picture){ 0 };
}
