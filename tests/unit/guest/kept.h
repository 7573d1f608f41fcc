/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A keeper of the free target, in a guest of files (fake-root.h) and with a
 * module that a test plays.
 */
#ifndef EBB_TESTS_UNIT_KEPT_H
#define EBB_TESTS_UNIT_KEPT_H

#include <stdint.h>

#include <systemd/sd-event.h>

#include "guest/target.h"
#include "protocol/message.h"

#define SCALE "/proc/sys/vm/watermark_scale_factor"
#define PROACTIVE "/proc/sys/vm/compaction_proactiveness"
#define COMPACT "/proc/sys/vm/compact_memory"
#define LISTS "/proc/sys/vm/percpu_pagelist_high_fraction"
#define SHRINK "/sys/kernel/slab/dentry/shrink"
#define RECLAIM "/sys/fs/cgroup/memory.reclaim"

#define MIB ((uint64_t)1 << 20)

/* What the module was told, and what it says. */
struct fake_module {
	int r; /* of each request */
	uint64_t node_bytes[EBB_NODE_MAX];
	uint64_t all_bytes;
	uint32_t flags;
	uint32_t flags_known; /* others are refused */
	uint32_t limited_refaults;
	uint32_t timeout_ms;
	int set_count;
	struct ebb_threshold threshold;
};

struct kept {
	sd_event *event;
	struct ebb_target_keeper *keeper;
	char state_dir[128];
	int changed_count;
	struct ebb_msg_target_state changed;
};

extern struct fake_module fake_module;
extern struct kept kept;

/* For cmocka: a guest of 2 GiB, 100 MiB of it free, and the keeper. */
int kept_set_up(void **state);
int kept_tear_down(void **state);

/* For cmocka: a test of one keeper. */
#define KEPT_TEST(name) \
	cmocka_unit_test_setup_teardown(name, kept_set_up, kept_tear_down)

/* Another keeper, after the last one was freed. */
void kept_make(void);

/* What the guest has: free memory, and blocks of 2 MiB in it. */
void kept_set_memory(uint64_t free_mib, uint64_t huge_blocks);
void kept_set_stalls(int allocstall, int oom_kill);

/* Takes the module away, and lays the kernel's knobs. */
void kept_add_knobs(void);

/* Without a timeout: for the whole lease. */
struct ebb_msg_target_state kept_ask_for(struct ebb_msg_target target);
struct ebb_msg_target_state kept_ask(uint64_t mib);

/* The answer to a command, as the host sends it. The caller clears it. */
struct ebb_msg kept_run(const char *command, const char *arguments);

/* Until the loop has nothing to do for a while. */
void kept_turn(void);

/* A macro, so that a failure names the line of the test. */
#define kept_check(result, asked_mib, effective_mib, how, what, why)       \
	do {                                                               \
		const struct ebb_msg_target_state is = (result);           \
                                                                           \
		assert_int_equal(is.asked_bytes, (asked_mib)*MIB);         \
		assert_int_equal(is.effective_bytes, (effective_mib)*MIB); \
		assert_string_equal(is.mechanism, how);                    \
		assert_string_equal(is.state, what);                       \
		assert_string_equal(is.reason, why);                       \
	} while (0)

#endif /* EBB_TESTS_UNIT_KEPT_H */
