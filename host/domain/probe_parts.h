/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of a look, for probe_run.c, which calls them in this order. Each adds the reasons
 * that it finds, and fills its own members of the probe.
 */
#ifndef EBB_HOST_PROBE_PARTS_H
#define EBB_HOST_PROBE_PARTS_H

#include "host/domain/probe.h"

/**
 * struct ebb_probe_context - a look under way
 * @info: the agent's answer, with @probe->have_info
 */
struct ebb_probe_context {
	const struct ebb_probe_order *order;
	struct ebb_probe *probe;
	struct ebb_msg_info info;
};

/* @detail: of the reason; may be NULL. */
void ebb_probe_add_reason(struct ebb_probe_context *context,
			  enum ebb_reason_id id, const char *detail);

/* Whether the guest was started, or reset, so short a while ago that it may boot still. */
bool ebb_probe_is_booting(const struct ebb_probe_context *context);

/* Fills @domxml and @forbidden. Returns 0, or -errno: there is nothing to go on with. */
int ebb_probe_examine_xml(struct ebb_probe_context *context);

/* Fills @qemu and the members about it. Returns 0, or -errno likewise. */
int ebb_probe_examine_process(struct ebb_probe_context *context);

/* Drops the record of a balloon that is of another process. */
void ebb_probe_examine_record(struct ebb_probe_context *context);

/* Whether the look before left a lock on the same process' files. */
bool ebb_probe_was_locked(const struct ebb_probe_context *context);

/* Returns 0, or -EBUSY: another controller has the memory. */
int ebb_probe_lock(struct ebb_probe_context *context);

/* Asks the agent, on the best channel that there is. */
void ebb_probe_examine_agent(struct ebb_probe_context *context);

/* Examines the agent's answer, which came. */
void ebb_probe_examine_info(struct ebb_probe_context *context);

/* Tries the balloon, if no better rung is open. Sets @inflatable. */
void ebb_probe_examine_balloon(struct ebb_probe_context *context);

/* Proves the memory and attaches the ring. Sets @attached. */
void ebb_probe_attach(struct ebb_probe_context *context);

#endif /* EBB_HOST_PROBE_PARTS_H */
