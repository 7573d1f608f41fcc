/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The HTTP server, to be read alone: /metrics, /healthz, and the live page with its data.
 *
 * libmicrohttpd runs on the caller's loop (exp_server_fd(), exp_server_run()), without a
 * thread. A page is good for EXP_PAGE_MS. Whoever asks later waits for the next one, and
 * so do all who ask meanwhile: however many ask, ebbd is asked once.
 */
#ifndef EBB_HOST_EXPORTER_SERVER_H
#define EBB_HOST_EXPORTER_SERVER_H

#include "host/exporter/page.h"
#include "host/interface/history.h"

enum {
	EXP_PAGE_MS = 1000,
	EXP_PAST_MS = 10 * 1000, /* an answer of history is good for so long */
	EXP_PAST_GAP_MS = 250, /* and the next one is asked after that */
};

struct exp_server;

/**
 * struct exp_wishes - what the server needs of its owner
 * @page: a new page is waited for, until exp_server_publish()
 * @past: of @request, until exp_server_publish_past(); of one at a time
 */
struct exp_wishes {
	void (*page)(void *opaque);
	void (*past)(const struct ebb_history_request *request, void *opaque);
};

/**
 * exp_server_new - serve on a listening socket
 * @fd: closed by the server, also on failure
 * @wishes: outlives the server
 * @opaque: handed to @wishes
 *
 * Returns NULL if it cannot be started.
 */
struct exp_server *exp_server_new(int fd, const struct exp_wishes *wishes,
				  void *opaque);
void exp_server_free(struct exp_server *server);

/* To be watched for input. */
int exp_server_fd(const struct exp_server *server);

/* How long exp_server_run() may be left out while nothing comes; -1: for ever. */
int exp_server_timeout_ms(const struct exp_server *server);

/* Serves what can be served without a wait. */
void exp_server_run(struct exp_server *server);

/* Somebody waits for @live of the next page, who else need not be made. */
bool exp_server_wants_live(const struct exp_server *server);

/* A new page, for all who wait: to be followed by exp_server_run(). */
void exp_server_publish(struct exp_server *server, const struct exp_page *page);

/* Likewise what was asked for last of the past. */
void exp_server_publish_past(struct exp_server *server,
			     const struct exp_text *text);

#endif /* EBB_HOST_EXPORTER_SERVER_H */
