/* SPDX-License-Identifier: GPL-2.0-only */
/* What a client is told of a reclaim. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/size.h"
#include "host/domain/reclaim_answer.h"
#include "host/rung/hand.h"
#include "tests/unit/host/control/fake-call.h"

static struct ebb_reclaim reclaim;
static struct ebb_hand hand;
static struct ebb_reclaim_result result;
static struct ebb_reclaim_progress progress;

static void take_answer(void)
{
	if (fake_call.value)
		fake_call_decode(ebb_reclaim_result_fields, &result,
				 sizeof(result));
}

static void take_event(const char *name, const struct json_object *data)
{
	assert_string_equal(name, "reclaim-progress");
	assert_int_equal(ebb_msg_decode(data, ebb_reclaim_progress_fields,
					&progress, sizeof(progress), NULL),
			 0);
}

static bool swap_known = true;

/* Of 100 MiB asked, 40 came, 10 of them driven. */
static void answer(struct ebb_outcome outcome)
{
	const struct ebb_reclaim_report report = { .reclaim = &reclaim };

	outcome.bytes = 40 * EBB_MIB;
	reclaim = (struct ebb_reclaim){
		.wish = { .bytes = 100 * EBB_MIB },
		.outcome = outcome,
		.hand = &hand,
		.books = { .reclaimed_bytes = 40 * EBB_MIB,
			   .driven_bytes = 10 * EBB_MIB,
			   .punched_bytes = 50 * EBB_MIB,
			   .batches = 3,
			   .failed_slots = 2 },
		.before_bytes = 500 * EBB_MIB,
		.after_bytes = 460 * EBB_MIB,
		.swapped_before_bytes = 120 * EBB_MIB,
		.swapped_after_bytes = 90 * EBB_MIB,
		.swapped_before_known = swap_known,
		.swapped_after_known = true,
		.start_ns = 1000000,
		.end_ns = 5000000,
	};
	memset(&result, 0, sizeof(result));
	ebb_reclaim_answer(&report, FAKE_CALL);
}

static void answer_refusal(enum ebb_refusal_kind kind)
{
	const struct ebb_reclaim_report report = {
		.refusal = ebb_refusal(kind, "%s", "the cause"),
	};

	ebb_reclaim_answer(&report, FAKE_CALL);
}

static void test_books(void **state)
{
	(void)state;
	answer(ebb_outcome(EBB_END_SATISFIED));
	assert_string_equal(fake_call.error_class, "");
	assert_string_equal(result.ended, "satisfied");
	assert_string_equal(result.note, "");
	assert_int_equal(result.asked_bytes, 100 * EBB_MIB);
	assert_int_equal(result.reclaimed_bytes, 40 * EBB_MIB);
	assert_int_equal(result.driven_bytes, 10 * EBB_MIB);
	assert_int_equal(result.punched_bytes, 50 * EBB_MIB);
	assert_int_equal(result.resident_before_bytes, 380 * EBB_MIB);
	assert_int_equal(result.resident_after_bytes, 370 * EBB_MIB);
	assert_int_equal(result.swapped_before_bytes, 120 * EBB_MIB);
	assert_int_equal(result.swapped_after_bytes, 90 * EBB_MIB);
	assert_true(result.swapped_known);
	assert_int_equal(result.batches, 3);
	assert_int_equal(result.failed_slots, 2);
	assert_int_equal(result.elapsed_us, 4000);
	assert_int_equal(result.refused_bytes, 0);
	/* Both must be known for what came of it. */
	swap_known = false;
	answer(ebb_outcome(EBB_END_SATISFIED));
	swap_known = true;
	assert_false(result.swapped_known);
}

static void test_what_the_balloon_holds(void **state)
{
	(void)state;
	answer(ebb_outcome(EBB_END_SATISFIED));
	assert_int_equal(result.balloon_held_bytes, 0);
	hand.record.base_bytes = EBB_GIB;
	hand.record.left_bytes = EBB_GIB - 200 * EBB_MIB;
	answer(ebb_outcome_reason(EBB_END_GUEST_REFUSED, "guest-need"));
	hand.record = (struct ebb_balloon_record){ 0 };
	assert_int_equal(result.balloon_held_bytes, 200 * EBB_MIB);
}

static void test_notes(void **state)
{
	static const struct {
		enum ebb_reclaim_end end;
		const char *reason;
		const char *note;
		uint64_t refused_mib;
	} cases[] = {
		{ EBB_END_DRAINED, "", "", 0 },
		{ EBB_END_DRAINED, "too-soon", "a short while ago", 0 },
		{ EBB_END_DRAINED, "nothing", "", 0 },
		{ EBB_END_DRAINED, "whatever", "whatever", 0 },
		{ EBB_END_DRAINED, "too-old", "too old", 0 },
		{ EBB_END_DRAINED, "no-answer", "does not answer", 0 },
		{ EBB_END_GUEST_REFUSED, "exhausted", "nothing more to give",
		  60 },
		{ EBB_END_GUEST_REFUSED, "too-old", "too old", 60 },
		{ EBB_END_GUEST_REFUSED, "guest-need", "not touched", 60 },
		{ EBB_END_GUEST_PRESSURE, "pressure", "ran short", 60 },
		{ EBB_END_TIMEOUT, "", "--timeout", 0 },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		answer(ebb_outcome_reason(cases[i].end, cases[i].reason));
		assert_string_equal(fake_call.error_class, "");
		assert_non_null(strstr(result.note, cases[i].note));
		if (!*cases[i].note)
			assert_string_equal(result.note, "");
		assert_string_equal(
			result.uncompacted_reason,
			cases[i].end == EBB_END_DRAINED ? cases[i].reason : "");
		assert_int_equal(result.refused_bytes,
				 cases[i].refused_mib * EBB_MIB);
		assert_string_equal(result.refused_reason,
				    cases[i].refused_mib ? cases[i].reason
							 : "");
	}
}

static void test_what_holds_the_rest(void **state)
{
	struct ebb_outcome outcome =
		ebb_outcome_reason(EBB_END_GUEST_REFUSED, "exhausted");

	(void)state;
	outcome.held.shared_bytes = 900 * EBB_MIB;
	answer(outcome);
	assert_non_null(
		strstr(result.note, "900.0 MiB of tmpfs and shared memory"));
	assert_null(strstr(result.note, "locked"));
	assert_int_equal(result.held.shared_bytes, 900 * EBB_MIB);
}

static void test_errors(void **state)
{
	static const struct {
		enum ebb_reclaim_end end;
		const char *error_class;
		const char *text;
	} cases[] = {
		{ EBB_END_JOB, "Busy", "domjobinfo" },
		{ EBB_END_LIBVIRT_GONE, "LibvirtGone", "libvirtd" },
		{ EBB_END_EBBD_ENDS, "GenericError", "ebbd was stopped" },
		{ EBB_END_NO_AGENT, "RungClosed", "the guest hangs" },
		{ EBB_END_REPORTING_BUSY, "RungClosed", "freePageReporting" },
		{ EBB_END_VIOLATION, "RungClosed", "quarantine" },
		{ EBB_END_GUEST_GONE, "GenericError", "try again" },
		{ EBB_END_FAILED, "GenericError", "failed" },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		answer(ebb_outcome_error(cases[i].end, "%s", "the cause"));
		assert_string_equal(fake_call.error_class,
				    cases[i].error_class);
		assert_non_null(strstr(fake_call.error, cases[i].text));
		assert_non_null(strstr(fake_call.error, "[the cause]"));
		assert_non_null(strstr(fake_call.error, "40.0 MiB"));
	}
}

static void test_refusals(void **state)
{
	static const struct {
		enum ebb_refusal_kind kind;
		const char *error_class;
	} cases[] = {
		{ EBB_REFUSAL_ARGUMENT, "InvalidArgument" },
		{ EBB_REFUSAL_BUSY, "Busy" },
		{ EBB_REFUSAL_CANCELLED, "GenericError" },
		{ EBB_REFUSAL_NOT_RUNNING, "DomainNotRunning" },
		{ EBB_REFUSAL_LIBVIRT_GONE, "LibvirtGone" },
		{ EBB_REFUSAL_RUNG_CLOSED, "RungClosed" },
		{ EBB_REFUSAL_FAILED, "GenericError" },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		answer_refusal(cases[i].kind);
		assert_string_equal(fake_call.error_class,
				    cases[i].error_class);
		assert_string_equal(fake_call.error, "the cause");
	}
}

static void test_waiting(void **state)
{
	static const struct ebb_guest_process qemu;
	struct ebb_reclaim_state told = { .waits = true,
					  .running = 4,
					  .ahead = 2 };

	(void)state;
	ebb_reclaim_tell(&told, FAKE_CALL);
	assert_string_equal(progress.phase, "waiting");
	assert_int_equal(progress.running, 4);
	assert_int_equal(progress.ahead, 2);
	/* Again, in its midst. */
	reclaim = (struct ebb_reclaim){ .lender.qemu = &qemu,
					.books.reclaimed_bytes = EBB_MIB };
	told.reclaim = &reclaim;
	ebb_reclaim_tell(&told, FAKE_CALL);
	assert_string_equal(progress.phase, "waiting");
	assert_int_equal(progress.reclaimed_bytes, EBB_MIB);
	/* Which does not count. */
	reclaim.start_ns = ebb_now_ns() - 90 * EBB_NS_PER_S;
	told.waited_ns = 80 * EBB_NS_PER_S;
	ebb_reclaim_tell(&told, FAKE_CALL);
	assert_in_range(progress.elapsed_ms, 10 * 1000, 20 * 1000);
	reclaim.start_ns = 0;
	/* And about to begin, which takes no time yet. */
	told = (struct ebb_reclaim_state){ .reclaim = &reclaim };
	ebb_reclaim_tell(&told, FAKE_CALL);
	assert_string_equal(progress.phase, "taking");
	assert_int_equal(progress.running, 0);
	assert_int_equal(progress.elapsed_ms, 0);
}

static void test_dry_run(void **state)
{
	const struct ebb_reclaim_report report = { .reclaim = &reclaim };

	(void)state;
	reclaim = (struct ebb_reclaim){
		.wish = { .bytes = 100 * EBB_MIB, .dry_run = true },
		.outcome = ebb_outcome(EBB_END_SATISFIED),
		.estimate = { 50 * EBB_MIB, 300 * EBB_MIB },
		.before_bytes = 500 * EBB_MIB,
	};
	ebb_reclaim_answer(&report, FAKE_CALL);
	assert_true(result.dry_run);
	assert_string_equal(result.ended, "dry-run");
	assert_int_equal(result.estimate_min_bytes, 50 * EBB_MIB);
	assert_int_equal(result.estimate_max_bytes, 100 * EBB_MIB);
	assert_int_equal(result.resident_after_bytes, 500 * EBB_MIB);
}

static void test_wishes(void **state)
{
	struct ebb_reclaim_request request = { .all = true,
					       .bytes = 5,
					       .timeout_ms = 30000 };
	struct ebb_reclaim_wish wish = ebb_reclaim_wish_of(&request);

	(void)state;
	assert_true(wish.all && wish.compact && !wish.free_only);
	assert_int_equal(wish.bytes, 0);
	assert_int_equal(wish.timeout_ms, 30000);
	request =
		(struct ebb_reclaim_request){ .bytes = 5, .no_compact = true };
	wish = ebb_reclaim_wish_of(&request);
	assert_int_equal(wish.bytes, 5);
	assert_false(wish.compact);
	assert_int_equal(wish.timeout_ms, 0);
}

static void test_ends_have_names(void **state)
{
	(void)state;
	for (int end = 0; end < EBB_END_COUNT; end++) {
		assert_true(strlen(ebb_reclaim_end_name(end)) > 2);
		for (int other = 0; other < end; other++)
			assert_string_not_equal(ebb_reclaim_end_name(end),
						ebb_reclaim_end_name(other));
	}
}

static int set_up(void **state)
{
	(void)state;
	fake_call.on_answer = take_answer;
	fake_call.on_event = take_event;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_call_reset();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_books),
		cmocka_unit_test(test_what_the_balloon_holds),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_what_holds_the_rest),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_waiting),
		cmocka_unit_test(test_dry_run),
		cmocka_unit_test(test_wishes),
		cmocka_unit_test(test_ends_have_names),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
