/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/memory/debt.h"

#include "host/memory/file.h"

static struct ebb_ledger *ledger_of(const struct ebb_backing *backing,
				    uint64_t page_bytes)
{
	if (!backing->file || (page_bytes && backing->page_bytes != page_bytes))
		return NULL;
	return ebb_file_ledger(backing->file);
}

uint64_t ebb_debt_held_bytes(const struct ebb_backing *backing)
{
	return ledger_of(backing, 0) ? ebb_backing_held_bytes(backing) : 0;
}

void ebb_debt_lend(const struct ebb_backing *backing, uint64_t offset,
		   uint64_t bytes, uint64_t held_bytes)
{
	struct ebb_ledger *ledger = ledger_of(backing, 0);
	uint64_t now_bytes;

	if (!ledger)
		return;
	now_bytes = ebb_backing_held_bytes(backing);
	ebb_ledger_lend(ledger, offset, bytes,
			held_bytes > now_bytes ? held_bytes - now_bytes : 0);
}

static void suspect(struct ebb_ledger *ledger, const struct ebb_map *map,
		    uint32_t index)
{
	for (uint32_t i = 0; i < map->segment_count; i++)
		if (map->segments[i].backing == index)
			ebb_ledger_suspect(ledger, map->segments[i].offset,
					   map->segments[i].bytes);
}

/* The first segment of a file that ends after @at; false: there is none. */
static bool next_segment(const struct ebb_map *map, uint32_t index, uint64_t at,
			 uint64_t *ret_offset, uint64_t *ret_end)
{
	bool found = false;

	for (uint32_t i = 0; i < map->segment_count; i++) {
		const struct ebb_map_segment *segment = &map->segments[i];

		if (segment->backing != index ||
		    segment->offset + segment->bytes <= at ||
		    (found && segment->offset >= *ret_offset))
			continue;
		*ret_offset = segment->offset;
		*ret_end = segment->offset + segment->bytes;
		found = true;
	}
	return found;
}

static void forget_others(struct ebb_ledger *ledger, const struct ebb_map *map,
			  uint32_t index, uint64_t file_bytes)
{
	uint64_t at = 0, offset = 0, end = 0;

	while (next_segment(map, index, at, &offset, &end)) {
		if (offset > at)
			ebb_ledger_forget(ledger, at, offset - at);
		at = end;
	}
	if (at < file_bytes)
		ebb_ledger_forget(ledger, at, file_bytes - at);
}

void ebb_debt_proven(const struct ebb_guest_process *process,
		     const struct ebb_map *map, bool complete)
{
	for (uint32_t i = 0; i < process->backing_count; i++) {
		const struct ebb_backing *backing = &process->backings[i];
		struct ebb_ledger *ledger = ledger_of(backing, 0);

		if (!ledger)
			continue;
		if (ebb_file_first_proof(backing->file) &&
		    (!process->newer || ebb_file_was_contested(backing->file)))
			suspect(ledger, map, i);
		if (complete)
			forget_others(ledger, map, i, backing->bytes);
	}
}

static bool is_at(const struct ebb_map *map, uint32_t index, uint64_t base_gpa,
		  uint64_t bytes)
{
	for (uint32_t s = 0; s < map->segment_count; s++)
		if (map->segments[s].backing == index &&
		    map->segments[s].gpa >= base_gpa &&
		    map->segments[s].gpa - base_gpa < bytes)
			return true;
	return false;
}

/*
 * The device that a file belongs to: by its address, or by its size where libvirt
 * does not say that (9.0) and nothing else is of that size. -1: not known.
 */
static int find_device(const struct ebb_map *map, uint32_t index,
		       uint64_t file_bytes, const struct ebb_domxml *domxml)
{
	uint32_t of_size = 0;
	int found = -1;

	for (uint32_t i = 0; i < domxml->cell_count; i++)
		of_size += domxml->cell_bytes[i] == file_bytes;
	for (uint32_t i = 0; i < domxml->device_count; i++) {
		uint64_t base_gpa = domxml->devices[i].base_gpa;

		if (base_gpa &&
		    is_at(map, index, base_gpa, domxml->devices[i].bytes))
			return (int)i;
		if (domxml->devices[i].bytes != file_bytes)
			continue;
		of_size++;
		if (!base_gpa)
			found = (int)i;
	}
	return of_size == 1 ? found : -1;
}

bool ebb_debt_find_limits(const struct ebb_guest_process *process,
			  const struct ebb_map *map,
			  const struct ebb_domxml *domxml,
			  struct ebb_debt_limits *ret_limits)
{
	bool any = false;

	for (uint32_t i = 0; i < process->backing_count; i++) {
		const struct ebb_backing *backing = &process->backings[i];
		struct ebb_ledger *ledger = ledger_of(backing, 0);
		int device = find_device(map, i, backing->bytes, domxml);

		ret_limits->found[i] =
			ledger && device >= 0 &&
			domxml->devices[device].plugged_bytes <
				domxml->devices[device].bytes &&
			ebb_ledger_find_limit(
				ledger, backing->fd,
				domxml->devices[device].plugged_bytes,
				&ret_limits->limits[i]);
		any |= ret_limits->found[i];
	}
	return any;
}

void ebb_debt_cut(const struct ebb_guest_process *process,
		  const struct ebb_debt_limits *limits)
{
	for (uint32_t i = 0; i < process->backing_count; i++)
		if (limits->found[i])
			ebb_ledger_cut(ledger_of(&process->backings[i], 0),
				       &limits->limits[i]);
}

struct ebb_debt ebb_debt_of(const struct ebb_guest_process *process,
			    uint64_t page_bytes)
{
	struct ebb_debt debt = { 0 };

	for (uint32_t i = 0; i < process->backing_count; i++) {
		const struct ebb_backing *backing = &process->backings[i];
		struct ebb_ledger *ledger = ledger_of(backing, page_bytes);

		if (ledger)
			ebb_ledger_debt(ledger, ebb_backing_held_bytes(backing),
					&debt);
	}
	return debt;
}

int ebb_debt_reserve(const struct ebb_guest_process *process,
		     uint64_t page_bytes)
{
	int first = 0;

	for (uint32_t i = 0; i < process->backing_count; i++) {
		const struct ebb_backing *backing = &process->backings[i];
		struct ebb_ledger *ledger = ledger_of(backing, page_bytes);
		int r = ledger ? ebb_ledger_reserve(ledger, backing->fd) : 0;

		if (r < 0 && first == 0)
			first = r;
	}
	return first;
}
