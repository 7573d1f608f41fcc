/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/ctl/commands.h"

#include <string.h>

#include "host/interface/nearest.h"

const struct ctl_command ctl_commands[CTL_CMD_COUNT] = {
	[CTL_CMD_LIST] = { "list", "", 0, 0, CTL_OPT_ALL, "List the domains",
			   "One line for each running domain: its rung (how its memory can be\n"
			   "taken), how much of it is resident and free, and what keeps it from\n"
			   "a better rung." },
	[CTL_CMD_TOP] = { "top", "", 0, 0, CTL_OPT_INTERVAL | CTL_OPT_ONCE,
			  "Watch the host and the domains",
			  "Shows the host, a line for each running domain with a bar of its memory\n"
			  "and a curve of what was resident, and what ebbd did last, anew every two\n"
			  "seconds. ? shows the keys, q quits." },
	[CTL_CMD_SHOW] = { "show", "DOMAIN", 1, 1, 0,
			   "Show what is known of a domain",
			   "All facts of the domain, by NUMA node and by backing file, and each\n"
			   "reason that closes a better rung, with its remedy. Of a domain that is\n"
			   "off, its memory and what is set for its next start. DOMAIN is a name\n"
			   "or a UUID." },
	[CTL_CMD_RECLAIM] = { "reclaim", "DOMAIN [SIZE]", 1, 2,
			      CTL_OPT_ALL | CTL_OPT_DRY_RUN | CTL_OPT_TIMEOUT |
				      CTL_OPT_COMPACT | CTL_OPT_NO_COMPACT |
				      CTL_OPT_FREE_ONLY | CTL_OPT_GENTLE,
			      "Take memory of a domain",
			      "Takes SIZE of the guest's memory back for the host, such as 512M or 1.5G\n"
			      "(powers of 1024). It begins with what is free in huge ranges. If that is\n"
			      "less than SIZE, the guest moves pages that are in use together, so that\n"
			      "free memory in small pieces becomes huge ranges (--no-compact leaves this\n"
			      "out). Then the guest is driven to free more, such as page cache\n"
			      "(--free-only leaves this out). --all takes all that is free now. On rung\n"
			      "report QEMU takes that by itself, and --all waits for it. On rung pageout\n"
			      "SIZE of cold memory goes into the host's swap; what is free is not known\n"
			      "there. On rung balloon the guest's balloon is inflated, and held until the\n"
			      "guest needs the memory.\n"
			      "--gentle is for memory that nobody waits for: on rung lease it is taken in\n"
			      "small pieces with rests between them, until somebody waits for it.\n"
			      "The guest gets memory again as soon as it uses it. Ctrl-C cancels." },
	[CTL_CMD_DEFLATE] = { "deflate", "DOMAIN", 1, 1, 0,
			      "Give back what a balloon holds",
			      "Lets the guest have back all that its balloon holds for Ebb, which is\n"
			      "what was taken of it on rung balloon. What a balloon holds for others\n"
			      "stays. ebbd does the same by itself as soon as the guest needs it." },
	[CTL_CMD_SET] = { "set", "DOMAIN", 1, 1,
			  CTL_OPT_FREE_TARGET | CTL_OPT_MODE | CTL_OPT_MIN |
				  CTL_OPT_MAX | CTL_OPT_SHARES | CTL_OPT_RUNGS |
				  CTL_OPT_RESERVED | CTL_OPT_LIVE |
				  CTL_OPT_CONFIG | CTL_OPT_CURRENT,
			  "Set what a domain keeps free, and its part in the policy",
			  "--free-target makes the guest keep that much memory free in huge ranges,\n"
			  "so that it can be taken at any time: a size such as 600M, a part of its\n"
			  "memory such as 40%, all beyond its working set (auto), or nothing (none).\n"
			  "The guest gives up page cache for that, and never what it needs: under\n"
			  "pressure it keeps less free.\n"
			  "--mode, --min, --max and --shares are the domain's part in the policy of\n"
			  "ebbd. They replace what ebbd.conf says; 'default' goes back to that.\n"
			  "--rungs says how its memory may be taken, whoever asks. A guest whose\n"
			  "owner reserved memory or processors for it (immediate allocation, pinned\n"
			  "or realtime vCPUs) is left alone unless --reserved is share.\n"
			  "A setting stays with the domain until it is changed: with the running\n"
			  "domain and with its definition, or with one of them by --live or --config.\n"
			  "A domain that is off is set by --config, for its next start." },
	[CTL_CMD_EXPLAIN] = { "explain", "[DOMAIN]", 0, 1, 0,
			      "Explain what the policy does",
			      "Shows what the host has and needs. For DOMAIN, or for each running\n"
			      "domain, it shows what ebbd would take now by itself and why, or why it\n"
			      "takes nothing, and what it took last. The numbers are those that the\n"
			      "decision was made from." },
	[CTL_CMD_POLICY] = { "policy", "ACTION [DOMAIN | FILE]", 1, 2, 0,
			     "Pause, resume or try the policy, or show how it is",
			     "ACTION is status, pause, resume or test. While the policy is paused, for\n"
			     "DOMAIN or for all, ebbd takes no memory by itself, even if the host needs\n"
			     "it; what it is taking at that moment ends. The pause lasts until resume\n"
			     "or a reboot of the host; a restart of ebbd does not end it.\n"
			     "test decides about what FILE says, as ebbd would, and shows the result as\n"
			     "explain does. It takes nothing and does not ask ebbd. FILE is the output\n"
			     "of ebbctl explain --json, with any number in it changed; - is standard\n"
			     "input." },
	[CTL_CMD_HISTORY] = { "history", "[DOMAIN]", 0, 1,
			      CTL_OPT_CSV | CTL_OPT_SINCE | CTL_OPT_LAST |
				      CTL_OPT_BUDGET,
			      "Show what a domain or the host had",
			      "Curves of what DOMAIN had over time: what was resident, free, lent,\n"
			      "swapped and held by a balloon, and the rung that it was on. Without\n"
			      "DOMAIN those of the host, or of the budget that --budget names. It is\n"
			      "of the last hour unless --since or --last say something else: six\n"
			      "hours are kept each 10 seconds, a week each 5 minutes. What was not\n"
			      "known is a gap. A domain that does not run any more is known, too." },
	[CTL_CMD_EVENTS] = { "events", "[DOMAIN]", 0, 1,
			     CTL_OPT_FOLLOW | CTL_OPT_SINCE | CTL_OPT_LAST,
			     "Show what happened",
			     "The last events, of DOMAIN or of all: domains that came and went,\n"
			     "changed their rung or settings, what the policy decided and why, who\n"
			     "asked for what, what came of it, and when a budget was in need. With\n"
			     "--follow also those that come, until Ctrl-C. With --json each is one\n"
			     "line." },
	[CTL_CMD_DOCTOR] = { "doctor", "[DOMAIN]", 0, 1, CTL_OPT_FIX,
			     "Check what the host or a domain lacks",
			     "Without DOMAIN, checks the host and ebbd itself: libvirt, the kernel,\n"
			     "privileges, swap, what can run short, and what makes reclaiming slow.\n"
			     "With DOMAIN, checks each thing that the best rung needs, and prints for\n"
			     "each that is missing the remedy and the XML that mends it. --fix prints\n"
			     "a patch of the XML that the domain is defined by, which gives it shared\n"
			     "memory and a channel; how to apply it is said in its first lines." },
	[CTL_CMD_RELOAD] = { "reload", "", 0, 0, 0,
			     "Have ebbd read its configuration anew",
			     "Reads ebbd.conf and conf.d. With a mistake in them nothing changes, and\n"
			     "it is named with its file and line. What changes only with a restart of\n"
			     "ebbd is named, too." },
	[CTL_CMD_VERSION] = { "version", "", 0, 0, 0,
			      "Show the versions of ebbctl and ebbd",
			      "Also tells which libvirt ebbd is connected to." },
	[CTL_CMD_HELP] = { "help", "[COMMAND]", 0, 2, 0,
			   "Show help on a command",
			   "Without COMMAND, lists the commands." },
};

const struct ctl_command *ctl_find_command(const char *name)
{
	for (size_t i = 0; i < CTL_CMD_COUNT; i++)
		if (strcmp(ctl_commands[i].name, name) == 0)
			return &ctl_commands[i];
	return NULL;
}

int ctl_unknown_command(const struct ctl_args *args, const char *name)
{
	const char *names[CTL_CMD_COUNT];
	const char *near;

	for (size_t i = 0; i < CTL_CMD_COUNT; i++)
		names[i] = ctl_commands[i].name;
	near = ebb_nearest(name, names, CTL_CMD_COUNT);
	if (near)
		return ctl_usage(args,
				 "unknown command '%.40s'. Did you mean '%s'?",
				 name, near);
	return ctl_usage(args,
			 "unknown command '%.40s'. See ebbctl help for those "
			 "that there are.",
			 name);
}
