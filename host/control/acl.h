/* SPDX-License-Identifier: GPL-2.0-only */
/* Access control lists of files (acl(5)): as much of them as the control socket needs. */
#ifndef EBB_HOST_ACL_H
#define EBB_HOST_ACL_H

#include <sys/types.h>

/**
 * ebb_acl_add_group - let a second group read and write a file of mode 0660
 * @path: of the file; a link is not followed
 * @group: its gid
 *
 * The file's owner, group and mode stay. Returns 0, -EOPNOTSUPP (its file system has no
 * such lists) or -errno.
 */
int ebb_acl_add_group(const char *path, gid_t group);

#endif /* EBB_HOST_ACL_H */
