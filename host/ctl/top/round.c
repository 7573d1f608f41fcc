/* SPDX-License-Identifier: GPL-2.0-only */
#include <config.h>

#include "host/ctl/top/round.h"

#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "host/ctl/text.h"

enum {
	ANSWER_LIMIT_MS = 10 * 1000,
	/* Between two explanations; and where another domain is selected. */
	EXPLAIN_MS = 5 * 1000,
	EXPLAIN_LEAST_MS = 2 * 1000,
};

/* They have one line of the screen. */
static const struct ebb_asking_words words = {
	.start = "Start it: systemctl start ebbd",
	.permit = "Use sudo, or join the group ebb",
	.busy = "It takes no connection at the moment",
	.stop = ".",
};

void top_round_init(struct top_round *round, const char *path, const char *uri)
{
	*round = (struct top_round){ .uri = uri, .question = TOP_ASK_NOTHING };
	ebb_asking_init(&round->asking, path, &words);
}

void top_round_clear(struct top_round *round)
{
	ebb_asking_clear(&round->asking);
}

static uint64_t passed_ms(uint64_t since_ns)
{
	return (ebb_now_ns() - since_ns) / EBB_NS_PER_MS;
}

/* ---- how it ends ---- */

static void set_clock(struct top_view *view)
{
	time_t now = time(NULL);
	struct tm tm;

	if (!localtime_r(&now, &tm) ||
	    !strftime(view->clock, sizeof(view->clock), "%H:%M:%S", &tm))
		view->clock[0] = '\0';
}

/* Returns true. */
static bool end_well(struct top_round *round, struct top_view *view)
{
	round->question = TOP_ASK_NOTHING;
	round->trouble_ns = 0;
	view->trouble[0] = '\0';
	view->trouble_s = 0;
	set_clock(view);
	return true;
}

/* Returns true. */
static bool end_badly(struct top_round *round, struct top_view *view,
		      const char *trouble)
{
	round->question = TOP_ASK_NOTHING;
	if (!round->trouble_ns)
		round->trouble_ns = ebb_now_ns();
	/* Who answers next may count its events anew, and know more. */
	view->decisions.after = 0;
	view->decisions.untold = false;
	snprintf(view->trouble, sizeof(view->trouble), "%s", trouble);
	ctl_clean(view->trouble, false);
	view->trouble_s = (uint32_t)(passed_ms(round->trouble_ns) / 1000);
	return true;
}

/* ---- what is asked ---- */

static bool is_explain_due(const struct top_round *round,
			   const struct top_view *view)
{
	const struct top_row *row = top_model_selected(&view->model);
	uint64_t ms = passed_ms(round->explained_ns);
	bool other = row && !round->of_all &&
		     strcmp(row->uuid, round->explained_uuid) != 0;

	/* That of all would be of domains that the filter leaves out. */
	if (!row && view->model.count > 0)
		return false;
	if (!round->explained_ns || ms >= EXPLAIN_MS)
		return true;
	return (other || round->of_all) && ms >= EXPLAIN_LEAST_MS;
}

static bool is_due(const struct top_round *round, const struct top_view *view,
		   enum top_question question)
{
	switch (question) {
	case TOP_ASK_LIST:
		return true;
	case TOP_ASK_EXPLAIN:
		return is_explain_due(round, view);
	case TOP_ASK_SHOW:
		return view->page == TOP_PAGE_DETAILS &&
		       top_model_selected(&view->model);
	case TOP_ASK_EVENTS:
		return !view->decisions.untold;
	case TOP_ASK_NOTHING:
		break;
	}
	return false;
}

static bool ask_explain(struct top_round *round, const struct top_view *view)
{
	const struct top_row *row = top_model_selected(&view->model);
	struct ebb_explain_request request = { 0 };

	if (row && !round->of_all)
		memcpy(request.domain, row->uuid, sizeof(row->uuid));
	snprintf(request.uri, sizeof(request.uri), "%s", round->uri);
	memcpy(round->explained_uuid, row ? row->uuid : "",
	       row ? sizeof(row->uuid) : 1);
	round->explained_ns = ebb_now_ns();
	round->of_all = false;
	return ebb_asking_begin(&round->asking, "policy-explain",
				ebb_msg_encode(ebb_explain_request_fields,
					       &request),
				ANSWER_LIMIT_MS);
}

static bool ask_show(struct top_round *round, const struct top_view *view)
{
	const struct top_row *row = top_model_selected(&view->model);
	struct ebb_domain_request request = { 0 };

	memcpy(request.domain, row->uuid, sizeof(row->uuid));
	snprintf(request.uri, sizeof(request.uri), "%s", round->uri);
	return ebb_asking_begin(&round->asking, "domain-show",
				ebb_msg_encode(ebb_domain_request_fields,
					       &request),
				ANSWER_LIMIT_MS);
}

static bool ask_events(struct top_round *round, const struct top_view *view)
{
	struct ebb_events_request request = {
		.last = TOP_DECISIONS,
		.after = view->decisions.after,
	};

	snprintf(request.uri, sizeof(request.uri), "%s", round->uri);
	return ebb_asking_begin(&round->asking, "events",
				ebb_msg_encode(ebb_events_request_fields,
					       &request),
				ANSWER_LIMIT_MS);
}

static bool ask(struct top_round *round, const struct top_view *view)
{
	switch (round->question) {
	case TOP_ASK_LIST:
		return ebb_asking_begin(&round->asking, "domain-list", NULL,
					ANSWER_LIMIT_MS);
	case TOP_ASK_EXPLAIN:
		return ask_explain(round, view);
	case TOP_ASK_SHOW:
		return ask_show(round, view);
	case TOP_ASK_EVENTS:
		return ask_events(round, view);
	case TOP_ASK_NOTHING:
		break;
	}
	return false;
}

/* ---- what came ---- */

static int take_details(const struct json_object *value, struct top_view *view,
			struct ebb_msg_error *ret_error)
{
	int r = ebb_msg_decode(value, ebb_domain_status_fields, &view->details,
			       sizeof(view->details), ret_error);

	view->details_known = r == 0 && !ebb_state_is_off(view->details.state);
	if (r == 0)
		ctl_clean_message(ebb_domain_status_fields, &view->details);
	return r;
}

static int take_value(const struct top_round *round, struct top_view *view,
		      struct ebb_msg_error *ret_error)
{
	const struct json_object *value = round->asking.value;

	switch (round->question) {
	case TOP_ASK_LIST:
		top_host_read_pressure(&view->host, "/proc/pressure/memory");
		return top_model_take(&view->model, value, ret_error);
	case TOP_ASK_EXPLAIN:
		return top_host_take(&view->host, value, ret_error);
	case TOP_ASK_SHOW:
		return take_details(value, view, ret_error);
	case TOP_ASK_EVENTS:
		return top_decisions_take(&view->decisions, value, ret_error);
	case TOP_ASK_NOTHING:
		break;
	}
	return 0;
}

/* Whether a refusal is no trouble: the domain has just ended, or ebbd is an older one. */
static bool is_fine(struct top_round *round, struct top_view *view)
{
	const char *error_class = round->asking.error_class;

	switch (round->question) {
	case TOP_ASK_EXPLAIN:
		round->of_all = strcmp(error_class, "DomainNotFound") == 0;
		return round->of_all;
	case TOP_ASK_SHOW:
		view->details_known = false;
		return strcmp(error_class, "DomainNotFound") == 0 ||
		       strcmp(error_class, "DomainNotRunning") == 0;
	case TOP_ASK_EVENTS:
		view->decisions.untold =
			strcmp(error_class, "CommandNotFound") == 0;
		return view->decisions.untold;
	case TOP_ASK_LIST:
	case TOP_ASK_NOTHING:
		break;
	}
	return false;
}

/* Returns false if the round has ended, badly. */
static bool take_answer(struct top_round *round, struct top_view *view)
{
	struct ebb_msg_error error;

	if (round->asking.asked == EBB_ASKED_ANSWERED) {
		if (take_value(round, view, &error) == 0)
			return true;
		snprintf(round->asking.error, sizeof(round->asking.error),
			 "ebbd's answer is not understood, as it is of another "
			 "version: %s",
			 error.text);
	} else if (round->asking.asked == EBB_ASKED_REFUSED &&
		   is_fine(round, view)) {
		return true;
	}
	end_badly(round, view, round->asking.error);
	return false;
}

/* Asks one after the other, from @question on, until one has to be waited for. */
static bool ask_from(struct top_round *round, struct top_view *view,
		     enum top_question question)
{
	for (; question < TOP_ASK_NOTHING; question++) {
		if (!is_due(round, view, question))
			continue;
		round->question = question;
		if (!ask(round, view))
			return false;
		if (!take_answer(round, view))
			return true;
	}
	return end_well(round, view);
}

bool top_round_begin(struct top_round *round, struct top_view *view)
{
	round->began_ns = ebb_now_ns();
	round->is_hurried = false;
	return ask_from(round, view, TOP_ASK_LIST);
}

bool top_round_turn(struct top_round *round, struct top_view *view)
{
	if (round->question == TOP_ASK_NOTHING ||
	    !ebb_asking_turn(&round->asking))
		return false;
	if (!take_answer(round, view))
		return true;
	return ask_from(round, view, round->question + 1);
}

int top_round_timeout_ms(const struct top_round *round,
			 const struct top_view *view)
{
	uint64_t ms, interval_ms = view->interval_ms;

	if (round->question != TOP_ASK_NOTHING)
		return ebb_asking_timeout_ms(&round->asking);
	if (!round->began_ns)
		return 0;
	if (round->is_hurried)
		interval_ms = TOP_INTERVAL_MIN_MS;
	else if (view->paused)
		return -1;
	ms = passed_ms(round->began_ns);
	return ms < interval_ms ? (int)(interval_ms - ms) : 0;
}
