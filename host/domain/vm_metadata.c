/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A domain's metadata, or those of its definition, changed while it runs. They are read by
 * a job of their own: a look would read them, too, but it lets go of the lease.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "host/domain/vm_parts.h"

/**
 * struct vm_reading - the job's, while it runs
 * @result: 0 or -errno
 */
struct vm_reading {
	int result;
	struct ebb_metadata now;
	bool next_known;
	struct ebb_metadata next;
};

static void read_work(void *opaque)
{
	struct ebb_vm *vm = opaque;
	struct vm_reading *reading = vm->settings.reading;

	reading->result = ebb_domain_read_metadata(vm->domain, &reading->now,
						   &reading->next_known,
						   &reading->next);
}

/* Without an answer, what held holds: libvirtd is gone, and a look comes. */
static void read_done(struct ebb_vm *vm)
{
	struct vm_reading *reading = ebb_steal_ptr(vm->settings.reading);

	if (reading->result == 0)
		ebb_vm_take_metadata(vm, &reading->now,
				     reading->next_known ? &reading->next
							 : NULL);
	free(reading);
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
	vm->settings.reading = calloc(1, sizeof(*vm->settings.reading));
	if (vm->settings.reading && ebb_vm_run(vm, &read_metadata) == 0) {
		vm->settings.changed = false;
		return;
	}
	/* It is tried again when the vm settles again. */
	free(vm->settings.reading);
	vm->settings.reading = NULL;
}

void ebb_vm_metadata_changed(struct ebb_vm *vm)
{
	vm->settings.changed = true;
	vm->settle(vm);
}
