/* SPDX-License-Identifier: GPL-2.0-only */
/* What is served: all that one round of questions to ebbd brought. */
#ifndef EBB_HOST_EXPORTER_PAGE_H
#define EBB_HOST_EXPORTER_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include <json-c/json.h>

#include "host/exporter/kept.h"
#include "host/exporter/question.h"
#include "host/exporter/text.h"

enum {
	EXP_TROUBLE_BYTES = 512
};

/**
 * struct exp_round - what a round brought
 * @answers: by question; NULL: none came
 * @policy_was_kept: EXP_POLICY was not asked, as its last answer is good still
 * @policy_age_ms: how long ago that was asked
 * @error: why the first did not come that did not, with the remedy; else empty
 * @took_us: the round
 */
struct exp_round {
	struct json_object *answers[EXP_ANSWER_COUNT];
	bool policy_was_kept;
	uint32_t policy_age_ms;
	char error[EXP_TROUBLE_BYTES];
	uint32_t took_us;
};

/* Drops the answers; zeroed after it. */
void exp_round_clear(struct exp_round *round);

/**
 * struct exp_counts - of the exporter's life
 * @rounds: that have ended
 * @failures: of these, without an answer to each question
 */
struct exp_counts {
	uint64_t rounds;
	uint64_t failures;
};

/**
 * struct exp_page - what is served
 * @metrics: for Prometheus
 * @live: the same for the live page, in JSON, with the words that are no labels; empty
 *	if it was not wanted
 * @up: ebbd answered
 * @trouble: what keeps it from being well, or empty
 */
struct exp_page {
	struct exp_text metrics;
	struct exp_text live;
	bool up;
	char trouble[EXP_TROUBLE_BYTES];
};

/**
 * exp_page_make - from a round, which is not changed
 * @counts: is added to
 * @live: that is wanted, too
 * @kept: of the policy: taken where it was kept, else made anew, and cleared if it
 *	cannot be
 * @ret_page: always filled; the caller clears it
 *
 * Without an answer of ebbd the page says so (ebb_up is 0), and has no facts: none is
 * kept from before.
 */
void exp_page_make(const struct exp_round *round, struct exp_counts *counts,
		   bool live, struct exp_kept *kept, struct exp_page *ret_page);

void exp_page_clear(struct exp_page *page);

#endif /* EBB_HOST_EXPORTER_PAGE_H */
