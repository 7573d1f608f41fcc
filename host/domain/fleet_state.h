/* SPDX-License-Identifier: GPL-2.0-only */
/* What a fleet is made of; for fleet*.c, which alone write it, and requests.c. */
#ifndef EBB_HOST_FLEET_STATE_H
#define EBB_HOST_FLEET_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/domain/cover.h"
#include "host/domain/fleet.h"
#include "host/domain/holdings.h"
#include "host/domain/pending.h"
#include "host/domain/roster.h"
#include "host/domain/vm.h"

enum {
	/* A call waits so long for libvirtd before it is told what is old. */
	EBB_FLEET_WAIT_MS = 500
};

/**
 * struct ebb_fleet
 * @roster: all domains that libvirt knows, with the vms of those that run
 * @asked: the roster's sequence when the list that comes next was asked for
 * @begun, @done: numbers of refreshes; equal if none is under way
 * @done_ns: when the last one came
 * @refresh_wanted: begin one when the next tick allows
 * @pending: calls that wait for a refresh
 * @silence_timer, @silence_watched: looks whether libvirtd answers, while
 *	requests wait for it
 * @introduce_timer: gives vms their domains, some in each turn of the loop
 */
struct ebb_fleet {
	struct ebb_vm_environment environment;
	struct ebb_turns turns;
	struct ebb_virt *virt;
	const struct ebb_fleet_watcher *watcher; /* or NULL */
	struct ebb_roster roster;
	uint64_t asked;
	uint64_t begun;
	uint64_t done;
	uint64_t done_ns;
	bool refresh_wanted;
	bool dismissed; /* what starts now is nobody's */
	struct ebb_pending pending;
	int pending_timer;
	int silence_timer;
	bool silence_watched;
	int introduce_timer;
	int tick_timer;
	struct ebb_cover cover;
	struct ebb_holdings holdings;
	size_t count;
	size_t capacity;
	struct ebb_vm **vms;
};

/* fleet_refresh.c: at the beginning of a fleet; 0 or -ENOMEM. Ended in any case. */
int ebb_fleet_init_refresh(struct ebb_fleet *fleet);
void ebb_fleet_end_refresh(struct ebb_fleet *fleet);

/* fleet_refresh.c: asks libvirtd, if it is there. Returns whether an answer is to come. */
bool ebb_fleet_begin_refresh(struct ebb_fleet *fleet);

/* fleet_refresh.c: the answer is there, or there is none. */
void ebb_fleet_refreshed(struct ebb_fleet *fleet);

/*
 * fleet_refresh.c: asks libvirtd for all domains, unless it did so a moment ago.
 * Returns the number of the refresh to wait for; 0: what is known is new
 * enough, or libvirtd cannot be asked.
 */
uint64_t ebb_fleet_refresh(struct ebb_fleet *fleet);

/*
 * fleet_refresh.c: lets a call wait for that refresh, EBB_FLEET_WAIT_MS at most; then
 * @serve answers it with what is known.
 */
void ebb_fleet_wait(struct ebb_fleet *fleet, uint64_t refresh,
		    ebb_pending_fn serve, struct ebb_call *call,
		    const struct json_object *arguments);

/* fleet_refresh.c: whether states may be others by now, as libvirtd does not answer. */
bool ebb_fleet_is_old(const struct ebb_fleet *fleet);

/*
 * fleet_refresh.c: a request waits for a job that asks libvirtd: if libvirtd does not
 * answer, it is answered within a second.
 */
void ebb_fleet_watch_silence(struct ebb_fleet *fleet);

/* fleet.c: the vm of an entry, made if it runs and has none yet; else NULL. */
struct ebb_vm *ebb_fleet_vm(struct ebb_fleet *fleet,
			    struct ebb_roster_entry *entry);

#endif /* EBB_HOST_FLEET_STATE_H */
