/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/history/diary.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "host/base/loop.h"
#include "host/history/diary_file.h"

enum {
	/* Of one job. */
	WRITE_MAX = 256,
	WRITE_MS = 1000,
	/* Events that one who follows gets in a turn of the loop. */
	PUMP_MAX = 64,
	/* How soon one that did not take all is tried again. */
	BEHIND_MS = 50,
	TEXTS = 7,
	/* A disk that does not answer for so long is not waited for. */
	LOAD_S = 30,
};

/* An event without the room that its texts do not need. */
struct kept {
	uint64_t number;
	uint64_t time_ms;
	uint64_t asked_bytes;
	uint64_t came_bytes;
	uint32_t uid;
	char texts[];
};

/**
 * struct follower - somebody who follows
 * @domain: of this alone, or empty
 * @next: the number of the event that he gets next
 * @lost: so many he did not get, and was not told so
 * @reader: he may only look
 */
struct follower {
	struct ebb_diary *diary;
	struct ebb_call *call;
	char domain[EBB_NAME_BYTES_MAX];
	uint64_t next;
	uint64_t lost;
	bool reader;
};

/**
 * struct ebb_diary
 * @loaded: what was kept before is known, or there is none: numbers are right
 * @last: the number of the newest; 0: there is none
 * @written: all up to this one are in the file
 * @writing: a job does
 * @failed: that it cannot be written was told
 * @begun_ns: when the file was begun to be read
 * @given_up: the disk did not answer then, so that nothing is written: numbers would be
 *	given twice
 * @ring: by number; NULL: none is kept, or not any more
 */
struct ebb_diary {
	const struct ebb_store *store;
	struct ebb_workers *workers;
	bool loaded;
	uint64_t last;
	uint64_t written;
	bool writing;
	bool failed;
	uint64_t begun_ns;
	bool given_up;
	int write_timer;
	int behind_timer;
	struct kept *ring[EBB_EVENTS_KEPT];
	struct follower *followers[EBB_DIARY_FOLLOWERS_MAX];
};

/* ---- what is kept ---- */

static struct kept *pack(const struct ebb_event *event)
{
	const char *const texts[TEXTS] = {
		event->kind,   event->domain, event->uuid, event->budget,
		event->action, event->reason, event->text,
	};
	size_t bytes = 0;
	struct kept *kept;
	char *end;

	for (size_t i = 0; i < TEXTS; i++)
		bytes += strlen(texts[i]) + 1;
	kept = malloc(sizeof(*kept) + bytes);
	if (!kept)
		return NULL;
	*kept = (struct kept){
		.number = event->number,
		.time_ms = event->time_ms,
		.asked_bytes = event->asked_bytes,
		.came_bytes = event->came_bytes,
		.uid = event->uid,
	};
	end = kept->texts;
	for (size_t i = 0; i < TEXTS; i++)
		end = stpcpy(end, texts[i]) + 1;
	return kept;
}

static void unpack(const struct kept *kept, struct ebb_event *ret_event)
{
	const struct {
		char *text;
		size_t bytes;
	} texts[TEXTS] = {
		{ ret_event->kind, sizeof(ret_event->kind) },
		{ ret_event->domain, sizeof(ret_event->domain) },
		{ ret_event->uuid, sizeof(ret_event->uuid) },
		{ ret_event->budget, sizeof(ret_event->budget) },
		{ ret_event->action, sizeof(ret_event->action) },
		{ ret_event->reason, sizeof(ret_event->reason) },
		{ ret_event->text, sizeof(ret_event->text) },
	};
	const char *next = kept->texts;

	memset(ret_event, 0, sizeof(*ret_event));
	ret_event->number = kept->number;
	ret_event->time_ms = kept->time_ms;
	ret_event->asked_bytes = kept->asked_bytes;
	ret_event->came_bytes = kept->came_bytes;
	ret_event->uid = kept->uid;
	for (size_t i = 0; i < TEXTS; i++) {
		snprintf(texts[i].text, texts[i].bytes, "%s", next);
		next += strlen(next) + 1;
	}
}

static struct kept **place_of(struct ebb_diary *diary, uint64_t number)
{
	return &diary->ring[number % EBB_EVENTS_KEPT];
}

/* The one of that number, or NULL. */
static const struct kept *get(struct ebb_diary *diary, uint64_t number)
{
	const struct kept *kept = *place_of(diary, number);

	return kept && kept->number == number ? kept : NULL;
}

static void keep(struct ebb_diary *diary, const struct ebb_event *event)
{
	struct kept **place = place_of(diary, event->number);

	free(*place);
	*place = pack(event);
}

/* The number of the oldest that may be kept. */
static uint64_t oldest(const struct ebb_diary *diary)
{
	return diary->last > EBB_EVENTS_KEPT ? diary->last - EBB_EVENTS_KEPT + 1
					     : 1;
}

static bool is_about(const struct ebb_event *event, const char *domain)
{
	return *domain == '\0' || strcmp(event->domain, domain) == 0 ||
	       strcasecmp(event->uuid, domain) == 0;
}

/* ---- those who follow ---- */

static bool tell_lost(struct follower *follower)
{
	const struct ebb_events_lost lost = { .count = follower->lost };

	if (follower->lost > 0 &&
	    !ebb_call_event(follower->call, "events-lost",
			    ebb_msg_encode(ebb_events_lost_fields, &lost)))
		return false;
	follower->lost = 0;
	return true;
}

/* Returns whether his socket takes more. */
static bool tell_one(struct follower *follower, const struct kept *kept)
{
	struct ebb_event event;

	unpack(kept, &event);
	if (!is_about(&event, follower->domain))
		return true;
	return tell_lost(follower) &&
	       ebb_call_event(follower->call, "event",
			      ebb_msg_encode(ebb_event_fields, &event));
}

/* Returns whether he has all. */
static bool pump(struct follower *follower)
{
	struct ebb_diary *diary = follower->diary;
	uint32_t left = PUMP_MAX;

	if (follower->next < oldest(diary)) {
		follower->lost += oldest(diary) - follower->next;
		follower->next = oldest(diary);
	}
	while (follower->next <= diary->last) {
		const struct kept *kept = get(diary, follower->next);

		if (left-- == 0 || (kept && !tell_one(follower, kept)))
			return false;
		follower->next++;
	}
	return tell_lost(follower);
}

static void pump_all(struct ebb_diary *diary)
{
	bool behind = false;

	for (size_t i = 0; i < EBB_DIARY_FOLLOWERS_MAX; i++)
		if (diary->followers[i])
			behind |= !pump(diary->followers[i]);
	ebb_loop_timer_set(diary->behind_timer, behind ? BEHIND_MS : -1);
}

static void on_behind(int timer, void *opaque)
{
	(void)timer;
	pump_all(opaque);
}

static void on_gone(void *opaque)
{
	struct follower *follower = opaque;
	struct ebb_diary *diary = follower->diary;

	for (size_t i = 0; i < EBB_DIARY_FOLLOWERS_MAX; i++)
		if (diary->followers[i] == follower)
			diary->followers[i] = NULL;
	ebb_call_error(follower->call, "GenericError", "Cancelled");
	free(follower);
}

static struct follower **find_room(struct ebb_diary *diary, bool reader)
{
	struct follower **room = NULL;
	uint32_t readers = 0;

	for (size_t i = 0; i < EBB_DIARY_FOLLOWERS_MAX; i++) {
		if (!diary->followers[i])
			room = &diary->followers[i];
		else
			readers += diary->followers[i]->reader;
	}
	return reader && readers >= EBB_DIARY_READERS_MAX ? NULL : room;
}

static void follow(struct ebb_diary *diary, struct ebb_call *call,
		   const struct ebb_events_request *request)
{
	bool reader = !ebb_call_may_act(call);
	struct follower **room = find_room(diary, reader);
	struct follower *follower = room ? calloc(1, sizeof(*follower)) : NULL;

	if (!follower) {
		ebb_call_error(call, "Busy",
			       "Too many follow events: try again later");
		return;
	}
	*follower = (struct follower){
		.diary = diary,
		.call = call,
		.next = request->after && request->after < diary->last
				? request->after + 1
				: diary->last + 1,
		.reader = reader,
	};
	memcpy(follower->domain, request->domain, sizeof(follower->domain));
	*room = follower;
	/* All comes later: who is told now may not hear that there is an answer. */
	ebb_loop_timer_set(diary->behind_timer, 0);
	ebb_call_on_cancel(call, on_gone, follower);
}

/* ---- the last ones ---- */

static void answer_last(struct ebb_diary *diary, struct ebb_call *call,
			const struct ebb_events_request *request)
{
	uint32_t max = request->last ? request->last : EBB_EVENTS_LAST;
	struct ebb_events events = { .next = diary->last };
	struct ebb_event *items, *first;

	if (max > EBB_EVENTS_LAST_MAX)
		max = EBB_EVENTS_LAST_MAX;
	items = calloc(max, sizeof(*items));
	if (!items) {
		ebb_call_error(call, "GenericError", "out of memory");
		return;
	}
	/* From the newest back, into the end of the array. */
	first = items + max;
	for (uint64_t number = diary->last;
	     number >= oldest(diary) && number > request->after &&
	     first > items;
	     number--) {
		const struct kept *kept = get(diary, number);

		if (!kept)
			continue;
		unpack(kept, first - 1);
		first -= is_about(first - 1, request->domain);
	}
	events.events = first;
	events.event_count = (uint32_t)(items + max - first);
	ebb_call_return(call, ebb_events_encode(&events));
	free(items);
}

void ebb_diary_serve(struct ebb_diary *diary, struct ebb_call *call,
		     const struct ebb_events_request *request)
{
	if (!diary->loaded)
		ebb_call_error(call, "Busy",
			       "What is kept of the past is still being read: "
			       "try again");
	else if (request->follow)
		follow(diary, call, request);
	else
		answer_last(diary, call, request);
}

/* ---- writing ---- */

struct writing {
	struct ebb_diary *diary;
	int result;
	uint64_t last;
	uint32_t count;
	struct ebb_event events[WRITE_MAX];
};

static void write_work(void *opaque)
{
	struct writing *writing = opaque;

	writing->result = ebb_diary_file_write(writing->diary->store,
					       writing->events, writing->count);
}

static void write_done(void *opaque)
{
	struct writing *writing = opaque;
	struct ebb_diary *diary = writing->diary;
	int result = writing->result;

	diary->writing = false;
	if (result < 0 && !diary->failed)
		ebb_log(EBB_LOG_WARNING,
			"history: events cannot be written in history-dir: %s. "
			"They are in memory alone. It is tried again with the "
			"next ones",
			strerror(-result));
	if (result == 0 && diary->failed)
		ebb_log(EBB_LOG_NOTICE, "history: events are written again");
	diary->failed = result < 0;
	if (result == 0)
		diary->written = writing->last;
	free(writing);
	if (result == 0)
		ebb_diary_flush(diary);
}

/* Those who ask are answered with what there is. */
static void give_up_if_late(struct ebb_diary *diary)
{
	if (diary->loaded ||
	    ebb_now_ns() - diary->begun_ns < LOAD_S * EBB_NS_PER_S)
		return;
	diary->loaded = true;
	diary->given_up = true;
	ebb_log(EBB_LOG_WARNING,
		"history: the disk of history-dir does not answer: what "
		"happened before is not known, and events are in memory alone "
		"until ebbd is started again");
}

void ebb_diary_flush(struct ebb_diary *diary)
{
	struct writing *writing;

	ebb_loop_timer_set(diary->write_timer, -1);
	give_up_if_late(diary);
	if (diary->store->dir_fd < 0 || diary->given_up || !diary->loaded ||
	    diary->writing || diary->written == diary->last)
		return;
	writing = calloc(1, sizeof(*writing));
	if (!writing)
		return;
	writing->diary = diary;
	if (diary->written + 1 < oldest(diary))
		diary->written = oldest(diary) - 1;
	writing->last = diary->written;
	while (writing->last < diary->last && writing->count < WRITE_MAX) {
		const struct kept *kept = get(diary, ++writing->last);

		if (kept)
			unpack(kept, &writing->events[writing->count++]);
	}
	if (ebb_workers_run(diary->workers, EBB_WORK_HISTORY, write_work,
			    write_done, writing) == 0)
		diary->writing = true;
	else
		free(writing);
}

static void on_write(int timer, void *opaque)
{
	(void)timer;
	ebb_diary_flush(opaque);
}

/* ---- adding ---- */

void ebb_diary_add(struct ebb_diary *diary, const struct ebb_event *event)
{
	struct ebb_event numbered = *event;

	numbered.number = ++diary->last;
	keep(diary, &numbered);
	pump_all(diary);
	if (diary->store->dir_fd >= 0)
		ebb_loop_timer_set(diary->write_timer, WRITE_MS);
}

/* ---- what was kept before ---- */

struct loading {
	struct ebb_diary *diary;
	int result;
	bool set_aside;
	uint32_t count;
	struct ebb_event *events;
};

static void load_work(void *opaque)
{
	struct loading *loading = opaque;

	loading->result = ebb_diary_file_read(loading->diary->store,
					      &loading->events, &loading->count,
					      &loading->set_aside);
}

/* What happened since ebbd was started comes after all that was before. */
static void renumber(struct ebb_diary *diary, uint64_t before)
{
	struct kept *own[EBB_EVENTS_KEPT];

	memcpy(own, diary->ring, sizeof(own));
	memset(diary->ring, 0, sizeof(diary->ring));
	for (size_t i = 0; i < EBB_EVENTS_KEPT; i++) {
		if (!own[i])
			continue;
		own[i]->number += before;
		*place_of(diary, own[i]->number) = own[i];
	}
	diary->last += before;
	diary->written = before;
}

static void take_loaded(struct ebb_diary *diary, const struct loading *loading)
{
	if (loading->count == 0)
		return;
	renumber(diary, loading->events[loading->count - 1].number);
	for (uint32_t i = 0; i < loading->count; i++)
		if (loading->events[i].number >= oldest(diary))
			keep(diary, &loading->events[i]);
}

static void load_done(void *opaque)
{
	struct loading *loading = opaque;
	struct ebb_diary *diary = loading->diary;

	if (diary->given_up) {
		free(loading->events);
		free(loading);
		return;
	}
	if (loading->set_aside)
		ebb_log(EBB_LOG_WARNING,
			"history: the file of events made no sense, as after a "
			"damage or of another version of ebbd: they begin anew. "
			"It is 'damaged' in history-dir");
	else if (loading->result < 0)
		ebb_log(EBB_LOG_WARNING,
			"history: the file of events in history-dir cannot be "
			"read: %s",
			strerror(-loading->result));
	take_loaded(diary, loading);
	diary->loaded = true;
	free(loading->events);
	free(loading);
	ebb_diary_flush(diary);
}

static void begin_load(struct ebb_diary *diary)
{
	struct loading *loading = NULL;

	if (diary->store->dir_fd >= 0)
		loading = calloc(1, sizeof(*loading));
	if (loading) {
		loading->diary = diary;
		diary->begun_ns = ebb_now_ns();
		if (ebb_workers_run(diary->workers, EBB_WORK_HISTORY, load_work,
				    load_done, loading) == 0)
			return;
	}
	free(loading);
	diary->loaded = true;
}

/* ---- its life ---- */

int ebb_diary_new(const struct ebb_store *store, struct ebb_workers *workers,
		  struct ebb_diary **ret_diary)
{
	struct ebb_diary *diary = calloc(1, sizeof(*diary));

	if (!diary)
		return -ENOMEM;
	diary->store = store;
	diary->workers = workers;
	diary->write_timer = ebb_loop_timer(-1, on_write, diary);
	diary->behind_timer = ebb_loop_timer(-1, on_behind, diary);
	if (diary->write_timer < 0 || diary->behind_timer < 0) {
		ebb_diary_free(diary);
		return -ENOMEM;
	}
	begin_load(diary);
	*ret_diary = diary;
	return 0;
}

void ebb_diary_free(struct ebb_diary *diary)
{
	if (!diary)
		return;
	if (diary->write_timer >= 0)
		ebb_loop_timer_remove(diary->write_timer);
	if (diary->behind_timer >= 0)
		ebb_loop_timer_remove(diary->behind_timer);
	for (size_t i = 0; i < EBB_EVENTS_KEPT; i++)
		free(diary->ring[i]);
	free(diary);
}
