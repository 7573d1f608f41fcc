/* SPDX-License-Identifier: GPL-2.0-only */
/* What is told cold and hot of guests whose memory is an array. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/size.h"
#include "host/rung/cold.h"

enum {
	PAGE = 4096,
	PARTS = 16,
};

#define START UINT64_C(0x7f0000000000)
#define BYTES (PARTS * EBB_COLD_PART_BYTES)
#define PAGES (BYTES / PAGE)
#define AGE_NS (3 * EBB_NS_PER_S)

/**
 * struct guest - one byte for each of its pages
 * @hot: it comes back
 * @stays: it cannot be paged out
 * @out_bytes: that went out, all in all
 * @error: of the operations, at @error_page and after that
 */
struct guest {
	bool *present;
	bool *hot;
	bool *stays;
	bool *went;
	uint64_t out_bytes;
	int error;
	uint64_t error_page;
	struct ebb_cold cold;
};

static uint64_t page_of(uint64_t start)
{
	assert_true(start >= START && start % PAGE == 0);
	return (start - START) / PAGE;
}

static int fake_present(void *opaque, uint64_t start, uint64_t bytes,
			uint64_t *ret_bytes)
{
	struct guest *guest = opaque;
	uint64_t first = page_of(start);

	assert_true(first + bytes / PAGE <= PAGES);
	*ret_bytes = 0;
	for (uint64_t i = first; i < first + bytes / PAGE; i++)
		*ret_bytes += guest->present[i] ? PAGE : 0;
	return 0;
}

static int fake_out(void *opaque, uint64_t start, uint64_t bytes)
{
	struct guest *guest = opaque;
	uint64_t first = page_of(start);

	assert_true(bytes > 0 && first + bytes / PAGE <= PAGES);
	if (guest->error && first + bytes / PAGE > guest->error_page)
		return guest->error;
	for (uint64_t i = first; i < first + bytes / PAGE; i++) {
		if (!guest->present[i] || guest->stays[i])
			continue;
		guest->present[i] = false;
		guest->went[i] = true;
		guest->out_bytes += PAGE;
	}
	return 0;
}

static const struct ebb_cold_ops ops = { fake_present, fake_out };

static void set(bool *pages, uint64_t part, uint64_t count, bool value)
{
	uint64_t each = EBB_COLD_PART_BYTES / PAGE;

	for (uint64_t i = part * each; i < (part + count) * each; i++)
		pages[i] = value;
}

/* The guest goes on: what it works with is there again. */
static void go_on(struct guest *guest)
{
	for (uint64_t i = 0; i < PAGES; i++)
		guest->present[i] |= guest->went[i] && guest->hot[i];
}

static int begin(void **state)
{
	static const struct ebb_pages_range range = { START, BYTES };
	struct guest *guest = calloc(1, sizeof(*guest));

	if (!guest)
		return -1;
	guest->present = calloc(PAGES, sizeof(bool));
	guest->hot = calloc(PAGES, sizeof(bool));
	guest->stays = calloc(PAGES, sizeof(bool));
	guest->went = calloc(PAGES, sizeof(bool));
	set(guest->present, 0, PARTS, true);
	*state = guest;
	return ebb_cold_begin(&range, 1, &ops, guest, 7, &guest->cold);
}

static int end(void **state)
{
	struct guest *guest = *state;

	ebb_cold_end(&guest->cold);
	free(guest->present);
	free(guest->hot);
	free(guest->stays);
	free(guest->went);
	free(guest);
	return 0;
}

/* Parts until they may hold @wanted_bytes; how many are on trial, or -errno. */
static int try_for(struct guest *guest, uint64_t wanted_bytes)
{
	uint32_t before = guest->cold.trials;
	uint64_t found_bytes = 0, part_bytes;
	int r;

	do {
		r = ebb_cold_try(&guest->cold, BYTES, 0, &part_bytes);
		found_bytes += part_bytes;
	} while (r == 1 && found_bytes < wanted_bytes);
	return r < 0 ? r : (int)(guest->cold.trials - before);
}

/* As many pieces as there are; how many those were. */
static int take_all(struct guest *guest)
{
	int count = 0, r;

	while ((r = ebb_cold_take(&guest->cold, BYTES, 0)) == 1)
		count++;
	assert_int_equal(r, 0);
	return count;
}

static uint64_t went_of(const struct guest *guest, uint64_t part)
{
	uint64_t each = EBB_COLD_PART_BYTES / PAGE, bytes = 0;

	for (uint64_t i = part * each; i < (part + 1) * each; i++)
		bytes += guest->went[i] ? PAGE : 0;
	return bytes;
}

static void test_all_is_cold(void **state)
{
	struct guest *guest = *state;

	assert_int_equal(try_for(guest, BYTES), PARTS);
	assert_int_equal(guest->out_bytes, PARTS * EBB_COLD_TRIAL_BYTES);
	/* Nothing is cold before it is judged. */
	assert_int_equal(ebb_cold_take(&guest->cold, BYTES, 0), 0);
	assert_int_equal(ebb_cold_judge(&guest->cold), 0);
	assert_int_equal(take_all(guest), BYTES / EBB_COLD_PIECE_BYTES);
	assert_int_equal(guest->out_bytes, BYTES);
	assert_int_equal(try_for(guest, BYTES), 0);
}

static void test_hot_is_left_alone(void **state)
{
	struct guest *guest = *state;

	set(guest->hot, 3, 4, true);
	assert_int_equal(try_for(guest, BYTES), PARTS);
	go_on(guest);
	assert_int_equal(ebb_cold_judge(&guest->cold), 0);
	take_all(guest);
	for (uint64_t i = 0; i < PARTS; i++)
		assert_int_equal(went_of(guest, i),
				 i >= 3 && i < 7 ? EBB_COLD_TRIAL_BYTES
						 : EBB_COLD_PART_BYTES);
}

/* One page in twenty comes back of each: that is little. One in ten is not. */
static void test_a_little_may_come_back(void **state)
{
	struct guest *guest = *state;

	for (uint64_t i = 0; i < PAGES; i++)
		guest->hot[i] = i % (i < PAGES / 2 ? 20 : 10) == 0;
	assert_int_equal(try_for(guest, BYTES), PARTS);
	go_on(guest);
	assert_int_equal(ebb_cold_judge(&guest->cold), 0);
	take_all(guest);
	for (uint64_t i = 0; i < PARTS; i++)
		assert_int_equal(went_of(guest, i) == EBB_COLD_PART_BYTES,
				 i < PARTS / 2);
}

static void test_little_is_tried_for_little(void **state)
{
	struct guest *guest = *state;
	uint32_t tried;

	assert_int_equal(try_for(guest, EBB_COLD_PART_BYTES), 2);
	assert_int_equal(guest->out_bytes, 2 * EBB_COLD_TRIAL_BYTES);
	tried = guest->cold.tried;
	/* The next ones are others. */
	assert_int_equal(ebb_cold_judge(&guest->cold), 0);
	take_all(guest);
	assert_int_equal(try_for(guest, 1), 1);
	assert_int_equal(guest->cold.tried, tried + 1);
}

/* Neither order nor places are those of the addresses. */
static void test_trials_are_at_random(void **state)
{
	struct guest *guest = *state;
	uint32_t ascending = 0, first = 0;

	assert_int_equal(try_for(guest, BYTES), PARTS);
	for (uint32_t i = 0; i < PARTS; i++) {
		const struct ebb_cold_part *part = &guest->cold.parts[i];

		ascending += i > 0 && part[0].start > part[-1].start;
		first += part->watched_start == part->start;
	}
	assert_in_range(ascending, 2, PARTS - 3);
	assert_in_range(first, 0, PARTS / 2);
}

static void test_what_is_not_there_is_not_tried(void **state)
{
	struct guest *guest = *state;

	set(guest->present, 0, PARTS - 2, false);
	assert_int_equal(try_for(guest, BYTES), 2);
	assert_int_equal(guest->cold.tried, PARTS);
	assert_int_equal(guest->cold.refused, 0);
	/* A trial finds the one place that has something. */
	set(guest->present, 0, PARTS, false);
	for (uint64_t i = 0; i < EBB_COLD_TRIAL_BYTES / PAGE; i++)
		guest->present[PAGES - 1 - i] = true;
	guest->cold.tried = 0;
	guest->cold.trials = 0;
	for (uint32_t i = 0; i < PARTS; i++)
		guest->cold.parts[i].state = EBB_COLD_UNTRIED;
	assert_int_equal(try_for(guest, BYTES), 1);
	assert_false(guest->present[PAGES - 1]);
}

static void test_what_cannot_be_paged_out(void **state)
{
	struct guest *guest = *state;

	set(guest->stays, 0, PARTS, true);
	assert_int_equal(try_for(guest, BYTES), 0);
	assert_int_equal(guest->cold.refused, PARTS);
	assert_int_equal(guest->cold.tried, PARTS);
	assert_int_equal(take_all(guest), 0);
}

/* What stays where it was has not come back. */
static void test_what_stays_is_not_hot(void **state)
{
	struct guest *guest = *state;

	for (uint64_t i = 0; i < PAGES; i++)
		guest->stays[i] = i % 2 == 0;
	assert_int_equal(try_for(guest, BYTES), PARTS);
	assert_int_equal(ebb_cold_judge(&guest->cold), 0);
	take_all(guest);
	assert_int_equal(guest->out_bytes, BYTES / 2);
	assert_int_equal(ebb_cold_review(&guest->cold, AGE_NS, AGE_NS), 0);
	assert_int_equal(guest->cold.back_bytes, 0);
}

static void test_what_is_taken_is_reviewed(void **state)
{
	struct guest *guest = *state;
	uint64_t reviewed_bytes;

	assert_int_equal(try_for(guest, BYTES), PARTS);
	assert_int_equal(ebb_cold_judge(&guest->cold), 0);
	take_all(guest);
	/* Now the guest wants half of all. */
	set(guest->hot, 0, PARTS / 2, true);
	go_on(guest);
	assert_int_equal(ebb_cold_review(&guest->cold, AGE_NS - 1, AGE_NS), 0);
	assert_int_equal(guest->cold.reviewed_bytes, 0);
	assert_int_equal(ebb_cold_review(&guest->cold, AGE_NS, AGE_NS), 0);
	reviewed_bytes = guest->cold.reviewed_bytes;
	assert_int_equal(reviewed_bytes, BYTES - PARTS * EBB_COLD_TRIAL_BYTES);
	assert_in_range(guest->cold.back_bytes, reviewed_bytes / 2, BYTES / 2);
	/* Once. */
	assert_int_equal(ebb_cold_review(&guest->cold, 2 * AGE_NS, AGE_NS), 0);
	assert_int_equal(guest->cold.reviewed_bytes, reviewed_bytes);
}

/* One call tries one part, so that its caller can stop after each. */
static void test_one_part_at_a_time(void **state)
{
	struct guest *guest = *state;
	uint64_t found_bytes;

	assert_int_equal(ebb_cold_try(&guest->cold, BYTES, 0, &found_bytes), 1);
	assert_int_equal(guest->cold.tried, 1);
	assert_int_equal(guest->out_bytes, EBB_COLD_TRIAL_BYTES);
	assert_int_equal(found_bytes,
			 EBB_COLD_PART_BYTES - EBB_COLD_TRIAL_BYTES);
	set(guest->present, 0, PARTS, false);
	assert_int_equal(ebb_cold_try(&guest->cold, BYTES, 0, &found_bytes), 1);
	assert_int_equal(guest->cold.tried, 2);
	assert_int_equal(found_bytes, 0);
}

static void test_no_more_than_is_missing(void **state)
{
	struct guest *guest = *state;
	uint64_t found_bytes, before_bytes;

	assert_int_equal(
		ebb_cold_try(&guest->cold, 3 * PAGE + 1, 0, &found_bytes), 1);
	assert_int_equal(guest->out_bytes, 3 * PAGE);
	/* Where next to nothing of it is in RAM, too. */
	for (uint64_t i = 0; i < PAGES; i++)
		guest->present[i] &= i % 64 == 0;
	assert_int_equal(ebb_cold_try(&guest->cold, PAGE, 0, &found_bytes), 1);
	assert_int_equal(guest->out_bytes, 4 * PAGE);
	assert_int_equal(ebb_cold_judge(&guest->cold), 0);
	set(guest->present, 0, PARTS, true);
	before_bytes = guest->out_bytes;
	assert_int_equal(ebb_cold_take(&guest->cold, 5 * PAGE, 0), 1);
	assert_int_equal(guest->out_bytes, before_bytes + 5 * PAGE);
	assert_int_equal(guest->cold.out_bytes, guest->out_bytes);
}

/* Of trials and of pieces, reviewed or not. */
static void test_all_that_is_back_is_counted(void **state)
{
	struct guest *guest = *state;
	uint64_t back_bytes;

	assert_int_equal(try_for(guest, BYTES), PARTS);
	assert_int_equal(ebb_cold_count_back(&guest->cold, &back_bytes), 0);
	assert_int_equal(back_bytes, 0);
	set(guest->hot, 0, 1, true);
	go_on(guest);
	assert_int_equal(ebb_cold_count_back(&guest->cold, &back_bytes), 0);
	assert_int_equal(back_bytes, EBB_COLD_TRIAL_BYTES);
	assert_int_equal(ebb_cold_judge(&guest->cold), 0);
	/* A part that was begun. */
	assert_int_equal(ebb_cold_take(&guest->cold, EBB_COLD_PIECE_BYTES, 0),
			 1);
	set(guest->hot, 1, PARTS - 1, true);
	go_on(guest);
	assert_int_equal(ebb_cold_count_back(&guest->cold, &back_bytes), 0);
	assert_in_range(back_bytes, PARTS * EBB_COLD_TRIAL_BYTES,
			guest->cold.out_bytes);
}

static void test_errors(void **state)
{
	static const struct {
		int error;
		bool ends;
	} cases[] = {
		{ -EINVAL, false }, { -ENOMEM, false }, { -ESRCH, true },
		{ -EPERM, true },   { -ENOSYS, true },
	};
	struct guest *guest = *state;

	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		guest->error = cases[i].error;
		guest->cold.tried = 0;
		guest->cold.refused = 0;
		assert_int_equal(try_for(guest, BYTES),
				 cases[i].ends ? cases[i].error : 0);
		assert_int_equal(guest->cold.refused,
				 cases[i].ends ? 0 : PARTS);
	}
	/* Half of it is locked: the other half goes. */
	guest->error = -EINVAL;
	guest->error_page = PAGES / 2;
	guest->cold.tried = 0;
	assert_int_equal(try_for(guest, BYTES), PARTS / 2);
	assert_int_equal(ebb_cold_judge(&guest->cold), 0);
	take_all(guest);
	assert_int_equal(guest->out_bytes, BYTES / 2);
}

static void test_small_memory(void **state)
{
	static const struct ebb_pages_range ranges[] = {
		{ START, PAGE },
		{ START + EBB_COLD_PART_BYTES,
		  EBB_COLD_PART_BYTES + EBB_COLD_TRIAL_BYTES + PAGE },
	};
	struct guest *guest = *state;

	ebb_cold_end(&guest->cold);
	assert_int_equal(
		ebb_cold_begin(ranges, 0, &ops, guest, 0, &guest->cold), 0);
	assert_int_equal(try_for(guest, BYTES), 0);
	ebb_cold_end(&guest->cold);
	assert_int_equal(ebb_cold_begin(ranges, EBB_ARRAY_SIZE(ranges), &ops,
					guest, 0, &guest->cold),
			 0);
	assert_int_equal(guest->cold.count, 3);
	/* Of a page alone nothing can be told. */
	assert_int_equal(try_for(guest, BYTES), 2);
	assert_int_equal(ebb_cold_judge(&guest->cold), 0);
	take_all(guest);
	assert_int_equal(guest->out_bytes, ranges[1].bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_all_is_cold),
		TEST(test_hot_is_left_alone),
		TEST(test_a_little_may_come_back),
		TEST(test_little_is_tried_for_little),
		TEST(test_trials_are_at_random),
		TEST(test_what_is_not_there_is_not_tried),
		TEST(test_what_cannot_be_paged_out),
		TEST(test_what_stays_is_not_hot),
		TEST(test_what_is_taken_is_reviewed),
		TEST(test_one_part_at_a_time),
		TEST(test_no_more_than_is_missing),
		TEST(test_all_that_is_back_is_counted),
		TEST(test_errors),
		TEST(test_small_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
