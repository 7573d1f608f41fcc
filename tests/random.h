/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers by chance, the same ones in each run: splitmix64. */
#ifndef EBB_TESTS_RANDOM_H
#define EBB_TESTS_RANDOM_H

#include <stdint.h>

/* The next number after *@state, which may begin as any. */
static inline uint64_t next_random(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

#endif /* EBB_TESTS_RANDOM_H */
