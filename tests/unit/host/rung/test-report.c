/* SPDX-License-Identifier: GPL-2.0-only */
/* Rung report: what is decided upon what a guest says, and guests of several manners. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/size.h"
#include "host/rung/report.h"
#include "tests/unit/host/lease/fake-agent.h"

/* ---- decisions ---- */

static struct ebb_report_view driving(const char *state, const char *reason,
				      uint64_t still_ms)
{
	struct ebb_report_view view = {
		.goal_bytes = 500 * EBB_MIB,
		.answer = { .effective_bytes = 500 * EBB_MIB },
		.still_ms = still_ms,
	};

	snprintf(view.answer.state, sizeof(view.answer.state), "%s", state);
	snprintf(view.answer.reason, sizeof(view.answer.reason), "%s", reason);
	return view;
}

static void test_waits_while_it_comes(void **state)
{
	static const struct {
		const char *state;
		const char *reason;
		uint64_t still_ms;
	} cases[] = {
		{ "driving", "", 0 },
		{ "driving", "", 19999 },
		{ "fragmented", "", 0 },
		{ "fragmented", "", 19999 },
		/* What was freed is on its way. */
		{ "held", "", 5999 },
		{ "exhausted", "", 5999 },
		{ "idle", "", 5999 },
		{ "dropped", "oom", 5999 },
		{ "nonsense", "", 5999 },
		{ "", "", 5999 },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		struct ebb_report_view view = driving(
			cases[i].state, cases[i].reason, cases[i].still_ms);

		assert_int_equal(ebb_report_decide(&view), EBB_REPORT_WAIT);
	}
}

static void test_ends_with_a_reason(void **state)
{
	static const struct {
		const char *state;
		const char *reason;
		uint64_t still_ms;
		const char *says;
	} cases[] = {
		{ "driving", "", 20000, "exhausted" },
		{ "driving", "pressure", 6000, "pressure" },
		{ "exhausted", "", 6000, "exhausted" },
		{ "idle", "", 6000, "no-answer" },
		{ "dropped", "oom", 6000, "oom" },
		{ "held", "allocstall", 6000, "allocstall" },
		{ "nonsense", "", 6000, "exhausted" },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		struct ebb_report_view view = driving(
			cases[i].state, cases[i].reason, cases[i].still_ms);

		assert_int_equal(ebb_report_decide(&view), EBB_REPORT_END);
		assert_string_equal(ebb_report_reason(&view), cases[i].says);
	}
}

static void test_raises_a_few_times(void **state)
{
	struct ebb_report_view view = driving("held", "", 6000);

	(void)state;
	assert_int_equal(ebb_report_decide(&view), EBB_REPORT_RAISE);
	view.raised = 2;
	assert_int_equal(ebb_report_decide(&view), EBB_REPORT_END);
	assert_string_equal(ebb_report_reason(&view), "not-discarded");
	/* It keeps no more free than that. */
	view.raised = 0;
	view.answer.effective_bytes--;
	assert_int_equal(ebb_report_decide(&view), EBB_REPORT_END);
	assert_string_equal(ebb_report_reason(&view), "limit");
}

/* ---- runs, with the host's books in place of process.c ---- */

static atomic_bool never, cancelled;
static struct ebb_msg_target told;
static uint32_t tellings;
static struct ebb_guest_process qemu;
static uint64_t held_bytes, step_bytes;
static bool dead;
static int usage_result;

int ebb_guest_process_usage(pid_t pid, struct ebb_holding *ret_holding)
{
	assert_int_equal(pid, qemu.pid);
	held_bytes -= held_bytes > step_bytes ? step_bytes : 0;
	*ret_holding = (struct ebb_holding){ .resident_bytes = held_bytes,
					     .swapped_known = true };
	return usage_result;
}

bool ebb_guest_process_alive(const struct ebb_guest_process *process)
{
	(void)process;
	return !dead;
}

void ebb_guest_process_holding(const struct ebb_guest_process *process,
			       uint32_t max_age_ms,
			       struct ebb_holding *ret_holding)
{
	(void)process;
	(void)max_age_ms;
	*ret_holding = (struct ebb_holding){ 0 };
}

static int facts(struct ebb_msg_facts *ret_facts)
{
	*ret_facts = (struct ebb_msg_facts){ .free_huge_bytes = 100 * EBB_MIB };
	return 0;
}

static int no_facts(struct ebb_msg_facts *ret_facts)
{
	(void)ret_facts;
	return -ETIMEDOUT;
}

static int target(const struct ebb_msg_target *asked,
		  struct ebb_msg_target_state *ret_state)
{
	told = *asked;
	tellings++;
	*ret_state = (struct ebb_msg_target_state){
		.effective_bytes = asked->bytes,
		.mechanism = "knobs",
		.state = "driving",
	};
	if (asked->bytes)
		step_bytes = 20 * EBB_MIB;
	return 0;
}

static int job(void)
{
	return EBB_JOB_MEMORY;
}

static int old_target(const struct ebb_msg_target *asked,
		      struct ebb_msg_target_state *ret_state)
{
	(void)asked;
	(void)ret_state;
	return -ENOSYS;
}

static int no_mechanism(const struct ebb_msg_target *asked,
			struct ebb_msg_target_state *ret_state)
{
	(void)asked;
	*ret_state = (struct ebb_msg_target_state){ .mechanism = "none" };
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	fake_agent = (struct fake_agent){ .facts = facts, .target = target };
	never = cancelled = dead = false;
	told = (struct ebb_msg_target){ 0 };
	tellings = 0;
	qemu = (struct ebb_guest_process){ .pid = 42 };
	held_bytes = 900 * EBB_MIB;
	step_bytes = 0;
	usage_result = 0;
	return 0;
}

static struct ebb_reclaim wanting(uint64_t bytes)
{
	return (struct ebb_reclaim){
		.wish = { .bytes = bytes, .all = !bytes, .timeout_ms = 60000 },
		.agent_ms = 1000,
		.gone = &never,
		.disconnected = &never,
		.leaving = &never,
		.cancelled = &cancelled,
		.lender = { .qemu = &qemu },
		.domain = fake_domain(),
		.channel = fake_channel(),
		.standing = { .bytes = 7 * EBB_MIB, .timeout_ms = 1000 },
		.memory_bytes = EBB_GIB,
	};
}

static void run(struct ebb_reclaim *reclaim)
{
	ebb_report_prepare(reclaim);
	ebb_report_run(reclaim);
	assert_true(fake_agent_is_left());
}

static void test_drives_until_enough_came(void **state)
{
	struct ebb_reclaim reclaim = wanting(100 * EBB_MIB);

	(void)state;
	run(&reclaim);
	assert_int_equal(reclaim.outcome.end, EBB_END_SATISFIED);
	assert_true(reclaim.outcome.bytes >= 100 * EBB_MIB);
	assert_int_equal(reclaim.outcome.bytes,
			 reclaim.before_bytes - reclaim.held_bytes);
	assert_int_equal(reclaim.books.driven_bytes, reclaim.outcome.bytes);
	assert_int_equal(reclaim.before_bytes, 900 * EBB_MIB);
	/* The target that holds but for it is the last that was told. */
	assert_true(tellings >= 2);
	assert_int_equal(told.bytes, 7 * EBB_MIB);
}

/* What the guest lost by a resize between the runs was not reclaimed. */
static void test_resumed_run_adds_up(void **state)
{
	struct ebb_reclaim reclaim = wanting(150 * EBB_MIB);

	(void)state;
	reclaim.start_ns = ebb_now_ns();
	reclaim.before_bytes = 2 * EBB_GIB;
	reclaim.books.reclaimed_bytes = 50 * EBB_MIB;
	reclaim.books.driven_bytes = 30 * EBB_MIB;
	run(&reclaim);
	assert_int_equal(reclaim.outcome.end, EBB_END_SATISFIED);
	assert_in_range(reclaim.outcome.bytes, 150 * EBB_MIB, 200 * EBB_MIB);
	assert_true(tellings > 0);
	assert_int_equal(reclaim.books.driven_bytes,
			 reclaim.outcome.bytes - 20 * EBB_MIB);
}

static void test_unread_process(void **state)
{
	struct ebb_reclaim reclaim = wanting(100 * EBB_MIB);

	(void)state;
	usage_result = -EACCES;
	run(&reclaim);
	assert_int_equal(reclaim.outcome.end, EBB_END_FAILED);
	usage_result = -ESRCH;
	reclaim = wanting(100 * EBB_MIB);
	run(&reclaim);
	assert_int_equal(reclaim.outcome.end, EBB_END_GUEST_GONE);
	assert_int_equal(reclaim.outcome.bytes, 0);
}

static void test_free_only_does_not_drive(void **state)
{
	struct ebb_reclaim reclaim = wanting(100 * EBB_MIB);

	(void)state;
	reclaim.wish.free_only = true;
	run(&reclaim);
	assert_int_equal(reclaim.outcome.end, EBB_END_DRAINED);
	assert_int_equal(reclaim.outcome.bytes, 0);
	assert_int_equal(tellings, 0);
	reclaim = wanting(0);
	run(&reclaim);
	assert_int_equal(reclaim.outcome.end, EBB_END_DRAINED);
	assert_int_equal(tellings, 0);
}

static void test_dry_run_takes_nothing(void **state)
{
	struct ebb_reclaim reclaim = wanting(0);

	(void)state;
	reclaim.wish.dry_run = true;
	held_bytes = 950 * EBB_MIB;
	run(&reclaim);
	assert_int_equal(reclaim.outcome.end, EBB_END_SATISFIED);
	/* 26 MiB more are held than are not free, and may be QEMU's own. */
	assert_int_equal(reclaim.estimate.min_bytes, 0);
	assert_int_equal(reclaim.estimate.max_bytes, 100 * EBB_MIB);
	assert_int_equal(tellings, 0);
}

static void test_ends_from_outside(void **state)
{
	struct ebb_reclaim reclaim = wanting(500 * EBB_MIB);

	(void)state;
	cancelled = true;
	run(&reclaim);
	assert_int_equal(reclaim.outcome.end, EBB_END_CANCELLED);
	cancelled = false;
	dead = true;
	reclaim = wanting(500 * EBB_MIB);
	run(&reclaim);
	assert_int_equal(reclaim.outcome.end, EBB_END_GUEST_GONE);
	dead = false;
	fake_agent.job = job;
	reclaim = wanting(500 * EBB_MIB);
	run(&reclaim);
	assert_int_equal(reclaim.outcome.end, EBB_END_JOB);
	assert_int_equal(tellings, 0);
	fake_agent.job = NULL;
	fake_agent.facts = no_facts;
	reclaim = wanting(500 * EBB_MIB);
	run(&reclaim);
	assert_int_equal(reclaim.outcome.end, EBB_END_NO_AGENT);
	fake_agent.facts = facts;
	reclaim = wanting(899 * EBB_MIB);
	reclaim.wish.timeout_ms = 500;
	run(&reclaim);
	assert_int_equal(reclaim.outcome.end, EBB_END_TIMEOUT);
	/* A machine that is busy has it end before it was driven. */
	if (tellings > 0)
		assert_int_equal(told.bytes, 7 * EBB_MIB);
}

static void is_refused_for(const char *reason)
{
	struct ebb_reclaim reclaim = wanting(100 * EBB_MIB);

	run(&reclaim);
	assert_int_equal(reclaim.outcome.end, EBB_END_GUEST_REFUSED);
	assert_string_equal(reclaim.outcome.reason, reason);
}

static void test_guests_that_cannot(void **state)
{
	(void)state;
	fake_agent.target = old_target;
	is_refused_for("too-old");
	fake_agent.target = no_mechanism;
	is_refused_for("no-mechanism");
}

static int silent_target(const struct ebb_msg_target *asked,
			 struct ebb_msg_target_state *ret_state)
{
	(void)asked;
	(void)ret_state;
	return -ETIMEDOUT;
}

static atomic_int facts_asked;

static int facts_once(struct ebb_msg_facts *ret_facts)
{
	return facts_asked++ ? -ETIMEDOUT : facts(ret_facts);
}

/* What came before that is a result, and no error. */
static void test_guests_that_fall_silent(void **state)
{
	(void)state;
	fake_agent.target = silent_target;
	is_refused_for("no-answer");
	fake_agent.facts = facts_once;
	facts_asked = 0;
	is_refused_for("no-answer");
	assert_true(facts_asked > 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits_while_it_comes),
		cmocka_unit_test(test_ends_with_a_reason),
		cmocka_unit_test(test_raises_a_few_times),
		cmocka_unit_test_setup(test_drives_until_enough_came, set_up),
		cmocka_unit_test_setup(test_resumed_run_adds_up, set_up),
		cmocka_unit_test_setup(test_unread_process, set_up),
		cmocka_unit_test_setup(test_free_only_does_not_drive, set_up),
		cmocka_unit_test_setup(test_dry_run_takes_nothing, set_up),
		cmocka_unit_test_setup(test_ends_from_outside, set_up),
		cmocka_unit_test_setup(test_guests_that_cannot, set_up),
		cmocka_unit_test_setup(test_guests_that_fall_silent, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
