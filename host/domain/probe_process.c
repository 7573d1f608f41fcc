/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/probe_parts.h"

#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "host/memory/age.h"
#include "host/memory/merged.h"
#include "host/memory/peers.h"
#include "host/memory/ram.h"

/*
 * By the clock of ebb_now_ns(). One whose age is not known, or that is older than this
 * clock, which stands while the host sleeps, is taken for old.
 */
static uint64_t began_ns(pid_t pid)
{
	uint64_t age_ns = ebb_process_age_s(pid) * EBB_NS_PER_S;
	uint64_t now_ns = ebb_now_ns();

	return age_ns < now_ns ? now_ns - age_ns : 0;
}

/* The process of the look before if it still runs, else the one that does. */
static int find_process(struct ebb_probe_context *context)
{
	const struct ebb_guest_process *before = &context->order->before->qemu;
	struct ebb_probe *probe = context->probe;
	int r = -ESRCH;

	if (before->pid > 0)
		r = ebb_guest_process_look(before, &probe->qemu,
					   &probe->reasons);
	probe->same_process = r == 0;
	probe->silent_ns = r == 0 ? context->order->before->silent_ns : 0;
	probe->began_ns = context->order->before->began_ns;
	if (r != -ESRCH)
		return r;
	r = ebb_guest_process_open(context->order->config->qemu_run_dir,
				   ebb_domain_name(context->order->domain),
				   ebb_domain_uuid(context->order->domain),
				   &probe->qemu, &probe->reasons);
	if (r == 0)
		probe->began_ns = began_ns(probe->qemu.pid);
	return r;
}

/*
 * A file of a pool may not be in use yet, and private memory is known to /proc alone,
 * also beside files. A process that cannot be asked may have some.
 */
static bool is_pooled(const struct ebb_guest_process *qemu)
{
	struct ebb_holding holding;

	for (uint32_t i = 0; i < qemu->backing_count; i++)
		if (qemu->backings[i].kind == EBB_BACKING_HUGETLBFS)
			return true;
	return ebb_guest_process_usage(qemu->pid, &holding) < 0 ||
	       holding.pooled;
}

int ebb_probe_examine_process(struct ebb_probe_context *context)
{
	struct ebb_probe *probe = context->probe;
	int r = find_process(context);

	if (r < 0) {
		ebb_probe_add_reason(context, EBB_REASON_PROCESS_UNKNOWN,
				     strerror(-r));
		return r;
	}
	r = ebb_peers_examine(&probe->qemu, probe->domxml.vhost_user, NULL,
			      &probe->reasons);
	if (r < 0) {
		ebb_probe_add_reason(context, EBB_REASON_PROCESS_UNKNOWN,
				     strerror(-r));
		return r;
	}
	if (probe->qemu.backing_count == 0 &&
	    !ebb_reason_has(&probe->reasons, EBB_REASON_BACKING_ON_DISK))
		ebb_probe_add_reason(context, EBB_REASON_PRIVATE_MEMORY, NULL);
	probe->pooled = is_pooled(&probe->qemu);
	probe->merged_known =
		ebb_merged_bytes(probe->qemu.pid, &probe->merged_bytes) == 0;
	return 0;
}

/*
 * The lock is on the memory's own files, so that no two controllers can miss
 * each other by their configuration.
 */
int ebb_probe_lock(struct ebb_probe_context *context)
{
	if (ebb_ram_lock_likely(&context->probe->qemu,
				&context->probe->domxml) == 0)
		return 0;
	ebb_probe_add_reason(context, EBB_REASON_OTHER_CONTROLLER, NULL);
	return -EBUSY;
}

bool ebb_probe_was_locked(const struct ebb_probe_context *context)
{
	const struct ebb_guest_process *before = &context->order->before->qemu;

	for (uint32_t i = 0; i < before->backing_count; i++)
		if (context->probe->same_process &&
		    ebb_file_is_locked(before->backings[i].file))
			return true;
	return false;
}
