/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A pool of huge pages, and what guests are owed from it.
 *
 * Theory of operation
 * ===================
 *
 * The problem. QEMU's huge pages are reserved when it maps them, so that each
 * touch of the guest finds one. A punch gives the page to the pool and the
 * reservation with it: whoever asks next gets it, and the guest's next touch of
 * that hole, with the pool empty, is a SIGBUS that kills it.
 *
 * The rule. What the pool can still give (free, not reserved by others, and
 * what it may grow by) covers what guests have given and are owed, with some to
 * spare (hugetlb-cover in ebbd.conf). ebbd looks each second. When others have
 * taken so much that it does not, the holes are reserved again while there is
 * still enough: the guests have first call on what is left, and others find the
 * pool empty, which is an error for them (ENOMEM at mmap(), nothing starts) and
 * not a SIGBUS.
 *
 * A reservation of a shared mapping belongs to the file, so mapping a range once
 * and unmapping it is enough (hugetlb_reserve_pages(), mm/hugetlb.c). Only what
 * was lent is: see ledger.h.
 *
 * What remains: somebody who takes more within a second than there is to spare;
 * a pool that is short on the one node that a guest is bound to, as
 * reservations count over all nodes. vm.nr_overcommit_hugepages closes both
 * where the host has memory.
 *
 * The alternative, to reserve right after each punch, would lend nothing.
 */
#ifndef EBB_HOST_HUGEPOOL_H
#define EBB_HOST_HUGEPOOL_H

#include <stdbool.h>
#include <stdint.h>

#define EBB_HUGEPOOL_ROOT "/sys/kernel/mm/hugepages"

/* The kernel's counters of one size, in pages (hugetlbpage.rst). */
struct ebb_hugepool {
	uint64_t page_bytes;
	uint64_t free_pages;
	uint64_t reserved_pages;
	uint64_t surplus_pages;
	uint64_t overcommit_pages;
};

/**
 * ebb_hugepool_read - read the counters of one size of page
 * @root: EBB_HUGEPOOL_ROOT
 * @page_bytes: the size
 * @ret_pool: written only on success
 *
 * Returns 0, -ENOENT (no such size), -EBADMSG or -errno.
 */
int ebb_hugepool_read(const char *root, uint64_t page_bytes,
		      struct ebb_hugepool *ret_pool);

/* What the pool can give to who has no reservation, in bytes. */
uint64_t ebb_hugepool_available_bytes(const struct ebb_hugepool *pool);

/* Whether less than @cover_percent of @owed_bytes, to all guests, is there. */
bool ebb_hugepool_is_short(const struct ebb_hugepool *pool, uint64_t owed_bytes,
			   uint32_t cover_percent);

/**
 * ebb_hugepool_reserve - give the holes of a range their reservations back
 * @fd: of a file on hugetlbfs, open for reading and writing
 * @offset, @bytes: whole pages of it
 *
 * Nothing is allocated or touched; what is resident or reserved is left as it
 * is. Returns 0, -ENOMEM (the pool has not enough for all; nothing changed) or
 * -errno.
 */
int ebb_hugepool_reserve(int fd, uint64_t offset, uint64_t bytes);

#endif /* EBB_HOST_HUGEPOOL_H */
