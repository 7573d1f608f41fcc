/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/next_start.h"

#include <stdio.h>

void ebb_next_start_show(const struct ebb_metadata *metadata,
			 const struct ebb_settings *defaults,
			 uint64_t usable_bytes,
			 struct ebb_settings_status *ret_status)
{
	char *trouble = ret_status->trouble;
	size_t trouble_bytes = sizeof(ret_status->trouble);
	struct ebb_settings settings = *defaults;
	struct ebb_msg_error error;

	ebb_settings_overlay(&settings, &metadata->settings);
	ebb_settings_show(&settings, ret_status);
	*trouble = '\0';
	if (metadata->odd_settings.text[0])
		snprintf(trouble, trouble_bytes,
			 "the settings in its definition are not all "
			 "understood: %.200s",
			 metadata->odd_settings.text);
	else if (metadata->odd_target.text[0])
		snprintf(trouble, trouble_bytes,
			 "the free target in its definition is not understood: "
			 "%.200s",
			 metadata->odd_target.text);
	else if (ebb_settings_check(&settings.values, usable_bytes, &error) < 0)
		snprintf(trouble, trouble_bytes, "%s", error.text);
}
