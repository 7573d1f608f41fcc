/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/memory/ram.h"

#include <stdbool.h>

/* QEMU's files are whole pages. */
static bool is_of_size(const struct ebb_backing *backing, uint64_t bytes)
{
	uint64_t rest = bytes % backing->page_bytes;

	return backing->bytes ==
	       bytes + (rest ? backing->page_bytes - rest : 0);
}

static bool is_likely(const struct ebb_backing *backing,
		      const struct ebb_domxml *domxml)
{
	for (uint32_t i = 0; i < domxml->cell_count; i++)
		if (is_of_size(backing, domxml->cell_bytes[i]))
			return true;
	for (uint32_t i = 0; i < domxml->device_count; i++)
		if (is_of_size(backing, domxml->devices[i].bytes))
			return true;
	return false;
}

static bool is_proven(const struct ebb_map *map, uint32_t index)
{
	for (uint32_t i = 0; i < map->segment_count; i++)
		if (map->segments[i].backing == index)
			return true;
	return false;
}

int ebb_ram_lock_likely(const struct ebb_guest_process *process,
			const struct ebb_domxml *domxml)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < process->backing_count; i++)
		if (is_likely(&process->backings[i], domxml))
			r = ebb_file_lock(process->backings[i].file);
	return r;
}

int ebb_ram_lock_proven(const struct ebb_guest_process *process,
			const struct ebb_map *map)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < process->backing_count; i++)
		if (is_proven(map, i))
			r = ebb_file_lock(process->backings[i].file);
	return r;
}

void ebb_ram_drop_others(struct ebb_guest_process *process,
			 const struct ebb_domxml *domxml, struct ebb_map *map)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < process->backing_count; i++) {
		if (!is_proven(map, i) &&
		    !is_likely(&process->backings[i], domxml)) {
			ebb_file_unref(process->backings[i].file);
			continue;
		}
		for (uint32_t s = 0; s < map->segment_count; s++)
			if (map->segments[s].backing == i)
				map->segments[s].backing = kept;
		process->backings[kept++] = process->backings[i];
	}
	process->backing_count = kept;
}
