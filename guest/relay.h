/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stock qemu-ga behind ebb-agent: its process, and a stream to it.
 *
 * It is started on a unix socket with the options that this system gives it
 * (qga_options.h), and again when it ends. Nothing is answered in its place: while
 * it is not there the relay is down, and says so; what was in flight is lost, as
 * it is lost with a qemu-ga that nobody stands before.
 *
 * The process has nothing of the agent's own: not its signals, its descriptors,
 * its place in the eyes of the OOM killer or its variables of systemd. What
 * guest-exec starts is as free as below the stock service.
 */
#ifndef EBB_GUEST_RELAY_H
#define EBB_GUEST_RELAY_H

#include <stdbool.h>
#include <stddef.h>

#include <systemd/sd-event.h>

struct ebb_relay;

struct ebb_relay_ops {
	/* qemu-ga can be reached; from now on it is sent to. */
	void (*up)(void *opaque);
	/* It is gone: it ended, or closed its end. */
	void (*down)(void *opaque);
	/* Of it, as it comes. */
	void (*data)(const char *data, size_t data_bytes, void *opaque);
	/* All that was sent to it is written, or lost. */
	void (*drained)(void *opaque);
};

/* The qemu-ga of this system, or NULL. @program: its path, or NULL: where it is */
const char *ebb_relay_find(const char *program);

/**
 * ebb_relay_start - start qemu-ga and keep it running
 * @program: as ebb_relay_find() returned it, kept
 * @dir: for the socket and the state of qemu-ga, kept; made (0700) if need be
 * @ops: kept; called from the loop, never from in here
 *
 * Returns 0 or -errno.
 */
int ebb_relay_start(sd_event *event, const char *program, const char *dir,
		    const struct ebb_relay_ops *ops, void *opaque,
		    struct ebb_relay **ret_relay);

/* Ends qemu-ga, in 2 s or by force. NULL is fine. */
void ebb_relay_stop(struct ebb_relay *relay);

/* Whether qemu-ga can be reached now. */
bool ebb_relay_is_up(const struct ebb_relay *relay);

/* Hands bytes to qemu-ga; they are lost if it is not there. */
void ebb_relay_send(struct ebb_relay *relay, const char *data,
		    size_t data_bytes);

/* What it has not read yet, in bytes. */
size_t ebb_relay_pending(const struct ebb_relay *relay);

/* Reads nothing of it while it is held. */
void ebb_relay_hold(struct ebb_relay *relay, bool hold);

#endif /* EBB_GUEST_RELAY_H */
