/* SPDX-License-Identifier: GPL-2.0-only */
/* Events as they are in memory: without the room that their texts do not need. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "host/history/diary_state.h"

enum {
	TEXTS = 7
};

static struct ebb_kept *pack(const struct ebb_event *event)
{
	const char *const texts[TEXTS] = {
		event->kind,   event->domain, event->uuid, event->budget,
		event->action, event->reason, event->text,
	};
	size_t bytes = 0;
	struct ebb_kept *kept;
	char *end;

	for (size_t i = 0; i < TEXTS; i++)
		bytes += strlen(texts[i]) + 1;
	kept = malloc(sizeof(*kept) + bytes);
	if (!kept)
		return NULL;
	*kept = (struct ebb_kept){
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

void ebb_diary_unpack(const struct ebb_kept *kept, struct ebb_event *ret_event)
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

struct ebb_kept **ebb_diary_place(struct ebb_diary *diary, uint64_t number)
{
	return &diary->ring[number % EBB_EVENTS_KEPT];
}

const struct ebb_kept *ebb_diary_get(struct ebb_diary *diary, uint64_t number)
{
	const struct ebb_kept *kept = *ebb_diary_place(diary, number);

	return kept && kept->number == number ? kept : NULL;
}

void ebb_diary_keep(struct ebb_diary *diary, const struct ebb_event *event)
{
	struct ebb_kept **place = ebb_diary_place(diary, event->number);

	free(*place);
	*place = pack(event);
}

uint64_t ebb_diary_oldest(const struct ebb_diary *diary)
{
	return diary->last > EBB_EVENTS_KEPT ? diary->last - EBB_EVENTS_KEPT + 1
					     : 1;
}

bool ebb_diary_is_about(const struct ebb_event *event, const char *domain)
{
	return *domain == '\0' || strcmp(event->domain, domain) == 0 ||
	       strcasecmp(event->uuid, domain) == 0;
}
