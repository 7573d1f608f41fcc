/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The first sign that a budget runs short, told to the loop.
 *
 * Theory of operation
 * ===================
 *
 * The problem. Between two looks at the budgets a guest can fill one. Nothing polls:
 * the kernel tells, in two ways.
 *
 *	pressure	PSI: tasks waited for memory, or kswapd worked, for longer than
 *			EBB_WATCH_STALL_US within EBB_WATCH_WINDOW_US. Of the host, by a
 *			trigger that is written to /proc/pressure/memory
 *			(Documentation/accounting/psi.rst) and lives as long as its
 *			descriptor. It counts what waits in a cgroup, too
 *	events		a cgroup reached its memory.high or memory.max: inotify on its
 *			memory.events (Documentation/admin-guide/cgroup-v2.rst), which
 *			needs no privilege and works on a read-only mount, as ebbd's
 *			unit has it (ProtectControlGroups=)
 *
 * The alternative for cgroups, a trigger in each memory.pressure, tells no more, and
 * needs a mount that can be written.
 *
 * Privilege. A trigger takes CAP_SYS_RESOURCE; from Linux 6.4 on, only if its window
 * is no multiple of 2 s. So it is written before capabilities are dropped, and if that
 * fails, with a window of EBB_WATCH_SLOW_WINDOW_US. /proc/pressure stays writable under
 * ProtectKernelTunables= and ProtectSystem=strict.
 *
 * How it is waited for. A trigger tells by POLLPRI, which libvirt's loop does not know,
 * and forgets when it was polled. So it is in an epoll of its own, and that this becomes
 * readable is the event.
 *
 * Bursts. A callback is made at once for the first event. Those that come within
 * EBB_WATCH_REST_MS after it are told by one more at the end of that time.
 *
 * What a watch cannot tell (a host without PSI, a cgroup of version 1) is for
 * ebb_watch_sources(): who needs to know looks by a timer, see
 * ebb_budget_patience_ms().
 */
#ifndef EBB_HOST_WATCH_H
#define EBB_HOST_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "host/budget/budget.h"

enum {
	EBB_WATCH_STALL_US = 10 * 1000,
	EBB_WATCH_WINDOW_US = 500 * 1000,
	/* Without CAP_SYS_RESOURCE. */
	EBB_WATCH_SLOW_STALL_US = 40 * 1000,
	EBB_WATCH_SLOW_WINDOW_US = 2000 * 1000,
	EBB_WATCH_REST_MS = 100,
	/* Cgroups whose events are watched; of more there is no event. */
	EBB_WATCH_CGROUPS_MAX = 1024,
};

struct ebb_watch;

/**
 * struct ebb_watch_sources - what a watch hears
 * @pressure_window_ms: of the host's trigger; 0: there is none
 * @pressure_error: why, as -errno: -ENOENT (a kernel without PSI), -EOPNOTSUPP (PSI
 *	is off: boot with psi=1), -EPERM or -EACCES, -EROFS (a sandbox); 0 if there is
 *	one
 * @cgroups: whose events are watched
 * @cgroups_deaf: with a limit, but without such events or without room for them
 */
struct ebb_watch_sources {
	uint32_t pressure_window_ms;
	int pressure_error;
	uint32_t cgroups;
	uint32_t cgroups_deaf;
};

/* A trigger that is written. @error: as above, then @fd is -1. */
struct ebb_pressure {
	int fd;
	uint32_t window_ms;
	int error;
};

/**
 * ebb_watch_open_pressure - write the host's trigger
 * @root: before /proc; "" but for tests
 *
 * Before capabilities are dropped. The descriptor is for ebb_watch_new().
 */
struct ebb_pressure ebb_watch_open_pressure(const char *root);

/**
 * ebb_watch_new - hear of it
 * @pressure: as opened; its descriptor is the watch's from here on, also on failure
 * @fn: called on the loop's thread; it may read nothing that blocks
 *
 * For the loop's thread, as all that follow. Returns 0, -ENOMEM or -errno.
 */
int ebb_watch_new(struct ebb_pressure pressure, void (*fn)(void *opaque),
		  void *opaque, struct ebb_watch **ret_watch);

/* NULL is fine. Not from its own callback. */
void ebb_watch_free(struct ebb_watch *watch);

/* Follows the cgroups of a list that was just read, and no others. */
void ebb_watch_follow(struct ebb_watch *watch,
		      const struct ebb_budget_list *list);

struct ebb_watch_sources ebb_watch_sources(const struct ebb_watch *watch);

#endif /* EBB_HOST_WATCH_H */
