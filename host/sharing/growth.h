/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a guest came to use since it told its working set. Pure.
 *
 * Theory of operation
 * ===================
 *
 * The problem. A guest tells its working set each half minute at most, in need each
 * three seconds, as telling it wakes the guest. A guest that begins to work a second later uses hundreds of MiB by the
 * time of its next word, and by its last word all of that is idle: in need the policy
 * would drive the one guest that grows.
 *
 * So what is in use is watched between two words, and what has come since the least of
 * it counts as worked with, until the next word tells.
 */
#ifndef EBB_HOST_GROWTH_H
#define EBB_HOST_GROWTH_H

#include <stdint.h>

/**
 * struct ebb_growth - zeroed: nothing was seen
 * @word_ns: when the working set was told that all this is about
 * @least_bytes: that were in use since
 * @bytes: in use now beyond that
 */
struct ebb_growth {
	uint64_t word_ns;
	uint64_t least_bytes;
	uint64_t bytes;
};

/* Takes a moment: @used_bytes are in use, and the working set was told at @word_ns. */
void ebb_growth_note(struct ebb_growth *growth, uint64_t word_ns,
		     uint64_t used_bytes);

#endif /* EBB_HOST_GROWTH_H */
