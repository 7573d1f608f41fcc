/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/sharing/pause_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "host/interface/status.h"
#include "host/libvirt/virt.h"

#define NAME "paused"

enum {
	/* More files than that are not ours. */
	ENTRIES_MAX = 4 * EBB_LIST_MAX
};

int ebb_pause_files_open(struct ebb_pause_files *files, const char *dir)
{
	files->dir_fd = -1;
	if (*dir == '\0')
		return 0;
	files->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return files->dir_fd < 0 ? -errno : 0;
}

void ebb_pause_files_close(struct ebb_pause_files *files)
{
	ebb_close_fd(&files->dir_fd);
	files->dir_fd = -1;
}

static bool is_uuid(const char *text)
{
	return strlen(text) == EBB_UUID_TEXT_BYTES - 1 &&
	       text[strspn(text, "0123456789abcdef-")] == '\0';
}

static int read_entry(const char *name,
		      int (*each)(const char *uuid, void *opaque), void *opaque)
{
	size_t length = strlen(NAME);

	if (strncmp(name, NAME, length) != 0)
		return 0;
	if (name[length] == '\0')
		return each(NULL, opaque);
	if (name[length] == '.' && is_uuid(name + length + 1))
		return each(name + length + 1, opaque);
	return 0;
}

int ebb_pause_files_read(const struct ebb_pause_files *files,
			 int (*each)(const char *uuid, void *opaque),
			 void *opaque)
{
	uint32_t left = ENTRIES_MAX;
	struct dirent *entry;
	DIR *dir;
	int fd, r = 0;

	if (files->dir_fd < 0)
		return 0;
	/* A place in the directory of its own. */
	fd = openat(files->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		r = -errno;
		ebb_close_fd(&fd);
		return r;
	}
	while (r >= 0 && left-- > 0 && (entry = readdir(dir)))
		r = read_entry(entry->d_name, each, opaque);
	closedir(dir);
	return r;
}

int ebb_pause_files_keep(const struct ebb_pause_files *files, const char *uuid,
			 bool paused)
{
	char name[sizeof(NAME) + 1 + EBB_UUID_TEXT_BYTES];
	int fd;

	if (files->dir_fd < 0)
		return 0;
	snprintf(name, sizeof(name), "%s%s%s", NAME, uuid ? "." : "",
		 uuid ? uuid : "");
	if (!paused)
		return unlinkat(files->dir_fd, name, 0) == 0 || errno == ENOENT
			       ? 0
			       : -errno;
	fd = openat(files->dir_fd, name,
		    O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}
