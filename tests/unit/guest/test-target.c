/* SPDX-License-Identifier: GPL-2.0-only */
/* The keeper of the free target: with a module, and without. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/fake-root.h"
#include "tests/unit/guest/kept.h"

static void module_drops(enum ebb_drop_reason reason)
{
	fake_module.threshold.drop_count++;
	fake_module.threshold.drop_reason = reason;
	fake_module.threshold.target_bytes = 0;
	fake_module.threshold.state = EBB_THRESHOLD_DROPPED;
}

static void the_module_gets_the_target_with_its_lease(void **state)
{
	(void)state;
	kept_check(kept_ask(600), 600, 600, "module", "driving", "");
	assert_int_equal(fake_module.all_bytes, 600 * MIB);
	assert_true(fake_module.timeout_ms > EBB_TARGET_LEASE_MS - 1000);
	assert_int_equal(fake_module.flags, EBB_TARGET_REFAULTS);
	kept_ask_for(
		(struct ebb_msg_target){ .bytes = 600 * MIB, .retry = true });
	assert_int_equal(fake_module.flags,
			 EBB_TARGET_RETRY | EBB_TARGET_REFAULTS);
	kept_check(kept_ask(0), 0, 0, "module", "idle", "");
	assert_int_equal(fake_module.all_bytes, 0);
	assert_int_equal(kept.changed_count, 0);
}

static void nodes_get_their_own(void **state)
{
	struct ebb_msg_target target = {
		.node_count = 2, .node_bytes = { 400 * MIB, 200 * MIB }
	};

	(void)state;
	kept_ask(600);
	kept_check(kept_ask_for(target), 600, 600, "module", "driving", "");
	assert_int_equal(fake_module.node_bytes[0], 400 * MIB);
	assert_int_equal(fake_module.node_bytes[1], 200 * MIB);
	/* A node that is left out has no more target. */
	target.node_count = 1;
	kept_check(kept_ask_for(target), 400, 400, "module", "driving", "");
	assert_int_equal(fake_module.node_bytes[1], 0);
	/* All by the same factor. */
	target.node_count = 2;
	kept_ask_for(target);
	module_drops(EBB_DROP_ALLOCSTALL);
	kept_check(kept_ask_for(target), 600, 300, "module", "driving",
		   "allocstall");
	assert_int_equal(fake_module.node_bytes[0], 200 * MIB);
	assert_int_equal(fake_module.node_bytes[1], 100 * MIB);
	/* More than the wire holds. */
	target.node_bytes[0] = target.node_bytes[1] = INT64_MAX;
	assert_int_equal(kept_ask_for(target).asked_bytes, INT64_MAX);
}

static void a_drop_is_learnt_from_and_told(void **state)
{
	(void)state;
	fake_module.threshold.drop_count = 5; /* of others, before */
	kept_check(kept_ask(600), 600, 600, "module", "driving", "");
	module_drops(EBB_DROP_ALLOCSTALL);
	ebb_target_module_changed(kept.keeper); /* looks, but not at drops */
	kept_check(kept_ask(600), 600, 600, "module", "driving", "");
	module_drops(EBB_DROP_OOM);
	kept_check(kept_ask(600), 600, 0, "module", "dropped", "oom");
	assert_int_equal(fake_module.all_bytes, 0);
	/* Somebody asks: forgotten. */
	kept_check(kept_ask_for((struct ebb_msg_target){ .bytes = 600 * MIB,
							 .retry = true }),
		   600, 600, "module", "driving", "");
	/* Each drop counts once. */
	kept_check(kept_ask(600), 600, 600, "module", "driving", "");
}

static void offlining_is_no_pressure(void **state)
{
	(void)state;
	kept_ask(600);
	module_drops(EBB_DROP_OFFLINE);
	kept_check(kept_ask(600), 600, 600, "module", "driving", "");
	fake_module.r = -ESHUTDOWN;
	kept_check(kept_ask(600), 600, 0, "module", "dropped", "leaving");
}

/* A kill without a stalled allocation is that of a cgroup at its limit. */
static void a_cgroups_kill_leaves_the_target(void **state)
{
	(void)state;
	kept_set_stalls(4, 0);
	kept_check(kept_ask(600), 600, 600, "module", "driving", "");
	kept_set_stalls(4, 1);
	kept_check(kept_ask(600), 600, 600, "module", "driving", "");
	kept_set_stalls(5, 2);
	kept_check(kept_ask(600), 600, 0, "module", "dropped", "oom");
}

static void an_older_module_gets_what_it_knows(void **state)
{
	(void)state;
	fake_module.flags_known = EBB_TARGET_RETRY | EBB_TARGET_URGENT;
	kept_check(kept_ask(600), 600, 600, "module", "driving", "");
	assert_int_equal(fake_module.flags, 0);
	/* The one that comes after it is asked anew. */
	fake_module.flags_known = ~0u;
	ebb_target_module_changed(kept.keeper);
	assert_int_equal(fake_module.flags, EBB_TARGET_REFAULTS);
}

static void an_older_module_gets_what_nodes_are_to_keep(void **state)
{
	struct ebb_msg_target target = {
		.node_count = 2, .node_bytes = { 400 * MIB, 200 * MIB }
	};

	(void)state;
	fake_module.flags_known = EBB_TARGET_RETRY | EBB_TARGET_URGENT;
	kept_check(kept_ask_for(target), 600, 600, "module", "driving", "");
	assert_int_equal(fake_module.node_bytes[0], 400 * MIB);
	assert_int_equal(fake_module.node_bytes[1], 200 * MIB);
}

static void what_the_module_refuses_is_told(void **state)
{
	struct ebb_msg_target target = {
		.node_count = 3, .node_bytes = { 400 * MIB, 0, 100 * MIB }
	};

	(void)state;
	kept_check(kept_ask_for(target), 500, 400, "module", "driving",
		   "refused");
	/* It takes a part, and then all. */
	target.node_count = 2;
	kept_check(kept_ask_for(target), 400, 400, "module", "driving", "");
	fake_module.flags_known = 0;
	target = (struct ebb_msg_target){ .bytes = 600 * MIB, .urgent = true };
	kept_check(kept_ask_for(target), 600, 400, "module", "driving",
		   "refused");
}

/* Where the kernel has no PSI, a renewal sees what went on. */
static void stalls_are_seen_by_a_renewal(void **state)
{
	(void)state;
	kept_set_stalls(3, 0);
	kept_check(kept_ask(600), 600, 600, "module", "driving", "");
	kept_check(kept_ask(600), 600, 600, "module", "driving", "");
	kept_set_stalls(4, 0);
	kept_check(kept_ask(600), 600, 300, "module", "driving", "allocstall");
	kept_check(kept_ask(600), 600, 300, "module", "driving", "allocstall");
	kept_set_stalls(5, 1);
	kept_check(kept_ask(600), 600, 0, "module", "dropped", "oom");
	kept_check(kept_ask(0), 0, 0, "module", "idle", "");
}

static void a_target_ends_with_its_lease(void **state)
{
	(void)state;
	kept_ask_for(
		(struct ebb_msg_target){ .bytes = 600 * MIB, .timeout_ms = 1 });
	assert_int_equal(fake_module.all_bytes, 600 * MIB);
	/* The timer's accuracy is 5 s. */
	for (int i = 0; i < 70 && kept.changed_count == 0; i++)
		sd_event_run(kept.event, 100 * 1000);
	assert_int_equal(fake_module.all_bytes, 0);
	assert_int_equal(kept.changed_count, 1);
	kept_check(kept.changed, 0, 0, "module", "idle", "");
}

static void exit_ends_it(void **state)
{
	(void)state;
	kept_ask(600);
	ebb_target_free(kept.keeper);
	assert_int_equal(fake_module.all_bytes, 0);
	kept_make();
}

static void without_module_and_knobs_nothing_is_kept(void **state)
{
	(void)state;
	fake_module.r = -ENOENT;
	kept_check(kept_ask(600), 600, 0, "none", "idle", "");
	/* A module that is too old to know of targets. */
	fake_module.r = -ENOTTY;
	kept_check(kept_ask(600), 600, 0, "none", "idle", "");
}

static void without_the_module_knobs_are_turned(void **state)
{
	(void)state;
	kept_add_knobs();
	kept_check(kept_ask(256), 256, 256, "knobs", "fragmented", "");
	assert_int_equal(fake_root_number(SCALE), 626);
	assert_int_equal(fake_root_number(PROACTIVE), 60);
	kept_turn();
	assert_int_equal(fake_root_number(COMPACT), 1);
	/* kswapd does it. */
	kept_set_memory(200, 0);
	kept_check(kept_ask(256), 256, 256, "knobs", "driving", "");
	kept_check(kept_ask(256), 256, 256, "knobs", "exhausted", "");
	kept_set_memory(300, 128);
	kept_check(kept_ask(256), 256, 256, "knobs", "held", "");
	/* Not more than is free or page cache, but for 16 MiB of that. */
	kept_check(kept_ask(4096), 4096, 884, "knobs", "driving", "");
	kept_set_memory(1900, 128);
	/* Not more than seven eighths. */
	kept_check(kept_ask(4096), 4096, 1792, "knobs", "driving", "");
	kept_check(kept_ask(0), 0, 0, "knobs", "idle", "");
	assert_int_equal(fake_root_number(SCALE), 10);
	assert_int_equal(fake_root_number(PROACTIVE), 20);
	assert_int_equal(kept.changed_count, 0);
}

#define SWAPS "/proc/swaps"
#define SWAPPINESS "/proc/sys/vm/swappiness"
#define SWAPS_HEAD "Filename Type Size Used Priority\n"

/* Swap in the guest's own memory is no gain, and no swap needs no care. */
static void anonymous_memory_is_spared(void **state)
{
	(void)state;
	fake_root_write(SWAPPINESS, "60\n");
	fake_root_write(SWAPS, SWAPS_HEAD);
	kept_ask(600);
	assert_int_equal(fake_root_number(SWAPPINESS), 60);
	fake_root_write(SWAPS, SWAPS_HEAD "/dev/vda2 partition 9 0 -2\n");
	kept_ask(600);
	assert_int_equal(fake_root_number(SWAPPINESS), 1);
	assert_false(fake_module.flags & EBB_TARGET_SWAP);
	kept_ask(0);
	assert_int_equal(fake_root_number(SWAPPINESS), 60);
}

static void a_target_may_swap_to_disks_alone(void **state)
{
	(void)state;
	fake_root_write(SWAPPINESS, "60\n");
	ebb_target_allow_swap(kept.keeper);
	fake_root_write(SWAPS, SWAPS_HEAD "/dev/vda2 partition 9 0 -2\n"
					  "/ram/file file 9 0 -3\n");
	kept_ask(600);
	assert_int_equal(fake_root_number(SWAPPINESS), 60);
	assert_true(fake_module.flags & EBB_TARGET_SWAP);
	/* The kernel fills zram first. */
	fake_root_write(SWAPS, SWAPS_HEAD "/dev/vda2 partition 9 0 -2\n"
					  "/dev/zram0 partition 9 0 100\n");
	kept_ask(600);
	assert_int_equal(fake_root_number(SWAPPINESS), 1);
	assert_false(fake_module.flags & EBB_TARGET_SWAP);
	/* What is 0 stays 0. */
	kept_ask(0);
	fake_root_write(SWAPPINESS, "0\n");
	kept_ask(600);
	assert_int_equal(fake_root_number(SWAPPINESS), 0);
}

/* It is named, so that nobody waits for it. */
static void what_is_held_is_named(void **state)
{
	struct ebb_msg_target_state told;

	(void)state;
	fake_root_write("/proc/meminfo",
			"MemTotal: 2097152 kB\nMemFree: 102400 kB\n"
			"AnonPages: 307200 kB\nShmem: 921600 kB\n"
			"Unevictable: 51200 kB\nMlocked: 51200 kB\n"
			"HugePages_Total: 300\nHugetlb: 614400 kB\n");
	told = kept_ask(600);
	assert_int_equal(told.held.anonymous_bytes, 300 * MIB);
	assert_int_equal(told.held.shared_bytes, 900 * MIB);
	assert_int_equal(told.held.locked_bytes, 50 * MIB);
	assert_int_equal(told.held.huge_pool_bytes, 600 * MIB);
}

static void the_target_goes_the_way_of_the_module(void **state)
{
	(void)state;
	kept_add_knobs();
	kept_ask(256);
	assert_int_equal(fake_root_number(SCALE), 626);
	fake_module.r = 0;
	ebb_target_module_changed(kept.keeper);
	assert_int_equal(fake_root_number(SCALE), 10);
	assert_int_equal(fake_module.all_bytes, 256 * MIB);
	fake_module.r = -ENOENT;
	ebb_target_module_changed(kept.keeper);
	assert_int_equal(fake_root_number(SCALE), 626);
	kept_ask(0);
	fake_module.set_count = 0;
	fake_module.r = 0;
	ebb_target_module_changed(kept.keeper);
	assert_int_equal(fake_module.set_count, 0);
}

static void a_target_by_the_working_set(void **state)
{
	const struct ebb_msg_target target = { .automatic = true };

	(void)state;
	/* 2048 - 900 free - 400 inactive file: 748 MiB needed. */
	kept_set_memory(900, 0);
	assert_int_equal(kept_ask_for(target).asked_bytes,
			 2048 * MIB - 748 * MIB / 8 * 9 - 64 * MIB);
	kept_set_memory(104, 0);
	kept_check(kept_ask_for(target), 247, 247, "module", "driving", "");
	fake_root_write("/proc/meminfo", "MemTotal: 2097152 kB\n"
					 "MemFree: 1000 kB\n");
	kept_check(kept_ask_for(target), 0, 0, "module", "idle", "");
	kept_set_memory(104, 0);
	kept_check(kept_ask_for(target), 247, 247, "module", "driving", "");
}

static void the_command_is_served(void **state)
{
	static const char *const bad[] = {
		"",
		",\"arguments\":{\"bytes\":1}",
		",\"arguments\":{\"timeout-ms\":0}",
		",\"arguments\":{\"timeout-ms\":30001}",
		",\"arguments\":{\"timeout-ms\":1,\"bytes\":-1}",
		",\"arguments\":{\"timeout-ms\":1,\"node-bytes\":[\"x\"]}",
	};
	struct ebb_msg_target_state got;
	struct ebb_msg answer;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		answer = kept_run("ebb-target", bad[i]);
		assert_int_equal(answer.kind, EBB_MSG_ERROR);
		assert_int_equal(answer.error_errno, EINVAL);
		ebb_msg_clear(&answer);
	}
	assert_int_equal(fake_module.set_count, 0);
	kept_add_knobs();
	answer = kept_run("ebb-target",
			  ",\"arguments\":{\"timeout-ms\":30000,\"bytes\":"
			  "268435456,\"auto\":false}");
	assert_int_equal(answer.kind, EBB_MSG_REPLY);
	assert_int_equal(ebb_msg_decode(answer.body,
					ebb_msg_target_state_fields, &got,
					sizeof(got), NULL),
			 0);
	kept_check(got, 256, 256, "knobs", "fragmented", "");
	ebb_msg_clear(&answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KEPT_TEST(the_module_gets_the_target_with_its_lease),
		KEPT_TEST(nodes_get_their_own),
		KEPT_TEST(a_drop_is_learnt_from_and_told),
		KEPT_TEST(offlining_is_no_pressure),
		KEPT_TEST(stalls_are_seen_by_a_renewal),
		KEPT_TEST(a_cgroups_kill_leaves_the_target),
		KEPT_TEST(an_older_module_gets_what_it_knows),
		KEPT_TEST(an_older_module_gets_what_nodes_are_to_keep),
		KEPT_TEST(what_the_module_refuses_is_told),
		KEPT_TEST(a_target_ends_with_its_lease),
		KEPT_TEST(exit_ends_it),
		KEPT_TEST(without_module_and_knobs_nothing_is_kept),
		KEPT_TEST(without_the_module_knobs_are_turned),
		KEPT_TEST(anonymous_memory_is_spared),
		KEPT_TEST(a_target_may_swap_to_disks_alone),
		KEPT_TEST(what_is_held_is_named),
		KEPT_TEST(the_target_goes_the_way_of_the_module),
		KEPT_TEST(a_target_by_the_working_set),
		KEPT_TEST(the_command_is_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
