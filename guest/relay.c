/* SPDX-License-Identifier: GPL-2.0-only */
#include "guest/relay.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "protocol/frame.h"
#include "protocol/message.h"

#define RELAY_DIR "/run/ebb-agent"
#define RELAY_SOCKET RELAY_DIR "/qga.sock"

enum {
	CONNECT_RETRY_MS = 50,
	CONNECT_TRIES = 100,
	RESTART_MIN_MS = 1000,
	RESTART_MAX_MS = 60 * 1000,
	READ_TURNS = 16,
	END_MS = 2000, /* for qemu-ga to end by itself */
	END_POLL_MS = 20,
};

#define OUT_BYTES_MAX (2 * (size_t)EBB_RELAY_BYTES_MAX)

struct ebb_relay {
	sd_event *event;
	const char *program;
	ebb_relay_line_fn line;
	void *opaque;

	sd_event_source *child;
	pid_t pid; /* 0: not running */
	sd_event_source *timer; /* next try to connect or to start */
	unsigned int tries;
	unsigned int restart_ms;
	bool told_missing;

	int fd;
	sd_event_source *io;
	struct ebb_frame frame;
	char *out;
	size_t out_bytes;
	bool discarding; /* until qemu-ga answers @sync_id */
	uint32_t sync_id;
};

static int on_timer(sd_event_source *source, uint64_t usec, void *opaque);

static void set_timer(struct ebb_relay *relay, unsigned int ms)
{
	sd_event_source_set_time_relative(relay->timer, (uint64_t)ms * 1000);
	sd_event_source_set_enabled(relay->timer, SD_EVENT_ONESHOT);
}

static void disconnect(struct ebb_relay *relay)
{
	relay->io = sd_event_source_disable_unref(relay->io);
	if (relay->fd >= 0)
		close(relay->fd);
	relay->fd = -1;
	relay->out_bytes = 0;
	relay->discarding = false;
	ebb_frame_reset(&relay->frame);
}

static void restart_later(struct ebb_relay *relay)
{
	disconnect(relay);
	relay->tries = 0;
	set_timer(relay, relay->restart_ms);
	if (relay->restart_ms < RESTART_MAX_MS)
		relay->restart_ms *= 2;
}

/* Only the answer to our own sync ends the silence. */
static void handle_line(struct ebb_relay *relay, const char *line,
			size_t line_bytes)
{
	struct ebb_msg msg = { 0 };
	char *copy;

	if (relay->discarding) {
		if (ebb_msg_parse(line, line_bytes, &msg, NULL) < 0)
			return;
		if (msg.kind == EBB_MSG_REPLY &&
		    json_object_is_type(msg.body, json_type_int) &&
		    json_object_get_int64(msg.body) == (int64_t)relay->sync_id)
			relay->discarding = false;
		ebb_msg_clear(&msg);
		return;
	}
	copy = malloc(line_bytes + 1);
	if (!copy)
		return;
	memcpy(copy, line, line_bytes);
	copy[line_bytes] = '\n';
	relay->line(copy, line_bytes + 1, relay->opaque);
	free(copy);
}

static int read_lines(struct ebb_relay *relay)
{
	const char *line;
	size_t line_bytes;
	char data[16384];

	for (int turn = 0; turn < READ_TURNS; turn++) {
		ssize_t got = read(relay->fd, data, sizeof(data));

		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (got <= 0)
			return -EPIPE;
		if (ebb_frame_push(&relay->frame, data, (size_t)got) < 0)
			return -ENOMEM;
		while (ebb_frame_next(&relay->frame, &line, &line_bytes))
			handle_line(relay, line, line_bytes);
	}
	return 0;
}

static int flush_output(struct ebb_relay *relay)
{
	while (relay->out_bytes > 0) {
		ssize_t sent = send(relay->fd, relay->out, relay->out_bytes,
				    MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN)
			break;
		if (sent < 0)
			return -errno;
		relay->out_bytes -= (size_t)sent;
		memmove(relay->out, relay->out + sent, relay->out_bytes);
	}
	return sd_event_source_set_io_events(
		relay->io, relay->out_bytes ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents,
		 void *opaque)
{
	struct ebb_relay *relay = opaque;
	int r = 0;

	(void)source;
	(void)fd;
	if (revents & EPOLLOUT)
		r = flush_output(relay);
	if (r >= 0 && (revents & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		r = read_lines(relay);
	if (r < 0) {
		/* If the process died, on_child() starts it again. */
		disconnect(relay);
		if (relay->pid)
			set_timer(relay, CONNECT_RETRY_MS);
	}
	return 0;
}

static int watch(struct ebb_relay *relay, int fd)
{
	int r = sd_event_add_io(relay->event, &relay->io, fd, EPOLLIN, on_io,
				relay);

	if (r < 0)
		return r;
	relay->fd = fd;
	relay->restart_ms = RESTART_MIN_MS;
	return 0;
}

static void try_connect(struct ebb_relay *relay)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX,
				       .sun_path = RELAY_SOCKET };
	int fd ebb_auto_close =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 &&
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    watch(relay, fd) == 0) {
		ebb_steal_fd(&fd);
		relay->tries = 0;
		return;
	}
	if (++relay->tries < CONNECT_TRIES) {
		set_timer(relay, CONNECT_RETRY_MS);
		return;
	}
	ebb_log(EBB_LOG_WARNING,
		"qemu-ga does not listen on " RELAY_SOCKET "; starting it "
		"again");
	kill(relay->pid, SIGKILL);
}

static int on_child(sd_event_source *source, const siginfo_t *info,
		    void *opaque)
{
	struct ebb_relay *relay = opaque;

	(void)source;
	relay->child = sd_event_source_disable_unref(relay->child);
	relay->pid = 0;
	ebb_log(EBB_LOG_WARNING,
		"qemu-ga ended (%s %d); starting it again in %u ms",
		info->si_code == CLD_EXITED ? "exit code" : "signal",
		info->si_status, relay->restart_ms);
	restart_later(relay);
	return 0;
}

static const char *find_program(const struct ebb_relay *relay)
{
	static const char *const paths[] = { "/usr/sbin/qemu-ga",
					     "/usr/bin/qemu-ga" };

	if (relay->program)
		return access(relay->program, X_OK) == 0 ? relay->program
							 : NULL;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(paths); i++)
		if (access(paths[i], X_OK) == 0)
			return paths[i];
	return NULL;
}

static void exec_qga(const char *program, pid_t parent)
{
	sigset_t none;

	/* It must not outlive us and hold on to nothing. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL); /* what we ignore would be inherited */
	execl(program, "qemu-ga", "-m", "unix-listen", "-p", RELAY_SOCKET, "-t",
	      RELAY_DIR, (char *)NULL);
	_exit(127);
}

static int start_process(struct ebb_relay *relay)
{
	const char *program = find_program(relay);
	pid_t parent = getpid();
	pid_t pid;

	if (!program) {
		if (!relay->told_missing)
			ebb_log(EBB_LOG_WARNING,
				"no qemu-ga here: its commands are not served; "
				"install qemu-guest-agent");
		relay->told_missing = true;
		return -ENOENT;
	}
	if (mkdir(RELAY_DIR, 0700) < 0 && errno != EEXIST)
		return -errno;
	unlink(RELAY_SOCKET);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		exec_qga(program, parent);
	relay->pid = pid;
	return sd_event_add_child(relay->event, &relay->child, pid, WEXITED,
				  on_child, relay);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *opaque)
{
	struct ebb_relay *relay = opaque;

	(void)source;
	(void)usec;
	if (relay->pid)
		try_connect(relay);
	else if (start_process(relay) == 0)
		set_timer(relay, CONNECT_RETRY_MS);
	else
		restart_later(relay);
	return 0;
}

static struct ebb_relay *new_relay(sd_event *event, ebb_relay_line_fn line,
				   void *opaque)
{
	struct ebb_relay *relay = calloc(1, sizeof(*relay));

	if (!relay)
		return NULL;
	relay->event = sd_event_ref(event);
	relay->line = line;
	relay->opaque = opaque;
	relay->fd = -1;
	relay->restart_ms = RESTART_MIN_MS;
	ebb_frame_init(&relay->frame, EBB_RELAY_BYTES_MAX);
	return relay;
}

int ebb_relay_start(sd_event *event, const char *program,
		    ebb_relay_line_fn line, void *opaque,
		    struct ebb_relay **ret_relay)
{
	struct ebb_relay *relay = new_relay(event, line, opaque);
	int r;

	if (!relay)
		return -ENOMEM;
	relay->program = program;
	r = sd_event_add_time_relative(event, &relay->timer, CLOCK_MONOTONIC, 0,
				       0, on_timer, relay);
	if (r < 0) {
		ebb_relay_stop(relay);
		return r;
	}
	*ret_relay = relay;
	return 0;
}

int ebb_relay_attach(sd_event *event, int fd, ebb_relay_line_fn line,
		     void *opaque, struct ebb_relay **ret_relay)
{
	struct ebb_relay *relay = new_relay(event, line, opaque);
	int r;

	if (!relay)
		return -ENOMEM;
	r = watch(relay, fd);
	if (r < 0) {
		ebb_relay_stop(relay);
		return r;
	}
	*ret_relay = relay;
	return 0;
}

/* A command that hangs in qemu-ga must not hang our own end. */
static void end_process(pid_t pid)
{
	const struct timespec pause = { .tv_nsec = END_POLL_MS * 1000000L };

	kill(pid, SIGTERM);
	for (int waited_ms = 0; waited_ms < END_MS; waited_ms += END_POLL_MS) {
		if (waitpid(pid, NULL, WNOHANG) != 0)
			return;
		nanosleep(&pause, NULL);
	}
	ebb_log(EBB_LOG_WARNING, "qemu-ga does not end; killing it");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

void ebb_relay_stop(struct ebb_relay *relay)
{
	if (!relay)
		return;
	disconnect(relay);
	sd_event_source_disable_unref(relay->child);
	sd_event_source_disable_unref(relay->timer);
	if (relay->pid) {
		end_process(relay->pid);
		unlink(RELAY_SOCKET);
	}
	sd_event_unref(relay->event);
	ebb_frame_clear(&relay->frame);
	free(relay->out);
	free(relay);
}

bool ebb_relay_is_up(const struct ebb_relay *relay)
{
	return relay->fd >= 0;
}

int ebb_relay_send(struct ebb_relay *relay, const char *line, size_t line_bytes)
{
	char *out;

	if (relay->fd < 0)
		return -ENOTCONN;
	if (line_bytes + 1 > OUT_BYTES_MAX - relay->out_bytes)
		return -EAGAIN;
	out = realloc(relay->out, relay->out_bytes + line_bytes + 1);
	if (!out)
		return -EAGAIN;
	relay->out = out;
	memcpy(out + relay->out_bytes, line, line_bytes);
	out[relay->out_bytes + line_bytes] = '\n';
	relay->out_bytes += line_bytes + 1;
	/* A failure is found again, and handled, by on_io(). */
	flush_output(relay);
	return 0;
}

void ebb_relay_resync(struct ebb_relay *relay)
{
	char line[96];
	int length;

	if (relay->fd < 0)
		return;
	if (getrandom(&relay->sync_id, sizeof(relay->sync_id), 0) !=
	    sizeof(relay->sync_id))
		relay->sync_id++;
	relay->sync_id &= INT32_MAX;
	length = snprintf(line, sizeof(line),
			  "{\"execute\":\"guest-sync\",\"arguments\":"
			  "{\"id\":%" PRIu32 "}}",
			  relay->sync_id);
	relay->discarding = true;
	ebb_relay_send(relay, line, (size_t)length);
}
