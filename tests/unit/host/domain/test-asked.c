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

/* ---- in place of control.c ---- */

static void (*answered)(const struct json_object *value, const char *error,
			void *opaque);
static void *answered_opaque;

void ebb_call_on_answer(struct ebb_call *call,
			void (*function)(const struct json_object *value,
					 const char *error, void *opaque),
			void *opaque)
{
	(void)call;
	answered = function;
	answered_opaque = opaque;
}

uid_t ebb_call_uid(const struct ebb_call *call)
{
	(void)call;
	return 7;
}

void ebb_call_on_cancel(struct ebb_call *call, void (*cancelled)(void *opaque),
			void *opaque)
{
	(void)call;
	(void)cancelled;
	(void)opaque;
}

void ebb_call_return(struct ebb_call *call, struct json_object *value)
{
	(void)call;
	json_object_put(value);
}

void ebb_call_error(struct ebb_call *call, const char *error_class,
		    const char *format, ...)
{
	(void)call;
	(void)error_class;
	(void)format;
}

bool ebb_call_event(struct ebb_call *call, const char *name,
		    struct json_object *data)
{
	(void)call;
	(void)name;
	json_object_put(data);
	return true;
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
	struct json_object *value = json_object_new_object();

	(void)state;
	ebb_asked_tell(NULL, NULL, "db1", "u", "set", " mode=density");
	is_told(EBB_EVENT_REQUEST, NULL, "db1: set mode=density");
	answered(NULL, "libvirt did not keep it", answered_opaque);
	is_told(EBB_EVENT_OUTCOME, "error",
		"db1: set: error: libvirt did not keep it");
	ebb_asked_tell(NULL, NULL, "db1", "u", "set", " mode=density");
	answered(value, NULL, answered_opaque);
	is_told(EBB_EVENT_OUTCOME, "done", "db1: set: done");
	json_object_put(value);
}

static void test_deflate(void **state)
{
	const struct ebb_deflate_result result = { .given_bytes =
							   210 * EBB_MIB };
	struct json_object *value =
		ebb_msg_encode(ebb_deflate_result_fields, &result);

	(void)state;
	ebb_asked_tell(NULL, NULL, "db1", "u", "deflate", "");
	is_told(EBB_EVENT_REQUEST, NULL, "db1: deflate");
	answered(value, NULL, answered_opaque);
	is_told(EBB_EVENT_OUTCOME, "done",
		"db1: deflate: the guest has 210.0 MiB back");
	assert_int_equal(told.came_bytes, 210 * EBB_MIB);
	json_object_put(value);
}

/* That is not "0 B came". */
static void test_dry_run(void **state)
{
	struct ebb_reclaim_request request = { .bytes = 30 * EBB_MIB };

	(void)state;
	ebb_reclaim_serve(NULL, NULL, &request, NULL);
	is_told(EBB_EVENT_OUTCOME, "satisfied",
		"db1: reclaim: 0 B came: satisfied");
	request.dry_run = true;
	ebb_reclaim_serve(NULL, NULL, &request, NULL);
	is_told(EBB_EVENT_OUTCOME, "dry-run",
		"db1: reclaim: dry run, so nothing was taken");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_deflate),
		cmocka_unit_test(test_dry_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
