/* SPDX-License-Identifier: GPL-2.0-only */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json.h>

#include "tests/bench/stand-in/stand-in.h"

#define QEMU "/usr/bin/qemu-system-x86_64"
#define MONITOR_LABEL "charmonitor"
/* What stands in the XML first is Ebb's channel; others are not served. */
#define AGENT_LABEL "charchannel0"

enum {
	INPUT_BYTES_MAX = 64 << 10,
	TICK_MS = 1000,
};

static struct stand_in_port ports[STAND_IN_CHANNELS_MAX];
static size_t port_count;
static struct stand_in_monitor monitor = { .ports = ports };
static struct stand_in_guest *guest;
static volatile sig_atomic_t fill_wanted;

void stand_in_send(struct stand_in_port *port, const char *text, size_t bytes)
{
	while (bytes > 0 && port->fd >= 0) {
		ssize_t sent = send(port->fd, text, bytes, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		/* The next poll() tells why. */
		if (sent < 0)
			return;
		text += sent;
		bytes -= (size_t)sent;
	}
}

/* ---- the command line of QEMU ---- */

/* "-chardev socket,id=NAME,fd=N,server=on,wait=off" */
static void add_port(const char *chardev)
{
	struct stand_in_port *port = &ports[port_count];

	if (port_count == STAND_IN_CHANNELS_MAX ||
	    sscanf(chardev, "socket,id=%31[^,],fd=%d", port->label,
		   &port->listener) != 2)
		errx(1, "-chardev %s: not expected", chardev);
	port->fd = -1;
	port_count++;
	monitor.port_count = port_count;
}

static void make_memory(uint64_t bytes)
{
	int fd = memfd_create("memory-backend-memfd", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0)
		err(1, "memfd");
	guest = stand_in_guest_new(fd, bytes);
}

/* "-object {"qom-type":"memory-backend-memfd",...,"size":N}" */
static void take_object(const char *text)
{
	struct json_object *object = json_tokener_parse(text);
	struct json_object *type, *size;

	if (json_object_object_get_ex(object, "qom-type", &type) &&
	    strcmp(json_object_get_string(type), "memory-backend-memfd") == 0 &&
	    json_object_object_get_ex(object, "size", &size))
		make_memory((uint64_t)json_object_get_int64(size));
	json_object_put(object);
}

static bool has_argument(char **argv, const char *option, const char *begin)
{
	for (; argv[0] && argv[1]; argv++)
		if (strcmp(argv[0], option) == 0 &&
		    strncmp(argv[1], begin, strlen(begin)) == 0)
			return true;
	return false;
}

static void take_arguments(char **argv)
{
	for (; argv[0] && argv[1]; argv++) {
		if (strcmp(argv[0], "-chardev") == 0)
			add_port(argv[1]);
		if (strcmp(argv[0], "-object") == 0)
			take_object(argv[1]);
	}
	if (!guest)
		errx(1, "the domain has no memory of source memfd");
}

/* ---- ports ---- */

static bool is_monitor(const struct stand_in_port *port)
{
	return strcmp(port->label, MONITOR_LABEL) == 0;
}

static bool is_agent(const struct stand_in_port *port)
{
	return strcmp(port->label, AGENT_LABEL) == 0;
}

static void connect_port(struct stand_in_port *port)
{
	port->fd = accept4(port->listener, NULL, NULL, SOCK_CLOEXEC);
	if (port->fd < 0)
		return;
	if (is_monitor(port))
		stand_in_monitor_greet(port);
	if (is_agent(port))
		stand_in_guest_greet(port);
}

static void disconnect_port(struct stand_in_port *port)
{
	close(port->fd);
	port->fd = -1;
	free(port->input);
	port->input = NULL;
	port->input_bytes = 0;
}

static void take_line(struct stand_in_port *port, const char *line,
		      size_t bytes)
{
	if (is_monitor(port))
		stand_in_monitor_take(&monitor, port, line, bytes);
	if (is_agent(port))
		stand_in_guest_take(guest, port, line, bytes);
}

static void keep_rest(struct stand_in_port *port, const char *rest,
		      size_t bytes)
{
	char *kept = bytes ? malloc(bytes) : NULL;

	if (kept)
		memcpy(kept, rest, bytes);
	free(port->input);
	port->input = kept;
	port->input_bytes = kept ? bytes : 0;
}

static void read_port(struct stand_in_port *port)
{
	static char buffer[INPUT_BYTES_MAX];
	size_t bytes = port->input_bytes;
	char *line = buffer, *end;
	ssize_t got;

	if (bytes)
		memcpy(buffer, port->input, bytes);
	got = read(port->fd, buffer + bytes, sizeof(buffer) - bytes);
	if (got < 0 && errno == EINTR)
		return;
	if (got <= 0) {
		disconnect_port(port);
		return;
	}
	bytes += (size_t)got;
	while ((end = memchr(line, '\n', bytes))) {
		if (end > line)
			take_line(port, line, (size_t)(end - line));
		bytes -= (size_t)(end + 1 - line);
		line = end + 1;
	}
	keep_rest(port, line, bytes);
}

/* ---- the loop ---- */

static void on_fill(int signal)
{
	(void)signal;
	fill_wanted = 1;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void serve_ports(int timeout_ms)
{
	struct pollfd ready[STAND_IN_CHANNELS_MAX];

	for (size_t i = 0; i < port_count; i++)
		ready[i] = (struct pollfd){
			.fd = ports[i].fd < 0 ? ports[i].listener : ports[i].fd,
			.events = POLLIN,
		};
	if (poll(ready, port_count, timeout_ms) <= 0)
		return;
	for (size_t i = 0; i < port_count; i++) {
		if (!ready[i].revents)
			continue;
		if (ports[i].fd < 0)
			connect_port(&ports[i]);
		else
			read_port(&ports[i]);
	}
}

int main(int argc, char **argv)
{
	struct sigaction fill = { .sa_handler = on_fill };
	uint64_t tick_ms = now_ms();

	if (argc < 2 || !has_argument(argv, "-uuid", "") ||
	    has_argument(argv, "-machine", "none")) {
		argv[0] = (char[]){ QEMU };
		execv(QEMU, argv);
		err(1, QEMU);
	}
	take_arguments(argv);
	sigaction(SIGUSR1, &fill, NULL);
	for (;;) {
		uint64_t now = now_ms();

		if (now >= tick_ms) {
			stand_in_guest_tick(guest);
			tick_ms = now + TICK_MS;
		}
		if (fill_wanted) {
			fill_wanted = 0;
			stand_in_guest_fill(guest);
		}
		serve_ports((int)(tick_ms - now));
	}
}
