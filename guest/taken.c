/* SPDX-License-Identifier: GPL-2.0-only */
#include "guest/taken.h"

enum {
	/* One page in so many that comes back is thrashing. */
	THRASH_SHARE = 4,
	/* Of so many pages the older half is forgotten. */
	JUDGED_PAGES = 128 << 8,
};

static void note_own(struct ebb_taken *taken, uint64_t steals,
		     uint64_t refaults)
{
	taken->own_steals += steals;
	taken->own_refaults += refaults;
	while (taken->own_steals > JUDGED_PAGES) {
		taken->own_steals /= 2;
		taken->own_refaults /= 2;
	}
}

static bool is_thrashing(const struct ebb_taken *taken)
{
	return taken->own_refaults > taken->own_steals / THRASH_SHARE;
}

void ebb_taken_begin(struct ebb_taken *taken, uint64_t steals,
		     uint64_t refaults)
{
	*taken = (struct ebb_taken){ 0 };
	note_own(taken, steals, refaults);
}

uint64_t ebb_taken_settle(struct ebb_taken *taken,
			  const struct ebb_taken_growth *growth,
			  uint64_t now_us)
{
	uint64_t due;

	if (growth->others > 0)
		taken->when_us = now_us;
	else if (now_us - taken->when_us > EBB_TAKEN_US)
		taken->pages = 0;
	taken->pages += growth->others;
	taken->was_short = taken->pages > 0;
	if (!taken->was_short)
		note_own(taken, growth->steals, growth->refaults);
	due = growth->refaults < taken->pages ? growth->refaults : taken->pages;
	taken->pages -= due;
	return is_thrashing(taken) ? 0 : due;
}
