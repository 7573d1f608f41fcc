/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtio port: a byte stream to the host that comes and goes.
 *
 * Theory of operation
 * ===================
 *
 * While nobody has the host's end open, a port polls as hung up and reads as
 * ended, for as long as that lasts. A level-triggered loop would spin on it. The
 * driver wakes its waiters when the host's end opens or closes and when data
 * comes (drivers/char/virtio_console.c), so the port is watched by edge and
 * read until it is empty: a disconnected agent sleeps.
 *
 * There is no wake-up when a full queue has room again. What could not be
 * written is tried again by a timer, and dropped when the host goes.
 *
 * Whoever passes a stream on holds back its source while much is pending here
 * (ebb_port_pending(), ops.drained), and this port while much is pending there
 * (ebb_port_hold()): then nothing is dropped but for a host that goes.
 */
#ifndef EBB_GUEST_PORT_H
#define EBB_GUEST_PORT_H

#include <stdbool.h>
#include <stddef.h>

#include <systemd/sd-event.h>

struct ebb_port;

/* Either @line and @dropped, or @data; @drained may be NULL. */
struct ebb_port_ops {
	/* The host's end was opened; what an earlier client sent is gone. */
	void (*connected)(void *opaque);
	/* A whole line, without its newline. */
	void (*line)(const char *line, size_t line_bytes, void *opaque);
	/* One or more lines were longer than @line_bytes_max, and are gone. */
	void (*dropped)(void *opaque);
	/* Bytes, as they come. */
	void (*data)(const char *data, size_t data_bytes, void *opaque);
	/* Nothing is pending any more: written, or dropped as the host went. */
	void (*drained)(void *opaque);
	/* The port failed (unplugged). Close it, but not from in here. */
	void (*failed)(int r, void *opaque);
};

/**
 * ebb_port_find - the device node of a port
 * @name: as "org.ebb.agent.0"
 * @ret_path: at least 256 bytes
 *
 * Looks at /dev/virtio-ports, which udev fills, and then at sysfs. Returns 0
 * or -ENOENT.
 */
int ebb_port_find(const char *name, char *ret_path);

/**
 * ebb_port_open - open and watch a port
 * @line_bytes_max: longest line
 *
 * Returns 0, -EBUSY (another program has it open), -ENOENT or -errno.
 */
int ebb_port_open(sd_event *event, const char *path, size_t line_bytes_max,
		  const struct ebb_port_ops *ops, void *opaque,
		  struct ebb_port **ret_port);

/* As above, of a descriptor that is open and not blocking; owns @fd on success. */
int ebb_port_attach(sd_event *event, int fd, size_t line_bytes_max,
		    const struct ebb_port_ops *ops, void *opaque,
		    struct ebb_port **ret_port);

/* NULL is fine. */
void ebb_port_close(struct ebb_port *port);

/*
 * Sends whole lines, or a part of a stream. Without a host it is dropped; also,
 * with a warning, if more than 20 MiB are pending.
 */
void ebb_port_send(struct ebb_port *port, const char *data, size_t data_bytes);

/* What the host has not read yet, in bytes. */
size_t ebb_port_pending(const struct ebb_port *port);

/* Reads nothing while it is held. */
void ebb_port_hold(struct ebb_port *port, bool hold);

#endif /* EBB_GUEST_PORT_H */
