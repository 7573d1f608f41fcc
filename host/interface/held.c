/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/interface/held.h"

#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/size.h"

#define LEAST_BYTES (16 * EBB_MIB)

const char *ebb_held_text(const struct ebb_msg_held *held, char *ret_text)
{
	const struct {
		uint64_t bytes;
		const char *what;
	} parts[] = {
		{ held->anonymous_bytes, "memory of programs" },
		{ held->shared_bytes, "tmpfs and shared memory" },
		{ held->locked_bytes, "locked memory" },
		{ held->huge_pool_bytes, "its own pool of huge pages" },
	};
	char size[EBB_SIZE_TEXT_BYTES];
	size_t length = 0;

	*ret_text = '\0';
	for (size_t i = 0; i < EBB_ARRAY_SIZE(parts); i++) {
		if (parts[i].bytes < LEAST_BYTES)
			continue;
		length += (size_t)snprintf(
			ret_text + length, EBB_HELD_TEXT_BYTES - length,
			"%s%s %s", length ? ", " : "",
			ebb_size_format(parts[i].bytes, size, sizeof(size)),
			parts[i].what);
	}
	return ret_text;
}
