/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/memory/pinned.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"

uint64_t ebb_pinned_status_bytes(pid_t pid, const char *field)
{
	FILE *file ebb_auto_fclose = NULL;
	size_t field_length = strlen(field);
	char path[64], line[256];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, field, field_length) == 0 &&
		    line[field_length] == ':')
			return strtoull(line + field_length + 1, NULL, 10) *
			       1024;
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

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

bool ebb_pinned_by(pid_t pid)
{
	DIR *dir ebb_cleanup(close_dir) = NULL;
	char path[64], entry_path[64 + 256], target[512];
	struct ebb_reason_list found = { 0 };
	struct dirent *entry;

	ebb_pinned_note_status(pid, &found);
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && found.count == 0 && (entry = readdir(dir))) {
		ssize_t length;

		snprintf(entry_path, sizeof(entry_path), "%s/%s", path,
			 entry->d_name);
		length = readlink(entry_path, target, sizeof(target) - 1);
		if (length < 0)
			continue;
		target[length] = '\0';
		ebb_pinned_note_file(target, &found);
	}
	return found.count > 0;
}

void ebb_pinned_note_status(pid_t pid, struct ebb_reason_list *reasons)
{
	if (ebb_pinned_status_bytes(pid, "VmLck") ||
	    ebb_pinned_status_bytes(pid, "VmPin"))
		ebb_reason_add(reasons, EBB_REASON_LOCKED_MEMORY,
			       "VmLck or VmPin of process %d", (int)pid);
}
