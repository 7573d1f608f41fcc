/* SPDX-License-Identifier: GPL-2.0-only */
/* Who asks for samples is answered by a worker, with those that are not written yet. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"
#include "host/history/archive_state.h"

enum {
	/* Questions that wait for a disk. */
	QUERIES_MAX = 16,
};

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
		ebb_call_error(
			call, "DomainNotFound",
			"There are no samples of '%s'%s",
			*request->budget ? request->budget : request->domain,
			*request->budget ? "; see: ebbctl explain"
					 : ", as no domain of that name is "
					   "known to have run; see: virsh list "
					   "--all");
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
