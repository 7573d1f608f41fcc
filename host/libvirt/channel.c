/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/libvirt/channel.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "host/base/pace.h"
#include "host/libvirt/connection.h"
#include "protocol/frame.h"

/* What is not sent yet; a call is some hundred bytes. */
#define OUT_BYTES_MAX (2 * EBB_MESSAGE_BYTES_MAX)

/* Bytes read in one turn of the event loop: others have their turn, too. */
#define READ_BYTES_MAX (4 * EBB_MESSAGE_BYTES_MAX)

/*
 * What a guest may send: an agent answers, and tells a little. What comes
 * faster than it is read would pile up in libvirt's stream, without a bound.
 */
#define INPUT_BURST_BYTES (1024 * 1024)
#define INPUT_BYTES_PER_S (64 * 1024)

/*
 * What a guest does not read waits in sockets of QEMU's and libvirtd's. Once these are
 * full, libvirtd keeps what is sent, and does not read a client any more of which it
 * keeps five packets, on whatever streams. A QEMU's socket has room for some 280 calls,
 * and what it has is dropped when a channel is opened anew.
 */
#define UNANSWERED_MAX 32

#define READ_EVENTS                                           \
	(VIR_STREAM_EVENT_READABLE | VIR_STREAM_EVENT_ERROR | \
	 VIR_STREAM_EVENT_HANGUP)

struct ebb_channel {
	atomic_uint references;
	struct ebb_domain *domain;
	struct ebb_channel_ops ops;
	void *opaque;
	bool own; /* else the guest agent's channel */
	/* Of the event loop's thread only. */
	struct ebb_frame frame;
	struct ebb_pace input;
	uint64_t events; /* that came */

	pthread_mutex_t lock; /* for what follows */
	pthread_cond_t answered;
	/* Written by the event loop's thread. NULL: it has ended. */
	virStreamPtr stream;
	bool broken; /* or closed */
	bool calling; /* somebody is */
	uint64_t talk; /* the one that may call */
	bool flooded; /* by the guest: that is why */
	uint32_t unanswered; /* calls, since the last answer */
	char *out; /* NULL: all is sent */
	size_t out_bytes;
	uint64_t last_id;
	bool waiting;
	bool have_reply;
	struct ebb_msg reply;
	uint64_t events_before_reply;
};

/* ---- what blocks at the end ---- */

static void end_work(void *opaque)
{
	const struct ebb_domain *domain = opaque;
	struct ebb_connection *connection = domain->connection;
	int r = ebb_connection_begin_listening(connection);

	/*
	 * On a connection that is lost it does not wait. On one that was only
	 * given up, a call out of turn could crash libvirt's client.
	 */
	if (r == 0 ||
	    virConnectIsAlive(connection->handles[EBB_CALL_LISTENING]) != 1)
		ebb_streams_end(connection);
	if (r == 0)
		ebb_connection_end(connection, EBB_CALL_LISTENING);
}

static void end_done(void *opaque)
{
	ebb_domain_unref(opaque);
}

/*
 * Takes the stream from the channel and ends it, by a job. Nobody may touch a
 * stream that is aborted, not even to remove its callback, so all of it is done
 * before.
 */
static void end_stream(struct ebb_channel *channel)
{
	struct ebb_connection *connection = channel->domain->connection;
	virStreamPtr stream;

	pthread_mutex_lock(&channel->lock);
	stream = channel->stream;
	channel->stream = NULL;
	channel->broken = true;
	pthread_cond_broadcast(&channel->answered);
	pthread_mutex_unlock(&channel->lock);
	if (!stream)
		return;
	virStreamEventRemoveCallback(stream);
	ebb_streams_leave(connection, stream);
	ebb_domain_ref(channel->domain);
	/* Without a thread it ends with the next one, or with the connection. */
	if (ebb_workers_run(connection->workers, EBB_WORK_CONNECTION, end_work,
			    end_done, channel->domain) < 0)
		ebb_domain_unref(channel->domain);
}

/* A channel is silent nearly always: then it has no memory for bytes to send. */
static void drop_out(struct ebb_channel *channel)
{
	free(channel->out);
	channel->out = NULL;
	channel->out_bytes = 0;
}

/* Under the lock. Returns 0, -ENOSPC or -ENOMEM. */
static int queue_out(struct ebb_channel *channel, const char *line,
		     size_t line_bytes)
{
	char *out;

	if (channel->out_bytes + line_bytes > OUT_BYTES_MAX)
		return -ENOSPC;
	out = realloc(channel->out, channel->out_bytes + line_bytes);
	if (!out)
		return -ENOMEM;
	memcpy(out + channel->out_bytes, line, line_bytes);
	channel->out = out;
	channel->out_bytes += line_bytes;
	return 0;
}

/*
 * Sends what it can, and waits for room for the rest. Under the lock, and in a
 * turn of the connection's calls.
 */
static void flush_out(struct ebb_channel *channel)
{
	int events = READ_EVENTS;

	if (!channel->stream)
		return;
	while (channel->out_bytes > 0) {
		int sent = virStreamSend(channel->stream, channel->out,
					 channel->out_bytes);

		if (sent == -2)
			break;
		if (sent < 0) {
			channel->broken = true;
			drop_out(channel);
			pthread_cond_broadcast(&channel->answered);
			break;
		}
		channel->out_bytes -= (size_t)sent;
		memmove(channel->out, channel->out + sent, channel->out_bytes);
	}
	if (channel->out_bytes > 0)
		events |= VIR_STREAM_EVENT_WRITABLE;
	else
		drop_out(channel);
	virStreamEventUpdateCallback(channel->stream, events);
}

/* On the event loop's thread: if a call is under way, the next one sends. */
static void flush_soon(struct ebb_channel *channel)
{
	struct ebb_connection *connection = channel->domain->connection;

	if (!ebb_connection_try(connection, EBB_CALL_LISTENING)) {
		if (channel->stream)
			virStreamEventUpdateCallback(channel->stream,
						     READ_EVENTS);
		return;
	}
	flush_out(channel);
	ebb_connection_end(connection, EBB_CALL_LISTENING);
}

/* An answer counts only if it has the id of the call that waits. */
static void take_answer(struct ebb_channel *channel, struct ebb_msg *msg)
{
	pthread_mutex_lock(&channel->lock);
	if (channel->waiting && !channel->have_reply && msg->id &&
	    json_object_is_type(msg->id, json_type_int) &&
	    (uint64_t)json_object_get_int64(msg->id) == channel->last_id) {
		channel->reply = *msg;
		*msg = (struct ebb_msg){ 0 };
		channel->have_reply = true;
		channel->events_before_reply = channel->events;
		pthread_cond_broadcast(&channel->answered);
	}
	pthread_mutex_unlock(&channel->lock);
}

static void handle_line(struct ebb_channel *channel, const char *line,
			size_t line_bytes)
{
	struct ebb_msg msg = { 0 };

	/* What is not a message of the protocol is noise of the guest's. */
	if (ebb_msg_parse(line, line_bytes, &msg, NULL) < 0)
		return;
	if (msg.kind == EBB_MSG_EVENT) {
		channel->events++;
		channel->ops.event(msg.name, msg.body, channel->opaque);
	} else if (msg.kind == EBB_MSG_REPLY || msg.kind == EBB_MSG_ERROR) {
		take_answer(channel, &msg);
	}
	ebb_msg_clear(&msg);
}

static int read_stream(struct ebb_channel *channel)
{
	const char *line;
	size_t line_bytes, total = 0;
	char data[4096];
	int got;

	while (total < READ_BYTES_MAX) {
		got = virStreamRecv(channel->stream, data, sizeof(data));
		if (got == -2)
			return 0;
		if (got <= 0)
			return -EPIPE;
		total += (size_t)got;
		if (!ebb_pace_take(&channel->input, (uint32_t)got,
				   ebb_now_ns()))
			return -ENOBUFS;
		if (ebb_frame_push(&channel->frame, data, (size_t)got) < 0)
			return -ENOMEM;
		while (ebb_frame_next(&channel->frame, &line, &line_bytes))
			handle_line(channel, line, line_bytes);
	}
	return 0;
}

static void on_stream(virStreamPtr stream, int events, void *opaque)
{
	struct ebb_channel *channel = opaque;
	int r = 0;

	(void)stream;
	if (events & VIR_STREAM_EVENT_READABLE)
		r = read_stream(channel);

	pthread_mutex_lock(&channel->lock);
	if (r < 0 ||
	    (events & (VIR_STREAM_EVENT_ERROR | VIR_STREAM_EVENT_HANGUP)))
		channel->broken = true;
	else if (events & VIR_STREAM_EVENT_WRITABLE)
		flush_soon(channel);
	channel->flooded |= r == -ENOBUFS;
	r = channel->broken ? -EPIPE : 0;
	pthread_cond_broadcast(&channel->answered);
	pthread_mutex_unlock(&channel->lock);

	if (r < 0) {
		/* Else what a guest goes on to send is kept for us. */
		end_stream(channel);
		channel->ops.broken(channel->opaque);
	}
}

/* In a turn of EBB_CALL_LISTENING. Returns 0, -EBUSY or -ENOTCONN. */
static int connect_stream(struct ebb_channel *channel)
{
	const struct ebb_domain *domain = channel->domain;
	virConnectPtr connection =
		domain->connection->handles[EBB_CALL_LISTENING];
	virDomainPtr handle =
		virDomainLookupByUUIDString(connection, domain->uuid);
	int r = -1;

	if (!handle)
		return -ENOTCONN;
	channel->stream = virStreamNew(connection, VIR_STREAM_NONBLOCK);
	if (channel->stream)
		r = virDomainOpenChannel(handle, EBB_CHANNEL_NAME,
					 channel->stream, 0);
	if (r < 0) {
		r = virGetLastErrorCode() == VIR_ERR_OPERATION_FAILED
			    ? -EBUSY
			    : -ENOTCONN;
		if (channel->stream)
			virStreamFree(channel->stream);
		channel->stream = NULL;
	}
	virDomainFree(handle);
	return r;
}

static int open_stream(struct ebb_channel *channel)
{
	struct ebb_connection *connection = channel->domain->connection;
	int r;

	if (ebb_connection_begin_listening(connection) < 0)
		return -ENOTCONN;
	/* One of the same domain would be in the way. */
	ebb_streams_end(connection);
	r = connect_stream(channel);
	ebb_connection_end(connection, EBB_CALL_LISTENING);
	if (r < 0)
		return r;
	if (virStreamEventAddCallback(channel->stream, READ_EVENTS, on_stream,
				      channel, NULL) < 0)
		return -ENOTCONN;
	return 0;
}

int ebb_channel_open(struct ebb_domain *domain, bool own,
		     const struct ebb_channel_ops *ops, void *opaque,
		     struct ebb_channel **ret_channel)
{
	struct ebb_channel *channel = calloc(1, sizeof(*channel));
	pthread_condattr_t attr;
	int r = 0;

	if (!channel)
		return -ENOMEM;
	channel->references = 1;
	channel->domain = ebb_domain_ref(domain);
	channel->own = own;
	channel->ops = *ops;
	channel->opaque = opaque;
	ebb_frame_init(&channel->frame, EBB_MESSAGE_BYTES_MAX);
	channel->input = (struct ebb_pace){
		.burst = INPUT_BURST_BYTES,
		.period_ns = 1000000000 / INPUT_BYTES_PER_S,
	};
	pthread_mutex_init(&channel->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&channel->answered, &attr);
	pthread_condattr_destroy(&attr);

	if (own)
		r = open_stream(channel);
	if (r < 0) {
		if (channel->stream)
			ebb_streams_leave(domain->connection, channel->stream);
		ebb_channel_unref(channel);
		return r;
	}
	*ret_channel = channel;
	return 0;
}

void ebb_channel_close(struct ebb_channel *channel)
{
	if (!channel)
		return;
	end_stream(channel);
	ebb_channel_unref(channel);
}

struct ebb_channel *ebb_channel_ref(struct ebb_channel *channel)
{
	channel->references++;
	return channel;
}

void ebb_channel_unref(struct ebb_channel *channel)
{
	if (--channel->references > 0)
		return;
	ebb_msg_clear(&channel->reply);
	ebb_frame_clear(&channel->frame);
	pthread_cond_destroy(&channel->answered);
	pthread_mutex_destroy(&channel->lock);
	ebb_domain_unref(channel->domain);
	free(channel->out);
	free(channel);
}

const char *ebb_channel_name(const struct ebb_channel *channel)
{
	return channel->own ? EBB_CHANNEL_NAME : QGA_CHANNEL_NAME;
}

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

/* Under the lock: the loop finds the channel broken, as soon as it turns. */
static void break_soon(struct ebb_channel *channel)
{
	channel->broken = true;
	if (channel->stream)
		virStreamEventUpdateCallback(channel->stream,
					     READ_EVENTS |
						     VIR_STREAM_EVENT_WRITABLE);
}

static void note_end(struct ebb_channel *channel, int result)
{
	if (result == 0 || result == -EREMOTEIO)
		channel->unanswered = 0;
	else if (result == -ETIMEDOUT &&
		 ++channel->unanswered >= UNANSWERED_MAX)
		break_soon(channel);
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
	r = queue_out(channel, line, line_bytes);
	if (r == 0) {
		channel->waiting = true;
		flush_out(channel);
	}
	/* The guest reads nothing: what it has is all it gets. */
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
