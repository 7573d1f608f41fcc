/* SPDX-License-Identifier: GPL-2.0-only */
/* ebbctl help: from the tables of commands and of options. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "host/ctl/options.h"

static const char *help_of(const struct ctl_option_row *row, unsigned int mask)
{
	if (row->option == CTL_OPT_ALL &&
	    mask == ctl_commands[CTL_CMD_LIST].options)
		return "domains that are shut off, too";
	return row->help;
}

static void print_options(unsigned int mask)
{
	for (const struct ctl_option_row *row = ctl_options; row->name; row++) {
		char left[40];

		if (!(mask & row->option))
			continue;
		snprintf(left, sizeof(left), "%c%c%s --%s%s%s",
			 row->letter ? '-' : ' ',
			 row->letter ? row->letter : ' ',
			 row->letter ? "," : " ", row->name,
			 row->value ? " " : "", row->value ? row->value : "");
		printf("  %-22s  %s\n", left, help_of(row, mask));
	}
}

static void print_overview(void)
{
	puts("Usage: ebbctl [OPTION]... COMMAND [OPERAND]...\n\n"
	     "Give a guest's free memory back to its host.\n\n"
	     "Commands:");
	for (const struct ctl_command *command = ctl_commands;
	     command < ctl_commands + CTL_CMD_COUNT; command++) {
		char left[40];

		snprintf(left, sizeof(left), "%s %s", command->name,
			 command->operands);
		printf("  %-22s  %s\n", left, command->summary);
	}
	puts("\nOptions of every command:");
	print_options(CTL_OPT_EVERYWHERE);
	puts("\n\"ebbctl help COMMAND\" tells more of one. See ebbctl(1).");
}

int ctl_help_command(const struct ctl_command *command)
{
	printf("Usage: ebbctl %s%s%s%s\n\n%s.\n\n%s\n", command->name,
	       command->options ? " [OPTION]..." : "",
	       *command->operands ? " " : "", command->operands,
	       command->summary, command->details);
	if (command->options) {
		printf("\nOptions of %s:\n", command->name);
		print_options(command->options);
	}
	puts("\nOptions of every command:");
	print_options(CTL_OPT_EVERYWHERE);
	return CTL_DONE;
}

int ctl_help(const struct ctl_args *args)
{
	const struct ctl_command *command;

	if (!args->operand_count) {
		print_overview();
		return CTL_DONE;
	}
	command = ctl_find_command(args->operands[0]);
	if (!command)
		return ctl_unknown_command(args, args->operands[0]);
	/* "help policy test": the help of policy tells of each action. */
	if (args->operand_count > 1 && command != &ctl_commands[CTL_CMD_POLICY])
		return ctl_usage(args, "help takes only [COMMAND]");
	return ctl_help_command(command);
}
