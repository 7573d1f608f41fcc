/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The budgets as they were read last, with what the policy keeps of each.
 *
 * A read may wait for /proc, a cgroup or a mount, so a worker makes it, one at a
 * time; with it goes what the host's swap holds of guests. What is known stays until
 * the next read is done. So it is read what a guest has whose memory is in no files.
 */
#ifndef EBB_HOST_GROUND_H
#define EBB_HOST_GROUND_H

#include "host/base/worker.h"
#include "host/sharing/member.h"

/* Of a budget, which states that are events have begun for people, and not ended. */
struct ebb_ground_told {
	bool need;
	bool uncovered;
};

/**
 * struct ebb_ground - the event loop's thread alone has it
 * @reader: the worker's while @reading
 * @list: as it was read at @read_ns, by the policy's clock; 0: never
 * @cost_ns: how long that took, by the machine's clock
 * @budgets: of @list, one by one; their names are those of @list
 * @told: of each of @budgets
 */
struct ebb_ground {
	struct ebb_workers *workers;
	struct ebb_budget_reader *reader;
	bool reading;
	uint64_t read_ns;
	uint64_t cost_ns;
	struct ebb_budget_list list;
	struct ebb_policy_budget *budgets;
	struct ebb_ground_told *told;
};

/* @root: before /proc and /sys; "" but for tests. Returns 0 or -ENOMEM. */
int ebb_ground_begin(struct ebb_ground *ground, struct ebb_workers *workers,
		     const char *root);

/* No job may run. One that did not begin is fine. */
void ebb_ground_end(struct ebb_ground *ground);

/**
 * struct ebb_ground_order - a read
 * @promised_bytes: of the host, to others
 * @cover_guests: of each budget
 * @members: whose processes are placed in the budgets; outlives the read
 * @now_ns: the policy's clock
 * @done: what was read is known; or -errno, and what was known stays
 */
struct ebb_ground_order {
	uint64_t promised_bytes;
	uint32_t cover_guests;
	const struct ebb_members *members;
	uint64_t (*now_ns)(void *opaque);
	void (*done)(int result, void *opaque);
	void *opaque;
};

/*
 * Reads anew, with a worker. None may be under way. Returns 0, and @order->done is
 * called later, or -errno.
 */
int ebb_ground_read(struct ebb_ground *ground,
		    const struct ebb_ground_order *order);

/* Takes over what a decision made of the budgets, which are those of now. */
void ebb_ground_keep(struct ebb_ground *ground,
		     const struct ebb_policy *policy);

/* Whether one will be in need by what was read, which no decision has seen yet. */
bool ebb_ground_is_short(const struct ebb_ground *ground, uint32_t budget);

/* Whether one is in need. */
bool ebb_ground_is_needy(const struct ebb_ground *ground);

#endif /* EBB_HOST_GROUND_H */
