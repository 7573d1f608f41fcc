/* SPDX-License-Identifier: GPL-2.0-only */
/* What a guest needs, by the statistics of its balloon; and what is given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/rung/hand.h"
#include "host/rung/need.h"

static struct ebb_balloon_stats having(uint64_t usable_mib, uint64_t unused_mib)
{
	return (struct ebb_balloon_stats){
		.usable_known = true,
		.usable_bytes = usable_mib * EBB_MIB,
		.unused_known = true,
		.unused_bytes = unused_mib * EBB_MIB,
		.swapped_bytes = 100 * EBB_MIB,
		.major_faults = 1000,
	};
}

static void test_cushion(void **state)
{
	(void)state;
	assert_int_equal(ebb_need_cushion(256 * EBB_MIB), 128 * EBB_MIB);
	assert_int_equal(ebb_need_cushion(2 * EBB_GIB), 256 * EBB_MIB);
	assert_int_equal(ebb_need_cushion(512 * EBB_GIB), 2 * EBB_GIB);
}

static void test_spare(void **state)
{
	static const struct {
		uint64_t usable_mib;
		uint64_t unused_mib;
		bool free_only;
		uint64_t spare_mib;
	} cases[] = {
		{ 1384, 1000, false, 1000 }, { 384, 300, false, 0 },
		{ 100, 100, false, 0 },	     { 1384, 564, true, 500 },
		{ 1384, 64, true, 0 },	     { 1384, 1384, true, 1000 },
	};
	struct ebb_balloon_stats stats;

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		stats = having(cases[i].usable_mib, cases[i].unused_mib);
		assert_int_equal(ebb_need_spare(&stats, 2 * EBB_GIB,
						cases[i].free_only),
				 cases[i].spare_mib * EBB_MIB);
	}
	/* What is not known is not spare. */
	stats.usable_known = false;
	assert_int_equal(ebb_need_spare(&stats, 2 * EBB_GIB, false), 0);
	stats.usable_known = true;
	stats.unused_known = false;
	assert_int_equal(ebb_need_spare(&stats, 2 * EBB_GIB, true), 0);
}

static void test_alarm(void **state)
{
	const struct ebb_balloon_stats before = having(800, 500);
	struct ebb_balloon_stats now = before;

	(void)state;
	assert_null(ebb_need_alarm(&before, &now, 2 * EBB_GIB));
	now.usable_bytes = 256 * EBB_MIB;
	assert_null(ebb_need_alarm(&before, &now, 2 * EBB_GIB));
	now.usable_bytes--;
	assert_string_equal(ebb_need_alarm(&before, &now, 2 * EBB_GIB),
			    "low-memory");
	now = before;
	now.usable_known = false;
	assert_string_equal(ebb_need_alarm(&before, &now, 2 * EBB_GIB),
			    "low-memory");
	now = before;
	now.swapped_bytes += 4 * EBB_MIB;
	assert_null(ebb_need_alarm(&before, &now, 2 * EBB_GIB));
	now.swapped_bytes++;
	assert_string_equal(ebb_need_alarm(&before, &now, 2 * EBB_GIB),
			    "swapping");
	now = before;
	now.major_faults += 501;
	/* A program that starts reads its files. */
	assert_null(ebb_need_alarm(&before, &now, 2 * EBB_GIB));
	now.usable_bytes = 511 * EBB_MIB;
	assert_string_equal(ebb_need_alarm(&before, &now, 2 * EBB_GIB),
			    "faulting");
	/* It booted: its counters begin anew. */
	now = before;
	now.swapped_bytes = now.major_faults = 0;
	assert_null(ebb_need_alarm(&before, &now, 2 * EBB_GIB));
}

/* Never more than was taken, and never smaller than it is. */
static void test_given_back(void **state)
{
	static const struct {
		uint64_t actual_mib;
		uint64_t held_mib;
		bool resize;
		uint64_t left_mib;
	} cases[] = {
		/* Of 2 GiB 500 MiB were taken: all of it is there, */
		{ 1548, 500, true, 2048 },
		/* it is still on its way, or back in part, */
		{ 1900, 148, true, 2048 },
		/* somebody else took more, */
		{ 1024, 500, true, 1524 },
		/* or all is back, or was never taken, or more than that. */
		{ 2048, 0, true, 2048 },
		{ 2100, 0, false, 2048 },
	};
	const struct ebb_balloon_record record = {
		.base_bytes = 2048 * EBB_MIB,
		.left_bytes = 1548 * EBB_MIB,
		.period_s = 10,
	};
	struct ebb_balloon_act act;

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		const struct ebb_balloon_stats stats = {
			.memory_bytes = 4096 * EBB_MIB,
			.actual_bytes = cases[i].actual_mib * EBB_MIB,
		};

		assert_int_equal(ebb_hand_held_bytes(&record, &stats),
				 cases[i].held_mib * EBB_MIB);
		act = ebb_hand_give_back(&record, &stats);
		assert_true(act.write);
		assert_int_equal(act.record.base_bytes, 0);
		assert_int_equal(act.resize, cases[i].resize);
		assert_int_equal(act.left_bytes, cases[i].left_mib * EBB_MIB);
		assert_true(act.set_period);
		assert_int_equal(act.period_s, 10);
	}
}

/* What the domain has more or less since is in none of what is held. */
static void test_memory_changed(void **state)
{
	static const struct {
		uint64_t recorded_mib;
		uint64_t memory_mib;
		uint64_t actual_mib;
		uint64_t held_mib;
		bool resize;
		uint64_t left_mib;
	} cases[] = {
		/* Of 3 GiB others had 1 GiB, and Ebb took 500 MiB. */
		{ 3072, 3072, 1548, 500, true, 2048 },
		/* A DIMM was plugged, or unplugged, */
		{ 3072, 5120, 3596, 500, true, 4096 },
		{ 3072, 2560, 1036, 500, true, 1536 },
		/* and others gave back what they had. */
		{ 3072, 5120, 4097, 0, false, 4096 },
		/* It cannot be of this domain. */
		{ 3072, 1524, 1000, 0, false, 0 },
		/* Of an ebbd that did not write it down. */
		{ 0, 3072, 1548, 500, true, 2048 },
		{ 0, 1800, 1700, 100, true, 1800 },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		const struct ebb_balloon_record record = {
			.base_bytes = 2048 * EBB_MIB,
			.left_bytes = 1548 * EBB_MIB,
			.memory_bytes = cases[i].recorded_mib * EBB_MIB,
		};
		const struct ebb_balloon_stats stats = {
			.memory_bytes = cases[i].memory_mib * EBB_MIB,
			.actual_bytes = cases[i].actual_mib * EBB_MIB,
		};
		struct ebb_balloon_act act =
			ebb_hand_give_back(&record, &stats);

		assert_int_equal(ebb_hand_held_bytes(&record, &stats),
				 cases[i].held_mib * EBB_MIB);
		assert_int_equal(act.resize, cases[i].resize);
		assert_int_equal(ebb_hand_is_above(&record, &stats),
				 !cases[i].resize);
		assert_int_equal(act.left_bytes, cases[i].left_mib * EBB_MIB);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cushion),
		cmocka_unit_test(test_spare),
		cmocka_unit_test(test_alarm),
		cmocka_unit_test(test_given_back),
		cmocka_unit_test(test_memory_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
