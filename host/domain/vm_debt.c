/* SPDX-License-Identifier: GPL-2.0-only */
/* What a vm owes its guest of the pools of huge pages. */
#include "host/memory/hugepool.h"
#include "host/domain/vm_state.h"

static bool is_of_pool(const struct ebb_backing *backing, uint64_t page_bytes)
{
	return backing->kind == EBB_BACKING_HUGETLBFS &&
	       (page_bytes == 0 || backing->page_bytes == page_bytes);
}

int ebb_vm_reserve_process(const struct ebb_guest_process *qemu,
			   uint64_t page_bytes)
{
	int first = 0, r;

	for (uint32_t i = 0; i < qemu->backing_count; i++) {
		if (!is_of_pool(&qemu->backings[i], page_bytes))
			continue;
		r = ebb_hugepool_reserve_holes(qemu->backings[i].fd,
					       qemu->backings[i].bytes);
		if (r < 0 && first == 0)
			first = r;
	}
	return first;
}

int ebb_vm_reserve_holes(struct ebb_vm *vm, uint64_t page_bytes)
{
	int r = ebb_vm_reserve_process(&vm->probe.qemu, page_bytes);

	if (r == 0)
		vm->process.lent_bytes = 0;
	return r;
}

uint64_t ebb_vm_owed_bytes(const struct ebb_vm *vm, uint64_t page_bytes)
{
	const struct ebb_guest_process *qemu = &vm->probe.qemu;
	uint64_t lent = vm->process.lent_bytes, holes = 0;

	/* Also without a lease: what the guest lent stays lent. */
	if (vm->process.ended)
		return 0;
	if (vm->phase == EBB_VM_RECLAIMING)
		lent += ebb_vm_uncounted_bytes(vm);
	if (lent == 0)
		return 0;
	for (uint32_t i = 0; i < qemu->backing_count; i++)
		if (is_of_pool(&qemu->backings[i], page_bytes))
			holes += qemu->backings[i].bytes -
				 ebb_backing_held_bytes(&qemu->backings[i]);
	/* The guest has taken some of them back since. */
	return holes < lent ? holes : lent;
}
