/* SPDX-License-Identifier: GPL-2.0-only */
/* The pace of a reclaim that nobody waits for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/size.h"
#include "host/lease/gentle.h"

#define MS EBB_NS_PER_MS
#define S EBB_NS_PER_S

/* A piece of 64 MiB; of ordinary pages it takes a good dozen ms. */
static struct ebb_gentle_piece piece(uint64_t left_bytes, uint64_t left_ns)
{
	return (struct ebb_gentle_piece){ .work_ns = 12 * MS,
					  .came_bytes = 64 * EBB_MIB,
					  .left_bytes = left_bytes,
					  .left_ns = left_ns };
}

static void test_work_is_a_fiftieth(void **state)
{
	struct ebb_gentle_piece little = piece(64 * EBB_MIB, 10 * S);

	(void)state;
	assert_int_equal(ebb_gentle_rest_ns(&little), 49 * 12 * MS);
	/* Nothing came: the guest had offered holes. They cost little time. */
	little.came_bytes = little.left_bytes = 0;
	little.work_ns = 3 * MS;
	assert_int_equal(ebb_gentle_rest_ns(&little), 49 * 3 * MS);
	little.work_ns = MS / 10;
	assert_int_equal(ebb_gentle_rest_ns(&little), 100 * MS);
}

/* Whatever it is, in pieces of 64 MiB, it is had in about ten seconds. */
static void test_all_is_had_in_time(void **state)
{
	static const uint64_t amounts[] = { 64 * EBB_MIB, 640 * EBB_MIB,
					    4 * EBB_GIB, 16 * EBB_GIB };

	(void)state;
	for (size_t i = 0; i < sizeof(amounts) / sizeof(*amounts); i++) {
		uint64_t bytes = ebb_gentle_piece_bytes(amounts[i]);
		uint64_t now_ns = 0, had = 0;

		while (had < amounts[i]) {
			struct ebb_gentle_piece now = {
				.work_ns = bytes / EBB_MIB * MS / 8,
				.came_bytes = bytes,
			};

			had += bytes;
			now_ns += now.work_ns;
			now.left_bytes = had < amounts[i] ? amounts[i] - had
							  : 0;
			now.left_ns = now_ns < 10 * S ? 10 * S - now_ns : 0;
			if (had < amounts[i])
				now_ns += ebb_gentle_rest_ns(&now);
		}
		assert_true(now_ns < 11 * S);
	}
}

/* It goes on, with the shortest rests, and never without any. */
static void test_too_much_for_the_time(void **state)
{
	struct ebb_gentle_piece late = piece(1024 * EBB_GIB, 0);

	(void)state;
	assert_int_equal(ebb_gentle_rest_ns(&late), 100 * MS);
	late.left_ns = 10 * S;
	assert_int_equal(ebb_gentle_rest_ns(&late), 100 * MS);
	/* A slow piece has the longer one. */
	late.work_ns = 200 * MS;
	assert_int_equal(ebb_gentle_rest_ns(&late), 3 * 200 * MS);
}

static void test_gives_way_to_the_guest(void **state)
{
	struct ebb_gentle_piece calm = piece(64 * EBB_MIB, 10 * S), busy = calm;
	uint64_t before_ns = 0;

	(void)state;
	busy.delayed_ns = 6 * MS;
	assert_int_equal(ebb_gentle_busy_percent(&calm), 0);
	assert_int_equal(ebb_gentle_busy_percent(&busy), 50);
	assert_true(ebb_gentle_rest_ns(&busy) > 2 * ebb_gentle_rest_ns(&calm));
	/* Many processors of a guest may wait, for all of the time. */
	busy.delayed_ns = 100 * S;
	assert_int_equal(ebb_gentle_busy_percent(&busy), 100);
	assert_int_equal(ebb_gentle_rest_ns(&busy), 2 * S);
	/* But it has to be had in time still. */
	busy.left_bytes = 19 * 64 * EBB_MIB;
	assert_int_equal(ebb_gentle_rest_ns(&busy), S / 2);
	for (uint32_t percent = 0; percent <= 100; percent++) {
		uint64_t nap_ns = ebb_gentle_nap_ns(MS, percent);

		assert_true(nap_ns > before_ns);
		before_ns = nap_ns;
	}
	assert_int_equal(ebb_gentle_nap_ns(MS, 0), 3 * MS);
	assert_int_equal(ebb_gentle_nap_ns(MS, 100), 6 * MS);
}

/* A thread that was stopped for a day, and what no clock or kernel says. */
static void test_bounded(void **state)
{
	struct ebb_gentle_piece odd = {
		.work_ns = UINT64_MAX,
		.delayed_ns = UINT64_MAX,
		.came_bytes = UINT64_MAX,
		.left_bytes = UINT64_MAX,
		.left_ns = UINT64_MAX,
	};

	(void)state;
	assert_int_equal(ebb_gentle_rest_ns(&odd), 2 * S);
	assert_int_equal(ebb_gentle_nap_ns(UINT64_MAX, 100), 50 * MS);
	assert_int_equal(ebb_gentle_busy_percent(&odd), 100);
	odd = (struct ebb_gentle_piece){ .left_ns = 10 * S };
	/* What offers nothing is not asked again and again. */
	assert_int_equal(ebb_gentle_rest_ns(&odd), 100 * MS);
	assert_int_equal(ebb_gentle_busy_percent(&odd), 0);
}

/* Few of them, however large the guest, and none that is not worth a session. */
static void test_pieces(void **state)
{
	(void)state;
	assert_int_equal(ebb_gentle_piece_bytes(0), 64 * EBB_MIB);
	assert_int_equal(ebb_gentle_piece_bytes(EBB_GIB), 64 * EBB_MIB);
	assert_int_equal(ebb_gentle_piece_bytes(64 * EBB_GIB), EBB_GIB);
	/* A group is of a ms. */
	assert_int_equal(ebb_gentle_group_bytes(5 * EBB_MIB), 5 * EBB_MIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_work_is_a_fiftieth),
		cmocka_unit_test(test_all_is_had_in_time),
		cmocka_unit_test(test_too_much_for_the_time),
		cmocka_unit_test(test_gives_way_to_the_guest),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
