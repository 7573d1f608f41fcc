/* SPDX-License-Identifier: GPL-2.0-only */
/* What a look finds of the budgets that a person should know, in the log. */
#include <inttypes.h>
#include <stdio.h>

#include "common/log.h"
#include "common/size.h"
#include "host/policy/stage.h"
#include "host/sharing/state.h"

/* A guest that starts is looked at before. */
#define DEBT_UNKNOWN_NS (60 * EBB_NS_PER_S)

static bool lacks(const struct ebb_policy_budget *budget)
{
	return budget->need_bytes > budget->met_bytes;
}

/*
 * By what is known. The debt of each guest that starts is unknown until it was looked at:
 * that is no news, and explain says it.
 */
static bool lacks_cover(const struct ebb_policy_budget *budget)
{
	return budget->cover_bytes < budget->debt_bytes;
}

static void tell_change(struct ebb_sharing *sharing, enum ebb_log_level level,
			enum ebb_event_kind kind,
			const struct ebb_policy_budget *budget,
			const char *words)
{
	const struct ebb_news news = {
		.kind = kind,
		.budget = budget->name,
		.asked_bytes = budget->need_bytes,
	};

	ebb_past_tell(sharing->options.past, level, &news, "policy: %s %s",
		      budget->name, words);
}

/* What is no news for the log: guests can bring it about again and again. */
static void tell_changes(struct ebb_sharing *sharing,
			 const struct ebb_policy_budget *before,
			 const struct ebb_policy_budget *now)
{
	bool covered_again = lacks_cover(before) && !lacks_cover(now);

	if ((now->in_need == before->in_need && !covered_again) ||
	    !ebb_pace_take(&sharing->change_pace, 1, ebb_now_ns()))
		return;
	if (now->in_need && !before->in_need)
		tell_change(sharing, EBB_LOG_DEBUG, EBB_EVENT_NEED_BEGAN, now,
			    "is in need");
	if (!now->in_need && before->in_need)
		tell_change(sharing, EBB_LOG_DEBUG, EBB_EVENT_NEED_ENDED, now,
			    "is in need no more");
	if (covered_again)
		tell_change(sharing, EBB_LOG_DEBUG, EBB_EVENT_UNCOVERED_ENDED,
			    now, "could give back what its guests lent again");
}

/* What lacks, and what is not covered, is told when it comes to that. */
static void tell_budget(struct ebb_sharing *sharing,
			const struct ebb_policy *policy, uint32_t index)
{
	const struct ebb_policy_budget *before =
		&sharing->ground.budgets[index];
	const struct ebb_policy_budget *now = &policy->budgets[index];
	bool comes_to_lack = lacks(now) && !lacks(before);
	bool loses_cover = lacks_cover(now) && !lacks_cover(before);
	char words[EBB_POLICY_WORDS_BYTES];

	tell_changes(sharing, before, now);
	if ((!comes_to_lack && !loses_cover) ||
	    !ebb_pace_take(&sharing->need_pace, 1, ebb_now_ns()))
		return;
	if (comes_to_lack)
		ebb_log(EBB_LOG_WARNING, "policy: %s",
			ebb_policy_need_words(policy, index, words,
					      sizeof(words)));
	if (loses_cover)
		tell_change(sharing, EBB_LOG_NOTICE, EBB_EVENT_UNCOVERED_BEGAN,
			    now,
			    "could not give its largest guests back what they "
			    "lent; without need nothing more is lent. See: "
			    "ebbctl explain");
}

/* A setting of a person's is the cause: told each time, also where others are paced. */
static void tell_mins(const struct ebb_policy_budget *now,
		      const struct ebb_policy_budget *before)
{
	char mins[EBB_SIZE_TEXT_BYTES], limit[EBB_SIZE_TEXT_BYTES];

	if (ebb_policy_mins_fit(now) || !ebb_policy_mins_fit(before))
		return;
	ebb_log(EBB_LOG_WARNING,
		"policy: the mins of the domains of %s are %s together, and it "
		"has %s: they cannot all be kept. Lower some: ebbctl explain",
		now->name, ebb_size_format(now->min_bytes, mins, sizeof(mins)),
		ebb_size_format(now->limit_bytes, limit, sizeof(limit)));
}

static bool is_new(const struct ebb_member *member,
		   const struct ebb_policy_domain *domain)
{
	return !member->cover_told && !domain->memory_unknown &&
	       domain->part_count > 0;
}

/*
 * Who came since the last look, and may take more of a budget than it could give. How
 * much that is, is known when its process was found.
 */
static void tell_newcomers(const struct ebb_picture *picture, uint32_t index)
{
	const struct ebb_policy_budget *budget =
		&picture->policy.budgets[index];
	const struct ebb_member *first = NULL;
	char others[32] = "";
	uint32_t count = 0;

	for (uint32_t i = 0; i < picture->policy.domain_count; i++) {
		const struct ebb_policy_domain *domain =
			&picture->policy.domains[i];

		if (!is_new(picture->members[i], domain) ||
		    ebb_policy_part(domain, index) <= 0)
			continue;
		if (count++ == 0)
			first = picture->members[i];
	}
	if (!first)
		return;
	if (count > 1)
		snprintf(others, sizeof(others), " and %" PRIu32 " more",
			 count - 1);
	ebb_log(EBB_LOG_WARNING,
		"policy: %s%s came, and %s could not give the largest guests "
		"what they may take: %s of cover for a debt of %s. If they grow "
		"it runs short: stop or move a guest, or add swap. See: "
		"ebbctl explain",
		first->name, others, budget->name,
		EBB_SIZE(budget->cover_bytes), EBB_SIZE(budget->debt_bytes));
}

static void tell_all_newcomers(const struct ebb_picture *picture)
{
	const struct ebb_policy *policy = &picture->policy;
	uint32_t first = 0;

	while (first < policy->domain_count &&
	       !is_new(picture->members[first], &policy->domains[first]))
		first++;
	if (first == policy->domain_count)
		return;
	for (uint32_t i = 0; i < policy->budget_count; i++)
		if (lacks_cover(&policy->budgets[i]))
			tell_newcomers(picture, i);
	for (uint32_t i = 0; i < policy->domain_count; i++)
		picture->members[i]->cover_told |=
			is_new(picture->members[i], &policy->domains[i]);
}

static bool is_debt_unknown(const struct ebb_policy_domain *domain)
{
	return !ebb_policy_is_debt_known(domain) &&
	       (domain->part_count > 0 || domain->parts_unknown);
}

/* It stops all lending where it may lie: told once, until it ends. */
static void tell_debt(struct ebb_member *member,
		      const struct ebb_policy_domain *domain, uint64_t now_ns)
{
	struct ebb_reason reason;
	bool closed;

	if (!is_debt_unknown(domain)) {
		member->debt_unknown = member->debt_told = false;
		return;
	}
	if (!member->debt_unknown) {
		member->debt_unknown = true;
		member->debt_unknown_ns = now_ns;
	}
	if (member->debt_told ||
	    now_ns - member->debt_unknown_ns < DEBT_UNKNOWN_NS)
		return;
	member->debt_told = true;
	closed = ebb_vm_is_closed(member->vm, &reason);
	ebb_log(EBB_LOG_WARNING,
		"policy: not known for a minute how much memory %s may take, so "
		"without need no guest lends any beside it: %s. %s",
		member->name, closed ? reason.text : "it is being looked at",
		closed ? reason.remedy : "See: ebbctl explain");
}

void ebb_sharing_tell(struct ebb_sharing *sharing,
		      const struct ebb_picture *picture)
{
	const struct ebb_policy *policy = &picture->policy;

	for (uint32_t i = 0; i < policy->budget_count; i++) {
		tell_mins(&policy->budgets[i], &sharing->ground.budgets[i]);
		tell_budget(sharing, policy, i);
	}
	tell_all_newcomers(picture);
	for (uint32_t i = 0; i < policy->domain_count; i++)
		tell_debt(picture->members[i], &policy->domains[i],
			  picture->now_ns);
}
