/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/history/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"

int ebb_store_open(const char *dir, struct ebb_store *ret_store)
{
	ebb_auto_close int dir_fd = -1;
	ebb_auto_close int lock_fd = -1;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return -errno;
	lock_fd = openat(dir_fd, "lock",
			 O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock_fd < 0)
		return -errno;
	if (flock(lock_fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	ret_store->dir_fd = ebb_steal_fd(&dir_fd);
	ret_store->lock_fd = ebb_steal_fd(&lock_fd);
	return 0;
}

void ebb_store_close(struct ebb_store *store)
{
	ebb_close_fd(&store->dir_fd);
	ebb_close_fd(&store->lock_fd);
	*store = EBB_STORE_NONE;
}

/* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t fnv(const unsigned char *bytes, size_t count)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < count; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	return hash;
}

uint32_t ebb_store_check(const void *bytes, size_t count)
{
	uint64_t hash = fnv(bytes, count);

	return (uint32_t)(hash ^ hash >> 32);
}

uint64_t ebb_store_hash(const char *text)
{
	return fnv((const unsigned char *)text, strlen(text));
}

int ebb_store_open_file(const struct ebb_store *store, const char *name,
			int flags)
{
	int fd = openat(store->dir_fd, name,
			flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

	if (fd >= 0)
		return fd;
	return errno == ELOOP || errno == EISDIR || errno == ENXIO ? -EBADMSG
								   : -errno;
}

int ebb_store_look_at(int fd)
{
	struct stat info;

	if (fstat(fd, &info) < 0)
		return -errno;
	if (!S_ISREG(info.st_mode))
		return -EBADMSG;
	return info.st_size == 0 ? -ENODATA : 0;
}

int ebb_store_read(int fd, void *bytes, size_t count, uint64_t offset)
{
	size_t have = 0;

	while (have < count) {
		ssize_t got = pread(fd, (char *)bytes + have, count - have,
				    (off_t)(offset + have));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		have += (size_t)got;
	}
	memset((char *)bytes + have, 0, count - have);
	return 0;
}

int ebb_store_write(int fd, const void *bytes, size_t count, uint64_t offset)
{
	size_t done = 0;

	/* The sandbox has no pwrite(). */
	if (lseek(fd, (off_t)offset, SEEK_SET) < 0)
		return -errno;
	while (done < count) {
		ssize_t put =
			write(fd, (const char *)bytes + done, count - done);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return put < 0 ? -errno : -EIO;
		done += (size_t)put;
	}
	return 0;
}

int ebb_store_set_aside(const struct ebb_store *store, const char *name)
{
	return renameat(store->dir_fd, name, store->dir_fd, "damaged") < 0
		       ? -errno
		       : 0;
}
