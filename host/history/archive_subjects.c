/* SPDX-License-Identifier: GPL-2.0-only */
/* Which domains and budgets there are, and their samples that are not written yet. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "host/history/archive_state.h"

static bool is_key(const struct ebb_subject_key *key,
		   enum ebb_history_kind kind, const char *name,
		   const char *uuid)
{
	if (key->kind != kind)
		return false;
	return kind == EBB_HISTORY_DOMAIN ? strcmp(key->uuid, uuid) == 0
					  : strcmp(key->name, name) == 0;
}

struct ebb_subject *ebb_archive_find(const struct ebb_archive *archive,
				     enum ebb_history_kind kind,
				     const char *name, const char *uuid)
{
	for (uint32_t i = 0; i < archive->count; i++)
		if (is_key(&archive->subjects[i]->key, kind, name, uuid))
			return archive->subjects[i];
	return NULL;
}

/* Of its kind, the one that was seen last the longest ago, and may go. */
static bool drop_oldest(struct ebb_archive *archive, enum ebb_history_kind kind)
{
	uint32_t oldest = archive->count;

	for (uint32_t i = 0; i < archive->count; i++) {
		const struct ebb_subject *subject = archive->subjects[i];

		if (subject->key.kind == kind && !subject->live &&
		    !subject->in_job &&
		    (oldest == archive->count ||
		     subject->seen_ms < archive->subjects[oldest]->seen_ms))
			oldest = i;
	}
	if (oldest == archive->count ||
	    archive->drop_count == EBB_ARCHIVE_DROPS_MAX)
		return false;
	if (archive->store->dir_fd >= 0)
		ebb_samples_name(&archive->subjects[oldest]->key,
				 archive->drops[archive->drop_count++]);
	free(archive->subjects[oldest]->pending);
	free(archive->subjects[oldest]);
	archive->subjects[oldest] = archive->subjects[--archive->count];
	return true;
}

static bool has_room(struct ebb_archive *archive, enum ebb_history_kind kind)
{
	uint32_t max = kind == EBB_HISTORY_DOMAIN ? EBB_ARCHIVE_DOMAINS_MAX
						  : EBB_ARCHIVE_BUDGETS_MAX;
	uint32_t count = 0, live = 0;

	for (uint32_t i = 0; i < archive->count; i++) {
		const struct ebb_subject *subject = archive->subjects[i];

		count += subject->key.kind == kind;
		live += subject->key.kind == kind && subject->live;
	}
	if (count < max || drop_oldest(archive, kind))
		return true;
	/* Else one can go soon: its file is being written, or others are removed first. */
	if (!archive->crowded && kind == EBB_HISTORY_DOMAIN && live == max) {
		archive->crowded = true;
		ebb_log(EBB_LOG_NOTICE,
			"history: more than %d domains run: of the others no "
			"samples are kept",
			EBB_ARCHIVE_DOMAINS_MAX);
	}
	return false;
}

struct ebb_subject *ebb_archive_add(struct ebb_archive *archive,
				    const struct ebb_subject_key *key)
{
	struct ebb_subject *subject = NULL;

	if (has_room(archive, key->kind))
		subject = calloc(1, sizeof(*subject));
	if (!subject)
		return NULL;
	subject->key = *key;
	/* The clock may have been set back while no ebbd ran. */
	subject->wipe = true;
	archive->subjects[archive->count++] = subject;
	return subject;
}

struct ebb_subject *ebb_archive_came(struct ebb_archive *archive,
				     enum ebb_history_kind kind,
				     const char *name, const char *uuid,
				     uint64_t now_ms)
{
	struct ebb_subject *subject =
		ebb_archive_find(archive, kind, name, uuid);
	struct ebb_subject_key key = { .kind = kind };

	snprintf(key.name, sizeof(key.name), "%s", name);
	snprintf(key.uuid, sizeof(key.uuid), "%s", uuid);
	if (!subject)
		subject = ebb_archive_add(archive, &key);
	if (!subject)
		return NULL;
	/* It may have another name now. */
	subject->key = key;
	subject->live = true;
	subject->seen_ms = now_ms;
	return subject;
}

void ebb_archive_went(struct ebb_subject *subject)
{
	subject->live = false;
}

/* ---- samples ---- */

void ebb_archive_drop_first(struct ebb_subject *subject, uint32_t count)
{
	subject->count -= count;
	memmove(subject->pending, subject->pending + count,
		subject->count * sizeof(*subject->pending));
}

/* The clock was set back: what is written already is wiped with the next samples. */
static void drop_later(struct ebb_subject *subject, uint32_t slot)
{
	subject->wipe = true;
	while (subject->count > 0 &&
	       subject->pending[subject->count - 1].slot >= slot)
		subject->count--;
	if (subject->flushing > subject->count)
		subject->flushing = subject->count;
}

void ebb_archive_put(struct ebb_subject *subject, uint32_t slot,
		     const struct ebb_fine *fine)
{
	if (!subject->pending)
		subject->pending =
			calloc(EBB_ARCHIVE_PENDING, sizeof(*subject->pending));
	if (!subject->pending)
		return;
	if (slot <= subject->slot)
		drop_later(subject, slot);
	if (subject->count == EBB_ARCHIVE_PENDING) {
		ebb_archive_drop_first(subject, 1);
		subject->flushing -= subject->flushing > 0;
	}
	subject->pending[subject->count] = *fine;
	subject->pending[subject->count++].slot = slot;
	subject->slot = slot;
	subject->seen_ms = (uint64_t)slot * EBB_FINE_S * 1000;
}
