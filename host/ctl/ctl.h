/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ebbctl: what its commands share.
 *
 * main.c turns the command line into a struct ctl_args, with one table of
 * options, and runs a row of the table of commands. A command asks ebbd
 * (client.h), and prints (text.h). It returns the exit status.
 */
#ifndef EBB_HOST_CTL_CTL_H
#define EBB_HOST_CTL_CTL_H

#include <stdbool.h>
#include <stdint.h>

#include "host/interface/settings.h"
#include "protocol/message.h"

/* The exit status. ebbctl(1) promises them. */
enum ctl_exit {
	CTL_DONE = 0,
	CTL_FAILED = 1, /* ebbd refused, or failed */
	CTL_USAGE = 2,
	CTL_UNREACHABLE = 3, /* no answer from ebbd */
	CTL_LESS = 4, /* the guest had less than was asked */
	CTL_INTERRUPTED = 130, /* as shells say for SIGINT */
};

/* Options; a command has a mask of those that it takes. */
enum ctl_option {
	CTL_OPT_CONNECT = 1 << 0,
	CTL_OPT_SOCKET = 1 << 1,
	CTL_OPT_JSON = 1 << 2,
	CTL_OPT_HELP = 1 << 3,
	CTL_OPT_VERSION = 1 << 4,
	CTL_OPT_ALL = 1 << 5,
	CTL_OPT_DRY_RUN = 1 << 6,
	CTL_OPT_TIMEOUT = 1 << 7,
	CTL_OPT_FREE_ONLY = 1 << 8,
	CTL_OPT_FREE_TARGET = 1 << 9,
	CTL_OPT_COMPACT = 1 << 10,
	CTL_OPT_NO_COMPACT = 1 << 11,
	CTL_OPT_MODE = 1 << 12,
	CTL_OPT_MIN = 1 << 13,
	CTL_OPT_MAX = 1 << 14,
	CTL_OPT_SHARES = 1 << 15,
	CTL_OPT_LIVE = 1 << 16,
	CTL_OPT_CONFIG = 1 << 17,
	CTL_OPT_CURRENT = 1 << 18,
	CTL_OPT_RUNGS = 1 << 19,
	CTL_OPT_RESERVED = 1 << 20,
	CTL_OPT_INTERVAL = 1 << 21,
	CTL_OPT_ONCE = 1 << 22,
	CTL_OPT_CSV = 1 << 23,
	CTL_OPT_SINCE = 1 << 24,
	CTL_OPT_LAST = 1 << 25,
	CTL_OPT_BUDGET = 1 << 26,
	CTL_OPT_FOLLOW = 1 << 27,
	CTL_OPT_FIX = 1 << 28,
	CTL_OPT_GENTLE = 1 << 29,

	CTL_OPT_EVERYWHERE = CTL_OPT_CONNECT | CTL_OPT_SOCKET | CTL_OPT_JSON |
			     CTL_OPT_HELP | CTL_OPT_VERSION,
};

enum {
	CTL_OPERANDS_MAX = 3
};

/**
 * struct ctl_args - the command line, checked
 * @given: mask of options
 * @uri: of libvirt, may be empty
 * @socket: of ebbd
 * @timeout_ms: 0 if not given
 * @last_ms: of --last; 0 if not given
 * @since, @budget: as they were given, or NULL
 * @free_target: as it was given, or NULL
 * @settings: likewise, by enum ebb_setting
 * @operands: what follows the command
 */
struct ctl_args {
	unsigned int given;
	const char *uri;
	const char *socket;
	uint32_t timeout_ms;
	uint32_t interval_ms;
	uint32_t last_ms;
	const char *since;
	const char *budget;
	const char *free_target;
	const char *settings[EBB_SETTING_COUNT];
	int operand_count;
	const char *operands[CTL_OPERANDS_MAX];
};

int ctl_list(const struct ctl_args *args);
int ctl_top(const struct ctl_args *args);
int ctl_show(const struct ctl_args *args);
int ctl_reclaim(const struct ctl_args *args);
int ctl_set(const struct ctl_args *args);
int ctl_explain(const struct ctl_args *args);
int ctl_policy(const struct ctl_args *args);
int ctl_doctor(const struct ctl_args *args);
int ctl_history(const struct ctl_args *args);
int ctl_events(const struct ctl_args *args);
int ctl_version(const struct ctl_args *args);
int ctl_deflate(const struct ctl_args *args);
int ctl_reload(const struct ctl_args *args);
int ctl_help(const struct ctl_args *args);

/**
 * ctl_error - say what went wrong
 * @args: with --json the error goes to stdout as {"error": {...}}
 * @status: what to return
 * @error_class: as ebbd names it, or "Usage", "Unreachable", "Interrupted"
 *
 * One sentence for what happened and one for the remedy. Control characters
 * in it are made harmless. Returns @status.
 */
int ctl_error(const struct ctl_args *args, int status, const char *error_class,
	      const char *format, ...)
	__attribute__((__format__(__printf__, 4, 5)));

/* ctl_error() for a wrong command line. */
#define ctl_usage(args, ...) ctl_error(args, CTL_USAGE, "Usage", __VA_ARGS__)

static inline bool ctl_given(const struct ctl_args *args, enum ctl_option opt)
{
	return args->given & opt;
}

#endif /* EBB_HOST_CTL_CTL_H */
