/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether guest memory on tmpfs can have transparent huge pages.
 *
 * Theory of operation
 * ===================
 *
 * It takes two things. The host must give them to the file: for a memfd that
 * is shmem_enabled, for a file by path the option huge= of its mount, and QEMU
 * asks by madvise() where one has to ask. And the mapping must let a huge page
 * fit: address and offset must be the same modulo 2 MiB, else each fault brings
 * a small page, whatever the host gives (thp_vma_suitable_order(), mm/shmem.c).
 *
 * QEMU reserves size + alignment, by default of one small page, and so much the
 * kernel does not align (but for some of 6.7 to 6.11): it ends where the mapping
 * before it begins, and the memory begins a page below a multiple of 2 MiB.
 *
 * The alternative would be to make them from outside: MADV_COLLAPSE through a
 * mapping of our own. It copies all of it, fills holes, costs many times what
 * the punch saves then, QEMU still maps small pages, and what was punched comes
 * back as such. docs/benchmarks.md has the figures.
 */
#ifndef EBB_HOST_THP_H
#define EBB_HOST_THP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Whether huge pages fit into a mapping of a file at @address from @offset. */
bool ebb_thp_fits(uint64_t address, uint64_t offset);

/**
 * ebb_thp_enabled - whether the host gives a file on tmpfs huge pages
 * @root: before /proc and /sys; empty but for tests
 * @pid: of the process that has it mapped, as it has the file system mounted
 * @st: the file
 *
 * True also where they are given only to who asks: QEMU does.
 */
bool ebb_thp_enabled(const char *root, pid_t pid, const struct stat *st);

#endif /* EBB_HOST_THP_H */
