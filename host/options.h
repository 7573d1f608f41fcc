/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line of ebbd, and the configuration as it holds with it. */
#ifndef EBB_HOST_OPTIONS_H
#define EBB_HOST_OPTIONS_H

#include <stdbool.h>

#include "host/config.h"

/* What is not given is NULL or false. */
struct ebb_options {
	const char *config;
	const char *uri;
	const char *socket;
	const char *log_level;
	bool no_sandbox;
	bool dry_run;
	bool check_config;
};

/* Returns -1 to go on, or the exit code: help was shown, or the command line is wrong. */
int ebb_options_parse(int argc, char **argv, struct ebb_options *options);

const char *ebb_options_config_path(const struct ebb_options *options);

/* Only the default file may be absent. */
enum ebb_config_presence
ebb_options_config_presence(const struct ebb_options *options);

/*
 * What the command line says is over what the files say. Returns 0, -ENAMETOOLONG or
 * -EINVAL, which is in the log.
 */
int ebb_options_override(struct ebb_config *config,
			 const struct ebb_options *options);

/* Logs what of the configuration is likely a mistake. */
void ebb_options_warn(const struct ebb_config *config);

/*
 * Reads the configuration, and begins to log as it says. Returns 0 or -errno, which is
 * in the log.
 */
int ebb_options_load(struct ebb_config *config,
		     const struct ebb_options *options);

#endif /* EBB_HOST_OPTIONS_H */
