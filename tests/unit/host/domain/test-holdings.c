/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What has to be read in /proc is read by a worker; who asks waits for it, but
 * not for ever. In place of /proc/self/smaps is a fifo, whose end does not come.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/base/loop.h"
#include "host/domain/holdings.h"
#include "host/domain/vm_state.h"
#include "host/memory/swapped.h"

#define UUID "00000000-0000-0000-0000-000000000001"

int __real_sysinfo(struct sysinfo *info);
int __wrap_sysinfo(struct sysinfo *info);

static atomic_bool in_swap; /* something of the host is */
static struct ebb_workers *workers;
static struct ebb_vm_environment environment;
static struct ebb_roster roster;
static struct ebb_holdings holdings;
static struct ebb_vm vm;
static char fifo[] = "/tmp/test-holdings.XXXXXX";
static uint32_t served;
static bool timed_out;
static struct ebb_swapped *file;

int __wrap_sysinfo(struct sysinfo *info)
{
	int r = __real_sysinfo(info);

	info->totalswap = 2;
	info->freeswap = in_swap ? 1 : 2;
	return r;
}

static void serve(struct ebb_call *call, const struct json_object *arguments,
		  void *opaque)
{
	(void)call;
	(void)arguments;
	assert_ptr_equal(opaque, &vm);
	served++;
}

static void ask(void)
{
	ebb_holdings_serve(&holdings, serve, NULL, NULL, &vm);
}

static void on_timeout(int timer, void *opaque)
{
	(void)timer;
	(void)opaque;
	timed_out = true;
}

/* 20 s at most. */
static void turn_until(bool (*is_so)(void))
{
	int timer = ebb_loop_timer(20000, on_timeout, NULL);

	timed_out = false;
	while (!is_so() && !timed_out)
		assert_int_equal(ebb_loop_turn(), 0);
	ebb_loop_timer_remove(timer);
	assert_false(timed_out);
}

static bool is_served(void)
{
	return served > 0;
}

static bool is_idle(void)
{
	return ebb_workers_count(workers) == 0;
}

static int set_up_group(void **state)
{
	(void)state;
	close(mkstemp(fifo));
	unlink(fifo);
	return ebb_loop_init() < 0 ? -1 : mkfifo(fifo, 0600);
}

static int tear_down_group(void **state)
{
	(void)state;
	return unlink(fifo);
}

/* A domain whose process, this one, has no files. */
static int begin(void **state)
{
	int fd = memfd_create("test-holdings", MFD_CLOEXEC);

	(void)state;
	served = 0;
	/* One that no reading has yet. */
	assert_int_equal(ftruncate(fd, 4096), 0);
	file = ebb_swapped_map(fd, 4096);
	assert_non_null(file);
	close(fd);
	assert_int_equal(ebb_workers_new(8, 4, &workers), 0);
	environment.workers = workers;
	vm = (struct ebb_vm){ .environment = &environment };
	vm.probe.qemu.pid = getpid();
	vm.probe.qemu.pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	assert_true(vm.probe.qemu.pidfd >= 0);
	ebb_roster_add(&roster, UUID, "a")->vm = &vm;
	assert_int_equal(
		ebb_holdings_begin(&holdings, &environment, &roster, fifo), 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	turn_until(is_idle);
	ebb_holdings_end(&holdings);
	ebb_workers_free(workers);
	ebb_roster_clear(&roster);
	close(vm.probe.qemu.pidfd);
	ebb_swapped_unmap(file);
	in_swap = false;
	return 0;
}

static void test_process_without_files(void **state)
{
	(void)state;
	ask();
	assert_int_equal(served, 0);
	assert_int_equal(ebb_workers_count(workers), 1);
	turn_until(is_served);
	assert_true(vm.process.usage_ns > 0);
	assert_true(vm.process.usage.resident_bytes > 0);
}

/* It is not known then, and not 0; here there is none of that number. */
static void test_unreadable_process(void **state)
{
	(void)state;
	vm.probe.qemu.pid = INT32_MAX;
	ask();
	turn_until(is_served);
	assert_int_equal(vm.process.usage_ns, 0);
}

static void test_nothing_to_read(void **state)
{
	(void)state;
	roster.entries[0]->vm = NULL;
	ask();
	assert_int_equal(served, 1);
	assert_int_equal(ebb_workers_count(workers), 0);
}

/* It is answered with what is known, and no second job begins. */
static void test_reading_does_not_come(void **state)
{
	FILE *out;

	(void)state;
	in_swap = true;
	ask();
	turn_until(is_served);
	assert_int_equal(ebb_workers_count(workers), 1);
	assert_int_equal(vm.process.usage_ns, 0);
	ask();
	assert_int_equal(served, 2);
	assert_int_equal(ebb_workers_count(workers), 1);
	/* It comes after all. */
	out = fopen(fifo, "we");
	assert_non_null(out);
	fclose(out);
	turn_until(is_idle);
	assert_true(vm.process.usage_ns > 0);
}

/* The domain stops and starts while it is read. */
static void test_another_process(void **state)
{
	FILE *out;

	(void)state;
	in_swap = true;
	ask();
	vm.probe.qemu.pid = getppid();
	out = fopen(fifo, "we");
	assert_non_null(out);
	fclose(out);
	turn_until(is_served);
	assert_int_equal(vm.process.usage_ns, 0);
	turn_until(is_idle);
}

/* ebbd ends: all are served, and nothing is waited for. */
static void test_end_of_ebbd(void **state)
{
	FILE *out;

	(void)state;
	in_swap = true;
	ask();
	ebb_holdings_dismiss(&holdings);
	assert_int_equal(served, 1);
	assert_true(ebb_workers_stop(workers));
	out = fopen(fifo, "we");
	assert_non_null(out);
	fclose(out);
}

#define HOLDINGS_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOLDINGS_TEST(test_process_without_files),
		HOLDINGS_TEST(test_unreadable_process),
		HOLDINGS_TEST(test_nothing_to_read),
		HOLDINGS_TEST(test_reading_does_not_come),
		HOLDINGS_TEST(test_another_process),
		HOLDINGS_TEST(test_end_of_ebbd),
	};

	if (getenv("EBB_VALGRIND")) {
		puts("skip: valgrind does not know pidfd_open()");
		return 77;
	}
	return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
