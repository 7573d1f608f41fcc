/* SPDX-License-Identifier: GPL-2.0-only */
/* What the diary is made of; for its own files. */
#ifndef EBB_HOST_DIARY_STATE_H
#define EBB_HOST_DIARY_STATE_H

#include "host/history/diary.h"

/* An event without the room that its texts do not need. */
struct ebb_kept {
	uint64_t number;
	uint64_t time_ms;
	uint64_t asked_bytes;
	uint64_t came_bytes;
	uint32_t uid;
	char texts[];
};

/**
 * struct ebb_follower - a client that gets each event as it happens
 * @domain: of this alone, or empty
 * @next: the number of the event that it gets next
 * @lost: so many it did not get, and was not told so
 * @reader: it may only look
 */
struct ebb_follower {
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
	struct ebb_kept *ring[EBB_EVENTS_KEPT];
	struct ebb_follower *followers[EBB_DIARY_FOLLOWERS_MAX];
};

/* ---- diary_ring.c ---- */

void ebb_diary_unpack(const struct ebb_kept *kept, struct ebb_event *ret_event);

/* Where the event of that number is, if it is kept. */
struct ebb_kept **ebb_diary_place(struct ebb_diary *diary, uint64_t number);

/* The one of that number, or NULL. */
const struct ebb_kept *ebb_diary_get(struct ebb_diary *diary, uint64_t number);

/* In place of the one that was there; not at all without memory. */
void ebb_diary_keep(struct ebb_diary *diary, const struct ebb_event *event);

/* The number of the oldest that may be kept. */
uint64_t ebb_diary_oldest(const struct ebb_diary *diary);

/* @domain: name or UUID; empty: it is. */
bool ebb_diary_is_about(const struct ebb_event *event, const char *domain);

/* ---- diary_follow.c ---- */

void ebb_diary_follow(struct ebb_diary *diary, struct ebb_call *call,
		      const struct ebb_events_request *request);

/* All followers get the events that they lack, as far as their sockets take them. */
void ebb_diary_pump(struct ebb_diary *diary);

/* ---- diary_disk.c ---- */

/* Reads what was kept before. */
void ebb_diary_begin_load(struct ebb_diary *diary);

#endif /* EBB_HOST_DIARY_STATE_H */
