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

/* A state of a budget that is an event as it begins, and as it ends. */
struct state {
	enum ebb_event_kind began;
	enum ebb_event_kind ended;
	enum ebb_log_level began_level;
	const char *began_words;
	const char *ended_words;
};

/* No news for the log: guests can bring it about again and again. */
static const struct state need_state = {
	.began = EBB_EVENT_NEED_BEGAN,
	.ended = EBB_EVENT_NEED_ENDED,
	.began_level = EBB_LOG_DEBUG,
	.began_words = "is in need",
	.ended_words = "is in need no more",
};

static const struct state uncovered_state = {
	.began = EBB_EVENT_UNCOVERED_BEGAN,
	.ended = EBB_EVENT_UNCOVERED_ENDED,
	.began_level = EBB_LOG_NOTICE,
	.began_words = "could not give its largest guests back what they "
		       "lent; without need nothing more is lent. See: "
		       "ebbctl explain",
	.ended_words = "could give back what its guests lent again",
};

/* An end is told if its begin was: the begin alone is paced, so that no pair is halved. */
static void tell_state(struct ebb_sharing *sharing, const struct state *state,
		       const struct ebb_policy_budget *budget, bool is,
		       struct ebb_pace *pace, bool *told)
{
	if (is == *told || (is && !ebb_pace_take(pace, 1, ebb_now_ns())))
		return;
	*told = is;
	tell_change(sharing, is ? state->began_level : EBB_LOG_DEBUG,
		    is ? state->began : state->ended, budget,
		    is ? state->began_words : state->ended_words);
}

/* What lacks, and what is not covered, is told when it comes to that. */
static void tell_budget(struct ebb_sharing *sharing,
			const struct ebb_policy *policy, uint32_t index)
{
	const struct ebb_policy_budget *before =
		&sharing->ground.budgets[index];
	const struct ebb_policy_budget *now = &policy->budgets[index];
	struct ebb_ground_told *told = &sharing->ground.told[index];
	char words[EBB_POLICY_WORDS_BYTES];

	tell_state(sharing, &need_state, now, now->in_need,
		   &sharing->change_pace, &told->need);
	if (lacks(now) && !lacks(before) &&
	    ebb_pace_take(&sharing->need_pace, 1, ebb_now_ns()))
		ebb_log(EBB_LOG_WARNING, "policy: %s",
			ebb_policy_need_words(policy, index, words,
					      sizeof(words)));
	/* Not known to be covered is no end of it, and no begin. */
	if (lacks_cover(now) || ebb_policy_is_covered(now))
		tell_state(sharing, &uncovered_state, now, lacks_cover(now),
			   &sharing->need_pace, &told->uncovered);
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
