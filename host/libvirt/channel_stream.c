/* SPDX-License-Identifier: GPL-2.0-only */
/* The stream of a channel: its opening and end, what is sent, and what comes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/virterror.h>

#include "common/clock.h"
#include "host/libvirt/channel_state.h"
#include "host/libvirt/connection.h"

/* What is not sent yet; a call is some hundred bytes. */
#define OUT_BYTES_MAX (2 * EBB_MESSAGE_BYTES_MAX)

/* Bytes read in one turn of the event loop: others have their turn, too. */
#define READ_BYTES_MAX (4 * EBB_MESSAGE_BYTES_MAX)

#define READ_EVENTS                                           \
	(VIR_STREAM_EVENT_READABLE | VIR_STREAM_EVENT_ERROR | \
	 VIR_STREAM_EVENT_HANGUP)

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
 * Nobody may touch a stream that is aborted, not even to remove its callback, so all of
 * it is done before.
 */
void ebb_channel_stream_end(struct ebb_channel *channel)
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

int ebb_channel_stream_queue(struct ebb_channel *channel, const char *line,
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

void ebb_channel_stream_flush(struct ebb_channel *channel)
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
	ebb_channel_stream_flush(channel);
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
		ebb_channel_stream_end(channel);
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

int ebb_channel_stream_open(struct ebb_channel *channel)
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

void ebb_channel_stream_break(struct ebb_channel *channel)
{
	channel->broken = true;
	if (channel->stream)
		virStreamEventUpdateCallback(channel->stream,
					     READ_EVENTS |
						     VIR_STREAM_EVENT_WRITABLE);
}
