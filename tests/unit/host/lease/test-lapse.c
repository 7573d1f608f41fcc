/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A hole that is punched in time, or not at all: a process that is really
 * stopped, at each instruction from the last looks up to the system call.
 */
#include <config.h>

#include <errno.h>
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
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "host/lease/lapse.h"

#define FILE_BYTES ((off_t)1 << 20)

enum {
	IN_TIME_MS = 60 * 1000,
	SOON_MS = 40,
	STEPS_MAX = 200,
	TRIES_MAX = 20,
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

/* The process that is stopped; ends with what the punch said. */
static void __attribute__((noreturn)) play_host(bool ignores)
{
	struct ebb_lapse lapse;

	if (ebb_lapse_init(&lapse) < 0)
		_exit(1);
	if (ignores)
		signal(SIGRTMIN, SIG_IGN);
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	if (ebb_lapse_begin(&lapse, in_ms(SOON_MS)) < 0)
		_exit(1);
	__asm__ volatile("int3");
	_exit(-ebb_lapse_punch(&lapse, fd, 0, FILE_BYTES));
}

static uintptr_t instruction_of(pid_t pid)
{
	struct user_regs_struct registers;

	assert_int_equal(ptrace(PTRACE_GETREGS, pid, NULL, &registers), 0);
	return registers.rip;
}

static bool is_at_step(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP)
		return true;
	/* Time went by faster than we do; not for the test's end. */
	if (!WIFEXITED(status) && !WIFSIGNALED(status)) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return false;
}

/* @steps into the punch, and its instruction; 0: it was too slow. */
static uintptr_t step(pid_t pid, uint32_t steps)
{
	if (!is_at_step(pid))
		return 0;
	for (uint32_t i = 0; i < steps; i++) {
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
		if (!is_at_step(pid))
			return 0;
	}
	return instruction_of(pid);
}

/* A process that got so far, and is traced. */
static pid_t start_host(bool ignores, uint32_t steps, uintptr_t *ret_at)
{
	for (int try = 0; try < TRIES_MAX; try++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			play_host(ignores);
		*ret_at = step(pid, steps);
		if (*ret_at)
			return pid;
	}
	fail_msg("%u steps took longer than %u ms, %u times", steps, SOON_MS,
		 TRIES_MAX);
	return -1;
}

/* Stops it past its deadline; what its punch says after that. */
static int stop_over_deadline(pid_t pid)
{
	int status;

	assert_int_equal(ptrace(PTRACE_DETACH, pid, NULL, SIGSTOP), 0);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	ebb_sleep_us((SOON_MS + 10) * 1000);
	assert_int_equal(kill(pid, SIGCONT), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
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
		pid_t pid = start_host(false, steps, &at);

		saw_check |= at == (uintptr_t)ebb_lapse_check;
		saw_call = is_at_call(at);
		assert_int_equal(stop_over_deadline(pid), -ETIME);
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
		pid_t pid = start_host(true, steps, &at);

		if (is_at_call(at)) {
			assert_int_equal(stop_over_deadline(pid), 0);
			assert_true(is_punched());
			return;
		}
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
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
