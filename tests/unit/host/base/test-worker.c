/* SPDX-License-Identifier: GPL-2.0-only */
/* Jobs run elsewhere; what is done is told on the event loop's thread. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include "common/clock.h"
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
static _Atomic uint64_t later_ns; /* than it is */

uint64_t __real_ebb_now_ns(void);
uint64_t __wrap_ebb_now_ns(void);

uint64_t __wrap_ebb_now_ns(void)
{
	return __real_ebb_now_ns() + later_ns;
}

static atomic_uint worked_count;
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
	worked_count++;
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
		assert_int_equal(ebb_workers_run(job->workers, EBB_WORK_LOOK,
						 work, done, job->follow),
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
	assert_int_equal(ebb_workers_new(8, 4, &workers), 0);
	for (uint32_t i = 0; i < JOBS; i++) {
		jobs[i].workers = workers;
		assert_int_equal(ebb_workers_run(workers, EBB_WORK_LOOK, work,
						 done, &jobs[i]),
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
	assert_int_equal(ebb_workers_new(8, 4, &workers), 0);
	first.workers = last.workers = workers;
	first.follow = &last;
	assert_int_equal(
		ebb_workers_run(workers, EBB_WORK_LOOK, work, done, &first), 0);
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
	assert_int_equal(ebb_workers_new(8, 4, &workers), 0);
	job.workers = workers;
	assert_int_equal(
		ebb_workers_run(workers, EBB_WORK_LOOK, work, done, &job), 0);
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	assert_int_equal(sigismember(&mask, SIGTERM), 0);
	run_loop(workers);
	ebb_workers_free(workers);
	ebb_workers_free(NULL);
}

/* ---- the loop ---- */

enum {
	SLOW_MS = 300
};

static void slow_end(void *opaque)
{
	done(opaque);
	usleep(SLOW_MS * 1000);
}

/* Who is to blame is the job, not the callback that ends all jobs. */
static void test_a_slow_end_is_named(void **state)
{
	struct ebb_workers *workers;
	struct job job = { 0 };

	(void)state;
	assert_int_equal(ebb_workers_new(8, 4, &workers), 0);
	job.workers = workers;
	assert_int_equal(ebb_workers_run(workers, EBB_WORK_LOOK, work, slow_end,
					 &job),
			 0);
	run_loop(workers);
	ebb_workers_free(workers);
	assert_true(ebb_loop_longest().longest_ns >= SLOW_MS * 1000000 / 2);
	assert_string_equal(ebb_loop_longest().name, "slow_end");
}

static uint32_t ended(const struct job *jobs)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < JOBS; i++)
		count += jobs[i].done;
	return count;
}

static uint32_t ended_before; /* when the loop turned last */

static void on_turn(int timer, void *opaque)
{
	uint32_t now = ended(opaque);

	(void)timer;
	assert_true(now - ended_before <= 1);
	ended_before = now;
}

/* Others have their turn between two jobs that have ended. */
static void test_one_end_a_turn(void **state)
{
	static struct job jobs[JOBS];
	struct ebb_workers *workers;
	int timer;

	(void)state;
	worked_count = 0;
	assert_int_equal(ebb_workers_new(8, 4, &workers), 0);
	for (uint32_t i = 0; i < JOBS; i++) {
		jobs[i].workers = workers;
		assert_int_equal(ebb_workers_run(workers, EBB_WORK_LOOK, work,
						 done, &jobs[i]),
				 0);
	}
	/* Not before all of them have been worked on. */
	while (worked_count < JOBS)
		usleep(1000);
	timer = ebb_loop_timer(0, on_turn, jobs);
	run_loop(workers);
	ebb_loop_timer_remove(timer);
	assert_int_equal(ended(jobs), JOBS);
	ebb_workers_free(workers);
}

/* ---- bounds ---- */

/* Jobs that wait at a gate until it is opened, and the order they came in. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t opened;
	bool open[EBB_WORK_KINDS];
	uint32_t inside[EBB_WORK_KINDS];
	uint32_t most[EBB_WORK_KINDS];
	uint32_t order[100];
	uint32_t started;
	uint32_t done;
} gate = { .lock = PTHREAD_MUTEX_INITIALIZER,
	   .opened = PTHREAD_COND_INITIALIZER };

struct visitor {
	enum ebb_work kind;
	uint32_t number;
};

static void visit(void *opaque)
{
	struct visitor *visitor = opaque;

	pthread_mutex_lock(&gate.lock);
	gate.order[gate.started++] = visitor->number;
	if (++gate.inside[visitor->kind] > gate.most[visitor->kind])
		gate.most[visitor->kind] = gate.inside[visitor->kind];
	while (!gate.open[visitor->kind])
		pthread_cond_wait(&gate.opened, &gate.lock);
	gate.inside[visitor->kind]--;
	pthread_mutex_unlock(&gate.lock);
}

static void visited(void *opaque)
{
	(void)opaque;
	gate.done++;
}

static void reset_gate(void)
{
	pthread_mutex_lock(&gate.lock);
	memset(gate.open, 0, sizeof(gate.open));
	memset(gate.most, 0, sizeof(gate.most));
	gate.started = gate.done = 0;
	pthread_mutex_unlock(&gate.lock);
}

static void open_gate(enum ebb_work kind)
{
	pthread_mutex_lock(&gate.lock);
	gate.open[kind] = true;
	pthread_cond_broadcast(&gate.opened);
	pthread_mutex_unlock(&gate.lock);
}

static uint32_t inside(enum ebb_work kind)
{
	uint32_t count;

	pthread_mutex_lock(&gate.lock);
	count = gate.inside[kind];
	pthread_mutex_unlock(&gate.lock);
	return count;
}

static void wait_inside(enum ebb_work kind, uint32_t count)
{
	for (int i = 0; i < 10000 && inside(kind) != count; i++)
		usleep(1000);
	assert_int_equal(inside(kind), count);
}

static void queue_visitors(struct ebb_workers *workers, enum ebb_work kind,
			   struct visitor *visitors, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		visitors[i] = (struct visitor){ kind, i };
		assert_int_equal(ebb_workers_run(workers, kind, visit, visited,
						 &visitors[i]),
				 0);
	}
}

static void test_no_kind_takes_all_threads(void **state)
{
	struct visitor looks[40], others[EBB_WORK_KINDS];
	struct ebb_workers *workers;

	(void)state;
	reset_gate();
	assert_int_equal(ebb_workers_new(8, 4, &workers), 0);
	/* As many agents that do not answer. */
	queue_visitors(workers, EBB_WORK_LOOK, looks, 40);
	wait_inside(EBB_WORK_LOOK, 4);
	for (uint32_t kind = EBB_WORK_LOOK + 1; kind < EBB_WORK_KINDS; kind++) {
		queue_visitors(workers, kind, &others[kind], 1);
		wait_inside(kind, 1);
		open_gate(kind);
	}
	while (gate.done < EBB_WORK_KINDS - 1)
		assert_int_equal(ebb_loop_turn(), 0);
	assert_int_equal(inside(EBB_WORK_LOOK), 4);
	open_gate(EBB_WORK_LOOK);
	run_loop(workers);
	assert_int_equal(gate.done, 40 + EBB_WORK_KINDS - 1);
	assert_true(ebb_workers_threads(workers) <= 8);
	ebb_workers_free(workers);
}

static void turn_until_inside(enum ebb_work kind, uint32_t count)
{
	int timer = ebb_loop_timer(20000, on_timeout, NULL);

	timed_out = false;
	while (inside(kind) != count && !timed_out)
		assert_int_equal(ebb_loop_turn(), 0);
	ebb_loop_timer_remove(timer);
	assert_int_equal(inside(kind), count);
}

/*
 * As many QEMUs whose memory map nobody can read: other domains are looked at all
 * the same, and all of it is bounded.
 */
static void test_stuck_looks_do_not_count(void **state)
{
	struct visitor looks[60], reclaim;
	struct ebb_workers *workers;

	(void)state;
	reset_gate();
	assert_int_equal(ebb_workers_new(8, 4, &workers), 0);
	queue_visitors(workers, EBB_WORK_LOOK, looks, 60);
	wait_inside(EBB_WORK_LOOK, 4);
	for (uint32_t stuck = 4; stuck <= EBB_WORKERS_STUCK_MAX; stuck += 4) {
		assert_int_equal(inside(EBB_WORK_LOOK), stuck);
		later_ns += EBB_WORKERS_STUCK_S * EBB_NS_PER_S;
		turn_until_inside(EBB_WORK_LOOK, stuck + 4);
	}
	later_ns += EBB_WORKERS_STUCK_S * EBB_NS_PER_S;
	queue_visitors(workers, EBB_WORK_RECLAIM, &reclaim, 1);
	wait_inside(EBB_WORK_RECLAIM, 1);
	assert_int_equal(inside(EBB_WORK_LOOK), EBB_WORKERS_STUCK_MAX + 4);
	assert_true(ebb_workers_threads(workers) <= 8 + EBB_WORKERS_STUCK_MAX);
	open_gate(EBB_WORK_LOOK);
	open_gate(EBB_WORK_RECLAIM);
	run_loop(workers);
	assert_int_equal(gate.done, 61);
	ebb_workers_free(workers);
}

static void test_reclaims_are_bounded(void **state)
{
	struct visitor reclaims[10], looks[10];
	struct ebb_workers *workers;

	(void)state;
	reset_gate();
	assert_int_equal(ebb_workers_new(9, 3, &workers), 0);
	queue_visitors(workers, EBB_WORK_RECLAIM, reclaims, 10);
	queue_visitors(workers, EBB_WORK_LOOK, looks, 10);
	wait_inside(EBB_WORK_RECLAIM, 3);
	wait_inside(EBB_WORK_LOOK, 3);
	open_gate(EBB_WORK_RECLAIM);
	open_gate(EBB_WORK_LOOK);
	run_loop(workers);
	assert_int_equal(gate.done, 20);
	assert_int_equal(gate.most[EBB_WORK_RECLAIM], 3);
	ebb_workers_free(workers);
}

static void test_one_kind_keeps_its_order(void **state)
{
	struct visitor jobs[20];
	struct ebb_workers *workers;

	(void)state;
	reset_gate();
	open_gate(EBB_WORK_CONNECTION);
	assert_int_equal(ebb_workers_new(5, 1, &workers), 0);
	queue_visitors(workers, EBB_WORK_CONNECTION, jobs, 20);
	run_loop(workers);
	for (uint32_t i = 0; i < 20; i++)
		assert_int_equal(gate.order[i], i);
	assert_int_equal(gate.most[EBB_WORK_CONNECTION], 1);
	ebb_workers_free(workers);
}

static void test_threads_come_with_the_work(void **state)
{
	struct ebb_workers *workers;
	struct job job = { 0 };

	(void)state;
	assert_int_equal(ebb_workers_new(4, 1, &workers), -EINVAL);
	assert_int_equal(ebb_workers_new(65, 1, &workers), -EINVAL);
	assert_int_equal(ebb_workers_new(8, 0, &workers), -EINVAL);
	assert_int_equal(ebb_workers_new(8, 4, &workers), 0);
	job.workers = workers;
	assert_int_equal(ebb_workers_threads(workers), 0);
	for (int i = 0; i < 5; i++) {
		job.worked = 0;
		assert_int_equal(ebb_workers_run(workers, EBB_WORK_LOOK, work,
						 done, &job),
				 0);
		run_loop(workers);
	}
	/* A thread that was done before its job was told may be busy still. */
	assert_true(ebb_workers_threads(workers) <= 2);
	ebb_workers_free(workers);
}

/* ---- the end ---- */

static bool may_begin;

static void hold(void *opaque)
{
	may_begin = ebb_worker_hold();
	visit(opaque);
	if (may_begin)
		ebb_worker_let_go();
}

static void test_a_hold_keeps_the_process(void **state)
{
	struct visitor holder = { EBB_WORK_RECLAIM, 0 };
	struct visitor look = { EBB_WORK_LOOK, 1 };
	struct ebb_workers *workers;

	(void)state;
	reset_gate();
	assert_true(ebb_worker_hold()); /* of no pool */
	ebb_worker_let_go();
	assert_int_equal(ebb_workers_new(8, 4, &workers), 0);
	assert_int_equal(ebb_workers_run(workers, EBB_WORK_RECLAIM, hold,
					 visited, &holder),
			 0);
	queue_visitors(workers, EBB_WORK_LOOK, &look, 1);
	wait_inside(EBB_WORK_RECLAIM, 1);
	wait_inside(EBB_WORK_LOOK, 1);
	assert_true(may_begin);
	assert_false(ebb_workers_stop(workers));
	open_gate(EBB_WORK_RECLAIM);
	while (gate.done < 1)
		assert_int_equal(ebb_loop_turn(), 0);
	/* The look only waits: nobody waits for it. */
	assert_int_equal(inside(EBB_WORK_LOOK), 1);
	assert_true(ebb_workers_stop(workers));
	assert_int_equal(ebb_workers_run(workers, EBB_WORK_RECLAIM, hold,
					 visited, &holder),
			 0);
	while (gate.done < 2)
		assert_int_equal(ebb_loop_turn(), 0);
	assert_false(may_begin);
	open_gate(EBB_WORK_LOOK);
	run_loop(workers);
	ebb_workers_free(workers);
}

static void test_what_is_released_is_waited_for(void **state)
{
	struct visitor job;
	struct ebb_workers *workers;

	(void)state;
	reset_gate();
	assert_int_equal(ebb_workers_new(8, 4, &workers), 0);
	queue_visitors(workers, EBB_WORK_RELEASE, &job, 1);
	wait_inside(EBB_WORK_RELEASE, 1);
	assert_false(ebb_workers_stop(workers));
	open_gate(EBB_WORK_RELEASE);
	run_loop(workers);
	assert_true(ebb_workers_stop(workers));
	ebb_workers_free(workers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jobs_run_and_are_told),
		cmocka_unit_test(test_a_job_may_follow_another),
		cmocka_unit_test(test_signal_mask_of_the_caller_stays),
		cmocka_unit_test(test_a_slow_end_is_named),
		cmocka_unit_test(test_one_end_a_turn),
		cmocka_unit_test(test_no_kind_takes_all_threads),
		cmocka_unit_test(test_stuck_looks_do_not_count),
		cmocka_unit_test(test_reclaims_are_bounded),
		cmocka_unit_test(test_one_kind_keeps_its_order),
		cmocka_unit_test(test_threads_come_with_the_work),
		cmocka_unit_test(test_a_hold_keeps_the_process),
		cmocka_unit_test(test_what_is_released_is_waited_for),
	};

	loop_thread = pthread_self();
	if (ebb_loop_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
