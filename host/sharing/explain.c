/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The policy's decisions and their reasons, for ebbctl: from the structures that decided.
 *
 * A picture of now is taken and turned into plain values at once, as domains may go
 * meanwhile. To make JSON of a thousand takes long, so each turn of the loop makes it of
 * some.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "host/base/loop.h"
#include "host/interface/array.h"
#include "host/interface/explain.h"
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
		if (ebb_member_is_called(picture->members[i], domain))
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
		if (!ebb_member_is_called(picture->members[i], domain))
			continue;
		ebb_sharing_explain_domain(picture, i, next);
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

void ebb_sharing_handle_explain(struct ebb_call *call,
				const struct json_object *arguments,
				void *opaque)
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
		ebb_sharing_answer_not_found(call, request.domain);
		free(answer);
		return;
	}
	begin_answer(answer);
}
