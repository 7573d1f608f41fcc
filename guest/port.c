/* SPDX-License-Identifier: GPL-2.0-only */
#include "guest/port.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "protocol/frame.h"
#include "protocol/limits.h"

/* What the host has not read; a client that reads nothing gets no more. */
#define OUT_BYTES_MAX (2 * (size_t)EBB_RELAY_BYTES_MAX)

/* A full queue is tried again after this time. */
#define RETRY_US (10 * 1000)

#define SYS_PORTS "/sys/class/virtio-ports"

struct ebb_port {
	int fd;
	bool connected;
	bool held;
	bool told_full;
	sd_event_source *io;
	sd_event_source *retry;
	struct ebb_port_ops ops;
	void *opaque;
	struct ebb_frame frame;
	char *out;
	size_t out_bytes;
};

/* Without udev, sysfs tells which vport has the name. */
static int find_in_sysfs(const char *name, char *ret_path)
{
	DIR *dir ebb_auto_closedir = opendir(SYS_PORTS);
	char path[sizeof(SYS_PORTS) + 300], line[128];
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		FILE *file ebb_auto_fclose = NULL;

		snprintf(path, sizeof(path), SYS_PORTS "/%s/name",
			 entry->d_name);
		file = fopen(path, "re");
		if (!file || !fgets(line, sizeof(line), file))
			continue;
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, name) != 0)
			continue;
		snprintf(ret_path, 256, "/dev/%.200s", entry->d_name);
		return access(ret_path, F_OK) == 0 ? 0 : -ENOENT;
	}
	return -ENOENT;
}

int ebb_port_find(const char *name, char *ret_path)
{
	snprintf(ret_path, 256, "/dev/virtio-ports/%s", name);
	if (access(ret_path, F_OK) == 0)
		return 0;
	return find_in_sysfs(name, ret_path);
}

static void note_drained(struct ebb_port *port)
{
	if (port->out_bytes == 0 && port->ops.drained)
		port->ops.drained(port->opaque);
}

static void drop_output(struct ebb_port *port)
{
	port->out_bytes = 0;
	port->told_full = false;
	sd_event_source_set_enabled(port->retry, SD_EVENT_OFF);
	note_drained(port);
}

static void flush_output(struct ebb_port *port)
{
	while (port->out_bytes > 0) {
		ssize_t written = write(port->fd, port->out, port->out_bytes);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			break;
		port->out_bytes -= (size_t)written;
		memmove(port->out, port->out + written, port->out_bytes);
	}
	if (port->out_bytes > 0) {
		sd_event_source_set_time_relative(port->retry, RETRY_US);
		sd_event_source_set_enabled(port->retry, SD_EVENT_ONESHOT);
	}
}

static int on_retry(sd_event_source *source, uint64_t usec, void *opaque)
{
	(void)source;
	(void)usec;
	flush_output(opaque);
	note_drained(opaque);
	return 0;
}

static void take(struct ebb_port *port, const char *data, size_t data_bytes,
		 int *ret_r)
{
	const char *line;
	size_t line_bytes;

	if (port->ops.data) {
		port->ops.data(data, data_bytes, port->opaque);
		return;
	}
	*ret_r = ebb_frame_push(&port->frame, data, data_bytes);
	while (*ret_r >= 0 && ebb_frame_next(&port->frame, &line, &line_bytes))
		port->ops.line(line, line_bytes, port->opaque);
	if (ebb_frame_take_dropped(&port->frame))
		port->ops.dropped(port->opaque);
}

static int read_lines(struct ebb_port *port)
{
	char data[4096];
	ssize_t got;
	int r = 0;

	while (!port->held) {
		got = read(port->fd, data, sizeof(data));
		if (got < 0 && errno == EINTR)
			continue;
		/* 0 is a host that is not there; the edge tells when it is. */
		if (got == 0 || (got < 0 && errno == EAGAIN))
			return 0;
		if (got < 0)
			return -errno;
		take(port, data, (size_t)got, &r);
		if (r < 0)
			return -ENOMEM;
	}
	return 0;
}

static void read_on(struct ebb_port *port)
{
	int r = read_lines(port);

	if (r >= 0)
		return;
	sd_event_source_set_enabled(port->io, SD_EVENT_OFF);
	port->ops.failed(r, port->opaque);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents,
		 void *opaque)
{
	struct ebb_port *port = opaque;
	bool connected = !(revents & EPOLLHUP);

	(void)source;
	(void)fd;
	if (connected != port->connected) {
		port->connected = connected;
		ebb_frame_reset(&port->frame);
		drop_output(port);
		if (connected)
			port->ops.connected(port->opaque);
	}
	if (revents & EPOLLOUT && port->out_bytes > 0) {
		flush_output(port);
		note_drained(port);
	}
	read_on(port);
	return 0;
}

int ebb_port_open(sd_event *event, const char *path, size_t line_bytes_max,
		  const struct ebb_port_ops *ops, void *opaque,
		  struct ebb_port **ret_port)
{
	int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	int r;

	if (fd < 0)
		return -errno;
	r = ebb_port_attach(event, fd, line_bytes_max, ops, opaque, ret_port);
	if (r < 0)
		close(fd);
	return r;
}

int ebb_port_attach(sd_event *event, int fd, size_t line_bytes_max,
		    const struct ebb_port_ops *ops, void *opaque,
		    struct ebb_port **ret_port)
{
	struct ebb_port *port = calloc(1, sizeof(*port));
	int r;

	if (!port)
		return -ENOMEM;
	port->ops = *ops;
	port->opaque = opaque;
	ebb_frame_init(&port->frame, line_bytes_max);
	port->fd = fd;
	r = sd_event_add_time_relative(event, &port->retry, CLOCK_MONOTONIC, 0,
				       0, on_retry, port);
	if (r < 0)
		goto err;
	sd_event_source_set_enabled(port->retry, SD_EVENT_OFF);
	/* The first edge comes at once, whatever the state is. */
	r = sd_event_add_io(event, &port->io, port->fd,
			    EPOLLIN | EPOLLOUT | EPOLLET, on_io, port);
	if (r < 0)
		goto err;
	*ret_port = port;
	return 0;
err:
	port->fd = -1;
	ebb_port_close(port);
	return r;
}

void ebb_port_close(struct ebb_port *port)
{
	if (!port)
		return;
	sd_event_source_disable_unref(port->io);
	sd_event_source_disable_unref(port->retry);
	if (port->fd >= 0)
		close(port->fd);
	ebb_frame_clear(&port->frame);
	free(port->out);
	free(port);
}

void ebb_port_send(struct ebb_port *port, const char *data, size_t data_bytes)
{
	char *out;

	if (!port->connected)
		return;
	if (data_bytes > OUT_BYTES_MAX - port->out_bytes) {
		if (!port->told_full)
			ebb_log(EBB_LOG_WARNING,
				"the host does not read what it asked for: "
				"answers are dropped");
		port->told_full = true;
		return;
	}
	out = realloc(port->out, port->out_bytes + data_bytes);
	if (!out)
		return;
	port->out = out;
	memcpy(port->out + port->out_bytes, data, data_bytes);
	port->out_bytes += data_bytes;
	flush_output(port);
}

size_t ebb_port_pending(const struct ebb_port *port)
{
	return port->out_bytes;
}

void ebb_port_hold(struct ebb_port *port, bool hold)
{
	bool resumes = port->held && !hold;

	port->held = hold;
	if (resumes)
		read_on(port);
}
