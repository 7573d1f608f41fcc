/* SPDX-License-Identifier: GPL-2.0-only */
/* Refaults of cgroups at their own limits, in a tree that is like cgroupfs. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "guest/limited.h"
#include "tests/unit/fake-root.h"

#define TOP "/sys/fs/cgroup"

static struct ebb_limited *limited;

static void write_file(const char *group, const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), TOP "/%s/%s", group, name);
	fake_root_write(path, text);
}

static void write_refaults(const char *name, int refaults)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "anon 7\nworkingset_refault_anon %d\n"
		 "workingset_refault_file %d\nworkingset_activate_file 8\n",
		 refaults / 4, refaults - refaults / 4);
	write_file(name, "memory.stat", text);
}

/* A cgroup of version 2: limits met in it and below, in it alone, refaults. */
static void group(const char *name, int met, int met_here, int refaults)
{
	char text[256];

	snprintf(text, sizeof(text), "low 9\nhigh %d\nmax %d\noom 9\n", met / 2,
		 met - met / 2);
	write_file(name, "memory.events", text);
	snprintf(text, sizeof(text), "low 9\nhigh 0\nmax %d\noom 9\n",
		 met_here);
	write_file(name, "memory.events.local", text);
	write_refaults(name, refaults);
}

static void remove_group(const char *name)
{
	static const char *const files[] = { "memory.events",
					     "memory.events.local",
					     "memory.stat" };
	char path[256];

	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), TOP "/%s/%s", name, files[i]);
		fake_root_unlink(path);
	}
	snprintf(path, sizeof(path), "%s" TOP "/%s", fake_root, name);
	assert_int_equal(rmdir(path), 0);
}

static void guest_refaults(int pages)
{
	char text[64];

	snprintf(text, sizeof(text), "workingset_refault_file %d\n", pages);
	fake_root_write("/proc/vmstat", text);
}

static int set_up(void **state)
{
	if (fake_root_make(state) < 0)
		return -1;
	fake_root_write("/proc/self/mountinfo",
			"30 20 0:9 / /run rw - tmpfs t rw\n"
			"36 20 0:30 / " TOP " rw - cgroup2 cgroup2 rw\n");
	fake_root_write(TOP "/cgroup.controllers", "cpu memory pids\n");
	guest_refaults(0);
	return ebb_limited_new(fake_root, 0, &limited);
}

static int tear_down(void **state)
{
	ebb_limited_free(limited);
	return fake_root_remove(state);
}

static void who_meets_its_limit_is_counted(void **state)
{
	(void)state;
	group("pods", 10, 0, 5000);
	group("pods/one", 10, 10, 4000);
	group("pods/two", 0, 0, 500);
	/* What was before the first look is nobody's. */
	assert_int_equal(ebb_limited_look(limited), 0);
	group("pods", 12, 0, 8000);
	group("pods/one", 12, 12, 6000);
	group("pods/two", 0, 0, 1500);
	guest_refaults(3000);
	assert_int_equal(ebb_limited_look(limited), 2000);
	/* It met no limit since: what comes back now is the guest's. */
	group("pods", 12, 0, 9000);
	group("pods/one", 12, 12, 7000);
	guest_refaults(4000);
	assert_int_equal(ebb_limited_look(limited), 2000);
	group("pods", 13, 0, 9100);
	group("pods/one", 13, 13, 7100);
	guest_refaults(4100);
	assert_int_equal(ebb_limited_look(limited), 2100);
}

/* A limit of a pod holds for all that runs in it, once. */
static void a_limit_covers_what_is_below(void **state)
{
	(void)state;
	group("pod", 1, 1, 100);
	group("pod/one", 1, 1, 50);
	assert_int_equal(ebb_limited_look(limited), 0);
	group("pod", 3, 2, 1100);
	group("pod/one", 2, 2, 950);
	guest_refaults(1000);
	assert_int_equal(ebb_limited_look(limited), 1000);
}

static void one_that_is_new_began_with_nothing(void **state)
{
	(void)state;
	assert_int_equal(ebb_limited_look(limited), 0);
	group("pods", 3, 0, 700);
	group("pods/new", 3, 3, 700);
	guest_refaults(700);
	assert_int_equal(ebb_limited_look(limited), 700);
}

/* What it had before it met its first limit was the guest's need. */
static void the_first_limit_excuses_nothing_older(void **state)
{
	(void)state;
	group("one", 0, 0, 50000);
	guest_refaults(60000);
	assert_int_equal(ebb_limited_look(limited), 0);
	group("one", 1, 1, 50300);
	guest_refaults(60300);
	assert_int_equal(ebb_limited_look(limited), 300);
	guest_refaults(61000);
	assert_int_equal(ebb_limited_look(limited), 300);
}

/* The kernel adds up what cgroups had a little later than what the guest had. */
static void what_a_cgroup_says_late_counts(void **state)
{
	(void)state;
	group("one", 1, 1, 100);
	guest_refaults(100);
	assert_int_equal(ebb_limited_look(limited), 0);
	group("one", 2, 2, 100);
	guest_refaults(1100);
	assert_int_equal(ebb_limited_look(limited), 0);
	group("one", 3, 3, 1100);
	assert_int_equal(ebb_limited_look(limited), 1000);
}

/* A process that thrashes in "one" while its memory.events are read. */
static void thrash_while_read(int refaults, int guest)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), TOP "/one/memory.events");
	fake_root_unlink(path);
	snprintf(path, sizeof(path), "%s" TOP "/one/memory.events", fake_root);
	assert_int_equal(mkfifo(path, 0600), 0);
	if (fork() != 0)
		return;
	fd = open(path, O_WRONLY); /* once there is a reader */
	write_refaults("one", refaults);
	guest_refaults(guest);
	dprintf(fd, "high 9\nmax 9\n");
	_exit(0);
}

/* What cgroups had while they were read is not the guest's in any window. */
static void what_comes_while_they_are_read_is_no_pressure(void **state)
{
	struct ebb_vmstat before, now, next;

	(void)state;
	group("one", 1, 1, 0);
	guest_refaults(1000);
	assert_int_equal(ebb_limited_read(limited, &now, &before), 0);
	group("one", 2, 2, 0);
	thrash_while_read(30000, 31000);
	assert_int_equal(ebb_limited_read(limited, &now, &next), 0);
	assert_int_equal(now.refault - before.refault, 0);
	assert_int_equal(now.limited - before.limited, 30000);
	/* The next window begins after it. */
	fake_root_unlink(TOP "/one/memory.events");
	group("one", 3, 3, 30000);
	guest_refaults(31000);
	before = next;
	assert_int_equal(ebb_limited_read(limited, &now, &next), 0);
	assert_int_equal(now.refault - before.refault, 0);
	assert_int_equal(now.limited - before.limited, 0);
	assert_int_equal(wait(NULL) > 0, 1);
}

/* kswapd has taken its pages: it reads them again, and is under its limit. */
static void one_that_was_at_its_limit_still_counts(void **state)
{
	(void)state;
	ebb_limited_free(limited);
	assert_int_equal(
		ebb_limited_new(fake_root, EBB_LIMITED_RECENT_US, &limited), 0);
	group("one", 1, 1, 100);
	group("other", 1, 1, 100);
	guest_refaults(200);
	assert_int_equal(ebb_limited_look(limited), 0);
	group("one", 2, 2, 200);
	guest_refaults(300);
	assert_int_equal(ebb_limited_look(limited), 100);
	group("one", 2, 2, 500);
	group("other", 1, 1, 500);
	guest_refaults(1000);
	assert_int_equal(ebb_limited_look(limited), 400);
}

/* As above, and what was reclaimed of it, and by kswapd; -1: it does not say. */
static void reclaimed(const char *name, int refaults, int steals, int kswapd)
{
	char text[256], by[64] = "";

	if (kswapd >= 0)
		snprintf(by, sizeof(by), "pgsteal_kswapd %d\n", kswapd);
	snprintf(text, sizeof(text),
		 "workingset_refault_file %d\npgsteal %d\n%s", refaults, steals,
		 by);
	write_file(name, "memory.stat", text);
}

static void guest_reclaimed(int refaults, int kswapd)
{
	char text[128];

	snprintf(text, sizeof(text),
		 "workingset_refault_file %d\npgsteal_kswapd %d\n", refaults,
		 kswapd);
	fake_root_write("/proc/vmstat", text);
}

/* It had all that it needs under its limit, until kswapd took it for a target. */
static void what_kswapd_took_is_no_limits(void **state)
{
	(void)state;
	group("one", 10, 10, 0);
	reclaimed("one", 100, 9000, 0);
	guest_reclaimed(100, 0);
	assert_int_equal(ebb_limited_look(limited), 0);
	group("one", 11, 11, 0);
	reclaimed("one", 5100, 20000, 4000);
	guest_reclaimed(5100, 50000);
	assert_int_equal(ebb_limited_look(limited), 1000);
}

static void an_older_kernel_does_not_say_who_took_it(void **state)
{
	(void)state;
	group("one", 10, 10, 0);
	reclaimed("one", 100, 9000, -1);
	guest_reclaimed(100, 0);
	assert_int_equal(ebb_limited_look(limited), 0);
	group("one", 11, 11, 0);
	reclaimed("one", 5100, 13000, -1);
	guest_reclaimed(5100, 3000);
	assert_int_equal(ebb_limited_look(limited), 2000);
}

/* By memory.reclaim, which the kernel counts as it counts a limit's. */
static void what_the_agent_took_is_no_limits(void **state)
{
	(void)state;
	group("one", 10, 10, 0);
	reclaimed("one", 100, 9000, 0);
	guest_reclaimed(100, 0);
	assert_int_equal(ebb_limited_look(limited), 0);
	group("one", 11, 11, 0);
	reclaimed("one", 5100, 20000, 0);
	guest_reclaimed(5100, 0);
	ebb_limited_note_reclaim(limited, 3000);
	assert_int_equal(ebb_limited_look(limited), 2000);
}

/* However long a busy guest takes for it: it is kswapd that has it there. */
static void one_that_kswapd_has_under_its_limit_still_thrashes(void **state)
{
	(void)state;
	group("one", 10, 10, 0);
	reclaimed("one", 8000, 9000, 0);
	guest_reclaimed(8000, 0);
	assert_int_equal(ebb_limited_look(limited), 0);
	group("one", 20, 20, 0);
	reclaimed("one", 16000, 17000, 0);
	guest_reclaimed(16000, 0);
	assert_int_equal(ebb_limited_look(limited), 8000);
	reclaimed("one", 18000, 23000, 6000);
	guest_reclaimed(18000, 20000);
	assert_int_equal(ebb_limited_look(limited), 10000);
	reclaimed("one", 22000, 23000, 6000);
	guest_reclaimed(22000, 20000);
	assert_int_equal(ebb_limited_look(limited), 14000);
	/* It has all back: were it at its limit, it would meet it. */
	reclaimed("one", 23000, 23000, 6000);
	guest_reclaimed(23000, 20000);
	assert_int_equal(ebb_limited_look(limited), 14000);
}

/* Killed, removed, made anew, between two looks: its parent remembers. */
static void one_that_is_gone_still_counts(void **state)
{
	(void)state;
	group("pods", 10, 0, 5000);
	group("pods/one", 10, 10, 4000);
	group("pods/two", 0, 0, 500);
	assert_int_equal(ebb_limited_look(limited), 0);
	remove_group("pods/one");
	group("pods", 17, 0, 6200);
	group("pods/three", 3, 3, 200);
	guest_refaults(1200);
	assert_int_equal(ebb_limited_look(limited), 1200);
}

static void without_cgroups_nothing_is_limited(void **state)
{
	(void)state;
	fake_root_write("/proc/self/mountinfo",
			"30 20 0:9 / /run rw - tmpfs t rw\n");
	group("pods", 10, 10, 5000);
	assert_int_equal(ebb_limited_look(limited), 0);
	group("pods", 20, 20, 6000);
	guest_refaults(1000);
	assert_int_equal(ebb_limited_look(limited), 0);
}

static void use_v1(void)
{
	fake_root_write("/proc/self/mountinfo",
			"31 20 0:8 / /c rw - cgroup cgroup rw,cpu\n"
			"35 20 0:9 / /sys/fs/cgroup/unified rw - cgroup2 c rw\n"
			"36 20 0:30 / " TOP " rw - cgroup c rw,memory\n");
	write_file("unified", "cgroup.controllers", "\n");
}

static void version_1_counts_failures(void **state)
{
	(void)state;
	use_v1();
	write_file("one", "memory.failcnt", "5\n");
	write_file("one", "memory.stat",
		   "workingset_refault_file 1\n"
		   "total_workingset_refault_file 100\n");
	assert_int_equal(ebb_limited_look(limited), 0);
	write_file("one", "memory.failcnt", "6\n");
	write_file("one", "memory.stat",
		   "workingset_refault_file 1\n"
		   "total_workingset_refault_file 350\n");
	guest_refaults(9000);
	assert_int_equal(ebb_limited_look(limited), 250);
}

/* Before Linux 6.2 it does not say how many: all count as limited then. */
static void version_1_without_refaults_excuses_all(void **state)
{
	(void)state;
	use_v1();
	write_file("one", "memory.failcnt", "5\n");
	write_file("one", "memory.stat", "cache 5\n");
	guest_refaults(1000);
	assert_int_equal(ebb_limited_look(limited), 0);
	guest_refaults(1500);
	assert_int_equal(ebb_limited_look(limited), 0);
	write_file("one", "memory.failcnt", "6\n");
	guest_refaults(1700);
	assert_int_equal(ebb_limited_look(limited), 200);
}

/* Else a small one that is full of page cache would excuse all, for ever. */
static void unknown_refaults_are_excused_while_a_limit_is_met(void **state)
{
	(void)state;
	ebb_limited_free(limited);
	assert_int_equal(
		ebb_limited_new(fake_root, EBB_LIMITED_RECENT_US, &limited), 0);
	use_v1();
	write_file("one", "memory.failcnt", "5\n");
	write_file("one", "memory.stat", "cache 5\n");
	assert_int_equal(ebb_limited_look(limited), 0);
	write_file("one", "memory.failcnt", "6\n");
	guest_refaults(200);
	assert_int_equal(ebb_limited_look(limited), 200);
	guest_refaults(700);
	assert_int_equal(ebb_limited_look(limited), 200);
}

#define LIMITED_TEST(name) \
	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIMITED_TEST(who_meets_its_limit_is_counted),
		LIMITED_TEST(a_limit_covers_what_is_below),
		LIMITED_TEST(one_that_is_new_began_with_nothing),
		LIMITED_TEST(the_first_limit_excuses_nothing_older),
		LIMITED_TEST(what_a_cgroup_says_late_counts),
		LIMITED_TEST(what_comes_while_they_are_read_is_no_pressure),
		LIMITED_TEST(one_that_was_at_its_limit_still_counts),
		LIMITED_TEST(what_kswapd_took_is_no_limits),
		LIMITED_TEST(an_older_kernel_does_not_say_who_took_it),
		LIMITED_TEST(what_the_agent_took_is_no_limits),
		LIMITED_TEST(
			one_that_kswapd_has_under_its_limit_still_thrashes),
		LIMITED_TEST(one_that_is_gone_still_counts),
		LIMITED_TEST(without_cgroups_nothing_is_limited),
		LIMITED_TEST(version_1_counts_failures),
		LIMITED_TEST(version_1_without_refaults_excuses_all),
		LIMITED_TEST(unknown_refaults_are_excused_while_a_limit_is_met),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
