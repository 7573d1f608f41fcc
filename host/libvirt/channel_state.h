/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a channel is made of, for channel*.c alone: its stream, and the one call that
 * waits for its answer.
 */
#ifndef EBB_HOST_CHANNEL_STATE_H
#define EBB_HOST_CHANNEL_STATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libvirt/libvirt.h>

#include "host/base/pace.h"
#include "host/libvirt/channel.h"
#include "protocol/frame.h"

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

/* ---- channel_stream.c ---- */

/* (Blocks.) Returns 0, -EBUSY (another program has it) or -ENOTCONN. */
int ebb_channel_stream_open(struct ebb_channel *channel);

/* Takes the stream from the channel and ends it, by a job. */
void ebb_channel_stream_end(struct ebb_channel *channel);

/* Under the lock. Returns 0, -ENOSPC or -ENOMEM. */
int ebb_channel_stream_queue(struct ebb_channel *channel, const char *line,
			     size_t line_bytes);

/*
 * Sends what it can, and waits for room for the rest. Under the lock, and in a turn of
 * EBB_CALL_LISTENING.
 */
void ebb_channel_stream_flush(struct ebb_channel *channel);

/* Under the lock: the loop finds the channel broken, as soon as it turns. */
void ebb_channel_stream_break(struct ebb_channel *channel);

#endif /* EBB_HOST_CHANNEL_STATE_H */
