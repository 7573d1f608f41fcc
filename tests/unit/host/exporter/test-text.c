/* SPDX-License-Identifier: GPL-2.0-only */
/* The exposition format: labels, samples, HELP and TYPE. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "host/exporter/row.h"
#include "host/exporter/text.h"

static void test_labels_are_escaped(void **state)
{
	static const struct {
		const char *value, *label;
	} rows[] = {
		{ "web1", "d=\"web1\"" },
		{ "", "d=\"\"" },
		{ "a\\b", "d=\"a\\\\b\"" },
		{ "a\"} 1\nb", "d=\"a\\\"} 1\\nb\"" },
		{ "\x1b[2J\t\r\x7f", "d=\"?[2J???\"" },
		{ "m\xc3\xbcller {},=#", "d=\"m\xc3\xbcller {},=#\"" },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(rows); i++) {
		struct exp_text text = { 0 };

		exp_text_label(&text, "d", rows[i].value);
		assert_false(text.failed);
		assert_string_equal(exp_text_get(&text), rows[i].label);
		assert_int_equal(text.used, strlen(rows[i].label));
		exp_text_clear(&text);
	}
}

static void test_numbers(void **state)
{
	struct exp_text text = { 0 };

	(void)state;
	exp_text_number(&text, 0);
	exp_text_put(&text, " ");
	exp_text_number(&text, 10);
	exp_text_put(&text, " ");
	exp_text_number(&text, UINT64_MAX);
	assert_string_equal(exp_text_get(&text), "0 10 18446744073709551615");
	exp_text_clear(&text);
}

static void test_strings_of_json(void **state)
{
	struct exp_text text = { 0 };

	(void)state;
	exp_text_add(&text, "{");
	exp_text_member(&text, "a");
	exp_text_string(&text, "\"\\\n\x7f</script>m\xc3\xbc");
	exp_text_member(&text, "b");
	exp_text_add(&text, "{");
	exp_text_member(&text, "c");
	exp_text_string(&text, "");
	assert_string_equal(exp_text_get(&text),
			    "{\"a\":\"\\\"\\\\\\u000a\\u007f</script>"
			    "m\xc3\xbc\",\"b\":{\"c\":\"\"");
	exp_text_clear(&text);
}

static void test_labels_are_listed(void **state)
{
	struct exp_text text = { 0 };

	(void)state;
	assert_string_equal(exp_text_get(&text), "");
	exp_text_label(&text, "a", "1");
	exp_text_label(&text, "b", "2");
	assert_string_equal(exp_text_get(&text), "a=\"1\",b=\"2\"");
	exp_text_reset(&text);
	exp_text_label(&text, "c", "3");
	assert_string_equal(exp_text_get(&text), "c=\"3\"");
	exp_text_clear(&text);
}

/* It grows, to its bound, and what did not fit is never taken for the whole. */
static void test_text_is_bounded(void **state)
{
	static char part[1024 * 1024 + 1];
	struct exp_text text = { 0 }, other = { 0 };

	(void)state;
	memset(part, 'x', sizeof(part) - 1);
	for (size_t i = 0; i < EXP_TEXT_BYTES_MAX / (sizeof(part) - 1) - 1; i++)
		exp_text_add(&text, "%s", part);
	assert_false(text.failed);
	assert_int_equal(strlen(exp_text_get(&text)), text.used);
	exp_text_add(&text, "%s", part);
	assert_true(text.failed);
	exp_text_join(&other, &text);
	assert_true(other.failed);
	exp_text_clear(&text);
	exp_text_clear(&other);
}

struct message {
	uint64_t bytes;
	uint32_t ms;
	uint32_t us;
	uint32_t count;
	bool yes;
	bool known;
};

static bool is_known(const void *message)
{
	return ((const struct message *)message)->known;
}

static void print_twice(const struct exp_row *row, const char *labels,
			const void *message, struct exp_text *lines)
{
	(void)message;
	exp_sample_add(lines, row->name, labels, 1);
	exp_sample_add(lines, row->name, labels, UINT64_MAX);
}

#define ROW(name_, unit_, field_, known_)                                     \
	{                                                                     \
		.name = (name_), .help = "Words.", .unit = (unit_),           \
		.offset = offsetof(struct message, field_), .known = (known_) \
	}

static const struct exp_row rows[] = {
	ROW("a_bytes_total", EXP_U64, bytes, is_known),
	ROW("b_seconds", EXP_MS, ms, NULL),
	ROW("c_seconds", EXP_US, us, NULL),
	ROW("d", EXP_U32, count, NULL),
	ROW("e", EXP_BOOL, yes, NULL),
	{ .name = "f",
	  .help = "Words.",
	  .known = is_known,
	  .print = print_twice },
	ROW("total", EXP_U32, count, is_known),
};

static void expect(const struct message *messages, size_t count,
		   const char *text)
{
	static const char *const labels[] = { "", "x=\"1\"" };
	struct exp_text page = { 0 };
	struct exp_sheet sheet;

	assert_int_equal(exp_sheet_init(&sheet, rows, EBB_ARRAY_SIZE(rows)), 0);
	for (size_t i = 0; i < count; i++)
		exp_sheet_add(&sheet, labels[i], &messages[i]);
	exp_sheet_print(&sheet, &page);
	assert_false(page.failed);
	assert_string_equal(exp_text_get(&page), text);
	exp_text_clear(&page);
	exp_sheet_clear(&sheet);
}

/* Samples of a metric are together, and what nobody knows has none. */
static void test_sheet(void **state)
{
	static const struct message messages[] = {
		{ .ms = 1005, .us = 1, .count = 7, .yes = true },
		{ .bytes = INT64_MAX,
		  .ms = UINT32_MAX,
		  .us = 2000000,
		  .known = true },
	};

	(void)state;
	expect(NULL, 0, "");
	expect(messages, 1,
	       "# HELP b_seconds Words.\n# TYPE b_seconds gauge\n"
	       "b_seconds 1.005\n"
	       "# HELP c_seconds Words.\n# TYPE c_seconds gauge\n"
	       "c_seconds 0.000001\n"
	       "# HELP d Words.\n# TYPE d gauge\nd 7\n"
	       "# HELP e Words.\n# TYPE e gauge\ne 1\n");
	expect(messages, 2,
	       "# HELP a_bytes_total Words.\n# TYPE a_bytes_total counter\n"
	       "a_bytes_total{x=\"1\"} 9223372036854775807\n"
	       "# HELP b_seconds Words.\n# TYPE b_seconds gauge\n"
	       "b_seconds 1.005\nb_seconds{x=\"1\"} 4294967.295\n"
	       "# HELP c_seconds Words.\n# TYPE c_seconds gauge\n"
	       "c_seconds 0.000001\nc_seconds{x=\"1\"} 2.000000\n"
	       "# HELP d Words.\n# TYPE d gauge\nd 7\nd{x=\"1\"} 0\n"
	       "# HELP e Words.\n# TYPE e gauge\ne 1\ne{x=\"1\"} 0\n"
	       "# HELP f Words.\n# TYPE f gauge\n"
	       "f{x=\"1\"} 1\nf{x=\"1\"} 18446744073709551615\n"
	       "# HELP total Words.\n# TYPE total gauge\ntotal{x=\"1\"} 0\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_labels_are_escaped),
		cmocka_unit_test(test_labels_are_listed),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_strings_of_json),
		cmocka_unit_test(test_text_is_bounded),
		cmocka_unit_test(test_sheet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
