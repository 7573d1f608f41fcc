/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The QEMU process of a domain, and the files behind its RAM.
 *
 * Theory of operation
 * ===================
 *
 * Discarding acts on a file of another process, so the process must be the
 * right one and stay so. libvirt names it in NAME.pid; the pid is pinned by a
 * pidfd first and then proven by the domain's UUID on its command line: a pid
 * that was reused in between shows another command line or a dead pidfd.
 *
 * All memfds of QEMU bear one name, so files are opened through
 * /proc/PID/fd, told apart by inode, and kept only if the process has them
 * mapped shared and writable. Which guest memory a file holds is not decided
 * here: map.c proves it.
 *
 * An open backing keeps the memory of a guest that is gone: whoever holds
 * these files watches the pidfd and lets go at once.
 */
#ifndef EBB_HOST_QEMU_H
#define EBB_HOST_QEMU_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/interface/reason.h"

enum ebb_backing_kind {
	EBB_BACKING_MEMFD, /* tmpfs without a path */
	EBB_BACKING_FILE, /* a file on tmpfs */
	EBB_BACKING_HUGETLBFS, /* hugetlbfs, memfd or path */
};

/**
 * struct ebb_backing - one file behind guest RAM
 * @fd: open for reading and writing
 * @kind: what it is
 * @bytes: size of the file
 * @page_bytes: what can be discarded at the least
 * @huge_fits, @huge_enabled: on tmpfs, it has transparent huge pages if QEMU's
 *	mapping lets them fit and the host gives them to it
 * @dev, @ino: identity
 */
struct ebb_backing {
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
 * struct ebb_qemu - a process that was proven to be the domain's
 * @pid, @pidfd: of the process; the pidfd is readable once it is gone
 * @backing_count, @backings: shared files that it has mapped, largest first
 */
struct ebb_qemu {
	pid_t pid;
	int pidfd;
	uint32_t backing_count;
	struct ebb_backing backings[EBB_BACKING_MAX];
};

/**
 * ebb_qemu_open - find and pin the process of a domain, open its RAM files
 * @run_dir: where libvirt keeps NAME.pid
 * @name, @uuid: of the domain
 * @ret_qemu: written only on success; free with ebb_qemu_close()
 * @reasons: what forbids discarding is added: open VFIO files, locked memory,
 *	files on a disk
 *
 * Returns 0, also without any backing; -ESRCH (no such process, or not the
 * domain's), -EACCES or -errno.
 */
int ebb_qemu_open(const char *run_dir, const char *name, const char *uuid,
		  struct ebb_qemu *ret_qemu, struct ebb_reason_list *reasons);

/* Closes the files; a zeroed or closed one is fine. */
void ebb_qemu_close(struct ebb_qemu *qemu);

/* Whether the process still lives. */
bool ebb_qemu_alive(const struct ebb_qemu *qemu);

/* Resident set of the process, in bytes; 0 if it cannot be read. */
uint64_t ebb_qemu_rss_bytes(const struct ebb_qemu *qemu);

/* What a backing holds now: st_blocks in bytes; 0 if it cannot be read. */
uint64_t ebb_backing_resident_bytes(const struct ebb_backing *backing);

/* "memfd", "file", "hugetlbfs" */
const char *ebb_backing_kind_name(enum ebb_backing_kind kind);

#endif /* EBB_HOST_QEMU_H */
