/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/exporter/server.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <microhttpd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "host/exporter/content.h"
#include "host/exporter/options.h"
#include "host/exporter/overdue.h"
#include "host/exporter/past.h"

enum {
	/* Of a client that is slow to ask, or to read. */
	IDLE_S = 10,
	CONNECTION_BYTES = 32 * 1024,
	/* Half of all: what one address holds leaves room for others. */
	ADDRESS_CONNECTIONS_MAX = EXP_CONNECTIONS_MAX / 2,
	CONTENTS_MAX = 8,
};

#define TYPE_METRICS "text/plain; version=0.0.4; charset=utf-8"
#define TYPE_PLAIN "text/plain; charset=utf-8"
#define TYPE_JSON "application/json"

/* Of all but the page: it loads nothing. */
#define CSP_NOTHING "default-src 'none'; frame-ancestors 'none'"
/* Its own files alone, and no text is ever taken for HTML or for a script. */
#define CSP_PAGE                                                    \
	"default-src 'none'; script-src 'self'; style-src 'self'; " \
	"img-src 'self'; connect-src 'self'; base-uri 'none'; "     \
	"form-action 'none'; frame-ancestors 'none'; "              \
	"require-trusted-types-for 'script'; trusted-types 'none'"

/* @response: of the last page */
struct reply {
	unsigned int status;
	struct MHD_Response *response;
};

/* Connections that wait for an answer, and are suspended. */
struct queue {
	size_t count;
	struct MHD_Connection *connections[EXP_CONNECTIONS_MAX];
};

/* What is asked of history, or was last, and that; @asked_ns: 0: nothing was yet. */
struct past {
	struct ebb_history_request request;
	struct reply reply;
	uint64_t asked_ns;
	bool is_asked;
	struct queue waiting;
};

/**
 * struct exp_server
 * @is_loopback: only programs of this host reach it
 * @waiting: for the next page
 * @published_ns: the last page; nothing without @metrics.response
 * @live: of that page, if it was wanted
 * @contents: of exp_contents, in its order
 */
struct exp_server {
	struct MHD_Daemon *daemon;
	const struct exp_wishes *wishes;
	void *opaque;
	bool is_loopback;
	struct queue waiting;
	uint64_t published_ns;
	struct reply metrics;
	struct reply health;
	struct reply live;
	bool wants_live;
	struct past past;
	struct exp_overdue overdue;
	struct MHD_Response *contents[CONTENTS_MAX];
};

static struct MHD_Response *make_response(const void *bytes, size_t count,
					  const char *type, const char *policy)
{
	const char *const headers[][2] = {
		{ MHD_HTTP_HEADER_CONTENT_TYPE, type },
		{ "Content-Security-Policy", policy },
		{ "Cross-Origin-Opener-Policy", "same-origin" },
		{ "Cross-Origin-Resource-Policy", "same-origin" },
		{ "Referrer-Policy", "no-referrer" },
		{ MHD_HTTP_HEADER_CACHE_CONTROL, "no-store" },
		{ "X-Content-Type-Options", "nosniff" },
	};
	/* It does not write there, but its parameter is not const. */
	struct MHD_Response *response = MHD_create_response_from_buffer(
		count, (void *)(uintptr_t)bytes, MHD_RESPMEM_MUST_COPY);

	if (!response)
		return NULL;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(headers); i++)
		MHD_add_response_header(response, headers[i][0], headers[i][1]);
	return response;
}

static enum MHD_Result serve(struct MHD_Connection *connection,
			     const struct reply *reply)
{
	if (!reply->response)
		return MHD_NO;
	return MHD_queue_response(connection, reply->status, reply->response);
}

static enum MHD_Result wait_in(struct queue *queue,
			       struct MHD_Connection *connection)
{
	if (queue->count == EXP_CONNECTIONS_MAX)
		return MHD_NO;
	MHD_suspend_connection(connection);
	queue->connections[queue->count++] = connection;
	return MHD_YES;
}

static void resume_all(struct queue *queue)
{
	for (size_t i = 0; i < queue->count; i++)
		MHD_resume_connection(queue->connections[i]);
	queue->count = 0;
}

/* An answer that is not kept. */
static enum MHD_Result refuse(struct MHD_Connection *connection,
			      unsigned int status, const char *type,
			      const char *text)
{
	struct MHD_Response *response =
		make_response(text, strlen(text), type, CSP_NOTHING);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW,
					"GET, HEAD");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static bool is_within(uint64_t since_ns, uint32_t ms)
{
	return ebb_now_ns() - since_ns < (uint64_t)ms * EBB_NS_PER_MS;
}

static bool is_fresh(const struct exp_server *server, const struct reply *reply)
{
	return reply->response && is_within(server->published_ns, EXP_PAGE_MS);
}

/* Serves it, or has it wait for a page that can be. @has_waited: this one is new. */
static enum MHD_Result reply(struct exp_server *server,
			     struct MHD_Connection *connection,
			     const struct reply *reply, bool has_waited)
{
	if (has_waited || is_fresh(server, reply))
		return serve(connection, reply);
	server->wants_live |= reply == &server->live;
	server->wishes->page(server->opaque);
	return wait_in(&server->waiting, connection);
}

static const char *parameter(struct MHD_Connection *connection,
			     const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND,
					   name);
}

/* Serves what was, or has it asked for if nothing else of the kind is. */
static enum MHD_Result reply_past(struct exp_server *server,
				  struct MHD_Connection *connection,
				  bool has_waited)
{
	struct past *past = &server->past;
	struct ebb_history_request request;
	bool same;

	if (has_waited)
		return serve(connection, &past->reply);
	if (!exp_past_parse(parameter(connection, "domain"),
			    parameter(connection, "budget"),
			    parameter(connection, "last-ms"), &request))
		return refuse(connection, MHD_HTTP_BAD_REQUEST, TYPE_PLAIN,
			      "Give domain= or budget=, and last-ms= in "
			      "digits.\n");
	same = exp_past_is_same(&request, &past->request);
	if (past->is_asked && same)
		return wait_in(&past->waiting, connection);
	if (same && past->reply.response &&
	    is_within(past->asked_ns, EXP_PAST_MS))
		return serve(connection, &past->reply);
	if (past->is_asked || is_within(past->asked_ns, EXP_PAST_GAP_MS))
		return refuse(connection, MHD_HTTP_OK, TYPE_JSON,
			      "{\"trouble\":\"busy\"}\n");
	past->request = request;
	past->asked_ns = ebb_now_ns();
	past->is_asked = true;
	server->wishes->past(&request, server->opaque);
	return wait_in(&past->waiting, connection);
}

/* Returns the file of the live page at @url, or NULL. */
static struct MHD_Response *find_content(const struct exp_server *server,
					 const char *url)
{
	for (size_t i = 0; exp_contents[i].path; i++)
		if (strcmp(url, exp_contents[i].path) == 0)
			return server->contents[i];
	return NULL;
}

static const struct reply *find_reply(const struct exp_server *server,
				      const char *url)
{
	if (strcmp(url, "/metrics") == 0)
		return &server->metrics;
	if (strcmp(url, "/healthz") == 0)
		return &server->health;
	if (strcmp(url, "/api/live.json") == 0)
		return &server->live;
	return NULL;
}

static enum MHD_Result on_request(void *opaque,
				  struct MHD_Connection *connection,
				  const char *url, const char *method,
				  const char *version, const char *upload_data,
				  size_t *upload_bytes, void **request)
{
	struct exp_server *server = opaque;
	bool has_waited = *request;
	struct MHD_Response *content = find_content(server, url);
	const struct reply *found = find_reply(server, url);
	bool is_past = strcmp(url, "/api/history.json") == 0;

	(void)version;
	(void)upload_data;
	/* A body is of no use here: the connection ends with the answer. */
	(void)upload_bytes;
	*request = server;
	if (server->is_loopback &&
	    !exp_host_is_number(MHD_lookup_connection_value(
		    connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST)))
		return refuse(connection, MHD_HTTP_MISDIRECTED_REQUEST,
			      TYPE_PLAIN,
			      "Ask for the address, or for localhost: a name "
			      "may be another's. A proxy sets the header Host, "
			      "see ebb-exporter(8).\n");
	if (!content && !found && !is_past)
		return refuse(connection, MHD_HTTP_NOT_FOUND, TYPE_PLAIN,
			      "There is nothing here. See /, /metrics and "
			      "/healthz.\n");
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
	    strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
			      TYPE_PLAIN,
			      "This can only be read: use GET or HEAD.\n");
	if (content)
		return MHD_queue_response(connection, MHD_HTTP_OK, content);
	if (is_past)
		return reply_past(server, connection, has_waited);
	return reply(server, connection, found, has_waited);
}

static int connection_fd(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection,
				       MHD_CONNECTION_INFO_CONNECTION_FD)
		->connect_fd;
}

static void on_connection(void *opaque, struct MHD_Connection *connection,
			  void **context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct exp_server *server = opaque;
	int fd = connection_fd(connection);

	(void)context;
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		exp_overdue_begin(&server->overdue, fd, ebb_now_ns());
	else
		exp_overdue_end(&server->overdue, fd);
}

/* The next one may follow on the connection. */
static void on_completed(void *opaque, struct MHD_Connection *connection,
			 void **request, enum MHD_RequestTerminationCode code)
{
	struct exp_server *server = opaque;

	(void)request;
	if (code == MHD_REQUEST_TERMINATED_COMPLETED_OK)
		exp_overdue_begin(&server->overdue, connection_fd(connection),
				  ebb_now_ns());
}

static bool make_contents(struct exp_server *server)
{
	for (size_t i = 0; exp_contents[i].path; i++) {
		const struct exp_content *content = &exp_contents[i];

		if (i == CONTENTS_MAX)
			return false;
		server->contents[i] = make_response(content->bytes,
						    content->count,
						    content->type, CSP_PAGE);
		if (!server->contents[i])
			return false;
	}
	return true;
}

static void drop_contents(struct exp_server *server)
{
	for (size_t i = 0; i < CONTENTS_MAX; i++)
		if (server->contents[i])
			MHD_destroy_response(server->contents[i]);
}

static bool is_loopback(int fd)
{
	struct sockaddr_storage address = { 0 };
	socklen_t bytes = sizeof(address);

	return getsockname(fd, (struct sockaddr *)&address, &bytes) == 0 &&
	       (address.ss_family == AF_INET ||
		address.ss_family == AF_INET6) &&
	       exp_address_is_loopback(&address);
}

struct exp_server *exp_server_new(int fd, const struct exp_wishes *wishes,
				  void *opaque)
{
	struct exp_server *server = calloc(1, sizeof(*server));

	if (!server) {
		close(fd);
		return NULL;
	}
	server->wishes = wishes;
	server->is_loopback = is_loopback(fd);
	server->opaque = opaque;
	if (make_contents(server))
		server->daemon = MHD_start_daemon(
			MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
			on_request, server, MHD_OPTION_LISTEN_SOCKET, fd,
			MHD_OPTION_CONNECTION_LIMIT,
			(unsigned int)EXP_CONNECTIONS_MAX,
			MHD_OPTION_PER_IP_CONNECTION_LIMIT,
			(unsigned int)ADDRESS_CONNECTIONS_MAX,
			MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
			MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
			MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)IDLE_S,
			MHD_OPTION_CONNECTION_MEMORY_LIMIT,
			(size_t)CONNECTION_BYTES, MHD_OPTION_END);
	if (server->daemon)
		return server;
	drop_contents(server);
	close(fd);
	free(server);
	return NULL;
}

static void drop_reply(struct reply *reply)
{
	if (reply->response)
		MHD_destroy_response(reply->response);
	*reply = (struct reply){ 0 };
}

void exp_server_free(struct exp_server *server)
{
	if (!server)
		return;
	/* None may be suspended when it ends. Without a page they are hung up. */
	resume_all(&server->waiting);
	resume_all(&server->past.waiting);
	MHD_run(server->daemon);
	MHD_stop_daemon(server->daemon);
	drop_reply(&server->metrics);
	drop_reply(&server->health);
	drop_reply(&server->live);
	drop_reply(&server->past.reply);
	drop_contents(server);
	free(server);
}

int exp_server_fd(const struct exp_server *server)
{
	return MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)
		->epoll_fd;
}

int exp_server_timeout_ms(const struct exp_server *server)
{
	int overdue_ms = exp_overdue_timeout_ms(&server->overdue, ebb_now_ns());
	MHD_UNSIGNED_LONG_LONG ms;

	if (MHD_get_timeout(server->daemon, &ms) != MHD_YES)
		return overdue_ms;
	if (overdue_ms >= 0 && (MHD_UNSIGNED_LONG_LONG)overdue_ms < ms)
		return overdue_ms;
	return ms < INT_MAX ? (int)ms : INT_MAX;
}

void exp_server_run(struct exp_server *server)
{
	exp_overdue_shut(&server->overdue, ebb_now_ns());
	MHD_run(server->daemon);
}

static void set_reply(struct reply *reply, unsigned int status,
		      const char *text, size_t bytes, const char *type)
{
	drop_reply(reply);
	reply->status = status;
	reply->response = make_response(text, bytes, type, CSP_NOTHING);
}

/* @text: of @type; if it failed, the answer says so. */
static void set_text(struct reply *reply, const struct exp_text *text,
		     const char *type)
{
	static const char too_long[] =
		"This does not fit into the memory for it.\n";

	if (text->failed)
		set_reply(reply, MHD_HTTP_INTERNAL_SERVER_ERROR, too_long,
			  strlen(too_long), TYPE_PLAIN);
	else
		set_reply(reply, MHD_HTTP_OK, exp_text_get(text), text->used,
			  type);
}

bool exp_server_wants_live(const struct exp_server *server)
{
	return server->wants_live;
}

void exp_server_publish(struct exp_server *server, const struct exp_page *page)
{
	char health[sizeof(page->trouble) + 2];
	int bytes;

	set_text(&server->metrics, &page->metrics, TYPE_METRICS);
	drop_reply(&server->live);
	if (server->wants_live)
		set_text(&server->live, &page->live, TYPE_JSON);
	server->wants_live = false;
	bytes = snprintf(health, sizeof(health), "%s\n",
			 page->trouble[0] ? page->trouble : "ok");
	set_reply(&server->health,
		  page->trouble[0] ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK,
		  health, (size_t)bytes, TYPE_PLAIN);
	server->published_ns = ebb_now_ns();
	resume_all(&server->waiting);
}

void exp_server_publish_past(struct exp_server *server,
			     const struct exp_text *text)
{
	server->past.is_asked = false;
	set_text(&server->past.reply, text, TYPE_JSON);
	resume_all(&server->past.waiting);
}
