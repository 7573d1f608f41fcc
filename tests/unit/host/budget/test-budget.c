/* SPDX-License-Identifier: GPL-2.0-only */
/* The host's budgets, by trees of files as kernels have them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/budget/budget.h"
#include "host/budget/text.h"
#include "tests/unit/fake-root.h"

static void test_marks(void **state)
{
	static const struct {
		uint64_t limit, low, high;
	} cases[] = {
		{ 0, 0, 0 },
		{ 2 * EBB_GIB, 128 * EBB_MIB, 192 * EBB_MIB },
		{ 8 * EBB_GIB, 512 * EBB_MIB, 768 * EBB_MIB },
		{ 10 * EBB_GIB, 512 * EBB_MIB, 768 * EBB_MIB },
		{ 100 * EBB_GIB, 5 * EBB_GIB, 75 * EBB_GIB / 10 },
		{ UINT64_MAX, UINT64_MAX / 20, UINT64_MAX / 40 * 3 },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		uint64_t low, high;

		ebb_budget_marks(cases[i].limit, &low, &high);
		assert_int_equal(low, cases[i].low);
		assert_int_equal(high, cases[i].high);
	}
}

static struct ebb_budget_list read_list(uint64_t promised_bytes)
{
	struct ebb_budget_reader *reader;
	struct ebb_budget_list list;

	assert_int_equal(ebb_budget_reader_new(fake_root, &reader), 0);
	assert_int_equal(
		ebb_budget_read(reader, promised_bytes, NULL, 0, &list), 0);
	ebb_budget_reader_free(reader);
	return list;
}

static void test_host(void **state)
{
	struct ebb_budget_list list;

	(void)state;
	fake_root_write("/proc/meminfo", "MemTotal:       16777216 kB\n"
					 "MemFree:          100000 kB\n"
					 "MemAvailable:    2097152 kB\n"
					 "Hugetlb:         4194304 kB\n");
	list = read_list(EBB_GIB);
	assert_int_equal(list.trouble_count, 0);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.budgets[0].kind, EBB_BUDGET_HOST);
	assert_string_equal(list.budgets[0].name, "host");
	assert_int_equal(list.budgets[0].limit_bytes, 12 * EBB_GIB);
	assert_int_equal(list.budgets[0].available_bytes, EBB_GIB);
	assert_int_equal(list.budgets[0].promised_bytes, EBB_GIB);
	assert_int_equal(list.budgets[0].high_bytes, 12 * EBB_GIB / 40 * 3);
	ebb_budget_list_free(&list);
	/* No more is promised than there is. */
	list = read_list(UINT64_MAX);
	assert_int_equal(list.budgets[0].available_bytes, 0);
	assert_int_equal(list.budgets[0].promised_bytes, 2 * EBB_GIB);
	ebb_budget_list_free(&list);
}

/* Nothing of it is a number that is taken for the host's memory. */
static void test_garbage_is_unknown(void **state)
{
	static const char *const texts[] = {
		"",
		"MemTotal: kB\nMemAvailable: 5 kB\n",
		"MemTotal: 10 kB\n",
		"MemTotal: 10 kB\nMemAvailable: -5 kB\n",
		"MemTotal: 10 kB\nMemAvailable: 11 kB\n",
		"MemTotal: 10 kB\nMemAvailable: 5 MB\n",
		"MemTotal: 18446744073709551615 kB\nMemAvailable: 5 kB\n",
		"MemTotal: 99999999999999999999 kB\nMemAvailable: 5 kB\n",
		"MemTotal: 0 kB\nMemAvailable: 0 kB\n",
		"MemTotal: 0x10 kB\nMemAvailable: 0x5 kB\n",
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(texts); i++) {
		struct ebb_budget_list list;

		fake_root_write("/proc/meminfo", texts[i]);
		list = read_list(0);
		assert_int_equal(list.count, 0);
		assert_int_equal(list.trouble_count, 1);
		ebb_budget_list_free(&list);
	}
}

static void test_trouble_is_told_once(void **state)
{
	struct ebb_budget_reader *reader;
	struct ebb_budget_list list;

	(void)state;
	fake_root_write("/proc/meminfo", "");
	assert_int_equal(ebb_budget_reader_new(fake_root, &reader), 0);
	assert_int_equal(ebb_budget_read(reader, 0, NULL, 0, &list), 0);
	assert_int_equal(list.trouble_count, 1);
	ebb_budget_list_free(&list);
	assert_int_equal(ebb_budget_read(reader, 0, NULL, 0, &list), 0);
	assert_int_equal(list.trouble_count, 0);
	assert_int_equal(list.count, 0);
	ebb_budget_list_free(&list);
	ebb_budget_reader_free(reader);
}

/* The host that this runs on. */
static void test_real_host(void **state)
{
	struct ebb_budget_reader *reader;
	struct ebb_budget_list list;

	(void)state;
	assert_int_equal(ebb_budget_reader_new("", &reader), 0);
	assert_int_equal(ebb_budget_read(reader, 0, NULL, 0, &list), 0);
	assert_true(list.count >= 1);
	assert_int_equal(list.budgets[0].kind, EBB_BUDGET_HOST);
	assert_true(list.budgets[0].limit_bytes > 64 * EBB_MIB);
	assert_true(list.budgets[0].available_bytes > 0);
	for (uint32_t i = 0; i < list.trouble_count; i++)
		print_message("%s\n", list.troubles[i]);
	ebb_budget_list_free(&list);
	ebb_budget_reader_free(reader);
}

static void test_patience(void **state)
{
	struct ebb_budget budgets[2] = {
		{ .available_bytes = 20 * EBB_GIB, .low_bytes = EBB_GIB },
		{ .kind = EBB_BUDGET_POOL },
	};
	struct ebb_budget_list list = { .budgets = budgets, .count = 2 };

	(void)state;
	assert_int_equal(ebb_budget_patience_ms(&list), 10000);
	budgets[0].available_bytes = 3 * EBB_GIB;
	assert_in_range(ebb_budget_patience_ms(&list), 2000, 2001);
	budgets[0].available_bytes = 0;
	assert_int_equal(ebb_budget_patience_ms(&list), 250);
	list.count = 0;
	assert_int_equal(ebb_budget_patience_ms(&list), 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_marks),
		cmocka_unit_test_setup_teardown(test_host, fake_root_make,
						fake_root_remove),
		cmocka_unit_test_setup_teardown(test_garbage_is_unknown,
						fake_root_make,
						fake_root_remove),
		cmocka_unit_test_setup_teardown(test_trouble_is_told_once,
						fake_root_make,
						fake_root_remove),
		cmocka_unit_test(test_real_host),
		cmocka_unit_test(test_patience),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
