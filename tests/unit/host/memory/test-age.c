/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/memory/age.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Whether a program that was started with @argument counts as restored. */
static bool is_restored_with(const char *argument)
{
	bool restored;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", "kill -STOP $$", "name=-incoming",
		      argument, "early", (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	restored = ebb_process_was_restored(pid);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return restored;
}

static void test_saved(void **state)
{
	(void)state;
	assert_true(is_restored_with("-incoming"));
}

static void test_reverted(void **state)
{
	(void)state;
	assert_true(is_restored_with("-loadvm"));
}

static void test_booted(void **state)
{
	(void)state;
	assert_false(is_restored_with("-S"));
}

static void test_gone(void **state)
{
	(void)state;
	/* No process has this number: pid_max is 2^22. */
	assert_false(ebb_process_was_restored(INT32_MAX));
	assert_int_equal(ebb_process_age_s(INT32_MAX), UINT32_MAX);
	assert_int_equal(ebb_process_start_ticks(INT32_MAX), 0);
}

static void test_young(void **state)
{
	(void)state;
	/* A test that runs for an hour is another fault. */
	assert_in_range(ebb_process_age_s(getpid()), 0, 3600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_saved),  cmocka_unit_test(test_reverted),
		cmocka_unit_test(test_booted), cmocka_unit_test(test_gone),
		cmocka_unit_test(test_young),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
