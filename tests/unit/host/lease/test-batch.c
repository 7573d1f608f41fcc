/* SPDX-License-Identifier: GPL-2.0-only */
/* Offers of a hostile guest: what is refused, and what a batch then is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/lease/batch.h"
#include "tests/fuzz/check-batch.h"

#define RING_GPA 0x400000
#define ORDER EBB_LEASE_ORDER_MIN

static struct ebb_slot slots[EBB_SLOT_COUNT];
static struct ebb_batch batch;
static struct ebb_msg_error error;

/* Two files; the second segment of guest memory is in the first file. */
static const struct ebb_guest_process qemu = {
	.backing_count = 2,
	.backings = (struct ebb_backing[]){ { .page_bytes = 4096 },
					    { .page_bytes = 2 * EBB_MIB } },
};

static struct ebb_map map = {
	.segment_count = 3,
	.segments =
		(struct ebb_map_segment[]){
			{ .gpa = 0x200000,
			  .bytes = 0x3e00000,
			  .offset = 0,
			  .backing = 1,
			  .canary_count = 2,
			  .canary_gpas = { 0x200000, 0x3fff000 } },
			{ .gpa = 0x4000000,
			  .bytes = 0x4000000,
			  .offset = 0x1000000,
			  .backing = 0,
			  .canary_count = 1,
			  .canary_gpas = { 0x7fff000 } },
			/* Off by a page of the backing. */
			{ .gpa = 0x8000000,
			  .bytes = 0x800000,
			  .offset = 0x10001000,
			  .backing = 1 },
		},
};

static int begin(void **state)
{
	(void)state;
	memset(&batch, 0xaa, sizeof(batch));
	memset(&error, 0, sizeof(error));
	for (int i = 0; i < EBB_SLOT_COUNT; i++)
		slots[i] = (struct ebb_slot){ .word = EBB_LEASE_FREE };
	return 0;
}

static void offer(uint32_t slot, uint64_t gpa, uint32_t order)
{
	ebb_slot_offer(&slots[slot], gpa >> EBB_PAGE_SHIFT, order, 100 + slot);
}

static int collect(void)
{
	return ebb_batch_collect(slots, &map, &qemu, RING_GPA, &batch, &error);
}

static void assert_refused(int r, const char *what)
{
	struct ebb_batch before;

	memset(&before, 0xaa, sizeof(before));
	assert_int_equal(collect(), r);
	assert_memory_equal(&batch, &before, sizeof(batch));
	if (!strstr(error.text, what))
		fail_msg("'%s' is not in '%s'", what, error.text);
	begin(NULL);
}

static void test_empty_ring(void **state)
{
	(void)state;
	assert_int_equal(collect(), 0);
	assert_int_equal(batch.count, 0);
	assert_int_equal(batch.bytes, 0);
}

static void test_only_offered_slots_count(void **state)
{
	static const enum ebb_lease_state others[] = {
		EBB_LEASE_FREE, EBB_LEASE_TAKEN,  EBB_LEASE_GRANTED,
		EBB_LEASE_DONE, EBB_LEASE_FAILED, EBB_LEASE_REVOKED,
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(others); i++)
		slots[i].word = ebb_lease_word(others[i], 1, 2);
	slots[10].word = 0;
	slots[11].word = ~(__u64)0;
	offer(31, 0x600000, ORDER);
	assert_int_equal(collect(), 0);
	assert_int_equal(batch.count, 1);
	assert_int_equal(batch.offers[0].slot, 31);
	assert_int_equal(batch.offers[0].gpa, 0x600000);
	assert_int_equal(batch.offers[0].offset, 0x400000);
	assert_int_equal(batch.offers[0].backing, 1);
	assert_int_equal(batch.bytes, 2 * EBB_MIB);
}

static void test_refused_ranges(void **state)
{
	(void)state;
	offer(0, 0x600000, EBB_LEASE_ORDER_MIN - 1);
	assert_refused(-EBADMSG, "order");
	offer(0, 0x600000, EBB_LEASE_ORDER_MAX + 1);
	assert_refused(-EBADMSG, "order");
	offer(0, 0x600000, 255);
	assert_refused(-EBADMSG, "order");
	offer(3, 0x601000, ORDER);
	assert_refused(-EBADMSG, "slot 3 offers pfn 0x601 order 9: misaligned");
	offer(0, 0x600000, ORDER + 1);
	assert_refused(-EBADMSG, "misaligned");
	/* The same address modulo 2^64 as one that is fine. */
	slots[0].range = ebb_range(((uint64_t)1 << 52) + 0x600, ORDER);
	slots[0].word = EBB_LEASE_OFFERED;
	assert_refused(-EBADMSG, "wraps");
	offer(0, RING_GPA, ORDER);
	assert_refused(-EBADMSG, "ring");
	offer(0, 0x200000, ORDER);
	assert_refused(-EBADMSG, "canary");
	offer(0, 0x3e00000, ORDER);
	assert_refused(-EBADMSG, "canary");
}

static void test_refused_places(void **state)
{
	(void)state;
	offer(0, 0, ORDER);
	assert_refused(-ESTALE, "outside");
	offer(0, 0x8800000, ORDER);
	assert_refused(-ESTALE, "outside");
	offer(0, (uint64_t)1 << 62, ORDER);
	assert_refused(-ESTALE, "outside");
	/* Half in one segment, half in the next. */
	offer(0, 0x2000000, EBB_LEASE_ORDER_MAX);
	slots[0].range = ebb_range(0x2000, EBB_LEASE_ORDER_MAX);
	map.segments[0].bytes -= 0x1000;
	map.segments[0].canary_count = 1;
	assert_refused(-ESTALE, "outside");
	map.segments[0].bytes += 0x1000;
	map.segments[0].canary_count = 2;
	/* A part of a huge page would be zeroed and stay. */
	offer(0, 0x8000000, ORDER);
	assert_refused(-ESTALE, "whole pages");
}

static void test_overlaps(void **state)
{
	(void)state;
	offer(4, 0x800000, ORDER);
	offer(9, 0x800000, ORDER);
	assert_refused(-EBADMSG, "overlaps");
	offer(1, 0xa00000, ORDER);
	offer(0, 0x800000, ORDER + 1);
	assert_refused(-EBADMSG, "overlaps");
	offer(0, 0xa00000, ORDER);
	offer(1, 0x800000, ORDER + 1);
	assert_refused(-EBADMSG, "overlaps");
}

/* Two places of guest memory that the guest made one place of the file. */
static void test_aliases_overlap(void **state)
{
	(void)state;
	map.segments[2].backing = 0;
	map.segments[2].offset = 0x1000000;
	offer(0, 0x4000000, ORDER);
	offer(1, 0x8000000, ORDER);
	assert_refused(-EBADMSG, "overlaps");
	map.segments[2].backing = 1;
	map.segments[2].offset = 0x10001000;
}

static void test_order_of_the_files(void **state)
{
	static const struct {
		uint32_t slot, order, backing;
		uint64_t gpa, offset;
	} sorted[] = {
		{ 5, ORDER + 1, 0, 0x4000000, 0x1000000 },
		{ 1, ORDER, 0, 0x4400000, 0x1400000 },
		{ 0, ORDER, 0, 0x4600000, 0x1600000 },
		{ 7, ORDER, 1, 0x600000, 0x400000 },
		{ 2, ORDER, 1, 0x800000, 0x600000 },
	};
	uint64_t bytes = 0;

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(sorted); i++)
		offer(sorted[i].slot, sorted[i].gpa, sorted[i].order);
	assert_int_equal(collect(), 0);
	assert_int_equal(batch.count, EBB_ARRAY_SIZE(sorted));
	for (size_t i = 0; i < EBB_ARRAY_SIZE(sorted); i++) {
		assert_int_equal(batch.offers[i].slot, sorted[i].slot);
		assert_int_equal(batch.offers[i].backing, sorted[i].backing);
		assert_int_equal(batch.offers[i].offset, sorted[i].offset);
		assert_int_equal(batch.offers[i].word,
				 slots[sorted[i].slot].word);
		bytes += batch.offers[i].bytes;
	}
	assert_int_equal(batch.bytes, bytes);
	assert_null(check_batch(&batch, slots, &map, &qemu, RING_GPA));
}

static uint64_t random_number(void)
{
	static uint64_t seed = 0x9e3779b97f4a7c15;

	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

/* Near the truth mostly, so that a good part is accepted. */
static void random_slot(struct ebb_slot *slot, uint32_t index)
{
	uint64_t pfn = (random_number() % 96) << 9;
	uint32_t order = ORDER + random_number() % 2;

	switch (random_number() % 64) {
	case 0:
		pfn = random_number();
		break;
	case 1:
		order = (uint32_t)random_number();
		break;
	case 2:
		pfn += random_number() % 512;
		break;
	}
	if (random_number() % 4) {
		slot->word = EBB_LEASE_FREE;
		return;
	}
	pfn &= ~(((uint64_t)1 << (order % 64)) - 1);
	ebb_slot_offer(slot, pfn, order, index);
}

static void test_random_offers(void **state)
{
	uint32_t accepted = 0, refused = 0;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		int r;

		for (uint32_t i = 0; i < EBB_SLOT_COUNT; i++)
			random_slot(&slots[i], i);
		for (uint64_t n = random_number() % 32; n; n--)
			slots[random_number() % EBB_SLOT_COUNT].word = 0;
		r = collect();
		if (r < 0) {
			assert_true(r == -EBADMSG || r == -ESTALE);
			refused++;
			continue;
		}
		assert_null(check_batch(&batch, slots, &map, &qemu, RING_GPA));
		accepted += batch.count > 0;
	}
	/* Else this tested nothing. */
	assert_true(accepted > 1000);
	assert_true(refused > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_empty_ring, begin),
		cmocka_unit_test_setup(test_only_offered_slots_count, begin),
		cmocka_unit_test_setup(test_refused_ranges, begin),
		cmocka_unit_test_setup(test_refused_places, begin),
		cmocka_unit_test_setup(test_overlaps, begin),
		cmocka_unit_test_setup(test_aliases_overlap, begin),
		cmocka_unit_test_setup(test_order_of_the_files, begin),
		cmocka_unit_test_setup(test_random_offers, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
