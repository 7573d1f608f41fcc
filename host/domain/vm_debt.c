/* SPDX-License-Identifier: GPL-2.0-only */
/* What a vm owes its guest of the pools of huge pages: see host/memory/debt.h. */
#include "host/domain/vm_parts.h"
#include "host/memory/debt.h"

int ebb_vm_share_files(const struct ebb_vm *vm,
		       struct ebb_guest_process *ret_process)
{
	return ebb_guest_process_share(&vm->probe.qemu, ret_process);
}

uint64_t ebb_vm_owed_bytes(const struct ebb_vm *vm, uint64_t page_bytes)
{
	/* Also without a lease: what the guest lent stays lent. */
	if (vm->process.ended)
		return 0;
	return ebb_debt_of(&vm->probe.qemu, page_bytes).owed_bytes;
}
