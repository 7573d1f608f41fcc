/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/probe_parts.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "common/cleanup.h"
#include "host/libvirt/agent.h"
#include "host/memory/debt.h"
#include "host/memory/ram.h"

static bool is_plugged_alike(const struct ebb_domxml *a,
			     const struct ebb_domxml *b)
{
	if (a->device_count != b->device_count)
		return false;
	for (uint32_t i = 0; i < a->device_count; i++)
		if (a->devices[i].base_gpa != b->devices[i].base_gpa ||
		    a->devices[i].plugged_bytes != b->devices[i].plugged_bytes)
			return false;
	return true;
}

/* The plugged memory is asked for again: if it changed meanwhile, it limits nothing. */
static void cut_debt(struct ebb_probe_context *context)
{
	struct ebb_probe *probe = context->probe;
	struct ebb_reason_list ignored = { 0 };
	char *xml ebb_auto_free = NULL;
	struct ebb_debt_limits limits;
	struct ebb_domxml now;

	if (ebb_debt_find_limits(&probe->qemu, &probe->map, &probe->domxml,
				 &limits) &&
	    ebb_domain_xml(context->order->domain, &xml) == 0 &&
	    ebb_domxml_parse(xml, &now, &ignored) == 0 &&
	    is_plugged_alike(&probe->domxml, &now))
		ebb_debt_cut(&probe->qemu, &limits);
}

/* Challenges the guest and finds its answer in the files. */
static int prove_memory(struct ebb_probe_context *context,
			uint8_t nonce[EBB_NONCE_BYTES])
{
	struct ebb_probe *probe = context->probe;
	struct ebb_msg_error error = { "" };
	int r;

	if (getrandom(nonce, EBB_NONCE_BYTES, 0) != EBB_NONCE_BYTES)
		return -EIO;
	r = ebb_agent_challenge(probe->channel,
				context->order->config->agent_timeout_ms, nonce,
				&error);
	if (r < 0) {
		ebb_probe_add_reason(context, EBB_REASON_NO_AGENT, error.text);
		return r;
	}
	r = ebb_map_prove(&context->info, nonce, &probe->domxml, &probe->qemu,
			  &probe->map);
	if (r < 0 || probe->map.unproven_count > 0) {
		ebb_reason_add(&probe->reasons, EBB_REASON_MAP_UNPROVEN,
			       "%u of %u segments",
			       r < 0 ? context->info.segment_count
				     : probe->map.unproven_count,
			       context->info.segment_count);
		return -ENOENT;
	}
	ebb_ram_drop_others(&probe->qemu, &probe->domxml, &probe->map);
	r = ebb_ram_lock_proven(&probe->qemu, &probe->map);
	if (r < 0) {
		ebb_probe_add_reason(context, EBB_REASON_OTHER_CONTROLLER,
				     NULL);
		return r;
	}
	ebb_debt_proven(&probe->qemu, &probe->map,
			probe->map.segment_count ==
				context->info.segment_count);
	cut_debt(context);
	return 0;
}

static int attach_ring(struct ebb_probe_context *context,
		       const uint8_t nonce[EBB_NONCE_BYTES])
{
	struct ebb_probe *probe = context->probe;
	const struct ebb_map_segment *segment = ebb_map_find(
		&probe->map, context->info.ring_gpa, sizeof(struct ebb_ring));
	const struct ebb_backing *backing;
	int r = -EBADMSG;

	if (segment && context->info.ring_gpa % EBB_PAGE_BYTES == 0) {
		backing = &probe->qemu.backings[segment->backing];
		r = ebb_ringmap_open(backing->fd,
				     segment->offset + context->info.ring_gpa -
					     segment->gpa,
				     backing->page_bytes, context->info.boot_id,
				     nonce, &probe->ring);
	}
	if (r == 0) {
		r = ebb_ringmap_attach(&probe->ring);
		if (r < 0)
			ebb_ringmap_close(&probe->ring);
	}
	if (r == -EPROTONOSUPPORT)
		ebb_probe_add_reason(context, EBB_REASON_AGENT_VERSION, NULL);
	else if (r == -ESHUTDOWN)
		ebb_probe_add_reason(
			context, EBB_REASON_NO_MODULE,
			"it is being unloaded, or the guest suspends");
	else if (r < 0)
		ebb_probe_add_reason(context, EBB_REASON_RING_INVALID,
				     strerror(-r));
	probe->ring_gpa = context->info.ring_gpa;
	return r;
}

void ebb_probe_attach(struct ebb_probe_context *context)
{
	struct ebb_probe *probe = context->probe;
	uint8_t nonce[EBB_NONCE_BYTES];

	if (prove_memory(context, nonce) == 0 &&
	    attach_ring(context, nonce) == 0) {
		probe->attached = true;
		return;
	}
	if (probe->reasons.count == 0)
		ebb_probe_add_reason(context, EBB_REASON_INTERNAL,
				     "no random numbers");
}
