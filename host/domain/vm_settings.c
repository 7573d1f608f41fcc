/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The settings that hold for a vm: those of its metadata over those of ebbd.conf.
 *
 * Metadata that are not understood change nothing: what the domain had before
 * stays, and is shown with what is wrong. Where nothing was understood yet, as after
 * a restart or a migration to here, there is no before: then what is understood of
 * them holds, so that one wrong word does not take away a min beside it.
 */
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/size.h"
#include "host/domain/vm_parts.h"

uint64_t ebb_vm_memory_bytes(const struct ebb_vm *vm)
{
	uint64_t bytes = ebb_probe_backing_bytes(&vm->probe);

	return bytes > 0 ? bytes : ebb_domxml_memory_bytes(&vm->probe.domxml);
}

uint64_t ebb_vm_usable_bytes(const struct ebb_vm *vm)
{
	uint64_t memory_bytes = ebb_vm_memory_bytes(vm);
	uint64_t missing_bytes = ebb_domxml_unplugged_bytes(&vm->probe.domxml);
	uint64_t balloon_bytes;

	/* Where it is not known it may be empty. */
	if (ebb_vm_balloon(vm, &balloon_bytes))
		missing_bytes += balloon_bytes;
	return memory_bytes > missing_bytes ? memory_bytes - missing_bytes : 0;
}

uint64_t ebb_vm_base_bytes(const struct ebb_vm *vm)
{
	uint64_t held_bytes = vm->guard.held_bytes, balloon_bytes;

	if (!ebb_vm_balloon(vm, &balloon_bytes))
		return ebb_vm_usable_bytes(vm);
	return ebb_vm_usable_bytes(vm) +
	       (held_bytes < balloon_bytes ? held_bytes : balloon_bytes);
}

void ebb_vm_hold_settings(struct ebb_vm *vm)
{
	struct vm_settings *settings = &vm->settings;

	ebb_config_settings(vm->environment->config, vm->name, vm->uuid,
			    &settings->held);
	ebb_settings_overlay(&settings->held, &settings->layer);
}

/* What holds while the metadata are not understood. */
static const char *what_holds(const struct vm_settings *settings)
{
	if (settings->understood)
		return "those of before hold";
	for (int i = 0; i < EBB_SETTING_COUNT; i++)
		if (ebb_settings_has(&settings->layer, (enum ebb_setting)i))
			return "those that are understood hold";
	return "none of them holds";
}

static void log_changes(const struct ebb_vm *vm,
			const struct ebb_settings *before)
{
	const struct ebb_settings *now = &vm->settings.held;
	char old[EBB_SETTING_TEXT_BYTES], new[EBB_SETTING_TEXT_BYTES];
	struct ebb_news news = {
		.kind = EBB_EVENT_SETTINGS,
		.domain = vm->name,
		.uuid = vm->uuid,
	};

	for (int i = 0; i < EBB_SETTING_COUNT; i++) {
		enum ebb_setting setting = (enum ebb_setting)i;

		ebb_setting_format(setting, &before->values, old);
		ebb_setting_format(setting, &now->values, new);
		if (strcmp(old, new) == 0)
			continue;
		news.action = ebb_setting_name(setting);
		news.reason = now->origins[setting].text;
		ebb_past_tell(vm->environment->past, EBB_LOG_INFO, &news,
			      "%s: %s is %s (%s), was %s", vm->name,
			      ebb_setting_name(setting), new,
			      now->origins[setting].text, old);
	}
}

/* Whether min is more than there is, so that it holds as that; with words for it. */
static bool is_min_capped(const struct ebb_vm *vm, char *text,
			  size_t text_bytes)
{
	const struct ebb_amount *min = &vm->settings.held.values.min;
	uint64_t usable_bytes = ebb_vm_base_bytes(vm), balloon_bytes;
	char value[EBB_SETTING_TEXT_BYTES], balloon[64] = "";

	if (usable_bytes == 0 ||
	    ebb_amount_bytes(min, usable_bytes) <= usable_bytes)
		return false;
	if (ebb_vm_balloon(vm, &balloon_bytes) && balloon_bytes > 0)
		snprintf(balloon, sizeof(balloon), " (a balloon holds %s more)",
			 EBB_SIZE(balloon_bytes));
	snprintf(text, text_bytes,
		 "min is %s, but the guest may use %s%s: it counts as that. "
		 "Lower min, or give the domain more memory",
		 ebb_setting_format(EBB_SETTING_MIN, &vm->settings.held.values,
				    value),
		 EBB_SIZE(usable_bytes), balloon);
	return true;
}

/* Once, until it is no more so. */
static void tell_min(struct ebb_vm *vm)
{
	char text[EBB_TEXT_BYTES_MAX];
	bool capped = is_min_capped(vm, text, sizeof(text));

	/* A guest that moves its balloon does not write the log. */
	if (capped && !vm->settings.min_told &&
	    ebb_pace_take(&vm->told_pace, 1, ebb_now_ns()))
		ebb_log(EBB_LOG_WARNING, "%s: %s", vm->name, text);
	vm->settings.min_told = capped;
}

/* Whether the last look went by other settings than hold now. */
static bool has_moved(const struct vm_settings *settings)
{
	return settings->looked_rungs != settings->held.values.rungs ||
	       settings->looked_reserved != settings->held.values.reserved;
}

bool ebb_vm_settings_look_begins(struct ebb_vm *vm)
{
	struct vm_settings *settings = &vm->settings;
	bool moved = has_moved(settings);

	settings->looked_rungs = settings->held.values.rungs;
	settings->looked_reserved = settings->held.values.reserved;
	return moved;
}

/*
 * What the last look did not go by closes the rung at once, whichever it is, and the
 * next look finds the one that is open now. What was lent stays in the books. Returns
 * whether that is so.
 */
static bool follow_rungs(struct ebb_vm *vm)
{
	if (!has_moved(&vm->settings))
		return false;
	vm->gone = true;
	vm->look_wanted = true;
	return true;
}

void ebb_vm_settings_take(struct ebb_vm *vm,
			  const struct ebb_metadata *metadata)
{
	struct vm_settings *settings = &vm->settings;
	struct ebb_settings before = settings->held;
	bool told = strcmp(settings->odd.text, metadata->odd_settings.text) ==
		    0;

	settings->odd = metadata->odd_settings;
	if (!settings->odd.text[0])
		settings->understood = true;
	if (!settings->odd.text[0] || !settings->understood)
		settings->layer = metadata->settings;
	if (settings->odd.text[0] && !told)
		ebb_log(EBB_LOG_WARNING,
			"%s: the settings in its metadata are not all "
			"understood, and %s: %s",
			vm->name, what_holds(settings), settings->odd.text);
	ebb_vm_hold_settings(vm);
	log_changes(vm, &before);
	tell_min(vm);
	/* From within a job's end: the vm settles then. */
	follow_rungs(vm);
}

void ebb_vm_config_changed(struct ebb_vm *vm)
{
	struct ebb_settings before = vm->settings.held;

	ebb_vm_hold_settings(vm);
	log_changes(vm, &before);
	tell_min(vm);
	if (follow_rungs(vm))
		vm->settle(vm);
}

const struct ebb_settings *ebb_vm_settings(const struct ebb_vm *vm)
{
	return &vm->settings.held;
}

void ebb_vm_settings_status(const struct ebb_vm *vm,
			    struct ebb_settings_status *ret_status)
{
	const struct ebb_settings *held = &vm->settings.held;
	struct ebb_msg_error error;
	char text[EBB_TEXT_BYTES_MAX];

	memset(ret_status, 0, sizeof(*ret_status));
	ebb_settings_show(held, ret_status);
	if (vm->settings.odd.text[0])
		snprintf(
			ret_status->trouble, sizeof(ret_status->trouble),
			"the settings in its metadata are not all understood, "
			"and %s: %.200s. Set it anew with "
			"ebbctl set, or mend it: virsh metadata DOMAIN " EBB_METADATA_URI
			" --edit",
			what_holds(&vm->settings), vm->settings.odd.text);
	else if (ebb_settings_check(&held->values, ebb_vm_base_bytes(vm),
				    &error) < 0)
		snprintf(ret_status->trouble, sizeof(ret_status->trouble),
			 "%s; until then min holds", error.text);
	else if (is_min_capped(vm, text, sizeof(text)))
		snprintf(ret_status->trouble, sizeof(ret_status->trouble), "%s",
			 text);
}
