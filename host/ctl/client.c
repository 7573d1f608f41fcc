/* SPDX-License-Identifier: GPL-2.0-only */
#include <config.h>

#include "host/ctl/client.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "common/cleanup.h"
#include "host/ctl/text.h"
#include "host/interface/answer.h"
#include "host/interface/status.h"
#include "protocol/frame.h"

enum {
	/* A doctor may wait for an agent that does not answer. */
	DOMAIN_LIMIT_MS = 90 * 1000,
	DAEMON_LIMIT_MS = 10 * 1000,
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

static void __attribute__((__format__(__printf__, 4, 5)))
answer_fail(struct ctl_answer *answer, enum ctl_exit status,
	    const char *error_class, const char *format, ...)
{
	va_list args;

	answer->status = status;
	snprintf(answer->error_class, sizeof(answer->error_class), "%s",
		 error_class);
	va_start(args, format);
	vsnprintf(answer->error_desc, sizeof(answer->error_desc), format, args);
	va_end(args);
}

static void answer_unreachable(struct ctl_answer *answer, const char *path,
			       int error)
{
	const char *remedy;

	switch (error) {
	case ENOENT:
	case ECONNREFUSED:
		remedy = "Start it (systemctl start ebbd), or name its socket "
			 "with --socket.";
		break;
	case EACCES:
	case EPERM:
		remedy = "Use sudo, or join a group that ebbd.conf names: "
			 "usually libvirt, or ebb to look only.";
		break;
	case EAGAIN:
		remedy = "It does not accept connections at the moment: try "
			 "again, or see journalctl -u ebbd.";
		break;
	default:
		remedy = "Check --socket.";
	}
	answer_fail(answer, CTL_UNREACHABLE, "Unreachable",
		    "cannot reach ebbd at %s: %s. %s", path, strerror(error),
		    remedy);
}

/* Returns a connection, or -1 with the answer filled. */
static int client_connect(const char *path, struct ctl_answer *answer)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	ebb_auto_close int fd = -1;

	if (strlen(path) >= sizeof(address.sun_path)) {
		answer_unreachable(answer, path, ENAMETOOLONG);
		return -1;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address,
			      sizeof(address)) < 0) {
		answer_unreachable(answer, path, errno);
		return -1;
	}
	return ebb_steal_fd(&fd);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits for bytes. Returns 1, or 0 with the answer filled. */
static int client_wait(int fd, int64_t deadline_ms, const sigset_t *mask,
		       struct ctl_answer *answer)
{
	for (;;) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
		int64_t left_ms = deadline_ms - now_ms();
		struct timespec left;

		if (interrupted) {
			answer_fail(answer, CTL_INTERRUPTED, "Interrupted",
				    "interrupted");
			return 0;
		}
		if (left_ms <= 0) {
			answer_fail(answer, CTL_UNREACHABLE, "Unreachable",
				    "ebbd did not answer in time. See "
				    "journalctl -u ebbd.");
			return 0;
		}
		left.tv_sec = left_ms / 1000;
		left.tv_nsec = left_ms % 1000 * 1000000;
		if (ppoll(&poll_fd, 1, &left, mask) > 0)
			return 1;
	}
}

/*
 * Returns 1 once it was the answer, 0 after an event, which may move
 * @deadline_ms.
 */
static int client_line(const struct ctl_request *request, const char *line,
		       size_t bytes, int64_t *deadline_ms,
		       struct ctl_answer *answer)
{
	struct ebb_msg_error error;
	struct ebb_msg msg;

	if (ebb_answer_parse(line, bytes, &msg, &error) < 0) {
		answer_fail(answer, CTL_FAILED, "GenericError",
			    "ebbd's answer makes no sense: %s. Check "
			    "--socket.",
			    error.text);
		return 1;
	}
	switch (msg.kind) {
	case EBB_MSG_EVENT:
		if (request->on_event &&
		    request->on_event(msg.name, msg.body, request->opaque) &&
		    request->limit_ms)
			*deadline_ms = now_ms() + request->limit_ms;
		ebb_msg_clear(&msg);
		return 0;
	case EBB_MSG_REPLY:
		answer->status = CTL_DONE;
		answer->value = json_object_get(msg.body);
		break;
	case EBB_MSG_ERROR:
		answer_fail(answer, CTL_FAILED, msg.error_class, "%s",
			    msg.error_desc);
		break;
	case EBB_MSG_REQUEST:
		answer_fail(answer, CTL_FAILED, "GenericError",
			    "what listens there asks instead of answering. "
			    "Check --socket.");
		break;
	}
	ebb_msg_clear(&msg);
	return 1;
}

/* Reads what is there. Returns 1 once the answer came, or was given up. */
static int client_read(int fd, struct ebb_frame *frame,
		       const struct ctl_request *request, int64_t *deadline_ms,
		       struct ctl_answer *answer)
{
	char bytes[16 * 1024];
	ssize_t got = recv(fd, bytes, sizeof(bytes), 0);
	const char *line;
	size_t line_bytes;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got <= 0) {
		answer_fail(answer, CTL_UNREACHABLE, "Unreachable",
			    "ebbd closed the connection without an answer. "
			    "See journalctl -u ebbd.");
		return 1;
	}
	if (ebb_frame_push(frame, bytes, (size_t)got) < 0) {
		answer_fail(answer, CTL_FAILED, "GenericError",
			    "out of memory");
		return 1;
	}
	while (ebb_frame_next(frame, &line, &line_bytes)) {
		if (client_line(request, line, line_bytes, deadline_ms, answer))
			return 1;
	}
	if (ebb_frame_take_dropped(frame)) {
		answer_fail(answer, CTL_FAILED, "GenericError",
			    "ebbd's answer is too long. Check --socket.");
		return 1;
	}
	return 0;
}

static void client_talk(int fd, const struct ctl_request *request,
			const char *line, const sigset_t *mask,
			struct ctl_answer *answer)
{
	int64_t deadline_ms = request->limit_ms ? now_ms() + request->limit_ms
						: INT64_MAX;
	struct ebb_frame frame;

	/*
	 * A request fits into a socket's buffer. If ebbd closed already, the
	 * reason is waiting to be read.
	 */
	if (send(fd, line, strlen(line), MSG_NOSIGNAL) < 0 && errno != EPIPE) {
		answer_unreachable(answer, "its socket", errno);
		return;
	}
	ebb_frame_init(&frame, EBB_CONTROL_BYTES_MAX);
	while (client_wait(fd, deadline_ms, mask, answer)) {
		if (client_read(fd, &frame, request, &deadline_ms, answer))
			break;
	}
	ebb_frame_clear(&frame);
}

void ctl_ask(const struct ctl_args *args, struct ctl_request *request,
	     struct ctl_answer *ret_answer)
{
	ebb_auto_free char *line =
		ebb_msg_request(request->command, request->arguments, NULL);
	struct sigaction action = { .sa_handler = on_interrupt };
	struct sigaction old_action;
	sigset_t blocked, mask;
	ebb_auto_close int fd = -1;

	memset(ret_answer, 0, sizeof(*ret_answer));
	request->arguments = NULL;
	if (!line) {
		answer_fail(ret_answer, CTL_FAILED, "GenericError",
			    "out of memory");
		return;
	}
	fd = client_connect(args->socket, ret_answer);
	if (fd < 0)
		return;

	/* SIGINT is let in only by ppoll(): none is lost before it sleeps. */
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigprocmask(SIG_BLOCK, &blocked, &mask);
	sigaction(SIGINT, &action, &old_action);
	if (old_action.sa_handler == SIG_IGN)
		sigaction(SIGINT, &old_action, NULL);
	client_talk(fd, request, line, &mask, ret_answer);
	sigaction(SIGINT, &old_action, NULL);
	sigprocmask(SIG_SETMASK, &mask, NULL);
}

void ctl_answer_clear(struct ctl_answer *answer)
{
	json_object_put(answer->value);
	answer->value = NULL;
}

int ctl_answer_error(const struct ctl_args *args,
		     const struct ctl_answer *answer)
{
	const char *text = answer->error_desc;
	char named[CTL_NAMED_BYTES];

	/* A script knows which domain it asked for. */
	if (args->operand_count > 0 && !ctl_given(args, CTL_OPT_JSON))
		text = ctl_named(text, args->operands[0], named);
	return ctl_error(args, answer->status, answer->error_class, "%s", text);
}

int ctl_answer_misfit(const struct ctl_args *args,
		      const struct ebb_msg_error *error)
{
	return ctl_error(args, CTL_FAILED, "GenericError",
			 "ebbd's answer does not fit: %s. Install ebbctl and "
			 "ebbd of the same version.",
			 error->text);
}

int ctl_answer_decode(const struct ctl_args *args,
		      const struct json_object *value,
		      const struct ebb_field *fields, void *ret_message,
		      size_t message_bytes)
{
	struct ebb_msg_error error;

	if (ebb_msg_decode(value, fields, ret_message, message_bytes, &error) <
	    0)
		return ctl_answer_misfit(args, &error);
	ctl_clean_message(fields, ret_message);
	return CTL_DONE;
}

int ctl_ask_domain(const struct ctl_args *args, const char *command,
		   struct json_object **ret_value)
{
	struct ebb_domain_request domain = { 0 };
	struct ctl_request request = {
		.command = command,
		.limit_ms = DOMAIN_LIMIT_MS,
	};
	struct ctl_answer answer;

	strcpy(domain.domain, args->operands[0]);
	strcpy(domain.uri, args->uri);
	request.arguments = ebb_msg_encode(ebb_domain_request_fields, &domain);
	ctl_ask(args, &request, &answer);
	if (answer.status != CTL_DONE)
		return ctl_answer_error(args, &answer);
	*ret_value = answer.value;
	return CTL_DONE;
}

/* Whether ebbd serves the libvirt that is asked for; else the exit status. */
static int check_uri(const struct ctl_args *args)
{
	struct ctl_request request = {
		.command = "daemon-show",
		.limit_ms = DAEMON_LIMIT_MS,
	};
	struct ebb_daemon_status daemon;
	struct ctl_answer answer;
	int status;

	if (!*args->uri)
		return CTL_DONE;
	ctl_ask(args, &request, &answer);
	if (answer.status != CTL_DONE)
		return ctl_answer_error(args, &answer);
	status = ctl_answer_decode(args, answer.value, ebb_daemon_status_fields,
				   &daemon, sizeof(daemon));
	ctl_answer_clear(&answer);
	if (status == CTL_DONE && strcmp(daemon.uri, args->uri) != 0)
		return ctl_error(args, CTL_FAILED, "InvalidArgument",
				 "this ebbd serves %s, not %s. Leave -c out, "
				 "or give the socket of the right ebbd with "
				 "--socket.",
				 daemon.uri, args->uri);
	return status;
}

int ctl_ask_served(const struct ctl_args *args, struct ctl_request *request,
		   struct ctl_answer *ret_answer)
{
	int status = check_uri(args);

	if (status != CTL_DONE) {
		json_object_put(request->arguments);
		return status;
	}
	ctl_ask(args, request, ret_answer);
	return ret_answer->status == CTL_DONE
		       ? CTL_DONE
		       : ctl_answer_error(args, ret_answer);
}
