/* SPDX-License-Identifier: GPL-2.0-only */
/* ebbctl reclaim: what it asks, draws, prints and returns. */
#include <config.h>

#include "tests/unit/host/ctl/fake-ebbd.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "common/cleanup.h"
#include "common/size.h"

static struct ebb_reclaim_result example_result(uint64_t asked, uint64_t got,
						const char *ended)
{
	struct ebb_reclaim_result result = {
		.asked_bytes = asked,
		.reclaimed_bytes = got,
		.resident_before_bytes = 2 * EBB_GIB,
		.resident_after_bytes = 2 * EBB_GIB - got,
		.swapped_known = true,
		.elapsed_us = 250000,
	};

	strcpy(result.ended, ended);
	return result;
}

/* What came back of RAM and what of swap. */
static void test_reclaim_from_swap(void **state)
{
	struct ebb_reclaim_result result =
		example_result(512 * EBB_MIB, 512 * EBB_MIB, "satisfied");
	ebb_auto_free char *line = NULL;

	(void)state;
	result.swapped_before_bytes = 3 * EBB_GIB;
	result.swapped_after_bytes = EBB_GIB;
	line = fake_encode(ebb_reclaim_result_fields, &result);
	run_with(line, "reclaim", "web1", "512M");
	assert_non_null(strstr(fake_run.out, "2.0 GiB -> 1.5 GiB\n"
					     "Swapped         3.0 GiB -> "
					     "1.0 GiB\n"));
}

/* It counts as resident then. */
static void test_reclaim_swap_not_known(void **state)
{
	struct ebb_reclaim_result result =
		example_result(512 * EBB_MIB, 512 * EBB_MIB, "satisfied");
	ebb_auto_free char *line = NULL;

	(void)state;
	result.swapped_known = false;
	line = fake_encode(ebb_reclaim_result_fields, &result);
	run_with(line, "reclaim", "web1", "512M");
	assert_non_null(strstr(fake_run.out, "\nSwapped         not known\n"));
}

static void test_reclaim(void **state)
{
	struct ebb_reclaim_result result =
		example_result(512 * EBB_MIB, 512 * EBB_MIB, "satisfied");
	ebb_auto_free char *line =
		fake_encode(ebb_reclaim_result_fields, &result);

	(void)state;
	run_with(line, "reclaim", "web1", "512M", "--timeout", "5s");
	assert_string_equal(fake_run.request,
			    "{\"execute\":\"domain-reclaim\",\"arguments\":"
			    "{\"domain\":\"web1\",\"bytes\":536870912,"
			    "\"timeout-ms\":5000}}");
	assert_string_equal(fake_run.out,
			    "Reclaimed       512.0 MiB of 512.0 MiB asked\n"
			    "Resident        2.0 GiB -> 1.5 GiB\n"
			    "Time            0.250 s\n"
			    "Rate            2.0 GiB/s\n"
			    "Ended           all that was asked for was "
			    "reclaimed\n");
	assert_string_equal(fake_run.err, "");
	assert_int_equal(fake_run.status, 0);
}

static void test_reclaim_driven(void **state)
{
	struct ebb_reclaim_result result =
		example_result(512 * EBB_MIB, 400 * EBB_MIB, "guest-refused");
	ebb_auto_free char *line = NULL;

	(void)state;
	result.driven_bytes = 300 * EBB_MIB;
	result.refused_bytes = 112 * EBB_MIB;
	strcpy(result.refused_reason, "exhausted");
	strcpy(result.note, "It is all in use");
	line = fake_encode(ebb_reclaim_result_fields, &result);
	run_with(line, "reclaim", "web1", "512M");
	assert_string_equal(fake_run.out,
			    "Reclaimed       400.0 MiB of 512.0 MiB asked\n"
			    "Driven          300.0 MiB of it\n"
			    "Refused         112.0 MiB: exhausted\n"
			    "Resident        2.0 GiB -> 1.6 GiB\n"
			    "Time            0.250 s\n"
			    "Rate            1.6 GiB/s\n"
			    "Ended           the guest would not free more\n"
			    "Note            It is all in use\n");
	assert_int_equal(fake_run.status, 4);

	run_with(line, "reclaim", "web1", "512M", "--free-only");
	assert_string_equal(fake_run.request,
			    "{\"execute\":\"domain-reclaim\",\"arguments\":"
			    "{\"domain\":\"web1\",\"bytes\":536870912,"
			    "\"free-only\":true}}");

	run_with(line, "reclaim", "web1", "512M", "--gentle");
	assert_string_equal(fake_run.request,
			    "{\"execute\":\"domain-reclaim\",\"arguments\":"
			    "{\"domain\":\"web1\",\"bytes\":536870912,"
			    "\"gentle\":true}}");

	/* Compaction is the default, and may be named. */
	run_with(line, "reclaim", "web1", "--all", "--compact");
	assert_string_equal(fake_run.request,
			    "{\"execute\":\"domain-reclaim\",\"arguments\":"
			    "{\"domain\":\"web1\",\"all\":true}}");
	run_with(line, "reclaim", "web1", "--all", "--no-compact");
	assert_string_equal(fake_run.request,
			    "{\"execute\":\"domain-reclaim\",\"arguments\":"
			    "{\"domain\":\"web1\",\"all\":true,"
			    "\"no-compact\":true}}");
}

/* That is how it is had back. */
static void test_reclaim_tells_what_the_balloon_holds(void **state)
{
	struct ebb_reclaim_result result =
		example_result(512 * EBB_MIB, 200 * EBB_MIB, "guest-refused");
	ebb_auto_free char *line = NULL;

	(void)state;
	result.balloon_held_bytes = 212 * EBB_MIB;
	line = fake_encode(ebb_reclaim_result_fields, &result);
	run_with(line, "reclaim", "db1", "512M");
	assert_non_null(strstr(fake_run.out,
			       "\nBalloon         holds 212.0 MiB; ebbctl "
			       "deflate db1 gives it back\n"));
}

static void test_reclaim_statuses(void **state)
{
	static const struct {
		uint64_t asked, got;
		const char *ended;
		int status;
	} cases[] = {
		{ EBB_GIB, EBB_GIB, "satisfied", 0 },
		{ EBB_GIB, EBB_GIB + 1, "timeout", 0 },
		{ EBB_GIB, EBB_MIB, "drained", 4 },
		{ EBB_GIB, EBB_MIB, "guest-pressure", 4 },
		{ EBB_GIB, EBB_MIB, "guest-refused", 4 },
		{ EBB_GIB, EBB_GIB, "guest-refused", 0 },
		{ EBB_GIB, EBB_MIB, "timeout", 1 },
		{ EBB_GIB, EBB_MIB, "something-new", 1 },
		{ 0, EBB_MIB, "drained", 0 },
		{ 0, 0, "drained", 0 },
		{ 0, EBB_MIB, "timeout", 1 },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		struct ebb_reclaim_result result = example_result(
			cases[i].asked, cases[i].got, cases[i].ended);
		ebb_auto_free char *line =
			fake_encode(ebb_reclaim_result_fields, &result);

		if (cases[i].asked)
			run_with(line, "reclaim", "web1", "1G");
		else
			run_with(line, "reclaim", "web1", "--all");
		assert_int_equal(fake_run.status, cases[i].status);
		run_with(line, "reclaim", "web1", "1G", "--json");
		assert_int_equal(fake_run.status, cases[i].status);
	}
}

static void test_dry_run(void **state)
{
	struct ebb_reclaim_result result = {
		.estimate_min_bytes = 500 * EBB_MIB,
		.estimate_max_bytes = EBB_GIB,
		.dry_run = true,
		.ended = "dry-run",
		.note = "By facts of 2 s ago",
	};
	ebb_auto_free char *line =
		fake_encode(ebb_reclaim_result_fields, &result);

	(void)state;
	run_with(line, "reclaim", "web1", "--all", "--dry-run");
	assert_string_equal(fake_run.request,
			    "{\"execute\":\"domain-reclaim\",\"arguments\":"
			    "{\"domain\":\"web1\",\"all\":true,"
			    "\"dry-run\":true}}");
	assert_string_equal(fake_run.out,
			    "Would reclaim   500.0 MiB to 1.0 GiB\n"
			    "Note            By facts of 2 s ago\n");
	assert_int_equal(fake_run.status, 0);
}

#define PROGRESS                                                    \
	"{\"event\":\"reclaim-progress\",\"data\":{"                \
	"\"reclaimed-bytes\":268435456,\"target-bytes\":536870912," \
	"\"resident-bytes\":1,\"elapsed-ms\":1000}}\n"

static void test_progress_on_a_terminal(void **state)
{
	struct ebb_reclaim_result result =
		example_result(512 * EBB_MIB, 512 * EBB_MIB, "satisfied");
	ebb_auto_free char *line =
		fake_encode(ebb_reclaim_result_fields, &result);

	(void)state;
	fake_start_on_terminal(ARGUMENTS("reclaim", "web1", "512M"));
	fake_serve();
	fake_answer(PROGRESS PROGRESS PROGRESS);
	fake_answer(line);
	fake_finish();
	/* Drawn once, as all came within 100 ms, and gone at the end. */
	assert_string_equal(fake_run.err,
			    "\r 50%  256.0 MiB of 512.0 MiB  256.0 "
			    "MiB/s  0:01 left\033[K\r\033[K");
	assert_non_null(strstr(fake_run.out, "Reclaimed       512.0 MiB"));
	assert_int_equal(fake_run.status, 0);
}

static void test_no_progress_elsewhere(void **state)
{
	struct ebb_reclaim_result result =
		example_result(0, 512 * EBB_MIB, "drained");
	ebb_auto_free char *line =
		fake_encode(ebb_reclaim_result_fields, &result);

	(void)state;
	fake_start(ARGUMENTS("reclaim", "web1", "--all"));
	fake_serve();
	fake_answer(PROGRESS "{\"event\":\"something-new\"}\n");
	fake_answer(line);
	fake_finish();
	assert_string_equal(fake_run.err, "");
	assert_int_equal(fake_run.status, 0);

	fake_start_on_terminal(ARGUMENTS("reclaim", "web1", "--all", "--json"));
	fake_serve();
	fake_answer(PROGRESS);
	fake_answer(line);
	fake_finish();
	assert_string_equal(fake_run.err, "");
	assert_int_equal(fake_run.status, 0);
}

static void test_interrupt(void **state)
{
	(void)state;
	fake_start_on_terminal(ARGUMENTS("reclaim", "web1", "512M"));
	fake_serve();
	fake_answer(PROGRESS);
	/* Once the bar is there, the event was handled. */
	fake_wait_readable(fake_run.err_fd);
	assert_int_equal(kill(fake_run.pid, SIGINT), 0);
	/* The connection closes, which is what cancels. */
	fake_wait_readable(fake_run.peer);
	assert_int_equal(recv(fake_run.peer, fake_run.request, 1, 0), 0);
	fake_finish();
	assert_non_null(strstr(fake_run.err,
			       "\r\033[Kebbctl: error: cancelled after 256.0 "
			       "MiB. ebbd stops"));
	assert_string_equal(fake_run.out, "");
	assert_int_equal(fake_run.status, 130);
}

#define WAITING                                                            \
	"{\"event\":\"reclaim-progress\",\"data\":{\"reclaimed-bytes\":0," \
	"\"target-bytes\":0,\"resident-bytes\":0,\"elapsed-ms\":0,"        \
	"\"phase\":\"waiting\",\"running\":4,\"ahead\":2}}\n"

static void test_waiting_on_a_terminal(void **state)
{
	struct ebb_reclaim_result result =
		example_result(512 * EBB_MIB, 512 * EBB_MIB, "satisfied");
	ebb_auto_free char *line =
		fake_encode(ebb_reclaim_result_fields, &result);

	(void)state;
	fake_start_on_terminal(ARGUMENTS("reclaim", "web1", "512M"));
	fake_serve();
	fake_answer(WAITING);
	fake_answer(line);
	fake_finish();
	assert_string_equal(fake_run.err,
			    "\rwaiting: 4 reclaims run, 2 are ahead\033[K"
			    "\r\033[K");
	assert_int_equal(fake_run.status, 0);
}

static void test_interrupted_while_waiting(void **state)
{
	(void)state;
	fake_start_on_terminal(ARGUMENTS("reclaim", "web1", "512M"));
	fake_serve();
	fake_answer(WAITING);
	fake_wait_readable(fake_run.err_fd);
	assert_int_equal(kill(fake_run.pid, SIGINT), 0);
	fake_wait_readable(fake_run.peer);
	fake_finish();
	assert_non_null(strstr(fake_run.err, "cancelled before its turn came. "
					     "Nothing was reclaimed."));
	assert_int_equal(fake_run.status, 130);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reclaim_from_swap),
		cmocka_unit_test(test_reclaim_swap_not_known),
		cmocka_unit_test(test_reclaim),
		cmocka_unit_test(test_reclaim_driven),
		cmocka_unit_test(test_reclaim_tells_what_the_balloon_holds),
		cmocka_unit_test(test_reclaim_statuses),
		cmocka_unit_test(test_dry_run),
		cmocka_unit_test(test_progress_on_a_terminal),
		cmocka_unit_test(test_no_progress_elsewhere),
		cmocka_unit_test(test_interrupt),
		cmocka_unit_test(test_waiting_on_a_terminal),
		cmocka_unit_test(test_interrupted_while_waiting),
	};

	return cmocka_run_group_tests(tests, fake_set_up, fake_tear_down);
}
