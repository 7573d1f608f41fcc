/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/interface/asking.h"

#include <errno.h>
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

void ebb_asking_init(struct ebb_asking *asking, const char *path)
{
	*asking = (struct ebb_asking){ .path = path, .fd = -1 };
	ebb_frame_init(&asking->frame, EBB_CONTROL_BYTES_MAX);
}

static void drop_answer(struct ebb_asking *asking)
{
	json_object_put(asking->value);
	asking->value = NULL;
	asking->error_class[0] = '\0';
	asking->error[0] = '\0';
}

static void close_connection(struct ebb_asking *asking)
{
	if (asking->fd >= 0)
		close(asking->fd);
	asking->fd = -1;
	ebb_frame_reset(&asking->frame);
}

void ebb_asking_clear(struct ebb_asking *asking)
{
	close_connection(asking);
	ebb_frame_clear(&asking->frame);
	drop_answer(asking);
}

/* Returns true: it has ended. */
static bool __attribute__((__format__(__printf__, 2, 3)))
fail(struct ebb_asking *asking, const char *format, ...)
{
	va_list args;

	asking->asked = EBB_ASKED_UNREACHABLE;
	va_start(args, format);
	vsnprintf(asking->error, sizeof(asking->error), format, args);
	va_end(args);
	close_connection(asking);
	return true;
}

static bool fail_unreachable(struct ebb_asking *asking, int error)
{
	const char *remedy = "Check --socket.";

	if (error == ENOENT || error == ECONNREFUSED)
		remedy = "Start it: systemctl start ebbd.";
	else if (error == EACCES || error == EPERM)
		remedy = "Use sudo, or join the group ebb.";
	else if (error == EAGAIN)
		remedy = "It takes no connection at the moment.";
	return fail(asking, "cannot reach ebbd at %s: %s. %s", asking->path,
		    strerror(error), remedy);
}

static int open_connection(struct ebb_asking *asking)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s",
		 asking->path);
	asking->fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (asking->fd < 0 ||
	    connect(asking->fd, (const struct sockaddr *)&address,
		    sizeof(address)) < 0)
		return -errno;
	return 0;
}

bool ebb_asking_begin(struct ebb_asking *asking, const char *command,
		      struct json_object *arguments, uint32_t limit_ms)
{
	ebb_auto_free char *line = ebb_msg_request(command, arguments, NULL);
	int r;

	drop_answer(asking);
	if (!line)
		return fail(asking, "out of memory");
	asking->deadline_ns = ebb_now_ns() + limit_ms * EBB_NS_PER_MS;
	r = open_connection(asking);
	if (r < 0)
		return fail_unreachable(asking, -r);
	/* It fits into the socket's buffer. Why ebbd closed is there to be read. */
	if (send(asking->fd, line, strlen(line), MSG_NOSIGNAL) < 0 &&
	    errno != EPIPE)
		return fail_unreachable(asking, errno);
	return false;
}

/* What a line says. Returns false for an event, which answers nothing. */
static bool take_line(struct ebb_asking *asking, const char *line, size_t bytes)
{
	struct ebb_msg_error error;
	struct ebb_msg msg;
	bool answered = true;

	if (ebb_answer_parse(line, bytes, &msg, &error) < 0)
		return fail(asking, "ebbd's answer makes no sense: %s",
			    error.text);
	switch (msg.kind) {
	case EBB_MSG_REPLY:
		asking->asked = EBB_ASKED_ANSWERED;
		asking->value = json_object_get(msg.body);
		break;
	case EBB_MSG_ERROR:
		asking->asked = EBB_ASKED_REFUSED;
		snprintf(asking->error_class, sizeof(asking->error_class), "%s",
			 msg.error_class);
		snprintf(asking->error, sizeof(asking->error), "%s",
			 msg.error_desc);
		break;
	case EBB_MSG_EVENT:
		answered = false;
		break;
	case EBB_MSG_REQUEST:
		fail(asking, "what listens there asks instead of answering. "
			     "Check --socket.");
		break;
	}
	ebb_msg_clear(&msg);
	return answered;
}

static bool take_lines(struct ebb_asking *asking)
{
	const char *line;
	size_t bytes;

	while (ebb_frame_next(&asking->frame, &line, &bytes)) {
		if (!take_line(asking, line, bytes))
			continue;
		close_connection(asking);
		return true;
	}
	if (ebb_frame_take_dropped(&asking->frame))
		return fail(asking, "ebbd's answer is too long");
	return false;
}

bool ebb_asking_turn(struct ebb_asking *asking)
{
	char bytes[READ_BYTES];
	ssize_t got;

	if (asking->fd < 0)
		return false;
	got = recv(asking->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (got > 0 && ebb_frame_push(&asking->frame, bytes, (size_t)got) < 0)
		return fail(asking, "out of memory");
	if (got > 0)
		return take_lines(asking);
	if (got == 0 || (errno != EAGAIN && errno != EINTR))
		return fail(asking, "ebbd closed the connection without an "
				    "answer. See journalctl -u ebbd.");
	if (ebb_asking_timeout_ms(asking) > 0)
		return false;
	return fail(asking, "ebbd does not answer. See journalctl -u ebbd.");
}

int ebb_asking_timeout_ms(const struct ebb_asking *asking)
{
	uint64_t now_ns = ebb_now_ns();

	if (asking->fd < 0)
		return -1;
	if (now_ns >= asking->deadline_ns)
		return 0;
	/* Rounded up, so that it is over then. */
	return (int)((asking->deadline_ns - now_ns) / EBB_NS_PER_MS) + 1;
}
