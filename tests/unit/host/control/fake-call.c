/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/host/control/fake-call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct fake_call fake_call;
static void (*told)(const struct json_object *value, const char *error,
		    void *opaque);
static void *told_opaque;

void fake_call_forget(void)
{
	json_object_put(fake_call.value);
	fake_call.value = NULL;
	fake_call.error_class[0] = '\0';
	fake_call.error[0] = '\0';
}

void fake_call_reset(void)
{
	fake_call_forget();
	memset(&fake_call, 0, sizeof(fake_call));
	told = NULL;
}

void fake_call_decode(const struct ebb_field *fields, void *ret_message,
		      size_t message_bytes)
{
	struct ebb_msg_error error = { 0 };

	if (ebb_msg_decode(fake_call.value, fields, ret_message, message_bytes,
			   &error) < 0)
		fail_msg("the answer does not fit: %s", error.text);
}

/* ---- in place of call.c ---- */

static void end(const char *error)
{
	fake_call.answers++;
	if (told)
		told(fake_call.value, error, told_opaque);
	told = NULL;
	fake_call.on_gone = NULL;
	if (fake_call.on_answer)
		fake_call.on_answer();
}

void ebb_call_return(struct ebb_call *call, struct json_object *value)
{
	(void)call;
	fake_call_forget();
	/* As the client gets it: members may print themselves. */
	fake_call.value = json_tokener_parse(
		json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN));
	json_object_put(value);
	end(NULL);
}

void ebb_call_error(struct ebb_call *call, const char *error_class,
		    const char *format, ...)
{
	va_list args;

	(void)call;
	fake_call_forget();
	snprintf(fake_call.error_class, sizeof(fake_call.error_class), "%s",
		 error_class);
	va_start(args, format);
	vsnprintf(fake_call.error, sizeof(fake_call.error), format, args);
	va_end(args);
	end(fake_call.error);
}

bool ebb_call_may_act(const struct ebb_call *call)
{
	(void)call;
	return true;
}

uid_t ebb_call_uid(const struct ebb_call *call)
{
	(void)call;
	return fake_call.uid;
}

bool ebb_call_takes_event(const struct ebb_call *call)
{
	(void)call;
	return true;
}

bool ebb_call_event(struct ebb_call *call, const char *name,
		    struct json_object *data)
{
	(void)call;
	if (fake_call.on_event)
		fake_call.on_event(name, data);
	json_object_put(data);
	return true;
}

void ebb_call_on_cancel(struct ebb_call *call, void (*cancelled)(void *opaque),
			void *opaque)
{
	(void)call;
	fake_call.on_gone = cancelled;
	fake_call.gone_opaque = opaque;
}

void ebb_call_on_answer(struct ebb_call *call,
			void (*answered)(const struct json_object *value,
					 const char *error, void *opaque),
			void *opaque)
{
	(void)call;
	told = answered;
	told_opaque = opaque;
}
