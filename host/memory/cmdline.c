/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/memory/cmdline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/cleanup.h"

/* Three quarters of the stack's usual limit are execve()'s: 6 MiB. */
#define CMDLINE_BYTES_MAX ((size_t)8 << 20)

int ebb_cmdline_read(pid_t pid, char **ret_text, size_t *ret_bytes)
{
	FILE *file ebb_auto_fclose = NULL;
	char *text ebb_auto_free = NULL;
	size_t bytes = 0, capacity = 0, got;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	do {
		char *larger;

		if (capacity >= CMDLINE_BYTES_MAX)
			return -E2BIG;
		capacity = capacity ? 2 * capacity : 16 * 1024;
		larger = realloc(text, capacity);
		if (!larger)
			return -ENOMEM;
		text = larger;
		got = fread(text + bytes, 1, capacity - bytes, file);
		bytes += got;
	} while (bytes == capacity);
	if (ferror(file))
		return -errno;
	/* A process that ends shows none. */
	if (bytes == 0)
		return -ESRCH;
	*ret_text = ebb_steal_ptr(text);
	*ret_bytes = bytes;
	return 0;
}
