/* SPDX-License-Identifier: GPL-2.0-only */
#include <config.h>

#include "host/ctl/top/host.h"

#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "host/ctl/text.h"

/* Of one domain at most, as it was asked for. */
static int take_domain(const struct json_object *value,
		       struct ebb_explain_domain *ret_domain,
		       struct ebb_msg_error *ret_error)
{
	struct json_object *array;
	int r;

	memset(ret_domain, 0, sizeof(*ret_domain));
	if (!json_object_object_get_ex(value, "domains", &array) ||
	    !json_object_is_type(array, json_type_array) ||
	    json_object_array_length(array) != 1)
		return 0;
	r = ebb_msg_decode(json_object_array_get_idx(array, 0),
			   ebb_explain_domain_fields, ret_domain,
			   sizeof(*ret_domain), ret_error);
	ctl_clean_message(ebb_explain_domain_fields, ret_domain);
	return r;
}

int top_host_take(struct top_host *host, const struct json_object *value,
		  struct ebb_msg_error *ret_error)
{
	ebb_auto_free struct ebb_explain *explain = malloc(sizeof(*explain));
	struct ebb_explain_domain domain;
	bool known;
	int r;

	if (!explain) {
		snprintf(ret_error->text, sizeof(ret_error->text),
			 "out of memory");
		return -ENOMEM;
	}
	r = ebb_msg_decode(value, ebb_explain_fields, explain, sizeof(*explain),
			   ret_error);
	if (r == 0)
		r = take_domain(value, &domain, ret_error);
	if (r < 0)
		return r;
	ctl_clean_message(ebb_explain_fields, explain);
	known = explain->budgets_age_ms != UINT32_MAX && explain->budget_count;
	host->explain = *explain;
	host->domain = domain;
	host->explained = true;
	top_curve_add(&host->available,
		      known ? explain->budgets[0].available_bytes
			    : TOP_UNKNOWN);
	return 0;
}

void top_host_read_pressure(struct top_host *host, const char *path)
{
	FILE *file ebb_auto_fclose = fopen(path, "re");

	host->pressure_known =
		file && fscanf(file, "some avg10=%lf %*[^\n]\nfull avg10=%lf",
			       &host->pressure_some, &host->pressure_full) == 2;
}
