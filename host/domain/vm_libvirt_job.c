/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vm whose memory a libvirt job reads: a migration, save, dump or snapshot.
 *
 * Theory of operation
 * ===================
 *
 * The problem. Who reads all memory of a guest reads what it has lent, too, and where
 * the host has no page QEMU gets one: the guest is as large as it may be, and stays so
 * when the job is over. While it runs, what is lent is called back; after it, what was
 * free is free as before, and can be taken again.
 *
 * libvirt tells of the end of some jobs (a migration, a snapshot of a guest that runs)
 * and not of others (a dump), and of no beginning. So signs of one have libvirtd asked:
 * the guest is paused or resumed, a migration sends memory, a reclaim met a job, a job
 * has ended, which another may follow, or the guest grows though it uses no more
 * (ebb_vm_want_job()). While a job is under way it is asked each few seconds. Nothing is
 * asked of who shows no sign.
 */
#include "common/clock.h"
#include "common/log.h"
#include "common/size.h"
#include "host/domain/sight.h"
#include "host/domain/vm_parts.h"

/* A job that is under way is asked after so often. */
#define AGAIN_NS (2 * EBB_NS_PER_S)

static void tell_peak(struct ebb_vm *vm)
{
	uint64_t lent_bytes;
	bool known = ebb_vm_lent(vm, &lent_bytes);

	if ((known && lent_bytes == 0) ||
	    !ebb_pace_take(&vm->told_pace, 1, ebb_now_ns()))
		return;
	if (known)
		ebb_log(EBB_LOG_NOTICE,
			"%s: a libvirt job reads its memory: %s that it lent "
			"may become resident until that ends",
			vm->name, EBB_SIZE(lent_bytes));
	else
		ebb_log(EBB_LOG_NOTICE,
			"%s: a libvirt job reads its memory: what it lent may "
			"become resident until that ends; how much that is, is "
			"not known",
			vm->name);
}

static void end_job(struct ebb_vm *vm)
{
	vm->libvirt_job.under_way = false;
	vm->libvirt_job.ended++;
}

void ebb_vm_job_is_under_way(struct ebb_vm *vm)
{
	struct vm_libvirt_job *job = &vm->libvirt_job;

	job->due_ns = ebb_now_ns() + AGAIN_NS;
	if (job->under_way)
		return;
	job->under_way = true;
	tell_peak(vm);
}

static void ask_work(void *opaque)
{
	struct ebb_vm *vm = opaque;

	vm->libvirt_job.answer = ebb_domain_job(vm->domain);
}

static void ask_done(struct ebb_vm *vm)
{
	struct vm_libvirt_job *job = &vm->libvirt_job;

	/* That it cannot be known changes nothing of what is. */
	if (job->answer == EBB_JOB_MEMORY)
		ebb_vm_job_is_under_way(vm);
	else if (job->answer >= 0 && job->under_way)
		end_job(vm);
	else
		job->due_ns = ebb_now_ns() + AGAIN_NS;
}

static const struct vm_job ask = {
	.phase = EBB_VM_TELLING,
	.work = ask_work,
	.done = ask_done,
	.name = "ask_done",
};

void ebb_vm_ask_job_if_wanted(struct ebb_vm *vm)
{
	struct vm_libvirt_job *job = &vm->libvirt_job;

	if (vm->phase != EBB_VM_IDLE || vm->life != EBB_VM_CONNECTED)
		return;
	if (!job->wanted && (!job->under_way || ebb_now_ns() < job->due_ns))
		return;
	job->wanted = false;
	ebb_vm_run(vm, &ask);
}

void ebb_vm_want_job(struct ebb_vm *vm)
{
	vm->libvirt_job.wanted = true;
	vm->settle(vm);
}

void ebb_vm_job_is_likely(struct ebb_vm *vm)
{
	/* It is asked for when the lease has gone: nothing is taken meanwhile. */
	vm->libvirt_job.wanted = true;
	ebb_vm_invalidate(vm);
}

void ebb_vm_job_ended(struct ebb_vm *vm)
{
	/* Also of one that nobody knew of. */
	end_job(vm);
	/* What libvirtd said last may have been of the next one. */
	vm->libvirt_job.wanted = true;
	ebb_vm_invalidate(vm);
}
