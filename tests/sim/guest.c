/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/sim/guest.h"

#include <math.h>
#include <stdio.h>

#include "common/size.h"
#include "tests/random.h"

enum {
	DAY_S = 86400,
	PEAK_HOUR_S = 3600,
	STORM_BOOT_S = 60,
	BURST_PERIOD_S = 1800,
	BURST_MIN_S = 30,
	BURST_MAX_S = 300,
};

double sim_random(uint64_t *state)
{
	return (double)(next_random(state) >> 11) / (double)(UINT64_C(1) << 53);
}

const char *sim_kind_name(enum sim_kind kind)
{
	static const char *const names[SIM_KINDS] = {
		"diurnal", "bursty", "storm", "peak", "liar", "stuck", "limited"
	};

	return names[kind];
}

void sim_guest_make(struct sim_guest *guest, enum sim_kind kind, uint64_t seed)
{
	static const uint32_t shares[] = { 50, 100, 100, 200 };
	static const double sizes_gib[] = { 2, 4, 4, 8 };

	*guest = (struct sim_guest){ .kind = kind, .seed = seed };
	guest->shares = shares[seed % 4];
	guest->usable_bytes =
		sizes_gib[(int)(sim_random(&guest->seed) * 4)] * EBB_GIB;
	guest->small_bytes =
		guest->usable_bytes * (0.1 + 0.15 * sim_random(&guest->seed));
	guest->large_bytes =
		guest->usable_bytes * (0.5 + 0.3 * sim_random(&guest->seed));
	guest->cache_bytes_max =
		guest->usable_bytes * (0.1 + 0.4 * sim_random(&guest->seed));
	guest->phase_s = kind == SIM_DIURNAL || kind == SIM_BURSTY
				 ? DAY_S * sim_random(&guest->seed)
				 : STORM_BOOT_S * sim_random(&guest->seed);
	snprintf(guest->name, sizeof(guest->name), "%s-%u", sim_kind_name(kind),
		 (unsigned int)(seed % 10000));
}

static double wave(const struct sim_guest *guest, double now_s)
{
	double turn = (now_s + guest->phase_s) / DAY_S;
	double high = (1 - cos(2 * M_PI * turn)) / 2;

	return guest->small_bytes +
	       (guest->large_bytes - guest->small_bytes) * high;
}

static double bursts(struct sim_guest *guest, double now_s, double step_s)
{
	if (now_s >= guest->burst_until_s &&
	    sim_random(&guest->seed) < step_s / BURST_PERIOD_S)
		guest->burst_until_s =
			now_s + BURST_MIN_S +
			(BURST_MAX_S - BURST_MIN_S) * sim_random(&guest->seed);
	return now_s < guest->burst_until_s ? guest->large_bytes
					    : guest->small_bytes;
}

/* At noon, all at once, within a minute. */
static double peak(const struct sim_guest *guest, double now_s)
{
	double begin_s = DAY_S / 2.0 + guest->phase_s;

	return now_s >= begin_s && now_s < begin_s + PEAK_HOUR_S
		       ? guest->large_bytes
		       : guest->small_bytes;
}

double sim_guest_wants(struct sim_guest *guest, double now_s, double step_s)
{
	switch (guest->kind) {
	case SIM_BURSTY:
		return bursts(guest, now_s, step_s);
	case SIM_STORM:
		return now_s < guest->phase_s + STORM_BOOT_S
			       ? guest->large_bytes
			       : guest->small_bytes;
	case SIM_PEAK:
		return peak(guest, now_s);
	case SIM_LIMITED:
		return guest->small_bytes;
	default:
		return wave(guest, now_s);
	}
}

double sim_guest_free_bytes(const struct sim_guest *guest)
{
	double free_bytes = guest->usable_bytes - guest->balloon_bytes -
			    guest->working_set_bytes - guest->cache_bytes;

	return free_bytes > 0 ? free_bytes : 0;
}

double sim_guest_lent_bytes(const struct sim_guest *guest)
{
	double lent_bytes = guest->usable_bytes - guest->balloon_bytes -
			    guest->resident_bytes - guest->swapped_bytes;

	return lent_bytes > 0 ? lent_bytes : 0;
}

double sim_guest_hot_bytes(const struct sim_guest *guest)
{
	double hot_bytes = HOT_PART * guest->cache_bytes_max;

	return guest->cache_bytes < hot_bytes ? guest->cache_bytes : hot_bytes;
}
