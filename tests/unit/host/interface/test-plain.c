/* SPDX-License-Identifier: GPL-2.0-only */
/* Text of a guest: what may be printed stays, the rest is a question mark. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "host/interface/plain.h"

static void test_plain_text_stays(void **state)
{
	char text[] = "6.1.0-56-amd64 ~ (\"x\")";

	(void)state;
	ebb_plain(text);
	assert_string_equal(text, "6.1.0-56-amd64 ~ (\"x\")");
}

static void test_all_else_is_replaced(void **state)
{
	char text[] = "a\nebbd: forged\t\x1b[31m\x7f\xc3\xa9\xff";

	(void)state;
	ebb_plain(text);
	assert_string_equal(text, "a?ebbd: forged??[31m????");
}

static void test_each_string_of_a_message(void **state)
{
	struct ebb_msg_info info = { .ring_gpa = 0x0a0a0a0a };

	(void)state;
	strcpy(info.agent_version, "1\n2");
	strcpy(info.kernel, "\xe2\x82\xac");
	strcpy(info.module_reason, "\r");
	ebb_plain_fields(ebb_msg_info_fields, &info);
	assert_string_equal(info.agent_version, "1?2");
	assert_string_equal(info.kernel, "???");
	assert_string_equal(info.module_reason, "?");
	assert_int_equal(info.ring_gpa, 0x0a0a0a0a);
}

static void test_cut_characters(void **state)
{
	char text[] =
		"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\xa7 \xc3x\xa4 \xe2\x82";

	(void)state;
	ebb_plain_utf8(text);
	assert_string_equal(text,
			    "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\xa7 ?x? ??");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_text_stays),
		cmocka_unit_test(test_all_else_is_replaced),
		cmocka_unit_test(test_each_string_of_a_message),
		cmocka_unit_test(test_cut_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
