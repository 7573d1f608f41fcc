/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One request on the control socket: the handler that gets it, and the answer. All
 * functions are for the event loop's thread.
 */
#ifndef EBB_HOST_CALL_H
#define EBB_HOST_CALL_H

#include <stdbool.h>
#include <sys/types.h>

#include "protocol/message.h"

struct ebb_call; /* one request that waits for its answer */

/**
 * struct ebb_control_handler - a row of the table of commands
 * @command: name, NULL ends the table
 * @handle: called on the event loop's thread with the decoded envelope's body,
 *	which it must not keep. It answers with ebb_call_return() or
 *	ebb_call_error(), now or later, exactly once.
 * @reads: it changes no guest and nothing that is kept, so peers that may only read may
 *	give it, too. A row that does not say so is for those that may act
 */
struct ebb_control_handler {
	const char *command;
	void (*handle)(struct ebb_call *call,
		       const struct json_object *arguments, void *opaque);
	bool reads;
};

/* Whether the peer may do more than read. Not so once it is gone. */
bool ebb_call_may_act(const struct ebb_call *call);

/* Answers and ends the call. @value is owned by the function, may be NULL. */
void ebb_call_return(struct ebb_call *call, struct json_object *value);

/* Answers with an error and ends the call. */
void ebb_call_error(struct ebb_call *call, const char *error_class,
		    const char *format, ...)
	__attribute__((__format__(__printf__, 3, 4)));

/* The user of the peer, as the kernel said when it connected. */
uid_t ebb_call_uid(const struct ebb_call *call);

/* Whether an event would not be dropped now. */
bool ebb_call_takes_event(const struct ebb_call *call);

/*
 * Sends an event on the call's connection. Returns false if it was dropped, as the peer is
 * slow or gone.
 */
bool ebb_call_event(struct ebb_call *call, const char *name,
		    struct json_object *data);

/*
 * @cancelled is called once if the peer goes away before the answer, at once if
 * it is gone already. The call must still be ended with ebb_call_return() or
 * ebb_call_error(), then or later: it is the caller's until that.
 */
void ebb_call_on_cancel(struct ebb_call *call, void (*cancelled)(void *opaque),
			void *opaque);

/*
 * @answered is called once, when the call ends: with @value, which may be NULL, or with
 * @error, a sentence.
 */
void ebb_call_on_answer(struct ebb_call *call,
			void (*answered)(const struct json_object *value,
					 const char *error, void *opaque),
			void *opaque);

#endif /* EBB_HOST_CALL_H */
