/* SPDX-License-Identifier: GPL-2.0-only */
/* One reclaim, from what is wanted to what came of it, on a played guest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/size.h"
#include "host/lease/asker.h"
#include "host/lease/reclaim.h"
#include "host/memory/sigbus.h"
#include "tests/unit/host/lease/fake-agent.h"
#include "tests/unit/host/lease/fake-guest.h"

#define RANGE ((uint64_t)FAKE_RANGE_BYTES)

static struct fake_guest guest;
static struct ebb_reclaim reclaim;
static atomic_bool disconnected;
static atomic_bool leaving; /* ebbd is */
static int tell_result;
static int old_session; /* errno of a start, while there is one */
static bool old_session_stays;
static uint32_t stops;
static uint32_t thread_count;
static uint32_t starts;
static bool rearms[4]; /* of the first starts */
static bool gentle; /* the last one was */
static uint32_t tells;
static atomic_bool tell_hangs;
static int facts_result;
static struct ebb_msg_target last_target;
static uint32_t compact_asks;
static uint32_t compact_runs; /* asks, from the first, that find it running */
static uint32_t compact_gain; /* ranges, free when it has ended */
static bool compact_cancels; /* somebody does, at the third ask */
static const char *compact_reason;
static int compact_result;

static int start_session(const struct ebb_msg_session_start *start,
			 int *ret_guest_errno, struct ebb_msg_error *ret_error)
{
	(void)ret_error;
	if (starts < EBB_ARRAY_SIZE(rearms))
		rearms[starts] = start->rearm;
	gentle = start->gentle;
	starts++;
	*ret_guest_errno = old_session;
	if (old_session)
		return -EREMOTEIO;
	/* A rearmed one offers again what it has offered before. */
	fake_guest_join(&guest);
	for (uint32_t i = 0; start->rearm && i < guest.range_count; i++)
		guest.ranges[i].done = false;
	return fake_guest_start(&guest, start->session_id);
}

static int stop_session(void)
{
	stops++;
	if (!old_session_stays)
		old_session = 0;
	return 0;
}

static int tell(const struct ebb_msg_target *target,
		struct ebb_msg_target_state *ret_state)
{
	tells++;
	last_target = *target;
	for (uint32_t ms = 0; tell_hangs && ms < 60000; ms++)
		ebb_sleep_us(1000);
	if (tell_result < 0)
		return tell_result;
	fake_guest_aim(&guest, target->bytes);
	*ret_state = (struct ebb_msg_target_state){
		.mechanism = "module", .held.shared_bytes = 900 * EBB_MIB
	};
	return 0;
}

static int compact(struct ebb_msg_compact_state *ret_state)
{
	if (compact_result < 0)
		return compact_result;
	ret_state->running = compact_asks++ < compact_runs;
	if (compact_asks == 3 && compact_cancels)
		guest.cancelled = true;
	snprintf(ret_state->reason, sizeof(ret_state->reason), "%s",
		 compact_reason);
	if (!ret_state->running && compact_runs)
		guest.free_count += compact_gain;
	return 0;
}

static int tell_facts(struct ebb_msg_facts *ret_facts)
{
	ret_facts->free_huge_bytes = 4 * RANGE;
	return facts_result;
}

static void begin_many(uint32_t range_count)
{
	assert_true(fake_guest_begin(&guest, range_count, RANGE));
	assert_int_equal(ebb_sigbus_install(), 0);
	fake_guest_tell(&guest, EBB_THRESHOLD_IDLE);
	fake_agent = (struct fake_agent){ .start = start_session,
					  .stop = stop_session,
					  .target = tell,
					  .compact = compact,
					  .facts = tell_facts };
	memset(&last_target, 0, sizeof(last_target));
	tells = 0;
	tell_result = 0;
	tell_hangs = false;
	starts = 0;
	memset(rearms, 0, sizeof(rearms));
	facts_result = 0;
	compact_asks = compact_runs = compact_gain = 0;
	compact_cancels = false;
	compact_reason = "";
	compact_result = 0;
	old_session = 0;
	old_session_stays = false;
	stops = 0;
	reclaim = (struct ebb_reclaim){
		.wish = { .bytes = 10 * RANGE, .timeout_ms = 15000 },
		.standing = { .bytes = 3 * RANGE,
			      .timeout_ms = EBB_TARGET_LEASE_MS },
		.grant_window_ms = 40 * EBB_GRANT_WINDOW_MS,
		.agent_ms = 100,
		.gone = &guest.gone,
		.disconnected = &disconnected,
		.leaving = &leaving,
		.cancelled = &guest.cancelled,
		.lender = guest.lender,
		.domain = fake_domain(),
		.channel = fake_channel(),
	};
	disconnected = false;
	leaving = false;
}

int __real_ebb_asker_new(struct ebb_asker **ret_asker);
int __wrap_ebb_asker_new(struct ebb_asker **ret_asker);

/* Each thread of a reclaim's own comes by here (ld --wrap). */
int __wrap_ebb_asker_new(struct ebb_asker **ret_asker)
{
	thread_count++;
	return __real_ebb_asker_new(ret_asker);
}

static bool drowsy; /* it naps after each range, as long as ever */
static uint32_t naps;
static atomic_bool hurried; /* in a nap somebody begins to wait */

uint64_t __real_ebb_gentle_group_bytes(uint64_t bytes_per_ms);
uint64_t __wrap_ebb_gentle_group_bytes(uint64_t bytes_per_ms);
uint64_t __real_ebb_gentle_nap_ns(uint64_t work_ns, uint32_t busy_percent);
uint64_t __wrap_ebb_gentle_nap_ns(uint64_t work_ns, uint32_t busy_percent);

uint64_t __wrap_ebb_gentle_group_bytes(uint64_t bytes_per_ms)
{
	return drowsy ? RANGE : __real_ebb_gentle_group_bytes(bytes_per_ms);
}

uint64_t __wrap_ebb_gentle_nap_ns(uint64_t work_ns, uint32_t busy_percent)
{
	naps++;
	hurried = true;
	return drowsy ? 50 * EBB_NS_PER_MS
		      : __real_ebb_gentle_nap_ns(work_ns, busy_percent);
}

static struct ebb_gentle_piece last_piece;

uint64_t __real_ebb_gentle_rest_ns(const struct ebb_gentle_piece *piece);
uint64_t __wrap_ebb_gentle_rest_ns(const struct ebb_gentle_piece *piece);

uint64_t __wrap_ebb_gentle_rest_ns(const struct ebb_gentle_piece *piece)
{
	last_piece = *piece;
	return __real_ebb_gentle_rest_ns(piece);
}

/* @free_count of 20 ranges are free. */
static void begin(uint32_t free_count)
{
	begin_many(20);
	guest.free_count = free_count;
	fake_guest_tell(&guest, EBB_THRESHOLD_IDLE);
}

/* What is wanted instead of a size. */
static void want_all(bool compact_it)
{
	reclaim.wish = (struct ebb_reclaim_wish){ .all = true,
						  .compact = compact_it,
						  .timeout_ms = 15000 };
}

static void run_on(void)
{
	ebb_reclaim_run(&reclaim);
	tell_hangs = false;
	assert_true(fake_agent_is_left());
	fake_guest_aim(&guest, 0);
	fake_guest_join(&guest);
	if (guest.wrong)
		fail_msg("%s", guest.wrong);
	assert_int_equal(reclaim.outcome.bytes, reclaim.books.reclaimed_bytes);
	assert_true(reclaim.books.driven_bytes <=
		    reclaim.books.reclaimed_bytes);
	assert_true(reclaim.end_ns >= reclaim.start_ns);
}

static void run(void)
{
	reclaim.swapped_before_bytes = UINT64_MAX;
	ebb_reclaim_prepare(&reclaim);
	assert_string_equal(ebb_reclaim_phase_name(reclaim.books.phase),
			    "taking");
	/* Not read yet: that may wait, and this runs on the loop. */
	assert_int_equal(reclaim.swapped_before_bytes, UINT64_MAX);
	run_on();
	assert_int_not_equal(reclaim.swapped_before_bytes, UINT64_MAX);
}

static void assert_outcome(enum ebb_reclaim_end ended, const char *reason)
{
	assert_string_equal(ebb_reclaim_end_name(reclaim.outcome.end),
			    ebb_reclaim_end_name(ended));
	assert_string_equal(reclaim.outcome.reason, reason);
}

static int end(void **state)
{
	(void)state;
	fake_guest_end(&guest);
	return 0;
}

static void test_enough_is_free(void **state)
{
	(void)state;
	begin(12);
	run();
	assert_outcome(EBB_END_SATISFIED, "");
	assert_int_equal(reclaim.outcome.bytes, 10 * RANGE);
	assert_int_equal(reclaim.books.driven_bytes, 0);
	assert_int_equal(tells, 0);
}

/* A host that died, or a guest that was examined anew: it is ended first. */
static void test_session_before(void **state)
{
	(void)state;
	begin(20);
	old_session = EALREADY;
	run();
	assert_int_equal(stops, 1);
	assert_outcome(EBB_END_SATISFIED, "");
}

static void test_session_before_stays(void **state)
{
	(void)state;
	begin(20);
	old_session = EALREADY;
	old_session_stays = true;
	run();
	assert_int_equal(stops, 1);
	assert_outcome(EBB_END_FAILED, "");
}

/* A piece is 64 MiB at least, which is 32 ranges of the 40. */
static void begin_gently(void)
{
	begin_many(40);
	fake_guest_tell(&guest, EBB_THRESHOLD_IDLE);
	want_all(false);
	reclaim.wish.gentle = true;
	guest.qemu.pid = getpid();
}

/* In a rest nothing is held, no session runs and none is wanted. */
static void assert_rests(void)
{
	assert_outcome(EBB_END_NONE, "");
	assert_int_equal(ebb_lease_state(guest.ring->host_word),
			 EBB_HOST_ATTACHED);
	assert_int_equal(guest.ring->session_state, EBB_SESSION_SATISFIED);
	for (int i = 0; i < EBB_SLOT_COUNT; i++)
		assert_int_equal(ebb_lease_state(guest.ring->slots[i].word),
				 EBB_LEASE_FREE);
}

static void test_gently(void **state)
{
	(void)state;
	begin_gently();
	run();
	assert_rests();
	assert_int_equal(reclaim.outcome.bytes, 32 * RANGE);
	assert_int_equal(starts, 1);
	assert_true(gentle);
	assert_in_range(reclaim.rest_ns, EBB_NS_PER_MS / 10, 2 * EBB_NS_PER_S);
	assert_true(reclaim.pace.napped_ns > 0);
	assert_int_equal(reclaim.books.batches, 4);
	run_on();
	assert_outcome(EBB_END_DRAINED, "");
	assert_int_equal(reclaim.outcome.bytes, 40 * RANGE);
	assert_int_equal(starts, 2);
}

/* What is enough ends it as ever, also in the middle of a piece. */
static void test_gently_enough(void **state)
{
	(void)state;
	begin_gently();
	reclaim.wish.all = false;
	reclaim.wish.bytes = 3 * RANGE;
	run();
	assert_outcome(EBB_END_SATISFIED, "");
	assert_int_equal(reclaim.outcome.bytes, 3 * RANGE);

	/* Nor does it rest where that is so at the end of one. */
	end(NULL);
	begin_gently();
	reclaim.wish.all = false;
	reclaim.wish.bytes = 32 * RANGE;
	run();
	assert_outcome(EBB_END_SATISFIED, "");
	assert_int_equal(reclaim.outcome.bytes, 32 * RANGE);
	assert_true(reclaim.pace.over);
}

/* It is to be had within half of its time limit, where that is less than ten seconds. */
static void test_gently_in_time(void **state)
{
	(void)state;
	begin_gently();
	reclaim.wish.timeout_ms = 8000;
	run();
	assert_rests();
	assert_true(last_piece.left_ns < 4 * EBB_NS_PER_S);
	assert_int_equal(last_piece.came_bytes, 32 * RANGE);
}

/* However slow it is: a batch is not out for longer by naps than a part of a second. */
static void test_gently_not_for_long(void **state)
{
	(void)state;
	begin_gently();
	guest.batch_slots = 32;
	drowsy = true;
	naps = 0;
	run();
	drowsy = false;
	assert_rests();
	assert_int_equal(reclaim.books.batches, 1);
	assert_true(naps <= 6);
}

/* Of the last batch of a piece something fails: it is offered again before the rest. */
static void test_gently_in_vain(void **state)
{
	(void)state;
	begin_gently();
	guest.manner = FAKE_REVOKES_ONE;
	guest.revoked_take = 32;
	guest.rounds = 2;
	run();
	assert_rests();
	assert_int_equal(starts, 1);
	assert_int_equal(reclaim.books.batches, 5);
	assert_int_equal(reclaim.outcome.bytes, 39 * RANGE);

	/* A guest that fails always gets its rests, too. */
	end(NULL);
	begin_gently();
	guest.manner = FAKE_REVOKES_TAKEN;
	guest.rounds = 10;
	run();
	assert_rests();
	assert_int_equal(starts, 1);
	assert_int_equal(reclaim.books.batches, 16);
	assert_int_equal(reclaim.outcome.bytes, 0);
}

/* Somebody waits from the beginning, or from a rest on. */
static void test_gently_no_more(void **state)
{
	(void)state;
	begin_gently();
	hurried = true;
	reclaim.hurried = &hurried;
	run();
	assert_outcome(EBB_END_DRAINED, "");
	assert_int_equal(reclaim.outcome.bytes, 40 * RANGE);
	assert_int_equal(reclaim.pace.napped_ns, 0);

	end(NULL);
	begin_gently();
	run();
	assert_rests();
	hurried = true;
	reclaim.hurried = &hurried;
	run_on();
	assert_false(gentle);
	assert_outcome(EBB_END_DRAINED, "");
	assert_int_equal(reclaim.outcome.bytes, 40 * RANGE);
	assert_int_equal(reclaim.pace.napped_ns, 0);
}

/* Or in a piece: the guest is told so, and takes its time no more. */
static void test_gently_no_more_in_a_piece(void **state)
{
	(void)state;
	begin_gently();
	hurried = false;
	reclaim.hurried = &hurried;
	drowsy = true;
	naps = 0;
	run();
	drowsy = false;
	assert_int_equal(naps, 1);
	assert_outcome(EBB_END_DRAINED, "");
	assert_int_equal(starts, 2);
	assert_false(gentle);
	assert_int_equal(reclaim.outcome.bytes, 40 * RANGE);
	assert_int_equal(reclaim.books.batches, 5);
}

/* The guest offers again what a restore made resident: once, in however many pieces. */
static void test_gently_again(void **state)
{
	(void)state;
	begin_gently();
	for (uint32_t i = 0; i < guest.range_count; i++)
		guest.ranges[i].done = true;
	run();
	assert_rests();
	assert_int_equal(starts, 2);
	assert_true(!rearms[0] && rearms[1]);
	run_on();
	assert_outcome(EBB_END_DRAINED, "");
	assert_int_equal(starts, 3);
	assert_false(rearms[2]);
	assert_int_equal(reclaim.outcome.bytes, 40 * RANGE);
}

/* Of another's page reporting: there is no session to end. */
static void test_reporting_is_busy(void **state)
{
	(void)state;
	begin(20);
	old_session = EBUSY;
	run();
	assert_int_equal(stops, 0);
	assert_outcome(EBB_END_REPORTING_BUSY, "");
}

static void test_driven(void **state)
{
	(void)state;
	begin(4);
	run();
	assert_outcome(EBB_END_SATISFIED, "");
	assert_int_equal(reclaim.outcome.bytes, 10 * RANGE);
	assert_int_equal(reclaim.books.driven_bytes, 6 * RANGE);
	/* What stood before stands again. */
	assert_int_equal(last_target.bytes, 3 * RANGE);
	assert_false(last_target.retry);
}

/* What a reclaim takes for free after it was driven is not driven. */
static void test_goes_on_after_driving(void **state)
{
	(void)state;
	begin(2);
	guest.free_limit = 6;
	run();
	assert_int_equal(reclaim.books.driven_bytes, 4 * RANGE);
	guest.free_count = 12;
	run_on();
	assert_outcome(EBB_END_SATISFIED, "");
	assert_int_equal(reclaim.outcome.bytes, 10 * RANGE);
	assert_int_equal(reclaim.books.driven_bytes, 4 * RANGE);
}

static void test_not_to_be_driven(void **state)
{
	(void)state;
	begin(4);
	reclaim.wish.free_only = true;
	run();
	assert_outcome(EBB_END_DRAINED, "");
	assert_int_equal(reclaim.outcome.bytes, 4 * RANGE);
	assert_int_equal(tells, 0);

	end(NULL);
	begin(4);
	want_all(false);
	run();
	assert_outcome(EBB_END_DRAINED, "");
	assert_int_equal(tells, 0);
}

static void test_dry_run(void **state)
{
	(void)state;
	begin(4);
	reclaim.wish.dry_run = true;
	run();
	assert_outcome(EBB_END_SATISFIED, "");
	assert_int_equal(starts, 0);
	assert_int_equal(reclaim.outcome.bytes, 0);
	assert_int_equal(reclaim.estimate.max_bytes, 4 * RANGE);
	facts_result = -ETIMEDOUT;
	run_on();
	assert_outcome(EBB_END_NO_AGENT, "");
}

static void test_guest_refuses(void **state)
{
	(void)state;
	begin(2);
	guest.free_limit = 6;
	run();
	assert_outcome(EBB_END_GUEST_REFUSED, "exhausted");
	assert_int_equal(reclaim.outcome.held.shared_bytes, 900 * EBB_MIB);
	assert_int_equal(reclaim.outcome.bytes, 6 * RANGE);
	assert_int_equal(reclaim.books.driven_bytes, 4 * RANGE);
	assert_int_equal(last_target.bytes, 3 * RANGE);
}

static void test_agent_is_too_old(void **state)
{
	(void)state;
	begin(4);
	tell_result = -ENOSYS;
	run();
	assert_outcome(EBB_END_GUEST_REFUSED, "too-old");
	assert_int_equal(reclaim.outcome.bytes, 4 * RANGE);
}

/* The time is that of the whole. */
static void test_time_of_the_whole(void **state)
{
	uint64_t before_ns;

	(void)state;
	begin(4);
	guest.drive_ms = 4000;
	reclaim.wish.timeout_ms = 2000;
	ebb_reclaim_prepare(&reclaim);
	/* No part of it: a wait for a thread to run on. */
	ebb_sleep_us(20 * 1000);
	before_ns = ebb_now_ns();
	run_on();
	assert_true(reclaim.start_ns >= before_ns);
	assert_outcome(EBB_END_TIMEOUT, "");
	assert_in_range((reclaim.end_ns - reclaim.start_ns) / 1000, 1900000,
			15000000);
	assert_int_equal(last_target.bytes, 3 * RANGE);
}

static void test_guest_goes_while_driven(void **state)
{
	(void)state;
	begin(0);
	guest.manner = FAKE_RESETS;
	run();
	assert_outcome(EBB_END_GUEST_GONE, "");
	/* Tried all the same. */
	assert_int_equal(last_target.bytes, 3 * RANGE);
}

static void test_compacted(void **state)
{
	(void)state;
	begin(4);
	want_all(true);
	compact_runs = 3;
	compact_gain = 5;
	run();
	assert_outcome(EBB_END_DRAINED, "");
	assert_int_equal(reclaim.outcome.bytes, 9 * RANGE);
	assert_int_equal(compact_asks, 4);
	assert_int_equal(tells, 0);
}

/* It comes before the guest has to give anything up, and may save that. */
static void test_compacted_and_driven(void **state)
{
	(void)state;
	begin(4);
	reclaim.wish.compact = true;
	compact_runs = 1;
	compact_gain = 2;
	run();
	assert_outcome(EBB_END_SATISFIED, "");
	assert_int_equal(reclaim.outcome.bytes, 10 * RANGE);
	assert_int_equal(reclaim.books.driven_bytes, 4 * RANGE);

	end(NULL);
	begin(4);
	reclaim.wish.compact = true;
	compact_runs = 1;
	compact_gain = 8;
	run();
	assert_outcome(EBB_END_SATISFIED, "");
	assert_int_equal(tells, 0);

	end(NULL);
	begin(12);
	reclaim.wish.compact = true;
	run();
	assert_outcome(EBB_END_SATISFIED, "");
	assert_int_equal(compact_asks, 0);
}

static void test_not_compacted(void **state)
{
	static const struct {
		int result;
		const char *reason;
		const char *end_reason;
	} cases[] = {
		{ 0, "nothing", "nothing" },	 { 0, "too-soon", "too-soon" },
		{ 0, "whatever", "whatever" },	 { -ENOSYS, "", "too-old" },
		{ -ETIMEDOUT, "", "no-answer" },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		begin(4);
		want_all(true);
		compact_result = cases[i].result;
		compact_reason = cases[i].reason;
		run();
		assert_outcome(EBB_END_DRAINED, cases[i].end_reason);
		assert_int_equal(reclaim.outcome.bytes, 4 * RANGE);
		end(NULL);
	}
	begin(4);
}

/* A guest that says for ever that it compacts. */
static void test_compacts_for_ever(void **state)
{
	(void)state;
	begin(4);
	want_all(true);
	reclaim.wish.timeout_ms = 1000;
	compact_runs = UINT32_MAX;
	run();
	assert_outcome(EBB_END_TIMEOUT, "");
	assert_int_equal(reclaim.outcome.bytes, 4 * RANGE);
	assert_in_range(compact_asks, 2, 40);

	end(NULL);
	begin(4);
	want_all(true);
	compact_runs = UINT32_MAX;
	compact_cancels = true;
	run();
	assert_outcome(EBB_END_CANCELLED, "");
	assert_int_equal(compact_asks, 3);
}

/* After a restore the host holds again what was taken before. */
static void test_host_holds_it_again(void **state)
{
	(void)state;
	begin_many(FAKE_RANGE_MAX);
	want_all(false);
	run();
	assert_int_equal(starts, 1);
	assert_int_equal(reclaim.outcome.bytes, FAKE_RANGE_MAX * RANGE);
	fake_guest_refill(&guest);
	starts = 0;
	run_on();
	assert_int_equal(starts, 2);
	assert_false(rearms[0]);
	assert_true(rearms[1]);
	assert_outcome(EBB_END_DRAINED, "");
	assert_int_equal(reclaim.outcome.bytes, 2 * FAKE_RANGE_MAX * RANGE);
}

/* However many sessions there are, its threads are made once. */
static void test_threads_are_made_once(void **state)
{
	(void)state;
	begin(0);
	guest.free_limit = 20;
	guest.batch_slots = 1;
	thread_count = 0;
	reclaim.wish.bytes = 20 * RANGE;
	run();
	assert_outcome(EBB_END_SATISFIED, "");
	assert_true(starts >= 2);
	assert_int_equal(thread_count, 2);
}

static void *cancel(void *opaque)
{
	(void)opaque;
	ebb_sleep_us(300 * 1000);
	guest.cancelled = true;
	return NULL;
}

/* An agent that hangs while the guest is driven: Ctrl-C ends it all the same. */
static void test_cancelled_while_the_agent_hangs(void **state)
{
	uint64_t start_ns = ebb_now_ns();
	pthread_t canceller;

	(void)state;
	begin(4);
	reclaim.wish.timeout_ms = 60000;
	tell_hangs = true;
	assert_int_equal(pthread_create(&canceller, NULL, cancel, NULL), 0);
	run();
	pthread_join(canceller, NULL);
	assert_outcome(EBB_END_CANCELLED, "");
	assert_int_equal(reclaim.outcome.bytes, 4 * RANGE);
	assert_true(ebb_now_ns() - start_ns < 30 * UINT64_C(1000000000));
}

/* Whose end it is is told where it is noticed. */
static void test_libvirt_went(void **state)
{
	(void)state;
	begin(4);
	disconnected = true;
	guest.gone = true;
	run();
	assert_outcome(EBB_END_LIBVIRT_GONE, "");
	end(NULL);
	begin(4);
	leaving = true;
	guest.gone = true;
	run();
	assert_outcome(EBB_END_EBBD_ENDS, "");
	end(NULL);
	begin(4);
	guest.gone = true;
	run();
	assert_outcome(EBB_END_GUEST_GONE, "");
}

#define RECLAIM_TEST(test) cmocka_unit_test_teardown(test, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RECLAIM_TEST(test_enough_is_free),
		RECLAIM_TEST(test_session_before),
		RECLAIM_TEST(test_session_before_stays),
		RECLAIM_TEST(test_reporting_is_busy),
		RECLAIM_TEST(test_gently),
		RECLAIM_TEST(test_gently_enough),
		RECLAIM_TEST(test_gently_in_time),
		RECLAIM_TEST(test_gently_not_for_long),
		RECLAIM_TEST(test_gently_in_vain),
		RECLAIM_TEST(test_gently_no_more),
		RECLAIM_TEST(test_gently_no_more_in_a_piece),
		RECLAIM_TEST(test_gently_again),
		RECLAIM_TEST(test_driven),
		RECLAIM_TEST(test_goes_on_after_driving),
		RECLAIM_TEST(test_not_to_be_driven),
		RECLAIM_TEST(test_guest_refuses),
		RECLAIM_TEST(test_agent_is_too_old),
		RECLAIM_TEST(test_time_of_the_whole),
		RECLAIM_TEST(test_guest_goes_while_driven),
		RECLAIM_TEST(test_compacted),
		RECLAIM_TEST(test_compacted_and_driven),
		RECLAIM_TEST(test_not_compacted),
		RECLAIM_TEST(test_compacts_for_ever),
		RECLAIM_TEST(test_dry_run),
		RECLAIM_TEST(test_host_holds_it_again),
		RECLAIM_TEST(test_threads_are_made_once),
		RECLAIM_TEST(test_cancelled_while_the_agent_hangs),
		RECLAIM_TEST(test_libvirt_went),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
