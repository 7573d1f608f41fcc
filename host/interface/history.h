/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What was: samples of a domain or a budget over time, as ebbd answers "history".
 *
 * A point is of a span of time that begins at its time and is as long as the answer's
 * step. Of each series it has the least, the average and the greatest of what was seen
 * in that span. A series that was not known in it is not in the point, and a span in
 * which nothing was seen (ebbd or the domain did not run, the host slept) has no point.
 *
 * In JSON a point is {"time-ms": T, "rung": "lease", "resident-bytes": [min, avg, max],
 * ...}. Times are milliseconds since 1970, by the host's clock; sizes are bytes, and
 * pressure is in millionths of the time in which some task waited for memory.
 */
#ifndef EBB_HOST_INTERFACE_HISTORY_H
#define EBB_HOST_INTERFACE_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "host/interface/status.h"

enum {
	EBB_HISTORY_SERIES = 8,
	/* Of one answer; without a limit of the request's, and at most. */
	EBB_HISTORY_POINTS = 360,
	EBB_HISTORY_POINTS_MAX = 1024,
};

enum ebb_history_kind {
	EBB_HISTORY_DOMAIN,
	EBB_HISTORY_BUDGET,
};

/* The series of a domain, as struct ebb_domain_status has them. */
enum ebb_domain_series {
	EBB_DOMAIN_RESIDENT,
	EBB_DOMAIN_SWAPPED,
	EBB_DOMAIN_FREE, /* by the guest's word */
	EBB_DOMAIN_LENT,
	EBB_DOMAIN_USABLE,
	EBB_DOMAIN_BALLOON,
	EBB_DOMAIN_WORKING_SET,
	EBB_DOMAIN_PRESSURE,
};

/* The series of a budget, as struct ebb_explain_budget has them. */
enum ebb_budget_series {
	EBB_BUDGET_LIMIT,
	EBB_BUDGET_AVAILABLE,
	EBB_BUDGET_USED, /* the limit without what is available */
	EBB_BUDGET_LENT, /* by all its domains, of what is known */
	EBB_BUDGET_COVER,
	EBB_BUDGET_DEBT,
	EBB_BUDGET_NEED,
	EBB_BUDGET_PRESSURE, /* of the budget "host" alone */
};

/* Member of a point in JSON: "resident-bytes". */
const char *ebb_history_series_name(enum ebb_history_kind kind,
				    unsigned int series);

/**
 * struct ebb_history_request
 * @domain: name or UUID, also of one that does not run any more; or
 * @budget: "host", or as struct ebb_explain_budget names it; one of both is given
 * @uri: as of struct ebb_domain_request
 * @last_ms: the time until now; 0: @since_ms and @until_ms hold
 * @since_ms, @until_ms: 0: as far back as it goes; until now
 * @step_ms: rounded up to what there is; 0: as little as @limit allows
 * @limit: of points, the newest ones; 0: EBB_HISTORY_POINTS
 */
struct ebb_history_request {
	char domain[EBB_NAME_BYTES_MAX];
	char budget[EBB_NAME_BYTES_MAX];
	char uri[EBB_URI_BYTES_MAX];
	uint64_t last_ms;
	uint64_t since_ms;
	uint64_t until_ms;
	uint64_t step_ms;
	uint32_t limit;
};

struct ebb_history_value {
	bool known;
	uint64_t min;
	uint64_t avg;
	uint64_t max;
};

/* @rung: that the domain was on last in that span; empty of a budget. */
struct ebb_history_point {
	uint64_t time_ms;
	char rung[16];
	struct ebb_history_value values[EBB_HISTORY_SERIES];
};

/**
 * struct ebb_history - the answer
 * @kind: "domain" or "budget"
 * @name, @uuid: the last that is known; @uuid is empty of a budget
 * @now_ms: when it was asked
 * @since_ms: what was asked for begins there
 * @step_ms: of all points
 * @note: why there may be less than there was, or empty
 * @point_count, @points: by ascending time; free with ebb_history_clear()
 */
struct ebb_history {
	char kind[8];
	char name[EBB_NAME_BYTES_MAX];
	char uuid[37];
	uint64_t now_ms;
	uint64_t since_ms;
	uint64_t step_ms;
	char note[EBB_TEXT_BYTES_MAX];
	uint32_t point_count;
	struct ebb_history_point *points;
};

enum ebb_history_kind ebb_history_kind_of(const struct ebb_history *history);

/* Returns NULL without memory. */
struct json_object *ebb_history_encode(const struct ebb_history *history);

/* Returns 0, -EINVAL, -ERANGE or -ENOMEM, as ebb_msg_decode() does. */
int ebb_history_decode(const struct json_object *object,
		       struct ebb_history *ret_history,
		       struct ebb_msg_error *ret_error);

/* A zeroed one is fine. */
void ebb_history_clear(struct ebb_history *history);

extern const struct ebb_field ebb_history_request_fields[];
/* Without the points. */
extern const struct ebb_field ebb_history_fields[];

#endif /* EBB_HOST_INTERFACE_HISTORY_H */
