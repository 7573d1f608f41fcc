/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/history/past.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "host/control/arguments.h"
#include "host/history/wall.h"
#include "host/interface/plain.h"

enum {
	/* Of the log, which has more room than an event. */
	LINE_BYTES_MAX = 1024,
};

/**
 * struct ebb_past
 * @uri: that is served
 * @archive, @diary: NULL until ebb_past_begin()
 * @wall: when it was asked last whether it is time
 * @slot: of the last samples
 */
struct ebb_past {
	const char *uri;
	struct ebb_workers *workers;
	struct ebb_store store;
	struct ebb_archive *archive;
	struct ebb_diary *diary;
	struct ebb_wall wall;
	uint32_t slot;
};

/* ---- samples ---- */

static void note_clock(struct ebb_past *past)
{
	const struct ebb_news stepped = { .kind = EBB_EVENT_CLOCK_STEPPED };
	const struct ebb_news slept = { .kind = EBB_EVENT_HOST_SLEPT };
	struct ebb_wall now = ebb_wall_now();
	struct ebb_wall_change change = ebb_wall_change(&past->wall, &now);

	past->wall = now;
	if (change.step_ms != 0)
		ebb_past_tell(past, EBB_LOG_NOTICE, &stepped,
			      "the clock was set %s by %" PRIu64
			      " s: times before and after do not fit together",
			      change.step_ms < 0 ? "back" : "forward",
			      (uint64_t)llabs(change.step_ms) / 1000);
	if (change.slept_ms > 0)
		ebb_past_tell(past, EBB_LOG_INFO, &slept,
			      "the host slept for %" PRIu64 " s",
			      change.slept_ms / 1000);
}

bool ebb_past_is_time(struct ebb_past *past)
{
	uint32_t slot;

	if (!past)
		return false;
	note_clock(past);
	slot = (uint32_t)(past->wall.wall_ms / 1000 / EBB_FINE_S);
	if (slot == past->slot)
		return false;
	past->slot = slot;
	return true;
}

uint64_t ebb_past_wait_ms(void)
{
	const uint64_t fine_ms = (uint64_t)EBB_FINE_S * 1000;

	return fine_ms - ebb_wall_now().wall_ms % fine_ms;
}

struct ebb_subject *ebb_past_came(struct ebb_past *past, const char *name,
				  const char *uuid)
{
	if (!past)
		return NULL;
	return ebb_archive_came(past->archive, EBB_HISTORY_DOMAIN, name, uuid,
				past->wall.wall_ms);
}

void ebb_past_went(struct ebb_subject *domain)
{
	if (domain)
		ebb_archive_went(domain);
}

void ebb_past_put_domain(struct ebb_past *past, struct ebb_subject *domain,
			 const struct ebb_fine *fine)
{
	if (domain)
		ebb_archive_put(domain, past->slot, fine);
}

void ebb_past_put_budget(struct ebb_past *past, const char *name,
			 const struct ebb_fine *fine)
{
	struct ebb_subject *subject = ebb_archive_came(past->archive,
						       EBB_HISTORY_BUDGET, name,
						       "", past->wall.wall_ms);

	if (subject)
		ebb_archive_put(subject, past->slot, fine);
}

void ebb_past_ticked(struct ebb_past *past)
{
	ebb_archive_ticked(past->archive, past->slot);
	ebb_diary_flush(past->diary);
}

/* ---- events ---- */

static const char *or_none(const char *text)
{
	return text ? text : "";
}

/* @known: also if it is 0. */
static const char *or_null(uint64_t number, bool known, char *text,
			   size_t bytes)
{
	if (number == 0 && !known)
		return NULL;
	snprintf(text, bytes, "%" PRIu64, number);
	return text;
}

static void log_news(enum ebb_log_level level, const struct ebb_news *news,
		     const char *text)
{
	char asked[24], came[24], uid[24];
	const struct ebb_log_field fields[] = {
		{ "EBB_EVENT", ebb_event_kind_name(news->kind) },
		{ "EBB_DOMAIN", news->domain },
		{ "EBB_UUID", news->uuid },
		{ "EBB_BUDGET", news->budget },
		{ "EBB_ACTION", news->action },
		{ "EBB_REASON", news->reason },
		{ "EBB_UID", news->by_person ? uid : NULL },
		{ "EBB_BYTES",
		  or_null(news->asked_bytes, false, asked, sizeof(asked)) },
		{ "EBB_CAME_BYTES",
		  or_null(news->came_bytes, news->kind == EBB_EVENT_OUTCOME,
			  came, sizeof(came)) },
	};

	snprintf(uid, sizeof(uid), "%u", (unsigned int)news->uid);
	ebb_log_fields(level, fields, EBB_ARRAY_SIZE(fields), "%s%s%s%s", text,
		       news->by_person ? " (asked by uid " : "",
		       news->by_person ? uid : "", news->by_person ? ")" : "");
}

static void keep_news(struct ebb_past *past, const struct ebb_news *news,
		      const char *text)
{
	struct ebb_event event;

	memset(&event, 0, sizeof(event));
	event.time_ms = ebb_wall_now().wall_ms;
	event.uid = news->by_person ? news->uid : UINT32_MAX;
	event.asked_bytes = news->asked_bytes;
	event.came_bytes = news->came_bytes;
	snprintf(event.kind, sizeof(event.kind), "%s",
		 ebb_event_kind_name(news->kind));
	snprintf(event.domain, sizeof(event.domain), "%s",
		 or_none(news->domain));
	snprintf(event.uuid, sizeof(event.uuid), "%s", or_none(news->uuid));
	snprintf(event.budget, sizeof(event.budget), "%s",
		 or_none(news->budget));
	snprintf(event.action, sizeof(event.action), "%s",
		 or_none(news->action));
	snprintf(event.reason, sizeof(event.reason), "%s",
		 or_none(news->reason));
	snprintf(event.text, sizeof(event.text), "%.*s",
		 (int)sizeof(event.text) - 1, text);
	/* One that is cut within a character would make each answer with it no JSON. */
	ebb_plain_utf8(event.domain);
	ebb_plain_utf8(event.budget);
	ebb_plain_utf8(event.text);
	ebb_diary_add(past->diary, &event);
}

void ebb_past_tell(struct ebb_past *past, enum ebb_log_level level,
		   const struct ebb_news *news, const char *format, ...)
{
	char text[LINE_BYTES_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_news(level, news, text);
	if (past && past->diary)
		keep_news(past, news, text);
}

/* ---- what ebbctl asks ---- */

static bool is_served(const struct ebb_past *past, struct ebb_call *call,
		      const char *uri)
{
	if (*uri == '\0' || strcmp(uri, past->uri) == 0)
		return true;
	ebb_call_error(call, "InvalidArgument",
		       "This ebbd serves %s, not %s; leave -c out, or give "
		       "the socket of the right ebbd with --socket",
		       past->uri, uri);
	return false;
}

static void handle_history(struct ebb_call *call,
			   const struct json_object *arguments, void *opaque)
{
	struct ebb_past *past = opaque;
	struct ebb_history_request request;

	if (!ebb_call_decode(call, arguments, ebb_history_request_fields,
			     &request, sizeof(request)) ||
	    !is_served(past, call, request.uri))
		return;
	if ((*request.domain != '\0') == (*request.budget != '\0'))
		ebb_call_error(call, "InvalidArgument",
			       "Give either a domain or a budget");
	else
		ebb_archive_serve(past->archive, call, &request,
				  ebb_wall_now().wall_ms);
}

static void handle_events(struct ebb_call *call,
			  const struct json_object *arguments, void *opaque)
{
	struct ebb_past *past = opaque;
	struct ebb_events_request request;

	if (ebb_call_decode(call, arguments, ebb_events_request_fields,
			    &request, sizeof(request)) &&
	    is_served(past, call, request.uri))
		ebb_diary_serve(past->diary, call, &request);
}

const struct ebb_control_handler ebb_past_handlers[] = {
	{ "history", handle_history, .reads = true },
	{ "events", handle_events, .reads = true },
	{ .command = NULL },
};

/* ---- its life ---- */

static void open_store(struct ebb_past *past, const char *dir)
{
	int r = *dir ? ebb_store_open(dir, &past->store) : 0;

	if (r == -EBUSY)
		ebb_log(EBB_LOG_WARNING,
			"history: another ebbd keeps its own in %s, so this "
			"one keeps none over a restart: set another "
			"history-dir in ebbd.conf",
			dir);
	else if (r < 0)
		ebb_log(EBB_LOG_WARNING,
			"history: %s: %s: none is kept over a restart. See "
			"history-dir in ebbd.conf",
			dir, strerror(-r));
}

int ebb_past_new(const char *dir, const char *uri, struct ebb_workers *workers,
		 struct ebb_past **ret_past)
{
	struct ebb_past *past = calloc(1, sizeof(*past));

	if (!past)
		return -ENOMEM;
	past->workers = workers;
	past->uri = uri;
	past->store = EBB_STORE_NONE;
	past->wall = ebb_wall_now();
	open_store(past, dir);
	*ret_past = past;
	return 0;
}

int ebb_past_begin(struct ebb_past *past)
{
	int r = ebb_diary_new(&past->store, past->workers, &past->diary);

	return r < 0 ? r
		     : ebb_archive_new(&past->store, past->workers,
				       &past->archive);
}

void ebb_past_end(struct ebb_past *past)
{
	if (past->archive)
		ebb_archive_flush(past->archive);
	if (past->diary)
		ebb_diary_flush(past->diary);
}

void ebb_past_free(struct ebb_past *past)
{
	if (!past)
		return;
	ebb_archive_free(past->archive);
	ebb_diary_free(past->diary);
	ebb_store_close(&past->store);
	free(past);
}
