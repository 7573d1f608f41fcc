/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "host/domain/request_queue.h"

static struct ebb_request_queue queue;

static void push(enum ebb_request_kind kind, uint64_t now_ns)
{
	struct ebb_request model = { .kind = kind,
				     .state = EBB_REQUEST_RUNNING,
				     .next = (struct ebb_request *)&queue };

	assert_int_equal(ebb_requests_push(&queue, &model, now_ns), 0);
}

static void test_in_order(void **state)
{
	(void)state;
	push(EBB_REQUEST_DOCTOR, 7);
	push(EBB_REQUEST_RECLAIM, 8);
	push(EBB_REQUEST_SET, 9);
	assert_int_equal(queue.first->kind, EBB_REQUEST_DOCTOR);
	assert_int_equal(queue.first->since_ns, 7);
	ebb_requests_pop(&queue);
	assert_int_equal(queue.first->kind, EBB_REQUEST_RECLAIM);
	ebb_requests_pop(&queue);
	assert_int_equal(queue.first->kind, EBB_REQUEST_SET);
	assert_null(queue.first->next);
	ebb_requests_pop(&queue);
	assert_null(queue.first);
}

/* Whatever the model says: what was just asked waits. */
static void test_begins_waiting(void **state)
{
	(void)state;
	assert_null(ebb_requests_first(&queue, EBB_REQUEST_WAITING));
	push(EBB_REQUEST_SET, 1);
	assert_ptr_equal(ebb_requests_first(&queue, EBB_REQUEST_WAITING),
			 queue.first);
	assert_null(ebb_requests_first(&queue, EBB_REQUEST_RUNNING));
	queue.first->state = EBB_REQUEST_RUNNING;
	assert_null(ebb_requests_first(&queue, EBB_REQUEST_WAITING));
	ebb_requests_pop(&queue);
}

static void test_kinds_in_any_state(void **state)
{
	(void)state;
	assert_false(ebb_requests_have(&queue, EBB_REQUEST_RECLAIM));
	push(EBB_REQUEST_SET, 1);
	push(EBB_REQUEST_RECLAIM, 2);
	queue.first->next->state = EBB_REQUEST_RESUMING;
	assert_true(ebb_requests_have(&queue, EBB_REQUEST_RECLAIM));
	assert_false(ebb_requests_have(&queue, EBB_REQUEST_DOCTOR));
	ebb_requests_pop(&queue);
	ebb_requests_pop(&queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_begins_waiting),
		cmocka_unit_test(test_kinds_in_any_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
