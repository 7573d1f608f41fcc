/* SPDX-License-Identifier: GPL-2.0-only */
/* The keeper of the free target: with a module that a test plays, and without. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "guest/command.h"
#include "guest/reclaim.h"
#include "guest/target.h"
#include "tests/unit/fake-root.h"

#define SCALE "/proc/sys/vm/watermark_scale_factor"
#define PROACTIVE "/proc/sys/vm/compaction_proactiveness"
#define COMPACT "/proc/sys/vm/compact_memory"
#define LISTS "/proc/sys/vm/percpu_pagelist_high_fraction"
#define SHRINK "/sys/kernel/slab/dentry/shrink"
#define RECLAIM "/sys/fs/cgroup/memory.reclaim"

#define MIB ((uint64_t)1 << 20)

/* What the module was told, and what it says. */
static struct {
	int r; /* of each request */
	uint64_t node_bytes[EBB_NODE_MAX];
	uint64_t all_bytes;
	uint32_t flags;
	uint32_t timeout_ms;
	int set_count;
	struct ebb_threshold threshold;
} module;

static struct {
	sd_event *event;
	struct ebb_target_keeper *keeper;
	char state_dir[128];
	int changed_count;
	struct ebb_msg_target_state changed;
} test;

static int module_set(const struct ebb_target *target)
{
	if (module.r < 0)
		return module.r;
	module.set_count++;
	module.flags = target->flags;
	module.timeout_ms = target->timeout_ms;
	assert_true(target->timeout_ms >= 1 &&
		    target->timeout_ms <= EBB_TARGET_LEASE_MS);
	if (target->node == EBB_NODE_ALL) {
		memset(module.node_bytes, 0, sizeof(module.node_bytes));
		module.all_bytes = target->bytes;
	} else if (target->node < 2) {
		module.all_bytes = 0;
		module.node_bytes[target->node] = target->bytes;
	} else {
		return -EINVAL;
	}
	module.threshold.target_bytes =
		module.all_bytes + module.node_bytes[0] + module.node_bytes[1];
	module.threshold.state = module.threshold.target_bytes
					 ? EBB_THRESHOLD_DRIVING
					 : EBB_THRESHOLD_IDLE;
	return 0;
}

static int module_get(struct ebb_threshold *ret_threshold)
{
	if (module.r < 0)
		return module.r;
	*ret_threshold = module.threshold;
	return 0;
}

static void module_drops(enum ebb_drop_reason reason)
{
	module.threshold.drop_count++;
	module.threshold.drop_reason = reason;
	module.threshold.target_bytes = 0;
	module.threshold.state = EBB_THRESHOLD_DROPPED;
}

static void on_changed(const struct ebb_msg_target_state *state, void *opaque)
{
	(void)opaque;
	test.changed_count++;
	test.changed = *state;
}

static void set_memory(uint64_t free_mib, uint64_t huge_blocks)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "MemTotal: %llu kB\nMemFree: %llu kB\n"
		 "Active(file): 204800 kB\nInactive(file): 409600 kB\n",
		 2048 * 1024ull, (unsigned long long)free_mib * 1024);
	fake_root_write("/proc/meminfo", text);
	snprintf(text, sizeof(text),
		 "Node 0, zone Normal 0 0 0 0 0 0 0 0 0 %llu 0\n",
		 (unsigned long long)huge_blocks);
	fake_root_write("/proc/buddyinfo", text);
}

static void set_stalls(int allocstall, int oom_kill)
{
	char text[128];

	snprintf(text, sizeof(text),
		 "allocstall_normal %d\nworkingset_refault_file 0\n"
		 "oom_kill %d\n",
		 allocstall, oom_kill);
	fake_root_write("/proc/vmstat", text);
}

static void make_keeper(void)
{
	static const struct ebb_target_device device = { .set = module_set,
							 .get = module_get };

	assert_int_equal(ebb_target_new(test.event, fake_root, test.state_dir,
					&device, on_changed, NULL,
					&test.keeper),
			 0);
}

static int set_up(void **state)
{
	sigset_t signals;

	if (fake_root_make(state) < 0)
		return -1;
	memset(&module, 0, sizeof(module));
	memset(&test, 0, sizeof(test));
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	snprintf(test.state_dir, sizeof(test.state_dir), "%s/ebb-agent",
		 fake_root);
	set_memory(100, 0);
	set_stalls(0, 0);
	if (sd_event_new(&test.event) < 0)
		return -1;
	make_keeper();
	return 0;
}

static int tear_down(void **state)
{
	ebb_target_free(test.keeper);
	sd_event_unref(test.event);
	return fake_root_remove(state);
}

static void add_knobs(void)
{
	module.r = -ENOENT;
	fake_root_write(SCALE, "10\n");
	fake_root_write(PROACTIVE, "20\n");
	fake_root_write(COMPACT, "0\n");
}

static struct ebb_msg_target_state ask_for(struct ebb_msg_target target)
{
	struct ebb_msg_target_state state;

	if (target.timeout_ms == 0)
		target.timeout_ms = EBB_TARGET_LEASE_MS;
	assert_int_equal(ebb_target_ask(test.keeper, &target, &state), 0);
	return state;
}

static struct ebb_msg_target_state ask(uint64_t mib)
{
	return ask_for((struct ebb_msg_target){ .bytes = mib * MIB });
}

/* A macro, so that a failure names the line of the test. */
#define check(result, asked_mib, effective_mib, how, what, why)            \
	do {                                                               \
		const struct ebb_msg_target_state is = (result);           \
                                                                           \
		assert_int_equal(is.asked_bytes, (asked_mib)*MIB);         \
		assert_int_equal(is.effective_bytes, (effective_mib)*MIB); \
		assert_string_equal(is.mechanism, how);                    \
		assert_string_equal(is.state, what);                       \
		assert_string_equal(is.reason, why);                       \
	} while (0)

/* Until the loop has nothing to do for a while. */
static void turn(void)
{
	while (sd_event_run(test.event, 1000 * 1000) > 0)
		;
}

static void the_module_gets_the_target_with_its_lease(void **state)
{
	(void)state;
	check(ask(600), 600, 600, "module", "driving", "");
	assert_int_equal(module.all_bytes, 600 * MIB);
	assert_true(module.timeout_ms > EBB_TARGET_LEASE_MS - 1000);
	assert_int_equal(module.flags, 0);
	ask_for((struct ebb_msg_target){ .bytes = 600 * MIB, .retry = true });
	assert_int_equal(module.flags, EBB_TARGET_RETRY);
	check(ask(0), 0, 0, "module", "idle", "");
	assert_int_equal(module.all_bytes, 0);
	assert_int_equal(test.changed_count, 0);
}

static void nodes_get_their_own(void **state)
{
	struct ebb_msg_target target = {
		.node_count = 2, .node_bytes = { 400 * MIB, 200 * MIB }
	};

	(void)state;
	ask(600);
	check(ask_for(target), 600, 600, "module", "driving", "");
	assert_int_equal(module.node_bytes[0], 400 * MIB);
	assert_int_equal(module.node_bytes[1], 200 * MIB);
	/* A node that is left out has no more target. */
	target.node_count = 1;
	check(ask_for(target), 400, 400, "module", "driving", "");
	assert_int_equal(module.node_bytes[1], 0);
	/* All by the same factor. */
	target.node_count = 2;
	ask_for(target);
	module_drops(EBB_DROP_ALLOCSTALL);
	check(ask_for(target), 600, 300, "module", "driving", "allocstall");
	assert_int_equal(module.node_bytes[0], 200 * MIB);
	assert_int_equal(module.node_bytes[1], 100 * MIB);
	/* More than the wire holds. */
	target.node_bytes[0] = target.node_bytes[1] = INT64_MAX;
	assert_int_equal(ask_for(target).asked_bytes, INT64_MAX);
}

static void a_drop_is_learnt_from_and_told(void **state)
{
	(void)state;
	module.threshold.drop_count = 5; /* of others, before */
	check(ask(600), 600, 600, "module", "driving", "");
	module_drops(EBB_DROP_ALLOCSTALL);
	ebb_target_module_changed(test.keeper); /* looks, but not at drops */
	check(ask(600), 600, 600, "module", "driving", "");
	module_drops(EBB_DROP_OOM);
	check(ask(600), 600, 0, "module", "dropped", "oom");
	assert_int_equal(module.all_bytes, 0);
	/* Somebody asks: forgotten. */
	check(ask_for((struct ebb_msg_target){ .bytes = 600 * MIB,
					       .retry = true }),
	      600, 600, "module", "driving", "");
}

static void offlining_is_no_pressure(void **state)
{
	(void)state;
	ask(600);
	module_drops(EBB_DROP_OFFLINE);
	check(ask(600), 600, 600, "module", "driving", "");
	module.r = -ESHUTDOWN;
	check(ask(600), 600, 0, "module", "dropped", "leaving");
}

/* Where the kernel has no PSI, a renewal sees what went on. */
static void stalls_are_seen_by_a_renewal(void **state)
{
	(void)state;
	set_stalls(3, 0);
	check(ask(600), 600, 600, "module", "driving", "");
	check(ask(600), 600, 600, "module", "driving", "");
	set_stalls(4, 0);
	check(ask(600), 600, 300, "module", "driving", "allocstall");
	check(ask(600), 600, 300, "module", "driving", "allocstall");
	set_stalls(4, 1);
	check(ask(600), 600, 0, "module", "dropped", "oom");
	check(ask(0), 0, 0, "module", "idle", "");
}

static void a_target_ends_with_its_lease(void **state)
{
	(void)state;
	ask_for((struct ebb_msg_target){ .bytes = 600 * MIB, .timeout_ms = 1 });
	assert_int_equal(module.all_bytes, 600 * MIB);
	/* The timer's accuracy is 5 s. */
	for (int i = 0; i < 70 && test.changed_count == 0; i++)
		sd_event_run(test.event, 100 * 1000);
	assert_int_equal(module.all_bytes, 0);
	assert_int_equal(test.changed_count, 1);
	check(test.changed, 0, 0, "module", "idle", "");
}

static void exit_ends_it(void **state)
{
	(void)state;
	ask(600);
	ebb_target_free(test.keeper);
	assert_int_equal(module.all_bytes, 0);
	make_keeper();
}

static void without_module_and_knobs_nothing_is_kept(void **state)
{
	(void)state;
	module.r = -ENOENT;
	check(ask(600), 600, 0, "none", "idle", "");
	/* A module that is too old to know of targets. */
	module.r = -ENOTTY;
	check(ask(600), 600, 0, "none", "idle", "");
}

static void without_the_module_knobs_are_turned(void **state)
{
	(void)state;
	add_knobs();
	check(ask(256), 256, 256, "knobs", "fragmented", "");
	assert_int_equal(fake_root_number(SCALE), 626);
	assert_int_equal(fake_root_number(PROACTIVE), 60);
	turn();
	assert_int_equal(fake_root_number(COMPACT), 1);
	/* kswapd does it. */
	set_memory(200, 0);
	check(ask(256), 256, 256, "knobs", "driving", "");
	check(ask(256), 256, 256, "knobs", "exhausted", "");
	set_memory(300, 128);
	check(ask(256), 256, 256, "knobs", "held", "");
	/* Not more than seven eighths. */
	check(ask(4096), 4096, 1792, "knobs", "driving", "");
	check(ask(0), 0, 0, "knobs", "idle", "");
	assert_int_equal(fake_root_number(SCALE), 10);
	assert_int_equal(fake_root_number(PROACTIVE), 20);
	assert_int_equal(test.changed_count, 0);
}

static void the_target_goes_the_way_of_the_module(void **state)
{
	(void)state;
	add_knobs();
	ask(256);
	assert_int_equal(fake_root_number(SCALE), 626);
	module.r = 0;
	ebb_target_module_changed(test.keeper);
	assert_int_equal(fake_root_number(SCALE), 10);
	assert_int_equal(module.all_bytes, 256 * MIB);
	module.r = -ENOENT;
	ebb_target_module_changed(test.keeper);
	assert_int_equal(fake_root_number(SCALE), 626);
	ask(0);
	module.set_count = 0;
	module.r = 0;
	ebb_target_module_changed(test.keeper);
	assert_int_equal(module.set_count, 0);
}

/* What the child asks the kernel for at a time. */
static uint64_t wait_for_chunk(void)
{
	uint64_t bytes = 0;

	for (int i = 0; i < 500 && bytes == 0; i++) {
		usleep(10 * 1000);
		bytes = fake_root_number(RECLAIM);
	}
	return bytes;
}

static void a_burst_reclaims_and_then_compacts(void **state)
{
	(void)state;
	add_knobs();
	fake_root_write("/proc/self/mountinfo",
			"25 1 0:23 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	fake_root_write(RECLAIM, "");
	check(ask(600), 600, 600, "knobs", "driving", "");
	/* It would go on until enough is free. */
	assert_int_equal(wait_for_chunk(), 64 * MIB);
	set_memory(650, 200); /* too little of it in huge ranges */
	sd_event_run(test.event, 0);
	check(ask(600), 600, 600, "knobs", "driving", "");
	set_memory(700, 200);
	turn();
	check(ask(600), 600, 600, "knobs", "exhausted", "");
	assert_int_equal(fake_root_number(COMPACT), 1);
}

static void pressure_ends_a_burst(void **state)
{
	(void)state;
	add_knobs();
	fake_root_write("/proc/self/mountinfo",
			"25 1 0:23 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	fake_root_write(RECLAIM, "0");
	ask(600);
	wait_for_chunk();
	set_stalls(1, 0);
	for (int i = 0; i < 20 && test.changed_count == 0; i++)
		sd_event_run(test.event, 100 * 1000);
	assert_int_equal(test.changed_count, 1);
	check(test.changed, 600, 300, "knobs", "fragmented", "allocstall");
	/* A target of nothing kills what runs. */
	ask_for((struct ebb_msg_target){ .bytes = 600 * MIB, .retry = true });
	check(ask(0), 0, 0, "knobs", "idle", "");
	turn();
}

static void the_cgroup_must_be_the_root(void **state)
{
	char path[256];

	(void)state;
	assert_int_equal(ebb_reclaim_find(fake_root, path, sizeof(path)),
			 -ENOENT);
	fake_root_write("/x/memory.reclaim", "");
	fake_root_write("/y z/memory.reclaim", "");
	fake_root_write("/proc/self/mountinfo",
			"25 1 0:23 /a /x rw - cgroup2 cgroup2 rw\n"
			"26 1 0:23 / /x rw - tmpfs tmpfs rw\n"
			"27 1 0:23 / /y\\040z rw - cgroup2 cgroup2 rw\n"
			"28 1 - cgroup2 \n - cgroup2 \n"
			"29 1 0:23 / /none rw shared:4 - cgroup2 none rw\n");
	assert_int_equal(ebb_reclaim_find(fake_root, path, sizeof(path)),
			 -ENOENT);
	fake_root_write("/none/memory.reclaim", "");
	assert_int_equal(ebb_reclaim_find(fake_root, path, sizeof(path)), 0);
	assert_string_equal(path, "/none/memory.reclaim");
}

static void a_target_by_the_working_set(void **state)
{
	const struct ebb_msg_target target = { .automatic = true };

	(void)state;
	/* 2048 - 900 free - 400 inactive file: 748 MiB needed. */
	set_memory(900, 0);
	assert_int_equal(ask_for(target).asked_bytes,
			 2048 * MIB - 748 * MIB / 8 * 9 - 64 * MIB);
	set_memory(104, 0);
	check(ask_for(target), 247, 247, "module", "driving", "");
	fake_root_write("/proc/meminfo", "MemTotal: 2097152 kB\n"
					 "MemFree: 1000 kB\n");
	check(ask_for(target), 0, 0, "module", "idle", "");
	set_memory(104, 0);
	check(ask_for(target), 247, 247, "module", "driving", "");
}

/* By the command, as the host sends it. */
static struct ebb_msg run(const char *command, const char *arguments)
{
	const struct ebb_command_context context = { .proc_dir = fake_root,
						     .target = test.keeper };
	struct ebb_msg request, answer;
	char line[512], *text;

	snprintf(line, sizeof(line), "{\"execute\":\"%s\"%s}", command,
		 arguments);
	assert_int_equal(ebb_msg_parse(line, strlen(line), &request, NULL), 0);
	assert_true(ebb_command_is_known(request.name));
	text = ebb_command_run(&request, &context);
	ebb_msg_clear(&request);
	assert_non_null(text);
	assert_int_equal(ebb_msg_parse(text, strlen(text) - 1, &answer, NULL),
			 0);
	free(text);
	return answer;
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
		answer = run("ebb-target", bad[i]);
		assert_int_equal(answer.kind, EBB_MSG_ERROR);
		assert_int_equal(answer.error_errno, EINVAL);
		ebb_msg_clear(&answer);
	}
	assert_int_equal(module.set_count, 0);
	add_knobs();
	answer = run("ebb-target",
		     ",\"arguments\":{\"timeout-ms\":30000,\"bytes\":"
		     "268435456,\"auto\":false}");
	assert_int_equal(answer.kind, EBB_MSG_REPLY);
	assert_int_equal(ebb_msg_decode(answer.body,
					ebb_msg_target_state_fields, &got,
					sizeof(got), NULL),
			 0);
	check(got, 256, 256, "knobs", "fragmented", "");
	ebb_msg_clear(&answer);
}

/* Returns why nothing runs, or "running". */
static const char *ask_to_compact(void)
{
	static struct ebb_msg_compact_state state;
	struct ebb_msg answer = run("ebb-compact", "");

	assert_int_equal(answer.kind, EBB_MSG_REPLY);
	assert_int_equal(ebb_msg_decode(answer.body,
					ebb_msg_compact_state_fields, &state,
					sizeof(state), NULL),
			 0);
	ebb_msg_clear(&answer);
	return state.running ? "running" : state.reason;
}

/* Until what runs has ended. */
static void await_compacted(void)
{
	for (int i = 0; i < 500 && fake_root_number(LISTS) != 0; i++)
		sd_event_run(test.event, 10 * 1000);
	assert_int_equal(fake_root_number(LISTS), 0);
}

static void what_is_free_is_compacted(void **state)
{
	(void)state;
	fake_root_write(COMPACT, "0");
	fake_root_write(SHRINK, "0");
	fake_root_write(LISTS, "0");
	set_memory(400, 195);
	assert_string_equal(ask_to_compact(), "nothing");
	set_memory(400, 100);
	assert_string_equal(ask_to_compact(), "running");
	assert_int_equal(fake_root_number(LISTS), 1 << 20);
	assert_string_equal(ask_to_compact(), "running");
	set_memory(400, 180);
	await_compacted();
	assert_int_equal(fake_root_number(COMPACT), 1);
	assert_int_equal(fake_root_number(SHRINK), 1);
	/* No target is in force, none is told of. */
	assert_int_equal(test.changed_count, 0);
	assert_int_equal(module.set_count, 0);
}

/* Soon after one that was worth it; after another only if there is more. */
static void what_was_in_vain_is_not_done_again(void **state)
{
	(void)state;
	fake_root_write(COMPACT, "0");
	fake_root_write(LISTS, "0");
	set_memory(400, 100);
	assert_string_equal(ask_to_compact(), "running");
	set_memory(400, 150);
	await_compacted();
	assert_string_equal(ask_to_compact(), "too-soon");
	for (int i = 0; i < 200 && strcmp(ask_to_compact(), "running") != 0;
	     i++)
		sd_event_run(test.event, 50 * 1000);
	assert_int_equal(fake_root_number(LISTS), 1 << 20);
	await_compacted();
	for (int i = 0; i < 20; i++) {
		sd_event_run(test.event, 50 * 1000);
		assert_string_equal(ask_to_compact(), "too-soon");
	}
	/* 100 MiB were left in small pieces. */
	set_memory(440, 160);
	assert_string_equal(ask_to_compact(), "too-soon");
	set_memory(450, 160);
	for (int i = 0; i < 200 && strcmp(ask_to_compact(), "running") != 0;
	     i++)
		sd_event_run(test.event, 50 * 1000);
	await_compacted();
}

static void exit_ends_a_burst(void **state)
{
	(void)state;
	fake_root_write(COMPACT, "0");
	fake_root_write(LISTS, "0");
	set_memory(400, 100);
	assert_string_equal(ask_to_compact(), "running");
	ebb_target_free(test.keeper);
	assert_int_equal(fake_root_number(LISTS), 0);
	make_keeper();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_module_gets_the_target_with_its_lease),
		TEST(nodes_get_their_own),
		TEST(a_drop_is_learnt_from_and_told),
		TEST(offlining_is_no_pressure),
		TEST(stalls_are_seen_by_a_renewal),
		TEST(a_target_ends_with_its_lease),
		TEST(exit_ends_it),
		TEST(without_module_and_knobs_nothing_is_kept),
		TEST(without_the_module_knobs_are_turned),
		TEST(the_target_goes_the_way_of_the_module),
		TEST(a_burst_reclaims_and_then_compacts),
		TEST(pressure_ends_a_burst),
		TEST(the_cgroup_must_be_the_root),
		TEST(a_target_by_the_working_set),
		TEST(the_command_is_served),
		TEST(what_is_free_is_compacted),
		TEST(what_was_in_vain_is_not_done_again),
		TEST(exit_ends_a_burst),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
