/* SPDX-License-Identifier: GPL-2.0-only */
#include "guest/cgroup.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "guest/sysfile.h"

static bool has_word(char *words, const char *separators, const char *wanted)
{
	char *word;

	while ((word = strsep(&words, separators)))
		if (strcmp(word, wanted) == 0)
			return true;
	return false;
}

/* "36 35 98:0 /root /mount/point options ... - type source options" */
static bool parse_mount(char *line, int version, const char **ret_point)
{
	char *end = strstr(line, version == 2 ? " - cgroup2 " : " - cgroup ");
	char *root, *point, *at = line;

	if (!end)
		return false;
	*end = '\0';
	for (int i = 0; i < 3; i++)
		if (!strsep(&at, " "))
			return false;
	root = strsep(&at, " ");
	point = strsep(&at, " ");
	/* A backslash is an escape: nobody mounts it there. */
	if (!root || !point || strcmp(root, "/") != 0 || strchr(point, '\\'))
		return false;
	*ret_point = point;
	return version == 2 || has_word(end + 1, " ,\n", "memory");
}

static bool counts_memory(const char *root, const char *point)
{
	char path[EBB_SYSFILE_PATH_BYTES], words[256];

	return (size_t)snprintf(path, sizeof(path), "%s/cgroup.controllers",
				point) < sizeof(path) &&
	       ebb_sysfile_read(root, path, words, sizeof(words)) == 0 &&
	       has_word(words, " ", "memory");
}

int ebb_cgroup_find(const char *root, int version, char *ret_path,
		    size_t path_bytes)
{
	char line[1024], mounts[EBB_SYSFILE_PATH_BYTES];
	FILE *file ebb_auto_fclose = NULL;
	const char *point;

	snprintf(mounts, sizeof(mounts), "%s/proc/self/mountinfo", root);
	file = fopen(mounts, "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (!parse_mount(line, version, &point) ||
		    (version == 2 && !counts_memory(root, point)) ||
		    (size_t)snprintf(ret_path, path_bytes, "%s", point) >=
			    path_bytes)
			continue;
		return 0;
	}
	return -ENOENT;
}
