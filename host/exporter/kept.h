/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What was made of an answer to EXP_POLICY, for the rounds that do not ask it.
 *
 * It is a half of all that is asked, and ebbd looks at budgets each 10 s. The answer is
 * printed once, as text; ages in it go on all the same, and are set where it is used.
 */
#ifndef EBB_HOST_EXPORTER_KEPT_H
#define EBB_HOST_EXPORTER_KEPT_H

#include "host/exporter/text.h"

/* Without @metrics there is none. Both have the ages of when it was asked. */
struct exp_kept {
	struct exp_text metrics;
	struct exp_text live;
};

void exp_kept_clear(struct exp_kept *kept);

/**
 * exp_kept_add - to a page, @age_ms after it was asked
 * @live: NULL: it is not wanted
 */
void exp_kept_add(const struct exp_kept *kept, uint32_t age_ms,
		  struct exp_text *metrics, struct exp_text *live);

#endif /* EBB_HOST_EXPORTER_KEPT_H */
