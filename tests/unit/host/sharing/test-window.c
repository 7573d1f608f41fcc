/* SPDX-License-Identifier: GPL-2.0-only */
/* What a guest said in the last minute. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/size.h"
#include "host/sharing/window.h"

#define S EBB_NS_PER_S

static struct ebb_window window;
static struct ebb_vm_word word;
static uint64_t now_ns;

static int set_up(void **state)
{
	(void)state;
	window = (struct ebb_window){ .old_ns = 30 * S };
	word = (struct ebb_vm_word){ .boot_id = { 1 }, .free_bytes = EBB_GIB };
	now_ns = 1000 * S;
	return 0;
}

static void hear_for(uint64_t s, uint64_t free_bytes)
{
	word.free_bytes = free_bytes;
	for (uint64_t i = 0; i < s; i++) {
		now_ns += S;
		word.stamp_ns += S;
		ebb_window_hear(&window, &word, now_ns);
	}
}

/* One word of a guest that is asked is none of what it did since. */
static void a_silence_is_not_calm(void **state)
{
	(void)state;
	window.old_ns = 3600 * S;
	hear_for(1, EBB_GIB);
	now_ns += 60 * S;
	assert_true(ebb_window_has_booted(&window, now_ns));
	window = (struct ebb_window){ .old_ns = 3600 * S };
	word.asked = true;
	hear_for(1, EBB_GIB);
	now_ns += 60 * S;
	assert_false(ebb_window_has_booted(&window, now_ns));
	hear_for(1, EBB_GIB);
	assert_true(ebb_window_has_booted(&window, now_ns));
	/* Nor for ever. */
	window = (struct ebb_window){ .old_ns = 3600 * S };
	hear_for(1, EBB_GIB);
	now_ns += 180 * S;
	assert_true(ebb_window_has_booted(&window, now_ns));
}

/* What the host's books say of a guest that has all its memory never changes. */
static void books_are_not_calm(void **state)
{
	(void)state;
	word.by_books = true;
	hear_for(179, 0);
	assert_false(ebb_window_has_booted(&window, now_ns));
	hear_for(2, 0);
	assert_true(ebb_window_has_booted(&window, now_ns));
	/* It may have run before anybody looked. */
	window = (struct ebb_window){ .old_ns = 30 * S };
	word.stamp_ns = 3600 * S;
	hear_for(1, 0);
	assert_true(ebb_window_has_booted(&window, now_ns));
}

static uint64_t lasting(uint64_t *ret_s)
{
	uint64_t since_ns;
	uint64_t bytes = ebb_window_lasting(&window, now_ns, &since_ns);

	*ret_s = since_ns ? (now_ns - since_ns) / S : 0;
	return bytes;
}

static void nothing_is_known_before_it_speaks(void **state)
{
	uint64_t s;

	(void)state;
	assert_int_equal(lasting(&s), 0);
	assert_int_equal(s, 0);
	assert_false(ebb_window_is_fresh(&window, now_ns));
	assert_false(ebb_window_has_booted(&window, now_ns));
}

static void a_burst_is_remembered_for_a_minute(void **state)
{
	uint64_t s;

	(void)state;
	hear_for(20, EBB_GIB);
	hear_for(1, EBB_GIB / 4);
	hear_for(59, EBB_GIB);
	assert_int_equal(lasting(&s), EBB_GIB / 4);
	assert_true(s >= 60);
	hear_for(15, EBB_GIB);
	assert_int_equal(lasting(&s), EBB_GIB);
	assert_true(s >= 60);
	/* More than was free all the while does not count yet. */
	hear_for(30, 2 * EBB_GIB);
	assert_int_equal(lasting(&s), EBB_GIB);
}

static void a_minute_begins_with_the_first_word(void **state)
{
	uint64_t s;

	(void)state;
	hear_for(59, EBB_GIB);
	lasting(&s);
	assert_true(s < 60);
}

/* The host has just booted, and so has its clock. */
static void a_minute_passes_on_a_young_host(void **state)
{
	uint64_t s;

	(void)state;
	now_ns = S;
	hear_for(20, EBB_GIB);
	assert_int_equal(lasting(&s), EBB_GIB);
	assert_int_equal(s, 19);
	hear_for(1, EBB_GIB / 4);
	hear_for(10, EBB_GIB);
	assert_int_equal(lasting(&s), EBB_GIB / 4);
	hear_for(30, EBB_GIB);
	lasting(&s);
	assert_true(s >= 60);
}

/* What a snapshot has free was not free in the minute before it was reverted to. */
static void a_clock_that_goes_back_begins_anew(void **state)
{
	uint64_t s;

	(void)state;
	word.stamp_ns = 3600 * S;
	hear_for(70, EBB_GIB);
	lasting(&s);
	assert_true(s >= 60);
	word.stamp_ns = 1800 * S;
	hear_for(10, EBB_GIB);
	assert_int_equal(lasting(&s), EBB_GIB);
	assert_true(s < 10);
}

/* Paused for a dump, it says nothing, and uses nothing. */
static void a_paused_guest_has_free_what_it_had(void **state)
{
	uint64_t heard_ns, s;

	(void)state;
	hear_for(70, EBB_GIB);
	heard_ns = window.heard_ns;
	for (int i = 0; i < 300; i++) {
		now_ns += S;
		ebb_window_hold(&window, now_ns);
	}
	assert_true(ebb_window_is_fresh(&window, now_ns));
	/* It said nothing since: what was decided about that word is. */
	assert_int_equal(window.heard_ns, heard_ns);
	hear_for(1, EBB_GIB);
	assert_int_equal(lasting(&s), EBB_GIB);
	assert_true(s >= 60);
	/* What was old before it is not new by that. */
	now_ns += 31 * S;
	ebb_window_hold(&window, now_ns);
	assert_false(ebb_window_is_fresh(&window, now_ns));
}

/* A guest that hangs says the same for ever. */
static void an_old_word_is_no_word(void **state)
{
	uint64_t s;

	(void)state;
	hear_for(100, EBB_GIB);
	for (int i = 0; i < 31; i++) {
		now_ns += S;
		ebb_window_hear(&window, &word, now_ns);
	}
	assert_false(ebb_window_is_fresh(&window, now_ns));
	assert_int_equal(lasting(&s), 0);
	assert_int_equal(s, 0);
	/* Nor does the minute before it count, when it speaks again. */
	hear_for(59, EBB_GIB);
	lasting(&s);
	assert_true(s < 60);
}

static void it_has_booted_when_it_is_calm(void **state)
{
	(void)state;
	hear_for(10, EBB_GIB);
	hear_for(10, EBB_GIB / 2);
	hear_for(20, EBB_GIB);
	assert_false(ebb_window_has_booted(&window, now_ns));
	hear_for(11, EBB_GIB - 32 * EBB_MIB);
	assert_true(ebb_window_has_booted(&window, now_ns));
}

/* A load that comes up later is no boot: whoever may give is not left out for it. */
static void who_has_booted_does_not_boot_again(void **state)
{
	(void)state;
	hear_for(31, EBB_GIB);
	assert_true(ebb_window_has_booted(&window, now_ns));
	hear_for(5, EBB_GIB / 2);
	assert_true(ebb_window_has_booted(&window, now_ns));
	/* Nor when it was not heard for long. */
	now_ns += 40 * S;
	hear_for(1, EBB_GIB / 4);
	assert_true(ebb_window_has_booted(&window, now_ns));
	/* Another kernel does. */
	word.boot_id[0] = 2;
	word.stamp_ns = 0;
	hear_for(5, EBB_GIB / 2);
	assert_false(ebb_window_has_booted(&window, now_ns));
}

static void or_after_three_minutes(void **state)
{
	(void)state;
	for (int i = 0; i < 17; i++)
		hear_for(10, i % 2 ? EBB_GIB : EBB_GIB / 2);
	assert_false(ebb_window_has_booted(&window, now_ns));
	hear_for(12, EBB_GIB);
	assert_true(ebb_window_has_booted(&window, now_ns));
}

/* ebbd was started anew, the guest was not. */
static void a_guest_that_is_old_has_booted(void **state)
{
	(void)state;
	word.stamp_ns = 3600 * S;
	hear_for(1, EBB_GIB);
	assert_true(ebb_window_has_booted(&window, now_ns));
	/* Another kernel has not. */
	word.boot_id[0] = 2;
	word.stamp_ns = S;
	hear_for(1, EBB_GIB);
	assert_false(ebb_window_has_booted(&window, now_ns));
}

/* Its word may be any number. */
static void no_number_of_a_guest_does_harm(void **state)
{
	uint64_t s;

	(void)state;
	word.stamp_ns = UINT64_MAX - 3 * S;
	hear_for(3, UINT64_MAX);
	assert_true(ebb_window_has_booted(&window, now_ns));
	assert_int_equal(lasting(&s), UINT64_MAX);
}

#define WINDOW_TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WINDOW_TEST(nothing_is_known_before_it_speaks),
		WINDOW_TEST(a_burst_is_remembered_for_a_minute),
		WINDOW_TEST(a_minute_begins_with_the_first_word),
		WINDOW_TEST(a_minute_passes_on_a_young_host),
		WINDOW_TEST(a_clock_that_goes_back_begins_anew),
		WINDOW_TEST(a_paused_guest_has_free_what_it_had),
		WINDOW_TEST(an_old_word_is_no_word),
		WINDOW_TEST(it_has_booted_when_it_is_calm),
		WINDOW_TEST(a_silence_is_not_calm),
		WINDOW_TEST(books_are_not_calm),
		WINDOW_TEST(who_has_booted_does_not_boot_again),
		WINDOW_TEST(or_after_three_minutes),
		WINDOW_TEST(a_guest_that_is_old_has_booted),
		WINDOW_TEST(no_number_of_a_guest_does_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
