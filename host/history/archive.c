/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/history/archive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"

enum {
	SUBJECTS_MAX = EBB_ARCHIVE_DOMAINS_MAX + EBB_ARCHIVE_BUDGETS_MAX,
	/* Of one job, which the next waits for. */
	ITEMS_MAX = 64,
	DROPS_MAX = 64,
	/* Questions that wait for a disk. */
	QUERIES_MAX = 16,
	/* Files in the directory that are looked at. */
	ENTRIES_MAX = 4 * SUBJECTS_MAX,
	SILENT_S = 60,
};

/**
 * struct ebb_subject - a domain or a budget
 * @live: it is there now
 * @wipe: its file may have records that are later than now
 * @slot: of the last sample; 0: none yet
 * @seen_ms: when it was seen last
 * @flushing: of @pending, so many are being written
 */
struct ebb_subject {
	struct ebb_subject_key key;
	bool live;
	bool wipe;
	uint32_t slot;
	uint64_t seen_ms;
	uint32_t count;
	uint32_t flushing;
	struct ebb_fine *pending;
};

/**
 * struct ebb_archive
 * @loaded: what was kept before is known
 * @job_ns: when the job that runs was begun; 0: none does
 * @silent: that it runs for too long was told
 * @ending: all is written, whose turn it ever is
 * @failed: that it cannot be written was told
 * @crowded: that there are too many domains was told
 * @drops: files to be removed
 */
struct ebb_archive {
	const struct ebb_store *store;
	struct ebb_workers *workers;
	bool loaded;
	uint64_t job_ns;
	bool silent;
	bool ending;
	bool failed;
	bool crowded;
	uint32_t queries;
	uint32_t slot;
	uint32_t count;
	struct ebb_subject *subjects[SUBJECTS_MAX];
	uint32_t drop_count;
	char drops[DROPS_MAX][EBB_SAMPLES_NAME_BYTES];
};

/* ---- subjects ---- */

static bool is_key(const struct ebb_subject_key *key,
		   enum ebb_history_kind kind, const char *name,
		   const char *uuid)
{
	if (key->kind != kind)
		return false;
	return kind == EBB_HISTORY_DOMAIN ? strcmp(key->uuid, uuid) == 0
					  : strcmp(key->name, name) == 0;
}

static struct ebb_subject *find(const struct ebb_archive *archive,
				enum ebb_history_kind kind, const char *name,
				const char *uuid)
{
	for (uint32_t i = 0; i < archive->count; i++)
		if (is_key(&archive->subjects[i]->key, kind, name, uuid))
			return archive->subjects[i];
	return NULL;
}

static void free_subject(struct ebb_subject *subject)
{
	free(subject->pending);
	free(subject);
}

/* Of its kind, the one that was seen last the longest ago, and may go. */
static bool drop_oldest(struct ebb_archive *archive, enum ebb_history_kind kind)
{
	uint32_t oldest = archive->count;

	for (uint32_t i = 0; i < archive->count; i++) {
		const struct ebb_subject *subject = archive->subjects[i];

		if (subject->key.kind == kind && !subject->live &&
		    subject->flushing == 0 &&
		    (oldest == archive->count ||
		     subject->seen_ms < archive->subjects[oldest]->seen_ms))
			oldest = i;
	}
	if (oldest == archive->count || archive->drop_count == DROPS_MAX)
		return false;
	if (archive->store->dir_fd >= 0)
		ebb_samples_name(&archive->subjects[oldest]->key,
				 archive->drops[archive->drop_count++]);
	free_subject(archive->subjects[oldest]);
	archive->subjects[oldest] = archive->subjects[--archive->count];
	return true;
}

static bool has_room(struct ebb_archive *archive, enum ebb_history_kind kind)
{
	uint32_t max = kind == EBB_HISTORY_DOMAIN ? EBB_ARCHIVE_DOMAINS_MAX
						  : EBB_ARCHIVE_BUDGETS_MAX;
	uint32_t count = 0;

	for (uint32_t i = 0; i < archive->count; i++)
		count += archive->subjects[i]->key.kind == kind;
	if (count < max || drop_oldest(archive, kind))
		return true;
	if (!archive->crowded && kind == EBB_HISTORY_DOMAIN)
		ebb_log(EBB_LOG_NOTICE,
			"history: more than %d domains run: of the others no "
			"samples are kept",
			EBB_ARCHIVE_DOMAINS_MAX);
	archive->crowded = true;
	return false;
}

static struct ebb_subject *add(struct ebb_archive *archive,
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
	struct ebb_subject *subject = find(archive, kind, name, uuid);
	struct ebb_subject_key key = { .kind = kind };

	snprintf(key.name, sizeof(key.name), "%s", name);
	snprintf(key.uuid, sizeof(key.uuid), "%s", uuid);
	if (!subject)
		subject = add(archive, &key);
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

static void drop_first(struct ebb_subject *subject, uint32_t count)
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
		drop_first(subject, 1);
		subject->flushing -= subject->flushing > 0;
	}
	subject->pending[subject->count] = *fine;
	subject->pending[subject->count++].slot = slot;
	subject->slot = slot;
	subject->seen_ms = (uint64_t)slot * EBB_FINE_S * 1000;
}

/* ---- writing ---- */

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
	char drops[DROPS_MAX][EBB_SAMPLES_NAME_BYTES];
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
		drop_first(subject, subject->flushing);
		/* Unless the clock was set back meanwhile. */
		if (subject->count == 0 ||
		    subject->pending[0].slot >
			    item->fines[item->count - 1].slot)
			subject->wipe = false;
	}
	subject->flushing = 0;
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
	int result = 0;

	archive->job_ns = 0;
	archive->silent = false;
	for (uint32_t i = 0; i < flush->count; i++) {
		if (flush->items[i].result < 0)
			result = flush->items[i].result;
		end_item(&flush->items[i]);
	}
	if (flush->count > 0)
		tell_result(archive, result);
	free(flush);
	/* What is due did not fit into one, unless nothing can be written. */
	if (result == 0)
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
	memcpy(item->fines, subject->pending,
	       subject->count * sizeof(*item->fines));
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
	for (uint32_t i = 0; i < flush->count; i++)
		flush->items[i].subject->flushing = 0;
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
	begin_flush(archive);
}

void ebb_archive_flush(struct ebb_archive *archive)
{
	archive->ending = true;
	begin_flush(archive);
}

/* ---- what was kept before ---- */

struct scan {
	struct ebb_archive *archive;
	uint32_t set_aside;
	uint32_t count;
	struct entry {
		struct ebb_subject_key key;
		uint64_t seen_ms;
	} entries[SUBJECTS_MAX];
};

static void scan_entry(struct scan *scan, const char *name)
{
	const struct ebb_store *store = scan->archive->store;
	struct entry *entry = &scan->entries[scan->count];
	struct stat info;
	int r;

	if (!ebb_samples_is_name(name) || scan->count == SUBJECTS_MAX ||
	    fstatat(store->dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	r = ebb_samples_identify(store, name, &entry->key);
	entry->seen_ms = (uint64_t)info.st_mtim.tv_sec * 1000;
	if (r == 0)
		scan->count++;
	else if (r == -EBADMSG && ebb_store_set_aside(store, name) == 0)
		scan->set_aside++;
}

static void scan_work(void *opaque)
{
	struct scan *scan = opaque;
	uint32_t left = ENTRIES_MAX;
	struct dirent *entry;
	/* A place in the directory of its own. */
	int fd = openat(scan->archive->store->dir_fd, ".",
			O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		ebb_close_fd(&fd);
		return;
	}
	while (left-- > 0 && (entry = readdir(dir)))
		scan_entry(scan, entry->d_name);
	closedir(dir);
}

static void scan_done(void *opaque)
{
	struct scan *scan = opaque;
	struct ebb_archive *archive = scan->archive;

	archive->loaded = true;
	archive->job_ns = 0;
	if (scan->set_aside > 0)
		ebb_log(EBB_LOG_WARNING,
			"history: %u files of samples made no sense, as after a "
			"damage or of another version of ebbd, and are out of "
			"the way; the last is 'damaged' in history-dir",
			scan->set_aside);
	for (uint32_t i = 0; i < scan->count; i++) {
		const struct entry *entry = &scan->entries[i];
		struct ebb_subject *subject;

		if (find(archive, entry->key.kind, entry->key.name,
			 entry->key.uuid))
			continue;
		subject = add(archive, &entry->key);
		if (subject)
			subject->seen_ms = entry->seen_ms;
	}
	free(scan);
}

/* Without a store there is nothing to write, and all that is asked for is in memory. */
static void begin_scan(struct ebb_archive *archive)
{
	struct scan *scan;

	if (archive->store->dir_fd < 0)
		return;
	scan = calloc(1, sizeof(*scan));
	if (!scan)
		return;
	scan->archive = archive;
	if (ebb_workers_run(archive->workers, EBB_WORK_HISTORY, scan_work,
			    scan_done, scan) == 0)
		archive->job_ns = ebb_now_ns();
	else
		free(scan);
}

/* ---- questions ---- */

struct query {
	struct ebb_archive *archive;
	struct ebb_call *call;
	struct ebb_subject_key key;
	struct ebb_samples_span span;
	uint64_t now_ms;
	int result;
	struct json_object *value;
	const char *note;
	bool wipe;
	uint32_t count;
	struct ebb_fine fines[EBB_ARCHIVE_PENDING];
};

static void query_work(void *opaque)
{
	struct query *query = opaque;
	uint32_t points = ebb_samples_points(&query->span);
	ebb_auto_free struct ebb_history_point *items =
		calloc(points ? points : 1, sizeof(*items));
	struct ebb_history history = {
		.now_ms = query->now_ms,
		.since_ms = query->span.since_ms,
		.step_ms = query->span.step_ms,
		.points = items,
	};

	query->result = -ENOMEM;
	if (!items)
		return;
	query->result = ebb_samples_read(query->archive->store, &query->key,
					 query->fines, query->count,
					 query->wipe, &query->span, items);
	if (query->result < 0)
		return;
	history.point_count = (uint32_t)query->result;
	strcpy(history.kind,
	       query->key.kind == EBB_HISTORY_DOMAIN ? "domain" : "budget");
	memcpy(history.name, query->key.name, sizeof(history.name));
	snprintf(history.uuid, sizeof(history.uuid), "%.36s", query->key.uuid);
	snprintf(history.note, sizeof(history.note), "%s", query->note);
	/* It may be long: here nobody waits for it. */
	query->value = ebb_history_encode(&history);
}

static void query_done(void *opaque)
{
	struct query *query = opaque;

	query->archive->queries--;
	if (query->value)
		ebb_call_return(query->call, query->value);
	else
		ebb_call_error(query->call, "GenericError",
			       "The history of '%s' cannot be read: %s",
			       query->key.name,
			       strerror(query->result < 0 ? -query->result
							  : ENOMEM));
	free(query);
}

static bool is_asked_for(const struct ebb_subject *subject,
			 const struct ebb_history_request *request)
{
	const struct ebb_subject_key *key = &subject->key;

	if (*request->budget)
		return key->kind == EBB_HISTORY_BUDGET &&
		       strcmp(key->name, request->budget) == 0;
	return key->kind == EBB_HISTORY_DOMAIN &&
	       (strcmp(key->name, request->domain) == 0 ||
		strcasecmp(key->uuid, request->domain) == 0);
}

/* One that is there before others of its name that were, the latest first. */
static const struct ebb_subject *
find_asked(const struct ebb_archive *archive,
	   const struct ebb_history_request *request)
{
	const struct ebb_subject *best = NULL;

	for (uint32_t i = 0; i < archive->count; i++) {
		const struct ebb_subject *subject = archive->subjects[i];

		if (is_asked_for(subject, request) &&
		    (!best || (subject->live && !best->live) ||
		     (subject->live == best->live &&
		      subject->seen_ms > best->seen_ms)))
			best = subject;
	}
	return best;
}

static const char *note_of(const struct ebb_archive *archive)
{
	if (archive->store->dir_fd < 0)
		return "Only the last minutes are there, as nothing is kept on "
		       "disk: see history-dir in ebbd.conf";
	if (archive->failed || archive->silent)
		return "Samples cannot be written to disk now: see journalctl "
		       "-u ebbd";
	return "";
}

void ebb_archive_serve(struct ebb_archive *archive, struct ebb_call *call,
		       const struct ebb_history_request *request,
		       uint64_t now_ms)
{
	const struct ebb_subject *subject = find_asked(archive, request);
	struct query *query;

	if (!subject && archive->store->dir_fd >= 0 && !archive->loaded) {
		ebb_call_error(call, "Busy",
			       "What is kept of the past is still being read: "
			       "try again");
		return;
	}
	if (!subject) {
		ebb_call_error(call, "DomainNotFound",
			       "There are no samples of '%s'%s",
			       *request->budget ? request->budget
						: request->domain,
			       *request->budget ? "; see: ebbctl explain"
						: "; see: virsh list --all");
		return;
	}
	query = archive->queries < QUERIES_MAX ? calloc(1, sizeof(*query))
					       : NULL;
	if (!query) {
		ebb_call_error(call, "Busy",
			       "Too many ask for the past: try again later");
		return;
	}
	*query = (struct query){
		.archive = archive,
		.call = call,
		.key = subject->key,
		.span = ebb_samples_plan(request, now_ms),
		.now_ms = now_ms,
		.note = note_of(archive),
		.wipe = subject->wipe,
		.count = subject->count,
	};
	if (subject->count > 0)
		memcpy(query->fines, subject->pending,
		       subject->count * sizeof(*query->fines));
	archive->queries++;
	if (ebb_workers_run(archive->workers, EBB_WORK_HISTORY, query_work,
			    query_done, query) == 0)
		return;
	archive->queries--;
	ebb_call_error(call, "Busy", "No thread can be started: try again");
	free(query);
}

/* ---- its life ---- */

int ebb_archive_new(const struct ebb_store *store, struct ebb_workers *workers,
		    struct ebb_archive **ret_archive)
{
	struct ebb_archive *archive = calloc(1, sizeof(*archive));

	if (!archive)
		return -ENOMEM;
	archive->store = store;
	archive->workers = workers;
	begin_scan(archive);
	*ret_archive = archive;
	return 0;
}

void ebb_archive_free(struct ebb_archive *archive)
{
	if (!archive)
		return;
	for (uint32_t i = 0; i < archive->count; i++)
		free_subject(archive->subjects[i]);
	free(archive);
}
