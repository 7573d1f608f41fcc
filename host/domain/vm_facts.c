/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vm whose agent is asked for what it alone knows: its working set.
 *
 * Its kernel refreshes what the ring tells on a deferrable timer, which an idle guest
 * does not wake for. The agent wakes it, but maybe not the CPU of that timer; where it
 * asks its module who that is (ebb-info), the module refreshes the ring at once.
 *
 * On rung balloon it is the balloon's driver that is asked, unless the guard hears it
 * anyway.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"
#include "host/domain/sight.h"
#include "host/domain/vm_parts.h"
#include "host/libvirt/agent.h"

enum {
	/* Who looks on wakes the guest no more often. */
	RENEW_MS = 10 * 1000
};

static void ask_agent(struct ebb_vm *vm)
{
	struct vm_asking *asking = &vm->asking;
	uint32_t timeout_ms = vm->environment->config->agent_timeout_ms;
	struct ebb_msg_info *info = malloc(sizeof(*info));
	struct ebb_msg_error unused;

	asking->result = -ENOMEM;
	if (!info)
		return;
	asking->result =
		ebb_agent_info(vm->probe.channel, timeout_ms, info, &unused);
	free(info);
	/* What it says is so then, or later. */
	asking->asked_ns = ebb_now_ns();
	if (asking->result == 0)
		asking->result = ebb_agent_facts(vm->probe.channel, timeout_ms,
						 &asking->facts, &unused);
}

/* The hand is the worker's; see is_lent() of vm_guard.c. */
static void ask_driver(struct ebb_vm *vm)
{
	struct vm_asking *asking = &vm->asking;
	struct ebb_hand *hand = &vm->guard.hand;

	asking->result = ebb_hand_hear_driver(hand, ebb_vm_balloon_period_s(vm),
					      &asking->driver);
	asking->asked_ns = ebb_now_ns();
	/* A line for each domain is too many at rest; one to a QEMU that hangs stays. */
	if (!ebb_hand_is_asked(hand))
		ebb_hand_release(hand);
}

static void ask_work(void *opaque)
{
	struct ebb_vm *vm = opaque;

	if (vm->asking.by_balloon)
		ask_driver(vm);
	else
		ask_agent(vm);
}

/*
 * Which rung it is on without a driver, a look finds. With a period of the user's, that
 * would take what was said some minutes ago for an answer, and each question was followed
 * by a look.
 */
static void note_silence(struct ebb_vm *vm)
{
	if (vm->asking.result != -ENODATA)
		return;
	vm->look_wanted = true;
	/* The next kernel may have another. */
	if (!vm->guard.reset)
		vm->probe.silent_ns = vm->asking.asked_ns;
}

void ebb_vm_take_facts(struct ebb_vm *vm, const struct ebb_msg_facts *facts,
		       uint64_t asked_ns)
{
	vm->probe.facts = *facts;
	vm->probe.have_facts = true;
	vm->probe.facts_ns = asked_ns;
}

static void ask_done(struct ebb_vm *vm)
{
	if (vm->asking.by_balloon) {
		vm->asking.by_balloon = false;
		note_silence(vm);
		ebb_vm_guard_asked(vm);
		return;
	}
	if (vm->asking.result < 0)
		return;
	ebb_vm_take_facts(vm, &vm->asking.facts, vm->asking.asked_ns);
}

static const struct vm_job ask = {
	.phase = EBB_VM_TELLING,
	.work = ask_work,
	.done = ask_done,
	.name = "ask_done",
};

/* Its QEMU has not answered the question before, and would only keep a thread waiting. */
static bool hangs(struct ebb_vm *vm)
{
	struct ebb_hand_answer late;

	return ebb_hand_is_asked(&vm->guard.hand) &&
	       !ebb_hand_take(&vm->guard.hand, 0, &late);
}

void ebb_vm_ask_if_wanted(struct ebb_vm *vm)
{
	bool by_balloon = ebb_vm_rung(vm) == EBB_RUNG_BALLOON;

	if (!vm->asking.wanted || vm->phase != EBB_VM_IDLE ||
	    vm->life != EBB_VM_CONNECTED || vm->gone)
		return;
	if (!by_balloon && (!vm->probe.channel || !vm->probe.have_info))
		return;
	/* Once; who needs it still may want it again. */
	vm->asking.wanted = false;
	/* The guard hears it. */
	if (by_balloon && (vm->guard.timer >= 0 || hangs(vm)))
		return;
	vm->asking.by_balloon = by_balloon;
	if (ebb_vm_run(vm, &ask) < 0)
		vm->asking.by_balloon = false;
}

void ebb_vm_want_facts(struct ebb_vm *vm)
{
	vm->asking.wanted = true;
	vm->settle(vm);
}

void ebb_vm_renew_facts(struct ebb_vm *vm)
{
	const struct ebb_probe *probe = &vm->probe;

	/*
	 * What the driver of a balloon says is for who wants its memory: nor is it asked
	 * later, where it is found only then.
	 */
	if (!probe->channel || ebb_vm_rung(vm) == EBB_RUNG_BALLOON)
		return;
	if (probe->have_facts &&
	    ebb_now_ns() - probe->facts_ns < RENEW_MS * EBB_NS_PER_MS)
		return;
	ebb_vm_want_facts(vm);
}
