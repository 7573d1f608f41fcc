/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/probe_parts.h"

#include "common/clock.h"
#include "host/base/fault.h"
#include "host/memory/age.h"

enum {
	/* A guest may take so long to boot before its agent is missed. */
	BOOT_S = 120,
};

void ebb_probe_add_reason(struct ebb_probe_context *context,
			  enum ebb_reason_id id, const char *detail)
{
	ebb_reason_add(&context->probe->reasons, id, detail ? "%s" : NULL,
		       detail);
}

/* How long it still counts as booting. */
static uint32_t boot_left_s(const struct ebb_probe_context *context)
{
	uint64_t booted_ns = context->order->booted_ns;
	uint32_t boot_s = BOOT_S / ebb_fault_speed(), left_s = 0, since_s;
	pid_t pid = context->probe->qemu.pid;
	uint32_t age_s = ebb_process_age_s(pid);

	if (age_s < boot_s && !ebb_process_was_restored(pid))
		left_s = boot_s - age_s;
	if (!booted_ns || ebb_now_ns() - booted_ns >= boot_s * EBB_NS_PER_S)
		return left_s;
	since_s = (uint32_t)((ebb_now_ns() - booted_ns) / EBB_NS_PER_S);
	return left_s > boot_s - since_s ? left_s : boot_s - since_s;
}

bool ebb_probe_is_booting(const struct ebb_probe_context *context)
{
	context->probe->boot_left_s = boot_left_s(context);
	return context->probe->boot_left_s > 0;
}
