/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/libvirt/channel.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "host/libvirt/channel_state.h"
#include "host/libvirt/connection.h"

/*
 * What a guest may send: an agent answers, and tells a little. What comes
 * faster than it is read would pile up in libvirt's stream, without a bound.
 */
#define INPUT_BURST_BYTES (1024 * 1024)
#define INPUT_BYTES_PER_S (64 * 1024)

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
		r = ebb_channel_stream_open(channel);
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
	ebb_channel_stream_end(channel);
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
