/* SPDX-License-Identifier: GPL-2.0-only */
/* Where file systems are mounted, by /proc/self/mountinfo. This room's own. */
#ifndef EBB_HOST_BUDGET_MOUNTS_H
#define EBB_HOST_BUDGET_MOUNTS_H

#include <stdbool.h>

#include "host/budget/text.h"

/**
 * struct ebb_cgroup_mount - the hierarchy that limits memory
 * @v1: of version 1; the files have other names
 * @counts_hugetlb: huge pages of pools count in its limits, as others (Linux 6.6:
 *	memory_hugetlb_accounting)
 * @root: the cgroup that is mounted; "" for the first of all. Another in a
 *	container that has no cgroup namespace
 * @point: where
 */
struct ebb_cgroup_mount {
	bool v1;
	bool counts_hugetlb;
	char root[EBB_TEXT_PATH_BYTES];
	char point[EBB_TEXT_PATH_BYTES];
};

/**
 * ebb_mounts_find_cgroup - the hierarchy that limits memory
 *
 * Version 1 if its memory controller is mounted, which then is not in version 2.
 * Returns 0, -ENOENT (none is mounted) or -errno.
 */
int ebb_mounts_find_cgroup(const char *root,
			   struct ebb_cgroup_mount *ret_mount);

/**
 * ebb_mounts_find_device - the device of the file system that a path is on
 *
 * Returns 0, -ENOENT or -errno.
 */
int ebb_mounts_find_device(const char *root, const char *path,
			   unsigned int *ret_major, unsigned int *ret_minor);

#endif /* EBB_HOST_BUDGET_MOUNTS_H */
