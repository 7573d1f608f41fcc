/* SPDX-License-Identifier: GPL-2.0-only */
/* A vm's look at its domain: what brings one about, and what comes of it. */
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "host/base/loop.h"
#include "host/domain/vm_state.h"

enum {
	/* A domain without lease is looked at again, later and later. */
	RETRY_MAX_S = 64,
	/* It is not asked while another has it, who may die at any time. */
	RETRY_OTHERS_S = 8,
};

/* From within a callback of the channel, which settle() may close. */
static void settle_soon(struct ebb_vm *vm)
{
	ebb_loop_timer_set(vm->settle_timer, 0);
}

/* What the guest says of itself makes a probe due, not at once but soon. */
void ebb_vm_guest_changed(struct ebb_vm *vm)
{
	if (vm->guest_changed)
		return;
	vm->guest_changed = true;
	settle_soon(vm);
}

static void on_agent_event(const char *name, const struct json_object *data,
			   void *opaque)
{
	if (strcmp(name, "EBB_TARGET_CHANGED") == 0)
		ebb_vm_target_event(opaque, data);
	/* It is there, or the module came or went: what we know is old. */
	if (strcmp(name, "EBB_AGENT_READY") == 0)
		ebb_vm_guest_changed(opaque);
}

static void on_channel_broken(void *opaque)
{
	struct ebb_vm *vm = opaque;

	vm->channels_broken = true;
	ebb_vm_guest_changed(vm);
}

static const struct ebb_channel_ops channel_ops = {
	.event = on_agent_event,
	.broken = on_channel_broken,
};

void ebb_vm_invalidate(struct ebb_vm *vm, bool fresh_process)
{
	vm->gone = true;
	vm->look_wanted = true;
	ebb_vm_target_forget(vm);
	if (fresh_process) {
		vm->quarantined = false;
		vm->stale_count = 0;
		vm->retry_s = EBB_VM_RETRY_MIN_S;
		vm->reclaimed_bytes = 0;
		vm->reclaim_runs = 0;
		vm->lent_bytes = 0;
	}
	vm->settle(vm);
}

static void on_process_gone(int watch, int fd, int events, void *opaque)
{
	struct ebb_vm *vm = opaque;

	(void)fd;
	(void)events;
	ebb_loop_unwatch(watch);
	vm->pidfd_watch = -1;
	ebb_vm_invalidate(vm, true);
}

/* Lets go of the guest's files and ring. No job may run. */
void ebb_vm_release(struct ebb_vm *vm)
{
	/* Nobody watches the pool for a guest whose files are closed. */
	if (vm->lent_bytes && ebb_vm_reserve_holes(vm, 0) < 0)
		ebb_log(EBB_LOG_WARNING,
			"%s: the pool of huge pages is short of what the guest "
			"gave of it. Raise vm.nr_hugepages or "
			"vm.nr_overcommit_hugepages",
			vm->name);
	if (vm->pidfd_watch >= 0)
		ebb_loop_unwatch(vm->pidfd_watch);
	vm->pidfd_watch = -1;
	ebb_probe_release(&vm->probe);
	if (vm->channels_broken || !vm->connected)
		ebb_probe_close_channels(&vm->probe);
	vm->channels_broken = false;
}

static void probe_work(void *opaque)
{
	struct ebb_vm *vm = opaque;

	ebb_probe_run(&vm->probe, vm->domain, vm->environment->config,
		      &channel_ops, vm, &vm->gone);
}

static uint32_t retry_max_s(const struct ebb_vm *vm)
{
	return ebb_reason_has(&vm->probe.reasons, EBB_REASON_OTHER_CONTROLLER)
		       ? RETRY_OTHERS_S
		       : RETRY_MAX_S;
}

static void probe_done(struct ebb_vm *vm)
{
	ebb_vm_target_probed(vm);
	vm->retry_ns = ebb_now_ns() + (uint64_t)vm->retry_s * 1000000000;
	if (vm->retry_s < retry_max_s(vm))
		vm->retry_s *= 2;
	if (vm->probe.attached) {
		vm->retry_s = EBB_VM_RETRY_MIN_S;
		vm->pidfd_watch = ebb_loop_watch(vm->probe.qemu.pidfd,
						 EBB_LOOP_READABLE,
						 on_process_gone, vm);
		/* What an earlier ebbd took of it is not known. */
		if (!vm->lent_bytes)
			vm->lent_bytes = ebb_probe_backing_bytes(&vm->probe);
		/* Unwatched files would outlive the guest. */
		if (vm->pidfd_watch < 0) {
			ebb_vm_release(vm);
			ebb_reason_add(&vm->probe.reasons, EBB_REASON_INTERNAL,
				       "out of event handles");
		}
	}
}

static const struct vm_job look = {
	.phase = EBB_VM_PROBING,
	.work = probe_work,
	.done = probe_done,
};

void ebb_vm_look(struct ebb_vm *vm)
{
	int r;

	ebb_vm_release(vm);
	vm->look_wanted = false;
	vm->gone = false;
	r = ebb_vm_run(vm, &look);
	if (r < 0)
		ebb_reason_add(&vm->probe.reasons, EBB_REASON_INTERNAL, "%s",
			       strerror(-r));
}
