/* SPDX-License-Identifier: GPL-2.0-only */
/* A vm whose memory a libvirt job reads: when libvirtd is asked, and what is known. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/clock.h"
#include "host/domain/sight.h"
#include "host/domain/vm_state.h"
#include "tests/unit/host/domain/fake-vm.h"

static struct ebb_vm *vm;

static int set_up(void **state)
{
	(void)state;
	fake_vm_reset();
	fake_vm.lease = true;
	vm = fake_vm_new();
	fake_vm_settle_down();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_vm_end(vm);
	return 0;
}

static struct ebb_vm_sight see(void)
{
	struct ebb_vm_sight sight;

	ebb_vm_see(vm, &sight);
	return sight;
}

static void pass(uint32_t s)
{
	for (uint32_t i = 0; i < s; i++) {
		fake_vm.now_ns += EBB_NS_PER_S;
		ebb_vm_tick(vm, fake_vm.now_ns);
		fake_vm_settle_down();
	}
}

static void test_nobody_is_asked_without_a_sign(void **state)
{
	(void)state;
	pass(600);
	assert_int_equal(fake_vm.job_asks, 0);
	assert_false(see().in_job);
}

static void test_asked_until_it_ends(void **state)
{
	struct ebb_domain_status *status = calloc(1, sizeof(*status));

	(void)state;
	fake_vm.job = EBB_JOB_MEMORY;
	ebb_vm_want_job(vm);
	fake_vm_settle_down();
	assert_true(see().in_job);
	/* The lease stays as it is: nothing is known to have touched the memory. */
	assert_true(ebb_vm_has_lease(vm));
	ebb_vm_status(vm, status);
	assert_true(status->in_job);
	pass(10);
	assert_true(see().in_job);
	assert_in_range(fake_vm.job_asks, 4, 8);
	/* That libvirtd does not answer is no end. */
	fake_vm.job = -ENOTCONN;
	pass(10);
	assert_true(see().in_job);
	fake_vm.job = EBB_JOB_NONE;
	pass(3);
	assert_false(see().in_job);
	assert_int_equal(see().jobs_ended, 1);
	fake_vm.job_asks = 0;
	pass(60);
	assert_int_equal(fake_vm.job_asks, 0);
	free(status);
}

static void test_a_sign_may_be_wrong(void **state)
{
	(void)state;
	fake_vm.job = EBB_JOB_DISK;
	ebb_vm_want_job(vm);
	pass(60);
	assert_int_equal(fake_vm.job_asks, 1);
	assert_false(see().in_job);
	assert_int_equal(see().jobs_ended, 0);
}

static void test_its_end_is_told(void **state)
{
	uint32_t probes = fake_vm.probes;

	(void)state;
	fake_vm.job = EBB_JOB_MEMORY;
	ebb_vm_want_job(vm);
	fake_vm_settle_down();
	fake_vm.job = EBB_JOB_NONE;
	ebb_vm_job_ended(vm);
	assert_false(see().in_job);
	fake_vm_settle_down();
	assert_int_equal(see().jobs_ended, 1);
	assert_int_equal(fake_vm.probes, probes + 1);
}

/* libvirtd is asked about the next one before the end of the last is heard. */
static void test_an_old_end_does_not_hide_the_next(void **state)
{
	(void)state;
	fake_vm.job = EBB_JOB_MEMORY;
	ebb_vm_want_job(vm);
	fake_vm_settle_down();
	ebb_vm_job_ended(vm);
	fake_vm_settle_down();
	assert_true(see().in_job);
	assert_int_equal(see().jobs_ended, 1);
}

/* It has no lease from the sign on, and the job is known however long a look takes. */
static void test_a_likely_one_is_asked_for_first(void **state)
{
	(void)state;
	fake_vm.job = EBB_JOB_MEMORY;
	fake_vm.held = true;
	ebb_vm_job_is_likely(vm);
	assert_false(ebb_vm_has_lease(vm));
	fake_vm_until(vm->phase == EBB_VM_LOOKING);
	assert_true(see().in_job);
	assert_false(ebb_vm_has_lease(vm));
	fake_vm.held = false;
	fake_vm_settle_down();
	assert_true(ebb_vm_has_lease(vm));
	assert_true(see().in_job);
}

/* Nobody tells of the end of one that libvirtd took with it. */
static void test_it_does_not_outlive_the_connection(void **state)
{
	(void)state;
	fake_vm.job = EBB_JOB_MEMORY;
	ebb_vm_want_job(vm);
	fake_vm_settle_down();
	ebb_vm_disconnect(vm);
	assert_false(see().in_job);
}

#define JOB_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		JOB_TEST(test_nobody_is_asked_without_a_sign),
		JOB_TEST(test_asked_until_it_ends),
		JOB_TEST(test_a_sign_may_be_wrong),
		JOB_TEST(test_its_end_is_told),
		JOB_TEST(test_an_old_end_does_not_hide_the_next),
		JOB_TEST(test_a_likely_one_is_asked_for_first),
		JOB_TEST(test_it_does_not_outlive_the_connection),
	};

	return cmocka_run_group_tests(tests, fake_vm_set_up_group,
				      fake_vm_tear_down_group);
}
