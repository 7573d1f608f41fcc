/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/fleet.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "host/base/loop.h"
#include "host/domain/fleet_state.h"
#include "host/memory/hugepool.h"

enum {
	TICK_MS = 1000
};

struct ebb_vm *ebb_fleet_find(struct ebb_fleet *fleet, const char *uuid)
{
	for (size_t i = 0; i < fleet->count; i++)
		if (strcmp(ebb_vm_uuid(fleet->vms[i]), uuid) == 0)
			return fleet->vms[i];
	return NULL;
}

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

static void add(struct ebb_fleet *fleet, struct ebb_domain *domain)
{
	struct ebb_vm *vm = NULL;

	if (reserve(fleet) == 0)
		vm = ebb_vm_new(&fleet->environment, domain);
	if (vm)
		fleet->vms[fleet->count++] = vm;
	else
		ebb_log(EBB_LOG_ERR, "%s: not watched: out of memory",
			ebb_domain_name(domain));
}

static void remove_vm(struct ebb_fleet *fleet, struct ebb_vm *vm)
{
	for (size_t i = 0; i < fleet->count; i++) {
		if (fleet->vms[i] != vm)
			continue;
		fleet->vms[i] = fleet->vms[--fleet->count];
		ebb_vm_dismiss(vm);
		return;
	}
}

static void on_event(struct ebb_domain *domain, enum ebb_virt_event event,
		     void *opaque)
{
	struct ebb_fleet *fleet = opaque;
	struct ebb_vm *vm = ebb_fleet_find(fleet, ebb_domain_uuid(domain));

	if (!vm) {
		if (event == EBB_VIRT_STARTED || event == EBB_VIRT_RESUMED)
			add(fleet, domain);
		return;
	}
	switch (event) {
	case EBB_VIRT_STOPPED:
		remove_vm(fleet, vm);
		break;
	case EBB_VIRT_RESET:
		ebb_vm_reset(vm);
		break;
	case EBB_VIRT_STARTED:
	case EBB_VIRT_PAUSED:
	case EBB_VIRT_RESUMED:
	case EBB_VIRT_MEMORY_CHANGED:
	case EBB_VIRT_JOB_ENDED:
		ebb_vm_invalidate(vm);
		break;
	case EBB_VIRT_AGENT_CHANGED:
		ebb_vm_agent_changed(vm);
		break;
	}
}

/* Brings the fleet in line with what runs. */
static void on_connected(void *opaque)
{
	struct ebb_fleet *fleet = opaque;
	struct ebb_domain **domains;
	int count = ebb_virt_list(fleet->virt, true, &domains);
	bool runs;

	if (count < 0)
		return; /* the connection's end is told next */
	for (size_t i = fleet->count; i-- > 0;) {
		runs = false;
		for (int d = 0; d < count && !runs; d++)
			runs = strcmp(ebb_vm_uuid(fleet->vms[i]),
				      ebb_domain_uuid(domains[d])) == 0;
		if (!runs)
			remove_vm(fleet, fleet->vms[i]);
	}
	for (int d = 0; d < count; d++) {
		struct ebb_vm *vm =
			ebb_fleet_find(fleet, ebb_domain_uuid(domains[d]));

		if (vm)
			ebb_vm_reconnect(vm, domains[d]);
		else
			add(fleet, domains[d]);
		ebb_domain_unref(domains[d]);
	}
	free(domains);
	ebb_log(EBB_LOG_INFO, "connected to %s, %d domains run",
		fleet->environment.config->uri, count);
}

static void on_disconnected(void *opaque)
{
	struct ebb_fleet *fleet = opaque;

	ebb_log(EBB_LOG_WARNING,
		"libvirtd is gone; nothing is reclaimed until it is back");
	for (size_t i = 0; i < fleet->count; i++)
		ebb_vm_disconnect(fleet->vms[i]);
}

const struct ebb_virt_ops ebb_fleet_virt_ops = {
	.connected = on_connected,
	.disconnected = on_disconnected,
	.event = on_event,
};

static void reserve_holes(struct ebb_fleet *fleet,
			  const struct ebb_hugepool *before)
{
	uint64_t page_bytes = before->page_bytes;
	struct ebb_hugepool after;
	uint32_t bit = (uint32_t)(page_bytes >> EBB_PAGE_SHIFT);
	uint64_t refused_bytes = 0;

	for (size_t i = 0; i < fleet->count; i++) {
		struct ebb_vm *vm = fleet->vms[i];
		uint64_t owed_bytes = ebb_vm_owed_bytes(vm, page_bytes);

		if (owed_bytes && ebb_vm_reserve_holes(vm, page_bytes) < 0)
			refused_bytes += owed_bytes;
	}
	if (ebb_hugepool_read(EBB_HUGEPOOL_ROOT, page_bytes, &after) == 0 &&
	    after.reserved_pages > before->reserved_pages)
		ebb_log(EBB_LOG_INFO,
			"the pool of %llu KiB huge pages runs short: %llu MiB "
			"that guests gave are reserved for them again",
			(unsigned long long)(page_bytes >> 10),
			(unsigned long long)((after.reserved_pages -
					      before->reserved_pages) *
						     page_bytes >>
					     20));
	if (refused_bytes && !(fleet->short_pools & bit))
		ebb_log(EBB_LOG_WARNING,
			"the pool of %llu KiB huge pages is short: guests may "
			"need %llu MiB of it that are not there. Raise "
			"vm.nr_hugepages or vm.nr_overcommit_hugepages, or end "
			"what took them",
			(unsigned long long)(page_bytes >> 10),
			(unsigned long long)(refused_bytes >> 20));
	if (refused_bytes)
		fleet->short_pools |= bit;
	else
		fleet->short_pools &= ~bit;
}

/* Before guests would be left without the huge pages that they gave. */
static void watch_hugepools(struct ebb_fleet *fleet)
{
	uint32_t cover_percent =
		fleet->environment.config->hugetlb_cover_percent;

	/* Larger pages than the largest range are never discarded. */
	for (uint64_t page_bytes = 2 * EBB_PAGE_BYTES;
	     page_bytes <= (uint64_t)EBB_PAGE_BYTES << EBB_LEASE_ORDER_MAX;
	     page_bytes *= 2) {
		struct ebb_hugepool pool = { .page_bytes = page_bytes };
		uint64_t owed_bytes = 0;

		for (size_t i = 0; i < fleet->count; i++)
			owed_bytes +=
				ebb_vm_owed_bytes(fleet->vms[i], page_bytes);
		if (owed_bytes == 0)
			continue;
		/* A pool that cannot be read, all zero, is taken as short. */
		ebb_hugepool_read(EBB_HUGEPOOL_ROOT, page_bytes, &pool);
		if (ebb_hugepool_is_short(&pool, owed_bytes, cover_percent))
			reserve_holes(fleet, &pool);
	}
}

static void on_tick(int timer, void *opaque)
{
	struct ebb_fleet *fleet = opaque;
	uint64_t now_ns = ebb_now_ns();

	(void)timer;
	for (size_t i = 0; i < fleet->count; i++)
		ebb_vm_tick(fleet->vms[i], now_ns);
	watch_hugepools(fleet);
}

int ebb_fleet_new(const struct ebb_config *config, struct ebb_workers *workers,
		  struct ebb_fleet **ret_fleet)
{
	struct ebb_fleet *fleet = calloc(1, sizeof(*fleet));

	if (!fleet)
		return -ENOMEM;
	fleet->environment.config = config;
	fleet->environment.workers = workers;
	fleet->tick_timer = ebb_loop_timer(TICK_MS, on_tick, fleet);
	if (fleet->tick_timer < 0) {
		free(fleet);
		return -EIO;
	}
	*ret_fleet = fleet;
	return 0;
}

void ebb_fleet_set_virt(struct ebb_fleet *fleet, struct ebb_virt *virt)
{
	fleet->virt = virt;
}

void ebb_fleet_dismiss(struct ebb_fleet *fleet)
{
	while (fleet->count > 0)
		remove_vm(fleet, fleet->vms[fleet->count - 1]);
}

void ebb_fleet_free(struct ebb_fleet *fleet)
{
	if (!fleet)
		return;
	ebb_loop_timer_remove(fleet->tick_timer);
	free(fleet->vms);
	free(fleet);
}
