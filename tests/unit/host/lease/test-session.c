/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A session with guests of many manners, and what it takes of them. What holds of
 * each end is checked by session_run().
 */
#include "tests/unit/host/lease/session-rig.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/size.h"

static void test_drained(void **state)
{
	(void)state;
	session_begin(20, RANGE);
	assert_int_equal(session_run(), EBB_END_DRAINED);
	assert_int_equal(session_done_count(), 20);
	assert_true(rig.books.batches >= 3);
	assert_true(rig.job_calls >= 1);
	/* Neighbours are punched by one call. */
	assert_true(rig.punches.calls < 20);
}

static void test_full_ring(void **state)
{
	(void)state;
	session_begin(FAKE_RANGE_MAX, RANGE);
	rig.guest.batch_slots = EBB_SLOT_COUNT;
	assert_int_equal(session_run(), EBB_END_DRAINED);
	assert_int_equal(session_done_count(), FAKE_RANGE_MAX);
}

static void test_ranges_apart(void **state)
{
	(void)state;
	session_begin(8, 2 * RANGE);
	assert_int_equal(session_run(), EBB_END_DRAINED);
	assert_int_equal(session_done_count(), 8);
	assert_int_equal(rig.punches.calls, 8);
}

/* The books count what was resident, not what was punched. */
static void test_holes_bring_nothing(void **state)
{
	(void)state;
	session_begin(8, RANGE);
	assert_int_equal(syscall(SYS_fallocate, rig.guest.fd,
				 FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				 rig.guest.ranges[0].offset, 4 * RANGE),
			 0);
	rig.hole_bytes = 4 * RANGE;
	assert_int_equal(session_run(), EBB_END_DRAINED);
	assert_int_equal(session_done_count(), 8);
}

static void test_satisfied_by_size(void **state)
{
	(void)state;
	session_begin(32, RANGE);
	rig.bounds.bytes = 10 * RANGE;
	assert_int_equal(session_run(), EBB_END_SATISFIED);
	assert_int_equal(session_done_count(), 10);

	session_end(NULL);
	session_begin(32, RANGE);
	rig.bounds.bytes = 1;
	assert_int_equal(session_run(), EBB_END_SATISFIED);
	assert_int_equal(session_done_count(), 1);
}

static void test_guest_revokes(void **state)
{
	(void)state;
	session_begin(8, RANGE);
	rig.guest.manner = FAKE_REVOKES_TAKEN;
	assert_int_equal(session_run(), EBB_END_DRAINED);
	assert_int_equal(session_done_count(), 0);
	assert_int_equal(rig.punches.calls, 0);
	for (uint32_t i = 0; i < 8; i++)
		assert_int_equal(rig.guest.ranges[i].final, EBB_LEASE_REVOKED);
}

static void test_guest_never_grants(void **state)
{
	(void)state;
	session_begin(4, RANGE);
	rig.guest.manner = FAKE_NEVER_GRANTS;
	rig.bounds.grant_window_ms = EBB_GRANT_WINDOW_MS;
	rig.guest.rounds = 1000;
	assert_int_equal(session_run(), EBB_END_GUEST_SILENT);
	assert_int_equal(rig.punches.calls, 0);
	assert_true(rig.books.failed_slots >= 4);
	/* It was asked for some seconds, and not for ever. */
	assert_true(rig.guest.ranges[0].offers > 30);
	assert_true(rig.guest.ranges[0].offers < 900);
}

static void test_guest_grants_late(void **state)
{
	(void)state;
	session_begin(3, RANGE);
	rig.guest.manner = FAKE_GRANTS_LATE;
	rig.bounds.grant_window_ms = EBB_GRANT_WINDOW_MS;
	assert_int_equal(session_run(), EBB_END_DRAINED);
	assert_int_equal(session_done_count(), 0);
	assert_int_equal(rig.punches.calls, 0);
	assert_int_equal(rig.books.failed_slots, 3);
}

static void test_guest_forges_nonces(void **state)
{
	(void)state;
	session_begin(2, RANGE);
	rig.guest.manner = FAKE_FORGES_NONCE;
	assert_int_equal(session_run(), EBB_END_DRAINED);
	assert_int_equal(session_done_count(), 0);
	assert_int_equal(rig.punches.calls, 0);
}

static void test_guest_is_silent(void **state)
{
	uint64_t start_ns = ebb_now_ns(), elapsed_ms;

	(void)state;
	session_begin(1, RANGE);
	rig.guest.manner = FAKE_SILENT;
	assert_int_equal(session_run(), EBB_END_GUEST_SILENT);
	elapsed_ms = (ebb_now_ns() - start_ns) / 1000000;
	/* Not before the guest itself would have said so. */
	assert_true(elapsed_ms >= EBB_OFFER_DEADLINE_MS);
}

static void test_guest_is_gone(void **state)
{
	(void)state;
	session_begin(16, RANGE);
	rig.guest.manner = FAKE_RESETS;
	assert_int_equal(session_run(), EBB_END_GUEST_GONE);
	assert_int_equal(session_done_count(), 0);
	assert_int_equal(rig.punches.calls, 0);
}

static void test_ring_is_closed(void **state)
{
	(void)state;
	session_begin(16, RANGE);
	rig.guest.manner = FAKE_LEAVES;
	assert_int_equal(session_run(), EBB_END_GUEST_GONE);
}

static void test_violation(void **state)
{
	(void)state;
	session_begin(8, RANGE);
	rig.guest.manner = FAKE_OFFERS_RING;
	assert_int_equal(session_run(), EBB_END_VIOLATION);
	assert_non_null(strstr(rig.outcome.error.text, "ring"));
	assert_int_equal(rig.punches.calls, 0);
}

static void test_map_changed(void **state)
{
	(void)state;
	session_begin(8, RANGE);
	rig.guest.manner = FAKE_OFFERS_OUTSIDE;
	assert_int_equal(session_run(), EBB_END_MAP_CHANGED);
	assert_non_null(strstr(rig.outcome.error.text, "outside"));
	assert_int_equal(rig.punches.calls, 0);
}

static void test_guest_needs_its_memory(void **state)
{
	(void)state;
	session_begin(32, RANGE);
	rig.guest.manner = FAKE_PRESSED;
	assert_int_equal(session_run(), EBB_END_GUEST_PRESSURE);
	assert_int_equal(session_done_count(), 8);
}

/* The window is over while the first of two runs is punched. */
static void test_slow_punch_fails_the_rest(void **state)
{
	(void)state;
	session_begin(4, 2 * RANGE);
	rig.bounds.grant_window_ms = 400;
	rig.punches.sleep_ms = rig.bounds.grant_window_ms + 10;
	assert_int_equal(session_run(), EBB_END_DRAINED);
	assert_int_equal(rig.punches.calls, 1);
	assert_int_equal(session_done_count(), 1);
	assert_int_equal(rig.guest.ranges[0].final, EBB_LEASE_DONE);
	for (uint32_t i = 1; i < 4; i++)
		assert_int_equal(rig.guest.ranges[i].final, EBB_LEASE_FAILED);
	assert_int_equal(rig.books.failed_slots, 3);
}

static void test_punch_fails(void **state)
{
	(void)state;
	session_begin(8, 2 * RANGE);
	rig.punches.error = EOPNOTSUPP;
	assert_int_equal(session_run(), EBB_END_FAILED);
	assert_non_null(strstr(rig.outcome.error.text, strerror(EOPNOTSUPP)));
	assert_int_equal(rig.punches.calls, 1);
	for (uint32_t i = 0; i < 8; i++)
		assert_int_equal(rig.guest.ranges[i].final, EBB_LEASE_FAILED);

	/* What was discarded before is in the books. */
	session_end(NULL);
	session_begin(8, 2 * RANGE);
	rig.punches.error = EIO;
	rig.punches.error_from = 3;
	assert_int_equal(session_run(), EBB_END_FAILED);
	assert_int_equal(rig.punches.calls, 3);
	assert_int_equal(session_done_count(), 2);
}

/* libvirt tells of the device later than it has the guest's memory. */
static void test_a_device_pins_it(void **state)
{
	(void)state;
	session_begin(8, 2 * RANGE);
	rig.guest.batch_slots = 2;
	rig.punches.pinned_after = 4;
	assert_int_equal(session_run(), EBB_END_GUEST_GONE);
	assert_int_equal(rig.punches.calls, 4);
	assert_int_equal(session_done_count(), 4);
}

#define SESSION_TEST(test) cmocka_unit_test_teardown(test, session_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SESSION_TEST(test_drained),
		SESSION_TEST(test_full_ring),
		SESSION_TEST(test_ranges_apart),
		SESSION_TEST(test_holes_bring_nothing),
		SESSION_TEST(test_satisfied_by_size),
		SESSION_TEST(test_guest_revokes),
		SESSION_TEST(test_guest_never_grants),
		SESSION_TEST(test_guest_grants_late),
		SESSION_TEST(test_guest_forges_nonces),
		SESSION_TEST(test_guest_is_silent),
		SESSION_TEST(test_guest_is_gone),
		SESSION_TEST(test_ring_is_closed),
		SESSION_TEST(test_violation),
		SESSION_TEST(test_map_changed),
		SESSION_TEST(test_guest_needs_its_memory),
		SESSION_TEST(test_slow_punch_fails_the_rest),
		SESSION_TEST(test_punch_fails),
		SESSION_TEST(test_a_device_pins_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
