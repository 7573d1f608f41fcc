/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/host/budget/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "host/base/loop.h"
#include "host/base/worker.h"
#include "tests/unit/fake-root.h"

#define MOUNTS                                    \
	"22 1 0:4 / /proc rw - proc proc rw\n"    \
	"23 1 254:1 / / rw - ext4 /dev/vda1 rw\n" \
	"garbage\n"                               \
	"24 23 0:22 / /sys rw shared:1 - sysfs sysfs rw\n"

int tree_make(void **state)
{
	if (fake_root_make(state) < 0)
		return -1;
	fake_root_write("/proc/meminfo", "MemTotal:       16777216 kB\n"
					 "MemFree:          100000 kB\n"
					 "MemAvailable:    4194304 kB\n"
					 "Hugetlb:               0 kB\n");
	fake_root_write("/proc/self/cgroup", "0::/\n");
	tree_mounts("30 24 0:26 / " TREE_V2
		    " rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n");
	return 0;
}

int tree_remove(void **state)
{
	return fake_root_remove(state);
}

void tree_mounts(const char *lines)
{
	char text[4096];

	assert_true((size_t)snprintf(text, sizeof(text), MOUNTS "%s", lines) <
		    sizeof(text));
	fake_root_write("/proc/self/mountinfo", text);
}

void tree_write(const char *text, const char *format, ...)
{
	char path[512];
	va_list args;

	va_start(args, format);
	assert_true((size_t)vsnprintf(path, sizeof(path), format, args) <
		    sizeof(path));
	va_end(args);
	fake_root_write(path, text);
}

static void write_number(unsigned long long number, const char *dir,
			 const char *name)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu\n", number);
	tree_write(text, "%s/%s", dir, name);
}

void tree_limit(const char *dir, bool v1, unsigned long long limit,
		unsigned long long usage, unsigned long long inactive)
{
	char text[256];

	write_number(limit, dir, v1 ? "memory.limit_in_bytes" : "memory.max");
	write_number(usage, dir,
		     v1 ? "memory.usage_in_bytes" : "memory.current");
	if (!v1)
		tree_write("max\n", "%s/memory.high", dir);
	/* Version 1 has first what is the cgroup's alone. */
	snprintf(text, sizeof(text),
		 v1 ? "cache 5\ninactive_file 1\nactive_file 1000000000\n"
		      "total_inactive_file %llu\ntotal_active_file 0\n"
		    : "anon 5\ninactive_file %llu\nactive_file 0\n",
		 inactive);
	tree_write(text, "%s/memory.stat", dir);
}

static void on_too_late(int timer, void *opaque)
{
	(void)timer;
	(void)opaque;
	fail_msg("the looks do not end");
}

static struct ebb_workers *workers;

int tree_end(void **state)
{
	(void)state;
	ebb_workers_free(workers);
	return 0;
}

uint32_t tree_look(struct ebb_budget_reader *reader, uint32_t left)
{
	uint32_t count;
	int timer;

	if (!workers) {
		assert_int_equal(ebb_loop_init(), 0);
		assert_int_equal(
			ebb_workers_new(EBB_WORKERS_MIN + 2, 1, &workers), 0);
	}
	ebb_budget_look_at_nodes(reader, workers);
	count = ebb_workers_count(workers);
	timer = ebb_loop_timer(100 * 1000, on_too_late, NULL);
	while (ebb_workers_count(workers) > left)
		assert_int_equal(ebb_loop_turn(), 0);
	ebb_loop_timer_remove(timer);
	return count;
}

struct ebb_budget_list tree_read(struct ebb_budget_process *processes,
				 uint32_t count)
{
	struct ebb_budget_reader *reader;
	struct ebb_budget_list list;

	assert_int_equal(ebb_budget_reader_new(fake_root, &reader), 0);
	assert_int_equal(ebb_budget_read(reader, 0, processes, count, &list),
			 0);
	if (tree_look(reader, 0) > 0 && list.trouble_count == 0) {
		ebb_budget_list_free(&list);
		assert_int_equal(
			ebb_budget_read(reader, 0, processes, count, &list), 0);
	}
	ebb_budget_reader_free(reader);
	return list;
}

static const struct ebb_budget *find(const struct ebb_budget_list *list,
				     const char *name)
{
	const struct ebb_budget *found = NULL;

	for (uint32_t i = 0; i < list->count; i++) {
		if (strcmp(list->budgets[i].name, name) != 0)
			continue;
		assert_null(found);
		found = &list->budgets[i];
	}
	return found;
}

const struct ebb_budget *tree_find(const struct ebb_budget_list *list,
				   const char *name)
{
	const struct ebb_budget *found = find(list, name);

	if (!found)
		fail_msg("no budget '%s'", name);
	return found;
}

bool tree_has(const struct ebb_budget_list *list, const char *name)
{
	return find(list, name) != NULL;
}

double tree_part(const struct ebb_budget_list *list,
		 const struct ebb_budget_process *process, const char *name)
{
	for (uint32_t i = 0; i < process->part_count; i++) {
		assert_true(process->parts[i].budget < list->count);
		if (strcmp(list->budgets[process->parts[i].budget].name,
			   name) == 0)
			return process->parts[i].part;
	}
	return 0;
}
