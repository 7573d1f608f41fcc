/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an operator paused, kept over a restart of ebbd.
 *
 * Each pause is a file without content in the state directory: "paused" of the policy
 * as a whole, "paused.UUID" of a domain. To make one and to remove it are one step
 * each, so that there is nothing half written; and both are system calls that ebbd
 * keeps for good (host/base/sandbox.c). The directory is below /run: a reboot of the
 * host forgets all of it.
 */
#ifndef EBB_HOST_PAUSE_FILES_H
#define EBB_HOST_PAUSE_FILES_H

#include <stdbool.h>

/* @dir_fd: of the state directory; -1: nothing is kept. The event loop's thread's. */
struct ebb_pause_files {
	int dir_fd;
};

/*
 * @dir: "": nothing is kept. Returns 0 or -errno; then nothing is kept.
 */
int ebb_pause_files_open(struct ebb_pause_files *files, const char *dir);

/* One that was not opened is fine, if it is { -1 }. */
void ebb_pause_files_close(struct ebb_pause_files *files);

/**
 * ebb_pause_files_read - what was paused before
 * @each: is called with the UUID of each domain, or with NULL for the policy as a
 *	whole; less than 0 ends it. Of thousands of domains some are left out
 *
 * Returns 0, what @each returned, or -errno.
 */
int ebb_pause_files_read(const struct ebb_pause_files *files,
			 int (*each)(const char *uuid, void *opaque),
			 void *opaque);

/*
 * Keeps that the domain of @uuid, or all if that is NULL, is paused or is not. Returns 0
 * or -errno.
 */
int ebb_pause_files_keep(const struct ebb_pause_files *files, const char *uuid,
			 bool paused);

#endif /* EBB_HOST_PAUSE_FILES_H */
