/* SPDX-License-Identifier: GPL-2.0-only */
/* A burst, then one each period, and never more for having waited long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host/base/pace.h"

#define S 1000000000ull

static void test_burst_then_period(void **state)
{
	struct ebb_pace pace = { .burst = 3, .period_ns = 4 * S };
	uint64_t now = 100 * S;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(ebb_pace_take(&pace, 1, now));
	assert_false(ebb_pace_take(&pace, 1, now));
	assert_int_equal(ebb_pace_wait_ns(&pace, now), 4 * S);
	assert_int_equal(ebb_pace_wait_ns(&pace, now + 3 * S), 1 * S);
	assert_false(ebb_pace_take(&pace, 1, now + 4 * S - 1));
	assert_true(ebb_pace_take(&pace, 1, now + 4 * S));
	assert_false(ebb_pace_take(&pace, 1, now + 4 * S));
}

static void test_rest_fills_it_once(void **state)
{
	struct ebb_pace pace = { .burst = 2, .period_ns = S };
	uint64_t now = S;
	int taken = 0;

	(void)state;
	assert_true(ebb_pace_take(&pace, 1, now));
	now += 1000 * S;
	while (ebb_pace_take(&pace, 1, now))
		taken++;
	assert_int_equal(taken, 2);
}

static void test_a_flood_gets_its_rate(void **state)
{
	struct ebb_pace pace = { .burst = 8, .period_ns = 4 * S };
	int taken = 0;

	(void)state;
	for (uint64_t now = S; now < 401 * S; now += S / 100)
		taken += ebb_pace_take(&pace, 1, now);
	assert_in_range(taken, 107, 108);
}

static void test_more_than_there_is_is_a_debt(void **state)
{
	struct ebb_pace pace = { .burst = 10, .period_ns = S };

	(void)state;
	assert_true(ebb_pace_take(&pace, 25, S));
	assert_int_equal(ebb_pace_wait_ns(&pace, S), 16 * S);
	assert_false(ebb_pace_take(&pace, 1, 16 * S));
	assert_true(ebb_pace_take(&pace, 1, 17 * S));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_burst_then_period),
		cmocka_unit_test(test_rest_fills_it_once),
		cmocka_unit_test(test_a_flood_gets_its_rate),
		cmocka_unit_test(test_more_than_there_is_is_a_debt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
