/* SPDX-License-Identifier: GPL-2.0-only */
#include "guest/swap.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "guest/sysfile.h"

/* zram0, zram1, ..., and ram0, ... of brd. */
static bool is_in_memory(const char *path)
{
	const char *name = strrchr(path, '/');

	name = name ? name + 1 : path;
	if (name[0] == 'z')
		name++;
	return strncmp(name, "ram", 3) == 0 &&
	       name[3 + strspn(name + 3, "0123456789")] == '\0';
}

enum ebb_swap ebb_swap_look(const char *root)
{
	char line[1024], path[512];
	FILE *file ebb_auto_fclose = NULL;
	enum ebb_swap swap = EBB_SWAP_NONE;

	snprintf(path, sizeof(path), "%.400s/proc/swaps", root);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		/* The first line names the columns. */
		if (sscanf(line, "%511s", path) != 1 || path[0] != '/')
			continue;
		if (is_in_memory(path))
			return EBB_SWAP_MEMORY;
		swap = EBB_SWAP_DISK;
	}
	return swap;
}
