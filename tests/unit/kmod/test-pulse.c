/* SPDX-License-Identifier: GPL-2.0-only */
/* The module's pulses (kmod/pulse.c), on nodes that are numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kmod/pulse.h"

#define MIB ((__u64)256) /* in pages */

enum {
	LOOK_MS = 20
};

/*
 * A node whose kswapd frees @rate pages a look, all in huge ranges but for
 * one part in @crumbs, until the marks or what can be gained end it.
 */
struct node {
	struct pulse_facts facts;
	struct pulse pulse;
	__u64 now_ms;
	__u64 mark; /* kswapd works until so much is free */
	__u64 rate;
	__u64 crumbs;
	unsigned int kicks;
};

static struct node make_node(__u64 managed, __u64 free_pages, __u64 gainable)
{
	return (struct node){
		.facts = { .managed = managed,
			   .free = free_pages,
			   .free_huge = free_pages,
			   .gainable = gainable,
			   .kswapd_idle = true },
		.now_ms = 1000,
		.rate = 16 * MIB,
	};
}

static void kswapd_runs(struct node *node)
{
	__u64 pages = node->rate;

	if (node->facts.kswapd_idle)
		return;
	if (pages > node->facts.gainable)
		pages = node->facts.gainable;
	node->facts.free += pages;
	node->facts.gainable -= pages;
	node->facts.free_huge += node->crumbs ? pages - pages / node->crumbs
					      : pages;
	node->facts.kswapd_idle = pages == 0 || node->facts.free >= node->mark;
}

static enum pulse_action look(struct node *node)
{
	enum pulse_action action;

	action = ebb_pulse_look(&node->pulse, &node->facts, node->now_ms);
	if (action == PULSE_KICK) {
		node->kicks++;
		node->mark = node->facts.free + node->pulse.step;
		node->facts.kswapd_idle = false;
	}
	kswapd_runs(node);
	node->now_ms += LOOK_MS;
	return action;
}

/* Looks until the node rests, at most @looks. */
static void run(struct node *node, unsigned int looks)
{
	while (looks--) {
		look(node);
		if (node->pulse.state != EBB_THRESHOLD_DRIVING)
			return;
	}
}

static void aim(struct node *node, __u64 pages)
{
	ebb_pulse_aim(&node->pulse, pages, node->facts.managed,
		      EBB_TARGET_URGENT);
}

static void test_cache_is_driven_to_the_target(void **state)
{
	struct node node = make_node(2000 * MIB, 100 * MIB, 1500 * MIB);

	(void)state;
	aim(&node, 1000 * MIB);
	run(&node, 1000);
	assert_int_equal(node.pulse.state, EBB_THRESHOLD_HELD);
	assert_true(node.facts.free_huge >= 1000 * MIB);
	/* Not more than a step too much. */
	assert_true(node.facts.free_huge <= 1000 * MIB + PULSE_STEP_MAX_PAGES);
	assert_true(node.kicks >= 4);
}

static void test_steps_are_bounded(void **state)
{
	struct node node = make_node(64000 * MIB, 100 * MIB, 60000 * MIB);

	(void)state;
	aim(&node, 30000 * MIB);
	assert_int_equal(look(&node), PULSE_KICK);
	assert_int_equal(node.pulse.step, PULSE_STEP_MAX_PAGES);

	node = make_node(512 * MIB, 10 * MIB, 400 * MIB);
	aim(&node, 300 * MIB);
	assert_int_equal(look(&node), PULSE_KICK);
	assert_int_equal(node.pulse.step, PULSE_STEP_MIN_PAGES);

	node = make_node(512 * MIB, 100 * MIB, 400 * MIB);
	aim(&node, 101 * MIB + 1);
	look(&node);
	assert_true(node.pulse.step >= PULSE_HUGE_PAGES);
	assert_true(node.pulse.step < 4 * MIB);
}

/* Else kswapd takes page cache for nothing and swaps. */
static void test_a_step_is_half_of_what_there_is(void **state)
{
	struct node node = make_node(2000 * MIB, 100 * MIB, 100 * MIB);

	(void)state;
	aim(&node, 1000 * MIB);
	assert_int_equal(look(&node), PULSE_KICK);
	assert_int_equal(node.pulse.step, 50 * MIB);
	node = make_node(2000 * MIB, 100 * MIB, 2 * PULSE_HUGE_PAGES - 1);
	aim(&node, 1000 * MIB);
	assert_int_equal(look(&node), PULSE_REST);
	assert_int_equal(node.pulse.state, EBB_THRESHOLD_EXHAUSTED);
}

/* Nobody waits: the guest has a second to say that it needs what went. */
static void test_a_standing_target_is_gentle(void **state)
{
	struct node node = make_node(2000 * MIB, 100 * MIB, 1500 * MIB);
	__u64 begin_ms = node.now_ms;

	(void)state;
	ebb_pulse_aim(&node.pulse, 1000 * MIB, node.facts.managed, 0);
	run(&node, 10000);
	assert_int_equal(node.pulse.state, EBB_THRESHOLD_HELD);
	assert_true(node.now_ms - begin_ms >=
		    (node.kicks - 1) * PULSE_GENTLE_MS);

	/* One pulse may run when somebody comes to wait for it. */
	node = make_node(2000 * MIB, 100 * MIB, 1500 * MIB);
	ebb_pulse_aim(&node.pulse, 1000 * MIB, node.facts.managed, 0);
	look(&node);
	aim(&node, 1000 * MIB);
	begin_ms = node.now_ms;
	run(&node, 10000);
	assert_int_equal(node.pulse.state, EBB_THRESHOLD_HELD);
	assert_true(node.now_ms - begin_ms < 2 * PULSE_GENTLE_MS);
}

static void test_a_held_target_needs_nothing(void **state)
{
	struct node node = make_node(2000 * MIB, 1000 * MIB, 500 * MIB);
	int i;

	(void)state;
	aim(&node, 800 * MIB);
	assert_int_equal(look(&node), PULSE_REST);
	for (i = 0; i < 100; i++)
		assert_int_equal(look(&node), PULSE_WAIT);
	/* A little less is left alone, much less is not. */
	node.facts.free = node.facts.free_huge = 720 * MIB;
	assert_int_equal(look(&node), PULSE_WAIT);
	node.facts.free = node.facts.free_huge = 600 * MIB;
	assert_int_equal(look(&node), PULSE_KICK);
}

static void test_a_renewal_changes_nothing(void **state)
{
	struct node node = make_node(2000 * MIB, 1000 * MIB, 500 * MIB);

	(void)state;
	aim(&node, 800 * MIB);
	look(&node);
	aim(&node, 800 * MIB);
	assert_int_equal(look(&node), PULSE_WAIT);
	aim(&node, 0);
	assert_int_equal(look(&node), PULSE_WAIT);
	assert_int_equal(node.pulse.state, EBB_THRESHOLD_IDLE);
}

static void test_nothing_to_gain_ends_it(void **state)
{
	struct node node = make_node(2000 * MIB, 100 * MIB, 200 * MIB);
	unsigned int kicks;
	int i;

	(void)state;
	aim(&node, 1000 * MIB);
	run(&node, 1000);
	assert_int_equal(node.pulse.state, EBB_THRESHOLD_EXHAUSTED);
	assert_true(node.facts.gainable < 2 * PULSE_HUGE_PAGES);
	kicks = node.kicks;
	/* Not once more before its time, and then in vain without a kick. */
	for (i = 0; i < PULSE_RETRY_MIN_MS / LOOK_MS - 2; i++)
		assert_int_equal(look(&node), PULSE_WAIT);
	node.now_ms += 100;
	look(&node);
	assert_int_equal(node.pulse.state, EBB_THRESHOLD_EXHAUSTED);
	assert_int_equal(node.kicks, kicks);
	assert_int_equal(node.pulse.retry_ms, 2 * PULSE_RETRY_MIN_MS);
}

/* Page cache that is in use and comes back: kswapd scans and gains nothing. */
static void test_fruitless_pulses_end_it(void **state)
{
	struct node node = make_node(2000 * MIB, 100 * MIB, 900 * MIB);

	(void)state;
	node.rate = 0;
	aim(&node, 1000 * MIB);
	run(&node, 1000);
	assert_int_equal(node.pulse.state, EBB_THRESHOLD_EXHAUSTED);
	assert_int_equal(node.kicks, PULSE_FRUITLESS_MAX);
}

static void test_the_wait_doubles_up_to_a_limit(void **state)
{
	struct node node = make_node(2000 * MIB, 100 * MIB, 0);
	__u32 last = 0;
	int i;

	(void)state;
	aim(&node, 1000 * MIB);
	for (i = 0; i < 12; i++) {
		look(&node);
		assert_int_equal(node.pulse.state, EBB_THRESHOLD_EXHAUSTED);
		assert_true(node.pulse.retry_ms >= last);
		last = node.pulse.retry_ms;
		node.now_ms = node.pulse.retry_at_ms;
	}
	assert_int_equal(last, PULSE_RETRY_MAX_MS);
	/* Who asks now does not wait for that. */
	node.facts.gainable = 500 * MIB;
	ebb_pulse_aim(&node.pulse, 1000 * MIB, node.facts.managed,
		      EBB_TARGET_RETRY | EBB_TARGET_URGENT);
	assert_int_equal(look(&node), PULSE_KICK);
}

static void test_a_busy_kswapd_is_waited_for(void **state)
{
	struct node node = make_node(2000 * MIB, 100 * MIB, 900 * MIB);
	int i;

	(void)state;
	aim(&node, 1000 * MIB);
	assert_int_equal(look(&node), PULSE_KICK);
	node.facts.kswapd_idle = false;
	node.rate = 0;
	for (i = 1; i < PULSE_LONGEST_MS / LOOK_MS; i++) {
		node.facts.kswapd_idle = false;
		assert_int_equal(look(&node), PULSE_WAIT);
	}
	node.facts.kswapd_idle = false;
	assert_int_equal(look(&node), PULSE_KICK);
}

static void test_fragments_are_for_compaction(void **state)
{
	struct node node = make_node(2000 * MIB, 1100 * MIB, 500 * MIB);
	int i;

	(void)state;
	node.facts.free_huge = 300 * MIB;
	aim(&node, 800 * MIB);
	assert_int_equal(look(&node), PULSE_REST);
	assert_int_equal(node.pulse.state, EBB_THRESHOLD_FRAGMENTED);
	assert_int_equal(node.kicks, 0);
	/* As long as it gains, it goes on. */
	for (i = 0; i < 20; i++) {
		node.facts.free_huge += 4 * MIB;
		node.now_ms += PULSE_COMPACT_QUIET_MS - 2 * LOOK_MS;
		look(&node);
		assert_int_equal(node.pulse.state, EBB_THRESHOLD_FRAGMENTED);
	}
	node.now_ms += PULSE_COMPACT_QUIET_MS;
	assert_int_equal(look(&node), PULSE_REST);
	assert_int_equal(node.pulse.state, EBB_THRESHOLD_EXHAUSTED);

	aim(&node, 700 * MIB);
	look(&node);
	node.facts.free_huge = 701 * MIB;
	assert_int_equal(look(&node), PULSE_REST);
	assert_int_equal(node.pulse.state, EBB_THRESHOLD_HELD);
}

/* Some of what is freed comes in small blocks: that much more is freed. */
static void test_crumbs_are_overhead(void **state)
{
	struct node node = make_node(2000 * MIB, 100 * MIB, 1800 * MIB);

	(void)state;
	node.crumbs = 10;
	aim(&node, 1000 * MIB);
	run(&node, 1000);
	assert_int_equal(node.pulse.state, EBB_THRESHOLD_HELD);
	assert_true(node.facts.free_huge >= 1000 * MIB - 1000 * MIB / 64);
}

static void test_a_target_is_cut(void **state)
{
	struct node node = make_node(800 * MIB, 100 * MIB, 0);

	(void)state;
	aim(&node, UINT64_MAX);
	assert_int_equal(node.pulse.target, 700 * MIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cache_is_driven_to_the_target),
		cmocka_unit_test(test_steps_are_bounded),
		cmocka_unit_test(test_a_step_is_half_of_what_there_is),
		cmocka_unit_test(test_a_standing_target_is_gentle),
		cmocka_unit_test(test_a_held_target_needs_nothing),
		cmocka_unit_test(test_a_renewal_changes_nothing),
		cmocka_unit_test(test_nothing_to_gain_ends_it),
		cmocka_unit_test(test_fruitless_pulses_end_it),
		cmocka_unit_test(test_the_wait_doubles_up_to_a_limit),
		cmocka_unit_test(test_a_busy_kswapd_is_waited_for),
		cmocka_unit_test(test_fragments_are_for_compaction),
		cmocka_unit_test(test_crumbs_are_overhead),
		cmocka_unit_test(test_a_target_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
