/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/probe_parts.h"

#include "common/clock.h"
#include "common/u64.h"
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

/* Until when it counts as booting, which may be over. */
static uint64_t boot_end_ns(const struct ebb_probe_context *context)
{
	uint64_t boot_ns = BOOT_S / ebb_fault_speed() * EBB_NS_PER_S;
	uint64_t booted_ns = context->order->booted_ns, end_ns = 0;
	pid_t pid = context->probe->qemu.pid;
	uint64_t age_ns = ebb_process_age_s(pid) * EBB_NS_PER_S;

	if (age_ns < boot_ns && !ebb_process_was_restored(pid))
		end_ns = ebb_now_ns() + boot_ns - age_ns;
	return booted_ns ? ebb_u64_max(end_ns, booted_ns + boot_ns) : end_ns;
}

bool ebb_probe_is_booting(const struct ebb_probe_context *context)
{
	context->probe->boot_end_ns = boot_end_ns(context);
	return context->probe->boot_end_ns > ebb_now_ns();
}
