/* SPDX-License-Identifier: GPL-2.0-only */
/* Samples go to disk, some subjects at a time. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "host/history/archive_state.h"

enum {
	/* Of one job, which the next waits for. */
	ITEMS_MAX = 64,
	SILENT_S = 60,
};

struct item {
	struct ebb_subject *subject;
	struct ebb_subject_key key;
	bool wipe;
	int result;
	bool set_aside;
	uint32_t count;
	struct ebb_fine fines[EBB_ARCHIVE_PENDING];
};

struct flush {
	struct ebb_archive *archive;
	uint32_t drop_count;
	char drops[EBB_ARCHIVE_DROPS_MAX][EBB_SAMPLES_NAME_BYTES];
	uint32_t count;
	struct item items[ITEMS_MAX];
};

static void flush_work(void *opaque)
{
	struct flush *flush = opaque;
	const struct ebb_store *store = flush->archive->store;

	for (uint32_t i = 0; i < flush->drop_count; i++)
		unlinkat(store->dir_fd, flush->drops[i], 0);
	for (uint32_t i = 0; i < flush->count; i++) {
		struct item *item = &flush->items[i];

		item->result = ebb_samples_write(store, &item->key, item->fines,
						 item->count, item->wipe,
						 &item->set_aside);
	}
}

static void tell_set_aside(const struct ebb_subject_key *key)
{
	ebb_log(EBB_LOG_WARNING,
		"history: the samples of %s made no sense, as after a damage or "
		"of another version of ebbd: they begin anew. The last such "
		"file is 'damaged' in history-dir",
		key->name);
}

static void tell_result(struct ebb_archive *archive, int result)
{
	if (result < 0 && !archive->failed)
		ebb_log(EBB_LOG_WARNING,
			"history: samples cannot be written in history-dir: "
			"%s. Those of the last minutes are in memory alone. It "
			"is tried again all the time",
			strerror(-result));
	if (result == 0 && archive->failed)
		ebb_log(EBB_LOG_NOTICE, "history: samples are written again");
	archive->failed = result < 0;
}

static void end_item(const struct item *item)
{
	struct ebb_subject *subject = item->subject;

	if (item->set_aside)
		tell_set_aside(&item->key);
	if (item->result == 0) {
		ebb_archive_drop_first(subject, subject->flushing);
		/* Unless the clock was set back meanwhile. */
		if (subject->count == 0 ||
		    subject->pending[0].slot >
			    item->fines[item->count - 1].slot)
			subject->wipe = false;
	}
	subject->flushing = 0;
	subject->in_job = false;
	if (subject->live || subject->count > 0)
		return;
	free(subject->pending);
	subject->pending = NULL;
}

static void begin_flush(struct ebb_archive *archive);

static void flush_done(void *opaque)
{
	struct flush *flush = opaque;
	struct ebb_archive *archive = flush->archive;
	bool any = flush->count == 0;
	int result = 0;

	archive->job_ns = 0;
	archive->silent = false;
	for (uint32_t i = 0; i < flush->count; i++) {
		if (flush->items[i].result < 0)
			result = flush->items[i].result;
		any |= flush->items[i].result == 0;
		end_item(&flush->items[i]);
	}
	if (flush->count > 0)
		tell_result(archive, result);
	free(flush);
	/* What is due did not fit into one, unless nothing can be written. */
	if (any)
		begin_flush(archive);
}

static bool is_due(const struct ebb_archive *archive,
		   const struct ebb_subject *subject, uint32_t index)
{
	if (subject->count == 0)
		return false;
	return archive->ending || !subject->live ||
	       subject->count > EBB_FINE_PER_COARSE ||
	       (archive->slot + index) % EBB_FINE_PER_COARSE == 0;
}

static void take_item(struct flush *flush, struct ebb_subject *subject)
{
	struct item *item = &flush->items[flush->count++];

	item->subject = subject;
	item->key = subject->key;
	item->wipe = subject->wipe;
	item->count = subject->flushing = subject->count;
	subject->in_job = true;
	memcpy(item->fines, subject->pending,
	       subject->count * sizeof(*item->fines));
}

static void give_back_items(const struct flush *flush)
{
	for (uint32_t i = 0; i < flush->count; i++) {
		flush->items[i].subject->flushing = 0;
		flush->items[i].subject->in_job = false;
	}
}

static void begin_flush(struct ebb_archive *archive)
{
	struct flush *flush;

	if (!archive->loaded || archive->job_ns > 0)
		return;
	flush = calloc(1, sizeof(*flush));
	if (!flush)
		return;
	flush->archive = archive;
	for (uint32_t i = 0; i < archive->count && flush->count < ITEMS_MAX;
	     i++)
		if (is_due(archive, archive->subjects[i], i))
			take_item(flush, archive->subjects[i]);
	flush->drop_count = archive->drop_count;
	memcpy(flush->drops, archive->drops, sizeof(flush->drops));
	if ((flush->count > 0 || flush->drop_count > 0) &&
	    ebb_workers_run(archive->workers, EBB_WORK_HISTORY, flush_work,
			    flush_done, flush) == 0) {
		archive->job_ns = ebb_now_ns();
		archive->drop_count = 0;
		return;
	}
	give_back_items(flush);
	free(flush);
}

/* Nobody says of a budget that it is no more. */
static void end_budgets(struct ebb_archive *archive)
{
	for (uint32_t i = 0; i < archive->count; i++)
		if (archive->subjects[i]->key.kind == EBB_HISTORY_BUDGET)
			archive->subjects[i]->live =
				archive->subjects[i]->slot == archive->slot;
}

void ebb_archive_ticked(struct ebb_archive *archive, uint32_t slot)
{
	archive->slot = slot;
	end_budgets(archive);
	if (archive->job_ns > 0 && !archive->silent &&
	    ebb_now_ns() - archive->job_ns >= SILENT_S * EBB_NS_PER_S) {
		archive->silent = true;
		ebb_log(EBB_LOG_WARNING,
			"history: the disk of history-dir does not answer for "
			"%d s; samples of the last minutes are in memory alone",
			SILENT_S);
	}
	/* Where no thread could be started for it before. */
	ebb_archive_begin_scan(archive);
	begin_flush(archive);
}

void ebb_archive_flush(struct ebb_archive *archive)
{
	archive->ending = true;
	begin_flush(archive);
}
