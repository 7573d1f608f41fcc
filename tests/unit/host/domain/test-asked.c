/* SPDX-License-Identifier: GPL-2.0-only */
/* What is told of a person's request, and of what came of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/size.h"
#include "host/domain/asked.h"
#include "host/domain/reclaim_call.h"
#include "host/interface/status.h"
#include "tests/unit/host/control/fake-call.h"

/* ---- in place of past.c: the last that was told ---- */

static struct ebb_news told;
static char told_text[512];

void ebb_past_tell(struct ebb_past *past, enum ebb_log_level level,
		   const struct ebb_news *news, const char *format, ...)
{
	va_list args;

	(void)past;
	(void)level;
	told = *news;
	va_start(args, format);
	vsnprintf(told_text, sizeof(told_text), format, args);
	va_end(args);
}

/* ---- in place of the vm: a reclaim ends at once ---- */

static struct ebb_reclaim reclaim;

const char *ebb_vm_name(const struct ebb_vm *vm)
{
	(void)vm;
	return "db1";
}

const char *ebb_vm_uuid(const struct ebb_vm *vm)
{
	(void)vm;
	return "u";
}

void ebb_vm_reclaim(struct ebb_vm *vm, const struct ebb_reclaim_order *order)
{
	const struct ebb_reclaim_report report = { .reclaim = &reclaim };

	(void)vm;
	reclaim.wish = order->wish;
	reclaim.outcome = ebb_outcome(EBB_END_SATISFIED);
	order->done(&report, order->opaque);
}

void ebb_vm_cancel_reclaim(struct ebb_vm *vm, const void *opaque)
{
	(void)vm;
	(void)opaque;
}

/* ---- the tests ---- */

static void is_told(enum ebb_event_kind kind, const char *reason,
		    const char *text)
{
	assert_int_equal(told.kind, kind);
	assert_true(told.by_person);
	assert_int_equal(told.uid, 7);
	if (reason)
		assert_string_equal(told.reason, reason);
	assert_string_equal(told_text, text);
}

static void test_set(void **state)
{
	(void)state;
	ebb_asked_tell(NULL, FAKE_CALL, "db1", "u", "set", " mode=density");
	is_told(EBB_EVENT_REQUEST, NULL, "db1: set mode=density");
	ebb_call_error(FAKE_CALL, "GenericError", "libvirt did not keep it");
	is_told(EBB_EVENT_OUTCOME, "error",
		"db1: set: error: libvirt did not keep it");
	ebb_asked_tell(NULL, FAKE_CALL, "db1", "u", "set", " mode=density");
	ebb_call_return(FAKE_CALL, json_object_new_object());
	is_told(EBB_EVENT_OUTCOME, "done", "db1: set: done");
}

static void test_deflate(void **state)
{
	const struct ebb_deflate_result result = { .given_bytes =
							   210 * EBB_MIB };

	(void)state;
	ebb_asked_tell(NULL, FAKE_CALL, "db1", "u", "deflate", "");
	is_told(EBB_EVENT_REQUEST, NULL, "db1: deflate");
	ebb_call_return(FAKE_CALL,
			ebb_msg_encode(ebb_deflate_result_fields, &result));
	is_told(EBB_EVENT_OUTCOME, "done",
		"db1: deflate: the guest has 210.0 MiB back");
	assert_int_equal(told.came_bytes, 210 * EBB_MIB);
}

/* That is not "0 B came". */
static void test_dry_run(void **state)
{
	struct ebb_reclaim_request request = { .bytes = 30 * EBB_MIB };

	(void)state;
	ebb_reclaim_serve(NULL, FAKE_CALL, &request, NULL);
	is_told(EBB_EVENT_OUTCOME, "satisfied",
		"db1: reclaim: 0 B came: satisfied");
	request.dry_run = true;
	ebb_reclaim_serve(NULL, FAKE_CALL, &request, NULL);
	is_told(EBB_EVENT_OUTCOME, "dry-run",
		"db1: reclaim: dry run, so nothing was taken");
}

static int set_up(void **state)
{
	(void)state;
	fake_call.uid = 7;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_call_reset();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_deflate),
		cmocka_unit_test(test_dry_run),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
