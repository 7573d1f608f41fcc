/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>

#include "common/clock.h"
#include "host/domain/sight.h"
#include "host/domain/vm_parts.h"
#include "host/rung/need.h"

enum {
	/* What was read longer ago, of swap or a process, is not known any more. */
	READ_AGE_MS = 30 * 1000,
	/* What an agent said longer ago is no word of now. It is heard each 2 s. */
	SAID_AGE_MS = 10 * 1000,
};

void ebb_vm_note_state(struct ebb_vm *vm, enum ebb_domain_state state)
{
	vm->state = state;
}

/* Its kernel has run since the process began or since libvirt told of a reset. */
static uint64_t kernel_began_ns(const struct ebb_vm *vm)
{
	return vm->probe.began_ns > vm->booted_ns ? vm->probe.began_ns
						  : vm->booted_ns;
}

/* Where there is no ring, what the agent said when it was asked last. */
static bool hear_agent(const struct ebb_vm *vm, struct ebb_vm_word *ret_word)
{
	const struct ebb_probe *probe = &vm->probe;
	uint64_t began_ns = kernel_began_ns(vm);

	if (!probe->have_facts || probe->facts_ns <= began_ns ||
	    ebb_now_ns() - probe->facts_ns > SAID_AGE_MS * EBB_NS_PER_MS)
		return false;
	*ret_word = (struct ebb_vm_word){
		.stamp_ns = probe->facts_ns - began_ns,
		.asked = true,
		.free_bytes = probe->facts.free_bytes,
		.free_huge_bytes = probe->facts.free_huge_bytes,
		.available_bytes = probe->facts.available_bytes,
	};
	memcpy(ret_word->boot_id, probe->info.boot_id,
	       sizeof(ret_word->boot_id));
	return true;
}

/*
 * Where nothing in the guest is asked, the host's own books: what the host does not
 * provide is free in the guest, and of the rest nobody knows. They say so as of when they
 * were read.
 */
static bool hear_host(const struct ebb_vm *vm, struct ebb_vm_word *ret_word)
{
	uint64_t began_ns = kernel_began_ns(vm), read_ns = ebb_now_ns();

	if (vm->probe.qemu.backing_count == 0)
		read_ns = vm->process.usage_ns;
	*ret_word = (struct ebb_vm_word){ .by_books = true };
	if (read_ns <= began_ns || !ebb_vm_lent(vm, &ret_word->free_bytes))
		return false;
	ret_word->stamp_ns = read_ns - began_ns;
	return true;
}

/* Whether its driver said something of the kernel that runs, not long ago. */
static bool has_driver_word(const struct ebb_vm *vm)
{
	const struct vm_guard *guard = &vm->guard;

	return guard->word_ns > kernel_began_ns(vm) &&
	       ebb_now_ns() - guard->word_ns <= SAID_AGE_MS * EBB_NS_PER_MS &&
	       guard->word.usable_known && guard->word.unused_known;
}

/* Where there is nothing but a balloon, what its driver said last. */
static bool hear_driver(const struct ebb_vm *vm, struct ebb_vm_word *ret_word)
{
	const struct vm_guard *guard = &vm->guard;

	if (!has_driver_word(vm))
		return false;
	*ret_word = (struct ebb_vm_word){
		.stamp_ns = guard->word_ns - kernel_began_ns(vm),
		.asked = true,
		.free_bytes = guard->word.unused_bytes,
		.free_huge_bytes = ebb_need_spare(&guard->word,
						  guard->word_base_bytes, true),
		.available_bytes = guard->word.usable_bytes,
	};
	return true;
}

/* All but what could be spared: of its cache it may work with some, which is not known. */
static void see_driver_word(const struct ebb_vm *vm, struct ebb_vm_sight *sight)
{
	const struct vm_guard *guard = &vm->guard;
	uint64_t spare_bytes =
		ebb_need_spare(&guard->word, guard->word_base_bytes, false);
	uint64_t left_bytes = guard->word.actual_bytes;

	sight->working_set_known = true;
	sight->working_set_bytes =
		left_bytes > spare_bytes ? left_bytes - spare_bytes : 0;
	sight->working_set_ns = guard->word_ns;
}

bool ebb_vm_hear(const struct ebb_vm *vm, struct ebb_vm_word *ret_word)
{
	enum ebb_rung_id rung = ebb_vm_rung(vm);
	struct ebb_facts facts;

	if (rung == EBB_RUNG_PAGEOUT)
		return hear_host(vm, ret_word);
	if (rung == EBB_RUNG_BALLOON)
		return hear_driver(vm, ret_word);
	if (rung != EBB_RUNG_LEASE)
		return rung == EBB_RUNG_REPORT && hear_agent(vm, ret_word);
	if (ebb_ringmap_facts(&vm->probe.ring, &facts) < 0)
		return false;
	*ret_word = (struct ebb_vm_word){
		.stamp_ns = facts.stamp_ns,
		.free_bytes = facts.free_bytes,
		.free_huge_bytes = facts.free_huge_bytes,
		.available_bytes = facts.available_bytes,
	};
	memcpy(ret_word->boot_id, vm->probe.info.boot_id,
	       sizeof(ret_word->boot_id));
	return true;
}

/* Of a process without files, what it has as such, which is a little more. */
static bool has_usage(const struct ebb_vm *vm)
{
	const struct vm_process *process = &vm->process;

	return process->usage_ns > 0 &&
	       ebb_now_ns() - process->usage_ns < READ_AGE_MS * EBB_NS_PER_MS;
}

static void see_held(const struct ebb_vm *vm, struct ebb_vm_sight *sight)
{
	const struct ebb_guest_process *qemu = &vm->probe.qemu;
	struct ebb_holding holding;

	/* Who has ended has nothing, and takes nothing. */
	if (vm->process.ended) {
		sight->held_known = true;
		return;
	}
	sight->usable_bytes = ebb_vm_usable_bytes(vm);
	sight->balloon_known = ebb_vm_balloon(vm, &sight->balloon_bytes);
	sight->claimed_bytes = ebb_vm_claimed_bytes(vm);
	sight->base_bytes = ebb_vm_base_bytes(vm);
	if (qemu->pid <= 0)
		return;
	if (qemu->backing_count > 0)
		ebb_guest_process_holding(qemu, READ_AGE_MS, &holding);
	else if (has_usage(vm))
		holding = vm->process.usage;
	else
		return;
	/*
	 * Of which pool it is, is not known; nor what it may use, where a look did not
	 * get the XML and there are no files.
	 */
	sight->held_known = !holding.pooled && ebb_vm_memory_bytes(vm) > 0;
	sight->resident_bytes = holding.resident_bytes;
	sight->swapped_known = holding.swapped_known;
	sight->swapped_bytes = holding.swapped_bytes;
	if (qemu->backing_count > 0 &&
	    qemu->backings[0].kind == EBB_BACKING_HUGETLBFS)
		sight->huge_page_bytes = qemu->backings[0].page_bytes;
}

void ebb_vm_see(const struct ebb_vm *vm, struct ebb_vm_sight *ret_sight)
{
	const struct ebb_probe *probe = &vm->probe;

	*ret_sight = (struct ebb_vm_sight){
		.pid = vm->process.ended ? 0 : probe->qemu.pid,
		.paused = vm->state == EBB_DOMAIN_PAUSED ||
			  vm->state == EBB_DOMAIN_PMSUSPENDED,
		.leaving = vm->life == EBB_VM_DISMISSED ||
			   vm->state == EBB_DOMAIN_SHUTDOWN ||
			   vm->state == EBB_DOMAIN_CRASHED,
		.in_job = vm->libvirt_job.under_way,
		.jobs_ended = vm->libvirt_job.ended,
		.rung = ebb_vm_rung(vm),
		.balloon_deflates = probe->domxml.balloon_deflates,
		.balloon_alarms = vm->guard.alarms,
	};
	see_held(vm, ret_sight);
	if (probe->have_facts) {
		ret_sight->stalled_us = probe->facts.psi_some_us;
		ret_sight->said_ns = probe->facts_ns;
	}
	if (ret_sight->rung == EBB_RUNG_BALLOON) {
		if (has_driver_word(vm))
			see_driver_word(vm, ret_sight);
	} else if (probe->have_facts && probe->facts.working_set_bytes > 0) {
		ret_sight->working_set_known = true;
		ret_sight->working_set_bytes = probe->facts.working_set_bytes;
		ret_sight->working_set_ns = probe->facts_ns;
	}
}

bool ebb_vm_lent(const struct ebb_vm *vm, uint64_t *ret_bytes)
{
	struct ebb_vm_sight sight = { 0 };
	uint64_t held_bytes;

	see_held(vm, &sight);
	held_bytes = sight.resident_bytes + sight.swapped_bytes;
	*ret_bytes = sight.held_known && sight.usable_bytes > held_bytes
			     ? sight.usable_bytes - held_bytes
			     : 0;
	return sight.held_known;
}

bool ebb_vm_is_closed(const struct ebb_vm *vm, struct ebb_reason *ret_reason)
{
	if (ebb_vm_has_lease(vm) || vm->probe.reasons.count == 0)
		return false;
	ebb_reason_render(&vm->probe.reasons, 0, ret_reason);
	return true;
}
