/* SPDX-License-Identifier: GPL-2.0-only */
/* Answers that are asked for ahead: young enough, and no more than are wanted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "host/lease/permission.h"

#define MS_NS UINT64_C(1000000)

static struct {
	_Atomic uint64_t allowed_ns; /* the last question that was allowed */
	_Atomic uint64_t asked_ns; /* the last that was answered */
	_Atomic uint32_t count;
	_Atomic int answer;
	uint32_t takes_us;
} libvirt;

static struct ebb_permission permission;

static int ask(void *opaque)
{
	uint64_t asked_ns = ebb_now_ns();
	int answer = libvirt.answer;

	if (opaque != &libvirt)
		return -EINVAL;
	if (libvirt.takes_us)
		ebb_sleep_us(libvirt.takes_us);
	if (answer == 0)
		libvirt.allowed_ns = asked_ns;
	libvirt.asked_ns = asked_ns;
	libvirt.count++;
	return answer;
}

static int begin(void **state)
{
	(void)state;
	memset(&libvirt, 0, sizeof(libvirt));
	return 0;
}

static void start(void)
{
	assert_int_equal(ebb_permission_start(&permission, ask, &libvirt), 0);
}

/* What was asked ahead is there; what is too old is not. */
static void test_is_young(void **state)
{
	uint64_t end_ns;

	(void)state;
	start();
	end_ns = ebb_now_ns() + 150 * MS_NS;
	while (ebb_now_ns() < end_ns) {
		uint64_t called_ns = ebb_now_ns();

		assert_int_equal(ebb_permission_get(&permission), 0);
		assert_true(libvirt.allowed_ns + EBB_PERMISSION_MS * MS_NS >=
			    called_ns);
		ebb_sleep_us(500);
	}
	/* A question serves many. */
	assert_true(libvirt.count >= 2);
	assert_true(libvirt.count <= 150);
	ebb_permission_stop(&permission);
}

static void test_a_job_begins(void **state)
{
	(void)state;
	start();
	assert_int_equal(ebb_permission_get(&permission), 0);
	libvirt.answer = -EBUSY;
	ebb_sleep_us((EBB_PERMISSION_MS + 1) * 1000);
	assert_int_equal(ebb_permission_get(&permission), -EBUSY);
	libvirt.answer = 0;
	ebb_sleep_us((EBB_PERMISSION_MS + 1) * 1000);
	assert_int_equal(ebb_permission_get(&permission), 0);
	ebb_permission_stop(&permission);
}

/* Then there is none ahead, and the question of now is waited for. */
static void answers_take(uint32_t ms, int times)
{
	libvirt.takes_us = ms * 1000;
	start();
	for (int i = 0; i < times; i++) {
		uint64_t called_ns = ebb_now_ns();

		assert_int_equal(ebb_permission_get(&permission), 0);
		assert_true(libvirt.allowed_ns + EBB_PERMISSION_MS * MS_NS >=
			    called_ns);
	}
	ebb_permission_stop(&permission);
}

static void test_answers_are_slow(void **state)
{
	(void)state;
	answers_take(2 * EBB_PERMISSION_MS, 4);
	/* Longer than one is kept ready for nobody. */
	answers_take(150, 2);
}

static void test_nobody_wants_any(void **state)
{
	uint32_t count;

	(void)state;
	start();
	ebb_sleep_us(250 * 1000);
	count = libvirt.count;
	assert_true(count <= 30);
	ebb_sleep_us(150 * 1000);
	assert_int_equal(libvirt.count, count);
	libvirt.answer = -ENOTCONN;
	assert_int_equal(ebb_permission_get(&permission), -ENOTCONN);
	ebb_permission_stop(&permission);
	count = libvirt.count;
	ebb_sleep_us(30 * 1000);
	assert_int_equal(libvirt.count, count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_is_young, begin),
		cmocka_unit_test_setup(test_a_job_begins, begin),
		cmocka_unit_test_setup(test_answers_are_slow, begin),
		cmocka_unit_test_setup(test_nobody_wants_any, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
