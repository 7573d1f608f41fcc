/* SPDX-License-Identifier: GPL-2.0-only */
/* When the guest keeps less than it was asked to, and when more again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "guest/backoff.h"
#include "guest/limit.h"
#include "guest/vmstat.h"

#define S ((uint64_t)1000 * 1000)
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

static uint64_t kept(const struct ebb_backoff *backoff, uint64_t asked_bytes)
{
	return ebb_backoff_scale(backoff, asked_bytes, asked_bytes);
}

static void pressure_halves_once_a_second(void **state)
{
	struct ebb_backoff backoff;

	(void)state;
	ebb_backoff_forget(&backoff);
	assert_int_equal(kept(&backoff, 4 * GIB), 4 * GIB);
	assert_true(ebb_backoff_yield(&backoff, EBB_BACKOFF_PRESSURE, 4 * GIB,
				      100 * S));
	assert_int_equal(kept(&backoff, 4 * GIB), 2 * GIB);
	assert_false(ebb_backoff_yield(&backoff, EBB_BACKOFF_ALLOCSTALL,
				       4 * GIB, 100 * S + S - 1));
	assert_int_equal(kept(&backoff, 4 * GIB), 2 * GIB);
	assert_int_equal(backoff.reason, EBB_BACKOFF_PRESSURE);
	assert_true(ebb_backoff_yield(&backoff, EBB_BACKOFF_ALLOCSTALL, 4 * GIB,
				      101 * S));
	assert_int_equal(kept(&backoff, 4 * GIB), GIB);
	assert_int_equal(backoff.reason, EBB_BACKOFF_ALLOCSTALL);
}

/* Also in the first second after boot. */
static void the_first_pressure_counts(void **state)
{
	struct ebb_backoff backoff;

	(void)state;
	ebb_backoff_forget(&backoff);
	assert_true(ebb_backoff_yield(&backoff, EBB_BACKOFF_PRESSURE, GIB, 1));
	assert_int_equal(kept(&backoff, GIB), GIB / 2);
}

static void little_is_nothing(void **state)
{
	struct ebb_backoff backoff;

	(void)state;
	/* Under 64 MiB. */
	ebb_backoff_forget(&backoff);
	ebb_backoff_yield(&backoff, EBB_BACKOFF_PRESSURE, 128 * MIB, 100 * S);
	assert_int_equal(kept(&backoff, 128 * MIB), 64 * MIB);
	ebb_backoff_yield(&backoff, EBB_BACKOFF_PRESSURE, 128 * MIB, 102 * S);
	assert_int_equal(kept(&backoff, 128 * MIB), 0);
	assert_int_equal(backoff.factor, 0);

	/* Under 1/16. */
	ebb_backoff_forget(&backoff);
	for (uint64_t i = 0; i < 4; i++)
		ebb_backoff_yield(&backoff, EBB_BACKOFF_PRESSURE, 64 * GIB,
				  (100 + i) * S);
	assert_int_equal(kept(&backoff, 64 * GIB), 4 * GIB);
	ebb_backoff_yield(&backoff, EBB_BACKOFF_PRESSURE, 64 * GIB, 104 * S);
	assert_int_equal(kept(&backoff, 64 * GIB), 0);

	/* What was asked for may be little itself. */
	ebb_backoff_forget(&backoff);
	assert_int_equal(kept(&backoff, 2 * MIB), 2 * MIB);
}

static void oom_ends_it_at_once(void **state)
{
	struct ebb_backoff backoff;

	(void)state;
	ebb_backoff_forget(&backoff);
	ebb_backoff_yield(&backoff, EBB_BACKOFF_PRESSURE, GIB, 100 * S);
	assert_true(
		ebb_backoff_yield(&backoff, EBB_BACKOFF_OOM, GIB, 100 * S + 1));
	assert_int_equal(kept(&backoff, GIB), 0);
	assert_string_equal(ebb_backoff_reason_name(backoff.reason), "oom");
	/* There is nothing left to give. */
	assert_false(ebb_backoff_yield(&backoff, EBB_BACKOFF_PRESSURE, GIB,
				       103 * S));
}

static void quiet_brings_it_back_in_steps(void **state)
{
	struct ebb_backoff backoff;
	uint64_t now_us = 100 * S;

	(void)state;
	ebb_backoff_forget(&backoff);
	ebb_backoff_yield(&backoff, EBB_BACKOFF_PRESSURE, 16 * GIB, now_us);
	/* Not while there is pressure, though it cuts no more. */
	ebb_backoff_yield(&backoff, EBB_BACKOFF_PRESSURE, 16 * GIB, now_us + 1);
	ebb_backoff_renewed(&backoff, now_us + 30 * S);
	assert_int_equal(kept(&backoff, 16 * GIB), 8 * GIB);
	for (uint64_t step = 1; step <= 8; step++) {
		now_us = (100 + 30 + 12 * step) * S;
		ebb_backoff_renewed(&backoff, now_us);
		/* Renewed at once again: it is not hastened. */
		ebb_backoff_renewed(&backoff, now_us + S);
		assert_int_equal(kept(&backoff, 16 * GIB), (8 + step) * GIB);
		assert_int_equal(backoff.reason, step < 8 ? EBB_BACKOFF_PRESSURE
							  : EBB_BACKOFF_NONE);
	}
}

/* From nothing, the first steps of a small target are under the floor. */
static void the_floor_holds_on_the_way_up(void **state)
{
	struct ebb_backoff backoff;

	(void)state;
	ebb_backoff_forget(&backoff);
	ebb_backoff_yield(&backoff, EBB_BACKOFF_OOM, 512 * MIB, 100 * S);
	ebb_backoff_renewed(&backoff, 140 * S);
	assert_int_equal(backoff.factor, EBB_BACKOFF_STEP);
	assert_int_equal(kept(&backoff, 512 * MIB), 0);
	ebb_backoff_renewed(&backoff, 152 * S);
	assert_int_equal(kept(&backoff, 512 * MIB), 64 * MIB);
}

static void a_new_target_forgets_what_is_long_past(void **state)
{
	struct ebb_backoff backoff;

	(void)state;
	ebb_backoff_forget(&backoff);
	ebb_backoff_yield(&backoff, EBB_BACKOFF_PRESSURE, GIB, 100 * S);
	ebb_backoff_begin(&backoff, 129 * S);
	assert_int_equal(kept(&backoff, GIB), GIB / 2);
	ebb_backoff_begin(&backoff, 130 * S);
	assert_int_equal(kept(&backoff, GIB), GIB);
	assert_string_equal(ebb_backoff_reason_name(backoff.reason), "");
}

static void parts_are_scaled_alike(void **state)
{
	struct ebb_backoff backoff;

	(void)state;
	ebb_backoff_forget(&backoff);
	ebb_backoff_yield(&backoff, EBB_BACKOFF_PRESSURE, 100 * MIB, 1);
	/* 50 of 100 MiB are under the floor, whatever a node has of it. */
	assert_int_equal(ebb_backoff_scale(&backoff, 100 * MIB, 30 * MIB), 0);
	ebb_backoff_forget(&backoff);
	ebb_backoff_yield(&backoff, EBB_BACKOFF_PRESSURE, GIB, 1);
	assert_int_equal(ebb_backoff_scale(&backoff, GIB, 30 * MIB), 15 * MIB);
	/* No overflow. */
	assert_int_equal(ebb_backoff_scale(&backoff, INT64_MAX, INT64_MAX),
			 INT64_MAX / 2);
}

static void kswapd_alone_is_no_pressure(void **state)
{
	const uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	const struct ebb_vmstat before = {
		.allocstall = 7, .refault = 1000, .steal = 5000, .oom_kill = 1
	};
	struct ebb_vmstat now = before;

	(void)state;
	now.steal = before.steal + 100 * MIB / page_bytes;
	assert_int_equal(ebb_vmstat_judge(&before, &now, GIB),
			 EBB_BACKOFF_NONE);
	/* 8 MiB in a small guest, 1/256 in a large one. */
	now.refault = before.refault + 8 * MIB / page_bytes;
	assert_int_equal(ebb_vmstat_judge(&before, &now, GIB),
			 EBB_BACKOFF_NONE);
	now.refault++;
	assert_int_equal(ebb_vmstat_judge(&before, &now, GIB),
			 EBB_BACKOFF_PRESSURE);
	assert_int_equal(ebb_vmstat_judge(&before, &now, 16 * GIB),
			 EBB_BACKOFF_NONE);
	now.refault = before.refault + 64 * MIB / page_bytes + 1;
	assert_int_equal(ebb_vmstat_judge(&before, &now, 16 * GIB),
			 EBB_BACKOFF_PRESSURE);
	assert_int_equal(ebb_vmstat_stalled(&before, &now), EBB_BACKOFF_NONE);
}

/* A lowered target lets the guest have back what it lost: no new pressure. */
static void what_comes_back_for_free_is_no_pressure(void **state)
{
	const uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	const struct ebb_vmstat before = { .refault = 1000, .steal = 5000 };
	struct ebb_vmstat now = before;

	(void)state;
	now.refault = before.refault + 100 * MIB / page_bytes;
	assert_int_equal(ebb_vmstat_judge(&before, &now, GIB),
			 EBB_BACKOFF_NONE);
	now.steal = before.steal + 25 * MIB / page_bytes - 1;
	assert_int_equal(ebb_vmstat_judge(&before, &now, GIB),
			 EBB_BACKOFF_NONE);
	now.steal++;
	assert_int_equal(ebb_vmstat_judge(&before, &now, GIB),
			 EBB_BACKOFF_PRESSURE);
}

static void stalls_and_kills_are_pressure(void **state)
{
	const struct ebb_vmstat before = { .allocstall = 7, .oom_kill = 1 };
	struct ebb_vmstat now = before;

	(void)state;
	now.allocstall++;
	assert_int_equal(ebb_vmstat_judge(&before, &now, GIB),
			 EBB_BACKOFF_ALLOCSTALL);
	now.oom_kill++;
	assert_int_equal(ebb_vmstat_judge(&before, &now, GIB), EBB_BACKOFF_OOM);
	assert_int_equal(ebb_vmstat_stalled(&before, &now), EBB_BACKOFF_OOM);
	/* Counters of a guest that was put back to an earlier time. */
	assert_int_equal(ebb_vmstat_judge(&now, &before, GIB),
			 EBB_BACKOFF_NONE);
}

/* One at its own limit is killed, and reads again what it had to let go. */
static void a_cgroup_is_not_the_guest(void **state)
{
	const uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	const struct ebb_vmstat before = {
		.allocstall = 7, .refault = 1000, .limited = 900, .steal = 5000
	};
	struct ebb_vmstat now = before;

	(void)state;
	now.oom_kill = 3;
	assert_int_equal(ebb_vmstat_judge(&before, &now, GIB),
			 EBB_BACKOFF_NONE);
	now.steal += 100 * MIB / page_bytes;
	now.refault += 100 * MIB / page_bytes;
	assert_int_equal(ebb_vmstat_judge(&before, &now, GIB),
			 EBB_BACKOFF_PRESSURE);
	now.limited += 92 * MIB / page_bytes;
	assert_int_equal(ebb_vmstat_judge(&before, &now, GIB),
			 EBB_BACKOFF_NONE);
	now.refault++;
	assert_int_equal(ebb_vmstat_judge(&before, &now, GIB),
			 EBB_BACKOFF_PRESSURE);
	/* The two are not counted at the same moment. */
	now.limited += GIB / page_bytes;
	assert_int_equal(ebb_vmstat_judge(&before, &now, GIB),
			 EBB_BACKOFF_NONE);
}

static void bursts_in_vain_get_rare(void **state)
{
	struct ebb_limit limit = { 0 };
	uint64_t now_us = 5 * S;

	(void)state;
	assert_true(ebb_limit_allows(&limit, now_us));
	ebb_limit_ended(&limit, now_us, 160 * MIB, 10 * MIB);
	assert_false(ebb_limit_allows(&limit, now_us + 10 * S - 1));
	assert_true(ebb_limit_allows(&limit, now_us + 10 * S));
	/* 10 s, 20 s, ... 10 min. */
	ebb_limit_ended(&limit, now_us, 160 * MIB, 10 * MIB - 1);
	assert_true(ebb_limit_allows(&limit, now_us + 20 * S));
	assert_false(ebb_limit_allows(&limit, now_us + 20 * S - 1));
	for (int i = 0; i < 20; i++)
		ebb_limit_ended(&limit, now_us, 160 * MIB, 0);
	assert_false(ebb_limit_allows(&limit, now_us + 600 * S - 1));
	assert_true(ebb_limit_allows(&limit, now_us + 600 * S));
	ebb_limit_ended(&limit, now_us, 160 * MIB, 80 * MIB);
	assert_true(ebb_limit_allows(&limit, now_us + 10 * S));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pressure_halves_once_a_second),
		cmocka_unit_test(the_first_pressure_counts),
		cmocka_unit_test(little_is_nothing),
		cmocka_unit_test(oom_ends_it_at_once),
		cmocka_unit_test(quiet_brings_it_back_in_steps),
		cmocka_unit_test(the_floor_holds_on_the_way_up),
		cmocka_unit_test(a_new_target_forgets_what_is_long_past),
		cmocka_unit_test(parts_are_scaled_alike),
		cmocka_unit_test(kswapd_alone_is_no_pressure),
		cmocka_unit_test(what_comes_back_for_free_is_no_pressure),
		cmocka_unit_test(stalls_and_kills_are_pressure),
		cmocka_unit_test(a_cgroup_is_not_the_guest),
		cmocka_unit_test(bursts_in_vain_get_rare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
