/* SPDX-License-Identifier: GPL-2.0-only */
/* ebbctl policy status | pause [DOMAIN] | resume [DOMAIN] | test FILE. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "host/ctl/explain.h"
#include "host/ctl/policy_test.h"
#include "host/ctl/text.h"

enum {
	POLICY_LIMIT_MS = 10 * 1000
};

static int status_of(const struct ctl_args *args)
{
	struct ebb_explain explain;
	struct json_object *value;
	int status;

	if (args->operand_count > 1)
		return ctl_usage(args, "policy status takes no domain. See "
				       "ebbctl explain.");
	status = ctl_ask_explain(args, "", &value);
	if (status != CTL_DONE)
		return status;
	status = ctl_answer_decode(args, value, ebb_explain_fields, &explain,
				   sizeof(explain));
	if (status == CTL_DONE && ctl_given(args, CTL_OPT_JSON)) {
		json_object_object_del(value, "domains");
		ctl_json_print(stdout, value);
	} else if (status == CTL_DONE) {
		ctl_policy_state_print(&explain);
		ctl_budgets_print(&explain);
	}
	json_object_put(value);
	return status;
}

static void print_result(const struct ebb_policy_result *result)
{
	const char *now = result->paused ? "is paused" : "is not paused";

	if (result->paused == result->was_paused)
		now = result->paused ? "was paused already" : "was not paused";
	printf("The policy %s%s%s\n", now, *result->name ? " for " : "",
	       result->name);
	if (*result->note)
		ctl_pair_print(stdout, "Note", "%s", result->note);
}

/* A resume for all leaves the pauses of single domains. */
static int print_still_paused(const struct ctl_args *args)
{
	struct ebb_explain explain;
	struct json_object *value;
	int status = ctl_ask_explain(args, "", &value);

	if (status != CTL_DONE)
		return status;
	status = ctl_answer_decode(args, value, ebb_explain_fields, &explain,
				   sizeof(explain));
	json_object_put(value);
	if (status == CTL_DONE)
		ctl_pauses_print("Still paused", &explain);
	return status;
}

static int pause_or_resume(const struct ctl_args *args, bool pause)
{
	struct ebb_policy_request wanted = { .pause = pause };
	struct ctl_request request = {
		.command = "policy-pause",
		.limit_ms = POLICY_LIMIT_MS,
	};
	struct ebb_policy_result result;
	struct ctl_answer answer;
	int status;

	if (args->operand_count > 1)
		snprintf(wanted.domain, sizeof(wanted.domain), "%s",
			 args->operands[1]);
	request.arguments = ebb_msg_encode(ebb_policy_request_fields, &wanted);
	status = ctl_ask_served(args, &request, &answer);
	if (status != CTL_DONE)
		return status;
	status = ctl_answer_decode(args, answer.value, ebb_policy_result_fields,
				   &result, sizeof(result));
	if (status == CTL_DONE && ctl_given(args, CTL_OPT_JSON))
		ctl_json_print(stdout, answer.value);
	else if (status == CTL_DONE)
		print_result(&result);
	ctl_answer_clear(&answer);
	if (status == CTL_DONE && !ctl_given(args, CTL_OPT_JSON) &&
	    !result.paused && !*result.name)
		status = print_still_paused(args);
	return status;
}

int ctl_policy(const struct ctl_args *args)
{
	const char *what = args->operands[0];

	if (strcmp(what, "status") == 0)
		return status_of(args);
	if (strcmp(what, "pause") == 0)
		return pause_or_resume(args, true);
	if (strcmp(what, "resume") == 0)
		return pause_or_resume(args, false);
	if (strcmp(what, "test") == 0)
		return ctl_policy_test(args);
	return ctl_usage(
		args, "'%.40s' is none of status, pause, resume, test.", what);
}
