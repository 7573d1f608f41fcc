/* SPDX-License-Identifier: GPL-2.0-only */
/* What top knows of the host, and of the decision about one domain. */
#ifndef EBB_HOST_CTL_TOP_HOST_H
#define EBB_HOST_CTL_TOP_HOST_H

#include "host/ctl/top/bars.h"
#include "host/interface/explain.h"

/**
 * struct top_host - zeroed is one of which nothing is known
 * @explained: @explain is there
 * @domain: of which it was asked for; @domain->uuid is empty if there is none
 * @available: the curve of the first budget
 * @pressure_known: the next two are: the share of the last 10 s in which some, or all,
 *	tasks of the host waited for memory, in percent
 */
struct top_host {
	bool explained;
	struct ebb_explain explain;
	struct ebb_explain_domain domain;
	struct top_curve available;
	bool pressure_known;
	double pressure_some;
	double pressure_full;
};

/**
 * top_host_take - the answer to "policy-explain"
 *
 * Returns 0, or -errno with @ret_error and what was known before.
 */
int top_host_take(struct top_host *host, const struct json_object *value,
		  struct ebb_msg_error *ret_error);

/* @path: "/proc/pressure/memory", or a file that is like it. */
void top_host_read_pressure(struct top_host *host, const char *path);

#endif /* EBB_HOST_CTL_TOP_HOST_H */
