/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control socket, on which ebbctl asks ebbd.
 *
 * A server on libvirt's event loop (ebb_loop_watch). It knows peers, bytes
 * and requests; the meaning of a request is in the tables of handlers that main
 * gives it (call.h), so that it needs nothing else of host/ but status.h.
 *
 * A peer is hostile until the kernel says who it is: SO_PEERCRED must be root,
 * ebbd's own user or a member of one of the configured groups. Members of the one may
 * give all commands; members of the other only those whose row says that it reads, and
 * the rest if polkit lets them (authority.h). The kernel is asked once, when the peer
 * connects, and its answer holds for each request; polkit is asked for each. There are at
 * most EBB_CONTROL_PEERS_MAX peers at once, each with bounded input and output; those that
 * may only read leave room for those that may act, and for each other.
 */
#ifndef EBB_HOST_CONTROL_H
#define EBB_HOST_CONTROL_H

#include "host/control/call.h"
#include "host/control/listen.h"

struct ebb_control;

enum {
	EBB_CONTROL_PEERS_MAX = 64,
	EBB_CONTROL_READERS_MAX = 32, /* of these */
	EBB_CONTROL_TABLES_MAX = 8,
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
 * Returns 0, or -errno: the socket's file does not let in those that may only read, as its
 * file system has no access control lists.
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

#endif /* EBB_HOST_CONTROL_H */
