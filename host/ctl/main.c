/* SPDX-License-Identifier: GPL-2.0-only */
/* ebbctl: what an operator types. */
#include <config.h>

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "host/ctl/commands.h"
#include "host/ctl/options.h"

static int (*const runs[CTL_CMD_COUNT])(const struct ctl_args *args) = {
	[CTL_CMD_LIST] = ctl_list,	 [CTL_CMD_TOP] = ctl_top,
	[CTL_CMD_SHOW] = ctl_show,	 [CTL_CMD_RECLAIM] = ctl_reclaim,
	[CTL_CMD_DEFLATE] = ctl_deflate, [CTL_CMD_SET] = ctl_set,
	[CTL_CMD_EXPLAIN] = ctl_explain, [CTL_CMD_POLICY] = ctl_policy,
	[CTL_CMD_HISTORY] = ctl_history, [CTL_CMD_EVENTS] = ctl_events,
	[CTL_CMD_DOCTOR] = ctl_doctor,	 [CTL_CMD_VERSION] = ctl_version,
	[CTL_CMD_RELOAD] = ctl_reload,	 [CTL_CMD_HELP] = ctl_help,
};

static int run(const struct ctl_args *args, const struct ctl_command *command)
{
	if (ctl_given(args, CTL_OPT_VERSION)) {
		puts("ebbctl " PACKAGE_VERSION);
		return CTL_DONE;
	}
	if (ctl_given(args, CTL_OPT_HELP))
		return command ? ctl_help_command(command) : ctl_help(args);
	if (!command)
		return ctl_usage(args, "no command. See ebbctl help.");
	return runs[command - ctl_commands](args);
}

int main(int argc, char **argv)
{
	const struct ctl_command *command;
	struct ctl_args args;
	int status;

	setlocale(LC_CTYPE, "");
	status = ctl_options_parse(argc, argv, &args, &command);
	if (status == CTL_DONE)
		status = run(&args, command);
	/* What did not reach a full disk or a closed pipe was not shown. */
	if (fflush(stdout) == EOF || ferror(stdout)) {
		fprintf(stderr, "ebbctl: error: cannot write the output: %s\n",
			strerror(errno));
		return status == CTL_DONE ? CTL_FAILED : status;
	}
	return status;
}
