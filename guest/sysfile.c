/* SPDX-License-Identifier: GPL-2.0-only */
#include "guest/sysfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"

static int open_file(const char *root, const char *path, int flags)
{
	char whole[EBB_SYSFILE_PATH_BYTES];
	int fd;

	if ((size_t)snprintf(whole, sizeof(whole), "%s%s", root, path) >=
	    sizeof(whole))
		return -ENAMETOOLONG;
	fd = open(whole, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int ebb_sysfile_read(const char *root, const char *path, char *ret_text,
		     size_t text_bytes)
{
	int fd ebb_auto_close = open_file(root, path, O_RDONLY);
	ssize_t got;

	if (fd < 0)
		return fd;
	got = read(fd, ret_text, text_bytes - 1);
	if (got < 0)
		return -errno;
	ret_text[got] = '\0';
	ret_text[strcspn(ret_text, "\n")] = '\0';
	return 0;
}

int ebb_sysfile_read_number(const char *root, const char *path,
			    uint64_t *ret_number)
{
	uint64_t number;
	char text[32], *end;
	int r = ebb_sysfile_read(root, path, text, sizeof(text));

	if (r < 0)
		return r;
	number = strtoull(text, &end, 10);
	if (end == text || *end)
		return -EINVAL;
	*ret_number = number;
	return 0;
}

int ebb_sysfile_write(const char *root, const char *path, const char *text)
{
	/* Only a tree of a test has a longer text to cut. */
	int fd ebb_auto_close = open_file(root, path, O_WRONLY | O_TRUNC);

	if (fd < 0)
		return fd;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

int ebb_sysfile_write_number(const char *root, const char *path,
			     uint64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	return ebb_sysfile_write(root, path, text);
}

bool ebb_sysfile_next(FILE *file, char *ret_name, uint64_t *ret_number)
{
	char line[512];

	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %" SCNu64, ret_name, ret_number) == 2)
			return true;
	return false;
}
