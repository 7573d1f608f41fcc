/* SPDX-License-Identifier: GPL-2.0-only */
#include <config.h>

#include "host/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/size.h"

#define CONFIG_PATH EBB_SYSCONFDIR "/ebb/ebbd.conf"

enum {
	EXIT_USAGE = 2
};

static void print_help(void)
{
	printf("Usage: ebbd [OPTION]...\n"
	       "Give free memory of virtual machines back to the host.\n"
	       "\n"
	       "  -c, --connect URI      hypervisor (default %s)\n"
	       "      --config FILE      configuration (default %s)\n"
	       "      --socket PATH      where ebbctl connects (default %s)\n"
	       "      --log-level LEVEL  error, warning, notice, info, debug\n"
	       "      --dry-run          decide and say so, and take nothing by "
	       "itself\n"
	       "      --check-config     read the configuration, say what is "
	       "wrong, and exit\n"
	       "      --no-sandbox       keep all privileges, to debug ebbd\n"
	       "  -h, --help             show this help\n"
	       "  -V, --version          show the version\n"
	       "\n"
	       "ebbd stays in the foreground and runs as root. See ebbd(8), "
	       "ebbd.conf(5), ebbctl(1).\n",
	       EBB_DEFAULT_URI, CONFIG_PATH, EBB_CONTROL_SOCKET);
}

/* Returns -1 to go on, or the exit code. */
int ebb_options_parse(int argc, char **argv, struct ebb_options *options)
{
	enum {
		OPT_CONFIG = 256,
		OPT_SOCKET,
		OPT_LOG_LEVEL,
		OPT_NO_SANDBOX,
		OPT_DRY_RUN,
		OPT_CHECK_CONFIG,
	};
	static const struct option table[] = {
		{ "connect", required_argument, NULL, 'c' },
		{ "config", required_argument, NULL, OPT_CONFIG },
		{ "socket", required_argument, NULL, OPT_SOCKET },
		{ "log-level", required_argument, NULL, OPT_LOG_LEVEL },
		{ "no-sandbox", no_argument, NULL, OPT_NO_SANDBOX },
		{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
		{ "check-config", no_argument, NULL, OPT_CHECK_CONFIG },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "c:hV", table, NULL)) != -1) {
		switch (opt) {
		case 'c':
			options->uri = optarg;
			break;
		case OPT_CONFIG:
			options->config = optarg;
			break;
		case OPT_SOCKET:
			options->socket = optarg;
			break;
		case OPT_LOG_LEVEL:
			options->log_level = optarg;
			break;
		case OPT_NO_SANDBOX:
			options->no_sandbox = true;
			break;
		case OPT_DRY_RUN:
			options->dry_run = true;
			break;
		case OPT_CHECK_CONFIG:
			options->check_config = true;
			break;
		case 'h':
			print_help();
			return EXIT_SUCCESS;
		case 'V':
			printf("ebbd %s\n", PACKAGE_VERSION);
			return EXIT_SUCCESS;
		default:
			fprintf(stderr, "See: ebbd --help\n");
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr,
			"ebbd: error: '%s' is not an option. See: ebbd "
			"--help\n",
			argv[optind]);
		return EXIT_USAGE;
	}
	return -1;
}

static int override(char *value, size_t value_bytes, const char *option,
		    const char *text)
{
	if (!text)
		return 0;
	if (strlen(text) >= value_bytes) {
		ebb_log(EBB_LOG_ERR, "--%s: longer than %zu characters", option,
			value_bytes - 1);
		return -ENAMETOOLONG;
	}
	strcpy(value, text);
	return 0;
}

const char *ebb_options_config_path(const struct ebb_options *options)
{
	return options->config ? options->config : CONFIG_PATH;
}

/* Only the default file may be absent. */
enum ebb_config_presence
ebb_options_config_presence(const struct ebb_options *options)
{
	return options->config ? EBB_CONFIG_REQUIRED : EBB_CONFIG_OPTIONAL;
}

/* What the command line says is over what the files say. */
int ebb_options_override(struct ebb_config *config,
			 const struct ebb_options *options)
{
	int r;

	if (override(config->uri, sizeof(config->uri), "connect",
		     options->uri) < 0 ||
	    override(config->socket, sizeof(config->socket), "socket",
		     options->socket) < 0)
		return -ENAMETOOLONG;
	if (options->log_level) {
		r = ebb_log_parse_level(options->log_level, &config->log_level);
		if (r < 0) {
			ebb_log(EBB_LOG_ERR,
				"--log-level: '%s' is none of error, warning, "
				"notice, info, debug",
				options->log_level);
			return r;
		}
	}
	return 0;
}

/* It is meant for what comes on top, and often taken for all that others need. */
void ebb_options_warn(const struct ebb_config *config)
{
	char kept[EBB_SIZE_TEXT_BYTES], all[EBB_SIZE_TEXT_BYTES];
	uint64_t memory_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) *
				(uint64_t)sysconf(_SC_PAGESIZE);

	if (!ebb_config_keeps_much(config, memory_bytes))
		return;
	ebb_log(EBB_LOG_WARNING,
		"host-free is %s, of %s that this host has. That is kept "
		"available beyond what other programs use already, and guests "
		"have the less; lower host-free in ebbd.conf if it is the sum "
		"of what they use",
		ebb_size_format(config->policy.host_free_bytes, kept,
				sizeof(kept)),
		ebb_size_format(memory_bytes, all, sizeof(all)));
}

int ebb_options_load(struct ebb_config *config,
		     const struct ebb_options *options)
{
	struct ebb_msg_error error;
	int r;

	ebb_config_default(config);
	r = ebb_config_load(ebb_options_config_path(options),
			    ebb_options_config_presence(options), config,
			    &error);
	if (r < 0) {
		ebb_log(EBB_LOG_ERR, "%s", error.text);
		return r;
	}
	r = ebb_options_override(config, options);
	if (r < 0)
		return r;
	ebb_log_init("ebbd", config->log_level);
	ebb_options_warn(config);
	return 0;
}
