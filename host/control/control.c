/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control socket's server.
 *
 * Theory of operation
 * ===================
 *
 * The problem. One thread runs libvirt's event loop. It must never block on a
 * peer, never keep more of a peer's bytes than it agreed to, and never touch
 * a peer that left while a reclaim for it still runs.
 *
 * The invariants.
 *   - All work of a peer is done in on_peer(). A peer is freed there, in
 *     ebb_control_free(), and where it makes room for another. A handler that
 *     answers, at once or later, only queues bytes and asks for the socket to
 *     be writable.
 *   - A peer has at most one call, and a request is started only when the
 *     answer to the one before has left. While one waits, the socket is not
 *     read: more bytes of the peer stay in the kernel, and then with it. So
 *     input is bounded by the frame, output by one answer and the events that
 *     may queue before it (EVENT_BYTES_MAX).
 *   - A call outlives its peer. The call's owner is told by the cancel
 *     function and still ends the call; only then it is freed.
 *
 * This file has the listening socket and the places for peers, peer.c a peer and
 * its requests, call.c a request and its answer, output.c the lines to send.
 *
 * A peer that shuts down only its writing side (as "socat -" does at the end
 * of its input) still gets its answer. A hang-up of both sides cancels.
 */
#include <config.h>

#include "host/control/control.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "host/base/loop.h"
#include "host/control/state.h"

enum {
	ACCEPT_PAUSE_MS = 1000,
	FAULT_LINE_S = 60,
};

/* The peer may not come in. It is told why, if that costs no waiting. */
static void turn_away(int fd, const char *error_class, const char *text)
{
	ebb_auto_free char *line = ebb_msg_error(error_class, text, 0, NULL);

	if (line)
		send(fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void on_pause_end(int timer, void *opaque)
{
	struct ebb_control *control = opaque;

	ebb_loop_timer_remove(timer);
	control->pause_timer = -1;
	ebb_loop_watch_set(control->watch, EBB_LOOP_READABLE);
}

/* Out of files, say: the connection stays pending, and would wake us at once. */
static void pause_accepting(struct ebb_control *control)
{
	control->pause_timer =
		ebb_loop_timer(ACCEPT_PAUSE_MS, on_pause_end, control);
	if (control->pause_timer >= 0)
		ebb_loop_watch_set(control->watch, 0);
}

/*
 * A place for one more, or NULL. If readers have all their places, the one that neither
 * asked nor read for longest leaves: else peers that connect and do nothing would shut out
 * the others.
 */
static struct ebb_peer **find_room(struct ebb_control *control,
				   enum ebb_access access)
{
	struct ebb_peer **room = NULL, **stillest = NULL;
	unsigned int readers = 0;

	for (size_t i = 0; i < EBB_CONTROL_PEERS_MAX; i++) {
		struct ebb_peer **slot = &control->peers[i];

		if (!*slot) {
			room = slot;
			continue;
		}
		if ((*slot)->access == EBB_ACCESS_ACT)
			continue;
		readers++;
		if (!(*slot)->call &&
		    (!stillest || (*slot)->moved < (*stillest)->moved))
			stillest = slot;
	}
	if (access == EBB_ACCESS_ACT || readers < EBB_CONTROL_READERS_MAX)
		return room;
	if (stillest)
		ebb_peer_free(*stillest);
	return stillest;
}

static void on_connection(int watch, int fd, int events, void *opaque)
{
	struct ebb_control *control = opaque;
	ebb_auto_close int peer_fd =
		accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	enum ebb_access access;
	struct ebb_peer **room;
	uid_t uid = (uid_t)-1;

	(void)watch;
	(void)events;
	if (peer_fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
		    errno == ENOBUFS)
			pause_accepting(control);
		return;
	}
	access = ebb_listen_peer_access(peer_fd, &control->groups, &uid);
	if (access == EBB_ACCESS_NONE) {
		turn_away(peer_fd, "PermissionDenied",
			  "only root and members of ebbd's groups may ask: "
			  "use sudo, or join a group that ebbd.conf names");
		return;
	}
	room = find_room(control, access);
	if (room)
		ebb_peer_new(control, room, ebb_steal_fd(&peer_fd), access,
			     uid);
	else
		turn_away(peer_fd, "Busy",
			  "too many connections to ebbd: try again later");
}

void ebb_control_serve(struct ebb_control *control,
		       const struct ebb_control_handler *handlers, void *opaque)
{
	assert(control->table_count < EBB_CONTROL_TABLES_MAX);
	control->tables[control->table_count++] =
		(struct table){ handlers, opaque };
}

int ebb_control_read_error(const struct ebb_control *control)
{
	return control->listener.read_error;
}

int ebb_control_new(const char *path, const struct ebb_access_groups *groups,
		    const struct ebb_control_handler *handlers, void *opaque,
		    struct ebb_control **ret_control)
{
	ebb_auto_free struct ebb_control *control = calloc(1, sizeof(*control));
	int r;

	if (!control)
		return -ENOMEM;
	control->groups = *groups;
	control->fault_pace =
		(struct ebb_pace){ .burst = 1,
				   .period_ns = FAULT_LINE_S * EBB_NS_PER_S };
	ebb_control_serve(control, handlers, opaque);
	control->pause_timer = -1;
	r = ebb_listen_open(path, groups, &control->listener);
	if (r < 0)
		return r;
	control->watch = ebb_loop_watch(control->listener.fd, EBB_LOOP_READABLE,
					on_connection, control);
	if (control->watch < 0) {
		ebb_listen_close(&control->listener);
		return -ENOMEM;
	}
	*ret_control = ebb_steal_ptr(control);
	return 0;
}

void ebb_control_free(struct ebb_control *control)
{
	if (!control)
		return;
	ebb_loop_unwatch(control->watch);
	if (control->pause_timer >= 0)
		ebb_loop_timer_remove(control->pause_timer);
	ebb_listen_close(&control->listener);
	for (size_t i = 0; i < EBB_CONTROL_PEERS_MAX; i++) {
		struct ebb_peer *peer = control->peers[i];

		if (!peer)
			continue;
		/* What was answered last, as far as that costs no waiting. */
		if (peer->out)
			ebb_peer_flush(peer);
		ebb_peer_free(peer);
	}
	free(control);
}
