/* SPDX-License-Identifier: GPL-2.0-only */
#include <config.h>

#include "host/exporter/ask.h"

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
#include "host/interface/explain.h"
#include "host/interface/status.h"

enum {
	READ_BYTES = 64 * 1024
};

void exp_ask_init(struct exp_ask *ask, const char *path)
{
	*ask = (struct exp_ask){ .path = path, .fd = -1 };
	ebb_frame_init(&ask->frame, EBB_CONTROL_BYTES_MAX);
}

void exp_ask_clear(struct exp_ask *ask)
{
	if (ask->fd >= 0)
		close(ask->fd);
	ask->fd = -1;
	ebb_frame_clear(&ask->frame);
	exp_round_clear(&ask->round);
	json_object_put(ask->arguments);
	ask->arguments = NULL;
}

/* The first that went wrong is told. */
static void __attribute__((__format__(__printf__, 2, 3)))
note_error(struct exp_ask *ask, const char *format, ...)
{
	va_list args;

	if (ask->round.error[0])
		return;
	va_start(args, format);
	vsnprintf(ask->round.error, sizeof(ask->round.error), format, args);
	va_end(args);
}

static void note_unreachable(struct exp_ask *ask, int error)
{
	const char *remedy = "Check --socket";

	if (error == ENOENT || error == ECONNREFUSED)
		remedy = "Start ebbd, or name its socket with --socket";
	else if (error == EACCES || error == EPERM)
		remedy = "Run ebb-exporter in the group that read-group in "
			 "ebbd.conf names, ebb by default";
	else if (error == EAGAIN)
		remedy = "It takes no connection at the moment";
	note_error(ask, "cannot reach ebbd at %.107s: %s. %s", ask->path,
		   strerror(error), remedy);
}

/* Returns true: the round has ended. */
static bool end_round(struct exp_ask *ask)
{
	if (ask->fd >= 0)
		close(ask->fd);
	ask->fd = -1;
	ebb_frame_reset(&ask->frame);
	ask->round.took_us =
		(uint32_t)((ebb_now_ns() - ask->began_ns) / EBB_NS_PER_US);
	return true;
}

static struct json_object *take_arguments(struct exp_ask *ask)
{
	struct json_object *arguments = ask->arguments;

	if (ask->question != EXP_PAST)
		return exp_question_request(ask->question);
	ask->arguments = NULL;
	return arguments;
}

/* Returns 0 or -errno. */
static int send_question(struct exp_ask *ask)
{
	ebb_auto_free char *line = ebb_msg_request(
		exp_question_name(ask->question), take_arguments(ask), NULL);

	if (!line)
		return -ENOMEM;
	/* It fits into the socket's buffer. Why ebbd closed is there to be read. */
	if (send(ask->fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT) <
		    0 &&
	    errno != EPIPE)
		return -errno;
	return 0;
}

/* Who listens there; 0: that is not known. */
static pid_t find_peer(int fd)
{
	struct ucred peer = { 0 };
	socklen_t bytes = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0
		       ? peer.pid
		       : 0;
}

static bool begin(struct exp_ask *ask, enum exp_question first,
		  enum exp_question last)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int r;

	exp_round_clear(&ask->round);
	ask->began_ns = ebb_now_ns();
	ask->question = first;
	ask->last = last;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", ask->path);
	ask->fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (ask->fd < 0 || connect(ask->fd, (const struct sockaddr *)&address,
				   sizeof(address)) < 0) {
		note_unreachable(ask, errno);
		return end_round(ask);
	}
	ask->peer = find_peer(ask->fd);
	r = send_question(ask);
	if (r < 0) {
		note_unreachable(ask, -r);
		return end_round(ask);
	}
	return false;
}

bool exp_ask_begin(struct exp_ask *ask, bool keep_policy)
{
	pid_t before = ask->peer;
	bool ended = begin(ask, EXP_DAEMON, EXP_POLICY);

	if (keep_policy && ask->peer == before)
		ask->last = EXP_DOMAINS;
	return ended;
}

bool exp_ask_begin_past(struct exp_ask *ask, struct json_object *arguments)
{
	json_object_put(ask->arguments);
	ask->arguments = arguments;
	return begin(ask, EXP_PAST, EXP_PAST);
}

/* What a line says. Returns false for an event, which answers nothing. */
static bool take_line(struct exp_ask *ask, const char *line, size_t bytes)
{
	struct ebb_msg_error error;
	struct ebb_msg msg;
	bool answered = true;

	if (ebb_answer_parse(line, bytes, &msg, &error) < 0) {
		note_error(ask,
			   "ebbd's answer makes no sense: %.150s. Check "
			   "--socket",
			   error.text);
		return true;
	}
	switch (msg.kind) {
	case EBB_MSG_REPLY:
		ask->round.answers[ask->question] = json_object_get(msg.body);
		break;
	case EBB_MSG_ERROR:
		note_error(ask, "ebbd refuses %s: %.180s",
			   exp_question_name(ask->question), msg.error_desc);
		break;
	case EBB_MSG_EVENT:
		answered = false;
		break;
	case EBB_MSG_REQUEST:
		note_error(ask, "what listens there asks instead of "
				"answering. Check --socket");
		break;
	}
	ebb_msg_clear(&msg);
	return answered;
}

/* Returns false after the last question of the round. */
static bool go_on(struct exp_ask *ask)
{
	if (ask->question == ask->last) {
		ask->round.policy_was_kept = ask->last == EXP_DOMAINS;
		return false;
	}
	ask->question++;
	return true;
}

/* Takes all that is there. Returns true once the round has ended. */
static bool take_lines(struct exp_ask *ask)
{
	const char *line;
	size_t bytes;
	int r;

	while (ebb_frame_next(&ask->frame, &line, &bytes)) {
		if (!take_line(ask, line, bytes))
			continue;
		if (!go_on(ask))
			return end_round(ask);
		r = send_question(ask);
		if (r < 0) {
			note_unreachable(ask, -r);
			return end_round(ask);
		}
	}
	if (ebb_frame_take_dropped(&ask->frame)) {
		note_error(ask,
			   "ebbd's answer to %s is too long. Check "
			   "--socket",
			   exp_question_name(ask->question));
		return end_round(ask);
	}
	return false;
}

bool exp_ask_turn(struct exp_ask *ask)
{
	char bytes[READ_BYTES];
	ssize_t got;

	if (ask->fd < 0)
		return false;
	got = recv(ask->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (got > 0) {
		if (ebb_frame_push(&ask->frame, bytes, (size_t)got) < 0) {
			note_error(ask, "out of memory");
			return end_round(ask);
		}
		return take_lines(ask);
	}
	if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
		note_error(ask, "ebbd closed the connection without an answer. "
				"See: journalctl -u ebbd");
		return end_round(ask);
	}
	if (exp_ask_timeout_ms(ask) > 0)
		return false;
	note_error(ask, "ebbd did not answer in %d s. See: journalctl -u ebbd",
		   EXP_ROUND_MS / 1000);
	return end_round(ask);
}

int exp_ask_timeout_ms(const struct exp_ask *ask)
{
	uint64_t passed_ms = (ebb_now_ns() - ask->began_ns) / EBB_NS_PER_MS;

	if (ask->fd < 0)
		return -1;
	return passed_ms < EXP_ROUND_MS ? (int)(EXP_ROUND_MS - passed_ms) : 0;
}
