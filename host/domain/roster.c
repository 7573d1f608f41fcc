/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/roster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Where @uuid is, or would be. */
static size_t place_of(const struct ebb_roster *roster, const char *uuid)
{
	size_t low = 0, high = roster->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(roster->entries[middle]->uuid, uuid) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct ebb_roster_entry *ebb_roster_find(const struct ebb_roster *roster,
					 const char *uuid)
{
	size_t place = place_of(roster, uuid);

	return place < roster->count &&
			       strcmp(roster->entries[place]->uuid, uuid) == 0
		       ? roster->entries[place]
		       : NULL;
}

struct ebb_roster_entry *ebb_roster_find_name(const struct ebb_roster *roster,
					      const char *name_or_uuid)
{
	for (size_t i = 0; i < roster->count; i++)
		if (strcmp(roster->entries[i]->name, name_or_uuid) == 0)
			return roster->entries[i];
	for (size_t i = 0; i < roster->count; i++)
		if (strcasecmp(roster->entries[i]->uuid, name_or_uuid) == 0)
			return roster->entries[i];
	return NULL;
}

struct ebb_roster_entry *ebb_roster_next(const struct ebb_roster *roster,
					 const char *uuid)
{
	size_t place = place_of(roster, uuid);

	if (place < roster->count &&
	    strcmp(roster->entries[place]->uuid, uuid) == 0)
		place++;
	return place < roster->count ? roster->entries[place] : NULL;
}

static bool grow(struct ebb_roster *roster)
{
	size_t capacity = roster->capacity ? 2 * roster->capacity : 16;
	struct ebb_roster_entry **entries;

	if (roster->count < roster->capacity)
		return true;
	entries = realloc(roster->entries,
			  capacity * sizeof(struct ebb_roster_entry *));
	if (!entries)
		return false;
	roster->entries = entries;
	roster->capacity = capacity;
	return true;
}

struct ebb_roster_entry *ebb_roster_add(struct ebb_roster *roster,
					const char *uuid, const char *name)
{
	struct ebb_roster_entry *entry = ebb_roster_find(roster, uuid);
	size_t place = place_of(roster, uuid);

	if (!entry) {
		entry = grow(roster) ? calloc(1, sizeof(*entry)) : NULL;
		if (!entry)
			return NULL;
		snprintf(entry->uuid, sizeof(entry->uuid), "%s", uuid);
		memmove(&roster->entries[place + 1], &roster->entries[place],
			(roster->count - place) *
				sizeof(struct ebb_roster_entry *));
		roster->entries[place] = entry;
		roster->count++;
	}
	snprintf(entry->name, sizeof(entry->name), "%s", name);
	return entry;
}

void ebb_roster_change(struct ebb_roster *roster,
		       struct ebb_roster_entry *entry,
		       enum ebb_domain_state state)
{
	entry->state = state;
	entry->changed = ++roster->sequence;
}

void ebb_roster_remove(struct ebb_roster *roster,
		       struct ebb_roster_entry *entry)
{
	size_t place = place_of(roster, entry->uuid);

	roster->sequence++;
	roster->count--;
	memmove(&roster->entries[place], &roster->entries[place + 1],
		(roster->count - place) * sizeof(struct ebb_roster_entry *));
	free(entry);
}

bool ebb_roster_list(struct ebb_roster_entry *entry,
		     enum ebb_domain_state state, uint64_t asked)
{
	entry->listed = true;
	if (entry->changed > asked)
		return false;
	entry->state = state;
	return true;
}

void ebb_roster_begin(struct ebb_roster *roster)
{
	for (size_t i = 0; i < roster->count; i++)
		roster->entries[i]->listed = false;
}

struct ebb_roster_entry *ebb_roster_unlisted(const struct ebb_roster *roster,
					     uint64_t asked)
{
	for (size_t i = 0; i < roster->count; i++)
		if (!roster->entries[i]->listed &&
		    roster->entries[i]->changed <= asked)
			return roster->entries[i];
	return NULL;
}

void ebb_roster_clear(struct ebb_roster *roster)
{
	for (size_t i = 0; i < roster->count; i++)
		free(roster->entries[i]);
	free(roster->entries);
	*roster = (struct ebb_roster){ 0 };
}
