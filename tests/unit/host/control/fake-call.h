/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A request on the control socket, played: this stands in for call.c, so a test links
 * it instead. There is one request at a time, and any pointer is it.
 */
#ifndef EBB_TESTS_UNIT_FAKE_CALL_H
#define EBB_TESTS_UNIT_FAKE_CALL_H

#include "host/control/call.h"

/**
 * struct fake_call - the last request
 * @uid: of the peer
 * @answers: that came since fake_call_reset()
 * @value: the last answer, or NULL
 * @error_class, @error: the last error, else empty
 * @on_answer: called with each of both, may be NULL
 * @on_event: called with each event, may be NULL
 * @on_gone, @gone_opaque: to be called when the peer goes
 */
struct fake_call {
	uid_t uid;
	unsigned int answers;
	struct json_object *value;
	char error_class[64];
	char error[1024];
	void (*on_answer)(void);
	void (*on_event)(const char *name, const struct json_object *data);
	void (*on_gone)(void *opaque);
	void *gone_opaque;
};

extern struct fake_call fake_call;

/* What a handler gets. */
#define FAKE_CALL ((struct ebb_call *)(void *)&fake_call)

/* Zeroes it; the answer is dropped. */
void fake_call_reset(void);

/* Drops the answer or the error. */
void fake_call_forget(void);

/* The last answer, which must be such a message. */
void fake_call_decode(const struct ebb_field *fields, void *ret_message,
		      size_t message_bytes);

#endif /* EBB_TESTS_UNIT_FAKE_CALL_H */
