/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All domains of the host: what libvirt tells is handed to the vm that it is
 * about, and what ebbctl asks to the vm that it names.
 */
#ifndef EBB_HOST_FLEET_H
#define EBB_HOST_FLEET_H

#include <stdint.h>

#include "host/config.h"
#include "host/control/control.h"
#include "host/libvirt/virt.h"
#include "host/base/worker.h"

struct ebb_fleet;

/* The commands of status.h; @opaque of the handlers is the fleet. */
extern const struct ebb_control_handler ebb_fleet_handlers[];

/* For ebb_virt_new(); @opaque is the fleet. */
extern const struct ebb_virt_ops ebb_fleet_virt_ops;

/* @config, @workers outlive it. Returns 0, -ENOMEM or -EIO. */
int ebb_fleet_new(const struct ebb_config *config, struct ebb_workers *workers,
		  struct ebb_fleet **ret_fleet);

/* The connection, once there is one. */
void ebb_fleet_set_virt(struct ebb_fleet *fleet, struct ebb_virt *virt);

/* Lets all domains go; jobs that run end soon after. */
void ebb_fleet_dismiss(struct ebb_fleet *fleet);

void ebb_fleet_free(struct ebb_fleet *fleet);

#endif /* EBB_HOST_FLEET_H */
