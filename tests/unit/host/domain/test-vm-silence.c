/* SPDX-License-Identifier: GPL-2.0-only */
/* libvirtd does not answer a look: who waits for that is answered all the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "host/domain/vm_state.h"
#include "tests/unit/host/domain/fake-vm.h"

static struct ebb_vm *vm;

/* A domain that is looked at for the first time, which does not end. */
static int set_up(void **state)
{
	(void)state;
	fake_vm_reset();
	fake_vm.held = true;
	vm = fake_vm_new();
	return vm ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	fake_vm.held = false;
	fake_vm_settle_down();
	fake_vm_end(vm);
	return 0;
}

/* Time passes, and libvirtd is still silent. */
static void be_silent(void)
{
	assert_false(fake_vm.answer.done);
	assert_true(ebb_vm_is_waited_for(vm));
	fake_vm.now_ns += EBB_NS_PER_S;
	ebb_vm_libvirtd_is_silent(vm);
	assert_true(fake_vm.answer.done);
	assert_false(ebb_vm_is_waited_for(vm));
	/* The look goes on, and answers nobody twice. */
	assert_int_equal(vm->phase, EBB_VM_LOOKING);
}

static const struct ebb_check *find_check(const char *name)
{
	const struct ebb_doctor *doctor = &fake_vm.answer.doctor;

	for (uint32_t i = 0; i < doctor->check_count; i++)
		if (strcmp(doctor->checks[i].name, name) == 0)
			return &doctor->checks[i];
	fail_msg("no check '%s'", name);
	return NULL;
}

static void ask_doctor(void)
{
	ebb_vm_doctor(vm, NULL, true);
	be_silent();
	assert_string_equal(find_check("libvirt")->status, "fail");
	assert_non_null(strstr(find_check("libvirt")->text, "does not answer"));
}

/* Nothing is said to be in order that nobody has looked at. */
static void test_doctor_before_the_first_look(void **state)
{
	const struct ebb_doctor *doctor = &fake_vm.answer.doctor;

	(void)state;
	ask_doctor();
	assert_true(doctor->check_count > 5);
	for (uint32_t i = 0; i + 1 < doctor->check_count; i++) {
		assert_string_equal(doctor->checks[i].status, "skip");
		assert_string_equal(doctor->checks[i].text,
				    "Not looked at yet");
	}
}

/* No look is needed to know that a person paused it. */
static void test_doctor_says_that_it_is_paused(void **state)
{
	(void)state;
	fake_vm.pause = EBB_VM_PAUSE_DOMAIN;
	ask_doctor();
	assert_string_not_equal(find_check("policy")->status, "skip");
	assert_true(find_check("policy")->remedy[0]);
}

static void test_doctor_says_what_was_known(void **state)
{
	(void)state;
	fake_vm.held = false;
	fake_vm_settle_down();
	fake_vm.held = true;
	ask_doctor();
	assert_string_equal(find_check("running")->status, "ok");
	assert_string_equal(find_check("memory-backing")->status, "fail");
}

static void test_target_is_refused(void **state)
{
	const struct ebb_target_setting setting = { 0 };

	(void)state;
	fake_vm_set_target(vm, NULL, &setting);
	be_silent();
	assert_string_equal(fake_vm.answer.error_class, "LibvirtGone");
	/* Who waits for a call that is not his may ask again soon. */
	assert_non_null(strstr(fake_vm.answer.text,
			       "does not answer, or is busy with a call for "
			       "another domain; try again, or see: "));
}

static uint32_t refused;

/* It asks again at once, as a client may. */
static void reclaim_done(const struct ebb_reclaim_report *report, void *opaque)
{
	const struct ebb_reclaim_order *order = opaque;

	assert_int_equal(report->refusal.kind, EBB_REFUSAL_LIBVIRT_GONE);
	if (refused++ == 0)
		ebb_vm_reclaim(vm, order);
}

static void test_reclaim_is_refused(void **state)
{
	struct ebb_reclaim_order order = { .owner = EBB_OWNER_OPERATOR,
					   .done = reclaim_done };

	(void)state;
	refused = 0;
	order.opaque = &order;
	ebb_vm_reclaim(vm, &order);
	assert_true(ebb_vm_is_waited_for(vm));
	fake_vm.now_ns += EBB_NS_PER_S;
	ebb_vm_libvirtd_is_silent(vm);
	assert_int_equal(refused, 1);
	assert_true(ebb_vm_is_waited_for(vm));
	fake_vm.now_ns += EBB_NS_PER_S;
	ebb_vm_libvirtd_is_silent(vm);
	assert_int_equal(refused, 2);
	assert_false(ebb_vm_is_waited_for(vm));
}

/* A look that ends in time answers, and nobody is silent. */
static void test_look_ends(void **state)
{
	const struct ebb_doctor *doctor = &fake_vm.answer.doctor;

	(void)state;
	ebb_vm_doctor(vm, NULL, true);
	fake_vm.held = false;
	fake_vm_settle_down();
	assert_true(fake_vm.answer.done);
	assert_false(ebb_vm_is_waited_for(vm));
	for (uint32_t i = 0; i < doctor->check_count; i++)
		assert_string_not_equal(doctor->checks[i].name, "libvirt");
}

/* Who may only look is told what is known, and no guest is asked for it. */
static void test_doctor_without_a_look(void **state)
{
	unsigned int probes;

	(void)state;
	fake_vm.held = false;
	fake_vm_settle_down();
	probes = fake_vm.probes;
	ebb_vm_doctor(vm, NULL, false);
	assert_true(fake_vm.answer.done);
	fake_vm_settle_down();
	assert_int_equal(fake_vm.probes, probes);
	assert_string_equal(find_check("running")->status, "ok");
	fake_vm.answer.done = false;
	ebb_vm_doctor(vm, NULL, true);
	fake_vm_settle_down();
	assert_true(fake_vm.answer.done);
	assert_int_equal(fake_vm.probes, probes + 1);
}

#define SILENCE_TEST(test) \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SILENCE_TEST(test_doctor_before_the_first_look),
		SILENCE_TEST(test_doctor_says_that_it_is_paused),
		SILENCE_TEST(test_doctor_says_what_was_known),
		SILENCE_TEST(test_target_is_refused),
		SILENCE_TEST(test_reclaim_is_refused),
		SILENCE_TEST(test_look_ends),
		SILENCE_TEST(test_doctor_without_a_look),
	};

	return cmocka_run_group_tests(tests, fake_vm_set_up_group,
				      fake_vm_tear_down_group);
}
