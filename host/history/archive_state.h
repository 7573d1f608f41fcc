/* SPDX-License-Identifier: GPL-2.0-only */
/* What the archive is made of; for its own files. */
#ifndef EBB_HOST_ARCHIVE_STATE_H
#define EBB_HOST_ARCHIVE_STATE_H

#include "host/history/archive.h"

enum {
	EBB_ARCHIVE_SUBJECTS_MAX =
		EBB_ARCHIVE_DOMAINS_MAX + EBB_ARCHIVE_BUDGETS_MAX,
	/* Files that wait to be removed. */
	EBB_ARCHIVE_DROPS_MAX = 64,
};

/**
 * struct ebb_subject - a domain or a budget
 * @live: it is there now
 * @wipe: its file may have records that are later than now
 * @slot: of the last sample; 0: none yet
 * @seen_ms: when it was seen last
 * @in_job: a job that writes has it
 * @flushing: of @pending, so many are what that job writes; what was dropped since is not
 *	among them
 */
struct ebb_subject {
	struct ebb_subject_key key;
	bool live;
	bool wipe;
	bool in_job;
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
	struct ebb_subject *subjects[EBB_ARCHIVE_SUBJECTS_MAX];
	uint32_t drop_count;
	char drops[EBB_ARCHIVE_DROPS_MAX][EBB_SAMPLES_NAME_BYTES];
};

/*
 * archive.c: what was kept before is read, if it was not. Without a store there is nothing
 * to read, and all that is asked for is in memory.
 */
void ebb_archive_begin_scan(struct ebb_archive *archive);

/* archive_subjects.c: of a domain by its UUID, of a budget by its name; or NULL. */
struct ebb_subject *ebb_archive_find(const struct ebb_archive *archive,
				     enum ebb_history_kind kind,
				     const char *name, const char *uuid);

/* archive_subjects.c: one that is not there yet; NULL: there is no room, or no memory. */
struct ebb_subject *ebb_archive_add(struct ebb_archive *archive,
				    const struct ebb_subject_key *key);

/* archive_subjects.c: @count of the samples that wait, the oldest, wait no more. */
void ebb_archive_drop_first(struct ebb_subject *subject, uint32_t count);

#endif /* EBB_HOST_ARCHIVE_STATE_H */
