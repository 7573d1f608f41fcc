/* SPDX-License-Identifier: GPL-2.0-only */
/* Questions: answered, waited for, and left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "host/lease/asker.h"

#define MS_NS UINT64_C(1000000)

struct question {
	struct ebb_question head;
	int value;
};

static atomic_bool hangs;
static atomic_int live; /* questions */
static atomic_int working;

static void work(struct ebb_question *head)
{
	struct question *question = (struct question *)(void *)head;

	working++;
	while (hangs)
		ebb_sleep_us(1000);
	question->value *= 2;
	working--;
}

static void release(struct ebb_question *head)
{
	live--;
	free(head);
}

static struct ebb_question *question_of(int value)
{
	struct question *question = calloc(1, sizeof(*question));

	assert_non_null(question);
	question->head = (struct ebb_question){ work, release };
	question->value = value;
	live++;
	return &question->head;
}

static int take(struct ebb_asker *asker, uint64_t ms)
{
	struct ebb_question *head =
		ebb_asker_take(asker, ms ? ebb_now_ns() + ms * MS_NS : 0);
	int value;

	if (!head)
		return -1;
	value = ((struct question *)(void *)head)->value;
	release(head);
	return value;
}

static void await_none_live(void)
{
	for (int i = 0; i < 10000 && live; i++)
		ebb_sleep_us(1000);
	assert_int_equal(live, 0);
}

static void test_answers(void **state)
{
	struct ebb_asker *asker;

	(void)state;
	assert_int_equal(ebb_asker_new(&asker), 0);
	assert_false(ebb_asker_is_asked(asker));
	assert_int_equal(take(asker, 0), -1);
	for (int i = 1; i < 100; i++) {
		ebb_asker_ask(asker, question_of(i));
		assert_true(ebb_asker_is_asked(asker));
		assert_int_equal(take(asker, 10000), 2 * i);
		assert_false(ebb_asker_is_asked(asker));
	}
	/* One that nobody takes. */
	ebb_asker_ask(asker, question_of(1));
	ebb_asker_free(asker);
	await_none_live();
	ebb_asker_free(NULL);
}

static void test_answer_comes_late(void **state)
{
	struct ebb_asker *asker;

	(void)state;
	hangs = true;
	assert_int_equal(ebb_asker_new(&asker), 0);
	ebb_asker_ask(asker, question_of(21));
	assert_int_equal(take(asker, 0), -1);
	assert_int_equal(take(asker, 20), -1);
	assert_true(ebb_asker_is_asked(asker));
	hangs = false;
	assert_int_equal(take(asker, 10000), 42);
	ebb_asker_free(asker);
	assert_int_equal(live, 0);
}

/* What hangs is left, but not without a bound; what it holds is dropped. */
static void test_left_alone(void **state)
{
	struct ebb_asker *asker;
	int left = 0, r;

	(void)state;
	hangs = true;
	while ((r = ebb_asker_new(&asker)) == 0) {
		assert_true(left < 1000);
		ebb_asker_ask(asker, question_of(1));
		while (working <= left)
			ebb_sleep_us(1000);
		ebb_asker_free(asker);
		left++;
	}
	assert_int_equal(r, -EBUSY);
	assert_int_equal(live, left);
	hangs = false;
	await_none_live();
	/* And then there is room again. */
	for (int i = 0; i < 10000; i++) {
		r = ebb_asker_new(&asker);
		if (r == 0)
			break;
		ebb_sleep_us(1000);
	}
	assert_int_equal(r, 0);
	ebb_asker_free(asker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_answer_comes_late),
		cmocka_unit_test(test_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
