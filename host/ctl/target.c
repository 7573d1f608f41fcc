/* SPDX-License-Identifier: GPL-2.0-only */
#include <config.h>

#include "host/ctl/target.h"

#include <inttypes.h>
#include <string.h>

#include "common/size.h"
#include "host/ctl/text.h"

static void print_effect(const struct ebb_target_status *target)
{
	char effective[EBB_SIZE_TEXT_BYTES];

	ctl_pair_print(stdout, "Pursued", "%s%s%s%s%s",
		       ebb_size_format(target->effective_bytes, effective,
				       sizeof(effective)),
		       *target->state ? ", " : "", target->state,
		       *target->mechanism ? ", by " : "", target->mechanism);
	if (*target->reason)
		ctl_pair_print(stdout, "Why not more", "%s: %s", target->reason,
			       ebb_target_reason_text(target->reason));
}

void ctl_target_print(const struct ebb_target_status *target)
{
	char size[EBB_SIZE_TEXT_BYTES];

	if (*target->setting && target->bytes)
		ctl_pair_print(stdout, "Free target", "%s, which is %s",
			       target->setting,
			       ebb_size_format(target->bytes, size,
					       sizeof(size)));
	else if (*target->setting)
		ctl_pair_print(stdout, "Free target", "%s", target->setting);
	if (*target->state || target->effective_bytes)
		print_effect(target);
	if (target->drop_count)
		ctl_pair_print(stdout, "Dropped",
			       "%" PRIu64 " target%s by the guest",
			       target->drop_count,
			       target->drop_count == 1 ? "" : "s");
	if (target->working_set_bytes)
		ctl_pair_print(stdout, "Working set", "%s%s%s",
			       ebb_size_format(target->working_set_bytes, size,
					       sizeof(size)),
			       *target->working_set_source ? ", by " : "",
			       target->working_set_source);
}

void ctl_settings_print(const struct ebb_settings_status *settings)
{
	char key[sizeof(settings->items[0].name)];

	for (uint32_t i = 0; i < settings->count; i++) {
		const struct ebb_setting_status *item = &settings->items[i];

		strcpy(key, item->name);
		if (*key >= 'a' && *key <= 'z')
			*key = (char)(*key - 'a' + 'A');
		ctl_pair_print(stdout, key, "%s (%s)", item->value,
			       item->origin);
	}
	if (*settings->trouble)
		ctl_pair_print(stdout, "Settings", "%s", settings->trouble);
}
