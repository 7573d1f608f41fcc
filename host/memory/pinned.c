/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/memory/pinned.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"

enum {
	/* The fields are in the first 2 KiB, unless it is in hundreds of groups. */
	STATUS_BYTES = 8192
};

int ebb_pinned_status_bytes(pid_t pid, const char *field, uint64_t *ret_bytes)
{
	FILE *file ebb_auto_fclose = NULL;
	size_t field_length = strlen(field);
	char path[64], line[256];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, field, field_length) != 0 ||
		    line[field_length] != ':')
			continue;
		*ret_bytes = strtoull(line + field_length + 1, NULL, 10) * 1024;
		return 0;
	}
	if (ferror(file))
		return -errno;
	*ret_bytes = 0;
	return 0;
}

void ebb_pinned_note_file(const char *target, struct ebb_reason_list *reasons)
{
	if (strncmp(target, "/dev/vfio/", 10) == 0 ||
	    strncmp(target, "/dev/iommu", 10) == 0 ||
	    strncmp(target, "/dev/infiniband/uverbs", 22) == 0 ||
	    strncmp(target, "anon_inode:[vfio", 16) == 0)
		ebb_reason_add(reasons, EBB_REASON_VFIO, "%s", target);
	else if (strncmp(target, "/dev/vhost-vdpa", 15) == 0)
		ebb_reason_add(reasons, EBB_REASON_VDPA, "%s", target);
}

int ebb_pinned_note_status(pid_t pid, struct ebb_reason_list *reasons)
{
	uint64_t locked_bytes = 0, pinned_bytes = 0;
	int r = ebb_pinned_status_bytes(pid, "VmLck", &locked_bytes);

	if (r == 0)
		r = ebb_pinned_status_bytes(pid, "VmPin", &pinned_bytes);
	if (locked_bytes || pinned_bytes)
		ebb_reason_add(reasons, EBB_REASON_LOCKED_MEMORY,
			       "VmLck or VmPin of process %d", (int)pid);
	return r;
}

int ebb_pinned_open(pid_t pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	return fd;
}

/* Of a line that is there as a whole. One that has ended has no such line. */
static int find_kib(const char *text, const char *line, uint64_t *ret_kib)
{
	const char *at = strstr(text, line);

	if (!at || !strchr(at + 1, '\n'))
		return -ESRCH;
	*ret_kib = strtoull(at + strlen(line), NULL, 10);
	return 0;
}

int ebb_pinned_ask(int fd)
{
	uint64_t locked_kib, pinned_kib;
	char text[STATUS_BYTES];
	ssize_t bytes;
	int r;

	do
		bytes = pread(fd, text, sizeof(text) - 1, 0);
	while (bytes < 0 && errno == EINTR);
	if (bytes < 0)
		return -errno;
	text[bytes] = '\0';
	r = find_kib(text, "\nVmLck:", &locked_kib);
	if (r == 0)
		r = find_kib(text, "\nVmPin:", &pinned_kib);
	if (r < 0)
		return r;
	return locked_kib || pinned_kib ? -EBUSY : 0;
}
