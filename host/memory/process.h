/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One QEMU process of a domain, and the files behind its RAM.
 *
 * Theory of operation
 * ===================
 *
 * The right process. Discarding acts on a file of another process, so the
 * process must be the right one and stay so. libvirt names it in NAME.pid; the
 * pid is pinned by a pidfd first and then proven by the domain's UUID on its
 * command line: a pid that was reused in between shows another command line or
 * a dead pidfd. A process is new when its pidfd is, whatever else changes.
 *
 * One life, many looks. What is open of a process stays open until it ends: a
 * second look finds the files that came and went, and shares the rest, with
 * their locks and what is owed (file.h). A look is a value that nobody changes:
 * a worker makes the next one while others use the one before.
 *
 * Which files. /proc/PID/maps says what the process has mapped shared and
 * writable, by device, inode and path, and asks no file system. Only memfds
 * and what lies on tmpfs or hugetlbfs, by the process's own mountinfo, are
 * looked at more closely: a descriptor may as well be of a disk image on a file
 * server that is dead, and stat() of it would never return. All memfds of QEMU
 * bear one name, so they are told apart by inode, and what was opened is what
 * counts, not what was there a moment before.
 *
 * Which guest memory a file holds is not decided here: map.c proves it. So a
 * file is locked by who has proven it, and no other is.
 *
 * An open backing keeps the memory of a guest that is gone: whoever holds
 * these files watches the pidfd and lets go at once.
 */
#ifndef EBB_HOST_PROCESS_H
#define EBB_HOST_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/interface/reason.h"
#include "host/memory/backing.h"

/**
 * struct ebb_guest_process - a process that was proven to be the domain's, as
 *	one look found it
 * @pid, @pidfd: of the process; the pidfd is readable once it is gone
 * @newer: it began after this ebbd, so that no ebbd before it took anything
 * @backing_count, @backings: shared files that it has mapped, largest first; the array
 *	is the look's own
 */
struct ebb_guest_process {
	pid_t pid;
	int pidfd;
	bool newer;
	uint32_t backing_count;
	struct ebb_backing *backings;
};

/**
 * ebb_guest_process_open - find and pin the process of a domain, open its files
 * @run_dir: where libvirt keeps NAME.pid
 * @name, @uuid: of the domain
 * @ret_process: written only on success; free with ebb_guest_process_close()
 * @reasons: what forbids discarding is added: open VFIO files, locked memory,
 *	files on a disk, more files than EBB_BACKING_MAX
 *
 * May block for as long as /proc does. Returns 0, also without any backing;
 * -ESRCH (no such process, or not the domain's), -EACCES or -errno.
 */
int ebb_guest_process_open(const char *run_dir, const char *name,
			   const char *uuid,
			   struct ebb_guest_process *ret_process,
			   struct ebb_reason_list *reasons);

/**
 * ebb_guest_process_look - look again at a process that is open
 * @process: left as it is
 * @ret_next: the same process as it is now; what both have, both share. Written
 *	only on success; free with ebb_guest_process_close()
 * @reasons: as of ebb_guest_process_open()
 *
 * Who puts @ret_next in place of @process closes that. Returns 0, -ESRCH (it
 * has ended) or -errno.
 */
int ebb_guest_process_look(const struct ebb_guest_process *process,
			   struct ebb_guest_process *ret_next,
			   struct ebb_reason_list *reasons);

/**
 * ebb_guest_process_share - the files of a process, for a job of their own
 * @process: left as it is
 * @ret_process: has references of its own to the files and no pidfd, so nothing
 *	tells that the process ends: free soon with ebb_guest_process_close().
 *	Written only on success
 *
 * Returns 0 or -ENOMEM.
 */
int ebb_guest_process_share(const struct ebb_guest_process *process,
			    struct ebb_guest_process *ret_process);

/*
 * Lets go of the files; a zeroed or closed process is fine. What no other look
 * shares is closed, which may take long: not on the event loop's thread.
 */
void ebb_guest_process_close(struct ebb_guest_process *process);

/* Whether the process still lives. */
bool ebb_guest_process_alive(const struct ebb_guest_process *process);

/* Unlocks all its files. */
void ebb_guest_process_unlock(const struct ebb_guest_process *process);

/**
 * ebb_guest_process_holding - what the host holds of all the guest's memory
 * @max_age_ms: of what is in swap, see ebb_swapped_bytes()
 *
 * Of all files; all is zero without any. From any thread; does not wait.
 */
void ebb_guest_process_holding(const struct ebb_guest_process *process,
			       uint32_t max_age_ms,
			       struct ebb_holding *ret_holding);

/**
 * ebb_guest_process_usage - what a process as such has, for one without files
 * @ret_holding: written only on success
 *
 * Reads /proc: not on the event loop's thread. If the process lives after it,
 * it was that process's. Returns 0; -ESRCH (it is gone, or ends and has let go of its
 * memory) or -errno.
 */
int ebb_guest_process_usage(pid_t pid, struct ebb_holding *ret_holding);

#endif /* EBB_HOST_PROCESS_H */
