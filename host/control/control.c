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
 *   - All work of a peer is done in on_peer(), and only there and in
 *     ebb_control_free() is a peer freed. A handler that answers, at once or
 *     later, only queues bytes and asks for the socket to be writable.
 *   - A peer has at most one call, and a request is started only when the
 *     answer to the one before has left. While one waits, the socket is not
 *     read: what more the peer sends stays in the kernel, and then with it.
 *     So input is bounded by the frame, output by one answer and what of
 *     events may queue before them (EVENT_BYTES_MAX).
 *   - A call outlives its peer. The call's owner is told by the cancel
 *     function and still ends the call; only then it is freed.
 *
 * A peer that shuts down only its writing side (as "socat -" does at the end
 * of its input) still gets its answer. A hang-up of both sides cancels.
 */
#include <config.h>

#include "host/control/control.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/cleanup.h"
#include "host/base/loop.h"
#include "host/control/authority.h"
#include "host/interface/status.h"
#include "protocol/frame.h"

enum {
	READ_BYTES = 4096,
	EVENT_BYTES_MAX = 64 * 1024,
	ACCEPT_PAUSE_MS = 1000,
};

struct peer {
	struct ebb_control *control;
	int fd;
	int watch;
	enum ebb_access access; /* as it was when it connected */
	uid_t uid; /* likewise */
	uint64_t moved; /* when bytes last went to or fro, by the control's count */
	bool ended; /* it will send no more */
	struct ebb_frame frame;
	char *out;
	size_t out_bytes;
	size_t out_sent;
	struct ebb_call *call; /* the one that waits, or NULL */
};

/**
 * struct ebb_call
 * @peer: NULL once it is gone
 * @uid: of the peer
 * @allowed: polkit lets this peer act, whose access does not
 * @question: to polkit, while it is asked; then also what it is about
 */
struct ebb_call {
	struct peer *peer;
	struct json_object *id;
	uid_t uid;
	bool allowed;
	struct ebb_authority *question;
	const struct ebb_control_handler *handler;
	void *handler_opaque;
	struct json_object *arguments;
	void (*cancelled)(void *opaque);
	void *opaque;
	void (*answered)(const struct json_object *value, const char *error,
			 void *opaque);
	void *answered_opaque;
};

struct ebb_control {
	struct ebb_listen listener;
	int watch;
	int pause_timer; /* while accept() has no resources, else -1 */
	struct ebb_access_groups groups;
	uint64_t moves;
	uint32_t table_count;
	struct table {
		const struct ebb_control_handler *handlers;
		void *opaque;
	} tables[EBB_CONTROL_TABLES_MAX];
	struct peer *peers[EBB_CONTROL_PEERS_MAX];
};

static void peer_update(struct peer *peer)
{
	int events = EBB_LOOP_HANGUP | EBB_LOOP_ERROR;

	if (peer->out)
		events |= EBB_LOOP_WRITABLE;
	else if (!peer->call && !peer->ended)
		events |= EBB_LOOP_READABLE;
	ebb_loop_watch_set(peer->watch, events);
}

/* What was sent is kept no more: a peer may read all the time, and never all. */
static void peer_drop_sent(struct peer *peer)
{
	if (peer->out_sent == 0)
		return;
	peer->out_bytes -= peer->out_sent;
	memmove(peer->out, peer->out + peer->out_sent, peer->out_bytes);
	peer->out_sent = 0;
}

/* Queues a line and frees it. Without memory for it the peer is hung up. */
static void peer_queue(struct peer *peer, char *line)
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
	peer_update(peer);
}

static void peer_refuse(struct peer *peer, const char *text,
			struct json_object *id)
{
	peer_queue(peer, ebb_msg_error("InvalidArgument", text, 0, id));
}

static void peer_moved(struct peer *peer)
{
	peer->moved = ++peer->control->moves;
}

/* Sends what the socket takes. Returns 0 or -errno, after which it is dead. */
static int peer_flush(struct peer *peer)
{
	ssize_t sent = send(peer->fd, peer->out + peer->out_sent,
			    peer->out_bytes - peer->out_sent,
			    MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	peer_moved(peer);
	peer->out_sent += (size_t)sent;
	if (peer->out_sent < peer->out_bytes)
		return 0;
	free(ebb_steal_ptr(peer->out));
	peer->out_bytes = 0;
	peer->out_sent = 0;
	return 0;
}

static int peer_read(struct peer *peer)
{
	char bytes[READ_BYTES];
	ssize_t got = recv(peer->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (got == 0) {
		peer->ended = true;
		return 0;
	}
	peer_moved(peer);
	return ebb_frame_push(&peer->frame, bytes, (size_t)got);
}

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

static bool may_call(const struct peer *peer,
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

static void call_refuse(struct ebb_call *call, const char *command)
{
	ebb_call_error(call, "PermissionDenied",
		       "you may only look: '%s' is for root, for members of "
		       "the group that ebbd.conf names, and for those that "
		       "polkit allows (" EBB_AUTHORITY_ACTION
		       "); use sudo, or join the group",
		       command);
}

static void on_authority(bool may, void *opaque)
{
	struct ebb_call *call = opaque;
	struct json_object *arguments = ebb_steal_ptr(call->arguments);

	call->question = NULL;
	call->allowed = may;
	if (may)
		call->handler->handle(call, arguments, call->handler_opaque);
	else
		call_refuse(call, call->handler->command);
	json_object_put(arguments);
}

/* Who may look may act if polkit says so, which takes a while. */
static void call_ask(struct ebb_call *call,
		     const struct ebb_control_handler *handler,
		     struct json_object *arguments, void *opaque)
{
	call->handler = handler;
	call->handler_opaque = opaque;
	call->question = ebb_authority_ask(call->peer->fd, on_authority, call);
	if (call->question)
		call->arguments = json_object_get(arguments);
	else
		call_refuse(call, handler->command);
}

static void peer_call(struct peer *peer, const struct ebb_msg *msg)
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

static void peer_request(struct peer *peer, const char *line, size_t bytes)
{
	struct ebb_msg_error error;
	struct ebb_msg msg;

	if (ebb_msg_parse(line, bytes, &msg, &error) < 0) {
		peer_refuse(peer, error.text, NULL);
		return;
	}
	if (msg.kind == EBB_MSG_REQUEST)
		peer_call(peer, &msg);
	else
		peer_refuse(peer, "not a request: send \"execute\"", msg.id);
	ebb_msg_clear(&msg);
}

static void peer_serve(struct peer *peer)
{
	const char *line;
	size_t bytes;

	while (!peer->call && !peer->out &&
	       ebb_frame_next(&peer->frame, &line, &bytes))
		peer_request(peer, line, bytes);
	if (!peer->call && !peer->out && ebb_frame_take_dropped(&peer->frame))
		peer_refuse(peer, "the request is too long", NULL);
}

/* Takes @line, which answers the call. */
static void call_end(struct ebb_call *call, char *line)
{
	struct peer *peer = call->peer;

	if (peer) {
		peer->call = NULL;
		peer_queue(peer, line);
	} else {
		free(line);
	}
	json_object_put(call->arguments);
	json_object_put(call->id);
	free(call);
}

static void peer_free(struct peer *peer)
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
	if (!call)
		return;
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

static void on_peer(int watch, int fd, int events, void *opaque)
{
	struct peer *peer = opaque;
	int r = 0;

	(void)watch;
	(void)fd;
	if (events & (EBB_LOOP_HANGUP | EBB_LOOP_ERROR))
		r = -ECONNRESET;
	if (r == 0 && peer->out)
		r = peer_flush(peer);
	if (r == 0 && events & EBB_LOOP_READABLE)
		r = peer_read(peer);
	if (r == 0)
		peer_serve(peer);
	if (r < 0 || (peer->ended && !peer->call && !peer->out)) {
		peer_free(peer);
		return;
	}
	peer_update(peer);
}

/* The peer may not come in. It is told why, if that costs no waiting. */
static void turn_away(int fd, const char *error_class, const char *text)
{
	ebb_auto_free char *line = ebb_msg_error(error_class, text, 0, NULL);

	if (line)
		send(fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void peer_new(struct ebb_control *control, struct peer **slot, int fd,
		     enum ebb_access access, uid_t uid)
{
	struct peer *peer = calloc(1, sizeof(*peer));

	if (!peer) {
		close(fd);
		return;
	}
	peer->control = control;
	peer->fd = fd;
	peer->access = access;
	peer->uid = uid;
	peer_moved(peer);
	ebb_frame_init(&peer->frame, EBB_MESSAGE_BYTES_MAX);
	*slot = peer;
	peer->watch = ebb_loop_watch(
		fd, EBB_LOOP_READABLE | EBB_LOOP_HANGUP | EBB_LOOP_ERROR,
		on_peer, peer);
	if (peer->watch < 0)
		peer_free(peer);
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
 * Where there is room for one more, or NULL. Where readers have all their places, the one
 * that neither asks nor reads for longest leaves: else who connects and does nothing would
 * shut out the others.
 */
static struct peer **find_room(struct ebb_control *control,
			       enum ebb_access access)
{
	struct peer **room = NULL, **stillest = NULL;
	unsigned int readers = 0;

	for (size_t i = 0; i < EBB_CONTROL_PEERS_MAX; i++) {
		struct peer **slot = &control->peers[i];

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
		peer_free(*stillest);
	return stillest;
}

static void on_connection(int watch, int fd, int events, void *opaque)
{
	struct ebb_control *control = opaque;
	ebb_auto_close int peer_fd =
		accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	enum ebb_access access;
	struct peer **room;
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
		peer_new(control, room, ebb_steal_fd(&peer_fd), access, uid);
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
		struct peer *peer = control->peers[i];

		if (!peer)
			continue;
		/* What was answered last, as far as that costs no waiting. */
		if (peer->out)
			peer_flush(peer);
		peer_free(peer);
	}
	free(control);
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
	const struct peer *peer = call->peer;

	return peer && peer->out_bytes - peer->out_sent <= EVENT_BYTES_MAX;
}

bool ebb_call_event(struct ebb_call *call, const char *name,
		    struct json_object *data)
{
	if (!ebb_call_takes_event(call)) {
		json_object_put(data);
		return false;
	}
	peer_queue(call->peer, ebb_msg_event(name, data));
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
