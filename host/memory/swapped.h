/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How much of a guest's memory on tmpfs the host has in swap.
 *
 * Theory of operation
 * ===================
 *
 * The problem. st_blocks of a file on tmpfs counts what is in RAM and what is in
 * swap, and no field of stat() tells them apart. The process's VmSwap does not
 * count shared memory at all.
 *
 * The answer. The kernel keeps a counter of swapped pages for each such file,
 * and shows it in one place: the line Swap of a mapping of the whole file in
 * smaps (shmem_swap_usage(), mm/shmem.c; since 4.4). So each file is mapped
 * whole in this process, without any access, so that nothing can ever be touched
 * through the mapping. It has no page tables, and a look at it costs the same
 * for a guest of any size: one read of our own smaps for all guests, some
 * microseconds each. While nothing at all is in swap, which sysinfo() says, not
 * even that.
 *
 * To read smaps waits for who maps or unmaps memory of this process, as long as
 * that takes. So a worker reads, and what it read is kept; who must not wait, as
 * the event loop, asks for what is known and says how old it may be.
 *
 * The alternatives: smaps of QEMU walks its page tables under its mmap lock (16
 * million entries for 64 GiB), mincore() and cachestat() look at each page, and
 * so does SEEK_DATA.
 *
 * Huge pages of hugetlbfs are never swapped.
 */
#ifndef EBB_HOST_SWAPPED_H
#define EBB_HOST_SWAPPED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EBB_SWAPPED_PATH "/proc/self/smaps"

/* For @max_age_ms: the last that is known. */
#define EBB_SWAPPED_ANY_AGE UINT32_MAX

struct ebb_swapped; /* one file that is looked at */

/**
 * ebb_swapped_map - begin to look at a file
 * @fd: on tmpfs, open for reading and writing
 * @bytes: its size
 *
 * Returns the file, for ebb_swapped_unmap(); NULL: there is no address or no
 * memory left.
 */
struct ebb_swapped *ebb_swapped_map(int fd, uint64_t bytes);

/* NULL is fine. */
void ebb_swapped_unmap(struct ebb_swapped *swapped);

/**
 * ebb_swapped_read - read what of all files is in swap
 * @path: EBB_SWAPPED_PATH, but for tests
 *
 * From any thread that may wait. Returns 0 or -errno: what was known stays.
 */
int ebb_swapped_read(const char *path);

/* Whether of all files it is known, and no older than that. Does not wait. */
bool ebb_swapped_is_known(uint32_t max_age_ms);

/**
 * ebb_swapped_bytes - what of a file was in swap when it was read last
 * @max_age_ms: how old that may be
 * @ret_bytes: written only on success
 *
 * From any thread; does not wait. Returns 0, or -ENODATA: it was not read since,
 * or the kernel does not say.
 */
int ebb_swapped_bytes(const struct ebb_swapped *swapped, uint32_t max_age_ms,
		      uint64_t *ret_bytes);

/**
 * struct ebb_swapped_entry - a mapping in a file like smaps
 * @address: where it begins
 * @bytes: what of it is in swap
 */
struct ebb_swapped_entry {
	uint64_t address;
	uint64_t bytes;
};

/**
 * ebb_swapped_parse - the shared mappings without access in a file like smaps
 * @path: EBB_SWAPPED_PATH, but for tests
 * @ret_entries: ascending; free()
 *
 * Returns how many, or -errno.
 */
int ebb_swapped_parse(const char *path, struct ebb_swapped_entry **ret_entries);

#endif /* EBB_HOST_SWAPPED_H */
