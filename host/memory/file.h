/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One open file behind guest memory, which several looks at a process share.
 *
 * Theory of operation
 * ===================
 *
 * A descriptor of a guest's memory is more than a way to it. The lock that
 * keeps other hosts away is on it, and while it is open the memory of a guest
 * that is gone stays. So a look at a guest neither closes nor opens what the
 * look before it had: both hold a reference, and the last one closes.
 *
 * To drop the last reference of a guest that is gone frees its memory (30 ms
 * for 128 MiB of small pages): not on the event loop's thread.
 */
#ifndef EBB_HOST_FILE_H
#define EBB_HOST_FILE_H

#include <stdbool.h>
#include <stdint.h>

struct ebb_file;
struct ebb_ledger;

/**
 * ebb_file_new - own a descriptor
 * @fd: open for reading and writing; the file's from now on, also on failure
 * @bytes: its size
 * @pool_page_bytes: on hugetlbfs, of its pages; 0: it is on tmpfs, where the host
 *	may swap it out
 *
 * Returns the file with one reference, or NULL: out of memory or addresses.
 */
struct ebb_file *ebb_file_new(int fd, uint64_t bytes, uint64_t pool_page_bytes);

/* NULL is fine, and returned. */
struct ebb_file *ebb_file_ref(struct ebb_file *file);

/* Closes with the last reference. NULL is fine. */
void ebb_file_unref(struct ebb_file *file);

/**
 * ebb_file_lock - keep other hosts away
 *
 * The lock says that no other host, alive or dying, works on this memory: the
 * kernel holds it for as long as any system call on it is under way. It is the
 * file's, whoever of those who share it asks. Returns 0, also if it is locked
 * already; -EBUSY or -errno.
 */
int ebb_file_lock(struct ebb_file *file);

void ebb_file_unlock(struct ebb_file *file);

bool ebb_file_is_locked(const struct ebb_file *file);

/* Whether another host had it when ebb_file_lock() was tried. */
bool ebb_file_was_contested(const struct ebb_file *file);

/* True the first time that it is asked: no earlier look proved what it holds. */
bool ebb_file_first_proof(struct ebb_file *file);

/* On hugetlbfs, what was lent of it; else NULL. */
struct ebb_ledger *ebb_file_ledger(const struct ebb_file *file);

/* What of it is in swap: as ebb_swapped_bytes(). */
int ebb_file_swapped_bytes(const struct ebb_file *file, uint32_t max_age_ms,
			   uint64_t *ret_bytes);

#endif /* EBB_HOST_FILE_H */
