/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stock qemu-ga behind ebb-agent, so that nobody loses a command by
 * installing Ebb.
 *
 * Theory of operation
 * ===================
 *
 * Where a domain has only the channel of the stock agent, ebb-agent holds it
 * and starts qemu-ga on a unix socket. What ebb-agent does not serve goes there
 * line by line, and what comes back goes to the host as it came.
 *
 * The problem. A client that gave up on a command sends guest-sync and expects
 * that nothing older follows its answer. ebb-agent answers at once, as qemu-ga
 * may be the very thing that hangs. So what qemu-ga says after that is dropped
 * until it has answered a sync of the relay's own: all that it says of earlier
 * commands comes before that, all that is asked later comes after.
 *
 * Some commands (guest-shutdown) have no answer, so nothing ever waits for one.
 */
#ifndef EBB_GUEST_RELAY_H
#define EBB_GUEST_RELAY_H

#include <stdbool.h>
#include <stddef.h>

#include <systemd/sd-event.h>

struct ebb_relay;

/* A line of qemu-ga for the host, with its newline. */
typedef void (*ebb_relay_line_fn)(const char *line, size_t line_bytes,
				  void *opaque);

/**
 * ebb_relay_start - start qemu-ga and keep it running
 * @program: its path, or NULL for /usr/sbin/qemu-ga or /usr/bin/qemu-ga
 *
 * Succeeds also if there is none now. Returns 0 or -errno.
 */
int ebb_relay_start(sd_event *event, const char *program,
		    ebb_relay_line_fn line, void *opaque,
		    struct ebb_relay **ret_relay);

/* As ebb_relay_start(), over a socket that is connected to an agent. */
int ebb_relay_attach(sd_event *event, int fd, ebb_relay_line_fn line,
		     void *opaque, struct ebb_relay **ret_relay);

/* Ends qemu-ga, in 2 s or by force. NULL is fine. */
void ebb_relay_stop(struct ebb_relay *relay);

/* Whether qemu-ga can be reached now. */
bool ebb_relay_is_up(const struct ebb_relay *relay);

/* Hands a line (without newline) to qemu-ga. Returns 0, -ENOTCONN or -EAGAIN. */
int ebb_relay_send(struct ebb_relay *relay, const char *line,
		   size_t line_bytes);

/* The client began anew: nothing that is older may reach it. */
void ebb_relay_resync(struct ebb_relay *relay);

#endif /* EBB_GUEST_RELAY_H */
