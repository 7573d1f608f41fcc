/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's end of the tests' remote shell, on a virtio port.
 *
 * The host sends a line "ID COMMAND", and gets
 *
 *   ID o TEXT      a piece of output
 *   ID x STATUS    the command has ended, 128 + signal if it was killed
 *
 * with newlines and backslashes of COMMAND and TEXT written as \n and \\.
 *
 * A host that gives up leaves half a line and unread answers behind. So the
 * id is the host's and random, it skips lines of others, and each piece goes
 * out after a newline of its own. Each command has a process of its own: one
 * that hangs holds up no other. What a command leaves running in the
 * background does not keep it from ending: its end is its shell's.
 */
#include <config.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	COMMAND_BYTES_MAX = 64 * 1024,
	ID_BYTES_MAX = 32,
	PIECE_BYTES = 1024,
	/* How soon a new host is seen while none is connected. */
	RETRY_MS = 50,
};

static void send_line(int port, const char *line, size_t bytes)
{
	while (bytes > 0) {
		ssize_t sent = write(port, line, bytes);

		if (sent < 0 && errno != EINTR)
			return; /* the host has gone, nobody is to be told */
		if (sent > 0) {
			line += sent;
			bytes -= (size_t)sent;
		}
	}
}

static void send_piece(int port, const char *id, const char *text, size_t bytes)
{
	char line[2 * PIECE_BYTES + ID_BYTES_MAX + 8];
	size_t used = (size_t)snprintf(line, sizeof(line), "\n%s o ", id);

	for (size_t i = 0; i < bytes; i++) {
		if (text[i] == '\n' || text[i] == '\\')
			line[used++] = '\\';
		line[used++] = text[i] == '\n' ? 'n' : text[i];
	}
	line[used++] = '\n';
	send_line(port, line, used);
}

/* Sends what the pipe holds; false at its end. */
static bool drain(int port, const char *id, int pipe)
{
	char text[PIECE_BYTES];
	ssize_t got;

	while ((got = read(pipe, text, sizeof(text))) > 0)
		send_piece(port, id, text, (size_t)got);
	return got < 0 && (errno == EAGAIN || errno == EINTR);
}

static int wait_and_send(int port, const char *id, int output, pid_t shell)
{
	int pidfd = (int)syscall(SYS_pidfd_open, shell, 0);
	struct pollfd fds[] = { { .fd = pidfd, .events = POLLIN },
				{ .fd = output, .events = POLLIN } };
	int status;

	if (pidfd < 0)
		return 125;
	while (!fds[0].revents) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return 125;
		if (fds[1].revents && !drain(port, id, output))
			fds[1].fd = -1;
	}
	if (fds[1].fd >= 0)
		drain(port, id, output);
	if (waitpid(shell, &status, 0) < 0)
		return 125;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run(int port, const char *id, const char *command)
{
	int output[2];
	pid_t shell;

	if (pipe2(output, O_CLOEXEC) < 0 ||
	    fcntl(output[0], F_SETFL, O_NONBLOCK) < 0)
		return 125;
	shell = fork();
	if (shell < 0)
		return 125;
	if (shell == 0) {
		setsid();
		dup2(open("/dev/null", O_RDONLY), 0);
		dup2(output[1], 1);
		dup2(output[1], 2);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	close(output[1]);
	return wait_and_send(port, id, output[0], shell);
}

static void serve(int port, char *line)
{
	char end[ID_BYTES_MAX + 16];
	char *command = strchr(line, ' ');
	char *to;

	if (!command || command - line >= ID_BYTES_MAX)
		return;
	*command++ = '\0';
	if (fork() != 0)
		return;
	to = command;
	for (const char *from = command; *from; from++) {
		if (*from == '\\' && from[1]) {
			from++;
			*to++ = *from == 'n' ? '\n' : *from;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
	signal(SIGCHLD, SIG_DFL);
	snprintf(end, sizeof(end), "\n%.*s x %d\n", ID_BYTES_MAX, line,
		 run(port, line, command));
	send_line(port, end, strlen(end));
	_exit(0);
}

int main(int argc, char **argv)
{
	static char line[COMMAND_BYTES_MAX];
	size_t used = 0;
	int port;

	if (argc != 2)
		errx(1, "usage: guest-shell PORT");
	signal(SIGCHLD, SIG_IGN);
	port = open(argv[1], O_RDWR | O_CLOEXEC);
	if (port < 0)
		err(1, "%s", argv[1]);
	for (;;) {
		ssize_t got = read(port, &line[used], 1);

		if (got < 0 && errno != EINTR)
			err(1, "%s", argv[1]);
		if (got == 0) {
			/* No host; the port has no other way to wait. */
			used = 0;
			poll(NULL, 0, RETRY_MS);
		} else if (got > 0 && line[used] == '\n') {
			line[used] = '\0';
			used = 0;
			serve(port, line);
		} else if (got > 0 && ++used == sizeof(line)) {
			used = 0;
		}
	}
}
