/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/memory/file.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "host/memory/ledger.h"
#include "host/memory/swapped.h"

struct ebb_file {
	atomic_uint references;
	int fd;
	atomic_bool locked;
	struct ebb_swapped *swapped; /* on tmpfs */
	struct ebb_ledger *ledger; /* on hugetlbfs */
	atomic_bool contested;
	atomic_bool proven;
};

struct ebb_file *ebb_file_new(int fd, uint64_t bytes, uint64_t pool_page_bytes)
{
	struct ebb_file *file = calloc(1, sizeof(*file));

	if (file && pool_page_bytes)
		file->ledger = ebb_ledger_new(bytes, pool_page_bytes);
	else if (file)
		file->swapped = ebb_swapped_map(fd, bytes);
	if (!file || (!file->swapped && !file->ledger)) {
		close(fd);
		free(file);
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
	ebb_swapped_unmap(file->swapped);
	ebb_ledger_free(file->ledger);
	close(file->fd);
	free(file);
}

int ebb_file_lock(struct ebb_file *file)
{
	if (flock(file->fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return -errno;
		file->contested = true;
		return -EBUSY;
	}
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

bool ebb_file_was_contested(const struct ebb_file *file)
{
	return file->contested;
}

bool ebb_file_first_proof(struct ebb_file *file)
{
	return !atomic_exchange(&file->proven, true);
}

struct ebb_ledger *ebb_file_ledger(const struct ebb_file *file)
{
	return file->ledger;
}

int ebb_file_swapped_bytes(const struct ebb_file *file, uint32_t max_age_ms,
			   uint64_t *ret_bytes)
{
	if (file->swapped)
		return ebb_swapped_bytes(file->swapped, max_age_ms, ret_bytes);
	*ret_bytes = 0;
	return 0;
}
