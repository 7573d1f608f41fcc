/* SPDX-License-Identifier: GPL-2.0-only */
/* Whose fault it is that a cgroup at its limit reads pages again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "guest/taken.h"

#define SECOND_US ((uint64_t)1000 * 1000)

static uint64_t settle(struct ebb_taken *taken, uint64_t steals,
		       uint64_t others, uint64_t refaults, uint64_t now_us)
{
	struct ebb_taken_growth growth = {
		.steals = steals,
		.others = others,
		.refaults = refaults,
	};

	return ebb_taken_settle(taken, &growth, now_us);
}

static void no_more_is_due_than_was_taken(void **state)
{
	struct ebb_taken taken;

	(void)state;
	ebb_taken_begin(&taken, 20000, 1000);
	assert_int_equal(settle(&taken, 5000, 0, 300, SECOND_US), 0);
	assert_false(taken.was_short);
	assert_int_equal(settle(&taken, 9000, 8000, 3000, 2 * SECOND_US), 3000);
	assert_true(taken.was_short);
	assert_int_equal(settle(&taken, 0, 0, 9000, 3 * SECOND_US), 5000);
	/* Till this look some lacked, and now none does. */
	assert_true(taken.was_short);
	assert_int_equal(settle(&taken, 5000, 0, 700, 4 * SECOND_US), 0);
	assert_false(taken.was_short);
}

static void one_that_thrashes_reads_all_again_anyway(void **state)
{
	struct ebb_taken taken;

	(void)state;
	ebb_taken_begin(&taken, 20000, 9000);
	assert_int_equal(settle(&taken, 9000, 6000, 8000, SECOND_US), 0);
	assert_true(taken.was_short);
	assert_int_equal(settle(&taken, 9000, 0, 9000, 2 * SECOND_US), 0);
	assert_false(taken.was_short);
}

/* What kswapd took tells nothing of what the limit does. */
static void thrashing_is_judged_while_nothing_lacks(void **state)
{
	struct ebb_taken taken;

	(void)state;
	ebb_taken_begin(&taken, 4000, 100);
	assert_int_equal(settle(&taken, 50000, 50000, 40000, SECOND_US), 40000);
	assert_int_equal(settle(&taken, 0, 0, 9000, 2 * SECOND_US), 9000);
	assert_int_equal(settle(&taken, 0, 0, 2000, 3 * SECOND_US), 1000);
	/* Its limit begins to hurt. */
	for (int i = 4; i < 8; i++)
		assert_int_equal(settle(&taken, 9000, 0, 9000,
					(uint64_t)i * SECOND_US),
				 0);
	assert_int_equal(settle(&taken, 9000, 5000, 9000, 9 * SECOND_US), 0);
}

/* One that thrashed long ago is none that thrashes. */
static void what_is_old_is_forgotten(void **state)
{
	struct ebb_taken taken;

	(void)state;
	ebb_taken_begin(&taken, 1000000, 900000);
	for (int i = 1; i < 20; i++)
		settle(&taken, 9000, 0, 0, (uint64_t)i * SECOND_US);
	assert_int_equal(settle(&taken, 9000, 9000, 5000, 30 * SECOND_US),
			 5000);
}

static void an_account_is_closed(void **state)
{
	struct ebb_taken taken;

	(void)state;
	ebb_taken_begin(&taken, 9000, 0);
	settle(&taken, 9000, 9000, 0, SECOND_US);
	assert_int_equal(settle(&taken, 0, 0, 10, EBB_TAKEN_US), 10);
	assert_int_equal(settle(&taken, 0, 0, 10, 2 * SECOND_US + EBB_TAKEN_US),
			 0);
	assert_false(taken.was_short);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_more_is_due_than_was_taken),
		cmocka_unit_test(one_that_thrashes_reads_all_again_anyway),
		cmocka_unit_test(thrashing_is_judged_while_nothing_lacks),
		cmocka_unit_test(what_is_old_is_forgotten),
		cmocka_unit_test(an_account_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
