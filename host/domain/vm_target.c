/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The free target of a vm: it is told to its agent again and again, and the
 * guest's answers are kept.
 *
 * libvirt keeps the setting (vm_set.c); this has a copy of it. The guest has it
 * as a lease, so an ebbd that is stopped or dies sends nothing, and the guest is
 * itself again when the lease ends. vm_tell.c renews it.
 */
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/size.h"
#include "host/libvirt/agent.h"
#include "host/domain/vm_parts.h"

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
			  const struct ebb_metadata *metadata,
			  const struct ebb_metadata *next)
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
	ebb_vm_take_next(vm, next);
}

/* ---- the guest's answers ---- */

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

void ebb_vm_take_target_state(struct ebb_vm *vm,
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
	ebb_vm_take_target_state(vm, &state);
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
