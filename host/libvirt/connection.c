/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/libvirt/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>

enum {
	/* A domain that keeps libvirtd's answer for longer delays no other. */
	TURN_S_MAX = 10
};

struct ebb_connection *ebb_connection_new(struct ebb_workers *workers,
					  int wake_fd)
{
	struct ebb_connection *connection = calloc(1, sizeof(*connection));

	if (!connection)
		return NULL;
	connection->workers = workers;
	connection->wake_fd = wake_fd;
	pthread_mutex_init(&connection->lock, NULL);
	pthread_cond_init(&connection->ended, NULL);
	return connection;
}

void ebb_connection_lose(struct ebb_connection *connection)
{
	connection->lost = true;
	pthread_mutex_lock(&connection->lock);
	pthread_cond_broadcast(&connection->ended);
	pthread_mutex_unlock(&connection->lock);
	eventfd_write(connection->wake_fd, 1);
}

void ebb_connection_free(struct ebb_connection *connection)
{
	if (!connection)
		return;
	pthread_cond_destroy(&connection->ended);
	pthread_mutex_destroy(&connection->lock);
	free(connection);
}

int ebb_connection_begin(struct ebb_connection *connection,
			 enum ebb_call_kind kind)
{
	struct timespec limit;
	int r = 0;

	if (!connection)
		return 0;
	pthread_mutex_lock(&connection->lock);
	clock_gettime(CLOCK_MONOTONIC, &limit);
	limit.tv_sec += TURN_S_MAX;
	while (!connection->lost && connection->busy[kind] && r == 0)
		r = -pthread_cond_clockwait(&connection->ended,
					    &connection->lock, CLOCK_MONOTONIC,
					    &limit);
	if (connection->lost)
		r = -ENOTCONN;
	else if (connection->busy[kind])
		r = -ETIMEDOUT;
	else
		connection->busy[kind] = true;
	pthread_mutex_unlock(&connection->lock);
	return r;
}

bool ebb_connection_try(struct ebb_connection *connection,
			enum ebb_call_kind kind)
{
	bool begun;

	pthread_mutex_lock(&connection->lock);
	begun = !connection->lost && !connection->busy[kind];
	connection->busy[kind] |= begun;
	pthread_mutex_unlock(&connection->lock);
	return begun;
}

void ebb_connection_end(struct ebb_connection *connection,
			enum ebb_call_kind kind)
{
	if (!connection)
		return;
	pthread_mutex_lock(&connection->lock);
	connection->busy[kind] = false;
	pthread_cond_broadcast(&connection->ended);
	pthread_mutex_unlock(&connection->lock);
}
