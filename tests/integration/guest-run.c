/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * guest-run SOCKET SECONDS COMMAND: runs a command in a guest of the tests,
 * prints what it prints and exits as it does; 124 if it takes longer, 125 if
 * the guest cannot be reached. tests/guest/guest-shell.c is the other end and
 * has the protocol.
 *
 * A guest that has not booted yet is waited for: the line stays in the socket
 * until the port is opened. A guest that resets meanwhile drops it; who resets
 * one asks again with a short time limit.
 */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	EXIT_TIMEOUT = 124,
	EXIT_UNREACHABLE = 125,
	LINE_BYTES_MAX = 8 * 1024,
};

struct answer {
	char id[20];
	char line[LINE_BYTES_MAX];
	size_t used;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int dial(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		errx(EXIT_UNREACHABLE, "%s: path is too long", path);
	strcpy(address.sun_path, path);
	if (sock < 0 ||
	    connect(sock, (struct sockaddr *)&address, sizeof(address)) < 0)
		err(EXIT_UNREACHABLE, "%s", path);
	return sock;
}

static void send_command(int sock, const char *id, const char *command)
{
	size_t bytes = strlen(command) * 2 + 64;
	char *line = malloc(bytes);
	size_t used;

	if (!line)
		err(EXIT_UNREACHABLE, NULL);
	used = (size_t)snprintf(line, bytes, "\n%s ", id);
	for (; *command; command++) {
		if (*command == '\n' || *command == '\\')
			line[used++] = '\\';
		line[used++] = *command == '\n' ? 'n' : *command;
	}
	line[used++] = '\n';
	for (size_t sent = 0; sent < used;) {
		ssize_t put =
			send(sock, line + sent, used - sent, MSG_NOSIGNAL);

		if (put < 0)
			err(EXIT_UNREACHABLE, "send");
		sent += (size_t)put;
	}
	free(line);
}

static void print_piece(const char *text)
{
	for (; *text; text++) {
		if (*text == '\\' && text[1])
			putchar(*++text == 'n' ? '\n' : *text);
		else
			putchar(*text);
	}
}

/* One line of the guest; exits if it is the last. */
static void take_line(const struct answer *answer)
{
	size_t id_bytes = strlen(answer->id);
	const char *rest = answer->line + id_bytes;

	if (strncmp(answer->line, answer->id, id_bytes) != 0)
		return;
	if (strncmp(rest, " o ", 3) == 0) {
		print_piece(rest + 3);
		fflush(stdout);
	} else if (strncmp(rest, " x ", 3) == 0) {
		exit(atoi(rest + 3));
	}
}

static void take_bytes(struct answer *answer, const char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (bytes[i] != '\n') {
			answer->line[answer->used++] = bytes[i];
			answer->used %= LINE_BYTES_MAX - 1;
			continue;
		}
		answer->line[answer->used] = '\0';
		answer->used = 0;
		take_line(answer);
	}
}

int main(int argc, char **argv)
{
	static struct answer answer;
	struct pollfd sock = { .events = POLLIN };
	int64_t deadline;
	uint64_t id;

	if (argc != 4)
		errx(EXIT_UNREACHABLE,
		     "usage: guest-run SOCKET SECONDS COMMAND");
	if (getrandom(&id, sizeof(id), 0) != sizeof(id))
		err(EXIT_UNREACHABLE, "getrandom");
	snprintf(answer.id, sizeof(answer.id), "%016llx",
		 (unsigned long long)id);
	deadline = now_ms() + (int64_t)(atof(argv[2]) * 1000);
	sock.fd = dial(argv[1]);
	send_command(sock.fd, answer.id, argv[3]);
	for (;;) {
		char bytes[4096];
		int64_t left = deadline - now_ms();
		ssize_t got;

		if (left <= 0 || poll(&sock, 1, (int)left) == 0)
			errx(EXIT_TIMEOUT, "no end within %s s: %s", argv[2],
			     argv[3]);
		got = read(sock.fd, bytes, sizeof(bytes));
		if (got == 0 || (got < 0 && errno != EINTR))
			errx(EXIT_UNREACHABLE, "the guest's port was closed");
		if (got > 0)
			take_bytes(&answer, bytes, (size_t)got);
	}
}
