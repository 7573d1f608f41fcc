/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The agent: which ports it serves.
 *
 * Ebb's own, where the guest has it: then qemu-ga is left to its own service. Else
 * the stock agent's, for both (stock.h), and that is gone on with when Ebb's own
 * comes later. Ports and the module come and go: /dev is watched, nothing is
 * polled.
 */
#ifndef EBB_GUEST_AGENT_H
#define EBB_GUEST_AGENT_H

#include <stdbool.h>
#include <stddef.h>

#include <systemd/sd-event.h>

struct ebb_agent;

/**
 * struct ebb_agent_options - what the command line says; kept by its user
 * @channel: path of a port that is used in place of those that are looked for,
 *	or NULL. Such a port is served without a relay.
 * @qga_program: as in ebb_stock_new()
 * @swap: as ebb_target_allow_swap()
 */
struct ebb_agent_options {
	const char *channel;
	const char *qga_program;
	bool swap;
};

/**
 * ebb_agent_new - begin to serve
 * @options: copied
 *
 * Returns 0 or -errno; that no port is there is no error, but for @channel.
 */
int ebb_agent_new(sd_event *event, const struct ebb_agent_options *options,
		  struct ebb_agent **ret_agent);

/* Where it keeps what must be put back: systemd's list has ours first. */
void ebb_agent_state_dir(char *ret_dir, size_t dir_bytes);

/* NULL is fine. */
void ebb_agent_free(struct ebb_agent *agent);

#endif /* EBB_GUEST_AGENT_H */
