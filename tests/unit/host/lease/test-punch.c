/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is punched, and what is not, where the ring, the host or ebbd itself changes between
 * the look at the ring and the punch. What holds of each end is checked by session_run().
 */
#include "tests/unit/host/lease/session-rig.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "host/base/worker.h"
#include "host/lease/batch.h"
#include "host/memory/debt.h"

enum {
	/* The first ranges are free, this one is in use. */
	FREE_RANGES = 8,
	IN_USE = FREE_RANGES,
	GROUP = 8, /* offers that are taken together, of 32 */
	PATIENCE_MS = 10000,
};

/* What a test has happen. */
static struct {
	bool revert; /* slot 0 holds another range after the first look */
	bool reverted;
	uint64_t range; /* that it held */
	bool ebbd_ends;
} faults;

int __real_ebb_batch_collect(const struct ebb_slot slots[EBB_SLOT_COUNT],
			     const struct ebb_map *map,
			     const struct ebb_guest_process *qemu,
			     uint64_t ring_gpa, struct ebb_batch *ret_batch,
			     struct ebb_msg_error *ret_error);
int __wrap_ebb_batch_collect(const struct ebb_slot slots[EBB_SLOT_COUNT],
			     const struct ebb_map *map,
			     const struct ebb_guest_process *qemu,
			     uint64_t ring_gpa, struct ebb_batch *ret_batch,
			     struct ebb_msg_error *ret_error);

/* A revert brings the ticket back with another range: the word is the same. */
int __wrap_ebb_batch_collect(const struct ebb_slot slots[EBB_SLOT_COUNT],
			     const struct ebb_map *map,
			     const struct ebb_guest_process *qemu,
			     uint64_t ring_gpa, struct ebb_batch *ret_batch,
			     struct ebb_msg_error *ret_error)
{
	struct ebb_slot *slot = &rig.guest.ring->slots[0];
	uint64_t in_use = FAKE_GPA + rig.guest.ranges[IN_USE].offset;
	struct ebb_slot back[EBB_SLOT_COUNT];
	int r;

	memcpy(back, slots, sizeof(back));
	if (faults.reverted) {
		back[0].range = faults.range;
		ebb_store_relaxed(&slot->range, faults.range);
	}
	r = __real_ebb_batch_collect(back, map, qemu, ring_gpa, ret_batch,
				     ret_error);
	if (faults.revert && !faults.reverted && ret_batch->count > 0) {
		faults.reverted = true;
		faults.range = ebb_load_relaxed(&slot->range);
		ebb_store_relaxed(&slot->range,
				  ebb_range(in_use >> EBB_PAGE_SHIFT,
					    EBB_LEASE_ORDER_MIN));
	}
	return r;
}

bool __real_ebb_worker_hold(void);
bool __wrap_ebb_worker_hold(void);

bool __wrap_ebb_worker_hold(void)
{
	if (!faults.ebbd_ends)
		return __real_ebb_worker_hold();
	/* Who asked hears of it later. */
	rig.guest.cancelled = true;
	return false;
}

static void begin(uint32_t range_count)
{
	session_begin(range_count, RANGE);
	memset(&faults, 0, sizeof(faults));
}

/* It would be the old range, under a grant for the new one. */
static void test_another_range_in_the_slot(void **state)
{
	(void)state;
	begin(FREE_RANGES + 1);
	rig.guest.free_count = FREE_RANGES;
	rig.guest.batch_slots = FREE_RANGES;
	faults.revert = true;
	assert_int_equal(session_run(), EBB_END_DRAINED);
	assert_true(faults.reverted);
	assert_int_equal(session_done_count(), FREE_RANGES);
	/* The slot was left alone, and taken when it was looked at again. */
	assert_true(rig.books.batches >= 2);
	assert_true(fake_range_is_intact(&rig.guest, IN_USE));
}

/* After a reset the page may be anybody's: a word that looks like an offer stays. */
static void test_word_of_another_ring(void **state)
{
	struct ebb_slot *slot;
	uint64_t foreign;

	(void)state;
	begin(FREE_RANGES + 1);
	rig.guest.free_count = FREE_RANGES;
	rig.guest.batch_slots = FREE_RANGES;
	slot = &rig.guest.ring->slots[EBB_SLOT_COUNT - 1];
	ebb_slot_offer(
		slot,
		(FAKE_GPA + rig.guest.ranges[IN_USE].offset) >> EBB_PAGE_SHIFT,
		EBB_LEASE_ORDER_MIN, ebb_ticket(rig.guest.ringmap.tag ^ 1, 1));
	foreign = slot->word;
	session_run_alone();
	fake_guest_join(&rig.guest);
	assert_int_equal(rig.outcome.end, EBB_END_DRAINED);
	assert_int_equal(session_done_count(), FREE_RANGES);
	assert_true(ebb_load_acquire(&slot->word) == foreign);
	assert_true(fake_range_is_intact(&rig.guest, IN_USE));
}

static uint32_t granted_count(void)
{
	uint32_t count = 0;

	for (int i = 0; i < EBB_SLOT_COUNT; i++)
		count += ebb_lease_state(ebb_load_acquire(
				 &rig.guest.ring->slots[i].word)) ==
			 EBB_LEASE_GRANTED;
	return count;
}

static bool both_granted;

static void await_both_groups(void)
{
	for (uint32_t ms = 0; ms < PATIENCE_MS && granted_count() < 2 * GROUP;
	     ms++)
		ebb_sleep_us(1000);
	both_granted = granted_count() == 2 * GROUP;
}

/* Its grants are the host's to resolve, though nothing of it is punched. */
static void test_next_group_is_let_go(void **state)
{
	(void)state;
	begin(EBB_SLOT_COUNT);
	rig.guest.batch_slots = EBB_SLOT_COUNT;
	/* A third of the window for one group. */
	rig.bytes_per_ms = GROUP * RANGE * 3 / rig.bounds.grant_window_ms + 1;
	rig.punches.before = await_both_groups;
	rig.punches.error = EIO;
	assert_int_equal(session_run(), EBB_END_FAILED);
	assert_true(both_granted);
	assert_int_equal(rig.punches.calls, 1);
	assert_int_equal(rig.books.failed_slots, 2 * GROUP);
}

/* It waits for a batch that is under way, and begins none. */
static void test_ebbd_ends(void **state)
{
	(void)state;
	begin(FREE_RANGES);
	faults.ebbd_ends = true;
	assert_int_equal(session_run(), EBB_END_CANCELLED);
	assert_int_equal(rig.punches.calls, 0);
	for (uint32_t i = 0; i < FREE_RANGES; i++)
		assert_int_not_equal(rig.guest.ranges[i].final,
				     EBB_LEASE_FAILED);
}

static pid_t qemu_pid;

static void end_qemu(void)
{
	kill(qemu_pid, SIGKILL);
	waitpid(qemu_pid, NULL, 0);
}

static void test_qemu_ends(void **state)
{
	(void)state;
	begin(FREE_RANGES);
	qemu_pid = fork();
	assert_true(qemu_pid >= 0);
	if (qemu_pid == 0)
		for (;;)
			pause();
	rig.guest.qemu.pid = qemu_pid;
	rig.guest.batch_slots = 2;
	rig.punches.before = end_qemu;
	assert_int_equal(session_run(), EBB_END_GUEST_GONE);
	assert_int_equal(rig.punches.calls, 1);
	assert_int_equal(session_done_count(), 2);
}

/* What is punched of a pool of huge pages is owed. */
static void test_debt_of_a_pool(void **state)
{
	struct ebb_backing *backing;
	struct ebb_debt debt;

	(void)state;
	begin(FREE_RANGES);
	backing = &rig.guest.qemu.backings[0];
	backing->file = ebb_file_new(dup(backing->fd), backing->bytes, RANGE);
	assert_non_null(backing->file);
	assert_int_equal(session_run(), EBB_END_DRAINED);
	debt = ebb_debt_of(&rig.guest.qemu, 0);
	ebb_file_unref(backing->file);
	backing->file = NULL;
	assert_int_equal(debt.lent_bytes, FREE_RANGES * RANGE);
	assert_int_equal(debt.owed_bytes, FREE_RANGES * RANGE);
}

#define PUNCH_TEST(test) cmocka_unit_test_teardown(test, session_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PUNCH_TEST(test_another_range_in_the_slot),
		PUNCH_TEST(test_word_of_another_ring),
		PUNCH_TEST(test_next_group_is_let_go),
		PUNCH_TEST(test_ebbd_ends),
		PUNCH_TEST(test_qemu_ends),
		PUNCH_TEST(test_debt_of_a_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
