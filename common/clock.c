/* SPDX-License-Identifier: GPL-2.0-only */
#include "common/clock.h"

#include <time.h>

uint64_t ebb_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * EBB_NS_PER_S + (uint64_t)now.tv_nsec;
}

void ebb_sleep_us(uint32_t us)
{
	struct timespec pause = { .tv_sec = us / 1000000,
				  .tv_nsec = (long)(us % 1000000) * 1000 };

	nanosleep(&pause, NULL);
}
