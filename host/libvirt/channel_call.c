/* SPDX-License-Identifier: GPL-2.0-only */
/* A call through a channel, and its answer. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>

#include "common/cleanup.h"
#include "host/libvirt/channel_state.h"
#include "host/libvirt/connection.h"

/*
 * What a guest does not read waits in sockets of QEMU and libvirtd. Once these are full,
 * libvirtd keeps what is sent; and once it keeps five packets of a client, on whatever
 * streams, it stops reading that client. A socket of QEMU has room for some 280 calls.
 * What is in it is dropped when the channel is opened anew.
 */
#define UNANSWERED_MAX 32

/* Through libvirt's own agent connection: it syncs, waits and matches. */
static int call_qga(struct ebb_channel *channel, const char *line,
		    uint32_t timeout_ms, struct ebb_msg *ret_reply)
{
	int timeout_s = (int)((timeout_ms + 999) / 1000);
	char *answer ebb_auto_free = NULL;
	int code = VIR_ERR_NO_CONNECT;
	char text[EBB_VIRT_ERROR_BYTES] = "";
	virDomainPtr handle;
	int r = ebb_connection_begin(channel->domain->connection,
				     EBB_CALL_GUEST);

	if (r < 0)
		return r;
	handle = ebb_connection_guest(channel->domain->connection,
				      channel->domain->uuid);
	if (handle) {
		answer = virDomainQemuAgentCommand(handle, line, timeout_s, 0);
		/* virDomainFree() forgets it. */
		if (!answer) {
			code = virGetLastErrorCode();
			snprintf(text, sizeof(text), "%s",
				 virGetLastErrorMessage());
		}
		virDomainFree(handle);
	}
	ebb_connection_end(channel->domain->connection, EBB_CALL_GUEST);
	if (!answer) {
		switch (code) {
		case VIR_ERR_AGENT_UNRESPONSIVE:
		case VIR_ERR_OPERATION_TIMEOUT:
			return -ETIMEDOUT;
		case VIR_ERR_INTERNAL_ERROR:
			/* libvirt keeps only the text of the agent's error. */
			*ret_reply = (struct ebb_msg){ .kind = EBB_MSG_ERROR };
			snprintf(ret_reply->error_desc,
				 sizeof(ret_reply->error_desc), "%s", text);
			return -EREMOTEIO;
		default:
			return -ENOTCONN;
		}
	}
	r = ebb_msg_parse(answer, strlen(answer), ret_reply, NULL);
	if (r < 0)
		return -EBADMSG;
	if (ret_reply->kind == EBB_MSG_REPLY)
		return 0;
	if (ret_reply->kind == EBB_MSG_ERROR)
		return -EREMOTEIO;
	ebb_msg_clear(ret_reply);
	return -EBADMSG;
}

static struct timespec deadline_in(uint32_t timeout_ms)
{
	struct timespec deadline;

	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += timeout_ms / 1000;
	deadline.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	if (deadline.tv_nsec >= 1000000000) {
		deadline.tv_sec++;
		deadline.tv_nsec -= 1000000000;
	}
	return deadline;
}

static void note_end(struct ebb_channel *channel, int result)
{
	if (result == 0 || result == -EREMOTEIO)
		channel->unanswered = 0;
	else if (result == -ETIMEDOUT &&
		 ++channel->unanswered >= UNANSWERED_MAX)
		ebb_channel_stream_break(channel);
}

/* Under the lock, which is given up while it waits. */
static int call_stream(struct ebb_channel *channel, const char *line,
		       const struct timespec *deadline,
		       struct ebb_msg *ret_reply)
{
	struct ebb_connection *connection = channel->domain->connection;
	size_t line_bytes = strlen(line);
	int r;

	pthread_mutex_unlock(&channel->lock);
	r = ebb_connection_begin(connection, EBB_CALL_LISTENING);
	pthread_mutex_lock(&channel->lock);
	if (r < 0)
		return r;
	r = ebb_channel_stream_queue(channel, line, line_bytes);
	if (r == 0) {
		channel->waiting = true;
		ebb_channel_stream_flush(channel);
	}
	/* The guest reads nothing: no more is kept for it. */
	if (r == -ENOSPC)
		r = -ETIMEDOUT;
	ebb_connection_end(connection, EBB_CALL_LISTENING);
	while (r == 0 && !channel->have_reply && !channel->broken)
		r = -pthread_cond_timedwait(&channel->answered, &channel->lock,
					    deadline);
	if (channel->have_reply) {
		*ret_reply = channel->reply;
		channel->reply = (struct ebb_msg){ 0 };
		channel->have_reply = false;
		r = ret_reply->kind == EBB_MSG_REPLY ? 0 : -EREMOTEIO;
	} else if (channel->broken) {
		r = channel->flooded ? -ENOBUFS : -ENOTCONN;
	}
	channel->waiting = false;
	note_end(channel, r);
	return r;
}

/* Under the lock: the call's turn. 0, -ETIMEDOUT, -ENOTCONN or -ENOBUFS. */
static int take_turn(struct ebb_channel *channel,
		     const struct timespec *deadline)
{
	int r = 0;

	while (r == 0 && channel->calling && !channel->broken)
		r = -pthread_cond_timedwait(&channel->answered, &channel->lock,
					    deadline);
	if (channel->broken)
		return channel->flooded ? -ENOBUFS : -ENOTCONN;
	return channel->calling ? r : 0;
}

uint64_t ebb_channel_events(const struct ebb_channel *channel)
{
	return channel->events;
}

uint64_t ebb_channel_events_before_reply(struct ebb_channel *channel)
{
	uint64_t events;

	pthread_mutex_lock(&channel->lock);
	events = channel->events_before_reply;
	pthread_mutex_unlock(&channel->lock);
	return events;
}

static char *make_line(struct ebb_channel *channel, const char *command,
		       struct json_object *arguments)
{
	struct json_object *id =
		json_object_new_int64((int64_t)++channel->last_id);
	char *line = ebb_msg_request(command, arguments, id);

	json_object_put(id);
	return line;
}

uint64_t ebb_channel_begin_talk(struct ebb_channel *channel)
{
	uint64_t talk;

	pthread_mutex_lock(&channel->lock);
	talk = ++channel->talk;
	pthread_mutex_unlock(&channel->lock);
	return talk;
}

int ebb_channel_call(struct ebb_channel *channel, uint64_t talk,
		     const char *command, struct json_object *arguments,
		     uint32_t timeout_ms, struct ebb_msg *ret_reply)
{
	struct timespec deadline = deadline_in(timeout_ms);
	char *line ebb_auto_free = NULL;
	int r;

	pthread_mutex_lock(&channel->lock);
	r = take_turn(channel, &deadline);
	/* From here on no other call comes between. */
	if (r == 0 && talk && talk != channel->talk)
		r = -ECANCELED;
	if (r < 0) {
		json_object_put(arguments);
		pthread_mutex_unlock(&channel->lock);
		return r;
	}
	channel->calling = true;
	line = make_line(channel, command, arguments);
	if (!line) {
		r = -ENOMEM;
	} else if (channel->own) {
		r = call_stream(channel, line, &deadline, ret_reply);
	} else {
		pthread_mutex_unlock(&channel->lock);
		r = call_qga(channel, line, timeout_ms, ret_reply);
		pthread_mutex_lock(&channel->lock);
	}
	channel->calling = false;
	pthread_cond_broadcast(&channel->answered);
	pthread_mutex_unlock(&channel->lock);
	return r;
}
