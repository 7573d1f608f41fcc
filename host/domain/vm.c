/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/vm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "host/base/loop.h"
#include "host/domain/vm_parts.h"

enum {
	/*
	 * A guest can come and go for ever: so often it is looked at for that,
	 * and so often the log tells of it.
	 */
	GUEST_BURST = 16,
	GUEST_PERIOD_S = 4,
	TOLD_BURST = 16,
	TOLD_PERIOD_S = 60,
	/* A guest's reasons for less than its target. */
	REASON_BURST = 1,
	REASON_PERIOD_S = 60,
};

static void admit_guest_change(struct ebb_vm *vm)
{
	uint64_t now_ns = ebb_now_ns();
	uint64_t wait_ns = ebb_pace_wait_ns(&vm->agent.pace, now_ns);

	if (ebb_pace_take(&vm->agent.pace, 1, now_ns)) {
		vm->agent.changed = false;
		vm->look_wanted = true;
		ebb_vm_target_forget(vm);
	} else {
		ebb_loop_timer_set(vm->settle_timer,
				   (int)(wait_ns / 1000000) + 1);
	}
}

/* One line when the rung changes, with the remedy. */
static void tell_rung(struct ebb_vm *vm)
{
	enum ebb_rung_id rung = ebb_probe_rung(&vm->probe);
	const char *now = ebb_rung_name(rung);
	struct ebb_news news = {
		.kind = EBB_EVENT_RUNG,
		.domain = vm->name,
		.uuid = vm->uuid,
	};
	struct ebb_reason reason;

	/* What it was let go for is no reason that a look found. */
	if (ebb_vm_is_let_go(vm))
		return;
	if (rung != EBB_RUNG_LEASE) {
		if (vm->probe.reasons.count == 0)
			return;
		ebb_reason_render(&vm->probe.reasons, 0, &reason);
		if (rung == EBB_RUNG_OBSERVE)
			now = reason.name;
	}
	if (strcmp(vm->told, now) == 0 ||
	    !ebb_pace_take(&vm->told_pace, 1, ebb_now_ns()))
		return;
	snprintf(vm->told, sizeof(vm->told), "%s", now);
	news.action = ebb_rung_name(rung);
	if (rung == EBB_RUNG_LEASE) {
		ebb_past_tell(vm->environment->past, EBB_LOG_INFO, &news,
			      "%s: rung lease", vm->name);
	} else if (vm->probe.running) {
		news.reason = reason.name;
		ebb_past_tell(vm->environment->past, EBB_LOG_INFO, &news,
			      "%s: rung %s%s: %s. %s", vm->name,
			      ebb_rung_name(rung),
			      rung == EBB_RUNG_OBSERVE ? "" : ", not lease",
			      reason.text, reason.remedy);
	}
}

static void end_guard(struct ebb_vm *vm)
{
	ebb_vm_end_guard(vm, vm->life == EBB_VM_DISMISSED &&
				     vm->dismissal == EBB_VM_EBBD_ENDS);
}

static void free_vm(struct ebb_vm *vm)
{
	end_guard(vm);
	ebb_vm_drop_process(vm);
	ebb_probe_close_channels(&vm->probe);
	ebb_domain_unref(vm->domain);
	ebb_domain_unref(vm->next_domain);
	if (vm->settle_timer >= 0)
		ebb_loop_timer_remove(vm->settle_timer);
	free(vm->settings.next);
	free(vm);
}

static void enforce_quarantine(struct ebb_vm *vm)
{
	ebb_vm_detach(vm);
	vm->probe.reasons.count = 0;
	ebb_reason_add(&vm->probe.reasons, EBB_REASON_QUARANTINED, "%s",
		       vm->process.quarantine_reason.text);
}

static bool is_look_due(const struct ebb_vm *vm)
{
	return vm->phase == EBB_VM_IDLE && vm->look_wanted &&
	       vm->life == EBB_VM_CONNECTED && !vm->process.quarantined;
}

/* Whether it waits for the guest's memory to rest; then the timer comes by. */
static bool is_look_put_off(const struct ebb_vm *vm)
{
	uint32_t wait_ms = ebb_vm_resize_wait_ms(vm);

	if (wait_ms > 0)
		ebb_loop_timer_set(vm->settle_timer, (int)wait_ms);
	return wait_ms > 0;
}

/* From whatever the vm is to what is wanted. Called after each change. */
static void settle(struct ebb_vm *vm)
{
	if (vm->phase != EBB_VM_IDLE || vm->reporting)
		return;
	if (vm->life == EBB_VM_DISMISSED) {
		ebb_vm_serve_last(vm);
		free_vm(vm);
		return;
	}
	if (vm->agent.changed)
		admit_guest_change(vm);
	if (vm->process.ended)
		ebb_vm_drop_process(vm);
	if (vm->gone)
		ebb_vm_detach(vm);
	if (vm->next_domain) {
		ebb_domain_unref(vm->domain);
		vm->domain = vm->next_domain;
		vm->next_domain = NULL;
		vm->life = EBB_VM_CONNECTED;
	}
	/* Before any job may begin that uses the lease or the channel. */
	if (vm->process.quarantined)
		enforce_quarantine(vm);
	ebb_vm_serve_overdue(vm);
	/* Once the lease has gone, what took it is the first thing to know. */
	if (is_look_due(vm))
		ebb_vm_ask_job_if_wanted(vm);
	if (is_look_due(vm)) {
		if (is_look_put_off(vm))
			return;
		ebb_vm_look(vm);
	}
	if (vm->phase != EBB_VM_IDLE)
		return;
	tell_rung(vm);
	ebb_vm_serve(vm);
	ebb_vm_read_if_changed(vm);
	ebb_vm_tell_if_due(vm);
	ebb_vm_ask_if_wanted(vm);
	ebb_vm_ask_job_if_wanted(vm);
}

static void on_settle_timer(int timer, void *opaque)
{
	ebb_loop_timer_set(timer, -1);
	settle(opaque);
}

/* Or not, if the vm is busy: it comes by again when it is not. */
static void on_turn(void *opaque)
{
	settle(opaque);
}

struct ebb_vm *ebb_vm_new(const struct ebb_vm_environment *environment,
			  struct ebb_domain *domain)
{
	struct ebb_vm *vm = calloc(1, sizeof(*vm));

	if (!vm)
		return NULL;
	vm->environment = environment;
	vm->settle = settle;
	vm->domain = ebb_domain_ref(domain);
	snprintf(vm->name, sizeof(vm->name), "%s", ebb_domain_name(domain));
	snprintf(vm->uuid, sizeof(vm->uuid), "%s", ebb_domain_uuid(domain));
	vm->life = EBB_VM_CONNECTED;
	vm->retry_s = EBB_VM_RETRY_MIN_S;
	vm->agent.qga_asks = EBB_VM_ASKS_FIRST;
	vm->progress_timer = -1;
	vm->rest_timer = -1;
	vm->agent.pace = (struct ebb_pace){
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
	ebb_vm_hold_settings(vm);
	ebb_probe_init(&vm->probe);
	ebb_vm_init_process(vm);
	ebb_vm_init_guard(vm);
	vm->turn.offered = on_turn;
	vm->turn.opaque = vm;
	vm->settle_timer = ebb_loop_timer(-1, on_settle_timer, vm);
	if (vm->settle_timer < 0) {
		free_vm(vm);
		return NULL;
	}
	vm->look_wanted = true;
	settle(vm);
	return vm;
}

void ebb_vm_dismiss(struct ebb_vm *vm, enum ebb_vm_dismissal why)
{
	vm->life = EBB_VM_DISMISSED;
	vm->dismissal = why;
	vm->leaving = why == EBB_VM_EBBD_ENDS;
	vm->gone = true;
	/* Where ebbd ends, the job may be abandoned, and nobody comes back. */
	if (vm->phase != EBB_VM_IDLE && !vm->process.ended)
		ebb_vm_reserve_lent(vm);
	ebb_vm_serve_last(vm);
	end_guard(vm);
	settle(vm);
}

const char *ebb_vm_name(const struct ebb_vm *vm)
{
	return vm->name;
}

const char *ebb_vm_uuid(const struct ebb_vm *vm)
{
	return vm->uuid;
}

void ebb_vm_agent_changed(struct ebb_vm *vm)
{
	/* Only the guest agent's channel is meant, which we may not use. */
	if (vm->probe.attached && vm->probe.channel != vm->probe.qga_channel)
		return;
	vm->agent.qga_asks = EBB_VM_ASKS_AGAIN;
	ebb_vm_guest_changed(vm);
}

void ebb_vm_disconnect(struct ebb_vm *vm)
{
	vm->life = EBB_VM_DISCONNECTED;
	vm->agent.broken = true;
	vm->disconnected = true;
	vm->gone = true;
	/* Nobody tells of its end. */
	vm->libvirt_job.under_way = false;
	settle(vm);
}

void ebb_vm_reconnect(struct ebb_vm *vm, struct ebb_domain *domain)
{
	/* A job that runs uses the old one until it is done. */
	ebb_domain_unref(vm->next_domain);
	vm->next_domain = ebb_domain_ref(domain);
	/* It may have come by an event of an attempt that failed then. */
	if (vm->life == EBB_VM_CONNECTED) {
		vm->agent.broken = true;
		vm->gone = true;
	}
	vm->retry_s = EBB_VM_RETRY_MIN_S;
	vm->look_wanted = true;
	settle(vm);
}

void ebb_vm_tick(struct ebb_vm *vm, uint64_t now_ns)
{
	if (vm->phase == EBB_VM_LOOKING)
		ebb_vm_guard_looking(vm);
	if (vm->phase != EBB_VM_IDLE)
		return;
	if (vm->probe.attached && !ebb_ringmap_is_open(&vm->probe.ring)) {
		ebb_vm_invalidate(vm);
		return;
	}
	if (!vm->probe.attached && now_ns >= vm->retry_ns) {
		vm->look_wanted = true;
		settle(vm);
		return;
	}
	ebb_vm_tell_if_due(vm);
	ebb_vm_ask_job_if_wanted(vm);
}
