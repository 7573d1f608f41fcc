/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The job that tells an agent its free target: a renewal, or a set of a person's, which
 * libvirt keeps first (vm_set.c).
 *
 * A renewal is a job like a probe: one command on the channel, on a worker, while
 * requests wait. Domains renew at different moments, by their UUID, so that a host with a
 * thousand of them is not busy with all at once.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "host/domain/vm_parts.h"
#include "host/libvirt/agent.h"

enum {
	/* An agent that does not answer is tried later and later. */
	RETRY_S = 2,
	BACKOFF_SHIFT_MAX = 6,
	/* A working set is a matter of minutes, and each question wakes. */
	FACTS_S = 300,
};

#define RENEW_NS (EBB_TARGET_RENEW_MS * EBB_NS_PER_MS)

static void tell_work(void *opaque)
{
	struct ebb_vm *vm = opaque;
	struct vm_telling *telling = vm->telling;
	uint32_t timeout_ms = vm->environment->config->agent_timeout_ms;
	struct ebb_agent_line line = { .channel = vm->probe.channel,
				       .timeout_ms = timeout_ms };

	if (telling->call)
		ebb_vm_keep_set(vm->domain, telling);
	if (telling->kept < 0 || !telling->tells || !vm->probe.channel)
		return;
	line.talk = ebb_channel_begin_talk(line.channel);
	telling->told = ebb_agent_target(&line, &telling->message,
					 &telling->state, &telling->error);
	if (telling->told < 0 || !telling->want_facts)
		return;
	telling->asked_ns = ebb_now_ns();
	telling->have_facts = ebb_agent_facts(vm->probe.channel, timeout_ms,
					      &telling->facts,
					      &telling->error) == 0;
}

/* 0 to RENEW_NS, different from domain to domain. */
static uint64_t stagger_ns(const struct ebb_vm *vm)
{
	return ebb_vm_hash(vm) % EBB_TARGET_RENEW_MS * EBB_NS_PER_MS;
}

static void tell_succeeded(struct ebb_vm *vm)
{
	struct vm_target *target = &vm->target;
	const struct vm_telling *telling = vm->telling;

	target->due_ns =
		ebb_now_ns() + (target->told ? RENEW_NS : stagger_ns(vm));
	target->told = true;
	target->failures = 0;
	target->clear_wanted = false;
	ebb_vm_take_target_state(vm, &telling->state);
	if (telling->have_facts) {
		target->facts_due_ns = ebb_now_ns() + FACTS_S * EBB_NS_PER_S;
		ebb_vm_take_facts(vm, &telling->facts, telling->asked_ns);
	}
}

static void tell_failed(struct ebb_vm *vm)
{
	struct vm_target *target = &vm->target;
	uint32_t shift = target->failures;

	if (shift > BACKOFF_SHIFT_MAX)
		shift = BACKOFF_SHIFT_MAX;
	target->due_ns = ebb_now_ns() + (RETRY_S * EBB_NS_PER_S << shift);
	target->told = false;
	target->too_old = vm->telling->told == -ENOSYS;
	if (target->failures++ > 0 || vm->telling->call)
		return;
	ebb_log(EBB_LOG_INFO, "%s: the guest was not told its free target: %s",
		vm->name,
		target->too_old ? "its ebb-agent is too old; "
				  "update it"
		: vm->telling->told == -EREMOTEIO
			? "its ebb-agent refused; see there: journalctl -u "
			  "ebb-agent"
			: "no ebb-agent answers; see there: systemctl status "
			  "ebb-agent");
}

static void end_telling(struct ebb_vm *vm)
{
	free(vm->telling);
	vm->telling = NULL;
}

static void tell_done(struct ebb_vm *vm)
{
	struct vm_telling *telling = vm->telling;
	struct ebb_call *call = telling->call;
	char text[EBB_TARGET_TEXT_BYTES];
	struct ebb_request *request;

	/* libvirt says so, too, and what it has for the next start is read then. */
	if (telling->have_metadata)
		ebb_vm_take_metadata(vm, &telling->metadata, NULL);
	else if (call && telling->kept == 0)
		ebb_vm_take_next(vm, NULL);
	if (call && telling->kept == 0 && telling->tells) {
		vm->target.asked_bytes = telling->message.bytes;
		ebb_log(EBB_LOG_INFO, "%s: free target %s", vm->name,
			ebb_target_format(&telling->set.target, text));
	}
	if (telling->kept == 0 && telling->tells) {
		if (telling->told == 0)
			tell_succeeded(vm);
		else
			tell_failed(vm);
	}
	if (call) {
		request = ebb_requests_running(&vm->requests);
		ebb_requests_take(&vm->requests, request);
		free(request);
		ebb_vm_answer_set(vm, call);
	}
	end_telling(vm);
}

static const struct vm_job tell = {
	.phase = EBB_VM_TELLING,
	.work = tell_work,
	.done = tell_done,
	.name = "tell_done",
};

/* @call: of a set, which is kept first; or NULL. */
static int start_telling(struct ebb_vm *vm, struct ebb_call *call,
			 const struct ebb_set_order *set)
{
	struct vm_telling *telling = malloc(sizeof(*telling));
	int r;

	if (!telling)
		return -ENOMEM;
	*telling = (struct vm_telling){
		.call = call,
		.set = *set,
		.tells = set->has_target && set->scope != EBB_SCOPE_CONFIG,
		.message = ebb_target_message(&set->target,
					      ebb_vm_usable_bytes(vm)),
		.told = -ENOTCONN,
		.want_facts = call || ebb_now_ns() >= vm->target.facts_due_ns,
	};
	/* A person asks now: the agent tries anew, also where it was in vain before. */
	telling->message.retry = call != NULL;
	vm->telling = telling;
	r = ebb_vm_run(vm, &tell);
	if (r < 0)
		end_telling(vm);
	return r;
}

void ebb_vm_tell_if_due(struct ebb_vm *vm)
{
	struct vm_target *target = &vm->target;
	struct ebb_set_order renewal = { .has_target = true,
					 .target = target->setting };

	if (vm->phase != EBB_VM_IDLE || vm->life != EBB_VM_CONNECTED ||
	    vm->gone || !vm->probe.channel || !vm->probe.have_info ||
	    target->too_old)
		return;
	if (target->setting.kind == EBB_TARGET_NONE && !target->clear_wanted)
		return;
	if (ebb_now_ns() < target->due_ns)
		return;
	target->asked_bytes = ebb_vm_standing_target(vm).bytes;
	if (start_telling(vm, NULL, &renewal) < 0)
		target->due_ns = ebb_now_ns() + RENEW_NS;
}

enum ebb_vm_serving ebb_vm_start_set(struct ebb_vm *vm,
				     struct ebb_request *request,
				     struct ebb_refusal *ret_refusal)
{
	if (ebb_vm_refuses_set(vm, &request->set, ret_refusal))
		return EBB_VM_REFUSES;
	if (start_telling(vm, request->call, &request->set) < 0) {
		*ret_refusal = ebb_vm_why_no_thread();
		return EBB_VM_REFUSES;
	}
	request->state = EBB_REQUEST_RUNNING;
	return EBB_VM_SERVES;
}
