/* SPDX-License-Identifier: GPL-2.0-only */
/* Pressure, of counts of the time that was waited. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host/sharing/stall.h"

static void test_two_counts_are_needed(void **state)
{
	struct ebb_stall stall = { 0 };
	uint64_t ppm = 7;

	(void)state;
	assert_false(ebb_stall_note(&stall, 1000, 10 * EBB_NS_PER_S, &ppm));
	/* Half a second in ten. */
	assert_true(ebb_stall_note(&stall, 501000, 20 * EBB_NS_PER_S, &ppm));
	assert_int_equal(ppm, 50000);
	/* Nothing since. */
	assert_true(ebb_stall_note(&stall, 501000, 30 * EBB_NS_PER_S, &ppm));
	assert_int_equal(ppm, 0);
}

static void test_what_says_nothing(void **state)
{
	struct ebb_stall stall = { 1000, 10 * EBB_NS_PER_S };
	uint64_t ppm = 7;

	(void)state;
	/* A kernel without PSI; the same word again; another kernel. */
	assert_false(ebb_stall_note(&stall, 0, 20 * EBB_NS_PER_S, &ppm));
	assert_false(ebb_stall_note(&stall, 9000, 10 * EBB_NS_PER_S, &ppm));
	assert_false(ebb_stall_note(&stall, 999, 20 * EBB_NS_PER_S, &ppm));
	assert_int_equal(ppm, 7);
	assert_true(ebb_stall_note(&stall, 1999, 30 * EBB_NS_PER_S, &ppm));
	assert_int_equal(ppm, 100);
}

static void test_a_guest_may_lie(void **state)
{
	struct ebb_stall stall = { 1, EBB_NS_PER_S };
	uint64_t ppm;

	(void)state;
	assert_true(ebb_stall_note(&stall, UINT64_MAX, 2 * EBB_NS_PER_S, &ppm));
	assert_true(ppm <= 1000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_counts_are_needed),
		cmocka_unit_test(test_what_says_nothing),
		cmocka_unit_test(test_a_guest_may_lie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
