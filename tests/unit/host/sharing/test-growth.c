/* SPDX-License-Identifier: GPL-2.0-only */
/* What a guest came to use since it told its working set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/size.h"
#include "host/sharing/growth.h"

static void what_came_since_the_least_counts(void **state)
{
	struct ebb_growth growth = { 0 };

	(void)state;
	ebb_growth_note(&growth, 1, 500 * EBB_MIB);
	assert_int_equal(growth.bytes, 0);
	ebb_growth_note(&growth, 1, 600 * EBB_MIB);
	assert_int_equal(growth.bytes, 100 * EBB_MIB);
	ebb_growth_note(&growth, 1, 300 * EBB_MIB);
	assert_int_equal(growth.bytes, 0);
	ebb_growth_note(&growth, 1, 450 * EBB_MIB);
	assert_int_equal(growth.bytes, 150 * EBB_MIB);
}

static void the_next_word_has_it(void **state)
{
	struct ebb_growth growth = { 0 };

	(void)state;
	ebb_growth_note(&growth, 1, 300 * EBB_MIB);
	ebb_growth_note(&growth, 1, 600 * EBB_MIB);
	ebb_growth_note(&growth, 2, 600 * EBB_MIB);
	assert_int_equal(growth.bytes, 0);
	ebb_growth_note(&growth, 2, 601 * EBB_MIB);
	assert_int_equal(growth.bytes, EBB_MIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_came_since_the_least_counts),
		cmocka_unit_test(the_next_word_has_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
