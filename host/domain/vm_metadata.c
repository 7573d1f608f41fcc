/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A domain's metadata, or those of its definition, changed while it runs. They are read by a job of their own: a
 * look would read them, too, but it lets go of the lease.
 */
#include <errno.h>

#include "host/domain/vm_state.h"

static void read_work(void *opaque)
{
	struct ebb_vm *vm = opaque;

	struct vm_settings *settings = &vm->settings;

	settings->read = ebb_domain_read_metadata(vm->domain,
						  &settings->metadata,
						  &settings->read_next_known,
						  &settings->read_next);
}

/* Without an answer, what held holds: libvirtd is gone, and a look comes. */
static void read_done(struct ebb_vm *vm)
{
	struct vm_settings *settings = &vm->settings;

	if (settings->read < 0)
		return;
	ebb_vm_take_metadata(vm, &settings->metadata);
	ebb_vm_take_next(vm, settings->read_next_known ? &settings->read_next
						       : NULL);
}

static const struct vm_job read_metadata = {
	.phase = EBB_VM_TELLING,
	.work = read_work,
	.done = read_done,
	.name = "read_done",
};

void ebb_vm_read_if_changed(struct ebb_vm *vm)
{
	if (!vm->settings.changed || vm->phase != EBB_VM_IDLE ||
	    vm->life != EBB_VM_CONNECTED || vm->gone)
		return;
	/* Without a thread it is tried again when the vm settles again. */
	if (ebb_vm_run(vm, &read_metadata) == 0)
		vm->settings.changed = false;
}

void ebb_vm_metadata_changed(struct ebb_vm *vm)
{
	vm->settings.changed = true;
	vm->settle(vm);
}
