/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/interface/duration.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "common/cleanup.h"

static const struct {
	const char *name;
	uint64_t ms;
} units[] = {
	{ "ms", 1 },
	{ "s", 1000 },
	{ "m", 60 * 1000 },
	{ "h", 60 * 60 * 1000 },
	{ "d", 24 * 60 * 60 * 1000 },
};

int ebb_duration_parse(const char *text, uint32_t *ret_ms)
{
	uint64_t number = 0;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	for (; isdigit((unsigned char)*text); text++) {
		number = number * 10 + (uint64_t)(*text - '0');
		if (number > UINT32_MAX)
			return -ERANGE;
	}
	for (size_t i = 0; i < EBB_ARRAY_SIZE(units); i++) {
		if (strcmp(text, units[i].name) != 0)
			continue;
		if (number > UINT32_MAX / units[i].ms)
			return -ERANGE;
		*ret_ms = (uint32_t)(number * units[i].ms);
		return 0;
	}
	return -EINVAL;
}
