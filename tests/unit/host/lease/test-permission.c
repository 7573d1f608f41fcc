/* SPDX-License-Identifier: GPL-2.0-only */
/* Permission to take: young enough, asked for no more than is needed. */
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
#include "tests/unit/host/lease/fake-agent.h"

#define MS_NS UINT64_C(1000000)

#define PERMISSION_NS (EBB_PERMISSION_MS * MS_NS)

static struct {
	_Atomic uint64_t allowed_ns; /* the last question that was allowed */
	_Atomic uint32_t count;
	_Atomic uint32_t at_once;
	_Atomic int answer;
	atomic_bool two_at_once;
	_Atomic uint32_t takes_ms;
	atomic_bool lives; /* what hangs goes on */
} libvirt;

static struct ebb_permission permission;

static int ask(void)
{
	uint64_t asked_ns = ebb_now_ns();
	int answer = libvirt.answer;

	if (libvirt.at_once++)
		libvirt.two_at_once = true;
	for (uint32_t ms = 0; ms < libvirt.takes_ms && !libvirt.lives; ms++)
		ebb_sleep_us(1000);
	if (answer != EBB_JOB_MEMORY)
		libvirt.allowed_ns = asked_ns;
	libvirt.count++;
	libvirt.at_once--;
	return answer;
}

static int begin(void **state)
{
	(void)state;
	memset(&libvirt, 0, sizeof(libvirt));
	fake_agent = (struct fake_agent){ .job = ask };
	assert_int_equal(ebb_permission_start(&permission, fake_domain()), 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	ebb_permission_stop(&permission);
	libvirt.lives = true;
	assert_true(fake_agent_is_left());
	assert_false(libvirt.two_at_once);
	return 0;
}

/* @ms: how long it is waited for. */
static int get(uint32_t ms)
{
	uint64_t now_ns = ebb_now_ns();

	return ebb_permission_get(&permission, now_ns, now_ns + ms * MS_NS);
}

/* Batches that come one after the other, for a second. */
static void test_is_young_and_cheap(void **state)
{
	uint64_t end_ns = ebb_now_ns() + 1000 * MS_NS;
	uint32_t batches = 0;

	(void)state;
	while (ebb_now_ns() < end_ns) {
		uint64_t called_ns = ebb_now_ns();

		assert_int_equal(get(10000), 0);
		assert_true(libvirt.allowed_ns + PERMISSION_NS >= called_ns);
		ebb_sleep_us(500);
		batches++;
	}
	assert_true(batches > libvirt.count);
	/* At most ten a second, and one to begin with. */
	assert_in_range(libvirt.count, 1, 2000 / EBB_PERMISSION_MS + 2);
}

static void test_a_job_begins(void **state)
{
	(void)state;
	assert_int_equal(get(10000), 0);
	libvirt.answer = EBB_JOB_MEMORY;
	ebb_sleep_us((EBB_PERMISSION_MS + 1) * 1000);
	assert_int_equal(get(10000), -EBUSY);
	libvirt.answer = EBB_JOB_DISK;
	ebb_sleep_us((EBB_PERMISSION_MS + 1) * 1000);
	assert_int_equal(get(10000), 0);
	libvirt.answer = -ENOTCONN;
	ebb_sleep_us((EBB_PERMISSION_MS + 1) * 1000);
	assert_int_equal(get(10000), -ENOTCONN);
}

/* It begins while batches come: none is taken later than the answer is good. */
static void test_a_job_begins_between_batches(void **state)
{
	uint64_t busy_ns, taken_ns;

	(void)state;
	assert_int_equal(get(10000), 0);
	libvirt.answer = EBB_JOB_MEMORY;
	busy_ns = taken_ns = ebb_now_ns();
	for (;;) {
		uint64_t called_ns = ebb_now_ns();

		if (get(10000) != 0)
			break;
		taken_ns = called_ns;
		ebb_sleep_us(500);
	}
	assert_true(taken_ns - busy_ns <= PERMISSION_NS);
}

/* Then there is none ahead, and the question of now is waited for. */
static void test_answers_are_slow(void **state)
{
	(void)state;
	libvirt.takes_ms = EBB_PERMISSION_MS + 50;
	for (int i = 0; i < 4; i++) {
		uint64_t called_ns = ebb_now_ns();

		assert_int_equal(get(10000), 0);
		assert_true(libvirt.allowed_ns + PERMISSION_NS >= called_ns);
	}
}

static void test_there_is_no_answer(void **state)
{
	(void)state;
	libvirt.takes_ms = 600000;
	assert_int_equal(get(50), -EAGAIN);
	assert_int_equal(get(50), -EAGAIN);
	assert_int_equal(libvirt.count, 0);
	/* It was the same question, which is answered in the end. */
	libvirt.lives = true;
	assert_int_equal(get(10000), 0);
}

static void test_nobody_wants_any(void **state)
{
	uint32_t count;

	(void)state;
	assert_int_equal(get(10000), 0);
	count = libvirt.count;
	ebb_sleep_us(3 * EBB_PERMISSION_MS * 1000);
	assert_int_equal(libvirt.count, count);
}

/* It is there when the first batch comes, and is not asked for twice. */
static void test_wanted_ahead(void **state)
{
	(void)state;
	ebb_permission_want(&permission);
	ebb_permission_want(&permission);
	assert_int_equal(get(10000), 0);
	ebb_permission_want(&permission);
	assert_int_equal(libvirt.count, 1);
}

#define PERMISSION_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PERMISSION_TEST(test_is_young_and_cheap),
		PERMISSION_TEST(test_a_job_begins),
		PERMISSION_TEST(test_a_job_begins_between_batches),
		PERMISSION_TEST(test_answers_are_slow),
		PERMISSION_TEST(test_there_is_no_answer),
		PERMISSION_TEST(test_nobody_wants_any),
		PERMISSION_TEST(test_wanted_ahead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
