/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/interface/asking.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "host/interface/answer.h"
#include "host/interface/status.h"

enum {
	READ_BYTES = 64 * 1024
};

void ebb_asking_init(struct ebb_asking *asking, const char *path,
		     const struct ebb_asking_words *words)
{
	*asking = (struct ebb_asking){ .path = path, .words = words, .fd = -1 };
	ebb_frame_init(&asking->frame, EBB_CONTROL_BYTES_MAX);
}

static void drop_answer(struct ebb_asking *asking)
{
	json_object_put(asking->value);
	asking->value = NULL;
	asking->error_class[0] = '\0';
	asking->error[0] = '\0';
}

void ebb_asking_close(struct ebb_asking *asking)
{
	if (asking->fd >= 0)
		close(asking->fd);
	asking->fd = -1;
	asking->is_under_way = false;
	ebb_frame_reset(&asking->frame);
}

void ebb_asking_clear(struct ebb_asking *asking)
{
	ebb_asking_close(asking);
	ebb_frame_clear(&asking->frame);
	drop_answer(asking);
}

/* ---- errors ---- */

/* Returns true: the question has ended. */
static bool __attribute__((__format__(__printf__, 3, 4)))
fail(struct ebb_asking *asking, enum ebb_asked asked, const char *format, ...)
{
	va_list args;

	asking->asked = asked;
	va_start(args, format);
	vsnprintf(asking->error, sizeof(asking->error), format, args);
	va_end(args);
	ebb_asking_close(asking);
	return true;
}

static bool fail_unreachable(struct ebb_asking *asking, int error)
{
	const char *remedy = "Check --socket";

	if (error == ENOENT || error == ECONNREFUSED)
		remedy = asking->words->start;
	else if (error == EACCES || error == EPERM)
		remedy = asking->words->permit;
	else if (error == EAGAIN)
		remedy = asking->words->busy;
	return fail(asking, EBB_ASKED_UNREACHABLE,
		    "cannot reach ebbd at %s: %s. %s%s", asking->path,
		    strerror(error), remedy, asking->words->stop);
}

static bool fail_silent(struct ebb_asking *asking, const char *problem)
{
	return fail(asking, EBB_ASKED_UNREACHABLE,
		    "ebbd %s. See journalctl -u ebbd%s", problem,
		    asking->words->stop);
}

static bool fail_strange(struct ebb_asking *asking, const char *problem,
			 const char *detail)
{
	return fail(asking, EBB_ASKED_FAILED, "%s%s. Check --socket%s", problem,
		    detail, asking->words->stop);
}

static bool fail_memory(struct ebb_asking *asking)
{
	return fail(asking, EBB_ASKED_FAILED, "out of memory");
}

/* ---- a question ---- */

/* Returns 0 or -errno. */
static int open_connection(struct ebb_asking *asking)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(asking->path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, asking->path);
	asking->fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (asking->fd < 0 ||
	    connect(asking->fd, (const struct sockaddr *)&address,
		    sizeof(address)) < 0)
		return -errno;
	return 0;
}

/* A question fits into the socket's buffer. Why ebbd closed is there to be read. */
static bool send_question(struct ebb_asking *asking, const char *line)
{
	if (send(asking->fd, line, strlen(line), MSG_NOSIGNAL) < 0 &&
	    errno != EPIPE)
		return fail_unreachable(asking, errno);
	asking->is_under_way = true;
	return false;
}

static void begin_limit(struct ebb_asking *asking)
{
	asking->deadline_ns =
		asking->limit_ms
			? ebb_now_ns() + asking->limit_ms * EBB_NS_PER_MS
			: UINT64_MAX;
}

bool ebb_asking_begin(struct ebb_asking *asking, const char *command,
		      struct json_object *arguments, uint32_t limit_ms)
{
	ebb_auto_free char *line = ebb_msg_request(command, arguments, NULL);
	int r;

	ebb_asking_close(asking);
	drop_answer(asking);
	if (!line)
		return fail_memory(asking);
	asking->command = command;
	asking->limit_ms = limit_ms;
	begin_limit(asking);
	r = open_connection(asking);
	if (r < 0)
		return fail_unreachable(asking, -r);
	return send_question(asking, line);
}

bool ebb_asking_go_on(struct ebb_asking *asking, const char *command,
		      struct json_object *arguments)
{
	ebb_auto_free char *line = ebb_msg_request(command, arguments, NULL);

	drop_answer(asking);
	if (!line)
		return fail_memory(asking);
	asking->command = command;
	return send_question(asking, line);
}

/* ---- its answer ---- */

static void take_event(struct ebb_asking *asking, const struct ebb_msg *msg)
{
	if (asking->on_event &&
	    asking->on_event(msg->name, msg->body, asking->opaque))
		begin_limit(asking);
}

/* Returns true: the question has ended. */
static bool end(struct ebb_asking *asking, enum ebb_asked asked)
{
	asking->asked = asked;
	asking->is_under_way = false;
	if (!asking->keeps)
		ebb_asking_close(asking);
	return true;
}

/* Returns true once the question has ended. */
static bool take_message(struct ebb_asking *asking, const struct ebb_msg *msg)
{
	switch (msg->kind) {
	case EBB_MSG_REPLY:
		asking->value = json_object_get(msg->body);
		return end(asking, EBB_ASKED_ANSWERED);
	case EBB_MSG_ERROR:
		snprintf(asking->error_class, sizeof(asking->error_class), "%s",
			 msg->error_class);
		snprintf(asking->error, sizeof(asking->error), "%s",
			 msg->error_desc);
		return end(asking, EBB_ASKED_REFUSED);
	case EBB_MSG_EVENT:
		take_event(asking, msg);
		return false;
	case EBB_MSG_REQUEST:
		break;
	}
	return fail_strange(asking, "a program that is not ebbd listens there",
			    ", as it asks instead of answering");
}

/* Returns true once the question has ended. */
static bool take_lines(struct ebb_asking *asking)
{
	const char *line;
	size_t bytes;
	bool has_ended;

	while (ebb_frame_next(&asking->frame, &line, &bytes)) {
		struct ebb_msg_error error;
		struct ebb_msg msg;

		if (ebb_answer_parse(line, bytes, &msg, &error) < 0)
			return fail_strange(
				asking,
				"ebbd's answer makes no sense: ", error.text);
		has_ended = take_message(asking, &msg);
		ebb_msg_clear(&msg);
		if (has_ended)
			return true;
	}
	if (ebb_frame_take_dropped(&asking->frame))
		return fail_strange(
			asking, "ebbd's answer is too long: ", asking->command);
	return false;
}

/* Returns true once the question has ended. */
static bool take_bytes(struct ebb_asking *asking)
{
	char bytes[READ_BYTES];
	ssize_t got = recv(asking->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (got <= 0)
		return fail_silent(asking,
				   "closed the connection without an answer");
	if (ebb_frame_push(&asking->frame, bytes, (size_t)got) < 0)
		return fail_memory(asking);
	return take_lines(asking);
}

bool ebb_asking_turn(struct ebb_asking *asking)
{
	if (!asking->is_under_way)
		return false;
	/* Bytes that came behind the last answer are in the frame, and wake nobody. */
	if (take_lines(asking) || take_bytes(asking))
		return true;
	if (ebb_asking_timeout_ms(asking) != 0)
		return false;
	return fail_silent(asking, "did not answer in time");
}

struct json_object *ebb_asking_take(struct ebb_asking *asking)
{
	struct json_object *value = asking->value;

	asking->value = NULL;
	return value;
}

int ebb_asking_timeout_ms(const struct ebb_asking *asking)
{
	uint64_t now_ns = ebb_now_ns();
	uint64_t left_ms;

	if (!asking->is_under_way || asking->deadline_ns == UINT64_MAX)
		return -1;
	if (now_ns >= asking->deadline_ns)
		return 0;
	/* Rounded up, so that it is over then. */
	left_ms = (asking->deadline_ns - now_ns + EBB_NS_PER_MS - 1) /
		  EBB_NS_PER_MS;
	return left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}
