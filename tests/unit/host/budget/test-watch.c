/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The first sign that a budget runs short, by this kernel's inotify, epoll and, where
 * cgroups can be made, its PSI.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/base/loop.h"
#include "host/budget/watch.h"
#include "tests/unit/fake-root.h"
#include "tests/unit/host/budget/tree.h"

enum {
	/* The kernel tells by itself; what waits longer has failed. */
	TEST_S = 120,
	/* For what is expected not to happen. */
	QUIET_MS = 3 * EBB_WATCH_REST_MS,
};

static const struct ebb_pressure no_pressure = { .fd = -1, .error = -ENOENT };

static uint32_t calls;

static void on_call(void *opaque)
{
	(void)opaque;
	calls++;
}

static void on_quiet(int timer, void *opaque)
{
	(void)timer;
	*(bool *)opaque = true;
}

/* Turns the loop for a while. */
static void run_quiet(void)
{
	bool over = false;
	int timer = ebb_loop_timer(QUIET_MS, on_quiet, &over);

	assert_true(timer >= 0);
	while (!over)
		assert_int_equal(ebb_loop_turn(), 0);
	ebb_loop_timer_remove(timer);
}

static void run_until_call(void)
{
	uint32_t before = calls;

	while (calls == before)
		assert_int_equal(ebb_loop_turn(), 0);
}

static struct ebb_watch *new_watch(struct ebb_pressure pressure)
{
	struct ebb_watch *watch;

	calls = 0;
	assert_int_equal(ebb_watch_new(pressure, on_call, NULL, &watch), 0);
	return watch;
}

static void follow(struct ebb_watch *watch)
{
	struct ebb_budget_list list = tree_read(NULL, 0);

	ebb_watch_follow(watch, &list);
	ebb_budget_list_free(&list);
}

static void reach(const char *dir)
{
	tree_write("low 0\nhigh 1\nmax 1\n", "%s/memory.events", dir);
}

#define SLICE TREE_V2 "/machine.slice"

static void test_events(void **state)
{
	struct ebb_watch *watch;

	(void)state;
	tree_limit(SLICE, false, EBB_GIB, 0, 0);
	reach(SLICE);
	watch = new_watch(no_pressure);
	follow(watch);
	assert_int_equal(ebb_watch_sources(watch).cgroups, 1);
	assert_int_equal(ebb_watch_sources(watch).cgroups_deaf, 0);
	run_quiet();
	assert_int_equal(calls, 0);
	/* A burst is told at once, and what came after that once more. */
	for (int i = 0; i < 100; i++)
		reach(SLICE);
	run_until_call();
	for (int i = 0; i < 100; i++)
		reach(SLICE);
	run_quiet();
	assert_int_equal(calls, 2);
	/* The next is told as the first was. */
	reach(SLICE);
	run_until_call();
	assert_int_equal(calls, 3);
	ebb_watch_free(watch);
}

/* Only what is listed is heard, and a cgroup that comes again is heard again. */
static void test_follows(void **state)
{
	struct ebb_watch *watch = new_watch(no_pressure);

	(void)state;
	tree_limit(SLICE, false, EBB_GIB, 0, 0);
	reach(SLICE);
	follow(watch);
	follow(watch);
	assert_int_equal(ebb_watch_sources(watch).cgroups, 1);
	tree_write("max\n", SLICE "/memory.max");
	follow(watch);
	assert_int_equal(ebb_watch_sources(watch).cgroups, 0);
	reach(SLICE);
	run_quiet();
	assert_int_equal(calls, 0);

	tree_limit(SLICE, false, EBB_GIB, 0, 0);
	follow(watch);
	fake_root_unlink(SLICE "/memory.events");
	run_quiet();
	assert_int_equal(ebb_watch_sources(watch).cgroups, 0);
	calls = 0;
	reach(SLICE);
	follow(watch);
	assert_int_equal(ebb_watch_sources(watch).cgroups, 1);
	reach(SLICE);
	run_until_call();
	ebb_watch_free(watch);
}

/* Version 1 has no events, and a table has an end: that is said. */
static void test_deaf(void **state)
{
	struct ebb_budget *budgets =
		calloc(EBB_WATCH_CGROUPS_MAX + 5, sizeof(*budgets));
	struct ebb_budget_list list = { .budgets = budgets };
	struct ebb_watch *watch = new_watch(no_pressure);
	struct ebb_watch_sources sources;

	(void)state;
	assert_non_null(budgets);
	tree_limit(SLICE, false, EBB_GIB, 0, 0);
	follow(watch);
	assert_int_equal(ebb_watch_sources(watch).cgroups, 0);
	assert_int_equal(ebb_watch_sources(watch).cgroups_deaf, 1);
	for (; list.count < EBB_WATCH_CGROUPS_MAX + 5; list.count++)
		assert_true(asprintf(&budgets[list.count].dir, "/nowhere/%u",
				     list.count) > 0);
	ebb_watch_follow(watch, &list);
	ebb_watch_follow(watch, &list);
	sources = ebb_watch_sources(watch);
	assert_int_equal(sources.cgroups, 0);
	assert_int_equal(sources.cgroups_deaf, EBB_WATCH_CGROUPS_MAX + 5);
	ebb_budget_list_free(&list);
	ebb_watch_free(watch);
}

/* ---- pressure ---- */

/* A socket tells urgent data by POLLPRI, as a trigger tells its event. */
static void make_urgent(int ret_fds[2])
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t bytes = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ret_fds[1] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, bytes), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(
		getsockname(listener, (struct sockaddr *)&address, &bytes), 0);
	assert_int_equal(
		connect(ret_fds[1], (struct sockaddr *)&address, bytes), 0);
	ret_fds[0] = accept(listener, NULL, NULL);
	assert_true(ret_fds[0] >= 0);
	close(listener);
}

static void test_pressure(void **state)
{
	struct ebb_pressure pressure = { .window_ms = 500 };
	struct ebb_watch *watch;
	int fds[2];

	(void)state;
	make_urgent(fds);
	pressure.fd = dup(fds[0]);
	watch = new_watch(pressure);
	assert_int_equal(ebb_watch_sources(watch).pressure_window_ms, 500);
	assert_int_equal(ebb_watch_sources(watch).pressure_error, 0);
	run_quiet();
	assert_int_equal(calls, 0);
	/* What can be read is no event. */
	assert_int_equal(send(fds[1], "x", 1, 0), 1);
	run_quiet();
	assert_int_equal(calls, 0);
	assert_int_equal(send(fds[1], "x", 1, MSG_OOB), 1);
	run_until_call();
	assert_int_equal(calls, 1);
	ebb_watch_free(watch);
	close(fds[0]);
	close(fds[1]);
}

/* Its trigger is gone: that is said, and does not keep the loop busy. */
static void test_pressure_ends(void **state)
{
	struct ebb_pressure pressure = { .window_ms = 500 };
	struct linger linger = { .l_onoff = 1 };
	struct ebb_watch *watch;
	int fds[2];

	(void)state;
	make_urgent(fds);
	pressure.fd = fds[0];
	watch = new_watch(pressure);
	/* The other end goes by a reset: an error. */
	setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fds[1]);
	run_until_call();
	run_quiet();
	assert_int_equal(calls, 1);
	assert_int_equal(ebb_watch_sources(watch).pressure_window_ms, 0);
	assert_int_equal(ebb_watch_sources(watch).pressure_error, -ENODEV);
	ebb_watch_free(watch);
}

static void test_no_pressure(void **state)
{
	struct ebb_pressure pressure = ebb_watch_open_pressure(fake_root);
	struct ebb_watch *watch;

	(void)state;
	assert_int_equal(pressure.fd, -1);
	assert_int_equal(pressure.error, -ENOENT);
	watch = new_watch(pressure);
	assert_int_equal(ebb_watch_sources(watch).pressure_error, -ENOENT);
	assert_int_equal(ebb_watch_sources(watch).pressure_window_ms, 0);
	ebb_watch_free(watch);
}

/* ---- this kernel's pressure ---- */

static const char *const limits[] = {
	"/sys/fs/cgroup/memory/ebb-test-watch",
	"/sys/fs/cgroup/ebb-test-watch",
};

static bool put(const char *dir, const char *name, const char *text)
{
	char path[256];
	ssize_t written = -1;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		written = write(fd, text, strlen(text));
		close(fd);
	}
	return written >= 0;
}

/* Goes through more of a file than the cgroup may hold, again and again. */
static void stall(const char *dir)
{
	char path[] = "/var/tmp/ebb-test-watch.XXXXXX", pid[16];
	static char buffer[1 << 20];
	int fd = mkstemp(path);

	unlink(path);
	alarm(TEST_S);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	if (!put(dir, "cgroup.procs", pid))
		_exit(1);
	for (;;)
		for (int i = 0; i < 64; i++)
			if (pwrite(fd, buffer, sizeof(buffer), (off_t)i << 20) <
			    0)
				_exit(1);
}

static void test_real_pressure(void **state)
{
	struct ebb_pressure pressure = ebb_watch_open_pressure("");
	const char *dir = NULL;
	struct ebb_watch *watch;
	pid_t child;

	(void)state;
	for (size_t i = 0; i < 2 && !dir; i++)
		if (mkdir(limits[i], 0755) == 0 || errno == EEXIST)
			dir = limits[i];
	if (pressure.fd < 0 || !dir ||
	    !(put(dir, "memory.limit_in_bytes", "16M") ||
	      put(dir, "memory.max", "16M"))) {
		if (dir)
			rmdir(dir);
		ebb_close_fd(&pressure.fd);
		skip();
	}
	watch = new_watch(pressure);
	child = fork();
	if (child == 0)
		stall(dir);
	run_until_call();
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	ebb_watch_free(watch);
	while (rmdir(dir) < 0 && errno == EBUSY)
		usleep(1000);
}

#define IN_TREE(test) \
	cmocka_unit_test_setup_teardown(test, tree_make, tree_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_TREE(test_events),
		IN_TREE(test_follows),
		IN_TREE(test_deaf),
		cmocka_unit_test(test_pressure),
		cmocka_unit_test(test_pressure_ends),
		IN_TREE(test_no_pressure),
		cmocka_unit_test(test_real_pressure),
	};

	alarm(TEST_S);
	if (ebb_loop_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
