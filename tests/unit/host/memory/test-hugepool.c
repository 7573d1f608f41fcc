/* SPDX-License-Identifier: GPL-2.0-only */
/* The pool's counters, and when it is short; hugetlb-starve.sh does the rest. */
#include <config.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/memory/hugepool.h"

#define PAGE_BYTES ((uint64_t)2 << 20)
#define PAGES "hugepages-2048kB"

static char root[] = "/tmp/test-hugepool.XXXXXX";
static const char *const names[] = { "free_hugepages", "resv_hugepages",
				     "surplus_hugepages",
				     "nr_overcommit_hugepages" };

static void set_counter(const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/" PAGES "/%s", root, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static int begin(void **state)
{
	char path[128];

	(void)state;
	if (!mkdtemp(root))
		return -1;
	snprintf(path, sizeof(path), "%s/" PAGES, root);
	if (mkdir(path, 0700) < 0)
		return -1;
	set_counter("free_hugepages", "100\n");
	set_counter("resv_hugepages", "40\n");
	set_counter("surplus_hugepages", "5\n");
	set_counter("nr_overcommit_hugepages", "25\n");
	return 0;
}

static int end(void **state)
{
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/" PAGES "/%s", root, names[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/" PAGES, root);
	rmdir(path);
	rmdir(root);
	snprintf(root, sizeof(root), "/tmp/test-hugepool.XXXXXX");
	return 0;
}

static void test_counters(void **state)
{
	struct ebb_hugepool pool;

	(void)state;
	assert_int_equal(ebb_hugepool_read(root, PAGE_BYTES, &pool), 0);
	assert_int_equal(pool.page_bytes, PAGE_BYTES);
	assert_int_equal(pool.free_pages, 100);
	assert_int_equal(pool.reserved_pages, 40);
	assert_int_equal(pool.surplus_pages, 5);
	assert_int_equal(pool.overcommit_pages, 25);
	assert_int_equal(ebb_hugepool_available_bytes(&pool), 80 * PAGE_BYTES);
}

static void test_nothing_is_written_on_failure(void **state)
{
	struct ebb_hugepool pool = { .free_pages = 7 };

	(void)state;
	assert_int_equal(ebb_hugepool_read(root, 4 * PAGE_BYTES, &pool),
			 -ENOENT);
	set_counter("nr_overcommit_hugepages", "none\n");
	assert_int_equal(ebb_hugepool_read(root, PAGE_BYTES, &pool), -EBADMSG);
	assert_int_equal(pool.free_pages, 7);
}

/* Read one after the other, counters may not fit each other. */
static void test_counters_that_do_not_fit(void **state)
{
	struct ebb_hugepool pool = { .page_bytes = PAGE_BYTES,
				     .free_pages = 3,
				     .reserved_pages = 4,
				     .surplus_pages = 9,
				     .overcommit_pages = 1 };

	(void)state;
	assert_int_equal(ebb_hugepool_available_bytes(&pool), 0);
	pool.overcommit_pages = 10;
	assert_int_equal(ebb_hugepool_available_bytes(&pool), PAGE_BYTES);
}

static void test_cover(void **state)
{
	struct ebb_hugepool pool = { .page_bytes = PAGE_BYTES,
				     .free_pages = 125 };

	(void)state;
	assert_false(ebb_hugepool_is_short(&pool, 100 * PAGE_BYTES, 125));
	pool.free_pages = 124;
	assert_true(ebb_hugepool_is_short(&pool, 100 * PAGE_BYTES, 125));
	assert_false(ebb_hugepool_is_short(&pool, 100 * PAGE_BYTES, 124));
	pool.free_pages = 0;
	assert_false(ebb_hugepool_is_short(&pool, 100 * PAGE_BYTES, 0));
	assert_true(ebb_hugepool_is_short(&pool, PAGE_BYTES, 1));
	/* The largest host there is does not overflow. */
	pool.free_pages = UINT64_MAX / PAGE_BYTES;
	assert_false(ebb_hugepool_is_short(&pool, (uint64_t)1 << 56, 1000));
	assert_true(ebb_hugepool_is_short(&pool, UINT64_MAX, 125));
}

#define POOL_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		POOL_TEST(test_counters),
		POOL_TEST(test_nothing_is_written_on_failure),
		cmocka_unit_test(test_counters_that_do_not_fit),
		cmocka_unit_test(test_cover),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
