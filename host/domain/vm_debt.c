/* SPDX-License-Identifier: GPL-2.0-only */
/* What a vm owes its guest of the pools of huge pages: see host/memory/debt.h. */
#include "host/domain/vm_state.h"
#include "host/memory/debt.h"

int ebb_vm_reserve_holes(struct ebb_vm *vm, uint64_t page_bytes)
{
	return ebb_debt_reserve(&vm->probe.qemu, page_bytes);
}

uint64_t ebb_vm_owed_bytes(const struct ebb_vm *vm, uint64_t page_bytes)
{
	/* Also without a lease: what the guest lent stays lent. */
	if (vm->process.ended)
		return 0;
	return ebb_debt_of(&vm->probe.qemu, page_bytes).owed_bytes;
}
