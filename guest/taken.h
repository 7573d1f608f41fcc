/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose fault it is that a cgroup at its limit reads pages again.
 *
 * Theory of operation
 * ===================
 *
 * The problem. A container that is full of page cache meets its limit all the time.
 * Its refaults may come from that limit, which is too low for it; or it has all that
 * it needs, and kswapd took that for a free target. The kernel counts both as one.
 *
 * The rule. What kswapd took of the cgroup (pgsteal_kswapd of its memory.stat) is
 * an account: a page that is needed again is taken off it, and is due to who drove
 * kswapd. So never more is due than was taken. But a cgroup that thrashes needs
 * each page again whoever took it: that it does is seen while the account is empty,
 * and then nothing is due. While it has not all back, a cgroup that met its limit
 * before is under it because of kswapd.
 *
 * The account is closed EBB_TAKEN_US after kswapd took something last. Pure.
 */
#ifndef EBB_GUEST_TAKEN_H
#define EBB_GUEST_TAKEN_H

#include <stdbool.h>
#include <stdint.h>

#define EBB_TAKEN_US ((uint64_t)60 * 1000 * 1000)

/**
 * struct ebb_taken - the account of one cgroup; zeroed is an empty one
 * @pages: taken and not needed again yet
 * @when_us: when something was taken last
 * @was_short: something lacked when it was settled last
 * @own_steals, @own_refaults: what its limit took, and what came back of that
 */
struct ebb_taken {
	uint64_t pages;
	uint64_t when_us;
	bool was_short;
	uint64_t own_steals;
	uint64_t own_refaults;
};

/**
 * struct ebb_taken_growth - what a cgroup had since it was looked at last, in pages
 * @steals: reclaimed of it
 * @others: of @steals, not for its limit: by kswapd, or by the agent
 * @refaults: needed again
 */
struct ebb_taken_growth {
	uint64_t steals;
	uint64_t others;
	uint64_t refaults;
};

/* The cgroup's life so far, of which it is not known who took what. */
void ebb_taken_begin(struct ebb_taken *taken, uint64_t steals,
		     uint64_t refaults);

/* Returns how many of the refaults are due to who drives kswapd. */
uint64_t ebb_taken_settle(struct ebb_taken *taken,
			  const struct ebb_taken_growth *growth,
			  uint64_t now_us);

#endif /* EBB_GUEST_TAKEN_H */
