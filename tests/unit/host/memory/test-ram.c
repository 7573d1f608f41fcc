/* SPDX-License-Identifier: GPL-2.0-only */
/* Which files are RAM: that of ivshmem, which two guests share, is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/size.h"
#include "host/memory/ram.h"

enum {
	IVSHMEM, /* larger than the guest */
	RAM,
	DIMM,
};

static struct ebb_backing backings[3];
static struct ebb_guest_process process;
static struct ebb_domxml domxml;
static struct ebb_map_segment segment;
static struct ebb_map map;
static int others[3]; /* the same files, as another host has them open */

static void add_file(uint64_t bytes)
{
	struct ebb_backing *backing = &process.backings[process.backing_count];
	char path[64];

	backing->fd = memfd_create("test-ram", MFD_CLOEXEC);
	assert_true(backing->fd >= 0);
	assert_int_equal(ftruncate(backing->fd, (off_t)bytes), 0);
	backing->bytes = bytes;
	backing->page_bytes = 4096;
	backing->file = ebb_file_new(backing->fd, bytes, 0);
	assert_non_null(backing->file);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", backing->fd);
	others[process.backing_count] = open(path, O_RDWR | O_CLOEXEC);
	assert_true(others[process.backing_count] >= 0);
	process.backing_count++;
}

static int begin(void **state)
{
	(void)state;
	memset(backings, 0, sizeof(backings));
	process = (struct ebb_guest_process){ .backings = backings };
	memset(&segment, 0, sizeof(segment));
	map = (struct ebb_map){ .segments = &segment };
	add_file(256 * EBB_MIB);
	add_file(128 * EBB_MIB);
	add_file(64 * EBB_MIB);
	domxml = (struct ebb_domxml){ .cell_count = 1, .device_count = 1 };
	domxml.cell_bytes[0] = 128 * EBB_MIB - 100; /* QEMU rounds up */
	domxml.devices[0].bytes = 64 * EBB_MIB;
	return 0;
}

static int end(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < process.backing_count; i++)
		ebb_file_unref(process.backings[i].file);
	for (int i = 0; i < 3; i++)
		close(others[i]);
	return 0;
}

static bool others_can_lock(int index)
{
	bool can = flock(others[index], LOCK_EX | LOCK_NB) == 0;

	if (can)
		flock(others[index], LOCK_UN);
	return can;
}

static void test_shared_file_is_not_locked(void **state)
{
	(void)state;
	/* Another guest's look has it, and keeps nobody away. */
	assert_int_equal(flock(others[IVSHMEM], LOCK_EX), 0);
	assert_int_equal(ebb_ram_lock_likely(&process, &domxml), 0);
	assert_false(others_can_lock(RAM));
	assert_false(others_can_lock(DIMM));
}

static void test_another_host_is_seen(void **state)
{
	(void)state;
	assert_int_equal(flock(others[RAM], LOCK_EX), 0);
	assert_int_equal(ebb_ram_lock_likely(&process, &domxml), -EBUSY);
	assert_true(ebb_file_was_contested(process.backings[RAM].file));
	map.segment_count = 1;
	map.segments[0].backing = RAM;
	assert_int_equal(ebb_ram_lock_proven(&process, &map), -EBUSY);
}

/* What is proven is RAM, whatever its size; a DIMM may not be used yet. */
static void test_others_are_dropped(void **state)
{
	(void)state;
	map.segment_count = 1;
	map.segments[0].backing = RAM;
	domxml.cell_count = 0;
	ebb_ram_drop_others(&process, &domxml, &map);
	assert_int_equal(process.backing_count, 2);
	assert_int_equal(process.backings[0].bytes, 128 * EBB_MIB);
	assert_int_equal(process.backings[1].bytes, 64 * EBB_MIB);
	assert_int_equal(map.segments[0].backing, 0);
	assert_int_equal(ebb_ram_lock_proven(&process, &map), 0);
	assert_false(others_can_lock(RAM));
	assert_true(others_can_lock(DIMM));
	assert_true(others_can_lock(IVSHMEM));
}

#define RAM_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RAM_TEST(test_shared_file_is_not_locked),
		RAM_TEST(test_another_host_is_seen),
		RAM_TEST(test_others_are_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
