/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control socket: where ebbctl asks ebbd.
 *
 * A server on libvirt's event loop (ebb_loop_watch). It knows peers, bytes
 * and requests; what a request means is in the table of handlers that main
 * gives it, so that it needs nothing else of host/ but status.h.
 *
 * A peer is hostile until the kernel says who it is: SO_PEERCRED must be root,
 * ebbd's own user or a member of one of the configured groups. Members of the one may
 * give all commands; members of the other only those whose row says that it reads, and
 * the rest if polkit lets them (authority.h). What the kernel says is asked once, when
 * the peer connects, and held against each request; polkit is asked for each. At most
 * EBB_CONTROL_PEERS_MAX at once, each with bounded input and output; those who may
 * only read leave room for those who may act, and for each other.
 */
#ifndef EBB_HOST_CONTROL_H
#define EBB_HOST_CONTROL_H

#include <stdbool.h>

#include "host/control/listen.h"
#include "protocol/message.h"

struct ebb_control;
struct ebb_call; /* one request that waits for its answer */

enum {
	EBB_CONTROL_PEERS_MAX = 64,
	EBB_CONTROL_READERS_MAX = 32, /* of these */
	EBB_CONTROL_TABLES_MAX = 8,
};

/**
 * struct ebb_control_handler - a row of the table of commands
 * @command: name, NULL ends the table
 * @handle: called on the event loop's thread with the decoded envelope's body,
 *	which it must not keep. It answers with ebb_call_return() or
 *	ebb_call_error(), now or later, exactly once.
 * @reads: it changes nothing, of no guest and of nothing that is kept: it is for those,
 *	too, who may only read. Who forgets to say so has a command for those who act
 */
struct ebb_control_handler {
	const char *command;
	void (*handle)(struct ebb_call *call,
		       const struct json_object *arguments, void *opaque);
	bool reads;
};

/**
 * ebb_control_new - listen
 * @path: of the socket; a stale one is replaced, mode 0660
 * @groups: whose members may connect beside root
 * @handlers: the table
 * @opaque: handed to each handler
 * @ret_control: free with ebb_control_free()
 *
 * If $LISTEN_FDS passes a socket (sd_listen_fds), that is used and @path is
 * ignored. Returns 0, -EADDRINUSE if a daemon answers on @path, or -errno.
 */
int ebb_control_new(const char *path, const struct ebb_access_groups *groups,
		    const struct ebb_control_handler *handlers, void *opaque,
		    struct ebb_control **ret_control);

/*
 * 0, or -errno: the socket's file does not let those in who may only read, as its file
 * system has no access control lists.
 */
int ebb_control_read_error(const struct ebb_control *control);

/* Serves the commands of one more table, of EBB_CONTROL_TABLES_MAX in all. */
void ebb_control_serve(struct ebb_control *control,
		       const struct ebb_control_handler *handlers,
		       void *opaque);

/*
 * Sends what was answered, without waiting, and closes all peers; calls that
 * wait are told so by their cancel function.
 */
void ebb_control_free(struct ebb_control *control);

/* Whether who asks may do more than read. Not so once they are gone. */
bool ebb_call_may_act(const struct ebb_call *call);

/* Answers and ends the call. @value is owned by the function, may be NULL. */
void ebb_call_return(struct ebb_call *call, struct json_object *value);

/* Answers with an error and ends the call. */
void ebb_call_error(struct ebb_call *call, const char *error_class,
		    const char *format, ...)
	__attribute__((__format__(__printf__, 3, 4)));

/* Who asks, as the kernel said when he connected. */
uid_t ebb_call_uid(const struct ebb_call *call);

/* Whether an event would not be dropped now. */
bool ebb_call_takes_event(const struct ebb_call *call);

/*
 * Sends an event on the call's connection. Returns false if it was dropped, as the peer is
 * slow, or has gone.
 */
bool ebb_call_event(struct ebb_call *call, const char *name,
		    struct json_object *data);

/*
 * @cancelled is called once if the peer goes away before the answer, at once if
 * it is gone already. The call must still be ended with ebb_call_return() or
 * ebb_call_error(), then or later: it is the caller's until that.
 */
void ebb_call_on_cancel(struct ebb_call *call, void (*cancelled)(void *opaque),
			void *opaque);

/*
 * @answered is called once, when the call ends: with @value, which may be NULL, or with
 * @error, a sentence.
 */
void ebb_call_on_answer(struct ebb_call *call,
			void (*answered)(const struct json_object *value,
					 const char *error, void *opaque),
			void *opaque);

#endif /* EBB_HOST_CONTROL_H */
