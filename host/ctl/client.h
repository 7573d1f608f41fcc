/* SPDX-License-Identifier: GPL-2.0-only */
/* One question to ebbd, one answer. Prints nothing. */
#ifndef EBB_HOST_CTL_CLIENT_H
#define EBB_HOST_CTL_CLIENT_H

#include "host/ctl/ctl.h"

/**
 * struct ctl_request - what to ask
 * @command: as in host/interface/status.h
 * @arguments: owned by ctl_ask() then, may be NULL
 * @limit_ms: how long to wait for the answer; 0: for ever
 * @on_event: called for each event before the answer, may be NULL. Returns
 *	whether @limit_ms begins anew: what was asked has not begun
 */
struct ctl_request {
	const char *command;
	struct json_object *arguments;
	uint32_t limit_ms;
	bool (*on_event)(const char *name, const struct json_object *data,
			 void *opaque);
	void *opaque;
};

/**
 * struct ctl_answer - what came back
 * @value: of the answer, owned by the caller; NULL if there is none
 * @status: CTL_DONE, or why there is no value
 * @error_class, @error_desc: if not CTL_DONE
 */
struct ctl_answer {
	struct json_object *value;
	enum ctl_exit status;
	char error_class[64];
	char error_desc[512];
};

/**
 * ctl_ask - connect, ask, wait, disconnect
 *
 * SIGINT ends the wait with CTL_INTERRUPTED; disconnecting cancels the request.
 */
void ctl_ask(const struct ctl_args *args, struct ctl_request *request,
	     struct ctl_answer *ret_answer);

/**
 * ctl_ask_served - ctl_ask() an ebbd that serves the URI of @args
 *
 * For commands whose request holds no URI.
 * Returns CTL_DONE with @ret_answer to be cleared, or the exit status after a
 * ctl_error().
 */
int ctl_ask_served(const struct ctl_args *args, struct ctl_request *request,
		   struct ctl_answer *ret_answer);

/* Drops what the answer owns. */
void ctl_answer_clear(struct ctl_answer *answer);

/* ctl_error() with what the answer says. Returns its status. */
int ctl_answer_error(const struct ctl_args *args,
		     const struct ctl_answer *answer);

/* ctl_error() for an answer that is not as status.h says. */
int ctl_answer_misfit(const struct ctl_args *args,
		      const struct ebb_msg_error *error);

/**
 * ctl_answer_decode - ebb_msg_decode(), then ctl_clean_message()
 *
 * Returns CTL_DONE, or CTL_FAILED after a ctl_error(): ebbd is of another
 * version.
 */
int ctl_answer_decode(const struct ctl_args *args,
		      const struct json_object *value,
		      const struct ebb_field *fields, void *ret_message,
		      size_t message_bytes);

/**
 * ctl_ask_domain - ask a command that takes struct ebb_domain_request
 * @args: the first operand is the domain
 *
 * Returns CTL_DONE with @ret_value, which the caller owns, or the exit status
 * after a ctl_error().
 */
int ctl_ask_domain(const struct ctl_args *args, const char *command,
		   struct json_object **ret_value);

#endif /* EBB_HOST_CTL_CLIENT_H */
