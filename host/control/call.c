/* SPDX-License-Identifier: GPL-2.0-only */
/* A request on the control socket: who may make it, and its answer. */
#include <config.h>

#include "host/control/call.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "host/control/authority.h"
#include "host/control/state.h"
#include "host/interface/status.h"

/* @ret_opaque: of its table. */
static const struct ebb_control_handler *
find_handler(const struct ebb_control *control, const char *command,
	     void **ret_opaque)
{
	for (uint32_t i = 0; i < control->table_count; i++) {
		const struct table *table = &control->tables[i];

		*ret_opaque = table->opaque;
		for (const struct ebb_control_handler *handler =
			     table->handlers;
		     handler->command; handler++)
			if (strcmp(handler->command, command) == 0)
				return handler;
	}
	return NULL;
}

static bool may_call(const struct ebb_peer *peer,
		     const struct ebb_control_handler *handler)
{
	switch (peer->access) {
	case EBB_ACCESS_ACT:
		return true;
	case EBB_ACCESS_READ:
		return handler->reads;
	case EBB_ACCESS_NONE:
		break;
	}
	return false;
}

static void refuse(struct ebb_call *call, const char *command)
{
	ebb_call_error(call, "PermissionDenied",
		       "you may only look: '%s' is for root, for members of "
		       "the group that ebbd.conf names, and for those that "
		       "polkit allows (" EBB_AUTHORITY_ACTION
		       "); use sudo, or join the group",
		       command);
}

/* polkit was not heard: somebody may mend that, so the log has it as well. */
static void refuse_unheard(struct ebb_call *call, const char *command,
			   const char *fault)
{
	if (ebb_pace_take(&call->peer->control->fault_pace, 1, ebb_now_ns()))
		ebb_log(EBB_LOG_WARNING,
			"polkit cannot be asked whether uid %u may give '%s': "
			"%s",
			(unsigned int)call->uid, command, fault);
	ebb_call_error(call, "PermissionDenied",
		       "you may only look, and polkit cannot be asked whether "
		       "you may give '%s': %s; or use sudo, or join the group "
		       "that ebbd.conf names",
		       command, fault);
}

static void call_refuse(struct ebb_call *call, const char *command,
			enum ebb_authority_answer answer)
{
	const char *fault = ebb_authority_fault(answer);

	if (fault)
		refuse_unheard(call, command, fault);
	else
		refuse(call, command);
}

static void on_authority(enum ebb_authority_answer answer, void *opaque)
{
	struct ebb_call *call = opaque;
	struct json_object *arguments = ebb_steal_ptr(call->arguments);

	call->question = NULL;
	call->allowed = answer == EBB_AUTHORITY_YES;
	if (call->allowed)
		call->handler->handle(call, arguments, call->handler_opaque);
	else
		call_refuse(call, call->handler->command, answer);
	json_object_put(arguments);
}

/* A peer that may look may act if polkit says so, which takes a while. */
static void call_ask(struct ebb_call *call,
		     const struct ebb_control_handler *handler,
		     struct json_object *arguments, void *opaque)
{
	enum ebb_authority_answer answer;

	call->handler = handler;
	call->handler_opaque = opaque;
	call->question =
		ebb_authority_ask(call->peer->fd, on_authority, call, &answer);
	if (call->question)
		call->arguments = json_object_get(arguments);
	else
		call_refuse(call, handler->command, answer);
}

void ebb_call_begin(struct ebb_peer *peer, const struct ebb_msg *msg)
{
	void *opaque = NULL;
	const struct ebb_control_handler *handler =
		find_handler(peer->control, msg->name, &opaque);
	struct ebb_call *call = calloc(1, sizeof(*call));

	if (!call) {
		shutdown(peer->fd, SHUT_RDWR);
		return;
	}
	call->peer = peer;
	call->id = json_object_get(msg->id);
	call->uid = peer->uid;
	peer->call = call;
	if (!handler)
		ebb_call_error(call, "CommandNotFound",
			       "this ebbd does not know the command '%s': "
			       "ebbctl and ebbd must be of the same version",
			       msg->name);
	else if (!may_call(peer, handler))
		call_ask(call, handler, msg->body, opaque);
	else
		handler->handle(call, msg->body, opaque);
}

/* Takes @line, which answers the call. */
static void call_end(struct ebb_call *call, char *line)
{
	struct ebb_peer *peer = call->peer;

	if (peer) {
		peer->call = NULL;
		ebb_peer_queue(peer, line);
	} else {
		free(line);
	}
	json_object_put(call->arguments);
	json_object_put(call->id);
	free(call);
}

void ebb_call_orphan(struct ebb_call *call)
{
	call->peer = NULL;
	if (call->question) {
		ebb_authority_cancel(call->question);
		call_end(call, NULL);
		return;
	}
	/* Last, as it may end the call. */
	if (call->cancelled)
		call->cancelled(call->opaque);
}

bool ebb_call_may_act(const struct ebb_call *call)
{
	return call->peer &&
	       (call->allowed || call->peer->access == EBB_ACCESS_ACT);
}

uid_t ebb_call_uid(const struct ebb_call *call)
{
	return call->uid;
}

static void tell_answer(struct ebb_call *call, const struct json_object *value,
			const char *error)
{
	if (call->answered)
		call->answered(value, error, call->answered_opaque);
	call->answered = NULL;
}

void ebb_call_return(struct ebb_call *call, struct json_object *value)
{
	char *line;

	tell_answer(call, value, NULL);
	line = ebb_msg_reply(value, call->id);

	if (line && strlen(line) > EBB_CONTROL_BYTES_MAX) {
		free(line);
		ebb_call_error(call, "GenericError",
			       "the answer is too long: ask for one domain");
		return;
	}
	call_end(call, line);
}

void ebb_call_error(struct ebb_call *call, const char *error_class,
		    const char *format, ...)
{
	char desc[EBB_STRING_BYTES_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(desc, sizeof(desc), format, args);
	va_end(args);
	tell_answer(call, NULL, desc);
	call_end(call, ebb_msg_error(error_class, desc, 0, call->id));
}

bool ebb_call_takes_event(const struct ebb_call *call)
{
	return call->peer && ebb_peer_takes_event(call->peer);
}

bool ebb_call_event(struct ebb_call *call, const char *name,
		    struct json_object *data)
{
	if (!ebb_call_takes_event(call)) {
		json_object_put(data);
		return false;
	}
	ebb_peer_queue(call->peer, ebb_msg_event(name, data));
	return true;
}

void ebb_call_on_cancel(struct ebb_call *call, void (*cancelled)(void *opaque),
			void *opaque)
{
	call->cancelled = cancelled;
	call->opaque = opaque;
	if (!call->peer)
		cancelled(opaque);
}

void ebb_call_on_answer(struct ebb_call *call,
			void (*answered)(const struct json_object *value,
					 const char *error, void *opaque),
			void *opaque)
{
	call->answered = answered;
	call->answered_opaque = opaque;
}
