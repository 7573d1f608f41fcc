/* SPDX-License-Identifier: GPL-2.0-only */
/* ebbctl set DOMAIN --free-target ...: what a domain is asked to keep free. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "host/ctl/client.h"
#include "host/ctl/target.h"
#include "host/ctl/text.h"

enum {
	/* An agent that does not answer is waited for. */
	SET_LIMIT_MS = 90 * 1000
};

/* Returns CTL_DONE or the status of a ctl_usage(). */
static int make_request(const struct ctl_args *args,
			struct ebb_set_request *request)
{
	struct ebb_target_setting setting;
	struct ebb_msg_error error;

	if (!ctl_given(args, CTL_OPT_FREE_TARGET))
		return ctl_usage(args,
				 "set what? Give --free-target with a size "
				 "such as 600M, a percentage such as 40%%, "
				 "auto or none.");
	if (ebb_target_parse(args->free_target, &setting, &error) < 0)
		return ctl_usage(args, "--free-target: %s.", error.text);
	memset(request, 0, sizeof(*request));
	strcpy(request->domain, args->operands[0]);
	strcpy(request->uri, args->uri);
	ebb_target_format(&setting, request->free_target);
	return CTL_DONE;
}

static int finish(const struct ctl_args *args, const struct ctl_answer *answer)
{
	struct ebb_set_result result;
	int status = ctl_answer_decode(args, answer->value,
				       ebb_set_result_fields, &result,
				       sizeof(result));

	if (status != CTL_DONE)
		return status;
	if (ctl_given(args, CTL_OPT_JSON)) {
		ctl_json_print(stdout, answer->value);
		return CTL_DONE;
	}
	if (!*result.target.setting)
		ctl_pair_print(stdout, "Free target", "none");
	ctl_target_print(&result.target);
	if (*result.note)
		ctl_pair_print(stdout, "Note", "%s", result.note);
	return CTL_DONE;
}

int ctl_set(const struct ctl_args *args)
{
	struct ctl_request request = {
		.command = "domain-set",
		.limit_ms = SET_LIMIT_MS,
	};
	struct ebb_set_request set;
	struct ctl_answer answer;
	int status = make_request(args, &set);

	if (status != CTL_DONE)
		return status;
	request.arguments = ebb_msg_encode(ebb_set_request_fields, &set);
	ctl_ask(args, &request, &answer);
	if (answer.status != CTL_DONE)
		return ctl_answer_error(args, &answer);
	status = finish(args, &answer);
	ctl_answer_clear(&answer);
	return status;
}
