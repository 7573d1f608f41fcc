/* SPDX-License-Identifier: GPL-2.0-only */
/* Some members of an answer: those that are named, whatever else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/interface/array.h"
#include "host/interface/explain.h"
#include "host/interface/selection.h"
#include "host/interface/status.h"

static struct ebb_selection selection;
static struct ebb_msg_error error;

static int make(const struct ebb_field *all, const char *json)
{
	struct json_object *request = json ? json_tokener_parse(json) : NULL;
	int r = ebb_selection_make(all, request, &selection, &error);

	json_object_put(request);
	return r;
}

static void test_all_without_names(void **state)
{
	static const struct ebb_field *const tables[] = {
		ebb_domain_status_fields, ebb_explain_domain_fields
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		size_t row = 0;

		assert_int_equal(
			make(tables[i], i ? "{\"domain\":\"a\"}" : NULL), 0);
		for (; tables[i][row].name; row++)
			assert_string_equal(selection.fields[row].name,
					    tables[i][row].name);
		assert_null(selection.fields[row].name);
	}
}

static void test_those_that_are_named(void **state)
{
	struct ebb_domain_status status = { .name = "a", .rung = "lease" };
	struct json_object *object;

	(void)state;
	assert_int_equal(make(ebb_domain_status_fields,
			      "{\"members\":[\"rung\",\"new\",\"name\","
			      "\"rung\"]}"),
			 0);
	object = ebb_msg_encode(selection.fields, &status);
	assert_string_equal(
		json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN),
		"{\"name\":\"a\",\"rung\":\"lease\"}");
	memset(&status, 0xff, sizeof(status));
	assert_int_equal(ebb_msg_decode(object, selection.fields, &status,
					sizeof(status), &error),
			 0);
	assert_string_equal(status.rung, "lease");
	assert_int_equal(status.memory_bytes, 0);
	json_object_put(object);

	assert_int_equal(make(ebb_domain_status_fields, "{\"members\":[]}"), 0);
	assert_null(selection.fields[0].name);
}

static void test_what_is_no_list_of_names(void **state)
{
	static const char *const wrong[] = {
		"{\"members\":\"name\"}",
		"{\"members\":{}}",
		"{\"members\":[\"name\",1]}",
		"{\"members\":[null]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(make(ebb_domain_status_fields, wrong[i]),
				 -EINVAL);
		assert_non_null(strstr(error.text, "list of names"));
	}
}

static void test_too_many(void **state)
{
	struct ebb_field all[EBB_SELECTION_MAX + 2] = { 0 };

	(void)state;
	for (size_t i = 0; i <= EBB_SELECTION_MAX; i++)
		all[i].name = "n";
	assert_int_equal(make(all, NULL), -E2BIG);
	all[EBB_SELECTION_MAX].name = NULL;
	assert_int_equal(make(all, NULL), 0);
}

/* A list of many is the same on the wire, whether of objects or of their text. */
static void test_text_in_place_of_objects(void **state)
{
	const struct ebb_domain_status status = {
		.name = "a \"b\" \\ / \t \xc3\xa9", .rung = "lease"
	};
	struct json_object *objects = json_object_new_array();
	struct json_object *texts = json_object_new_array();
	struct json_object *answer = json_object_new_object();
	char *plain;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
			ebb_array_append(objects,
					 ebb_msg_encode(ebb_domain_status_fields,
							&status)),
			0);
		assert_int_equal(ebb_array_append_text(texts,
						       ebb_domain_status_fields,
						       &status),
				 0);
	}
	plain = strdup(json_object_to_json_string_ext(objects,
						      JSON_C_TO_STRING_PLAIN));
	assert_string_equal(
		json_object_to_json_string_ext(texts, JSON_C_TO_STRING_PLAIN),
		plain);
	free(plain);
	json_object_put(objects);
	assert_int_equal(ebb_array_add(answer, "domains", texts), 0);
	json_object_put(answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_without_names),
		cmocka_unit_test(test_those_that_are_named),
		cmocka_unit_test(test_what_is_no_list_of_names),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_text_in_place_of_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
