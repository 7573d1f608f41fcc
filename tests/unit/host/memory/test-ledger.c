/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What was lent of a file on hugetlbfs. The books are those of the real pool
 * where there is one to be had.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/memory/debt.h"
#include "host/memory/hugepool.h"

#define PAGE (2 * EBB_MIB)
#define PAGES 64

static struct ebb_ledger *ledger;

static int begin(void **state)
{
	(void)state;
	ledger = ebb_ledger_new(PAGES * PAGE, PAGE);
	return ledger ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	ebb_ledger_free(ledger);
	return 0;
}

#define assert_debt(held, owed, lent, reserved, returned)               \
	do {                                                            \
		struct ebb_debt debt = { 0 };                           \
		ebb_ledger_debt(ledger, (uint64_t)(held)*PAGE, &debt);  \
		assert_int_equal(debt.owed_bytes, (owed)*PAGE);         \
		assert_int_equal(debt.lent_bytes, (lent)*PAGE);         \
		assert_int_equal(debt.reserved_bytes, (reserved)*PAGE); \
		assert_int_equal(debt.returned_bytes, (returned)*PAGE); \
	} while (0)

static void test_lend_and_take_back(void **state)
{
	(void)state;
	assert_debt(PAGES, 0, 0, 0, 0);
	/* Holes that were never lent are no debt, however many. */
	assert_debt(0, 0, 0, 0, 0);
	ebb_ledger_lend(ledger, 8 * PAGE, 4 * PAGE, 4 * PAGE);
	assert_debt(PAGES - 4, 4, 4, 0, 0);
	/* The guest touches one. */
	assert_debt(PAGES - 3, 3, 4, 0, 1);
	assert_debt(PAGES, 0, 4, 0, 4);
	/* And gives it again. */
	ebb_ledger_lend(ledger, 8 * PAGE, PAGE, PAGE);
	assert_debt(PAGES - 1, 1, 5, 0, 4);
	/* What was a hole when it was punched is not lent. */
	ebb_ledger_lend(ledger, 20 * PAGE, 4 * PAGE, 0);
	assert_debt(PAGES - 4, 4, 5, 0, 1);
	assert_debt(0, 5, 5, 0, 0);
}

static void test_unplugged_memory_is_not_owed(void **state)
{
	(void)state;
	ebb_ledger_lend(ledger, 0, 10 * PAGE, 10 * PAGE);
	ebb_ledger_forget(ledger, 4 * PAGE, (PAGES - 4) * PAGE);
	assert_debt(0, 4, 10, 0, 6);
	ebb_ledger_forget(ledger, 0, PAGES * PAGE);
	assert_debt(0, 0, 10, 0, 10);
}

static void test_suspected(void **state)
{
	(void)state;
	ebb_ledger_suspect(ledger, 0, 32 * PAGE);
	/* The holes bound it. */
	assert_debt(PAGES - 5, 5, 0, 0, 0);
	assert_debt(0, 32, 0, 0, 0);
	ebb_ledger_lend(ledger, 0, 4 * PAGE, 4 * PAGE);
	assert_debt(PAGES - 9, 9, 4, 0, 0);
}

static struct ebb_backing backings[1];

/* A device's file, of which so much is plugged, holds so much. */
static void begin_device(struct ebb_guest_process *process, uint64_t held_pages)
{
	struct ebb_backing *backing = &backings[0];

	*backing = (struct ebb_backing){ 0 };
	*process = (struct ebb_guest_process){ .backing_count = 1,
					       .backings = backings };
	backing->page_bytes = PAGE;
	backing->bytes = PAGES * PAGE;
	backing->fd = memfd_create("test-ledger", MFD_CLOEXEC);
	assert_true(backing->fd >= 0);
	assert_int_equal(ftruncate(backing->fd, PAGES * PAGE), 0);
	if (held_pages > 0)
		assert_int_equal(fallocate(backing->fd, 0, 0,
					   (off_t)(held_pages * PAGE)),
				 0);
	backing->file = ebb_file_new(backing->fd, PAGES * PAGE, PAGE);
	assert_non_null(backing->file);
}

/*
 * What is unplugged within a block that the guest's kernel keeps is not owed:
 * of 8 pages plugged, no more than those that the file does not hold.
 */
static void test_unplugged_within_segment(void **state)
{
	static const struct {
		uint64_t held, plugged, owed;
		uint64_t base_gpa, others_bytes;
	} cases[] = {
		{ 8, 8, 0, EBB_GIB, 0 },
		{ 5, 8, 3, EBB_GIB, 0 },
		{ 0, 8, 8, EBB_GIB, PAGES * PAGE },
		{ 4, 0, 0, EBB_GIB, 0 },
		/* All is plugged, or changes: no limit. */
		{ 2, PAGES, 12, EBB_GIB, 0 },
		/* By its size, if nothing else is of that. */
		{ 5, 8, 3, 0, 0 },
		{ 5, 8, 12, 0, PAGES * PAGE },
		/* Another device's. */
		{ 5, 8, 12, 4 * EBB_GIB, 0 },
	};
	const struct ebb_map map = {
		.segment_count = 1,
		.segments = &(struct ebb_map_segment){ .gpa = EBB_GIB + PAGE,
						       .bytes = 12 * PAGE },
	};
	struct ebb_domxml domxml = {
		.cell_count = 1,
		.device_count = 1,
		.devices = { { 0, PAGES * PAGE, 0 } },
	};
	struct ebb_guest_process device;
	struct ebb_debt_limits limits;

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		begin_device(&device, cases[i].held);
		domxml.cell_bytes[0] = cases[i].others_bytes;
		domxml.devices[0].base_gpa = cases[i].base_gpa;
		domxml.devices[0].plugged_bytes = cases[i].plugged * PAGE;
		ebb_debt_proven(&device, &map, true);
		assert_int_equal(ebb_debt_of(&device, 0).owed_bytes, 12 * PAGE);
		if (ebb_debt_find_limits(&device, &map, &domxml, &limits))
			ebb_debt_cut(&device, &limits);
		if (ebb_debt_of(&device, 0).owed_bytes != cases[i].owed * PAGE)
			fail_msg("case %zu: %llu", i,
				 (unsigned long long)ebb_debt_of(&device, 0)
						 .owed_bytes /
					 PAGE);
		ebb_file_unref(device.backings[0].file);
	}
}

/* A limit says nothing of what is lent after it was found. */
static void test_limit_is_of_its_moment(void **state)
{
	struct ebb_ledger_limit limit;
	int fd = memfd_create("test-ledger", MFD_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	ebb_ledger_lend(ledger, 0, 4 * PAGE, 4 * PAGE);
	assert_true(ebb_ledger_find_limit(ledger, fd, 0, &limit));
	ebb_ledger_lend(ledger, 4 * PAGE, 2 * PAGE, 2 * PAGE);
	ebb_ledger_cut(ledger, &limit);
	assert_debt(0, 6, 6, 0, 0);
	assert_true(ebb_ledger_find_limit(ledger, fd, 2 * PAGE, &limit));
	ebb_ledger_cut(ledger, &limit);
	assert_debt(0, 2, 6, 0, 4);
	assert_false(ebb_ledger_find_limit(ledger, fd, 2 * PAGE, &limit));
	close(fd);
}

/* Only the file's own segments stay owed. */
static void test_proven(void **state)
{
	struct ebb_guest_process process = { .backing_count = 1,
					     .backings = backings };
	struct ebb_map_segment segments[] = {
		{ .offset = 16 * PAGE, .bytes = 8 * PAGE },
		{ .offset = 2 * PAGE, .bytes = 6 * PAGE },
	};
	struct ebb_map map = { .segment_count = 2, .segments = segments };
	struct ebb_backing *backing = &process.backings[0];
	struct ebb_debt debt;

	(void)state;
	*backing = (struct ebb_backing){ 0 };
	backing->page_bytes = PAGE;
	backing->bytes = PAGES * PAGE;
	/* A file without pages: all of it holes. */
	backing->fd = memfd_create("test-ledger", MFD_CLOEXEC);
	assert_true(backing->fd >= 0);
	assert_int_equal(ftruncate(backing->fd, PAGES * PAGE), 0);
	backing->file = ebb_file_new(backing->fd, PAGES * PAGE, PAGE);
	assert_non_null(backing->file);

	/* Not newer than this ebbd: all of the segments is suspected, once. */
	ebb_debt_proven(&process, &map, true);
	debt = ebb_debt_of(&process, 0);
	assert_int_equal(debt.owed_bytes, 14 * PAGE);
	assert_int_equal(ebb_debt_of(&process, PAGE).owed_bytes, 14 * PAGE);
	assert_int_equal(ebb_debt_of(&process, EBB_GIB).owed_bytes, 0);
	map.segment_count = 1;
	ebb_debt_proven(&process, &map, false);
	assert_int_equal(ebb_debt_of(&process, 0).owed_bytes, 14 * PAGE);
	ebb_debt_proven(&process, &map, true);
	assert_int_equal(ebb_debt_of(&process, 0).owed_bytes, 8 * PAGE);
	map.segment_count = 0;
	ebb_debt_proven(&process, &map, true);
	assert_int_equal(ebb_debt_of(&process, 0).owed_bytes, 0);
	/* By then what is lent is known. */
	map.segment_count = 2;
	ebb_debt_proven(&process, &map, true);
	assert_int_equal(ebb_debt_of(&process, 0).owed_bytes, 0);
	ebb_file_unref(backing->file);
}

/* One that began after this ebbd lent nothing, unless another one had it meanwhile. */
static void test_newer_process(void **state)
{
	struct ebb_map_segment segment = { .bytes = 8 * PAGE };
	struct ebb_map map = { .segment_count = 1, .segments = &segment };
	struct ebb_guest_process process;
	int other ebb_auto_close = -1;
	char path[64];

	(void)state;
	begin_device(&process, 0);
	process.newer = true;
	ebb_debt_proven(&process, &map, true);
	assert_int_equal(ebb_debt_of(&process, 0).owed_bytes, 0);
	ebb_file_unref(backings[0].file);

	begin_device(&process, 0);
	process.newer = true;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", backings[0].fd);
	other = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(other, LOCK_EX), 0);
	assert_int_equal(ebb_file_lock(backings[0].file), -EBUSY);
	assert_int_equal(flock(other, LOCK_UN), 0);
	assert_int_equal(ebb_file_lock(backings[0].file), 0);
	ebb_debt_proven(&process, &map, true);
	assert_int_equal(ebb_debt_of(&process, 0).owed_bytes, 8 * PAGE);
	ebb_file_unref(backings[0].file);
}

/* A page that is forgotten in part may be owed. */
static void test_forgotten_in_part(void **state)
{
	(void)state;
	ebb_ledger_lend(ledger, 0, 3 * PAGE, 3 * PAGE);
	ebb_ledger_forget(ledger, PAGE / 2, 2 * PAGE);
	assert_debt(0, 2, 3, 0, 1);
}

/* The mappings alone, which cost a file that is of no pool nothing. */
static void test_reserve(void **state)
{
	int fd ebb_auto_close = memfd_create("test-ledger", MFD_CLOEXEC);
	int read_only ebb_auto_close = -1;
	char path[64];

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, PAGES * PAGE), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	read_only = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(read_only >= 0);
	ebb_ledger_lend(ledger, 0, 8 * PAGE, 8 * PAGE);
	/* What could not be reserved is owed as before. */
	assert_true(ebb_ledger_reserve(ledger, read_only) < 0);
	assert_debt(0, 8, 8, 0, 0);
	assert_int_equal(ebb_ledger_reserve(ledger, fd), 0);
	assert_debt(0, 0, 8, 8, 0);
	/* Whether this was lent nobody knows, so it is no part of these books. */
	ebb_ledger_suspect(ledger, 16 * PAGE, 4 * PAGE);
	assert_debt(0, 4, 8, 8, 0);
	assert_int_equal(ebb_ledger_reserve(ledger, fd), 0);
	assert_debt(0, 0, 8, 8, 0);
}

static uint64_t reserved_pages(void)
{
	struct ebb_hugepool pool;

	assert_int_equal(ebb_hugepool_read(EBB_HUGEPOOL_ROOT, PAGE, &pool), 0);
	return pool.reserved_pages;
}

/* In the real pool: a file of 60 GiB costs it what was lent, and no more. */
static void test_pool(void **state)
{
	const uint64_t bytes = 60 * EBB_GIB;
	struct ebb_hugepool pool;
	uint64_t before;
	int fd ebb_auto_close =
		memfd_create("test-ledger", MFD_CLOEXEC | MFD_HUGETLB);
	char *memory;

	(void)state;
	if (fd < 0 || ebb_hugepool_read(EBB_HUGEPOOL_ROOT, PAGE, &pool) < 0 ||
	    ebb_hugepool_available_bytes(&pool) < 8 * PAGE)
		skip(); /* no huge pages to be had */
	end(NULL);
	ledger = ebb_ledger_new(bytes, PAGE);
	assert_non_null(ledger);
	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_NORESERVE, fd, 0);
	assert_true(memory != MAP_FAILED);
	before = reserved_pages();
	for (int i = 0; i < 6; i++)
		memory[i * PAGE] = 1;
	assert_int_equal(fallocate(fd,
				   FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				   PAGE, 4 * PAGE),
			 0);
	ebb_ledger_lend(ledger, PAGE, 4 * PAGE, 4 * PAGE);
	memory[PAGE] = 1;
	assert_debt(3, 4, 4, 0, 0);

	assert_int_equal(ebb_ledger_reserve(ledger, fd), 0);
	assert_int_equal(reserved_pages() - before, 3);
	/* The other 29 GiB are holes, too, and cost nothing. */
	assert_debt(3, 0, 4, 4, 0);
	assert_int_equal(ebb_ledger_reserve(ledger, fd), 0);
	assert_int_equal(reserved_pages() - before, 3);
	munmap(memory, bytes);
}

#define LEDGER_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LEDGER_TEST(test_lend_and_take_back),
		LEDGER_TEST(test_unplugged_memory_is_not_owed),
		LEDGER_TEST(test_suspected),
		LEDGER_TEST(test_unplugged_within_segment),
		LEDGER_TEST(test_limit_is_of_its_moment),
		LEDGER_TEST(test_proven),
		LEDGER_TEST(test_newer_process),
		LEDGER_TEST(test_forgotten_in_part),
		LEDGER_TEST(test_reserve),
		LEDGER_TEST(test_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
