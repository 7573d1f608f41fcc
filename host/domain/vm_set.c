/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A person's set: the settings and the free target are kept with the domain by libvirt, and
 * the guest is told the target at once. One job does both (vm_tell.c), so that the answer
 * says which of them failed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "host/domain/vm_parts.h"

void ebb_vm_keep_set(struct ebb_domain *domain, struct vm_telling *telling)
{
	struct ebb_metadata_change changes[EBB_METADATA_CHANGES_MAX];
	size_t count = ebb_set_order_changes(&telling->set, changes);

	telling->kept = ebb_domain_change_metadata(domain, telling->set.scope,
						   changes, count,
						   &telling->metadata,
						   telling->error.text);
	telling->have_metadata =
		telling->kept == -EALREADY ||
		(telling->kept == 0 && telling->set.scope != EBB_SCOPE_CONFIG);
}

/* ---- the answer ---- */

/* The guest cannot be told: it is paused, boots, hangs or has no agent. */
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

/* The setting is kept, and the guest does not know of it yet. */
static void answer_untold(const struct ebb_vm *vm, struct ebb_call *call)
{
	static const char kept[] =
		"The setting is kept, and holds as soon as that is mended";
	const struct vm_telling *telling = vm->telling;

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
			       "see whether the guest hangs, its agent (there: "
			       "systemctl status ebb-agent), or libvirtd, "
			       "which is between them (systemctl status "
			       "libvirtd). %s",
			       kept);
}

/* If the set is for the next start alone, the answer has that, not the settings of now. */
static void show_next_start(const struct ebb_vm *vm,
			    const struct ebb_set_order *set,
			    struct ebb_set_result *result)
{
	struct ebb_settings defaults;

	ebb_config_settings(vm->environment->config, vm->name, vm->uuid,
			    &defaults);
	ebb_set_order_show(set, &defaults, result);
}

void ebb_vm_answer_set(const struct ebb_vm *vm, struct ebb_call *call)
{
	const struct vm_telling *telling = vm->telling;
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

/* ---- a request ---- */

bool ebb_vm_refuses_set(const struct ebb_vm *vm,
			const struct ebb_set_order *set,
			struct ebb_refusal *ret_refusal)
{
	bool wants_target = set->has_target &&
			    set->target.kind != EBB_TARGET_NONE;
	bool of_next = set->scope == EBB_SCOPE_CONFIG &&
		       vm->settings.next_known;
	struct ebb_settings defaults;
	struct ebb_set_place place = {
		.domxml = &vm->probe.domxml,
		.layer = of_next ? ebb_vm_next_layer(vm) : &vm->settings.layer,
		.defaults = &defaults,
		.memory_bytes = ebb_vm_memory_bytes(vm),
		.usable_bytes = ebb_vm_base_bytes(vm),
	};

	if (vm->life != EBB_VM_CONNECTED || !vm->probe.running ||
	    (vm->process.quarantined && wants_target)) {
		*ret_refusal = ebb_vm_why_closed(vm);
		return true;
	}
	ebb_config_settings(vm->environment->config, vm->name, vm->uuid,
			    &defaults);
	return ebb_set_order_is_refused(set, &place, ret_refusal);
}
