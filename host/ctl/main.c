/* SPDX-License-Identifier: GPL-2.0-only */
/* ebbctl: what an operator types. */
#include <config.h>

#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "host/ctl/ctl.h"
#include "host/ctl/options.h"
#include "host/ctl/text.h"

const struct ctl_command ctl_commands[] = {
	{ "list", "", 0, 0, CTL_OPT_ALL, "List the domains",
	  "One line for each running domain: its rung (how its memory can be\n"
	  "taken), how much of it is resident and free, and what keeps it from\n"
	  "a better rung.",
	  ctl_list },
	{ "show", "DOMAIN", 1, 1, 0, "Show what is known of a domain",
	  "All facts of the domain, by NUMA node and by backing file, and each\n"
	  "reason that closes a better rung, with its remedy. DOMAIN is a name\n"
	  "or a UUID.",
	  ctl_show },
	{ "reclaim", "DOMAIN [SIZE]", 1, 2,
	  CTL_OPT_ALL | CTL_OPT_DRY_RUN | CTL_OPT_TIMEOUT | CTL_OPT_COMPACT |
		  CTL_OPT_FREE_ONLY,
	  "Take memory of a domain",
	  "Takes SIZE of the guest's memory back for the host, such as 512M or\n"
	  "1.5G (powers of 1024): first what is free in huge ranges, and if that\n"
	  "is less, what the guest frees when it is driven to, as page cache.\n"
	  "With --free-only it is not driven; --all takes all that is free now.\n"
	  "With --compact the guest first moves pages that are in use together,\n"
	  "so that what is free in small pieces comes to lie in huge ranges.\n"
	  "The guest gets memory again as soon as it uses it. Ctrl-C cancels.",
	  ctl_reclaim },
	{ "set", "DOMAIN", 1, 1, CTL_OPT_FREE_TARGET,
	  "Set what a domain keeps free",
	  "With --free-target, the guest is asked to keep so much of its memory\n"
	  "free in huge ranges, to be reclaimed at any time: a size such as 600M,\n"
	  "a part of its memory such as 40%, what its working set leaves over\n"
	  "(auto), or nothing (none). It gives up page cache for that, and never\n"
	  "what it needs: under pressure it keeps less. The setting stays with\n"
	  "the domain until it is set anew.",
	  ctl_set },
	{ "doctor", "DOMAIN", 1, 1, 0, "Check what a domain lacks",
	  "Checks each thing that the best rung needs, and prints for each that\n"
	  "is missing the remedy and the XML that mends it.",
	  ctl_doctor },
	{ "version", "", 0, 0, 0, "Show the versions of ebbctl and ebbd",
	  "Also tells which libvirt ebbd is connected to.", ctl_version },
	{ "help", "[COMMAND]", 0, 1, 0, "Show help on a command",
	  "Without COMMAND, lists the commands.", ctl_help },
	{ 0 },
};

const struct ctl_command *ctl_find_command(const char *name)
{
	const struct ctl_command *command = ctl_commands;

	for (; command->name; command++) {
		if (strcmp(command->name, name) == 0)
			return command;
	}
	return NULL;
}

static void print_json_error(const char *error_class, const char *text)
{
	struct json_object *error = json_object_new_object();
	struct json_object *root = json_object_new_object();

	json_object_object_add(error, "class",
			       json_object_new_string(error_class));
	json_object_object_add(error, "desc", json_object_new_string(text));
	json_object_object_add(root, "error", error);
	ctl_json_print(stdout, root);
	json_object_put(root);
}

int ctl_error(const struct ctl_args *args, int status, const char *error_class,
	      const char *format, ...)
{
	char text[1024];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	if (ctl_given(args, CTL_OPT_JSON))
		print_json_error(error_class, text);
	else
		fprintf(stderr, "ebbctl: error: %s\n", ctl_clean(text, false));
	return status;
}

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
	return command->run(args);
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
