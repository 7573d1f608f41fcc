/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What another process does with a guest's memory, by /proc alone.
 *
 * All of its mappings count, also those that only read: a device that was given
 * one would go on reading the old pages. So does a file that it has open and not
 * mapped: pages are pinned by a descriptor as well (iommufd). A process whose
 * first thread has ended shows nothing under its own number; its others do.
 *
 * Whatever runs on the host is read, and may have as many mappings and files as
 * it likes. So a look has a limit, and where that is reached nothing is known.
 */
#ifndef EBB_HOST_USE_H
#define EBB_HOST_USE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/memory/process.h"

/**
 * struct ebb_use - what was found
 * @used: it has memory of the guest mapped or open
 * @task: the thread by which it was read
 * @pins: it does, and has pages pinned or locked, or a device by which they are
 * @entries: mappings, open files and threads that were read; written always
 */
struct ebb_use {
	bool used;
	bool pins;
	pid_t task;
	uint64_t entries;
};

/**
 * ebb_use_examine - look at one process
 * @pid: of it
 * @process: whose memory it may have
 * @entries_max: as many are read
 * @ret_use: written always, but on failure only @entries counts, and @used if set
 *
 * Returns 0; -ESRCH (it has ended), -EAGAIN (the thread by which it was read has),
 * -E2BIG (it has more than @entries_max) or -errno. Whoever is not known may do
 * anything.
 */
int ebb_use_examine(pid_t pid, const struct ebb_guest_process *process,
		    uint64_t entries_max, struct ebb_use *ret_use);

#endif /* EBB_HOST_USE_H */
