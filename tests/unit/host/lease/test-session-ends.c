/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What ends a session from outside: time, who asked, libvirt, an agent that says no
 * or nothing. What holds of each end is checked by session_run().
 */
#include "tests/unit/host/lease/session-rig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "host/lease/permission.h"

/* Somebody who goes away. */
static struct {
	pthread_t thread;
	atomic_bool *flag;
	uint32_t ms;
} canceller;

static void *cancel(void *opaque)
{
	(void)opaque;
	ebb_sleep_us(canceller.ms * 1000);
	*canceller.flag = true;
	return NULL;
}

static void cancel_after(atomic_bool *flag, uint32_t ms)
{
	canceller.flag = flag;
	canceller.ms = ms;
	assert_int_equal(pthread_create(&canceller.thread, NULL, cancel, NULL),
			 0);
}

static void test_timeout(void **state)
{
	(void)state;
	session_begin(1, RANGE);
	rig.guest.manner = FAKE_SILENT;
	rig.timeout_ms = 50;
	assert_int_equal(session_run(), EBB_END_TIMEOUT);
}

static void test_gone_before_it_begins(void **state)
{
	(void)state;
	session_begin(8, RANGE);
	rig.guest.gone = true;
	assert_int_equal(session_run(), EBB_END_GUEST_GONE);
	assert_int_equal(rig.punches.calls, 0);
}

static void test_cancelled(void **state)
{
	(void)state;
	session_begin(32, RANGE);
	rig.guest.manner = FAKE_IS_CANCELLED;
	assert_int_equal(session_run(), EBB_END_CANCELLED);
	/* The host may have looked just before: a group of the next batch goes. */
	assert_in_range(session_done_count(), 8, 16);
}

static void test_libvirt_job(void **state)
{
	(void)state;
	session_begin(32, RANGE);
	rig.job = EBB_JOB_MEMORY;
	rig.job_after = 1;
	/* Longer than an answer is good for. */
	rig.punches.sleep_ms = EBB_PERMISSION_MS + 10;
	assert_int_equal(session_run(), EBB_END_JOB);
	assert_int_equal(session_done_count(), 8);

	session_end(NULL);
	session_begin(8, RANGE);
	rig.job = -ENOTCONN;
	assert_int_equal(session_run(), EBB_END_FAILED);
	assert_true(rig.outcome.error.text[0]);
	assert_int_equal(rig.punches.calls, 0);
}

/* A backup of its disks may take hours, and leaves its memory alone. */
static void test_disk_job(void **state)
{
	(void)state;
	session_begin(8, RANGE);
	rig.job = EBB_JOB_DISK;
	assert_int_equal(session_run(), EBB_END_DRAINED);
	assert_int_equal(session_done_count(), 8);
	assert_true(rig.job_calls >= 1);
}

/* What cannot be asked for is heard of as gone a moment later. */
static void test_libvirt_goes(void **state)
{
	(void)state;
	session_begin(8, RANGE);
	rig.job = -ENOTCONN;
	rig.gone_when_asked = true;
	assert_int_equal(session_run(), EBB_END_GUEST_GONE);
	assert_int_equal(rig.punches.calls, 0);
}

static void test_session_does_not_start(void **state)
{
	static const struct {
		int r;
		enum ebb_reclaim_end end;
	} cases[] = {
		{ -EBUSY, EBB_END_REPORTING_BUSY },
		{ -ETIMEDOUT, EBB_END_NO_AGENT },
		{ -ENOTCONN, EBB_END_NO_AGENT },
		{ -EIO, EBB_END_FAILED },
		{ -EREMOTEIO, EBB_END_FAILED },
	};

	(void)state;
	session_begin(1, RANGE);
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		rig.start_result = cases[i].r;
		assert_int_equal(session_run(), cases[i].end);
		assert_string_equal(rig.outcome.error.text,
				    "the agent's words");
	}
}

/* Nothing waits for its words. */
static void test_agent_answers_late(void **state)
{
	(void)state;
	session_begin(8, RANGE);
	rig.late = true;
	assert_int_equal(session_run(), EBB_END_DRAINED);
	assert_int_equal(session_done_count(), 8);
	/* One that is lost on the way is none that was not given. */
	session_end(NULL);
	session_begin(8, RANGE);
	rig.lost_answer = -ETIMEDOUT;
	assert_int_equal(session_run(), EBB_END_DRAINED);
	assert_int_equal(session_done_count(), 8);
}

/* libvirt or an agent that hangs: time and who asked end it all the same. */
static void test_nobody_answers(void **state)
{
	static const struct {
		uint32_t answer_ms, libvirt_ms;
	} cases[] = { { 60000, 0 }, { 0, 60000 } };

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		session_begin(8, RANGE);
		rig.guest.manner = cases[i].libvirt_ms ? FAKE_HONEST
						       : FAKE_SILENT;
		rig.answer_ms = cases[i].answer_ms;
		rig.libvirt_ms = cases[i].libvirt_ms;
		rig.timeout_ms = 300;
		assert_int_equal(session_run(), EBB_END_TIMEOUT);
		assert_int_equal(rig.punches.calls, 0);
		session_end(NULL);

		session_begin(8, RANGE);
		rig.guest.manner = cases[i].libvirt_ms ? FAKE_HONEST
						       : FAKE_SILENT;
		rig.answer_ms = cases[i].answer_ms;
		rig.libvirt_ms = cases[i].libvirt_ms;
		cancel_after(&rig.guest.cancelled, 300);
		assert_int_equal(session_run(), EBB_END_CANCELLED);
		pthread_join(canceller.thread, NULL);
		assert_int_equal(rig.punches.calls, 0);
		if (i + 1 < EBB_ARRAY_SIZE(cases))
			session_end(NULL);
	}
}

static void test_asks_no_more_than_it_needs(void **state)
{
	(void)state;
	session_begin(FAKE_RANGE_MAX, RANGE);
	rig.guest.batch_slots = 1;
	assert_int_equal(session_run(), EBB_END_DRAINED);
	assert_true(rig.books.batches >= FAKE_RANGE_MAX);
	/* Forty batches, far within the age of a few answers. */
	assert_in_range(rig.job_calls, 1, 20);
}

/* What an earlier session left in the ring is not this one's end. */
static void test_words_of_an_earlier_session(void **state)
{
	(void)state;
	session_begin(8, RANGE);
	rig.guest.ring->session_id = 1;
	rig.guest.ring->session_state = EBB_SESSION_DRAINED;
	assert_int_equal(session_run(), EBB_END_DRAINED);
	assert_int_equal(session_done_count(), 8);
}

/* The ring's page is pulled away while the guest is waited for. */
static void test_ring_is_truncated(void **state)
{
	(void)state;
	/* Which does not follow a mapping that a signal handler replaces. */
	if (getenv("EBB_VALGRIND"))
		skip();
	session_begin(1, RANGE);
	rig.guest.manner = FAKE_SILENT;
	assert_true(ebb_ringmap_demand(&rig.guest.ringmap, true));
	assert_true(ebb_ringmap_demand(&rig.guest.ringmap, false));
	assert_int_equal(ftruncate(rig.guest.fd, 0), 0);
	session_run_alone();
	assert_int_equal(rig.outcome.end, EBB_END_GUEST_GONE);
	assert_int_equal(rig.punches.calls, 0);
}

#define SESSION_TEST(test) cmocka_unit_test_teardown(test, session_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SESSION_TEST(test_timeout),
		SESSION_TEST(test_gone_before_it_begins),
		SESSION_TEST(test_cancelled),
		SESSION_TEST(test_libvirt_job),
		SESSION_TEST(test_disk_job),
		SESSION_TEST(test_libvirt_goes),
		SESSION_TEST(test_session_does_not_start),
		SESSION_TEST(test_agent_answers_late),
		SESSION_TEST(test_nobody_answers),
		SESSION_TEST(test_asks_no_more_than_it_needs),
		SESSION_TEST(test_words_of_an_earlier_session),
		SESSION_TEST(test_ring_is_truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
