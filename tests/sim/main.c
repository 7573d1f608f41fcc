/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ebb-sim: a day of many guests on one host, shared out by each of some rules.
 *
 * Theory of operation
 * ===================
 *
 * The question. How much memory does a host need so that its guests get the same
 * service: none is killed, and they wait for memory for at most a thousandth of
 * their time? For each rule the same guests live through the same day on hosts of
 * several sizes, and the smallest that does is the answer. On a host of one size,
 * the other figures tell what a rule costs.
 *
 * What it is not. Guests are traces with the rates of guest.c and host.c; rules are
 * what their documents say, without their bugs. Its figures compare rules, and say
 * nothing of a machine.
 */
#include <err.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "tests/sim/rules.h"

enum {
	HALVINGS = 7,
	SERIES_PERIOD_S = 60,
};

#define BASE_BYTES (2.0 * EBB_GIB)
#define SWAP_BYTES (8.0 * EBB_GIB)
#define STALL_PART_MAX 0.001

/**
 * struct options - of the command line
 * @host_bytes: 0: seven tenths of what the guests have
 * @kind: of all guests, or SIM_KINDS: a mixture
 * @series: a file for what happens each minute, or NULL
 */
struct options {
	const char *rule;
	const char *series;
	enum sim_kind kind;
	uint32_t guests;
	uint64_t seed;
	double hours;
	double step_s;
	double host_bytes;
	bool search;
};

/* Of one day on one host. */
struct outcome {
	double stall_part;
	double refault_bytes;
	double fault_bytes;
	double held_bytes;
	double least_available_bytes;
	double decisions_per_min;
	double fairness;
	uint32_t kills;
};

static void print_help(void)
{
	printf("Usage: ebb-sim [OPTION]...\n"
	       "Simulate a day of many guests on one host, shared out by some rules.\n"
	       "\n"
	       "  --guests N      how many (default: 100)\n"
	       "  --hours H       of the day (default: 24)\n"
	       "  --host SIZE     memory of the host (default: 7/10 of the guests')\n"
	       "  --kind NAME     guests of this trace alone (default: a mixture)\n"
	       "  --rule NAME     this rule alone (default: all)\n"
	       "  --seed N        other guests (default: 1)\n"
	       "  --step SECONDS  of simulated time (default: 0.5)\n"
	       "  --search        find the smallest host for no kill and 0.1 %% of stalls\n"
	       "  --series FILE   with --rule: each minute of the day, for a plot\n"
	       "  -h, --help      show this\n");
}

/* ---- one day ---- */

static void make_guests(struct sim_guest *guests, const struct options *options)
{
	/* Of ten: four diurnal, two bursty, two of a storm, one or two of a peak; */
	static const enum sim_kind kinds[] = {
		SIM_DIURNAL, SIM_BURSTY, SIM_DIURNAL, SIM_STORM, SIM_PEAK,
		SIM_DIURNAL, SIM_BURSTY, SIM_STORM,   SIM_PEAK,	 SIM_DIURNAL,
	};

	for (uint32_t i = 0; i < options->guests; i++) {
		enum sim_kind kind = kinds[i % EBB_ARRAY_SIZE(kinds)];

		/* of fifty: one that lies, one that is stuck, one with a container. */
		if (i % 50 == 20)
			kind = SIM_LIAR;
		else if (i % 50 == 40)
			kind = SIM_STUCK;
		else if (i % 50 == 30)
			kind = SIM_LIMITED;
		if (options->kind != SIM_KINDS)
			kind = options->kind;
		sim_guest_make(&guests[i], kind, options->seed * 1000000 + i);
	}
}

static void write_minute(FILE *file, const struct sim_host *host)
{
	double lent = 0, free_bytes = 0, stall_s = 0, refault = 0;
	uint32_t kills = 0;

	for (uint32_t i = 0; i < host->guest_count; i++) {
		const struct sim_guest *guest = &host->guests[i];

		lent += sim_guest_lent_bytes(guest);
		free_bytes += sim_guest_free_bytes(guest);
		stall_s += guest->stall_s;
		refault += guest->refault_bytes;
		kills += guest->kills;
	}
	fprintf(file, "%.2f\t%.3f\t%.3f\t%.3f\t%.2f\t%.3f\t%.3f\t%.3f\t%u\n",
		host->now_s / 3600, sim_host_available_bytes(host) / EBB_GIB,
		lent / EBB_GIB, free_bytes / EBB_GIB, stall_s,
		refault / EBB_GIB, sim_host_debt_bytes(host) / EBB_GIB,
		sim_host_cover_bytes(host) / EBB_GIB, kills);
}

/* Jain's index of what guests held, by their shares: 1 is alike. */
static double fairness(const struct sim_host *host)
{
	double sum = 0, squares = 0;

	for (uint32_t i = 0; i < host->guest_count; i++) {
		double held =
			host->guests[i].held_byte_s / host->guests[i].shares;

		sum += held;
		squares += held * held;
	}
	return squares > 0 ? sum * sum / (host->guest_count * squares) : 1;
}

static struct outcome sum_up(const struct sim_host *host)
{
	struct outcome outcome = {
		.least_available_bytes = host->least_available_bytes,
		.decisions_per_min =
			(double)host->decisions / (host->now_s / 60),
		.fairness = fairness(host),
	};

	for (uint32_t i = 0; i < host->guest_count; i++) {
		const struct sim_guest *guest = &host->guests[i];

		outcome.stall_part +=
			guest->stall_s / host->now_s / host->guest_count;
		outcome.refault_bytes += guest->refault_bytes;
		outcome.fault_bytes += guest->fault_bytes;
		outcome.held_bytes += guest->held_byte_s / host->now_s;
		outcome.kills += guest->kills;
	}
	return outcome;
}

static struct outcome run_day(const struct options *options,
			      const struct sim_rule *rule, double total_bytes,
			      FILE *series)
{
	struct sim_guest *guests = calloc(options->guests, sizeof(*guests));
	struct sim_host host = {
		.total_bytes = total_bytes,
		.base_bytes = BASE_BYTES,
		.swap_bytes = SWAP_BYTES,
		.guests = guests,
		.guest_count = options->guests,
		.least_available_bytes = total_bytes,
	};
	double minute_s = 0;
	struct outcome outcome;
	void *state = NULL;

	if (!guests)
		errx(1, "out of memory");
	make_guests(guests, options);
	if (rule->begin)
		state = rule->begin(&host);
	while (host.now_s < options->hours * 3600) {
		sim_host_step(&host, options->step_s);
		if (rule->tick)
			rule->tick(&host, state, options->step_s);
		if (!series || host.now_s < minute_s)
			continue;
		write_minute(series, &host);
		minute_s += SERIES_PERIOD_S;
	}
	if (rule->end)
		rule->end(state);
	outcome = sum_up(&host);
	free(guests);
	return outcome;
}

/* ---- all of it ---- */

static double guests_bytes(const struct options *options)
{
	struct sim_guest *guests = calloc(options->guests, sizeof(*guests));
	double sum = 0;

	if (!guests)
		errx(1, "out of memory");
	make_guests(guests, options);
	for (uint32_t i = 0; i < options->guests; i++)
		sum += guests[i].usable_bytes;
	free(guests);
	return sum;
}

static bool serves(const struct outcome *outcome)
{
	return outcome->kills == 0 && outcome->stall_part <= STALL_PART_MAX;
}

/* The smallest host that serves, as a part of what the guests have; 0: none. */
static double search(const struct options *options, const struct sim_rule *rule)
{
	double whole_bytes = guests_bytes(options);
	double low = 0.1, high = 1.15;
	struct outcome outcome =
		run_day(options, rule, high * whole_bytes + BASE_BYTES, NULL);

	if (!serves(&outcome))
		return 0;
	for (int i = 0; i < HALVINGS; i++) {
		double middle = (low + high) / 2;

		outcome = run_day(options, rule,
				  middle * whole_bytes + BASE_BYTES, NULL);
		if (serves(&outcome))
			high = middle;
		else
			low = middle;
	}
	return high;
}

static void print_search(const struct options *options,
			 const struct sim_rule *rule)
{
	double part = search(options, rule);

	if (part > 0)
		printf("%-12s %6.0f %%   %s\n", rule->name, 100 * part,
		       rule->what);
	else
		printf("%-12s      - %%   %s\n", rule->name, rule->what);
	fflush(stdout);
}

static void print_day(const struct options *options,
		      const struct sim_rule *rule, FILE *series)
{
	struct outcome outcome =
		run_day(options, rule, options->host_bytes, series);

	printf("%-12s %6u %9.3f %% %9.1f %9.1f %9.1f %9.1f %8.2f %9.1f\n",
	       rule->name, outcome.kills, 100 * outcome.stall_part,
	       outcome.refault_bytes / EBB_GIB, outcome.fault_bytes / EBB_GIB,
	       outcome.held_bytes / EBB_GIB,
	       outcome.least_available_bytes / EBB_GIB, outcome.fairness,
	       outcome.decisions_per_min);
	fflush(stdout);
}

static double number(const char *option, const char *text, double min)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= min))
		errx(2, "%s: '%s' is no number from %g on. See: ebb-sim --help",
		     option, text, min);
	return value;
}

static enum sim_kind kind_of(const char *name)
{
	for (int kind = 0; kind < SIM_KINDS; kind++)
		if (strcmp(name, sim_kind_name(kind)) == 0)
			return (enum sim_kind)kind;
	errx(2,
	     "--kind: '%s' is none of diurnal, bursty, storm, peak, liar, "
	     "stuck, limited",
	     name);
}

static void parse(int argc, char **argv, struct options *options)
{
	static const struct option table[] = {
		{ "guests", required_argument, NULL, 'g' },
		{ "hours", required_argument, NULL, 'H' },
		{ "host", required_argument, NULL, 'm' },
		{ "kind", required_argument, NULL, 'k' },
		{ "rule", required_argument, NULL, 'r' },
		{ "seed", required_argument, NULL, 's' },
		{ "step", required_argument, NULL, 't' },
		{ "search", no_argument, NULL, 'S' },
		{ "series", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	uint64_t bytes;
	int opt;

	while ((opt = getopt_long(argc, argv, "h", table, NULL)) != -1) {
		switch (opt) {
		case 'g':
			options->guests =
				(uint32_t)number("--guests", optarg, 1);
			break;
		case 'H':
			options->hours = number("--hours", optarg, 0.1);
			break;
		case 'm':
			if (ebb_size_parse(optarg, &bytes) < 0)
				errx(2, "--host: '%s' is no size, as 64G is",
				     optarg);
			options->host_bytes = (double)bytes;
			break;
		case 'k':
			options->kind = kind_of(optarg);
			break;
		case 'r':
			options->rule = optarg;
			break;
		case 's':
			options->seed = (uint64_t)number("--seed", optarg, 0);
			break;
		case 't':
			options->step_s = number("--step", optarg, 0.01);
			break;
		case 'S':
			options->search = true;
			break;
		case 'o':
			options->series = optarg;
			break;
		case 'h':
			print_help();
			exit(0);
		default:
			errx(2, "see: ebb-sim --help");
		}
	}
	if (optind < argc)
		errx(2, "'%s' is not an option. See: ebb-sim --help",
		     argv[optind]);
	if (options->series && !options->rule)
		errx(2, "--series needs --rule");
}

static bool is_wanted(const struct options *options,
		      const struct sim_rule *rule)
{
	return !options->rule || strcmp(options->rule, rule->name) == 0;
}

static void check_rule(const struct options *options)
{
	for (const struct sim_rule *rule = sim_rules; rule->name; rule++)
		if (is_wanted(options, rule))
			return;
	errx(2, "--rule: '%s' is no rule; without --rule all are shown",
	     options->rule);
}

int main(int argc, char **argv)
{
	struct options options = {
		.kind = SIM_KINDS,
		.guests = 100,
		.seed = 1,
		.hours = 24,
		.step_s = 0.5,
	};
	FILE *series = NULL;

	parse(argc, argv, &options);
	check_rule(&options);
	if (options.host_bytes == 0)
		options.host_bytes = 0.7 * guests_bytes(&options);
	if (options.series) {
		series = fopen(options.series, "we");
		if (!series)
			err(1, "%s", options.series);
		fprintf(series, "# hour\tavailable GiB\tlent GiB\tfree in "
				"guests GiB\tstalls s\tread again GiB\t"
				"largest debt GiB\tcover GiB\tkills\n");
	}
	if (options.search)
		printf("%u guests of %.0f GiB: the smallest host for %g hours\n"
		       "%-12s %8s\n",
		       options.guests, guests_bytes(&options) / EBB_GIB,
		       options.hours, "rule", "host");
	else
		printf("%u guests of %.0f GiB on a host of %.0f GiB, %g hours\n"
		       "%-12s %6s %11s %9s %9s %9s %9s %8s %9s\n"
		       "%-12s %6s %11s %9s %9s %9s %9s %8s %9s\n",
		       options.guests, guests_bytes(&options) / EBB_GIB,
		       options.host_bytes / EBB_GIB, options.hours, "rule",
		       "kills", "stalls", "reread", "faults", "held", "least",
		       "fair", "orders", "", "", "of time", "GiB", "GiB", "GiB",
		       "free GiB", "(Jain)", "/min");
	for (const struct sim_rule *rule = sim_rules; rule->name; rule++) {
		if (!is_wanted(&options, rule))
			continue;
		if (options.search)
			print_search(&options, rule);
		else
			print_day(&options, rule, series);
	}
	if (series && fclose(series) != 0)
		err(1, "%s", options.series);
	return 0;
}
