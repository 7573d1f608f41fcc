/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Take, wait for the grant, discard, resolve: one group of offers after the other.
 *
 * Theory of operation
 * ===================
 *
 * The invariant. fallocate(PUNCH_HOLE) begins only on a range whose slot was
 * read GRANTED with the nonce of this take, less than the grant window after
 * the take began, by CLOCK_MONOTONIC, and while nobody said that the guest is
 * gone. A thread that was stopped does not begin it late: see lapse.h. Nothing of a
 * group is punched if QEMU had pinned memory when it was granted.
 *
 * How long a punch takes depends on the backing: 128 MiB of 4 KiB pages take
 * 30 ms, of huge pages 0.2 ms. Were a whole batch taken at once, the tail of a
 * slow one would miss the window and be done again. So offers are taken in
 * groups that the last punches say will fit into a fraction of the window. The
 * guest needs some time to grant one, so it is asked while the one before is
 * punched.
 * A reclaim that nobody waits for takes smaller ones, one after the other, and naps after
 * each, when nothing is granted: see gentle.h.
 * Neighbours in the file are punched by one call: one call for each 2 MiB costs
 * twice as much.
 *
 * What remains. A system call that the kernel itself holds up before it
 * punches, for longer than a whole reboot, hits memory of the next kernel. See
 * SECURITY.md.
 */
#ifndef EBB_HOST_PUNCH_H
#define EBB_HOST_PUNCH_H

#include "host/lease/batch.h"
#include "host/lease/bounds.h"
#include "host/lease/lapse.h"
#include "host/lease/lender.h"

/**
 * struct ebb_puncher - the state of a reclaiming thread
 * @lapse: the end of the window in which a group is punched
 * @take_count: takes so far, from a random start
 * @bytes_per_ms: what the last punches achieved
 * @status_fd: what shows whether a device has pinned the guest's memory
 */
struct ebb_puncher {
	const struct ebb_lender *lender;
	const struct ebb_bounds *bounds;
	struct ebb_books *books;
	struct ebb_lapse lapse;
	uint32_t take_count;
	uint64_t bytes_per_ms;
	int status_fd;
};

/*
 * For the calling thread, which alone may use it. Returns 0, or -errno without
 * random numbers or timers; -ESRCH: QEMU has ended.
 */
int ebb_puncher_init(struct ebb_puncher *puncher,
		     const struct ebb_lender *lender,
		     const struct ebb_bounds *bounds, struct ebb_books *books);

void ebb_puncher_release(struct ebb_puncher *puncher);

/**
 * ebb_puncher_batch - discard a batch, or as much of it as is wanted
 *
 * Every slot that was taken is resolved on return. Returns the bytes that were
 * discarded, 0 if the guest granted none in time, or -errno of a punch; -EBUSY: memory
 * of the guest is pinned since it was looked at, or -ESRCH: QEMU has ended.
 */
int64_t ebb_puncher_batch(struct ebb_puncher *puncher, struct ebb_batch *batch);

#endif /* EBB_HOST_PUNCH_H */
