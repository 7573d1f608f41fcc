/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/libvirt/agent.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host/interface/plain.h"
#include "host/interface/target.h"

static void explain(int r, const struct ebb_msg *reply,
		    struct ebb_msg_error *ret_error)
{
	switch (r) {
	case -EREMOTEIO:
		snprintf(ret_error->text, sizeof(ret_error->text), "%s",
			 reply->error_desc);
		ebb_plain(ret_error->text);
		break;
	case -ETIMEDOUT:
		snprintf(ret_error->text, sizeof(ret_error->text),
			 "no answer in time");
		break;
	case -ENOTCONN:
		snprintf(ret_error->text, sizeof(ret_error->text),
			 "the channel is not connected");
		break;
	case -ENOBUFS:
		snprintf(ret_error->text, sizeof(ret_error->text),
			 "the guest floods the channel");
		break;
	default:
		snprintf(ret_error->text, sizeof(ret_error->text), "%s",
			 strerror(-r));
	}
}

static int call(const struct ebb_agent_line *line, const char *command,
		struct json_object *arguments, struct ebb_msg *ret_reply,
		struct ebb_msg_error *ret_error)
{
	int r = ebb_channel_call(line->channel, line->talk, command, arguments,
				 line->timeout_ms, ret_reply);

	if (r < 0)
		explain(r, ret_reply, ret_error);
	return r;
}

static int query(struct ebb_channel *channel, const char *command,
		 uint32_t timeout_ms, const struct ebb_field *fields,
		 void *ret_value, size_t value_bytes,
		 struct ebb_msg_error *ret_error)
{
	const struct ebb_agent_line line = { .channel = channel,
					     .timeout_ms = timeout_ms };
	struct ebb_msg reply = { 0 };
	int r = call(&line, command, NULL, &reply, ret_error);

	if (r == 0 && ebb_msg_decode(reply.body, fields, ret_value, value_bytes,
				     ret_error) < 0)
		r = -EBADMSG;
	if (r == 0)
		ebb_plain_fields(fields, ret_value);
	ebb_msg_clear(&reply);
	return r;
}

int ebb_agent_info(struct ebb_channel *channel, uint32_t timeout_ms,
		   struct ebb_msg_info *ret_info,
		   struct ebb_msg_error *ret_error)
{
	return query(channel, "ebb-info", timeout_ms, ebb_msg_info_fields,
		     ret_info, sizeof(*ret_info), ret_error);
}

int ebb_agent_facts(struct ebb_channel *channel, uint32_t timeout_ms,
		    struct ebb_msg_facts *ret_facts,
		    struct ebb_msg_error *ret_error)
{
	return query(channel, "ebb-facts", timeout_ms, ebb_msg_facts_fields,
		     ret_facts, sizeof(*ret_facts), ret_error);
}

int ebb_agent_challenge(struct ebb_channel *channel, uint32_t timeout_ms,
			const uint8_t nonce[EBB_NONCE_BYTES],
			struct ebb_msg_error *ret_error)
{
	const struct ebb_agent_line line = { .channel = channel,
					     .timeout_ms = timeout_ms };
	struct ebb_msg_challenge challenge;
	struct ebb_msg reply = { 0 };
	int r;

	memcpy(challenge.nonce, nonce, sizeof(challenge.nonce));
	r = call(&line, "ebb-challenge",
		 ebb_msg_encode(ebb_msg_challenge_fields, &challenge), &reply,
		 ret_error);
	ebb_msg_clear(&reply);
	return r;
}

int ebb_agent_session_start(const struct ebb_agent_line *line,
			    const struct ebb_msg_session_start *start,
			    int *ret_guest_errno,
			    struct ebb_msg_error *ret_error)
{
	struct ebb_msg reply = { 0 };
	int r = call(line, "ebb-session-start",
		     ebb_msg_encode(ebb_msg_session_start_fields, start),
		     &reply, ret_error);

	*ret_guest_errno = r == -EREMOTEIO ? reply.error_errno : 0;
	ebb_msg_clear(&reply);
	return r;
}

int ebb_agent_session_stop(const struct ebb_agent_line *line,
			   struct ebb_msg_error *ret_error)
{
	struct ebb_msg reply = { 0 };
	int r = call(line, "ebb-session-stop", NULL, &reply, ret_error);

	ebb_msg_clear(&reply);
	return r;
}

int ebb_agent_target_decode(const struct json_object *data,
			    struct ebb_msg_target_state *ret_state,
			    struct ebb_msg_error *ret_error)
{
	if (ebb_msg_decode(data, ebb_msg_target_state_fields, ret_state,
			   sizeof(*ret_state), ret_error) < 0)
		return -EBADMSG;
	ebb_target_clean_word(ret_state->mechanism);
	ebb_target_clean_word(ret_state->state);
	ebb_target_clean_word(ret_state->reason);
	return 0;
}

/* Of the guest agent's channel, libvirt keeps only the text of an error. */
static bool is_unknown_command(const struct ebb_msg *reply)
{
	return strcmp(reply->error_class, "CommandNotFound") == 0 ||
	       (reply->error_class[0] == '\0' &&
		strstr(reply->error_desc, "has not been found"));
}

int ebb_agent_target(const struct ebb_agent_line *line,
		     const struct ebb_msg_target *target,
		     struct ebb_msg_target_state *ret_state,
		     struct ebb_msg_error *ret_error)
{
	struct ebb_msg reply = { 0 };
	int r = call(line, "ebb-target",
		     ebb_msg_encode(ebb_msg_target_fields, target), &reply,
		     ret_error);

	if (r == -EREMOTEIO && is_unknown_command(&reply))
		r = -ENOSYS;
	if (r == 0)
		r = ebb_agent_target_decode(reply.body, ret_state, ret_error);
	ebb_msg_clear(&reply);
	return r;
}

int ebb_agent_compact(const struct ebb_agent_line *line,
		      struct ebb_msg_compact_state *ret_state,
		      struct ebb_msg_error *ret_error)
{
	struct ebb_msg reply = { 0 };
	int r = call(line, "ebb-compact", NULL, &reply, ret_error);

	if (r == -EREMOTEIO && is_unknown_command(&reply))
		r = -ENOSYS;
	if (r == 0 &&
	    ebb_msg_decode(reply.body, ebb_msg_compact_state_fields, ret_state,
			   sizeof(*ret_state), ret_error) < 0)
		r = -EBADMSG;
	if (r == 0)
		ebb_target_clean_word(ret_state->reason);
	ebb_msg_clear(&reply);
	return r;
}
