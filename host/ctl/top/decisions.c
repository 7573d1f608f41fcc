/* SPDX-License-Identifier: GPL-2.0-only */
#include <config.h>

#include "host/ctl/top/decisions.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "host/ctl/text.h"

static void print_clock(uint64_t time_ms, char *text, size_t text_bytes)
{
	time_t seconds = (time_t)(time_ms / 1000);
	struct tm tm;

	if (!localtime_r(&seconds, &tm) ||
	    !strftime(text, text_bytes, "%H:%M:%S", &tm))
		snprintf(text, text_bytes, "-");
}

static void add(struct top_decisions *decisions, struct ebb_event *event)
{
	struct top_decision *item =
		&decisions->items[decisions->count++ % TOP_DECISIONS];
	const char *subject = *event->domain ? event->domain : event->budget;
	size_t length;

	ctl_clean_message(ebb_event_fields, event);
	print_clock(event->time_ms, item->clock, sizeof(item->clock));
	memcpy(item->kind, event->kind, sizeof(item->kind));
	length = strlen(subject);
	/* The sentence may begin with it. */
	if (!*subject || strncmp(event->text, subject, length) == 0)
		snprintf(item->text, sizeof(item->text), "%s", event->text);
	else
		snprintf(item->text, sizeof(item->text), "%s: %s", subject,
			 event->text);
}

int top_decisions_take(struct top_decisions *decisions,
		       const struct json_object *value,
		       struct ebb_msg_error *ret_error)
{
	struct ebb_events events;
	int r = ebb_events_decode(value, &events, ret_error);

	if (r < 0)
		return r;
	/* They were asked for from the first on. */
	if (decisions->after == 0)
		decisions->count = 0;
	for (uint32_t i = 0; i < events.event_count; i++)
		add(decisions, &events.events[i]);
	decisions->after = events.next;
	ebb_events_clear(&events);
	return 0;
}

const struct top_decision *
top_decisions_get(const struct top_decisions *decisions, uint32_t back)
{
	if (back >= decisions->count || back >= TOP_DECISIONS)
		return NULL;
	return &decisions->items[(decisions->count - 1 - back) % TOP_DECISIONS];
}
