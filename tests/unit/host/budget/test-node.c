/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that is bound to NUMA nodes, by a tree of two nodes and one without memory. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/size.h"
#include "host/budget/bound.h"
#include "tests/unit/fake-root.h"
#include "tests/unit/host/budget/tree.h"

#define NODES "/sys/devices/system/node"

static _Atomic uint64_t later_ns; /* than it is */

uint64_t __real_ebb_now_ns(void);
uint64_t __wrap_ebb_now_ns(void);

uint64_t __wrap_ebb_now_ns(void)
{
	return __real_ebb_now_ns() + later_ns;
}

static void write_node(int node, const char *memory)
{
	tree_write(memory, NODES "/node%d/meminfo", node);
}

static void write_process(int pid, const char *allowed, const char *maps)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "Name:\tqemu\nMems_allowed:\t3\nMems_allowed_list:\t%s\n"
		 "voluntary_ctxt_switches:\t5\n",
		 allowed);
	tree_write(text, "/proc/%d/status", pid);
	snprintf(text, sizeof(text),
		 "%d (a (b) c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 "
		 "%d 20 21\n",
		 pid, 5000 + pid);
	tree_write(text, "/proc/%d/stat", pid);
	tree_write("0::/\n", "/proc/%d/cgroup", pid);
	if (maps)
		tree_write(maps, "/proc/%d/numa_maps", pid);
}

/* Node 2 has processors alone. */
static int make(void **state)
{
	if (tree_make(state) < 0)
		return -1;
	tree_write("0-1\n", NODES "/has_memory");
	tree_write("0-2\n", NODES "/online");
	write_node(0, "\nNode 0 MemTotal:       8388608 kB\n"
		      "Node 0 MemFree:        1048576 kB\n"
		      "Node 0 Active(file):    262144 kB\n"
		      "Node 0 Inactive(file):  262144 kB\n"
		      "Node 0 KReclaimable:      2000 kB\n"
		      "Node 0 SReclaimable:      1000 kB\n");
	write_node(1, "Node 1 MemTotal:       4194304 kB\n"
		      "Node 1 MemFree:         100000 kB\n"
		      "Node 1 Active(file):         0 kB\n"
		      "Node 1 Inactive(file):       0 kB\n"
		      "Node 1 SReclaimable:         0 kB\n");
	tree_write("Node 0, zone      DMA\n"
		   "  per-node stats\n"
		   "      nr_inactive_anon 5\n"
		   "  pages free     2000\n"
		   "        min      10\n"
		   "        low      20\n"
		   "        high     30\n"
		   "        managed  500\n"
		   "        protection: (0, 2000, 1000)\n"
		   "  pagesets\n"
		   "    cpu: 0\n"
		   "              high:  99999\n"
		   "Node 0, zone   Normal\n"
		   "  pages free     2000\n"
		   "        low      100\n"
		   "        high     200\n"
		   "        managed  2000000\n"
		   "        protection: (0, 0, 50)\n"
		   "Node 1, zone   Normal\n"
		   "        low      1000\n"
		   "        high     2000\n"
		   "        managed  1000000\n"
		   "        protection: (0, 0, 0)\n",
		   "/proc/zoneinfo");
	return 0;
}

/* By hand: si_mem_available() with the pages of the tree. */
static void test_available(void **state)
{
	struct ebb_budget_process guests[] = { { .pid = 70 }, { .pid = 71 } };
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	const struct ebb_budget *node;
	struct ebb_budget_list list;

	(void)state;
	write_process(70, "0", NULL);
	write_process(71, "1", NULL);
	list = tree_read(guests, EBB_ARRAY_SIZE(guests));
	assert_int_equal(list.trouble_count, 0);
	assert_int_equal(list.nodes_online, 2);
	node = tree_find(&list, "node 0");
	assert_int_equal(node->kind, EBB_BUDGET_NODE);
	assert_int_equal(node->limit_bytes, 8 * EBB_GIB);
	/* The reserve of its DMA zone is all that this has: 500 pages. */
	assert_int_equal(node->available_bytes,
			 EBB_GIB + (512 * EBB_MIB - 120 * page) +
				 (2000 * EBB_KIB - 120 * page) -
				 (500 + 250) * page);
	assert_int_equal(node->low_bytes, 512 * EBB_MIB);
	node = tree_find(&list, "node 1");
	assert_int_equal(node->available_bytes, 100000 * EBB_KIB - 2000 * page);
	/* A process that is allowed one node needs no look at its maps. */
	assert_true(guests[0].nodes_known && guests[1].nodes_known);
	assert_true(tree_part(&list, &guests[0], "node 0") == 1);
	assert_true(tree_part(&list, &guests[0], "node 1") == 0);
	assert_true(tree_part(&list, &guests[1], "node 1") == 1);
	ebb_budget_list_free(&list);
}

static void test_bound_by_mapping(void **state)
{
	struct ebb_budget_process guest = { .pid = 70 };
	struct ebb_budget_list list;

	(void)state;
	write_process(70, "0-1",
		      "55d0 default file=/usr/bin/qemu N2=4 mapped=90 N0=100\n"
		      "7f00 bind:1 file=/memfd:pc.ram\\040(deleted) N0=75 "
		      "N1=225 kernelpagesize_kB=4\n"
		      "7f10 bind:0-1 anon=9 N99=5 N0=x\n"
		      "garbage\n");
	list = tree_read(&guest, 1);
	assert_int_equal(list.trouble_count, 0);
	assert_true(guest.nodes_known);
	assert_true(tree_part(&list, &guest, "host") == 1);
	assert_true(tree_part(&list, &guest, "node 0") == 75.0 / 404);
	assert_true(tree_part(&list, &guest, "node 1") == 225.0 / 404);
	ebb_budget_list_free(&list);
}

static void test_not_bound(void **state)
{
	struct ebb_budget_process guest = { .pid = 70 };
	struct ebb_budget_list list;

	(void)state;
	/* The node without memory is no node to be bound to. */
	write_process(70, "0-2",
		      "7f00 default N0=75 N1=225\n"
		      "7f01 prefer:1 N1=225\n"
		      "7f02 interleave:0-1 N0=1\n");
	list = tree_read(&guest, 1);
	assert_true(guest.nodes_known);
	assert_int_equal(guest.part_count, 1);
	/* Nobody is bound: no node is a budget. */
	assert_int_equal(list.count, 1);
	ebb_budget_list_free(&list);
	/* A process whose maps cannot be read is not known to be free. */
	guest.pid = 71;
	write_process(71, "0-2", NULL);
	list = tree_read(&guest, 1);
	assert_false(guest.nodes_known);
	assert_int_equal(list.trouble_count, 1);
	ebb_budget_list_free(&list);
}

/* Another process with the same id is not taken for the one before. */
static void test_process_id_comes_again(void **state)
{
	struct ebb_budget_process guest = { .pid = 70 };
	struct ebb_budget_reader *reader;
	struct ebb_budget_list list;

	(void)state;
	assert_int_equal(ebb_budget_reader_new(fake_root, &reader), 0);
	write_process(70, "0-1", "7f00 bind:1 N1=225\n");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ebb_budget_read(reader, 0, &guest, 1, &list),
				 0);
		/* Of a process that was never looked at, nothing is known. */
		assert_int_equal(guest.nodes_known, i == 1);
		assert_int_equal(tree_look(reader, 0), i != 1);
		ebb_budget_list_free(&list);
		assert_int_equal(ebb_budget_read(reader, 0, &guest, 1, &list),
				 0);
		assert_true(tree_part(&list, &guest,
				      i < 2 ? "node 1" : "node 0") == 1);
		ebb_budget_list_free(&list);
		/* The maps are not read again, until another has the id. */
		tree_write("7f00 bind:0 N0=5\n", "/proc/70/numa_maps");
		if (i == 1)
			tree_write("70 (b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 "
				   "15 16 17 18 9999 20\n",
				   "/proc/70/stat");
	}
	ebb_budget_reader_free(reader);
}

/* ---- a process whose memory map is locked ---- */

static void read_once(struct ebb_budget_reader *reader,
		      struct ebb_budget_process *guests, uint32_t count,
		      uint32_t *ret_troubles)
{
	struct ebb_budget_list list;

	assert_int_equal(ebb_budget_read(reader, 0, guests, count, &list), 0);
	assert_string_equal(list.budgets[0].name, "host");
	*ret_troubles = list.trouble_count;
	ebb_budget_list_free(&list);
}

/* numa_maps of such a process are a file whose opening never ends. */
static void test_map_that_is_locked(void **state)
{
	struct ebb_budget_process guests[] = {
		{ .pid = 70 }, { .pid = 71 }, { .pid = 72 }, { .pid = 73 }
	};
	const uint32_t count = EBB_ARRAY_SIZE(guests);
	struct ebb_budget_reader *reader;
	uint32_t troubles;
	char path[512];
	int fd;

	(void)state;
	for (int pid = 70; pid <= 73; pid++)
		write_process(pid, "0-1",
			      pid == 70 ? NULL : "7f00 bind:1 N1=225\n");
	snprintf(path, sizeof(path), "%s/proc/70/numa_maps", fake_root);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(ebb_budget_reader_new(fake_root, &reader), 0);
	read_once(reader, guests, count, &troubles);
	assert_int_equal(troubles, 0);
	/* Bounded, and the others are looked at beside it. */
	assert_int_equal(tree_look(reader, 1), EBB_BOUND_LOOKS_MAX);
	read_once(reader, guests, count, &troubles);
	assert_int_equal(troubles, 0);
	assert_false(guests[0].nodes_known);
	for (uint32_t i = 1; i < count; i++)
		assert_true(guests[i].nodes_known);
	/* It is told, once. */
	later_ns += EBB_BOUND_HANGS_S * EBB_NS_PER_S;
	read_once(reader, guests, count, &troubles);
	assert_int_equal(troubles, 1);
	read_once(reader, guests, count, &troubles);
	assert_int_equal(troubles, 0);
	/* It is not looked at a second time, the others are. */
	later_ns += EBB_BOUND_AGE_S * EBB_NS_PER_S;
	assert_int_equal(tree_look(reader, 1), 1 + EBB_BOUND_LOOKS_MAX);
	assert_int_equal(tree_look(reader, 1), 1);
	/* The lock is given up. */
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "7f00 bind:0 N0=5\n", 17), 17);
	close(fd);
	tree_look(reader, 0);
	read_once(reader, guests, count, &troubles);
	assert_true(guests[0].nodes_known);
	assert_int_equal(unlink(path), 0);
	ebb_budget_reader_free(reader);
}

static void test_pool_of_node(void **state)
{
	static const char *const counters[] = {
		"nr_hugepages", "free_hugepages", "resv_hugepages",
		"surplus_hugepages", "nr_overcommit_hugepages"
	};
	struct ebb_budget_process guest = { .pid = 70,
					    .huge_page_bytes = 2 * EBB_MIB };
	static const char *const values[] = { "1000", "500", "420", "0", "0" };
	struct ebb_budget_list list;

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(counters); i++)
		tree_write(values[i],
			   "/sys/kernel/mm/hugepages/hugepages-2048kB/%s",
			   counters[i]);
	tree_write("600",
		   NODES "/node1/hugepages/hugepages-2048kB/nr_hugepages");
	tree_write("300",
		   NODES "/node1/hugepages/hugepages-2048kB/free_hugepages");
	write_process(70, "1", NULL);
	list = tree_read(&guest, 1);
	assert_int_equal(list.trouble_count, 0);
	assert_int_equal(tree_find(&list, "2 MiB pages of node 1")->limit_bytes,
			 600 * 2 * EBB_MIB);
	/* What is reserved may be on this node. */
	assert_int_equal(
		tree_find(&list, "2 MiB pages of node 1")->available_bytes,
		80 * 2 * EBB_MIB);
	assert_int_equal(guest.part_count, 2);
	assert_true(tree_part(&list, &guest, "2 MiB pages") == 1);
	assert_true(tree_part(&list, &guest, "2 MiB pages of node 1") == 1);
	ebb_budget_list_free(&list);

	/* A node's own memory is without its pools. */
	guest.huge_page_bytes = 0;
	list = tree_read(&guest, 1);
	assert_int_equal(tree_find(&list, "node 1")->limit_bytes,
			 4 * EBB_GIB - 600 * 2 * EBB_MIB);
	ebb_budget_list_free(&list);
}

static void test_garbage_is_unknown(void **state)
{
	static const struct {
		const char *path, *text;
	} cases[] = {
		{ NODES "/has_memory", "0-" },
		{ NODES "/has_memory", "0-99" },
		{ NODES "/has_memory", "" },
		{ NODES "/node1/meminfo", "" },
		{ NODES "/node1/meminfo", "Node 1 MemTotal: 5 kB\n" },
		{ "/proc/zoneinfo", "" },
		{ "/proc/zoneinfo", "Node 77, zone Normal\n high 5\n" },
		{ "/proc/70/status", "" },
		{ "/proc/70/status", "Name: x\nMems_allowed_list:\t1-0\n" },
	};

	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		struct ebb_budget_process guest = { .pid = 70 };
		struct ebb_budget_list list;

		write_process(70, "1", NULL);
		tree_write(cases[i].text, "%s", cases[i].path);
		list = tree_read(&guest, 1);
		assert_false(tree_has(&list, "node 1"));
		assert_int_equal(guest.part_count, 1);
		assert_int_equal(list.trouble_count, 1);
		ebb_budget_list_free(&list);
		tree_remove(state);
		make(state);
	}
}

/* Copies a file of this machine into the tree. */
static void copy(const char *from, const char *to)
{
	static char text[1 << 20];
	FILE *file = fopen(from, "r");
	size_t bytes;

	assert_non_null(file);
	bytes = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[bytes] = '\0';
	fake_root_write(to, text);
}

/*
 * The kernel's own figure for all nodes, if all that it counts is on one: the
 * counters of a node have the same names.
 */
static void test_as_kernel_counts(void **state)
{
	struct ebb_budget_process guest = { .pid = 70 };
	struct ebb_budget_list list;
	uint64_t node, host;

	(void)state;
	if (access("/sys/devices/system/node/node1", F_OK) == 0)
		skip();
	copy("/proc/meminfo", "/proc/meminfo");
	copy("/proc/zoneinfo", "/proc/zoneinfo");
	copy("/proc/meminfo", NODES "/node0/meminfo");
	write_process(70, "0", NULL);
	list = tree_read(&guest, 1);
	node = tree_find(&list, "node 0")->available_bytes;
	host = tree_find(&list, "host")->available_bytes;
	ebb_budget_list_free(&list);
	assert_in_range(node, host - host / 100, host + host / 100);
}

#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, make, tree_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_TREE(test_available),
		IN_TREE(test_bound_by_mapping),
		IN_TREE(test_not_bound),
		IN_TREE(test_process_id_comes_again),
		IN_TREE(test_map_that_is_locked),
		IN_TREE(test_pool_of_node),
		IN_TREE(test_garbage_is_unknown),
		IN_TREE(test_as_kernel_counts),
	};

	return cmocka_run_group_tests(tests, NULL, tree_end);
}
