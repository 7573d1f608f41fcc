/* SPDX-License-Identifier: GPL-2.0-only */
/* The limits that hold for guests, in each layout of cgroups that hosts have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/size.h"
#include "host/budget/cgroup.h"
#include "tests/unit/fake-root.h"
#include "tests/unit/host/budget/tree.h"

static uint64_t later_ns;

/* As ld's --wrap names them: the clock, and the machine's. */
uint64_t __wrap_ebb_now_ns(void);
uint64_t __real_ebb_now_ns(void);

uint64_t __wrap_ebb_now_ns(void)
{
	return __real_ebb_now_ns() + later_ns;
}

#define SCOPE "/machine.slice/machine-qemu\\x2d1\\x2dweb1.scope"
#define V1_NO_LIMIT 0x7ffffffffffff000ULL

static const char v1_mounts[] =
	"31 24 0:28 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,memoryless\n"
	"34 24 0:31 / " TREE_V1 " rw - cgroup cgroup rw,memory\n";

static struct ebb_budget_list read_one(struct ebb_budget_process *guest,
				       const char *cgroup)
{
	fake_root_write("/proc/70/cgroup", cgroup);
	*guest = (struct ebb_budget_process){ .pid = 70 };
	return tree_read(guest, 1);
}

static void test_v2(void **state)
{
	struct ebb_budget_process guest;
	const struct ebb_budget *slice;
	struct ebb_budget_list list;

	(void)state;
	tree_limit(TREE_V2 "/machine.slice", false, 2 * EBB_GIB, 1500 * EBB_MIB,
		   500 * EBB_MIB);
	list = read_one(&guest, "0::" SCOPE "/libvirt/emulator\n");
	assert_int_equal(list.trouble_count, 0);
	assert_int_equal(list.count, 2);
	slice = tree_find(&list, "machine.slice");
	assert_int_equal(slice->kind, EBB_BUDGET_CGROUP);
	assert_int_equal(slice->limit_bytes, 2 * EBB_GIB);
	assert_int_equal(slice->available_bytes, 1048 * EBB_MIB);
	assert_int_equal(slice->low_bytes, 128 * EBB_MIB);
	assert_int_equal(slice->process_count, 1);
	assert_non_null(strstr(slice->dir, TREE_V2 "/machine.slice"));
	assert_int_equal(guest.part_count, 2);
	assert_true(tree_part(&list, &guest, "host") == 1);
	assert_true(tree_part(&list, &guest, "machine.slice") == 1);
	ebb_budget_list_free(&list);

	/* The lower of both limits holds. */
	tree_write("1073741824\n", TREE_V2 "/machine.slice/memory.high");
	list = read_one(&guest, "0::" SCOPE "\n");
	slice = tree_find(&list, "machine.slice");
	assert_int_equal(slice->limit_bytes, EBB_GIB);
	assert_int_equal(slice->available_bytes, 24 * EBB_MIB);
	ebb_budget_list_free(&list);
	tree_write("max\n", TREE_V2 "/machine.slice/memory.max");
	list = read_one(&guest, "0::" SCOPE "\n");
	assert_int_equal(tree_find(&list, "machine.slice")->limit_bytes,
			 EBB_GIB);
	ebb_budget_list_free(&list);
	tree_write("max\n", TREE_V2 "/machine.slice/memory.high");
	list = read_one(&guest, "0::" SCOPE "\n");
	assert_int_equal(list.count, 1);
	ebb_budget_list_free(&list);
}

static void test_v1(void **state)
{
	struct ebb_budget_process guest;
	const struct ebb_budget *slice;
	struct ebb_budget_list list;

	(void)state;
	tree_mounts(v1_mounts);
	fake_root_write("/proc/self/cgroup", "4:memory:/\n1:cpu:/\n");
	tree_limit(TREE_V1, true, V1_NO_LIMIT, 5, 5);
	tree_limit(TREE_V1 "/machine.slice", true, 4 * EBB_GIB, 3 * EBB_GIB,
		   EBB_GIB);
	list = read_one(&guest, "9:name=systemd:/x\n1:cpu:/y\n"
				"4:blkio,memory:" SCOPE "\n");
	assert_int_equal(list.trouble_count, 0);
	assert_int_equal(list.count, 2);
	slice = tree_find(&list, "machine.slice");
	assert_int_equal(slice->limit_bytes, 4 * EBB_GIB);
	assert_int_equal(slice->available_bytes, 2 * EBB_GIB);
	assert_true(tree_part(&list, &guest, "machine.slice") == 1);
	ebb_budget_list_free(&list);
}

/* Version 2 is mounted beside, for systemd alone: the memory controller counts. */
static void test_hybrid(void **state)
{
	static const char unified[] =
		"33 24 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
	struct ebb_budget_process guest;
	struct ebb_budget_list list;
	char mounts[1024];

	(void)state;
	tree_limit("/sys/fs/cgroup/unified/machine.slice", false, EBB_GIB, 0,
		   0);
	tree_limit(TREE_V1 "/machine.slice", true, 4 * EBB_GIB, EBB_GIB, 0);
	for (int i = 0; i < 2; i++) {
		snprintf(mounts, sizeof(mounts), "%s%s",
			 i ? unified : v1_mounts, i ? v1_mounts : unified);
		tree_mounts(mounts);
		list = read_one(&guest,
				"4:memory:" SCOPE "\n0::/machine.slice\n");
		assert_int_equal(tree_find(&list, "machine.slice")->limit_bytes,
				 4 * EBB_GIB);
		ebb_budget_list_free(&list);
	}
	/* And if version 2 has it, although others are of version 1. */
	snprintf(mounts, sizeof(mounts), "%s%s",
		 "31 24 0:28 / /sys/fs/cgroup/cpu rw - cgroup c rw,cpu\n",
		 unified);
	tree_mounts(mounts);
	list = read_one(&guest, "1:cpu:/\n0::/machine.slice\n");
	assert_int_equal(tree_find(&list, "machine.slice")->limit_bytes,
			 EBB_GIB);
	ebb_budget_list_free(&list);
}

static void test_nested(void **state)
{
	struct ebb_budget_process guests[2] = { { .pid = 70 }, { .pid = 71 } };
	struct ebb_budget_list list;

	(void)state;
	fake_root_write("/proc/70/cgroup", "0::/a.slice/a-b.slice/web\n");
	fake_root_write("/proc/71/cgroup", "0::/a.slice/db\n");
	fake_root_write("/proc/self/cgroup", "0::/own.slice/ebbd.service\n");
	tree_limit(TREE_V2 "/a.slice", false, 8 * EBB_GIB, 0, 0);
	tree_limit(TREE_V2 "/a.slice/a-b.slice", false, 4 * EBB_GIB, 0, 0);
	tree_limit(TREE_V2 "/a.slice/a-b.slice/web", false, EBB_GIB, 0, 0);
	tree_limit(TREE_V2 "/own.slice", false, 2 * EBB_GIB, 0, 0);
	list = tree_read(guests, EBB_ARRAY_SIZE(guests));
	assert_int_equal(list.count, 5);
	assert_int_equal(tree_find(&list, "a.slice")->process_count, 2);
	assert_int_equal(tree_find(&list, "a.slice/a-b.slice")->process_count,
			 1);
	/* ebbd's own: no guest lies in it. */
	assert_int_equal(tree_find(&list, "own.slice")->process_count, 0);
	assert_int_equal(guests[0].part_count, 4);
	assert_true(tree_part(&list, &guests[0], "a.slice/a-b.slice/web") == 1);
	assert_int_equal(guests[1].part_count, 2);
	assert_true(tree_part(&list, &guests[1], "a.slice") == 1);
	ebb_budget_list_free(&list);
}

/*
 * /proc/meminfo is the host's and shows nothing of it (dockur/windows#1688). The
 * container has the limit in what is mounted there: with a cgroup namespace as "/",
 * without one by the path that it has on its host.
 */
static void test_container(void **state)
{
	static const struct {
		const char *mounts, *own, *guest;
		bool v1;
	} cases[] = {
		{ "30 24 0:26 / " TREE_V2 " ro - cgroup2 cgroup rw\n", "0::/\n",
		  "0::/\n", false },
		{ "30 24 0:26 / " TREE_V2 " ro - cgroup2 cgroup rw\n", "0::/\n",
		  "0::/machine/web\n", false },
		{ "30 24 0:26 /docker/5f3a " TREE_V1
		  " ro - cgroup cgroup rw,memory\n",
		  "4:memory:/docker/5f3a\n", "4:memory:/docker/5f3a/machine\n",
		  true },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		struct ebb_budget_process guest;
		const struct ebb_budget *container;
		struct ebb_budget_list list;

		tree_mounts(cases[i].mounts);
		fake_root_write("/proc/self/cgroup", cases[i].own);
		tree_limit(cases[i].v1 ? TREE_V1 : TREE_V2, cases[i].v1,
			   4 * EBB_GIB, EBB_GIB, EBB_GIB);
		list = read_one(&guest, cases[i].guest);
		assert_int_equal(list.trouble_count, 0);
		assert_int_equal(tree_find(&list, "host")->available_bytes,
				 4 * EBB_GIB);
		container = tree_find(&list, "this container");
		assert_int_equal(container->limit_bytes, 4 * EBB_GIB);
		assert_int_equal(container->available_bytes, 4 * EBB_GIB);
		assert_true(tree_part(&list, &guest, "this container") == 1);
		ebb_budget_list_free(&list);
	}
}

/* ebbd in a container sees guests of the host: their limits it cannot see. */
static void test_out_of_sight(void **state)
{
	static const char *const cgroups[] = {
		"0::/../../machine.slice/web\n",
		"0::/..\n",
		"3:cpu:/\n",
		"",
		"garbage",
	};

	(void)state;
	tree_limit(TREE_V2, false, 4 * EBB_GIB, EBB_GIB, 0);
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cgroups); i++) {
		struct ebb_budget_process guest;
		struct ebb_budget_list list = read_one(&guest, cgroups[i]);

		assert_false(guest.cgroups_known);
		assert_int_equal(guest.part_count, 1);
		assert_int_equal(list.trouble_count, 1);
		ebb_budget_list_free(&list);
	}
	/* A container beside ours whose name begins as ours does. */
	tree_mounts("30 24 0:26 /lxc/a " TREE_V2 " ro - cgroup2 cgroup rw\n");
	for (int i = 0; i < 2; i++) {
		struct ebb_budget_process guest;
		struct ebb_budget_list list = read_one(
			&guest, i ? "0::/lxc/a/web\n" : "0::/lxc/ab/web\n");

		assert_int_equal(guest.cgroups_known, i);
		ebb_budget_list_free(&list);
	}
}

static void test_garbage_is_unknown(void **state)
{
	static const struct {
		const char *max, *high, *current, *stat;
	} cases[] = {
		{ "", "max", "5", "inactive_file 0\nactive_file 0\n" },
		{ "-1", "max", "5", "inactive_file 0\nactive_file 0\n" },
		{ "1073741824", "maxi", "5",
		  "inactive_file 0\nactive_file 0\n" },
		{ "1073741824", "max", "", "inactive_file 0\nactive_file 0\n" },
		{ "1073741824", "max", "max",
		  "inactive_file 0\nactive_file 0\n" },
		{ "1073741824", "max", "5", "" },
		{ "1073741824", "max", "5",
		  "total_inactive_file 0\ntotal_active_file 0\n" },
		{ "1073741824", "max", "5",
		  "inactive_file x\nactive_file 0\n" },
		{ "99999999999999999999", "max", "5",
		  "inactive_file 0\nactive_file 0\n" },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		struct ebb_budget_process guest;
		struct ebb_budget_list list;

		tree_write(cases[i].max, TREE_V2 "/machine.slice/memory.max");
		tree_write(cases[i].high, TREE_V2 "/machine.slice/memory.high");
		tree_write(cases[i].current,
			   TREE_V2 "/machine.slice/memory.current");
		tree_write(cases[i].stat, TREE_V2 "/machine.slice/memory.stat");
		list = read_one(&guest, "0::/machine.slice/web\n");
		assert_int_equal(list.count, 1);
		assert_int_equal(guest.part_count, 1);
		/* Once, though it is met twice. */
		assert_int_equal(list.trouble_count, 1);
		assert_non_null(strstr(list.troubles[0], "/machine.slice"));
		ebb_budget_list_free(&list);
	}
}

/* A disk with cache=writeback has filled both. */
static void test_active_page_cache(void **state)
{
	struct ebb_budget_process guest;
	struct ebb_budget_list list;

	(void)state;
	tree_limit(TREE_V2 "/machine.slice", false, 2 * EBB_GIB, 2 * EBB_GIB,
		   0);
	tree_write("anon 5\ninactive_file 104857600\n"
		   "active_file 1048576000\n",
		   TREE_V2 "/machine.slice/memory.stat");
	list = read_one(&guest, "0::/machine.slice/web\n");
	assert_int_equal(tree_find(&list, "machine.slice")->available_bytes,
			 600 * EBB_MIB);
	ebb_budget_list_free(&list);
}

/* A limit a little above its guests, and what they have of their memory. */
static void test_marks_by_growth(void **state)
{
	static const struct {
		uint64_t limit, usage;
		bool unknown;
		uint64_t resident, growth, low, high;
	} cases[] = {
		/* All of 8 GiB; QEMU has 230 MiB. */
		{ 8704, 8422, false, 8192, 0, 64, 96 },
		{ 8704, 8422, true, 0, 0, 512, 768 },
		/* It gave a little, then half. */
		{ 8704, 8222, false, 7992, 200, 264, 296 },
		{ 8704, 4326, false, 4096, 4096, 512, 768 },
		/* Other programs have 4 GiB, and may want more. */
		{ 12800, 12288, false, 8192, 0, 512, 768 },
		{ 640, 530, false, 512, 0, 10, 15 },
		/* More than is charged to it. */
		{ 8704, 4326, false, 8192, 0, 64, 96 },
	};

	(void)state;
	fake_root_write("/proc/70/cgroup", "0::/machine.slice/web\n");
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		struct ebb_budget_process guest = {
			.pid = 70,
			.memory_known = !cases[i].unknown,
			.resident_bytes = cases[i].resident * EBB_MIB,
			.growth_bytes = cases[i].growth * EBB_MIB,
		};
		const struct ebb_budget *slice;
		struct ebb_budget_list list;

		tree_limit(TREE_V2 "/machine.slice", false,
			   cases[i].limit * EBB_MIB, cases[i].usage * EBB_MIB,
			   0);
		list = tree_read(&guest, 1);
		slice = tree_find(&list, "machine.slice");
		assert_int_equal(slice->low_bytes / EBB_MIB, cases[i].low);
		assert_int_equal(slice->high_bytes / EBB_MIB, cases[i].high);
		ebb_budget_list_free(&list);
	}
}

/* Counters that do not fit each other are no reason for a number that wraps. */
static void test_odd_numbers(void **state)
{
	static const struct {
		uint64_t usage, inactive, available;
	} cases[] = {
		{ 2 * EBB_GIB, 0, 0 },
		{ 0, EBB_GIB, EBB_GIB },
		{ UINT64_MAX - 1, UINT64_MAX, EBB_GIB },
		{ UINT64_MAX - 1, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		struct ebb_budget_process guest;
		struct ebb_budget_list list;

		tree_limit(TREE_V2 "/machine.slice", false, EBB_GIB,
			   cases[i].usage, cases[i].inactive);
		list = read_one(&guest, "0::/machine.slice/web\n");
		assert_int_equal(
			tree_find(&list, "machine.slice")->available_bytes,
			cases[i].available);
		ebb_budget_list_free(&list);
	}
}

/* No more of the host's fast swap than the cgroup may fill. */
static void test_swap_of_cgroup(void **state)
{
	struct ebb_budget_process guest;
	struct ebb_budget_list list;

	(void)state;
	fake_root_write("/proc/swaps", "Filename Type Size Used Priority\n"
				       "/dev/vda partition 4194304 0 -2\n");
	fake_root_write("/sys/class/block/vda/queue/rotational", "0\n");
	tree_limit(TREE_V2 "/machine.slice", false, 8 * EBB_GIB, 0, 0);
	tree_limit(TREE_V2 "/machine.slice/web", false, 4 * EBB_GIB, 0, 0);
	for (int i = 0; i < 2; i++) {
		uint64_t room = i ? EBB_GIB : 4 * EBB_GIB;

		list = read_one(&guest, "0::/machine.slice/web\n");
		assert_int_equal(tree_find(&list, "host")->fast_swap_bytes,
				 4 * EBB_GIB);
		assert_int_equal(
			tree_find(&list, "machine.slice")->fast_swap_bytes,
			room);
		assert_int_equal(
			tree_find(&list, "machine.slice/web")->fast_swap_bytes,
			room);
		ebb_budget_list_free(&list);
		tree_write("3221225472\n",
			   TREE_V2 "/machine.slice/memory.swap.max");
		tree_write("2147483648\n",
			   TREE_V2 "/machine.slice/memory.swap.current");
	}
	tree_mounts(v1_mounts);
	tree_limit(TREE_V1 "/machine.slice", true, 8 * EBB_GIB, EBB_GIB, 0);
	tree_write("10737418240\n",
		   TREE_V1 "/machine.slice/memory.memsw.limit_in_bytes");
	tree_write("2147483648\n",
		   TREE_V1 "/machine.slice/memory.memsw.usage_in_bytes");
	list = read_one(&guest, "4:memory:/machine.slice\n");
	assert_int_equal(tree_find(&list, "machine.slice")->fast_swap_bytes,
			 EBB_GIB);
	ebb_budget_list_free(&list);
}

static void test_no_cgroups(void **state)
{
	struct ebb_budget_process guest;
	struct ebb_budget_list list;

	(void)state;
	tree_mounts("");
	list = read_one(&guest, "0::/machine.slice/web\n");
	assert_int_equal(list.count, 1);
	assert_false(guest.cgroups_known);
	assert_int_equal(list.trouble_count, 1);
	ebb_budget_list_free(&list);
}

static void test_process_ended(void **state)
{
	struct ebb_budget_process guest = { .pid = 71 };
	struct ebb_budget_list list = tree_read(&guest, 1);

	(void)state;
	assert_false(guest.cgroups_known);
	assert_int_equal(list.trouble_count, 0);
	ebb_budget_list_free(&list);
}

/* As many as guests on a large host, each in a cgroup with a limit of its own. */
static void test_many(void **state)
{
	enum {
		GUESTS = 400
	};
	struct ebb_budget_process *guests = calloc(GUESTS, sizeof(*guests));
	struct ebb_budget_list list;
	char text[128], name[64];

	(void)state;
	assert_non_null(guests);
	for (int i = 0; i < GUESTS; i++) {
		guests[i].pid = 1000 + i;
		snprintf(text, sizeof(text), "0::/machine.slice/vm%d\n", i);
		tree_write(text, "/proc/%d/cgroup", 1000 + i);
		snprintf(text, sizeof(text), TREE_V2 "/machine.slice/vm%d", i);
		tree_limit(text, false, EBB_GIB + (unsigned int)i, 0, 0);
	}
	list = tree_read(guests, GUESTS);
	assert_int_equal(list.count, GUESTS + 1);
	assert_int_equal(list.left_out, 0);
	for (int i = 0; i < GUESTS; i++) {
		snprintf(name, sizeof(name), "machine.slice/vm%d", i);
		assert_true(tree_part(&list, &guests[i], name) == 1);
		assert_int_equal(guests[i].part_count, 2);
	}
	ebb_budget_list_free(&list);
	free(guests);
}

/* More levels with a limit than a process has parts: the nearest count. */
static void test_deep(void **state)
{
	struct ebb_budget_process guest;
	struct ebb_budget_list list;
	char dir[256] = TREE_V2, text[256] = "0::";

	(void)state;
	for (int i = 0; i < 12; i++) {
		strcat(dir, "/s");
		strcat(text, "/s");
		tree_limit(dir, false, EBB_GIB, 0, 0);
	}
	list = read_one(&guest, strcat(text, "\n"));
	assert_int_equal(guest.part_count, EBB_BUDGET_PARTS_MAX);
	assert_int_equal(guest.parts_left_out, 12 + 1 - EBB_BUDGET_PARTS_MAX);
	assert_true(tree_part(&list, &guest, "s/s/s/s/s/s/s/s/s/s/s/s") == 1);
	ebb_budget_list_free(&list);
}

static bool sees(struct ebb_budget_reader *reader,
		 struct ebb_budget_process *guest, const char *name)
{
	struct ebb_budget_list list;
	bool found;

	assert_int_equal(ebb_budget_read(reader, 0, guest, 1, &list), 0);
	assert_int_equal(list.trouble_count, 0);
	found = tree_has(&list, name);
	assert_true(tree_part(&list, guest, name) == found);
	ebb_budget_list_free(&list);
	return found;
}

/* What is kept from read to read, and what is seen at once. */
static void test_kept(void **state)
{
	struct ebb_budget_process guest = { .pid = 70 }, other = { .pid = 71 };
	struct ebb_budget_reader *reader;

	(void)state;
	fake_root_write("/proc/70/cgroup", "0::/machine.slice/web\n");
	fake_root_write("/proc/71/cgroup", "0::/machine.slice/web\n");
	assert_int_equal(ebb_budget_reader_new(fake_root, &reader), 0);
	assert_false(sees(reader, &guest, "machine.slice"));

	tree_limit(TREE_V2 "/machine.slice", false, 2 * EBB_GIB, 0, 0);
	tree_limit(TREE_V2 "/machine.slice/web", false, EBB_GIB, 0, 0);
	assert_true(sees(reader, &guest, "machine.slice"));
	assert_false(sees(reader, &guest, "machine.slice/web"));
	/* A process that comes is not what was there before. */
	assert_true(sees(reader, &other, "machine.slice/web"));
	assert_true(sees(reader, &other, "machine.slice/web"));

	/* It is moved, and its limit is lifted. */
	fake_root_write("/proc/71/cgroup", "0::/machine.slice/db\n");
	tree_limit(TREE_V2 "/machine.slice/db", false, EBB_GIB, 0, 0);
	tree_write("max\n", TREE_V2 "/machine.slice/web/memory.max");
	assert_false(sees(reader, &other, "machine.slice/web"));
	assert_false(sees(reader, &other, "machine.slice/db"));
	later_ns = 2 * EBB_CGROUP_AGE_S * EBB_NS_PER_S;
	assert_true(sees(reader, &other, "machine.slice/db"));
	later_ns = 0;

	/* Another hierarchy: nothing of the first is taken for it. */
	tree_mounts(v1_mounts);
	fake_root_write("/proc/71/cgroup", "4:memory:/machine.slice/db\n");
	tree_limit(TREE_V1 "/machine.slice/db", true, 3 * EBB_GIB, 0, 0);
	assert_true(sees(reader, &other, "machine.slice/db"));
	ebb_budget_reader_free(reader);
}

#define IN_TREE(test) \
	cmocka_unit_test_setup_teardown(test, tree_make, tree_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_TREE(test_v2),
		IN_TREE(test_v1),
		IN_TREE(test_hybrid),
		IN_TREE(test_nested),
		IN_TREE(test_container),
		IN_TREE(test_out_of_sight),
		IN_TREE(test_garbage_is_unknown),
		IN_TREE(test_active_page_cache),
		IN_TREE(test_marks_by_growth),
		IN_TREE(test_odd_numbers),
		IN_TREE(test_swap_of_cgroup),
		IN_TREE(test_no_cgroups),
		IN_TREE(test_process_ended),
		IN_TREE(test_many),
		IN_TREE(test_deep),
		IN_TREE(test_kept),
	};

	return cmocka_run_group_tests(tests, NULL, tree_end);
}
