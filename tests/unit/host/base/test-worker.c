/* SPDX-License-Identifier: GPL-2.0-only */
/* Jobs run elsewhere; what is done is told on the event loop's thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <cmocka.h>
#include "host/base/loop.h"
#include "host/base/worker.h"

enum {
	JOBS = 50
};

struct job {
	struct ebb_workers *workers;
	struct job *follow; /* started when this one is done */
	pthread_t worker;
	bool signals_blocked;
	uint32_t worked; /* not atomic: done() comes after work() */
	uint32_t done;
	uint32_t count_when_done;
};

static pthread_t loop_thread;
static bool timed_out;

static void on_timeout(int timer, void *opaque)
{
	(void)timer;
	(void)opaque;
	timed_out = true;
}

static void work(void *opaque)
{
	struct job *job = opaque;
	sigset_t mask;

	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	job->signals_blocked = sigismember(&mask, SIGTERM) == 1 &&
			       sigismember(&mask, SIGBUS) == 0;
	job->worker = pthread_self();
	job->worked++;
}

static void done(void *opaque)
{
	struct job *job = opaque;

	assert_true(pthread_equal(pthread_self(), loop_thread));
	assert_false(pthread_equal(job->worker, loop_thread));
	assert_int_equal(job->worked, 1);
	job->done++;
	job->count_when_done = ebb_workers_count(job->workers);
	if (job->follow)
		assert_int_equal(ebb_workers_run(job->workers, work, done,
						 job->follow),
				 0);
}

static void run_loop(struct ebb_workers *workers)
{
	int timer = ebb_loop_timer(10000, on_timeout, NULL);

	timed_out = false;
	while (ebb_workers_count(workers) > 0 && !timed_out)
		assert_int_equal(ebb_loop_turn(), 0);
	ebb_loop_timer_remove(timer);
	assert_false(timed_out);
}

static void test_jobs_run_and_are_told(void **state)
{
	static struct job jobs[JOBS];
	struct ebb_workers *workers;

	(void)state;
	assert_int_equal(ebb_workers_new(&workers), 0);
	for (uint32_t i = 0; i < JOBS; i++) {
		jobs[i].workers = workers;
		assert_int_equal(ebb_workers_run(workers, work, done, &jobs[i]),
				 0);
		assert_int_equal(ebb_workers_count(workers), i + 1);
	}
	run_loop(workers);
	for (uint32_t i = 0; i < JOBS; i++) {
		assert_int_equal(jobs[i].done, 1);
		assert_true(jobs[i].signals_blocked);
		assert_true(jobs[i].count_when_done < JOBS);
	}
	ebb_workers_free(workers);
}

static void test_a_job_may_follow_another(void **state)
{
	struct ebb_workers *workers;
	struct job last = { 0 }, first = { 0 };

	(void)state;
	assert_int_equal(ebb_workers_new(&workers), 0);
	first.workers = last.workers = workers;
	first.follow = &last;
	assert_int_equal(ebb_workers_run(workers, work, done, &first), 0);
	run_loop(workers);
	assert_int_equal(first.done, 1);
	assert_int_equal(first.count_when_done, 0);
	assert_int_equal(last.done, 1);
	ebb_workers_free(workers);
}

static void test_signal_mask_of_the_caller_stays(void **state)
{
	struct ebb_workers *workers;
	struct job job = { 0 };
	sigset_t mask;

	(void)state;
	assert_int_equal(ebb_workers_new(&workers), 0);
	job.workers = workers;
	assert_int_equal(ebb_workers_run(workers, work, done, &job), 0);
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	assert_int_equal(sigismember(&mask, SIGTERM), 0);
	run_loop(workers);
	ebb_workers_free(workers);
	ebb_workers_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jobs_run_and_are_told),
		cmocka_unit_test(test_a_job_may_follow_another),
		cmocka_unit_test(test_signal_mask_of_the_caller_stays),
	};

	loop_thread = pthread_self();
	if (ebb_loop_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
