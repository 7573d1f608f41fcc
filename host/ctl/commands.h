/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of commands: what each takes, and what its help says. What each
 * does is in the table of main.c, so that help and options need no command.
 */
#ifndef EBB_HOST_CTL_COMMANDS_H
#define EBB_HOST_CTL_COMMANDS_H

#include "host/ctl/ctl.h"

/**
 * struct ctl_command - a row of the table of commands
 * @operands: as the help shows them
 * @operand_min, @operand_max: how many
 * @options: mask of what it takes beside CTL_OPT_EVERYWHERE
 * @summary: one line
 * @details: a paragraph for "ebbctl help COMMAND"
 */
struct ctl_command {
	const char *name;
	const char *operands;
	int operand_min;
	int operand_max;
	unsigned int options;
	const char *summary;
	const char *details;
};

enum ctl_command_id {
	CTL_CMD_LIST,
	CTL_CMD_TOP,
	CTL_CMD_SHOW,
	CTL_CMD_RECLAIM,
	CTL_CMD_DEFLATE,
	CTL_CMD_SET,
	CTL_CMD_EXPLAIN,
	CTL_CMD_POLICY,
	CTL_CMD_HISTORY,
	CTL_CMD_EVENTS,
	CTL_CMD_DOCTOR,
	CTL_CMD_RELOAD,
	CTL_CMD_VERSION,
	CTL_CMD_HELP,
	CTL_CMD_COUNT
};

extern const struct ctl_command ctl_commands[CTL_CMD_COUNT];

/* NULL if there is none of that name. */
const struct ctl_command *ctl_find_command(const char *name);

/* As ctl_error() for a name that no command has: suggests the nearest. */
int ctl_unknown_command(const struct ctl_args *args, const char *name);

/* "ebbctl COMMAND --help": to stdout. */
int ctl_help_command(const struct ctl_command *command);

#endif /* EBB_HOST_CTL_COMMANDS_H */
