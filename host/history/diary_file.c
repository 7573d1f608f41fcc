/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/history/diary_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"

#define NAME "events"

static const char magic[8] = "ebbdiar";

enum {
	FORMAT = 1
};

struct record {
	uint32_t check;
	uint32_t zero;
	struct ebb_event event;
};

static uint32_t check_record(const struct record *record)
{
	struct record copy;

	/* With what is between its members. */
	memcpy(&copy, record, sizeof(copy));
	copy.check = 0;
	return ebb_store_check(&copy, sizeof(copy));
}

static uint64_t offset_of(uint64_t number)
{
	return EBB_STORE_HEAD_BYTES +
	       number % EBB_EVENTS_KEPT * sizeof(struct record);
}

static void make_head(struct ebb_store_head *ret_head)
{
	*ret_head = (struct ebb_store_head){
		.version = FORMAT,
		.record_bytes = sizeof(struct record),
	};
	memcpy(ret_head->magic, magic, sizeof(magic));
	ret_head->check = ebb_store_check(ret_head, sizeof(*ret_head));
}

/* Returns 0, -ENODATA (nothing is written yet), -EBADMSG or -errno. */
static int check_file(int fd)
{
	struct ebb_store_head head, wanted;
	int r = ebb_store_look_at(fd);

	if (r < 0)
		return r;
	make_head(&wanted);
	r = ebb_store_read(fd, &head, sizeof(head), 0);
	if (r == 0 && memcmp(&head, &wanted, sizeof(head)) != 0)
		r = -EBADMSG;
	return r;
}

static bool is_text(const char *text, size_t bytes)
{
	return memchr(text, '\0', bytes) != NULL;
}

static bool is_sound(const struct record *record)
{
	const struct ebb_event *event = &record->event;

	return event->number > 0 && record->check == check_record(record) &&
	       is_text(event->kind, sizeof(event->kind)) &&
	       is_text(event->domain, sizeof(event->domain)) &&
	       is_text(event->uuid, sizeof(event->uuid)) &&
	       is_text(event->budget, sizeof(event->budget)) &&
	       is_text(event->action, sizeof(event->action)) &&
	       is_text(event->reason, sizeof(event->reason)) &&
	       is_text(event->text, sizeof(event->text));
}

/* Those of the last round, by ascending number. */
static uint32_t take_records(const struct record *records,
			     struct ebb_event *events)
{
	uint64_t last = 0;
	uint32_t count = 0;

	for (uint32_t i = 0; i < EBB_EVENTS_KEPT; i++)
		if (records[i].event.number > last && is_sound(&records[i]))
			last = records[i].event.number;
	for (uint32_t i = 1; i <= EBB_EVENTS_KEPT; i++) {
		uint64_t number = last + i - EBB_EVENTS_KEPT;
		const struct record *record;

		if (last + i <= EBB_EVENTS_KEPT)
			continue;
		record = &records[number % EBB_EVENTS_KEPT];
		if (record->event.number == number && is_sound(record))
			events[count++] = record->event;
	}
	return count;
}

int ebb_diary_file_read(const struct ebb_store *store,
			struct ebb_event **ret_events, uint32_t *ret_count,
			bool *ret_set_aside)
{
	ebb_auto_free struct record *records =
		calloc(EBB_EVENTS_KEPT, sizeof(*records));
	ebb_auto_free struct ebb_event *events =
		calloc(EBB_EVENTS_KEPT, sizeof(*events));
	ebb_auto_close int fd = -1;
	int r;

	if (!records || !events)
		return -ENOMEM;
	fd = ebb_store_open_file(store, NAME, O_RDONLY);
	r = fd < 0 ? fd : check_file(fd);
	if (r == -EBADMSG) {
		r = ebb_store_set_aside(store, NAME);
		*ret_set_aside = r == 0;
		return r;
	}
	if (r == -ENOENT || r == -ENODATA)
		return 0;
	if (r == 0)
		r = ebb_store_read(fd, records,
				   EBB_EVENTS_KEPT * sizeof(*records),
				   EBB_STORE_HEAD_BYTES);
	if (r < 0)
		return r;
	*ret_count = take_records(records, events);
	*ret_events = ebb_steal_ptr(events);
	return 0;
}

/* It was read and made sense, or there was none. One that makes none now is set aside. */
static int open_ready(const struct ebb_store *store)
{
	int fd = ebb_store_open_file(store, NAME, O_RDWR | O_CREAT);
	struct ebb_store_head head;
	int r = fd < 0 ? fd : check_file(fd);

	if (r == -ENODATA) {
		make_head(&head);
		r = ebb_store_write(fd, &head, sizeof(head), 0);
	}
	if (r == 0)
		return fd;
	ebb_close_fd(&fd);
	if (r == -EBADMSG)
		ebb_store_set_aside(store, NAME);
	return r;
}

int ebb_diary_file_write(const struct ebb_store *store,
			 const struct ebb_event *events, uint32_t count)
{
	ebb_auto_close int fd = open_ready(store);
	int r = fd < 0 ? fd : 0;

	for (uint32_t i = 0; r == 0 && i < count; i++) {
		struct record record;

		memset(&record, 0, sizeof(record));
		memcpy(&record.event, &events[i], sizeof(record.event));
		record.check = check_record(&record);
		r = ebb_store_write(fd, &record, sizeof(record),
				    offset_of(events[i].number));
	}
	return r;
}
