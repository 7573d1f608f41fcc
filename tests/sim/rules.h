/* SPDX-License-Identifier: GPL-2.0-only */
/* Who shares the simulated host's memory out, and how. */
#ifndef EBB_TESTS_SIM_RULES_H
#define EBB_TESTS_SIM_RULES_H

#include "tests/sim/host.h"

/**
 * struct sim_rule - a way to share memory out
 * @begin: once, before the day; may be NULL
 * @tick: after each step of the host; may be NULL
 * @end: frees what @begin made; may be NULL
 */
struct sim_rule {
	const char *name;
	const char *what;
	void *(*begin)(struct sim_host *host);
	void (*tick)(struct sim_host *host, void *state, double step_s);
	void (*end)(void *state);
};

/*
 * Nothing; balloons of a fixed size; MoM's and Proxmox's rules for balloons; free
 * page reporting; Ebb's policy in each of its modes. Ends with a NULL name.
 */
extern const struct sim_rule sim_rules[];

#endif /* EBB_TESTS_SIM_RULES_H */
