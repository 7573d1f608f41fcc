/* SPDX-License-Identifier: GPL-2.0-only */
/* What a fleet is made of; for fleet.c, which alone writes it, and requests.c. */
#ifndef EBB_HOST_FLEET_STATE_H
#define EBB_HOST_FLEET_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "host/domain/fleet.h"
#include "host/domain/vm.h"

struct ebb_fleet {
	struct ebb_vm_environment environment;
	struct ebb_virt *virt;
	int tick_timer;
	uint32_t short_pools; /* bit: page size >> EBB_PAGE_SHIFT, was told */
	size_t count;
	size_t capacity;
	struct ebb_vm **vms;
};

/* NULL if none of its domains that run is that one. */
struct ebb_vm *ebb_fleet_find(struct ebb_fleet *fleet, const char *uuid);

#endif /* EBB_HOST_FLEET_STATE_H */
