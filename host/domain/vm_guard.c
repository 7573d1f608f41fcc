/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vm's guard: it gives back the memory that Ebb holds by the balloon before the guest
 * runs short.
 *
 * Theory of operation
 * ===================
 *
 * While something is held, the statistics are read twice a second; the guest's driver
 * renews them once a second. All is given back
 *   - when the guest needs it (need.h), or may have less than its min now;
 *   - when its driver says nothing for a while, though the guest runs: memory that is not
 *     known to be spare is not;
 *   - when a better rung is open, or this one is forbidden;
 *   - when a person asks for it, or the host has had enough for long;
 *   - when ebbd ends: nobody would watch.
 *
 * At a reset it is, too, but for REST_BYTES. QEMU keeps the size that it asks of a balloon,
 * so the next kernel would inflate it while it boots. Asked for nothing, its driver would say
 * nothing, and QEMU would take the balloon for as large as before the reset
 * (VirtIOBalloon.actual is the driver's last word). So a rest is asked for until the
 * driver has said so, and is given back then.
 *
 * An ebbd that is killed cannot do that. The next one goes on with the record, which
 * libvirt keeps, as soon as its first look has read it, whatever that waits for then.
 *
 * No wait is here, and no job of the vm's is needed: a look that hangs does not blind the
 * guard. A QEMU that hangs does, for its own domain: this is told once, and the guest,
 * which hangs with it, needs nothing meanwhile. While a reclaim runs, the held memory is
 * the reclaim's (hand.h).
 *
 * The policy has the guest's word (vm_sight.c) from these statistics, at no further cost.
 * Where nothing is held none are read: then a worker asks for a word (vm_facts.c), with
 * the same hand, as one question to a QEMU that hangs is enough. Each time that the guest
 * needed the held memory back is counted, as the policy leaves it alone then.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/size.h"
#include "host/base/loop.h"
#include "host/domain/farewell.h"
#include "host/domain/sight.h"
#include "host/domain/vm_parts.h"
#include "host/rung/need.h"

enum {
	PERIOD_MS = 500,
	/* A driver that says nothing for so long is not there. */
	SILENT_MS = 10 * 1000,
	/* QEMU and the driver tell of a plug or unplug at two moments. */
	ABOVE_MS = 5 * 1000,
};

/* Less than that is not worth a guard. */
#define SLACK_BYTES (2 * EBB_MIB)
#define REST_BYTES EBB_MIB

static bool is_inflated(const struct ebb_vm *vm)
{
	return vm->phase == EBB_VM_RECLAIMING &&
	       vm->job_rung == EBB_RUNG_BALLOON;
}

static bool is_lent(const struct ebb_vm *vm)
{
	return is_inflated(vm) ||
	       (vm->phase == EBB_VM_TELLING && vm->asking.by_balloon);
}

static void answer(struct ebb_vm *vm, uint64_t bytes)
{
	struct ebb_deflate_result result = { .given_bytes = bytes };
	struct ebb_call *call = vm->guard.call;

	vm->guard.call = NULL;
	if (call)
		ebb_call_return(call, ebb_msg_encode(ebb_deflate_result_fields,
						     &result));
}

static void answer_trouble(struct ebb_vm *vm, const char *text)
{
	struct ebb_call *call = vm->guard.call;

	vm->guard.call = NULL;
	if (call)
		ebb_call_error(call, "GenericError",
			       "%s; it is given back as soon as that can be",
			       text);
}

static void tell_trouble(struct ebb_vm *vm, const char *text)
{
	answer_trouble(vm, text);
	if (vm->guard.unread)
		return;
	vm->guard.unread = true;
	ebb_log(EBB_LOG_WARNING,
		"%s: its balloon, which holds %s for Ebb, is not guarded now: "
		"%s",
		vm->name, EBB_SIZE(vm->guard.held_bytes), text);
}

static void stop(struct ebb_vm *vm)
{
	struct vm_guard *guard = &vm->guard;

	if (guard->timer >= 0)
		ebb_loop_timer_remove(guard->timer);
	guard->timer = -1;
	guard->reset = guard->freeing = guard->freed = false;
	guard->reason = NULL;
	guard->unread = false;
	guard->held_bytes = guard->above_ns = 0;
	guard->changed = true;
}

/* ---- what the statistics say ---- */

static uint64_t floor_bytes(const struct ebb_vm *vm)
{
	return ebb_amount_bytes(&vm->settings.held.values.min,
				ebb_vm_base_bytes(vm));
}

static bool is_silent(struct ebb_vm *vm, const struct ebb_balloon_stats *now)
{
	struct vm_guard *guard = &vm->guard;

	if (now->stamp_s != guard->stats.stamp_s)
		guard->freed = false;
	/* A guest that stands still says nothing, and needs nothing. */
	if (now->stamp_s != guard->stats.stamp_s || guard->freed ||
	    (vm->state != EBB_DOMAIN_RUNNING &&
	     vm->state != EBB_DOMAIN_BLOCKED))
		guard->heard_ns = ebb_now_ns();
	return ebb_now_ns() - guard->heard_ns >= SILENT_MS * EBB_NS_PER_MS;
}

/* Why all is to be given back, or NULL. */
static const char *judge(struct ebb_vm *vm, const struct ebb_balloon_stats *now)
{
	const struct ebb_balloon_record record =
		ebb_hand_record_now(&vm->guard.hand.record, now->memory_bytes);
	const char *alarm;

	if (is_silent(vm, now))
		return "balloon-silent";
	alarm = ebb_need_alarm(&vm->guard.stats, now, record.base_bytes);
	if (alarm)
		return alarm;
	return now->actual_bytes < floor_bytes(vm) ? "min" : NULL;
}

static void end_giving(struct ebb_vm *vm)
{
	struct vm_guard *guard = &vm->guard;
	const struct ebb_news news = {
		.kind = EBB_EVENT_BALLOON_GAVE_BACK,
		.domain = vm->name,
		.uuid = vm->uuid,
		.reason = guard->reason ? guard->reason : "asked",
		.came_bytes = guard->held_bytes,
	};

	if (guard->held_bytes > SLACK_BYTES)
		ebb_past_tell(vm->environment->past, EBB_LOG_NOTICE, &news,
			      "%s: its balloon gives back the %s that it held "
			      "for Ebb: %s",
			      vm->name, EBB_SIZE(guard->held_bytes),
			      news.reason);
	answer(vm, guard->held_bytes);
	stop(vm);
}

/* What the driver of the kernel before said is all there now. */
static void take_freed(struct vm_guard *guard,
		       const struct ebb_hand_answer *answer)
{
	guard->freeing = false;
	if (answer->result < 0) {
		guard->reset = true;
		return;
	}
	guard->freed = true;
	guard->stats = answer->stats;
}

/*
 * It leaves more than it did before Ebb, since a moment ago. Nothing is held if that
 * lasts; what is decided before that may be of a size that is another now.
 */
static bool is_unclear(const struct vm_guard *guard)
{
	return guard->above_ns &&
	       ebb_now_ns() - guard->above_ns < ABOVE_MS * EBB_NS_PER_MS;
}

/* What was said before the first reading may be of a balloon that still moved. */
static void take_word(struct vm_guard *guard,
		      const struct ebb_balloon_stats *now)
{
	if (now->stamp_s == guard->stats.stamp_s || guard->freed)
		return;
	guard->word = *now;
	guard->word_ns = ebb_now_ns();
	guard->word_base_bytes = now->actual_bytes + guard->held_bytes;
}

static void take_stats(struct ebb_vm *vm, const struct ebb_balloon_stats *now)
{
	struct vm_guard *guard = &vm->guard;

	guard->held_bytes = ebb_hand_held_bytes(&guard->hand.record, now);
	if (!ebb_hand_is_above(&guard->hand.record, now))
		guard->above_ns = 0;
	else if (!guard->above_ns)
		guard->above_ns = ebb_now_ns();
	if (!guard->heard_ns) {
		guard->heard_ns = ebb_now_ns();
		guard->stats = *now;
	}
	take_word(guard, now);
	if (!guard->reason) {
		guard->reason = judge(vm, now);
		guard->alarms += ebb_need_is_alarm(guard->reason);
	}
	/* It was reset, or somebody else made it smaller: there is nothing to give. */
	if (!guard->reason && !guard->freed && !is_unclear(guard) &&
	    guard->held_bytes <= SLACK_BYTES)
		guard->reason = "gone";
	guard->stats = *now;
}

static void take_answer(struct ebb_vm *vm, const struct ebb_hand_answer *answer)
{
	struct vm_guard *guard = &vm->guard;

	if (!ebb_hand_holds(&guard->hand)) {
		end_giving(vm);
		return;
	}
	if (guard->freeing)
		take_freed(guard, answer);
	if (answer->result < 0) {
		tell_trouble(vm, answer->error);
		return;
	}
	if (guard->unread)
		ebb_log(EBB_LOG_NOTICE, "%s: its balloon is guarded again",
			vm->name);
	guard->unread = false;
	take_stats(vm, &answer->stats);
}

/* Gives back, or reads. */
static void ask(struct ebb_vm *vm)
{
	struct vm_guard *guard = &vm->guard;
	struct ebb_balloon_act act = { 0 };
	int r;

	/* Where nothing was read yet, it is not known what the balloon leaves. */
	if (!guard->heard_ns || is_unclear(guard)) {
		/* Read alone. */
	} else if (guard->reason) {
		act = ebb_hand_give_back(&guard->hand.record, &guard->stats);
	} else if (guard->reset) {
		act = ebb_hand_give_back(&guard->hand.record, &guard->stats);
		act.write = act.set_period = false;
		act.left_bytes -= REST_BYTES;
	}
	r = ebb_hand_ask(&guard->hand, &act);
	if (r == 0 && act.resize && guard->reset) {
		guard->reset = false;
		guard->freeing = true;
	}
	if (r < 0)
		tell_trouble(vm, r == -EBUSY ? "too many calls of libvirt hang"
					     : "no thread can be started");
}

static void watch(struct ebb_vm *vm)
{
	struct vm_guard *guard = &vm->guard;
	struct ebb_hand_answer answer;

	if (is_lent(vm) || guard->timer < 0)
		return;
	if (ebb_hand_is_asked(&guard->hand)) {
		if (ebb_hand_take(&guard->hand, 0, &answer))
			take_answer(vm, &answer);
		else if (ebb_now_ns() - guard->hand.asked_ns >=
			 EBB_HAND_ANSWER_S * EBB_NS_PER_S)
			tell_trouble(vm, "QEMU or libvirtd does not answer");
	}
	if (guard->timer >= 0 && !ebb_hand_is_asked(&guard->hand))
		ask(vm);
}

static void on_timer(int timer, void *opaque)
{
	(void)timer;
	watch(opaque);
}

static void start(struct ebb_vm *vm)
{
	const struct ebb_balloon_record *record = &vm->guard.hand.record;

	vm->guard.changed = true;
	vm->guard.heard_ns = 0;
	/* Until it is read. */
	vm->guard.held_bytes = record->base_bytes - record->left_bytes;
	if (vm->guard.timer < 0)
		vm->guard.timer = ebb_loop_timer(PERIOD_MS, on_timer, vm);
	/* What cannot be guarded is not held. */
	if (vm->guard.timer < 0)
		ebb_vm_end_guard(vm, true);
}

/* ---- what the vm says ---- */

void ebb_vm_init_guard(struct ebb_vm *vm)
{
	vm->guard.timer = -1;
	ebb_hand_init(&vm->guard.hand, vm->environment->config->uri, vm->uuid);
}

void ebb_vm_guard_reclaimed(struct ebb_vm *vm)
{
	if (ebb_hand_holds(&vm->guard.hand)) {
		start(vm);
		watch(vm);
		return;
	}
	/* What was given back may have been wanted back, too. */
	answer(vm, 0);
	stop(vm);
}

void ebb_vm_guard_asked(struct ebb_vm *vm)
{
	struct vm_guard *guard = &vm->guard;

	/* Nothing was held to be given back, and it may be of the kernel before. */
	if (guard->reset) {
		guard->reset = false;
		return;
	}
	if (vm->asking.result < 0)
		return;
	guard->word = vm->asking.driver.stats;
	guard->word_ns = vm->asking.asked_ns;
	guard->word_base_bytes = guard->word.actual_bytes;
}

uint32_t ebb_vm_balloon_period_s(const struct ebb_vm *vm)
{
	const struct ebb_domxml *domxml = &vm->probe.domxml;

	return domxml->balloon_record.base_bytes
		       ? domxml->balloon_record.period_s
		       : domxml->balloon_period_s;
}

static void give_back_for(struct ebb_vm *vm, const char *reason)
{
	if (!vm->guard.reason)
		vm->guard.reason = reason;
}

void ebb_vm_give_back(struct ebb_vm *vm)
{
	if (vm->guard.timer >= 0 && !is_lent(vm))
		give_back_for(vm, "no-need");
}

void ebb_vm_guard_reset(struct ebb_vm *vm)
{
	vm->guard.reset = is_lent(vm) || vm->guard.timer >= 0;
}

/* The look that found another process found its record, too. */
void ebb_vm_guard_process_dropped(struct ebb_vm *vm)
{
	struct ebb_hand_answer unused;

	vm->guard.word_ns = 0;
	/* What the look that found the process has taken early is of that one. */
	if (vm->guard.early || !ebb_hand_holds(&vm->guard.hand))
		return;
	answer_trouble(vm, "The domain is being stopped");
	if (ebb_hand_is_asked(&vm->guard.hand))
		ebb_hand_take(&vm->guard.hand, 0, &unused);
	vm->guard.hand.record = (struct ebb_balloon_record){ 0 };
	stop(vm);
	vm->guard.changed = false;
}

static void find_record(struct ebb_vm *vm,
			const struct ebb_balloon_record *record)
{
	struct vm_guard *guard = &vm->guard;

	if (!record->base_bytes || guard->changed || guard->timer >= 0 ||
	    vm->life == EBB_VM_DISMISSED)
		return;
	guard->hand.record = *record;
	ebb_log(EBB_LOG_NOTICE,
		"%s: its balloon holds memory for Ebb since an earlier ebbd, "
		"and is guarded from now on",
		vm->name);
	start(vm);
}

void ebb_vm_guard_looking(struct ebb_vm *vm)
{
	struct vm_guard *guard = &vm->guard;

	if (!guard->record_read || guard->timer >= 0)
		return;
	find_record(vm, &vm->next->domxml.balloon_record);
	guard->early = guard->timer >= 0;
}

void ebb_vm_guard_looked(struct ebb_vm *vm)
{
	const struct ebb_probe *probe = &vm->probe;

	vm->guard.early = false;
	find_record(vm, &vm->probe.domxml.balloon_record);
	/* Its XML may be of between the record's end and that of Ebb's own period. */
	vm->look_wanted |= vm->guard.changed && vm->guard.timer < 0;
	if (vm->guard.timer < 0 || probe->domxml.cell_count == 0)
		return;
	if (ebb_rungs_have(probe->forbidden, EBB_RUNG_BALLOON))
		give_back_for(vm, "rung-forbidden");
	else if (ebb_reason_has(&probe->reasons, EBB_REASON_RESERVED_MEMORY))
		give_back_for(vm, "reserved-memory");
	else if (ebb_probe_rung(probe) > EBB_RUNG_BALLOON)
		give_back_for(vm, "better-rung");
}

void ebb_vm_deflate(struct ebb_vm *vm, struct ebb_call *call)
{
	/* While its driver is asked for a word nothing is held. */
	if (is_inflated(vm) || vm->guard.call) {
		ebb_call_error(call, "Busy",
			       "%s of this domain runs; wait for it to end",
			       vm->guard.call ? "A deflate" : "A reclaim");
		return;
	}
	/* What an earlier ebbd held is found by a look. */
	if (vm->guard.timer < 0 && !vm->known.looked_at) {
		ebb_call_error(call, "Busy",
			       "It is not known yet what its balloon holds for "
			       "Ebb; try again in some seconds");
		return;
	}
	vm->guard.call = call;
	if (vm->guard.timer < 0) {
		answer(vm, 0);
		return;
	}
	give_back_for(vm, "asked");
	if (vm->guard.unread)
		answer_trouble(vm, "Its balloon cannot be reached now");
	watch(vm);
}

/* ---- the end ---- */

bool ebb_vm_is_guard_unread(const struct ebb_vm *vm)
{
	return vm->guard.unread;
}

void ebb_vm_end_guard(struct ebb_vm *vm, bool give_back)
{
	struct ebb_farewell farewell = {
		.name = vm->name,
		.give_back = give_back,
		.unread = vm->guard.unread,
	};

	if (is_lent(vm))
		return;
	answer_trouble(vm, "The domain or ebbd is being stopped");
	stop(vm);
	if (!vm->guard.hand.asker && !ebb_hand_holds(&vm->guard.hand))
		return;
	farewell.hand = vm->guard.hand;
	ebb_hand_init(&vm->guard.hand, vm->environment->config->uri, vm->uuid);
	ebb_farewell_begin(vm->environment->workers, &farewell);
}
