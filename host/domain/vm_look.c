/* SPDX-License-Identifier: GPL-2.0-only */
/* A vm's look at its domain: what brings one about, and what comes of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/u64.h"
#include "host/base/loop.h"
#include "host/domain/vm_parts.h"

enum {
	/* A domain without lease is looked at again, later and later. */
	RETRY_MAX_S = 64,
	/* Of what is told when it is over, none knows that it is told always. */
	RETRY_TOLD_S = 600,
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
	if (vm->agent.changed)
		return;
	vm->agent.changed = true;
	settle_soon(vm);
}

static void on_agent_event(const char *name, const struct json_object *data,
			   void *opaque)
{
	if (strcmp(name, "EBB_TARGET_CHANGED") == 0)
		ebb_vm_target_event(opaque, data);
	/* It is there, or the module came or went: what we know is old. */
	if (strcmp(name, "EBB_AGENT_READY") == 0) {
		((struct ebb_vm *)opaque)->agent.heard = true;
		ebb_vm_guest_changed(opaque);
	}
}

static void on_channel_broken(void *opaque)
{
	struct ebb_vm *vm = opaque;

	vm->agent.broken = true;
	ebb_vm_guest_changed(vm);
}

static const struct ebb_channel_ops channel_ops = {
	.event = on_agent_event,
	.broken = on_channel_broken,
};

void ebb_vm_invalidate(struct ebb_vm *vm)
{
	vm->gone = true;
	vm->look_wanted = true;
	ebb_vm_target_forget(vm);
	vm->settle(vm);
}

/*
 * A look has the guest hold a page in memory that was added (kmod/canary.c). If
 * that is the piece which virtio-mem unplugs next, the guest tries again after
 * 50 s, and then after 100 s more. Each piece is an event: a look at each would
 * meet the next piece.
 */
void ebb_vm_memory_resized(struct ebb_vm *vm)
{
	uint64_t now_ns = ebb_now_ns();

	if (!vm->resizing_ns)
		vm->resizing_ns = now_ns;
	vm->resized_ns = now_ns;
	ebb_vm_invalidate(vm);
}

void ebb_vm_reset(struct ebb_vm *vm)
{
	vm->booted_ns = ebb_now_ns();
	ebb_vm_guard_reset(vm);
	vm->agent.qga_asks = EBB_VM_ASKS_AGAIN;
	ebb_vm_invalidate(vm);
}

void ebb_vm_detach(struct ebb_vm *vm)
{
	enum ebb_rung_id rung = ebb_probe_rung(&vm->probe);

	/* It may have been let go before: that says nothing of it. */
	if (rung != EBB_RUNG_OBSERVE)
		vm->known.rung = rung;
	if (vm->probe.attached &&
	    ebb_ringmap_facts(&vm->probe.ring, &vm->known.facts) == 0)
		vm->known.facts_ns = ebb_now_ns();
	ebb_probe_detach(&vm->probe);
	/* It is asked anew where the guest is another, and on a channel that is open. */
	vm->probe.channel = NULL;
	vm->probe.swaps = false;
	vm->probe.inflatable = false;
	if (vm->agent.broken || vm->life != EBB_VM_CONNECTED)
		ebb_probe_close_channels(&vm->probe);
	vm->agent.broken = false;
}

static void look_work(void *opaque)
{
	struct ebb_vm *vm = opaque;
	struct ebb_probe_order order = {
		.domain = vm->domain,
		.config = vm->environment->config,
		.ops = &channel_ops,
		.opaque = vm,
		.gone = &vm->gone,
		.booted_ns = vm->booted_ns,
		.heard = vm->agent.heard_by_look,
		.ask_qga = vm->agent.qga_asks > 0,
		.answered = vm->process.answered,
		.forbidden = EBB_RUNGS_NAMED & ~vm->settings.looked_rungs,
		.share_reserved = vm->settings.looked_reserved ==
				  EBB_RESERVED_SHARE,
		.before = &vm->probe,
		.record_read = &vm->guard.record_read,
	};

	/*
	 * The thread that looks makes room for the findings: a thousand domains that
	 * wait for their looks have none, and leave no holes in the heap.
	 */
	vm->next = malloc(sizeof(*vm->next));
	if (vm->next)
		ebb_probe_run(&order, vm->next);
}

/* The next tick tries again. */
static void could_not_look(struct ebb_vm *vm, int r)
{
	vm->retry_ns = 0;
	ebb_reason_add(&vm->probe.reasons, EBB_REASON_INTERNAL, "%s",
		       strerror(-r));
}

/*
 * Whether an agent that comes says so: on Ebb's channel, which is open on our
 * side, by its first word; on the guest agent's libvirt does. Who has the
 * channel open and does not answer says nothing when he is well again.
 */
static bool is_agent_told(const struct ebb_probe *probe)
{
	return !probe->domxml.own_channel ||
	       (probe->own_channel && probe->domxml.own_closed);
}

/*
 * What stands in the way of the lease where the agent answers on Ebb's channel: it says
 * there that the module came or went, and virtio-balloon is as the domain was started.
 */
static uint32_t count_told_by_agent(const struct ebb_vm *vm)
{
	const struct ebb_probe *probe = &vm->probe;
	const struct ebb_reason_list *reasons = &probe->reasons;

	if (ebb_probe_rung(probe) != EBB_RUNG_REPORT ||
	    probe->channel != probe->own_channel)
		return 0;
	return ebb_reason_has(reasons, EBB_REASON_REPORTING_BUSY) +
	       ebb_reason_has(reasons, EBB_REASON_NO_MODULE) +
	       ebb_reason_has(reasons, EBB_REASON_AGENT_VERSION);
}

/* Whether all that stands in the way ends by an event, which is told. */
static bool is_told_when_over(const struct ebb_vm *vm)
{
	static const enum ebb_reason_id told[] = {
		EBB_REASON_CONFIDENTIAL,
		EBB_REASON_VFIO,
		EBB_REASON_VDPA,
		EBB_REASON_VHOST_USER,
		EBB_REASON_NVDIMM,
		EBB_REASON_LOCKED_MEMORY,
		EBB_REASON_PRIVATE_MEMORY,
		EBB_REASON_BACKING_ON_DISK,
		EBB_REASON_NO_CHANNEL,
		EBB_REASON_GUEST_PAUSED,
		EBB_REASON_RUNG_FORBIDDEN,
		EBB_REASON_RESERVED_MEMORY,
		/* Nobody tells of swap that is added, but that is no matter of seconds. */
		EBB_REASON_NO_SWAP,
	};
	const struct ebb_reason_list *reasons = &vm->probe.reasons;
	uint32_t count = count_told_by_agent(vm);

	for (size_t i = 0; i < EBB_ARRAY_SIZE(told); i++)
		count += ebb_reason_has(reasons, told[i]);
	count += ebb_reason_has(reasons, EBB_REASON_NO_AGENT) &&
		 is_agent_told(&vm->probe);
	/* A driver that was silent is not asked again before long. */
	count += ebb_reason_has(reasons, EBB_REASON_NO_BALLOON) &&
		 vm->probe.silent_ns > 0;
	return count > 0 && count == reasons->count;
}

static uint32_t retry_max_s(const struct ebb_vm *vm)
{
	if (ebb_reason_has(&vm->probe.reasons, EBB_REASON_OTHER_CONTROLLER))
		return RETRY_OTHERS_S;
	return is_told_when_over(vm) ? RETRY_TOLD_S : RETRY_MAX_S;
}

/*
 * Where all is told a second look is enough: it finds what came between the first
 * one and the open channel. Domains that became what they are at one moment are
 * not looked at as one.
 */
static void set_retry(struct ebb_vm *vm)
{
	uint64_t wait_ns;

	if (vm->retry_s > EBB_VM_RETRY_MIN_S && is_told_when_over(vm))
		vm->retry_s = retry_max_s(vm);
	/* What was in the way before may have been told, and this is not. */
	if (vm->retry_s > retry_max_s(vm))
		vm->retry_s = retry_max_s(vm);
	wait_ns = vm->retry_s * EBB_NS_PER_S;

	vm->retry_ns = ebb_now_ns() + wait_ns +
		       wait_ns * (ebb_vm_hash(vm) % 256) / 1024;
	/* Who asks is told when that is. */
	if (ebb_reason_has(&vm->probe.reasons, EBB_REASON_GUEST_BOOTING))
		vm->retry_ns = ebb_u64_min(vm->retry_ns, vm->probe.boot_end_ns);
	vm->retry_s *= 2;
	if (vm->retry_s > retry_max_s(vm))
		vm->retry_s = retry_max_s(vm);
}

/* Where ebb-agent is at home its channel is used freely, else counted. */
static void count_asks(struct ebb_vm *vm)
{
	if (vm->probe.have_info) {
		vm->process.answered = true;
		ebb_vm_count_on(vm);
		if (vm->agent.qga_asks == 0)
			vm->agent.qga_asks = EBB_VM_ASKS_FIRST;
	} else if (vm->probe.asked_qga) {
		vm->agent.qga_asks--;
	}
}

/*
 * An agent sends a greeting when its channel is opened. The answer to the look has all
 * that the agent told before it, which makes no second look due: these would be half of
 * all looks after a start of ebbd or of libvirtd.
 */
static void forget_answered_events(struct ebb_vm *vm)
{
	const struct ebb_probe *probe = &vm->probe;

	if (!vm->agent.changed || vm->agent.broken || !probe->have_info ||
	    probe->channel != probe->own_channel ||
	    ebb_channel_events(probe->channel) != probe->events)
		return;
	vm->agent.changed = false;
	vm->agent.heard = false;
	/* It may be another agent, which was told nothing. */
	ebb_vm_target_forget(vm);
}

/* What the look found takes the place of what was known. */
static void take_findings(struct ebb_vm *vm)
{
	int r = ebb_vm_take_process(vm);

	vm->probe = *vm->next;
	free(vm->next);
	vm->next = NULL;
	if (r < 0)
		ebb_reason_add(&vm->probe.reasons, EBB_REASON_INTERNAL,
			       "out of event handles");
}

static void look_done(struct ebb_vm *vm)
{
	const struct ebb_vm_environment *environment = vm->environment;
	bool found;

	if (!vm->next) {
		could_not_look(vm, -ENOMEM);
		return;
	}
	found = vm->next->qemu.pid > 0 && !vm->next->same_process;
	take_findings(vm);
	if (found && environment->found && vm->life != EBB_VM_DISMISSED)
		environment->found(vm, environment->opaque);
	vm->known.looked_at = true;
	vm->known.rung = EBB_RUNG_OBSERVE;
	/* Without XML nothing is known, and what was holds. */
	ebb_vm_balloon_look_ended(vm, vm->probe.domxml.cell_count > 0);
	if (vm->probe.domxml.cell_count > 0)
		ebb_vm_take_metadata(vm, &vm->probe.domxml.metadata,
				     vm->probe.domxml.next_known
					     ? &vm->probe.domxml.next
					     : NULL);
	ebb_vm_guard_looked(vm);
	forget_answered_events(vm);
	count_asks(vm);
	set_retry(vm);
	if (!vm->probe.attached)
		return;
	vm->retry_s = EBB_VM_RETRY_MIN_S;
}

static const struct vm_job look = {
	.phase = EBB_VM_LOOKING,
	.work = look_work,
	.done = look_done,
	.name = "look_done",
};

void ebb_vm_look(struct ebb_vm *vm)
{
	int r;

	ebb_vm_detach(vm);
	vm->look_wanted = false;
	vm->resizing_ns = 0;
	vm->settings.changed = false;
	ebb_vm_balloon_look_begins(vm);
	vm->guard.changed = false;
	vm->guard.record_read = false;
	if (ebb_vm_settings_look_begins(vm))
		ebb_vm_target_forget(vm);
	vm->gone = false;
	vm->disconnected = false;
	vm->agent.heard_by_look = vm->agent.heard;
	vm->agent.heard = false;
	r = ebb_vm_run(vm, &look);
	if (r < 0)
		could_not_look(vm, r);
}
