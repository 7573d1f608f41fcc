/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one job of a vm, and its phase.
 *
 * The files that know a job (vm_look.c, vm_tell.c, vm_reclaim.c) call nobody
 * above them: they leave what they found in the vm, and what follows from it is
 * decided by vm.c, which is called here after each job.
 */
#include "host/domain/vm_parts.h"

#include <assert.h>

uint32_t ebb_vm_hash(const struct ebb_vm *vm)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (const char *c = vm->uuid; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 16777619u;
	return hash;
}

static void set_phase(struct ebb_vm *vm, enum ebb_vm_phase phase)
{
	/* From idle to a job and back; one job at a time. */
	assert((vm->phase == EBB_VM_IDLE) != (phase == EBB_VM_IDLE));
	vm->phase = phase;
}

static void work(void *opaque)
{
	struct ebb_vm *vm = opaque;

	vm->running->work(vm);
}

static void done(void *opaque)
{
	struct ebb_vm *vm = opaque;
	const struct vm_job *job = vm->running;

	vm->running = NULL;
	set_phase(vm, EBB_VM_IDLE);
	job->done(vm);
	vm->settle(vm);
}

int ebb_vm_run(struct ebb_vm *vm, const struct vm_job *job)
{
	int r;

	vm->running = job;
	set_phase(vm, job->phase);
	r = ebb_workers_run_named(vm->environment->workers,
				  job->phase == EBB_VM_RECLAIMING
					  ? EBB_WORK_RECLAIM
					  : EBB_WORK_LOOK,
				  work, done, vm, job->name);
	if (r < 0) {
		vm->running = NULL;
		set_phase(vm, EBB_VM_IDLE);
	}
	return r;
}

enum ebb_rung_id ebb_vm_rung(const struct ebb_vm *vm)
{
	return vm->gone ? EBB_RUNG_OBSERVE : ebb_probe_rung(&vm->probe);
}

bool ebb_vm_has_lease(const struct ebb_vm *vm)
{
	return ebb_vm_rung(vm) == EBB_RUNG_LEASE;
}
