/* SPDX-License-Identifier: GPL-2.0-only */
/* A peer of the control socket: its requests one by one, and its end. */
#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/base/loop.h"
#include "host/control/state.h"

enum {
	READ_BYTES = 4096,
};

static void peer_refuse(struct ebb_peer *peer, const char *text,
			struct json_object *id)
{
	ebb_peer_queue(peer, ebb_msg_error("InvalidArgument", text, 0, id));
}

static int peer_read(struct ebb_peer *peer)
{
	char bytes[READ_BYTES];
	ssize_t got = recv(peer->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (got == 0) {
		peer->ended = true;
		return 0;
	}
	ebb_peer_moved(peer);
	return ebb_frame_push(&peer->frame, bytes, (size_t)got);
}

static void peer_request(struct ebb_peer *peer, const char *line, size_t bytes)
{
	struct ebb_msg_error error;
	struct ebb_msg msg;

	if (ebb_msg_parse(line, bytes, &msg, &error) < 0) {
		peer_refuse(peer, error.text, NULL);
		return;
	}
	if (msg.kind == EBB_MSG_REQUEST)
		ebb_call_begin(peer, &msg);
	else
		peer_refuse(peer, "not a request: send \"execute\"", msg.id);
	ebb_msg_clear(&msg);
}

static void peer_serve(struct ebb_peer *peer)
{
	const char *line;
	size_t bytes;

	while (!peer->call && !peer->out &&
	       ebb_frame_next(&peer->frame, &line, &bytes))
		peer_request(peer, line, bytes);
	if (!peer->call && !peer->out && ebb_frame_take_dropped(&peer->frame))
		peer_refuse(peer, "the request is too long", NULL);
}

void ebb_peer_free(struct ebb_peer *peer)
{
	struct ebb_call *call = peer->call;
	struct ebb_control *control = peer->control;

	for (size_t i = 0; i < EBB_CONTROL_PEERS_MAX; i++) {
		if (control->peers[i] == peer)
			control->peers[i] = NULL;
	}
	if (peer->watch >= 0)
		ebb_loop_unwatch(peer->watch);
	close(peer->fd);
	ebb_frame_clear(&peer->frame);
	free(peer->out);
	free(peer);
	if (call)
		ebb_call_orphan(call);
}

static void on_peer(int watch, int fd, int events, void *opaque)
{
	struct ebb_peer *peer = opaque;
	int r = 0;

	(void)watch;
	(void)fd;
	if (events & (EBB_LOOP_HANGUP | EBB_LOOP_ERROR))
		r = -ECONNRESET;
	if (r == 0 && peer->out)
		r = ebb_peer_flush(peer);
	if (r == 0 && events & EBB_LOOP_READABLE)
		r = peer_read(peer);
	if (r == 0)
		peer_serve(peer);
	if (r < 0 || (peer->ended && !peer->call && !peer->out)) {
		ebb_peer_free(peer);
		return;
	}
	ebb_peer_watch(peer);
}

void ebb_peer_new(struct ebb_control *control, struct ebb_peer **slot, int fd,
		  enum ebb_access access, uid_t uid)
{
	struct ebb_peer *peer = calloc(1, sizeof(*peer));

	if (!peer) {
		close(fd);
		return;
	}
	peer->control = control;
	peer->fd = fd;
	peer->access = access;
	peer->uid = uid;
	ebb_peer_moved(peer);
	ebb_frame_init(&peer->frame, EBB_MESSAGE_BYTES_MAX);
	*slot = peer;
	peer->watch = ebb_loop_watch(
		fd, EBB_LOOP_READABLE | EBB_LOOP_HANGUP | EBB_LOOP_ERROR,
		on_peer, peer);
	if (peer->watch < 0)
		ebb_peer_free(peer);
}
