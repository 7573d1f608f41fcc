/* SPDX-License-Identifier: GPL-2.0-only */
/* The host's end of a ring, over a memfd that plays the guest's memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "host/memory/ringmap.h"
#include "host/memory/sigbus.h"

#define FILE_BYTES ((uint64_t)1 << 20)
#define RING_OFFSET ((uint64_t)5 * EBB_PAGE_BYTES)
#define TAG 0xdecaf123u

static const uint8_t boot_id[EBB_BOOT_ID_BYTES] = "boot-id-of-test";
static const uint8_t challenge[EBB_NONCE_BYTES] = "nonce-of-a-test";

static int fd = -1;
static struct ebb_ring *guest; /* the guest's own mapping */
static struct ebb_ringmap map;

static uint64_t host_word(enum ebb_host_state state, uint32_t epoch)
{
	return (uint64_t)TAG << 32 | (uint64_t)epoch << 8 | (uint64_t)state;
}

static int begin(void **state)
{
	(void)state;
	fd = memfd_create("test-ringmap", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, (off_t)FILE_BYTES) < 0)
		return -1;
	guest = mmap(NULL, sizeof(*guest), PROT_READ | PROT_WRITE, MAP_SHARED,
		     fd, (off_t)RING_OFFSET);
	if (guest == MAP_FAILED)
		return -1;
	guest->magic = EBB_RING_MAGIC;
	guest->version = EBB_RING_VERSION;
	guest->slot_count = EBB_SLOT_COUNT;
	guest->tag = TAG;
	guest->state = EBB_RING_OPEN;
	memcpy(guest->boot_id, boot_id, sizeof(boot_id));
	memcpy(guest->challenge, challenge, sizeof(challenge));
	guest->host_word = host_word(EBB_HOST_DETACHED, 0);
	for (int i = 0; i < EBB_SLOT_COUNT; i++)
		guest->slots[i].word = EBB_LEASE_FREE;
	memset(&map, 0, sizeof(map));
	return 0;
}

static int end(void **state)
{
	(void)state;
	ebb_ringmap_close(&map);
	munmap(guest, sizeof(*guest));
	close(fd);
	return 0;
}

static int open_ring(void)
{
	return ebb_ringmap_open(fd, RING_OFFSET, EBB_PAGE_BYTES, boot_id,
				challenge, &map);
}

static void attach(void)
{
	/* cmocka puts handlers of its own before each test. */
	assert_int_equal(ebb_sigbus_install(), 0);
	assert_int_equal(open_ring(), 0);
	assert_int_equal(ebb_ringmap_attach(&map), 0);
}

static void test_open_checks_identity(void **state)
{
	struct ebb_ring good = *guest;
	uint8_t other[EBB_NONCE_BYTES] = "another";

	(void)state;
#define REFUSED(r, change)                        \
	do {                                      \
		change;                           \
		assert_int_equal(open_ring(), r); \
		assert_null(map.ring);            \
		*guest = good;                    \
	} while (0)
	REFUSED(-EBADMSG, guest->magic ^= 1);
	REFUSED(-EPROTONOSUPPORT, guest->version++);
	REFUSED(-EPROTONOSUPPORT, guest->slot_count--);
	REFUSED(-EPROTONOSUPPORT, guest->slot_count = UINT32_MAX);
	REFUSED(-EBADMSG, guest->tag = 0);
	REFUSED(-EBADMSG, guest->boot_id[EBB_BOOT_ID_BYTES - 1] ^= 1);
	REFUSED(-EBADMSG, guest->challenge[0] ^= 1);
#undef REFUSED
	assert_int_equal(ebb_ringmap_open(fd, RING_OFFSET, EBB_PAGE_BYTES,
					  boot_id, other, &map),
			 -EBADMSG);
	/* A ring that is one but for its place. */
	assert_int_equal(pwrite(fd, &good, sizeof(good), FILE_BYTES / 2 + 64),
			 sizeof(good));
	assert_int_equal(ebb_ringmap_open(fd, FILE_BYTES / 2 + 64,
					  EBB_PAGE_BYTES, boot_id, challenge,
					  &map),
			 -EBADMSG);
	assert_int_equal(ebb_ringmap_open(fd, FILE_BYTES, EBB_PAGE_BYTES,
					  boot_id, challenge, &map),
			 -EBADMSG);
	assert_int_equal(open_ring(), 0);
}

/* A page of the backing may be larger than the ring's. */
static void test_open_within_a_larger_page(void **state)
{
	(void)state;
	assert_int_equal(ebb_ringmap_open(fd, RING_OFFSET, 16 * EBB_PAGE_BYTES,
					  boot_id, challenge, &map),
			 0);
	assert_int_equal(ebb_ringmap_attach(&map), 0);
	assert_int_equal(guest->host_word, host_word(EBB_HOST_ATTACHED, 1));
}

static void test_attach_counts_epochs(void **state)
{
	(void)state;
	for (uint32_t epoch = 1; epoch <= 3; epoch++) {
		attach();
		assert_int_equal(map.epoch, epoch);
		assert_int_equal(guest->host_word,
				 host_word(EBB_HOST_ATTACHED, epoch));
		ebb_ringmap_close(&map);
		assert_int_equal(guest->host_word,
				 host_word(EBB_HOST_DETACHED, epoch));
	}
	/* 24 bits, and 0 is nobody's. */
	guest->host_word = host_word(EBB_HOST_DEMANDING, EBB_EPOCH_MASK);
	attach();
	assert_int_equal(map.epoch, 1);
}

static void test_attach_needs_a_host_word(void **state)
{
	static const uint64_t words[] = {
		0,
		~(uint64_t)0,
		(uint64_t)TAG << 32,
		(uint64_t)(TAG ^ 1) << 32 | EBB_HOST_DETACHED,
		EBB_HOST_DETACHED,
		(uint64_t)TAG << 32 | EBB_LEASE_TAKEN,
	};

	(void)state;
	assert_int_equal(open_ring(), 0);
	for (size_t i = 0; i < EBB_ARRAY_SIZE(words); i++) {
		guest->host_word = words[i];
		assert_int_equal(ebb_ringmap_attach(&map), -EBADMSG);
		assert_int_equal(guest->host_word, words[i]);
		assert_int_equal(map.epoch, 0);
	}
}

static void test_attach_resolves_what_the_dead_left(void **state)
{
	const uint64_t offered = (uint64_t)77 << 8 | EBB_LEASE_OFFERED;
	/* Brought back by a revert, with the epoch that is ours now. */
	const uint64_t own =
		ebb_lease_word(EBB_LEASE_GRANTED, 6, ebb_nonce(TAG, 9));
	/* Another kernel's data that looks like a slot. */
	const uint64_t foreign = ebb_lease_word(EBB_LEASE_GRANTED, 5, ~TAG);

	(void)state;
	guest->host_word = host_word(EBB_HOST_DEMANDING, 5);
	guest->slots[0].word =
		ebb_lease_word(EBB_LEASE_TAKEN, 5, ebb_nonce(TAG, 7));
	guest->slots[1].word =
		ebb_lease_word(EBB_LEASE_GRANTED, 5, ebb_nonce(TAG, 8));
	guest->slots[2].word =
		ebb_lease_word(EBB_LEASE_GRANTED, 1, ebb_nonce(TAG, 8));
	guest->slots[3].word = offered;
	guest->slots[4].word =
		ebb_lease_word(EBB_LEASE_DONE, 5, ebb_nonce(TAG, 8));
	guest->slots[5].word =
		ebb_lease_word(EBB_LEASE_REVOKED, 5, ebb_nonce(TAG, 8));
	guest->slots[6].word = own;
	guest->slots[7].word = 0;
	guest->slots[8].word = foreign;
	guest->slots[31].word =
		ebb_lease_word(EBB_LEASE_GRANTED, 4, ebb_nonce(TAG, 3));
	attach();
	assert_int_equal(map.epoch, 6);
	assert_int_equal(guest->slots[0].word,
			 ebb_lease_word(EBB_LEASE_FAILED, 5,
					ebb_nonce(TAG, 7)));
	assert_int_equal(guest->slots[1].word,
			 ebb_lease_word(EBB_LEASE_FAILED, 5,
					ebb_nonce(TAG, 8)));
	assert_int_equal(guest->slots[2].word,
			 ebb_lease_word(EBB_LEASE_FAILED, 1,
					ebb_nonce(TAG, 8)));
	assert_int_equal(guest->slots[3].word, offered);
	assert_int_equal(guest->slots[4].word,
			 ebb_lease_word(EBB_LEASE_DONE, 5, ebb_nonce(TAG, 8)));
	assert_int_equal(guest->slots[5].word,
			 ebb_lease_word(EBB_LEASE_REVOKED, 5,
					ebb_nonce(TAG, 8)));
	assert_int_equal(guest->slots[6].word,
			 ebb_lease_with_state(own, EBB_LEASE_FAILED));
	assert_int_equal(guest->slots[8].word, foreign);
	assert_int_equal(guest->slots[7].word, 0);
	assert_int_equal(guest->slots[31].word,
			 ebb_lease_word(EBB_LEASE_FAILED, 4,
					ebb_nonce(TAG, 3)));
}

/* Of a host that detached; whatever it was, it does not come back to resolve them. */
static void test_attach_after_one_that_detached(void **state)
{
	const uint64_t left =
		ebb_lease_word(EBB_LEASE_GRANTED, 5, ebb_nonce(TAG, 8));

	(void)state;
	guest->host_word = host_word(EBB_HOST_DETACHED, 5);
	guest->slots[0].word = left;
	attach();
	assert_int_equal(guest->slots[0].word,
			 ebb_lease_with_state(left, EBB_LEASE_FAILED));
}

static void test_attach_to_a_closed_ring(void **state)
{
	const uint64_t left =
		ebb_lease_word(EBB_LEASE_GRANTED, 5, ebb_nonce(TAG, 8));

	(void)state;
	guest->host_word = host_word(EBB_HOST_ATTACHED, 5);
	guest->slots[0].word = left;
	guest->state = EBB_RING_CLOSED;
	assert_int_equal(open_ring(), 0);
	assert_int_equal(ebb_ringmap_attach(&map), -ESHUTDOWN);
	assert_int_equal(guest->host_word, host_word(EBB_HOST_DETACHED, 6));
	assert_int_equal(map.epoch, 0);
	/* A dead host's grant would keep the guest waiting for good. */
	assert_int_equal(guest->slots[0].word,
			 ebb_lease_with_state(left, EBB_LEASE_FAILED));
}

static void test_demand(void **state)
{
	(void)state;
	assert_int_equal(open_ring(), 0);
	assert_false(ebb_ringmap_demand(&map, true));
	assert_int_equal(ebb_ringmap_attach(&map), 0);
	assert_false(ebb_ringmap_demand(&map, false));
	assert_true(ebb_ringmap_demand(&map, true));
	assert_int_equal(guest->host_word, host_word(EBB_HOST_DEMANDING, 1));
	assert_false(ebb_ringmap_demand(&map, true));
	assert_true(ebb_ringmap_demand(&map, false));
	assert_int_equal(guest->host_word, host_word(EBB_HOST_ATTACHED, 1));
	assert_true(ebb_ringmap_demand(&map, true));
	ebb_ringmap_close(&map);
	assert_int_equal(guest->host_word, host_word(EBB_HOST_DETACHED, 1));
	assert_false(ebb_ringmap_demand(&map, true));
}

/* A successor came: what is left of us must not undo what it wrote. */
static void test_superseded_host_writes_nothing(void **state)
{
	(void)state;
	attach();
	guest->host_word = host_word(EBB_HOST_ATTACHED, 2);
	assert_false(ebb_ringmap_demand(&map, true));
	ebb_ringmap_close(&map);
	assert_int_equal(guest->host_word, host_word(EBB_HOST_ATTACHED, 2));
}

/* The page belongs to another kernel now, with whatever in it. */
static void test_reused_page_is_not_written(void **state)
{
	static const uint8_t fillings[] = { 0x00, 0xff, 0xd1, 0xe1, 0x5a };
	uint8_t before[EBB_PAGE_BYTES];

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(fillings); i++) {
		uint32_t epoch;

		guest->magic = EBB_RING_MAGIC;
		end(NULL);
		assert_int_equal(begin(NULL), 0);
		attach();
		if (i % 2)
			assert_true(ebb_ringmap_demand(&map, true));
		epoch = map.epoch;
		memset(guest, fillings[i], sizeof(*guest));
		memcpy(before, guest, sizeof(before));
		assert_false(ebb_ringmap_demand(&map, true));
		assert_false(ebb_ringmap_demand(&map, false));
		assert_int_equal(ebb_ringmap_attach(&map), -EBADMSG);
		assert_false(ebb_ringmap_is_open(&map));
		for (int s = 0; s < EBB_SLOT_COUNT; s++) {
			struct ebb_slot *slot = &map.ring->slots[s];
			uint64_t taken =
				ebb_lease_word(EBB_LEASE_TAKEN, epoch, 3);

			assert_false(ebb_slot_take(
				slot, (uint64_t)42 << 8 | EBB_LEASE_OFFERED,
				epoch, 3));
			assert_false(ebb_slot_resolve(slot, taken,
						      EBB_LEASE_FAILED));
		}
		ebb_ringmap_close(&map);
		assert_memory_equal(guest, before, sizeof(before));
	}
}

static void test_closed_map_is_fine(void **state)
{
	struct ebb_ringmap none = { 0 };

	(void)state;
	ebb_ringmap_close(&none);
	ebb_ringmap_close(&none);
	assert_false(ebb_ringmap_is_open(&none));
}

/* One such number would have ebbctl refuse what is said of all domains. */
static void test_absurd_facts_are_refused(void **state)
{
	struct ebb_facts facts;

	(void)state;
	attach();
	guest->facts.node_count = EBB_NODE_MAX;
	guest->facts.nodes[EBB_NODE_MAX - 1].free_bytes = INT64_MAX;
	assert_int_equal(ebb_ringmap_facts(&map, &facts), 0);
	guest->facts.nodes[EBB_NODE_MAX - 1].free_bytes++;
	assert_int_equal(ebb_ringmap_facts(&map, &facts), -EBADMSG);
	guest->facts.node_count--;
	assert_int_equal(ebb_ringmap_facts(&map, &facts), 0);
	guest->facts.free_huge_bytes = UINT64_MAX;
	assert_int_equal(ebb_ringmap_facts(&map, &facts), -EBADMSG);
	guest->facts.free_huge_bytes = 0;
	guest->facts.node_count = UINT32_MAX;
	assert_int_equal(ebb_ringmap_facts(&map, &facts), -EBADMSG);
}

enum {
	FACTS_ROUNDS = 20000,
	FACTS_ROUNDS_MAX = 20000000,
	FACTS_MET = 1000, /* readings that a write came into */
};

static atomic_bool writer_stops;

/* All counters of a reading carry one number; a torn one shows two. */
static void *write_facts(void *opaque)
{
	struct ebb_facts *facts = &guest->facts;

	(void)opaque;
	for (uint64_t n = 1; !writer_stops; n++) {
		ebb_store_relaxed(&facts->seq, facts->seq + 1);
		ebb_write_barrier();
		ebb_store_relaxed(&facts->total_bytes, n);
		ebb_store_relaxed(&facts->free_bytes, n);
		ebb_store_relaxed(&facts->batches, n);
		for (int i = 0; i < EBB_NODE_MAX; i++)
			ebb_store_relaxed(&facts->nodes[i].free_bytes, n);
		ebb_store_release(&facts->seq, facts->seq + 1);
		/* Then there is time for a whole reading, also under valgrind. */
		if (n % 1024 == 0)
			usleep(20);
	}
	return NULL;
}

static void test_facts_are_never_torn(void **state)
{
	/* Under valgrind one thread stands while another runs. */
	uint32_t wanted = getenv("EBB_VALGRIND") ? 0 : FACTS_MET;
	uint32_t readings = 0, met = 0;
	uint64_t last = 0;
	pthread_t writer;

	(void)state;
	attach();
	writer_stops = false;
	assert_int_equal(pthread_create(&writer, NULL, write_facts, NULL), 0);
	for (int round = 0;
	     round < FACTS_ROUNDS || (met < wanted && round < FACTS_ROUNDS_MAX);
	     round++) {
		uint32_t seq = ebb_load_acquire(&guest->facts.seq);
		struct ebb_facts facts;
		int r = ebb_ringmap_facts(&map, &facts);

		ebb_read_barrier();
		met += ebb_load_relaxed(&guest->facts.seq) != seq;
		if (r == -EAGAIN)
			continue;
		assert_int_equal(r, 0);
		assert_int_equal(facts.seq % 2, 0);
		assert_int_equal(facts.free_bytes, facts.total_bytes);
		assert_int_equal(facts.batches, facts.total_bytes);
		for (int i = 0; i < EBB_NODE_MAX; i++)
			assert_int_equal(facts.nodes[i].free_bytes,
					 facts.total_bytes);
		assert_true(facts.total_bytes >= last);
		last = facts.total_bytes;
		readings++;
	}
	writer_stops = true;
	pthread_join(writer, NULL);
	assert_true(readings > 0);
	assert_true(met > 0 || wanted == 0);
}

static void test_facts_of_a_liar(void **state)
{
	struct ebb_facts facts, before;

	(void)state;
	attach();
	memset(&facts, 0xaa, sizeof(facts));
	before = facts;
	guest->facts.seq = 7;
	assert_int_equal(ebb_ringmap_facts(&map, &facts), -EAGAIN);
	guest->facts.seq = 8;
	guest->facts.node_count = EBB_NODE_MAX + 1;
	assert_int_equal(ebb_ringmap_facts(&map, &facts), -EBADMSG);
	assert_memory_equal(&facts, &before, sizeof(facts));
	guest->facts.node_count = EBB_NODE_MAX;
	assert_int_equal(ebb_ringmap_facts(&map, &facts), 0);
}

/* valgrind does not follow a mapping that a signal handler replaces. */
static void skip_under_valgrind(void)
{
	if (getenv("EBB_VALGRIND"))
		skip();
}

/* The file shrinks under the mapping: loads give zeros, stores vanish. */
static void test_memory_is_pulled_away(void **state)
{
	struct ebb_facts facts;

	(void)state;
	skip_under_valgrind();
	attach();
	guest->facts.free_bytes = 4711;
	assert_true(ebb_ringmap_demand(&map, true));
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_false(ebb_sigbus_lost(map.guard));
	ebb_ringmap_is_open(&map);
	assert_false(ebb_ringmap_is_open(&map));
	assert_true(ebb_sigbus_lost(map.guard));
	assert_int_equal(map.ring->magic, 0);
	assert_false(ebb_ringmap_demand(&map, false));
	if (ebb_ringmap_facts(&map, &facts) == 0)
		assert_int_equal(facts.free_bytes, 0);
	assert_int_equal(ebb_ringmap_attach(&map), -EBADMSG);
	ebb_ringmap_close(&map);
	assert_int_equal(ftruncate(fd, (off_t)FILE_BYTES), 0);
	assert_int_equal(guest->host_word, 0);
}

/* A mapping that was lost says so, whichever access found out. */
static void test_lost_while_looking(void **state)
{
	(void)state;
	skip_under_valgrind();
	attach();
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_false(ebb_ringmap_is_open(&map));
	assert_int_equal(ftruncate(fd, (off_t)FILE_BYTES), 0);
}

static void test_guards_are_given_back(void **state)
{
	static char pages[2 * EBB_PAGE_BYTES];
	int first = ebb_sigbus_guard(pages, EBB_PAGE_BYTES), handle;

	(void)state;
	assert_true(first >= 0);
	for (int i = 1; i < EBB_SIGBUS_GUARD_MAX; i++)
		assert_true(ebb_sigbus_guard(pages, EBB_PAGE_BYTES) >= 0);
	assert_int_equal(ebb_sigbus_guard(pages, EBB_PAGE_BYTES), -ENOSPC);
	assert_int_equal(open_ring(), -ENOSPC);
	ebb_sigbus_release(first);
	handle = ebb_sigbus_guard(pages, EBB_PAGE_BYTES);
	assert_int_equal(handle, first);
	assert_false(ebb_sigbus_lost(handle));
	for (int i = 0; i < EBB_SIGBUS_GUARD_MAX; i++)
		ebb_sigbus_release(i);
}

#define RING_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RING_TEST(test_open_checks_identity),
		RING_TEST(test_open_within_a_larger_page),
		RING_TEST(test_attach_counts_epochs),
		RING_TEST(test_attach_needs_a_host_word),
		RING_TEST(test_attach_resolves_what_the_dead_left),
		RING_TEST(test_attach_after_one_that_detached),
		RING_TEST(test_attach_to_a_closed_ring),
		RING_TEST(test_demand),
		RING_TEST(test_superseded_host_writes_nothing),
		RING_TEST(test_reused_page_is_not_written),
		RING_TEST(test_closed_map_is_fine),
		RING_TEST(test_facts_are_never_torn),
		RING_TEST(test_facts_of_a_liar),
		RING_TEST(test_absurd_facts_are_refused),
		RING_TEST(test_memory_is_pulled_away),
		RING_TEST(test_lost_while_looking),
		RING_TEST(test_guards_are_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
