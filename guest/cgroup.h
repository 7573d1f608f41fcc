/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the cgroups of the whole guest are mounted, if they are. */
#ifndef EBB_GUEST_CGROUP_H
#define EBB_GUEST_CGROUP_H

#include <stddef.h>

/**
 * ebb_cgroup_find - the root of a hierarchy that counts memory
 * @root: as in sysfile.h
 * @version: 1 or 2
 * @ret_path: absolute, below the root; at least @path_bytes
 *
 * Returns 0, or -ENOENT: it is not mounted, only a part of it is visible here,
 * or memory is not its controller.
 */
int ebb_cgroup_find(const char *root, int version, char *ret_path,
		    size_t path_bytes);

#endif /* EBB_GUEST_CGROUP_H */
