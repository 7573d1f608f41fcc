/* SPDX-License-Identifier: GPL-2.0-only */
/* ebbctl reload: ebbd reads its configuration anew. */
#include <config.h>

#include <stdio.h>

#include "host/ctl/client.h"
#include "host/ctl/text.h"
#include "host/interface/status.h"

enum {
	RELOAD_LIMIT_MS = 30 * 1000
};

int ctl_reload(const struct ctl_args *args)
{
	struct ctl_request request = {
		.command = "daemon-reload",
		.limit_ms = RELOAD_LIMIT_MS,
	};
	struct ebb_reload_result result;
	struct ctl_answer answer;
	int status = ctl_ask_served(args, &request, &answer);

	if (status != CTL_DONE)
		return status;
	status = ctl_answer_decode(args, answer.value, ebb_reload_result_fields,
				   &result, sizeof(result));
	if (status == CTL_DONE && ctl_given(args, CTL_OPT_JSON))
		ctl_json_print(stdout, answer.value);
	else if (status == CTL_DONE && *result.restart)
		printf("Reloaded. A restart is needed for %s: systemctl "
		       "restart ebbd\n",
		       result.restart);
	else if (status == CTL_DONE)
		puts("Reloaded.");
	ctl_answer_clear(&answer);
	return status;
}
