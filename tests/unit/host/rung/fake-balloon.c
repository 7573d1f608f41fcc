/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/host/rung/fake-balloon.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/size.h"

struct fake_balloon fake_balloon;
static int line; /* its address is one */

void fake_balloon_reset(void)
{
	uint32_t lines = fake_balloon.lines;

	memset(&fake_balloon, 0, sizeof(fake_balloon));
	fake_balloon.lines = lines;
	fake_balloon.driver = true;
	fake_balloon.memory_bytes = 2 * EBB_GIB;
	fake_balloon.actual_bytes = 2 * EBB_GIB;
	fake_balloon.left_bytes = 2 * EBB_GIB;
	fake_balloon.used_bytes = 300 * EBB_MIB;
	fake_balloon.cache_bytes = 200 * EBB_MIB;
	fake_balloon.step_bytes = 100 * EBB_MIB;
	fake_balloon.stamp_s = (uint64_t)time(NULL);
}

struct ebb_balloon_line *ebb_balloon_line_new(const char *uri, const char *uuid)
{
	(void)uri;
	(void)uuid;
	fake_balloon.lines++;
	return (struct ebb_balloon_line *)(void *)&line;
}

void ebb_balloon_line_free(struct ebb_balloon_line *any)
{
	if (any)
		fake_balloon.lines--;
}

static void move(void)
{
	uint64_t actual_bytes = fake_balloon.actual_bytes;
	uint64_t left_bytes = fake_balloon.left_bytes;
	uint64_t step_bytes = fake_balloon.step_bytes;

	if (!fake_balloon.driver || fake_balloon.stuck)
		return;
	if (actual_bytes > left_bytes)
		actual_bytes -= actual_bytes - left_bytes < step_bytes
					? actual_bytes - left_bytes
					: step_bytes;
	else
		actual_bytes += left_bytes - actual_bytes < step_bytes
					? left_bytes - actual_bytes
					: step_bytes;
	fake_balloon.actual_bytes = actual_bytes;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static void change(const struct ebb_balloon_act *act,
		   struct ebb_balloon_stats *stats)
{
	if (act->write) {
		fake_balloon.record_base_bytes = act->record.base_bytes;
		fake_balloon.record_left_bytes = act->record.left_bytes;
		fake_balloon.record_memory_bytes = act->record.memory_bytes;
	}
	if (act->resize) {
		fake_balloon.left_bytes = act->left_bytes;
		fake_balloon.resizes++;
		stats->resized = true;
	}
	if (act->set_period)
		fake_balloon.period_s = act->period_s;
}

int ebb_balloon_line_act(struct ebb_balloon_line *any,
			 const struct ebb_balloon_act *act,
			 struct ebb_balloon_stats *ret_stats, char *ret_error)
{
	struct ebb_balloon_stats stats = { 0 };
	uint64_t usable_bytes;

	(void)any;
	while (fake_balloon.hung) {
		fake_balloon.waits = true;
		usleep(1000);
	}
	fake_balloon.waits = false;
	*ret_stats = stats;
	strcpy(ret_error, "its words");
	if (fake_balloon.result &&
	    (act->write || act->resize || act->set_period))
		return fake_balloon.result;
	change(act, &stats);
	move();
	if (fake_balloon.driver && fake_balloon.period_s)
		fake_balloon.stamp_s++;
	usable_bytes = less(fake_balloon.actual_bytes, fake_balloon.used_bytes);
	stats.total_bytes = fake_balloon.total_bytes;
	stats.actual_bytes = fake_balloon.actual_bytes;
	stats.memory_bytes = fake_balloon.memory_bytes;
	stats.stamp_s = fake_balloon.stamp_s;
	stats.usable_known = stats.unused_known = true;
	stats.usable_bytes = usable_bytes;
	stats.unused_bytes = less(usable_bytes, fake_balloon.cache_bytes);
	stats.swapped_bytes = fake_balloon.swapped_bytes;
	stats.major_faults = fake_balloon.major_faults;
	*ret_stats = stats;
	fake_balloon.acts++;
	return 0;
}
