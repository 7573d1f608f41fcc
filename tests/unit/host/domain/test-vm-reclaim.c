/* SPDX-License-Identifier: GPL-2.0-only */
/* A vm and its reclaims: ordered, cancelled, reported; with a client and without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/size.h"
#include "host/base/loop.h"
#include "host/domain/reclaim_call.h"
#include "host/domain/vm_state.h"
#include "tests/unit/host/domain/fake-vm.h"

/* One who asks. */
struct asker {
	struct ebb_vm *vm;
	uint32_t timeout_ms;
	uint32_t progresses;
	uint32_t reports;
	bool began;
	struct ebb_refusal refusal;
	struct ebb_outcome outcome;
	struct ebb_reclaim_wish wish;
	uint32_t again; /* it asks so often more, when it is told the end */
};

static struct ebb_vm *vm;
static struct asker policy;

static void on_progress(const struct ebb_reclaim *reclaim, void *opaque)
{
	struct asker *asker = opaque;

	assert_int_equal(reclaim->books.phase, EBB_PHASE_TAKING);
	asker->progresses++;
}

static void order(struct asker *asker, uint64_t bytes);

static void on_done(const struct ebb_reclaim_report *report, void *opaque)
{
	struct asker *asker = opaque;

	asker->reports++;
	asker->refusal = report->refusal;
	asker->began = report->reclaim;
	if (report->reclaim) {
		asker->outcome = report->reclaim->outcome;
		asker->wish = report->reclaim->wish;
	}
	if (asker->again) {
		asker->again--;
		order(asker, EBB_MIB);
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
			  .timeout_ms = asker->timeout_ms },
		.owner = EBB_OWNER_POLICY,
		.progress = on_progress,
		.done = on_done,
		.opaque = asker,
	};

	ebb_vm_reclaim(asker->vm, &order);
}

static bool has_begun(void)
{
	return fake_vm.reclaims > 0;
}

static bool has_progressed(void)
{
	return policy.progresses > 0;
}

static int set_up(void **state)
{
	(void)state;
	fake_vm_reset();
	fake_vm.agent = true;
	fake_vm.lease = true;
	fake_vm.outcome = ebb_outcome(EBB_END_SATISFIED);
	fake_vm.take_bytes = 10 * EBB_MIB;
	vm = fake_vm_new();
	fake_vm_settle_down();
	policy = (struct asker){ .vm = vm };
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

static void test_without_a_client(void **state)
{
	(void)state;
	fake_vm.reclaim_held = true;
	order(&policy, 10 * EBB_MIB);
	fake_vm_await(has_progressed);
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
	assert_int_equal(vm->process.reclaimed_bytes, 10 * EBB_MIB);
	assert_int_equal(vm->process.reclaim_runs, 1);
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
	struct asker second = { .vm = vm };

	(void)state;
	fake_vm.reclaim_held = true;
	order(&policy, EBB_MIB);
	order(&second, EBB_MIB);
	assert_int_equal(second.reports, 1);
	assert_int_equal(second.refusal.kind, EBB_REFUSAL_BUSY);
	assert_non_null(strstr(second.refusal.text, "by ebbd itself"));
	/* Whose it is not cannot cancel it. */
	ebb_vm_cancel_reclaim(vm, &second);
	assert_false(vm->cancelled);
	fake_vm.reclaim_held = false;
	fake_vm_settle_down();
	assert_int_equal(policy.outcome.end, EBB_END_SATISFIED);
}

static void test_cancelled(void **state)
{
	(void)state;
	fake_vm.reclaim_held = true;
	order(&policy, 0);
	fake_vm_await(has_begun);
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

/* The guest changed in the middle, and the domain ends before it goes on. */
static void test_domain_ends_before_it_resumes(void **state)
{
	(void)state;
	fake_vm.reclaim_held = true;
	order(&policy, 0);
	fake_vm_await(has_begun);
	fake_vm.held = true;
	ebb_vm_invalidate(vm);
	while (vm->phase != EBB_VM_LOOKING)
		ebb_loop_turn();
	assert_int_equal(policy.reports, 0);
	ebb_vm_dismiss(vm, EBB_VM_DOMAIN_ENDED);
	assert_int_equal(policy.reports, 1);
	assert_true(policy.began);
	assert_int_equal(policy.outcome.end, EBB_END_GUEST_GONE);
	assert_int_equal(policy.outcome.bytes, 10 * EBB_MIB);
	vm = NULL;
	fake_vm.held = false;
	fake_vm_settle_down();
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
	assert_int_equal(vm->process.reclaim_runs, 4);
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

/* ---- with a client ---- */

static void serve(uint64_t bytes)
{
	static int call;
	const struct ebb_reclaim_request request = { .bytes = bytes };

	ebb_reclaim_serve(vm, (struct ebb_call *)(void *)&call, &request);
}

static void test_client_goes(void **state)
{
	(void)state;
	fake_vm.reclaim_held = true;
	serve(EBB_MIB);
	fake_vm_await(has_begun);
	fake_vm.on_gone(fake_vm.gone_opaque);
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
	fake_vm.on_gone(fake_vm.gone_opaque);
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

#define VM_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		VM_TEST(test_without_a_client),
		VM_TEST(test_refused),
		VM_TEST(test_second_is_refused),
		VM_TEST(test_cancelled),
		VM_TEST(test_cancelled_before_it_began),
		VM_TEST(test_domain_ends),
		VM_TEST(test_ebbd_ends),
		VM_TEST(test_domain_ends_before_it_resumes),
		VM_TEST(test_asks_again),
		VM_TEST(test_client_goes),
		VM_TEST(test_client_goes_before_it_began),
		VM_TEST(test_client_is_refused),
	};

	return cmocka_run_group_tests(tests, fake_vm_set_up_group,
				      fake_vm_tear_down_group);
}
