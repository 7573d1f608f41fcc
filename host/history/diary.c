/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/history/diary.h"

#include <errno.h>
#include <stdlib.h>

#include "host/base/loop.h"
#include "host/history/diary_state.h"

enum {
	WRITE_MS = 1000
};

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
	     number >= ebb_diary_oldest(diary) && number > request->after &&
	     first > items;
	     number--) {
		const struct ebb_kept *kept = ebb_diary_get(diary, number);

		if (!kept)
			continue;
		ebb_diary_unpack(kept, first - 1);
		first -= ebb_diary_is_about(first - 1, request->domain);
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
		ebb_diary_follow(diary, call, request);
	else
		answer_last(diary, call, request);
}

void ebb_diary_add(struct ebb_diary *diary, const struct ebb_event *event)
{
	struct ebb_event numbered = *event;

	numbered.number = ++diary->last;
	ebb_diary_keep(diary, &numbered);
	ebb_diary_pump(diary);
	if (diary->store->dir_fd >= 0)
		ebb_loop_timer_set(diary->write_timer, WRITE_MS);
}

static void on_behind(int timer, void *opaque)
{
	(void)timer;
	ebb_diary_pump(opaque);
}

static void on_write(int timer, void *opaque)
{
	(void)timer;
	ebb_diary_flush(opaque);
}

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
	ebb_diary_begin_load(diary);
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
