/* SPDX-License-Identifier: GPL-2.0-only */
/* How long threads waited for a processor, of this process. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "host/memory/delay.h"

static atomic_bool over;

static void *spin(void *opaque)
{
	(void)opaque;
	while (!over)
		continue;
	return NULL;
}

/* Two that are busy on one processor wait for each other. */
static void test_waits_are_counted(void **state)
{
	uint64_t start_ns = ebb_now_ns(), before_ns, now_ns;
	cpu_set_t all, one;
	pthread_t thread;

	(void)state;
	if (ebb_run_delay_read(getpid(), &before_ns) == -ENOTSUP)
		skip();
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	CPU_ZERO(&one);
	for (int cpu = 0; CPU_COUNT(&one) == 0; cpu++)
		if (CPU_ISSET(cpu, &all))
			CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(pthread_create(&thread, NULL, spin, NULL), 0);
	do {
		assert_int_equal(ebb_run_delay_read(getpid(), &now_ns), 0);
		assert_true(ebb_now_ns() - start_ns < 60 * EBB_NS_PER_S);
	} while (now_ns - before_ns < 20 * EBB_NS_PER_MS);
	over = true;
	pthread_join(thread, NULL);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

static void test_no_such_process(void **state)
{
	uint64_t ns = 7;

	(void)state;
	assert_int_equal(ebb_run_delay_read(0x7fffffff, &ns), -ENOENT);
	assert_int_equal(ns, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits_are_counted),
		cmocka_unit_test(test_no_such_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
