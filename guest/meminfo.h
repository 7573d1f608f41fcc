/* SPDX-License-Identifier: GPL-2.0-only */
/* /proc/meminfo, in bytes; what the kernel does not tell is 0. */
#ifndef EBB_GUEST_MEMINFO_H
#define EBB_GUEST_MEMINFO_H

#include <stdbool.h>
#include <stdint.h>

/* Of the page cache: the text of programs that run, for the most part. */
#define EBB_MEMINFO_RESERVE_BYTES ((uint64_t)16 << 20)

struct ebb_meminfo {
	uint64_t total_bytes;
	uint64_t free_bytes;
	uint64_t available_bytes;
	uint64_t active_file_bytes;
	uint64_t inactive_file_bytes;
	uint64_t anonymous_bytes; /* AnonPages: shared memory is not in it */
	uint64_t shared_bytes; /* Shmem: tmpfs, too */
	uint64_t locked_bytes; /* Unevictable: mlock(2), ramfs */
	uint64_t huge_pool_bytes; /* Hugetlb: all sizes, used or not */
	uint64_t slab_bytes;
	uint64_t slab_reclaimable_bytes;
	uint64_t page_tables_bytes;
	uint64_t swap_free_bytes;
};

/* @proc_dir: "/proc", or a directory that is like it. Returns 0 or -errno. */
int ebb_meminfo_read(const char *proc_dir, struct ebb_meminfo *ret_meminfo);

/*
 * Pure. What reclaim may free: page cache but for a reserve, and with @swap also
 * what fits into the swap that is free.
 */
uint64_t ebb_meminfo_gainable(const struct ebb_meminfo *meminfo, bool swap);

#endif /* EBB_GUEST_MEMINFO_H */
