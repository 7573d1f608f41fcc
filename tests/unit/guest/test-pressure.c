/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tells of pressure, each by itself: the kernel's trigger, the module, and a
 * renewal. The files are of a fake root; a pipe stands for each that is watched.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cmocka.h>

#include "guest/pressure.h"
#include "protocol/uapi.h"
#include "tests/unit/fake-root.h"

#define PSI "/proc/pressure/memory"

static sd_event *event;
static struct ebb_limited *limited;
static struct ebb_pressure *pressure;
static int psi, threshold; /* what makes a file ready; -1: it is not watched */
static int pressed_count, changed_count;
static enum ebb_backoff_reason pressed;

int __real_sd_event_add_io(sd_event *e, sd_event_source **source, int fd,
			   uint32_t events, sd_event_io_handler_t handler,
			   void *opaque);
int __wrap_sd_event_add_io(sd_event *e, sd_event_source **source, int fd,
			   uint32_t events, sd_event_io_handler_t handler,
			   void *opaque);

/* No file of a test has what EPOLLPRI tells of. */
int __wrap_sd_event_add_io(sd_event *e, sd_event_source **source, int fd,
			   uint32_t events, sd_event_io_handler_t handler,
			   void *opaque)
{
	char link[64], path[256] = "";
	int ends[2];

	assert_int_equal(events, EPOLLPRI);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	assert_true(readlink(link, path, sizeof(path) - 1) > 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	if (strstr(path, PSI))
		psi = ends[1];
	else
		threshold = ends[1];
	/* By the same number, which the source will own. */
	assert_int_equal(dup2(ends[0], fd), fd);
	close(ends[0]);
	return __real_sd_event_add_io(e, source, fd, EPOLLIN, handler, opaque);
}

static void on_pressed(enum ebb_backoff_reason reason, void *opaque)
{
	(void)opaque;
	pressed = reason;
	pressed_count++;
}

static void on_threshold_changed(void *opaque)
{
	(void)opaque;
	changed_count++;
}

/* Stalled allocations, and pages: needed again, and taken by kswapd. */
static void guest_had(int allocstall, int refaults, int steals)
{
	char text[160];

	snprintf(text, sizeof(text),
		 "allocstall_normal %d\nworkingset_refault_file %d\n"
		 "pgsteal_kswapd %d\noom_kill 0\n",
		 allocstall, refaults, steals);
	fake_root_write("/proc/vmstat", text);
}

static int set_up(void **state)
{
	static const struct ebb_pressure_ops ops = {
		.pressed = on_pressed, .threshold_changed = on_threshold_changed
	};

	if (fake_root_make(state) < 0)
		return -1;
	fake_root_write("/proc/meminfo", "MemTotal: 1048576 kB\n"
					 "MemFree: 1000 kB\n");
	fake_root_write("/proc/buddyinfo", "");
	guest_had(0, 0, 0);
	psi = threshold = -1;
	pressed_count = changed_count = 0;
	pressed = EBB_BACKOFF_NONE;
	if (sd_event_new(&event) < 0 ||
	    ebb_limited_new(fake_root, 0, &limited) < 0)
		return -1;
	return ebb_pressure_new(event, fake_root, limited, &ops, NULL,
				&pressure);
}

static int tear_down(void **state)
{
	ebb_pressure_free(pressure);
	ebb_limited_free(limited);
	sd_event_unref(event);
	if (psi >= 0)
		close(psi);
	if (threshold >= 0)
		close(threshold);
	return fake_root_remove(state);
}

static void kernel_has_psi(void)
{
	fake_root_write(PSI,
			"some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n"
			"full avg10=0.00 avg60=0.00 avg300=0.00 total=1\n");
}

static void make_ready(int end)
{
	char byte = 0;

	assert_true(end >= 0);
	assert_int_equal(write(end, &byte, 1), 1);
	assert_true(sd_event_run(event, 90 * 1000 * 1000) > 0);
}

/* The kernel says that somebody waited, once. */
static void trigger(void)
{
	make_ready(psi);
}

static void the_trigger_alone_tells_of_refaults(void **state)
{
	(void)state;
	kernel_has_psi();
	ebb_pressure_watch(pressure);
	/* 8 MiB are 2048 pages. */
	guest_had(0, 3000, 3000);
	trigger();
	assert_int_equal(pressed_count, 1);
	assert_int_equal(pressed, EBB_BACKOFF_PRESSURE);
}

static void the_trigger_alone_tells_of_a_stall(void **state)
{
	(void)state;
	kernel_has_psi();
	ebb_pressure_watch(pressure);
	guest_had(1, 0, 0);
	trigger();
	assert_int_equal(pressed_count, 1);
	assert_int_equal(pressed, EBB_BACKOFF_ALLOCSTALL);
}

/* The kernel counts its own work for the target as such. */
static void a_trigger_without_need_is_no_pressure(void **state)
{
	(void)state;
	kernel_has_psi();
	ebb_pressure_watch(pressure);
	guest_had(0, 100, 100000);
	trigger();
	assert_int_equal(pressed_count, 0);
}

static void the_kernel_is_told_what_a_stall_is(void **state)
{
	char path[256], text[64] = "";
	FILE *file;

	(void)state;
	kernel_has_psi();
	ebb_pressure_watch(pressure);
	snprintf(path, sizeof(path), "%s" PSI, fake_root);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
	fclose(file);
	/* It ends with its NUL, which the kernel takes for the end. */
	assert_string_equal(text, "some 150000 1000000");
}

/* Pages that are read again quickly trigger nothing. */
static void a_renewal_judges_refaults_that_stall_nobody(void **state)
{
	(void)state;
	kernel_has_psi();
	ebb_pressure_watch(pressure);
	guest_had(0, 3000, 3000);
	assert_int_equal(ebb_pressure_renew(pressure), EBB_BACKOFF_PRESSURE);
	guest_had(1, 3000, 3000);
	assert_int_equal(ebb_pressure_renew(pressure), EBB_BACKOFF_ALLOCSTALL);
}

static void refaults_are_the_modules_to_tell(void **state)
{
	(void)state;
	fake_root_write(EBB_THRESHOLD_PATH, "driving\n");
	ebb_pressure_watch(pressure);
	guest_had(0, 3000, 3000);
	assert_int_equal(ebb_pressure_renew(pressure), EBB_BACKOFF_NONE);
	make_ready(threshold);
	assert_int_equal(changed_count, 1);
	assert_int_equal(pressed_count, 0);
}

static void a_renewal_judges_refaults_where_nobody_else_does(void **state)
{
	(void)state;
	ebb_pressure_watch(pressure);
	assert_int_equal(psi, -1);
	assert_int_equal(ebb_pressure_renew(pressure), EBB_BACKOFF_NONE);
	guest_had(0, 3000, 3000);
	assert_int_equal(ebb_pressure_renew(pressure), EBB_BACKOFF_PRESSURE);
	/* What came back with nothing being taken is no need. */
	guest_had(0, 9000, 3000);
	assert_int_equal(ebb_pressure_renew(pressure), EBB_BACKOFF_NONE);
	/* Nor is what is older than the target. */
	ebb_pressure_unwatch(pressure);
	guest_had(0, 12000, 6000);
	ebb_pressure_watch(pressure);
	assert_int_equal(ebb_pressure_renew(pressure), EBB_BACKOFF_NONE);
	assert_int_equal(pressed_count, 0);
}

/* What a cgroup read again at a limit of its own is not the guest's. */
static void refaults_at_a_limit_are_excused(void **state)
{
	const struct ebb_vmstat before = { .refault = 100, .limited = 50 };
	struct ebb_vmstat now = { .refault = 3100, .steal = 3000 };

	(void)state;
	now.limited = 550;
	assert_int_equal(ebb_vmstat_judge(&before, &now, 1 << 30),
			 EBB_BACKOFF_PRESSURE);
	now.limited = 1550;
	assert_int_equal(ebb_vmstat_judge(&before, &now, 1 << 30),
			 EBB_BACKOFF_NONE);
	/* Its count may be ahead of the guest's. */
	now.limited = 4050;
	assert_int_equal(ebb_vmstat_judge(&before, &now, 1 << 30),
			 EBB_BACKOFF_NONE);
}

/* memory.reclaim, which the agent uses without the module, is not kswapd. */
static void what_the_agent_took_is_missed_as_well(void **state)
{
	(void)state;
	kernel_has_psi();
	ebb_pressure_watch(pressure);
	ebb_limited_note_reclaim(limited, 3000);
	guest_had(0, 3000, 0);
	trigger();
	assert_int_equal(pressed_count, 1);
	assert_int_equal(pressed, EBB_BACKOFF_PRESSURE);
	/* What comes back after that, with nothing more taken, is no need. */
	guest_had(0, 9000, 0);
	trigger();
	assert_int_equal(pressed_count, 1);
}

#define PRESSURE_TEST(name) \
	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PRESSURE_TEST(the_trigger_alone_tells_of_refaults),
		PRESSURE_TEST(the_trigger_alone_tells_of_a_stall),
		PRESSURE_TEST(a_trigger_without_need_is_no_pressure),
		PRESSURE_TEST(the_kernel_is_told_what_a_stall_is),
		PRESSURE_TEST(a_renewal_judges_refaults_that_stall_nobody),
		PRESSURE_TEST(refaults_are_the_modules_to_tell),
		PRESSURE_TEST(a_renewal_judges_refaults_where_nobody_else_does),
		PRESSURE_TEST(refaults_at_a_limit_are_excused),
		PRESSURE_TEST(what_the_agent_took_is_missed_as_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
