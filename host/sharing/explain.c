/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What was decided and why, for ebbctl: from the structures that decided.
 *
 * A picture of now is taken and turned into plain values at once, as domains may go
 * meanwhile. To make JSON of a thousand takes long, so it is made of some in each turn
 * of the loop.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "host/base/loop.h"
#include "host/control/arguments.h"
#include "host/interface/array.h"
#include "host/interface/explain.h"
#include "host/policy/left.h"
#include "host/policy/stage.h"
#include "host/interface/selection.h"
#include "host/sharing/state.h"
#include "host/snapshot/snapshot.h"

enum {
	DOMAINS_A_TURN = 16
};

struct answer {
	struct ebb_call *call;
	int timer;
	struct json_object *value;
	struct json_object *array;
	uint32_t next;
	uint32_t count;
	struct ebb_selection selection;
	struct ebb_explain head;
	struct ebb_explain_domain domains[];
};

/* ---- one domain ---- */

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

/* The policy knows that nothing is known; that no lease is open says why. */
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
 * On a rung where nobody orders what is free, what is known of that is no reason, nor is
 * a word that is old: it is asked for one when somebody wants its memory.
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
 * At rest nothing is asked of its balloon, not even what it has free. In need it is, and
 * what the policy says of it then holds.
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

/* Of a guest that is only paged out, nothing is known that it could have to spare. */
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

/* What the policy takes as 0, or as it can, is said to be not known. */
static void explain_known(const struct ebb_member *member,
			  struct ebb_explain_domain *explained)
{
	struct ebb_vm_sight sight;

	ebb_vm_see(member->vm, &sight);
	explained->balloon_known = sight.balloon_known;
	explained->swapped_known = sight.swapped_known;
}

static void explain_domain(const struct ebb_picture *picture, uint32_t index,
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

/* ---- the answer ---- */

static bool is_asked_for(const struct ebb_member *member, const char *domain)
{
	return *domain == '\0' || strcmp(member->name, domain) == 0 ||
	       strcasecmp(member->uuid, domain) == 0;
}

/* Whether something is to be said of it, or @asked, which may be NULL, lies in it. */
static bool is_told_first(const struct ebb_policy *policy, uint32_t index,
			  const struct ebb_policy_domain *asked)
{
	const struct ebb_policy_budget *budget = &policy->budgets[index];

	if (budget->in_need || !ebb_policy_is_covered(budget) ||
	    !ebb_policy_mins_fit(budget))
		return true;
	return asked && ebb_policy_part(asked, index) > 0;
}

static const struct ebb_policy_domain *
find_asked(const struct ebb_picture *picture, const char *domain)
{
	for (uint32_t i = 0; *domain && i < picture->policy.domain_count; i++)
		if (is_asked_for(picture->members[i], domain))
			return &picture->policy.domains[i];
	return NULL;
}

/* Where there are more than can be told, the first of all and those that matter. */
static void fill_budgets(const struct ebb_picture *picture, const char *domain,
			 struct ebb_explain *head)
{
	const struct ebb_policy *policy = &picture->policy;
	const struct ebb_policy_domain *asked = find_asked(picture, domain);
	bool cut = policy->budget_count > EBB_EXPLAIN_BUDGETS_MAX;

	for (int turn = 0; turn < 2; turn++)
		for (uint32_t i = 0; i < policy->budget_count; i++) {
			bool first = !cut || i == 0 ||
				     is_told_first(policy, i, asked);

			if (head->budget_count < EBB_EXPLAIN_BUDGETS_MAX &&
			    first == (turn == 0))
				ebb_snapshot_budget(
					policy, i,
					&head->budgets[head->budget_count++]);
		}
	head->budgets_left_out = policy->budget_count - head->budget_count;
}

static void fill_head(const struct ebb_sharing *sharing,
		      const struct ebb_picture *picture, const char *domain,
		      struct ebb_explain *head)
{
	head->enabled = ebb_sharing_config(sharing)->enabled;
	head->dry_run = ebb_sharing_is_dry_run(sharing);
	head->paused = sharing->paused;
	ebb_sharing_show_exempt(sharing, head);
	head->budgets_age_ms =
		ebb_snapshot_age_ms(sharing->ground.read_ns, picture->now_ns);
	fill_budgets(picture, domain, head);
}

static void fill(const struct ebb_sharing *sharing,
		 const struct ebb_picture *picture, const char *domain,
		 struct answer *answer)
{
	uint32_t decision = 0;

	fill_head(sharing, picture, domain, &answer->head);
	/* Decisions are in the order of the domains. */
	for (uint32_t i = 0; i < picture->policy.domain_count; i++) {
		struct ebb_explain_domain *next =
			&answer->domains[answer->count];

		while (decision < picture->decision_count &&
		       picture->decisions[decision].domain < i)
			decision++;
		if (!is_asked_for(picture->members[i], domain))
			continue;
		explain_domain(picture, i, next);
		if (!ebb_sharing_config(sharing)->enabled)
			ebb_snapshot_off(next);
		else if (decision < picture->decision_count &&
			 picture->decisions[decision].domain == i)
			ebb_snapshot_decision(&picture->policy,
					      &picture->decisions[decision],
					      picture->now_ns, next);
		answer->count++;
	}
}

/* @whole: else it lacks a domain for want of memory, and is no answer. */
static void end_answer(struct answer *answer, bool whole)
{
	if (whole && json_object_object_add(answer->value, "domains",
					    answer->array) == 0) {
		ebb_call_return(answer->call, answer->value);
	} else {
		json_object_put(answer->value);
		json_object_put(answer->array);
		ebb_call_error(answer->call, "GenericError", "out of memory");
	}
	ebb_loop_timer_remove(answer->timer);
	free(answer);
}

static void on_turn(int timer, void *opaque)
{
	struct answer *answer = opaque;

	(void)timer;
	for (int i = 0; i < DOMAINS_A_TURN; i++) {
		if (answer->next == answer->count) {
			end_answer(answer, true);
			return;
		}
		if (ebb_array_append_text(
			    answer->array, answer->selection.fields,
			    &answer->domains[answer->next++]) < 0) {
			end_answer(answer, false);
			return;
		}
	}
}

static void begin_answer(struct answer *answer)
{
	answer->value = ebb_msg_encode(ebb_explain_fields, &answer->head);
	answer->array = json_object_new_array();
	answer->timer = ebb_loop_timer(0, on_turn, answer);
	if (answer->value && answer->array && answer->timer >= 0)
		return;
	ebb_call_error(answer->call, "GenericError", "out of memory");
	if (answer->timer >= 0)
		ebb_loop_timer_remove(answer->timer);
	json_object_put(answer->value);
	json_object_put(answer->array);
	free(answer);
}

static int take_picture(const struct ebb_sharing *sharing,
			struct ebb_picture *ret_picture)
{
	return ebb_picture_take(sharing->ground.budgets,
				sharing->ground.list.count,
				sharing->members.items, sharing->members.count,
				ebb_sharing_now_ns(sharing), ret_picture);
}

int ebb_sharing_show(const struct ebb_sharing *sharing,
		     struct ebb_explain *ret_head)
{
	struct ebb_picture picture;

	if (take_picture(sharing, &picture) < 0)
		return -ENOMEM;
	memset(ret_head, 0, sizeof(*ret_head));
	fill_head(sharing, &picture, "", ret_head);
	ebb_picture_clear(&picture);
	return 0;
}

struct ebb_watch_sources ebb_sharing_sources(const struct ebb_sharing *sharing)
{
	return ebb_watch_sources(sharing->watch);
}

static void answer_not_found(struct ebb_call *call, const char *domain)
{
	ebb_call_error(call, "DomainNotFound",
		       "No running domain '%s'; see: virsh list --all", domain);
}

static void handle_explain(struct ebb_call *call,
			   const struct json_object *arguments, void *opaque)
{
	struct ebb_sharing *sharing = opaque;
	struct ebb_explain_request request;
	struct ebb_selection selection;
	struct ebb_picture picture;
	struct ebb_msg_error error;
	struct answer *answer;

	if (ebb_msg_decode(arguments, ebb_explain_request_fields, &request,
			   sizeof(request), &error) < 0 ||
	    ebb_selection_make(ebb_explain_domain_fields, arguments, &selection,
			       &error) < 0) {
		ebb_call_error(call, "InvalidArgument", "%s", error.text);
		return;
	}
	answer = calloc(1, sizeof(*answer) +
				   sharing->members.count *
					   sizeof(struct ebb_explain_domain));
	if (!answer || take_picture(sharing, &picture) < 0) {
		free(answer);
		ebb_call_error(call, "GenericError", "out of memory");
		return;
	}
	answer->selection = selection;
	answer->call = call;
	fill(sharing, &picture, request.domain, answer);
	ebb_picture_clear(&picture);
	if (answer->count == 0 && *request.domain) {
		answer_not_found(call, request.domain);
		free(answer);
		return;
	}
	begin_answer(answer);
}

/* ---- pause and resume ---- */

static struct ebb_member *find_member(const struct ebb_sharing *sharing,
				      const char *domain)
{
	for (uint32_t i = 0; i < sharing->members.count; i++)
		if (is_asked_for(sharing->members.items[i], domain))
			return sharing->members.items[i];
	return NULL;
}

static void pause_all(struct ebb_sharing *sharing, bool pause,
		      struct ebb_policy_result *result)
{
	result->was_paused = sharing->paused;
	sharing->paused = pause;
	if (pause)
		ebb_sharing_end_orders(sharing);
}

/* @member: of @domain, or NULL if that does not run. Returns 0 or -ENOMEM. */
static int pause_one(struct ebb_sharing *sharing,
		     const struct ebb_exempt *domain, struct ebb_member *member,
		     bool pause, struct ebb_policy_result *result)
{
	snprintf(result->name, sizeof(result->name), "%s",
		 *domain->name ? domain->name : domain->uuid);
	result->was_paused = ebb_sharing_is_exempt(sharing, domain->uuid);
	if (pause && ebb_sharing_exempt(sharing, domain) < 0)
		return -ENOMEM;
	if (!pause)
		ebb_sharing_readmit(sharing, domain->uuid);
	if (!member)
		return 0;
	member->exempt = pause;
	if (pause)
		ebb_sharing_end_order(member);
	return 0;
}

/* One that runs, or, as it may be off for good, one that is paused. */
static bool find_domain(const struct ebb_sharing *sharing, const char *name,
			struct ebb_exempt *ret_domain,
			struct ebb_member **ret_member)
{
	struct ebb_member *member = find_member(sharing, name);

	*ret_member = member;
	if (!member)
		return ebb_sharing_find_exempt(sharing, name, ret_domain);
	memcpy(ret_domain->uuid, member->uuid, sizeof(ret_domain->uuid));
	memcpy(ret_domain->name, member->name, sizeof(ret_domain->name));
	return true;
}

/* @domain: NULL: it is for all. */
static void tell_request(const struct ebb_sharing *sharing,
			 const struct ebb_call *call,
			 const struct ebb_exempt *domain, bool pause)
{
	bool was_paused = domain ? ebb_sharing_is_exempt(sharing, domain->uuid)
				 : sharing->paused;
	const struct ebb_news news = {
		.kind = EBB_EVENT_REQUEST,
		.domain = domain ? domain->name : NULL,
		.uuid = domain ? domain->uuid : NULL,
		.action = pause ? "pause" : "resume",
		.by_person = true,
		.uid = ebb_call_uid(call),
	};

	ebb_past_tell(sharing->options.past, EBB_LOG_INFO, &news,
		      "policy: %s%s%s%s", pause ? "paused" : "resumed",
		      domain ? " for " : "",
		      !domain	      ? ""
		      : *domain->name ? domain->name
				      : domain->uuid,
		      was_paused != pause ? ""
		      : pause		  ? ", as it was already"
					  : ", though it was not paused");
}

static void handle_pause(struct ebb_call *call,
			 const struct json_object *arguments, void *opaque)
{
	struct ebb_sharing *sharing = opaque;
	struct ebb_policy_result result = { 0 };
	struct ebb_policy_request request;
	struct ebb_member *member = NULL;
	struct ebb_exempt domain;
	bool all;
	int r;

	if (!ebb_call_decode(call, arguments, ebb_policy_request_fields,
			     &request, sizeof(request)))
		return;
	all = *request.domain == '\0';
	if (!all && !find_domain(sharing, request.domain, &domain, &member)) {
		if (request.pause)
			answer_not_found(call, request.domain);
		else
			ebb_call_error(call, "DomainNotFound",
				       "Domain '%s' does not run, and the "
				       "policy is not paused for it; see: "
				       "ebbctl policy status",
				       request.domain);
		return;
	}
	result.paused = request.pause;
	tell_request(sharing, call, all ? NULL : &domain, request.pause);
	r = ebb_pauses_keep(&sharing->pauses, all ? NULL : domain.uuid,
			    request.pause);
	if (r < 0)
		snprintf(result.note, sizeof(result.note),
			 "A restart of ebbd forgets this, as it cannot be kept "
			 "in %.200s: %s",
			 sharing->options.state_dir, strerror(-r));
	else if (!ebb_sharing_config(sharing)->enabled)
		snprintf(result.note, sizeof(result.note),
			 "The policy is off: enabled = no in ebbd.conf");
	if (all) {
		pause_all(sharing, request.pause, &result);
	} else if (pause_one(sharing, &domain, member, request.pause, &result) <
		   0) {
		ebb_call_error(call, "GenericError", "out of memory");
		return;
	}
	if (!request.pause)
		sharing->wake(sharing);
	ebb_call_return(call,
			ebb_msg_encode(ebb_policy_result_fields, &result));
}

const struct ebb_control_handler ebb_sharing_handlers[] = {
	{ "policy-explain", handle_explain, .reads = true },
	{ "policy-pause", handle_pause, .reads = false },
	{ .command = NULL },
};
