/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether memory may be taken now, asked ahead.
 *
 * Theory of operation
 * ===================
 *
 * The problem. libvirt has no event for the start of a job (migration, save,
 * dump), so it has to be asked before memory is taken, and that takes a
 * millisecond or more of each batch: a tenth of the time of a reclaim.
 *
 * The invariant. Nothing is taken but upon an answer that was asked for less
 * than EBB_PERMISSION_MS before it was wanted. A thread of its own keeps one
 * ready, as long as batches come. A job that starts meanwhile sees free memory
 * turn into holes, which is no harm.
 *
 * The alternatives. To ask in between, while the guest gets its next batch
 * ready, is no better: it is ready sooner than the answer is there.
 */
#ifndef EBB_HOST_PERMISSION_H
#define EBB_HOST_PERMISSION_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	EBB_PERMISSION_MS = 20
};

/**
 * struct ebb_permission - the answers to one reclaim
 * @ask: returns 0, or -errno why not (may block); called by @thread alone
 * @lock: of all that follows
 * @answered_ns: when @answer was asked for; 0: there is none
 * @wanted_ns: when an answer was wanted last
 * @waited_for: one is wanted now, however long it takes
 */
struct ebb_permission {
	int (*ask)(void *opaque);
	void *opaque;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int answer;
	uint64_t answered_ns;
	uint64_t wanted_ns;
	bool waited_for;
	bool ended;
};

/**
 * ebb_permission_start - asks for the first time
 * @permission: stays where it is until ebb_permission_stop()
 *
 * Returns 0 or -errno without a thread.
 */
int ebb_permission_start(struct ebb_permission *permission,
			 int (*ask)(void *opaque), void *opaque);

/* Blocks until a question under way is answered. */
void ebb_permission_stop(struct ebb_permission *permission);

/*
 * The answer of now; blocks if there is none that is young enough. For one
 * thread.
 */
int ebb_permission_get(struct ebb_permission *permission);

#endif /* EBB_HOST_PERMISSION_H */
