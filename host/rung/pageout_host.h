/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The shares that rung pageout leaves to the host: room in its swap, and time of the disk that the
 * swap is on (pageout.h has the reasons).
 */
#ifndef EBB_HOST_PAGEOUT_HOST_H
#define EBB_HOST_PAGEOUT_HOST_H

#include <stdbool.h>
#include <stdint.h>

/* Pure. The part of the swap that a run leaves to the host: a sixteenth, at least 32 MiB. */
uint64_t ebb_pageout_reserve_bytes(uint64_t swap_bytes);

/* How much may go into the swap now. */
uint64_t ebb_pageout_room_bytes(void);

/**
 * ebb_pageout_rest_ns - how long to rest after a piece. Pure
 * @work_ns: that it took
 * @stalled_ns: of which some task of the host stalled for memory; more is taken for all
 */
uint64_t ebb_pageout_rest_ns(uint64_t work_ns, uint64_t stalled_ns);

/**
 * struct ebb_pageout_pace - of one piece, after which the disk is left to others
 * @stalled_ns: with @stalled_known
 */
struct ebb_pageout_pace {
	uint64_t begun_ns;
	bool stalled_known;
	uint64_t stalled_ns;
};

/* A piece begins. */
struct ebb_pageout_pace ebb_pageout_begin_pace(void);

/* Until when to rest, as the piece has just ended. */
uint64_t ebb_pageout_rested_ns(const struct ebb_pageout_pace *pace);

#endif /* EBB_HOST_PAGEOUT_HOST_H */
