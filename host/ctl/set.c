/* SPDX-License-Identifier: GPL-2.0-only */
/* ebbctl set DOMAIN ...: what a domain is to keep free, and its part in the policy. */
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

/* A question has its mark already. */
static const char *stop_of(const char *text)
{
	size_t length = strlen(text);

	return length > 0 && text[length - 1] == '?' ? "" : ".";
}

/* Returns CTL_DONE or the status of a ctl_usage(). */
static int take_target(const struct ctl_args *args,
		       struct ebb_set_request *request)
{
	struct ebb_target_setting setting;
	struct ebb_msg_error error;

	if (!args->free_target)
		return CTL_DONE;
	if (ebb_target_parse(args->free_target, &setting, &error) < 0)
		return ctl_usage(args, "--free-target: %s%s", error.text,
				 stop_of(error.text));
	ebb_target_format(&setting, request->free_target);
	return CTL_DONE;
}

/* The same. */
static int take_setting(const struct ctl_args *args, enum ebb_setting setting,
			struct ebb_set_request *request)
{
	const char *text = args->settings[setting];
	struct ebb_policy_settings values;
	struct ebb_msg_error error;

	if (!text)
		return CTL_DONE;
	if (strcmp(text, "default") == 0) {
		strcpy(request->settings[setting], text);
		return CTL_DONE;
	}
	if (ebb_setting_parse(setting, text, &values, &error) < 0)
		return ctl_usage(args, "--%s: %s%s", ebb_setting_name(setting),
				 error.text,
				 *stop_of(error.text) ? ", or default." : "");
	ebb_setting_format(setting, &values, request->settings[setting]);
	return CTL_DONE;
}

/* The same. */
static int take_scope(const struct ctl_args *args,
		      struct ebb_set_request *request)
{
	bool live = ctl_given(args, CTL_OPT_LIVE);
	bool config = ctl_given(args, CTL_OPT_CONFIG);

	if (ctl_given(args, CTL_OPT_CURRENT) && (live || config))
		return ctl_usage(args, "--current goes with neither --live nor "
				       "--config. Leave it out.");
	if (ctl_given(args, CTL_OPT_CURRENT) || (live && !config))
		strcpy(request->scope, "live");
	else if (config && !live)
		strcpy(request->scope, "config");
	return CTL_DONE;
}

static bool has_nothing(const struct ctl_args *args)
{
	for (int i = 0; i < EBB_SETTING_COUNT; i++)
		if (args->settings[i])
			return false;
	return !args->free_target;
}

/* The same. */
static int make_request(const struct ctl_args *args,
			struct ebb_set_request *request)
{
	int status;

	if (has_nothing(args))
		return ctl_usage(args,
				 "set what? Give --free-target with a size "
				 "such as 600M, a percentage such as 40%%, "
				 "auto or none; or --mode, --min, --max, "
				 "--shares, --rungs or --reserved.");
	memset(request, 0, sizeof(*request));
	strcpy(request->domain, args->operands[0]);
	strcpy(request->uri, args->uri);
	status = take_target(args, request);
	for (int i = 0; i < EBB_SETTING_COUNT && status == CTL_DONE; i++)
		status = take_setting(args, (enum ebb_setting)i, request);
	return status == CTL_DONE ? take_scope(args, request) : status;
}

static bool has_setting(const struct ebb_settings_status *settings,
			enum ebb_setting setting)
{
	for (uint32_t i = 0; i < settings->count; i++)
		if (strcmp(settings->items[i].name,
			   ebb_setting_name(setting)) == 0)
			return true;
	return false;
}

/* An ebbd that is older ignores what it does not know. Returns CTL_DONE or an error. */
static int check_known(const struct ctl_args *args,
		       const struct ebb_settings_status *settings)
{
	for (int i = 0; i < EBB_SETTING_COUNT; i++) {
		enum ebb_setting setting = (enum ebb_setting)i;

		if (args->settings[i] && !has_setting(settings, setting))
			return ctl_error(
				args, CTL_FAILED, "CommandNotFound",
				"this ebbd is older than ebbctl, does not know "
				"--%s, and has ignored it. Update it, and "
				"restart it: systemctl restart ebbd.",
				ebb_setting_name(setting));
	}
	return CTL_DONE;
}

static int finish(const struct ctl_args *args, const struct ctl_answer *answer)
{
	struct ebb_set_result result;
	int status = ctl_answer_decode(args, answer->value,
				       ebb_set_result_fields, &result,
				       sizeof(result));

	if (status == CTL_DONE)
		status = check_known(args, &result.settings);
	if (status != CTL_DONE)
		return status;
	if (ctl_given(args, CTL_OPT_JSON)) {
		ctl_json_print(stdout, answer->value);
		return CTL_DONE;
	}
	if (args->free_target && !*result.target.setting)
		ctl_pair_print(stdout, "Free target", "none");
	if (args->free_target)
		ctl_target_print(&result.target);
	ctl_settings_print(&result.settings);
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
