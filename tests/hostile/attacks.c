/* SPDX-License-Identifier: GPL-2.0-only */
/* The lies. Each is told of slot VICTIM, or of all where that is said. */
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "hostile.h"

enum {
	VICTIM = 3
};

/* ---- ranges ---- */

#define RANGE_LIE(name, expression)                                  \
	static u64 lie_##name(unsigned int slot, u64 range)          \
	{                                                            \
		const u64 pfn __maybe_unused = ebb_range_pfn(range); \
                                                                     \
		return slot == VICTIM ? (expression) : range;        \
	}

static u64 block_of(u64 pfn)
{
	return ebb_range(round_down(pfn, HOSTILE_HALF_PAGES), HOSTILE_ORDER);
}

static u64 pfn_of_ring(void)
{
	return virt_to_phys(memory_ring()) >> PAGE_SHIFT;
}

RANGE_LIE(beyond_ram,
	  ebb_range(round_up(memory_end_pfn(), 1 << 13), HOSTILE_ORDER))
RANGE_LIE(across_end, ebb_range(round_down(memory_end_pfn() - 1, 1 << 10),
				HOSTILE_ORDER + 1))
RANGE_LIE(far, ebb_range(1ull << 40, HOSTILE_ORDER))
RANGE_LIE(low, ebb_range(0, HOSTILE_ORDER))
RANGE_LIE(misaligned, ebb_range(pfn + 1, HOSTILE_ORDER))
RANGE_LIE(half_aligned, ebb_range(pfn + HOSTILE_HALF_PAGES / 2, HOSTILE_ORDER))
RANGE_LIE(big_misaligned,
	  ebb_range(pfn + HOSTILE_HALF_PAGES, HOSTILE_ORDER + 1))
RANGE_LIE(twice, honest_range(VICTIM + 1))
RANGE_LIE(overlap, ebb_range(memory_pfn(VICTIM + 1), HOSTILE_ORDER + 1))
RANGE_LIE(ring, block_of(pfn_of_ring()))
RANGE_LIE(canary, block_of(page_to_pfn(memory_canary(1))))
RANGE_LIE(order_0, ebb_range(pfn, 0))
RANGE_LIE(order_8, ebb_range(pfn, 8))
RANGE_LIE(order_14, ebb_range(0, 14))
RANGE_LIE(order_63, ebb_range(0, 63))
RANGE_LIE(order_255, ebb_range(0, 255))
RANGE_LIE(wrap, ebb_range(pfn | 1ull << 52, HOSTILE_ORDER))
RANGE_LIE(wrap_end, ebb_range((1ull << 52) - HOSTILE_HALF_PAGES, HOSTILE_ORDER))
RANGE_LIE(wrap_all, ~0xffull | HOSTILE_ORDER)

/* ---- ranges that change ---- */

/*
 * Between two ranges that are both held, for all slots at once and as fast as
 * it goes: the upper halves must stay whole.
 */
static void storm_flip(void)
{
	unsigned int i, half = HOSTILE_BLOCKS / 2;

	for (i = 0; i < half; i++)
		ebb_store_relaxed(&memory_ring()->slots[i].range,
				  honest_range(i + half));
	for (i = 0; i < half; i++)
		ebb_store_relaxed(&memory_ring()->slots[i].range,
				  honest_range(i));
}

/* Between what is held and what is not RAM. */
static void storm_flip_wild(void)
{
	struct ebb_slot *slot = &memory_ring()->slots[VICTIM];

	ebb_store_relaxed(&slot->range, lie_beyond_ram(VICTIM, slot->range));
	ebb_store_relaxed(&slot->range, honest_range(VICTIM));
}

static u64 offer_lower_only(unsigned int slot, u64 word)
{
	return slot < HOSTILE_BLOCKS / 2 ? word : EBB_LEASE_FREE;
}

/* When it is TAKEN the range becomes the upper half, which is never held. */
static u64 answer_swapped(u64 taken)
{
	unsigned int i;

	for (i = 0; i < HOSTILE_BLOCKS; i++)
		ebb_store_relaxed(&memory_ring()->slots[i].range,
				  ebb_range(memory_pfn(i) + HOSTILE_HALF_PAGES,
					    HOSTILE_ORDER));
	ebb_full_barrier();
	return ebb_lease_with_state(taken, EBB_LEASE_GRANTED);
}

/* ---- words ---- */

static u64 word_no_state(unsigned int slot, u64 word)
{
	static const u8 states[] = { 0x00, 0x01, 0xe7, 0xff,
				     0xdf, 0xc1, 0xd2, 0x7f };

	return (word & ~0xffull) | states[slot % ARRAY_SIZE(states)];
}

static u64 word_granted(unsigned int slot, u64 word)
{
	return (word & ~0xffull) | EBB_LEASE_GRANTED;
}

static u64 word_taken(unsigned int slot, u64 word)
{
	return (word & ~0xffull) | EBB_LEASE_TAKEN;
}

static u64 word_done(unsigned int slot, u64 word)
{
	return (word & ~0xffull) | EBB_LEASE_DONE;
}

static u64 word_other_tag(unsigned int slot, u64 word)
{
	return word ^ 1ull << 40;
}

static u64 answer_nothing(u64 taken)
{
	return 0;
}

static u64 answer_other_nonce(u64 taken)
{
	return ebb_lease_with_state(taken + (1ull << 32), EBB_LEASE_GRANTED);
}

static u64 answer_other_epoch(u64 taken)
{
	return ebb_lease_with_state(taken + (1ull << 8), EBB_LEASE_GRANTED);
}

static u64 answer_done(u64 taken)
{
	return ebb_lease_with_state(taken, EBB_LEASE_DONE);
}

static u64 answer_late(u64 taken)
{
	msleep(2 * EBB_GRANT_WINDOW_MS);
	return ebb_lease_with_state(taken, EBB_LEASE_GRANTED);
}

/* Grants of all that is taken, and its opposite, without looking. */
static void storm_words(void)
{
	unsigned int i;

	for (i = 0; i < HOSTILE_BLOCKS; i++) {
		u64 *word = &memory_ring()->slots[i].word;
		u64 seen = READ_ONCE(*word);

		WRITE_ONCE(*word,
			   ebb_lease_with_state(seen, EBB_LEASE_GRANTED));
		WRITE_ONCE(*word, ebb_lease_with_state(seen, EBB_LEASE_TAKEN));
		WRITE_ONCE(*word,
			   (u64)memory_ring()->tag << 32 | EBB_LEASE_OFFERED);
	}
}

/* ---- facts ---- */

static void facts_odd(void)
{
	WRITE_ONCE(memory_ring()->facts.seq, 1);
}

static void facts_spin(void)
{
	WRITE_ONCE(memory_ring()->facts.seq, memory_ring()->facts.seq + 1);
}

static void facts_nodes(void)
{
	memset(&memory_ring()->facts, 0xff, sizeof(struct ebb_facts));
	WRITE_ONCE(memory_ring()->facts.seq, 2);
}

static void facts_absurd(void)
{
	facts_nodes();
	memory_ring()->facts.node_count = EBB_NODE_MAX;
}

static void facts_big(void)
{
	struct ebb_facts *facts = &memory_ring()->facts;

	memset(facts, 0, sizeof(*facts));
	facts->total_bytes = 1ull << 62;
	facts->free_bytes = 1ull << 62;
	facts->free_huge_bytes = 1ull << 62;
	facts->available_bytes = 1ull << 62;
}

/* ---- the ring ---- */

static void ring_tag(void)
{
	memory_ring()->tag = 0x77777777;
}

static void ring_boot_id(void)
{
	memset(memory_ring()->boot_id, 0x5a, EBB_BOOT_ID_BYTES);
}

static void ring_magic(void)
{
	memory_ring()->magic = 0;
}

static void ring_version(void)
{
	memory_ring()->version = 99;
	memory_ring()->slot_count = 0xffffffff;
}

static void ring_challenge(void)
{
	memory_ring()->challenge[3] ^= 1;
}

static void ring_wipe(void)
{
	memset(memory_ring(), 0, sizeof(struct ebb_ring));
}

static void ring_flap(void)
{
	u32 *state = &memory_ring()->state;

	WRITE_ONCE(*state,
		   *state == EBB_RING_OPEN ? EBB_RING_CLOSED : EBB_RING_OPEN);
}

static void host_word_zero(void)
{
	WRITE_ONCE(memory_ring()->host_word, 0);
}

static void host_word_forged(void)
{
	WRITE_ONCE(memory_ring()->host_word,
		   ebb_lease_word((enum ebb_lease_state)EBB_HOST_DEMANDING,
				  0xabcdef, memory_ring()->tag));
}

static void host_word_storm(void)
{
	host_word_forged();
	host_word_zero();
}

static void tell_ring_outside(struct ebb_info *info)
{
	info->ring_gpa = 1ull << 45;
}

static void tell_ring_unaligned(struct ebb_info *info)
{
	info->ring_gpa += 8;
}

static void tell_ring_last(struct ebb_info *info)
{
	info->ring_gpa = ((u64)memory_end_pfn() << PAGE_SHIFT) - 8;
}

static void tell_ring_elsewhere(struct ebb_info *info)
{
	info->ring_gpa = memory_pfn(0) << PAGE_SHIFT;
}

static void tell_ring_bytes(struct ebb_info *info)
{
	info->ring_bytes = 0xffffffff;
}

/* ---- the session ---- */

static void session_garbage(void)
{
	WRITE_ONCE(memory_ring()->session_state, 0xffffffff);
}

static void session_other_id(void)
{
	WRITE_ONCE(memory_ring()->session_id, 0x1234567890ull);
}

static void session_drained(void)
{
	WRITE_ONCE(memory_ring()->session_state, EBB_SESSION_DRAINED);
}

static void batch_storm(void)
{
	WRITE_ONCE(memory_ring()->batch, memory_ring()->batch + 1);
	WRITE_ONCE(memory_ring()->batch_slots, 0xffffffff);
}

/* ---- canaries ---- */

static struct ebb_canary *canary_at(unsigned int index)
{
	return page_address(memory_canary(index));
}

static void canary_nonce(void)
{
	canary_at(1)->nonce[7] ^= 0x80;
}

static void canary_gpa(void)
{
	canary_at(1)->gpa += PAGE_SIZE;
}

static void canary_swapped(void)
{
	swap(canary_at(0)->gpa, canary_at(1)->gpa);
}

static void canary_wiped(void)
{
	memset(canary_at(0), 0, PAGE_SIZE);
}

static void map_no_canary(struct ebb_segments *segments)
{
	segments->segments[0].canary_count = 0;
}

static void map_too_long(struct ebb_segments *segments)
{
	segments->segments[0].bytes += 64ull << 20;
}

static void map_endless(struct ebb_segments *segments)
{
	segments->segments[0].bytes = S64_MAX;
}

static void map_shifted(struct ebb_segments *segments)
{
	segments->segments[0].gpa += 1ull << 32;
	segments->segments[0].canary_gpas[0] += 1ull << 32;
	segments->segments[0].canary_gpas[1] += 1ull << 32;
}

static void map_twice(struct ebb_segments *segments)
{
	segments->segments[1] = segments->segments[0];
	segments->count = 2;
}

#define RANGE(name_)                                        \
	{                                                   \
		.name = "range-" #name_, .lie = lie_##name_ \
	}

static const struct attack attacks[] = {
	{ .name = "none" },
	RANGE(beyond_ram),
	RANGE(across_end),
	RANGE(far),
	RANGE(low),
	RANGE(misaligned),
	RANGE(half_aligned),
	RANGE(big_misaligned),
	RANGE(twice),
	RANGE(overlap),
	RANGE(ring),
	RANGE(canary),
	RANGE(order_0),
	RANGE(order_8),
	RANGE(order_14),
	RANGE(order_63),
	RANGE(order_255),
	RANGE(wrap),
	RANGE(wrap_end),
	RANGE(wrap_all),
	{ .name = "flip", .storm = storm_flip, .word = offer_lower_only },
	{ .name = "flip-wild", .storm = storm_flip_wild },
	{ .name = "swap-taken", .answer = answer_swapped },
	{ .name = "word-no-state", .word = word_no_state },
	{ .name = "word-granted", .word = word_granted },
	{ .name = "word-taken", .word = word_taken },
	{ .name = "word-done", .word = word_done },
	{ .name = "word-other-tag", .word = word_other_tag },
	{ .name = "word-storm", .storm = storm_words, .again = true },
	{ .name = "grant-never", .answer = answer_nothing },
	{ .name = "grant-other-nonce", .answer = answer_other_nonce },
	{ .name = "grant-other-epoch", .answer = answer_other_epoch },
	{ .name = "grant-done", .answer = answer_done },
	{ .name = "grant-late", .answer = answer_late },
	{ .name = "endless", .again = true },
	{ .name = "endless-never", .again = true, .answer = answer_nothing },
	{ .name = "facts-odd", .attached = facts_odd, .storm = facts_odd },
	{ .name = "facts-spin", .attached = facts_spin, .storm = facts_spin },
	{ .name = "facts-nodes", .sealed = facts_nodes },
	{ .name = "facts-absurd", .sealed = facts_absurd },
	{ .name = "facts-big", .sealed = facts_big },
	{ .name = "ring-tag", .attached = ring_tag },
	{ .name = "ring-boot-id", .attached = ring_boot_id },
	{ .name = "ring-magic", .attached = ring_magic },
	{ .name = "ring-version", .sealed = ring_version },
	{ .name = "ring-challenge", .sealed = ring_challenge },
	{ .name = "ring-wipe", .attached = ring_wipe },
	{ .name = "ring-wipe-late", .begin = ring_wipe },
	{ .name = "ring-flap", .attached = ring_flap, .storm = ring_flap },
	{ .name = "host-word-zero", .attached = host_word_zero },
	{ .name = "host-word-forged", .attached = host_word_forged },
	{ .name = "host-word-storm", .storm = host_word_storm },
	{ .name = "ring-outside", .tell = tell_ring_outside },
	{ .name = "ring-unaligned", .tell = tell_ring_unaligned },
	{ .name = "ring-last", .tell = tell_ring_last },
	{ .name = "ring-elsewhere", .tell = tell_ring_elsewhere },
	{ .name = "ring-bytes", .tell = tell_ring_bytes },
	{ .name = "session-garbage", .begin = session_garbage },
	{ .name = "session-other-id", .begin = session_other_id },
	{ .name = "session-drained", .begin = session_drained },
	{ .name = "batch-storm", .storm = batch_storm },
	{ .name = "canary-nonce", .sealed = canary_nonce },
	{ .name = "canary-gpa", .sealed = canary_gpa },
	{ .name = "canary-swapped", .sealed = canary_swapped },
	{ .name = "canary-wiped", .sealed = canary_wiped },
	{ .name = "map-no-canary", .map = map_no_canary },
	{ .name = "map-too-long", .map = map_too_long },
	{ .name = "map-endless", .map = map_endless },
	{ .name = "map-shifted", .map = map_shifted },
	{ .name = "map-twice", .map = map_twice },
};

const struct attack *attack_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(attacks); i++)
		if (!strcmp(attacks[i].name, name))
			return &attacks[i];
	return NULL;
}
