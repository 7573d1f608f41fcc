/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/sim/rules.h"

#include <math.h>
#include <stddef.h>

#include "common/size.h"
#include "tests/sim/ebb.h"

/* Of what is free in a guest: how soon free page reporting gives it back. */
#define REPORT_S 2.0
/* MoM's default policy, for balloons of a host under pressure. */
#define MOM_PERIOD_S 10.0
#define MOM_FREE_PART 0.20
#define MOM_STEP_PART 0.05
#define MOM_KEEP_PART 0.20
/* Proxmox VE's automatic ballooning. */
#define PVE_PERIOD_S 10.0
#define PVE_GOAL_PART 0.80
#define PVE_STEP_BYTES (100.0 * EBB_MIB)

static bool is_due(const struct sim_host *host, double period_s, double step_s)
{
	return fmod(host->now_s, period_s) < step_s;
}

static double used_bytes(const struct sim_guest *guest)
{
	return guest->working_set_bytes + guest->cache_bytes;
}

static void set_goal(struct sim_host *host, struct sim_guest *guest,
		     double goal_bytes)
{
	goal_bytes = fmax(0, fmin(goal_bytes, 0.9 * guest->usable_bytes));
	if (fabs(goal_bytes - guest->balloon_goal_bytes) > EBB_MIB)
		host->decisions++;
	guest->balloon_goal_bytes = goal_bytes;
}

/* ---- what was set once ---- */

static void *begin_fixed(struct sim_host *host)
{
	double usable_bytes = 0, part;

	for (uint32_t i = 0; i < host->guest_count; i++)
		usable_bytes += host->guests[i].usable_bytes;
	part = (host->total_bytes - host->base_bytes) / usable_bytes;
	for (uint32_t i = 0; i < host->guest_count; i++) {
		struct sim_guest *guest = &host->guests[i];

		guest->balloon_bytes = guest->balloon_goal_bytes =
			fmax(0, guest->usable_bytes * (1 - part));
	}
	return NULL;
}

/* ---- MoM ---- */

static void tick_mom(struct sim_host *host, void *state, double step_s)
{
	bool short_of_memory = sim_host_available_bytes(host) <
			       MOM_FREE_PART * host->total_bytes;

	(void)state;
	if (!is_due(host, MOM_PERIOD_S, step_s))
		return;
	for (uint32_t i = 0; i < host->guest_count; i++) {
		struct sim_guest *guest = &host->guests[i];
		double step_bytes = MOM_STEP_PART * guest->usable_bytes;
		double keep_bytes =
			guest->working_set_bytes * (1 + MOM_KEEP_PART);
		double most_bytes = guest->usable_bytes - keep_bytes;
		double goal_bytes = guest->balloon_goal_bytes;

		if (short_of_memory)
			goal_bytes = fmin(goal_bytes + step_bytes,
					  fmax(most_bytes, 0));
		else
			goal_bytes -= step_bytes;
		set_goal(host, guest, goal_bytes);
	}
}

/* ---- Proxmox ---- */

static void tick_pve(struct sim_host *host, void *state, double step_s)
{
	double over_bytes = (1 - PVE_GOAL_PART) * host->total_bytes -
			    sim_host_available_bytes(host);
	double each_bytes;

	(void)state;
	if (!is_due(host, PVE_PERIOD_S, step_s) || host->guest_count == 0)
		return;
	each_bytes = fmax(-PVE_STEP_BYTES,
			  fmin(PVE_STEP_BYTES, over_bytes / host->guest_count));
	for (uint32_t i = 0; i < host->guest_count; i++) {
		struct sim_guest *guest = &host->guests[i];
		double goal_bytes = guest->balloon_goal_bytes + each_bytes;

		/* Half of a guest is the usual minimum. */
		set_goal(host, guest,
			 fmin(goal_bytes, guest->usable_bytes / 2));
	}
}

/* ---- free page reporting ---- */

static void tick_report(struct sim_host *host, void *state, double step_s)
{
	(void)state;
	for (uint32_t i = 0; i < host->guest_count; i++) {
		struct sim_guest *guest = &host->guests[i];
		double bytes = guest->usable_bytes - used_bytes(guest) -
			       sim_guest_lent_bytes(guest);

		if (bytes > 0)
			sim_host_take(guest, bytes * step_s / REPORT_S, false);
	}
}

const struct sim_rule sim_rules[] = {
	{ .name = "none", .what = "nothing" },
	{ .name = "fixed",
	  .what = "balloons set once, to the host's size",
	  .begin = begin_fixed },
	{ .name = "mom",
	  .what = "MoM: under 20 % free, balloons grow 5 % each 10 s",
	  .tick = tick_mom },
	{ .name = "proxmox",
	  .what = "Proxmox: 80 % of the host, at most 100 MiB each 10 s",
	  .tick = tick_pve },
	{ .name = "reporting",
	  .what = "free page reporting: all that is free for 2 s",
	  .tick = tick_report },
	{ .name = "performance",
	  .what = "Ebb: upon need",
	  .begin = sim_ebb_begin_performance,
	  .tick = sim_ebb_tick,
	  .end = sim_ebb_end },
	{ .name = "balanced",
	  .what = "Ebb: upon need, and what is unused fades",
	  .begin = sim_ebb_begin_balanced,
	  .tick = sim_ebb_tick,
	  .end = sim_ebb_end },
	{ .name = "density",
	  .what = "Ebb: down to working set and cushion",
	  .begin = sim_ebb_begin_density,
	  .tick = sim_ebb_tick,
	  .end = sim_ebb_end },
	{ .name = "heeding",
	  .what = "as balanced, but a container's pressure counts as the guest's",
	  .begin = sim_ebb_begin_heeding,
	  .tick = sim_ebb_tick,
	  .end = sim_ebb_end },
	{ .name = NULL },
};
