/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The free target of a vm: kept with the domain, told to its agent again and
 * again, and what the guest says to it.
 *
 * The setting is libvirt's to keep; what is here is a copy. The guest has it as
 * a lease, so an ebbd that is stopped or dies sends nothing, and the guest is
 * itself again when the lease ends. A renewal is a job like a probe: one
 * command on the channel, on a worker, while requests wait.
 *
 * Domains renew at different moments, by their UUID, so that a host with a
 * thousand of them is not busy with all at once.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/size.h"
#include "host/libvirt/agent.h"
#include "host/domain/vm_state.h"

enum {
	/* An agent that does not answer is tried later and later. */
	RETRY_S = 2,
	BACKOFF_SHIFT_MAX = 6,
	/* A working set is a matter of minutes, and each question wakes. */
	FACTS_S = 300,
};

#define NS_PER_S ((uint64_t)1000000000)
#define RENEW_NS ((uint64_t)EBB_TARGET_RENEW_MS * 1000000)

struct ebb_msg_target ebb_vm_standing_target(const struct ebb_vm *vm)
{
	return ebb_target_message(&vm->target.setting, ebb_vm_usable_bytes(vm));
}

void ebb_vm_target_forget(struct ebb_vm *vm)
{
	struct vm_target *target = &vm->target;

	target->too_old = false;
	target->told = false;
	target->have_state = false;
	target->state = (struct ebb_msg_target_state){ 0 };
	target->failures = 0;
	target->due_ns = 0;
	target->facts_due_ns = 0;
}

static void take_setting(struct vm_target *target,
			 const struct ebb_target_setting *setting)
{
	if (ebb_target_is_same(setting, &target->setting))
		return;
	/* Told once, and not renewed. */
	target->clear_wanted = setting->kind == EBB_TARGET_NONE;
	target->setting = *setting;
	target->due_ns = 0;
	target->told = false;
	target->have_state = false;
}

void ebb_vm_take_metadata(struct ebb_vm *vm,
			  const struct ebb_metadata *metadata)
{
	bool odd = metadata->odd_target.text[0];

	ebb_vm_settings_take(vm, metadata);
	if (odd && !vm->target.odd_told)
		ebb_log(EBB_LOG_WARNING,
			"%s: its metadata hold a free target that is not "
			"understood, ignoring: %s",
			vm->name, metadata->odd_target.text);
	vm->target.odd_told = odd;
	take_setting(&vm->target, &metadata->target);
}

/* ---- what the guest says ---- */

/* One line for a change of the reason, and never many. */
static void log_reason(struct ebb_vm *vm)
{
	struct vm_target *target = &vm->target;
	char effective[EBB_SIZE_TEXT_BYTES], asked[EBB_SIZE_TEXT_BYTES];

	if (target->setting.kind == EBB_TARGET_NONE ||
	    strcmp(target->logged_reason, target->state.reason) == 0)
		return;
	/* A renewal comes by here soon again. */
	if (!ebb_pace_take(&target->log_pace, 1, ebb_now_ns()))
		return;
	memcpy(target->logged_reason, target->state.reason,
	       sizeof(target->logged_reason));
	ebb_size_format(target->state.effective_bytes, effective,
			sizeof(effective));
	ebb_size_format(target->state.asked_bytes, asked, sizeof(asked));
	if (target->state.reason[0])
		ebb_log(EBB_LOG_INFO,
			"%s: the guest keeps %s free of %s asked: %s (%s)",
			vm->name, effective, asked,
			ebb_target_reason_text(target->state.reason),
			target->state.reason);
	else
		ebb_log(EBB_LOG_INFO,
			"%s: the guest follows its free target of %s again",
			vm->name, asked);
}

static void take_state(struct ebb_vm *vm,
		       const struct ebb_msg_target_state *state)
{
	vm->target.state = *state;
	vm->target.have_state = true;
	log_reason(vm);
}

void ebb_vm_target_event(struct ebb_vm *vm, const struct json_object *data)
{
	struct ebb_msg_target_state state;

	/* While it is driven, it speaks of that. */
	if (vm->phase == EBB_VM_RECLAIMING ||
	    ebb_agent_target_decode(data, &state, NULL) < 0)
		return;
	take_state(vm, &state);
}

void ebb_vm_target_status(const struct ebb_vm *vm,
			  struct ebb_target_status *ret_status)
{
	const struct vm_target *target = &vm->target;

	memset(ret_status, 0, sizeof(*ret_status));
	if (target->setting.kind == EBB_TARGET_NONE)
		return;
	ebb_target_format(&target->setting, ret_status->setting);
	ret_status->bytes = target->asked_bytes;
	if (vm->probe.have_facts) {
		ret_status->working_set_bytes =
			vm->probe.facts.working_set_bytes;
		memcpy(ret_status->working_set_source,
		       vm->probe.facts.working_set_source,
		       sizeof(ret_status->working_set_source));
	}
	if (!target->have_state)
		return;
	ret_status->bytes = target->state.asked_bytes;
	ret_status->effective_bytes = target->state.effective_bytes;
	memcpy(ret_status->state, target->state.state,
	       sizeof(ret_status->state));
	memcpy(ret_status->reason, target->state.reason,
	       sizeof(ret_status->reason));
	memcpy(ret_status->mechanism, target->state.mechanism,
	       sizeof(ret_status->mechanism));
}

/* ---- telling ---- */

static void add_change(struct ebb_metadata_change *changes, size_t *count,
		       const char *name, const char *value)
{
	changes[*count].name = name;
	strcpy(changes[(*count)++].value, value);
}

static size_t make_changes(const struct ebb_set_order *set,
			   struct ebb_metadata_change *changes)
{
	char text[EBB_SETTING_TEXT_BYTES];
	size_t count = 0;

	if (set->has_target)
		add_change(changes, &count, EBB_METADATA_TARGET,
			   set->target.kind == EBB_TARGET_NONE
				   ? ""
				   : ebb_target_format(&set->target, text));
	for (int i = 0; i < EBB_SETTING_COUNT; i++) {
		enum ebb_setting setting = (enum ebb_setting)i;

		if (set->actions[i] == EBB_SET_VALUE)
			add_change(changes, &count, ebb_setting_name(setting),
				   ebb_setting_format(setting, &set->values,
						      text));
		else if (set->actions[i] == EBB_SET_DEFAULT)
			add_change(changes, &count, ebb_setting_name(setting),
				   "");
	}
	return count;
}

static void keep(struct ebb_domain *domain, struct vm_telling *telling)
{
	struct ebb_metadata_change changes[EBB_METADATA_CHANGES_MAX];
	size_t count = make_changes(&telling->set, changes);

	telling->kept = ebb_domain_change_metadata(domain, telling->set.scope,
						   changes, count,
						   &telling->metadata,
						   telling->error.text);
	telling->have_metadata =
		telling->kept == -EALREADY ||
		(telling->kept == 0 && telling->set.scope != EBB_SCOPE_CONFIG);
}

static void tell_work(void *opaque)
{
	struct ebb_vm *vm = opaque;
	struct vm_telling *telling = &vm->telling;
	uint32_t timeout_ms = vm->environment->config->agent_timeout_ms;
	struct ebb_agent_line line = { .channel = vm->probe.channel,
				       .timeout_ms = timeout_ms };

	if (telling->call)
		keep(vm->domain, telling);
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
	const struct vm_telling *telling = &vm->telling;

	target->due_ns =
		ebb_now_ns() + (target->told ? RENEW_NS : stagger_ns(vm));
	target->told = true;
	target->failures = 0;
	target->clear_wanted = false;
	take_state(vm, &telling->state);
	if (telling->have_facts) {
		target->facts_due_ns = ebb_now_ns() + FACTS_S * NS_PER_S;
		ebb_vm_take_facts(vm, &telling->facts, telling->asked_ns);
	}
}

static void tell_failed(struct ebb_vm *vm)
{
	struct vm_target *target = &vm->target;
	uint32_t shift = target->failures;

	if (shift > BACKOFF_SHIFT_MAX)
		shift = BACKOFF_SHIFT_MAX;
	target->due_ns = ebb_now_ns() + (RETRY_S * NS_PER_S << shift);
	target->told = false;
	target->too_old = vm->telling.told == -ENOSYS;
	if (target->failures++ > 0 || vm->telling.call)
		return;
	ebb_log(EBB_LOG_INFO, "%s: the guest was not told its free target: %s",
		vm->name,
		target->too_old ? "its ebb-agent is too old; "
				  "update it"
		: vm->telling.told == -EREMOTEIO
			? "its ebb-agent refused; see there: journalctl -u "
			  "ebb-agent"
			: "no ebb-agent answers; see there: systemctl status "
			  "ebb-agent");
}

/* Why there is no way to the guest: it is paused, boots, hangs, has no agent. */
static void answer_unreached(const struct ebb_vm *vm, struct ebb_call *call,
			     const char *kept)
{
	static const enum ebb_reason_id ids[] = {
		EBB_REASON_GUEST_PAUSED,
		EBB_REASON_GUEST_BOOTING,
		EBB_REASON_AGENT_SILENT,
		EBB_REASON_NO_AGENT,
	};
	const struct ebb_reason_list *list = &vm->probe.reasons;
	struct ebb_reason reason;
	uint32_t index = 0;

	for (size_t i = 0; i < EBB_ARRAY_SIZE(ids); i++)
		for (uint32_t k = 0; k < list->count; k++)
			if (list->items[k].id == ids[i])
				index = k;
	ebb_reason_render(list, index, &reason);
	ebb_call_error(call, "RungClosed", "%s. %s. %s", reason.text,
		       reason.remedy, kept);
}

/* A setting that is kept, and that the guest does not know of yet. */
static void answer_untold(const struct ebb_vm *vm, struct ebb_call *call)
{
	static const char kept[] =
		"The setting is kept, and holds as soon as that is mended";
	const struct vm_telling *telling = &vm->telling;

	if (telling->told == -ENOSYS)
		ebb_call_error(call, "RungClosed",
			       "The ebb-agent in the guest is too old for a "
			       "free target; update it. %s",
			       kept);
	else if (telling->told == -EREMOTEIO)
		ebb_call_error(call, "GenericError",
			       "The ebb-agent in the guest refused the free "
			       "target: %s. See there: journalctl -u "
			       "ebb-agent. %s",
			       telling->error.text, kept);
	else if (vm->probe.reasons.count > 0 && !vm->probe.channel)
		answer_unreached(vm, call, kept);
	else
		ebb_call_error(call, "RungClosed",
			       "No ebb-agent answers in the guest any more; "
			       "see whether the guest hangs, or only its "
			       "agent: systemctl status ebb-agent. %s",
			       kept);
}

/* Of what was set for the next start alone, the answer has that, not what holds now. */
static void show_next_start(const struct ebb_vm *vm,
			    const struct ebb_set_order *set,
			    struct ebb_set_result *result)
{
	struct ebb_settings defaults;

	ebb_config_settings(vm->environment->config, vm->name, vm->uuid,
			    &defaults);
	/* ebb_settings_show() has them in this order. */
	for (int i = 0; i < EBB_SETTING_COUNT; i++) {
		struct ebb_setting_status *item = &result->settings.items[i];

		if (set->actions[i] == EBB_SET_NOTHING)
			continue;
		ebb_setting_format((enum ebb_setting)i,
				   set->actions[i] == EBB_SET_VALUE
					   ? &set->values
					   : &defaults.values,
				   item->value);
		strcpy(item->origin, "next start");
	}
	if (!set->has_target)
		return;
	memset(&result->target, 0, sizeof(result->target));
	if (set->target.kind != EBB_TARGET_NONE)
		ebb_target_format(&set->target, result->target.setting);
}

static void answer_set(const struct ebb_vm *vm, struct ebb_call *call)
{
	const struct vm_telling *telling = &vm->telling;
	struct ebb_set_result result = { 0 };

	if (telling->kept == -EALREADY) {
		ebb_call_error(
			call, "GenericError",
			"libvirt kept the setting for the running domain, "
			"where it holds, but not for its next start: %s. "
			"Set it again when that is mended",
			telling->error.text);
		return;
	}
	if (telling->kept < 0) {
		ebb_call_error(call, "GenericError",
			       "libvirt did not keep the setting: %s. Nothing "
			       "was changed",
			       telling->error.text);
		return;
	}
	if (telling->tells && telling->told < 0 &&
	    telling->set.target.kind != EBB_TARGET_NONE) {
		answer_untold(vm, call);
		return;
	}
	memcpy(result.name, vm->name, sizeof(result.name));
	ebb_vm_target_status(vm, &result.target);
	ebb_vm_settings_status(vm, &result.settings);
	if (telling->set.scope == EBB_SCOPE_CONFIG)
		show_next_start(vm, &telling->set, &result);
	if (telling->set.scope == EBB_SCOPE_CONFIG)
		snprintf(result.note, sizeof(result.note),
			 "It holds from the next start of the domain on");
	else if (telling->tells && telling->told < 0)
		snprintf(result.note, sizeof(result.note),
			 "The guest was not told; a free target that it may "
			 "have ends by itself within %d s",
			 EBB_TARGET_LEASE_MS / 1000);
	else if (telling->tells &&
		 strcmp(telling->state.mechanism, "none") == 0 &&
		 telling->set.target.kind != EBB_TARGET_NONE)
		snprintf(result.note, sizeof(result.note),
			 "The guest has nothing that does it; load ebb.ko "
			 "there: modprobe ebb");
	ebb_call_return(call, ebb_msg_encode(ebb_set_result_fields, &result));
}

static void tell_done(struct ebb_vm *vm)
{
	struct vm_telling *telling = &vm->telling;
	struct ebb_call *call = telling->call;
	char text[EBB_TARGET_TEXT_BYTES];
	struct ebb_request *request;

	if (telling->have_metadata)
		ebb_vm_take_metadata(vm, &telling->metadata);
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
	if (!call)
		return;
	request = ebb_requests_running(&vm->requests);
	ebb_requests_take(&vm->requests, request);
	free(request);
	answer_set(vm, call);
}

static const struct vm_job tell = {
	.phase = EBB_VM_TELLING,
	.work = tell_work,
	.done = tell_done,
	.name = "tell_done",
};

/* @call: of a set, which is to be kept, or NULL. */
static int start_telling(struct ebb_vm *vm, struct ebb_call *call,
			 const struct ebb_set_order *set)
{
	vm->telling = (struct vm_telling){
		.call = call,
		.set = *set,
		.tells = set->has_target && set->scope != EBB_SCOPE_CONFIG,
		.message = ebb_target_message(&set->target,
					      ebb_vm_usable_bytes(vm)),
		.told = -ENOTCONN,
		.want_facts = call || ebb_now_ns() >= vm->target.facts_due_ns,
	};
	/* Somebody asks now: what was in vain before is tried anew. */
	vm->telling.message.retry = call != NULL;
	return ebb_vm_run(vm, &tell);
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

/* Whether nothing is to be kept for this domain. */
static bool is_refused(const struct ebb_vm *vm, const struct ebb_set_order *set,
		       struct ebb_refusal *ret_refusal)
{
	const struct ebb_target_setting *setting = &set->target;
	bool wants_target = set->has_target && setting->kind != EBB_TARGET_NONE;
	const struct ebb_probe *probe = &vm->probe;
	struct ebb_msg_error error;

	if (vm->life != EBB_VM_CONNECTED || !probe->running ||
	    (vm->process.quarantined && wants_target)) {
		*ret_refusal = ebb_vm_why_closed(vm);
		return true;
	}
	if ((set->actions[EBB_SETTING_MIN] != EBB_SET_NOTHING ||
	     set->actions[EBB_SETTING_MAX] != EBB_SET_NOTHING) &&
	    ebb_vm_settings_try(vm, set, &error) < 0) {
		*ret_refusal =
			ebb_refusal(EBB_REFUSAL_ARGUMENT, "%s", error.text);
		return true;
	}
	if (!wants_target)
		return false;
	if (ebb_target_check(setting, ebb_vm_memory_bytes(vm), &error) < 0) {
		*ret_refusal =
			ebb_refusal(EBB_REFUSAL_ARGUMENT, "%s", error.text);
		return true;
	}
	if (probe->domxml.own_channel || probe->domxml.qga_channel)
		return false;
	*ret_refusal = ebb_refusal(
		EBB_REFUSAL_RUNG_CLOSED,
		"The domain has no channel to an agent, so the free target is "
		"not kept. Add the channel " EBB_CHANNEL_NAME "; ebbctl doctor "
		"prints its XML");
	return true;
}

enum ebb_vm_serving ebb_vm_start_set(struct ebb_vm *vm,
				     struct ebb_request *request,
				     struct ebb_refusal *ret_refusal)
{
	if (is_refused(vm, &request->set, ret_refusal))
		return EBB_VM_REFUSES;
	if (start_telling(vm, request->call, &request->set) < 0) {
		*ret_refusal = ebb_vm_why_no_thread();
		return EBB_VM_REFUSES;
	}
	request->state = EBB_REQUEST_RUNNING;
	return EBB_VM_SERVES;
}
