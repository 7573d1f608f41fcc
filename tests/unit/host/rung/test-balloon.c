/* SPDX-License-Identifier: GPL-2.0-only */
/* Rung balloon: guests of several manners, whose balloon is inflated. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "host/base/loop.h"
#include "host/base/worker.h"
#include "host/memory/process.h"
#include "host/rung/balloon.h"
#include "tests/unit/host/rung/fake-balloon.h"

/* ---- in place of clock.c: who sleeps has slept at once ---- */

static _Atomic uint64_t slept_ns;

uint64_t ebb_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * EBB_NS_PER_S + (uint64_t)now.tv_nsec +
	       slept_ns;
}

void ebb_sleep_us(uint32_t us)
{
	slept_ns += us * EBB_NS_PER_US;
}

/* ---- the host's books, in place of process.c ---- */

static struct ebb_guest_process qemu;
static atomic_bool never, cancelled, leaving;
/* What the guest does when its balloon leaves so little. */
static uint64_t turn_bytes;
static void (*turn)(void);

int ebb_guest_process_usage(pid_t pid, struct ebb_holding *ret_holding)
{
	(void)pid;
	if (turn && fake_balloon.actual_bytes <= turn_bytes)
		turn();
	*ret_holding = (struct ebb_holding){ .resident_bytes =
						     fake_balloon.actual_bytes,
					     .swapped_known = true };
	return 0;
}

bool ebb_guest_process_alive(const struct ebb_guest_process *process)
{
	(void)process;
	return true;
}

void ebb_guest_process_holding(const struct ebb_guest_process *process,
			       uint32_t max_age_ms,
			       struct ebb_holding *ret_holding)
{
	(void)process;
	(void)max_age_ms;
	*ret_holding = (struct ebb_holding){ 0 };
}

/* ---- the tests ---- */

static struct ebb_hand hand;
static struct ebb_reclaim reclaim;

static int set_up(void **state)
{
	(void)state;
	fake_balloon_reset();
	cancelled = leaving = false;
	slept_ns = 0;
	turn = NULL;
	turn_bytes = 1500 * EBB_MIB;
	qemu = (struct ebb_guest_process){ .pid = 42 };
	ebb_hand_init(&hand, "qemu:///system", "u");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_balloon.hung = false;
	ebb_hand_release(&hand);
	for (int i = 0; i < 1000 && fake_balloon.lines; i++)
		usleep(10 * 1000);
	assert_int_equal(fake_balloon.lines, 0);
	return 0;
}

/* 0: all. */
static void want(uint64_t mib)
{
	reclaim = (struct ebb_reclaim){
		.wish = { .bytes = mib * EBB_MIB,
			  .all = !mib,
			  .timeout_ms = 600000 },
		.gone = &never,
		.disconnected = &never,
		.leaving = &leaving,
		.cancelled = &cancelled,
		.lender = { .qemu = &qemu },
		.memory_bytes = 2 * EBB_GIB,
		.hand = &hand,
		.period_s = 7,
	};
}

static void run(void)
{
	ebb_balloon_prepare(&reclaim);
	ebb_balloon_run(&reclaim);
}

static void take(uint64_t mib)
{
	want(mib);
	run();
}

static void is_refused_for(const char *reason)
{
	assert_int_equal(reclaim.outcome.end, EBB_END_GUEST_REFUSED);
	assert_string_equal(reclaim.outcome.reason, reason);
}

static void holds(uint64_t mib)
{
	assert_int_equal(fake_balloon.record_base_bytes, mib ? 2 * EBB_GIB : 0);
	assert_int_equal(fake_balloon.left_bytes, 2 * EBB_GIB - mib * EBB_MIB);
	assert_int_equal(ebb_hand_holds(&hand), mib > 0);
	/* Its own period is put back with the last byte. */
	assert_int_equal(fake_balloon.period_s, mib ? 1 : 7);
	if (!mib)
		return;
	assert_int_equal(fake_balloon.record_left_bytes,
			 fake_balloon.left_bytes);
	assert_int_equal(hand.record.left_bytes, fake_balloon.left_bytes);
}

static void test_takes_what_was_asked(void **state)
{
	(void)state;
	take(500);
	assert_int_equal(reclaim.outcome.end, EBB_END_SATISFIED);
	assert_int_equal(reclaim.outcome.bytes, 500 * EBB_MIB);
	holds(500);
	/* More of it has the same base. */
	take(200);
	assert_int_equal(reclaim.outcome.end, EBB_END_SATISFIED);
	holds(700);
}

/* 300 MiB are used, and one and a half cushions of 256 MiB stay. */
static void test_leaves_what_it_needs(void **state)
{
	(void)state;
	take(1800);
	is_refused_for("guest-need");
	assert_in_range(reclaim.outcome.bytes, 1360 * EBB_MIB, 1364 * EBB_MIB);
	assert_in_range(fake_balloon.actual_bytes, 684 * EBB_MIB,
			688 * EBB_MIB);
}

static void test_all_is_what_is_free(void **state)
{
	(void)state;
	fake_balloon.cache_bytes = 1000 * EBB_MIB;
	take(0);
	assert_int_equal(reclaim.outcome.end, EBB_END_DRAINED);
	/* But for what the kernel has in reserve. */
	assert_in_range(reclaim.outcome.bytes, 680 * EBB_MIB, 684 * EBB_MIB);
}

static void test_never_below_min(void **state)
{
	(void)state;
	want(1000);
	reclaim.floor_bytes = 1600 * EBB_MIB;
	run();
	is_refused_for("min");
	assert_in_range(fake_balloon.left_bytes, 1600 * EBB_MIB,
			1604 * EBB_MIB);
}

static void test_dry_run(void **state)
{
	(void)state;
	want(0);
	reclaim.wish.dry_run = true;
	run();
	assert_int_equal(reclaim.outcome.end, EBB_END_SATISFIED);
	assert_int_equal(reclaim.estimate.max_bytes, 1364 * EBB_MIB);
	assert_int_equal(fake_balloon.resizes, 0);
	holds(0);
}

static void grow(void)
{
	fake_balloon.used_bytes = 1300 * EBB_MIB;
}

static void swap(void)
{
	fake_balloon.swapped_bytes += 5 * EBB_MIB;
}

/* libvirt has told it, and nothing of what was asked for is there yet. */
static void plug(void)
{
	turn = NULL;
	cancelled = true;
	fake_balloon.memory_bytes += EBB_GIB;
	fake_balloon.actual_bytes += EBB_GIB;
	fake_balloon.left_bytes += EBB_GIB;
}

static void get_stuck(void)
{
	fake_balloon.stuck = true;
}

static void fall_silent(void)
{
	fake_balloon.driver = false;
}

static void cancel(void)
{
	cancelled = true;
}

static void test_gives_back_when_it_needs_it(void **state)
{
	(void)state;
	turn = grow;
	take(1000);
	is_refused_for("low-memory");
	holds(0);
	ebb_hand_release(&hand);
	set_up(state);
	turn = swap;
	take(1000);
	is_refused_for("swapping");
	holds(0);
}

/* What is in it is held, and what is not is not asked for any more. */
static void test_stuck(void **state)
{
	uint64_t actual_bytes;

	(void)state;
	turn = get_stuck;
	take(1000);
	is_refused_for("balloon-stuck");
	actual_bytes = fake_balloon.actual_bytes;
	assert_true(actual_bytes <= turn_bytes);
	assert_int_equal(fake_balloon.left_bytes, actual_bytes);
	assert_int_equal(fake_balloon.record_left_bytes, actual_bytes);
	assert_true(ebb_hand_holds(&hand));
}

/* One that does not move at all holds nothing. */
static void test_never_moves(void **state)
{
	(void)state;
	fake_balloon.stuck = true;
	take(1000);
	is_refused_for("balloon-stuck");
	assert_int_equal(reclaim.outcome.bytes, 0);
	holds(0);
}

static void test_silent(void **state)
{
	(void)state;
	fake_balloon.driver = false;
	take(1000);
	is_refused_for("balloon-silent");
	assert_int_equal(fake_balloon.resizes, 0);
	holds(0);
}

static void test_falls_silent(void **state)
{
	(void)state;
	turn = fall_silent;
	take(1000);
	assert_int_equal(reclaim.outcome.end, EBB_END_GUEST_REFUSED);
	assert_true(ebb_hand_holds(&hand));
	assert_int_equal(fake_balloon.left_bytes, fake_balloon.actual_bytes);
}

/* Another one's is the base, and its end is waited for. */
static void test_anothers_balloon(void **state)
{
	(void)state;
	fake_balloon.actual_bytes = fake_balloon.left_bytes = 1500 * EBB_MIB;
	take(300);
	assert_int_equal(reclaim.outcome.end, EBB_END_SATISFIED);
	assert_int_equal(fake_balloon.record_base_bytes, 1500 * EBB_MIB);
	assert_int_equal(fake_balloon.left_bytes, 1200 * EBB_MIB);
	ebb_hand_release(&hand);
	set_up(state);
	fake_balloon.left_bytes = 1000 * EBB_MIB;
	fake_balloon.step_bytes = EBB_MIB;
	take(300);
	is_refused_for("balloon-moves");
	assert_int_equal(fake_balloon.record_base_bytes, 0);
	assert_int_equal(fake_balloon.resizes, 0);
}

/* The guest was reset, and QEMU does not know that the balloon is empty. */
static void test_unclear(void **state)
{
	(void)state;
	fake_balloon.total_bytes = 2000 * EBB_MIB;
	fake_balloon.actual_bytes = fake_balloon.left_bytes = 1500 * EBB_MIB;
	take(300);
	is_refused_for("balloon-unclear");
	assert_int_equal(fake_balloon.resizes, 0);
	want(300);
	reclaim.autodeflate = true;
	run();
	assert_int_equal(reclaim.outcome.end, EBB_END_SATISFIED);
}

static void leave(void)
{
	leaving = true;
}

/* Whether ebbd ends in the midst of it, or just after its end. */
static void test_ebbd_ends(void **state)
{
	(void)state;
	take(300);
	holds(300);
	turn = leave;
	take(1000);
	assert_true(leaving);
	holds(0);
}

static void test_ends_where_it_is(void **state)
{
	(void)state;
	turn = cancel;
	take(1000);
	assert_int_equal(reclaim.outcome.end, EBB_END_CANCELLED);
	assert_int_equal(fake_balloon.left_bytes, fake_balloon.actual_bytes);
	assert_true(ebb_hand_holds(&hand));
	assert_int_equal(hand.record.left_bytes, fake_balloon.left_bytes);
}

/* That the balloon leaves more than before is no reason to forget it. */
static void test_memory_is_plugged(void **state)
{
	(void)state;
	turn = plug;
	fake_balloon.step_bytes = 20 * EBB_MIB;
	turn_bytes = 1900 * EBB_MIB;
	take(1000);
	assert_int_equal(reclaim.outcome.end, EBB_END_CANCELLED);
	assert_true(ebb_hand_holds(&hand));
	assert_int_equal(fake_balloon.record_memory_bytes, 3 * EBB_GIB);
	assert_int_equal(fake_balloon.record_base_bytes, 3 * EBB_GIB);
	assert_int_equal(fake_balloon.record_left_bytes,
			 fake_balloon.left_bytes);
	assert_int_equal(fake_balloon.left_bytes, fake_balloon.actual_bytes);
	assert_true(fake_balloon.left_bytes < 3 * EBB_GIB - 100 * EBB_MIB);
}

static void test_libvirt_refuses(void **state)
{
	(void)state;
	fake_balloon.result = -EIO;
	take(100);
	assert_int_equal(reclaim.outcome.end, EBB_END_FAILED);
	assert_string_equal(reclaim.outcome.error.text, "its words");
}

/* Of the hang nobody but who waits knows, and he does not wait for ever. */
static void test_hangs(void **state)
{
	uint64_t start_ns = ebb_now_ns();

	(void)state;
	fake_balloon.hung = true;
	take(100);
	assert_int_equal(reclaim.outcome.end, EBB_END_FAILED);
	assert_non_null(strstr(reclaim.outcome.error.text, "does not answer"));
	assert_in_range(ebb_now_ns() - start_ns, 4 * EBB_NS_PER_S,
			60 * EBB_NS_PER_S);
	assert_true(ebb_hand_is_asked(&hand));
}

static int heard;
static bool told;

static void hear(void *opaque)
{
	heard = ebb_hand_hear_driver(&hand, 7, opaque);
}

static void note_heard(void *opaque)
{
	(void)opaque;
	told = true;
}

static void run_hear(struct ebb_workers *workers,
		     struct ebb_hand_answer *answer)
{
	told = false;
	assert_int_equal(ebb_workers_run(workers, EBB_WORK_LOOK, hear,
					 note_heard, answer),
			 0);
}

static void await_heard(void)
{
	while (!told)
		assert_int_equal(ebb_loop_turn(), 0);
}

/* Else its statistics would keep the period that they have for as long as that takes. */
static void test_ebbd_does_not_end_while_the_driver_is_asked(void **state)
{
	struct ebb_hand_answer answer;
	struct ebb_workers *workers;
	unsigned int acts;

	(void)state;
	assert_int_equal(ebb_workers_new(EBB_WORKERS_MIN, 1, &workers), 0);
	fake_balloon.hung = true;
	run_hear(workers, &answer);
	while (!fake_balloon.waits)
		usleep(1000);
	assert_false(ebb_workers_stop(workers));
	fake_balloon.hung = false;
	await_heard();
	assert_int_equal(heard, 0);
	assert_int_equal(fake_balloon.period_s, 7);
	assert_true(ebb_workers_stop(workers));
	acts = fake_balloon.acts;
	run_hear(workers, &answer);
	await_heard();
	assert_int_equal(heard, -ECANCELED);
	assert_int_equal(fake_balloon.acts, acts);
	ebb_workers_free(workers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define RUN(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
		RUN(test_takes_what_was_asked),
		RUN(test_leaves_what_it_needs),
		RUN(test_all_is_what_is_free),
		RUN(test_never_below_min),
		RUN(test_dry_run),
		RUN(test_gives_back_when_it_needs_it),
		RUN(test_stuck),
		RUN(test_never_moves),
		RUN(test_silent),
		RUN(test_falls_silent),
		RUN(test_anothers_balloon),
		RUN(test_unclear),
		RUN(test_ebbd_ends),
		RUN(test_ends_where_it_is),
		RUN(test_memory_is_plugged),
		RUN(test_libvirt_refuses),
		RUN(test_hangs),
		RUN(test_ebbd_does_not_end_while_the_driver_is_asked),
	};

	if (ebb_loop_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
