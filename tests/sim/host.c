/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/sim/host.h"

#include <math.h>

#include "common/size.h"

/*
 * Of one guest, by second: what it reads of files that it reads again soon, and of
 * others, which it reads once, as logs and backups; and what a balloon moves.
 */
#define READ_BYTES_S (50.0 * EBB_MIB)
#define READ_ONCE_BYTES_S (5.0 * EBB_MIB)
#define BALLOON_BYTES_S (250.0 * EBB_MIB)
/* Of the host: what goes to swap or comes back from it. */
#define SWAP_BYTES_S (500.0 * EBB_MIB)
/* What a GiB costs a guest: to fault in, and to read again from its disk. */
#define FAULT_S_PER_GIB 0.3
#define READ_S_PER_GIB 2.0
/* A kernel keeps so much of its memory free. */
#define FREE_PART 0.02
/* Of a host, where it is short; of a guest, what stays free to it. As the policy's. */
#define LOW_PART 0.05
#define CUSHION_PART (1.0 / 16)

double sim_host_debt_bytes(const struct sim_host *host)
{
	double debt_bytes = 0;

	for (uint32_t i = 0; i < host->guest_count; i++)
		debt_bytes = fmax(debt_bytes,
				  sim_guest_lent_bytes(&host->guests[i]));
	return debt_bytes;
}

double sim_host_cover_bytes(const struct sim_host *host)
{
	double cover_bytes = fmax(0, sim_host_available_bytes(host) -
					     LOW_PART * host->total_bytes);

	for (uint32_t i = 0; i < host->guest_count; i++) {
		const struct sim_guest *guest = &host->guests[i];
		double cushion_bytes = fmax(guest->usable_bytes * CUSHION_PART,
					    64.0 * EBB_MIB);

		cover_bytes += fmax(0, sim_guest_free_bytes(guest) -
					       sim_guest_lent_bytes(guest) -
					       cushion_bytes);
	}
	return cover_bytes;
}

double sim_host_available_bytes(const struct sim_host *host)
{
	double available_bytes = host->total_bytes - host->base_bytes;

	for (uint32_t i = 0; i < host->guest_count; i++)
		available_bytes -= host->guests[i].resident_bytes;
	return available_bytes;
}

static double swapped_bytes(const struct sim_host *host)
{
	double sum = 0;

	for (uint32_t i = 0; i < host->guest_count; i++)
		sum += host->guests[i].swapped_bytes;
	return sum;
}

/* ---- what the host does when it is out of memory ---- */

/* It knows guests by their pages alone: each loses in proportion. */
static double swap_out(struct sim_host *host, double bytes, double step_s)
{
	double room_bytes = host->swap_bytes - swapped_bytes(host);
	double resident_bytes = 0, part;

	bytes = fmin(bytes, fmin(room_bytes, SWAP_BYTES_S * step_s));
	for (uint32_t i = 0; i < host->guest_count; i++)
		resident_bytes += host->guests[i].resident_bytes;
	if (bytes <= 0 || resident_bytes <= 0)
		return 0;
	part = fmin(1, bytes / resident_bytes);
	for (uint32_t i = 0; i < host->guest_count; i++) {
		struct sim_guest *guest = &host->guests[i];
		double out_bytes = guest->resident_bytes * part;

		guest->resident_bytes -= out_bytes;
		guest->swapped_bytes += out_bytes;
	}
	return bytes;
}

/* The largest; it begins anew, with nothing. */
static double kill_one(struct sim_host *host)
{
	struct sim_guest *largest = &host->guests[0];
	double freed_bytes;

	for (uint32_t i = 1; i < host->guest_count; i++)
		if (host->guests[i].resident_bytes > largest->resident_bytes)
			largest = &host->guests[i];
	freed_bytes = largest->resident_bytes;
	largest->kills++;
	largest->resident_bytes = largest->swapped_bytes = 0;
	largest->working_set_bytes = largest->cache_bytes = 0;
	largest->lost_hot_bytes = 0;
	largest->began_s = host->now_s;
	return freed_bytes;
}

/* Returns what of @bytes a guest gets now. */
static double provide(struct sim_host *host, double bytes, double step_s)
{
	double available_bytes = sim_host_available_bytes(host);

	if (available_bytes < bytes)
		available_bytes +=
			swap_out(host, bytes - available_bytes, step_s);
	if (available_bytes < bytes &&
	    host->swap_bytes - swapped_bytes(host) < EBB_MIB)
		available_bytes += kill_one(host);
	return fmax(0, fmin(bytes, available_bytes));
}

/* ---- what a guest does ---- */

static void stall(struct sim_guest *guest, double s, double step_s)
{
	guest->stall_s += fmin(s, step_s);
}

/* Of new pages, as many as are lent of its free ones must come from the host. */
static void grow(struct sim_host *host, struct sim_guest *guest, double *member,
		 double bytes, double step_s)
{
	double free_bytes = sim_guest_free_bytes(guest);
	double lent_bytes = fmin(sim_guest_lent_bytes(guest), free_bytes);
	double wanted_bytes, got_bytes;
	uint32_t kills = guest->kills;

	if (bytes <= 0 || free_bytes <= 0)
		return;
	bytes = fmin(bytes, free_bytes);
	wanted_bytes = bytes * lent_bytes / free_bytes;
	got_bytes = provide(host, wanted_bytes, step_s);
	/* It was the largest itself. */
	if (guest->kills > kills)
		return;
	guest->resident_bytes += got_bytes;
	guest->fault_bytes += got_bytes;
	stall(guest, got_bytes / EBB_GIB * FAULT_S_PER_GIB, step_s);
	if (got_bytes < wanted_bytes) {
		bytes -= wanted_bytes - got_bytes;
		stall(guest, step_s, step_s);
	}
	*member += bytes;
}

static void drop_cache(struct sim_guest *guest, double bytes)
{
	double hot_bytes = sim_guest_hot_bytes(guest);

	guest->cache_bytes -= fmin(bytes, guest->cache_bytes);
	guest->lost_hot_bytes += hot_bytes - sim_guest_hot_bytes(guest);
}

static void move_balloon(struct sim_guest *guest, double step_s)
{
	double most_bytes = BALLOON_BYTES_S * step_s;
	double bytes = guest->balloon_goal_bytes - guest->balloon_bytes;
	double free_bytes;

	bytes = fmax(-most_bytes, fmin(most_bytes, bytes));
	if (bytes > 0) {
		free_bytes = sim_guest_free_bytes(guest);
		if (bytes > free_bytes)
			drop_cache(guest, bytes - free_bytes);
		/* What it works with it keeps, as the balloon may deflate. */
		bytes = fmin(bytes, sim_guest_free_bytes(guest));
		guest->resident_bytes -=
			fmax(0, bytes - sim_guest_lent_bytes(guest));
		guest->resident_bytes = fmax(0, guest->resident_bytes);
	}
	guest->balloon_bytes += bytes;
}

/* What it works with lies in swap in part, and is touched within seconds. */
static void swap_in(struct sim_host *host, struct sim_guest *guest,
		    double step_s)
{
	double held_bytes = guest->resident_bytes + guest->swapped_bytes;
	double part = held_bytes > 0 ? guest->working_set_bytes / held_bytes
				     : 0;
	double wanted_bytes =
		fmin(guest->swapped_bytes * part, SWAP_BYTES_S * step_s);
	double got_bytes = provide(host, wanted_bytes, step_s);

	/* More of it may have gone there meanwhile, or all of it with the guest. */
	got_bytes = fmin(got_bytes, guest->swapped_bytes);
	guest->swapped_bytes -= got_bytes;
	guest->resident_bytes += got_bytes;
	stall(guest, got_bytes / SWAP_BYTES_S, step_s);
}

static void read_disk(struct sim_host *host, struct sim_guest *guest,
		      double step_s)
{
	double room_bytes =
		sim_guest_free_bytes(guest) - FREE_PART * guest->usable_bytes;
	bool hot = guest->cache_bytes < HOT_PART * guest->cache_bytes_max;
	double rate = hot ? READ_BYTES_S : READ_ONCE_BYTES_S;
	double bytes = fmin(fmin(rate * step_s, room_bytes),
			    guest->cache_bytes_max - guest->cache_bytes);
	double before_bytes = guest->cache_bytes;
	double again_bytes;

	grow(host, guest, &guest->cache_bytes, bytes, step_s);
	again_bytes = fmin(fmax(0, guest->cache_bytes - before_bytes),
			   guest->lost_hot_bytes);
	guest->lost_hot_bytes -= again_bytes;
	guest->refault_bytes += again_bytes;
	stall(guest, again_bytes / EBB_GIB * READ_S_PER_GIB, step_s);
}

static void live(struct sim_host *host, struct sim_guest *guest, double step_s)
{
	double wanted_bytes = sim_guest_wants(guest, host->now_s, step_s);
	double bytes = wanted_bytes - guest->working_set_bytes;

	move_balloon(guest, step_s);
	if (bytes < 0)
		guest->working_set_bytes = wanted_bytes;
	if (bytes > sim_guest_free_bytes(guest))
		drop_cache(guest, bytes - sim_guest_free_bytes(guest));
	/* The balloon that is in the way: nothing lets it go in time. */
	if (bytes > sim_guest_free_bytes(guest))
		stall(guest, step_s, step_s);
	grow(host, guest, &guest->working_set_bytes, bytes, step_s);
	if (guest->swapped_bytes > 0)
		swap_in(host, guest, step_s);
	read_disk(host, guest, step_s);
	/* Its files do not fit into its container's limit, however much is free. */
	if (guest->kind == SIM_LIMITED)
		guest->own_refault_bytes += READ_BYTES_S * step_s;
	guest->held_byte_s += guest->resident_bytes * step_s;
}

void sim_host_step(struct sim_host *host, double step_s)
{
	double available_bytes;

	host->now_s += step_s;
	for (uint32_t i = 0; i < host->guest_count; i++)
		live(host, &host->guests[i], step_s);
	available_bytes = sim_host_available_bytes(host);
	if (available_bytes < host->least_available_bytes)
		host->least_available_bytes = available_bytes;
}

double sim_host_take(struct sim_guest *guest, double bytes, bool drive)
{
	double resident_free = fmax(0, sim_guest_free_bytes(guest) -
					       sim_guest_lent_bytes(guest));
	double cold_bytes = guest->cache_bytes - sim_guest_hot_bytes(guest);
	double taken_bytes = fmin(bytes, resident_free);

	if (drive && bytes > taken_bytes && cold_bytes > 0) {
		cold_bytes = fmin(cold_bytes, bytes - taken_bytes);
		drop_cache(guest, cold_bytes);
		taken_bytes += cold_bytes;
	}
	guest->resident_bytes -= fmin(taken_bytes, guest->resident_bytes);
	return taken_bytes;
}
