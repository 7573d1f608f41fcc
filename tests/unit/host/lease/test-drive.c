/* SPDX-License-Identifier: GPL-2.0-only */
/* Driving: what is decided upon which facts, and guests of several manners. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/size.h"
#include "host/lease/drive.h"
#include "host/memory/sigbus.h"
#include "tests/unit/host/lease/fake-agent.h"
#include "tests/unit/host/lease/fake-guest.h"

#define RANGE ((uint64_t)FAKE_RANGE_BYTES)

/* ---- decisions ---- */

/* 100 MiB were free and taken, 500 MiB are the goal, the guest drives. */
static struct ebb_drive_view driving(uint64_t free_mib)
{
	return (struct ebb_drive_view){
		.goal_bytes = 500 * EBB_MIB,
		.by_module = true,
		.before = { 1, 100 * EBB_MIB, 0, 7, EBB_THRESHOLD_IDLE,
			    EBB_DROP_OOM },
		.told = { 2, 100 * EBB_MIB, 500 * EBB_MIB, 7,
			  EBB_THRESHOLD_DRIVING, EBB_DROP_OOM },
		.now = { 3, free_mib * EBB_MIB, 500 * EBB_MIB, 7,
			 EBB_THRESHOLD_DRIVING, EBB_DROP_OOM },
		.taken_bytes = 100 * EBB_MIB,
	};
}

static void test_waits_for_growth(void **state)
{
	struct ebb_drive_view view = driving(200);

	(void)state;
	assert_int_equal(ebb_drive_decide(&view), EBB_DRIVE_WAIT);
	view = driving(228);
	assert_int_equal(ebb_drive_decide(&view), EBB_DRIVE_SESSION);
	view = driving(500);
	assert_int_equal(ebb_drive_decide(&view), EBB_DRIVE_SESSION);
	view = driving(0);
	assert_int_equal(ebb_drive_decide(&view), EBB_DRIVE_WAIT);
	view = driving(200);
	view.now.state = EBB_THRESHOLD_FRAGMENTED;
	assert_int_equal(ebb_drive_decide(&view), EBB_DRIVE_WAIT);
	view.now.state = 77;
	assert_int_equal(ebb_drive_decide(&view), EBB_DRIVE_WAIT);
	view.still_ms = 9999;
	assert_int_equal(ebb_drive_decide(&view), EBB_DRIVE_WAIT);
	view.still_ms = 10000;
	assert_int_equal(ebb_drive_decide(&view), EBB_DRIVE_SESSION);
}

static void test_terminal_states(void **state)
{
	static const struct {
		enum ebb_threshold_state state;
		uint64_t target_bytes;
		uint64_t drop_count;
		const char *reason;
	} cases[] = {
		{ EBB_THRESHOLD_HELD, 500 * EBB_MIB, 7, "exhausted" },
		{ EBB_THRESHOLD_HELD, 300 * EBB_MIB, 7, "limit" },
		{ EBB_THRESHOLD_EXHAUSTED, 500 * EBB_MIB, 7, "exhausted" },
		{ EBB_THRESHOLD_IDLE, 0, 7, "no-answer" },
		{ EBB_THRESHOLD_DROPPED, 0, 8, "oom" },
		/* Dropped, and the agent was fast to try again. */
		{ EBB_THRESHOLD_DRIVING, 500 * EBB_MIB, 8, "oom" },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		struct ebb_drive_view view = driving(110);

		view.now.state = cases[i].state;
		view.now.target_bytes = cases[i].target_bytes;
		view.now.drop_count = cases[i].drop_count;
		assert_int_equal(ebb_drive_decide(&view), EBB_DRIVE_SESSION);
		assert_string_equal(ebb_drive_reason(&view), cases[i].reason);
		view.session_ran = true;
		view.brought_bytes = 2 * EBB_MIB - 1;
		assert_int_equal(ebb_drive_decide(&view), EBB_DRIVE_END);
		/* What a session brought is a reason to go on... */
		view.brought_bytes = 2 * EBB_MIB;
		/* ...but not with a guest that needs its memory. */
		assert_int_equal(ebb_drive_decide(&view),
				 cases[i].drop_count == 7 ? EBB_DRIVE_TELL
							  : EBB_DRIVE_END);
	}
}

/* A state from before the target says nothing of it. */
static void test_old_facts(void **state)
{
	static const enum ebb_threshold_state states[] = {
		EBB_THRESHOLD_IDLE, EBB_THRESHOLD_HELD, EBB_THRESHOLD_EXHAUSTED,
		EBB_THRESHOLD_DROPPED
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(states); i++) {
		struct ebb_drive_view view = driving(110);

		view.before.state = states[i];
		view.told = view.now = view.before;
		assert_int_equal(ebb_drive_decide(&view), EBB_DRIVE_WAIT);
		assert_string_equal(ebb_drive_reason(&view), "no-answer");
		view.now.stamp_ns++;
		assert_int_equal(ebb_drive_decide(&view), EBB_DRIVE_SESSION);
	}
}

/* Where the agent drives by other means, ebb.ko's state is none. */
static void test_not_by_module(void **state)
{
	struct ebb_drive_view view = driving(110);

	(void)state;
	view.by_module = false;
	view.now.state = EBB_THRESHOLD_IDLE;
	view.now.target_bytes = 0;
	assert_int_equal(ebb_drive_decide(&view), EBB_DRIVE_WAIT);
	view.still_ms = 10000;
	assert_int_equal(ebb_drive_decide(&view), EBB_DRIVE_SESSION);
	view.session_ran = true;
	assert_int_equal(ebb_drive_decide(&view), EBB_DRIVE_END);
	assert_string_equal(ebb_drive_reason(&view), "exhausted");
}

static void test_fruitless_sessions(void **state)
{
	struct ebb_drive_view view = driving(400);

	(void)state;
	view.session_ran = true;
	view.fruitless = 1;
	assert_int_equal(ebb_drive_decide(&view), EBB_DRIVE_TELL);
	view.fruitless = 3;
	assert_int_equal(ebb_drive_decide(&view), EBB_DRIVE_END);
}

/* Whatever a guest writes there. */
static void test_hostile_facts(void **state)
{
	struct ebb_drive_view view = driving(0);

	(void)state;
	memset(&view.now, 0xff, sizeof(view.now));
	assert_int_equal(ebb_drive_decide(&view), EBB_DRIVE_SESSION);
	view.taken_bytes = UINT64_MAX;
	view.goal_bytes = UINT64_MAX;
	assert_int_equal(ebb_drive_decide(&view), EBB_DRIVE_SESSION);
	view.session_ran = true;
	assert_int_equal(ebb_drive_decide(&view), EBB_DRIVE_END);
	assert_string_equal(ebb_drive_reason(&view), "unknown");
}

static void test_goals(void **state)
{
	static const struct {
		uint64_t free, wanted, memory, goal;
	} cases[] = {
		{ 0, 64 * EBB_MIB, EBB_GIB, 72 * EBB_MIB },
		{ 100 * EBB_MIB, 320 * EBB_MIB, EBB_GIB, 430 * EBB_MIB },
		{ 100 * EBB_MIB, 2 * EBB_GIB, EBB_GIB, EBB_GIB },
		{ EBB_GIB - 1, 1, EBB_GIB, EBB_GIB },
		{ UINT64_MAX, 1, EBB_GIB, EBB_GIB },
		{ 1, UINT64_MAX, EBB_GIB, EBB_GIB },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++)
		assert_int_equal(ebb_drive_goal(cases[i].free, cases[i].wanted,
						cases[i].memory),
				 cases[i].goal);
}

/* ---- a whole guest ---- */

static struct fake_guest guest;
static struct ebb_bounds bounds;
static uint32_t timeout_ms;
static struct ebb_books books;
static struct ebb_outcome outcome;
static atomic_bool asked_wrong; /* on another thread */
static int tell_result;
static uint32_t tell_fails_from; /* the call from which that is the answer */
static const char *answer_reason;
static const char *mechanism;
static bool cancel_when_told;

static struct {
	uint32_t tells;
	uint32_t retries;
	uint64_t first_target;
	uint32_t sessions;
} seen;

static int start_session(const struct ebb_msg_session_start *start,
			 int *ret_guest_errno, struct ebb_msg_error *ret_error)
{
	(void)ret_guest_errno;
	(void)ret_error;
	seen.sessions++;
	return fake_guest_start(&guest, start->session_id);
}

static int tell(const struct ebb_msg_target *target,
		struct ebb_msg_target_state *ret_state)
{
	if (target->timeout_ms != EBB_TARGET_LEASE_MS || !target->urgent)
		asked_wrong = true;
	if (seen.tells == 0)
		seen.first_target = target->bytes;
	seen.tells++;
	seen.retries += target->retry;
	if (tell_result < 0 && seen.tells >= tell_fails_from)
		return tell_result;
	fake_guest_aim(&guest, target->bytes);
	strcpy(ret_state->mechanism, mechanism);
	strcpy(ret_state->reason, answer_reason);
	if (cancel_when_told)
		guest.cancelled = true;
	return 0;
}

/* All of the guest is in use. */
static void begin_guest(uint32_t range_count)
{
	assert_true(fake_guest_begin(&guest, range_count, RANGE));
	assert_int_equal(ebb_sigbus_install(), 0);
	guest.free_count = 0;
	fake_guest_tell(&guest, EBB_THRESHOLD_IDLE);
	fake_agent =
		(struct fake_agent){ .start = start_session, .target = tell };
	timeout_ms = 15000;
	bounds = (struct ebb_bounds){
		.bytes = 10 * RANGE,
		.grant_window_ms = 40 * EBB_GRANT_WINDOW_MS,
		.gone = &guest.gone,
		.cancelled = &guest.cancelled,
	};
	memset(&books, 0, sizeof(books));
	memset(&seen, 0, sizeof(seen));
	memset(&outcome, 0, sizeof(outcome));
	tell_result = 0;
	tell_fails_from = 1;
	answer_reason = "";
	mechanism = "module";
	cancel_when_told = false;
}

static enum ebb_reclaim_end run(void)
{
	uint64_t before_bytes = books.reclaimed_bytes;
	struct ebb_tools tools;

	bounds.deadline_ns = ebb_now_ns() + timeout_ms * UINT64_C(1000000);
	assert_int_equal(ebb_tools_init(&tools, &guest.lender, &bounds, &books,
					fake_domain(), fake_channel(), 5000),
			 0);
	outcome = ebb_drive_run(&tools);
	ebb_tools_release(&tools);
	assert_true(fake_agent_is_left());
	fake_guest_aim(&guest, 0);
	fake_guest_join(&guest);
	if (guest.wrong)
		fail_msg("%s", guest.wrong);
	assert_false(asked_wrong);
	assert_true(seen.retries <= 1);
	assert_int_equal(outcome.bytes, books.reclaimed_bytes - before_bytes);
	assert_int_equal(outcome.bytes, books.driven_bytes);
	assert_int_equal(ebb_lease_state(guest.ring->host_word),
			 EBB_HOST_ATTACHED);
	return outcome.end;
}

static int end_guest(void **state)
{
	(void)state;
	fake_guest_end(&guest);
	return 0;
}

static void test_driven_until_satisfied(void **state)
{
	(void)state;
	begin_guest(20);
	assert_int_equal(run(), EBB_END_SATISFIED);
	assert_int_equal(books.reclaimed_bytes, 10 * RANGE);
	assert_string_equal(outcome.reason, "");
	assert_int_equal(seen.first_target, 10 * RANGE + 8 * EBB_MIB);
	assert_int_equal(seen.retries, 1);
	/* No more than was asked, and what the slack makes of it. */
	assert_true(guest.free_count <= 14);
}

/* What the guest learnt in the first part of a reclaim holds in the next one. */
static void test_driven_anew_it_keeps_what_it_learnt(void **state)
{
	(void)state;
	begin_guest(20);
	assert_int_equal(run(), EBB_END_SATISFIED);
	fake_guest_end(&guest);
	begin_guest(20);
	books.driven = true;
	assert_int_equal(run(), EBB_END_SATISFIED);
	assert_true(seen.tells > 0);
	assert_int_equal(seen.retries, 0);
}

/* What was taken before counts, and is free still. */
static void test_driven_beyond_what_was_free(void **state)
{
	(void)state;
	begin_guest(20);
	guest.free_count = 4;
	for (uint32_t i = 0; i < 4; i++)
		guest.ranges[i].done = true;
	fake_guest_tell(&guest, EBB_THRESHOLD_IDLE);
	books.reclaimed_bytes = 4 * RANGE;
	assert_int_equal(run(), EBB_END_SATISFIED);
	assert_int_equal(books.reclaimed_bytes, 10 * RANGE);
	assert_int_equal(seen.first_target, 10 * RANGE + 8 * EBB_MIB);
}

static void test_guest_has_no_more(void **state)
{
	(void)state;
	begin_guest(20);
	guest.free_limit = 6;
	assert_int_equal(run(), EBB_END_GUEST_REFUSED);
	assert_string_equal(outcome.reason, "exhausted");
	assert_int_equal(books.reclaimed_bytes, 6 * RANGE);
}

/* The agent knows better why it is less. */
static void test_agent_says_why(void **state)
{
	(void)state;
	begin_guest(20);
	guest.free_limit = 6;
	answer_reason = "pressure";
	assert_int_equal(run(), EBB_END_GUEST_REFUSED);
	assert_string_equal(outcome.reason, "pressure");
}

static void test_guest_drops_the_target(void **state)
{
	(void)state;
	begin_guest(20);
	guest.free_limit = 3;
	guest.drive = FAKE_DROPS;
	assert_int_equal(run(), EBB_END_GUEST_REFUSED);
	assert_string_equal(outcome.reason, "allocstall");
	/* It was not asked again, and what it had freed was taken. */
	assert_int_equal(seen.tells, 1);
	assert_int_equal(books.reclaimed_bytes, 3 * RANGE);
}

static void test_guest_ignores_the_target(void **state)
{
	uint64_t start_ns = ebb_now_ns();

	(void)state;
	begin_guest(4);
	guest.drive = FAKE_IGNORES;
	timeout_ms = 60000;
	assert_int_equal(run(), EBB_END_GUEST_REFUSED);
	assert_string_equal(outcome.reason, "no-answer");
	assert_true(ebb_now_ns() - start_ns < (uint64_t)20 * 1000000000);
}

static void test_guest_boasts(void **state)
{
	(void)state;
	begin_guest(4);
	guest.drive = FAKE_BOASTS;
	guest.free_limit = 0;
	assert_int_equal(run(), EBB_END_GUEST_REFUSED);
	assert_int_equal(books.reclaimed_bytes, 0);
	assert_true(seen.sessions <= 3);
}

static void test_time_is_over(void **state)
{
	(void)state;
	begin_guest(20);
	guest.drive_ms = 100;
	timeout_ms = 250;
	assert_int_equal(run(), EBB_END_TIMEOUT);
}

static void test_cancelled(void **state)
{
	(void)state;
	begin_guest(20);
	guest.drive_ms = 100;
	cancel_when_told = true;
	assert_int_equal(run(), EBB_END_CANCELLED);
	assert_int_equal(seen.sessions, 0);
}

static void test_gone(void **state)
{
	(void)state;
	begin_guest(20);
	guest.gone = true;
	assert_int_equal(run(), EBB_END_GUEST_GONE);
	assert_int_equal(seen.tells, 0);
	assert_int_equal(seen.sessions, 0);
}

static void test_agents_without_targets(void **state)
{
	static const struct {
		int result;
		uint32_t from;
		const char *mechanism;
		enum ebb_reclaim_end end;
		const char *reason;
	} cases[] = {
		{ -ENOSYS, 1, "module", EBB_END_GUEST_REFUSED, "too-old" },
		{ -ETIMEDOUT, 1, "module", EBB_END_GUEST_REFUSED, "no-answer" },
		{ -ENOTCONN, 1, "module", EBB_END_GUEST_REFUSED, "no-answer" },
		{ -EREMOTEIO, 1, "module", EBB_END_GUEST_REFUSED,
		  "agent-error" },
		{ 0, 1, "none", EBB_END_GUEST_REFUSED, "no-mechanism" },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		begin_guest(4);
		tell_result = cases[i].result;
		tell_fails_from = cases[i].from;
		mechanism = cases[i].mechanism;
		assert_int_equal(run(), cases[i].end);
		assert_string_equal(outcome.reason, cases[i].reason);
		assert_int_equal(seen.sessions, 0);
		if (i + 1 < EBB_ARRAY_SIZE(cases))
			end_guest(NULL);
	}
}

static void test_guest_needs_its_memory(void **state)
{
	(void)state;
	begin_guest(40);
	guest.manner = FAKE_PRESSED;
	guest.batch_slots = 2;
	bounds.bytes = 30 * RANGE;
	assert_int_equal(run(), EBB_END_GUEST_PRESSURE);
	assert_string_equal(outcome.reason, "pressure");
	assert_true(books.reclaimed_bytes < bounds.bytes);
}

#define DRIVE_TEST(test) cmocka_unit_test_teardown(test, end_guest)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits_for_growth),
		cmocka_unit_test(test_terminal_states),
		cmocka_unit_test(test_old_facts),
		cmocka_unit_test(test_not_by_module),
		cmocka_unit_test(test_fruitless_sessions),
		cmocka_unit_test(test_hostile_facts),
		cmocka_unit_test(test_goals),
		DRIVE_TEST(test_driven_until_satisfied),
		DRIVE_TEST(test_driven_anew_it_keeps_what_it_learnt),
		DRIVE_TEST(test_driven_beyond_what_was_free),
		DRIVE_TEST(test_guest_has_no_more),
		DRIVE_TEST(test_agent_says_why),
		DRIVE_TEST(test_guest_drops_the_target),
		DRIVE_TEST(test_guest_ignores_the_target),
		DRIVE_TEST(test_guest_boasts),
		DRIVE_TEST(test_time_is_over),
		DRIVE_TEST(test_cancelled),
		DRIVE_TEST(test_gone),
		DRIVE_TEST(test_agents_without_targets),
		DRIVE_TEST(test_guest_needs_its_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
