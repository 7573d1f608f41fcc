/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/sharing/member.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "host/policy/quantity.h"
#include "host/rung/need.h"
#include "host/rung/pageout.h"
#include "host/rung/rung.h"

/* A working set that was told longer ago says nothing of now. */
#define WORKING_SET_NS (60 * EBB_NS_PER_S)

/* Until then others are asked, and after that it is tried again. */
#define SWAP_FULL_NS (60 * EBB_NS_PER_S)

/*
 * What its rung can do, which is all that the policy knows of a rung. A balloon that
 * does not give way by itself may cost its guest a process, where that grows faster than
 * it is seen to: a person may risk that, the policy does not.
 */
static struct ebb_rung_can can(const struct ebb_vm_sight *sight)
{
	struct ebb_rung_can can = ebb_rung(sight->rung)->can;

	if (can.balloon && !sight->balloon_deflates)
		can.drive = false;
	return can;
}

static bool can_give(const struct ebb_vm_sight *sight)
{
	return can(sight).take || can(sight).drive || can(sight).page_out;
}

static void watch_growth(struct ebb_member *member,
			 const struct ebb_vm_sight *sight, uint64_t now_ns)
{
	const struct ebb_refill_sight moment = {
		.usable_bytes = sight->usable_bytes,
		.lent_bytes = ebb_u64_minus(sight->usable_bytes,
					    sight->resident_bytes +
						    sight->swapped_bytes),
		.free_bytes = member->window.free_bytes,
		.in_job = sight->in_job,
		.jobs_ended = sight->jobs_ended,
	};

	if (ebb_refill_note(&member->refill, &moment, now_ns))
		ebb_vm_want_job(member->vm);
}

/* Where its word is old, as it seldom speaks, the host's books tell what it took. */
static uint64_t used_bytes(const struct ebb_member *member,
			   const struct ebb_vm_sight *sight)
{
	return member->seldom ? sight->resident_bytes
			      : ebb_u64_minus(sight->usable_bytes,
					      member->window.free_bytes);
}

/* What the guard gave back, as the guest needed it, nobody asked for. */
static void watch_alarms(struct ebb_member *member,
			 const struct ebb_vm_sight *sight, uint64_t now_ns)
{
	if (member->balloon_alarms != sight->balloon_alarms)
		ebb_policy_took_back(&member->history, now_ns);
	member->balloon_alarms = sight->balloon_alarms;
}

void ebb_member_hear(struct ebb_member *member, uint64_t now_ns)
{
	struct ebb_vm_sight sight;
	struct ebb_vm_word word;

	ebb_vm_see(member->vm, &sight);
	watch_alarms(member, &sight, now_ns);
	if (ebb_vm_hear(member->vm, &word))
		ebb_window_hear(&member->window, &word, now_ns);
	else if (sight.paused)
		ebb_window_hold(&member->window, now_ns);
	member->seldom = !can(&sight).take && can(&sight).drive;
	/* A word that is some time old says nothing of what grew since. */
	if (!member->seldom && sight.held_known &&
	    ebb_window_is_fresh(&member->window, now_ns))
		watch_growth(member, &sight, now_ns);
	else
		member->refill = (struct ebb_refill){ 0 };
	if (sight.held_known && member->window.heard_ns > 0)
		ebb_growth_note(&member->growth, sight.working_set_ns,
				used_bytes(member, &sight));
}

static enum ebb_policy_phase phase_of(const struct ebb_member *member,
				      const struct ebb_vm_sight *sight,
				      uint64_t now_ns)
{
	if (member->exempt)
		return EBB_POLICY_EXEMPT;
	if (sight->leaving)
		return EBB_POLICY_LEAVING;
	if (sight->in_job)
		return EBB_POLICY_IN_JOB;
	if (sight->paused)
		return EBB_POLICY_PAUSED;
	if (!can_give(sight) || !sight->held_known ||
	    !ebb_window_is_fresh(&member->window, now_ns))
		return EBB_POLICY_UNKNOWN;
	return ebb_window_has_booted(&member->window, now_ns)
		       ? EBB_POLICY_SETTLED
		       : EBB_POLICY_BOOTING;
}

/* What the guest says; an old word says nothing. */
static void take_word(const struct ebb_member *member,
		      const struct ebb_vm_sight *sight, uint64_t now_ns,
		      struct ebb_policy_domain *domain)
{
	const struct ebb_window *window = &member->window;
	uint64_t lent_bytes = ebb_policy_lent_bytes(domain);

	if (!ebb_window_is_fresh(window, now_ns))
		return;
	domain->heard_ns = window->heard_ns;
	domain->free_bytes = window->free_bytes;
	domain->available_bytes = window->available_bytes;
	domain->lasting_bytes =
		ebb_window_lasting(window, now_ns, &domain->free_since_ns);
	domain->refilled_bytes = member->refill.bytes;
	/*
	 * Memory that the host does not provide is in huge ranges, too; and a balloon
	 * may be filled with all of it first.
	 */
	if (can(sight).take || can(sight).balloon)
		domain->rung.free_bytes =
			ebb_u64_minus(window->free_huge_bytes, lent_bytes);
}

static enum ebb_policy_mode mode_of(enum ebb_mode mode)
{
	switch (mode) {
	case EBB_MODE_PERFORMANCE:
		return EBB_POLICY_PERFORMANCE;
	case EBB_MODE_DENSITY:
		return EBB_POLICY_DENSITY;
	case EBB_MODE_BALANCED:
		break;
	}
	return EBB_POLICY_BALANCED;
}

bool ebb_member_is_called(const struct ebb_member *member, const char *name)
{
	return *name == '\0' || strcmp(member->name, name) == 0 ||
	       strcasecmp(member->uuid, name) == 0;
}

bool ebb_member_is_swap_full(const struct ebb_member *member, uint64_t now_ns)
{
	return member->swap_full_ns > 0 &&
	       now_ns - member->swap_full_ns < SWAP_FULL_NS;
}

/*
 * What it said, and what it came to use since. By a balloon only memory of the guest can
 * be taken: what a process without files has beside that stays.
 */
static uint64_t needed_bytes(const struct ebb_member *member,
			     const struct ebb_vm_sight *sight)
{
	uint64_t bytes =
		ebb_u64_min(sight->working_set_bytes + member->growth.bytes,
			    sight->usable_bytes);

	if (can(sight).balloon)
		bytes += ebb_u64_minus(sight->resident_bytes,
				       sight->usable_bytes);
	return bytes;
}

void ebb_member_picture(const struct ebb_member *member, uint32_t budget_count,
			uint64_t now_ns, struct ebb_policy_domain *ret_domain)
{
	const struct ebb_policy_settings *settings =
		&ebb_vm_settings(member->vm)->values;
	struct ebb_vm_sight sight;

	ebb_vm_see(member->vm, &sight);
	*ret_domain = (struct ebb_policy_domain){
		.name = member->name,
		.min_bytes = ebb_amount_bytes(&settings->min, sight.base_bytes),
		.max_bytes = ebb_amount_bytes(&settings->max, sight.base_bytes),
		.shares = settings->shares,
		.mode = mode_of(settings->mode),
		.phase = phase_of(member, &sight, now_ns),
		.memory_unknown = !sight.held_known,
		.usable_bytes = sight.usable_bytes,
		.balloon_bytes = sight.balloon_bytes,
		.claimed_bytes = sight.claimed_bytes,
		.resident_bytes = sight.resident_bytes,
		.swapped_bytes = sight.swapped_bytes,
		.working_set_known = sight.working_set_known &&
				     ebb_now_ns() - sight.working_set_ns <
					     WORKING_SET_NS,
		.working_set_bytes = needed_bytes(member, &sight),
		.rung = { .drive = can(&sight).drive,
			  .page_out = can(&sight).page_out &&
				      !ebb_member_is_swap_full(member, now_ns),
			  .balloon = can(&sight).balloon },
		.parts_unknown = !member->parts_known,
		.history = member->history,
	};
	for (uint32_t i = 0; i < member->part_count; i++)
		if (member->parts[i].budget < budget_count)
			ret_domain->parts[ret_domain->part_count++] =
				member->parts[i];
	take_word(member, &sight, now_ns, ret_domain);
}

bool ebb_member_is_silent(const struct ebb_member *member,
			  const struct ebb_policy_domain *domain,
			  uint64_t now_ns)
{
	bool fresh = ebb_window_is_fresh(&member->window, now_ns);

	if (!domain->rung.drive)
		return false;
	if (!member->seldom)
		return domain->phase == EBB_POLICY_UNKNOWN &&
		       member->window.heard_ns > 0 && !fresh;
	if (domain->phase == EBB_POLICY_UNKNOWN)
		return !domain->memory_unknown && !fresh;
	return domain->phase == EBB_POLICY_SETTLED &&
	       domain->heard_ns <= domain->history.decided_ns;
}

bool ebb_member_want_facts(struct ebb_member *member, bool in_need,
			   uint64_t now_ns)
{
	uint64_t pause_ns = in_need ? EBB_MEMBER_ASK_NEED_NS
				    : EBB_MEMBER_ASK_NS;

	if (member->ordered || (member->asked_facts_ns > 0 &&
				now_ns - member->asked_facts_ns < pause_ns))
		return false;
	member->asked_facts_ns = now_ns;
	ebb_vm_want_facts(member->vm);
	return true;
}

static bool is_swap_full(const struct ebb_outcome *outcome)
{
	return outcome->end == EBB_END_NO_MORE &&
	       strcmp(outcome->reason, EBB_PAGEOUT_SWAP_FULL) == 0;
}

/*
 * What an end says of the guest. Where something else was in the way, it says
 * nothing.
 */
static enum ebb_policy_answer answer_of(const struct ebb_outcome *outcome)
{
	switch (outcome->end) {
	case EBB_END_GUEST_PRESSURE:
		return EBB_POLICY_REFUSED;
	case EBB_END_GUEST_REFUSED:
		return ebb_need_is_alarm(outcome->reason) ? EBB_POLICY_REFUSED
							  : EBB_POLICY_GAVE;
	case EBB_END_NO_MORE:
		return is_swap_full(outcome) ? EBB_POLICY_UNASKED
					     : EBB_POLICY_GAVE;
	case EBB_END_SATISFIED:
	case EBB_END_DRAINED:
	case EBB_END_TIMEOUT:
	case EBB_END_GUEST_SILENT:
	case EBB_END_NO_AGENT:
		return EBB_POLICY_GAVE;
	case EBB_END_CANCELLED:
		return EBB_POLICY_CANCELLED;
	default:
		return EBB_POLICY_UNASKED;
	}
}

/* What did not begin says nothing of the guest, either. */
static enum ebb_policy_answer answer_of_refused(enum ebb_refusal_kind kind)
{
	return kind == EBB_REFUSAL_CANCELLED ? EBB_POLICY_CANCELLED
					     : EBB_POLICY_UNASKED;
}

static const char *refusal_name(enum ebb_refusal_kind kind)
{
	static const char *const names[EBB_REFUSAL_COUNT] = {
		[EBB_REFUSAL_NONE] = "",
		[EBB_REFUSAL_ARGUMENT] = "impossible",
		[EBB_REFUSAL_BUSY] = "busy",
		[EBB_REFUSAL_CANCELLED] = "cancelled",
		[EBB_REFUSAL_NOT_RUNNING] = "not-running",
		[EBB_REFUSAL_LIBVIRT_GONE] = "libvirt-gone",
		[EBB_REFUSAL_RUNG_CLOSED] = "rung-closed",
		[EBB_REFUSAL_FAILED] = "failed",
	};

	return names[kind];
}

void ebb_member_note(struct ebb_member *member,
		     const struct ebb_reclaim_report *report, uint64_t now_ns)
{
	struct ebb_vm_sight sight = { 0 };
	struct ebb_policy_domain domain = { .history = member->history };
	const struct ebb_reclaim *reclaim = report->reclaim;
	enum ebb_policy_answer answer = answer_of_refused(report->refusal.kind);
	struct ebb_member_last *last = &member->last;

	if (member->vm)
		ebb_vm_see(member->vm, &sight);
	domain.rung.balloon = can(&sight).balloon;
	domain.usable_bytes = sight.usable_bytes;
	domain.resident_bytes = sight.resident_bytes;
	last->done = true;
	member->ease_ns = 0;
	if (reclaim) {
		answer = answer_of(&reclaim->outcome);
		member->swap_full_ns = is_swap_full(&reclaim->outcome) ? now_ns
								       : 0;
		last->came_bytes = reclaim->books.reclaimed_bytes;
	}
	/* Else what it holds may be what a person had it take. */
	member->ballooned |= domain.rung.balloon && last->came_bytes > 0;
	snprintf(last->ended, sizeof(last->ended), "%s",
		 reclaim ? ebb_reclaim_end_name(reclaim->outcome.end)
			 : refusal_name(report->refusal.kind));
	ebb_policy_answered(&domain, answer, last->came_bytes, now_ns);
	member->history = domain.history;
}
