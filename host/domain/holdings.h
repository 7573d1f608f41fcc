/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the host holds of guests, as far as it has to be read in /proc.
 *
 * Theory of operation
 * ===================
 *
 * Most of what is shown of a guest is known, or a system call that cannot wait.
 * What is in swap, and what a process without files has, is read in /proc, which
 * waits for whoever has the process's memory map. So a job of its own kind reads
 * it, of all guests at once, when somebody asks and what was read last is no
 * longer new; and who asks waits for it, but not for long: then the last known is
 * shown, or that nothing is known.
 */
#ifndef EBB_HOST_HOLDINGS_H
#define EBB_HOST_HOLDINGS_H

#include <stdint.h>

#include "host/domain/pending.h"
#include "host/domain/roster.h"
#include "host/domain/vm.h"

/**
 * struct ebb_holdings - of all guests; the event loop's thread alone has it
 * @path: EBB_SWAPPED_PATH, but for tests
 * @begun, @done: numbers of readings; equal if none is under way
 * @begun_ns: when the last began
 * @pending: calls that wait for it
 */
struct ebb_holdings {
	const struct ebb_vm_environment *environment;
	const struct ebb_roster *roster;
	const char *path;
	uint64_t begun;
	uint64_t done;
	uint64_t begun_ns;
	struct ebb_pending pending;
	int timer;
};

/* @environment, @roster and @path outlive it. Returns 0 or -ENOMEM. */
int ebb_holdings_begin(struct ebb_holdings *holdings,
		       const struct ebb_vm_environment *environment,
		       const struct ebb_roster *roster, const char *path);

/* No job may run. One that did not begin is fine. */
void ebb_holdings_end(struct ebb_holdings *holdings);

/*
 * Reads anew, unless it was read a moment ago or is being read. For who has
 * something else to wait for before ebb_holdings_serve().
 */
void ebb_holdings_refresh(struct ebb_holdings *holdings);

/*
 * Reads anew if that is needed, and serves the call when it is read, or when that
 * has taken too long; at once if nothing has to be read.
 */
void ebb_holdings_serve(struct ebb_holdings *holdings, ebb_pending_fn serve,
			struct ebb_call *call,
			const struct json_object *arguments, void *opaque);

/* Serves all that wait: ebbd ends. */
void ebb_holdings_dismiss(struct ebb_holdings *holdings);

#endif /* EBB_HOST_HOLDINGS_H */
