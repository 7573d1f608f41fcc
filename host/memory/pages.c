/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/memory/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/size.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

/* What is private and smaller is a stack or a heap, which glibc grows up to that. */
#define PRIVATE_BYTES_MIN (64 * EBB_MIB)

/* Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_PRESENT (UINT64_C(1) << 63)

enum {
	/* Of pagemap at a time. */
	ENTRIES = 2048,
};

/* Pages of a pool of huge pages are never paged out. */
static bool is_backing(const struct ebb_guest_process *process, dev_t dev,
		       ino_t ino)
{
	for (uint32_t i = 0; i < process->backing_count; i++) {
		const struct ebb_backing *backing = &process->backings[i];

		if (backing->dev == dev && backing->ino == ino)
			return backing->kind != EBB_BACKING_HUGETLBFS;
	}
	return false;
}

/* Anonymous memory may have a name since Linux 5.17. */
static bool is_memory(const char *path)
{
	return *path == '\0' || strncmp(path, "[anon:", 6) == 0 ||
	       strncmp(path, "/memfd:", 7) == 0;
}

bool ebb_pages_parse(const char *line, const struct ebb_guest_process *process,
		     struct ebb_pages_range *ret_range)
{
	unsigned int major_id, minor_id;
	uint64_t start, end, ino;
	char modes[5];
	int path = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*x %x:%x %" SCNu64 " %n",
		   &start, &end, modes, &major_id, &minor_id, &ino,
		   &path) != 6 ||
	    end <= start || modes[1] != 'w' || modes[2] == 'x')
		return false;
	if (modes[3] == 's' ? !is_backing(process, makedev(major_id, minor_id),
					  (ino_t)ino)
			    : end - start < PRIVATE_BYTES_MIN ||
				      !is_memory(line + path))
		return false;
	*ret_range = (struct ebb_pages_range){ start, end - start };
	return true;
}

static int read_maps(const struct ebb_guest_process *process,
		     struct ebb_pages *pages)
{
	FILE *file ebb_auto_fclose = NULL;
	char *text ebb_auto_free = NULL;
	size_t text_bytes = 0;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)process->pid);
	file = fopen(path, "re");
	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	while (pages->range_count < EBB_PAGES_RANGES_MAX &&
	       getline(&text, &text_bytes, file) > 0) {
		text[strcspn(text, "\n")] = '\0';
		pages->range_count += ebb_pages_parse(
			text, process, &pages->ranges[pages->range_count]);
	}
	return 0;
}

int ebb_pages_open(const struct ebb_guest_process *process,
		   struct ebb_pages *ret_pages)
{
	char path[64];
	int r;

	ret_pages->range_count = 0;
	ret_pages->pidfd = process->pidfd;
	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)process->pid);
	ret_pages->pagemap_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (ret_pages->pagemap_fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	r = read_maps(process, ret_pages);
	/* What was opened and read was that process's if that one lives. */
	if (r == 0 && !ebb_guest_process_alive(process))
		r = -ESRCH;
	if (r < 0)
		ebb_pages_close(ret_pages);
	return r;
}

void ebb_pages_close(struct ebb_pages *pages)
{
	if (pages->pagemap_fd >= 0)
		close(pages->pagemap_fd);
	pages->pagemap_fd = -1;
}

int ebb_pages_present(const struct ebb_pages *pages, uint64_t start,
		      uint64_t bytes, uint64_t *ret_bytes)
{
	const uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t entries[ENTRIES], count = 0;
	uint64_t next = start / page_bytes, end = (start + bytes) / page_bytes;

	while (next < end) {
		size_t wanted = end - next < ENTRIES ? end - next : ENTRIES;
		ssize_t got = pread(pages->pagemap_fd, entries,
				    wanted * sizeof(*entries),
				    (off_t)(next * sizeof(*entries)));

		if (got < 0 && errno == EINTR)
			continue;
		/* It has no memory any more. */
		if (got < (ssize_t)sizeof(*entries))
			return got < 0 ? -errno : -ESRCH;
		got /= (ssize_t)sizeof(*entries);
		for (ssize_t i = 0; i < got; i++)
			count += entries[i] & PAGEMAP_PRESENT ? 1 : 0;
		next += (uint64_t)got;
	}
	*ret_bytes = count * page_bytes;
	return 0;
}

int ebb_pages_out(const struct ebb_pages *pages, uint64_t start, uint64_t bytes)
{
	struct iovec range = { (void *)(uintptr_t)start, bytes };
	ssize_t done;

	do
		done = syscall(SYS_process_madvise, pages->pidfd, &range, 1,
			       MADV_PAGEOUT, 0);
	while (done < 0 && errno == EINTR);
	return done < 0 ? -errno : 0;
}
