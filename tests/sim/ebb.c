/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/sim/ebb.h"

#include <math.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/size.h"

/* How often it decides: at rest, and while a budget is in need. */
#define REST_PERIOD_S 10.0
#define NEED_PERIOD_S 1.0
/* Of one guest, by second: what is free, and what it frees when it is driven. */
#define LEASE_BYTES_S (4.0 * EBB_GIB)
#define DRIVE_BYTES_S (400.0 * EBB_MIB)
/* A reclaim that moves nothing for so long ends. */
#define GIVE_S 10.0
/* Clocks begin after 0, which is "never". */
#define START_S 1000.0
/* A guest is settled so long after its start. */
#define BOOT_S 180.0

struct state {
	enum ebb_policy_mode mode;
	struct ebb_policy policy;
	struct ebb_policy_budget budget;
	struct ebb_policy_domain *domains;
	struct ebb_policy_decision *decisions;
	double *asked_s;
	double decided_s;
};

static uint64_t to_ns(double s)
{
	return (uint64_t)((s + START_S) * (double)EBB_NS_PER_S);
}

static void *begin(struct sim_host *host, enum ebb_policy_mode mode)
{
	struct state *state = calloc(1, sizeof(*state));

	if (!state)
		return NULL;
	state->mode = mode;
	state->domains = calloc(host->guest_count, sizeof(*state->domains));
	state->decisions = calloc(host->guest_count, sizeof(*state->decisions));
	state->asked_s = calloc(host->guest_count, sizeof(*state->asked_s));
	if (!state->domains || !state->decisions || !state->asked_s) {
		sim_ebb_end(state);
		return NULL;
	}
	state->budget = (struct ebb_policy_budget){
		.name = "host",
		.limit_bytes = (uint64_t)host->total_bytes,
		.low_bytes = (uint64_t)(0.05 * host->total_bytes),
		.high_bytes = (uint64_t)(0.075 * host->total_bytes),
		.cover_guests = 1,
	};
	state->policy = (struct ebb_policy){
		.budgets = &state->budget,
		.budget_count = 1,
		.domains = state->domains,
		.domain_count = host->guest_count,
	};
	return state;
}

void *sim_ebb_begin_performance(struct sim_host *host)
{
	return begin(host, EBB_POLICY_PERFORMANCE);
}

void *sim_ebb_begin_balanced(struct sim_host *host)
{
	return begin(host, EBB_POLICY_BALANCED);
}

void *sim_ebb_begin_density(struct sim_host *host)
{
	return begin(host, EBB_POLICY_DENSITY);
}

void sim_ebb_end(void *opaque)
{
	struct state *state = opaque;

	if (!state)
		return;
	free(state->domains);
	free(state->decisions);
	free(state->asked_s);
	free(state);
}

/* What the host sees of a guest; the liar's word is its own. */
static void show(const struct state *state, const struct sim_host *host,
		 const struct sim_guest *guest,
		 struct ebb_policy_domain *domain)
{
	bool lies = guest->kind == SIM_LIAR;
	double free_bytes = lies ? guest->usable_bytes
				 : sim_guest_free_bytes(guest);
	double working_set_bytes =
		lies ? 0
		     : guest->working_set_bytes + sim_guest_hot_bytes(guest);

	*domain = (struct ebb_policy_domain){
		.name = guest->name,
		.shares = guest->shares,
		.mode = state->mode,
		.phase = host->now_s < BOOT_S ? EBB_POLICY_BOOTING
					      : EBB_POLICY_SETTLED,
		.usable_bytes = (uint64_t)guest->usable_bytes,
		.resident_bytes = (uint64_t)guest->resident_bytes,
		.swapped_bytes = (uint64_t)guest->swapped_bytes,
		.heard_ns = to_ns(host->now_s),
		.free_bytes = (uint64_t)free_bytes,
		.lasting_bytes = (uint64_t)free_bytes,
		.free_since_ns = to_ns(guest->free_since_s),
		.working_set_known = true,
		.working_set_bytes = (uint64_t)working_set_bytes,
		.rung = { .free_bytes = (uint64_t)free_bytes, .drive = true },
		.part_count = 1,
		.parts = { { .budget = 0, .part = 1 } },
		.history = guest->history,
	};
}

static void decide(struct state *state, struct sim_host *host)
{
	uint32_t count;

	state->budget.available_bytes =
		(uint64_t)fmax(0, sim_host_available_bytes(host));
	for (uint32_t i = 0; i < host->guest_count; i++)
		show(state, host, &host->guests[i], &state->domains[i]);
	count = ebb_policy_decide(&state->policy, to_ns(host->now_s),
				  state->decisions);
	for (uint32_t i = 0; i < count; i++) {
		const struct ebb_policy_decision *decision =
			&state->decisions[i];
		struct sim_guest *guest = &host->guests[decision->domain];

		/* Asked just now, and heard at the next decision. */
		ebb_policy_asked(&state->domains[decision->domain],
				 decision->bytes, to_ns(host->now_s));
		guest->history = state->domains[decision->domain].history;
		guest->pending_bytes = (double)decision->bytes;
		guest->given_bytes = 0;
		state->asked_s[decision->domain] = host->now_s;
	}
	host->decisions += count;
}

static void answered(struct state *state, struct sim_host *host, uint32_t i)
{
	struct sim_guest *guest = &host->guests[i];

	state->domains[i].history = guest->history;
	ebb_policy_answered(&state->domains[i],
			    guest->refused ? EBB_POLICY_REFUSED
					   : EBB_POLICY_GAVE,
			    (uint64_t)guest->given_bytes, to_ns(host->now_s));
	guest->history = state->domains[i].history;
	guest->pending_bytes = 0;
	guest->refused = false;
}

/* A guest gives what is free at once, and the rest as it frees it. */
static void give(struct state *state, struct sim_host *host, uint32_t i,
		 double step_s)
{
	struct sim_guest *guest = &host->guests[i];
	double left_bytes = guest->pending_bytes - guest->given_bytes;
	double free_bytes = fmax(0, sim_guest_free_bytes(guest) -
					    sim_guest_lent_bytes(guest));
	bool drive = free_bytes < left_bytes;
	double rate = free_bytes > 0 ? LEASE_BYTES_S : DRIVE_BYTES_S;
	double taken_bytes = 0;

	if (guest->pending_bytes <= 0)
		return;
	if (guest->kind != SIM_STUCK)
		taken_bytes = sim_host_take(
			guest, fmin(left_bytes, rate * step_s), drive);
	guest->given_bytes += taken_bytes;
	if (taken_bytes > 0)
		state->asked_s[i] = host->now_s;
	/* Nothing is left but what it works with. */
	guest->refused = guest->kind != SIM_STUCK && taken_bytes <= 0;
	if (guest->given_bytes >= guest->pending_bytes - 1 || guest->refused ||
	    host->now_s - state->asked_s[i] >= GIVE_S)
		answered(state, host, i);
}

void sim_ebb_tick(struct sim_host *host, void *opaque, double step_s)
{
	struct state *state = opaque;
	bool in_need = state->budget.in_need ||
		       sim_host_available_bytes(host) <
			       (double)state->budget.low_bytes;
	double period_s = in_need ? NEED_PERIOD_S : REST_PERIOD_S;

	for (uint32_t i = 0; i < host->guest_count; i++)
		give(state, host, i, step_s);
	if (host->now_s - state->decided_s < period_s)
		return;
	state->decided_s = host->now_s;
	decide(state, host);
}
