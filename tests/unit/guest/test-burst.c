/* SPDX-License-Identifier: GPL-2.0-only */
/* Bursts of reclaim and of compaction, for a target and for who asks. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "guest/reclaim.h"
#include "tests/unit/fake-root.h"
#include "tests/unit/guest/kept.h"

/* What the child asks the kernel for at a time. */
static uint64_t wait_for_chunk(void)
{
	uint64_t bytes = 0;

	for (int i = 0; i < 6000 && bytes == 0; i++) {
		usleep(10 * 1000);
		bytes = fake_root_number(RECLAIM);
	}
	return bytes;
}

static void a_burst_reclaims_and_then_compacts(void **state)
{
	struct ebb_msg_target_state now;

	(void)state;
	kept_add_knobs();
	fake_root_write("/proc/self/mountinfo",
			"25 1 0:23 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	fake_root_write("/sys/fs/cgroup/cgroup.controllers", "memory\n");
	fake_root_write(RECLAIM, "");
	kept_check(kept_ask(600), 600, 600, "knobs", "driving", "");
	/* It would go on until enough is free. */
	assert_int_equal(wait_for_chunk(), 64 * MIB);
	kept_set_memory(650, 200); /* too little of it in huge ranges */
	sd_event_run(kept.event, 0);
	/* Whether the burst has seen it by now is chance; all else is not. */
	now = kept_ask(600);
	if (strcmp(now.state, "fragmented") != 0)
		kept_check(now, 600, 600, "knobs", "driving", "");
	else
		kept_check(now, 600, 600, "knobs", "fragmented", "");
	kept_set_memory(700, 200);
	kept_turn();
	kept_check(kept_ask(600), 600, 600, "knobs", "exhausted", "");
	assert_int_equal(fake_root_number(COMPACT), 1);
}

static void pressure_ends_a_burst(void **state)
{
	(void)state;
	kept_add_knobs();
	fake_root_write("/proc/self/mountinfo",
			"25 1 0:23 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	fake_root_write("/sys/fs/cgroup/cgroup.controllers", "memory\n");
	fake_root_write(RECLAIM, "0");
	kept_ask(600);
	wait_for_chunk();
	kept_set_stalls(1, 0);
	for (int i = 0; i < 20 && kept.changed_count == 0; i++)
		sd_event_run(kept.event, 100 * 1000);
	assert_int_equal(kept.changed_count, 1);
	kept_check(kept.changed, 600, 300, "knobs", "fragmented", "allocstall");
	/* A target of nothing kills what runs. */
	kept_ask_for(
		(struct ebb_msg_target){ .bytes = 600 * MIB, .retry = true });
	kept_check(kept_ask(0), 0, 0, "knobs", "idle", "");
	kept_turn();
}

static void the_cgroup_must_be_the_root(void **state)
{
	char path[256];

	(void)state;
	assert_int_equal(ebb_reclaim_find(fake_root, path, sizeof(path)),
			 -ENOENT);
	fake_root_write("/x/memory.reclaim", "");
	fake_root_write("/y z/memory.reclaim", "");
	fake_root_write("/x/cgroup.controllers", "memory\n");
	fake_root_write("/y z/cgroup.controllers", "memory\n");
	fake_root_write("/proc/self/mountinfo",
			"25 1 0:23 /a /x rw - cgroup2 cgroup2 rw\n"
			"26 1 0:23 / /x rw - tmpfs tmpfs rw\n"
			"27 1 0:23 / /y\\040z rw - cgroup2 cgroup2 rw\n"
			"28 1 - cgroup2 \n - cgroup2 \n"
			"29 1 0:23 / /none rw shared:4 - cgroup2 none rw\n");
	assert_int_equal(ebb_reclaim_find(fake_root, path, sizeof(path)),
			 -ENOENT);
	fake_root_write("/none/memory.reclaim", "");
	fake_root_write("/none/cgroup.controllers", "cpu memory pids\n");
	assert_int_equal(ebb_reclaim_find(fake_root, path, sizeof(path)), 0);
	assert_string_equal(path, "/none/memory.reclaim");
}

/* Returns why nothing runs, or "running". */
static const char *ask_to_compact(void)
{
	static struct ebb_msg_compact_state state;
	struct ebb_msg answer = kept_run("ebb-compact", "");

	assert_int_equal(answer.kind, EBB_MSG_REPLY);
	assert_int_equal(ebb_msg_decode(answer.body,
					ebb_msg_compact_state_fields, &state,
					sizeof(state), NULL),
			 0);
	ebb_msg_clear(&answer);
	return state.running ? "running" : state.reason;
}

/* Asks until it may be again. */
static void await_running(void)
{
	for (int i = 0; i < 200 && strcmp(ask_to_compact(), "running") != 0;
	     i++)
		sd_event_run(kept.event, 50 * 1000);
}

/* Until what runs has ended. */
static void await_compacted(void)
{
	for (int i = 0; i < 500 && fake_root_number(LISTS) != 0; i++)
		sd_event_run(kept.event, 10 * 1000);
	assert_int_equal(fake_root_number(LISTS), 0);
}

static void what_is_free_is_compacted(void **state)
{
	(void)state;
	fake_root_write(COMPACT, "0");
	fake_root_write(SHRINK, "0");
	fake_root_write(LISTS, "0");
	kept_set_memory(400, 195);
	assert_string_equal(ask_to_compact(), "nothing");
	kept_set_memory(400, 100);
	assert_string_equal(ask_to_compact(), "running");
	assert_int_equal(fake_root_number(LISTS), 1 << 20);
	assert_string_equal(ask_to_compact(), "running");
	kept_set_memory(400, 180);
	await_compacted();
	assert_int_equal(fake_root_number(COMPACT), 1);
	assert_int_equal(fake_root_number(SHRINK), 1);
	/* No target is in force, none is told of. */
	assert_int_equal(kept.changed_count, 0);
	assert_int_equal(fake_module.set_count, 0);
}

/* Soon after one that was worth it; after another only if there is more. */
static void what_was_in_vain_is_not_done_again(void **state)
{
	(void)state;
	fake_root_write(COMPACT, "0");
	fake_root_write(LISTS, "0");
	kept_set_memory(400, 100);
	assert_string_equal(ask_to_compact(), "running");
	kept_set_memory(400, 150);
	await_compacted();
	assert_string_equal(ask_to_compact(), "too-soon");
	await_running();
	assert_int_equal(fake_root_number(LISTS), 1 << 20);
	await_compacted();
	for (int i = 0; i < 20; i++) {
		sd_event_run(kept.event, 50 * 1000);
		assert_string_equal(ask_to_compact(), "too-soon");
	}
	/* 100 MiB were left in small pieces. */
	kept_set_memory(440, 160);
	assert_string_equal(ask_to_compact(), "too-soon");
	kept_set_memory(450, 160);
	await_running();
	await_compacted();
}

static void exit_ends_a_burst(void **state)
{
	(void)state;
	fake_root_write(COMPACT, "0");
	fake_root_write(LISTS, "0");
	kept_set_memory(400, 100);
	assert_string_equal(ask_to_compact(), "running");
	ebb_target_free(kept.keeper);
	assert_int_equal(fake_root_number(LISTS), 0);
	kept_make();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KEPT_TEST(a_burst_reclaims_and_then_compacts),
		KEPT_TEST(pressure_ends_a_burst),
		KEPT_TEST(the_cgroup_must_be_the_root),
		KEPT_TEST(what_is_free_is_compacted),
		KEPT_TEST(what_was_in_vain_is_not_done_again),
		KEPT_TEST(exit_ends_a_burst),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
