/* SPDX-License-Identifier: GPL-2.0-only */
/* What was: which questions are one, and what is served of ebbd's answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "host/exporter/past.h"

static struct ebb_history_request request;

static void test_questions(void **state)
{
	(void)state;
	assert_true(exp_past_parse("u-1", NULL, "3600000", &request));
	assert_string_equal(request.domain, "u-1");
	assert_string_equal(request.budget, "");
	assert_int_equal(request.last_ms, 3600000);
	assert_int_equal(request.limit, EXP_PAST_POINTS);
	assert_true(exp_past_parse(NULL, "node 0", NULL, &request));
	assert_string_equal(request.budget, "node 0");
	assert_int_equal(request.last_ms, 0);
}

static void test_what_is_no_question(void **state)
{
	static const char *const numbers[] = { "",
					       "-1",
					       "+1",
					       " 1",
					       "1s",
					       "0x1",
					       "9223372036854775808",
					       "99999999999999999999" };
	char long_name[EBB_NAME_BYTES_MAX + 1];

	(void)state;
	memset(long_name, 'x', EBB_NAME_BYTES_MAX);
	long_name[EBB_NAME_BYTES_MAX] = '\0';
	assert_false(exp_past_parse(NULL, NULL, NULL, &request));
	assert_false(exp_past_parse("a", "host", NULL, &request));
	assert_false(exp_past_parse("", NULL, NULL, &request));
	assert_false(exp_past_parse(long_name, NULL, NULL, &request));
	assert_true(exp_past_parse(long_name + 1, NULL, NULL, &request));
	for (size_t i = 0; i < EBB_ARRAY_SIZE(numbers); i++)
		assert_false(exp_past_parse("a", NULL, numbers[i], &request));
}

static void test_the_same(void **state)
{
	struct ebb_history_request other;

	(void)state;
	exp_past_parse("a", NULL, "60000", &request);
	exp_past_parse("a", NULL, "60000", &other);
	assert_true(exp_past_is_same(&request, &other));
	exp_past_parse(NULL, "a", "60000", &other);
	assert_false(exp_past_is_same(&request, &other));
	exp_past_parse("a", NULL, "60001", &other);
	assert_false(exp_past_is_same(&request, &other));
}

static void must_print(const char *answer, const char *error, const char *text)
{
	struct exp_round round = { 0 };
	struct exp_text printed = { 0 };

	round.answers[EXP_PAST] = answer ? json_tokener_parse(answer) : NULL;
	strcpy(round.error, error);
	exp_past_print(&round, &printed);
	if (!strstr(exp_text_get(&printed), text))
		fail_msg("no '%s' in %s", text, exp_text_get(&printed));
	assert_false(printed.failed);
	exp_text_clear(&printed);
	exp_round_clear(&round);
}

#define HEAD                                                               \
	"{\"kind\":\"domain\",\"name\":\"a\",\"uuid\":\"u\",\"now-ms\":9," \
	"\"since-ms\":1,\"step-ms\":2,\"points\":"

static void test_answers(void **state)
{
	(void)state;
	must_print(HEAD "[{\"time-ms\":5,\"resident-bytes\":[1,2,3]}]}", "",
		   "{\"time-ms\":5,\"resident-bytes\":[1,2,3]}");
	must_print(HEAD "[]}", "", "\"points\":[]");
	/* It is checked before it is handed on. */
	must_print(HEAD "[{\"time-ms\":5,\"resident-bytes\":[\"<b>\"]}]}", "",
		   "{\"trouble\":\"");
	must_print("{}", "", "{\"trouble\":\"");
	must_print(NULL, "ebbd refuses \"history\"",
		   "{\"trouble\":\"ebbd refuses \\\"history\\\"\"}");
}

static void test_arguments(void **state)
{
	struct json_object *arguments;

	(void)state;
	exp_past_parse("a", NULL, "60000", &request);
	arguments = exp_past_arguments(&request);
	assert_string_equal(json_object_to_json_string_ext(
				    arguments, JSON_C_TO_STRING_PLAIN),
			    "{\"domain\":\"a\",\"last-ms\":60000,"
			    "\"limit\":240}");
	json_object_put(arguments);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_questions),
		cmocka_unit_test(test_what_is_no_question),
		cmocka_unit_test(test_the_same),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
