/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One connection to libvirtd, from its opening to its end; for the files of
 * host/libvirt/ alone.
 *
 * Theory of operation
 * ===================
 *
 * A connection is opened once and never again: virt.c makes a new one. It has
 * three lives at once.
 *
 * Its users. Each struct ebb_domain counts as one. libvirt closes a connection
 * with its last reference, which blocks; so the last is always the one that
 * ebb_connection_close() gives up, on a worker, when there are no users.
 *
 * Its calls. libvirt's client before 10.4 crashes where a second thread calls on
 * a connection while one waits for its answer (CVE-2024-4418: the first leaves a
 * source behind that points into its stack). And libvirtd stops reading a client
 * with five outstanding calls. So one call at a time is made on a handle, between
 * ebb_connection_begin() and _end(), sending on a stream included.
 *
 * Its handles, which are three clients to libvirtd. libvirtd (9.0 to 12.x) itself
 * crashes where a client with a stream or an event callback goes while a call of
 * that client is outstanding: the thread that cannot send the reply and the main
 * loop both close the client, and both free its streams and callbacks
 * (remoteClientCloseFunc(), which holds no lock). A libvirtd that hung for longer
 * than the keepalive allows, and goes on, nearly always meets that.
 * So calls are made on one handle, and streams and callbacks are of another, where
 * a call is made only if libvirtd has answered on the first a moment ago
 * (ebb_connection_begin_listening()). What is sent on a stream is no such call: the
 * main loop serves it. What remains is an ebbd that is killed while it opens a
 * channel. Calls that wait for a guest (qemu-agent-command) have the third, so that a
 * guest that hangs does not stop questions to libvirtd.
 *
 * Events and answers come by different sockets, and to different threads: an event
 * may be heard after an answer that is newer. Those that tell a state or a size come
 * in their order, so the last one is right; all others only have libvirtd asked anew.
 *
 * Its loss. libvirt tells it on whichever thread reads the socket (on_close), a
 * worker or the event loop's. There a flag is set and the loop is woken, no
 * more; calls that wait for their turn give up.
 */
#ifndef EBB_HOST_CONNECTION_H
#define EBB_HOST_CONNECTION_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <libvirt/libvirt.h>

#include "host/base/worker.h"
#include "host/libvirt/virt.h"

enum {
	EBB_CONNECTION_EVENTS_MAX = 11
};

/*
 * enum ebb_call_kind - the handle of a call
 * @EBB_CALL_LIBVIRTD: waits for libvirtd alone
 * @EBB_CALL_GUEST: waits for a guest as well
 * @EBB_CALL_LISTENING: of the handle that has the streams and the callbacks
 */
enum ebb_call_kind {
	EBB_CALL_LIBVIRTD,
	EBB_CALL_GUEST,
	EBB_CALL_LISTENING,
	EBB_CALL_KINDS
};

/**
 * struct ebb_connection
 * @handles: libvirt's, each used within a turn of its kind. That of EBB_CALL_GUEST is
 *	opened when it is needed; NULL until then
 * @workers: for what blocks at the end of what hangs on it
 * @wake_fd: eventfd of the loop, for a loss and for the last user's end
 * @version: of libvirt, as it counts; 0: not known. Written as it is opened
 * @users: domains that exist
 * @lost: by the other end, or given up by us
 * @replaced: by a newer one, on which libvirtd has answered
 * @emit, @emit_balloon: event loop's thread only; NULL: nobody listens any more
 * @callbacks: ids of the events that are registered
 * @lock: of @busy: a call of that kind is under way; and of @left, see streams.c
 */
struct ebb_connection {
	virConnectPtr handles[EBB_CALL_KINDS];
	struct ebb_workers *workers;
	int wake_fd;
	unsigned long version;
	atomic_uint users;
	atomic_bool lost;
	atomic_bool replaced;
	void (*emit)(struct ebb_domain *domain, enum ebb_virt_event event,
		     enum ebb_domain_state state, void *opaque);
	void (*emit_balloon)(struct ebb_domain *domain, uint64_t left_bytes,
			     void *opaque);
	void *opaque;
	int callbacks[EBB_CONNECTION_EVENTS_MAX];
	uint32_t callback_count;
	bool has_close_callback[EBB_CALL_KINDS];
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool busy[EBB_CALL_KINDS];
	struct ebb_left_stream *left;
};

/* Not open yet. Returns NULL without memory. */
struct ebb_connection *ebb_connection_new(struct ebb_workers *workers,
					  int wake_fd);

/* From now on it is of no use: calls that wait for their turn give up. */
void ebb_connection_lose(struct ebb_connection *connection);

/* On the event loop's thread, after it was closed. NULL is fine. */
void ebb_connection_free(struct ebb_connection *connection);

/*
 * Waits for its turn (blocks). Returns 0; -ENOTCONN (it is lost) or -ETIMEDOUT (another
 * call takes too long): do not call.
 */
int ebb_connection_begin(struct ebb_connection *connection,
			 enum ebb_call_kind kind);
/* Begins if it need not wait. Returns whether it did. */
bool ebb_connection_try(struct ebb_connection *connection,
			enum ebb_call_kind kind);
void ebb_connection_end(struct ebb_connection *connection,
			enum ebb_call_kind kind);

/* ---- connecting.c ---- */

/*
 * Waits for its turn to call on the handle of EBB_CALL_LISTENING, and for a sign that
 * libvirtd answers (blocks). Returns 0, or -ENOTCONN: do not call.
 */
int ebb_connection_begin_listening(struct ebb_connection *connection);

/**
 * ebb_connection_open - connect and register for all events (blocks)
 * @ret_error: EBB_VIRT_ERROR_BYTES, filled on an error
 *
 * Returns 0, -ECONNREFUSED or -EINVAL (not QEMU); close it in each case.
 */
int ebb_connection_open(struct ebb_connection *connection, const char *uri,
			char *ret_error);

/* All domains and their states by one call (blocks). Returns 0 or -ENOTCONN. */
int ebb_connection_list(struct ebb_connection *connection,
			struct ebb_virt_list *ret_list);

/*
 * The domain by the handle for guests, which is opened if need be (blocks); within a
 * turn of EBB_CALL_GUEST. virDomainFree() it. NULL if libvirtd is gone.
 */
virDomainPtr ebb_connection_guest(struct ebb_connection *connection,
				  const char *uuid);

/* Gives up what is in it. */
void ebb_virt_list_clear(struct ebb_virt_list *list);

/*
 * Whether one that is lost may be closed without a wait for a libvirtd that hangs: the
 * loop is woken when it may, or it is @replaced.
 */
bool ebb_connection_may_close(const struct ebb_connection *connection);

/* Deregisters and closes (blocks). It has no users. */
void ebb_connection_close(struct ebb_connection *connection);

/*
 * streams.c: leaves a stream that has no callback any more to whoever ends it first.
 * Takes it.
 */
void ebb_streams_leave(struct ebb_connection *connection, virStreamPtr stream);

/*
 * streams.c: tells libvirtd of the end of those that were left (blocks); in a turn of
 * EBB_CALL_LISTENING, or where there are no more turns as its handle is dead.
 */
void ebb_streams_end(struct ebb_connection *connection);

/* events.c; both block. Returns 0 or -ECONNREFUSED. */
int ebb_events_register(struct ebb_connection *connection);
void ebb_events_deregister(struct ebb_connection *connection);

/*
 * domain.c: the domain of @source, which is by any handle of the connection and stays
 * the caller's. NULL without memory.
 */
struct ebb_domain *ebb_domain_wrap(struct ebb_connection *connection,
				   virDomainPtr source);

/*
 * domain.c: the domain of a UUID (blocks). Returns 0, -ENOTCONN, -ENOENT or -ENOMEM.
 */
int ebb_domain_find(struct ebb_connection *connection, const char *uuid,
		    struct ebb_domain **ret_domain);

/* domain.c: from libvirt's number. */
enum ebb_domain_state ebb_domain_state_of(int state);

/**
 * struct ebb_domain
 * @handle: of EBB_CALL_LIBVIRTD, within a turn of it; NULL: not looked up yet
 * @connection: NULL: a unit test's
 * @references: atomic
 */
struct ebb_domain {
	virDomainPtr handle;
	struct ebb_connection *connection;
	int references;
	char *name;
	char uuid[EBB_UUID_TEXT_BYTES];
};

#endif /* EBB_HOST_CONNECTION_H */
