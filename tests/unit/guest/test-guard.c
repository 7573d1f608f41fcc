/* SPDX-License-Identifier: GPL-2.0-only */
/* An agent that is killed leaves no knob turned. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "guest/guard.h"
#include "guest/knobs.h"
#include "tests/unit/fake-root.h"

#define SCALE "/proc/sys/vm/watermark_scale_factor"
#define STATE "/run/ebb-agent/knobs"
#define MIB ((uint64_t)1 << 20)

static char state_dir[128];

static int set_up(void **state)
{
	if (fake_root_make(state) < 0)
		return -1;
	fake_root_write(SCALE, "10\n");
	fake_root_write("/run/x", "");
	snprintf(state_dir, sizeof(state_dir), "%s/run/ebb-agent", fake_root);
	return 0;
}

static void raise_knobs(struct ebb_knobs **ret_knobs)
{
	assert_int_equal(ebb_knobs_new(fake_root, state_dir, ret_knobs), 0);
	assert_int_equal(ebb_knobs_raise(*ret_knobs, 256 * MIB, 2048 * MIB), 0);
	assert_int_equal(fake_root_number(SCALE), 626);
}

/* An agent in a process of its own, that has turned a knob. */
static pid_t start_agent(void)
{
	struct ebb_guard *guard;
	struct ebb_knobs *knobs;
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		if (ebb_guard_start(fake_root, state_dir, &guard) < 0 ||
		    ebb_knobs_new(fake_root, state_dir, &knobs) < 0 ||
		    ebb_knobs_raise(knobs, 256 * MIB, 2048 * MIB) < 0 ||
		    write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void wait_for_number(uint64_t number)
{
	const struct timespec pause = { .tv_nsec = 20 * 1000000L };

	for (int i = 0; i < 1500 && fake_root_number(SCALE) != number; i++)
		nanosleep(&pause, NULL);
	assert_int_equal(fake_root_number(SCALE), number);
}

static void a_kill_is_mended(void **state)
{
	pid_t pid = start_agent();

	(void)state;
	assert_int_equal(fake_root_number(SCALE), 626);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	wait_for_number(10);
}

/* As systemd calls it, whether the agent lives or not. */
static void what_an_agent_turned_that_lives_is_left(void **state)
{
	pid_t pid = start_agent();

	(void)state;
	assert_int_equal(ebb_guard_restore(fake_root, state_dir), 0);
	assert_int_equal(fake_root_number(SCALE), 626);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	wait_for_number(10);
	/* Without its guard, too. */
	fake_root_write(SCALE, "626\n");
	fake_root_write(STATE, "watermark_scale_factor 10 626 10\n");
	/* Once the guard of the one that was killed has let go. */
	for (int i = 0; i < 200 && fake_root_number(SCALE) != 10; i++) {
		usleep(50 * 1000);
		assert_int_equal(ebb_guard_restore(fake_root, state_dir), 0);
	}
	assert_int_equal(fake_root_number(SCALE), 10);
	assert_false(fake_root_has(STATE));
}

static void an_orderly_end_needs_no_guard(void **state)
{
	struct ebb_guard *guard;
	struct ebb_knobs *knobs;

	(void)state;
	assert_int_equal(ebb_guard_start(fake_root, state_dir, &guard), 0);
	raise_knobs(&knobs);
	ebb_knobs_free(knobs);
	ebb_guard_stop(guard);
	assert_int_equal(fake_root_number(SCALE), 10);
	/* And it can begin anew. */
	assert_int_equal(ebb_guard_start(fake_root, state_dir, &guard), 0);
	ebb_guard_stop(guard);
}

#define GUARD_TEST(name) \
	cmocka_unit_test_setup_teardown(name, set_up, fake_root_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		GUARD_TEST(a_kill_is_mended),
		GUARD_TEST(what_an_agent_turned_that_lives_is_left),
		GUARD_TEST(an_orderly_end_needs_no_guard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
