/* SPDX-License-Identifier: GPL-2.0-only */
/* Ebb in the simulator: the policy of host/policy/, and guests that it asks. */
#ifndef EBB_TESTS_SIM_EBB_H
#define EBB_TESTS_SIM_EBB_H

#include "tests/sim/host.h"

/* As in rules.h. NULL without memory. */
void *sim_ebb_begin_performance(struct sim_host *host);
void *sim_ebb_begin_balanced(struct sim_host *host);
void *sim_ebb_begin_density(struct sim_host *host);
/* As balanced, if a guest refused under any pressure, also that of a container in it. */
void *sim_ebb_begin_heeding(struct sim_host *host);
void sim_ebb_tick(struct sim_host *host, void *state, double step_s);
void sim_ebb_end(void *state);

#endif /* EBB_TESTS_SIM_EBB_H */
