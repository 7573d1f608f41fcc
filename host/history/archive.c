/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/history/archive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "host/history/archive_state.h"

enum {
	/* Files in the directory that are looked at. */
	ENTRIES_MAX = 4 * EBB_ARCHIVE_SUBJECTS_MAX,
};

struct scan {
	struct ebb_archive *archive;
	uint32_t set_aside;
	uint32_t count;
	struct entry {
		struct ebb_subject_key key;
		uint64_t seen_ms;
	} entries[EBB_ARCHIVE_SUBJECTS_MAX];
};

static void scan_entry(struct scan *scan, const char *name)
{
	const struct ebb_store *store = scan->archive->store;
	struct entry *entry = &scan->entries[scan->count];
	struct stat info;
	int r;

	if (!ebb_samples_is_name(name) ||
	    scan->count == EBB_ARCHIVE_SUBJECTS_MAX ||
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

		if (ebb_archive_find(archive, entry->key.kind, entry->key.name,
				     entry->key.uuid))
			continue;
		subject = ebb_archive_add(archive, &entry->key);
		if (subject)
			subject->seen_ms = entry->seen_ms;
	}
	free(scan);
}

void ebb_archive_begin_scan(struct ebb_archive *archive)
{
	struct scan *scan;

	if (archive->store->dir_fd < 0 || archive->loaded ||
	    archive->job_ns > 0)
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

int ebb_archive_new(const struct ebb_store *store, struct ebb_workers *workers,
		    struct ebb_archive **ret_archive)
{
	struct ebb_archive *archive = calloc(1, sizeof(*archive));

	if (!archive)
		return -ENOMEM;
	archive->store = store;
	archive->workers = workers;
	ebb_archive_begin_scan(archive);
	*ret_archive = archive;
	return 0;
}

void ebb_archive_free(struct ebb_archive *archive)
{
	if (!archive)
		return;
	for (uint32_t i = 0; i < archive->count; i++) {
		free(archive->subjects[i]->pending);
		free(archive->subjects[i]);
	}
	free(archive);
}
