/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
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

static void drop(struct ebb_request *request)
{
	ebb_requests_take(&queue, request);
	free(request);
}

static void test_in_order(void **state)
{
	(void)state;
	push(EBB_REQUEST_DOCTOR, 7);
	push(EBB_REQUEST_RECLAIM, 8);
	/* Not kept by what may take minutes. */
	push(EBB_REQUEST_SET, 9);
	push(EBB_REQUEST_DOCTOR, 10);
	assert_int_equal(queue.first->kind, EBB_REQUEST_DOCTOR);
	assert_int_equal(queue.first->since_ns, 7);
	drop(queue.first);
	assert_int_equal(queue.first->kind, EBB_REQUEST_SET);
	drop(queue.first);
	assert_int_equal(queue.first->kind, EBB_REQUEST_DOCTOR);
	assert_int_equal(queue.first->since_ns, 10);
	drop(queue.first);
	assert_int_equal(queue.first->kind, EBB_REQUEST_RECLAIM);
	/* In its midst it is the job's end that lets others begin. */
	queue.first->state = EBB_REQUEST_RUNNING;
	push(EBB_REQUEST_SET, 11);
	assert_int_equal(queue.first->kind, EBB_REQUEST_RECLAIM);
	drop(queue.first);
	assert_int_equal(queue.first->kind, EBB_REQUEST_SET);
	assert_null(queue.first->next);
	drop(queue.first);
	assert_null(queue.first);
}

static void test_out_of_the_midst(void **state)
{
	(void)state;
	push(EBB_REQUEST_DOCTOR, 7);
	push(EBB_REQUEST_SET, 8);
	push(EBB_REQUEST_RECLAIM, 9);
	drop(queue.first->next);
	assert_int_equal(queue.first->kind, EBB_REQUEST_DOCTOR);
	assert_int_equal(queue.first->next->kind, EBB_REQUEST_RECLAIM);
	drop(queue.first->next);
	push(EBB_REQUEST_RECLAIM, 10);
	assert_int_equal(queue.first->next->since_ns, 10);
	drop(queue.first->next);
	drop(queue.first);
	assert_null(queue.first);
}

/* Whatever the model says: what was just asked waits. */
static void test_begins_waiting(void **state)
{
	(void)state;
	push(EBB_REQUEST_DOCTOR, 1);
	push(EBB_REQUEST_SET, 1);
	assert_int_equal(queue.first->state, EBB_REQUEST_WAITING);
	assert_null(ebb_requests_running(&queue));
	queue.first->next->state = EBB_REQUEST_RUNNING;
	assert_ptr_equal(ebb_requests_running(&queue), queue.first->next);
	drop(queue.first);
	drop(queue.first);
}

static void test_kinds_in_any_state(void **state)
{
	(void)state;
	assert_null(ebb_requests_find(&queue, EBB_REQUEST_RECLAIM));
	push(EBB_REQUEST_SET, 1);
	push(EBB_REQUEST_RECLAIM, 2);
	queue.first->next->state = EBB_REQUEST_RESUMING;
	assert_ptr_equal(ebb_requests_find(&queue, EBB_REQUEST_RECLAIM),
			 queue.first->next);
	assert_null(ebb_requests_find(&queue, EBB_REQUEST_DOCTOR));
	drop(queue.first);
	drop(queue.first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_out_of_the_midst),
		cmocka_unit_test(test_begins_waiting),
		cmocka_unit_test(test_kinds_in_any_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
