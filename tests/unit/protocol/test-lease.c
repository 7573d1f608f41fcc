/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of the lease, and the words and offsets that are ABI. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "protocol/ring.h"
#include "protocol/uapi.h"

/* The drawing of lease.h, arrow by arrow. All else is forbidden. */
static const struct {
	enum ebb_lease_actor actor;
	enum ebb_lease_state from, to;
} moves[] = {
	{ EBB_ACTOR_GUEST, EBB_LEASE_FREE, EBB_LEASE_OFFERED },
	{ EBB_ACTOR_HOST, EBB_LEASE_OFFERED, EBB_LEASE_TAKEN },
	{ EBB_ACTOR_GUEST, EBB_LEASE_OFFERED, EBB_LEASE_REVOKED },
	{ EBB_ACTOR_GUEST, EBB_LEASE_TAKEN, EBB_LEASE_GRANTED },
	{ EBB_ACTOR_GUEST, EBB_LEASE_TAKEN, EBB_LEASE_REVOKED },
	{ EBB_ACTOR_HOST, EBB_LEASE_TAKEN, EBB_LEASE_FAILED },
	{ EBB_ACTOR_HOST, EBB_LEASE_GRANTED, EBB_LEASE_DONE },
	{ EBB_ACTOR_HOST, EBB_LEASE_GRANTED, EBB_LEASE_FAILED },
	{ EBB_ACTOR_GUEST, EBB_LEASE_DONE, EBB_LEASE_FREE },
	{ EBB_ACTOR_GUEST, EBB_LEASE_FAILED, EBB_LEASE_FREE },
	{ EBB_ACTOR_GUEST, EBB_LEASE_REVOKED, EBB_LEASE_FREE },
};

static bool is_move(enum ebb_lease_actor actor, uint32_t from, uint32_t to)
{
	for (size_t i = 0; i < EBB_ARRAY_SIZE(moves); i++)
		if (moves[i].actor == actor && moves[i].from == from &&
		    moves[i].to == to)
			return true;
	return false;
}

/* Every byte is a state that a word may hold. */
static void test_moves(void **state)
{
	(void)state;
	for (uint32_t from = 0; from < 256; from++)
		for (uint32_t to = 0; to < 256; to++) {
			if (ebb_lease_may(EBB_ACTOR_GUEST, from, to) !=
			    is_move(EBB_ACTOR_GUEST, from, to))
				fail_msg("guest: 0x%x to 0x%x", from, to);
			if (ebb_lease_may(EBB_ACTOR_HOST, from, to) !=
			    is_move(EBB_ACTOR_HOST, from, to))
				fail_msg("host: 0x%x to 0x%x", from, to);
		}
}

/* What is final is what the host cannot move on. */
static void test_final_states(void **state)
{
	(void)state;
	for (uint32_t from = EBB_LEASE_FREE; from <= EBB_LEASE_REVOKED;
	     from++) {
		bool host_may = false;

		for (uint32_t to = 0; to < 256; to++)
			host_may |= ebb_lease_may(EBB_ACTOR_HOST, from, to);
		assert_int_equal(ebb_lease_is_final(from), !host_may);
	}
	assert_false(ebb_lease_is_final(0));
	assert_false(ebb_lease_is_final(0xff));
}

static void test_words(void **state)
{
	const uint64_t word =
		ebb_lease_word(EBB_LEASE_TAKEN, 0x123456, 0x89abcdef);

	(void)state;
	assert_int_equal(word, 0x89abcdef123456e2);
	assert_int_equal(ebb_lease_state(word), EBB_LEASE_TAKEN);
	assert_int_equal(ebb_lease_epoch(word), 0x123456);
	assert_int_equal(ebb_lease_nonce(word), 0x89abcdef);
	assert_int_equal(ebb_lease_with_state(word, EBB_LEASE_GRANTED),
			 0x89abcdef123456e3);
	/* An epoch has 24 bits; what is above must not reach the nonce. */
	assert_int_equal(ebb_lease_word(EBB_LEASE_TAKEN, 0xff000001, 0), 0x1e2);
}

static void test_ranges(void **state)
{
	const uint64_t pfn_max = ((uint64_t)1 << 56) - 1;

	(void)state;
	assert_int_equal(ebb_range(0x100200, 9), 0x10020009);
	assert_int_equal(ebb_range_pfn(ebb_range(pfn_max, 13)), pfn_max);
	assert_int_equal(ebb_range_order(ebb_range(pfn_max, 13)), 13);
	assert_int_equal(ebb_range_order(ebb_range(0, 0x109)), 9);
}

static void test_slot_helpers(void **state)
{
	struct ebb_slot slot = { .word = EBB_LEASE_FREE }, copy;
	uint64_t offered;

	(void)state;
	ebb_slot_offer(&slot, 0x200, 9, 0x12345678901234);
	copy = ebb_slot_read(&slot);
	offered = copy.word;
	assert_int_equal(offered, 0x12345678901234e1);
	assert_int_equal(copy.range, ebb_range(0x200, 9));

	assert_false(ebb_slot_take(&slot, offered + 0x100, 1, 2));
	assert_true(ebb_slot_take(&slot, offered, 1, 2));
	assert_int_equal(slot.word, ebb_lease_word(EBB_LEASE_TAKEN, 1, 2));
	assert_false(ebb_slot_take(&slot, offered, 1, 3));
	assert_false(ebb_slot_revoke(&slot, offered));

	assert_true(ebb_slot_grant(&slot, slot.word));
	assert_false(ebb_slot_resolve(&slot,
				      ebb_lease_word(EBB_LEASE_TAKEN, 1, 2),
				      EBB_LEASE_FAILED));
	assert_false(ebb_slot_resolve(&slot,
				      ebb_lease_word(EBB_LEASE_GRANTED, 1, 3),
				      EBB_LEASE_DONE));
	assert_true(ebb_slot_resolve(&slot,
				     ebb_lease_word(EBB_LEASE_GRANTED, 1, 2),
				     EBB_LEASE_DONE));
	assert_int_equal(slot.word, ebb_lease_word(EBB_LEASE_DONE, 1, 2));
	ebb_slot_free(&slot);
	assert_int_equal(slot.word, EBB_LEASE_FREE);
}

/* No word that a host may replace is one that wiped memory holds. */
static void test_codes_are_rare(void **state)
{
	static const uint32_t codes[] = {
		EBB_LEASE_FREE,	   EBB_LEASE_OFFERED, EBB_LEASE_TAKEN,
		EBB_LEASE_GRANTED, EBB_LEASE_DONE,    EBB_LEASE_FAILED,
		EBB_LEASE_REVOKED, EBB_RING_CLOSED,   EBB_RING_OPEN,
		EBB_HOST_DETACHED, EBB_HOST_ATTACHED, EBB_HOST_DEMANDING,
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(codes); i++) {
		assert_true(codes[i] > 0 && codes[i] < 0xff);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(codes[i], codes[j]);
	}
}

#define FACT(member) offsetof(struct ebb_ring, facts.member)

/* A guest of one version and a host of another meet at these offsets. */
static void test_offsets(void **state)
{
	static const struct {
		size_t offset, expected;
	} offsets[] = {
		{ offsetof(struct ebb_ring, magic), 0 },
		{ offsetof(struct ebb_ring, version), 8 },
		{ offsetof(struct ebb_ring, slot_count), 12 },
		{ offsetof(struct ebb_ring, boot_id), 16 },
		{ offsetof(struct ebb_ring, tag), 32 },
		{ offsetof(struct ebb_ring, lease_order), 36 },
		{ offsetof(struct ebb_ring, challenge), 64 },
		{ offsetof(struct ebb_ring, state), 80 },
		{ offsetof(struct ebb_ring, session_id), 128 },
		{ offsetof(struct ebb_ring, session_state), 136 },
		{ offsetof(struct ebb_ring, session_passes), 140 },
		{ offsetof(struct ebb_ring, session_offered_bytes), 144 },
		{ offsetof(struct ebb_ring, session_done_bytes), 152 },
		{ offsetof(struct ebb_ring, batch), 160 },
		{ offsetof(struct ebb_ring, batch_slots), 168 },
		{ offsetof(struct ebb_ring, reserved7), 172 },
		{ offsetof(struct ebb_ring, host_word), 192 },
		{ offsetof(struct ebb_ring, slots[0].word), 256 },
		{ offsetof(struct ebb_ring, slots[0].range), 264 },
		{ offsetof(struct ebb_ring, slots[31].word), 752 },
		{ FACT(seq), 1024 },
		{ FACT(node_count), 1028 },
		{ FACT(stamp_ns), 1032 },
		{ FACT(total_bytes), 1040 },
		{ FACT(free_bytes), 1048 },
		{ FACT(free_huge_bytes), 1056 },
		{ FACT(available_bytes), 1064 },
		{ FACT(allocstall), 1072 },
		{ FACT(refault), 1080 },
		{ FACT(oom_kill), 1088 },
		{ FACT(done_bytes), 1096 },
		{ FACT(batches), 1104 },
		{ FACT(nodes[0]), 1152 },
		{ FACT(nodes[15].target_bytes), 2160 },
		{ offsetof(struct ebb_canary, gpa), 8 },
		{ offsetof(struct ebb_canary, boot_id), 16 },
		{ offsetof(struct ebb_canary, nonce), 32 },
		{ sizeof(struct ebb_info), 48 },
		{ sizeof(struct ebb_segment), 40 },
		{ sizeof(struct ebb_segments), 8 + 64 * 40 },
		{ sizeof(struct ebb_challenge), 16 },
		{ sizeof(struct ebb_session), 16 },
		{ sizeof(struct ebb_ring), 4096 },
	};
	uint64_t magic = EBB_RING_MAGIC, canary = EBB_CANARY_MAGIC;

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(offsets); i++)
		assert_int_equal(offsets[i].offset, offsets[i].expected);
	assert_memory_equal(&magic, "EBBRING1", 8);
	assert_memory_equal(&canary, "EBCANRY1", 8);
}

/* The limits hang together. */
static void test_limits(void **state)
{
	(void)state;
	assert_true(4 * EBB_GRANT_WINDOW_MS <= EBB_OFFER_DEADLINE_MS);
	assert_true(EBB_GRANT_WINDOW_MS < EBB_GRANT_OVERDUE_MS);
	assert_true(EBB_OFFER_DEADLINE_MS < EBB_DETACH_WAIT_MS);
	assert_true(EBB_LEASE_ORDER_MIN <= EBB_LEASE_ORDER_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_final_states),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_slot_helpers),
		cmocka_unit_test(test_codes_are_rare),
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
