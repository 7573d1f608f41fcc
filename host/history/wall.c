/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/history/wall.h"

#include <time.h>

enum {
	/* Less is what adjtime() does, or the time between reading two clocks. */
	STEP_MS = 2000,
	SLEPT_MS = 1000,
};

static uint64_t clock_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct ebb_wall ebb_wall_now(void)
{
	return (struct ebb_wall){
		.wall_ms = clock_ms(CLOCK_REALTIME),
		.boot_ms = clock_ms(CLOCK_BOOTTIME),
		.monotonic_ms = clock_ms(CLOCK_MONOTONIC),
	};
}

struct ebb_wall_change ebb_wall_change(const struct ebb_wall *before,
				       const struct ebb_wall *now)
{
	int64_t wall_ms = (int64_t)(now->wall_ms - before->wall_ms);
	int64_t boot_ms = (int64_t)(now->boot_ms - before->boot_ms);
	int64_t awake_ms = (int64_t)(now->monotonic_ms - before->monotonic_ms);
	struct ebb_wall_change change = { 0 };

	if (wall_ms - boot_ms >= STEP_MS || boot_ms - wall_ms >= STEP_MS)
		change.step_ms = wall_ms - boot_ms;
	if (boot_ms - awake_ms >= SLEPT_MS)
		change.slept_ms = (uint64_t)(boot_ms - awake_ms);
	return change;
}
