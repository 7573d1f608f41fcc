/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of options: the parser, the help and --help read the same rows. */
#ifndef EBB_HOST_CTL_OPTIONS_H
#define EBB_HOST_CTL_OPTIONS_H

#include "host/ctl/commands.h"

/**
 * struct ctl_option_row - an option
 * @letter: short form, or 0
 * @value: what it takes, as the help shows it, or NULL
 */
struct ctl_option_row {
	enum ctl_option option;
	char letter;
	const char *name;
	const char *value;
	const char *help;
};

/* Ended by a NULL name. */
extern const struct ctl_option_row ctl_options[];

/**
 * ctl_options_parse - the command line to a struct ctl_args
 * @ret_args: filled as far as possible also on failure
 * @ret_command: of the first operand; NULL if there is none
 *
 * Options may stand before and after the command. Returns CTL_DONE, or the
 * status of a ctl_usage().
 */
int ctl_options_parse(int argc, char **argv, struct ctl_args *ret_args,
		      const struct ctl_command **ret_command);

#endif /* EBB_HOST_CTL_OPTIONS_H */
