/* SPDX-License-Identifier: GPL-2.0-only */
/* A look, part by part: the order of them. */
#include <string.h>

#include "host/domain/probe_parts.h"

/* Last of all: a rung that is closed anyway need not be forbidden. */
static void examine_ban(struct ebb_probe_context *context)
{
	struct ebb_rung_facts facts = ebb_probe_rung_facts(context->probe);
	char names[EBB_RUNGS_TEXT_BYTES];
	uint32_t missed = ebb_rung_missed(&facts);

	if (missed)
		ebb_probe_add_reason(context, EBB_REASON_RUNG_FORBIDDEN,
				     ebb_rungs_list(missed, names));
}

/*
 * Where no agent says that the guest runs, its age does. It is read where rung pageout
 * would be open: a guest that has not begun looks cold, and no other rung takes memory
 * that only looks so.
 */
static void examine_age(struct ebb_probe_context *context)
{
	struct ebb_rung_facts facts = ebb_probe_rung_facts(context->probe);

	if (!context->probe->have_info && facts.reasons->count > 0 &&
	    ebb_rung_choose(&facts) == EBB_RUNG_PAGEOUT &&
	    !ebb_reason_has(facts.reasons, EBB_REASON_GUEST_BOOTING) &&
	    ebb_probe_is_booting(context))
		ebb_probe_add_reason(context, EBB_REASON_GUEST_BOOTING, NULL);
}

/* If rung pageout lacks the host's swap alone, and no better rung is open, that is a reason. */
static void examine_swap(struct ebb_probe_context *context)
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
		ebb_probe_add_reason(context, EBB_REASON_NO_SWAP, why);
}

static void examine(struct ebb_probe_context *context)
{
	struct ebb_probe *probe = context->probe;
	bool was_locked;
	int r;

	if (ebb_probe_examine_xml(context) < 0)
		return;
	r = ebb_probe_examine_process(context);
	ebb_probe_examine_record(context);
	*context->order->record_read = true;
	if (r < 0)
		return;
	was_locked = ebb_probe_was_locked(context);
	/* A guest of another controller is not even asked: a channel has one speaker. */
	if (ebb_probe_lock(context) == 0)
		ebb_probe_examine_agent(context);
	if (probe->have_info)
		ebb_probe_examine_info(context);
	ebb_probe_examine_balloon(context);
	examine_swap(context);
	examine_ban(context);
	if (probe->reasons.count == 0 && !*context->order->gone)
		ebb_probe_attach(context);
	/*
	 * A controller that only looks is not in the way of one that can do more. One
	 * that once had a lease owes the guest memory, and keeps the lock for as long as
	 * the guest runs.
	 */
	if (!probe->attached && !was_locked)
		ebb_guest_process_unlock(&probe->qemu);
}

void ebb_probe_run(const struct ebb_probe_order *order,
		   struct ebb_probe *ret_probe)
{
	struct ebb_probe_context context = { .order = order,
					     .probe = ret_probe };
	struct ebb_rung_facts facts;

	ebb_probe_init(ret_probe);
	ret_probe->forbidden = order->forbidden;
	ret_probe->own_channel = order->before->own_channel;
	ret_probe->qga_channel = order->before->qga_channel;
	examine(&context);
	if (*order->gone) {
		/* It changed meanwhile. The caller that said so looks again. */
		ebb_probe_detach(ret_probe);
		ebb_probe_add_reason(&context, EBB_REASON_INTERNAL,
				     "it changed while it was examined");
	}
	facts = ebb_probe_rung_facts(ret_probe);
	ebb_rung_sort(&facts, &ret_probe->reasons);
}
