/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/vm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "host/base/loop.h"
#include "host/domain/doctor.h"
#include "host/memory/hugepool.h"
#include "host/domain/vm_state.h"

enum {
	/* A domain without lease is looked at again, later and later. */
	RETRY_MIN_S = 2,
	RETRY_MAX_S = 64,
	/* It is not asked while another has it, who may die at any time. */
	RETRY_OTHERS_S = 8,
	/*
	 * A guest can come and go for ever: so often it is looked at for that,
	 * and so often the log tells of it.
	 */
	GUEST_BURST = 16,
	GUEST_PERIOD_S = 4,
	/* Who asked is answered by the first probe that ends then, settled or not. */
	WAITED_S_MAX = 5,
	TOLD_BURST = 16,
	TOLD_PERIOD_S = 60,
	/* A guest's reasons for less than its target. */
	REASON_BURST = 1,
	REASON_PERIOD_S = 60,
};

/* From within a callback of the channel, which ebb_vm_settle() may close. */
static void settle_soon(struct ebb_vm *vm)
{
	ebb_loop_timer_set(vm->settle_timer, 0);
}

static void on_settle_timer(int timer, void *opaque)
{
	ebb_loop_timer_set(timer, -1);
	ebb_vm_settle(opaque);
}

/* What the guest says of itself makes a probe due, not at once but soon. */
static void note_guest_changed(struct ebb_vm *vm)
{
	if (vm->guest_changed)
		return;
	vm->guest_changed = true;
	settle_soon(vm);
}

static void admit_guest_change(struct ebb_vm *vm)
{
	uint64_t now_ns = ebb_now_ns();
	uint64_t wait_ns = ebb_pace_wait_ns(&vm->guest_pace, now_ns);

	if (ebb_pace_take(&vm->guest_pace, 1, now_ns)) {
		vm->guest_changed = false;
		vm->probe_wanted = true;
		ebb_vm_target_forget(vm);
	} else {
		ebb_loop_timer_set(vm->settle_timer,
				   (int)(wait_ns / 1000000) + 1);
	}
}

static void on_agent_event(const char *name, const struct json_object *data,
			   void *opaque)
{
	if (strcmp(name, "EBB_TARGET_CHANGED") == 0)
		ebb_vm_target_event(opaque, data);
	/* It is there, or the module came or went: what we know is old. */
	if (strcmp(name, "EBB_AGENT_READY") == 0)
		note_guest_changed(opaque);
}

static void on_channel_broken(void *opaque)
{
	struct ebb_vm *vm = opaque;

	vm->channels_broken = true;
	note_guest_changed(vm);
}

static const struct ebb_channel_ops channel_ops = {
	.event = on_agent_event,
	.broken = on_channel_broken,
};

/* One line when the rung changes, with the remedy. */
static void tell_rung(struct ebb_vm *vm)
{
	const char *now = "lease";
	struct ebb_reason reason;

	if (!vm->probe.attached) {
		if (vm->probe.reasons.count == 0)
			return;
		ebb_reason_render(&vm->probe.reasons, 0, &reason);
		now = reason.name;
	}
	if (strcmp(vm->told, now) == 0 ||
	    !ebb_pace_take(&vm->told_pace, 1, ebb_now_ns()))
		return;
	snprintf(vm->told, sizeof(vm->told), "%s", now);
	if (vm->probe.attached)
		ebb_log(EBB_LOG_INFO, "%s: rung lease", vm->name);
	else if (vm->probe.running)
		ebb_log(EBB_LOG_INFO, "%s: rung observe: %s. %s", vm->name,
			reason.text, reason.remedy);
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

static bool is_of_pool(const struct ebb_backing *backing, uint64_t page_bytes)
{
	return backing->kind == EBB_BACKING_HUGETLBFS &&
	       (page_bytes == 0 || backing->page_bytes == page_bytes);
}

int ebb_vm_reserve_holes(struct ebb_vm *vm, uint64_t page_bytes)
{
	const struct ebb_guest_process *qemu = &vm->probe.qemu;
	int first = 0, r;

	for (uint32_t i = 0; i < qemu->backing_count; i++) {
		if (!is_of_pool(&qemu->backings[i], page_bytes))
			continue;
		r = ebb_hugepool_reserve_holes(qemu->backings[i].fd,
					       qemu->backings[i].bytes);
		if (r < 0 && first == 0)
			first = r;
	}
	if (first == 0)
		vm->lent_bytes = 0;
	return first;
}

/* Lets go of the guest's files and ring. No job may run. */
static void release(struct ebb_vm *vm)
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

static void free_vm(struct ebb_vm *vm)
{
	release(vm);
	ebb_probe_close_channels(&vm->probe);
	ebb_domain_unref(vm->domain);
	ebb_domain_unref(vm->next_domain);
	if (vm->settle_timer >= 0)
		ebb_loop_timer_remove(vm->settle_timer);
	free(vm);
}

static void probe_work(void *opaque)
{
	struct ebb_vm *vm = opaque;

	ebb_probe_run(&vm->probe, vm->domain, vm->environment->config,
		      &channel_ops, vm, &vm->gone);
}

void ebb_vm_answer_closed(struct ebb_vm *vm, struct ebb_call *call)
{
	struct ebb_reason reason;

	if (!vm->connected) {
		ebb_call_error(call, "LibvirtGone",
			       "ebbd has no connection to libvirtd; see: "
			       "systemctl status libvirtd");
		return;
	}
	if (vm->probe.reasons.count == 0) {
		ebb_call_error(call, "GenericError",
			       "The domain changed just now; try again");
		return;
	}
	ebb_reason_render(&vm->probe.reasons, 0, &reason);
	ebb_call_error(call,
		       vm->probe.running ? "RungClosed" : "DomainNotRunning",
		       "%s. %s", reason.text, reason.remedy);
}

static void answer_doctor(struct ebb_vm *vm, struct ebb_call *call)
{
	struct ebb_doctor *doctor = calloc(1, sizeof(*doctor));

	if (!doctor) {
		ebb_call_error(call, "GenericError", "out of memory");
		return;
	}
	ebb_doctor_examine(&vm->probe, doctor);
	ebb_doctor_examine_target(&vm->probe, vm->target.state.mechanism,
				  vm->target.too_old, doctor);
	snprintf(doctor->name, sizeof(doctor->name), "%s", vm->name);
	ebb_call_return(call, ebb_msg_encode(ebb_doctor_fields, doctor));
	free(doctor);
}

/* What waited for a probe is answered, or begins. */
static void serve_waiters(struct ebb_vm *vm)
{
	struct waiter *waiter = vm->waiters, *next;

	vm->waiters = NULL;
	for (; waiter; waiter = next) {
		next = waiter->next;
		if (vm->dismissed)
			ebb_call_error(waiter->call, "DomainNotRunning",
				       "The domain was stopped meanwhile");
		else if (waiter->kind == WAITS_DOCTOR)
			answer_doctor(vm, waiter->call);
		else if (waiter->kind == WAITS_SET)
			ebb_vm_start_set(vm, waiter->call, &waiter->setting);
		else if (waiter->kind == WAITS_RESUME)
			ebb_vm_resume_reclaim(vm, waiter->call);
		else
			ebb_vm_start_reclaim(vm, waiter->call,
					     &waiter->request);
		free(waiter);
	}
}

static uint32_t retry_max_s(const struct ebb_vm *vm)
{
	return ebb_reason_has(&vm->probe.reasons, EBB_REASON_OTHER_CONTROLLER)
		       ? RETRY_OTHERS_S
		       : RETRY_MAX_S;
}

static void probe_done(void *opaque)
{
	struct ebb_vm *vm = opaque;

	vm->phase = EBB_VM_IDLE;
	ebb_vm_target_probed(vm);
	vm->retry_ns = ebb_now_ns() + (uint64_t)vm->retry_s * 1000000000;
	if (vm->retry_s < retry_max_s(vm))
		vm->retry_s *= 2;
	if (vm->probe.attached) {
		vm->retry_s = RETRY_MIN_S;
		vm->pidfd_watch = ebb_loop_watch(vm->probe.qemu.pidfd,
						 EBB_LOOP_READABLE,
						 on_process_gone, vm);
		/* What an earlier ebbd took of it is not known. */
		if (!vm->lent_bytes)
			vm->lent_bytes = ebb_probe_backing_bytes(&vm->probe);
		/* Unwatched files would outlive the guest. */
		if (vm->pidfd_watch < 0) {
			release(vm);
			ebb_reason_add(&vm->probe.reasons, EBB_REASON_INTERNAL,
				       "out of event handles");
		}
	}
	if (vm->waiters && ebb_now_ns() - vm->waiting_since_ns >=
				   (uint64_t)WAITED_S_MAX * 1000000000)
		serve_waiters(vm);
	ebb_vm_settle(vm);
}

static void start_probe(struct ebb_vm *vm)
{
	int r;

	release(vm);
	vm->probe_wanted = false;
	vm->gone = false;
	vm->phase = EBB_VM_PROBING;
	r = ebb_workers_run(vm->environment->workers, probe_work, probe_done,
			    vm);
	if (r < 0) {
		vm->phase = EBB_VM_IDLE;
		ebb_reason_add(&vm->probe.reasons, EBB_REASON_INTERNAL, "%s",
			       strerror(-r));
		serve_waiters(vm);
	}
}

/* From whatever the vm is to what is wanted. Called after each change. */
void ebb_vm_settle(struct ebb_vm *vm)
{
	if (vm->phase != EBB_VM_IDLE)
		return;
	if (vm->dismissed) {
		serve_waiters(vm);
		free_vm(vm);
		return;
	}
	if (vm->guest_changed)
		admit_guest_change(vm);
	if (vm->gone)
		release(vm);
	if (vm->next_domain) {
		ebb_domain_unref(vm->domain);
		vm->domain = vm->next_domain;
		vm->next_domain = NULL;
		vm->connected = true;
	}
	if (vm->quarantined) {
		release(vm);
		vm->probe.running = true;
		ebb_reason_add(&vm->probe.reasons, EBB_REASON_QUARANTINED, "%s",
			       vm->quarantine_reason.text);
	} else if (vm->probe_wanted && vm->connected) {
		start_probe(vm);
		return;
	}
	tell_rung(vm);
	serve_waiters(vm);
	ebb_vm_tell_if_due(vm);
}

struct ebb_vm *ebb_vm_new(const struct ebb_vm_environment *environment,
			  struct ebb_domain *domain)
{
	struct ebb_vm *vm = calloc(1, sizeof(*vm));

	if (!vm)
		return NULL;
	vm->environment = environment;
	vm->domain = ebb_domain_ref(domain);
	snprintf(vm->name, sizeof(vm->name), "%s", ebb_domain_name(domain));
	snprintf(vm->uuid, sizeof(vm->uuid), "%s", ebb_domain_uuid(domain));
	vm->connected = true;
	vm->retry_s = RETRY_MIN_S;
	vm->pidfd_watch = -1;
	vm->progress_timer = -1;
	vm->guest_pace = (struct ebb_pace){
		.burst = GUEST_BURST,
		.period_ns = (uint64_t)GUEST_PERIOD_S * 1000000000,
	};
	vm->told_pace = (struct ebb_pace){
		.burst = TOLD_BURST,
		.period_ns = (uint64_t)TOLD_PERIOD_S * 1000000000,
	};
	vm->target.log_pace = (struct ebb_pace){
		.burst = REASON_BURST,
		.period_ns = (uint64_t)REASON_PERIOD_S * 1000000000,
	};
	ebb_probe_init(&vm->probe);
	vm->settle_timer = ebb_loop_timer(-1, on_settle_timer, vm);
	if (vm->settle_timer < 0) {
		free_vm(vm);
		return NULL;
	}
	vm->probe_wanted = true;
	ebb_vm_settle(vm);
	return vm;
}

void ebb_vm_dismiss(struct ebb_vm *vm)
{
	vm->dismissed = true;
	vm->gone = true;
	ebb_vm_settle(vm);
}

const char *ebb_vm_name(const struct ebb_vm *vm)
{
	return vm->name;
}

const char *ebb_vm_uuid(const struct ebb_vm *vm)
{
	return vm->uuid;
}

bool ebb_vm_has_lease(const struct ebb_vm *vm)
{
	return vm->phase != EBB_VM_PROBING && vm->probe.attached && !vm->gone;
}

void ebb_vm_invalidate(struct ebb_vm *vm, bool fresh_process)
{
	vm->gone = true;
	vm->probe_wanted = true;
	ebb_vm_target_forget(vm);
	if (fresh_process) {
		vm->quarantined = false;
		vm->stale_count = 0;
		vm->retry_s = RETRY_MIN_S;
		vm->reclaimed_bytes = 0;
		vm->reclaim_runs = 0;
		vm->lent_bytes = 0;
	}
	ebb_vm_settle(vm);
}

void ebb_vm_agent_changed(struct ebb_vm *vm)
{
	/* Only the guest agent's channel is meant, which we may not use. */
	if ((vm->phase == EBB_VM_IDLE || vm->phase == EBB_VM_TELLING) &&
	    vm->probe.attached && vm->probe.channel != vm->probe.qga_channel)
		return;
	note_guest_changed(vm);
}

void ebb_vm_disconnect(struct ebb_vm *vm)
{
	vm->connected = false;
	vm->channels_broken = true;
	vm->gone = true;
	ebb_vm_settle(vm);
}

void ebb_vm_reconnect(struct ebb_vm *vm, struct ebb_domain *domain)
{
	/* A job that runs uses the old one until it is done. */
	ebb_domain_unref(vm->next_domain);
	vm->next_domain = ebb_domain_ref(domain);
	vm->probe_wanted = true;
	ebb_vm_settle(vm);
}

void ebb_vm_tick(struct ebb_vm *vm, uint64_t now_ns)
{
	if (vm->phase != EBB_VM_IDLE)
		return;
	if (vm->probe.attached && !ebb_ringmap_is_open(&vm->probe.ring)) {
		ebb_vm_invalidate(vm, false);
		return;
	}
	if (!vm->probe.attached && now_ns >= vm->retry_ns) {
		vm->probe_wanted = true;
		ebb_vm_settle(vm);
		return;
	}
	ebb_vm_tell_if_due(vm);
}

uint64_t ebb_vm_owed_bytes(const struct ebb_vm *vm, uint64_t page_bytes)
{
	const struct ebb_guest_process *qemu = &vm->probe.qemu;
	uint64_t lent = vm->lent_bytes, holes = 0;

	if (!ebb_vm_has_lease(vm))
		return 0;
	if (vm->phase == EBB_VM_RECLAIMING)
		lent += ebb_vm_uncounted_bytes(vm);
	if (lent == 0)
		return 0;
	for (uint32_t i = 0; i < qemu->backing_count; i++)
		if (is_of_pool(&qemu->backings[i], page_bytes))
			holes += qemu->backings[i].bytes -
				 ebb_backing_resident_bytes(&qemu->backings[i]);
	/* The guest has taken some of them back since. */
	return holes < lent ? holes : lent;
}

/* Copies @model. */
static void wait_for_job(struct ebb_vm *vm, const struct waiter *model)
{
	struct waiter *waiter = calloc(1, sizeof(*waiter));
	struct waiter **last = &vm->waiters;

	if (!waiter) {
		ebb_call_error(model->call, "GenericError", "out of memory");
		return;
	}
	*waiter = *model;
	if (!vm->waiters)
		vm->waiting_since_ns = ebb_now_ns();
	while (*last)
		last = &(*last)->next;
	*last = waiter;
	ebb_vm_settle(vm);
}

void ebb_vm_resume_when_probed(struct ebb_vm *vm, struct ebb_call *call)
{
	struct waiter waiter = { .call = call, .kind = WAITS_RESUME };

	wait_for_job(vm, &waiter);
}

void ebb_vm_doctor(struct ebb_vm *vm, struct ebb_call *call)
{
	struct waiter waiter = { .call = call, .kind = WAITS_DOCTOR };

	if (vm->phase == EBB_VM_RECLAIMING || ebb_vm_has_lease(vm)) {
		answer_doctor(vm, call);
		return;
	}
	if (vm->phase != EBB_VM_PROBING)
		vm->probe_wanted = true;
	wait_for_job(vm, &waiter);
}

/* A reclaim keeps the channel for itself, and may take minutes. */
static bool is_reclaiming(const struct ebb_vm *vm, struct ebb_call *call)
{
	if (vm->phase == EBB_VM_RECLAIMING)
		ebb_call_error(call, "Busy",
			       "A reclaim of this domain runs already; wait "
			       "for it to end");
	return vm->phase == EBB_VM_RECLAIMING;
}

void ebb_vm_set_target(struct ebb_vm *vm, struct ebb_call *call,
		       const struct ebb_target_setting *setting)
{
	struct waiter waiter = { .call = call,
				 .kind = WAITS_SET,
				 .setting = *setting };

	if (is_reclaiming(vm, call))
		return;
	if (vm->phase == EBB_VM_IDLE && vm->probe.channel && !vm->gone) {
		ebb_vm_start_set(vm, call, setting);
		return;
	}
	if (vm->phase != EBB_VM_PROBING && !vm->probe.channel)
		vm->probe_wanted = true;
	wait_for_job(vm, &waiter);
}

void ebb_vm_reclaim(struct ebb_vm *vm, struct ebb_call *call,
		    const struct ebb_reclaim_request *request)
{
	struct waiter waiter = { .call = call,
				 .kind = WAITS_RECLAIM,
				 .request = *request };

	if (is_reclaiming(vm, call))
		return;
	if (vm->phase == EBB_VM_IDLE && ebb_vm_has_lease(vm)) {
		ebb_vm_start_reclaim(vm, call, request);
		return;
	}
	/* What an operator just mended shall be seen. */
	if (vm->phase != EBB_VM_PROBING && !ebb_vm_has_lease(vm))
		vm->probe_wanted = true;
	wait_for_job(vm, &waiter);
}
