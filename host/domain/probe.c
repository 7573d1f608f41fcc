/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "host/base/fault.h"
#include "host/libvirt/agent.h"
#include "host/memory/age.h"
#include "host/memory/debt.h"
#include "host/memory/merged.h"
#include "host/memory/peers.h"
#include "host/memory/ram.h"
#include "host/rung/hand.h"

enum {
	/* A guest may take so long to boot before its agent is missed. */
	BOOT_S = 120,
	/* To ask a balloon whose driver is silent takes seconds of a thread. */
	SILENT_S = 600,
};

struct context {
	const struct ebb_probe_order *order;
	struct ebb_probe *probe;
};

static void add_reason(struct context *context, enum ebb_reason_id id,
		       const char *detail)
{
	ebb_reason_add(&context->probe->reasons, id, detail ? "%s" : NULL,
		       detail);
}

/* Without it the host asks the balloon to hold nothing, as far as is known. */
static void examine_definition(struct context *context)
{
	char *xml ebb_auto_free = NULL;

	if (ebb_domain_definition(context->order->domain, &xml) == 0)
		ebb_domxml_take_definition(&context->probe->domxml, xml);
}

/*
 * What the domain's own settings forbid, it forbids from the first look on: the vm has
 * them only after that, and a ring that was attached once keeps the lock.
 */
static void obey_metadata(struct context *context)
{
	struct ebb_probe *probe = context->probe;
	const struct ebb_settings *own = &probe->domxml.metadata.settings;

	if (ebb_settings_has(own, EBB_SETTING_RUNGS))
		probe->forbidden |= EBB_RUNGS_NAMED & ~own->values.rungs;
}

static bool keeps_reserved(const struct context *context)
{
	const struct ebb_settings *own =
		&context->probe->domxml.metadata.settings;

	return !context->order->share_reserved ||
	       (ebb_settings_has(own, EBB_SETTING_RESERVED) &&
		own->values.reserved == EBB_RESERVED_KEEP);
}

static int examine_xml(struct context *context)
{
	struct ebb_probe *probe = context->probe;
	char *xml ebb_auto_free = NULL;
	enum ebb_domain_state state;
	int r;

	state = ebb_domain_ask_state(context->order->domain);
	probe->running = ebb_domain_state_is_active(state);
	probe->paused = state == EBB_DOMAIN_PAUSED ||
			state == EBB_DOMAIN_PMSUSPENDED;
	if (!probe->running) {
		add_reason(context, EBB_REASON_NOT_RUNNING, NULL);
		return -ENOENT;
	}
	r = ebb_domain_xml(context->order->domain, &xml);
	if (r == 0)
		r = ebb_domxml_parse(xml, &probe->domxml, &probe->reasons);
	if (r == -E2BIG) {
		add_reason(context, EBB_REASON_TOO_MANY_PARTS, NULL);
		return r;
	}
	if (r < 0) {
		add_reason(context, EBB_REASON_INTERNAL,
			   r == -ENOTCONN ? "libvirt did not give its XML"
					  : "its XML was not understood");
		return r;
	}
	examine_definition(context);
	obey_metadata(context);
	if (*probe->domxml.reserved && keeps_reserved(context))
		add_reason(context, EBB_REASON_RESERVED_MEMORY,
			   probe->domxml.reserved);
	if (probe->domxml.free_page_reporting)
		add_reason(context, EBB_REASON_REPORTING_BUSY,
			   "freePageReporting='on'");
	return 0;
}

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
static int find_process(struct context *context)
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
 * A file of a pool may not be in use yet, and what is private is known to /proc
 * alone, also beside files. A process that cannot be asked may have any.
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

static int examine_process(struct context *context)
{
	struct ebb_probe *probe = context->probe;
	int r = find_process(context);

	if (r < 0) {
		add_reason(context, EBB_REASON_PROCESS_UNKNOWN, strerror(-r));
		return r;
	}
	r = ebb_peers_examine(&probe->qemu, probe->domxml.vhost_user, NULL,
			      &probe->reasons);
	if (r < 0) {
		add_reason(context, EBB_REASON_PROCESS_UNKNOWN, strerror(-r));
		return r;
	}
	if (probe->qemu.backing_count == 0 &&
	    !ebb_reason_has(&probe->reasons, EBB_REASON_BACKING_ON_DISK))
		add_reason(context, EBB_REASON_PRIVATE_MEMORY, NULL);
	probe->pooled = is_pooled(&probe->qemu);
	probe->merged_known =
		ebb_merged_bytes(probe->qemu.pid, &probe->merged_bytes) == 0;
	return 0;
}

/*
 * The lock is on the memory's own files, so that no two controllers can miss
 * each other by their configuration.
 */
static int lock_backings(struct context *context)
{
	if (ebb_ram_lock_likely(&context->probe->qemu,
				&context->probe->domxml) == 0)
		return 0;
	add_reason(context, EBB_REASON_OTHER_CONTROLLER, NULL);
	return -EBUSY;
}

static bool was_locked(const struct context *context)
{
	const struct ebb_guest_process *before = &context->order->before->qemu;

	for (uint32_t i = 0; i < before->backing_count; i++)
		if (context->probe->same_process &&
		    ebb_file_is_locked(before->backings[i].file))
			return true;
	return false;
}

/*
 * Who only looks is not in the way of a host that can do more. Who once had a
 * lease owes the guest memory, and keeps the lock for as long as the guest runs.
 */
static void unlock_backings(struct context *context, bool keep)
{
	if (!keep)
		ebb_guest_process_unlock(&context->probe->qemu);
}

static int ask_info(struct context *context, struct ebb_channel *channel,
		    struct ebb_msg_error *error)
{
	struct ebb_probe *probe = context->probe;
	int r = ebb_agent_info(channel,
			       context->order->config->agent_timeout_ms,
			       &probe->info, error);

	if (r < 0)
		return r;
	probe->have_info = true;
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
 * guest has it open), -EBUSY, or what the agent's answer is.
 */
static int ask_own(struct context *context, struct ebb_msg_error *error)
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
	/* Of a guest that was restored, libvirt does not know who has it open. */
	if (probe->domxml.own_closed && !order->heard &&
	    !ebb_process_was_restored(probe->qemu.pid))
		return -ENOTCONN;
	r = ask_info(context, probe->own_channel, error);
	if (r == 0)
		probe->channel = probe->own_channel;
	return r;
}

/* On the guest agent's. -EAGAIN: it was asked before, and is not again. */
static int ask_qga(struct context *context, struct ebb_msg_error *error)
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

/* What was said of the agent before, which was not asked again. */
static void repeat_reason(struct context *context, const char *detail)
{
	static const enum ebb_reason_id ids[] = { EBB_REASON_AGENT_SILENT,
						  EBB_REASON_NO_AGENT };
	const struct ebb_reason_list *before = &context->order->before->reasons;

	for (size_t i = 0; i < EBB_ARRAY_SIZE(ids); i++) {
		for (uint32_t k = 0; k < before->count; k++) {
			const char *said = ebb_reason_detail(before, k);

			if (before->items[k].id != ids[i])
				continue;
			add_reason(context, ids[i], *said ? said : NULL);
			return;
		}
	}
	add_reason(context, EBB_REASON_NO_AGENT, *detail ? detail : NULL);
}

static bool is_booting(const struct context *context)
{
	uint64_t booted_ns = context->order->booted_ns;
	uint32_t boot_s = BOOT_S / ebb_fault_speed();

	return (ebb_process_age_s(context->probe->qemu.pid) < boot_s &&
		!ebb_process_was_restored(context->probe->qemu.pid)) ||
	       (booted_ns && ebb_now_ns() - booted_ns < boot_s * EBB_NS_PER_S);
}

/*
 * Paused, silent, booting and without an agent are four things. @own, @qga: what
 * came of asking there.
 */
static void add_agent_reason(struct context *context, int own, int qga,
			     const char *detail)
{
	bool silent = own == -ETIMEDOUT || qga == -ETIMEDOUT;

	if (silent && context->order->answered)
		add_reason(context, EBB_REASON_AGENT_SILENT, detail);
	else if (qga == -EAGAIN)
		repeat_reason(context, detail);
	else if (own == -ENOTCONN && qga == -ENOTCONN && is_booting(context))
		add_reason(context, EBB_REASON_GUEST_BOOTING, NULL);
	else if (own == -ENOTCONN && qga == -ENOTCONN)
		add_reason(context, EBB_REASON_NO_AGENT,
			   "nobody in the guest has the channel open");
	else
		add_reason(context, EBB_REASON_NO_AGENT,
			   *detail ? detail : NULL);
}

static void examine_agent(struct context *context)
{
	struct ebb_probe *probe = context->probe;
	bool mute = !probe->domxml.own_channel && !probe->domxml.qga_channel;
	struct ebb_msg_error error = { "" };
	int own = -ENOTCONN, qga = -ENOTCONN;

	if (mute)
		add_reason(context, EBB_REASON_NO_CHANNEL, NULL);
	if (probe->paused)
		add_reason(context, EBB_REASON_GUEST_PAUSED, NULL);
	if (mute || probe->paused)
		return;
	if (probe->domxml.own_channel)
		own = ask_own(context, &error);
	if (own < 0 && probe->domxml.qga_channel)
		qga = ask_qga(context, &error);
	if (own < 0 && qga < 0)
		add_agent_reason(context, own, qga, error.text);
}

static void examine_info(struct context *context)
{
	const struct ebb_msg_info *info = &context->probe->info;
	char versions[64];

	if (!info->module_loaded) {
		add_reason(context, EBB_REASON_NO_MODULE, info->module_reason);
		return;
	}
	if (info->uapi_version != EBB_UAPI_VERSION ||
	    info->ring_bytes != sizeof(struct ebb_ring)) {
		snprintf(versions, sizeof(versions), "%u there, %u here",
			 info->uapi_version, EBB_UAPI_VERSION);
		add_reason(context, EBB_REASON_AGENT_VERSION, versions);
	}
	if (info->page_poisoning)
		add_reason(context, EBB_REASON_PAGE_POISONING, NULL);
	if (info->reporting_busy)
		add_reason(context, EBB_REASON_REPORTING_BUSY, NULL);
}

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

/* What is plugged is asked for again: what changes meanwhile limits nothing. */
static void cut_debt(struct context *context)
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
static int prove_memory(struct context *context, uint8_t nonce[EBB_NONCE_BYTES])
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
		add_reason(context, EBB_REASON_NO_AGENT, error.text);
		return r;
	}
	r = ebb_map_prove(&probe->info, nonce, &probe->domxml, &probe->qemu,
			  &probe->map);
	if (r < 0 || probe->map.unproven_count > 0) {
		ebb_reason_add(&probe->reasons, EBB_REASON_MAP_UNPROVEN,
			       "%u of %u segments",
			       r < 0 ? probe->info.segment_count
				     : probe->map.unproven_count,
			       probe->info.segment_count);
		return -ENOENT;
	}
	ebb_ram_drop_others(&probe->qemu, &probe->domxml, &probe->map);
	r = ebb_ram_lock_proven(&probe->qemu, &probe->map);
	if (r < 0) {
		add_reason(context, EBB_REASON_OTHER_CONTROLLER, NULL);
		return r;
	}
	ebb_debt_proven(&probe->qemu, &probe->map,
			probe->map.segment_count == probe->info.segment_count);
	cut_debt(context);
	return 0;
}

static int attach_ring(struct context *context,
		       const uint8_t nonce[EBB_NONCE_BYTES])
{
	struct ebb_probe *probe = context->probe;
	const struct ebb_map_segment *segment = ebb_map_find(
		&probe->map, probe->info.ring_gpa, sizeof(struct ebb_ring));
	const struct ebb_backing *backing;
	int r = -EBADMSG;

	if (segment && probe->info.ring_gpa % EBB_PAGE_BYTES == 0) {
		backing = &probe->qemu.backings[segment->backing];
		r = ebb_ringmap_open(backing->fd,
				     segment->offset + probe->info.ring_gpa -
					     segment->gpa,
				     backing->page_bytes, probe->info.boot_id,
				     nonce, &probe->ring);
	}
	if (r == 0) {
		r = ebb_ringmap_attach(&probe->ring);
		if (r < 0)
			ebb_ringmap_close(&probe->ring);
	}
	if (r == -EPROTONOSUPPORT)
		add_reason(context, EBB_REASON_AGENT_VERSION, NULL);
	else if (r == -ESHUTDOWN)
		add_reason(context, EBB_REASON_NO_MODULE,
			   "it is being unloaded, or the guest suspends");
	else if (r < 0)
		add_reason(context, EBB_REASON_RING_INVALID, strerror(-r));
	probe->ring_gpa = probe->info.ring_gpa;
	return r;
}

static void attach(struct context *context)
{
	struct ebb_probe *probe = context->probe;
	uint8_t nonce[EBB_NONCE_BYTES];

	if (prove_memory(context, nonce) == 0 &&
	    attach_ring(context, nonce) == 0) {
		probe->attached = true;
		return;
	}
	if (probe->reasons.count == 0)
		add_reason(context, EBB_REASON_INTERNAL, "no random numbers");
}

void ebb_probe_init(struct ebb_probe *probe)
{
	*probe = (struct ebb_probe){ .qemu.pidfd = -1 };
}

/*
 * Of a QEMU before, whose live XML somebody defined the domain by. A guest that was
 * restored has its balloon as the record says.
 */
static bool is_record_stale(const struct context *context)
{
	const struct ebb_balloon_record *record =
		&context->probe->domxml.balloon_record;
	pid_t pid = context->probe->qemu.pid;
	uint64_t start_ticks = pid > 0 ? ebb_process_start_ticks(pid) : 0;

	return record->base_bytes && record->start_ticks && start_ticks &&
	       record->start_ticks != start_ticks &&
	       !ebb_process_was_restored(pid);
}

/* It holds nothing: the balloon stays as it is. */
static void examine_record(struct context *context)
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
static bool was_silent(const struct context *context)
{
	const struct ebb_probe *probe = context->probe;

	return probe->silent_ns > context->order->booted_ns &&
	       ebb_now_ns() - probe->silent_ns < SILENT_S * EBB_NS_PER_S;
}

static int ask_driver(struct context *context)
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

/* Why not; NULL: it can be used. */
static const char *try_balloon(struct context *context)
{
	struct ebb_probe *probe = context->probe;
	const struct ebb_domxml *domxml = &probe->domxml;
	int r;

	if (is_booting(context))
		return "it was started a short while ago";
	if (ebb_domxml_has_virtio_mem(domxml))
		return "it has virtio-mem";
	if (probe->pooled)
		return "it has huge pages of a pool";
	/* Where it holds something its guard knows, and says so. */
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
static void examine_balloon(struct context *context)
{
	struct ebb_probe *probe = context->probe;
	const char *trouble;

	if (!probe->domxml.balloon_device || probe->paused ||
	    probe->domxml.free_page_reporting ||
	    (probe->reasons.count == 0 &&
	     !ebb_rungs_have(probe->forbidden, EBB_RUNG_LEASE)) ||
	    ebb_rung_is_closed(EBB_RUNG_BALLOON, &probe->reasons))
		return;
	/* Nobody touches what is forbidden to find out whether it would do. */
	trouble = ebb_rungs_have(probe->forbidden, EBB_RUNG_BALLOON)
			  ? NULL
			  : try_balloon(context);
	probe->inflatable = !trouble;
	if (trouble)
		add_reason(context, EBB_REASON_NO_BALLOON, trouble);
}

/* Last of all: what is closed by itself need not be forbidden. */
static void examine_ban(struct context *context)
{
	struct ebb_rung_facts facts = ebb_probe_rung_facts(context->probe);
	char names[EBB_RUNGS_TEXT_BYTES];
	uint32_t missed = ebb_rung_missed(&facts);

	if (missed)
		add_reason(context, EBB_REASON_RUNG_FORBIDDEN,
			   ebb_rungs_list(missed, names));
}

/*
 * Where no agent says that the guest runs, its age does. It is asked for where rung pageout
 * would be open: what has not begun looks cold, and no other rung takes what only looks so.
 */
static void examine_age(struct context *context)
{
	struct ebb_rung_facts facts = ebb_probe_rung_facts(context->probe);

	if (!context->probe->have_info && facts.reasons->count > 0 &&
	    ebb_rung_choose(&facts) == EBB_RUNG_PAGEOUT &&
	    !ebb_reason_has(facts.reasons, EBB_REASON_GUEST_BOOTING) &&
	    is_booting(context))
		add_reason(context, EBB_REASON_GUEST_BOOTING, NULL);
}

/*
 * Where nothing but the host's swap is lacking for rung pageout, and there is no better
 * one, that is a reason.
 */
static void examine_swap(struct context *context)
{
	struct ebb_rung_facts facts = ebb_probe_rung_facts(context->probe);
	struct ebb_budget_swap swap;
	int r = ebb_swap_read("", &swap);
	const char *why = r < 0 ? strerror(-r) : ebb_rung_why_no_swap(&swap);

	if (!why) {
		context->probe->swaps = true;
		examine_age(context);
		return;
	}
	facts.swaps = true;
	if (facts.reasons->count > 0 &&
	    ebb_rung_choose(&facts) == EBB_RUNG_PAGEOUT)
		add_reason(context, EBB_REASON_NO_SWAP, why);
}

static void examine(struct context *context)
{
	struct ebb_probe *probe = context->probe;
	bool keep;
	int r;

	if (examine_xml(context) < 0)
		return;
	r = examine_process(context);
	examine_record(context);
	*context->order->record_read = true;
	if (r < 0)
		return;
	keep = was_locked(context);
	/* What is another's is not even asked: one channel, one who speaks. */
	if (lock_backings(context) == 0)
		examine_agent(context);
	if (probe->have_info)
		examine_info(context);
	examine_balloon(context);
	examine_swap(context);
	examine_ban(context);
	if (probe->reasons.count == 0 && !*context->order->gone)
		attach(context);
	if (!probe->attached)
		unlock_backings(context, keep);
}

void ebb_probe_run(const struct ebb_probe_order *order,
		   struct ebb_probe *ret_probe)
{
	struct context context = { order, ret_probe };
	struct ebb_rung_facts facts;

	ebb_probe_init(ret_probe);
	ret_probe->forbidden = order->forbidden;
	ret_probe->own_channel = order->before->own_channel;
	ret_probe->qga_channel = order->before->qga_channel;
	examine(&context);
	if (*order->gone) {
		/* It changed under our hands; whoever said so looks again. */
		ebb_probe_detach(ret_probe);
		add_reason(&context, EBB_REASON_INTERNAL,
			   "it changed while it was examined");
	}
	facts = ebb_probe_rung_facts(ret_probe);
	ebb_rung_sort(&facts, &ret_probe->reasons);
}

void ebb_probe_detach(struct ebb_probe *probe)
{
	/* While the lock is held. */
	ebb_ringmap_close(&probe->ring);
	probe->attached = false;
}

void ebb_probe_close_channels(struct ebb_probe *probe)
{
	ebb_channel_close(probe->own_channel);
	ebb_channel_close(probe->qga_channel);
	probe->own_channel = NULL;
	probe->qga_channel = NULL;
	probe->channel = NULL;
}

uint64_t ebb_probe_backing_bytes(const struct ebb_probe *probe)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < probe->qemu.backing_count; i++)
		bytes += probe->qemu.backings[i].bytes;
	return bytes;
}

struct ebb_lender ebb_probe_lender(struct ebb_probe *probe)
{
	return (struct ebb_lender){ .qemu = &probe->qemu,
				    .map = &probe->map,
				    .ring = &probe->ring,
				    .ring_gpa = probe->ring_gpa };
}
