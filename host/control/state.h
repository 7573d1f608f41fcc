/* SPDX-License-Identifier: GPL-2.0-only */
/* The server's own: its peers and their calls. For its files alone. */
#ifndef EBB_HOST_CONTROL_STATE_H
#define EBB_HOST_CONTROL_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "host/base/pace.h"
#include "host/control/control.h"
#include "protocol/frame.h"

struct ebb_peer {
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
 * @question: to polkit, while it is asked; until its answer also the members below it, up
 *	to @arguments
 */
struct ebb_call {
	struct ebb_peer *peer;
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
	struct ebb_pace fault_pace; /* of lines about polkit in the log */
	uint32_t table_count;
	struct table {
		const struct ebb_control_handler *handlers;
		void *opaque;
	} tables[EBB_CONTROL_TABLES_MAX];
	struct ebb_peer *peers[EBB_CONTROL_PEERS_MAX];
};

/* ---- peer.c, which needs call.c and output.c ---- */

/* @fd is the peer's then. It is freed by itself once it is gone. */
void ebb_peer_new(struct ebb_control *control, struct ebb_peer **slot, int fd,
		  enum ebb_access access, uid_t uid);

/* Hangs up on it, and cancels its call. */
void ebb_peer_free(struct ebb_peer *peer);

/* ---- call.c, which needs output.c ---- */

/* A request of @peer, which has no call. The answer may come at once. */
void ebb_call_begin(struct ebb_peer *peer, const struct ebb_msg *msg);

/* Its peer is gone. The call may be freed by that. */
void ebb_call_orphan(struct ebb_call *call);

/* ---- output.c ---- */

/* Watches its socket as its state needs: to write, to read, or for its end alone. */
void ebb_peer_watch(struct ebb_peer *peer);

/* Bytes went to or fro. */
void ebb_peer_moved(struct ebb_peer *peer);

/* Queues a line and frees it. If there is no memory for it, hangs up. */
void ebb_peer_queue(struct ebb_peer *peer, char *line);

/* Sends as much as the socket takes. Returns 0, or -errno: the peer is gone. */
int ebb_peer_flush(struct ebb_peer *peer);

/* Whether the events that it does not read are few enough for one more. */
bool ebb_peer_takes_event(const struct ebb_peer *peer);

#endif /* EBB_HOST_CONTROL_STATE_H */
