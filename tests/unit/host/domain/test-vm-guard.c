/* SPDX-License-Identifier: GPL-2.0-only */
/* A vm whose balloon holds memory for Ebb: when it is given back, and what is told. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/size.h"
#include "host/domain/sight.h"
#include "host/domain/vm_state.h"
#include "tests/unit/host/domain/fake-vm.h"
#include "tests/unit/host/rung/fake-balloon.h"

static struct ebb_vm *vm;
static struct ebb_call *const call = (struct ebb_call *)(void *)&vm;

/* Of 2 GiB that the balloon left without it. */
static void hold(uint64_t mib)
{
	fake_balloon.actual_bytes = 2 * EBB_GIB - mib * EBB_MIB;
	fake_balloon.left_bytes = fake_balloon.actual_bytes;
	fake_balloon.record_base_bytes = 2 * EBB_GIB;
	fake_balloon.record_left_bytes = fake_balloon.actual_bytes;
	fake_balloon.period_s = 1;
	fake_vm.domxml.balloon_record = (struct ebb_balloon_record){
		.base_bytes = 2 * EBB_GIB,
		.left_bytes = fake_balloon.actual_bytes,
		.memory_bytes = 2 * EBB_GIB,
	};
}

int __real_ebb_loop_timer_named(int period_ms, ebb_loop_timer_fn fn,
				void *opaque, const char *name);
int __wrap_ebb_loop_timer_named(int period_ms, ebb_loop_timer_fn fn,
				void *opaque, const char *name);

/* A guard reads twice a second, which are seconds of sleep in each test. */
int __wrap_ebb_loop_timer_named(int period_ms, ebb_loop_timer_fn fn,
				void *opaque, const char *name)
{
	return __real_ebb_loop_timer_named(period_ms > 0 ? (period_ms + 19) / 20
							 : period_ms,
					   fn, opaque, name);
}

static int set_up(void **state)
{
	struct timespec now;

	(void)state;
	fake_vm_reset();
	fake_balloon_reset();
	/* Askers wait by the real clock for what this one says. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	fake_vm.now_ns =
		(uint64_t)now.tv_sec * EBB_NS_PER_S + 3600 * EBB_NS_PER_S;
	fake_vm.inflatable = true;
	fake_vm.no_agent = true;
	fake_vm.domxml.cell_bytes[0] = 2 * EBB_GIB;
	return 0;
}

static void begin(void)
{
	vm = fake_vm_new();
	ebb_vm_note_state(vm, EBB_DOMAIN_RUNNING);
	fake_vm_settle_down();
}

static int tear_down(void **state)
{
	(void)state;
	fake_balloon.hung = false;
	if (vm)
		fake_vm_end(vm);
	vm = NULL;
	for (int i = 0; i < 1000 && fake_balloon.lines; i++)
		usleep(10 * 1000);
	assert_int_equal(fake_balloon.lines, 0);
	return 0;
}

static bool gave_back(void)
{
	return fake_balloon.record_base_bytes == 0 && vm->guard.timer < 0;
}

static void read_some(void)
{
	unsigned int acts = fake_balloon.acts;

	fake_vm_until(fake_balloon.acts >= acts + 3);
}

static uint64_t held_mib(void)
{
	struct ebb_domain_status *status = calloc(1, sizeof(*status));
	uint64_t bytes;

	ebb_vm_status(vm, status);
	bytes = status->balloon_held_bytes;
	free(status);
	return bytes / EBB_MIB;
}

static void test_nothing_is_held(void **state)
{
	(void)state;
	begin();
	assert_int_equal(vm->guard.timer, -1);
	assert_int_equal(fake_balloon.acts, 0);
	ebb_vm_deflate(vm, call);
	assert_true(fake_vm.answer.done);
	assert_int_equal(fake_vm.answer.deflated.given_bytes, 0);
}

/* As after a restart of ebbd. */
static void test_goes_on_with_the_record(void **state)
{
	(void)state;
	hold(800);
	begin();
	read_some();
	assert_int_equal(held_mib(), 800);
	assert_int_equal(fake_balloon.resizes, 0);
	fake_balloon.used_bytes = 1000 * EBB_MIB;
	fake_vm_until(gave_back());
	assert_int_equal(fake_balloon.left_bytes, 2 * EBB_GIB);
	assert_int_equal(fake_balloon.resizes, 1);
	/* The statistics had no period before. */
	assert_int_equal(fake_balloon.period_s, 0);
	assert_int_equal(held_mib(), 0);
	/* What the last look found is old. */
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
}

/* The look waits for somebody else, and the guest needs its memory. */
static void test_does_not_wait_for_the_look(void **state)
{
	int process_fd = eventfd(0, EFD_CLOEXEC);
	struct ebb_vm_sight sight;
	unsigned int probes;

	(void)state;
	fake_vm.pidfd = process_fd;
	hold(800);
	fake_vm.held = true;
	vm = fake_vm_new();
	ebb_vm_note_state(vm, EBB_DOMAIN_RUNNING);
	fake_vm_until(vm->guard.record_read);
	assert_int_equal(vm->guard.timer, -1);
	ebb_vm_tick(vm, fake_vm.now_ns);
	assert_true(vm->guard.timer >= 0);
	read_some();
	/* The look finds the process that this is of. */
	fake_vm.held = false;
	fake_vm_settle_down();
	assert_int_equal(held_mib(), 800);
	fake_vm.held = true;
	probes = fake_vm.probes;
	ebb_vm_invalidate(vm);
	fake_vm_until(fake_vm.probes > probes);
	fake_balloon.used_bytes = 1000 * EBB_MIB;
	fake_vm_until(gave_back());
	fake_vm.domxml.balloon_record = (struct ebb_balloon_record){ 0 };
	assert_int_equal(fake_balloon.left_bytes, 2 * EBB_GIB);
	/* What it read is of before that. */
	ebb_vm_tick(vm, fake_vm.now_ns);
	fake_vm.held = false;
	fake_vm_settle_down();
	assert_int_equal(vm->guard.timer, -1);
	ebb_vm_see(vm, &sight);
	assert_int_equal(sight.balloon_alarms, 1);
	fake_vm.pidfd = 0;
	close(process_fd);
}

static void test_gives_back_what_it_took(void **state)
{
	(void)state;
	hold(400);
	/* Somebody took 300 MiB more since. */
	fake_balloon.actual_bytes -= 300 * EBB_MIB;
	fake_balloon.left_bytes = fake_balloon.actual_bytes;
	begin();
	read_some();
	assert_int_equal(held_mib(), 400);
	fake_balloon.swapped_bytes += 20 * EBB_MIB;
	fake_vm_until(gave_back());
	assert_int_equal(fake_balloon.left_bytes, 2 * EBB_GIB - 300 * EBB_MIB);
}

/* Nothing is left to give, and what he wants stays. */
static void test_somebody_else_gave_it_back(void **state)
{
	(void)state;
	hold(400);
	begin();
	read_some();
	fake_balloon.actual_bytes = fake_balloon.left_bytes = 3 * EBB_GIB;
	read_some();
	/* Or it was plugged, which libvirt is to tell soon. */
	assert_false(gave_back());
	fake_vm.now_ns += 6 * EBB_NS_PER_S;
	fake_vm_until(gave_back());
	assert_int_equal(fake_balloon.resizes, 0);
}

/* The sizes of a balloon count what is plugged, which nobody gave back. */
static void test_memory_is_plugged(void **state)
{
	(void)state;
	hold(400);
	begin();
	read_some();
	fake_balloon.left_bytes += EBB_GIB;
	fake_balloon.actual_bytes += EBB_GIB;
	/* Not even where it is wanted back at that moment. */
	fake_balloon.swapped_bytes += 20 * EBB_MIB;
	read_some();
	assert_false(gave_back());
	fake_balloon.memory_bytes += EBB_GIB;
	fake_vm_until(gave_back());
	assert_int_equal(fake_balloon.resizes, 1);
	assert_int_equal(fake_balloon.left_bytes, 3 * EBB_GIB);
}

static void test_memory_stays_plugged(void **state)
{
	(void)state;
	hold(400);
	begin();
	read_some();
	fake_balloon.memory_bytes += EBB_GIB;
	fake_balloon.left_bytes += EBB_GIB;
	fake_balloon.actual_bytes += EBB_GIB;
	read_some();
	fake_vm.now_ns += 6 * EBB_NS_PER_S;
	read_some();
	assert_false(gave_back());
	assert_int_equal(held_mib(), 400);
}

static void test_deflate(void **state)
{
	(void)state;
	hold(800);
	begin();
	read_some();
	ebb_vm_deflate(vm, call);
	fake_vm_until(fake_vm.answer.done);
	assert_string_equal(fake_vm.answer.error_class, "");
	assert_int_equal(fake_vm.answer.deflated.given_bytes, 800 * EBB_MIB);
	assert_true(gave_back());
	assert_int_equal(fake_balloon.left_bytes, 2 * EBB_GIB);
}

/* Before the first look nobody knows. */
static void test_deflate_too_early(void **state)
{
	(void)state;
	hold(800);
	fake_vm.held = true;
	vm = fake_vm_new();
	ebb_vm_note_state(vm, EBB_DOMAIN_RUNNING);
	ebb_vm_deflate(vm, call);
	assert_true(fake_vm.answer.done);
	assert_string_equal(fake_vm.answer.error_class, "Busy");
	/* And from then on it is known, though nothing was read yet. */
	fake_balloon.hung = true;
	fake_vm.held = false;
	fake_vm_until(vm->guard.timer >= 0);
	assert_int_equal(held_mib(), 800);
}

static void test_reset(void **state)
{
	(void)state;
	hold(800);
	begin();
	read_some();
	fake_balloon.driver = false;
	ebb_vm_reset(vm);
	fake_vm_until(fake_balloon.resizes == 1);
	assert_int_equal(fake_balloon.left_bytes, 2 * EBB_GIB - EBB_MIB);
	/* What QEMU takes the balloon for is of before, for as long as it boots. */
	fake_vm.now_ns += 300 * EBB_NS_PER_S;
	read_some();
	assert_false(gave_back());
	assert_int_equal(fake_balloon.resizes, 1);
	fake_balloon.driver = true;
	fake_vm_until(gave_back());
	assert_int_equal(fake_balloon.resizes, 2);
	assert_int_equal(fake_balloon.left_bytes, 2 * EBB_GIB);
}

static void test_driver_falls_silent(void **state)
{
	(void)state;
	hold(800);
	begin();
	read_some();
	fake_balloon.driver = false;
	fake_vm.now_ns += 9 * EBB_NS_PER_S;
	read_some();
	/* A guest that stands still says nothing. */
	ebb_vm_note_state(vm, EBB_DOMAIN_PAUSED);
	read_some();
	fake_vm.now_ns += 60 * EBB_NS_PER_S;
	read_some();
	assert_false(gave_back());
	ebb_vm_note_state(vm, EBB_DOMAIN_RUNNING);
	fake_vm.now_ns += 11 * EBB_NS_PER_S;
	fake_vm_until(gave_back());
	assert_int_equal(fake_balloon.left_bytes, 2 * EBB_GIB);
}

static void test_min_is_raised(void **state)
{
	(void)state;
	hold(800);
	begin();
	read_some();
	vm->settings.held.values.min.bytes = 1248 * EBB_MIB;
	read_some();
	assert_false(gave_back());
	vm->settings.held.values.min.bytes++;
	fake_vm_until(gave_back());
}

static void test_rung_is_forbidden(void **state)
{
	(void)state;
	hold(800);
	begin();
	read_some();
	vm->settings.held.values.rungs = ebb_rung_bit(EBB_RUNG_LEASE);
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	fake_vm_until(gave_back());
}

static void test_hangs(void **state)
{
	(void)state;
	hold(800);
	begin();
	read_some();
	fake_balloon.hung = true;
	fake_vm_until(fake_balloon.waits);
	fake_vm.now_ns += 6 * EBB_NS_PER_S;
	fake_vm_until(vm->guard.unread);
	ebb_vm_deflate(vm, call);
	fake_vm_until(fake_vm.answer.done);
	assert_string_equal(fake_vm.answer.error_class, "GenericError");
	/* What was asked for is done when it can be. */
	fake_balloon.hung = false;
	fake_vm_until(gave_back());
	assert_false(vm->guard.unread);
}

/* Libvirt refuses as long as the guest is migrated: it is tried again. */
static void test_refused(void **state)
{
	(void)state;
	hold(800);
	begin();
	read_some();
	fake_balloon.result = -EIO;
	fake_balloon.used_bytes = 1000 * EBB_MIB;
	fake_vm_until(vm->guard.unread);
	assert_int_equal(fake_balloon.resizes, 0);
	fake_balloon.result = 0;
	fake_vm_until(gave_back());
	assert_int_equal(fake_balloon.left_bytes, 2 * EBB_GIB);
}

/* Nobody would watch. */
static void test_ebbd_ends(void **state)
{
	(void)state;
	hold(800);
	begin();
	read_some();
	ebb_vm_dismiss(vm, EBB_VM_EBBD_ENDS);
	vm = NULL;
	fake_vm_settle_down();
	assert_int_equal(fake_balloon.record_base_bytes, 0);
	assert_int_equal(fake_balloon.left_bytes, 2 * EBB_GIB);
}

static void test_ebbd_ends_while_it_hangs(void **state)
{
	(void)state;
	hold(800);
	begin();
	read_some();
	fake_balloon.hung = true;
	fake_vm_until(fake_balloon.waits);
	fake_vm.now_ns += 6 * EBB_NS_PER_S;
	fake_vm_until(ebb_vm_is_guard_unread(vm));
	ebb_vm_dismiss(vm, EBB_VM_EBBD_ENDS);
	vm = NULL;
	fake_balloon.hung = false;
	fake_vm_settle_down();
	assert_int_equal(fake_balloon.record_base_bytes, 0);
	assert_int_equal(fake_balloon.left_bytes, 2 * EBB_GIB);
}

/* Its process goes, or another host has it. */
static void test_domain_ends(void **state)
{
	(void)state;
	hold(800);
	begin();
	read_some();
	fake_vm_end(vm);
	vm = NULL;
	assert_int_equal(fake_balloon.resizes, 0);
	assert_int_equal(fake_balloon.record_base_bytes, 2 * EBB_GIB);
}

/* libvirtd was away meanwhile, and told nothing. */
static void test_process_is_another(void **state)
{
	int before_fd = eventfd(0, EFD_CLOEXEC);
	int after_fd = eventfd(0, EFD_CLOEXEC);

	(void)state;
	fake_vm.pidfd = before_fd;
	hold(800);
	begin();
	read_some();
	fake_vm.pidfd = after_fd;
	fake_vm.domxml.balloon_record = (struct ebb_balloon_record){ 0 };
	eventfd_write(before_fd, 1);
	fake_vm_until(vm->guard.timer < 0);
	fake_vm_settle_down();
	assert_false(ebb_hand_holds(&vm->guard.hand));
	assert_int_equal(held_mib(), 0);
	assert_int_equal(fake_balloon.resizes, 0);
	/* One that was restored has a record. */
	hold(300);
	ebb_vm_invalidate(vm);
	fake_vm_until(held_mib() == 300);
	fake_vm.pidfd = 0;
	close(before_fd);
	close(after_fd);
}

/* ---- for who shares memory out ---- */

static bool hears(struct ebb_vm_word *word)
{
	return ebb_vm_hear(vm, word);
}

static void assert_word(uint64_t usable_mib, uint64_t free_mib,
			uint64_t left_mib)
{
	/* Half as much again as an eighth of 2 GiB. */
	const uint64_t kept_mib = 384;
	struct ebb_vm_word word;
	struct ebb_vm_sight sight;

	assert_true(hears(&word));
	ebb_vm_see(vm, &sight);
	assert_true(word.asked);
	assert_int_equal(word.available_bytes, usable_mib * EBB_MIB);
	assert_int_equal(word.free_bytes, free_mib * EBB_MIB);
	assert_int_equal(word.free_huge_bytes,
			 (usable_mib - kept_mib < free_mib - 64
				  ? usable_mib - kept_mib
				  : free_mib - 64) *
				 EBB_MIB);
	assert_true(sight.working_set_known);
	assert_int_equal(sight.working_set_bytes,
			 (left_mib - (usable_mib - kept_mib)) * EBB_MIB);
}

/* Its driver is asked once, and is left as it was. */
static void test_word_is_asked_for(void **state)
{
	struct ebb_vm_word word;
	struct ebb_vm_sight sight;

	(void)state;
	begin();
	assert_int_equal(ebb_vm_rung(vm), EBB_RUNG_BALLOON);
	assert_false(hears(&word));
	ebb_vm_see(vm, &sight);
	assert_false(sight.working_set_known);
	assert_int_equal(fake_balloon.acts, 0);
	ebb_vm_want_facts(vm);
	fake_vm_settle_down();
	assert_word(1748, 1548, 2048);
	assert_int_equal(fake_balloon.period_s, 0);
	assert_int_equal(fake_balloon.resizes, 0);
	assert_int_equal(fake_balloon.lines, 0);
	assert_int_equal(vm->guard.timer, -1);
	/* Also where it has a period, which may be long. */
	vm->probe.domxml.balloon_period_s = 60;
	fake_balloon.used_bytes += 100 * EBB_MIB;
	ebb_vm_want_facts(vm);
	fake_vm_settle_down();
	assert_word(1648, 1448, 2048);
	assert_int_equal(fake_balloon.period_s, 60);
	/* It is old soon, and of another kernel no word. */
	fake_vm.now_ns += 9 * EBB_NS_PER_S;
	assert_true(hears(&word));
	fake_vm.now_ns += 2 * EBB_NS_PER_S;
	assert_false(hears(&word));
	ebb_vm_want_facts(vm);
	fake_vm_settle_down();
	assert_true(hears(&word));
	fake_vm.now_ns++;
	ebb_vm_reset(vm);
	fake_vm_settle_down();
	assert_false(hears(&word));
}

/* Of a look while something was held, that of its XML is Ebb's. */
static void test_word_leaves_the_period_before_ebb(void **state)
{
	(void)state;
	hold(800);
	fake_vm.domxml.balloon_period_s = 1;
	fake_vm.domxml.balloon_record.period_s = 20;
	begin();
	read_some();
	ebb_vm_give_back(vm);
	fake_vm_until(gave_back());
	assert_int_equal(fake_balloon.period_s, 20);
	ebb_vm_want_facts(vm);
	fake_vm_settle_down();
	assert_int_equal(vm->asking.result, 0);
	assert_true(vm->guard.word_ns > 0);
	assert_int_equal(fake_balloon.period_s, 20);
}

/* It may have read Ebb's period, and no record any more. */
static void test_gives_back_while_a_look_reads(void **state)
{
	unsigned int probes;

	(void)state;
	hold(800);
	begin();
	read_some();
	fake_vm.held = true;
	probes = fake_vm.probes;
	ebb_vm_invalidate(vm);
	fake_vm_until(fake_vm.probes > probes);
	ebb_vm_give_back(vm);
	fake_vm_until(gave_back());
	fake_vm.domxml.balloon_record = (struct ebb_balloon_record){ 0 };
	fake_vm.held = false;
	fake_vm_until(fake_vm.probes > probes + 1);
	fake_vm_settle_down();
	assert_int_equal(fake_vm.probes, probes + 2);
}

/* Then another rung may be open, which a look finds. */
static void test_nobody_is_there_to_ask(void **state)
{
	struct ebb_vm_word word;
	unsigned int probes;

	(void)state;
	begin();
	fake_balloon.driver = false;
	probes = fake_vm.probes;
	ebb_vm_want_facts(vm);
	fake_vm_until(fake_balloon.period_s);
	/* Its limit is set by the clock of before. */
	read_some();
	fake_vm.now_ns += 4 * EBB_NS_PER_S;
	fake_vm_until(fake_vm.probes > probes);
	fake_vm_settle_down();
	assert_false(hears(&word));
	assert_int_equal(fake_balloon.period_s, 0);
	/* That look was told. */
	assert_int_equal(vm->probe.silent_ns, vm->asking.asked_ns);
}

/* It may be of the kernel before. */
static void test_reset_while_a_word_is_asked_for(void **state)
{
	struct ebb_vm_word word;

	(void)state;
	begin();
	fake_balloon.hung = true;
	ebb_vm_want_facts(vm);
	fake_vm_until(fake_balloon.waits);
	ebb_vm_reset(vm);
	fake_vm.now_ns++;
	fake_balloon.hung = false;
	fake_vm_settle_down();
	assert_int_equal(vm->asking.result, 0);
	assert_false(hears(&word));
	assert_false(vm->guard.reset);
	ebb_vm_want_facts(vm);
	fake_vm_settle_down();
	assert_true(hears(&word));
}

static void test_who_hangs_keeps_no_thread_waiting(void **state)
{
	struct ebb_vm_word word;

	(void)state;
	begin();
	fake_balloon.hung = true;
	/* So that by the real clock, which askers wait by, the wait is over. */
	fake_vm.now_ns -= 3605 * EBB_NS_PER_S;
	ebb_vm_want_facts(vm);
	fake_vm_settle_down();
	assert_int_equal(vm->asking.result, -ETIMEDOUT);
	fake_vm.now_ns += 3605 * EBB_NS_PER_S;
	ebb_vm_want_facts(vm);
	assert_int_equal(vm->phase, EBB_VM_IDLE);
	assert_false(hears(&word));
	/* Once it answers it is asked again. */
	fake_balloon.hung = false;
	do {
		ebb_vm_want_facts(vm);
		fake_vm_settle_down();
	} while (!hears(&word));
	assert_int_equal(fake_balloon.lines, 0);
}

/* Nothing is held then. */
static void test_deflate_while_a_word_is_asked_for(void **state)
{
	(void)state;
	begin();
	fake_balloon.hung = true;
	ebb_vm_want_facts(vm);
	fake_vm_until(fake_balloon.waits);
	ebb_vm_deflate(vm, call);
	assert_true(fake_vm.answer.done);
	assert_string_equal(fake_vm.answer.error_class, "");
	assert_int_equal(fake_vm.answer.deflated.given_bytes, 0);
}

/* While something is held the guard hears it, and nobody else asks. */
static void test_word_of_the_guard(void **state)
{
	struct ebb_vm_word word;

	(void)state;
	hold(800);
	begin();
	fake_vm_until(hears(&word));
	/* Its cushion is of what it could use without a balloon. */
	assert_word(948, 748, 1248);
	ebb_vm_want_facts(vm);
	assert_int_equal(vm->phase, EBB_VM_IDLE);
}

static void test_alarms_are_counted(void **state)
{
	struct ebb_vm_sight sight;

	(void)state;
	hold(800);
	begin();
	read_some();
	ebb_vm_see(vm, &sight);
	assert_int_equal(sight.balloon_alarms, 0);
	ebb_vm_deflate(vm, call);
	fake_vm_until(gave_back());
	ebb_vm_see(vm, &sight);
	assert_int_equal(sight.balloon_alarms, 0);
	fake_vm_end(vm);
	hold(800);
	begin();
	read_some();
	fake_balloon.swapped_bytes += 20 * EBB_MIB;
	fake_vm_until(gave_back());
	ebb_vm_see(vm, &sight);
	assert_int_equal(sight.balloon_alarms, 1);
}

static void test_is_not_needed_any_more(void **state)
{
	(void)state;
	begin();
	ebb_vm_give_back(vm);
	assert_null(vm->guard.reason);
	fake_vm_end(vm);
	hold(800);
	begin();
	read_some();
	ebb_vm_give_back(vm);
	fake_vm_until(gave_back());
	assert_int_equal(fake_balloon.left_bytes, 2 * EBB_GIB);
	assert_int_equal(vm->guard.alarms, 0);
}

/* All of it may be back at any moment, also where it was defined to hold as much. */
static void test_what_is_held_is_owed(void **state)
{
	struct ebb_vm_sight sight;

	(void)state;
	hold(800);
	fake_vm.domxml.balloon_known = true;
	fake_vm.domxml.balloon_bytes = 1000 * EBB_MIB;
	fake_vm.domxml.balloon_asked_known = true;
	fake_vm.domxml.balloon_asked_bytes = 900 * EBB_MIB;
	begin();
	read_some();
	ebb_vm_see(vm, &sight);
	assert_int_equal(sight.usable_bytes, 1048 * EBB_MIB);
	assert_int_equal(sight.claimed_bytes, 800 * EBB_MIB);
	assert_int_equal(sight.base_bytes, 1848 * EBB_MIB);
	/* A setting in percent does not move with what is held. */
	vm->settings.held.values.min.percent = 70;
	fake_vm_until(gave_back());
	ebb_vm_see(vm, &sight);
	assert_int_equal(sight.claimed_bytes, 100 * EBB_MIB);
	assert_int_equal(sight.base_bytes, 1048 * EBB_MIB);
}

/* ---- beside reclaims ---- */

static void inflate(struct ebb_reclaim *reclaim)
{
	const struct ebb_balloon_act act = {
		.write = true,
		.record = { .base_bytes = 2 * EBB_GIB, .left_bytes = EBB_GIB },
		.resize = true,
		.left_bytes = EBB_GIB,
		.set_period = true,
		.period_s = 1,
	};
	struct ebb_hand_answer answer;

	ebb_hand_do(reclaim->hand, &act, &answer);
}

static atomic_uint done;

static void note_done(const struct ebb_reclaim_report *report, void *opaque)
{
	(void)report;
	(void)opaque;
	done++;
}

static uint32_t found_period_s;

static void find_period(struct ebb_reclaim *reclaim)
{
	found_period_s = reclaim->period_s;
}

static void reclaim(void)
{
	const struct ebb_reclaim_order order = {
		.wish = { .bytes = EBB_MIB, .timeout_ms = 60000 },
		.done = note_done,
	};

	done = 0;
	ebb_vm_reclaim(vm, &order);
}

static void test_takes_over_from_a_reclaim(void **state)
{
	(void)state;
	fake_vm.inflate = inflate;
	fake_vm.outcome = ebb_outcome(EBB_END_SATISFIED);
	begin();
	assert_int_equal(ebb_vm_rung(vm), EBB_RUNG_BALLOON);
	reclaim();
	fake_vm_until(done);
	assert_true(vm->guard.timer >= 0);
	fake_vm_until(held_mib() == 1024);
	fake_balloon.used_bytes = 900 * EBB_MIB;
	fake_vm_until(gave_back());
	assert_int_equal(fake_balloon.left_bytes, 2 * EBB_GIB);
}

/* Of a look while something was held, which is Ebb's. */
static void test_period_of_the_record(void **state)
{
	(void)state;
	hold(800);
	fake_vm.domxml.balloon_period_s = 1;
	fake_vm.domxml.balloon_record.period_s = 20;
	fake_vm.inflate = find_period;
	fake_vm.outcome = ebb_outcome(EBB_END_SATISFIED);
	begin();
	reclaim();
	fake_vm_until(done);
	assert_int_equal(found_period_s, 20);
}

static void test_ebbd_ends_in_a_reclaim(void **state)
{
	(void)state;
	fake_vm.inflate = inflate;
	fake_vm.reclaim_held = true;
	begin();
	reclaim();
	fake_vm_until(fake_balloon.resizes);
	ebb_vm_deflate(vm, call);
	assert_string_equal(fake_vm.answer.error_class, "Busy");
	ebb_vm_dismiss(vm, EBB_VM_EBBD_ENDS);
	vm = NULL;
	fake_vm_settle_down();
	assert_int_equal(done, 1);
	assert_int_equal(fake_balloon.record_base_bytes, 0);
	assert_int_equal(fake_balloon.left_bytes, 2 * EBB_GIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define RUN(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
		RUN(test_nothing_is_held),
		RUN(test_goes_on_with_the_record),
		RUN(test_does_not_wait_for_the_look),
		RUN(test_gives_back_what_it_took),
		RUN(test_somebody_else_gave_it_back),
		RUN(test_memory_is_plugged),
		RUN(test_memory_stays_plugged),
		RUN(test_deflate),
		RUN(test_deflate_too_early),
		RUN(test_reset),
		RUN(test_driver_falls_silent),
		RUN(test_min_is_raised),
		RUN(test_rung_is_forbidden),
		RUN(test_hangs),
		RUN(test_refused),
		RUN(test_ebbd_ends),
		RUN(test_ebbd_ends_while_it_hangs),
		RUN(test_domain_ends),
		RUN(test_process_is_another),
		RUN(test_word_is_asked_for),
		RUN(test_word_leaves_the_period_before_ebb),
		RUN(test_gives_back_while_a_look_reads),
		RUN(test_nobody_is_there_to_ask),
		RUN(test_reset_while_a_word_is_asked_for),
		RUN(test_who_hangs_keeps_no_thread_waiting),
		RUN(test_deflate_while_a_word_is_asked_for),
		RUN(test_word_of_the_guard),
		RUN(test_alarms_are_counted),
		RUN(test_is_not_needed_any_more),
		RUN(test_what_is_held_is_owed),
		RUN(test_takes_over_from_a_reclaim),
		RUN(test_period_of_the_record),
		RUN(test_ebbd_ends_in_a_reclaim),
	};

	return cmocka_run_group_tests(tests, fake_vm_set_up_group,
				      fake_vm_tear_down_group);
}
