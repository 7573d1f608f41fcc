/* SPDX-License-Identifier: GPL-2.0-only */
/* Each member of a crowd is called for its own descriptor, and none that has left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/base/crowd.h"
#include "host/base/loop.h"

enum {
	MEMBERS = 100,
	TURNS = 20,
};

struct one {
	struct ebb_crowd_member *member;
	struct one *victim; /* has it leave when it is called */
	int fd;
	unsigned int calls;
};

static struct ebb_crowd *crowd;
static struct one ones[MEMBERS];

static void leave(struct one *one)
{
	ebb_crowd_leave(one->member);
	one->member = NULL;
}

static void on_ready(void *opaque)
{
	struct one *one = opaque;

	one->calls++;
	if (one->victim)
		leave(one->victim);
	leave(one);
}

static void join(struct one *one)
{
	one->member = ebb_crowd_join(crowd, one->fd, on_ready, one);
	assert_non_null(one->member);
}

static void on_turn(int timer, void *opaque)
{
	(void)timer;
	(void)opaque;
}

/* Some turns, whether or not there is something to do in them. */
static void turn(void)
{
	int timer = ebb_loop_timer(0, on_turn, NULL);

	for (int i = 0; i < TURNS; i++)
		assert_int_equal(ebb_loop_turn(), 0);
	ebb_loop_timer_remove(timer);
}

static int set_up(void **state)
{
	(void)state;
	if (ebb_crowd_new(&crowd) < 0)
		return -1;
	for (int i = 0; i < MEMBERS; i++) {
		ones[i] = (struct one){ .fd = eventfd(0, EFD_CLOEXEC) };
		if (ones[i].fd < 0)
			return -1;
		join(&ones[i]);
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (int i = 0; i < MEMBERS; i++) {
		leave(&ones[i]);
		close(ones[i].fd);
	}
	ebb_crowd_free(crowd);
	return 0;
}

static unsigned int calls(void)
{
	unsigned int sum = 0;

	for (int i = 0; i < MEMBERS; i++)
		sum += ones[i].calls;
	return sum;
}

static void test_who_is_ready_is_called(void **state)
{
	(void)state;
	turn();
	assert_int_equal(calls(), 0);
	eventfd_write(ones[7].fd, 1);
	eventfd_write(ones[70].fd, 1);
	turn();
	assert_int_equal(ones[7].calls, 1);
	assert_int_equal(ones[70].calls, 1);
	assert_int_equal(calls(), 2);
}

/* Both were ready at one moment, and only one of them may be called. */
static void test_who_has_left_is_not_called(void **state)
{
	(void)state;
	ones[3].victim = &ones[4];
	ones[4].victim = &ones[3];
	eventfd_write(ones[3].fd, 1);
	eventfd_write(ones[4].fd, 1);
	turn();
	assert_int_equal(ones[3].calls + ones[4].calls, 1);
}

static void test_who_is_ready_already_is_called(void **state)
{
	(void)state;
	leave(&ones[5]);
	eventfd_write(ones[5].fd, 1);
	turn();
	assert_int_equal(calls(), 0);
	join(&ones[5]);
	turn();
	assert_int_equal(ones[5].calls, 1);
}

static void test_what_cannot_be_watched_is_refused(void **state)
{
	(void)state;
	assert_null(ebb_crowd_join(crowd, -1, on_ready, &ones[0]));
}

#define test(name) \
	cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(who_is_ready_is_called),
		test(who_has_left_is_not_called),
		test(who_is_ready_already_is_called),
		test(what_cannot_be_watched_is_refused),
	};

	if (ebb_loop_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
