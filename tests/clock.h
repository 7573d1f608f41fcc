/* SPDX-License-Identifier: GPL-2.0-only */
/* The clock of the programs that measure. */
#ifndef EBB_TESTS_CLOCK_H
#define EBB_TESTS_CLOCK_H

#include <stdint.h>
#include <time.h>

/* CLOCK_MONOTONIC in us. */
static inline int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

#endif /* EBB_TESTS_CLOCK_H */
