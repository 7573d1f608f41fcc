/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a process shows of guest memory that is pinned or locked in RAM, and so
 * must not be discarded from outside: a device or the kernel would go on using
 * the old pages.
 */
#ifndef EBB_HOST_PINNED_H
#define EBB_HOST_PINNED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/interface/reason.h"

/* Adds the reason if an open file, by its link in /proc, is one that pins. */
void ebb_pinned_note_file(const char *target, struct ebb_reason_list *reasons);

/* Adds the reason if the process has locked or pinned memory. */
void ebb_pinned_note_status(pid_t pid, struct ebb_reason_list *reasons);

/*
 * Whether a process has pages pinned or locked, or may: it has a device open by
 * which pages are pinned.
 */
bool ebb_pinned_by(pid_t pid);

/* A field of /proc/PID/status that is given in kB, in bytes; 0: there is none. */
uint64_t ebb_pinned_status_bytes(pid_t pid, const char *field);

#endif /* EBB_HOST_PINNED_H */
