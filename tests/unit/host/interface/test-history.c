/* SPDX-License-Identifier: GPL-2.0-only */
/* What was, and what happened, to JSON and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "host/interface/event.h"
#include "host/interface/history.h"

/* What is not known is not there, and what is known to be 0 is. */
static void test_unknown_is_left_out(void **state)
{
	struct ebb_history_point point = {
		.time_ms = 1700000000000,
		.rung = "lease",
		.values[EBB_DOMAIN_SWAPPED].known = true,
		.values[EBB_DOMAIN_FREE] = { true, 1, 2, UINT64_C(1) << 40 },
	};
	struct ebb_history history = {
		.kind = "domain",
		.name = "web1",
		.step_ms = 10000,
		.point_count = 1,
		.points = &point,
	};
	struct json_object *object = ebb_history_encode(&history);
	struct json_object *points, *first, *value;
	struct ebb_history after;

	(void)state;
	assert_true(json_object_object_get_ex(object, "points", &points));
	first = json_object_array_get_idx(points, 0);
	assert_true(json_object_object_get_ex(first, "swapped-bytes", &value));
	assert_string_equal(
		json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN),
		"[0,0,0]");
	assert_false(
		json_object_object_get_ex(first, "resident-bytes", &value));
	assert_int_equal(ebb_history_decode(object, &after, NULL), 0);
	assert_int_equal(after.point_count, 1);
	assert_memory_equal(after.points, &point, sizeof(point));
	ebb_history_clear(&after);
	json_object_put(object);
}

static void test_series_have_names(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < EBB_HISTORY_SERIES; i++) {
		assert_non_null(ebb_history_series_name(EBB_HISTORY_DOMAIN, i));
		assert_non_null(ebb_history_series_name(EBB_HISTORY_BUDGET, i));
	}
}

static void test_bad_histories(void **state)
{
	static const char head[] = "{\"kind\":\"domain\",\"name\":\"a\","
				   "\"now-ms\":1,\"since-ms\":1,\"step-ms\":1";
	static const struct {
		const char *rest;
		int error;
		const char *text;
	} cases[] = {
		{ "}", -EINVAL, "'points' is missing" },
		{ ",\"points\":1}", -EINVAL, "'points' is not an array" },
		{ ",\"points\":[1]}", -EINVAL, "an object was expected" },
		{ ",\"points\":[{}]}", -EINVAL, "'time-ms' is missing" },
		{ ",\"points\":[{\"time-ms\":1,\"free-bytes\":[1]}]}", -EINVAL,
		  "a value is not of three numbers" },
		{ ",\"points\":[{\"time-ms\":1,\"free-bytes\":[1,2,3,4]}]}",
		  -ERANGE, NULL },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		char text[512];
		struct ebb_history history = { .point_count = 77 };
		struct ebb_msg_error error;
		struct json_object *object;

		snprintf(text, sizeof(text), "%s%s", head, cases[i].rest);
		object = json_tokener_parse(text);
		assert_non_null(object);
		assert_int_equal(ebb_history_decode(object, &history, &error),
				 cases[i].error);
		if (cases[i].text)
			assert_string_equal(error.text, cases[i].text);
		assert_int_equal(history.point_count, 77);
		json_object_put(object);
	}
}

static void test_events_round_trip(void **state)
{
	struct ebb_event items[] = {
		{ .number = 7,
		  .kind = "rung",
		  .domain = "web1",
		  .text = "x",
		  .uid = UINT32_MAX },
		/* Root is somebody. */
		{ .number = 8,
		  .kind = "request",
		  .text = "y",
		  .uid = 0,
		  .asked_bytes = 1 << 20 },
	};
	struct ebb_events events = { .next = 8,
				     .event_count = 2,
				     .events = items };
	struct json_object *object = ebb_events_encode(&events);
	struct ebb_events after;

	(void)state;
	assert_non_null(object);
	assert_int_equal(ebb_events_decode(object, &after, NULL), 0);
	assert_int_equal(after.next, 8);
	assert_int_equal(after.event_count, 2);
	assert_memory_equal(after.events, items, sizeof(items));
	ebb_events_clear(&after);
	json_object_put(object);
}

static void test_kinds_have_names(void **state)
{
	(void)state;
	for (int i = 0; i < EBB_EVENT_KINDS; i++) {
		const char *name = ebb_event_kind_name((enum ebb_event_kind)i);

		assert_non_null(name);
		assert_true(strlen(name) <
			    sizeof(((struct ebb_event *)0)->kind));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unknown_is_left_out),
		cmocka_unit_test(test_series_have_names),
		cmocka_unit_test(test_bad_histories),
		cmocka_unit_test(test_events_round_trip),
		cmocka_unit_test(test_kinds_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
