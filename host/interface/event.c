/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/interface/event.h"

#include <errno.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "host/interface/array.h"
#include "host/interface/rows.h"

static const char *const kind_names[] = {
	[EBB_EVENT_DAEMON_STARTED] = "daemon-started",
	[EBB_EVENT_DAEMON_ENDED] = "daemon-ended",
	[EBB_EVENT_DOMAIN_CAME] = "domain-came",
	[EBB_EVENT_DOMAIN_WENT] = "domain-went",
	[EBB_EVENT_RUNG] = "rung",
	[EBB_EVENT_DECISION] = "decision",
	[EBB_EVENT_REQUEST] = "request",
	[EBB_EVENT_OUTCOME] = "outcome",
	[EBB_EVENT_NEED_BEGAN] = "need-began",
	[EBB_EVENT_NEED_ENDED] = "need-ended",
	[EBB_EVENT_PRESSURE_BEGAN] = "pressure-began",
	[EBB_EVENT_PRESSURE_ENDED] = "pressure-ended",
	[EBB_EVENT_UNCOVERED_BEGAN] = "uncovered-began",
	[EBB_EVENT_UNCOVERED_ENDED] = "uncovered-ended",
	[EBB_EVENT_BALLOON_GAVE_BACK] = "balloon-gave-back",
	[EBB_EVENT_STUCK_BEGAN] = "stuck-began",
	[EBB_EVENT_STUCK_ENDED] = "stuck-ended",
	[EBB_EVENT_SETTINGS] = "settings",
	[EBB_EVENT_CONFIG] = "config",
	[EBB_EVENT_CLOCK_STEPPED] = "clock-stepped",
	[EBB_EVENT_HOST_SLEPT] = "host-slept",
};

_Static_assert(EBB_ARRAY_SIZE(kind_names) == EBB_EVENT_KINDS,
	       "each kind has a name");

const char *ebb_event_kind_name(enum ebb_event_kind kind)
{
	return kind_names[kind];
}

#define EVENT struct ebb_event
const struct ebb_field ebb_event_fields[] = {
	FIELD(EBB_FIELD_U64, "number", EVENT, number),
	FIELD(EBB_FIELD_U64, "time-ms", EVENT, time_ms),
	STRING("kind", EVENT, kind),
	OPTIONAL_STRING("domain", EVENT, domain),
	OPTIONAL_STRING("uuid", EVENT, uuid),
	OPTIONAL_STRING("budget", EVENT, budget),
	OPTIONAL_STRING("action", EVENT, action),
	OPTIONAL_STRING("reason", EVENT, reason),
	STRING("text", EVENT, text),
	FIELD(EBB_FIELD_U32, "uid", EVENT, uid),
	OPTIONAL(EBB_FIELD_U64, "asked-bytes", EVENT, asked_bytes),
	OPTIONAL(EBB_FIELD_U64, "came-bytes", EVENT, came_bytes),
	END,
};
#undef EVENT

#define REQUEST struct ebb_events_request
const struct ebb_field ebb_events_request_fields[] = {
	OPTIONAL_STRING("domain", REQUEST, domain),
	OPTIONAL_STRING("uri", REQUEST, uri),
	OPTIONAL(EBB_FIELD_U32, "last", REQUEST, last),
	OPTIONAL(EBB_FIELD_U64, "after", REQUEST, after),
	OPTIONAL(EBB_FIELD_BOOL, "follow", REQUEST, follow),
	END,
};
#undef REQUEST

const struct ebb_field ebb_events_lost_fields[] = {
	FIELD(EBB_FIELD_U64, "count", struct ebb_events_lost, count),
	END,
};

/* Without the events. */
static const struct ebb_field head_fields[] = {
	FIELD(EBB_FIELD_U64, "next", struct ebb_events, next),
	END,
};

struct json_object *ebb_events_encode(const struct ebb_events *events)
{
	struct json_object *object = ebb_msg_encode(head_fields, events);
	struct json_object *array = json_object_new_array();
	int r = object && array ? 0 : -ENOMEM;

	for (uint32_t i = 0; r == 0 && i < events->event_count; i++)
		r = ebb_array_append(array, ebb_msg_encode(ebb_event_fields,
							   &events->events[i]));
	if (r == 0)
		r = ebb_array_add(object, "events", json_object_get(array));
	json_object_put(array);
	if (r == 0)
		return object;
	json_object_put(object);
	return NULL;
}

static int decode_event(const struct json_object *object, void *ret_item,
			const void *opaque, struct ebb_msg_error *ret_error)
{
	(void)opaque;
	return ebb_msg_decode(object, ebb_event_fields, ret_item,
			      sizeof(struct ebb_event), ret_error);
}

int ebb_events_decode(const struct json_object *object,
		      struct ebb_events *ret_events,
		      struct ebb_msg_error *ret_error)
{
	struct ebb_events events = { 0 };
	void *items;
	int r = ebb_msg_decode(object, head_fields, &events, sizeof(events),
			       ret_error);

	if (r == 0)
		r = ebb_array_decode(object, "events", EBB_EVENTS_LAST_MAX,
				     sizeof(*events.events), decode_event, NULL,
				     &items, &events.event_count, ret_error);
	if (r < 0)
		return r;
	events.events = items;
	*ret_events = events;
	return 0;
}

void ebb_events_clear(struct ebb_events *events)
{
	free(events->events);
	*events = (struct ebb_events){ 0 };
}
