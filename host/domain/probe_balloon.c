/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/probe_parts.h"

#include <errno.h>

#include "common/clock.h"
#include "host/memory/age.h"
#include "host/rung/hand.h"

enum {
	/* To ask a balloon whose driver is silent takes seconds of a thread. */
	SILENT_S = 600,
};

/*
 * The record is of an earlier QEMU: somebody defined the domain by its live XML. A guest
 * that was restored has its balloon as the record says.
 */
static bool is_record_stale(const struct ebb_probe_context *context)
{
	const struct ebb_balloon_record *record =
		&context->probe->domxml.balloon_record;
	pid_t pid = context->probe->qemu.pid;
	uint64_t start_ticks = pid > 0 ? ebb_process_start_ticks(pid) : 0;

	return record->base_bytes && record->start_ticks && start_ticks &&
	       record->start_ticks != start_ticks &&
	       !ebb_process_was_restored(pid);
}

/* Such a record holds nothing: the balloon stays as it is. */
void ebb_probe_examine_record(struct ebb_probe_context *context)
{
	const struct ebb_balloon_act drop = { .write = true };
	struct ebb_hand_answer unused;
	struct ebb_hand hand;

	if (!is_record_stale(context))
		return;
	context->probe->domxml.balloon_record =
		(struct ebb_balloon_record){ 0 };
	ebb_hand_init(&hand, context->order->config->uri,
		      ebb_domain_uuid(context->order->domain));
	/* If that fails the next look does. */
	ebb_hand_do(&hand, &drop, &unused);
	ebb_hand_release(&hand);
}

/* It may have another driver since its kernel was reset. */
static bool was_silent(const struct ebb_probe_context *context)
{
	const struct ebb_probe *probe = context->probe;

	return probe->silent_ns > context->order->booted_ns &&
	       ebb_now_ns() - probe->silent_ns < SILENT_S * EBB_NS_PER_S;
}

static int ask_driver(struct ebb_probe_context *context)
{
	struct ebb_probe *probe = context->probe;
	struct ebb_hand_answer answer;
	struct ebb_hand hand;
	int r;

	ebb_hand_init(&hand, context->order->config->uri,
		      ebb_domain_uuid(context->order->domain));
	r = ebb_hand_try_driver(&hand, probe->domxml.balloon_period_s, &answer);
	ebb_hand_release(&hand);
	probe->silent_ns = r == -ENODATA ? ebb_now_ns() : 0;
	return r;
}

/* Returns why it cannot be used, or NULL. */
static const char *try_balloon(struct ebb_probe_context *context)
{
	struct ebb_probe *probe = context->probe;
	const struct ebb_domxml *domxml = &probe->domxml;
	int r;

	if (ebb_probe_is_booting(context))
		return "it was started a short while ago";
	if (ebb_domxml_has_virtio_mem(domxml))
		return "it has virtio-mem";
	if (probe->pooled)
		return "it has huge pages of a pool";
	/* If it holds something, its guard knows, and says so. */
	if (domxml->balloon_record.base_bytes)
		return NULL;
	/*
	 * After a restart of ebbd the balloons that hold something are found by first
	 * looks, which do not wait for those of others.
	 */
	if (!probe->same_process)
		return "its driver is asked soon";
	if (was_silent(context))
		return "its driver does not answer";
	r = ask_driver(context);
	if (r == -ETIMEDOUT)
		return "QEMU does not answer";
	return r < 0 ? "its driver does not answer" : NULL;
}

/* Only where nothing better is there, and nothing else stands in the way. */
void ebb_probe_examine_balloon(struct ebb_probe_context *context)
{
	struct ebb_probe *probe = context->probe;
	const char *trouble;

	if (!probe->domxml.balloon_device || probe->paused ||
	    probe->domxml.free_page_reporting ||
	    (probe->reasons.count == 0 &&
	     !ebb_rungs_have(probe->forbidden, EBB_RUNG_LEASE)) ||
	    ebb_rung_is_closed(EBB_RUNG_BALLOON, &probe->reasons))
		return;
	/* A forbidden balloon is not touched to find out whether it would do. */
	trouble = ebb_rungs_have(probe->forbidden, EBB_RUNG_BALLOON)
			  ? NULL
			  : try_balloon(context);
	probe->inflatable = !trouble;
	if (trouble)
		ebb_probe_add_reason(context, EBB_REASON_NO_BALLOON, trouble);
}
