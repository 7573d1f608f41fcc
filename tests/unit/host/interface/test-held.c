/* SPDX-License-Identifier: GPL-2.0-only */
/* What holds a guest's memory, in words, and what a guest may say of it. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/size.h"
#include "host/interface/held.h"

static void test_only_what_matters_is_named(void **state)
{
	const struct ebb_msg_held held = {
		.known = true,
		.anonymous_bytes = 900 * EBB_MIB,
		.shared_bytes = 15 * EBB_MIB,
		.fragments_bytes = 16 * EBB_MIB,
	};
	char text[EBB_HELD_TEXT_BYTES];

	(void)state;
	assert_string_equal(ebb_held_text(&held, text),
			    "900.0 MiB of memory of programs, 16.0 MiB free in "
			    "small pieces");
	assert_string_equal(ebb_held_text(&(struct ebb_msg_held){ 0 }, text),
			    "");
}

static void test_all_of_it_has_room(void **state)
{
	struct ebb_msg_held held;
	char text[EBB_HELD_TEXT_BYTES];

	(void)state;
	memset(&held, 0xff, sizeof(held));
	ebb_held_text(&held, text);
	assert_non_null(strstr(text, "free in small pieces"));
}

static void test_no_part_is_more_than_all(void **state)
{
	struct ebb_msg_held held = { .known = true };
	uint64_t *part = &held.anonymous_bytes;

	(void)state;
	for (int i = 0; i < EBB_HELD_PARTS; i++, part++) {
		uint64_t bytes;

		*part = EBB_GIB;
		assert_non_null(ebb_held_part(&held, (unsigned int)i, &bytes));
		assert_int_equal(bytes, EBB_GIB);
		assert_true(ebb_held_is_plausible(&held, EBB_GIB));
		assert_false(ebb_held_is_plausible(&held, EBB_GIB - 1));
		*part = 0;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_what_matters_is_named),
		cmocka_unit_test(test_all_of_it_has_room),
		cmocka_unit_test(test_no_part_is_more_than_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
