/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/control/acl.h"

#include <endian.h>
#include <errno.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/xattr.h>

#include "common/cleanup.h"

#define READ_WRITE (ACL_READ | ACL_WRITE)

/* As the kernel takes it, which is one attribute of the file. */
struct list {
	struct posix_acl_xattr_header header;
	struct posix_acl_xattr_entry entries[5];
};

int ebb_acl_add_group(const char *path, gid_t group)
{
	/* The kernel wants them in this order. */
	const struct {
		uint16_t tag, may;
		uint32_t id;
	} rows[] = {
		{ ACL_USER_OBJ, READ_WRITE, (uint32_t)ACL_UNDEFINED_ID },
		{ ACL_GROUP_OBJ, READ_WRITE, (uint32_t)ACL_UNDEFINED_ID },
		{ ACL_GROUP, READ_WRITE, group },
		{ ACL_MASK, READ_WRITE, (uint32_t)ACL_UNDEFINED_ID },
		{ ACL_OTHER, 0, (uint32_t)ACL_UNDEFINED_ID },
	};
	struct list list = {
		.header.a_version = htole32(POSIX_ACL_XATTR_VERSION),
	};

	_Static_assert(EBB_ARRAY_SIZE(rows) == EBB_ARRAY_SIZE(list.entries),
		       "all rows are entries");
	for (size_t i = 0; i < EBB_ARRAY_SIZE(rows); i++)
		list.entries[i] = (struct posix_acl_xattr_entry){
			.e_tag = htole16(rows[i].tag),
			.e_perm = htole16(rows[i].may),
			.e_id = htole32(rows[i].id),
		};
	if (lsetxattr(path, "system.posix_acl_access", &list, sizeof(list), 0) <
	    0)
		return -errno;
	return 0;
}
