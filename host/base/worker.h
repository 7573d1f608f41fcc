/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Work that blocks, off the event loop's thread.
 *
 * Theory of operation
 * ===================
 *
 * Whatever may wait for a guest, for libvirtd or for the kernel is a job. It
 * runs on one of a bounded number of threads with data of its own; the event
 * loop's thread alone decides and owns all lasting state. A job gets what it
 * needs when it is queued, and its result is looked at when it is done, on the
 * event loop's thread. In between the two share atomics only.
 *
 * Fairness. Jobs of one kind start in the order in which they were queued, and
 * the kinds take turns. A kind may use all threads but those that keep one for
 * each other kind of which no job runs. So a hundred agents that do not answer
 * delay other looks, but neither a reclaim nor the return of memory.
 *
 * Stuck. No look is abandoned: a system call on a QEMU whose memory map is locked,
 * as behind a file server that is dead, cannot be ended. So a look that takes
 * longer than any that ends keeps its thread, but does not count any more, for as
 * many as EBB_WORKERS_STUCK_MAX: each such QEMU costs its own domain only.
 *
 * The end. ebbd must not wait for a job that only waits itself: for a libvirtd
 * that is stopped, or a guest that hangs. So ebb_workers_stop() tells when the
 * process may exit around its jobs. A job that has taken something which only
 * it can give back in order holds the process meanwhile: ebb_worker_hold().
 *
 * The alternative, a thread for each job, has no bound: 1,000 domains that are
 * looked at after a restart of libvirtd were 1,000 threads.
 */
#ifndef EBB_HOST_WORKER_H
#define EBB_HOST_WORKER_H

#include <stdbool.h>
#include <stdint.h>

struct ebb_workers;

/**
 * enum ebb_work - the kinds of jobs
 * @EBB_WORK_LOOK: examines a domain or talks to its agent; exit abandons it
 * @EBB_WORK_RECLAIM: takes memory; at most so many at once as is configured.
 *	Exit abandons it, but while it holds the process
 * @EBB_WORK_RELEASE: closes what may free a guest's memory, gives reservations
 *	back; exit waits for it
 * @EBB_WORK_CONNECTION: connects to libvirtd, lists its domains, closes; one
 *	at a time. Exit abandons it
 * @EBB_WORK_READ: reads what processes hold in /proc, which may wait for their
 *	memory maps; one at a time. Exit abandons it
 * @EBB_WORK_HISTORY: writes and reads what is kept of the past, on a disk that may not
 *	answer; one at a time, on a thread beyond those that are configured, so that it
 *	costs the others none. Exit abandons it
 */
enum ebb_work {
	EBB_WORK_LOOK,
	EBB_WORK_RECLAIM,
	EBB_WORK_RELEASE,
	EBB_WORK_CONNECTION,
	EBB_WORK_READ,
	EBB_WORK_HISTORY,
	EBB_WORK_KINDS
};

enum {
	/* Threads beyond those that are configured, each of one kind of work. */
	EBB_WORKERS_OWN = 1,
	/* A thread for each other kind. */
	EBB_WORKERS_MIN = EBB_WORK_KINDS - EBB_WORKERS_OWN,
	EBB_WORKERS_MAX = 64,
	/* Likewise, beside looks that are stuck. */
	EBB_WORKERS_STUCK_MAX = 16,
	EBB_WORKERS_STUCK_S = 120,
};

/**
 * ebb_workers_new - no thread yet; they start when there is work
 * @threads: at most, EBB_WORKERS_MIN to EBB_WORKERS_MAX
 * @reclaims: jobs of EBB_WORK_RECLAIM at once, at least 1
 *
 * Returns 0, -EINVAL, -ENOMEM or -errno. Needs the event loop.
 */
int ebb_workers_new(uint32_t threads, uint32_t reclaims,
		    struct ebb_workers **ret_workers);

/* Ends the threads. No job may be left. NULL is fine. */
void ebb_workers_free(struct ebb_workers *workers);

/**
 * ebb_workers_run - queue a job
 * @kind: of the job
 * @work: runs on one of the threads
 * @done: runs after it, on the event loop's thread
 * @opaque: for both
 * @name: a literal, of @done: for the loop's watchdog, which would name all jobs
 *	alike
 *
 * For the event loop's thread. Returns 0, or -ENOMEM or -EAGAIN (no thread can
 * be started), and then neither is called.
 */
#define ebb_workers_run(workers, kind, work, done, opaque) \
	ebb_workers_run_named(workers, kind, work, done, opaque, #done)
int ebb_workers_run_named(struct ebb_workers *workers, enum ebb_work kind,
			  void (*work)(void *opaque),
			  void (*done)(void *opaque), void *opaque,
			  const char *name);

/* Jobs that are not done yet. For the event loop's thread. */
uint32_t ebb_workers_count(const struct ebb_workers *workers);

/* Threads that there are. */
uint32_t ebb_workers_threads(struct ebb_workers *workers);

/**
 * ebb_workers_stop - whether the process may exit now
 *
 * From the first call on, no job may begin to hold the process. Returns whether
 * none holds it and none of EBB_WORK_RELEASE is left; ask again after a while
 * if not.
 */
bool ebb_workers_stop(struct ebb_workers *workers);

/**
 * ebb_worker_hold - keep the process from exiting in the midst of this
 *
 * For a job, which calls ebb_worker_let_go() soon after: the end of ebbd waits
 * for it. Returns false if ebbd ends: then do not begin. On a thread of no
 * pool it does nothing and returns true.
 */
bool ebb_worker_hold(void);
void ebb_worker_let_go(void);

#endif /* EBB_HOST_WORKER_H */
