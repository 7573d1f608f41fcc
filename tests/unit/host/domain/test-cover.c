/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A pool runs short: what guests are owed is reserved off the event loop's
 * thread, one guest at a time, whoever goes meanwhile. The files are memfds, and
 * the reservation waits at a gate; all else is real.
 */
#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/log.h"
#include "common/size.h"
#include "host/base/loop.h"
#include "host/domain/cover.h"
#include "host/domain/vm_state.h"
#include "host/memory/debt.h"

#define PAGE (2 * EBB_MIB)
#define PAGES 16
#define POOL "hugepages-2048kB"

enum {
	GUESTS = 3,
	LENT_PAGES = 4,
};

int __wrap_ebb_hugepool_reserve(int fd, uint64_t offset, uint64_t bytes);

static pthread_t loop_thread;
static struct ebb_workers *workers;
static struct ebb_config config = { .hugetlb_cover_percent = 100 };
static struct ebb_vm_environment environment = { .config = &config };
static struct ebb_roster roster;
static struct ebb_cover cover;
static struct ebb_vm vms[GUESTS];
static char root[] = "/tmp/test-cover.XXXXXX";
static bool timed_out;

static struct {
	atomic_bool closed; /* who comes waits */
	atomic_uint inside;
	atomic_uint most;
	atomic_uint calls;
	atomic_uint on_loop;
	atomic_int result;
} gate;

int __wrap_ebb_hugepool_reserve(int fd, uint64_t offset, uint64_t bytes)
{
	unsigned int inside = ++gate.inside;

	(void)fd;
	assert_int_equal(offset, 0);
	assert_int_equal(bytes, LENT_PAGES * PAGE);
	if (inside > gate.most)
		gate.most = inside;
	if (pthread_equal(pthread_self(), loop_thread)) {
		gate.on_loop++;
		gate.closed = false;
	}
	while (gate.closed)
		usleep(1000);
	gate.inside--;
	gate.calls++;
	return gate.result;
}

/* A worker does not wake the loop. */
static void on_poll(int timer, void *opaque)
{
	(void)timer;
	(void)opaque;
}

static void on_timeout(int timer, void *opaque)
{
	(void)timer;
	(void)opaque;
	timed_out = true;
}

/* Turns the loop until @number is @wanted, 20 s at most. */
static void turn_until(const atomic_uint *number, uint32_t wanted)
{
	int timer = ebb_loop_timer(20000, on_timeout, NULL);
	int poll = ebb_loop_timer(5, on_poll, NULL);

	timed_out = false;
	while (*number != wanted && !timed_out)
		assert_int_equal(ebb_loop_turn(), 0);
	ebb_loop_timer_remove(poll);
	ebb_loop_timer_remove(timer);
	assert_int_equal(*number, wanted);
}

static void turn_until_done(void)
{
	int timer = ebb_loop_timer(20000, on_timeout, NULL);

	timed_out = false;
	while (ebb_workers_count(workers) > 0 && !timed_out)
		assert_int_equal(ebb_loop_turn(), 0);
	ebb_loop_timer_remove(timer);
	assert_false(timed_out);
}

/* Not before the look that is due, and one turn that does nothing else. */
static void let_look(void)
{
	ebb_loop_timer_set(cover.timer, 0);
}

static void set_counter(const char *name, int value)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/" POOL "/%s", root, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "%d\n", value);
	assert_int_equal(fclose(file), 0);
}

static void set_pool(int free_pages)
{
	set_counter("free_hugepages", free_pages);
	set_counter("resv_hugepages", 0);
	set_counter("surplus_hugepages", 0);
	set_counter("nr_overcommit_hugepages", 0);
}

static int set_up_group(void **state)
{
	char path[128];

	(void)state;
	ebb_log_init("test", EBB_LOG_ERR);
	loop_thread = pthread_self();
	if (!mkdtemp(root) || ebb_loop_init() < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/" POOL, root);
	return mkdir(path, 0700);
}

static int tear_down_group(void **state)
{
	static const char *const names[] = { "free_hugepages", "resv_hugepages",
					     "surplus_hugepages",
					     "nr_overcommit_hugepages", "" };
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/" POOL "/%s", root, names[i]);
		remove(path);
	}
	return rmdir(root);
}

/* A guest whose file is all holes, some of which it lent. */
static void begin_guest(struct ebb_vm *vm, uint32_t number)
{
	struct ebb_guest_process *process = &vm->probe.qemu;
	struct ebb_backing *backing = calloc(1, sizeof(*backing));
	char uuid[EBB_UUID_TEXT_BYTES];

	*vm = (struct ebb_vm){ .environment = &environment };
	*process = (struct ebb_guest_process){
		.pid = 1, .pidfd = -1, .backing_count = 1, .backings = backing
	};
	assert_non_null(backing);
	backing->page_bytes = PAGE;
	backing->bytes = PAGES * PAGE;
	backing->fd = memfd_create("test-cover", MFD_CLOEXEC);
	assert_true(backing->fd >= 0);
	assert_int_equal(ftruncate(backing->fd, PAGES * PAGE), 0);
	backing->file = ebb_file_new(backing->fd, PAGES * PAGE, PAGE);
	assert_non_null(backing->file);
	ebb_debt_lend(backing, 0, LENT_PAGES * PAGE, LENT_PAGES * PAGE);
	assert_int_equal(ebb_vm_owed_bytes(vm, PAGE), LENT_PAGES * PAGE);
	snprintf(uuid, sizeof(uuid), "00000000-0000-0000-0000-%012u", number);
	ebb_roster_add(&roster, uuid, uuid)->vm = vm;
}

/* As when the domain has stopped: the vm and its files are no more. */
static void end_guest(struct ebb_vm *vm)
{
	for (size_t i = 0; i < roster.count; i++)
		if (roster.entries[i]->vm == vm)
			roster.entries[i]->vm = NULL;
	ebb_guest_process_close(&vm->probe.qemu);
	memset(vm, 0xaa, sizeof(*vm));
}

static int begin(void **state)
{
	(void)state;
	memset(&gate, 0, sizeof(gate));
	assert_int_equal(ebb_workers_new(8, 4, &workers), 0);
	environment.workers = workers;
	set_pool(0);
	for (uint32_t i = 0; i < GUESTS; i++)
		begin_guest(&vms[i], i);
	assert_int_equal(ebb_cover_begin(&cover, &environment, &roster, root),
			 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	turn_until_done();
	ebb_cover_end(&cover);
	for (uint32_t i = 0; i < GUESTS; i++)
		for (size_t k = 0; k < roster.count; k++)
			if (roster.entries[k]->vm == &vms[i])
				end_guest(&vms[i]);
	ebb_roster_clear(&roster);
	ebb_workers_free(workers);
	assert_int_equal(gate.on_loop, 0);
	return 0;
}

static void test_each_guest_in_its_turn(void **state)
{
	(void)state;
	gate.closed = true;
	let_look();
	turn_until(&gate.inside, 1);
	/* The loop goes on, and what is owed can be asked for. */
	for (uint32_t i = 0; i < GUESTS; i++)
		assert_int_equal(ebb_vm_owed_bytes(&vms[i], PAGE),
				 LENT_PAGES * PAGE);
	/* A second look does not begin a second round. */
	assert_int_equal(ebb_workers_count(workers), 1);
	gate.closed = false;
	turn_until_done();
	assert_int_equal(gate.calls, GUESTS);
	assert_int_equal(gate.most, 1);
	for (uint32_t i = 0; i < GUESTS; i++)
		assert_int_equal(ebb_vm_owed_bytes(&vms[i], PAGE), 0);
}

static void test_a_pool_with_enough_is_left_alone(void **state)
{
	(void)state;
	set_pool(GUESTS * LENT_PAGES);
	let_look();
	assert_int_equal(ebb_loop_turn(), 0);
	assert_int_equal(ebb_workers_count(workers), 0);
	/* The next look is due by itself. */
	set_pool(GUESTS * LENT_PAGES - 1);
	turn_until(&gate.calls, GUESTS);
}

/* What cannot be read of it may be nothing. */
static void test_a_pool_that_is_not_read_is_short(void **state)
{
	char path[128];

	(void)state;
	set_pool(GUESTS * LENT_PAGES);
	snprintf(path, sizeof(path), "%s/" POOL "/surplus_hugepages", root);
	assert_int_equal(unlink(path), 0);
	let_look();
	turn_until(&gate.calls, GUESTS);
}

static void test_guests_go_meanwhile(void **state)
{
	(void)state;
	gate.closed = true;
	let_look();
	turn_until(&gate.inside, 1);
	end_guest(&vms[0]);
	end_guest(&vms[1]);
	gate.closed = false;
	turn_until_done();
	assert_int_equal(gate.calls, 2);
	assert_int_equal(ebb_vm_owed_bytes(&vms[2], PAGE), 0);
}

/* What could not be reserved stays owed, and is tried for again. */
static void test_refused(void **state)
{
	(void)state;
	gate.result = -ENOMEM;
	let_look();
	turn_until(&gate.calls, GUESTS);
	turn_until_done();
	assert_int_equal(cover.refused_bytes, GUESTS * LENT_PAGES * PAGE);
	for (uint32_t i = 0; i < GUESTS; i++)
		assert_int_equal(ebb_vm_owed_bytes(&vms[i], PAGE),
				 LENT_PAGES * PAGE);
	gate.result = 0;
	turn_until(&gate.calls, 2 * GUESTS);
	turn_until_done();
	assert_int_equal(cover.refused_bytes, 0);
}

/* ebbd ends: it waits for the job, and no other begins. */
static void test_end_of_ebbd(void **state)
{
	(void)state;
	gate.closed = true;
	let_look();
	turn_until(&gate.inside, 1);
	for (uint32_t i = 0; i < GUESTS; i++)
		end_guest(&vms[i]);
	assert_false(ebb_workers_stop(workers));
	gate.closed = false;
	turn_until_done();
	assert_true(ebb_workers_stop(workers));
	assert_int_equal(gate.calls, 1);
}

#define COVER_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		COVER_TEST(test_each_guest_in_its_turn),
		COVER_TEST(test_a_pool_with_enough_is_left_alone),
		COVER_TEST(test_a_pool_that_is_not_read_is_short),
		COVER_TEST(test_guests_go_meanwhile),
		COVER_TEST(test_refused),
		COVER_TEST(test_end_of_ebbd),
	};

	return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
