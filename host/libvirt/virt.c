/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The loop's side of the connection: which one is used, when a new one is tried
 * for, and when those that are lost are closed. All of it is of the event
 * loop's thread but the two functions *_work().
 */
#include "host/libvirt/virt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "common/clock.h"
#include "host/base/loop.h"
#include "host/libvirt/connection.h"

enum {
	/* Between attempts to connect; half as much again by chance. */
	RETRY_MIN_MS = 500,
	RETRY_MAX_MS = 4000,
};

/* A job: a connection that is opened and listed, or listed alone. */
struct asking {
	struct ebb_virt *virt;
	struct ebb_connection *connection;
	bool open;
	int result;
	struct ebb_virt_list list;
};

/* A connection that was lost, until it is closed. */
struct grave {
	struct ebb_connection *connection;
	struct ebb_virt *virt;
	bool closing;
	struct grave *next;
};

/**
 * struct ebb_virt
 * @connection: the one that is used, or NULL
 * @asking: the job that runs, or NULL
 * @asked_ns: of a refresh that is owed
 * @graves: of connections that are lost
 * @first: -EAGAIN until the first attempt ended
 */
struct ebb_virt {
	char *uri;
	struct ebb_workers *workers;
	struct ebb_virt_ops ops;
	void *opaque;
	struct ebb_connection *connection;
	struct asking *asking;
	uint64_t asked_ns;
	struct grave *graves;
	int wake_fd;
	int wake_watch;
	int retry_timer;
	uint32_t retry_ms;
	bool stopped;
	int first;
	char error[EBB_VIRT_ERROR_BYTES];
};

/* libvirt prints its errors to stderr unless told otherwise. */
static void drop_error(void *opaque, virErrorPtr error)
{
	(void)opaque;
	(void)error;
}

static void on_event(struct ebb_domain *domain, enum ebb_virt_event event,
		     enum ebb_domain_state state, void *opaque)
{
	struct ebb_virt *virt = opaque;

	virt->ops.event(domain, event, state, virt->opaque);
}

static void on_balloon(struct ebb_domain *domain, uint64_t left_bytes,
		       void *opaque)
{
	struct ebb_virt *virt = opaque;

	virt->ops.balloon(domain, left_bytes, virt->opaque);
}

static void stop_emitting(struct ebb_connection *connection)
{
	connection->emit = NULL;
	connection->emit_balloon = NULL;
}

/* ---- closing ---- */

static void close_work(void *opaque)
{
	struct grave *grave = opaque;

	ebb_connection_close(grave->connection);
}

static void close_done(void *opaque)
{
	struct grave *grave = opaque;
	struct grave **link = &grave->virt->graves;

	while (*link != grave)
		link = &(*link)->next;
	*link = grave->next;
	ebb_connection_free(grave->connection);
	free(grave);
}

/* Closes those that nobody uses any more, where that need not wait for libvirtd. */
static void close_unused(struct ebb_virt *virt)
{
	for (struct grave *grave = virt->graves; grave; grave = grave->next) {
		if (grave->closing || grave->connection->users > 0 ||
		    !ebb_connection_may_close(grave->connection))
			continue;
		grave->closing =
			ebb_workers_run(virt->workers, EBB_WORK_CONNECTION,
					close_work, close_done, grave) == 0;
	}
}

/* No event of it is heard any more; it is closed when its users are gone. */
static void bury(struct ebb_virt *virt, struct ebb_connection *connection)
{
	struct grave *grave = calloc(1, sizeof(*grave));

	stop_emitting(connection);
	ebb_connection_lose(connection);
	/* Without memory it is leaked: to close it here would block. */
	if (!grave)
		return;
	*grave = (struct grave){ connection, virt, false, virt->graves };
	virt->graves = grave;
	close_unused(virt);
}

/* ---- asking ---- */

static void asking_work(void *opaque)
{
	struct asking *asking = opaque;
	struct ebb_virt *virt = asking->virt;

	asking->result = 0;
	/* @error is the job's while it runs. */
	if (asking->open)
		asking->result = ebb_connection_open(asking->connection,
						     virt->uri, virt->error);
	if (asking->result == 0)
		asking->result =
			ebb_connection_list(asking->connection, &asking->list);
}

static void retry_later(struct ebb_virt *virt)
{
	uint32_t chance = 0;

	/* Best effort: without chance it is only less even. */
	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) < 0)
		chance = 0;
	ebb_loop_timer_set(
		virt->retry_timer,
		(int)(virt->retry_ms + chance % (virt->retry_ms / 2)));
	virt->retry_ms = 2 * virt->retry_ms < RETRY_MAX_MS ? 2 * virt->retry_ms
							   : RETRY_MAX_MS;
}

static void opened(struct ebb_virt *virt, struct asking *asking)
{
	if (virt->first == -EAGAIN)
		virt->first = asking->result == -EINVAL ? -EINVAL
			      : asking->result < 0	? -ECONNREFUSED
							: 0;
	if (asking->result < 0 || asking->connection->lost) {
		bury(virt, asking->connection);
		retry_later(virt);
		return;
	}
	virt->retry_ms = RETRY_MIN_MS;
	virt->connection = asking->connection;
	for (struct grave *grave = virt->graves; grave; grave = grave->next)
		grave->connection->replaced = true;
	virt->ops.connected(&asking->list, virt->opaque);
}

static void asking_done(void *opaque)
{
	struct asking *asking = opaque;
	struct ebb_virt *virt = asking->virt;

	if (virt->asking == asking)
		virt->asking = NULL;
	virt->asked_ns = 0;
	if (!asking->open)
		asking->connection->users--;
	if (virt->stopped) {
		if (asking->open)
			bury(virt, asking->connection);
	} else if (asking->open) {
		opened(virt, asking);
	} else {
		/* One of a connection that was lost meanwhile is of the past. */
		virt->ops.listed(asking->result == 0 && asking->connection ==
								virt->connection
					 ? &asking->list
					 : NULL,
				 virt->opaque);
	}
	ebb_virt_list_clear(&asking->list);
	free(asking);
	close_unused(virt);
}

static int ask(struct ebb_virt *virt, struct ebb_connection *connection,
	       bool open)
{
	struct asking *asking = calloc(1, sizeof(*asking));
	int r = -ENOMEM;

	if (asking) {
		*asking = (struct asking){ .virt = virt,
					   .connection = connection,
					   .open = open };
		r = ebb_workers_run(virt->workers, EBB_WORK_CONNECTION,
				    asking_work, asking_done, asking);
	}
	if (r < 0) {
		free(asking);
		return r;
	}
	virt->asking = asking;
	/* It must not be closed meanwhile. */
	if (!open)
		connection->users++;
	return 0;
}

static void try_to_connect(struct ebb_virt *virt)
{
	struct ebb_connection *connection =
		ebb_connection_new(virt->workers, virt->wake_fd);

	if (connection) {
		connection->emit = on_event;
		connection->emit_balloon = on_balloon;
		connection->opaque = virt;
	}
	if (!connection || ask(virt, connection, true) < 0) {
		ebb_connection_free(connection);
		retry_later(virt);
	}
}

static void on_retry(int timer, void *opaque)
{
	ebb_loop_timer_set(timer, -1);
	try_to_connect(opaque);
}

/* A connection was lost, or the last user of one has gone. */
static void on_wake(int watch, int fd, int events, void *opaque)
{
	struct ebb_virt *virt = opaque;
	struct ebb_connection *connection = virt->connection;
	eventfd_t count;

	(void)watch;
	(void)events;
	eventfd_read(fd, &count);
	if (connection && connection->lost) {
		virt->connection = NULL;
		bury(virt, connection);
		virt->ops.disconnected(virt->opaque);
		retry_later(virt);
	}
	close_unused(virt);
}

/* ---- the interface ---- */

/* Without a host, and by no transport that needs one or a program. */
static bool is_of_this_machine(const char *uri)
{
	const char *rest = strstr(uri, "://");
	size_t scheme = rest ? (size_t)(rest - uri) : 0;

	if (!rest || (memchr(uri, '+', scheme) &&
		      (scheme < 5 || strncmp(rest - 5, "+unix", 5) != 0)))
		return false;
	return rest[3] == '/';
}

static int watch(struct ebb_virt *virt)
{
	virt->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (virt->wake_fd < 0)
		return -errno;
	virt->wake_watch =
		ebb_loop_watch(virt->wake_fd, EBB_LOOP_READABLE, on_wake, virt);
	virt->retry_timer = ebb_loop_timer(0, on_retry, virt);
	return virt->wake_watch < 0 || virt->retry_timer < 0 ? -EIO : 0;
}

int ebb_virt_new(const char *uri, struct ebb_workers *workers,
		 const struct ebb_virt_ops *ops, void *opaque,
		 struct ebb_virt **ret_virt)
{
	struct ebb_virt *virt;
	int r;

	if (!is_of_this_machine(uri))
		return -EINVAL;
	virSetErrorFunc(NULL, drop_error);
	if (virInitialize() < 0)
		return -ENOMEM;
	virt = calloc(1, sizeof(*virt));
	if (!virt)
		return -ENOMEM;
	*virt = (struct ebb_virt){
		.uri = strdup(uri),
		.workers = workers,
		.ops = *ops,
		.opaque = opaque,
		.wake_fd = -1,
		.wake_watch = -1,
		.retry_timer = -1,
		.retry_ms = RETRY_MIN_MS,
		.first = -EAGAIN,
	};
	r = virt->uri ? watch(virt) : -ENOMEM;
	if (r < 0) {
		ebb_virt_free(virt);
		return r;
	}
	*ret_virt = virt;
	return 0;
}

int ebb_virt_first(const struct ebb_virt *virt, char *ret_error)
{
	if (virt->first < 0 && virt->first != -EAGAIN)
		memcpy(ret_error, virt->error, sizeof(virt->error));
	return virt->first;
}

bool ebb_virt_stop(struct ebb_virt *virt)
{
	struct ebb_connection *connection = virt->connection;

	virt->stopped = true;
	ebb_loop_timer_set(virt->retry_timer, -1);
	if (virt->asking)
		stop_emitting(virt->asking->connection);
	virt->connection = NULL;
	if (connection)
		bury(virt, connection);
	return !virt->asking && !virt->graves;
}

void ebb_virt_free(struct ebb_virt *virt)
{
	if (!virt)
		return;
	if (virt->retry_timer >= 0)
		ebb_loop_timer_remove(virt->retry_timer);
	if (virt->wake_watch >= 0)
		ebb_loop_unwatch(virt->wake_watch);
	if (virt->wake_fd >= 0)
		close(virt->wake_fd);
	free(virt->uri);
	free(virt);
}

bool ebb_virt_is_connected(const struct ebb_virt *virt)
{
	return virt->connection != NULL;
}

uint64_t ebb_virt_version(const struct ebb_virt *virt)
{
	return ebb_virt_is_connected(virt) ? virt->connection->version : 0;
}

int ebb_virt_refresh(struct ebb_virt *virt)
{
	int r;

	if (!virt->connection)
		return -ENOTCONN;
	if (virt->asking)
		return 0;
	r = ask(virt, virt->connection, false);
	if (r == 0)
		virt->asked_ns = ebb_now_ns();
	return r;
}

/* ---- a definition ---- */

/* A job. @connection: has a user more while it runs. @changes: first, if there are any */
struct question {
	struct ebb_virt *virt;
	struct ebb_connection *connection;
	char uuid[EBB_UUID_TEXT_BYTES];
	void (*done)(int result, const char *text, void *opaque);
	void *opaque;
	struct ebb_metadata_change changes[EBB_METADATA_CHANGES_MAX];
	size_t change_count;
	int result;
	char *xml;
	char error[EBB_VIRT_ERROR_BYTES];
};

static void question_work(void *opaque)
{
	struct question *question = opaque;
	struct ebb_domain *domain = NULL;

	question->result =
		ebb_domain_find(question->connection, question->uuid, &domain);
	if (question->result == 0 && question->change_count > 0)
		question->result = ebb_domain_change_metadata(
			domain, EBB_SCOPE_CONFIG, question->changes,
			question->change_count, NULL, question->error);
	if (question->result == 0) {
		question->result =
			ebb_domain_definition(domain, &question->xml);
		if (question->result < 0 && question->change_count > 0)
			question->result = -EALREADY;
	}
	ebb_domain_unref(domain);
}

static void question_done(void *opaque)
{
	struct question *question = opaque;
	struct ebb_virt *virt = question->virt;

	question->connection->users--;
	question->done(question->result,
		       question->result == -EIO ? question->error
						: question->xml,
		       question->opaque);
	free(question->xml);
	free(question);
	close_unused(virt);
}

int ebb_virt_ask_definition(struct ebb_virt *virt, const char *uuid,
			    void (*done)(int result, const char *xml,
					 void *opaque),
			    void *opaque)
{
	return ebb_virt_change_definition(virt, uuid, NULL, 0, done, opaque);
}

int ebb_virt_change_definition(
	struct ebb_virt *virt, const char *uuid,
	const struct ebb_metadata_change *changes, size_t count,
	void (*done)(int result, const char *text, void *opaque), void *opaque)
{
	struct question *question;
	int r;

	if (!virt->connection)
		return -ENOTCONN;
	question = calloc(1, sizeof(*question));
	if (!question)
		return -ENOMEM;
	*question = (struct question){ .virt = virt,
				       .connection = virt->connection,
				       .done = done,
				       .opaque = opaque,
				       .change_count = count };
	for (size_t i = 0; i < count; i++)
		question->changes[i] = changes[i];
	snprintf(question->uuid, sizeof(question->uuid), "%s", uuid);
	r = ebb_workers_run(virt->workers, EBB_WORK_LOOK, question_work,
			    question_done, question);
	if (r < 0)
		free(question);
	else
		virt->connection->users++;
	return r < 0 ? -ENOMEM : 0;
}

uint64_t ebb_virt_asked_ns(const struct ebb_virt *virt)
{
	return virt->asked_ns;
}
