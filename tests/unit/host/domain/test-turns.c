/* SPDX-License-Identifier: GPL-2.0-only */
/* Whose turn it is: limited, in order, and nobody is kept by who cannot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "host/domain/turns.h"

enum {
	WAITERS = 6
};

static struct ebb_turns turns;
static struct waiter {
	struct ebb_turn turn;
	bool busy;
	uint32_t offers;
	struct ebb_turn *ends; /* another's, when it is offered one */
} waiters[WAITERS];

static void on_offer(void *opaque)
{
	struct waiter *waiter = opaque;

	waiter->offers++;
	if (waiter->ends)
		ebb_turns_leave(&turns, waiter->ends);
	if (!waiter->busy)
		ebb_turns_take(&turns, &waiter->turn, false);
}

static int set_up(void **state)
{
	(void)state;
	memset(waiters, 0, sizeof(waiters));
	turns = (struct ebb_turns){ .limit = 2 };
	for (int i = 0; i < WAITERS; i++) {
		waiters[i].turn.offered = on_offer;
		waiters[i].turn.opaque = &waiters[i];
		assert_int_equal(
			ebb_turns_take(&turns, &waiters[i].turn, false), i < 2);
	}
	return 0;
}

static uint32_t ahead(int i)
{
	return ebb_turns_place(&turns, &waiters[i].turn).ahead;
}

static void end(int i)
{
	ebb_turns_leave(&turns, &waiters[i].turn);
}

static void assert_taken(uint32_t bits)
{
	for (int i = 0; i < WAITERS; i++)
		assert_int_equal(waiters[i].turn.taken, bits >> i & 1);
	assert_true(turns.taken <= turns.limit);
}

static void test_in_order(void **state)
{
	(void)state;
	assert_taken(0x03);
	assert_int_equal(ahead(2), 0);
	assert_int_equal(ahead(5), 3);
	assert_int_equal(ebb_turns_place(&turns, &waiters[5].turn).running, 2);
	/* To ask again is to keep the place. */
	assert_false(ebb_turns_take(&turns, &waiters[2].turn, false));
	assert_int_equal(ahead(5), 3);
	end(1);
	assert_taken(0x05);
	end(0);
	assert_taken(0x0c);
	assert_int_equal(ahead(5), 1);
	end(5);
	end(5);
	end(2);
	end(3);
	assert_taken(0x10);
	end(4);
	assert_taken(0);
	assert_null(turns.first);
}

static void test_busy_ones_keep_their_place(void **state)
{
	(void)state;
	waiters[2].busy = waiters[3].busy = true;
	end(0);
	assert_taken(0x12);
	end(1);
	assert_taken(0x30);
	assert_int_equal(ahead(3), 1);
	waiters[2].busy = false;
	end(5);
	assert_taken(0x14);
	/* A turn that is free may be taken by who comes first. */
	waiters[3].busy = false;
	end(4);
	assert_taken(0x0c);
}

static void test_who_goes_on_is_first(void **state)
{
	(void)state;
	end(0);
	assert_taken(0x06);
	assert_false(ebb_turns_take(&turns, &waiters[0].turn, true));
	assert_int_equal(ahead(0), 0);
	assert_int_equal(ahead(3), 1);
	end(1);
	assert_taken(0x05);
}

/* Who yields is behind all who do not, and the others keep their order. */
static void test_who_yields_is_last(void **state)
{
	(void)state;
	for (int i = 2; i < 6; i++)
		ebb_turns_leave(&turns, &waiters[i].turn);
	waiters[2].turn.yields = true;
	waiters[4].turn.yields = true;
	for (int i = 2; i < 6; i++)
		ebb_turns_take(&turns, &waiters[i].turn, false);
	assert_int_equal(ahead(3), 0);
	assert_int_equal(ahead(5), 1);
	assert_int_equal(ahead(2), 2);
	assert_int_equal(ahead(4), 3);
}

/* Who yields no more goes before those who do, and one who goes on before all. */
static void test_who_is_hurried_yields_no_more(void **state)
{
	(void)state;
	for (int i = 0; i < WAITERS; i++)
		ebb_turns_leave(&turns, &waiters[i].turn);
	for (int i = 1; i < WAITERS; i++)
		waiters[i].turn.yields = i != 2;
	for (int i = 0; i < WAITERS; i++)
		ebb_turns_take(&turns, &waiters[i].turn, false);
	assert_taken(0x05);
	ebb_turns_hurry(&turns, &waiters[4].turn, false);
	assert_int_equal(ahead(4), 0);
	assert_int_equal(ahead(1), 1);
	ebb_turns_hurry(&turns, &waiters[5].turn, false);
	assert_int_equal(ahead(5), 1);
	ebb_turns_hurry(&turns, &waiters[3].turn, true);
	assert_int_equal(ahead(3), 0);
	/* It keeps the place that it has. */
	ebb_turns_hurry(&turns, &waiters[5].turn, true);
	assert_int_equal(ahead(5), 2);
	end(0);
	assert_taken(0x0c);
	/* The last one that is free is its own. */
	end(3);
	end(4);
	assert_taken(0x24);
	end(2);
	end(5);
	assert_taken(0x02);
}

/* A person finds one free though ebbd has work for all; and ebbd goes on with one. */
static void test_who_yields_leaves_the_last_one(void **state)
{
	(void)state;
	for (int i = 0; i < WAITERS; i++)
		ebb_turns_leave(&turns, &waiters[i].turn);
	waiters[0].turn.yields = waiters[1].turn.yields = true;
	assert_true(ebb_turns_take(&turns, &waiters[0].turn, false));
	assert_false(ebb_turns_take(&turns, &waiters[1].turn, false));
	assert_true(ebb_turns_take(&turns, &waiters[2].turn, false));
	end(2);
	assert_taken(0x01);
	end(0);
	assert_taken(0x02);
	end(1);
	turns.limit = 1;
	assert_true(ebb_turns_take(&turns, &waiters[0].turn, false));
}

/* While a turn is offered, the line changes. */
static void test_line_changes_meanwhile(void **state)
{
	(void)state;
	/* The next one goes, and then another turn is free. */
	waiters[2].ends = &waiters[3].turn;
	end(0);
	assert_taken(0x06);
	assert_int_equal(waiters[3].offers, 0);
	waiters[4].ends = &waiters[2].turn;
	end(1);
	assert_taken(0x30);
	assert_null(turns.first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_in_order, set_up),
		cmocka_unit_test_setup(test_who_yields_is_last, set_up),
		cmocka_unit_test_setup(test_who_is_hurried_yields_no_more,
				       set_up),
		cmocka_unit_test_setup(test_who_yields_leaves_the_last_one,
				       set_up),
		cmocka_unit_test_setup(test_busy_ones_keep_their_place, set_up),
		cmocka_unit_test_setup(test_who_goes_on_is_first, set_up),
		cmocka_unit_test_setup(test_line_changes_meanwhile, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
