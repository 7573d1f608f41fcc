/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All budgets and domains at one moment, and what the policy decides of them.
 *
 * The loop takes one and carries it out; who asks for an explanation is answered
 * from one that was taken the same way, and is carried out by nobody.
 */
#ifndef EBB_HOST_PICTURE_H
#define EBB_HOST_PICTURE_H

#include "host/sharing/member.h"

/**
 * struct ebb_picture
 * @now_ns: when it was taken, by the policy's clock
 * @members: by the index of the domain in @policy
 */
struct ebb_picture {
	uint64_t now_ns;
	struct ebb_policy policy;
	struct ebb_member **members;
	struct ebb_policy_decision *decisions;
	uint32_t decision_count;
};

/**
 * ebb_picture_take - look, and decide
 * @budgets: as they were read last, with what they keep; they are copied
 * @members: all
 * @ret_picture: free with ebb_picture_clear(), before any of @members or what the
 *	names of @budgets point to
 *
 * Returns 0 or -ENOMEM.
 */
int ebb_picture_take(const struct ebb_policy_budget *budgets,
		     uint32_t budget_count, struct ebb_member *const *members,
		     uint32_t member_count, uint64_t now_ns,
		     struct ebb_picture *ret_picture);

/* A zeroed one is fine. */
void ebb_picture_clear(struct ebb_picture *picture);

#endif /* EBB_HOST_PICTURE_H */
