/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Work that blocks, off the event loop's thread.
 *
 * Theory of operation: whatever may wait for a guest, for libvirtd or for the
 * kernel runs on a thread of its own with its own data; the event loop's
 * thread alone decides and owns all lasting state. A job gets what it needs
 * when it starts, and its result is looked at when it is done, on the event
 * loop's thread. In between the two share atomics only.
 */
#ifndef EBB_HOST_WORKER_H
#define EBB_HOST_WORKER_H

#include <stdint.h>

struct ebb_workers;

/* Returns 0 or -errno. Needs libvirt's event loop to be registered. */
int ebb_workers_new(struct ebb_workers **ret_workers);

/* No job may be left. NULL is fine. */
void ebb_workers_free(struct ebb_workers *workers);

/**
 * ebb_workers_run - start a job
 * @work: runs on a thread of its own
 * @done: runs after it, on the event loop's thread
 * @opaque: for both
 *
 * Returns 0 or -errno, and then neither is called.
 */
int ebb_workers_run(struct ebb_workers *workers, void (*work)(void *opaque),
		    void (*done)(void *opaque), void *opaque);

/* Jobs that are not done yet. */
uint32_t ebb_workers_count(const struct ebb_workers *workers);

#endif /* EBB_HOST_WORKER_H */
