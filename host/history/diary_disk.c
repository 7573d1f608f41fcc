/* SPDX-License-Identifier: GPL-2.0-only */
/* Events go to disk, and come back when ebbd is started. */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "host/base/loop.h"
#include "host/history/diary_file.h"
#include "host/history/diary_state.h"

enum {
	/* Of one job. */
	WRITE_MAX = 256,
	/* A disk that does not answer for so long is not waited for. */
	LOAD_S = 30,
};

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
	if (diary->written + 1 < ebb_diary_oldest(diary))
		diary->written = ebb_diary_oldest(diary) - 1;
	writing->last = diary->written;
	while (writing->last < diary->last && writing->count < WRITE_MAX) {
		const struct ebb_kept *kept =
			ebb_diary_get(diary, ++writing->last);

		if (kept)
			ebb_diary_unpack(kept,
					 &writing->events[writing->count++]);
	}
	if (ebb_workers_run(diary->workers, EBB_WORK_HISTORY, write_work,
			    write_done, writing) == 0)
		diary->writing = true;
	else
		free(writing);
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
	struct ebb_kept *own[EBB_EVENTS_KEPT];

	memcpy(own, diary->ring, sizeof(own));
	memset(diary->ring, 0, sizeof(diary->ring));
	for (size_t i = 0; i < EBB_EVENTS_KEPT; i++) {
		if (!own[i])
			continue;
		own[i]->number += before;
		*ebb_diary_place(diary, own[i]->number) = own[i];
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
		if (loading->events[i].number >= ebb_diary_oldest(diary))
			ebb_diary_keep(diary, &loading->events[i]);
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

void ebb_diary_begin_load(struct ebb_diary *diary)
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
