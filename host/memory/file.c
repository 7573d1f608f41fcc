/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/memory/file.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

struct ebb_file {
	atomic_uint references;
	int fd;
	atomic_bool locked;
};

struct ebb_file *ebb_file_new(int fd)
{
	struct ebb_file *file = calloc(1, sizeof(*file));

	if (!file) {
		close(fd);
		return NULL;
	}
	file->references = 1;
	file->fd = fd;
	return file;
}

struct ebb_file *ebb_file_ref(struct ebb_file *file)
{
	if (file)
		atomic_fetch_add(&file->references, 1);
	return file;
}

void ebb_file_unref(struct ebb_file *file)
{
	if (!file || atomic_fetch_sub(&file->references, 1) > 1)
		return;
	close(file->fd);
	free(file);
}

int ebb_file_lock(struct ebb_file *file)
{
	if (flock(file->fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	file->locked = true;
	return 0;
}

void ebb_file_unlock(struct ebb_file *file)
{
	flock(file->fd, LOCK_UN);
	file->locked = false;
}

bool ebb_file_is_locked(const struct ebb_file *file)
{
	return file->locked;
}
