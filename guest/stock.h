/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stock agent's port, served for both agents.
 *
 * Theory of operation
 * ===================
 *
 * Where a domain has no channel of Ebb's own, ebb-agent holds the channel of the
 * stock agent, with qemu-ga behind it (relay.h), so that nobody loses a command
 * by installing Ebb. It takes out what is addressed to itself (requests whose name
 * begins with "ebb-"), adds its commands to the answer to guest-info, and leaves
 * every other byte as it is, both ways. In particular guest-sync and guest-ping
 * are answered by qemu-ga alone: whoever asks whether it lives is told the truth.
 *
 * The port is open while qemu-ga can be reached, and closed else: libvirt sees
 * an agent that died go away, and come again, as it sees the stock one.
 *
 * Neither side is read faster than the other takes it, so an answer may be as
 * long as qemu-ga makes it.
 *
 * Without a qemu-ga in this guest the port is served for Ebb's commands, sync,
 * ping and info, and others are not found.
 */
#ifndef EBB_GUEST_STOCK_H
#define EBB_GUEST_STOCK_H

#include <systemd/sd-event.h>

#include "guest/command.h"

struct ebb_stock;

/**
 * ebb_stock_new - begin to serve
 * @path: of the port, copied
 * @program: the qemu-ga, or NULL: where it is; kept
 * @dir: as in ebb_relay_start(), kept
 * @context: for Ebb's commands, copied
 *
 * A port that is busy or not there is tried again. Returns 0 or -errno.
 */
int ebb_stock_new(sd_event *event, const char *path, const char *program,
		  const char *dir, const struct ebb_command_context *context,
		  struct ebb_stock **ret_stock);

/* Ends its qemu-ga, too. NULL is fine. */
void ebb_stock_free(struct ebb_stock *stock);

#endif /* EBB_GUEST_STOCK_H */
