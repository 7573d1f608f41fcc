/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The agent's commands, by table. See protocol/message.h for what they are.
 */
#ifndef EBB_GUEST_COMMAND_H
#define EBB_GUEST_COMMAND_H

#include <stdbool.h>

#include "guest/target.h"
#include "protocol/message.h"

/**
 * struct ebb_command_context - what commands act on
 * @proc_dir: "/proc"
 * @target: the keeper of the free target; NULL only where no request for
 *	ebb-target or ebb-compact is served
 */
struct ebb_command_context {
	const char *proc_dir;
	struct ebb_target_keeper *target;
};

/* Whether the agent itself serves @name. */
bool ebb_command_is_known(const char *name);

/**
 * ebb_command_run - serve a request
 * @request: of kind EBB_MSG_REQUEST, with a known name
 *
 * Returns the malloc()ed answer, an error included, as a line; a
 * guest-sync-delimited answer begins with 0xFF. NULL without memory.
 */
char *ebb_command_run(const struct ebb_msg *request,
		      const struct ebb_command_context *context);

/**
 * ebb_command_merge_info - what guest-info says, with our commands in it
 * @value: the return value of another agent's guest-info; not kept
 *
 * Returns a new value, or NULL if @value is not that of guest-info.
 */
struct json_object *ebb_command_merge_info(struct json_object *value);

#endif /* EBB_GUEST_COMMAND_H */
