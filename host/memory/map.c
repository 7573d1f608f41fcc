/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/memory/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"

#define GPA_4G ((uint64_t)4 << 30)
#define GPA_1T ((uint64_t)1 << 40)

/*
 * Where boot memory goes on at 4 GiB: i440fx puts up to 3.5 GiB below if all
 * of it fits and 3 GiB else; q35 2.75 and 2 GiB.
 */
static const uint64_t split_boundaries[] = {
	0xc0000000u,
	0xe0000000u,
	0xb0000000u,
	0x80000000u,
};

/*
 * Where that is: at 4 GiB; and at 1 TiB where a processor by AMD has so much that
 * it would reach what the IOMMU keeps for itself below that (QEMU 7.1,
 * hw/i386/pc.c: pc_set_amd_above_4g_mem_start()).
 */
static const uint64_t above_starts[] = { GPA_4G, GPA_1T };

/* No guest has memory come and go in smaller steps; x86 has no smaller ones. */
#define BLOCK_BYTES ((uint64_t)128 << 20)

/* One guess: backing @backing holds address A at A + @delta (modulo 2^64). */
struct candidate {
	uint32_t backing;
	uint64_t delta;
};

struct prover {
	const struct ebb_msg_info *info;
	const uint8_t *nonce;
	const struct ebb_guest_process *qemu;
};

/* Whether the canary of @gpa is where the guess says. */
static bool canary_is_at(const struct prover *prover,
			 const struct candidate *candidate, uint64_t gpa)
{
	const struct ebb_backing *backing =
		&prover->qemu->backings[candidate->backing];
	uint64_t offset = gpa + candidate->delta;
	struct ebb_canary canary;

	if (offset > backing->bytes || backing->bytes - offset < sizeof(canary))
		return false;
	/* Not through a mapping: reading a hole there would fill it. */
	if (pread(backing->fd, &canary, sizeof(canary), (off_t)offset) !=
	    (ssize_t)sizeof(canary))
		return false;
	return canary.magic == EBB_CANARY_MAGIC && canary.gpa == gpa &&
	       memcmp(canary.boot_id, prover->info->boot_id,
		      sizeof(canary.boot_id)) == 0 &&
	       memcmp(canary.nonce, prover->nonce, sizeof(canary.nonce)) == 0;
}

static bool candidate_fits(const struct prover *prover,
			   const struct candidate *candidate,
			   const struct ebb_msg_segment *segment)
{
	uint64_t file_bytes = prover->qemu->backings[candidate->backing].bytes;
	uint64_t offset = segment->gpa + candidate->delta;

	if (offset > file_bytes || file_bytes - offset < segment->bytes)
		return false;
	for (uint32_t i = 0; i < segment->canary_count; i++)
		if (!canary_is_at(prover, candidate, segment->canary_gpas[i]))
			return false;
	return true;
}

/* Tries one delta in every file. */
static bool try_delta(const struct prover *prover, uint64_t delta,
		      const struct ebb_msg_segment *segment,
		      struct candidate *ret_candidate)
{
	for (uint32_t i = 0; i < prover->qemu->backing_count; i++) {
		struct candidate candidate = { .backing = i, .delta = delta };

		if (candidate_fits(prover, &candidate, segment)) {
			*ret_candidate = candidate;
			return true;
		}
	}
	return false;
}

/*
 * A device of which libvirt does not say where it is, as of virtio-mem before
 * 9.4: the segment may begin at any block of it.
 */
static bool try_blocks(const struct prover *prover, uint64_t device_bytes,
		       const struct ebb_msg_segment *segment,
		       struct candidate *ret_candidate)
{
	for (uint64_t offset = 0; offset < device_bytes; offset += BLOCK_BYTES)
		if (try_delta(prover, offset - segment->gpa, segment,
			      ret_candidate))
			return true;
	return false;
}

static bool try_device(const struct prover *prover, uint64_t base_gpa,
		       uint64_t device_bytes,
		       const struct ebb_msg_segment *segment,
		       struct candidate *ret_candidate)
{
	return base_gpa ? try_delta(prover, -base_gpa, segment, ret_candidate)
			: try_blocks(prover, device_bytes, segment,
				     ret_candidate);
}

/* A cell of the boot memory, in the part that is above the split. */
static bool try_above(const struct prover *prover, uint64_t cell_start,
		      const struct ebb_msg_segment *segment,
		      struct candidate *ret_candidate)
{
	for (size_t a = 0; a < EBB_ARRAY_SIZE(above_starts) &&
			   segment->gpa >= above_starts[a];
	     a++)
		for (size_t b = 0; b < EBB_ARRAY_SIZE(split_boundaries); b++)
			if (try_delta(prover,
				      split_boundaries[b] - above_starts[a] -
					      cell_start,
				      segment, ret_candidate))
				return true;
	return false;
}

static bool find_candidate(const struct prover *prover,
			   const struct ebb_domxml *domxml,
			   const struct ebb_msg_segment *segment,
			   struct candidate *ret_candidate)
{
	uint64_t cell_start = 0;

	for (uint32_t i = 0; i < domxml->device_count; i++)
		if (try_device(prover, domxml->devices[i].base_gpa,
			       domxml->devices[i].bytes, segment,
			       ret_candidate))
			return true;

	for (uint32_t i = 0; i < domxml->cell_count; i++) {
		if (segment->gpa < GPA_4G ? try_delta(prover, -cell_start,
						      segment, ret_candidate)
					  : try_above(prover, cell_start,
						      segment, ret_candidate))
			return true;
		cell_start += domxml->cell_bytes[i];
	}
	return false;
}

/* Segments that are not as the interface promises are a lie or a bug. */
static int check_segments(const struct ebb_msg_info *info)
{
	uint64_t end = 0;

	for (uint32_t i = 0; i < info->segment_count; i++) {
		const struct ebb_msg_segment *segment = &info->segments[i];

		if (segment->bytes == 0 || segment->gpa < end ||
		    segment->gpa > UINT64_MAX - segment->bytes ||
		    segment->canary_count > EBB_CANARY_PER_SEGMENT)
			return -EBADMSG;
		end = segment->gpa + segment->bytes;
		for (uint32_t c = 0; c < segment->canary_count; c++) {
			uint64_t gpa = segment->canary_gpas[c];

			if (gpa % EBB_PAGE_BYTES || gpa < segment->gpa ||
			    gpa - segment->gpa >= segment->bytes)
				return -EBADMSG;
		}
	}
	return 0;
}

int ebb_map_prove(const struct ebb_msg_info *info,
		  const uint8_t nonce[EBB_NONCE_BYTES],
		  const struct ebb_domxml *domxml,
		  const struct ebb_guest_process *qemu, struct ebb_map *ret_map)
{
	struct prover prover = { .info = info, .nonce = nonce, .qemu = qemu };
	struct ebb_map map ebb_cleanup(ebb_map_clear) = { 0 };
	int r;

	r = check_segments(info);
	if (r < 0)
		return r;
	if (info->segment_count == 0)
		return -ENOENT;
	map.segments = calloc(info->segment_count, sizeof(*map.segments));
	if (!map.segments)
		return -ENOMEM;
	for (uint32_t i = 0; i < info->segment_count; i++) {
		const struct ebb_msg_segment *segment = &info->segments[i];
		struct ebb_map_segment *proven =
			&map.segments[map.segment_count];
		struct candidate candidate;

		if (segment->canary_count == 0)
			continue;
		if (!find_candidate(&prover, domxml, segment, &candidate)) {
			map.unproven_count++;
			continue;
		}
		proven->gpa = segment->gpa;
		proven->bytes = segment->bytes;
		proven->offset = segment->gpa + candidate.delta;
		proven->backing = candidate.backing;
		proven->canary_count = segment->canary_count;
		memcpy(proven->canary_gpas, segment->canary_gpas,
		       sizeof(proven->canary_gpas));
		map.segment_count++;
	}
	if (map.segment_count == 0)
		return -ENOENT;
	*ret_map = map;
	map = (struct ebb_map){ 0 };
	return 0;
}

void ebb_map_clear(struct ebb_map *map)
{
	free(map->segments);
	*map = (struct ebb_map){ 0 };
}

const struct ebb_map_segment *ebb_map_find(const struct ebb_map *map,
					   uint64_t gpa, uint64_t bytes)
{
	for (uint32_t i = 0; i < map->segment_count; i++) {
		const struct ebb_map_segment *segment = &map->segments[i];

		if (gpa >= segment->gpa && bytes <= segment->bytes &&
		    gpa - segment->gpa <= segment->bytes - bytes)
			return segment;
	}
	return NULL;
}

bool ebb_map_hits_canary(const struct ebb_map *map, uint64_t gpa,
			 uint64_t bytes)
{
	for (uint32_t i = 0; i < map->segment_count; i++) {
		const struct ebb_map_segment *segment = &map->segments[i];

		for (uint32_t c = 0; c < segment->canary_count; c++)
			if (segment->canary_gpas[c] + EBB_PAGE_BYTES > gpa &&
			    segment->canary_gpas[c] < gpa + bytes)
				return true;
	}
	return false;
}
