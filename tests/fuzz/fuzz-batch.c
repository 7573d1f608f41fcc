/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest that offers anything, over a map that is any, too.
 *
 * Input: a head of 16 bytes (see struct head), then slots of 16 bytes, as they
 * lie in a ring.
 */
#include <errno.h>
#include <string.h>

#include "tests/fuzz/check-batch.h"
#include "tests/fuzz/fuzz.h"

struct head {
	uint8_t segment_count;
	uint8_t huge; /* bit i: backing i has pages of 2 MiB */
	uint16_t ring_page;
	uint8_t gap[4]; /* before a segment, in 2 MiB */
	uint8_t length[4]; /* of a segment, in 2 MiB */
	uint8_t shift[4]; /* of a segment in its file, in pages */
};

static void make_map(const struct head *head, struct ebb_map *map)
{
	uint64_t gpa = 0, offset = 0;

	map->segment_count = head->segment_count % 5;
	for (uint32_t i = 0; i < map->segment_count; i++) {
		struct ebb_map_segment *segment = &map->segments[i];

		gpa += (uint64_t)(head->gap[i] % 8) << 21;
		offset += (uint64_t)(head->shift[i] % 8) << 12;
		segment->gpa = gpa;
		segment->bytes = (uint64_t)(1 + head->length[i] % 32) << 21;
		segment->backing = i % 2;
		segment->offset = offset;
		segment->canary_count = head->length[i] / 32 % 3;
		segment->canary_gpas[0] = gpa;
		segment->canary_gpas[1] = gpa + segment->bytes - EBB_PAGE_BYTES;
		gpa += segment->bytes;
		offset += segment->bytes;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct ebb_slot slots[EBB_SLOT_COUNT] = { 0 };
	struct ebb_backing backings[2] = { 0 };
	struct ebb_guest_process qemu = { .backing_count = 2,
					  .backings = backings };
	struct ebb_msg_error error = { "" };
	struct ebb_map_segment segments[EBB_SEGMENT_MAX] = { 0 };
	struct ebb_map map = { .segments = segments };
	struct ebb_batch batch;
	struct head head;
	const char *wrong;
	uint64_t ring_gpa;
	int r;

	if (bytes < sizeof(head))
		return 0;
	memcpy(&head, data, sizeof(head));
	data += sizeof(head);
	bytes -= sizeof(head);
	memcpy(slots, data, bytes < sizeof(slots) ? bytes : sizeof(slots));
	make_map(&head, &map);
	for (int i = 0; i < 2; i++)
		qemu.backings[i].page_bytes = head.huge >> i & 1 ? 2 << 20
								 : 4096;
	ring_gpa = (uint64_t)head.ring_page << 12;

	r = ebb_batch_collect(slots, &map, &qemu, ring_gpa, &batch, &error);
	if (r < 0) {
		FUZZ_ASSERT(r == -EBADMSG || r == -ESTALE);
		FUZZ_ASSERT(error.text[0]);
		return 0;
	}
	wrong = check_batch(&batch, slots, &map, &qemu, ring_gpa);
	if (wrong)
		fprintf(stderr, "%s\n", wrong);
	FUZZ_ASSERT(!wrong);
	return 0;
}
