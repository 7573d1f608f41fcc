/* SPDX-License-Identifier: GPL-2.0-only */
#include "guest/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "guest/qga_options.h"

enum {
	CONNECT_RETRY_MS = 50,
	CONNECT_TRIES = 100,
	/* The stock service starts it again at once. */
	RESTART_MIN_MS = 100,
	RESTART_MAX_MS = 60 * 1000,
	STEADY_MS = 10 * 1000, /* one that ran so long may fail anew */
	READ_TURNS = 16,
	END_MS = 2000, /* for qemu-ga to end by itself */
	END_POLL_MS = 20,
};

struct ebb_relay {
	sd_event *event;
	const char *program;
	const char *dir;
	struct sockaddr_un address; /* in @dir */
	const struct ebb_relay_ops *ops;
	void *opaque;

	sd_event_source *child;
	pid_t pid; /* 0: not running */
	uint64_t start_us;
	sd_event_source *timer; /* next try to connect or to start */
	unsigned int tries;
	unsigned int restart_ms;

	int fd;
	bool held;
	sd_event_source *io;
	char *out;
	size_t out_bytes;
};

static void set_timer(struct ebb_relay *relay, unsigned int ms)
{
	sd_event_source_set_time_relative(relay->timer, (uint64_t)ms * 1000);
	sd_event_source_set_enabled(relay->timer, SD_EVENT_ONESHOT);
}

static uint64_t now_us(const struct ebb_relay *relay)
{
	uint64_t usec = 0;

	sd_event_now(relay->event, CLOCK_MONOTONIC, &usec);
	return usec;
}

static void disconnect(struct ebb_relay *relay)
{
	relay->io = sd_event_source_disable_unref(relay->io);
	if (relay->fd >= 0)
		close(relay->fd);
	relay->fd = -1;
	relay->out_bytes = 0;
	relay->held = false;
}

static void go_down(struct ebb_relay *relay)
{
	bool was_up = relay->fd >= 0;

	disconnect(relay);
	if (was_up)
		relay->ops->down(relay->opaque);
}

/* ---- the stream ---- */

static int set_events(struct ebb_relay *relay)
{
	return sd_event_source_set_io_events(
		relay->io, (relay->held ? 0 : EPOLLIN) |
				   (relay->out_bytes ? EPOLLOUT : 0));
}

static int flush_output(struct ebb_relay *relay)
{
	size_t done = 0;

	while (done < relay->out_bytes) {
		ssize_t sent = send(relay->fd, relay->out + done,
				    relay->out_bytes - done, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN)
			break;
		if (sent < 0)
			return -errno;
		done += (size_t)sent;
	}
	relay->out_bytes -= done;
	memmove(relay->out, relay->out + done, relay->out_bytes);
	return set_events(relay);
}

static int read_data(struct ebb_relay *relay)
{
	char data[16384];

	for (int turn = 0; turn < READ_TURNS && !relay->held; turn++) {
		ssize_t got = read(relay->fd, data, sizeof(data));

		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (got <= 0)
			return -EPIPE;
		relay->ops->data(data, (size_t)got, relay->opaque);
	}
	return 0;
}

static int on_io(sd_event_source *source, int fd, uint32_t revents,
		 void *opaque)
{
	struct ebb_relay *relay = opaque;
	int r = 0;

	(void)source;
	(void)fd;
	if (revents & EPOLLOUT) {
		r = flush_output(relay);
		if (r >= 0 && relay->out_bytes == 0)
			relay->ops->drained(relay->opaque);
	}
	/* What it said before it went is still to be read, unless it is held. */
	if (r >= 0 && revents & (EPOLLIN | EPOLLHUP | EPOLLERR))
		r = relay->held && revents & (EPOLLHUP | EPOLLERR)
			    ? -EPIPE
			    : read_data(relay);
	if (r < 0) {
		/* If the process died, on_child() starts it again. */
		go_down(relay);
		if (relay->pid)
			set_timer(relay, CONNECT_RETRY_MS);
	}
	return 0;
}

static void try_connect(struct ebb_relay *relay)
{
	int fd ebb_auto_close =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 &&
	    connect(fd, (struct sockaddr *)&relay->address,
		    sizeof(relay->address)) == 0 &&
	    sd_event_add_io(relay->event, &relay->io, fd, EPOLLIN, on_io,
			    relay) >= 0) {
		relay->fd = ebb_steal_fd(&fd);
		relay->tries = 0;
		relay->ops->up(relay->opaque);
		return;
	}
	if (++relay->tries < CONNECT_TRIES) {
		set_timer(relay, CONNECT_RETRY_MS);
		return;
	}
	ebb_log(EBB_LOG_WARNING,
		"qemu-ga does not listen on %s; starting it again",
		relay->address.sun_path);
	kill(relay->pid, SIGKILL);
}

/* ---- the process ---- */

static void restart_later(struct ebb_relay *relay)
{
	relay->tries = 0;
	set_timer(relay, relay->restart_ms);
	if (relay->restart_ms < RESTART_MAX_MS)
		relay->restart_ms *= 2;
}

static int on_child(sd_event_source *source, const siginfo_t *info,
		    void *opaque)
{
	struct ebb_relay *relay = opaque;

	(void)source;
	relay->child = sd_event_source_disable_unref(relay->child);
	relay->pid = 0;
	if (now_us(relay) - relay->start_us >= (uint64_t)STEADY_MS * 1000)
		relay->restart_ms = RESTART_MIN_MS;
	ebb_log(EBB_LOG_WARNING,
		"qemu-ga ended (%s %d); starting it again in %u ms",
		info->si_code == CLD_EXITED ? "exit code" : "signal",
		info->si_status, relay->restart_ms);
	go_down(relay);
	restart_later(relay);
	return 0;
}

/* What the stock service has: nobody's favourite. */
static void reset_oom_score(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "0", 1) < 0) {
		/* It is as it is. */
	}
	close(fd);
}

static void exec_qga(const char *program, char *const *words, pid_t parent)
{
	static const char *const ours[] = { "NOTIFY_SOCKET",
					    "RUNTIME_DIRECTORY", "WATCHDOG_PID",
					    "WATCHDOG_USEC" };
	sigset_t none;

	/* It must not outlive us and hold on to nothing. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(0);
	for (size_t i = 0; i < EBB_ARRAY_SIZE(ours); i++)
		unsetenv(ours[i]);
	reset_oom_score();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL); /* what we ignore would be inherited */
	execv(program, words);
	_exit(127);
}

/* The system's options, between ours: it may have a state directory of its own. */
static int fill_words(struct ebb_relay *relay,
		      const struct ebb_qga_options *options, char **words,
		      size_t word_count)
{
	static char name[] = "qemu-ga", state[] = "-t", method[] = "-m",
		    listen[] = "unix-listen", path[] = "-p";
	char *const first[] = { name, state, (char *)relay->dir };
	char *const last[] = { method, listen, path, relay->address.sun_path };
	size_t count = 0;

	if (EBB_ARRAY_SIZE(first) + options->count + EBB_ARRAY_SIZE(last) + 1 >
	    word_count)
		return -E2BIG;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(first); i++)
		words[count++] = first[i];
	for (size_t i = 0; i < options->count; i++)
		words[count++] = options->words[i];
	for (size_t i = 0; i < EBB_ARRAY_SIZE(last); i++)
		words[count++] = last[i];
	words[count] = NULL;
	return 0;
}

static int start_process(struct ebb_relay *relay)
{
	struct ebb_qga_options *options ebb_auto_free =
		calloc(1, sizeof(*options));
	char *words[EBB_QGA_OPTIONS_MAX + 16], path[256];
	pid_t parent = getpid();
	pid_t pid;
	int r;

	if (!options)
		return -ENOMEM;
	r = ebb_qga_options_read("", options, path);
	if (r == 0)
		r = fill_words(relay, options, words, EBB_ARRAY_SIZE(words));
	if (r < 0) {
		ebb_log(EBB_LOG_ERR,
			"%s: the options of qemu-ga are not understood, so it "
			"is not started: mend them, or serve Ebb on a channel "
			"of its own",
			path);
		return r;
	}
	if (mkdir(relay->dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	unlink(relay->address.sun_path);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		exec_qga(relay->program, words, parent);
	relay->pid = pid;
	relay->start_us = now_us(relay);
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

const char *ebb_relay_find(const char *program)
{
	static const char *const paths[] = { "/usr/sbin/qemu-ga",
					     "/usr/bin/qemu-ga" };

	if (program)
		return access(program, X_OK) == 0 ? program : NULL;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(paths); i++)
		if (access(paths[i], X_OK) == 0)
			return paths[i];
	return NULL;
}

int ebb_relay_start(sd_event *event, const char *program, const char *dir,
		    const struct ebb_relay_ops *ops, void *opaque,
		    struct ebb_relay **ret_relay)
{
	struct ebb_relay *relay = calloc(1, sizeof(*relay));
	int r;

	if (!relay)
		return -ENOMEM;
	relay->program = program;
	relay->dir = dir;
	relay->address.sun_family = AF_UNIX;
	if ((size_t)snprintf(relay->address.sun_path,
			     sizeof(relay->address.sun_path), "%s/qga.sock",
			     dir) >= sizeof(relay->address.sun_path)) {
		free(relay);
		return -ENAMETOOLONG;
	}
	relay->event = sd_event_ref(event);
	relay->ops = ops;
	relay->opaque = opaque;
	relay->fd = -1;
	relay->restart_ms = RESTART_MIN_MS;
	r = sd_event_add_time_relative(event, &relay->timer, CLOCK_MONOTONIC, 0,
				       0, on_timer, relay);
	if (r < 0) {
		ebb_relay_stop(relay);
		return r;
	}
	*ret_relay = relay;
	return 0;
}

static bool wait_for_end(pid_t pid)
{
	const struct timespec pause = { .tv_nsec = END_POLL_MS * 1000000L };

	for (int waited_ms = 0; waited_ms < END_MS; waited_ms += END_POLL_MS) {
		if (waitpid(pid, NULL, WNOHANG) != 0)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

/*
 * A command that hangs in qemu-ga must not hang our own end. One that waits in
 * the kernel for a file system that is frozen does not even die of a signal.
 */
static void end_process(pid_t pid)
{
	kill(pid, SIGTERM);
	if (wait_for_end(pid))
		return;
	ebb_log(EBB_LOG_WARNING, "qemu-ga does not end; killing it");
	kill(pid, SIGKILL);
	wait_for_end(pid);
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
		unlink(relay->address.sun_path);
	}
	sd_event_unref(relay->event);
	free(relay->out);
	free(relay);
}

bool ebb_relay_is_up(const struct ebb_relay *relay)
{
	return relay->fd >= 0;
}

void ebb_relay_send(struct ebb_relay *relay, const char *data,
		    size_t data_bytes)
{
	char *out;

	if (relay->fd < 0)
		return;
	out = realloc(relay->out, relay->out_bytes + data_bytes);
	if (!out)
		return;
	relay->out = out;
	memcpy(out + relay->out_bytes, data, data_bytes);
	relay->out_bytes += data_bytes;
	/* A failure is found again, and handled, by on_io(). */
	if (flush_output(relay) < 0)
		set_events(relay);
}

size_t ebb_relay_pending(const struct ebb_relay *relay)
{
	return relay->out_bytes;
}

void ebb_relay_hold(struct ebb_relay *relay, bool hold)
{
	relay->held = hold;
	if (relay->fd >= 0)
		set_events(relay);
}
