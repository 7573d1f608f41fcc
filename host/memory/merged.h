/* SPDX-License-Identifier: GPL-2.0-only */
/* What of a process's memory the kernel has merged with other pages (KSM). */
#ifndef EBB_HOST_MERGED_H
#define EBB_HOST_MERGED_H

#include <stdint.h>
#include <sys/types.h>

/**
 * ebb_merged_bytes - pages of a process that it shares by KSM
 * @ret_bytes: written only on success
 *
 * Returns 0; -ENOENT (the process is gone, or the kernel is older than 5.19), -EBADMSG
 * or -errno.
 */
int ebb_merged_bytes(pid_t pid, uint64_t *ret_bytes);

#endif /* EBB_HOST_MERGED_H */
