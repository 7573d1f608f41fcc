/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A domain to look at: libvirt, the process, the agent and the host's swap say what a test
 * has put into look_at. Link with libhost.a, in place of what it has for these.
 */
#ifndef EBB_TESTS_FAKE_LOOK_H
#define EBB_TESTS_FAKE_LOOK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host/domain/probe.h"

struct look_at {
	enum ebb_domain_state state;
	const char *own; /* state of the channel; NULL: there is none */
	const char *qga;
	const char *definition; /* NULL: it is transient */
	const char *own_policy; /* attributes of Ebb's metadata; NULL: none */
	bool pinned;
	int own_answer; /* of asking there */
	struct ebb_msg_info info; /* if that is 0 */
	int challenge_answer;
	int qga_answer;
	uint32_t own_asks;
	uint32_t qga_asks;
	uint32_t age_s;
	bool restored;
	uint64_t start_ticks;
	const char *record; /* of its balloon, attributes; NULL: none */
	bool reporting; /* as of freePageReporting='on' */
	const char *
		balloon; /* what is in <memballoon model='virtio'>; NULL: none */
	const char *memory_device;
	uint32_t shared_files; /* of its process */
	uint32_t unlocks; /* of these */
	bool pooled; /* some of its memory, by /proc */
	int usage_result;
	struct ebb_budget_swap swap; /* of the host */
};

extern struct look_at fake;

/* What a look finds, and what the look before it had. */
extern struct ebb_probe before, found;

/* Of the order. */
extern atomic_bool gone, record_read;

/* One that runs, and whose agent is silent. As a test's set-up. */
int look_set_up(void **state);

/* @order: all that a test is about; the rest is filled in. */
void look(struct ebb_probe_order order);

bool is_reason(enum ebb_reason_id id);

#endif /* EBB_TESTS_FAKE_LOOK_H */
