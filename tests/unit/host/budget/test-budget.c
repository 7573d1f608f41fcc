/* SPDX-License-Identifier: GPL-2.0-only */
/* The host's own budgets: memory, swap and pools, by files as kernels have them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/budget/text.h"
#include "tests/unit/fake-root.h"
#include "tests/unit/host/budget/tree.h"

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

static void test_patience(void **state)
{
	struct ebb_budget budgets[2] = {
		{ .available_bytes = 20 * EBB_GIB,
		  .low_bytes = EBB_GIB,
		  .process_count = 1 },
		{ .kind = EBB_BUDGET_POOL, .process_count = 1 },
	};
	struct ebb_budget_list list = { .budgets = budgets, .count = 2 };

	(void)state;
	assert_int_equal(ebb_budget_patience_ms(&list), 10000);
	budgets[0].available_bytes = 3 * EBB_GIB;
	assert_in_range(ebb_budget_patience_ms(&list), 2000, 2001);
	budgets[0].available_bytes = 0;
	assert_int_equal(ebb_budget_patience_ms(&list), 250);
	/* Nobody fills a budget that holds no guest. */
	budgets[0].process_count = 0;
	assert_int_equal(ebb_budget_patience_ms(&list), 10000);
}

static void test_numbers(void **state)
{
	static const char *const bad[] = {
		"",	"\n",	 " 1\n",      "-1\n", "+1\n",
		"1 \n", "1kB\n", "maximum\n", "0x1f", "18446744073709551616\n"
	};
	uint64_t value = 7;

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(bad); i++)
		assert_int_equal(ebb_text_number(bad[i], &value), -EBADMSG);
	assert_int_equal(value, 7);
	assert_int_equal(ebb_text_number("max\n", &value), 0);
	assert_true(value == EBB_TEXT_NO_LIMIT);
	assert_int_equal(ebb_text_number("18446744073709551615", &value), 0);
	assert_int_equal(ebb_text_number("12\nmore", &value), 0);
	assert_int_equal(value, 12);
}

static void test_node_lists(void **state)
{
	static const char *const bad[] = { "0-", "a",	"1-0", "0,",
					   ",0", "0 1", "-1",  "0-1-2" };
	uint64_t nodes;

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(bad); i++)
		assert_int_equal(ebb_text_nodes(bad[i], &nodes), -EBADMSG);
	assert_int_equal(ebb_text_nodes("0-64", &nodes), -ERANGE);
	assert_int_equal(ebb_text_nodes("0-1,4,63\n", &nodes), 0);
	assert_true(nodes == (0x13 | UINT64_C(1) << 63));
	assert_int_equal(ebb_text_nodes("\n", &nodes), 0);
	assert_int_equal(nodes, 0);
}

static void test_host(void **state)
{
	struct ebb_budget_process guest = { .pid = 70 };
	struct ebb_budget_list list;
	const struct ebb_budget *host;

	(void)state;
	fake_root_write("/proc/meminfo", "MemTotal:       16777216 kB\n"
					 "MemFree:          100000 kB\n"
					 "MemAvailable:    2097152 kB\n"
					 "Hugetlb:         4194304 kB\n");
	fake_root_write("/proc/70/cgroup", "0::/\n");
	list = tree_read(&guest, 1);
	assert_int_equal(list.trouble_count, 0);
	assert_int_equal(list.count, 1);
	host = tree_find(&list, "host");
	assert_int_equal(host->kind, EBB_BUDGET_HOST);
	assert_int_equal(host->limit_bytes, 12 * EBB_GIB);
	assert_int_equal(host->available_bytes, 2 * EBB_GIB);
	assert_int_equal(host->high_bytes, 12 * EBB_GIB / 40 * 3);
	assert_int_equal(host->process_count, 1);
	assert_true(guest.cgroups_known && guest.nodes_known);
	assert_true(tree_part(&list, &guest, "host") == 1);
	ebb_budget_list_free(&list);
}

/* What was paged out is there for who wants it, though the kernel does not say so. */
static void test_swap_cache(void **state)
{
	static const struct {
		const char *text;
		uint64_t mib;
	} cases[] = {
		{ "Active(anon): 3145728 kB\nInactive(anon): 1048576 kB\n"
		  "AnonPages: 3145728 kB\nShmem: 524288 kB\n"
		  "SwapCached: 2097152 kB\nWriteback: 0 kB\n",
		  512 },
		/* Of these some are not written yet, or all, or that is not told. */
		{ "Active(anon): 3145728 kB\nInactive(anon): 1048576 kB\n"
		  "AnonPages: 3145728 kB\nShmem: 524288 kB\n"
		  "SwapCached: 2097152 kB\nWriteback: 409600 kB\n",
		  112 },
		{ "Active(anon): 3145728 kB\nInactive(anon): 1048576 kB\n"
		  "AnonPages: 3145728 kB\nShmem: 524288 kB\n"
		  "SwapCached: 2097152 kB\nWriteback: 1048576 kB\n",
		  0 },
		{ "Active(anon): 3145728 kB\nInactive(anon): 1048576 kB\n"
		  "AnonPages: 3145728 kB\nShmem: 524288 kB\n"
		  "SwapCached: 2097152 kB\n",
		  0 },
		/* Of these some are mapped again. */
		{ "Active(anon): 3145728 kB\nInactive(anon): 1048576 kB\n"
		  "AnonPages: 1048576 kB\nShmem: 524288 kB\n"
		  "SwapCached: 102400 kB\nWriteback: 0 kB\n",
		  100 },
		{ "Active(anon): 1024 kB\nInactive(anon): 1024 kB\n"
		  "AnonPages: 4096 kB\nShmem: 0 kB\nSwapCached: 1024 kB\n"
		  "Writeback: 0 kB\n",
		  0 },
		{ "Active(anon): 1048576 kB\nSwapCached: 1048576 kB\n", 0 },
		/* No more than there is. */
		{ "Active(anon): 99999999999 kB\nInactive(anon): 0 kB\n"
		  "AnonPages: 0 kB\nShmem: 0 kB\nSwapCached: 99999999999 kB\n"
		  "Writeback: 0 kB\n",
		  14 * 1024 },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		struct ebb_budget_list list;
		char text[1024];

		snprintf(text, sizeof(text),
			 "MemTotal: 16777216 kB\nMemAvailable: 2097152 kB\n%s",
			 cases[i].text);
		fake_root_write("/proc/meminfo", text);
		list = tree_read(NULL, 0);
		assert_int_equal(list.trouble_count, 0);
		assert_int_equal(tree_find(&list, "host")->available_bytes,
				 2 * EBB_GIB + cases[i].mib * EBB_MIB);
		ebb_budget_list_free(&list);
	}
}

static void test_promised(void **state)
{
	static const struct {
		uint64_t promised, available, counted;
	} cases[] = {
		{ EBB_GIB, 3 * EBB_GIB, EBB_GIB },
		/* No more than there is. */
		{ UINT64_MAX, 0, 4 * EBB_GIB },
	};
	struct ebb_budget_reader *reader;
	struct ebb_budget_list list;

	(void)state;
	assert_int_equal(ebb_budget_reader_new(fake_root, &reader), 0);
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		const struct ebb_budget *host;

		assert_int_equal(ebb_budget_read(reader, cases[i].promised,
						 NULL, 0, &list),
				 0);
		host = tree_find(&list, "host");
		assert_int_equal(host->available_bytes, cases[i].available);
		assert_int_equal(host->promised_bytes, cases[i].counted);
		ebb_budget_list_free(&list);
	}
	ebb_budget_reader_free(reader);
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
		list = tree_read(NULL, 0);
		assert_int_equal(list.count, 0);
		assert_int_equal(list.trouble_count, 1);
		assert_non_null(strstr(list.troubles[0], "/proc/meminfo"));
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
	for (uint32_t round = 0; round < 2; round++) {
		assert_int_equal(ebb_budget_read(reader, 0, NULL, 0, &list), 0);
		assert_int_equal(list.trouble_count, round == 0);
		assert_int_equal(list.count, 0);
		ebb_budget_list_free(&list);
	}
	ebb_budget_reader_free(reader);
}

/* ---- swap ---- */

#define SWAPS_HEAD "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"

static struct ebb_budget_swap read_swap(const char *areas)
{
	struct ebb_budget_list list;
	struct ebb_budget_swap swap;
	char text[2048];

	snprintf(text, sizeof(text), SWAPS_HEAD "%s", areas);
	fake_root_write("/proc/swaps", text);
	list = tree_read(NULL, 0);
	swap = list.swap;
	assert_int_equal(tree_find(&list, "host")->fast_swap_bytes,
			 swap.fast_free_bytes);
	assert_int_equal(list.trouble_count, !swap.known);
	ebb_budget_list_free(&list);
	return swap;
}

static void link_in_root(const char *target, const char *path)
{
	char whole[512];

	snprintf(whole, sizeof(whole), "%s%s", fake_root, path);
	assert_int_equal(symlink(target, whole), 0);
}

/* Fast is a disk that does not rotate, whole, a partition or a file on it. */
static void test_swap_speed(void **state)
{
	struct ebb_budget_swap swap;

	(void)state;
	/* The file system / is on 254:1. */
	fake_root_write("/sys/devices/vda/queue/rotational", "0\n");
	fake_root_write("/sys/devices/vda/vda1/dev", "254:1\n");
	fake_root_write("/sys/devices/sda/queue/rotational", "1\n");
	fake_root_write("/sys/devices/sda/sda2/dev", "8:2\n");
	fake_root_write("/sys/devices/zram0/queue/rotational", "0\n");
	fake_root_write("/sys/class/block/README", "");
	fake_root_write("/sys/dev/block/README", "");
	link_in_root("../../devices/vda", "/sys/class/block/vda");
	link_in_root("../../devices/vda/vda1", "/sys/dev/block/254:1");
	link_in_root("../../devices/sda/sda2", "/sys/class/block/sda2");
	link_in_root("../../devices/zram0", "/sys/class/block/zram0");

	swap = read_swap("");
	assert_true(swap.known && swap.total_bytes == 0);

	swap = read_swap("/dev/vda partition 1048576 1024 -2\n"
			 "/dev/sda2 partition 2048 1024 -3\n"
			 "/swap\\040file file 4096 0 -4\n"
			 "/dev/zram0 partition 8192 1024 100\n"
			 "/dev/nbd0 partition 4096 0 -5\n"
			 "/dev/unknown partition 4096 0 -6\n");
	assert_true(swap.known && !swap.zswap);
	assert_int_equal(swap.total_bytes,
			 (1048576 + 2048 + 8192 + 3 * 4096) * EBB_KIB);
	assert_int_equal(swap.free_bytes, swap.total_bytes - 3 * EBB_MIB);
	assert_int_equal(swap.zram_bytes, 8 * EBB_MIB);
	assert_int_equal(swap.fast_free_bytes, EBB_GIB - EBB_MIB + 4 * EBB_MIB);

	fake_root_write("/sys/module/zswap/parameters/enabled", "Y\n");
	assert_true(read_swap("").zswap);
}

static void test_swap_garbage(void **state)
{
	static const char *const areas[] = {
		"/dev/vda partition 10 11 -2\n",
		"/dev/vda partition -1 0 -2\n",
		"/dev/vda partition x 0 -2\n",
		"vda partition 10 0 -2\n",
		"/dev/vda\n",
		"/dev/vda partition 18446744073709551615 0 -2\n",
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(areas); i++) {
		struct ebb_budget_swap swap = read_swap(areas[i]);

		assert_false(swap.known);
		assert_int_equal(swap.fast_free_bytes, 0);
	}
}

/* ---- pools ---- */

#define POOLS "/sys/kernel/mm/hugepages"

static void write_pool(const char *dir, const char *pages, const char *free,
		       const char *reserved, const char *surplus,
		       const char *overcommit)
{
	tree_write(pages, "%s/nr_hugepages", dir);
	tree_write(free, "%s/free_hugepages", dir);
	tree_write(reserved, "%s/resv_hugepages", dir);
	tree_write(surplus, "%s/surplus_hugepages", dir);
	tree_write(overcommit, "%s/nr_overcommit_hugepages", dir);
}

static void test_pools(void **state)
{
	struct ebb_budget_process guests[] = {
		{ .pid = 70, .huge_page_bytes = 2 * EBB_MIB },
		{ .pid = 71, .huge_page_bytes = 64 * EBB_KIB },
	};
	struct ebb_budget_list list;
	const struct ebb_budget *pool;

	(void)state;
	write_pool(POOLS "/hugepages-2048kB", "100", "40", "10", "5", "15");
	write_pool(POOLS "/hugepages-1048576kB", "2", "2", "0", "0", "0");
	/* A pool without a page, and none to come. */
	write_pool(POOLS "/hugepages-64kB", "0", "0", "0", "0", "0");
	fake_root_write("/proc/70/cgroup", "0::/machine.slice/a\n");
	fake_root_write("/proc/71/cgroup", "0::/machine.slice/a\n");
	tree_limit(TREE_V2 "/machine.slice", false, EBB_GIB, 0, 0);
	list = tree_read(guests, EBB_ARRAY_SIZE(guests));
	assert_int_equal(list.trouble_count, 0);
	pool = tree_find(&list, "2 MiB pages");
	assert_int_equal(pool->limit_bytes, 110 * 2 * EBB_MIB);
	assert_int_equal(pool->available_bytes, (30 + 10) * 2 * EBB_MIB);
	assert_int_equal(pool->low_bytes, 0);
	assert_int_equal(pool->high_bytes, 0);
	assert_int_equal(pool->fast_swap_bytes, 0);
	assert_int_equal(pool->process_count, 1);
	assert_int_equal(tree_find(&list, "1 GiB pages")->limit_bytes,
			 2 * EBB_GIB);
	assert_false(tree_has(&list, "64 KiB pages"));
	/* Pages of a pool are no memory of the host's or of the cgroup's. */
	assert_int_equal(guests[0].part_count, 1);
	assert_true(tree_part(&list, &guests[0], "2 MiB pages") == 1);
	assert_int_equal(guests[1].part_count, 0);
	ebb_budget_list_free(&list);

	tree_mounts("30 24 0:26 / " TREE_V2
		    " rw - cgroup2 none rw,memory_hugetlb_accounting\n");
	list = tree_read(guests, 1);
	assert_true(tree_part(&list, &guests[0], "machine.slice") == 1);
	ebb_budget_list_free(&list);
}

static void test_pool_garbage(void **state)
{
	static const char *const pages[][3] = {
		/* pages, free, overcommit */
		{ "x", "1", "1" },
		{ "1", "", "1" },
		{ "1", "2", "0" },
		{ "18446744073709551615", "1", "0" },
		{ "1", "1", "18446744073709551615" },
		{ "1", "-1", "0" },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(pages); i++) {
		struct ebb_budget_list list;

		write_pool(POOLS "/hugepages-2048kB", pages[i][0], pages[i][1],
			   "0", "0", pages[i][2]);
		list = tree_read(NULL, 0);
		assert_false(tree_has(&list, "2 MiB pages"));
		assert_int_equal(list.trouble_count, 1);
		assert_non_null(strstr(list.troubles[0], "2 MiB pages"));
		ebb_budget_list_free(&list);
	}
}

/* ---- anything ---- */

/* Writes a file with some of its bytes replaced, or cut off. */
static void write_spoilt(unsigned int *seed, const char *path, const char *good)
{
	static const char bytes[] = "0123456789 -+:/.\n\tmaxkBN,=()\\\xff";
	char text[512];
	size_t length = strlen(strcpy(text, good));

	for (int i = rand_r(seed) % 8; i > 0; i--)
		text[(size_t)rand_r(seed) % length] =
			bytes[(size_t)rand_r(seed) % (sizeof(bytes) - 1)];
	if (rand_r(seed) % 4 == 0)
		text[(size_t)rand_r(seed) % length] = '\0';
	fake_root_write(path, text);
}

/* Whatever the files hold: what is a budget makes sense. */
static void test_spoilt_files(void **state)
{
	static const struct {
		const char *path, *good;
	} files[] = {
		{ "/proc/meminfo",
		  "MemTotal: 16777216 kB\n"
		  "MemAvailable: 4194304 kB\nHugetlb: 9 kB\n" },
		{ "/proc/swaps", SWAPS_HEAD "/dev/vda partition 1000 10 -2\n" },
		{ "/proc/self/mountinfo",
		  "30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n" },
		{ "/proc/70/cgroup", "3:memory:/a\n0::/machine.slice/web\n" },
		{ "/proc/70/status",
		  "Name: x\nMems_allowed_list:\t0-1\nx: 5\n" },
		{ "/proc/70/stat", "70 (a) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 "
				   "15 16 17 18 19 20 21\n" },
		{ "/proc/70/numa_maps", "7f00 bind:0 N0=5 N1=7\n"
					"7f00 default N0=5 N1=7\n" },
		{ "/proc/zoneinfo", "Node 0, zone Normal\n low 10\n high 20\n"
				    " managed 90\n protection: (0, 5)\n" },
		{ "/sys/devices/system/node/has_memory", "0-1\n" },
		{ "/sys/devices/system/node/node0/meminfo",
		  "Node 0 MemTotal: 100 kB\nNode 0 MemFree: 10 kB\n"
		  "Node 0 Active(file): 5 kB\nNode 0 Inactive(file): 5 kB\n"
		  "Node 0 KReclaimable: 5 kB\n" },
		{ POOLS "/hugepages-2048kB/nr_hugepages", "100\n" },
		{ POOLS "/hugepages-2048kB/free_hugepages", "50\n" },
		{ POOLS "/hugepages-2048kB/resv_hugepages", "5\n" },
		{ POOLS "/hugepages-2048kB/surplus_hugepages", "0\n" },
		{ POOLS "/hugepages-2048kB/nr_overcommit_hugepages", "7\n" },
		{ TREE_V2 "/machine.slice/memory.max", "1073741824\n" },
		{ TREE_V2 "/machine.slice/memory.high", "max\n" },
		{ TREE_V2 "/machine.slice/memory.current", "1073741\n" },
		{ TREE_V2 "/machine.slice/memory.stat",
		  "anon 5\ninactive_file 10\nactive_file 9\n" },
	};
	struct ebb_budget_reader *reader;
	uint32_t budgets = 0, troubles = 0;
	unsigned int seed = 1;

	(void)state;
	assert_int_equal(ebb_budget_reader_new(fake_root, &reader), 0);
	for (size_t i = 0; i < EBB_ARRAY_SIZE(files); i++)
		fake_root_write(files[i].path, files[i].good);
	for (int round = 0; round < 500; round++) {
		size_t i = (size_t)rand_r(&seed) % EBB_ARRAY_SIZE(files);
		struct ebb_budget_process guest = { .pid = 70 };
		struct ebb_budget_list list;

		write_spoilt(&seed, files[i].path, files[i].good);
		assert_int_equal(ebb_budget_read(reader, 0, &guest, 1, &list),
				 0);
		tree_look(reader, 0);
		for (uint32_t b = 0; b < list.count; b++) {
			const struct ebb_budget *budget = &list.budgets[b];

			assert_true(budget->limit_bytes > 0);
			assert_true(budget->available_bytes <=
				    budget->limit_bytes);
			assert_true(budget->low_bytes <= budget->high_bytes);
			assert_true(budget->high_bytes <= budget->limit_bytes);
		}
		assert_true(guest.part_count <= EBB_BUDGET_PARTS_MAX);
		for (uint32_t p = 0; p < guest.part_count; p++) {
			assert_true(guest.parts[p].budget < list.count);
			assert_true(guest.parts[p].part > 0 &&
				    guest.parts[p].part <= 1);
		}
		budgets += list.count;
		troubles += list.trouble_count;
		ebb_budget_list_free(&list);
		fake_root_write(files[i].path, files[i].good);
	}
	/* It met both. */
	assert_true(budgets > 500);
	assert_true(troubles > 5);
	ebb_budget_reader_free(reader);
}

/* ---- the machine ---- */

/* The host that this runs on. */
static void test_real_host(void **state)
{
	struct ebb_budget_process self = { .pid = getpid() };
	struct ebb_budget_reader *reader;
	struct ebb_budget_list list;

	(void)state;
	assert_int_equal(ebb_budget_reader_new("", &reader), 0);
	assert_int_equal(ebb_budget_read(reader, 0, &self, 1, &list), 0);
	assert_true(list.count >= 1);
	assert_int_equal(list.budgets[0].kind, EBB_BUDGET_HOST);
	assert_true(list.budgets[0].limit_bytes > 64 * EBB_MIB);
	assert_true(list.budgets[0].available_bytes > 0);
	assert_true(tree_part(&list, &self, "host") == 1);
	for (uint32_t i = 0; i < list.count; i++)
		assert_true(list.budgets[i].available_bytes <=
			    list.budgets[i].limit_bytes);
	for (uint32_t i = 0; i < list.trouble_count; i++)
		print_message("%s\n", list.troubles[i]);
	ebb_budget_list_free(&list);
	ebb_budget_reader_free(reader);
}

#define IN_TREE(test) \
	cmocka_unit_test_setup_teardown(test, tree_make, tree_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_patience),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_node_lists),
		IN_TREE(test_host),
		IN_TREE(test_swap_cache),
		IN_TREE(test_promised),
		IN_TREE(test_garbage_is_unknown),
		IN_TREE(test_trouble_is_told_once),
		IN_TREE(test_swap_speed),
		IN_TREE(test_swap_garbage),
		IN_TREE(test_pools),
		IN_TREE(test_pool_garbage),
		IN_TREE(test_spoilt_files),
		cmocka_unit_test(test_real_host),
	};

	return cmocka_run_group_tests(tests, NULL, tree_end);
}
