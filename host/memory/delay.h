/* SPDX-License-Identifier: GPL-2.0-only */
/* How long threads of a process were ready to run, and had no processor. */
#ifndef EBB_HOST_DELAY_H
#define EBB_HOST_DELAY_H

#include <stdint.h>
#include <sys/types.h>

/**
 * ebb_run_delay_read - of all threads that the process has now, together, in ns
 *
 * Of a guest's process these are its processors above all. Returns 0 or -errno; on
 * failure @ret_ns is unchanged. -ENOTSUP: the kernel does not count it
 * (CONFIG_SCHED_INFO).
 */
int ebb_run_delay_read(pid_t pid, uint64_t *ret_ns);

#endif /* EBB_HOST_DELAY_H */
