/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EBB_HOST_AGE_H
#define EBB_HOST_AGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* When it was started, in clock ticks since the host booted; 0 if not known. */
uint64_t ebb_process_start_ticks(pid_t pid);

/* How long a process has been running, in seconds; UINT32_MAX if not known. */
uint32_t ebb_process_age_s(pid_t pid);

/*
 * Whether a QEMU process began with a guest that ran already: one that was saved
 * or migrated, by "-incoming" among its arguments, or reverted to a snapshot, by
 * "-loadvm". False also if these cannot be read.
 */
bool ebb_process_was_restored(pid_t pid);

#endif /* EBB_HOST_AGE_H */
