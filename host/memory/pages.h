/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pages of a guest's RAM as its process has them: where they are mapped, which are
 * in the host's RAM, and how they are put into swap.
 *
 * Theory of operation
 * ===================
 *
 * process_madvise(MADV_PAGEOUT) has the kernel write pages of another process to swap,
 * which the process reads back by a fault: nothing is discarded, whatever is paged out.
 * So a mapping that is taken for the guest's RAM and is QEMU's own costs a fault and no
 * more, and no proof is needed of what it is. Taken for RAM are the files behind the
 * guest's memory, where they are mapped shared, and what is private, has no file or a
 * memfd, may be written, is not run, and is as large as no heap or stack is.
 *
 * The kernel passes over what it cannot page out: what is locked or pinned, huge pages
 * of a pool, and pages that others have mapped as well, as those that KSM merged.
 *
 * Which pages are in RAM /proc/PID/pagemap says. A page of a file that is in swap has
 * no entry there, as one that was never touched has none. So only those that are present
 * are counted: what was, is not after it was paged out, and is again, came back.
 */
#ifndef EBB_HOST_PAGES_H
#define EBB_HOST_PAGES_H

#include <stdint.h>

#include "host/memory/process.h"

enum {
	/* More mappings than that no guest's RAM has. */
	EBB_PAGES_RANGES_MAX = 256,
};

/* @start, @bytes: in the process, whole pages. */
struct ebb_pages_range {
	uint64_t start;
	uint64_t bytes;
};

/**
 * struct ebb_pages - the RAM of one process, which lives while this is open
 * @pidfd: the process's, not owned
 * @pagemap_fd: of its pagemap
 */
struct ebb_pages {
	int pidfd;
	int pagemap_fd;
	uint32_t range_count;
	struct ebb_pages_range ranges[EBB_PAGES_RANGES_MAX];
};

/**
 * ebb_pages_open - find the guest's RAM in its process
 * @ret_pages: written only on success; free with ebb_pages_close()
 *
 * Reads /proc: for a worker. Returns 0, also without any range; -ESRCH (the process has
 * ended) or -errno.
 */
int ebb_pages_open(const struct ebb_guest_process *process,
		   struct ebb_pages *ret_pages);

void ebb_pages_close(struct ebb_pages *pages);

/**
 * ebb_pages_parse - whether a line of maps is guest RAM that can be paged out
 * @process: whose files are RAM
 * @ret_range: written only if it is
 */
bool ebb_pages_parse(const char *line, const struct ebb_guest_process *process,
		     struct ebb_pages_range *ret_range);

/**
 * ebb_pages_present - how much of a range is in the host's RAM
 * @ret_bytes: written only on success
 *
 * Returns 0, -ESRCH (the process has ended) or -errno.
 */
int ebb_pages_present(const struct ebb_pages *pages, uint64_t start,
		      uint64_t bytes, uint64_t *ret_bytes);

/**
 * ebb_pages_out - have a range paged out, as far as the kernel can
 *
 * It waits while pages are handed to the disk, not until they are written. Returns 0,
 * -ESRCH, -EINVAL (the range is locked, or of a pool of huge pages), -EPERM or -errno.
 */
int ebb_pages_out(const struct ebb_pages *pages, uint64_t start,
		  uint64_t bytes);

#endif /* EBB_HOST_PAGES_H */
