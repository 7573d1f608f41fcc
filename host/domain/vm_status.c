/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vm as it is shown, without a wait: facts by loads from the ring, books by
 * fstat(), and what had to be read in /proc as a worker read it (holdings.h).
 */
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "host/domain/sight.h"
#include "host/domain/vm_parts.h"
#include "host/interface/held.h"
#include "host/memory/debt.h"

enum {
	/* What was read longer ago is not known any more. */
	READ_AGE_MS = 10 * 1000
};

/* UINT32_MAX means something else. */
static uint32_t age_ms(uint64_t since_ns)
{
	uint64_t ms = (ebb_now_ns() - since_ns) / EBB_NS_PER_MS;

	return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX - 1;
}

static void fill_ring_facts(const struct ebb_facts *facts, uint64_t facts_ns,
			    struct ebb_domain_status *status)
{
	status->facts_age_ms = age_ms(facts_ns);
	status->free_bytes = facts->free_bytes;
	status->free_huge_bytes = facts->free_huge_bytes;
	status->available_bytes = facts->available_bytes;
	status->allocation_stalls = facts->allocstall;
	status->stalls_known = true;
	status->node_count = facts->node_count;
	for (uint32_t i = 0; i < facts->node_count; i++) {
		const struct ebb_node_facts *node = &facts->nodes[i];

		status->nodes[i].node = node->node;
		status->nodes[i].total_bytes = node->total_bytes;
		status->nodes[i].free_bytes = node->free_bytes;
		status->nodes[i].free_huge_bytes = node->free_huge_bytes;
	}
}

/* @facts: of the ring now, or NULL: then the last known, of the ring or agent. */
static void fill_facts(const struct ebb_vm *vm, const struct ebb_facts *facts,
		       struct ebb_domain_status *status)
{
	const struct ebb_probe *probe = &vm->probe;

	if (facts) {
		fill_ring_facts(facts, ebb_now_ns(), status);
	} else if (vm->known.facts_ns &&
		   (!probe->have_facts ||
		    vm->known.facts_ns >= probe->facts_ns)) {
		fill_ring_facts(&vm->known.facts, vm->known.facts_ns, status);
	} else if (probe->have_facts) {
		status->facts_age_ms = age_ms(probe->facts_ns);
		status->free_bytes = probe->facts.free_bytes;
		status->free_huge_bytes = probe->facts.free_huge_bytes;
		status->available_bytes = probe->facts.available_bytes;
		status->allocation_stalls = probe->facts.allocstall;
		status->stalls_known = true;
	}
}

/* What the agent alone tells. A guest that says what cannot be has said nothing. */
static void fill_told(const struct ebb_vm *vm, struct ebb_domain_status *status)
{
	const struct ebb_probe *probe = &vm->probe;

	if (!probe->have_facts)
		return;
	status->told_age_ms = age_ms(probe->facts_ns);
	status->stalled_us = probe->facts.psi_some_us;
	if (probe->facts.held.known &&
	    ebb_held_is_plausible(&probe->facts.held, status->memory_bytes))
		status->held = probe->facts.held;
}

static void fill_pool(const struct ebb_vm *vm, struct ebb_domain_status *status)
{
	struct ebb_debt debt = ebb_debt_of(&vm->probe.qemu, 0);
	uint64_t taken = vm->process.counters.reclaimed_bytes;

	status->pool = (struct ebb_pool_status){
		.lent_bytes = debt.lent_bytes,
		.owed_bytes = debt.owed_bytes,
		.reserved_bytes = debt.reserved_bytes,
		.returned_bytes = debt.returned_bytes,
	};
	/* What the host has reserved it cannot use. */
	status->reclaimed_bytes =
		taken > debt.reserved_bytes ? taken - debt.reserved_bytes : 0;
}

pid_t ebb_vm_wants_usage(const struct ebb_vm *vm, uint32_t max_age_ms)
{
	const struct ebb_guest_process *qemu = &vm->probe.qemu;

	if (qemu->pid <= 0 || qemu->backing_count > 0 || vm->process.ended ||
	    (vm->process.usage_ns && age_ms(vm->process.usage_ns) < max_age_ms))
		return 0;
	return qemu->pid;
}

void ebb_vm_take_usage(struct ebb_vm *vm, pid_t pid,
		       const struct ebb_holding *usage, uint64_t read_ns)
{
	if (vm->probe.qemu.pid != pid || read_ns < vm->process.usage_ns ||
	    !ebb_guest_process_alive(&vm->probe.qemu))
		return;
	vm->process.usage = *usage;
	vm->process.usage_ns = read_ns;
}

static void fill_holding(const struct ebb_vm *vm,
			 struct ebb_domain_status *status)
{
	const struct ebb_guest_process *qemu = &vm->probe.qemu;
	struct ebb_holding holding = { 0 };

	status->resident_known = qemu->pid > 0;
	if (qemu->backing_count > 0)
		ebb_guest_process_holding(qemu, READ_AGE_MS, &holding);
	else if (vm->process.usage_ns &&
		 age_ms(vm->process.usage_ns) < READ_AGE_MS)
		holding = vm->process.usage;
	else
		status->resident_known = false;
	status->resident_bytes = holding.resident_bytes;
	status->swapped_bytes = holding.swapped_bytes;
	status->swapped_known = holding.swapped_known;
}

static void fill_backings(const struct ebb_vm *vm,
			  struct ebb_domain_status *status)
{
	const struct ebb_guest_process *qemu = &vm->probe.qemu;
	struct ebb_holding holding;

	for (uint32_t i = 0; i < qemu->backing_count; i++) {
		struct ebb_backing_status *backing = &status->backings[i];

		snprintf(backing->kind, sizeof(backing->kind), "%s",
			 ebb_backing_kind_name(qemu->backings[i].kind));
		backing->bytes = qemu->backings[i].bytes;
		backing->page_bytes = qemu->backings[i].page_bytes;
		ebb_backing_holding(&qemu->backings[i], READ_AGE_MS, &holding);
		backing->resident_bytes = holding.resident_bytes;
		backing->swapped_bytes = holding.swapped_bytes;
		backing->swapped_known = holding.swapped_known;
		for (uint32_t s = 0; s < vm->probe.map.segment_count; s++)
			if (vm->probe.map.segments[s].backing == i)
				backing->verified_segments++;
	}
	status->backing_count = qemu->backing_count;
	status->memory_bytes = ebb_vm_memory_bytes(vm);
}

/*
 * The ring tells of this moment, and without a message. What the agent alone
 * knows is its last word.
 */
static void fill_target(const struct ebb_facts *facts,
			struct ebb_target_status *target)
{
	if (!facts)
		return;
	target->drop_count = facts->drop_count;
	if (strcmp(target->mechanism, "module") != 0)
		return;
	target->effective_bytes = facts->target_bytes;
	snprintf(target->state, sizeof(target->state), "%s",
		 ebb_threshold_state_name(facts->threshold_state));
	if (facts->threshold_state == EBB_THRESHOLD_DROPPED &&
	    !target->reason[0])
		snprintf(target->reason, sizeof(target->reason), "%s",
			 ebb_drop_reason_name(facts->drop_reason));
}

void ebb_vm_status(const struct ebb_vm *vm,
		   struct ebb_domain_status *ret_status)
{
	static const char *const phases[] = {
		[EBB_VM_IDLE] = "ready",
		[EBB_VM_LOOKING] = "probing",
		[EBB_VM_TELLING] = "telling",
		[EBB_VM_RECLAIMING] = "reclaiming",
	};
	const struct ebb_probe *probe = &vm->probe;
	bool resizing = vm->look_wanted && ebb_vm_resize_wait_ms(vm) > 0;
	bool looking = vm->phase == EBB_VM_LOOKING || resizing;
	enum ebb_rung_id rung = ebb_vm_rung(vm);
	struct ebb_facts of_ring, *facts = NULL;

	memset(ret_status, 0, sizeof(*ret_status));
	snprintf(ret_status->name, sizeof(ret_status->name), "%s", vm->name);
	snprintf(ret_status->uuid, sizeof(ret_status->uuid), "%s", vm->uuid);
	snprintf(ret_status->phase, sizeof(ret_status->phase), "%s",
		 resizing ? "resizing" : phases[vm->phase]);
	if (looking && rung == EBB_RUNG_OBSERVE)
		rung = vm->known.rung;
	snprintf(ret_status->rung, sizeof(ret_status->rung), "%s",
		 ebb_rung_name(rung));
	ret_status->known = vm->known.looked_at;
	ret_status->old = looking || vm->life != EBB_VM_CONNECTED;
	fill_pool(vm, ret_status);
	ret_status->reclaim_runs = vm->process.counters.reclaim_runs;
	ret_status->facts_age_ms = UINT32_MAX;
	ebb_vm_target_status(vm, &ret_status->target);
	ebb_vm_settings_status(vm, &ret_status->settings);
	ebb_vm_next_status(vm, ret_status);
	ret_status->reason_count =
		ebb_reason_render_all(&probe->reasons, ret_status->reasons);
	if (probe->have_info) {
		memcpy(ret_status->agent_version, probe->info.agent_version,
		       sizeof(ret_status->agent_version));
		memcpy(ret_status->kernel, probe->info.kernel,
		       sizeof(ret_status->kernel));
	}
	if (probe->channel)
		snprintf(ret_status->channel, sizeof(ret_status->channel), "%s",
			 ebb_channel_name(probe->channel));
	if (probe->attached && ebb_ringmap_facts(&probe->ring, &of_ring) == 0)
		facts = &of_ring;
	fill_facts(vm, facts, ret_status);
	fill_target(facts, &ret_status->target);
	fill_backings(vm, ret_status);
	fill_told(vm, ret_status);
	ret_status->balloon_known =
		ebb_vm_balloon(vm, &ret_status->balloon_bytes);
	ret_status->balloon_held_bytes = vm->guard.held_bytes;
	ret_status->balloon_unread = vm->guard.unread;
	fill_holding(vm, ret_status);
	ret_status->lent_known = ebb_vm_lent(vm, &ret_status->lent_bytes);
	ret_status->in_job = vm->libvirt_job.under_way;
}
