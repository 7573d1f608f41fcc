/* SPDX-License-Identifier: GPL-2.0-only */
/* What a libvirt job made resident, and what the guest did itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/size.h"
#include "host/sharing/refill.h"

#define S EBB_NS_PER_S

static struct ebb_refill refill;
static struct ebb_refill_sight sight;
static uint64_t now_ns;

static int set_up(void **state)
{
	(void)state;
	refill = (struct ebb_refill){ 0 };
	sight = (struct ebb_refill_sight){
		.usable_bytes = 2 * EBB_GIB,
		.lent_bytes = EBB_GIB,
		.free_bytes = EBB_GIB + 256 * EBB_MIB,
	};
	now_ns = 1000 * S;
	assert_false(ebb_refill_note(&refill, &sight, now_ns));
	return 0;
}

static bool note(void)
{
	now_ns += 2 * S;
	return ebb_refill_note(&refill, &sight, now_ns);
}

static void what_a_job_reads_counts(void **state)
{
	(void)state;
	sight.in_job = true;
	sight.lent_bytes = EBB_GIB / 2;
	assert_false(note());
	assert_int_equal(refill.bytes, EBB_GIB / 2);
	sight.lent_bytes = 0;
	sight.in_job = false;
	sight.jobs_ended++;
	assert_false(note());
	assert_int_equal(refill.bytes, EBB_GIB);
}

/* libvirtd is asked, once, and what was seen before its answer counts, too. */
static void growth_without_use_is_suspected(void **state)
{
	(void)state;
	sight.lent_bytes -= 100 * EBB_MIB;
	assert_false(note());
	sight.lent_bytes -= 100 * EBB_MIB;
	assert_true(note());
	assert_false(note());
	assert_int_equal(refill.bytes, 0);
	sight.in_job = true;
	note();
	assert_int_equal(refill.bytes, 200 * EBB_MIB);
}

static void nobody_reads_for_ever(void **state)
{
	(void)state;
	sight.lent_bytes -= 200 * EBB_MIB;
	assert_true(note());
	for (int i = 0; i < 15; i++)
		note();
	sight.in_job = true;
	note();
	assert_int_equal(refill.bytes, 0);
}

static void what_the_guest_uses_does_not_count(void **state)
{
	(void)state;
	sight.in_job = true;
	sight.lent_bytes -= 512 * EBB_MIB;
	sight.free_bytes -= 512 * EBB_MIB;
	note();
	assert_int_equal(refill.bytes, 0);
	/* Nor what it frees. */
	sight.free_bytes += 512 * EBB_MIB;
	note();
	assert_int_equal(refill.bytes, 0);
}

/* It grows on the host at once, and says so up to a second later. */
static void a_late_word_is_made_up_for(void **state)
{
	(void)state;
	sight.lent_bytes -= 512 * EBB_MIB;
	note();
	sight.free_bytes -= 512 * EBB_MIB;
	note();
	sight.in_job = true;
	note();
	assert_int_equal(refill.bytes, 0);
}

static void what_is_taken_or_used_since_does_not_count(void **state)
{
	(void)state;
	sight.in_job = true;
	sight.lent_bytes = 0;
	note();
	sight.in_job = false;
	sight.jobs_ended++;
	sight.lent_bytes = 256 * EBB_MIB;
	note();
	assert_int_equal(refill.bytes, 768 * EBB_MIB);
	sight.free_bytes -= 256 * EBB_MIB;
	note();
	assert_int_equal(refill.bytes, 512 * EBB_MIB);
	sight.lent_bytes = EBB_GIB;
	note();
	assert_int_equal(refill.bytes, 0);
}

static void plugged_memory_is_no_growth(void **state)
{
	(void)state;
	sight.in_job = true;
	sight.usable_bytes -= EBB_GIB;
	sight.lent_bytes = 0;
	note();
	assert_int_equal(refill.bytes, 0);
}

static void no_number_of_a_guest_does_harm(void **state)
{
	(void)state;
	sight.in_job = true;
	sight.free_bytes = UINT64_MAX;
	note();
	assert_int_equal(refill.bytes, 0);
	sight.lent_bytes -= EBB_MIB;
	sight.free_bytes = 0;
	note();
	sight.free_bytes = UINT64_MAX / 2;
	sight.lent_bytes = 0;
	note();
	assert_true(refill.bytes <= EBB_GIB);
}

#define REFILL_TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		REFILL_TEST(what_a_job_reads_counts),
		REFILL_TEST(growth_without_use_is_suspected),
		REFILL_TEST(nobody_reads_for_ever),
		REFILL_TEST(what_the_guest_uses_does_not_count),
		REFILL_TEST(a_late_word_is_made_up_for),
		REFILL_TEST(what_is_taken_or_used_since_does_not_count),
		REFILL_TEST(plugged_memory_is_no_growth),
		REFILL_TEST(no_number_of_a_guest_does_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
