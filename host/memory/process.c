/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/memory/process.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "host/memory/cmdline.h"
#include "host/memory/mappings.h"
#include "host/memory/pinned.h"
#include "host/memory/thp.h"

/* One look at the files of @process. @before: the look before it, or NULL. */
struct scan {
	struct ebb_guest_process *process;
	const struct ebb_guest_process *before;
	const struct ebb_mappings *mappings;
	struct ebb_reason_list *reasons;
};

static int read_pid(const char *run_dir, const char *name, pid_t *ret_pid)
{
	FILE *file ebb_auto_fclose = NULL;
	char path[512];
	long pid;

	if (snprintf(path, sizeof(path), "%s/%s.pid", run_dir, name) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	file = fopen(path, "re");
	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	if (fscanf(file, "%ld", &pid) != 1 || pid <= 1 || pid > INT_MAX)
		return -ESRCH;
	*ret_pid = (pid_t)pid;
	return 0;
}

/* When a process began, in ticks since the start of the machine; 0: unknown. */
static uint64_t start_ticks(const char *stat_path)
{
	FILE *file ebb_auto_fclose = fopen(stat_path, "re");
	char text[1024], *fields;
	uint64_t ticks = 0;

	if (!file || !fgets(text, sizeof(text), file))
		return 0;
	/* Field 22; the name before it may hold anything. */
	fields = strrchr(text, ')');
	if (fields)
		sscanf(fields + 1,
		       " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u "
		       "%*d %*d %*d %*d %*d %*d %" SCNu64,
		       &ticks);
	return ticks;
}

static bool is_newer(pid_t pid)
{
	uint64_t own = start_ticks("/proc/self/stat");
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	return own && start_ticks(path) > own;
}

/* Whether the arguments hold "-uuid UUID". */
static int check_cmdline(pid_t pid, const char *uuid)
{
	char *text ebb_auto_free = NULL;
	bool is_value = false;
	size_t bytes, length;
	int r = ebb_cmdline_read(pid, &text, &bytes);

	for (size_t at = 0; r == 0 && at < bytes; at += length + 1) {
		length = strnlen(text + at, bytes - at);
		if (is_value)
			return at + length < bytes &&
					       strcasecmp(text + at, uuid) == 0
				       ? 0
				       : -ESRCH;
		is_value = at + length < bytes &&
			   strcmp(text + at, "-uuid") == 0;
	}
	return r < 0 ? r : -ESRCH;
}

/* What the look before it had open, both have open. */
static bool share_backing(const struct ebb_guest_process *before,
			  const struct ebb_mapping *mapping,
			  struct ebb_backing *ret_backing)
{
	for (uint32_t i = 0; before && i < before->backing_count; i++) {
		const struct ebb_backing *backing = &before->backings[i];

		if (backing->dev != mapping->dev ||
		    backing->ino != mapping->ino)
			continue;
		*ret_backing = *backing;
		ebb_file_ref(backing->file);
		return true;
	}
	return false;
}

static int open_backing(const char *entry_path, pid_t pid,
			const struct ebb_mapping *mapping,
			struct ebb_backing *ret_backing)
{
	struct stat st;
	int r = ebb_backing_open(entry_path, mapping->dev, mapping->ino,
				 ret_backing);

	if (r < 0)
		return r;
	if (ret_backing->kind == EBB_BACKING_FILE &&
	    strncmp(mapping->path, "/memfd:", 7) == 0)
		ret_backing->kind = EBB_BACKING_MEMFD;
	ret_backing->huge_fits = mapping->huge_fits;
	if (fstat(ret_backing->fd, &st) == 0)
		ret_backing->huge_enabled = ebb_thp_enabled("", pid, &st);
	return 0;
}

static bool is_known(const struct ebb_guest_process *process,
		     const struct ebb_mapping *mapping)
{
	for (uint32_t i = 0; i < process->backing_count; i++)
		if (process->backings[i].ino == mapping->ino &&
		    process->backings[i].dev == mapping->dev)
			return true;
	return false;
}

/* Makes room for one more; few processes have two. */
static int grow(struct ebb_guest_process *process)
{
	struct ebb_backing *backings = reallocarray(process->backings,
						    process->backing_count + 1,
						    sizeof(*backings));

	if (!backings)
		return -ENOMEM;
	process->backings = backings;
	return 0;
}

/* A descriptor whose link names the path of a mapping; many may bear one. */
static int add_backings(struct scan *scan, const char *entry_path,
			const char *target)
{
	const struct ebb_mapping *mapping = NULL;
	struct ebb_guest_process *process = scan->process;
	struct ebb_backing backing;
	int r;

	while ((mapping = ebb_mappings_find_path(scan->mappings, target,
						 mapping))) {
		if (mapping->kind != EBB_MAPPING_MEMORY ||
		    mapping->bytes < EBB_BACKING_BYTES_MIN ||
		    is_known(process, mapping))
			continue;
		if (process->backing_count == EBB_BACKING_MAX) {
			ebb_reason_add(scan->reasons, EBB_REASON_TOO_MANY_PARTS,
				       "more than %d files", EBB_BACKING_MAX);
			return 0;
		}
		r = grow(process);
		if (r < 0)
			return r;
		if (!share_backing(scan->before, mapping, &backing)) {
			r = open_backing(entry_path, process->pid, mapping,
					 &backing);
			if (r == -ENOENT || r == -EFBIG)
				continue;
			if (r < 0)
				return r;
		}
		process->backings[process->backing_count++] = backing;
	}
	return 0;
}

static int scan_descriptors(struct scan *scan)
{
	DIR *dir ebb_auto_closedir = NULL;
	char path[64], entry_path[64 + 256], target[PATH_MAX];
	struct dirent *entry;
	ssize_t length;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)scan->process->pid);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(entry_path, sizeof(entry_path), "%s/%s", path,
			 entry->d_name);
		length = readlink(entry_path, target, sizeof(target) - 1);
		if (length < 0)
			continue;
		target[length] = '\0';
		ebb_pinned_note_file(target, scan->reasons);
		r = add_backings(scan, entry_path, target);
		if (r < 0)
			return r;
	}
	return 0;
}

static int scan_files(struct ebb_guest_process *process,
		      const struct ebb_guest_process *before,
		      struct ebb_reason_list *reasons)
{
	struct ebb_mappings mappings ebb_cleanup(ebb_mappings_free) = { 0 };
	struct scan scan = { process, before, &mappings, reasons };
	int r;

	r = ebb_mappings_read(process->pid, &mappings);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < mappings.count; i++)
		if (mappings.items[i].kind == EBB_MAPPING_DISK &&
		    mappings.items[i].bytes >= EBB_BACKING_BYTES_MIN)
			ebb_reason_add(reasons, EBB_REASON_BACKING_ON_DISK,
				       "%s", mappings.items[i].path);
	return scan_descriptors(&scan);
}

static int compare_backings(const void *a, const void *b)
{
	const struct ebb_backing *left = a, *right = b;

	if (left->bytes != right->bytes)
		return left->bytes < right->bytes ? 1 : -1;
	return left->ino < right->ino ? -1 : left->ino > right->ino;
}

/* @process: proven, and its pidfd open. */
static int look(struct ebb_guest_process *process,
		const struct ebb_guest_process *before,
		struct ebb_reason_list *reasons)
{
	int r = scan_files(process, before, reasons);

	if (r < 0)
		return r;
	r = ebb_pinned_note_status(process->pid, reasons);
	if (r < 0)
		return r;
	/* All of the above was read of a process that lived through it. */
	if (!ebb_guest_process_alive(process))
		return -ESRCH;
	for (uint32_t i = 0; i < process->backing_count; i++)
		ebb_backing_note(&process->backings[i], reasons);
	if (process->backing_count > 1)
		qsort(process->backings, process->backing_count,
		      sizeof(process->backings[0]), compare_backings);
	return 0;
}

int ebb_guest_process_open(const char *run_dir, const char *name,
			   const char *uuid,
			   struct ebb_guest_process *ret_process,
			   struct ebb_reason_list *reasons)
{
	struct ebb_guest_process process ebb_cleanup(
		ebb_guest_process_close) = { .pidfd = -1 };
	int r;

	r = read_pid(run_dir, name, &process.pid);
	if (r < 0)
		return r;
	process.pidfd = (int)syscall(SYS_pidfd_open, process.pid, 0);
	if (process.pidfd < 0)
		return -errno;
	r = check_cmdline(process.pid, uuid);
	process.newer = is_newer(process.pid);
	if (r == 0)
		r = look(&process, NULL, reasons);
	if (r < 0)
		return r;
	*ret_process = process;
	process = (struct ebb_guest_process){ .pidfd = -1 };
	return 0;
}

int ebb_guest_process_look(const struct ebb_guest_process *process,
			   struct ebb_guest_process *ret_next,
			   struct ebb_reason_list *reasons)
{
	struct ebb_guest_process next ebb_cleanup(ebb_guest_process_close) = {
		.pid = process->pid, .newer = process->newer
	};
	int r;

	next.pidfd = fcntl(process->pidfd, F_DUPFD_CLOEXEC, 0);
	if (next.pidfd < 0)
		return -errno;
	r = look(&next, process, reasons);
	if (r < 0)
		return r;
	*ret_next = next;
	next = (struct ebb_guest_process){ .pidfd = -1 };
	return 0;
}

int ebb_guest_process_share(const struct ebb_guest_process *process,
			    struct ebb_guest_process *ret_process)
{
	struct ebb_guest_process shared = *process;

	shared.pidfd = -1;
	shared.backings =
		calloc(process->backing_count + 1, sizeof(*shared.backings));
	if (!shared.backings)
		return -ENOMEM;
	for (uint32_t i = 0; i < process->backing_count; i++) {
		shared.backings[i] = process->backings[i];
		ebb_file_ref(shared.backings[i].file);
	}
	*ret_process = shared;
	return 0;
}

void ebb_guest_process_close(struct ebb_guest_process *process)
{
	for (uint32_t i = 0; i < process->backing_count; i++)
		ebb_file_unref(process->backings[i].file);
	free(process->backings);
	if (process->pid > 0 && process->pidfd >= 0)
		close(process->pidfd);
	*process = (struct ebb_guest_process){ .pidfd = -1 };
}

bool ebb_guest_process_alive(const struct ebb_guest_process *process)
{
	struct pollfd pollfd = { .fd = process->pidfd, .events = POLLIN };
	int r;

	if (process->pid <= 0)
		return false;
	/* A signal that comes just now says nothing of the process. */
	do
		r = poll(&pollfd, 1, 0);
	while (r < 0 && errno == EINTR);
	return r == 0;
}

void ebb_guest_process_unlock(const struct ebb_guest_process *process)
{
	for (uint32_t i = 0; i < process->backing_count; i++)
		ebb_file_unlock(process->backings[i].file);
}

void ebb_guest_process_holding(const struct ebb_guest_process *process,
			       uint32_t max_age_ms,
			       struct ebb_holding *ret_holding)
{
	struct ebb_holding holding = { .swapped_known = true }, part;

	for (uint32_t i = 0; i < process->backing_count; i++) {
		ebb_backing_holding(&process->backings[i], max_age_ms, &part);
		holding.resident_bytes += part.resident_bytes;
		holding.swapped_bytes += part.swapped_bytes;
		holding.swapped_known &= part.swapped_known;
	}
	*ret_holding = holding;
}

int ebb_guest_process_usage(pid_t pid, struct ebb_holding *ret_holding)
{
	struct ebb_holding holding = { 0 };
	uint64_t pooled_bytes, mapped_bytes;
	int r = ebb_pinned_status_bytes(pid, "VmRSS", &holding.resident_bytes);

	/* Which VmRSS does not count. */
	if (r == 0)
		r = ebb_pinned_status_bytes(pid, "HugetlbPages", &pooled_bytes);
	if (r < 0)
		return r;
	holding.pooled = pooled_bytes > 0;
	holding.resident_bytes += pooled_bytes;
	holding.swapped_known =
		ebb_pinned_status_bytes(pid, "VmSwap",
					&holding.swapped_bytes) == 0;
	/* A process that ends lets go of its memory first, and then shows none. */
	r = ebb_pinned_status_bytes(pid, "VmSize", &mapped_bytes);
	if (r < 0)
		return r;
	if (!mapped_bytes)
		return -ESRCH;
	*ret_holding = holding;
	return 0;
}
