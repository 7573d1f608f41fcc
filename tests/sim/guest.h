/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest of the simulator: what it wants, and what that costs it.
 *
 * A guest has a working set, which its trace tells for each moment, and page cache,
 * which grows by reading. What is left is free. Memory that it needs and that the
 * host has not behind it costs a fault; cache that it had and reads again costs a
 * disk; what does not fit at all is a stall. Amounts are bytes as double: the
 * simulator adds up small parts of them.
 */
#ifndef EBB_TESTS_SIM_GUEST_H
#define EBB_TESTS_SIM_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "host/policy/policy.h"

/* Of the cache that a guest would fill, what it reads again soon. */
#define HOT_PART 0.5

enum sim_kind {
	SIM_DIURNAL, /* a day's wave */
	SIM_BURSTY, /* small, and large for minutes, by chance */
	SIM_STORM, /* uses much at its boot, and little after it */
	SIM_PEAK, /* all of these peak at one hour */
	SIM_LIAR, /* says that it uses nothing */
	SIM_STUCK, /* agrees to give, and does not */
	SIM_LIMITED, /* small, and a container in it reads for ever within its limit */
	SIM_KINDS
};

/**
 * struct sim_guest - one guest
 * @phase_s: by how much its trace is later than others'
 * @small_bytes, @large_bytes: of its working set
 * @cache_bytes_max: that it would fill by reading; HOT_PART of it is read again soon
 *
 * State:
 * @working_set_bytes, @cache_bytes: in use
 * @resident_bytes, @swapped_bytes: behind it on the host
 * @lost_hot_bytes: of the cache that it reads again soon, what had to go
 * @balloon_bytes: what a balloon holds, and @balloon_goal_bytes what it is to
 * @pending_bytes, @given_bytes: of what Ebb asked of it last
 * @began_s: it started then, at first or after it was killed
 *
 * Account:
 * @stall_s: time in which it waited for memory
 * @refault_bytes: read again for it had to give
 * @fault_bytes: taken back from the host
 * @own_refault_bytes: read again, and would be whoever shares memory out
 * @held_byte_s: resident over time
 */
struct sim_guest {
	enum sim_kind kind;
	char name[16];
	uint64_t seed;
	uint32_t shares;
	double phase_s;
	double usable_bytes;
	double small_bytes;
	double large_bytes;
	double cache_bytes_max;
	double burst_until_s;

	double working_set_bytes;
	double cache_bytes;
	double resident_bytes;
	double swapped_bytes;
	double balloon_bytes;
	double balloon_goal_bytes;
	double lost_hot_bytes;
	double pending_bytes;
	double given_bytes;
	double began_s;

	double stall_s;
	double refault_bytes;
	double fault_bytes;
	double own_refault_bytes;
	double held_byte_s;
	uint32_t kills;
	struct ebb_policy_history history;
};

/* A guest of a kind, by chance of @seed, with nothing in use yet. */
void sim_guest_make(struct sim_guest *guest, enum sim_kind kind, uint64_t seed);

/* The working set that its trace wants then. Moves bursts on: call it in order. */
double sim_guest_wants(struct sim_guest *guest, double now_s, double step_s);

double sim_guest_free_bytes(const struct sim_guest *guest);

/* What it may take back from the host at any moment. */
double sim_guest_lent_bytes(const struct sim_guest *guest);

/* What of its cache it reads again soon. */
double sim_guest_hot_bytes(const struct sim_guest *guest);

/* "diurnal" and so on. */
const char *sim_kind_name(enum sim_kind kind);

/* A number by chance, 0 to 1. */
double sim_random(uint64_t *state);

#endif /* EBB_TESTS_SIM_GUEST_H */
