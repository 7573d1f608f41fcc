/* SPDX-License-Identifier: GPL-2.0-only */
/* The host of the simulator: memory, swap with a speed, and a killer. */
#ifndef EBB_TESTS_SIM_HOST_H
#define EBB_TESTS_SIM_HOST_H

#include "tests/sim/guest.h"

/**
 * struct sim_host - a host and its guests
 * @total_bytes: its memory, of which @base_bytes is its own
 * @swap_bytes: how much swap it has
 * @now_s: since the start of the simulated day
 *
 * Account:
 * @least_available_bytes: ever
 * @decisions: that a controller made
 */
struct sim_host {
	double total_bytes;
	double base_bytes;
	double swap_bytes;
	double now_s;
	struct sim_guest *guests;
	uint32_t guest_count;

	double least_available_bytes;
	uint64_t decisions;
};

double sim_host_available_bytes(const struct sim_host *host);

/* What the guest that lends most may take back at once, and what could be had then. */
double sim_host_debt_bytes(const struct sim_host *host);
double sim_host_cover_bytes(const struct sim_host *host);

/* Everything that guests and host do by themselves in so long. */
void sim_host_step(struct sim_host *host, double step_s);

/*
 * Takes up to @bytes of the guest for the host: free memory first, then cache that
 * it does not read again soon. Returns what came.
 */
double sim_host_take(struct sim_guest *guest, double bytes, bool drive);

#endif /* EBB_TESTS_SIM_HOST_H */
