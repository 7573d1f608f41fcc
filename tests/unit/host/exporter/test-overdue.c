/* SPDX-License-Identifier: GPL-2.0-only */
/* A client that takes too long is hung up on, and no other is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "host/exporter/overdue.h"

#define MS(ms) ((uint64_t)(ms)*EBB_NS_PER_MS)

static int pairs[2][2];
static struct exp_overdue overdue;

static int set_up(void **state)
{
	(void)state;
	overdue = (struct exp_overdue){ 0 };
	for (int i = 0; i < 2; i++)
		assert_int_equal(socketpair(AF_UNIX,
					    SOCK_STREAM | SOCK_NONBLOCK, 0,
					    pairs[i]),
				 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		close(pairs[i][0]);
		close(pairs[i][1]);
	}
	return 0;
}

static bool is_hung_up(int i)
{
	char byte;

	return recv(pairs[i][1], &byte, 1, 0) == 0;
}

static void test_who_is_overdue(void **state)
{
	(void)state;
	assert_int_equal(exp_overdue_timeout_ms(&overdue, MS(5)), -1);
	exp_overdue_begin(&overdue, pairs[0][0], MS(1000));
	exp_overdue_begin(&overdue, pairs[1][0], MS(2000));
	assert_int_equal(exp_overdue_timeout_ms(&overdue, MS(1000)),
			 EXP_REQUEST_MS + 1);
	exp_overdue_shut(&overdue, MS(999 + EXP_REQUEST_MS));
	assert_false(is_hung_up(0));
	exp_overdue_shut(&overdue, MS(1000 + EXP_REQUEST_MS));
	assert_true(is_hung_up(0));
	assert_false(is_hung_up(1));
	assert_int_equal(exp_overdue_timeout_ms(&overdue,
						MS(1000 + EXP_REQUEST_MS)),
			 1001);
	assert_int_equal(
		exp_overdue_timeout_ms(&overdue, MS(9000 + EXP_REQUEST_MS)), 0);
}

/* The next request on a connection has a time of its own. */
static void test_a_request_begins_anew(void **state)
{
	(void)state;
	exp_overdue_begin(&overdue, pairs[0][0], MS(0));
	exp_overdue_begin(&overdue, pairs[0][0], MS(EXP_REQUEST_MS - 1));
	assert_int_equal(overdue.count, 1);
	exp_overdue_shut(&overdue, MS(EXP_REQUEST_MS));
	assert_false(is_hung_up(0));
}

/* Its number may be another's by then. */
static void test_who_is_gone_is_left_alone(void **state)
{
	(void)state;
	exp_overdue_begin(&overdue, pairs[0][0], MS(0));
	exp_overdue_begin(&overdue, pairs[1][0], MS(0));
	exp_overdue_end(&overdue, pairs[0][0]);
	exp_overdue_end(&overdue, -1);
	exp_overdue_shut(&overdue, MS(EXP_REQUEST_MS));
	assert_false(is_hung_up(0));
	assert_true(is_hung_up(1));
	assert_int_equal(overdue.count, 0);
}

static void test_no_more_than_there_may_be(void **state)
{
	(void)state;
	for (int i = 0; i < EXP_CONNECTIONS_MAX + 1; i++)
		exp_overdue_begin(&overdue, 100000 + i, MS(0));
	assert_int_equal(overdue.count, EXP_CONNECTIONS_MAX);
}

#define OVERDUE_TEST(test) \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OVERDUE_TEST(test_who_is_overdue),
		OVERDUE_TEST(test_a_request_begins_anew),
		OVERDUE_TEST(test_who_is_gone_is_left_alone),
		OVERDUE_TEST(test_no_more_than_there_may_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
