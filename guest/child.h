/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Work that blocks in the kernel for seconds, in a forked child: the agent goes
 * on to answer, and can end the work by a signal.
 *
 * One piece of work at a time. The child has no file of the agent open, and
 * does not outlive it.
 */
#ifndef EBB_GUEST_CHILD_H
#define EBB_GUEST_CHILD_H

#include <stdbool.h>

#include <systemd/sd-event.h>

/* What the child does; returns its exit code, 0 to 127. */
typedef int (*ebb_child_work_fn)(const void *argument);

/* It ended: its exit code, or -1 if it was killed. */
typedef void (*ebb_child_done_fn)(int code, void *opaque);

/* Zeroed: none runs. @done and @opaque are the owner's to set, once. */
struct ebb_child {
	ebb_child_done_fn done;
	void *opaque;
	sd_event_source *source; /* NULL: none runs */
};

/**
 * ebb_child_start - fork and work
 *
 * SIGCHLD must be blocked, as sd_event_add_child(3) asks. Returns 0, -EBUSY
 * (one runs) or -errno.
 */
int ebb_child_start(struct ebb_child *child, sd_event *event,
		    ebb_child_work_fn work, const void *argument);

bool ebb_child_runs(const struct ebb_child *child);

/* Has it killed, if one runs; @done is called when it is gone. */
void ebb_child_kill(struct ebb_child *child);

/* Kills it and waits until it is gone; @done is not called. */
void ebb_child_end(struct ebb_child *child);

#endif /* EBB_GUEST_CHILD_H */
