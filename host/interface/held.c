/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/interface/held.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/size.h"

#define LEAST_BYTES (16 * EBB_MIB)

static const struct {
	size_t offset;
	const char *what;
	bool is_free; /* "16 MiB free", and not "16 MiB of free" */
} parts[] = {
	{ offsetof(struct ebb_msg_held, anonymous_bytes),
	  "memory of programs" },
	{ offsetof(struct ebb_msg_held, shared_bytes),
	  "tmpfs and shared memory" },
	{ offsetof(struct ebb_msg_held, locked_bytes), "locked memory" },
	{ offsetof(struct ebb_msg_held, huge_pool_bytes),
	  "its own pool of huge pages" },
	{ offsetof(struct ebb_msg_held, page_cache_bytes), "page cache" },
	{ offsetof(struct ebb_msg_held, slab_bytes), "objects of its kernel" },
	{ offsetof(struct ebb_msg_held, page_tables_bytes), "page tables" },
	{ offsetof(struct ebb_msg_held, fragments_bytes),
	  "free in small pieces", true },
};

static_assert(EBB_ARRAY_SIZE(parts) == EBB_HELD_PARTS, "each has a name");

const char *ebb_held_part(const struct ebb_msg_held *held, unsigned int part,
			  uint64_t *ret_bytes)
{
	memcpy(ret_bytes, (const char *)held + parts[part].offset,
	       sizeof(*ret_bytes));
	return parts[part].what;
}

bool ebb_held_is_plausible(const struct ebb_msg_held *held,
			   uint64_t memory_bytes)
{
	uint64_t bytes;

	for (unsigned int i = 0; i < EBB_HELD_PARTS; i++) {
		ebb_held_part(held, i, &bytes);
		if (bytes > memory_bytes)
			return false;
	}
	return true;
}

const char *ebb_held_text(const struct ebb_msg_held *held, char *ret_text)
{
	char size[EBB_SIZE_TEXT_BYTES];
	size_t length = 0;

	*ret_text = '\0';
	for (unsigned int i = 0; i < EBB_HELD_PARTS; i++) {
		uint64_t bytes;
		const char *what = ebb_held_part(held, i, &bytes);

		if (bytes < LEAST_BYTES)
			continue;
		length += (size_t)snprintf(
			ret_text + length, EBB_HELD_TEXT_BYTES - length,
			"%s%s %s%s", length ? ", " : "",
			ebb_size_format(bytes, size, sizeof(size)),
			parts[i].is_free ? "" : "of ", what);
	}
	return ret_text;
}
