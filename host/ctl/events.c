/* SPDX-License-Identifier: GPL-2.0-only */
/* ebbctl events: what happened, and with --follow what happens. */
#include <config.h>

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/ctl/client.h"
#include "host/ctl/text.h"
#include "host/ctl/when.h"
#include "host/interface/event.h"

enum {
	EVENTS_LIMIT_MS = 10 * 1000
};

/**
 * struct show
 * @since_ms: only those from then on
 * @shown: of the last ones
 */
struct show {
	const struct ctl_args *args;
	uint64_t since_ms;
	uint32_t shown;
};

/* Who asked, as the names of this host are. */
static void print_asker(uint32_t uid)
{
	const struct passwd *user = getpwuid((uid_t)uid);

	if (user)
		printf(" (asked by %s)", user->pw_name);
	else
		printf(" (asked by uid %u)", (unsigned int)uid);
}

static void print_event(struct ebb_event *event)
{
	char when[CTL_WHEN_BYTES];

	ctl_clean_message(ebb_event_fields, event);
	printf("%s  %s",
	       ctl_when_format(event->time_ms, ctl_when_now_ms(), when),
	       event->text);
	if (event->uid != UINT32_MAX)
		print_asker(event->uid);
	putchar('\n');
}

/* ---- the last ones ---- */

static int print_last(struct show *show, struct json_object *value,
		      uint64_t *ret_next)
{
	struct json_object *array = NULL;
	struct ebb_events events;
	struct ebb_msg_error error;

	if (ebb_events_decode(value, &events, &error) < 0)
		return ctl_answer_misfit(show->args, &error);
	json_object_object_get_ex(value, "events", &array);
	for (uint32_t i = 0; i < events.event_count; i++) {
		if (events.events[i].time_ms < show->since_ms)
			continue;
		show->shown++;
		if (ctl_given(show->args, CTL_OPT_JSON))
			ctl_json_print_line(
				stdout, json_object_array_get_idx(array, i));
		else
			print_event(&events.events[i]);
	}
	*ret_next = events.next;
	ebb_events_clear(&events);
	return CTL_DONE;
}

/* A domain that is gone may have some, so this one may never have been. */
static int say_none(const struct ctl_args *args)
{
	struct ebb_domain_request domain = { 0 };
	struct ctl_request request = {
		.command = "domain-show",
		.limit_ms = EVENTS_LIMIT_MS,
	};
	struct ctl_answer answer;

	snprintf(domain.domain, sizeof(domain.domain), "%s", args->operands[0]);
	snprintf(domain.uri, sizeof(domain.uri), "%s", args->uri);
	request.arguments = ebb_msg_encode(ebb_domain_request_fields, &domain);
	ctl_ask(args, &request, &answer);
	if (answer.status != CTL_DONE &&
	    strcmp(answer.error_class, "DomainNotFound") == 0)
		return ctl_answer_error(args, &answer);
	ctl_answer_clear(&answer);
	if (!ctl_given(args, CTL_OPT_JSON))
		printf("%s: no events.\n", args->operands[0]);
	return CTL_DONE;
}

/* ---- those that come ---- */

static void on_lost(const struct show *show, const struct json_object *data)
{
	struct ebb_events_lost lost;
	struct ebb_msg_error error;

	if (ebb_msg_decode(data, ebb_events_lost_fields, &lost, sizeof(lost),
			   &error) < 0)
		return;
	if (ctl_given(show->args, CTL_OPT_JSON))
		printf("{\"kind\":\"events-lost\",\"count\":%llu}\n",
		       (unsigned long long)lost.count);
	else
		printf("(%llu events are not here, as they came too fast)\n",
		       (unsigned long long)lost.count);
}

static bool on_event(const char *name, const struct json_object *data,
		     void *opaque)
{
	struct show *show = opaque;
	struct ebb_event event;
	struct ebb_msg_error error;

	if (strcmp(name, "events-lost") == 0)
		on_lost(show, data);
	else if (strcmp(name, "event") == 0 &&
		 ctl_given(show->args, CTL_OPT_JSON))
		ctl_json_print_line(stdout, data);
	else if (strcmp(name, "event") == 0 &&
		 ebb_msg_decode(data, ebb_event_fields, &event, sizeof(event),
				&error) == 0)
		print_event(&event);
	fflush(stdout);
	return true;
}

/* Until ebbd ends or the person has enough. */
static int follow(struct show *show, struct ebb_events_request *asked)
{
	struct ctl_request request = {
		.command = "events",
		.on_event = on_event,
		.opaque = show,
	};
	struct ctl_answer answer;

	asked->follow = true;
	request.arguments = ebb_msg_encode(ebb_events_request_fields, asked);
	fflush(stdout);
	ctl_ask(show->args, &request, &answer);
	if (answer.status == CTL_INTERRUPTED)
		return CTL_INTERRUPTED;
	if (answer.status != CTL_DONE)
		return ctl_answer_error(show->args, &answer);
	ctl_answer_clear(&answer);
	return CTL_DONE;
}

int ctl_events(const struct ctl_args *args)
{
	struct ebb_events_request asked = { 0 };
	struct ctl_request request = {
		.command = "events",
		.limit_ms = EVENTS_LIMIT_MS,
	};
	struct show show = { .args = args };
	struct ctl_answer answer;
	int status = ctl_when_since(args, "events", ctl_when_now_ms(),
				    &show.since_ms);

	if (status != CTL_DONE)
		return status;
	if (args->operand_count > 0)
		snprintf(asked.domain, sizeof(asked.domain), "%s",
			 args->operands[0]);
	if (show.since_ms > 0)
		asked.last = EBB_EVENTS_LAST_MAX;
	request.arguments = ebb_msg_encode(ebb_events_request_fields, &asked);
	status = ctl_ask_served(args, &request, &answer);
	if (status != CTL_DONE)
		return status;
	status = print_last(&show, answer.value, &asked.after);
	ctl_answer_clear(&answer);
	if (status != CTL_DONE)
		return status;
	if (ctl_given(args, CTL_OPT_FOLLOW))
		return follow(&show, &asked);
	return *asked.domain && !show.shown ? say_none(args) : CTL_DONE;
}
