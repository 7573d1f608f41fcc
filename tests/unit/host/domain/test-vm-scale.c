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
#include "common/size.h"
#include "host/base/loop.h"
#include "host/domain/vm.h"
#include "tests/unit/host/domain/fake-vm.h"

enum {
	DOMAINS = 1000,
	/* Looks in any ten seconds, once all is known. */
	BURST_MAX = 150,
};

static struct ebb_workers *workers;
static struct ebb_vm *vms[DOMAINS];
static int domains[DOMAINS]; /* see fake-vm.c */
static int alarm_timer;

static void on_alarm(int timer, void *opaque)
{
	(void)timer;
	(void)opaque;
	fail_msg("what was waited for did not happen");
}

static int set_up_group(void **state)
{
	(void)state;
	ebb_log_init("test", EBB_LOG_ERR);
	if (ebb_loop_init() < 0)
		return -1;
	alarm_timer = ebb_loop_timer(-1, on_alarm, NULL);
	return ebb_workers_new(8, 4, &workers);
}

static int tear_down_group(void **state)
{
	(void)state;
	ebb_workers_free(workers);
	return 0;
}

static void settle_down(void)
{
	ebb_loop_timer_set(alarm_timer, 60000);
	while (ebb_workers_count(workers) > 0)
		ebb_loop_turn();
	ebb_loop_timer_set(alarm_timer, -1);
}

static int set_up(void **state)
{
	static const struct ebb_config config = { .agent_timeout_ms = 100 };
	static struct ebb_vm_environment environment = { .config = &config };

	(void)state;
	fake_vm_reset();
	fake_vm.domxml.cell_count = 1;
	fake_vm.domxml.cell_bytes[0] = EBB_GIB;
	environment.workers = workers;
	for (int i = 0; i < DOMAINS; i++) {
		domains[i] = i;
		vms[i] = ebb_vm_new(&environment,
				    (struct ebb_domain *)(void *)&domains[i]);
		assert_non_null(vms[i]);
	}
	settle_down();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (int i = 0; i < DOMAINS; i++)
		ebb_vm_dismiss(vms[i], EBB_VM_DOMAIN_ENDED);
	settle_down();
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
		settle_down();
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

/* An agent that comes says so, where libvirt and ebbd listen for it. */
static void test_agent(void **state)
{
	(void)state;
	fake_vm.no_agent = true;
	for (int i = 0; i < DOMAINS; i++)
		ebb_vm_invalidate(vms[i]);
	settle_down();
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
	settle_down();
	pass(150);
	/* Each 64 to 80 s. */
	assert_in_range(pass(640), 8 * DOMAINS, 10 * DOMAINS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_agent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_untold, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
