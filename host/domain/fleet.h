/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All domains of the host: what libvirt tells is handed to the vm that it is
 * about, and what ebbctl asks to the vm that it names.
 */
#ifndef EBB_HOST_FLEET_H
#define EBB_HOST_FLEET_H

#include <stdbool.h>
#include <stdint.h>

#include "host/config.h"
#include "host/control/call.h"
#include "host/domain/vm.h"
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

/**
 * struct ebb_fleet_watcher - who is told of vms that come and go
 * @came: it is there, and not known yet
 * @found: its process is known, and with it what the guest may take
 * @changed: libvirt told of something that happened to it
 * @went: it is dismissed next: its orders end, and it is not to be used after that
 * @pause_of: is asked, for who lists domains, what is paused for that of @uuid
 */
struct ebb_fleet_watcher {
	void (*came)(struct ebb_vm *vm, void *opaque);
	void (*found)(struct ebb_vm *vm, void *opaque);
	void (*changed)(struct ebb_vm *vm, void *opaque);
	void (*went)(struct ebb_vm *vm, void *opaque);
	enum ebb_vm_pause (*pause_of)(const char *uuid, void *opaque);
	void *opaque;
};

/* One at most, before the connection; @watcher outlives the fleet. */
void ebb_fleet_watch(struct ebb_fleet *fleet,
		     const struct ebb_fleet_watcher *watcher);

/* A domain that libvirt knows; valid until the event loop's next turn. */
struct ebb_fleet_domain {
	const char *name;
	const char *uuid;
};

/*
 * Finds one that runs or does not, by name or UUID; false: libvirt knows none, or
 * @fleet is NULL.
 */
bool ebb_fleet_find(const struct ebb_fleet *fleet, const char *name_or_uuid,
		    struct ebb_fleet_domain *ret_domain);

/* The connection, once there is one. */
void ebb_fleet_set_virt(struct ebb_fleet *fleet, struct ebb_virt *virt);

/**
 * struct ebb_fleet_libvirt - what is known of libvirtd
 * @version: see ebb_virt_version()
 * @owed: it was asked for all domains and has not answered yet
 * @silent: for longer than it may take
 */
struct ebb_fleet_libvirt {
	bool connected;
	uint64_t version;
	bool owed;
	bool silent;
};

void ebb_fleet_see_libvirt(const struct ebb_fleet *fleet,
			   struct ebb_fleet_libvirt *ret_libvirt);

/* Asks libvirtd for all domains, unless it did so a moment ago. */
void ebb_fleet_ask(struct ebb_fleet *fleet);

/* The configuration is another: what domains have of it holds from now on. */
void ebb_fleet_config_changed(struct ebb_fleet *fleet);

/* Who is told what happens, before the connection; outlives the fleet. */
void ebb_fleet_set_past(struct ebb_fleet *fleet, struct ebb_past *past);

/* Lets all domains go; jobs that run end soon after. */
void ebb_fleet_dismiss(struct ebb_fleet *fleet);

void ebb_fleet_free(struct ebb_fleet *fleet);

#endif /* EBB_HOST_FLEET_H */
