/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/host/base/fake-time.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/clock.h"
#include "host/base/loop.h"

enum {
	TIMERS_MAX = 32
};

/**
 * struct timer - with @fn, else its place is free
 * @period_ms: -1: it is off
 */
struct timer {
	ebb_loop_timer_fn fn;
	void *opaque;
	int period_ms;
	uint64_t due_ns;
};

static struct timer timers[TIMERS_MAX];
static struct ebb_workers *workers;
/* Workers read it, too. A machine is up for some days. */
static uint64_t now_ns = 1000 * 1000 * EBB_NS_PER_S;

/* Keeps the loop of libvirt's from waiting, with period 0. */
static int spin = -1;

void fake_time_watch_workers(struct ebb_workers *watched)
{
	workers = watched;
}

static uint64_t now(void)
{
	return __atomic_load_n(&now_ns, __ATOMIC_RELAXED);
}

uint64_t __wrap_ebb_now_ns(void);
uint64_t __wrap_ebb_now_ns(void)
{
	return now();
}

void __wrap_ebb_loop_timer_set(int timer, int period_ms);
void __wrap_ebb_loop_timer_set(int timer, int period_ms)
{
	assert_in_range(timer, 0, TIMERS_MAX - 1);
	assert_non_null(timers[timer].fn);
	timers[timer].period_ms = period_ms;
	if (period_ms >= 0)
		timers[timer].due_ns =
			now() + (uint64_t)period_ms * EBB_NS_PER_MS;
}

int __wrap_ebb_loop_timer_named(int period_ms, ebb_loop_timer_fn fn,
				void *opaque, const char *name);
int __wrap_ebb_loop_timer_named(int period_ms, ebb_loop_timer_fn fn,
				void *opaque, const char *name)
{
	int timer = 0;

	(void)name;
	while (timer < TIMERS_MAX && timers[timer].fn)
		timer++;
	if (timer == TIMERS_MAX)
		return -ENOMEM;
	timers[timer] = (struct timer){ .fn = fn, .opaque = opaque };
	__wrap_ebb_loop_timer_set(timer, period_ms);
	return timer;
}

void __wrap_ebb_loop_timer_remove(int timer);
void __wrap_ebb_loop_timer_remove(int timer)
{
	assert_in_range(timer, 0, TIMERS_MAX - 1);
	assert_non_null(timers[timer].fn);
	timers[timer].fn = NULL;
}

static bool is_due(const struct timer *timer)
{
	return timer->fn && timer->period_ms >= 0 && timer->due_ns <= now();
}

/* Returns whether one was due. A callback may remove any, also its own. */
static bool call_those_due(void)
{
	bool due[TIMERS_MAX], any = false;

	for (int i = 0; i < TIMERS_MAX; i++)
		due[i] = is_due(&timers[i]);
	for (int i = 0; i < TIMERS_MAX; i++) {
		if (!due[i] || !is_due(&timers[i]))
			continue;
		any = true;
		__wrap_ebb_loop_timer_set(i, timers[i].period_ms);
		timers[i].fn(i, timers[i].opaque);
	}
	return any;
}

static void go_on(void)
{
	uint64_t next_ns = UINT64_MAX;

	for (int i = 0; i < TIMERS_MAX; i++)
		if (timers[i].fn && timers[i].period_ms >= 0 &&
		    timers[i].due_ns < next_ns)
			next_ns = timers[i].due_ns;
	if (next_ns == UINT64_MAX)
		fail_msg("nothing will ever happen");
	__atomic_store_n(&now_ns, next_ns, __ATOMIC_RELAXED);
}

int __real_ebb_loop_timer_named(int period_ms, ebb_loop_timer_fn fn,
				void *opaque, const char *name);
void __real_ebb_loop_timer_set(int timer, int period_ms);
int __real_ebb_loop_turn(void);

static void on_spin(int timer, void *opaque)
{
	(void)timer;
	(void)opaque;
}

int __wrap_ebb_loop_turn(void);
int __wrap_ebb_loop_turn(void)
{
	bool works = workers && ebb_workers_count(workers) > 0;
	bool called = call_those_due();

	if (!called && !works)
		go_on();
	if (spin < 0)
		spin = __real_ebb_loop_timer_named(-1, on_spin, NULL, "spin");
	__real_ebb_loop_timer_set(spin, called || !works ? 0 : -1);
	return __real_ebb_loop_turn();
}
