/* SPDX-License-Identifier: GPL-2.0-only */
/* Why nothing, or so much, is taken of one domain: the policy's words, or better ones. */
#include <stdio.h>
#include <string.h>

#include "host/policy/left.h"
#include "host/policy/stage.h"
#include "host/sharing/state.h"
#include "host/snapshot/snapshot.h"

static void explain_last(const struct ebb_member_last *last, uint64_t now_ns,
			 struct ebb_explain_domain *explained)
{
	explained->last_age_ms = ebb_snapshot_age_ms(last->ns, now_ns);
	if (last->ns == 0)
		return;
	snprintf(explained->last_text, sizeof(explained->last_text), "%s",
		 last->words);
	explained->last_asked_bytes = last->asked_bytes;
	explained->last_came_bytes = last->came_bytes;
	explained->last_dry_run = last->dry_run;
	memcpy(explained->last_ended, last->ended,
	       sizeof(explained->last_ended));
}

/* The policy says that nothing is known. The reason is that no lease is open. */
static void explain_closed(const struct ebb_member *member,
			   struct ebb_explain_domain *explained)
{
	struct ebb_reason reason;

	if (ebb_vm_is_closed(member->vm, &reason))
		snprintf(
			explained->text, sizeof(explained->text),
			"%s: nothing: rung lease is closed (%s); ebbctl doctor "
			"says what mends that",
			member->name, reason.name);
}

static bool is_left(const struct ebb_explain_domain *explained,
		    enum ebb_policy_left left)
{
	return strcmp(explained->state, ebb_policy_left_name(left)) == 0;
}

/*
 * On a rung where nobody orders free memory, the policy's words about that are no reason,
 * and neither is an old word of the guest: it is asked for one when somebody wants its
 * memory.
 */
static void explain_seldom(const struct ebb_member *member,
			   struct ebb_explain_domain *explained)
{
	const char *how;

	if (is_left(explained, EBB_POLICY_LEFT_UNKNOWN))
		how = ", and asked then what it has";
	else if (is_left(explained, EBB_POLICY_LEFT_NO_SPARE))
		how = ", by what it does not work with";
	else
		return;
	snprintf(explained->text, sizeof(explained->text),
		 "%s: nothing: what it has free QEMU discards by itself; it is "
		 "driven when the host is in need%s",
		 member->name, how);
}

/*
 * At rest nothing is asked of its balloon, not even how much it has free. In need it is,
 * and then the policy's words hold.
 */
static void explain_balloon(const struct ebb_member *member,
			    const struct ebb_policy_domain *domain,
			    bool in_need, struct ebb_explain_domain *explained)
{
	const char *how = "is inflated when the host is in need, and asked "
			  "then what the guest has free";

	if (!domain->rung.drive)
		how = "is left alone, as it does not give way when the guest "
		      "runs short: autodeflate='on' in its <memballoon> has "
		      "it do so from the next start";
	else if (in_need)
		return;
	if (is_left(explained, EBB_POLICY_LEFT_UNKNOWN) ||
	    is_left(explained, EBB_POLICY_LEFT_NO_NEED))
		snprintf(explained->text, sizeof(explained->text),
			 "%s: nothing: it has only a balloon, which %s",
			 member->name, how);
}

/* Nothing that a guest could spare is known where it is only paged out. */
static void explain_pageout(const struct ebb_member *member,
			    struct ebb_explain_domain *explained)
{
	if (is_left(explained, EBB_POLICY_LEFT_NO_SPARE) ||
	    is_left(explained, EBB_POLICY_LEFT_MODE))
		snprintf(explained->text, sizeof(explained->text),
			 "%s: nothing: what it has free is not known; what it "
			 "does not work with goes into swap when the host is "
			 "nearly out of memory, by its share",
			 member->name);
}

static void explain_swap_full(const struct ebb_member *member,
			      struct ebb_explain_domain *explained)
{
	snprintf(explained->text, sizeof(explained->text),
		 "%s: nothing: it can only be paged out, and swap was full; "
		 "that is tried again a minute later",
		 member->name);
}

static bool is_only_paged_out(const struct ebb_policy_rung *rung)
{
	return rung->page_out && !rung->drive;
}

/* The policy takes an unknown as 0, or as it can. The answer says that it is unknown. */
static void explain_known(const struct ebb_member *member,
			  struct ebb_explain_domain *explained)
{
	struct ebb_vm_sight sight;

	ebb_vm_see(member->vm, &sight);
	explained->balloon_known = sight.balloon_known;
	explained->swapped_known = sight.swapped_known;
}

void ebb_sharing_explain_domain(const struct ebb_picture *picture,
				uint32_t index,
				struct ebb_explain_domain *explained)
{
	const struct ebb_policy_domain *domain =
		&picture->policy.domains[index];
	const struct ebb_member *member = picture->members[index];

	ebb_snapshot_domain(&picture->policy, index, picture->now_ns,
			    explained);
	memcpy(explained->uuid, member->uuid, sizeof(explained->uuid));
	explained->paused = member->exempt;
	explain_known(member, explained);
	if (domain->rung.balloon && explained->memory_known)
		explain_balloon(member, domain,
				ebb_policy_is_in_need(&picture->policy, domain),
				explained);
	else if (member->seldom && explained->memory_known)
		explain_seldom(member, explained);
	else if (is_left(explained, EBB_POLICY_LEFT_NO_SPARE) &&
		 ebb_member_is_swap_full(member, picture->now_ns))
		explain_swap_full(member, explained);
	else if (is_only_paged_out(&domain->rung) &&
		 !ebb_policy_find_emergency(&picture->policy, domain))
		explain_pageout(member, explained);
	else if (is_left(explained, EBB_POLICY_LEFT_UNKNOWN))
		explain_closed(member, explained);
	explain_last(&member->last, picture->now_ns, explained);
}
