/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/fleet.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "host/base/crowd.h"
#include "host/base/loop.h"
#include "host/domain/fleet_state.h"
#include "host/domain/sight.h"
#include "host/history/past.h"
#include "host/memory/swapped.h"

enum {
	TICK_MS = 1000,
	/* Domains that get their vm in one turn of the loop. */
	INTRODUCE_MAX = 8,
};

static int reserve(struct ebb_fleet *fleet)
{
	size_t capacity = fleet->capacity ? 2 * fleet->capacity : 16;
	struct ebb_vm **vms;

	if (fleet->count < fleet->capacity)
		return 0;
	vms = realloc(fleet->vms, capacity * sizeof(struct ebb_vm *));
	if (!vms)
		return -ENOMEM;
	fleet->vms = vms;
	fleet->capacity = capacity;
	return 0;
}

static void tell_life(const struct ebb_fleet *fleet, const struct ebb_vm *vm,
		      enum ebb_event_kind kind, const char *what)
{
	const struct ebb_news news = {
		.kind = kind,
		.domain = ebb_vm_name(vm),
		.uuid = ebb_vm_uuid(vm),
	};

	ebb_past_tell(fleet->environment.past, EBB_LOG_DEBUG, &news, "%s %s",
		      news.domain, what);
}

static void add(struct ebb_fleet *fleet, struct ebb_roster_entry *entry,
		struct ebb_domain *domain)
{
	if (reserve(fleet) == 0)
		entry->vm = ebb_vm_new(&fleet->environment, domain);
	if (!entry->vm) {
		ebb_log(EBB_LOG_ERR, "%s: not watched: out of memory",
			entry->name);
		return;
	}
	ebb_vm_inherit(entry->vm, &entry->counters);
	fleet->vms[fleet->count++] = entry->vm;
	ebb_vm_note_state(entry->vm, entry->state);
	if (!entry->found)
		tell_life(fleet, entry->vm, EBB_EVENT_DOMAIN_CAME, "runs");
	if (fleet->watcher)
		fleet->watcher->came(entry->vm, fleet->watcher->opaque);
}

static void remove_vm(struct ebb_fleet *fleet, struct ebb_vm *vm)
{
	for (size_t i = 0; i < fleet->count; i++) {
		if (fleet->vms[i] != vm)
			continue;
		fleet->vms[i] = fleet->vms[--fleet->count];
		if (!fleet->dismissed)
			tell_life(fleet, vm, EBB_EVENT_DOMAIN_WENT,
				  "runs no more");
		if (fleet->watcher)
			fleet->watcher->went(vm, fleet->watcher->opaque);
		ebb_vm_dismiss(vm, fleet->dismissed ? EBB_VM_EBBD_ENDS
						    : EBB_VM_DOMAIN_ENDED);
		return;
	}
}

/* ---- the roster ---- */

/* It has no process any more, or none of ours. */
static void let_go(struct ebb_fleet *fleet, struct ebb_roster_entry *entry)
{
	struct ebb_vm *vm = entry->vm;

	ebb_domain_unref(entry->fresh);
	entry->fresh = NULL;
	entry->vm = NULL;
	entry->found = false;
	if (!vm)
		return;
	entry->counters = ebb_vm_counters(vm);
	remove_vm(fleet, vm);
}

/* Its vm is to have this reference, soon. */
static void give(struct ebb_fleet *fleet, struct ebb_roster_entry *entry,
		 struct ebb_domain *domain)
{
	ebb_domain_unref(entry->fresh);
	entry->fresh = ebb_domain_ref(domain);
	ebb_loop_timer_set(fleet->introduce_timer, 0);
}

static void introduce(struct ebb_fleet *fleet, struct ebb_roster_entry *entry)
{
	struct ebb_domain *domain = entry->fresh;

	entry->fresh = NULL;
	if (entry->vm)
		ebb_vm_reconnect(entry->vm, domain);
	else
		add(fleet, entry, domain);
	ebb_domain_unref(domain);
}

/* After a restart of libvirtd there may be a thousand of them. */
static void on_introduce(int timer, void *opaque)
{
	struct ebb_fleet *fleet = opaque;
	uint32_t left = INTRODUCE_MAX;

	for (size_t i = 0; i < fleet->roster.count; i++) {
		if (!fleet->roster.entries[i]->fresh)
			continue;
		if (left-- == 0)
			return;
		introduce(fleet, fleet->roster.entries[i]);
	}
	ebb_loop_timer_set(timer, -1);
}

struct ebb_vm *ebb_fleet_vm(struct ebb_fleet *fleet,
			    struct ebb_roster_entry *entry)
{
	if (entry->fresh)
		introduce(fleet, entry);
	return entry->vm;
}

static struct ebb_roster_entry *enter(struct ebb_fleet *fleet,
				      const struct ebb_domain *domain)
{
	struct ebb_roster_entry *entry =
		ebb_roster_add(&fleet->roster, ebb_domain_uuid(domain),
			       ebb_domain_name(domain));

	if (!entry)
		ebb_log(EBB_LOG_ERR, "%s: not watched: out of memory",
			ebb_domain_name(domain));
	return entry;
}

/* What the list says of one domain. @anew: by a connection of now. */
static void take_entry(struct ebb_fleet *fleet,
		       const struct ebb_virt_entry *listed, bool anew)
{
	struct ebb_roster_entry *entry = enter(fleet, listed->domain);

	if (!entry)
		return;
	ebb_roster_list(entry, listed->state, fleet->asked);
	if (entry->state == EBB_DOMAIN_UNKNOWN)
		return;
	if (entry->vm)
		ebb_vm_note_state(entry->vm, entry->state);
	if (!ebb_domain_state_is_active(entry->state)) {
		let_go(fleet, entry);
		return;
	}
	/* It ran when ebbd was started: that it came is no news. */
	if (fleet->done == 0)
		entry->found = true;
	if (anew || (!entry->vm && !entry->fresh))
		give(fleet, entry, listed->domain);
}

/* Brings the fleet in line with what libvirt has. */
static void take_list(struct ebb_fleet *fleet, const struct ebb_virt_list *list,
		      bool anew)
{
	struct ebb_roster_entry *entry;

	/* What was removed meanwhile may come back with it, but not for long. */
	fleet->refresh_wanted = fleet->roster.sequence != fleet->asked;
	ebb_roster_begin(&fleet->roster);
	for (uint32_t i = 0; i < list->count; i++)
		take_entry(fleet, &list->entries[i], anew);
	while ((entry = ebb_roster_unlisted(&fleet->roster, fleet->asked))) {
		let_go(fleet, entry);
		ebb_roster_remove(&fleet->roster, entry);
	}
}

/* ---- what libvirt tells ---- */

static void tell_vm(struct ebb_fleet *fleet, struct ebb_roster_entry *entry,
		    enum ebb_virt_event event)
{
	struct ebb_vm *vm = entry->vm;

	ebb_vm_note_state(vm, entry->state);
	switch (event) {
	case EBB_VIRT_RESET:
		ebb_vm_reset(vm);
		break;
	case EBB_VIRT_PAUSED:
	case EBB_VIRT_RESUMED:
		ebb_vm_job_is_likely(vm);
		break;
	case EBB_VIRT_STARTED:
	case EBB_VIRT_PM_SUSPENDED:
	case EBB_VIRT_PM_WOKEN:
	case EBB_VIRT_MEMORY_CHANGED:
		ebb_vm_invalidate(vm);
		break;
	case EBB_VIRT_PINNED:
		/* Each processor is an event: who shares loses no lease for it. */
		if (ebb_vm_settings(vm)->values.reserved == EBB_RESERVED_KEEP)
			ebb_vm_invalidate(vm);
		break;
	case EBB_VIRT_JOB_RUNS:
		ebb_vm_want_job(vm);
		break;
	case EBB_VIRT_JOB_ENDED:
		ebb_vm_job_ended(vm);
		break;
	case EBB_VIRT_MEMORY_RESIZED:
		ebb_vm_memory_resized(vm);
		break;
	case EBB_VIRT_AGENT_CHANGED:
		ebb_vm_agent_changed(vm);
		break;
	case EBB_VIRT_METADATA_CHANGED:
		ebb_vm_metadata_changed(vm);
		break;
	default:
		/* Its memory is as it was. */
		break;
	}
	if (fleet->watcher)
		fleet->watcher->changed(vm, fleet->watcher->opaque);
}

static void on_defined(struct ebb_fleet *fleet, struct ebb_roster_entry *entry,
		       enum ebb_virt_event event)
{
	if (event == EBB_VIRT_DEFINED && entry->state == EBB_DOMAIN_UNKNOWN)
		ebb_roster_change(&fleet->roster, entry, EBB_DOMAIN_SHUTOFF);
	/* One that runs goes on without a definition. */
	if (entry->vm)
		ebb_vm_metadata_changed(entry->vm);
	else if (event == EBB_VIRT_UNDEFINED && !entry->fresh)
		ebb_roster_remove(&fleet->roster, entry);
}

static void on_event(struct ebb_domain *domain, enum ebb_virt_event event,
		     enum ebb_domain_state state, void *opaque)
{
	struct ebb_fleet *fleet = opaque;
	struct ebb_roster_entry *entry;

	if (fleet->dismissed)
		return;
	entry = enter(fleet, domain);
	if (!entry)
		return;
	if (event == EBB_VIRT_DEFINED || event == EBB_VIRT_UNDEFINED) {
		on_defined(fleet, entry, event);
		return;
	}
	if (state != EBB_DOMAIN_UNKNOWN)
		ebb_roster_change(&fleet->roster, entry, state);
	if (event == EBB_VIRT_STOPPED) {
		let_go(fleet, entry);
		/* A transient one is no more, and no event says so. */
		fleet->refresh_wanted = true;
	} else if (entry->vm) {
		tell_vm(fleet, entry, event);
	} else if (!entry->fresh && ebb_domain_state_is_active(entry->state)) {
		give(fleet, entry, domain);
	}
}

/* A domain that has no vm yet is looked at later, which finds its balloon. */
static void on_balloon(struct ebb_domain *domain, uint64_t left_bytes,
		       void *opaque)
{
	struct ebb_fleet *fleet = opaque;
	const struct ebb_roster_entry *entry =
		ebb_roster_find(&fleet->roster, ebb_domain_uuid(domain));

	if (entry && entry->vm)
		ebb_vm_balloon_changed(entry->vm, left_bytes);
}

static void on_connected(const struct ebb_virt_list *list, void *opaque)
{
	struct ebb_fleet *fleet = opaque;

	if (fleet->dismissed)
		return;
	take_list(fleet, list, true);
	fleet->begun++;
	ebb_fleet_refreshed(fleet);
	ebb_log(EBB_LOG_INFO, "connected to %s, %u domains",
		fleet->environment.config->uri, list->count);
}

static void on_listed(const struct ebb_virt_list *list, void *opaque)
{
	struct ebb_fleet *fleet = opaque;

	if (list && !fleet->dismissed)
		take_list(fleet, list, false);
	ebb_fleet_refreshed(fleet);
}

static void on_disconnected(void *opaque)
{
	struct ebb_fleet *fleet = opaque;

	ebb_log(EBB_LOG_WARNING,
		"libvirtd is gone; nothing is reclaimed until it is back");
	/* Events from now on are of the connection to come. */
	fleet->asked = fleet->roster.sequence;
	for (size_t i = 0; i < fleet->roster.count; i++) {
		ebb_domain_unref(fleet->roster.entries[i]->fresh);
		fleet->roster.entries[i]->fresh = NULL;
	}
	for (size_t i = 0; i < fleet->count; i++)
		ebb_vm_disconnect(fleet->vms[i]);
}

const struct ebb_virt_ops ebb_fleet_virt_ops = {
	.connected = on_connected,
	.listed = on_listed,
	.disconnected = on_disconnected,
	.event = on_event,
	.balloon = on_balloon,
};

static void on_tick(int timer, void *opaque)
{
	struct ebb_fleet *fleet = opaque;
	uint64_t now_ns = ebb_now_ns();

	(void)timer;
	for (size_t i = 0; i < fleet->count; i++)
		ebb_vm_tick(fleet->vms[i], now_ns);
	if (fleet->refresh_wanted && fleet->virt &&
	    ebb_fleet_begin_refresh(fleet))
		fleet->refresh_wanted = false;
}

/* Reclaims that get a thread at once: worker.h keeps some for other work. */
static uint32_t turns_limit(const struct ebb_config *config)
{
	uint32_t threads = config->workers - (EBB_WORKERS_MIN - 1);

	return config->reclaims < threads ? config->reclaims : threads;
}

int ebb_fleet_new(const struct ebb_config *config, struct ebb_workers *workers,
		  struct ebb_fleet **ret_fleet)
{
	struct ebb_fleet *fleet = calloc(1, sizeof(*fleet));

	if (!fleet)
		return -ENOMEM;
	fleet->environment.config = config;
	fleet->environment.workers = workers;
	fleet->environment.turns = &fleet->turns;
	fleet->turns.limit = turns_limit(config);
	fleet->tick_timer = ebb_loop_timer(TICK_MS, on_tick, fleet);
	fleet->introduce_timer = ebb_loop_timer(-1, on_introduce, fleet);
	if (ebb_fleet_init_refresh(fleet) < 0 || fleet->tick_timer < 0 ||
	    fleet->introduce_timer < 0 ||
	    ebb_crowd_new(&fleet->environment.crowd) < 0 ||
	    ebb_cover_begin(&fleet->cover, &fleet->environment, &fleet->roster,
			    EBB_HUGEPOOL_ROOT) < 0 ||
	    ebb_holdings_begin(&fleet->holdings, &fleet->environment,
			       &fleet->roster, EBB_SWAPPED_PATH) < 0) {
		ebb_fleet_free(fleet);
		return -EIO;
	}
	*ret_fleet = fleet;
	return 0;
}

void ebb_fleet_watch(struct ebb_fleet *fleet,
		     const struct ebb_fleet_watcher *watcher)
{
	fleet->watcher = watcher;
	fleet->environment.found = watcher->found;
	fleet->environment.pause_of = watcher->pause_of;
	fleet->environment.opaque = watcher->opaque;
}

bool ebb_fleet_find(const struct ebb_fleet *fleet, const char *name_or_uuid,
		    struct ebb_fleet_domain *ret_domain)
{
	const struct ebb_roster_entry *entry = NULL;

	if (fleet)
		entry = ebb_roster_find_name(&fleet->roster, name_or_uuid);
	if (!entry)
		return false;
	*ret_domain = (struct ebb_fleet_domain){ .name = entry->name,
						 .uuid = entry->uuid };
	return true;
}

void ebb_fleet_set_virt(struct ebb_fleet *fleet, struct ebb_virt *virt)
{
	fleet->virt = virt;
}

void ebb_fleet_set_past(struct ebb_fleet *fleet, struct ebb_past *past)
{
	fleet->environment.past = past;
}

void ebb_fleet_config_changed(struct ebb_fleet *fleet)
{
	for (size_t i = 0; i < fleet->count; i++)
		ebb_vm_config_changed(fleet->vms[i]);
}

void ebb_fleet_dismiss(struct ebb_fleet *fleet)
{
	/* What libvirt tells from now on would find nobody to dismiss it. */
	fleet->dismissed = true;
	/* Balloons that hang do not use up the time of those that do not. */
	for (size_t i = 0; i < fleet->roster.count; i++)
		if (fleet->roster.entries[i]->vm &&
		    !ebb_vm_is_guard_unread(fleet->roster.entries[i]->vm))
			let_go(fleet, fleet->roster.entries[i]);
	for (size_t i = 0; i < fleet->roster.count; i++)
		let_go(fleet, fleet->roster.entries[i]);
	/* The calls that wait are told what is known: nothing any more. */
	ebb_pending_serve(&fleet->pending, UINT64_MAX, 0);
	ebb_holdings_dismiss(&fleet->holdings);
}

void ebb_fleet_free(struct ebb_fleet *fleet)
{
	if (!fleet)
		return;
	if (fleet->tick_timer >= 0)
		ebb_loop_timer_remove(fleet->tick_timer);
	if (fleet->introduce_timer >= 0)
		ebb_loop_timer_remove(fleet->introduce_timer);
	ebb_fleet_end_refresh(fleet);
	ebb_cover_end(&fleet->cover);
	ebb_holdings_end(&fleet->holdings);
	ebb_crowd_free(fleet->environment.crowd);
	ebb_roster_clear(&fleet->roster);
	free(fleet->vms);
	free(fleet);
}
