/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The directory in which the past is kept, and what is common to its files.
 *
 *	domain-UUID	samples of a domain (samples.h)
 *	budget-HASH	samples of a budget
 *	events		what happened (diary_file.h)
 *	damaged		the last file that made no sense; each takes the place of the
 *			one before, so that they cannot fill the disk
 *	lock		held by the one ebbd that writes here
 *
 * Only workers touch files, but for the directory, which is opened as ebbd starts.
 */
#ifndef EBB_HOST_STORE_H
#define EBB_HOST_STORE_H

#include <stddef.h>
#include <stdint.h>

/* -1: nothing is kept. */
struct ebb_store {
	int dir_fd;
	int lock_fd;
};

#define EBB_STORE_NONE ((struct ebb_store){ .dir_fd = -1, .lock_fd = -1 })

/*
 * Makes @dir if there is none. Returns 0, -EBUSY (another ebbd keeps its past there) or
 * -errno; then nothing is kept.
 */
int ebb_store_open(const char *dir, struct ebb_store *ret_store);

void ebb_store_close(struct ebb_store *store);

/**
 * struct ebb_store_head - what each file begins with, in a block of EBB_STORE_HEAD_BYTES
 * @magic, @version, @record_bytes: another one is of another ebbd
 * @check: ebb_store_check() of the whole block, with 0 in its place
 */
struct ebb_store_head {
	char magic[8];
	uint32_t version;
	uint32_t record_bytes;
	uint32_t check;
	uint32_t zero;
};

enum {
	EBB_STORE_HEAD_BYTES = 512
};

/* So that a record that was half written, or is of a disk that errs, is none. */
uint32_t ebb_store_check(const void *bytes, size_t count);

/* Of a name, for a file's name. */
uint64_t ebb_store_hash(const char *text);

/*
 * A file of the store, which is opened as open() does with @flags. Not a pipe that
 * somebody put there: it would be waited for. Returns it, -EBADMSG (it is no file) or
 * -errno.
 */
int ebb_store_open_file(const struct ebb_store *store, const char *name,
			int flags);

/* Returns 0, -ENODATA (nothing is written yet), -EBADMSG (it is no file) or -errno. */
int ebb_store_look_at(int fd);

/*
 * All or nothing, at a place. Returns 0 or -errno; of a file that ends before, what is
 * missing is read as zeroes.
 */
int ebb_store_read(int fd, void *bytes, size_t count, uint64_t offset);
int ebb_store_write(int fd, const void *bytes, size_t count, uint64_t offset);

/* Out of the way. Returns 0 or -errno. */
int ebb_store_set_aside(const struct ebb_store *store, const char *name);

#endif /* EBB_HOST_STORE_H */
