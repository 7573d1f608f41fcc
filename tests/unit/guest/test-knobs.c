/* SPDX-License-Identifier: GPL-2.0-only */
/* Knobs are turned, and put back whatever happens, but only if they are ours. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "guest/knobs.h"
#include "guest/sysfile.h"
#include "tests/unit/fake-root.h"

#define SCALE "/proc/sys/vm/watermark_scale_factor"
#define PROACTIVE "/proc/sys/vm/compaction_proactiveness"
#define LISTS "/proc/sys/vm/percpu_pagelist_high_fraction"
#define STATE "/run/ebb-agent/knobs"

#define MIB ((uint64_t)1 << 20)
#define TOTAL (2048 * MIB)

/* The largest scale factor that the kernel takes. */
static uint64_t scale_max;
/* The agent is killed in place of this write, counted from 1. */
static int kill_at;
static int write_count;

static char state_dir[128];

int __real_ebb_sysfile_write_number(const char *root, const char *path,
				    uint64_t number);
int __wrap_ebb_sysfile_write_number(const char *root, const char *path,
				    uint64_t number);

/* Linked in place of the real one. */
int __wrap_ebb_sysfile_write_number(const char *root, const char *path,
				    uint64_t number)
{
	if (++write_count == kill_at)
		_exit(0);
	if (strcmp(path, SCALE) == 0 && number > scale_max)
		return -EINVAL;
	return __real_ebb_sysfile_write_number(root, path, number);
}

static int set_up(void **state)
{
	if (fake_root_make(state) < 0)
		return -1;
	fake_root_write(SCALE, "10\n");
	fake_root_write(PROACTIVE, "20\n");
	fake_root_write("/run/x", "");
	snprintf(state_dir, sizeof(state_dir), "%s/run/ebb-agent", fake_root);
	scale_max = 3000;
	kill_at = write_count = 0;
	return 0;
}

static struct ebb_knobs *start(void)
{
	struct ebb_knobs *knobs;

	assert_int_equal(ebb_knobs_new(fake_root, state_dir, &knobs), 0);
	return knobs;
}

static void check(uint64_t scale, uint64_t proactive)
{
	assert_int_equal(fake_root_number(SCALE), scale);
	assert_int_equal(fake_root_number(PROACTIVE), proactive);
}

/* An agent that raises to each of @targets and is killed at that write. */
static void raise_and_die(const uint64_t *targets, size_t target_count, int at)
{
	struct ebb_knobs *knobs;
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		kill_at = at;
		if (ebb_knobs_new(fake_root, state_dir, &knobs) < 0)
			_exit(1);
		for (size_t i = 0; i < target_count; i++)
			ebb_knobs_raise(knobs, targets[i], TOTAL);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void high_reaches_the_target(void **state)
{
	struct ebb_knobs *knobs = start();
	struct stat info;

	(void)state;
	/* 2 * 2048 MiB * factor / 10000 */
	assert_int_equal(ebb_knobs_raise(knobs, 512 * MIB, TOTAL), 0);
	check(1251, 60); /* the unit is rounded down, the factor up */
	assert_int_equal(stat(state_dir, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0700);
	assert_true(fake_root_has(STATE));
	/* Again: nothing is written. */
	write_count = 0;
	assert_int_equal(ebb_knobs_raise(knobs, 512 * MIB, TOTAL), 0);
	assert_int_equal(write_count, 0);
	/* Less, and far too much. */
	assert_int_equal(ebb_knobs_raise(knobs, 128 * MIB, TOTAL), 0);
	check(313, 60);
	assert_int_equal(ebb_knobs_raise(knobs, 4096 * MIB, TOTAL), 0);
	check(3000, 60);
	ebb_knobs_restore(knobs);
	check(10, 20);
	assert_false(fake_root_has(STATE));
	ebb_knobs_free(knobs);
}

static void nothing_is_lowered(void **state)
{
	struct ebb_knobs *knobs = start();

	(void)state;
	fake_root_write(SCALE, "500\n");
	fake_root_write(PROACTIVE, "90\n");
	assert_int_equal(ebb_knobs_raise(knobs, 64 * MIB, TOTAL), 0);
	check(500, 90);
	assert_false(fake_root_has(STATE));
	assert_int_equal(ebb_knobs_raise(knobs, 512 * MIB, TOTAL), 0);
	check(1251, 90);
	assert_int_equal(ebb_knobs_raise(knobs, 64 * MIB, TOTAL), 0);
	check(500, 90);
	ebb_knobs_free(knobs);
	check(500, 90);
}

static void an_old_kernel_gets_what_it_takes(void **state)
{
	struct ebb_knobs *knobs = start();

	(void)state;
	scale_max = 1000;
	assert_int_equal(ebb_knobs_raise(knobs, 1024 * MIB, TOTAL), 0);
	check(1000, 60);
	ebb_knobs_free(knobs);
	check(10, 20);
	assert_false(fake_root_has(STATE));
}

static void exit_puts_back(void **state)
{
	struct ebb_knobs *knobs = start();

	(void)state;
	ebb_knobs_raise(knobs, 512 * MIB, TOTAL);
	ebb_knobs_free(knobs);
	check(10, 20);
	assert_false(fake_root_has(STATE));
}

/* Before each of the writes to a knob, and after the last. */
static void a_kill_is_mended_by_the_next_start(void **state)
{
	static const uint64_t targets[] = { 512 * MIB, 1024 * MIB, 256 * MIB };

	(void)state;
	for (int at = 1; at <= 5; at++) {
		raise_and_die(targets, 3, at);
		assert_true(fake_root_has(STATE));
		ebb_knobs_free(start());
		check(10, 20);
		assert_false(fake_root_has(STATE));
	}
}

static void what_somebody_else_set_is_left_alone(void **state)
{
	static const uint64_t target = 512 * MIB;
	struct ebb_knobs *knobs = start();

	(void)state;
	/* While it runs: not even a renewal touches it. */
	ebb_knobs_raise(knobs, 512 * MIB, TOTAL);
	fake_root_write(SCALE, "77\n");
	assert_int_equal(ebb_knobs_raise(knobs, 1024 * MIB, TOTAL), 0);
	check(77, 60);
	ebb_knobs_restore(knobs);
	check(77, 20);
	/* The next target finds it as the original. */
	ebb_knobs_raise(knobs, 512 * MIB, TOTAL);
	check(1251, 60);
	ebb_knobs_free(knobs);
	check(77, 20);

	/* After a kill. */
	raise_and_die(&target, 1, 0);
	check(1251, 60);
	fake_root_write(PROACTIVE, "0\n");
	ebb_knobs_free(start());
	check(77, 0);
	assert_false(fake_root_has(STATE));
}

static void each_is_used_only_where_it_is(void **state)
{
	struct ebb_knobs *knobs = start();

	(void)state;
	fake_root_unlink(PROACTIVE);
	assert_int_equal(ebb_knobs_raise(knobs, 512 * MIB, TOTAL), 0);
	assert_int_equal(fake_root_number(SCALE), 1251);
	assert_false(fake_root_has(PROACTIVE));
	ebb_knobs_restore(knobs);
	assert_int_equal(fake_root_number(SCALE), 10);
	fake_root_unlink(SCALE);
	assert_int_equal(ebb_knobs_raise(knobs, 512 * MIB, TOTAL), -ENOENT);
	ebb_knobs_free(knobs);
}

static void without_a_state_file_nothing_is_changed(void **state)
{
	struct ebb_knobs *knobs;

	(void)state;
	fake_root_write("/run/file", "");
	snprintf(state_dir, sizeof(state_dir), "%s/run/file", fake_root);
	knobs = start();
	assert_int_equal(ebb_knobs_raise(knobs, 512 * MIB, TOTAL), -ENOTDIR);
	check(10, 20);
	ebb_knobs_free(knobs);
	check(10, 20);
}

static void a_damaged_state_file_does_no_harm(void **state)
{
	(void)state;
	fake_root_write(STATE,
			"watermark_scale_factor\n\n"
			"min_free_kbytes 1 2 3\n"
			"compaction_proactiveness x y z\n"
			"watermark_scale_factor 99999999999999999999 10 10 10\n"
			"watermark_scale_factor 30 40 50\n");
	ebb_knobs_free(start());
	check(10, 20);
	assert_false(fake_root_has(STATE));
}

/* They come and go beside a target, and the other way round. */
static void lists_are_short_for_a_while(void **state)
{
	struct ebb_knobs *knobs;

	(void)state;
	fake_root_write(LISTS, "0\n");
	knobs = start();
	ebb_knobs_shorten_lists(knobs);
	assert_int_equal(fake_root_number(LISTS), 1 << 20);
	assert_true(fake_root_has(STATE));
	assert_int_equal(ebb_knobs_raise(knobs, 512 * MIB, TOTAL), 0);
	ebb_knobs_restore_lists(knobs);
	assert_int_equal(fake_root_number(LISTS), 0);
	check(1251, 60);
	ebb_knobs_shorten_lists(knobs);
	ebb_knobs_restore(knobs);
	check(10, 20);
	assert_int_equal(fake_root_number(LISTS), 1 << 20);
	/* As one that was killed would. */
	ebb_knobs_free(start());
	assert_int_equal(fake_root_number(LISTS), 0);
	ebb_knobs_free(knobs);
	assert_int_equal(fake_root_number(LISTS), 0);
	assert_false(fake_root_has(STATE));
}

static void lists_that_somebody_cut_stay_so(void **state)
{
	struct ebb_knobs *knobs = start();

	(void)state;
	ebb_knobs_shorten_lists(knobs); /* there is no such knob */
	ebb_knobs_restore_lists(knobs);
	assert_false(fake_root_has(LISTS));
	fake_root_write(LISTS, "0\n");
	ebb_knobs_shorten_lists(knobs);
	fake_root_write(LISTS, "100\n");
	ebb_knobs_restore_lists(knobs);
	assert_int_equal(fake_root_number(LISTS), 100);
	ebb_knobs_shorten_lists(knobs);
	ebb_knobs_free(knobs);
	assert_int_equal(fake_root_number(LISTS), 100);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, set_up, fake_root_remove)

/* The kernel does not take it now: the next call tries again, or the next agent. */
static void what_cannot_be_put_back_is_not_forgotten(void **state)
{
	struct ebb_knobs *knobs;

	(void)state;
	assert_int_equal(ebb_knobs_new(fake_root, state_dir, &knobs), 0);
	assert_int_equal(ebb_knobs_raise(knobs, 256 * MIB, TOTAL), 0);
	scale_max = 5;
	ebb_knobs_restore(knobs);
	assert_int_equal(fake_root_number(SCALE), 626);
	assert_int_equal(fake_root_number(PROACTIVE), 20);
	assert_true(fake_root_has(STATE));
	scale_max = 3000;
	/* A target in between does not take what is there for the original. */
	assert_int_equal(ebb_knobs_raise(knobs, 512 * MIB, TOTAL), 0);
	scale_max = 5;
	ebb_knobs_free(knobs);
	scale_max = 3000;
	assert_int_equal(ebb_knobs_new(fake_root, state_dir, &knobs), 0);
	assert_int_equal(fake_root_number(SCALE), 10);
	assert_false(fake_root_has(STATE));
	ebb_knobs_free(knobs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(high_reaches_the_target),
		TEST(nothing_is_lowered),
		TEST(an_old_kernel_gets_what_it_takes),
		TEST(exit_puts_back),
		TEST(a_kill_is_mended_by_the_next_start),
		TEST(what_somebody_else_set_is_left_alone),
		TEST(each_is_used_only_where_it_is),
		TEST(without_a_state_file_nothing_is_changed),
		TEST(a_damaged_state_file_does_no_harm),
		TEST(lists_are_short_for_a_while),
		TEST(lists_that_somebody_cut_stay_so),
		TEST(what_cannot_be_put_back_is_not_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
