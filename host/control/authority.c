/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/control/authority.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <systemd/sd-bus.h>

#include "common/cleanup.h"
#include "host/base/loop.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Linux 6.5 */
#endif

#define BUS_PREFIX "unix:path="
#define SYSTEM_BUS BUS_PREFIX "/run/dbus/system_bus_socket"
#define POLKIT_ERROR "org.freedesktop.PolicyKit1.Error."

/**
 * struct subject - who asks
 * @pidfd: or -1
 */
struct subject {
	struct ucred peer;
	uint64_t start_time;
	int pidfd;
};

/**
 * struct ebb_authority
 * @slot: of the question, from when it was sent
 * @deadline: timer
 * @ended, @answer: it is there
 */
struct ebb_authority {
	struct subject subject;
	sd_bus *bus;
	sd_bus_slot *slot;
	int watch;
	int deadline;
	bool ended;
	enum ebb_authority_answer answer;
	ebb_authority_fn done;
	void *opaque;
};

/* ---- who asks ---- */

/* Field 22 of /proc/PID/stat; the name before it may hold anything but is in brackets. */
static int read_start_time(pid_t pid, uint64_t *ret_time)
{
	FILE *file ebb_auto_fclose = NULL;
	char path[64], text[1024];
	const char *rest;
	size_t bytes;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	bytes = fread(text, 1, sizeof(text) - 1, file);
	text[bytes] = '\0';
	rest = strrchr(text, ')');
	if (!rest ||
	    sscanf(rest,
		   ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d "
		   "%*d %*d %*d %*d %*d %" SCNu64,
		   ret_time) != 1)
		return -EBADMSG;
	return 0;
}

/* Whether the process that connected has not ended. */
static bool lives(int pidfd)
{
	struct pollfd pollfd = { .fd = pidfd, .events = POLLIN };

	return poll(&pollfd, 1, 0) == 0;
}

static int find_subject(int fd, struct subject *ret_subject)
{
	struct subject subject = { .pidfd = -1 };
	ebb_auto_close int pidfd = -1;
	socklen_t bytes = sizeof(subject.peer);
	int r;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &subject.peer, &bytes) < 0)
		return -errno;
	bytes = sizeof(pidfd);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &bytes) < 0) {
		/* A kernel that knows it says otherwise of a process that has ended. */
		if (errno != ENOPROTOOPT)
			return -errno;
		pidfd = -1;
	}
	r = read_start_time(subject.peer.pid, &subject.start_time);
	if (r < 0)
		return r;
	/* Else the time may be that of another process. */
	if (pidfd >= 0 && !lives(pidfd))
		return -ESRCH;
	subject.pidfd = ebb_steal_fd(&pidfd);
	*ret_subject = subject;
	return 0;
}

/* ---- the bus ---- */

/* Of the system's bus, which the environment may name. Only a path is understood. */
static int bus_address(struct sockaddr_un *ret_address)
{
	const char *text = getenv("DBUS_SYSTEM_BUS_ADDRESS"), *path;
	size_t bytes;

	if (!text)
		text = SYSTEM_BUS;
	if (strncmp(text, BUS_PREFIX, strlen(BUS_PREFIX)) != 0)
		return -EAFNOSUPPORT;
	path = text + strlen(BUS_PREFIX);
	bytes = strcspn(path, ",;");
	if (bytes >= sizeof(ret_address->sun_path))
		return -ENAMETOOLONG;
	*ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(ret_address->sun_path, path, bytes);
	return 0;
}

/*
 * As sd_bus_open_system(), which since systemd 254 gives its socket a name by bind(): the
 * sandbox has none. Nothing waits: a bus that is busy is one that does not answer.
 */
static int open_bus(sd_bus **ret_bus)
{
	ebb_auto_close int fd = -1;
	struct sockaddr_un address;
	int r = bus_address(&address);

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	r = sd_bus_new(ret_bus);
	if (r >= 0)
		r = sd_bus_set_bus_client(*ret_bus, true);
	if (r >= 0)
		r = sd_bus_set_fd(*ret_bus, fd, fd);
	if (r < 0)
		return r;
	ebb_steal_fd(&fd);
	return sd_bus_start(*ret_bus);
}

/* ---- the question ---- */

/* An error is polkit's own, the bus's, or of sd-bus where no answer came in time. */
static enum ebb_authority_answer read_error(const sd_bus_error *error)
{
	if (strncmp(error->name, POLKIT_ERROR, strlen(POLKIT_ERROR)) == 0)
		return EBB_AUTHORITY_ERROR;
	if (sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY) ||
	    sd_bus_error_has_name(error, SD_BUS_ERROR_TIMEOUT))
		return EBB_AUTHORITY_SILENT;
	return EBB_AUTHORITY_NO_POLKIT;
}

static enum ebb_authority_answer read_reply(sd_bus_message *reply)
{
	const sd_bus_error *error = sd_bus_message_get_error(reply);
	int authorised = 0, challenge = 0;

	if (error)
		return read_error(error);
	if (sd_bus_message_enter_container(reply, 'r', "bba{ss}") <= 0 ||
	    sd_bus_message_read(reply, "bb", &authorised, &challenge) <= 0)
		return EBB_AUTHORITY_ERROR;
	return authorised && !challenge ? EBB_AUTHORITY_YES : EBB_AUTHORITY_NO;
}

static int on_reply(sd_bus_message *reply, void *opaque, sd_bus_error *error)
{
	struct ebb_authority *authority = opaque;

	(void)error;
	authority->ended = true;
	authority->answer = read_reply(reply);
	return 0;
}

static int append_subject(sd_bus_message *message,
			  const struct subject *subject)
{
	int r = sd_bus_message_open_container(message, 'r', "sa{sv}");

	if (r >= 0)
		r = sd_bus_message_append(message, "s", "unix-process");
	if (r >= 0)
		r = sd_bus_message_open_container(message, 'a', "{sv}");
	if (r >= 0)
		r = sd_bus_message_append(message, "{sv}{sv}{sv}", "pid", "u",
					  (uint32_t)subject->peer.pid,
					  "start-time", "t",
					  subject->start_time, "uid", "i",
					  (int32_t)subject->peer.uid);
	if (r >= 0 && subject->pidfd >= 0)
		r = sd_bus_message_append(message, "{sv}", "pidfd", "h",
					  subject->pidfd);
	if (r >= 0)
		r = sd_bus_message_close_container(message);
	return r < 0 ? r : sd_bus_message_close_container(message);
}

/* For a bus that is ready, as sd-bus waits for that where a pidfd goes along. */
static int send_question(struct ebb_authority *authority)
{
	sd_bus_message *message = NULL;
	int r = sd_bus_message_new_method_call(
		authority->bus, &message, "org.freedesktop.PolicyKit1",
		"/org/freedesktop/PolicyKit1/Authority",
		"org.freedesktop.PolicyKit1.Authority", "CheckAuthorization");

	if (r >= 0)
		r = append_subject(message, &authority->subject);
	/* No details, no interaction, no name to cancel it by. */
	if (r >= 0)
		r = sd_bus_message_append(message, "sa{ss}us",
					  EBB_AUTHORITY_ACTION, 0, 0, "");
	if (r >= 0)
		r = sd_bus_call_async(authority->bus, &authority->slot, message,
				      on_reply, authority,
				      EBB_AUTHORITY_WAIT_MS * UINT64_C(1000));
	sd_bus_message_unref(message);
	return r;
}

/* ---- its life ---- */

void ebb_authority_cancel(struct ebb_authority *authority)
{
	if (authority->watch >= 0)
		ebb_loop_unwatch(authority->watch);
	if (authority->deadline >= 0)
		ebb_loop_timer_remove(authority->deadline);
	sd_bus_slot_unref(authority->slot);
	/* Not with a flush, which would wait. */
	sd_bus_close(authority->bus);
	sd_bus_unref(authority->bus);
	ebb_close_fd(&authority->subject.pidfd);
	free(authority);
}

static void end(struct ebb_authority *authority,
		enum ebb_authority_answer answer)
{
	ebb_authority_fn done = authority->done;
	void *opaque = authority->opaque;

	ebb_authority_cancel(authority);
	done(answer, opaque);
}

static int events_of(sd_bus *bus)
{
	int events = sd_bus_get_events(bus);
	int wanted = EBB_LOOP_HANGUP | EBB_LOOP_ERROR;

	if (events < 0)
		return events;
	if (events & POLLIN)
		wanted |= EBB_LOOP_READABLE;
	if (events & POLLOUT)
		wanted |= EBB_LOOP_WRITABLE;
	return wanted;
}

static void on_bus(int watch, int fd, int happened, void *opaque)
{
	struct ebb_authority *authority = opaque;
	int r, events;

	(void)fd;
	(void)happened;
	do
		r = sd_bus_process(authority->bus, NULL);
	while (r > 0 && !authority->ended);
	if (r >= 0 && !authority->slot && sd_bus_is_ready(authority->bus) > 0)
		r = send_question(authority);
	events = r < 0 ? r : events_of(authority->bus);
	/* A bus that hangs up ends it too. */
	if (authority->ended)
		end(authority, authority->answer);
	else if (events < 0)
		end(authority, EBB_AUTHORITY_NO_BUS);
	else
		ebb_loop_watch_set(watch, events);
}

static void on_deadline(int timer, void *opaque)
{
	(void)timer;
	end(opaque, EBB_AUTHORITY_SILENT);
}

static enum ebb_authority_answer subject_fault(int error)
{
	return error == -ESRCH || error == -ENOENT ? EBB_AUTHORITY_NO
						   : EBB_AUTHORITY_FAILED;
}

static enum ebb_authority_answer bus_fault(int error)
{
	switch (error) {
	case -ENOMEM:
	case -EMFILE:
	case -ENFILE:
		return EBB_AUTHORITY_FAILED;
	case -EAFNOSUPPORT:
	case -ENAMETOOLONG:
		return EBB_AUTHORITY_ODD_BUS;
	default:
		return EBB_AUTHORITY_NO_BUS;
	}
}

/* Returns whether the bus is on its way; else @ret_answer has why not. */
static bool begin(struct ebb_authority *authority, int fd,
		  enum ebb_authority_answer *ret_answer)
{
	int r = find_subject(fd, &authority->subject), events;

	if (r < 0) {
		*ret_answer = subject_fault(r);
		return false;
	}
	r = open_bus(&authority->bus);
	events = r < 0 ? r : events_of(authority->bus);
	if (events < 0) {
		*ret_answer = bus_fault(events);
		return false;
	}
	authority->watch = ebb_loop_watch(sd_bus_get_fd(authority->bus), events,
					  on_bus, authority);
	authority->deadline =
		ebb_loop_timer(EBB_AUTHORITY_WAIT_MS, on_deadline, authority);
	*ret_answer = EBB_AUTHORITY_FAILED;
	return authority->watch >= 0 && authority->deadline >= 0;
}

struct ebb_authority *ebb_authority_ask(int fd, ebb_authority_fn done,
					void *opaque,
					enum ebb_authority_answer *ret_answer)
{
	struct ebb_authority *authority = calloc(1, sizeof(*authority));

	*ret_answer = EBB_AUTHORITY_FAILED;
	if (!authority)
		return NULL;
	*authority = (struct ebb_authority){
		.subject.pidfd = -1,
		.watch = -1,
		.deadline = -1,
		.done = done,
		.opaque = opaque,
	};
	if (begin(authority, fd, ret_answer))
		return authority;
	ebb_authority_cancel(authority);
	return NULL;
}

const char *ebb_authority_fault(enum ebb_authority_answer answer)
{
	switch (answer) {
	case EBB_AUTHORITY_NO:
	case EBB_AUTHORITY_YES:
		break;
	case EBB_AUTHORITY_ODD_BUS:
		return "DBUS_SYSTEM_BUS_ADDRESS of ebbd is not of the form "
		       "unix:path=PATH: set it so, or unset it";
	case EBB_AUTHORITY_NO_BUS:
		return "the system bus does not answer: start dbus";
	case EBB_AUTHORITY_NO_POLKIT:
		return "polkit is not on the system bus: install and start it";
	case EBB_AUTHORITY_ERROR:
		return "polkit answers with an error: see that 'pkaction "
		       "--action-id " EBB_AUTHORITY_ACTION "' knows the action";
	case EBB_AUTHORITY_SILENT:
		return "polkit has not answered: see 'systemctl status dbus "
		       "polkit'";
	case EBB_AUTHORITY_FAILED:
		return "ebbd is out of memory or of files: see what it holds, "
		       "and report it";
	}
	return NULL;
}
