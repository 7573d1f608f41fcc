/* SPDX-License-Identifier: GPL-2.0-only */
/* ebb-agent: options, signals and the event loop. */
#include <config.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "common/log.h"
#include "guest/agent.h"
#include "guest/guard.h"

enum {
	EXIT_USAGE = 2
};

struct options {
	struct ebb_agent_options agent;
	bool restore_knobs;
	enum ebb_log_level log_level;
};

static void print_help(void)
{
	printf("Usage: ebb-agent [OPTION]...\n"
	       "Speak for this guest's free memory to the host.\n"
	       "\n"
	       "      --channel PATH     serve this port only\n"
	       "      --qga-path PATH    the stock qemu-ga, for its commands\n"
	       "      --swap             a free target may swap, if all swap is on "
	       "disks\n"
	       "      --restore-knobs    put back what a killed agent left, and "
	       "exit\n"
	       "      --log-level LEVEL  error, warning, notice, info, debug\n"
	       "  -h, --help             show this help\n"
	       "  -V, --version          show the version\n"
	       "\n"
	       "Without --channel, org.ebb.agent.0 is served where the guest "
	       "has it, else\norg.qemu.guest_agent.0, with qemu-ga behind it. "
	       "See ebb-agent(8).\n");
}

/* Returns -1 to go on, or the exit code. */
static int parse_options(int argc, char **argv, struct options *options)
{
	enum {
		OPT_CHANNEL = 256,
		OPT_QGA_PATH,
		OPT_RESTORE_KNOBS,
		OPT_SWAP,
		OPT_LOG_LEVEL
	};
	static const struct option table[] = {
		{ "channel", required_argument, NULL, OPT_CHANNEL },
		{ "qga-path", required_argument, NULL, OPT_QGA_PATH },
		{ "restore-knobs", no_argument, NULL, OPT_RESTORE_KNOBS },
		{ "swap", no_argument, NULL, OPT_SWAP },
		{ "log-level", required_argument, NULL, OPT_LOG_LEVEL },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "hV", table, NULL)) != -1) {
		switch (opt) {
		case OPT_CHANNEL:
			options->agent.channel = optarg;
			break;
		case OPT_QGA_PATH:
			options->agent.qga_program = optarg;
			break;
		case OPT_RESTORE_KNOBS:
			options->restore_knobs = true;
			break;
		case OPT_SWAP:
			options->agent.swap = true;
			break;
		case OPT_LOG_LEVEL:
			if (ebb_log_parse_level(optarg, &options->log_level) <
			    0) {
				fprintf(stderr,
					"ebb-agent: error: --log-level: '%s' "
					"is none of error, warning, notice, "
					"info, debug\n",
					optarg);
				return EXIT_USAGE;
			}
			break;
		case 'h':
			print_help();
			return EXIT_SUCCESS;
		case 'V':
			printf("ebb-agent %s\n", PACKAGE_VERSION);
			return EXIT_SUCCESS;
		default:
			fprintf(stderr, "See: ebb-agent --help\n");
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr,
			"ebb-agent: error: '%s' is not an option. See: "
			"ebb-agent --help\n",
			argv[optind]);
		return EXIT_USAGE;
	}
	return -1;
}

static int run(sd_event *event, const struct options *options)
{
	struct ebb_agent *agent = NULL;
	int r;

	/* Without a handler, these end the loop. */
	r = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
	if (r >= 0)
		r = sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
	if (r >= 0)
		r = ebb_agent_new(event, &options->agent, &agent);
	if (r >= 0) {
		sd_notify(0, "READY=1");
		r = sd_event_loop(event);
	}
	sd_notify(0, "STOPPING=1");
	ebb_agent_free(agent);
	return r;
}

static int restore_knobs(void)
{
	char state_dir[256];
	int r;

	ebb_agent_state_dir(state_dir, sizeof(state_dir));
	r = ebb_guard_restore("", state_dir);
	if (r < 0)
		ebb_log(EBB_LOG_ERR, "%s: %s", state_dir, strerror(-r));
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct options options = { .log_level = EBB_LOG_INFO };
	sd_event *event = NULL;
	sigset_t signals;
	int r = parse_options(argc, argv, &options);

	if (r >= 0)
		return r;
	ebb_log_init("ebb-agent", options.log_level);
	if (options.restore_knobs)
		return restore_knobs();

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, NULL);

	r = sd_event_default(&event);
	if (r >= 0)
		r = run(event, &options);
	sd_event_unref(event);
	if (r < 0) {
		ebb_log(EBB_LOG_ERR, "%s", strerror(-r));
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
