/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line of a process, whole or not at all. */
#ifndef EBB_HOST_CMDLINE_H
#define EBB_HOST_CMDLINE_H

#include <stddef.h>
#include <sys/types.h>

/**
 * ebb_cmdline_read - read the command line of a process
 * @pid: of it
 * @ret_text: its arguments, each ended by a zero byte; written only on success,
 *	to be freed
 * @ret_bytes: of them, at least 1
 *
 * Returns 0; -ESRCH (it has ended), -E2BIG (longer than Linux lets a program be
 * started with), -ENOMEM or -errno.
 */
int ebb_cmdline_read(pid_t pid, char **ret_text, size_t *ret_bytes);

#endif /* EBB_HOST_CMDLINE_H */
