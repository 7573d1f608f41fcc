/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What happened, of which the last EBB_EVENTS_KEPT events are kept.
 *
 * They are in memory, as followers read them, and in a file, from which they
 * come back when ebbd is started again. An event is written a moment after it happened;
 * if ebbd is killed, those of the last seconds are lost here, and in the journal all the
 * same.
 *
 * A follower is a place in the events that are kept, and nothing else: an event is made
 * into JSON when the follower's socket takes it. Events that have gone meanwhile are lost
 * to the follower, and it is told how many they were. So one that does not read costs next
 * to nothing.
 *
 * The event loop's thread alone has it; workers get copies.
 */
#ifndef EBB_HOST_DIARY_H
#define EBB_HOST_DIARY_H

#include "host/base/worker.h"
#include "host/control/call.h"
#include "host/history/store.h"
#include "host/interface/event.h"

struct ebb_diary;

enum {
	/* Followers that may only look leave room for others. */
	EBB_DIARY_FOLLOWERS_MAX = 32,
	EBB_DIARY_READERS_MAX = 16, /* of these */
};

/**
 * ebb_diary_new - begins to read what there is
 * @store: outlives it; may be none
 *
 * Returns 0 or -ENOMEM.
 */
int ebb_diary_new(const struct ebb_store *store, struct ebb_workers *workers,
		  struct ebb_diary **ret_diary);

/* No job may run, and there is no follower any more. NULL is fine. */
void ebb_diary_free(struct ebb_diary *diary);

/* Its number is given here. */
void ebb_diary_add(struct ebb_diary *diary, const struct ebb_event *event);

/* To be called now and then, and when ebbd ends: writes what is not written. */
void ebb_diary_flush(struct ebb_diary *diary);

/* Answers the call, now, later or never: see event.h. */
void ebb_diary_serve(struct ebb_diary *diary, struct ebb_call *call,
		     const struct ebb_events_request *request);

#endif /* EBB_HOST_DIARY_H */
