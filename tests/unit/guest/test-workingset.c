/* SPDX-License-Identifier: GPL-2.0-only */
/* How much memory the guest's programs need, from what the kernel says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "guest/facts.h"
#include "guest/workingset.h"
#include "tests/unit/fake-root.h"

#define S ((uint64_t)1000 * 1000)
#define MIB ((uint64_t)1 << 20)

/* Of Linux 6.1; the youngest generation of a memcg is the last. */
#define LRU_GEN                                            \
	"memcg     1 /\n"                                  \
	" node     0\n"                                    \
	"          4     301250       1000x      20000 \n" \
	"          5     200000        300        4000 \n" \
	"          6      61000         50         600 \n" \
	"          7      59000          7          80 \n" \
	"memcg     2 /system.slice/a b\n"                  \
	" node     0\n"                                    \
	"          0     900000         11          22 \n" \
	"          1     800000          3           4 \n" \
	" node     1\n"                                    \
	"          0     100000          5           5 \n"

static uint64_t idle_pages(const char *text)
{
	FILE *file = fmemopen((void *)text, strlen(text), "r");
	uint64_t pages;

	assert_non_null(file);
	pages = ebb_workingset_idle_pages(file);
	fclose(file);
	return pages;
}

static void a_generation_is_idle_when_the_next_is_old(void **state)
{
	(void)state;
	/* 4 and 5, but not 6: it may have been in use until 59 s ago. */
	assert_int_equal(idle_pages(LRU_GEN), 21000 + 4300 + 33);
}

static void what_is_no_generation_is_skipped(void **state)
{
	(void)state;
	assert_int_equal(idle_pages("\n"), 0);
	assert_int_equal(idle_pages("1 2 3\n4 5 6\n"), 0);
	assert_int_equal(idle_pages("1 99999 3 4\nnode\n2 99999 3 4\n"), 0);
	assert_int_equal(idle_pages("1 99999 3 4\n2 99999 3y 4\n"), 0);
	assert_int_equal(idle_pages("1 99999 3 4\n2 99999 -3 4\n"), 0);
	assert_int_equal(idle_pages("1 99999 3 4\n2 99999 3 4 5 6\n"), 7);
	assert_int_equal(idle_pages("1 99999 3 4\n2 99999 3 4"), 7);
}

static void refaults_are_needed_memory(void **state)
{
	const struct ebb_msg_facts facts = { .total_bytes = 1000 * MIB,
					     .free_bytes = 300 * MIB };
	const struct ebb_meminfo meminfo = {
		.active_file_bytes = 40 * MIB,
		.inactive_file_bytes = 100 * MIB,
		.slab_reclaimable_bytes = 50 * MIB,
	};
	uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);

	(void)state;
	assert_int_equal(ebb_workingset_refault_bytes(&facts, &meminfo, 0),
			 550 * MIB);
	assert_int_equal(ebb_workingset_refault_bytes(&facts, &meminfo,
						      10 * MIB / page_bytes),
			 560 * MIB);
	/* At most the file cache. */
	assert_int_equal(ebb_workingset_refault_bytes(&facts, &meminfo,
						      UINT32_MAX),
			 690 * MIB);
}

static void read_facts(struct ebb_msg_facts *ret_facts)
{
	char proc_dir[64];

	snprintf(proc_dir, sizeof(proc_dir), "%s/proc", fake_root);
	assert_int_equal(ebb_facts_read(proc_dir, ret_facts), 0);
}

static void set_refaults(uint64_t bytes)
{
	char text[64];

	snprintf(text, sizeof(text), "workingset_refault_file %llu\n",
		 (unsigned long long)(bytes / (uint64_t)sysconf(_SC_PAGESIZE)));
	fake_root_write("/proc/vmstat", text);
}

static uint64_t look(struct ebb_workingset *workingset, uint64_t now_us)
{
	struct ebb_msg_facts facts;

	read_facts(&facts);
	ebb_workingset_look(workingset, fake_root, now_us, 0, &facts);
	return facts.working_set_bytes;
}

static void write_meminfo(void)
{
	fake_root_write("/proc/meminfo", "MemTotal:        1024000 kB\n"
					 "MemFree:          307200 kB\n"
					 "MemAvailable:     400000 kB\n"
					 "Active(anon):      10000 kB\n"
					 "Active(file):     102400 kB\n"
					 "Inactive(file):   102400 kB\n"
					 "SReclaimable:      51200 kB\n");
}

static void refaults_are_those_of_the_last_minutes(void **state)
{
	struct ebb_workingset workingset = { 0 };

	(void)state;
	write_meminfo();
	set_refaults(500 * MIB);
	/* What came before the first look is not known to be of now. */
	assert_int_equal(look(&workingset, 1000 * S), 550 * MIB);
	set_refaults(516 * MIB);
	assert_int_equal(look(&workingset, 1030 * S), 566 * MIB);
	assert_int_equal(look(&workingset, 1031 * S), 566 * MIB);
	assert_int_equal(look(&workingset, 1060 * S), 566 * MIB);
	/* The window before still counts. */
	assert_int_equal(look(&workingset, 1061 * S), 566 * MIB);
	assert_int_equal(look(&workingset, 1120 * S), 566 * MIB);
	assert_int_equal(look(&workingset, 1121 * S), 550 * MIB);
	/* 40 MiB in ten minutes are 4 a minute. */
	set_refaults(556 * MIB);
	assert_int_equal(look(&workingset, 1720 * S), 554 * MIB);
	/* Another boot. */
	set_refaults(0);
	assert_int_equal(look(&workingset, 1800 * S), 550 * MIB);
}

static void generations_are_better_if_they_are_there(void **state)
{
	struct ebb_workingset workingset = { 0 };
	uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	struct ebb_msg_facts facts;

	(void)state;
	write_meminfo();
	set_refaults(0);
	read_facts(&facts);
	fake_root_write("/sys/kernel/mm/lru_gen/enabled", "0x0000\n");
	fake_root_write("/sys/kernel/debug/lru_gen", LRU_GEN);
	ebb_workingset_look(&workingset, fake_root, S, 0, &facts);
	assert_string_equal(facts.working_set_source, "refault");
	fake_root_write("/sys/kernel/mm/lru_gen/enabled", "0x0007\n");
	ebb_workingset_look(&workingset, fake_root, S, 0, &facts);
	assert_string_equal(facts.working_set_source, "mglru");
	assert_int_equal(facts.working_set_bytes,
			 700 * MIB - 25333 * page_bytes);
	fake_root_unlink("/sys/kernel/debug/lru_gen");
	ebb_workingset_look(&workingset, fake_root, S, 0, &facts);
	assert_string_equal(facts.working_set_source, "refault");
	fake_root_unlink("/sys/kernel/mm/lru_gen/enabled");
}

static void an_automatic_target_leaves_the_working_set(void **state)
{
	struct ebb_msg_facts facts = { .total_bytes = 1000 * MIB,
				       .working_set_bytes = 400 * MIB,
				       .working_set_source = "mglru" };

	(void)state;
	assert_int_equal(ebb_workingset_target_bytes(&facts), 486 * MIB);
	facts.working_set_bytes = 900 * MIB;
	assert_int_equal(ebb_workingset_target_bytes(&facts), 0);
	facts.working_set_bytes = 0;
	facts.working_set_source[0] = '\0';
	assert_int_equal(ebb_workingset_target_bytes(&facts), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_generation_is_idle_when_the_next_is_old),
		cmocka_unit_test(what_is_no_generation_is_skipped),
		cmocka_unit_test(refaults_are_needed_memory),
		cmocka_unit_test(refaults_are_those_of_the_last_minutes),
		cmocka_unit_test(generations_are_better_if_they_are_there),
		cmocka_unit_test(an_automatic_target_leaves_the_working_set),
	};

	return cmocka_run_group_tests(tests, fake_root_make, fake_root_remove);
}
