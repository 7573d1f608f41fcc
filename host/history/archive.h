/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Samples of all domains and budgets: what is not written yet, and who reads and writes
 * the rest.
 *
 * Of each subject (a domain or a budget) that there is now, the samples of the last
 * minutes are in memory. They go to its file together, so that a disk has little to do:
 * each subject has its turn once in EBB_FINE_PER_COARSE samples, at a time of its own.
 * If ebbd is killed, these are lost; if it ends, they are written.
 *
 * A file that cannot be written, or a disk that does not answer, costs the samples that
 * do not fit into memory, and one line in the log. It is tried again all the time.
 *
 * The event loop's thread alone has it; workers get copies.
 */
#ifndef EBB_HOST_ARCHIVE_H
#define EBB_HOST_ARCHIVE_H

#include "host/base/worker.h"
#include "host/control/call.h"
#include "host/history/samples.h"

struct ebb_archive;
struct ebb_subject;

enum {
	/* Kept; the one that was seen last the longest ago goes first. */
	EBB_ARCHIVE_DOMAINS_MAX = 1024,
	EBB_ARCHIVE_BUDGETS_MAX = 128,
	/* Samples of one subject that wait to be written. */
	EBB_ARCHIVE_PENDING = 2 * EBB_FINE_PER_COARSE,
};

/**
 * ebb_archive_new - begins to read what there is
 * @store: outlives it; may be none
 *
 * Returns 0 or -ENOMEM.
 */
int ebb_archive_new(const struct ebb_store *store, struct ebb_workers *workers,
		    struct ebb_archive **ret_archive);

/* No job may run. NULL is fine. */
void ebb_archive_free(struct ebb_archive *archive);

/*
 * A subject is there now. Returns NULL if nothing of it is kept yet: there are too many,
 * or there is no memory; ask again later. That of a domain goes with ebb_archive_went(); that of a budget,
 * when nothing is put into it any more.
 */
struct ebb_subject *ebb_archive_came(struct ebb_archive *archive,
				     enum ebb_history_kind kind,
				     const char *name, const char *uuid,
				     uint64_t now_ms);
void ebb_archive_went(struct ebb_subject *subject);

/*
 * One sample, of @slot. One that is not later than the last is of a clock that was set
 * back: what seems to be later goes.
 */
void ebb_archive_put(struct ebb_subject *subject, uint32_t slot,
		     const struct ebb_fine *fine);

/* All samples of @slot are there: writes some, if it is their turn. */
void ebb_archive_ticked(struct ebb_archive *archive, uint32_t slot);

/* ebbd ends: all that waits is written. */
void ebb_archive_flush(struct ebb_archive *archive);

/* Answers the call, now or later. */
void ebb_archive_serve(struct ebb_archive *archive, struct ebb_call *call,
		       const struct ebb_history_request *request,
		       uint64_t now_ms);

#endif /* EBB_HOST_ARCHIVE_H */
