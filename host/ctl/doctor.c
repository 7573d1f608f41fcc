/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ebbctl doctor: what the host lacks, or what keeps a domain from the best rung, and the
 * cure.
 */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "host/ctl/client.h"
#include "host/ctl/text.h"
#include "host/interface/status.h"

enum {
	/* It reads a few files, and waits a second for libvirtd at most. */
	HOST_LIMIT_MS = 15000
};

static const struct {
	const char *status;
	const char *colour; /* SGR parameters */
} marks[] = {
	{ "ok", "32" },
	{ "warn", "33" },
	{ "fail", "1;31" },
	{ "skip", "2" },
};

static void print_mark(const char *status, bool colour)
{
	for (size_t i = 0; colour && i < EBB_ARRAY_SIZE(marks); i++) {
		if (strcmp(marks[i].status, status) == 0) {
			printf("\033[%sm%-4s\033[m", marks[i].colour, status);
			return;
		}
	}
	printf("%-4s", status);
}

static void print_doctor(const struct ebb_doctor *doctor, bool of_domain)
{
	bool colour = ctl_has_colour(stdout);
	unsigned int fails = 0, warnings = 0;

	for (uint32_t i = 0; i < doctor->check_count; i++) {
		const struct ebb_check *check = &doctor->checks[i];
		const char *remedy = check->remedy;
		char text[CTL_NAMED_BYTES];

		if (of_domain)
			remedy = ctl_named(remedy, doctor->name, text);

		fails += strcmp(check->status, "fail") == 0;
		warnings += strcmp(check->status, "warn") == 0;
		print_mark(check->status, colour);
		printf("  %s: %s\n", check->name, check->text);
		if (*remedy)
			printf("      Remedy: %s\n", remedy);
		ctl_indent_print(stdout, 6, check->xml);
	}
	printf("%s%s: ", doctor->check_count ? "\n" : "", doctor->name);
	/* The host is on none. */
	if (of_domain)
		printf("rung %s, ", doctor->rung);
	printf("%u failed, %u warning%s\n", fails, warnings,
	       warnings == 1 ? "" : "s");
}

static int ask_host(const struct ctl_args *args, struct json_object **ret_value)
{
	const struct ebb_host_request message = { .version = PACKAGE_VERSION };
	struct ctl_request request = {
		.command = "host-doctor",
		.arguments = ebb_msg_encode(ebb_host_request_fields, &message),
		.limit_ms = HOST_LIMIT_MS,
	};
	struct ctl_answer answer;
	int status = ctl_ask_served(args, &request, &answer);

	if (status == CTL_DONE)
		*ret_value = answer.value;
	return status;
}

/* The word as a shell takes it whole. */
static void print_word(const char *word)
{
	putchar('\'');
	for (; *word; word++)
		if (*word == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*word);
	putchar('\'');
}

/* @value: empty: the option is left out */
static void print_option(const char *option, const char *value)
{
	if (!*value)
		return;
	printf(" %s ", option);
	print_word(value);
}

/* The XML may have passwords in it. */
static void print_steps(const struct ctl_args *args, const struct ebb_fix *fix)
{
	const char *uri = *fix->uri ? fix->uri : args->uri;

	fputs("#   (umask 077; virsh", stdout);
	print_option("-c", uri);
	print_option("dumpxml --inactive --security-info", fix->name);
	fputs(" >domain.xml)\n#   ebbctl doctor --fix", stdout);
	if (ctl_given(args, CTL_OPT_CONNECT))
		print_option("-c", args->uri);
	if (ctl_given(args, CTL_OPT_SOCKET))
		print_option("-s", args->socket);
	putchar(' ');
	print_word(fix->name);
	fputs(" | patch domain.xml\n#   virsh", stdout);
	print_option("-c", uri);
	puts(" define domain.xml");
}

/* patch(1) passes over what comes before the patch. */
static void print_fix(const struct ctl_args *args, const struct ebb_fix *fix)
{
	if (!*fix->patch) {
		fprintf(stderr,
			"%s: its definition needs no patch. Shut it down and "
			"start it, if it was changed since; see also: ebbctl "
			"doctor\n",
			fix->name);
		return;
	}
	puts("# Nothing is changed yet. To apply this patch, which takes "
	     "effect when the\n# guest is shut down and started again:");
	print_steps(args, fix);
	fputs(fix->patch, stdout);
}

static int run_fix(const struct ctl_args *args)
{
	struct json_object *value;
	struct ebb_fix fix;
	int status;

	if (args->operand_count == 0)
		return ctl_usage(args, "doctor --fix needs a DOMAIN. See "
				       "ebbctl help doctor.");
	status = ctl_ask_domain(args, "domain-fix", &value);
	if (status != CTL_DONE)
		return status;
	status = ctl_answer_decode(args, value, ebb_fix_fields, &fix,
				   sizeof(fix));
	if (status == CTL_DONE && ctl_given(args, CTL_OPT_JSON))
		ctl_json_print(stdout, value);
	else if (status == CTL_DONE)
		print_fix(args, &fix);
	json_object_put(value);
	return status;
}

int ctl_doctor(const struct ctl_args *args)
{
	struct ebb_doctor doctor;
	struct json_object *value;
	bool of_domain = args->operand_count > 0;
	int status;

	if (ctl_given(args, CTL_OPT_FIX))
		return run_fix(args);
	status = of_domain ? ctl_ask_domain(args, "domain-doctor", &value)
			   : ask_host(args, &value);
	if (status != CTL_DONE)
		return status;
	status = ctl_answer_decode(args, value, ebb_doctor_fields, &doctor,
				   sizeof(doctor));
	if (status == CTL_DONE && ctl_given(args, CTL_OPT_JSON))
		ctl_json_print(stdout, value);
	else if (status == CTL_DONE)
		print_doctor(&doctor, of_domain);
	json_object_put(value);
	return status;
}
