/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pace of a reclaim that nobody waits for. Pure.
 *
 * Theory of operation
 * ===================
 *
 * The problem. A reclaim as fast as can be keeps a processor of the host busy, has one
 * of the guest's look at the ring again and again, and has their translations flushed.
 * It is over in a part of a second, in which whatever runs in the guest is slower. That
 * is right where somebody waits for the memory. What the policy takes without need may
 * take ten seconds.
 *
 * So there are rests of two kinds:
 *
 * - Naps, within a batch. The guest's offers are taken in small groups, and after each
 *   the thread sleeps some times as long as the group took. Nothing is granted then: the
 *   guest takes back at once what it needs itself. In a batch that is out for a third of
 *   a second there are no more naps; the guest, which knows that nobody waits, looks at
 *   it each 2 ms.
 * - Rests, between pieces. A piece is a session that ends with a batch, so that in a
 *   rest nothing of the guest's is held, and no session runs. Nor does the rest keep a
 *   thread, or a turn of those who reclaim: the reclaim returns, and is run again.
 *
 * A rest is so long that the work is a fiftieth of the time, but no longer than what has
 * come so far allows, if all is to be had EBB_GENTLE_SPREAD_MS after it began, or in half
 * of its time limit. What does not fit into that goes on with the shortest rests, until
 * its time limit.
 *
 * The guest's processors come first. How long threads of its QEMU were ready to run and
 * had no processor of the host, the kernel counts; the more of that while a piece was
 * taken, the longer are naps and rests.
 *
 * The alternative: the least priority of the host's scheduler. It gives way by itself,
 * but the thread would be stopped within a grant, whose window then ends in vain, and
 * with the locks of the file that it punches, which others wait for.
 */
#ifndef EBB_HOST_GENTLE_H
#define EBB_HOST_GENTLE_H

#include <stdbool.h>
#include <stdint.h>

/* All is to be had by then, if it is not much. */
#define EBB_GENTLE_SPREAD_MS 10000

/* From one look at the ring to the next: no processor is kept busy by them. */
#define EBB_GENTLE_POLL_US 500

/**
 * struct ebb_gentle - of one reclaim; for its thread alone, zero at first
 * @piece_bytes: the piece ends with the batch that brings it to that
 * @taken_bytes: by the piece, holes included
 * @over: it has ended, and the guest was told
 * @napped_ns: within it
 * @busy_percent: of the piece before, see ebb_gentle_busy_percent()
 * @began_ns, @began_bytes, @began_delayed_ns: when the piece began
 */
struct ebb_gentle {
	uint64_t piece_bytes;
	uint64_t taken_bytes;
	bool over;
	uint64_t napped_ns;
	uint32_t busy_percent;
	uint64_t began_ns;
	uint64_t began_bytes;
	uint64_t began_delayed_ns;
};

/**
 * struct ebb_gentle_piece - what a piece was
 * @work_ns: without naps
 * @delayed_ns: that threads of the guest's QEMU waited for a processor meanwhile, all
 *	together
 * @came_bytes: by the host's books
 * @left_bytes: of the whole, as far as is known
 * @left_ns: until all is to be had; 0: it should be already
 */
struct ebb_gentle_piece {
	uint64_t work_ns;
	uint64_t delayed_ns;
	uint64_t came_bytes;
	uint64_t left_bytes;
	uint64_t left_ns;
};

/* Of a reclaim of @target_bytes: some dozens of them, at most, but none is small. */
uint64_t ebb_gentle_piece_bytes(uint64_t target_bytes);

/* What a group may be where the backing is discarded at that pace. */
uint64_t ebb_gentle_group_bytes(uint64_t bytes_per_ms);

/* How much the guest waited for a processor while the host worked: 0 to 100. */
uint32_t ebb_gentle_busy_percent(const struct ebb_gentle_piece *piece);

/* After a group that took @work_ns. */
uint64_t ebb_gentle_nap_ns(uint64_t work_ns, uint32_t busy_percent);

/* After a piece. */
uint64_t ebb_gentle_rest_ns(const struct ebb_gentle_piece *piece);

#endif /* EBB_HOST_GENTLE_H */
