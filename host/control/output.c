/* SPDX-License-Identifier: GPL-2.0-only */
/* The lines that a peer is to read: they wait here until its socket takes them. */
#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/cleanup.h"
#include "host/base/loop.h"
#include "host/control/state.h"

enum {
	EVENT_BYTES_MAX = 64 * 1024
};

void ebb_peer_watch(struct ebb_peer *peer)
{
	int events = EBB_LOOP_HANGUP | EBB_LOOP_ERROR;

	if (peer->out)
		events |= EBB_LOOP_WRITABLE;
	else if (!peer->call && !peer->ended)
		events |= EBB_LOOP_READABLE;
	ebb_loop_watch_set(peer->watch, events);
}

/* Sent bytes are kept no more: a peer may read all the time, and never all. */
static void peer_drop_sent(struct ebb_peer *peer)
{
	if (peer->out_sent == 0)
		return;
	peer->out_bytes -= peer->out_sent;
	memmove(peer->out, peer->out + peer->out_sent, peer->out_bytes);
	peer->out_sent = 0;
}

void ebb_peer_queue(struct ebb_peer *peer, char *line)
{
	size_t bytes = line ? strlen(line) : 0;
	char *out;

	peer_drop_sent(peer);
	out = line ? realloc(peer->out, peer->out_bytes + bytes) : NULL;
	if (out) {
		memcpy(out + peer->out_bytes, line, bytes);
		peer->out = out;
		peer->out_bytes += bytes;
	} else {
		shutdown(peer->fd, SHUT_RDWR);
	}
	free(line);
	ebb_peer_watch(peer);
}

void ebb_peer_moved(struct ebb_peer *peer)
{
	peer->moved = ++peer->control->moves;
}

int ebb_peer_flush(struct ebb_peer *peer)
{
	ssize_t sent = send(peer->fd, peer->out + peer->out_sent,
			    peer->out_bytes - peer->out_sent,
			    MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	ebb_peer_moved(peer);
	peer->out_sent += (size_t)sent;
	if (peer->out_sent < peer->out_bytes)
		return 0;
	free(ebb_steal_ptr(peer->out));
	peer->out_bytes = 0;
	peer->out_sent = 0;
	return 0;
}

bool ebb_peer_takes_event(const struct ebb_peer *peer)
{
	return peer->out_bytes - peer->out_sent <= EVENT_BYTES_MAX;
}
