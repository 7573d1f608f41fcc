/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a balloon holds of a vm's memory.
 *
 * Theory of operation
 * ===================
 *
 * The problem. What a balloon holds is not the guest's to use, so shares, limits and
 * debts are of the rest. The balloon moves at any time, and to ask libvirtd for it
 * again and again would cost a call for each domain.
 *
 * The rule. A look reads the domain's XML anyway, which has it; between looks libvirt
 * tells each change by an event. An event that comes while a look runs may be younger
 * than the XML which that look read, so it holds until the next look.
 *
 * The guest's driver says the size, so it may be any number: it is bounded by the
 * memory that the guest has. A guest that says too much is taken to have less to use.
 *
 * Its debt is another thing, as others rely on what covers it: who says that a balloon
 * holds memory may touch it a moment later. Nothing that the host can read tells memory
 * in a balloon from memory that was lent, as neither is resident; and neither libvirt
 * nor QEMU tell what was asked of the balloon last. What is known is what libvirt asks
 * for when the domain starts, by its definition. So much the balloon may hold without a
 * debt, if it does not deflate by itself: the host's word. What it holds beyond that is
 * claimed, and owed like what was lent. A definition that is edited while the domain runs
 * (virsh setmem --config) asks nothing of the balloon: the least that a look at this
 * process found is what counts.
 *
 * What it holds for Ebb is owed, too, whoever says so. The guest cannot take it at will,
 * but the guard gives all of it back as soon as the guest needs it (vm_guard.c), and does
 * not ask whether the host has it then: what covers debts must cover that.
 */
#include "host/domain/vm_parts.h"

void ebb_vm_balloon_changed(struct ebb_vm *vm, uint64_t left_bytes)
{
	vm->balloon.told = true;
	vm->balloon.told_in_look = true;
	vm->balloon.left_bytes = left_bytes;
}

void ebb_vm_balloon_look_begins(struct ebb_vm *vm)
{
	vm->balloon.told_in_look = false;
}

static void take_asked(struct vm_process *process,
		       const struct ebb_domxml *domxml)
{
	if (!domxml->balloon_asked_known ||
	    (process->balloon_asked_known &&
	     process->balloon_asked_bytes <= domxml->balloon_asked_bytes))
		return;
	process->balloon_asked_known = true;
	process->balloon_asked_bytes = domxml->balloon_asked_bytes;
}

void ebb_vm_balloon_look_ended(struct ebb_vm *vm, bool found)
{
	if (!found)
		return;
	vm->balloon.told = vm->balloon.told_in_look;
	take_asked(&vm->process, &vm->probe.domxml);
}

bool ebb_vm_balloon(const struct ebb_vm *vm, uint64_t *ret_bytes)
{
	const struct ebb_domxml *domxml = &vm->probe.domxml;

	*ret_bytes = vm->balloon.told
			     ? ebb_domxml_balloon_bytes(domxml,
							vm->balloon.left_bytes)
			     : domxml->balloon_bytes;
	return domxml->cell_count > 0 &&
	       (vm->balloon.told || domxml->balloon_known);
}

uint64_t ebb_vm_claimed_bytes(const struct ebb_vm *vm)
{
	uint64_t asked_bytes = vm->process.balloon_asked_bytes;
	uint64_t held_bytes = vm->guard.held_bytes;
	uint64_t bytes, claimed_bytes;

	if (!ebb_vm_balloon(vm, &bytes))
		return 0;
	claimed_bytes = bytes > asked_bytes ? bytes - asked_bytes : 0;
	/* It may be more than was just read. */
	if (held_bytes > bytes)
		held_bytes = bytes;
	return held_bytes > claimed_bytes ? held_bytes : claimed_bytes;
}
