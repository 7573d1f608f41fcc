/* SPDX-License-Identifier: GPL-2.0-only */
/* A vm and its reclaims: ordered, cancelled, reported; with a client and without. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/size.h"
#include "host/domain/reclaim_call.h"
#include "host/domain/vm_parts.h"
#include "tests/unit/host/domain/fake-vm.h"

/* One who asks. */
struct asker {
	struct ebb_vm *vm;
	enum ebb_reclaim_owner owner;
	uint32_t timeout_ms;
	bool gentle;
	uint32_t progresses;
	uint32_t reports;
	bool began;
	struct ebb_refusal refusal;
	struct ebb_outcome outcome;
	struct ebb_reclaim_wish wish;
	uint32_t again; /* it asks so often more, when it is told the end */
	uint64_t passes_ns; /* so long after that the loop goes on */
	struct ebb_reclaim_state last; /* without the reclaim */
	uint32_t waits; /* so often it was told to wait */
	uint32_t resting; /* likewise, to rest */
	uint32_t rank; /* the first to be told the end has 1 */
};

/* The next reclaim, or look, finds no thread to run on. */
static bool no_thread, no_thread_to_look;

int __real_ebb_workers_run_named(struct ebb_workers *workers,
				 enum ebb_work kind, void (*work)(void *opaque),
				 void (*done)(void *opaque), void *opaque,
				 const char *name);
int __wrap_ebb_workers_run_named(struct ebb_workers *workers,
				 enum ebb_work kind, void (*work)(void *opaque),
				 void (*done)(void *opaque), void *opaque,
				 const char *name);
int __wrap_ebb_workers_run_named(struct ebb_workers *workers,
				 enum ebb_work kind, void (*work)(void *opaque),
				 void (*done)(void *opaque), void *opaque,
				 const char *name)
{
	if (no_thread && kind == EBB_WORK_RECLAIM) {
		no_thread = false;
		return -EAGAIN;
	}
	if (no_thread_to_look && kind == EBB_WORK_LOOK) {
		no_thread_to_look = false;
		return -EAGAIN;
	}
	return __real_ebb_workers_run_named(workers, kind, work, done, opaque,
					    name);
}

static struct ebb_vm *vm;
static struct asker policy;
static uint32_t ranks;

static void on_progress(const struct ebb_reclaim_state *state, void *opaque)
{
	struct asker *asker = opaque;

	asker->progresses++;
	asker->waits += state->waits;
	asker->last = *state;
	asker->last.reclaim = NULL;
	if (state->waits)
		return;
	asker->resting += state->reclaim->books.phase == EBB_PHASE_RESTING;
	assert_true(state->reclaim->books.phase == EBB_PHASE_TAKING ||
		    asker->gentle);
}

static void order(struct asker *asker, uint64_t bytes);

static void on_done(const struct ebb_reclaim_report *report, void *opaque)
{
	struct asker *asker = opaque;

	asker->reports++;
	asker->rank = ++ranks;
	asker->refusal = report->refusal;
	asker->began = report->reclaim;
	if (report->reclaim) {
		asker->outcome = report->reclaim->outcome;
		asker->wish = report->reclaim->wish;
	}
	if (asker->again) {
		asker->again--;
		order(asker, EBB_MIB);
		fake_vm.now_ns += asker->passes_ns;
		/* What it was told of is not another's yet. */
		if (report->reclaim)
			assert_int_equal(report->reclaim->outcome.end,
					 asker->outcome.end);
	}
}

static void order(struct asker *asker, uint64_t bytes)
{
	const struct ebb_reclaim_order order = {
		.wish = { .bytes = bytes,
			  .all = !bytes,
			  .gentle = asker->gentle,
			  .timeout_ms = asker->timeout_ms },
		.owner = asker->owner,
		.progress = on_progress,
		.done = on_done,
		.opaque = asker,
	};

	ebb_vm_reclaim(asker->vm, &order);
}

static int set_up(void **state)
{
	(void)state;
	fake_vm_reset();
	fake_vm.agent = true;
	fake_vm.domxml.own_channel = true;
	fake_vm.lease = true;
	fake_vm.outcome = ebb_outcome(EBB_END_SATISFIED);
	fake_vm.take_bytes = 10 * EBB_MIB;
	vm = fake_vm_new();
	fake_vm_settle_down();
	policy = (struct asker){ .vm = vm, .owner = EBB_OWNER_POLICY };
	ranks = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_vm.reclaim_held = false;
	if (vm)
		ebb_vm_dismiss(vm, EBB_VM_DOMAIN_ENDED);
	fake_vm_settle_down();
	return 0;
}

/* It is looked at with the next tick, whenever a look after vain ones was due. */
static void test_no_thread_to_look(void **state)
{
	uint32_t probes = fake_vm.probes;

	(void)state;
	vm->retry_ns = UINT64_MAX;
	no_thread_to_look = true;
	ebb_vm_invalidate(vm);
	assert_false(no_thread_to_look);
	assert_int_equal(fake_vm.probes, probes);
	assert_true(ebb_reason_has(&vm->probe.reasons, EBB_REASON_INTERNAL));
	ebb_vm_tick(vm, ebb_now_ns());
	fake_vm_settle_down();
	assert_int_equal(fake_vm.probes, probes + 1);
	assert_false(ebb_reason_has(&vm->probe.reasons, EBB_REASON_INTERNAL));
}

static void test_without_a_client(void **state)
{
	(void)state;
	fake_vm.reclaim_held = true;
	order(&policy, 10 * EBB_MIB);
	fake_vm_until(policy.progresses > 0);
	assert_int_equal(policy.reports, 0);
	fake_vm.reclaim_held = false;
	fake_vm_settle_down();
	assert_int_equal(policy.reports, 1);
	assert_true(policy.began);
	assert_int_equal(policy.refusal.kind, EBB_REFUSAL_NONE);
	assert_int_equal(policy.outcome.end, EBB_END_SATISFIED);
	assert_int_equal(policy.outcome.bytes, 10 * EBB_MIB);
	assert_int_equal(policy.wish.bytes, 10 * EBB_MIB);
	/* The configured one. */
	assert_int_equal(policy.wish.timeout_ms, 60000);
	assert_int_equal(vm->process.counters.reclaimed_bytes, 10 * EBB_MIB);
	assert_int_equal(vm->process.counters.reclaim_runs, 1);
	policy.timeout_ms = UINT32_MAX;
	order(&policy, 10 * EBB_MIB);
	fake_vm_settle_down();
	assert_int_equal(policy.wish.timeout_ms, EBB_SESSION_MAX_MS);
}

static void test_refused(void **state)
{
	uint32_t probes = fake_vm.probes;

	(void)state;
	order(&policy, 2 * EBB_GIB);
	assert_int_equal(policy.refusal.kind, EBB_REFUSAL_ARGUMENT);
	fake_vm.lease = false;
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	order(&policy, EBB_MIB);
	assert_int_equal(policy.refusal.kind, EBB_REFUSAL_RUNG_CLOSED);
	assert_non_null(strstr(policy.refusal.text, "private"));
	ebb_vm_disconnect(vm);
	order(&policy, EBB_MIB);
	assert_int_equal(policy.refusal.kind, EBB_REFUSAL_LIBVIRT_GONE);
	assert_int_equal(policy.reports, 3);
	assert_false(policy.began);
	assert_int_equal(fake_vm.reclaims, 0);
	/* It costs a domain without lease nothing: one look, of the event. */
	assert_int_equal(fake_vm.probes, probes + 1);
}

static void test_second_is_refused(void **state)
{
	struct asker first = { .vm = vm }, second = { .vm = vm };

	(void)state;
	fake_vm.reclaim_held = true;
	order(&first, EBB_MIB);
	order(&second, EBB_MIB);
	assert_int_equal(second.reports, 1);
	assert_int_equal(second.refusal.kind, EBB_REFUSAL_BUSY);
	order(&policy, EBB_MIB);
	assert_int_equal(policy.reports, 1);
	assert_int_equal(policy.refusal.kind, EBB_REFUSAL_BUSY);
	/* Whose it is not cannot cancel it. */
	ebb_vm_cancel_reclaim(vm, &second);
	assert_false(vm->cancelled);
	fake_vm.reclaim_held = false;
	fake_vm_settle_down();
	assert_int_equal(first.outcome.end, EBB_END_SATISFIED);
}

/* Whatever the policy's does at that moment. */
static void test_a_person_goes_before_the_policy(void **state)
{
	struct asker person = { .vm = vm };

	(void)state;
	/* It runs: it ends with the batch, and what it took is told. */
	fake_vm.reclaim_held = true;
	order(&policy, EBB_MIB);
	fake_vm_until(fake_vm.reclaims > 0);
	order(&person, EBB_MIB);
	assert_int_equal(person.reports, 0);
	fake_vm_until(policy.reports > 0);
	assert_int_equal(policy.outcome.end, EBB_END_CANCELLED);
	assert_int_equal(policy.outcome.bytes, 10 * EBB_MIB);
	fake_vm_until(fake_vm.reclaims > 1);
	fake_vm.reclaim_held = false;
	fake_vm_settle_down();
	assert_int_equal(person.refusal.kind, EBB_REFUSAL_NONE);
	assert_int_equal(person.outcome.end, EBB_END_SATISFIED);

	/* A look keeps it waiting: it does not begin. */
	fake_vm.held = true;
	ebb_vm_invalidate(vm);
	order(&policy, EBB_MIB);
	order(&person, EBB_MIB);
	assert_int_equal(policy.reports, 2);
	assert_int_equal(policy.refusal.kind, EBB_REFUSAL_CANCELLED);
	fake_vm.held = false;
	fake_vm_settle_down();
	assert_int_equal(person.reports, 2);
	assert_int_equal(person.outcome.end, EBB_END_SATISFIED);

	/* And he can take it back before it has begun. */
	fake_vm.reclaim_held = true;
	order(&policy, EBB_MIB);
	fake_vm_until(fake_vm.reclaims > 3);
	fake_vm.held = true;
	order(&person, EBB_MIB);
	ebb_vm_cancel_reclaim(vm, &person);
	assert_int_equal(person.reports, 3);
	assert_int_equal(person.refusal.kind, EBB_REFUSAL_CANCELLED);
	fake_vm.reclaim_held = false;
	fake_vm.held = false;
	fake_vm_settle_down();
}

static void test_cancelled(void **state)
{
	(void)state;
	fake_vm.reclaim_held = true;
	order(&policy, 0);
	fake_vm_until(fake_vm.reclaims > 0);
	ebb_vm_cancel_reclaim(vm, &policy);
	fake_vm_settle_down();
	assert_int_equal(policy.reports, 1);
	assert_int_equal(policy.outcome.end, EBB_END_CANCELLED);
}

/* While a look keeps it waiting, it ends at once. */
static void test_cancelled_before_it_began(void **state)
{
	(void)state;
	fake_vm.held = true;
	ebb_vm_invalidate(vm);
	order(&policy, 0);
	assert_int_equal(policy.reports, 0);
	ebb_vm_cancel_reclaim(vm, &policy);
	assert_int_equal(policy.reports, 1);
	assert_int_equal(policy.refusal.kind, EBB_REFUSAL_CANCELLED);
	assert_null(vm->requests.first);
	fake_vm.held = false;
	fake_vm_settle_down();
	assert_int_equal(fake_vm.reclaims, 0);
	assert_int_equal(policy.reports, 1);
}

static void dismissed(enum ebb_vm_dismissal why,
		      enum ebb_refusal_kind expected_kind,
		      const char *expected_text)
{
	fake_vm.held = true;
	ebb_vm_invalidate(vm);
	order(&policy, 0);
	ebb_vm_dismiss(vm, why);
	/* The look goes on; who asked does not wait for it. */
	assert_int_equal(policy.reports, 1);
	assert_int_equal(policy.refusal.kind, expected_kind);
	assert_non_null(strstr(policy.refusal.text, expected_text));
	vm = NULL;
	fake_vm.held = false;
	fake_vm_settle_down();
	assert_int_equal(policy.reports, 1);
}

static void test_domain_ends(void **state)
{
	(void)state;
	dismissed(EBB_VM_DOMAIN_ENDED, EBB_REFUSAL_NOT_RUNNING, "was stopped");
}

static void test_ebbd_ends(void **state)
{
	(void)state;
	dismissed(EBB_VM_EBBD_ENDS, EBB_REFUSAL_FAILED, "ebbd is being");
}

static void test_ebbd_ends_in_the_midst(void **state)
{
	(void)state;
	fake_vm.reclaim_held = true;
	order(&policy, 0);
	fake_vm_until(fake_vm.reclaims > 0);
	ebb_vm_dismiss(vm, EBB_VM_EBBD_ENDS);
	vm = NULL;
	fake_vm_settle_down();
	assert_int_equal(policy.reports, 1);
	assert_int_equal(policy.outcome.end, EBB_END_EBBD_ENDS);
	assert_int_equal(policy.outcome.bytes, 10 * EBB_MIB);
}

/* The policy's reclaim runs, and the guest changes: it waits for a look that hangs. */
static void order_until_a_change(void)
{
	fake_vm.reclaim_held = true;
	order(&policy, 0);
	fake_vm_until(fake_vm.reclaims > 0);
	fake_vm.held = true;
	ebb_vm_invalidate(vm);
	fake_vm_until(vm->phase == EBB_VM_LOOKING);
	assert_int_equal(policy.reports, 0);
}

/* The guest changed in the middle, and the domain ends before it goes on. */
static void test_domain_ends_before_it_resumes(void **state)
{
	(void)state;
	order_until_a_change();
	ebb_vm_dismiss(vm, EBB_VM_DOMAIN_ENDED);
	assert_int_equal(policy.reports, 1);
	assert_true(policy.began);
	assert_int_equal(policy.outcome.end, EBB_END_GUEST_GONE);
	assert_int_equal(policy.outcome.bytes, 10 * EBB_MIB);
	vm = NULL;
	fake_vm.held = false;
	fake_vm_settle_down();
}

/* That the guest changed says nothing of who cancelled it. */
static void test_cancelled_before_it_resumes(void **state)
{
	(void)state;
	order_until_a_change();
	ebb_vm_cancel_reclaim(vm, &policy);
	assert_int_equal(policy.reports, 1);
	assert_int_equal(policy.outcome.end, EBB_END_CANCELLED);
	assert_int_equal(policy.outcome.bytes, 10 * EBB_MIB);
	fake_vm.held = false;
	fake_vm_settle_down();
}

static void pass(uint32_t seconds)
{
	fake_vm.now_ns += seconds * EBB_NS_PER_S;
	ebb_vm_tick(vm, fake_vm.now_ns);
	fake_vm_until(vm->phase != EBB_VM_LOOKING);
}

/*
 * Each piece of a slow guest's memory that goes is a change in the middle, and there
 * may be more of them before it rests.
 */
static void test_goes_on_while_memory_is_resized(void **state)
{
	enum {
		PIECES = 20
	};

	(void)state;
	fake_vm.reclaim_held = true;
	policy.timeout_ms = 600 * 1000;
	order(&policy, 0);
	for (uint32_t i = 0; i < PIECES; i++) {
		fake_vm_until(fake_vm.reclaims == i + 1);
		if (i == 0)
			vm->reclaim.start_ns = fake_vm.now_ns;
		ebb_vm_memory_resized(vm);
		fake_vm_until(vm->phase == EBB_VM_IDLE);
		for (int k = 0; k < 8; k++) {
			pass(1);
			ebb_vm_memory_resized(vm);
			assert_int_equal(policy.reports, 0);
		}
		pass(4);
	}
	fake_vm_until(fake_vm.reclaims == PIECES + 1);
	fake_vm.reclaim_held = false;
	fake_vm_settle_down();
	assert_int_equal(policy.reports, 1);
	assert_int_equal(policy.outcome.end, EBB_END_SATISFIED);
	assert_int_equal(policy.outcome.bytes, (PIECES + 1) * 10 * EBB_MIB);
}

/* And a guest that changes without an end is not gone on with. */
static void test_does_not_go_on_for_ever(void **state)
{
	(void)state;
	fake_vm.reclaim_held = true;
	order(&policy, 0);
	for (uint32_t i = 0; !policy.reports; i++) {
		assert_in_range(i, 0, 8);
		fake_vm_until(fake_vm.reclaims == i + 1);
		ebb_vm_invalidate(vm);
		fake_vm_until(policy.reports || fake_vm.reclaims == i + 2);
	}
	assert_int_equal(policy.outcome.end, EBB_END_GUEST_GONE);
	fake_vm.reclaim_held = false;
}

/* From within its report: it begins when that has returned. */
static void test_asks_again(void **state)
{
	(void)state;
	policy.again = 3;
	order(&policy, EBB_MIB);
	fake_vm_settle_down();
	assert_int_equal(policy.reports, 4);
	assert_int_equal(fake_vm.reclaims, 4);
	assert_int_equal(vm->process.counters.reclaim_runs, 4);
	/* Refused, as well. */
	policy.reports = 0;
	policy.again = 3;
	fake_vm.lease = false;
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	order(&policy, EBB_MIB);
	fake_vm_settle_down();
	assert_int_equal(policy.reports, 4);
	assert_int_equal(fake_vm.reclaims, 4);
}

static void set_target(struct ebb_vm *of, const char *text)
{
	static int call;
	struct ebb_target_setting setting;

	assert_int_equal(ebb_target_parse(text, &setting, NULL), 0);
	fake_vm.domxml.metadata.target = setting;
	fake_vm_set_target(of, (struct ebb_call *)(void *)&call, &setting);
}

/* ---- that nobody waits for ---- */

static bool is_resting(void)
{
	return vm->requests.first &&
	       vm->requests.first->state == EBB_REQUEST_RESTING;
}

/* Its first piece is taken, and more would come after a long rest. */
static void begin_to_rest(struct asker *asker)
{
	fake_vm.rests = 100;
	fake_vm.rest_ms = 3600 * 1000;
	asker->gentle = true;
	order(asker, 0);
	fake_vm_until(is_resting());
	assert_int_equal(asker->reports, 0);
	assert_int_equal(fake_vm.reclaims, 1);
	/* Others may have its worker and its turn, and any job may begin. */
	assert_int_equal(fake_vm.turns.taken, 0);
	assert_int_equal(vm->phase, EBB_VM_IDLE);
}

static void assert_ended(const struct asker *asker, enum ebb_reclaim_end end)
{
	assert_int_equal(asker->reports, 1);
	assert_true(asker->began);
	assert_string_equal(ebb_reclaim_end_name(asker->outcome.end),
			    ebb_reclaim_end_name(end));
	assert_true(vm == NULL || vm->rest_timer < 0);
}

static void test_goes_on_after_a_rest(void **state)
{
	(void)state;
	fake_vm.rests = 3;
	fake_vm.rest_ms = 150;
	policy.gentle = true;
	order(&policy, 0);
	fake_vm_until(policy.reports > 0);
	assert_ended(&policy, EBB_END_SATISFIED);
	assert_int_equal(fake_vm.reclaims, 4);
	assert_int_equal(policy.outcome.bytes, 40 * EBB_MIB);
	assert_int_equal(vm->process.counters.reclaimed_bytes, 40 * EBB_MIB);
	assert_int_equal(vm->process.counters.reclaim_runs, 1);
	/* Who asked hears of it meanwhile. */
	assert_true(policy.resting > 0);
}

/* What came is told, and that ebbd had no thread: the guest is not gone. */
static void test_no_thread_after_a_rest(void **state)
{
	(void)state;
	fake_vm.rests = 3;
	fake_vm.rest_ms = 150;
	policy.gentle = true;
	order(&policy, 0);
	fake_vm_until(is_resting());
	no_thread = true;
	fake_vm_until(policy.reports > 0);
	assert_false(no_thread);
	assert_ended(&policy, EBB_END_FAILED);
	assert_int_equal(policy.outcome.bytes, 10 * EBB_MIB);
}

static void test_cancelled_in_a_rest(void **state)
{
	(void)state;
	begin_to_rest(&policy);
	ebb_vm_cancel_reclaim(vm, &policy);
	assert_ended(&policy, EBB_END_CANCELLED);
	assert_int_equal(policy.outcome.bytes, 10 * EBB_MIB);
}

/* Also while its guest is looked at; but not in a piece. */
static void test_withdrawn_in_a_rest(void **state)
{
	(void)state;
	begin_to_rest(&policy);
	ebb_vm_withdraw_reclaim(vm, &policy, false);
	assert_int_equal(policy.reports, 0);
	fake_vm.reclaim_held = true;
	ebb_vm_end_rest(vm);
	vm->settle(vm);
	ebb_vm_withdraw_reclaim(vm, &policy, true);
	assert_false(vm->cancelled);
	fake_vm.reclaim_held = false;
	fake_vm_until(is_resting());
	fake_vm.held = true;
	ebb_vm_invalidate(vm);
	ebb_vm_withdraw_reclaim(vm, &policy, true);
	assert_ended(&policy, EBB_END_CANCELLED);
	assert_int_equal(policy.outcome.bytes, 20 * EBB_MIB);
	fake_vm.held = false;
	fake_vm_settle_down();
}

/* A person need not wait, and neither need who asks for something else. */
static void test_a_person_comes_in_a_rest(void **state)
{
	struct asker person = { .vm = vm };

	(void)state;
	begin_to_rest(&policy);
	fake_vm.rests = 0;
	order(&person, EBB_MIB);
	assert_ended(&policy, EBB_END_CANCELLED);
	fake_vm_settle_down();
	assert_ended(&person, EBB_END_SATISFIED);
}

/* That of a person is not ended for another, who finds it gone the sooner. */
static void test_another_person_comes_in_a_rest(void **state)
{
	struct asker first = { .vm = vm }, second = { .vm = vm };

	(void)state;
	begin_to_rest(&first);
	order(&second, EBB_MIB);
	assert_int_equal(second.refusal.kind, EBB_REFUSAL_BUSY);
	fake_vm_until(first.reports > 0);
	assert_ended(&first, EBB_END_SATISFIED);
	assert_int_equal(fake_vm.reclaims, 2);
}

/* The policy decides anew; what a person asked for is had at once. */
static void test_need_comes_in_a_rest(void **state)
{
	struct asker person = { .vm = vm };

	(void)state;
	begin_to_rest(&policy);
	ebb_vm_hurry_reclaim(vm);
	assert_ended(&policy, EBB_END_CANCELLED);
	fake_vm.reclaims = 0;
	begin_to_rest(&person);
	ebb_vm_hurry_reclaim(vm);
	fake_vm_until(person.reports > 0);
	assert_ended(&person, EBB_END_SATISFIED);
	assert_int_equal(fake_vm.reclaims, 2);
	/* The next one is gentle again. */
	person.reports = 0;
	fake_vm.reclaims = 0;
	begin_to_rest(&person);
	ebb_vm_cancel_reclaim(vm, &person);
	assert_ended(&person, EBB_END_CANCELLED);
}

/* A piece is had to its end, and all the rest with it. */
static void test_need_comes_in_a_piece(void **state)
{
	(void)state;
	fake_vm.reclaim_held = true;
	fake_vm.rests = 100;
	policy.gentle = true;
	order(&policy, 0);
	fake_vm_until(fake_vm.reclaims > 0);
	ebb_vm_hurry_reclaim(vm);
	fake_vm.reclaim_held = false;
	fake_vm_settle_down();
	assert_ended(&policy, EBB_END_SATISFIED);
	assert_int_equal(fake_vm.reclaims, 1);
}

/* A look keeps it waiting, and it is as any when it begins. */
static void test_need_comes_before_it_began(void **state)
{
	struct asker person = { .vm = vm, .gentle = true };

	(void)state;
	fake_vm.rests = 100;
	fake_vm.rest_ms = 3600 * 1000;
	fake_vm.held = true;
	ebb_vm_invalidate(vm);
	order(&person, 0);
	ebb_vm_hurry_reclaim(vm);
	assert_int_equal(person.reports, 0);
	fake_vm.held = false;
	fake_vm_until(person.reports > 0);
	assert_ended(&person, EBB_END_SATISFIED);
	assert_int_equal(fake_vm.reclaims, 1);
}

/* Another reclaim runs: the last turn is left to who does not yield. */
static void begin_other(struct asker *other)
{
	other->vm = fake_vm_new();
	fake_vm_settle_down();
	fake_vm.turns.limit = 2;
	fake_vm.reclaim_held = true;
	order(other, EBB_MIB);
	assert_int_equal(fake_vm.turns.taken, 1);
}

static void hurry_in_line(const struct asker *person, struct asker *other)
{
	assert_true(vm->turn.waits);
	ebb_vm_hurry_reclaim(vm);
	assert_false(vm->turn.waits);
	assert_int_equal(fake_vm.turns.taken, 2);
	fake_vm.reclaim_held = false;
	fake_vm_settle_down();
	assert_ended(person, EBB_END_SATISFIED);
	ebb_vm_dismiss(other->vm, EBB_VM_DOMAIN_ENDED);
}

/* What it waited for its turn does not count, however it ends then. */
static void test_waits_in_line_after_a_rest(void **state)
{
	struct asker person = { .vm = vm }, other = { 0 };

	(void)state;
	begin_to_rest(&person);
	begin_other(&other);
	ebb_vm_end_rest(vm);
	vm->settle(vm);
	assert_true(vm->turn.waits);
	fake_vm.now_ns += 600 * EBB_NS_PER_S;
	fake_vm_until(person.last.waited_ns == 600 * EBB_NS_PER_S);
	fake_vm.lease = false;
	ebb_vm_invalidate(vm);
	fake_vm_until(person.reports > 0);
	assert_ended(&person, EBB_END_GUEST_GONE);
	fake_vm.reclaim_held = false;
	fake_vm_settle_down();
	ebb_vm_dismiss(other.vm, EBB_VM_DOMAIN_ENDED);
}

static void test_need_comes_in_line(void **state)
{
	struct asker person = { .vm = vm, .gentle = true }, other = { 0 };

	(void)state;
	fake_vm.rests = 100;
	fake_vm.rest_ms = 3600 * 1000;
	begin_other(&other);
	order(&person, 0);
	hurry_in_line(&person, &other);
	assert_int_equal(fake_vm.reclaims, 2);
}

static void test_need_comes_in_line_after_a_rest(void **state)
{
	struct asker person = { .vm = vm }, other = { 0 };

	(void)state;
	begin_to_rest(&person);
	begin_other(&other);
	ebb_vm_end_rest(vm);
	vm->settle(vm);
	hurry_in_line(&person, &other);
	assert_int_equal(fake_vm.reclaims, 3);
}

/* Nobody is kept from his turn by one that is gentle: it gets in line anew. */
static void test_rests_without_a_turn(void **state)
{
	struct asker other = { .vm = fake_vm_new() };

	(void)state;
	fake_vm_settle_down();
	fake_vm.turns.limit = 1;
	begin_to_rest(&policy);
	fake_vm.rests = 0;
	order(&other, EBB_MIB);
	fake_vm_settle_down();
	assert_int_equal(other.outcome.end, EBB_END_SATISFIED);
	assert_int_equal(policy.reports, 0);
	ebb_vm_cancel_reclaim(vm, &policy);
	ebb_vm_dismiss(other.vm, EBB_VM_DOMAIN_ENDED);
}

static void test_domain_ends_in_a_rest(void **state)
{
	(void)state;
	begin_to_rest(&policy);
	ebb_vm_dismiss(vm, EBB_VM_DOMAIN_ENDED);
	vm = NULL;
	assert_ended(&policy, EBB_END_GUEST_GONE);
	assert_int_equal(policy.outcome.bytes, 10 * EBB_MIB);
}

static void test_ebbd_ends_in_a_rest(void **state)
{
	(void)state;
	begin_to_rest(&policy);
	ebb_vm_dismiss(vm, EBB_VM_EBBD_ENDS);
	vm = NULL;
	assert_ended(&policy, EBB_END_EBBD_ENDS);
}

/* What was proven is proven again, and it goes on; but not with another kernel. */
static void test_guest_changes_in_a_rest(void **state)
{
	struct asker person = { .vm = vm };

	(void)state;
	begin_to_rest(&person);
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	assert_int_equal(person.reports, 0);
	ebb_vm_hurry_reclaim(vm);
	fake_vm_until(person.reports > 0);
	assert_ended(&person, EBB_END_SATISFIED);
	person.reports = 0;
	fake_vm.reclaims = 0;
	begin_to_rest(&person);
	fake_vm.kernel++;
	ebb_vm_reset(vm);
	fake_vm_settle_down();
	ebb_vm_hurry_reclaim(vm);
	fake_vm_until(person.reports > 0);
	assert_ended(&person, EBB_END_GUEST_GONE);
	assert_int_equal(fake_vm.reclaims, 1);
}

/* It goes on if libvirtd is back before the rest is over, and is told else. */
static void test_libvirt_goes_in_a_rest(void **state)
{
	struct asker person = { .vm = vm };

	(void)state;
	begin_to_rest(&person);
	ebb_vm_disconnect(vm);
	assert_int_equal(person.reports, 0);
	ebb_vm_reconnect(vm, vm->domain);
	fake_vm_settle_down();
	assert_int_equal(person.reports, 0);
	ebb_vm_disconnect(vm);
	ebb_vm_end_rest(vm);
	vm->settle(vm);
	assert_ended(&person, EBB_END_LIBVIRT_GONE);
	assert_int_equal(person.outcome.bytes, 10 * EBB_MIB);

	ebb_vm_reconnect(vm, vm->domain);
	fake_vm_settle_down();
	person.reports = 0;
	fake_vm.reclaims = 0;
	begin_to_rest(&person);
	ebb_vm_disconnect(vm);
	ebb_vm_reconnect(vm, vm->domain);
	fake_vm.rests = 0;
	ebb_vm_end_rest(vm);
	vm->settle(vm);
	fake_vm_until(person.reports > 0);
	assert_ended(&person, EBB_END_SATISFIED);
	assert_int_equal(fake_vm.reclaims, 2);
}

/* Its guest is looked at when that rests, too; its own time limit is the limit. */
static void test_memory_is_resized_in_a_rest(void **state)
{
	uint32_t seconds = 0;

	(void)state;
	policy.timeout_ms = 10 * 1000;
	fake_vm.rests = 100;
	fake_vm.rest_ms = 1;
	policy.gentle = true;
	order(&policy, 0);
	fake_vm_until(is_resting());
	ebb_vm_memory_resized(vm);
	fake_vm_until(vm->rest_timer < 0);
	for (; !policy.reports && seconds < 60; seconds++) {
		fake_vm.now_ns += EBB_NS_PER_S;
		ebb_vm_memory_resized(vm);
	}
	assert_int_equal(seconds, 10);
	assert_ended(&policy, EBB_END_GUEST_GONE);
	assert_int_equal(policy.outcome.bytes, 10 * EBB_MIB);
}

/* The channel is free then, and what is set is what the reclaim puts back at its end. */
static void test_set_in_a_rest(void **state)
{
	struct asker person = { .vm = vm };

	(void)state;
	begin_to_rest(&person);
	set_target(vm, "512M");
	fake_vm_until(fake_vm.answer.done);
	assert_string_equal(fake_vm.answer.error_class, "");
	assert_true(is_resting());
	fake_vm.rests = 0;
	ebb_vm_end_rest(vm);
	vm->settle(vm);
	fake_vm_until(person.reports > 0);
	assert_ended(&person, EBB_END_SATISFIED);
	assert_int_equal(vm->reclaim.standing.bytes, 512 * EBB_MIB);
}

/* ---- a guest that is on another rung ---- */

static void assert_on_rung(const char *rung, const char *reason)
{
	struct ebb_domain_status *status = calloc(1, sizeof(*status));

	assert_non_null(status);
	ebb_vm_status(vm, status);
	assert_string_equal(status->rung, rung);
	assert_string_equal(status->reasons[0].name, reason);
	assert_int_equal(status->reclaimed_bytes, 3 * EBB_MIB);
	free(status);
}

static void test_rung_report(void **state)
{
	(void)state;
	fake_vm.take_bytes = 3 * EBB_MIB;
	order(&policy, EBB_MIB);
	fake_vm_settle_down();
	fake_vm.take_bytes = 0;
	assert_int_equal(fake_vm.reclaims, 1);
	/* The module goes: what was taken by lease is not forgotten. */
	fake_vm.lease = false;
	fake_vm.agent = true;
	fake_vm.domxml.free_page_reporting = true;
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	assert_int_equal(ebb_vm_rung(vm), EBB_RUNG_REPORT);
	assert_false(ebb_vm_has_lease(vm));
	assert_on_rung("report", "private-memory");
	order(&policy, EBB_MIB);
	fake_vm_settle_down();
	assert_int_equal(policy.outcome.end, EBB_END_SATISFIED);
	assert_int_equal(fake_vm.reports, 1);
	assert_int_equal(fake_vm.reclaims, 1);
	/* The agent goes. */
	fake_vm.agent = false;
	fake_vm.no_agent = true;
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	assert_on_rung("observe", "no-agent");
	order(&policy, EBB_MIB);
	fake_vm_settle_down();
	assert_int_equal(policy.refusal.kind, EBB_REFUSAL_RUNG_CLOSED);
	assert_int_equal(fake_vm.reports, 1);
	/* And comes, with the module. */
	fake_vm.agent = true;
	fake_vm.lease = true;
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	assert_int_equal(ebb_vm_rung(vm), EBB_RUNG_LEASE);
}

/* What begins by one rung does not go on by another. */
static void test_rung_changes_meanwhile(void **state)
{
	(void)state;
	fake_vm.reclaim_held = true;
	order(&policy, EBB_MIB);
	fake_vm_until(fake_vm.reclaims > 0);
	fake_vm.lease = false;
	fake_vm.agent = true;
	fake_vm.domxml.free_page_reporting = true;
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	assert_int_equal(policy.outcome.end, EBB_END_GUEST_GONE);
	assert_int_equal(policy.reports, 1);
	assert_int_equal(fake_vm.reports, 0);
	assert_int_equal(ebb_vm_rung(vm), EBB_RUNG_REPORT);
}

/* ---- a guest that breaks the rules ---- */

static void assert_quarantined(void)
{
	struct ebb_domain_status *status = calloc(1, sizeof(*status));

	assert_non_null(status);
	ebb_vm_status(vm, status);
	assert_string_equal(status->rung, "observe");
	assert_int_equal(status->reason_count, 1);
	assert_string_equal(status->reasons[0].name, "quarantined");
	assert_non_null(strstr(status->reasons[0].text, "it lied"));
	free(status);
	assert_false(ebb_vm_has_lease(vm));
}

static void test_violation_means_quarantine(void **state)
{
	uint32_t probes = fake_vm.probes;

	(void)state;
	fake_vm.outcome = ebb_outcome_error(EBB_END_VIOLATION, "it lied");
	order(&policy, EBB_MIB);
	fake_vm_settle_down();
	assert_int_equal(policy.outcome.end, EBB_END_VIOLATION);
	assert_quarantined();
	/* Neither an operator nor any event brings about another look. */
	fake_vm.outcome = ebb_outcome(EBB_END_SATISFIED);
	policy.owner = EBB_OWNER_OPERATOR;
	order(&policy, EBB_MIB);
	ebb_vm_invalidate(vm);
	ebb_vm_agent_changed(vm);
	fake_vm.now_ns += 3600 * EBB_NS_PER_S;
	ebb_vm_tick(vm, fake_vm.now_ns);
	fake_vm_settle_down();
	assert_int_equal(policy.refusal.kind, EBB_REFUSAL_RUNG_CLOSED);
	assert_non_null(strstr(policy.refusal.text, "it lied"));
	assert_int_equal(policy.reports, 2);
	assert_int_equal(fake_vm.reclaims, 1);
	assert_int_equal(fake_vm.probes, probes);
	assert_quarantined();
}

/* One that was asked for at once, and that a slow loop comes to late. */
static void test_nothing_begins_in_quarantine(void **state)
{
	(void)state;
	fake_vm.outcome = ebb_outcome_error(EBB_END_VIOLATION, "it lied");
	policy.again = 1;
	policy.passes_ns = 60 * EBB_NS_PER_S;
	order(&policy, EBB_MIB);
	fake_vm_settle_down();
	assert_int_equal(fake_vm.reclaims, 1);
	assert_int_equal(policy.reports, 2);
	assert_int_equal(policy.refusal.kind, EBB_REFUSAL_RUNG_CLOSED);
	assert_non_null(strstr(policy.refusal.text, "it lied"));
	assert_quarantined();
}

/* Each time it is looked at anew and gets a second chance, but not for ever. */
static void offer_stale(uint32_t times)
{
	for (uint32_t i = 0; i < times; i++) {
		uint32_t reclaims = fake_vm.reclaims;

		fake_vm.outcome =
			ebb_outcome_error(EBB_END_MAP_CHANGED, "it lied");
		assert_true(ebb_vm_has_lease(vm));
		order(&policy, EBB_MIB);
		fake_vm_settle_down();
		assert_int_equal(fake_vm.reclaims, reclaims + 2);
		assert_int_equal(policy.outcome.end, EBB_END_MAP_CHANGED);
	}
}

static void test_stale_offers_mean_quarantine(void **state)
{
	(void)state;
	offer_stale(3);
	/* One that behaves in between was unlucky before. */
	fake_vm.outcome = ebb_outcome(EBB_END_DRAINED);
	order(&policy, EBB_MIB);
	fake_vm_settle_down();
	offer_stale(3);
	assert_false(vm->process.quarantined);
	offer_stale(1);
	assert_quarantined();
}

/* ---- in line ---- */

enum {
	LINE = 3
};

/* One after the other: the first runs, and is held; the others wait. */
static struct asker line[LINE];

static bool are_told(void)
{
	for (int i = 1; i < LINE; i++)
		if (line[i].progresses == 0)
			return false;
	return fake_vm.reclaims > 0;
}

static int set_up_line(void **state)
{
	set_up(state);
	fake_vm.turns.limit = 1;
	fake_vm.reclaim_held = true;
	for (int i = 0; i < LINE; i++)
		line[i] = (struct asker){ .vm = i ? fake_vm_new() : vm };
	fake_vm_settle_down();
	for (int i = 0; i < LINE; i++)
		order(&line[i], EBB_MIB);
	fake_vm_until(are_told());
	return 0;
}

static int tear_down_line(void **state)
{
	fake_vm.reclaim_held = false;
	fake_vm.held = false;
	for (int i = 1; i < LINE; i++)
		if (line[i].vm)
			ebb_vm_dismiss(line[i].vm, EBB_VM_DOMAIN_ENDED);
	tear_down(state);
	assert_null(fake_vm.turns.first);
	assert_int_equal(fake_vm.turns.taken, 0);
	return 0;
}

static void release(void)
{
	fake_vm.reclaim_held = false;
	fake_vm_settle_down();
}

static void assert_place(const struct asker *asker, uint32_t ahead)
{
	assert_int_equal(asker->reports, 0);
	assert_true(asker->last.waits);
	assert_int_equal(asker->last.running, 1);
	assert_int_equal(asker->last.ahead, ahead);
}

static void test_waits_for_its_turn(void **state)
{
	(void)state;
	assert_place(&line[1], 0);
	assert_place(&line[2], 1);
	assert_int_equal(line[0].waits, 0);
	assert_int_equal(fake_vm.reclaims, 1);
	release();
	assert_int_equal(fake_vm.reclaims, LINE);
	for (int i = 0; i < LINE; i++) {
		assert_int_equal(line[i].reports, 1);
		assert_int_equal(line[i].rank, i + 1);
		assert_int_equal(line[i].outcome.end, EBB_END_SATISFIED);
	}
}

static void test_cancelled_in_line(void **state)
{
	(void)state;
	ebb_vm_cancel_reclaim(line[1].vm, &line[1]);
	assert_int_equal(line[1].reports, 1);
	assert_int_equal(line[1].refusal.kind, EBB_REFUSAL_CANCELLED);
	/* Who is behind hears that he is nearer now. */
	fake_vm_until(line[2].waits > 1 && line[2].last.ahead == 0);
	release();
	assert_int_equal(fake_vm.reclaims, 2);
	assert_int_equal(line[1].reports, 1);
	assert_int_equal(line[2].outcome.end, EBB_END_SATISFIED);
}

/* What has begun goes on. */
static void test_withdrawn_in_line(void **state)
{
	(void)state;
	ebb_vm_withdraw_reclaim(line[0].vm, &line[0], true);
	ebb_vm_withdraw_reclaim(line[1].vm, &line[1], false);
	assert_int_equal(line[0].reports, 0);
	assert_int_equal(line[1].reports, 1);
	assert_int_equal(line[1].refusal.kind, EBB_REFUSAL_CANCELLED);
	release();
	assert_int_equal(fake_vm.reclaims, 2);
	assert_int_equal(line[0].outcome.end, EBB_END_SATISFIED);
}

static void test_domain_ends_in_line(void **state)
{
	(void)state;
	ebb_vm_dismiss(line[1].vm, EBB_VM_DOMAIN_ENDED);
	line[1].vm = NULL;
	assert_int_equal(line[1].reports, 1);
	assert_int_equal(line[1].refusal.kind, EBB_REFUSAL_NOT_RUNNING);
	release();
	assert_int_equal(fake_vm.reclaims, 2);
	assert_int_equal(line[2].outcome.end, EBB_END_SATISFIED);
}

static void test_ebbd_ends_with_a_line(void **state)
{
	(void)state;
	for (int i = 1; i < LINE; i++) {
		ebb_vm_dismiss(line[i].vm, EBB_VM_EBBD_ENDS);
		line[i].vm = NULL;
		assert_int_equal(line[i].reports, 1);
		assert_non_null(strstr(line[i].refusal.text, "ebbd is being"));
	}
	release();
	assert_int_equal(fake_vm.reclaims, 1);
}

static void test_libvirt_goes_with_a_line(void **state)
{
	(void)state;
	ebb_vm_disconnect(line[1].vm);
	assert_int_equal(line[1].reports, 1);
	assert_int_equal(line[1].refusal.kind, EBB_REFUSAL_LIBVIRT_GONE);
}

/* Its memory was touched: it is proven again, and keeps its place. */
static void test_looked_at_in_line(void **state)
{
	uint32_t probes = fake_vm.probes;

	(void)state;
	/* Longer than any request waits for a look. */
	fake_vm.now_ns += 3600 * EBB_NS_PER_S;
	ebb_vm_invalidate(line[1].vm);
	fake_vm_until(line[1].vm->phase == EBB_VM_IDLE);
	assert_int_equal(fake_vm.probes, probes + 1);
	assert_int_equal(line[1].reports, 0);
	assert_true(line[1].vm->turn.waits);
	fake_vm.lease = false;
	ebb_vm_invalidate(line[2].vm);
	fake_vm_until(line[2].vm->phase == EBB_VM_IDLE);
	assert_int_equal(line[2].reports, 1);
	assert_int_equal(line[2].refusal.kind, EBB_REFUSAL_RUNG_CLOSED);
	release();
	assert_int_equal(line[1].outcome.end, EBB_END_SATISFIED);
}

/* Who cannot take his turn keeps nobody from it. */
static void test_turn_comes_while_looked_at(void **state)
{
	(void)state;
	fake_vm.held = true;
	ebb_vm_invalidate(line[1].vm);
	fake_vm.reclaim_held = false;
	fake_vm_until(line[2].reports == 1);
	assert_int_equal(line[1].reports, 0);
	assert_true(line[1].vm->turn.waits);
	fake_vm.held = false;
	fake_vm_settle_down();
	assert_int_equal(line[1].rank, LINE);
	assert_int_equal(line[1].outcome.end, EBB_END_SATISFIED);
}

/* The first in line, while a worker looks at it: it may begin after that. */
static void free_turn_in_look(void)
{
	uint32_t probes = fake_vm.probes;

	fake_vm.held = true;
	ebb_vm_invalidate(line[1].vm);
	ebb_vm_cancel_reclaim(line[2].vm, &line[2]);
	fake_vm.reclaim_held = false;
	fake_vm_until(line[0].reports == 1);
	/* The look has read what a set writes. */
	while (fake_vm.probes == probes)
		ebb_sleep_us(1000);
	fake_vm.reclaim_held = true;
}

/* A request that takes a moment is not kept by one that takes minutes. */
static void test_set_goes_before_what_is_in_line(void **state)
{
	(void)state;
	free_turn_in_look();
	set_target(line[1].vm, "512M");
	fake_vm.held = false;
	fake_vm_until(fake_vm.reclaims == 2);
	assert_true(fake_vm.answer.done);
	assert_string_equal(fake_vm.answer.error_class, "");
	release();
	assert_int_equal(line[1].outcome.end, EBB_END_SATISFIED);
}

static void test_doctor_goes_before_what_is_in_line(void **state)
{
	(void)state;
	free_turn_in_look();
	ebb_vm_doctor(line[1].vm, NULL, true);
	fake_vm.held = false;
	fake_vm_until(fake_vm.reclaims == 2);
	assert_true(fake_vm.answer.done);
	release();
	assert_int_equal(line[1].outcome.end, EBB_END_SATISFIED);
}

/*
 * The end of a reclaim lets the next one begin, which is refused, and whose
 * asker turns to the domain that has not told its end yet.
 */
static void test_asked_for_by_the_next_in_line(void **state)
{
	struct ebb_vm *next = line[1].vm;

	(void)state;
	next->probe.attached = false;
	line[1].vm = vm;
	line[1].again = 1;
	line[1].timeout_ms = 1000;
	release();
	line[1].vm = next;
	assert_int_equal(line[0].reports, 1);
	assert_int_equal(line[0].outcome.end, EBB_END_SATISFIED);
	assert_int_equal(line[0].wish.timeout_ms, 60000);
	assert_int_equal(line[1].reports, 2);
	assert_int_equal(line[1].outcome.end, EBB_END_SATISFIED);
	assert_int_equal(fake_vm.reclaims, 3);
}

/* One that waits for minutes: its guest's free target does not lapse. */
static void test_target_is_renewed_in_line(void **state)
{
	(void)state;
	set_target(line[1].vm, "512M");
	fake_vm_until(fake_vm.answer.done);
	assert_string_equal(fake_vm.answer.error_class, "");
	assert_int_equal(fake_vm.tells, 1);
	/* The first renewal comes within one period, as it is staggered. */
	fake_vm.now_ns += 2 * EBB_TARGET_RENEW_MS * EBB_NS_PER_MS;
	ebb_vm_tick(line[1].vm, fake_vm.now_ns);
	fake_vm_until(fake_vm.tells > 1);
	assert_int_equal(line[1].reports, 0);
	release();
	assert_int_equal(line[1].outcome.end, EBB_END_SATISFIED);
}

/* Its turn goes to the next one while it is looked at. Returns when it began. */
static uint64_t lose_turn(void)
{
	uint64_t start_ns;

	fake_vm.held = true;
	ebb_vm_invalidate(vm);
	fake_vm_until(line[1].vm->turn.taken);
	vm->reclaim.start_ns = start_ns = fake_vm.now_ns;
	fake_vm.held = false;
	return start_ns;
}

/* What has begun goes on before what has not, and the wait does not count. */
static void test_resumes_first(void **state)
{
	uint64_t start_ns = lose_turn();

	(void)state;
	fake_vm_until(vm->turn.waits && line[0].waits > 0);
	assert_int_equal(line[0].reports, 0);
	fake_vm.now_ns += 600 * EBB_NS_PER_S;
	release();
	assert_int_equal(line[1].rank, 1);
	assert_int_equal(line[0].rank, 2);
	assert_int_equal(line[2].rank, 3);
	assert_int_equal(vm->reclaim.start_ns - start_ns, 600 * EBB_NS_PER_S);
	assert_int_equal(line[0].outcome.end, EBB_END_SATISFIED);
	assert_int_equal(line[0].outcome.bytes, 20 * EBB_MIB);
}

/* It ended before it waited: how long it took does not become less than 0. */
static void test_no_thread_to_resume(void **state)
{
	uint64_t start_ns = lose_turn();

	(void)state;
	fake_vm_until(vm->turn.waits && fake_vm.reclaims == 2);
	fake_vm.now_ns += 600 * EBB_NS_PER_S;
	no_thread = true;
	release();
	assert_false(no_thread);
	assert_int_equal(line[0].reports, 1);
	assert_int_equal(line[0].outcome.end, EBB_END_GUEST_GONE);
	assert_int_equal(vm->reclaim.start_ns, start_ns);
	assert_int_equal(line[2].outcome.end, EBB_END_SATISFIED);
}

/* In line its time does not count; memory that never rests holds it up for no longer. */
static void test_given_up_in_line_as_memory_never_rests(void **state)
{
	uint32_t seconds = 0;

	(void)state;
	lose_turn();
	fake_vm_until(vm->turn.waits && line[0].waits > 0);
	for (; !line[0].reports && seconds < 600; seconds++) {
		fake_vm.now_ns += EBB_NS_PER_S;
		ebb_vm_memory_resized(vm);
		ebb_vm_tick(vm, fake_vm.now_ns);
		fake_vm_until(vm->phase == EBB_VM_IDLE);
	}
	assert_in_range(seconds, 60, 70);
	assert_int_equal(line[0].outcome.end, EBB_END_GUEST_GONE);
	release();
}

/* What is set between its parts is what it puts back at its end. */
static void test_set_before_it_resumes(void **state)
{
	(void)state;
	fake_vm.held = true;
	ebb_vm_invalidate(vm);
	fake_vm_until(line[1].vm->turn.taken);
	fake_vm.held = false;
	fake_vm_until(vm->turn.waits);
	set_target(vm, "512M");
	fake_vm_until(fake_vm.answer.done);
	assert_string_equal(fake_vm.answer.error_class, "");
	assert_int_equal(line[0].reports, 0);
	release();
	assert_int_equal(line[0].outcome.end, EBB_END_SATISFIED);
	assert_int_equal(vm->reclaim.standing.bytes, 512 * EBB_MIB);
}

/* ---- with a client ---- */

static void serve(uint64_t bytes)
{
	static int call;
	const struct ebb_reclaim_request request = { .bytes = bytes };

	ebb_reclaim_serve(vm, (struct ebb_call *)(void *)&call, &request, NULL);
}

static void test_client_goes(void **state)
{
	(void)state;
	fake_vm.reclaim_held = true;
	serve(EBB_MIB);
	fake_vm_until(fake_vm.reclaims > 0);
	fake_call.on_gone(fake_call.gone_opaque);
	fake_vm_settle_down();
	assert_true(fake_vm.answer.done);
	assert_null(vm->requests.first);
}

static void test_client_goes_before_it_began(void **state)
{
	(void)state;
	fake_vm.held = true;
	ebb_vm_invalidate(vm);
	serve(EBB_MIB);
	assert_false(fake_vm.answer.done);
	fake_call.on_gone(fake_call.gone_opaque);
	assert_true(fake_vm.answer.done);
	assert_string_equal(fake_vm.answer.text, "Cancelled before it began");
	fake_vm.held = false;
	fake_vm_settle_down();
	assert_int_equal(fake_vm.reclaims, 0);
}

static void test_client_is_refused(void **state)
{
	(void)state;
	serve(2 * EBB_GIB);
	assert_string_equal(fake_vm.answer.error_class, "InvalidArgument");
}

static void test_client_goes_in_line(void **state)
{
	(void)state;
	ebb_vm_cancel_reclaim(line[2].vm, &line[2]);
	vm = line[2].vm;
	serve(EBB_MIB);
	vm = line[0].vm;
	fake_vm_until(line[2].vm->turn.waits);
	assert_false(fake_vm.answer.done);
	fake_call.on_gone(fake_call.gone_opaque);
	assert_true(fake_vm.answer.done);
	assert_false(line[2].vm->turn.waits);
	release();
	assert_int_equal(fake_vm.reclaims, 2);
}

#define VM_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define LINE_TEST(test) \
	cmocka_unit_test_setup_teardown(test, set_up_line, tear_down_line)

int main(void)
{
	const struct CMUnitTest tests[] = {
		VM_TEST(test_without_a_client),
		VM_TEST(test_no_thread_to_look),
		VM_TEST(test_refused),
		VM_TEST(test_second_is_refused),
		VM_TEST(test_a_person_goes_before_the_policy),
		VM_TEST(test_cancelled),
		VM_TEST(test_cancelled_before_it_began),
		VM_TEST(test_domain_ends),
		VM_TEST(test_ebbd_ends),
		VM_TEST(test_ebbd_ends_in_the_midst),
		VM_TEST(test_domain_ends_before_it_resumes),
		VM_TEST(test_cancelled_before_it_resumes),
		VM_TEST(test_goes_on_while_memory_is_resized),
		VM_TEST(test_does_not_go_on_for_ever),
		VM_TEST(test_asks_again),
		VM_TEST(test_goes_on_after_a_rest),
		VM_TEST(test_no_thread_after_a_rest),
		VM_TEST(test_cancelled_in_a_rest),
		VM_TEST(test_withdrawn_in_a_rest),
		VM_TEST(test_a_person_comes_in_a_rest),
		VM_TEST(test_another_person_comes_in_a_rest),
		VM_TEST(test_need_comes_in_a_rest),
		VM_TEST(test_need_comes_in_a_piece),
		VM_TEST(test_need_comes_before_it_began),
		VM_TEST(test_waits_in_line_after_a_rest),
		VM_TEST(test_need_comes_in_line),
		VM_TEST(test_need_comes_in_line_after_a_rest),
		VM_TEST(test_rests_without_a_turn),
		VM_TEST(test_domain_ends_in_a_rest),
		VM_TEST(test_ebbd_ends_in_a_rest),
		VM_TEST(test_guest_changes_in_a_rest),
		VM_TEST(test_libvirt_goes_in_a_rest),
		VM_TEST(test_memory_is_resized_in_a_rest),
		VM_TEST(test_set_in_a_rest),
		VM_TEST(test_rung_report),
		VM_TEST(test_rung_changes_meanwhile),
		VM_TEST(test_violation_means_quarantine),
		VM_TEST(test_nothing_begins_in_quarantine),
		VM_TEST(test_stale_offers_mean_quarantine),
		LINE_TEST(test_waits_for_its_turn),
		LINE_TEST(test_cancelled_in_line),
		LINE_TEST(test_withdrawn_in_line),
		LINE_TEST(test_domain_ends_in_line),
		LINE_TEST(test_ebbd_ends_with_a_line),
		LINE_TEST(test_libvirt_goes_with_a_line),
		LINE_TEST(test_looked_at_in_line),
		LINE_TEST(test_turn_comes_while_looked_at),
		LINE_TEST(test_set_goes_before_what_is_in_line),
		LINE_TEST(test_doctor_goes_before_what_is_in_line),
		LINE_TEST(test_asked_for_by_the_next_in_line),
		LINE_TEST(test_target_is_renewed_in_line),
		LINE_TEST(test_resumes_first),
		LINE_TEST(test_no_thread_to_resume),
		LINE_TEST(test_given_up_in_line_as_memory_never_rests),
		LINE_TEST(test_set_before_it_resumes),
		VM_TEST(test_client_goes),
		VM_TEST(test_client_goes_before_it_began),
		VM_TEST(test_client_is_refused),
		LINE_TEST(test_client_goes_in_line),
	};

	return cmocka_run_group_tests(tests, fake_vm_set_up_group,
				      fake_vm_tear_down_group);
}
