/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Clients that take too long.
 *
 * libmicrohttpd hangs up on a client that is silent, but not on one that sends or reads
 * a byte now and then: some of those would hold all places for ever. So each request has
 * a time, from the connection or the end of the request before it to the last byte of the
 * answer. After it the socket is shut, which libmicrohttpd sees as a client that left.
 */
#ifndef EBB_HOST_EXPORTER_OVERDUE_H
#define EBB_HOST_EXPORTER_OVERDUE_H

#include <stddef.h>
#include <stdint.h>

enum {
	EXP_CONNECTIONS_MAX = 64,
	EXP_REQUEST_MS = 30 * 1000,
};

/* Zeroed: of none. @fd: of a connection, as long as it is there. */
struct exp_overdue {
	size_t count;
	struct exp_client {
		int fd;
		uint64_t began_ns;
	} clients[EXP_CONNECTIONS_MAX];
};

/* A request begins at @now_ns; of a new client, or of one that is known. */
void exp_overdue_begin(struct exp_overdue *overdue, int fd, uint64_t now_ns);

/* The client is gone. */
void exp_overdue_end(struct exp_overdue *overdue, int fd);

/* Shuts the sockets of those who are overdue, once each. */
void exp_overdue_shut(struct exp_overdue *overdue, uint64_t now_ns);

/* How long exp_overdue_shut() may be left out; -1: for ever. */
int exp_overdue_timeout_ms(const struct exp_overdue *overdue, uint64_t now_ns);

#endif /* EBB_HOST_EXPORTER_OVERDUE_H */
