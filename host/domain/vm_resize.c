/* SPDX-License-Identifier: GPL-2.0-only */
/* How long a vm's look is put off while its memory is resized: see vm_look.c. */
#include "common/clock.h"
#include "host/domain/vm_parts.h"

enum {
	/*
	 * QEMU tells of a size that changes once a second at most. A guest that
	 * is resized without an end is looked at nevertheless.
	 */
	RESIZE_REST_MS = 3 * 1000,
	RESIZE_MAX_MS = 30 * 1000,
};

uint32_t ebb_vm_resize_wait_ms(const struct ebb_vm *vm)
{
	uint64_t now_ns = ebb_now_ns();
	uint64_t rested_ns = vm->resized_ns + RESIZE_REST_MS * EBB_NS_PER_MS;
	uint64_t end_ns = vm->resizing_ns + RESIZE_MAX_MS * EBB_NS_PER_MS;

	if (end_ns > rested_ns)
		end_ns = rested_ns;
	if (!vm->resizing_ns || end_ns <= now_ns)
		return 0;
	return (uint32_t)((end_ns - now_ns) / EBB_NS_PER_MS) + 1;
}
