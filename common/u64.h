/* SPDX-License-Identifier: GPL-2.0-only */
/* Sums with amounts that cannot be below 0. Pure. */
#ifndef EBB_COMMON_U64_H
#define EBB_COMMON_U64_H

#include <stdint.h>

/* The smaller of two. */
static inline uint64_t ebb_u64_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The larger of two. */
static inline uint64_t ebb_u64_max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* @a less @b, and not less than 0. */
static inline uint64_t ebb_u64_minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

#endif /* EBB_COMMON_U64_H */
