/* SPDX-License-Identifier: GPL-2.0-only */
/* ebbctl deflate DOMAIN: what its balloon holds for Ebb is given back. */
#include <config.h>

#include <stdio.h>

#include "common/size.h"
#include "host/ctl/client.h"
#include "host/ctl/text.h"
#include "host/interface/status.h"

int ctl_deflate(const struct ctl_args *args)
{
	struct ebb_deflate_result result;
	struct json_object *value;
	int status = ctl_ask_domain(args, "domain-deflate", &value);

	if (status != CTL_DONE)
		return status;
	status = ctl_answer_decode(args, value, ebb_deflate_result_fields,
				   &result, sizeof(result));
	if (status == CTL_DONE && ctl_given(args, CTL_OPT_JSON))
		ctl_json_print(stdout, value);
	else if (status == CTL_DONE && result.given_bytes)
		printf("Given back: %s\n", EBB_SIZE(result.given_bytes));
	else if (status == CTL_DONE)
		puts("Its balloon holds nothing for Ebb.");
	json_object_put(value);
	return status;
}
