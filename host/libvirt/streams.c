/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Streams of a connection that nobody uses any more, until libvirtd knows. One that is
 * freed without that keeps its channel from others for as long as the connection lives,
 * and libvirt's client keeps what still comes on it.
 */
#include <stdlib.h>

#include "host/libvirt/connection.h"

struct ebb_left_stream {
	virStreamPtr stream;
	struct ebb_left_stream *next;
};

void ebb_streams_leave(struct ebb_connection *connection, virStreamPtr stream)
{
	struct ebb_left_stream *left = malloc(sizeof(*left));

	/* Without memory: libvirtd finds out when the connection ends. */
	if (!left) {
		virStreamFree(stream);
		return;
	}
	pthread_mutex_lock(&connection->lock);
	*left = (struct ebb_left_stream){ stream, connection->left };
	connection->left = left;
	pthread_mutex_unlock(&connection->lock);
}

void ebb_streams_end(struct ebb_connection *connection)
{
	struct ebb_left_stream *left, *next;

	pthread_mutex_lock(&connection->lock);
	left = connection->left;
	connection->left = NULL;
	pthread_mutex_unlock(&connection->lock);
	for (; left; left = next) {
		next = left->next;
		virStreamAbort(left->stream);
		virStreamFree(left->stream);
		free(left);
	}
}
