/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Asks libvirtd for all domains anew. Two things wait for its answer: calls, for a short
 * while, and requests that a job works on, which end if there is no answer.
 */
#include <errno.h>

#include "common/clock.h"
#include "host/base/loop.h"
#include "host/domain/fleet_state.h"

enum {
	/* What libvirtd said so lately is not asked for again. */
	REFRESH_MS = 1000,
	/* A libvirtd that owes an answer for so long hangs. */
	OLD_MS = EBB_FLEET_WAIT_MS,
	/* And so long a request waits for a job that waits for it. */
	SILENCE_MS = 650,
};

bool ebb_fleet_begin_refresh(struct ebb_fleet *fleet)
{
	if (fleet->begun == fleet->done && ebb_virt_refresh(fleet->virt) == 0) {
		fleet->asked = fleet->roster.sequence;
		fleet->begun++;
	}
	return fleet->begun != fleet->done;
}

static void serve_pending(struct ebb_fleet *fleet)
{
	uint64_t now_ns = ebb_now_ns();
	uint64_t next_ns =
		ebb_pending_serve(&fleet->pending, fleet->done, now_ns);

	ebb_loop_timer_set(
		fleet->pending_timer,
		next_ns ? (int)((next_ns - now_ns) / EBB_NS_PER_MS) + 1 : -1);
}

static void on_pending(int timer, void *opaque)
{
	(void)timer;
	serve_pending(opaque);
}

void ebb_fleet_refreshed(struct ebb_fleet *fleet)
{
	fleet->done = fleet->begun;
	fleet->done_ns = ebb_now_ns();
	serve_pending(fleet);
	/* Calls that came while it was under way wait for the next. */
	if (fleet->pending.first)
		ebb_fleet_begin_refresh(fleet);
}

bool ebb_fleet_is_old(const struct ebb_fleet *fleet)
{
	uint64_t asked_ns = ebb_virt_asked_ns(fleet->virt);

	return !ebb_virt_is_connected(fleet->virt) ||
	       (asked_ns &&
		ebb_now_ns() - asked_ns >= (uint64_t)OLD_MS * EBB_NS_PER_MS);
}

uint64_t ebb_fleet_refresh(struct ebb_fleet *fleet)
{
	bool under_way = fleet->begun != fleet->done;

	if (ebb_fleet_is_old(fleet) ||
	    (!under_way && ebb_now_ns() - fleet->done_ns <
				   (uint64_t)REFRESH_MS * EBB_NS_PER_MS))
		return 0;
	/* One that began before may not have what the caller has seen. */
	fleet->refresh_wanted |= under_way;
	if (!ebb_fleet_begin_refresh(fleet))
		return 0;
	return fleet->begun + under_way;
}

void ebb_fleet_ask(struct ebb_fleet *fleet)
{
	(void)ebb_fleet_refresh(fleet);
}

void ebb_fleet_see_libvirt(const struct ebb_fleet *fleet,
			   struct ebb_fleet_libvirt *ret_libvirt)
{
	*ret_libvirt = (struct ebb_fleet_libvirt){
		.connected = ebb_virt_is_connected(fleet->virt),
		.version = ebb_virt_version(fleet->virt),
		.owed = ebb_virt_asked_ns(fleet->virt) != 0,
		.silent = ebb_virt_is_connected(fleet->virt) &&
			  ebb_fleet_is_old(fleet),
	};
}

void ebb_fleet_wait(struct ebb_fleet *fleet, uint64_t refresh,
		    ebb_pending_fn serve, struct ebb_call *call,
		    const struct json_object *arguments)
{
	ebb_pending_add(&fleet->pending, refresh,
			ebb_now_ns() +
				(uint64_t)EBB_FLEET_WAIT_MS * EBB_NS_PER_MS,
			serve, call, arguments, fleet);
	serve_pending(fleet);
}

/* ---- requests that wait for a job, and that for libvirtd ---- */

/*
 * The job does not know how long libvirtd takes, and may have no thread yet. So
 * libvirtd is asked for the domains meanwhile, which it answers soon if at all.
 */
static void on_silence(int timer, void *opaque)
{
	struct ebb_fleet *fleet = opaque;
	bool old = ebb_fleet_is_old(fleet);
	bool waiting = false;

	for (size_t i = 0; i < fleet->count; i++) {
		if (old)
			ebb_vm_libvirtd_is_silent(fleet->vms[i]);
		waiting |= ebb_vm_is_waited_for(fleet->vms[i]);
	}
	fleet->silence_watched = waiting;
	if (waiting)
		ebb_fleet_begin_refresh(fleet);
	else
		ebb_loop_timer_set(timer, -1);
}

void ebb_fleet_watch_silence(struct ebb_fleet *fleet)
{
	/* Who asks again and again does not put it off. */
	if (fleet->silence_watched)
		return;
	fleet->silence_watched = true;
	ebb_fleet_begin_refresh(fleet);
	ebb_loop_timer_set(fleet->silence_timer, SILENCE_MS);
}

int ebb_fleet_init_refresh(struct ebb_fleet *fleet)
{
	fleet->pending_timer = ebb_loop_timer(-1, on_pending, fleet);
	fleet->silence_timer = ebb_loop_timer(-1, on_silence, fleet);
	return fleet->pending_timer < 0 || fleet->silence_timer < 0 ? -ENOMEM
								    : 0;
}

void ebb_fleet_end_refresh(struct ebb_fleet *fleet)
{
	if (fleet->pending_timer >= 0)
		ebb_loop_timer_remove(fleet->pending_timer);
	if (fleet->silence_timer >= 0)
		ebb_loop_timer_remove(fleet->silence_timer);
}
