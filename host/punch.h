/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Take, wait for the grant, discard, resolve: one group of offers at a time.
 *
 * Theory of operation
 * ===================
 *
 * The invariant. fallocate(PUNCH_HOLE) begins only on a range whose slot was
 * read GRANTED with the nonce of this take, less than the grant window after
 * the take began, by CLOCK_MONOTONIC, and while nobody said that the guest is
 * gone. The clock is read right before each call.
 *
 * How long a punch takes depends on the backing: 128 MiB of 4 KiB pages take
 * 30 ms, of huge pages 0.2 ms. Were a whole batch taken at once, the tail of a
 * slow one would miss the window and be done again. So offers are taken in
 * groups that the last punches say will fit into a fraction of the window.
 * Neighbours in the file are punched by one call: one call for each 2 MiB costs
 * twice as much.
 *
 * What remains. A thread that is stopped between its last look at the clock
 * and the system call, for longer than a whole reboot, punches memory of the
 * next kernel. See SECURITY.md.
 */
#ifndef EBB_HOST_PUNCH_H
#define EBB_HOST_PUNCH_H

#include "host/batch.h"
#include "host/reclaim.h"

/**
 * struct ebb_puncher - the state of a reclaiming thread
 * @take_count: takes so far, from a random start
 * @bytes_per_ms: what the last punches achieved
 */
struct ebb_puncher {
	const struct ebb_lender *lender;
	const struct ebb_reclaim_order *order;
	struct ebb_reclaim_counters *counters;
	uint32_t take_count;
	uint64_t bytes_per_ms;
};

/* Returns 0, or -errno without random numbers. */
int ebb_puncher_init(struct ebb_puncher *puncher,
		     const struct ebb_lender *lender,
		     const struct ebb_reclaim_order *order,
		     struct ebb_reclaim_counters *counters);

/**
 * ebb_puncher_batch - discard a batch, or as much of it as is wanted
 *
 * Every slot that was taken is resolved on return. Returns the bytes that were
 * discarded, 0 if the guest granted none in time, or -errno of a punch.
 */
int64_t ebb_puncher_batch(struct ebb_puncher *puncher, struct ebb_batch *batch);

/* CLOCK_MONOTONIC in ns. */
uint64_t ebb_now_ns(void);

/* Waits so long, or a little longer. */
void ebb_sleep_us(uint32_t us);

#endif /* EBB_HOST_PUNCH_H */
