/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What happened: events of domains, budgets and ebbd itself, as ebbd answers "events".
 *
 * The answer to struct ebb_events_request has the last ones. With @follow there is no
 * answer: each event comes as an event "event" of the protocol, with struct ebb_event,
 * until who asked closes the connection. ebbd keeps so many events and no more for all
 * who follow: who reads so slowly that some are gone gets an event "events-lost", with
 * struct ebb_events_lost, in their place. To miss none between both, ask for the last
 * ones first, and then follow from @next of that answer on.
 */
#ifndef EBB_HOST_INTERFACE_EVENT_H
#define EBB_HOST_INTERFACE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "host/interface/status.h"

enum {
	/* That ebbd keeps. */
	EBB_EVENTS_KEPT = 4096,
	/* Of one answer; without a number in the request, and at most. */
	EBB_EVENTS_LAST = 100,
	EBB_EVENTS_LAST_MAX = 1000,
};

enum ebb_event_kind {
	EBB_EVENT_DAEMON_STARTED,
	EBB_EVENT_DAEMON_ENDED,
	EBB_EVENT_DOMAIN_CAME,
	EBB_EVENT_DOMAIN_WENT,
	EBB_EVENT_RUNG, /* it is on another one */
	EBB_EVENT_DECISION, /* of the policy */
	EBB_EVENT_REQUEST, /* of a person's */
	EBB_EVENT_OUTCOME, /* of one of the two */
	EBB_EVENT_NEED_BEGAN, /* of a budget */
	EBB_EVENT_NEED_ENDED,
	EBB_EVENT_PRESSURE_BEGAN, /* tasks of the host wait for memory */
	EBB_EVENT_PRESSURE_ENDED,
	EBB_EVENT_UNCOVERED_BEGAN, /* a budget could not give back what is lent */
	EBB_EVENT_UNCOVERED_ENDED,
	EBB_EVENT_BALLOON_GAVE_BACK, /* the guest needed what it held */
	EBB_EVENT_STUCK_BEGAN, /* a domain that was asked gives nothing */
	EBB_EVENT_STUCK_ENDED,
	EBB_EVENT_SETTINGS, /* of a domain */
	EBB_EVENT_CONFIG, /* ebbd.conf was read anew */
	EBB_EVENT_CLOCK_STEPPED, /* times before and after it do not fit together */
	EBB_EVENT_HOST_SLEPT,
	EBB_EVENT_KINDS
};

/* As scripts know it: "domain-came". */
const char *ebb_event_kind_name(enum ebb_event_kind kind);

/**
 * struct ebb_event
 * @number: ascends by one with each, also over a restart of ebbd
 * @time_ms: since 1970
 * @kind: ebb_event_kind_name(); a later ebbd knows more
 * @domain, @uuid: that it is about, or empty
 * @budget: likewise
 * @action: "reclaim", "set", "pause", ...; or empty
 * @reason: a stable word, or empty
 * @text: a sentence
 * @uid: of who asked for it on the control socket; UINT32_MAX: nobody did
 * @asked_bytes: 0: it is not about that
 * @came_bytes: likewise; but of an outcome, that nothing came
 */
struct ebb_event {
	uint64_t number;
	uint64_t time_ms;
	char kind[24];
	char domain[EBB_NAME_BYTES_MAX];
	char uuid[37];
	char budget[EBB_NAME_BYTES_MAX];
	char action[16];
	char reason[48];
	char text[EBB_TEXT_BYTES_MAX];
	uint32_t uid;
	uint64_t asked_bytes;
	uint64_t came_bytes;
};

/**
 * struct ebb_events_request
 * @domain: name or UUID: of this one alone; empty: all
 * @uri: as of struct ebb_domain_request
 * @last: so many, the newest; 0: EBB_EVENTS_LAST. Not with @follow
 * @after: only those with a greater number; with @follow, 0: those from now on
 * @follow: all that come, until the connection is closed
 */
struct ebb_events_request {
	char domain[EBB_NAME_BYTES_MAX];
	char uri[EBB_URI_BYTES_MAX];
	uint32_t last;
	uint64_t after;
	bool follow;
};

/**
 * struct ebb_events - the answer
 * @next: @after of a request for what comes then
 * @event_count, @events: by ascending number; free with ebb_events_clear()
 */
struct ebb_events {
	uint64_t next;
	uint32_t event_count;
	struct ebb_event *events;
};

/* @count: events that the reader did not get, of any domain. */
struct ebb_events_lost {
	uint64_t count;
};

/* Returns NULL without memory. */
struct json_object *ebb_events_encode(const struct ebb_events *events);

/* Returns 0, -EINVAL, -ERANGE or -ENOMEM, as ebb_msg_decode() does. */
int ebb_events_decode(const struct json_object *object,
		      struct ebb_events *ret_events,
		      struct ebb_msg_error *ret_error);

/* A zeroed one is fine. */
void ebb_events_clear(struct ebb_events *events);

extern const struct ebb_field ebb_event_fields[];
extern const struct ebb_field ebb_events_request_fields[];
extern const struct ebb_field ebb_events_lost_fields[];

#endif /* EBB_HOST_INTERFACE_EVENT_H */
