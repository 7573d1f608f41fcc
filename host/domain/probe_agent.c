/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/probe_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "host/libvirt/agent.h"
#include "host/memory/age.h"

static void keep_info(const struct ebb_msg_info *info, struct ebb_probe *probe)
{
	probe->have_info = true;
	memcpy(probe->info.agent_version, info->agent_version,
	       sizeof(probe->info.agent_version));
	memcpy(probe->info.kernel, info->kernel, sizeof(probe->info.kernel));
	probe->info.module_loaded = info->module_loaded;
	memcpy(probe->info.boot_id, info->boot_id, sizeof(probe->info.boot_id));
}

static int ask_info(struct ebb_probe_context *context,
		    struct ebb_channel *channel, struct ebb_msg_error *error)
{
	struct ebb_probe *probe = context->probe;
	int r = ebb_agent_info(channel,
			       context->order->config->agent_timeout_ms,
			       &context->info, error);

	if (r < 0)
		return r;
	keep_info(&context->info, probe);
	probe->events = ebb_channel_events_before_reply(channel);
	probe->facts_ns = ebb_now_ns();
	probe->have_facts =
		ebb_agent_facts(channel,
				context->order->config->agent_timeout_ms,
				&probe->facts, error) == 0;
	return 0;
}

/*
 * Asks on Ebb's own channel, which is opened where it is not open yet: an agent
 * that comes later speaks there first. Returns 0, -ENOTCONN (nobody in the
 * guest has it open), -EBUSY, or the error of ask_info().
 */
static int ask_own(struct ebb_probe_context *context,
		   struct ebb_msg_error *error)
{
	const struct ebb_probe_order *order = context->order;
	struct ebb_probe *probe = context->probe;
	int r = 0;

	if (!probe->own_channel)
		r = ebb_channel_open(order->domain, true, order->ops,
				     order->opaque, &probe->own_channel);
	if (r < 0) {
		snprintf(error->text, sizeof(error->text), "%s",
			 r == -EBUSY ? EBB_CHANNEL_NAME " is in use by another "
							"program"
				     : "the channel cannot be opened");
		return r == -ENOTCONN ? -EIO : r;
	}
	/* libvirt does not know whether an agent has it open in a guest that was restored. */
	if (probe->domxml.own_closed && !order->heard &&
	    !ebb_process_was_restored(probe->qemu.pid))
		return -ENOTCONN;
	r = ask_info(context, probe->own_channel, error);
	if (r == 0)
		probe->channel = probe->own_channel;
	return r;
}

/* On the guest agent's. -EAGAIN: it was asked before, and is not again. */
static int ask_qga(struct ebb_probe_context *context,
		   struct ebb_msg_error *error)
{
	const struct ebb_probe_order *order = context->order;
	struct ebb_probe *probe = context->probe;
	int r = 0;

	if (probe->domxml.qga_closed)
		return -ENOTCONN;
	if (!order->ask_qga)
		return -EAGAIN;
	if (!probe->qga_channel)
		r = ebb_channel_open(order->domain, false, order->ops,
				     order->opaque, &probe->qga_channel);
	if (r < 0)
		return r;
	probe->asked_qga = true;
	r = ask_info(context, probe->qga_channel, error);
	if (r == 0)
		probe->channel = probe->qga_channel;
	return r;
}

/* The agent was not asked again: the reason is that of the look before. */
static void repeat_reason(struct ebb_probe_context *context, const char *detail)
{
	static const enum ebb_reason_id ids[] = { EBB_REASON_AGENT_SILENT,
						  EBB_REASON_NO_AGENT };
	const struct ebb_reason_list *before = &context->order->before->reasons;

	for (size_t i = 0; i < EBB_ARRAY_SIZE(ids); i++) {
		for (uint32_t k = 0; k < before->count; k++) {
			const char *said = ebb_reason_detail(before, k);

			if (before->items[k].id != ids[i])
				continue;
			ebb_probe_add_reason(context, ids[i],
					     *said ? said : NULL);
			return;
		}
	}
	ebb_probe_add_reason(context, EBB_REASON_NO_AGENT,
			     *detail ? detail : NULL);
}

/*
 * Paused, silent, booting and without an agent are four things. @own, @qga: the
 * results of asking there.
 */
static void add_agent_reason(struct ebb_probe_context *context, int own,
			     int qga, const char *detail)
{
	bool silent = own == -ETIMEDOUT || qga == -ETIMEDOUT;

	if (silent && context->order->answered)
		ebb_probe_add_reason(context, EBB_REASON_AGENT_SILENT, detail);
	else if (qga == -EAGAIN)
		repeat_reason(context, detail);
	else if (own == -ENOTCONN && qga == -ENOTCONN &&
		 ebb_probe_is_booting(context))
		ebb_probe_add_reason(context, EBB_REASON_GUEST_BOOTING, NULL);
	else if (own == -ENOTCONN && qga == -ENOTCONN)
		ebb_probe_add_reason(
			context, EBB_REASON_NO_AGENT,
			"nobody in the guest has the channel open");
	else
		ebb_probe_add_reason(context, EBB_REASON_NO_AGENT,
				     *detail ? detail : NULL);
}

void ebb_probe_examine_agent(struct ebb_probe_context *context)
{
	struct ebb_probe *probe = context->probe;
	bool mute = !probe->domxml.own_channel && !probe->domxml.qga_channel;
	struct ebb_msg_error error = { "" };
	int own = -ENOTCONN, qga = -ENOTCONN;

	if (mute)
		ebb_probe_add_reason(context, EBB_REASON_NO_CHANNEL, NULL);
	if (probe->paused)
		ebb_probe_add_reason(context, EBB_REASON_GUEST_PAUSED, NULL);
	if (mute || probe->paused)
		return;
	if (probe->domxml.own_channel)
		own = ask_own(context, &error);
	if (own < 0 && probe->domxml.qga_channel)
		qga = ask_qga(context, &error);
	if (own < 0 && qga < 0)
		add_agent_reason(context, own, qga, error.text);
}

void ebb_probe_examine_info(struct ebb_probe_context *context)
{
	const struct ebb_msg_info *info = &context->info;
	char versions[64];

	if (!info->module_loaded) {
		ebb_probe_add_reason(context, EBB_REASON_NO_MODULE,
				     info->module_reason);
		return;
	}
	if (info->uapi_version != EBB_UAPI_VERSION ||
	    info->ring_bytes != sizeof(struct ebb_ring)) {
		snprintf(versions, sizeof(versions), "%u there, %u here",
			 info->uapi_version, EBB_UAPI_VERSION);
		ebb_probe_add_reason(context, EBB_REASON_AGENT_VERSION,
				     versions);
	}
	if (info->page_poisoning)
		ebb_probe_add_reason(context, EBB_REASON_PAGE_POISONING, NULL);
	if (info->reporting_busy)
		ebb_probe_add_reason(context, EBB_REASON_REPORTING_BUSY, NULL);
}
