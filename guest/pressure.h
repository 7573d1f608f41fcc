/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tells that a guest with a free target is short of memory.
 *
 * Theory of operation
 * ===================
 *
 * Two files are watched, by epoll and only while a target is in force:
 *
 *   /proc/pressure/memory   a trigger: somebody waited for memory for 150 ms of
 *                           a second. kswapd itself is such a somebody, so the
 *                           trigger is only asked to look at the counters that
 *                           tell whose pressure it is (vmstat.h).
 *   EBB_THRESHOLD_PATH      the module's state changed.
 *
 * The counters are compared with those of the last look. A renewal of the
 * target looks, too, but only at what cannot be a matter of degree: stalls and
 * kills. So refaults are counted over seconds, and no stall is lost.
 *
 * A file that is not there, or cannot be watched, is done without. Without the
 * module, which judges refaults by itself, a renewal does: a kernel may have been
 * told psi=0, and pages that are read again quickly stall nobody for long.
 */
#ifndef EBB_GUEST_PRESSURE_H
#define EBB_GUEST_PRESSURE_H

#include <systemd/sd-event.h>

#include "guest/backoff.h"
#include "guest/limited.h"

struct ebb_pressure;

struct ebb_pressure_ops {
	/* The guest is short of memory, and why that is thought. */
	void (*pressed)(enum ebb_backoff_reason reason, void *opaque);
	/* The module's threshold has another state: ask it. */
	void (*threshold_changed)(void *opaque);
};

/*
 * @root: as in sysfile.h, kept; @limited: the owner's, kept; @ops: kept. Returns
 * 0 or -ENOMEM.
 */
int ebb_pressure_new(sd_event *event, const char *root,
		     struct ebb_limited *limited,
		     const struct ebb_pressure_ops *ops, void *opaque,
		     struct ebb_pressure **ret_pressure);

/* NULL is fine. */
void ebb_pressure_free(struct ebb_pressure *pressure);

/* Watches what is there and is not watched yet. */
void ebb_pressure_watch(struct ebb_pressure *pressure);

void ebb_pressure_unwatch(struct ebb_pressure *pressure);

/**
 * ebb_pressure_renew - begin a new window
 *
 * Returns EBB_BACKOFF_OOM or _ALLOCSTALL if there was one in the window that
 * ends, _PRESSURE for refaults in it if there is no module, else EBB_BACKOFF_NONE.
 */
enum ebb_backoff_reason ebb_pressure_renew(struct ebb_pressure *pressure);

#endif /* EBB_GUEST_PRESSURE_H */
