/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/budget/mounts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"

/* Lines of mountinfo that are looked at; a host of containers has thousands. */
#define LINES_MAX 100000

/* The parts of a line, all within it. */
struct mount {
	unsigned int major_id, minor_id;
	char *root;
	char *point;
	char *type;
	char *options;
};

/* "\040" and such to the characters that they stand for. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		unsigned int byte;

		if (from[0] == '\\' && sscanf(from + 1, "%3o", &byte) == 1 &&
		    strspn(from + 1, "01234567") >= 3 && byte > 0 &&
		    byte < 256) {
			*to = (char)byte;
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/* "34 30 0:31 /root /point rw,relatime shared:9 - type source options" */
static bool parse(char *line, struct mount *ret_mount)
{
	char *fields[5], *rest = strstr(line, " - "), *save = NULL;

	if (!rest)
		return false;
	*rest = '\0';
	rest += strlen(" - ");
	for (size_t i = 0; i < EBB_ARRAY_SIZE(fields); i++) {
		fields[i] = strtok_r(i ? NULL : line, " ", &save);
		if (!fields[i])
			return false;
	}
	ret_mount->root = fields[3];
	ret_mount->point = fields[4];
	ret_mount->type = strtok_r(rest, " \n", &save);
	strtok_r(NULL, " \n", &save);
	ret_mount->options = strtok_r(NULL, " \n", &save);
	if (!ret_mount->options ||
	    sscanf(fields[2], "%u:%u", &ret_mount->major_id,
		   &ret_mount->minor_id) != 2)
		return false;
	unescape(ret_mount->root);
	unescape(ret_mount->point);
	return true;
}

/* Calls for each mount. Returns 0 or -errno. */
static int for_each(const char *root,
		    void (*fn)(const struct mount *mount, void *opaque),
		    void *opaque)
{
	FILE *file ebb_auto_fclose = NULL;
	char *line ebb_auto_free = NULL;
	char path[EBB_TEXT_PATH_BYTES];
	size_t line_bytes = 0;

	if (snprintf(path, sizeof(path), "%s/proc/self/mountinfo", root) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	file = fopen(path, "re");
	if (!file)
		return -errno;
	for (int i = 0; i < LINES_MAX && getline(&line, &line_bytes, file) > 0;
	     i++) {
		struct mount mount;

		if (parse(line, &mount))
			fn(&mount, opaque);
	}
	return 0;
}

static bool has_option(const char *options, const char *option)
{
	size_t bytes = strlen(option);

	while ((options = strstr(options, option))) {
		if (options[bytes] == ',' || options[bytes] == '\0')
			return true;
		options += bytes;
	}
	return false;
}

struct cgroup_search {
	bool found;
	struct ebb_cgroup_mount mount;
};

/* Of mounts of the same hierarchy the one that shows most. */
static bool is_better(const struct cgroup_search *search, bool v1,
		      const char *root)
{
	if (!search->found || v1 != search->mount.v1)
		return !search->found || v1;
	return strlen(root) < strlen(search->mount.root);
}

static void consider_cgroup(const struct mount *mount, void *opaque)
{
	struct cgroup_search *search = opaque;
	bool v1 = strcmp(mount->type, "cgroup") == 0;
	const char *root = strcmp(mount->root, "/") == 0 ? "" : mount->root;

	if ((v1 && !has_option(mount->options, "memory")) ||
	    (!v1 && strcmp(mount->type, "cgroup2") != 0) ||
	    strlen(root) >= sizeof(search->mount.root) ||
	    strlen(mount->point) >= sizeof(search->mount.point) ||
	    !is_better(search, v1, root))
		return;
	search->found = true;
	search->mount.v1 = v1;
	search->mount.counts_hugetlb =
		!v1 && has_option(mount->options, "memory_hugetlb_accounting");
	strcpy(search->mount.root, root);
	strcpy(search->mount.point, mount->point);
}

int ebb_mounts_find_cgroup(const char *root, struct ebb_cgroup_mount *ret_mount)
{
	struct cgroup_search search = { .found = false };
	int r = for_each(root, consider_cgroup, &search);

	if (r < 0)
		return r;
	if (!search.found)
		return -ENOENT;
	*ret_mount = search.mount;
	return 0;
}

struct device_search {
	const char *path;
	size_t bytes; /* of the mount point that fits best */
	unsigned int major_id, minor_id;
};

/* The last that fits best: it lies over those before. */
static void consider_device(const struct mount *mount, void *opaque)
{
	struct device_search *search = opaque;
	size_t bytes = strlen(mount->point);

	if (bytes < search->bytes ||
	    strncmp(search->path, mount->point, bytes) != 0 ||
	    (bytes > 1 && search->path[bytes] != '/'))
		return;
	search->bytes = bytes;
	search->major_id = mount->major_id;
	search->minor_id = mount->minor_id;
}

int ebb_mounts_find_device(const char *root, const char *path,
			   unsigned int *ret_major, unsigned int *ret_minor)
{
	struct device_search search = { .path = path };
	int r = for_each(root, consider_device, &search);

	if (r < 0)
		return r;
	if (search.bytes == 0)
		return -ENOENT;
	*ret_major = search.major_id;
	*ret_minor = search.minor_id;
	return 0;
}
