/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What holds for a domain from its next start on, by what Ebb keeps with its definition,
 * where that is other than what holds now: a set for the next start alone would else be
 * seen in the XML only.
 */
#include <stdlib.h>
#include <string.h>

#include "host/domain/next_start.h"
#include "host/domain/vm_parts.h"

static bool says_the_same(const struct ebb_settings *a,
			  const struct ebb_settings *b,
			  enum ebb_setting setting)
{
	char left[EBB_SETTING_TEXT_BYTES], right[EBB_SETTING_TEXT_BYTES];

	if (!ebb_settings_has(a, setting) || !ebb_settings_has(b, setting))
		return ebb_settings_has(a, setting) ==
		       ebb_settings_has(b, setting);
	return strcmp(ebb_setting_format(setting, &a->values, left),
		      ebb_setting_format(setting, &b->values, right)) == 0;
}

/* Whether it is what the domain has now, all of it understood. */
static bool is_as_now(const struct ebb_vm *vm, const struct ebb_metadata *next)
{
	if (next->odd_settings.text[0] || next->odd_target.text[0] ||
	    !ebb_target_is_same(&next->target, &vm->target.setting))
		return false;
	for (int i = 0; i < EBB_SETTING_COUNT; i++)
		if (!says_the_same(&next->settings, &vm->settings.layer,
				   (enum ebb_setting)i))
			return false;
	return true;
}

void ebb_vm_take_next(struct ebb_vm *vm, const struct ebb_metadata *next)
{
	struct vm_settings *settings = &vm->settings;

	settings->next_known = next != NULL;
	free(settings->next);
	settings->next = NULL;
	/* Most domains have the same then: nothing is kept for that. */
	if (!next || is_as_now(vm, next))
		return;
	settings->next = malloc(sizeof(*next));
	if (settings->next)
		*settings->next = *next;
	else
		settings->next_known = false;
}

const struct ebb_settings *ebb_vm_next_layer(const struct ebb_vm *vm)
{
	const struct vm_settings *settings = &vm->settings;

	return settings->next ? &settings->next->settings : &settings->layer;
}

/* Keeps of all settings those that are other than @now. */
static void keep_changes(const struct ebb_settings *now,
			 struct ebb_settings_status *next)
{
	char text[EBB_SETTING_TEXT_BYTES];
	uint32_t count = 0;

	/* ebb_settings_show() has them in this order. */
	for (int i = 0; i < EBB_SETTING_COUNT; i++) {
		ebb_setting_format((enum ebb_setting)i, &now->values, text);
		if (strcmp(next->items[i].value, text) != 0)
			next->items[count++] = next->items[i];
	}
	next->count = count;
}

void ebb_vm_next_status(const struct ebb_vm *vm,
			struct ebb_domain_status *status)
{
	const struct ebb_metadata *next = vm->settings.next;
	struct ebb_settings defaults;

	status->next_known = vm->settings.next_known;
	if (!status->next_known || !next)
		return;
	ebb_config_settings(vm->environment->config, vm->name, vm->uuid,
			    &defaults);
	ebb_next_start_show(next, &defaults, ebb_vm_base_bytes(vm),
			    &status->next);
	keep_changes(ebb_vm_settings(vm), &status->next);
	if (!ebb_target_is_same(&next->target, &vm->target.setting))
		ebb_target_format(&next->target, status->next_target);
}
