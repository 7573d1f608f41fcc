/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A thousand domains without lease cost next to nothing: what is told when it is
 * over is looked at twice and then after a long time, not all at one moment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/log.h"
#include "host/domain/vm_state.h"
#include "tests/unit/host/domain/fake-vm.h"

enum {
	DOMAINS = 1000,
	/* Looks in any ten seconds, once all is known. */
	BURST_MAX = 150,
	/* Of fake-vm.c: so many looks at once. */
	WORKERS = 8,
};

static struct ebb_vm *vms[DOMAINS];
static int domains[DOMAINS]; /* see fake-vm.c */

static int set_up(void **state)
{
	(void)state;
	ebb_log_init("test", EBB_LOG_ERR);
	fake_vm_reset();
	for (int i = 0; i < DOMAINS; i++) {
		domains[i] = i;
		vms[i] = fake_vm_new_numbered(&domains[i]);
	}
	fake_vm_settle_down();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (int i = 0; i < DOMAINS; i++)
		ebb_vm_dismiss(vms[i], EBB_VM_DOMAIN_ENDED);
	fake_vm_settle_down();
	return 0;
}

/* Lets so many seconds go by; the looks in them. */
static uint32_t pass(uint32_t seconds)
{
	uint32_t before = fake_vm.probes;

	for (uint32_t s = 0; s < seconds; s++) {
		fake_vm.now_ns += EBB_NS_PER_S;
		for (int i = 0; i < DOMAINS; i++)
			ebb_vm_tick(vms[i], ebb_now_ns());
		fake_vm_settle_down();
	}
	return fake_vm.probes - before;
}

static void test_told(void **state)
{
	uint32_t most = 0, looks = 0;

	(void)state;
	assert_int_equal(fake_vm.probes, DOMAINS);
	assert_int_equal(pass(4), DOMAINS);
	assert_int_equal(pass(590), 0);
	for (uint32_t s = 0; s < 3000; s += 10) {
		uint32_t ten_s = pass(10);

		looks += ten_s;
		if (ten_s > most)
			most = ten_s;
	}
	/* Each 600 to 750 s. */
	assert_in_range(looks, 4 * DOMAINS, 5 * DOMAINS);
	assert_in_range(most, 1, BURST_MAX);
}

/* With ebbd itself, a thousand are to stay below 64 MiB. */
static void test_small_at_rest(void **state)
{
	(void)state;
	assert_in_range(sizeof(struct ebb_vm), 1, 32 << 10);
	for (int i = 0; i < DOMAINS; i++)
		assert_null(vms[i]->next);
}

/* A domain that waits for its look has no room for the findings. */
static void test_small_while_looking(void **state)
{
	uint32_t before = fake_vm.probes, having = 0;

	(void)state;
	fake_vm.held = true;
	for (int i = 0; i < DOMAINS; i++)
		ebb_vm_invalidate(vms[i]);
	fake_vm_until(fake_vm.probes > before);
	for (int i = 0; i < DOMAINS; i++) {
		assert_int_equal(vms[i]->phase, EBB_VM_LOOKING);
		/* Of those that have not begun: no thread writes these. */
		having += i >= WORKERS && vms[i]->next;
	}
	assert_int_equal(having, 0);
	fake_vm.held = false;
	fake_vm_settle_down();
}

/* An agent that comes says so, where libvirt and ebbd listen for it. */
static void test_agent(void **state)
{
	(void)state;
	fake_vm.no_agent = true;
	for (int i = 0; i < DOMAINS; i++)
		ebb_vm_invalidate(vms[i]);
	fake_vm_settle_down();
	pass(4);
	assert_int_equal(pass(590), 0);
}

/* What nobody tells of is looked for, later and later. */
static void test_untold(void **state)
{
	(void)state;
	fake_vm.no_agent = true;
	fake_vm.domxml.own_channel = true;
	for (int i = 0; i < DOMAINS; i++)
		ebb_vm_invalidate(vms[i]);
	fake_vm_settle_down();
	pass(150);
	/* Each 64 to 80 s. */
	assert_in_range(pass(640), 8 * DOMAINS, 10 * DOMAINS);
}

/* The agent of a domain greets while that is looked at. Returns the looks at it. */
static uint32_t look_and_greet(bool answered_later)
{
	uint32_t before = fake_vm.probes;

	fake_vm.agent = true;
	fake_vm.own = true;
	fake_vm.lease = true;
	fake_vm.held = true;
	ebb_vm_invalidate(vms[0]);
	fake_vm_until(fake_vm.probes > before);
	fake_vm.events++;
	fake_vm.channel_ops->event("EBB_AGENT_READY", NULL,
				   fake_vm.channel_opaque);
	if (answered_later)
		fake_vm.events_before_reply = fake_vm.events;
	fake_vm.held = false;
	fake_vm_settle_down();
	return fake_vm.probes - before;
}

/* An ebbd that opens a thousand channels is greeted on each, and has these answers already. */
static void test_greeting_before_the_answer(void **state)
{
	(void)state;
	assert_int_equal(look_and_greet(true), 1);
	assert_false(vms[0]->agent.heard);
	assert_false(vms[0]->agent.changed);
}

static void test_greeting_after_the_answer(void **state)
{
	(void)state;
	assert_int_equal(look_and_greet(false), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_small_at_rest, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_small_while_looking,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_agent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_untold, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_greeting_before_the_answer,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_greeting_after_the_answer,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, fake_vm_set_up_group,
				      fake_vm_tear_down_group);
}
