/* SPDX-License-Identifier: GPL-2.0-only */
/* ebbctl history and events: what they ask and print. */
#include <config.h>

#include "tests/unit/host/ctl/fake-ebbd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/interface/event.h"
#include "host/interface/history.h"

#define NOW_MS UINT64_C(1701000000000) /* 2023-11-26 12:00 UTC */

/* Ten minutes, each of them; the fifth was not seen, and swap is not known. */
static char *example_history(const char *kind)
{
	struct ebb_history_point points[9];
	struct ebb_history history = {
		.name = "web\033[2J1",
		.now_ms = NOW_MS,
		.since_ms = NOW_MS - 600000,
		.step_ms = 60000,
		.points = points,
	};

	memset(points, 0, sizeof(points));
	strcpy(history.kind, kind);
	for (uint64_t i = 0; i < 10; i++) {
		struct ebb_history_point *point = &points[history.point_count];

		if (i == 4)
			continue;
		point->time_ms = history.since_ms + i * history.step_ms;
		point->values[0] = (struct ebb_history_value){
			true, i * EBB_GIB, i * EBB_GIB, (i + 1) * EBB_GIB
		};
		if (strcmp(kind, "domain") == 0)
			strcpy(point->rung, i < 2 ? "report" : "lease");
		history.point_count++;
	}
	return ebb_msg_reply(ebb_history_encode(&history), NULL);
}

static void test_curves(void **state)
{
	ebb_auto_free char *line = example_history("domain");

	(void)state;
	run_with(line, "history", "web1", "--last", "10m");
	assert_non_null(strstr(fake_run.request,
			       "{\"execute\":\"history\",\"arguments\":{"
			       "\"domain\":\"web1\",\"since-ms\":"));
	/* Eighty columns, less the names. */
	assert_non_null(strstr(fake_run.request, "\"limit\":64"));
	assert_string_equal(
		fake_run.out,
		"web?[2J1, each column is 1 min\n"
		"\n"
		"resident       |       ▁▃▆\n"
		"10.0 GiB       |     ▄▆███\n"
		"               |▁▂▅▇ █████\n"
		"                least 0 B, greatest 10.0 GiB, last 9.0 GiB\n"
		"\n"
		"free           |not known\n"
		"\n"
		"lent           |not known\n"
		"\n"
		"rung           |rrll lllll\n"
		"                l lease, r report, b balloon, p pageout, o "
		"observe\n"
		"\n"
		"                11:50:00 12:00:00\n");
	assert_string_equal(fake_run.err, "");
	assert_int_equal(fake_run.status, 0);
}

static void test_csv(void **state)
{
	ebb_auto_free char *line = example_history("budget");

	(void)state;
	run_with(line, "history", "--csv", "--budget", "node 1");
	assert_non_null(strstr(fake_run.request, "\"budget\":\"node 1\""));
	assert_non_null(strstr(fake_run.request, "\"last-ms\":3600000"));
	assert_memory_equal(fake_run.out,
			    "time,rung,limit-bytes-min,limit-bytes-avg,", 42);
	assert_non_null(
		strstr(fake_run.out,
		       "\n2023-11-26T11:52:00+0000,,2147483648,2147483648,"
		       "3221225472,,,,"));
	/* What was not seen is no line. */
	assert_null(strstr(fake_run.out, "T11:54:00"));
	assert_int_equal(fake_run.status, 0);
}

static void test_note_is_no_output(void **state)
{
	struct ebb_history history = { .kind = "domain",
				       .name = "web1",
				       .now_ms = NOW_MS,
				       .since_ms = NOW_MS,
				       .note = "Nothing is kept" };
	ebb_auto_free char *line =
		ebb_msg_reply(ebb_history_encode(&history), NULL);

	(void)state;
	run_with(line, "history", "web1");
	assert_string_equal(fake_run.out, "web1: no samples of that time.\n");
	assert_string_equal(fake_run.err, "Nothing is kept.\n");
}

static void test_wrong_times(void **state)
{
	static const char *const wrong[] = { "25:00", "2026-13-01", "soon",
					     "12:00x", "-1" };

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(wrong); i++) {
		run_alone("history", "web1", "--since", wrong[i]);
		assert_int_equal(fake_run.status, 2);
		assert_non_null(strstr(fake_run.err, "--since is '"));
	}
	run_alone("history", "web1", "--since", "12:00", "--last", "1h");
	assert_int_equal(fake_run.status, 2);
	run_alone("history", "web1", "--budget", "host");
	assert_int_equal(fake_run.status, 2);
	run_alone("events", "--last", "1");
	assert_int_equal(fake_run.status, 2);
}

static void test_since(void **state)
{
	ebb_auto_free char *line = example_history("domain");

	(void)state;
	run_with(line, "history", "web1", "--since", "2023-11-26T11:50");
	assert_non_null(strstr(fake_run.request, "\"since-ms\":1700999400000"));
	assert_null(strstr(fake_run.request, "last-ms"));
}

/* Of 64 columns: curves begin at that minute, so it is a multiple of the step. */
static void test_since_is_where_curves_begin(void **state)
{
	ebb_auto_free char *line = example_history("domain");
	uint64_t since_ms, step_ms;
	const char *since, *step;
	char text[32];
	time_t s;
	struct tm tm;

	(void)state;
	for (int hours = 1; hours <= 12; hours++) {
		s = time(NULL) - 3600 * hours;
		s -= s % 1800;
		localtime_r(&s, &tm);
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &tm);
		run_with(line, "history", "web1", "--since", text);
		since = strstr(fake_run.request, "\"since-ms\":");
		step = strstr(fake_run.request, "\"step-ms\":");
		assert_non_null(since);
		assert_non_null(step);
		since_ms = strtoull(since + 11, NULL, 10);
		step_ms = strtoull(step + 10, NULL, 10);
		assert_int_equal(since_ms, 1000 * (uint64_t)s);
		assert_int_equal(since_ms % step_ms, 0);
		assert_in_range((uint64_t)time(NULL) * 1000 - since_ms,
				20 * step_ms, 63 * step_ms);
	}
}

static char *example_events(void)
{
	struct ebb_event items[] = {
		{ .number = 7,
		  .time_ms = NOW_MS,
		  .kind = "rung",
		  .domain = "web1",
		  .text = "web1: rung \033lease",
		  .uid = UINT32_MAX },
		{ .number = 8,
		  .time_ms = NOW_MS + 1000,
		  .kind = "request",
		  .text = "web1: reclaim of 1.0 GiB",
		  .uid = 0 },
		{ .number = 9,
		  .time_ms = NOW_MS + 2000,
		  .kind = "request",
		  .text = "web1: deflate",
		  .uid = 4000000000 },
	};
	struct ebb_events events = { 9, EBB_ARRAY_SIZE(items), items };

	return ebb_msg_reply(ebb_events_encode(&events), NULL);
}

static void test_events(void **state)
{
	ebb_auto_free char *line = example_events();

	(void)state;
	run_with(line, "events", "web1");
	assert_string_equal(fake_run.request,
			    "{\"execute\":\"events\",\"arguments\":{"
			    "\"domain\":\"web1\"}}");
	assert_string_equal(
		fake_run.out,
		"2023-11-26 12:00:00  web1: rung ?lease\n"
		"2023-11-26 12:00:01  web1: reclaim of 1.0 GiB (asked by "
		"root)\n"
		"2023-11-26 12:00:02  web1: deflate (asked by uid "
		"4000000000)\n");
	assert_int_equal(fake_run.status, 0);
}

static void test_events_since(void **state)
{
	ebb_auto_free char *line = example_events();

	(void)state;
	run_with(line, "events", "--json", "--since", "2023-11-26 12:00:02");
	assert_non_null(strstr(fake_run.request, "\"last\":1000"));
	/* One line. */
	assert_memory_equal(fake_run.out, "{\"number\":9,", 12);
	assert_ptr_equal(strchr(fake_run.out, '\n') + 1,
			 fake_run.out + strlen(fake_run.out));
}

static void run_without_events(const char *answer, const char *option)
{
	const struct ebb_events none = { 0 };
	ebb_auto_free char *line =
		ebb_msg_reply(ebb_events_encode(&none), NULL);

	fake_start(ARGUMENTS("events", "off1", option));
	fake_serve();
	fake_answer(line);
	close(fake_run.peer);
	fake_serve();
	assert_string_equal(fake_run.request,
			    "{\"execute\":\"domain-show\",\"arguments\":{"
			    "\"domain\":\"off1\"}}");
	fake_answer(answer);
	fake_finish();
}

/* One that is off is known, and one that is gone may have some. */
static void test_no_events(void **state)
{
	ebb_auto_free char *off =
		ebb_msg_error("DomainNotRunning", "It is off", 0, NULL);
	ebb_auto_free char *unknown =
		ebb_msg_error("DomainNotFound", "No domain 'off1'", 0, NULL);

	(void)state;
	run_without_events(off, NULL);
	assert_string_equal(fake_run.out, "off1: no events.\n");
	assert_string_equal(fake_run.err, "");
	assert_int_equal(fake_run.status, 0);
	run_without_events(off, "--json");
	assert_string_equal(fake_run.out, "");
	assert_int_equal(fake_run.status, 0);
	run_without_events(unknown, NULL);
	assert_string_equal(fake_run.out, "");
	assert_non_null(strstr(fake_run.err, "No domain 'off1'"));
	assert_int_equal(fake_run.status, 1);
}

/* The last ones, and then on where these end. */
static void test_follow(void **state)
{
	ebb_auto_free char *line = example_events();
	struct ebb_event event = { .number = 12,
				   .time_ms = NOW_MS,
				   .kind = "rung",
				   .text = "then",
				   .uid = UINT32_MAX };
	const struct ebb_events_lost lost = { 2 };
	ebb_auto_free char *lost_line = ebb_msg_event(
		"events-lost", ebb_msg_encode(ebb_events_lost_fields, &lost));
	ebb_auto_free char *next_line = ebb_msg_event(
		"event", ebb_msg_encode(ebb_event_fields, &event));

	(void)state;
	fake_start(ARGUMENTS("events", "--follow"));
	fake_serve();
	fake_answer(line);
	close(fake_run.peer);
	fake_serve();
	assert_string_equal(fake_run.request,
			    "{\"execute\":\"events\",\"arguments\":{"
			    "\"after\":9,\"follow\":true}}");
	fake_answer(lost_line);
	fake_answer(next_line);
	close(fake_run.peer);
	fake_run.peer = -1;
	fake_finish();
	assert_non_null(strstr(fake_run.out,
			       "(asked by uid 4000000000)\n"
			       "(2 events are not here, as they came too "
			       "fast)\n2023-11-26 12:00:00  then\n"));
	/* ebbd ended. */
	assert_int_equal(fake_run.status, 3);
}

static int set_up(void **state)
{
	setenv("TZ", "UTC", 1);
	unsetenv("COLUMNS");
	return fake_set_up(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_curves),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_note_is_no_output),
		cmocka_unit_test(test_wrong_times),
		cmocka_unit_test(test_since),
		cmocka_unit_test(test_since_is_where_curves_begin),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_events_since),
		cmocka_unit_test(test_no_events),
		cmocka_unit_test(test_follow),
	};

	return cmocka_run_group_tests(tests, set_up, fake_tear_down);
}
