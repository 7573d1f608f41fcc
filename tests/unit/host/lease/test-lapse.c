/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A hole that is punched in time, or not at all: a process that is really
 * stopped, at each instruction from the last looks up to the system call. It is
 * ebbd as far as this is concerned: the punch is a job of its workers, behind
 * its sandbox.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "host/base/loop.h"
#include "host/base/sandbox.h"
#include "host/base/worker.h"
#include "host/lease/lapse.h"

#define FILE_BYTES ((off_t)1 << 20)

enum {
	IN_TIME_MS = 60 * 1000,
	SOON_MS = 40,
	STEPS_MAX = 200,
	TRIES_MAX = 20,
	EXIT_BROKEN = 255, /* no errno */
};

static int fd = -1;

static uint64_t in_ms(uint32_t ms)
{
	return ebb_now_ns() + (uint64_t)ms * 1000000;
}

static bool is_punched(void)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_blocks == 0;
}

static int begin(void **state)
{
	static char data[FILE_BYTES];

	(void)state;
	fd = memfd_create("test-lapse", MFD_CLOEXEC);
	return fd < 0 || write(fd, data, sizeof(data)) != (ssize_t)sizeof(data);
}

static int end(void **state)
{
	(void)state;
	return close(fd);
}

static void test_in_time(void **state)
{
	struct ebb_lapse lapse;

	(void)state;
	assert_int_equal(ebb_lapse_init(&lapse), 0);
	assert_int_equal(ebb_lapse_begin(&lapse, in_ms(IN_TIME_MS)), 0);
	assert_false(is_punched());
	assert_int_equal(ebb_lapse_punch(&lapse, fd, 0, FILE_BYTES), 0);
	assert_true(is_punched());
	/* The call's own errors, and what came before does not count. */
	assert_int_equal(ebb_lapse_punch(&lapse, -1, 0, FILE_BYTES), -EBADF);
	assert_int_equal(ebb_lapse_punch(&lapse, fd, 0, 0), -EINVAL);
	assert_int_equal(ebb_lapse_punch(&lapse, fd, 0, FILE_BYTES), 0);
	ebb_lapse_end(&lapse);
	ebb_lapse_release(&lapse);
}

static void test_only_between_begin_and_end(void **state)
{
	struct ebb_lapse lapse;

	(void)state;
	assert_int_equal(ebb_lapse_init(&lapse), 0);
	assert_int_equal(ebb_lapse_punch(&lapse, fd, 0, FILE_BYTES), -ETIME);
	assert_int_equal(ebb_lapse_begin(&lapse, in_ms(IN_TIME_MS)), 0);
	ebb_lapse_end(&lapse);
	assert_int_equal(ebb_lapse_punch(&lapse, fd, 0, FILE_BYTES), -ETIME);
	assert_false(is_punched());
	ebb_lapse_release(&lapse);
}

static void test_late(void **state)
{
	struct ebb_lapse lapse;

	(void)state;
	assert_int_equal(ebb_lapse_init(&lapse), 0);
	assert_int_equal(ebb_lapse_begin(&lapse, in_ms(1)), 0);
	while (!lapse.lapsed)
		ebb_sleep_us(100);
	assert_int_equal(ebb_lapse_punch(&lapse, fd, 0, FILE_BYTES), -ETIME);
	assert_false(is_punched());
	/* The next begins anew. */
	assert_int_equal(ebb_lapse_begin(&lapse, in_ms(IN_TIME_MS)), 0);
	assert_int_equal(ebb_lapse_punch(&lapse, fd, 0, FILE_BYTES), 0);
	ebb_lapse_end(&lapse);
	ebb_lapse_release(&lapse);
}

static void *let_lapse(void *opaque)
{
	struct ebb_lapse lapse;
	long r = ebb_lapse_init(&lapse);

	(void)opaque;
	if (r < 0)
		return (void *)r;
	r = ebb_lapse_begin(&lapse, in_ms(1));
	while (r == 0 && !lapse.lapsed)
		ebb_sleep_us(100);
	ebb_lapse_release(&lapse);
	return (void *)r;
}

static void test_deadlines_are_of_a_thread(void **state)
{
	struct ebb_lapse lapse;
	pthread_t thread;
	void *r;

	(void)state;
	assert_int_equal(ebb_lapse_init(&lapse), 0);
	assert_int_equal(ebb_lapse_begin(&lapse, in_ms(IN_TIME_MS)), 0);
	assert_int_equal(pthread_create(&thread, NULL, let_lapse, NULL), 0);
	pthread_join(thread, &r);
	assert_null(r);
	assert_int_equal(ebb_lapse_punch(&lapse, fd, 0, FILE_BYTES), 0);
	ebb_lapse_end(&lapse);
	ebb_lapse_release(&lapse);
}

#if EBB_LAPSE_IS_EXACT
extern const char ebb_lapse_check[], ebb_lapse_called[];

enum {
	CALL_BYTES = 2, /* of the instruction "syscall" */
};

/* Whether whoever is stopped gets its signals, and when. */
static bool skip_unless_real(void)
{
#ifdef __SANITIZE_THREAD__
	bool real = false; /* keeps signals back */
#else
	bool real = !getenv("EBB_VALGRIND"); /* has instructions of its own */
#endif

	if (!real)
		skip();
	return real;
}

/* What the job needs, of a process that has one. */
struct host {
	bool ignores;
	int ready_fd; /* it says who is to be traced */
	int go_fd; /* and waits until it is */
};

/* Ends the process with what the punch said. */
static void punch_job(void *opaque)
{
	const struct host *host = opaque;
	pid_t thread = (pid_t)syscall(SYS_gettid);
	struct ebb_lapse lapse;
	char go;

	if (ebb_lapse_init(&lapse) < 0)
		_exit(EXIT_BROKEN);
	if (host->ignores)
		signal(SIGRTMIN, SIG_IGN);
	if (write(host->ready_fd, &thread, sizeof(thread)) != sizeof(thread) ||
	    read(host->go_fd, &go, 1) != 1 ||
	    ebb_lapse_begin(&lapse, in_ms(SOON_MS)) < 0)
		_exit(EXIT_BROKEN);
	__asm__ volatile("int3");
	_exit(-ebb_lapse_punch(&lapse, fd, 0, FILE_BYTES));
}

static void never(void *opaque)
{
	(void)opaque;
	_exit(EXIT_BROKEN);
}

/* The process that is stopped: starts as ebbd does. */
static void __attribute__((noreturn)) play_host(struct host *host)
{
	struct ebb_workers *workers;
	int r;

	if (ebb_sandbox_state_locked() < 0 || ebb_loop_init() < 0 ||
	    ebb_workers_new(8, 4, &workers) < 0)
		_exit(EXIT_BROKEN);
	r = ebb_sandbox_listening();
	/* A sanitizer needs more system calls. */
	if ((r < 0 && r != -EOPNOTSUPP) ||
	    ebb_workers_run(workers, EBB_WORK_RECLAIM, punch_job, never, host) <
		    0)
		_exit(EXIT_BROKEN);
	for (;;)
		ebb_loop_turn();
}

/* A process with a worker in it that is traced. */
struct traced {
	pid_t pid;
	pid_t thread;
};

static struct traced trace_host(bool ignores)
{
	struct traced traced;
	int ready[2], go[2];

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	traced.pid = fork();
	assert_true(traced.pid >= 0);
	if (traced.pid == 0)
		play_host(&(struct host){ .ignores = ignores,
					  .ready_fd = ready[1],
					  .go_fd = go[0] });
	assert_int_equal(close(ready[1]), 0);
	assert_int_equal(read(ready[0], &traced.thread, sizeof(pid_t)),
			 sizeof(pid_t));
	assert_int_equal(ptrace(PTRACE_SEIZE, traced.thread, NULL, NULL), 0);
	assert_int_equal(write(go[1], "", 1), 1);
	close(ready[0]);
	close(go[0]);
	close(go[1]);
	return traced;
}

static uintptr_t instruction_of(pid_t thread)
{
	struct user_regs_struct registers;

	assert_int_equal(ptrace(PTRACE_GETREGS, thread, NULL, &registers), 0);
	return registers.rip;
}

static void end_host(const struct traced *traced)
{
	kill(traced->pid, SIGKILL);
	waitpid(traced->thread, NULL, __WALL);
	waitpid(traced->pid, NULL, 0);
}

/* False: time went by faster than we do, and its signal came. */
static bool is_at_step(const struct traced *traced)
{
	int status;

	assert_int_equal(waitpid(traced->thread, &status, __WALL),
			 traced->thread);
	return WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP;
}

/* @steps into the punch, and its instruction; 0: it was too slow. */
static uintptr_t step(const struct traced *traced, uint32_t steps)
{
	if (!is_at_step(traced))
		return 0;
	for (uint32_t i = 0; i < steps; i++) {
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, traced->thread, NULL,
					NULL),
				 0);
		if (!is_at_step(traced))
			return 0;
	}
	return instruction_of(traced->thread);
}

/* A process whose worker got so far, and is traced. */
static struct traced start_host(bool ignores, uint32_t steps, uintptr_t *ret_at)
{
	for (int try = 0; try < TRIES_MAX; try++) {
		struct traced traced = trace_host(ignores);

		*ret_at = step(&traced, steps);
		if (*ret_at)
			return traced;
		end_host(&traced);
	}
	fail_msg("%u steps took longer than %u ms, %u times", steps, SOON_MS,
		 TRIES_MAX);
	return (struct traced){ 0 };
}

/* Stops it past its deadline; what its punch says after that. */
static int stop_over_deadline(const struct traced *traced)
{
	int status;

	assert_int_equal(ptrace(PTRACE_DETACH, traced->thread, NULL, SIGSTOP),
			 0);
	assert_int_equal(waitpid(traced->pid, &status, WUNTRACED), traced->pid);
	assert_true(WIFSTOPPED(status));
	ebb_sleep_us((SOON_MS + 10) * 1000);
	assert_int_equal(kill(traced->pid, SIGCONT), 0);
	assert_int_equal(waitpid(traced->pid, &status, 0), traced->pid);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

static bool is_at_call(uintptr_t at)
{
	return at == (uintptr_t)ebb_lapse_called - CALL_BYTES;
}

static void test_stopped_at_each_instruction(void **state)
{
	bool saw_check = false, saw_call = false;
	uintptr_t at;

	(void)state;
	if (!skip_unless_real())
		return;
	for (uint32_t steps = 0; !saw_call && steps < STEPS_MAX; steps++) {
		struct traced traced = start_host(false, steps, &at);

		saw_check |= at == (uintptr_t)ebb_lapse_check;
		saw_call = is_at_call(at);
		assert_int_equal(stop_over_deadline(&traced), -ETIME);
		assert_false(is_punched());
	}
	assert_true(saw_check);
	assert_true(saw_call);
}

/* That the test before can fail: it punches late where nothing hinders it. */
static void test_late_without_handler(void **state)
{
	uint32_t steps = 0;
	uintptr_t at = 0;

	(void)state;
	if (!skip_unless_real())
		return;
	for (; steps < STEPS_MAX; steps++) {
		struct traced traced = start_host(true, steps, &at);

		if (is_at_call(at)) {
			assert_int_equal(stop_over_deadline(&traced), 0);
			assert_true(is_punched());
			return;
		}
		end_host(&traced);
	}
	fail_msg("no system call in %u steps", steps);
}
#endif

#define LAPSE_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAPSE_TEST(test_in_time),
		LAPSE_TEST(test_only_between_begin_and_end),
		LAPSE_TEST(test_late),
		LAPSE_TEST(test_deadlines_are_of_a_thread),
#if EBB_LAPSE_IS_EXACT
		LAPSE_TEST(test_stopped_at_each_instruction),
		LAPSE_TEST(test_late_without_handler),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
