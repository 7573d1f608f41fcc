/* SPDX-License-Identifier: GPL-2.0-only */
/* What was decided becomes orders, and what comes of them is remembered. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/size.h"
#include "host/base/fault.h"
#include "host/policy/quantity.h"
#include "host/sharing/state.h"
#include "host/snapshot/snapshot.h"

enum {
	/* Of what is free in the guest; and where it is slow, as it must free it first. */
	TAKE_MS = 10 * 1000,
	DRIVE_MS = 30 * 1000,
	/* Agents that are asked at one look. */
	WANT_MAX = 16,
	/* Orders under way, by the reclaims that may run at once; gentle ones rest mostly. */
	ORDERS_FOR_EACH = 2,
	GENTLE_FOR_EACH = 16,
};

static void tell_outcome(struct ebb_member *member)
{
	const struct ebb_member_last *last = &member->last;
	const struct ebb_news news = {
		.kind = EBB_EVENT_OUTCOME,
		.domain = member->name,
		.uuid = member->uuid,
		.action = "policy",
		.reason = last->ended,
		.asked_bytes = last->asked_bytes,
		.came_bytes = last->came_bytes,
	};
	struct ebb_past *past = member->sharing->options.past;

	/* What came of a decision that is no event is none, either. */
	ebb_past_tell(last->told ? past : NULL, EBB_LOG_DEBUG, &news,
		      "%s: policy: %s of %s came: %s", member->name,
		      EBB_SIZE(last->came_bytes), EBB_SIZE(last->asked_bytes),
		      last->ended);
}

static bool is_stuck(const struct ebb_member *member)
{
	const struct ebb_policy_domain domain = { .history = member->history };

	return ebb_policy_is_stuck(&domain);
}

/* A guest can bring it about again and again. An end is told if its begin was. */
static void tell_stuck(struct ebb_member *member)
{
	bool stuck = is_stuck(member);
	const struct ebb_news news = {
		.kind = stuck ? EBB_EVENT_STUCK_BEGAN : EBB_EVENT_STUCK_ENDED,
		.domain = member->name,
		.uuid = member->uuid,
	};

	if (stuck == member->stuck_told ||
	    (stuck && !ebb_pace_take(&member->stuck_pace, 1, ebb_now_ns())))
		return;
	member->stuck_told = stuck;
	ebb_past_tell(member->sharing->options.past,
		      stuck ? EBB_LOG_INFO : EBB_LOG_DEBUG, &news,
		      stuck ? "policy: %s is stuck: it was asked again and "
			      "again, and gave next to nothing"
			    : "policy: %s gives again",
		      member->name);
}

static void note(struct ebb_member *member,
		 const struct ebb_reclaim_report *report)
{
	ebb_member_note(member, report, ebb_sharing_now_ns(member->sharing));
	tell_outcome(member);
	tell_stuck(member);
}

static uint32_t *count_of(struct ebb_sharing *sharing, bool gentle)
{
	return gentle ? &sharing->gentle_count : &sharing->order_count;
}

static bool is_gentle(const struct ebb_member *member,
		      const struct ebb_policy_decision *decision)
{
	struct ebb_vm_sight sight;

	ebb_vm_see(member->vm, &sight);
	return decision->budget == EBB_POLICY_NONE &&
	       sight.rung == EBB_RUNG_LEASE;
}

static void on_done(const struct ebb_reclaim_report *report, void *opaque)
{
	struct ebb_member *member = opaque;
	struct ebb_sharing *sharing = member->sharing;

	member->ordered = false;
	--*count_of(sharing, member->order.gentle);
	/* Its vm has gone, and with it what is known of it. */
	if (!member->vm) {
		free(member);
		return;
	}
	note(member, report);
	if (ebb_ground_is_needy(&sharing->ground) || sharing->more)
		sharing->wake_paced(sharing);
}

/* It may take long, and hold a turn all the while. */
static bool is_slow(const struct ebb_policy_domain *domain,
		    const struct ebb_policy_decision *decision)
{
	return decision->why == EBB_POLICY_OVER_SHARE || domain->rung.balloon;
}

static void order(struct ebb_member *member,
		  const struct ebb_policy_decision *decision,
		  const struct ebb_policy_domain *domain)
{
	struct ebb_sharing *sharing = member->sharing;
	bool driven = ebb_policy_is_driven(domain, decision);
	bool slow = is_slow(domain, decision);
	bool gentle = is_gentle(member, decision);
	const struct ebb_reclaim_order order = {
		.wish = {
			.bytes = decision->bytes,
			.compact = driven,
			.free_only = !driven,
			.gentle = gentle,
			.timeout_ms = driven || slow || gentle ? DRIVE_MS
								  : TAKE_MS,
		},
		.owner = EBB_OWNER_POLICY,
		.done = on_done,
		.opaque = member,
	};

	member->ordered = true;
	member->order = (struct ebb_member_order){
		.ns = member->last.ns,
		.for_need = decision->budget != EBB_POLICY_NONE,
		.gentle = gentle,
		.set = ebb_vm_settings(member->vm)->values,
	};
	++*count_of(sharing, gentle);
	sharing->ordered_number = member->number;
	ebb_fault_point("ordered");
	ebb_vm_reclaim(member->vm, &order);
}

/* The first about a domain, another reason, twice as much or half. */
static bool is_news(const struct ebb_member *member)
{
	const struct ebb_member_last *last = &member->last;

	return member->told_bytes == 0 || last->why != member->told_why ||
	       last->asked_bytes / 2 >= member->told_bytes ||
	       last->asked_bytes <= member->told_bytes / 2;
}

/* What is news, unless there is too much of it: then how many there were. */
static void tell(struct ebb_sharing *sharing, struct ebb_member *member)
{
	const char *prefix = member->last.dry_run ? "dry run: " : "";
	const char *words = member->last.words;
	const struct ebb_news news = {
		.kind = EBB_EVENT_DECISION,
		.domain = member->name,
		.uuid = member->uuid,
		.action = member->last.dry_run ? "dry-run" : "reclaim",
		.reason = ebb_snapshot_why_name(member->last.why),
		.asked_bytes = member->last.asked_bytes,
	};

	if (!is_news(member)) {
		ebb_log(EBB_LOG_DEBUG, "policy: %s%s", prefix, words);
		return;
	}
	member->told_why = member->last.why;
	member->told_bytes = member->last.asked_bytes;
	if (!ebb_pace_take(&sharing->log_pace, 1, ebb_now_ns())) {
		sharing->unlogged++;
		return;
	}
	if (sharing->unlogged > 0)
		ebb_log(EBB_LOG_INFO,
			"policy: %u decisions are not in the log, as there "
			"are so many",
			sharing->unlogged);
	sharing->unlogged = 0;
	member->last.told = true;
	ebb_past_tell(sharing->options.past, EBB_LOG_INFO, &news,
		      "policy: %s%s", prefix, words);
}

static void add_word(struct ebb_member_last *last, const char *word)
{
	size_t length = strlen(last->words);

	snprintf(last->words + length, sizeof(last->words) - length, "%s",
		 word);
}

static void carry_out(struct ebb_sharing *sharing, struct ebb_picture *picture,
		      const struct ebb_policy_decision *decision)
{
	struct ebb_member *member = picture->members[decision->domain];
	struct ebb_policy_domain *domain =
		&picture->policy.domains[decision->domain];
	bool dry_run = ebb_sharing_is_dry_run(sharing);

	member->last = (struct ebb_member_last){
		.ns = picture->now_ns,
		.why = decision->why,
		.asked_bytes = decision->bytes,
		.dry_run = dry_run,
	};
	ebb_policy_words(&picture->policy, decision, picture->now_ns,
			 member->last.words, sizeof(member->last.words));
	if (is_gentle(member, decision))
		add_word(&member->last, ", gently");
	tell(sharing, member);
	ebb_policy_asked(domain, decision->bytes, picture->now_ns);
	if (dry_run)
		ebb_policy_answered(domain, EBB_POLICY_UNASKED, 0,
				    picture->now_ns);
	member->history = domain->history;
	if (!dry_run)
		order(member, decision, domain);
}

/* Whether a decision of now or soon could ask it, or drive it, if more was known. */
static bool is_more_wanted(const struct ebb_picture *picture, uint32_t index)
{
	const struct ebb_policy_domain *domain =
		&picture->policy.domains[index];
	const struct ebb_member *member = picture->members[index];
	bool in_need = ebb_policy_is_in_need(&picture->policy, domain);
	bool may_drive = in_need || (!domain->rung.balloon &&
				     (domain->mode == EBB_POLICY_DENSITY ||
				      domain->max_bytes > 0));

	/* Who has a ring is asked for a word in need alone. */
	if ((in_need || (member->seldom && may_drive)) &&
	    ebb_member_is_silent(member, domain, picture->now_ns))
		return true;
	if (domain->phase != EBB_POLICY_SETTLED || !domain->rung.drive ||
	    !may_drive)
		return false;
	/* Of what it took since its last word it may work with nothing any more. */
	return !domain->working_set_known ||
	       (in_need &&
		member->growth.bytes > ebb_policy_worth_bytes(domain));
}

/* Behind who was asked last: where there are many, each has its turn. */
static void want_facts(struct ebb_sharing *sharing, struct ebb_picture *picture)
{
	uint32_t count = picture->policy.domain_count;
	uint32_t first = 0, left = WANT_MAX;

	while (first < count &&
	       picture->members[first]->number <= sharing->wanted_number)
		first++;
	for (uint32_t i = 0; i < count && left > 0; i++) {
		uint32_t index = (first + i) % count;
		struct ebb_member *member = picture->members[index];

		bool in_need = ebb_policy_is_in_need(
			&picture->policy, &picture->policy.domains[index]);

		if (!is_more_wanted(picture, index) ||
		    !ebb_member_want_facts(member, in_need, picture->now_ns))
			continue;
		sharing->wanted_number = member->number;
		left--;
	}
}

/* Behind who was ordered last, so that each has its turn. */
static uint32_t first_decision(const struct ebb_sharing *sharing,
			       const struct ebb_picture *picture)
{
	uint32_t i = 0;

	while (i < picture->decision_count &&
	       picture->members[picture->decisions[i].domain]->number <=
		       sharing->ordered_number)
		i++;
	return i;
}

static bool is_full(struct ebb_sharing *sharing,
		    const struct ebb_member *member,
		    const struct ebb_policy_decision *decision)
{
	bool gentle = is_gentle(member, decision);
	uint32_t each = gentle ? GENTLE_FOR_EACH : ORDERS_FOR_EACH;

	return *count_of(sharing, gentle) >=
	       each * sharing->options.config->reclaims;
}

/* Returns whether some are left, as too many orders are under way. */
static bool carry_out_some(struct ebb_sharing *sharing,
			   struct ebb_picture *picture, uint32_t first,
			   bool slow)
{
	uint32_t count = picture->decision_count;
	bool left = false;

	for (uint32_t i = 0; i < count; i++) {
		const struct ebb_policy_decision *decision =
			&picture->decisions[(first + i) % count];

		if (is_slow(&picture->policy.domains[decision->domain],
			    decision) != slow)
			continue;
		if (is_full(sharing, picture->members[decision->domain],
			    decision))
			left = true;
		else
			carry_out(sharing, picture, decision);
	}
	return left;
}

/* What is free comes at once: it goes before all that a guest must first be driven to. */
void ebb_sharing_carry_out(struct ebb_sharing *sharing,
			   struct ebb_picture *picture)
{
	uint32_t first = first_decision(sharing, picture);

	sharing->more = carry_out_some(sharing, picture, first, false);
	sharing->more |= carry_out_some(sharing, picture, first, true);
	want_facts(sharing, picture);
	if (!ebb_sharing_is_dry_run(sharing))
		ebb_sharing_give_back(picture);
}
