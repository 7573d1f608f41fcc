/* SPDX-License-Identifier: GPL-2.0-only */
/* Followers: each is a place in the events that are kept. */
#include <stdlib.h>
#include <string.h>

#include "host/base/loop.h"
#include "host/history/diary_state.h"

enum {
	/* Events that a follower gets in a turn of the loop. */
	PUMP_MAX = 64,
	/* How soon one is served again that did not get all in its turn. */
	BEHIND_MS = 50,
	/* Likewise, one whose socket takes no more. */
	FULL_MS = 200,
	/* It has all. */
	NOT_BEHIND = -1,
};

static bool tell_lost(struct ebb_follower *follower)
{
	const struct ebb_events_lost lost = { .count = follower->lost };

	if (follower->lost == 0)
		return true;
	if (!ebb_call_takes_event(follower->call))
		return false;
	follower->lost = 0;
	return ebb_call_event(follower->call, "events-lost",
			      ebb_msg_encode(ebb_events_lost_fields, &lost));
}

/* Returns whether its socket took it. */
static bool tell_one(struct ebb_follower *follower, const struct ebb_kept *kept)
{
	struct ebb_event event;

	ebb_diary_unpack(kept, &event);
	if (!ebb_diary_is_about(&event, follower->domain))
		return true;
	return tell_lost(follower) && ebb_call_takes_event(follower->call) &&
	       ebb_call_event(follower->call, "event",
			      ebb_msg_encode(ebb_event_fields, &event));
}

/* Returns how soon it is to be served again, in ms, or NOT_BEHIND. */
static int pump(struct ebb_follower *follower)
{
	struct ebb_diary *diary = follower->diary;
	uint32_t left = PUMP_MAX;

	if (follower->next < ebb_diary_oldest(diary)) {
		follower->lost += ebb_diary_oldest(diary) - follower->next;
		follower->next = ebb_diary_oldest(diary);
	}
	while (follower->next <= diary->last) {
		const struct ebb_kept *kept =
			ebb_diary_get(diary, follower->next);

		if (left-- == 0)
			return BEHIND_MS;
		if (kept && !tell_one(follower, kept))
			return FULL_MS;
		follower->next++;
	}
	return tell_lost(follower) ? NOT_BEHIND : FULL_MS;
}

void ebb_diary_pump(struct ebb_diary *diary)
{
	int soonest_ms = NOT_BEHIND;

	for (size_t i = 0; i < EBB_DIARY_FOLLOWERS_MAX; i++) {
		int ms = diary->followers[i] ? pump(diary->followers[i])
					     : NOT_BEHIND;

		if (ms != NOT_BEHIND &&
		    (soonest_ms == NOT_BEHIND || ms < soonest_ms))
			soonest_ms = ms;
	}
	/* A timer of -1 never fires. */
	ebb_loop_timer_set(diary->behind_timer, soonest_ms);
}

static void on_gone(void *opaque)
{
	struct ebb_follower *follower = opaque;
	struct ebb_diary *diary = follower->diary;

	for (size_t i = 0; i < EBB_DIARY_FOLLOWERS_MAX; i++)
		if (diary->followers[i] == follower)
			diary->followers[i] = NULL;
	ebb_call_error(follower->call, "GenericError", "Cancelled");
	free(follower);
}

static struct ebb_follower **find_room(struct ebb_diary *diary, bool reader)
{
	struct ebb_follower **room = NULL;
	uint32_t readers = 0;

	for (size_t i = 0; i < EBB_DIARY_FOLLOWERS_MAX; i++) {
		if (!diary->followers[i])
			room = &diary->followers[i];
		else
			readers += diary->followers[i]->reader;
	}
	return reader && readers >= EBB_DIARY_READERS_MAX ? NULL : room;
}

void ebb_diary_follow(struct ebb_diary *diary, struct ebb_call *call,
		      const struct ebb_events_request *request)
{
	bool reader = !ebb_call_may_act(call);
	struct ebb_follower **room = find_room(diary, reader);
	struct ebb_follower *follower = room ? calloc(1, sizeof(*follower))
					     : NULL;

	if (!follower) {
		ebb_call_error(call, "Busy",
			       "Too many follow events: try again later");
		return;
	}
	*follower = (struct ebb_follower){
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
