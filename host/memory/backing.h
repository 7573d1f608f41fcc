/* SPDX-License-Identifier: GPL-2.0-only */
/* One file behind guest memory, as a look at its process found it. */
#ifndef EBB_HOST_BACKING_H
#define EBB_HOST_BACKING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/interface/reason.h"
#include "host/memory/file.h"

/* Smaller shared files of QEMU are ROMs and device state, not RAM. */
#define EBB_BACKING_BYTES_MIN ((uint64_t)16 << 20)

enum ebb_backing_kind {
	EBB_BACKING_MEMFD, /* tmpfs without a path */
	EBB_BACKING_FILE, /* a file on tmpfs */
	EBB_BACKING_HUGETLBFS, /* hugetlbfs, memfd or path */
};

/**
 * struct ebb_backing - one file behind guest RAM
 * @file: it, counted
 * @fd: of @file: open for reading and writing
 * @kind: what it is
 * @bytes: size of the file
 * @page_bytes: what can be discarded at the least
 * @huge_fits, @huge_enabled: on tmpfs, it has transparent huge pages if QEMU's
 *	mapping lets them fit and the host gives them to it
 * @dev, @ino: identity
 */
struct ebb_backing {
	struct ebb_file *file;
	int fd;
	enum ebb_backing_kind kind;
	uint64_t bytes;
	uint64_t page_bytes;
	bool huge_fits;
	bool huge_enabled;
	dev_t dev;
	ino_t ino;
};

/**
 * ebb_backing_open - open a file if it may be guest memory
 * @path: of a descriptor in /proc/PID/fd, whose file cannot block
 * @dev, @ino: the file that it must be
 * @ret_backing: written only on success; on tmpfs, whether it is a memfd and has
 *	transparent huge pages is left to the caller; drop the reference of its
 *	@file
 *
 * Returns 0; -ENOENT (not that file, or not any more), -EFBIG (too small for
 * RAM), -EINVAL (not on tmpfs or hugetlbfs) or -errno.
 */
int ebb_backing_open(const char *path, dev_t dev, ino_t ino,
		     struct ebb_backing *ret_backing);

/*
 * What a backing holds now, in RAM and in swap: st_blocks in bytes; 0 if it
 * cannot be read.
 */
uint64_t ebb_backing_held_bytes(const struct ebb_backing *backing);

/**
 * struct ebb_holding - what the host holds of a guest's memory
 * @resident_bytes: in RAM; with what is in swap if that is not known
 * @swapped_bytes: in swap
 * @swapped_known: else the kernel does not say
 * @pooled: some of it is of a pool of huge pages, of a process without files
 */
struct ebb_holding {
	uint64_t resident_bytes;
	uint64_t swapped_bytes;
	bool swapped_known;
	bool pooled;
};

/* @max_age_ms: of what is in swap, see ebb_swapped_bytes(). */
void ebb_backing_holding(const struct ebb_backing *backing, uint32_t max_age_ms,
			 struct ebb_holding *ret_holding);

/* Adds the reason if a backing cannot be discarded in parts. */
void ebb_backing_note(const struct ebb_backing *backing,
		      struct ebb_reason_list *reasons);

/* "memfd", "file", "hugetlbfs" */
const char *ebb_backing_kind_name(enum ebb_backing_kind kind);

#endif /* EBB_HOST_BACKING_H */
