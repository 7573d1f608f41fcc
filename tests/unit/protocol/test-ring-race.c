/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two threads, guest and host, over the slots of one ring.
 *
 * The invariant: a range is never in two hands. What is in a range is a plain
 * variable, which the guest writes before it offers and after it has the range
 * back, and the host writes between GRANTED and DONE. So a move that lets both
 * at it is a wrong value here, and a data race for ThreadSanitizer.
 *
 * Ranges go from slot to slot, so that a slot which came round with another
 * range (see "ticket" in ring.h) is met all the time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/ring.h"

enum {
	RANGES = 2 * EBB_SLOT_COUNT,
	LEASES = 40000,
	EPOCH = 5,
	PUNCHED = 0,
};

static struct ebb_ring ring;
static uint64_t memory[RANGES]; /* what is in each range */
static atomic_bool guest_is_done;
static atomic_uint wrong; /* the line of the first thing that is wrong */

#define CHECK(condition)                                                    \
	do {                                                                \
		unsigned int nothing = 0;                                   \
		if (!(condition))                                           \
			atomic_compare_exchange_strong(&wrong, &nothing,    \
						       (unsigned)__LINE__); \
	} while (0)

static uint32_t chance(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (uint32_t)(*seed >> 32);
}

/* What the guest alone knows. */
struct guest {
	uint64_t seed;
	uint64_t ticket;
	uint64_t value; /* what was written last, never PUNCHED */
	uint32_t next_range;
	uint32_t leases, done, failed, revoked;
	bool in_ring[RANGES];
	uint32_t range_of[EBB_SLOT_COUNT];
	uint64_t value_of[EBB_SLOT_COUNT];
};

static void offer_next(struct guest *guest, uint32_t slot)
{
	uint32_t range = guest->next_range;

	while (guest->in_ring[range])
		range = (range + 1) % RANGES;
	guest->next_range = (range + 1) % RANGES;
	guest->in_ring[range] = true;
	guest->range_of[slot] = range;
	guest->value_of[slot] = ++guest->value;
	memory[range] = guest->value;
	ebb_slot_offer(&ring.slots[slot], (uint64_t)range << 9, 9,
		       ++guest->ticket);
}

static void take_back(struct guest *guest, uint32_t slot, uint32_t state)
{
	uint32_t range = guest->range_of[slot];

	if (state == EBB_LEASE_DONE) {
		CHECK(memory[range] == PUNCHED);
		guest->done++;
	} else {
		CHECK(memory[range] == guest->value_of[slot]);
		if (state == EBB_LEASE_FAILED)
			guest->failed++;
		else
			guest->revoked++;
	}
	memory[range] = ++guest->value;
	guest->in_ring[range] = false;
	guest->leases++;
	ebb_slot_free(&ring.slots[slot]);
}

static void guest_step(struct guest *guest, uint32_t slot, bool offers)
{
	uint64_t word = ebb_load_acquire(&ring.slots[slot].word);
	uint32_t state = ebb_lease_state(word);

	switch (state) {
	case EBB_LEASE_FREE:
		if (offers)
			offer_next(guest, slot);
		break;
	case EBB_LEASE_OFFERED:
		if (chance(&guest->seed) % 64 == 0 || !offers)
			ebb_slot_revoke(&ring.slots[slot], word);
		break;
	case EBB_LEASE_TAKEN:
		if (chance(&guest->seed) % 4 == 0)
			ebb_slot_revoke(&ring.slots[slot], word);
		else
			ebb_slot_grant(&ring.slots[slot], word);
		break;
	case EBB_LEASE_GRANTED:
		break;
	case EBB_LEASE_DONE:
	case EBB_LEASE_FAILED:
	case EBB_LEASE_REVOKED:
		take_back(guest, slot, state);
		break;
	default:
		CHECK(!"a state");
	}
}

static void *play_guest(void *opaque)
{
	struct guest *guest = opaque;
	bool open = true;

	while (open && !wrong) {
		bool offers = guest->leases < LEASES;

		open = offers;
		for (uint32_t i = 0; i < EBB_SLOT_COUNT; i++) {
			guest_step(guest, i, offers);
			open |= ebb_lease_state(ebb_load_relaxed(
					&ring.slots[i].word)) != EBB_LEASE_FREE;
		}
		sched_yield();
	}
	guest_is_done = true;
	return NULL;
}

/* One lease from the copy of a slot to its end. */
static void host_lease(uint64_t *seed, uint32_t *nonce, struct ebb_slot *slot)
{
	struct ebb_slot copy = ebb_slot_read(slot);
	uint64_t taken, granted, word;
	uint64_t range = ebb_range_pfn(copy.range) >> 9;

	if (ebb_lease_state(copy.word) != EBB_LEASE_OFFERED)
		return;
	CHECK(range < RANGES);
	if (chance(seed) % 8 == 0)
		sched_yield();
	taken = ebb_lease_word(EBB_LEASE_TAKEN, EPOCH, ++*nonce);
	granted = ebb_lease_with_state(taken, EBB_LEASE_GRANTED);
	if (!ebb_slot_take(slot, copy.word, EPOCH, *nonce))
		return;
	for (uint32_t patience = chance(seed) % 32; patience; patience--) {
		if (ebb_load_acquire(&slot->word) != taken)
			break;
		sched_yield();
	}
	word = ebb_load_acquire(&slot->word);
	if (word == taken) {
		if (ebb_slot_resolve(slot, taken, EBB_LEASE_FAILED))
			return;
		word = ebb_load_acquire(&slot->word);
	}
	if (word != granted)
		return; /* revoked */
	if (chance(seed) % 8 == 0) {
		CHECK(ebb_slot_resolve(slot, granted, EBB_LEASE_FAILED));
		return;
	}
	memory[range] = PUNCHED;
	CHECK(ebb_slot_resolve(slot, granted, EBB_LEASE_DONE));
}

static void *play_host(void *opaque)
{
	uint64_t *seed = opaque;
	uint32_t nonce = 0xfffffff0; /* wraps on the way */

	while (!guest_is_done && !wrong) {
		for (uint32_t i = 0; i < EBB_SLOT_COUNT; i++)
			host_lease(seed, &nonce, &ring.slots[i]);
		sched_yield();
	}
	return NULL;
}

static void test_no_range_is_in_two_hands(void **state)
{
	struct guest guest = { .seed = 42, .ticket = 1 };
	uint64_t host_seed = 4711;
	pthread_t guest_thread, host_thread;

	(void)state;
	for (int i = 0; i < EBB_SLOT_COUNT; i++)
		ring.slots[i].word = EBB_LEASE_FREE;
	assert_int_equal(
		pthread_create(&guest_thread, NULL, play_guest, &guest), 0);
	assert_int_equal(
		pthread_create(&host_thread, NULL, play_host, &host_seed), 0);
	pthread_join(guest_thread, NULL);
	pthread_join(host_thread, NULL);
	if (wrong)
		fail_msg("line %u: a range was in two hands", wrong);
	assert_true(guest.leases >= LEASES);
	/* Each of the three ends was met. */
	assert_true(guest.done > 0);
	assert_true(guest.failed > 0);
	assert_true(guest.revoked > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_range_is_in_two_hands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
