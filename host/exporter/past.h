/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What was, for the live page: the history that ebbd keeps of a domain or a budget.
 *
 * ebbd is asked for one at a time, and not at once again: its answer is larger than that
 * of a round, and whoever reaches the page can ask. Who asks for another one meanwhile is
 * told that it is busy, and the page asks again a little later.
 */
#ifndef EBB_HOST_EXPORTER_PAST_H
#define EBB_HOST_EXPORTER_PAST_H

#include <stdbool.h>

#include "host/exporter/page.h"
#include "host/interface/history.h"

enum {
	/* So many points are drawn at most. */
	EXP_PAST_POINTS = 240
};

/**
 * exp_past_parse - the parameters of /api/history.json
 * @domain, @budget: one of both; the other is NULL
 * @last_ms: of so long until now, in digits; NULL: of all
 *
 * Returns false if they are no question.
 */
bool exp_past_parse(const char *domain, const char *budget, const char *last_ms,
		    struct ebb_history_request *ret_request);

bool exp_past_is_same(const struct ebb_history_request *a,
		      const struct ebb_history_request *b);

/* The arguments of EXP_PAST; the caller owns them. NULL: no memory; ebbd refuses that. */
struct json_object *
exp_past_arguments(const struct ebb_history_request *request);

/* What is served of a round that asked EXP_PAST: JSON, with "trouble" if it failed. */
void exp_past_print(const struct exp_round *round, struct exp_text *text);

#endif /* EBB_HOST_EXPORTER_PAST_H */
