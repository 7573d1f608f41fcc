/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A worker that wakes the event loop holds nothing that the loop needs: the loop
 * would wait for as long as the worker waits for a CPU.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/base/loop.h"
#include "host/base/worker.h"

enum {
	JOBS = 20,
	/* A lock that is held here is never given up. */
	TEST_S = 20,
};

static struct ebb_workers *workers;
static _Atomic uint32_t wakes;
static uint32_t dones;

/* As ld's --wrap names them: what stands in for eventfd_write(), and that. */
int __wrap_eventfd_write(int fd, eventfd_t value);
int __real_eventfd_write(int fd, eventfd_t value);

int __wrap_eventfd_write(int fd, eventfd_t value)
{
	/* Takes the lock. */
	assert_true(ebb_workers_threads(workers) > 0);
	wakes++;
	return __real_eventfd_write(fd, value);
}

static void work(void *opaque)
{
	(void)opaque;
}

static void done(void *opaque)
{
	(void)opaque;
	dones++;
}

static void test_wake(void **state)
{
	(void)state;
	assert_int_equal(ebb_workers_new(EBB_WORKERS_MIN, 1, &workers), 0);
	for (int i = 0; i < JOBS; i++)
		assert_int_equal(ebb_workers_run(workers, EBB_WORK_LOOK, work,
						 done, NULL),
				 0);
	while (ebb_workers_count(workers) > 0)
		assert_int_equal(ebb_loop_turn(), 0);
	assert_int_equal(dones, JOBS);
	assert_int_equal(wakes, JOBS);
	ebb_workers_free(workers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wake),
	};

	alarm(TEST_S);
	if (ebb_loop_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
