/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/set_order.h"

#include <stdio.h>
#include <string.h>

static void add_change(struct ebb_metadata_change *changes, size_t *count,
		       const char *name, const char *value)
{
	changes[*count].name = name;
	strcpy(changes[(*count)++].value, value);
}

/* Whether min and max could both hold with that. Returns 0 or -ERANGE. */
static int try_limits(const struct ebb_set_order *set,
		      const struct ebb_set_place *place,
		      struct ebb_msg_error *ret_error)
{
	struct ebb_settings would = *place->defaults, layer = *place->layer;
	struct ebb_settings changes = { .values = set->values };

	if (set->actions[EBB_SETTING_MIN] == EBB_SET_NOTHING &&
	    set->actions[EBB_SETTING_MAX] == EBB_SET_NOTHING)
		return 0;
	for (int i = 0; i < EBB_SETTING_COUNT; i++) {
		if (set->actions[i] == EBB_SET_VALUE)
			strcpy(changes.origins[i].text, "domain");
		else if (set->actions[i] == EBB_SET_DEFAULT)
			layer.origins[i].text[0] = '\0';
	}
	ebb_settings_overlay(&would, &layer);
	ebb_settings_overlay(&would, &changes);
	return ebb_settings_check(&would.values, place->usable_bytes,
				  ret_error);
}

bool ebb_set_order_is_refused(const struct ebb_set_order *set,
			      const struct ebb_set_place *place,
			      struct ebb_refusal *ret_refusal)
{
	bool wants_target = set->has_target &&
			    set->target.kind != EBB_TARGET_NONE;
	struct ebb_msg_error error;

	if (try_limits(set, place, &error) < 0 ||
	    (wants_target &&
	     ebb_target_check(&set->target, place->memory_bytes, &error) < 0)) {
		*ret_refusal =
			ebb_refusal(EBB_REFUSAL_ARGUMENT, "%s", error.text);
		return true;
	}
	if (!wants_target || place->domxml->own_channel ||
	    place->domxml->qga_channel)
		return false;
	*ret_refusal = ebb_refusal(
		EBB_REFUSAL_RUNG_CLOSED,
		"The domain has no channel to an agent, so the free target is "
		"not kept. Add the channel " EBB_CHANNEL_NAME "; ebbctl doctor "
		"prints its XML");
	return true;
}

size_t ebb_set_order_changes(const struct ebb_set_order *set,
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

void ebb_set_order_show(const struct ebb_set_order *set,
			const struct ebb_settings *defaults,
			struct ebb_set_result *result)
{
	/* ebb_settings_show() has them in this order. */
	for (int i = 0; i < EBB_SETTING_COUNT; i++) {
		struct ebb_setting_status *item = &result->settings.items[i];

		if (set->actions[i] == EBB_SET_NOTHING)
			continue;
		ebb_setting_format((enum ebb_setting)i,
				   set->actions[i] == EBB_SET_VALUE
					   ? &set->values
					   : &defaults->values,
				   item->value);
		strcpy(item->origin, "next start");
	}
	snprintf(result->note, sizeof(result->note),
		 "It holds from the next start of the domain on");
	if (!set->has_target)
		return;
	memset(&result->target, 0, sizeof(result->target));
	if (set->target.kind != EBB_TARGET_NONE)
		ebb_target_format(&set->target, result->target.setting);
}
