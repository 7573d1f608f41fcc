/* SPDX-License-Identifier: GPL-2.0-only */
/* ebbctl version: of this program, and of the ebbd that answers. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "host/ctl/client.h"
#include "host/ctl/text.h"
#include "host/interface/status.h"

enum {
	VERSION_LIMIT_MS = 10 * 1000
};

static int print_json(const struct ctl_args *args, struct json_object *daemon)
{
	struct json_object *both = json_object_new_object();
	struct json_object *own = json_object_new_string(PACKAGE_VERSION);
	int status = CTL_DONE;

	if (both && own && json_object_object_add(both, "ebbctl", own) == 0 &&
	    json_object_object_add(both, "ebbd", json_object_get(daemon)) == 0)
		ctl_json_print(stdout, both);
	else
		status = ctl_error(args, CTL_FAILED, "GenericError",
				   "out of memory");
	json_object_put(both);
	return status;
}

static int print_daemon(const struct ctl_args *args, struct json_object *value)
{
	struct ebb_daemon_status daemon;
	int status = ctl_answer_decode(args, value, ebb_daemon_status_fields,
				       &daemon, sizeof(daemon));

	if (status != CTL_DONE)
		return status;
	if (ctl_given(args, CTL_OPT_JSON))
		return print_json(args, value);
	ctl_pair_print(stdout, "ebbd", "%s", daemon.version);
	ctl_pair_print(stdout, "libvirt", "%s, %s", daemon.uri,
		       daemon.libvirt_connected ? "connected"
						: "not connected");
	ctl_pair_print(stdout, "Domains", "%u, on rung lease %u",
		       daemon.domain_count, daemon.lease_count);
	return CTL_DONE;
}

int ctl_version(const struct ctl_args *args)
{
	struct ctl_request request = {
		.command = "daemon-show",
		.limit_ms = VERSION_LIMIT_MS,
	};
	struct ctl_answer answer;
	int status;

	if (!ctl_given(args, CTL_OPT_JSON)) {
		ctl_pair_print(stdout, "ebbctl", "%s", PACKAGE_VERSION);
		fflush(stdout);
	}
	ctl_ask(args, &request, &answer);
	if (answer.status != CTL_DONE)
		return ctl_answer_error(args, &answer);
	status = print_daemon(args, answer.value);
	ctl_answer_clear(&answer);
	return status;
}
