/* SPDX-License-Identifier: GPL-2.0-only */
#include <config.h>

#include "host/ctl/options.h"

#include <assert.h>
#include <ctype.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/interface/duration.h"
#include "host/interface/nearest.h"
#include "host/interface/status.h"

enum {
	/* More than the table has rows, and its terminator. */
	LONG_OPTIONS_MAX = 32
};

const struct ctl_option_row ctl_options[] = {
	{ CTL_OPT_CONNECT, 'c', "connect", "URI",
	  "libvirt that ebbd must be connected to (default: "
	  "$LIBVIRT_DEFAULT_URI, else any)" },
	{ CTL_OPT_SOCKET, 's', "socket", "PATH",
	  "socket of ebbd (default: $EBB_SOCKET, else " EBB_CONTROL_SOCKET
	  ")" },
	{ CTL_OPT_JSON, 0, "json", NULL,
	  "print what ebbd answers, and errors, as JSON" },
	{ CTL_OPT_HELP, 'h', "help", NULL, "show help and exit" },
	{ CTL_OPT_VERSION, 'V', "version", NULL,
	  "show the version of ebbctl and exit" },
	{ CTL_OPT_ALL, 0, "all", NULL, "all that is free" },
	{ CTL_OPT_DRY_RUN, 0, "dry-run", NULL,
	  "say what would be reclaimed, and leave it" },
	{ CTL_OPT_TIMEOUT, 0, "timeout", "T",
	  "stop after this time, such as 500ms, 60s or 5m (at most 10m)" },
	{ CTL_OPT_COMPACT, 0, "compact", NULL,
	  "have the guest make contiguous what it has free (the default)" },
	{ CTL_OPT_NO_COMPACT, 0, "no-compact", NULL,
	  "take only what is contiguous already" },
	{ CTL_OPT_FREE_ONLY, 0, "free-only", NULL,
	  "take only what is free, and do not make the guest free more" },
	{ CTL_OPT_GENTLE, 0, "gentle", NULL,
	  "spread it over up to 10 s, so that the guest hardly feels it" },
	{ CTL_OPT_FREE_TARGET, 0, "free-target", "SIZE",
	  "keep that much free: 600M, a part as 40%, auto, or none" },
	{ CTL_OPT_MODE, 0, "mode", "MODE",
	  "what it returns: performance, balanced, density, or default" },
	{ CTL_OPT_MIN, 0, "min", "SIZE",
	  "keep at least that: 2G, a part as 25%, none, or default" },
	{ CTL_OPT_MAX, 0, "max", "SIZE",
	  "have at most that: 8G, a part as 75%, none, or default" },
	{ CTL_OPT_SHARES, 0, "shares", "N",
	  "weight when memory is short, such as 1000, or default" },
	{ CTL_OPT_RUNGS, 0, "rungs", "LIST",
	  "how memory may be taken: all, none, a list as lease,report, or default" },
	{ CTL_OPT_RESERVED, 0, "reserved", "HOW",
	  "if resident memory was paid for: keep, share, or default" },
	{ CTL_OPT_INTERVAL, 0, "interval", "T",
	  "ask ebbd each T, such as 2s (the default), 10s or 1m" },
	{ CTL_OPT_ONCE, 0, "once", NULL,
	  "print one picture as text, and exit" },
	{ CTL_OPT_CSV, 0, "csv", NULL, "print numbers, a line for each time" },
	{ CTL_OPT_SINCE, 0, "since", "TIME",
	  "from then on: 14:30, 2026-11-29 or '2026-11-29 14:30'" },
	{ CTL_OPT_LAST, 0, "last", "T",
	  "the time until now, such as 10m, 6h or 2d" },
	{ CTL_OPT_BUDGET, 0, "budget", "NAME",
	  "of a budget, as ebbctl explain names it" },
	{ CTL_OPT_FOLLOW, 0, "follow", NULL, "go on with what happens" },
	{ CTL_OPT_LIVE, 0, "live", NULL, "of the domain that runs alone" },
	{ CTL_OPT_CONFIG, 0, "config", NULL,
	  "of its definition alone: from its next start on" },
	{ CTL_OPT_CURRENT, 0, "current", NULL,
	  "as virsh has it: of a domain that runs the same as --live" },
	{ CTL_OPT_FIX, 0, "fix", NULL,
	  "print a patch of the domain's definition, and change nothing" },
	{ 0 },
};

static_assert(EBB_ARRAY_SIZE(ctl_options) <= LONG_OPTIONS_MAX,
	      "getopt_long() would miss an option");

/* The first error; the rest of the line is still read, for a later --json. */
struct parse {
	struct ctl_args *args;
	char error[256];
};

static void __attribute__((__format__(__printf__, 2, 3)))
parse_fail(struct parse *parse, const char *format, ...)
{
	va_list args;

	if (*parse->error)
		return;
	va_start(args, format);
	vsnprintf(parse->error, sizeof(parse->error), format, args);
	va_end(args);
}

static void parse_timeout(struct parse *parse, const char *text)
{
	uint32_t ms;

	if (ebb_duration_parse(text, &ms) < 0 || !ms || ms > EBB_SESSION_MAX_MS)
		parse_fail(
			parse,
			"--timeout is '%.40s', which is not accepted. Give a "
			"time such as 500ms, 60s or 5m, at most 10m.",
			text);
	else
		parse->args->timeout_ms = ms;
}

static void parse_interval(struct parse *parse, const char *text)
{
	uint32_t ms;

	if (ebb_duration_parse(text, &ms) < 0 || ms < 1000 || ms > 60 * 1000)
		parse_fail(
			parse,
			"--interval is '%.40s', which is not accepted. Give a "
			"time from 1s to 60s, such as 5s.",
			text);
	else
		parse->args->interval_ms = ms;
}

static void parse_last(struct parse *parse, const char *text)
{
	if (ebb_duration_parse(text, &parse->args->last_ms) < 0 ||
	    !parse->args->last_ms)
		parse_fail(parse,
			   "--last is '%.40s', which is not accepted. Give a "
			   "time such as 10m, 6h or 2d.",
			   text);
}

static void take_option(struct parse *parse, const struct ctl_option_row *row)
{
	/* Those of every command may be in an alias, and given anew behind it. */
	if (row->value && (parse->args->given & row->option) &&
	    !(row->option & CTL_OPT_EVERYWHERE))
		parse_fail(parse, "--%s is given twice. Give it once.",
			   row->name);
	parse->args->given |= row->option;
	switch (row->option) {
	case CTL_OPT_CONNECT:
		parse->args->uri = optarg;
		break;
	case CTL_OPT_SOCKET:
		parse->args->socket = optarg;
		break;
	case CTL_OPT_TIMEOUT:
		parse_timeout(parse, optarg);
		break;
	case CTL_OPT_INTERVAL:
		parse_interval(parse, optarg);
		break;
	case CTL_OPT_LAST:
		parse_last(parse, optarg);
		break;
	case CTL_OPT_SINCE:
		parse->args->since = optarg;
		break;
	case CTL_OPT_BUDGET:
		parse->args->budget = optarg;
		break;
	case CTL_OPT_FREE_TARGET:
		parse->args->free_target = optarg;
		break;
	case CTL_OPT_MODE:
		parse->args->settings[EBB_SETTING_MODE] = optarg;
		break;
	case CTL_OPT_MIN:
		parse->args->settings[EBB_SETTING_MIN] = optarg;
		break;
	case CTL_OPT_MAX:
		parse->args->settings[EBB_SETTING_MAX] = optarg;
		break;
	case CTL_OPT_SHARES:
		parse->args->settings[EBB_SETTING_SHARES] = optarg;
		break;
	case CTL_OPT_RUNGS:
		parse->args->settings[EBB_SETTING_RUNGS] = optarg;
		break;
	case CTL_OPT_RESERVED:
		parse->args->settings[EBB_SETTING_RESERVED] = optarg;
		break;
	default:
		break;
	}
}

/* @word: as it was given, with a value behind '=' or without */
static void fail_unknown(struct parse *parse, const char *word)
{
	const char *names[LONG_OPTIONS_MAX];
	const char *near = NULL;
	char name[40];
	size_t count = 0;

	for (const struct ctl_option_row *row = ctl_options; row->name; row++)
		names[count++] = row->name;
	if (strncmp(word, "--", 2) == 0) {
		snprintf(name, sizeof(name), "%.*s",
			 (int)strcspn(word + 2, "="), word + 2);
		near = ebb_nearest(name, names, count);
	}
	if (near)
		parse_fail(parse,
			   "option '%.40s' is not known. Did you mean '--%s'?",
			   word, near);
	else
		parse_fail(parse,
			   "option '%.40s' is not known. See ebbctl help.",
			   word);
}

/* @word: the long option that getopt_long() stumbled over. */
static void fail_option(struct parse *parse, int code, const char *word)
{
	char letter[] = { '-', (char)optopt, '\0' };

	if (optopt > 0 && optopt <= UINT8_MAX)
		word = letter;
	if (code == ':')
		parse_fail(parse,
			   "option '%.40s' needs a value. See ebbctl help.",
			   word);
	else if (isdigit((unsigned char)word[1]))
		parse_fail(parse, "SIZE %s, or --all.", ebb_size_trouble("-"));
	else if (optopt > UINT8_MAX)
		parse_fail(parse,
			   "option '%.40s' takes no value. See ebbctl help.",
			   word);
	else
		fail_unknown(parse, word);
}

/*
 * The long option that was read last, as it was given. getopt_long() takes a part of a
 * name for the whole: "--mod performance" would be a --mode that nobody asked for.
 */
static const char *word_read(char **argv)
{
	return argv[optind - (optarg && optarg == argv[optind - 1] ? 2 : 1)];
}

static bool is_whole(const char *word, const char *name)
{
	size_t length = strlen(name);

	return strncmp(word + 2, name, length) == 0 &&
	       (word[2 + length] == '\0' || word[2 + length] == '=');
}

static void make_tables(struct option *long_options, char *letters)
{
	*letters++ = ':';
	for (const struct ctl_option_row *row = ctl_options; row->name; row++) {
		*long_options++ = (struct option){
			.name = row->name,
			.has_arg = row->value ? required_argument : no_argument,
			.val = (int)row->option + UINT8_MAX,
		};
		if (!row->letter)
			continue;
		*letters++ = row->letter;
		if (row->value)
			*letters++ = ':';
	}
	*long_options = (struct option){ 0 };
	*letters = '\0';
}

static void read_options(struct parse *parse, int argc, char **argv)
{
	struct option long_options[LONG_OPTIONS_MAX];
	char letters[2 * LONG_OPTIONS_MAX + 2];
	int code;

	make_tables(long_options, letters);
	opterr = 0;
	while ((code = getopt_long(argc, argv, letters, long_options, NULL)) !=
	       -1) {
		const struct ctl_option_row *row = ctl_options;

		while (row->name && code != row->letter &&
		       code != (int)row->option + UINT8_MAX)
			row++;
		if (!row->name)
			fail_option(parse, code, argv[optind - 1]);
		else if (code > UINT8_MAX &&
			 !is_whole(word_read(argv), row->name))
			fail_unknown(parse, word_read(argv));
		else
			take_option(parse, row);
	}
}

static void check_lengths(struct parse *parse)
{
	const struct ctl_args *args = parse->args;

	if (strlen(args->uri) >= EBB_URI_BYTES_MAX)
		parse_fail(parse,
			   "the URI is longer than %d bytes. Check "
			   "--connect and $LIBVIRT_DEFAULT_URI.",
			   EBB_URI_BYTES_MAX - 1);
	if (strlen(args->socket) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		parse_fail(parse, "the socket's path is too long. Check "
				  "--socket and $EBB_SOCKET.");
	if (args->budget && strlen(args->budget) >= EBB_NAME_BYTES_MAX)
		parse_fail(parse, "the name of the budget is too long. See "
				  "ebbctl explain.");
	for (int i = 0; i < args->operand_count; i++) {
		if (!*args->operands[i])
			parse_fail(parse, "an operand is empty. Check the "
					  "quotes.");
		if (strlen(args->operands[i]) >= EBB_NAME_BYTES_MAX)
			parse_fail(parse,
				   "'%.40s...' is longer than %d bytes. Give a "
				   "name or UUID as virsh list shows it.",
				   args->operands[i], EBB_NAME_BYTES_MAX - 1);
	}
}

static void check_command(struct parse *parse,
			  const struct ctl_command *command, int operands)
{
	const struct ctl_args *args = parse->args;
	unsigned int excess = args->given &
			      ~(CTL_OPT_EVERYWHERE | command->options);

	for (const struct ctl_option_row *row = ctl_options; row->name; row++) {
		if (excess & row->option)
			parse_fail(parse,
				   "%s takes no option --%s. See ebbctl help "
				   "%s.",
				   command->name, row->name, command->name);
	}
	if (ctl_given(args, CTL_OPT_HELP))
		return;
	if (operands > 0 && command == &ctl_commands[CTL_CMD_LIST])
		parse_fail(parse,
			   "list takes no DOMAIN. See ebbctl show %.40s.",
			   args->operands[0]);
	else if (operands > command->operand_max)
		parse_fail(parse, "%s takes %s%s. See ebbctl help %s.",
			   command->name, command->operand_max ? "only " : "",
			   command->operand_max ? command->operands
						: "no operand",
			   command->name);
	else if (operands < command->operand_min)
		parse_fail(parse, "%s needs %s. See ebbctl help %s.",
			   command->name, command->operands, command->name);
}

static const char *environment(const char *name, const char *fallback)
{
	const char *value = getenv(name);

	return value && *value ? value : fallback;
}

int ctl_options_parse(int argc, char **argv, struct ctl_args *ret_args,
		      const struct ctl_command **ret_command)
{
	struct parse parse = { .args = ret_args };
	const struct ctl_command *command = NULL;
	const char *name;

	*ret_command = NULL;
	*ret_args = (struct ctl_args){
		.uri = environment("LIBVIRT_DEFAULT_URI", ""),
		.socket = environment("EBB_SOCKET", EBB_CONTROL_SOCKET),
	};
	read_options(&parse, argc, argv);
	name = optind < argc ? argv[optind++] : NULL;
	for (int i = optind; i < argc && i < optind + CTL_OPERANDS_MAX; i++)
		ret_args->operands[ret_args->operand_count++] = argv[i];
	if (name)
		command = ctl_find_command(name);
	check_lengths(&parse);
	if (command)
		check_command(&parse, command, argc - optind);
	if (*parse.error)
		return ctl_usage(ret_args, "%s", parse.error);
	if (name && !command)
		return ctl_unknown_command(ret_args, name);
	*ret_command = command;
	return CTL_DONE;
}
