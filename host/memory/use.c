/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/memory/use.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "host/memory/pinned.h"

/* One look. @names: of the guest's files that have one, else empty. */
struct look {
	const struct ebb_guest_process *process;
	uint64_t entries_max;
	struct ebb_use *use;
	char names[EBB_BACKING_MAX][NAME_MAX + 1];
};

static int count(struct look *look)
{
	return ++look->use->entries > look->entries_max ? -E2BIG : 0;
}

/* What is gone has no mappings and no files. */
static int open_error(void)
{
	return errno == ENOENT ? -ESRCH : -errno;
}

static bool is_guests(const struct look *look, dev_t dev, ino_t ino)
{
	const struct ebb_guest_process *process = look->process;

	for (uint32_t i = 0; i < process->backing_count; i++)
		if (process->backings[i].ino == ino &&
		    process->backings[i].dev == dev)
			return true;
	return false;
}

static bool is_mapping_of_guest(const struct look *look, const char *line)
{
	unsigned int major_id, minor_id;
	uint64_t ino;

	return sscanf(line, "%*s %*s %*s %x:%x %" SCNu64, &major_id, &minor_id,
		      &ino) == 3 &&
	       ino != 0 &&
	       is_guests(look, makedev(major_id, minor_id), (ino_t)ino);
}

/* Returns how many there are, or less if one is of the guest; or an error. */
static int64_t read_mappings(struct look *look, pid_t task)
{
	FILE *file ebb_auto_fclose = NULL;
	char *line ebb_auto_free = NULL;
	size_t line_bytes = 0;
	int64_t lines = 0;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)task);
	file = fopen(path, "re");
	if (!file)
		return open_error();
	errno = 0;
	while (!look->use->used && getline(&line, &line_bytes, file) > 0) {
		int r = count(look);

		if (r < 0)
			return r;
		lines++;
		look->use->used = is_mapping_of_guest(look, line);
		errno = 0;
	}
	return ferror(file) || errno ? -errno : lines;
}

/*
 * The next number in a folder of /proc. Returns 1, 0 at the end, or an error: a
 * number is all that counts.
 */
static int next_number(DIR *dir, int *ret_number)
{
	struct dirent *entry;

	do {
		errno = 0;
		entry = readdir(dir);
		if (!entry)
			return errno == ENOENT ? -ESRCH : -errno;
	} while (!isdigit((unsigned char)entry->d_name[0]));
	*ret_number = atoi(entry->d_name);
	return 1;
}

/*
 * Reads the mappings by a thread that has any: threads share them, and one that
 * has ended shows none. Returns 0 and the thread, -ESRCH or an error.
 */
static int read_any_mappings(struct look *look, pid_t pid, pid_t *ret_task)
{
	DIR *dir ebb_auto_closedir = NULL;
	int64_t lines = read_mappings(look, pid);
	char path[64];
	int task, r;

	*ret_task = pid;
	if (lines != 0)
		return lines < 0 ? (int)lines : 0;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	if (!dir)
		return open_error();
	while ((r = next_number(dir, &task)) > 0) {
		if (count(look) < 0)
			return -E2BIG;
		lines = task == pid ? 0 : read_mappings(look, task);
		*ret_task = task;
		if (lines != 0 && lines != -ESRCH)
			return lines < 0 ? (int)lines : 0;
	}
	/* One of the kernel's, or one that ends. */
	return r < 0 ? r : -ESRCH;
}

/* Without the folder, which depends on whose mount it is. */
static const char *name_in(const char *target)
{
	const char *slash = strrchr(target, '/');

	return slash ? slash + 1 : target;
}

static int read_names(struct look *look)
{
	char path[64], target[PATH_MAX];

	for (uint32_t i = 0; i < look->process->backing_count; i++) {
		const struct ebb_backing *backing = &look->process->backings[i];
		ssize_t length;

		look->names[i][0] = '\0';
		if (backing->kind == EBB_BACKING_MEMFD)
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", backing->fd);
		length = readlink(path, target, sizeof(target) - 1);
		if (length < 0)
			return -errno;
		target[length] = '\0';
		if (strlen(name_in(target)) > NAME_MAX)
			return -ENAMETOOLONG;
		strcpy(look->names[i], name_in(target));
	}
	return 0;
}

static bool may_be_guests(const struct look *look, const char *target)
{
	if (strncmp(target, "/memfd:", 7) == 0)
		return true;
	for (uint32_t i = 0; i < look->process->backing_count; i++)
		if (look->names[i][0] &&
		    strcmp(look->names[i], name_in(target)) == 0)
			return true;
	return false;
}

/*
 * A file of another name is not looked at, and of this one what is cached is
 * enough: its file system may be one that does not answer. Returns 0 or -errno.
 */
static int note_file(struct look *look, const char *path, const char *target)
{
	struct statx st;

	if (!may_be_guests(look, target))
		return 0;
	if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_INO, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	look->use->used |=
		is_guests(look, makedev(st.stx_dev_major, st.stx_dev_minor),
			  (ino_t)st.stx_ino);
	return 0;
}

static int read_files(struct look *look, pid_t task, bool *ret_device)
{
	DIR *dir ebb_auto_closedir = NULL;
	char folder[64], path[128], target[PATH_MAX];
	struct ebb_reason_list devices = { 0 };
	int fd, r;

	snprintf(folder, sizeof(folder), "/proc/%d/fd", (int)task);
	dir = opendir(folder);
	if (!dir)
		return open_error();
	while ((r = next_number(dir, &fd)) > 0) {
		ssize_t length;

		if (count(look) < 0)
			return -E2BIG;
		snprintf(path, sizeof(path), "%s/%d", folder, fd);
		length = readlink(path, target, sizeof(target) - 1);
		/* One that was closed meanwhile. */
		if (length < 0 && errno == ENOENT)
			continue;
		if (length < 0)
			return -errno;
		target[length] = '\0';
		ebb_pinned_note_file(target, &devices);
		r = note_file(look, path, target);
		if (r < 0)
			return r;
	}
	*ret_device = devices.count > 0;
	return r;
}

int ebb_use_examine(pid_t pid, const struct ebb_guest_process *process,
		    uint64_t entries_max, struct ebb_use *ret_use)
{
	struct look look = { .process = process,
			     .entries_max = entries_max,
			     .use = ret_use };
	struct ebb_reason_list locked = { 0 };
	bool device = false;
	int r;

	*ret_use = (struct ebb_use){ 0 };
	r = read_names(&look);
	if (r == 0)
		r = read_any_mappings(&look, pid, &ret_use->task);
	if (r < 0)
		return r;
	r = read_files(&look, ret_use->task, &device);
	if (r == 0 && ret_use->used)
		r = ebb_pinned_note_status(ret_use->task, &locked);
	ret_use->pins = device || locked.count > 0;
	/* The thread has ended; others of the process may live. */
	return r == -ESRCH && ret_use->task != pid ? -EAGAIN : r;
}
