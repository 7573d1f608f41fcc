/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/memory/mappings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "common/cleanup.h"
#include "host/memory/thp.h"

/* A guest has few; what a process has beyond these is no guest's memory. */
#define MAPPINGS_MAX 4096

struct line {
	uint64_t start, end, offset;
	dev_t dev;
	ino_t ino;
	const char *path;
};

/* Whether a line of maps is of a file that is mapped shared and writable. */
static bool parse_line(char *text, struct line *ret_line)
{
	unsigned int major_id, minor_id;
	uint64_t ino;
	char modes[5];
	int path = 0;

	text[strcspn(text, "\n")] = '\0';
	if (sscanf(text,
		   "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64
		   " %n",
		   &ret_line->start, &ret_line->end, modes, &ret_line->offset,
		   &major_id, &minor_id, &ino, &path) != 7)
		return false;
	if (modes[1] != 'w' || modes[3] != 's' || ino == 0 || text[path] != '/')
		return false;
	ret_line->dev = makedev(major_id, minor_id);
	ret_line->ino = (ino_t)ino;
	ret_line->path = text + path;
	return true;
}

/* The type of a file system, by its device; false: it is not mounted there. */
static bool find_type(const char *mountinfo, dev_t dev, char type[32])
{
	FILE *file ebb_auto_fclose = fopen(mountinfo, "re");
	char *text ebb_auto_free = NULL;
	size_t text_bytes = 0;
	bool found = false;

	while (file && !found && getline(&text, &text_bytes, file) > 0) {
		unsigned int major_id, minor_id;
		const char *options = strstr(text, " - ");

		found = options &&
			sscanf(text, "%*d %*d %u:%u", &major_id, &minor_id) ==
				2 &&
			makedev(major_id, minor_id) == dev &&
			sscanf(options, " - %31s", type) == 1;
	}
	return found;
}

/* Files without a name are of file systems that are mounted nowhere. */
static enum ebb_mapping_kind kind_of(pid_t pid, const struct line *line)
{
	char mountinfo[64], type[32];

	if (strncmp(line->path, "/memfd:", 7) == 0)
		return EBB_MAPPING_MEMORY;
	if (strncmp(line->path, "/dev/zero", 9) == 0 ||
	    strncmp(line->path, "/SYSV", 5) == 0 ||
	    strncmp(line->path, "/anon_hugepage", 14) == 0)
		return EBB_MAPPING_OTHER;

	snprintf(mountinfo, sizeof(mountinfo), "/proc/%d/mountinfo", (int)pid);
	if (!find_type(mountinfo, line->dev, type) &&
	    !find_type("/proc/self/mountinfo", line->dev, type))
		return EBB_MAPPING_DISK;
	if (strcmp(type, "tmpfs") == 0 || strcmp(type, "hugetlbfs") == 0)
		return EBB_MAPPING_MEMORY;
	return strcmp(type, "devtmpfs") == 0 ? EBB_MAPPING_OTHER
					     : EBB_MAPPING_DISK;
}

static int reserve(struct ebb_mappings *mappings)
{
	uint32_t capacity = mappings->capacity ? 2 * mappings->capacity : 16;
	struct ebb_mapping *items;

	if (mappings->count < mappings->capacity)
		return 0;
	if (mappings->count >= MAPPINGS_MAX)
		return -E2BIG;
	items = realloc(mappings->items, capacity * sizeof(*items));
	if (!items)
		return -ENOMEM;
	mappings->items = items;
	mappings->capacity = capacity;
	return 0;
}

static int add_line(struct ebb_mappings *mappings, pid_t pid,
		    const struct line *line)
{
	struct ebb_mapping *mapping;
	int r;

	for (uint32_t i = 0; i < mappings->count; i++) {
		mapping = &mappings->items[i];
		if (mapping->dev == line->dev && mapping->ino == line->ino) {
			mapping->bytes += line->end - line->start;
			return 0;
		}
	}
	r = reserve(mappings);
	if (r < 0)
		return r;
	mapping = &mappings->items[mappings->count];
	*mapping = (struct ebb_mapping){
		.dev = line->dev,
		.ino = line->ino,
		.kind = kind_of(pid, line),
		.bytes = line->end - line->start,
		.huge_fits = ebb_thp_fits(line->start, line->offset),
		.path = strdup(line->path),
	};
	if (!mapping->path)
		return -ENOMEM;
	mappings->count++;
	return 0;
}

int ebb_mappings_read(pid_t pid, struct ebb_mappings *ret_mappings)
{
	struct ebb_mappings mappings ebb_cleanup(ebb_mappings_free) = { 0 };
	FILE *file ebb_auto_fclose = NULL;
	char *text ebb_auto_free = NULL;
	size_t text_bytes = 0;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	while (getline(&text, &text_bytes, file) > 0) {
		struct line line;
		int r;

		if (!parse_line(text, &line))
			continue;
		r = add_line(&mappings, pid, &line);
		if (r < 0)
			return r;
	}
	*ret_mappings = mappings;
	mappings = (struct ebb_mappings){ 0 };
	return 0;
}

void ebb_mappings_free(struct ebb_mappings *mappings)
{
	for (uint32_t i = 0; i < mappings->count; i++)
		free(mappings->items[i].path);
	free(mappings->items);
	*mappings = (struct ebb_mappings){ 0 };
}

const struct ebb_mapping *
ebb_mappings_find_path(const struct ebb_mappings *mappings, const char *path,
		       const struct ebb_mapping *after)
{
	const struct ebb_mapping *end = mappings->items + mappings->count;
	const struct ebb_mapping *mapping = after ? after + 1 : mappings->items;

	for (; mapping < end; mapping++)
		if (strcmp(mapping->path, path) == 0)
			return mapping;
	return NULL;
}
