/* SPDX-License-Identifier: GPL-2.0-only */
#include <config.h>

#include "host/ctl/top/size.h"

#include <stdio.h>

#include "host/ctl/top/bars.h"

const char *top_size_format(uint64_t bytes, bool old, char *text)
{
	static const char units[] = "BKMGTPE";
	double value = (double)bytes;
	int unit = 0;

	if (bytes == TOP_UNKNOWN) {
		snprintf(text, TOP_SIZE_BYTES, "-");
		return text;
	}
	/* What would be rounded to 1000 has no room. */
	while (value >= 999.5) {
		value /= 1024;
		unit++;
	}
	if (bytes == 0)
		snprintf(text, TOP_SIZE_BYTES, "%s0", old ? "~" : "");
	else
		snprintf(text, TOP_SIZE_BYTES, "%s%.*f%c", old ? "~" : "",
			 unit > 0 && value < 9.95 ? 1 : 0, value, units[unit]);
	return text;
}
