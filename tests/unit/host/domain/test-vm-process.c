/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vm and its QEMU process: a process is new when its pidfd is, and its files
 * are closed off the event loop's thread.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/size.h"
#include "host/domain/sight.h"
#include "host/domain/vm_parts.h"
#include "tests/unit/host/domain/fake-vm.h"

static struct ebb_vm *vm;
static int pipe_fds[2]; /* a process that ends when the second is closed */

static void start_process(void)
{
	assert_int_equal(pipe(pipe_fds), 0);
	fake_vm.pidfd = pipe_fds[0];
}

/* The vm hears of it in a turn of the loop, and does what follows. */
static void end_process(void)
{
	uint32_t closes = fake_vm.closes;

	close(pipe_fds[0]);
	close(pipe_fds[1]);
	fake_vm.pidfd = 0;
	fake_vm_until(fake_vm.closes > closes);
	fake_vm_settle_down();
}

/* How often what was lent of all pools was reserved, by a worker. */
static atomic_uint reserves;

int __wrap_ebb_debt_reserve(const struct ebb_guest_process *process,
			    uint64_t page_bytes);

int __wrap_ebb_debt_reserve(const struct ebb_guest_process *process,
			    uint64_t page_bytes)
{
	reserves += process->pid == 1 && page_bytes == 0;
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	reserves = 0;
	fake_vm_reset();
	start_process();
	vm = fake_vm_new();
	fake_vm_settle_down();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_vm_end(vm);
	if (fake_vm.pidfd > 0) {
		close(pipe_fds[0]);
		close(pipe_fds[1]);
	}
	assert_int_equal(fake_vm.closes_on_loop, 0);
	return 0;
}

/* What a reclaim leaves in the books. */
static void take(uint64_t bytes)
{
	vm->process.counters.reclaimed_bytes = bytes;
	vm->process.counters.reclaim_runs = 1;
}

static void break_rules(void)
{
	vm->process.quarantined = true;
	strcpy(vm->process.quarantine_reason.text, "it lied");
}

/* Resumed, woken, reset, a dump, a snapshot, a job, a new connection. */
static void test_events_keep_the_books(void **state)
{
	struct ebb_domain_status *status = calloc(1, sizeof(*status));
	uint32_t probes = fake_vm.probes;

	(void)state;
	take(EBB_GIB);
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	ebb_vm_disconnect(vm);
	ebb_vm_reconnect(vm, vm->domain);
	fake_vm_settle_down();
	assert_int_equal(fake_vm.probes, probes + 2);
	ebb_vm_status(vm, status);
	assert_int_equal(status->reclaimed_bytes, EBB_GIB);
	assert_int_equal(status->reclaim_runs, 1);
	assert_false(vm->process.ended);
	free(status);
}

static void test_events_do_not_lift_quarantine(void **state)
{
	struct ebb_domain_status *status = calloc(1, sizeof(*status));
	uint32_t probes = fake_vm.probes;

	(void)state;
	break_rules();
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	assert_int_equal(fake_vm.probes, probes);
	ebb_vm_status(vm, status);
	assert_int_equal(status->reason_count, 1);
	assert_string_equal(status->reasons[0].name, "quarantined");
	free(status);
}

static void test_new_process_begins_anew(void **state)
{
	(void)state;
	take(EBB_GIB);
	break_rules();
	end_process();
	start_process();
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	assert_int_equal(vm->process.counters.reclaimed_bytes, 0);
	assert_int_equal(vm->process.counters.reclaim_runs, 0);
	assert_false(vm->process.quarantined);
	assert_int_equal(vm->probe.qemu.pid, 1);
}

/* A domain that begins with what was taken of one of before, in kernel 1. */
static struct ebb_counters counters_after_restart(uint8_t kernel)
{
	const struct ebb_counters earlier = { .boot_id = { 1 },
					      .reclaimed_bytes = EBB_GIB,
					      .reclaim_runs = 3 };

	fake_vm.agent = true;
	fake_vm.kernel = kernel;
	fake_vm_end(vm);
	vm = fake_vm_new();
	ebb_vm_inherit(vm, &earlier);
	fake_vm_settle_down();
	assert_true(vm->process.answered);
	return ebb_vm_counters(vm);
}

static void test_saved_and_restored_guest_counts_on(void **state)
{
	struct ebb_counters counters = counters_after_restart(1);

	(void)state;
	assert_int_equal(counters.reclaimed_bytes, EBB_GIB);
	assert_int_equal(counters.reclaim_runs, 3);
	/* Once, however often it is looked at. */
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	assert_int_equal(ebb_vm_counters(vm).reclaim_runs, 3);
	/* Reverted by another process. */
	end_process();
	start_process();
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	assert_int_equal(ebb_vm_counters(vm).reclaim_runs, 3);
}

static void test_booted_guest_counts_anew(void **state)
{
	struct ebb_counters counters = counters_after_restart(2);

	(void)state;
	assert_int_equal(counters.reclaimed_bytes, 0);
	assert_int_equal(counters.reclaim_runs, 0);
	/* Nor does one that comes to an end before its agent has answered. */
	fake_vm.agent = false;
	end_process();
	fake_vm.kernel = 3;
	fake_vm.agent = true;
	start_process();
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	assert_int_equal(ebb_vm_counters(vm).reclaim_runs, 0);
}

/* On rung observe, too: open files would keep the memory of a dead guest. */
static void test_watched_without_a_lease(void **state)
{
	(void)state;
	assert_false(vm->probe.attached);
	end_process();
	assert_int_equal(vm->probe.qemu.pid, 0);
	assert_int_equal(fake_vm.closes_on_loop, 0);
}

/* That a look did not find the process is no proof that it ended. */
static void test_process_that_is_not_found_is_kept(void **state)
{
	uint32_t closes;

	(void)state;
	take(EBB_GIB);
	closes = fake_vm.closes;
	fake_vm.pidfd = 0;
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	fake_vm.pidfd = pipe_fds[0];
	assert_int_equal(fake_vm.closes, closes);
	assert_int_equal(vm->probe.qemu.pid, 1);
	assert_int_equal(vm->process.counters.reclaimed_bytes, EBB_GIB);
}

/* Memory in no files is what the process has, while that is new; else it is unknown. */
static void test_memory_in_no_files_is_seen(void **state)
{
	struct ebb_holding usage = { .resident_bytes = 3 * EBB_MIB,
				     .swapped_bytes = EBB_MIB };
	pid_t pid = vm->probe.qemu.pid;
	struct ebb_vm_sight sight;

	(void)state;
	/* How much it may use at most is known: it owes all of that. */
	ebb_vm_see(vm, &sight);
	assert_false(sight.held_known);
	assert_int_equal(sight.usable_bytes, EBB_GIB);
	assert_int_equal(sight.resident_bytes, 0);
	assert_int_equal(ebb_vm_wants_usage(vm, 1000), pid);
	ebb_vm_take_usage(vm, pid, &usage, ebb_now_ns());
	assert_int_equal(ebb_vm_wants_usage(vm, 1000), 0);
	ebb_vm_see(vm, &sight);
	assert_true(sight.held_known);
	assert_int_equal(sight.usable_bytes, EBB_GIB);
	assert_int_equal(sight.resident_bytes, 3 * EBB_MIB);
	assert_int_equal(sight.swapped_bytes, EBB_MIB);
	/* A reading that began before that one is older, whenever it ends. */
	usage.resident_bytes = 9 * EBB_MIB;
	ebb_vm_take_usage(vm, pid, &usage, ebb_now_ns() - 1);
	ebb_vm_see(vm, &sight);
	assert_int_equal(sight.resident_bytes, 3 * EBB_MIB);
	usage.resident_bytes = 3 * EBB_MIB;
	fake_vm.now_ns += 60 * EBB_NS_PER_S;
	ebb_vm_see(vm, &sight);
	assert_false(sight.held_known);
	/* Of which pool it is, is not known, but that it has it. */
	usage.pooled = true;
	ebb_vm_take_usage(vm, pid, &usage, ebb_now_ns());
	ebb_vm_see(vm, &sight);
	assert_false(sight.held_known);
	assert_int_equal(sight.usable_bytes, EBB_GIB);
	assert_int_equal(sight.resident_bytes, 3 * EBB_MIB);
}

/* A look that libvirt does not answer finds neither XML nor files. */
static void test_debt_is_unknown_after_a_look_that_failed(void **state)
{
	const struct ebb_domxml domxml = fake_vm.domxml;
	const struct ebb_holding usage = { .resident_bytes = 3 * EBB_MIB };
	struct ebb_vm_sight sight;
	uint64_t lent_bytes;

	(void)state;
	fake_vm.domxml = (struct ebb_domxml){ 0 };
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	fake_vm.domxml = domxml;
	assert_int_equal(vm->probe.qemu.pid, 1);
	ebb_vm_take_usage(vm, 1, &usage, ebb_now_ns());
	ebb_vm_see(vm, &sight);
	assert_int_equal(sight.pid, 1);
	assert_int_equal(sight.usable_bytes, 0);
	assert_false(sight.held_known);
	assert_int_equal(sight.resident_bytes, 3 * EBB_MIB);
	assert_false(ebb_vm_lent(vm, &lent_bytes));
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	ebb_vm_see(vm, &sight);
	assert_true(sight.held_known);
	assert_int_equal(sight.usable_bytes, EBB_GIB);
}

/* It owes no more than all that it has. */
static void test_debt_of_too_many_parts_is_bounded(void **state)
{
	const struct ebb_domxml domxml = fake_vm.domxml;
	struct ebb_vm_sight sight;

	(void)state;
	fake_vm.domxml = (struct ebb_domxml){ .bound_bytes = 3 * EBB_GIB };
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	fake_vm.domxml = domxml;
	ebb_vm_see(vm, &sight);
	assert_int_equal(sight.usable_bytes, 3 * EBB_GIB);
	assert_false(sight.balloon_known);
}

/* The least that its looks found, of each process by itself. */
static void test_asked_of_the_balloon_by_process(void **state)
{
	struct ebb_domxml *domxml = &fake_vm.domxml;

	(void)state;
	assert_false(vm->process.balloon_asked_known);
	domxml->balloon_asked_known = true;
	domxml->balloon_asked_bytes = EBB_GIB / 4;
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	assert_int_equal(vm->process.balloon_asked_bytes, EBB_GIB / 4);
	domxml->balloon_asked_bytes = EBB_GIB / 8;
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	assert_int_equal(vm->process.balloon_asked_bytes, EBB_GIB / 8);
	domxml->balloon_asked_bytes = EBB_GIB / 2;
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	assert_int_equal(vm->process.balloon_asked_bytes, EBB_GIB / 8);
	end_process();
	start_process();
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	assert_int_equal(vm->process.balloon_asked_bytes, EBB_GIB / 2);
}

/* Without libvirtd nothing is known of its rung, and nothing is said of it. */
static void test_rung_is_not_told_while_let_go(void **state)
{
	struct ebb_refusal refusal;

	(void)state;
	fake_vm.agent = true;
	fake_vm.domxml.free_page_reporting = true;
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	assert_string_equal(vm->told, "report");
	ebb_vm_disconnect(vm);
	assert_int_equal(ebb_probe_rung(&vm->probe), EBB_RUNG_OBSERVE);
	assert_string_equal(vm->told, "report");
	ebb_vm_reconnect(vm, vm->domain);
	fake_vm_settle_down();
	assert_string_equal(vm->told, "report");
	refusal = ebb_vm_why_closed(vm);
	assert_int_equal(refusal.kind, EBB_REFUSAL_RUNG_CLOSED);
	vm->gone = true;
	refusal = ebb_vm_why_closed(vm);
	vm->gone = false;
	assert_int_equal(refusal.kind, EBB_REFUSAL_FAILED);
	assert_non_null(strstr(refusal.text, "try again"));
}

/* Its rung is known for ever, whatever else happens to it. */
static void test_quarantine_is_told_without_libvirtd(void **state)
{
	(void)state;
	ebb_vm_disconnect(vm);
	break_rules();
	ebb_vm_tick(vm, UINT64_MAX);
	assert_string_equal(vm->told, "quarantined");
	vm->life = EBB_VM_CONNECTED;
	assert_int_equal(ebb_vm_why_closed(vm).kind, EBB_REFUSAL_RUNG_CLOSED);
}

static void test_who_ended_has_nothing(void **state)
{
	struct ebb_vm_sight sight;

	(void)state;
	vm->process.ended = true;
	ebb_vm_see(vm, &sight);
	assert_true(sight.held_known);
	assert_int_equal(sight.usable_bytes, 0);
	assert_int_equal(sight.resident_bytes, 0);
	/* And when it is let go, whether another runs is not known. */
	end_process();
	ebb_vm_see(vm, &sight);
	assert_false(sight.held_known);
}

/* Nothing is known of one that was not looked at, not even that it is little. */
static void test_memory_before_the_first_look(void **state)
{
	struct ebb_vm_sight sight;

	(void)state;
	fake_vm_end(vm);
	fake_vm.held = true;
	vm = fake_vm_new();
	ebb_vm_see(vm, &sight);
	assert_false(sight.held_known);
	assert_int_equal(sight.usable_bytes, 0);
	fake_vm.held = false;
	fake_vm_settle_down();
	ebb_vm_see(vm, &sight);
	assert_int_equal(sight.usable_bytes, EBB_GIB);
}

/* That nothing is known to be lent does not mean that nothing is. */
static void test_lent_is_known_or_not(void **state)
{
	struct ebb_domain_status *status = calloc(1, sizeof(*status));
	struct ebb_holding usage = { .resident_bytes = 3 * EBB_MIB,
				     .swapped_bytes = EBB_MIB,
				     .swapped_known = true };
	pid_t pid = vm->probe.qemu.pid;

	(void)state;
	ebb_vm_status(vm, status);
	assert_false(status->lent_known);
	ebb_vm_take_usage(vm, pid, &usage, ebb_now_ns());
	ebb_vm_status(vm, status);
	assert_true(status->lent_known);
	assert_int_equal(status->lent_bytes, EBB_GIB - 4 * EBB_MIB);
	usage.pooled = true;
	ebb_vm_take_usage(vm, pid, &usage, ebb_now_ns());
	ebb_vm_status(vm, status);
	assert_true(status->resident_known);
	assert_false(status->lent_known);
	free(status);
}

/* What is known stays known while a worker looks. */
static void test_known_while_looked_at(void **state)
{
	struct ebb_domain_status *status = calloc(1, sizeof(*status));
	const struct ebb_holding usage = { .resident_bytes = 3 * EBB_MIB };

	(void)state;
	ebb_vm_status(vm, status);
	assert_false(status->resident_known);
	ebb_vm_take_usage(vm, vm->probe.qemu.pid, &usage, ebb_now_ns());
	fake_vm.held = true;
	ebb_vm_invalidate(vm);
	assert_int_equal(vm->phase, EBB_VM_LOOKING);
	ebb_vm_status(vm, status);
	fake_vm.held = false;
	fake_vm_settle_down();
	assert_string_equal(status->phase, "probing");
	assert_int_equal(status->memory_bytes, EBB_GIB);
	assert_int_equal(status->resident_bytes, 3 * EBB_MIB);
	/* What was read too long ago is not known any more. */
	fake_vm.now_ns += 20 * EBB_NS_PER_S;
	ebb_vm_status(vm, status);
	assert_false(status->resident_known);
	free(status);
}

/* Nobody watches the pool for a guest that ebbd lets go. */
static void test_what_was_lent_is_reserved_at_the_end(void **state)
{
	(void)state;
	ebb_vm_dismiss(vm, EBB_VM_EBBD_ENDS);
	fake_vm_settle_down();
	assert_int_equal(reserves, 1);
	assert_int_equal(fake_vm.closes, 1);
	vm = fake_vm_new();
}

/* Where it ends the job may be abandoned: it is not waited for. */
static void test_what_was_lent_is_reserved_though_a_job_hangs(void **state)
{
	(void)state;
	fake_vm.held = true;
	ebb_vm_invalidate(vm);
	assert_int_equal(vm->phase, EBB_VM_LOOKING);
	ebb_vm_dismiss(vm, EBB_VM_EBBD_ENDS);
	fake_vm_until(reserves == 1);
	fake_vm.held = false;
	fake_vm_settle_down();
	vm = fake_vm_new();
}

/* That would take pages from others, for nobody. */
static void test_nothing_is_reserved_for_the_dead(void **state)
{
	(void)state;
	end_process();
	assert_int_equal(reserves, 0);
	start_process();
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	/* libvirt tells of it before its pidfd does. */
	fake_vm.dead = true;
	fake_vm_end(vm);
	assert_int_equal(reserves, 0);
	fake_vm.dead = false;
	vm = fake_vm_new();
}

/* Each piece that virtio-mem unplugs is an event: a look meets the next piece. */
static void test_resized_memory_is_looked_at_when_it_rests(void **state)
{
	struct ebb_domain_status *status = calloc(1, sizeof(*status));
	uint32_t probes = fake_vm.probes;

	(void)state;
	for (uint32_t i = 0; i < 8; i++) {
		ebb_vm_memory_resized(vm);
		assert_true(vm->gone);
		fake_vm.now_ns += EBB_NS_PER_S;
		ebb_vm_tick(vm, fake_vm.now_ns);
		fake_vm_settle_down();
	}
	assert_int_equal(fake_vm.probes, probes);
	ebb_vm_status(vm, status);
	assert_string_equal(status->phase, "resizing");
	assert_string_equal(ebb_vm_why_closed(vm).text,
			    "The guest's memory is being resized; try again "
			    "when that is over");
	fake_vm.now_ns += 3 * EBB_NS_PER_S;
	fake_vm_until(fake_vm.probes > probes);
	fake_vm_settle_down();
	assert_int_equal(fake_vm.probes, probes + 1);
	free(status);
}

static void test_resized_for_ever_is_looked_at_nevertheless(void **state)
{
	uint32_t probes = fake_vm.probes;

	(void)state;
	for (uint32_t i = 0; i < 31; i++) {
		ebb_vm_memory_resized(vm);
		fake_vm.now_ns += EBB_NS_PER_S;
	}
	ebb_vm_memory_resized(vm);
	fake_vm_settle_down();
	assert_int_equal(fake_vm.probes, probes + 1);
}

/* An hour of a guest that has nothing of Ebb, and a stock guest agent. */
static void pass_hour(void)
{
	for (uint32_t i = 0; i < 3600; i++) {
		fake_vm.now_ns += EBB_NS_PER_S;
		ebb_vm_tick(vm, fake_vm.now_ns);
		fake_vm_settle_down();
	}
}

static void test_guest_agent_is_asked_upon_events(void **state)
{
	uint32_t probes;

	(void)state;
	fake_vm.qga_only = true;
	end_process();
	start_process();
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	fake_vm.qga_asks = 0;
	vm->agent.qga_asks = EBB_VM_ASKS_FIRST;
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	assert_int_equal(fake_vm.qga_asks, 1);
	probes = fake_vm.probes;
	pass_hour();
	assert_int_equal(fake_vm.qga_asks, 1);
	/* Looks alone are rare, too: nothing but an event changes it. */
	assert_in_range(fake_vm.probes - probes, 1, 20);
	ebb_vm_agent_changed(vm);
	pass_hour();
	assert_in_range(fake_vm.qga_asks, 2, 1 + EBB_VM_ASKS_AGAIN);
}

/* Nobody tells when an agent that has the channel open is well again. */
static void test_silent_agent_is_asked_each_minute(void **state)
{
	uint32_t probes;

	(void)state;
	fake_vm.no_agent = true;
	fake_vm.domxml.own_channel = true;
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	probes = fake_vm.probes;
	pass_hour();
	assert_in_range(fake_vm.probes - probes, 40, 70);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_events_keep_the_books,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_events_do_not_lift_quarantine, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_new_process_begins_anew,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_saved_and_restored_guest_counts_on, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(test_booted_guest_counts_anew,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_watched_without_a_lease,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_process_that_is_not_found_is_kept, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			test_guest_agent_is_asked_upon_events, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			test_silent_agent_is_asked_each_minute, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(test_memory_in_no_files_is_seen,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_debt_is_unknown_after_a_look_that_failed, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			test_debt_of_too_many_parts_is_bounded, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			test_asked_of_the_balloon_by_process, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			test_rung_is_not_told_while_let_go, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_quarantine_is_told_without_libvirtd, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(test_who_ended_has_nothing,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_memory_before_the_first_look, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lent_is_known_or_not,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_known_while_looked_at,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_what_was_lent_is_reserved_at_the_end, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			test_what_was_lent_is_reserved_though_a_job_hangs,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_nothing_is_reserved_for_the_dead, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			test_resized_memory_is_looked_at_when_it_rests, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			test_resized_for_ever_is_looked_at_nevertheless, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, fake_vm_set_up_group,
				      fake_vm_tear_down_group);
}
