/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a process shows of guest memory that is pinned or locked in RAM, and so
 * must not be discarded from outside: a device or the kernel would go on using
 * the old pages.
 */
#ifndef EBB_HOST_PINNED_H
#define EBB_HOST_PINNED_H

#include <stdint.h>
#include <sys/types.h>

#include "host/interface/reason.h"

/* Adds the reason if an open file, by its link in /proc, is one that pins. */
void ebb_pinned_note_file(const char *target, struct ebb_reason_list *reasons);

/*
 * Adds the reason if the process has locked or pinned memory. Returns 0, or as
 * ebb_pinned_status_bytes() if that cannot be read.
 */
int ebb_pinned_note_status(pid_t pid, struct ebb_reason_list *reasons);

/**
 * ebb_pinned_status_bytes - read a field of /proc/PID/status that is in kB
 * @pid: of a process or a thread
 * @field: its name
 * @ret_bytes: written only on success; 0 if there is no such field
 *
 * Returns 0, -ESRCH (it has ended) or -errno.
 */
int ebb_pinned_status_bytes(pid_t pid, const char *field, uint64_t *ret_bytes);

/*
 * Returns a descriptor for ebb_pinned_ask(), which the caller closes; -ESRCH (it has ended)
 * or -errno.
 */
int ebb_pinned_open(pid_t pid);

/*
 * Whether the process has locked or pinned memory by now. Takes microseconds and waits
 * for nobody. Returns 0; -EBUSY: it has; -ESRCH (it has ended) or -errno: not known.
 */
int ebb_pinned_ask(int fd);

#endif /* EBB_HOST_PINNED_H */
