/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A picture that the policy decides from, as rows that people can save and change.
 *
 * Theory of operation
 * ===================
 *
 * The problem. An operator wants to know what would be decided if a domain had
 * another min, or the host less memory, before it is so. And what is told of a
 * decision must be made from the structures that decided, wherever it was made.
 *
 * So the rows of host/interface/explain.h hold all that the policy decides from, and
 * what it decided. ebbd writes them from a picture of now; ebbctl policy test
 * reads them from a file, has the same policy decide, and writes the results into
 * the same rows. Times are ages there, as each process has its own clock.
 *
 * What is lost on the way: ages are whole milliseconds, and parts of budgets whole
 * millionths.
 *
 * Pure: no file, no log, no clock.
 */
#ifndef EBB_HOST_SNAPSHOT_H
#define EBB_HOST_SNAPSHOT_H

#include "host/interface/explain.h"
#include "host/policy/policy.h"

/* How long ago; UINT32_MAX if @since_ns is 0, which is never. */
uint32_t ebb_snapshot_age_ms(uint64_t since_ns, uint64_t now_ns);

/* A budget as it was decided about, and what was decided. */
void ebb_snapshot_budget(const struct ebb_policy *policy, uint32_t index,
			 struct ebb_explain_budget *ret_row);

/**
 * ebb_snapshot_domain - what was known of a domain, and why nothing is asked of it
 * @policy: as it was decided about at @now_ns
 * @row: the members that the policy does not know are left as they are: uuid,
 *	paused, and those of the last decision
 *
 * The phases are unknown, booting, settled, paused, in-job, leaving and exempt.
 */
void ebb_snapshot_domain(const struct ebb_policy *policy, uint32_t index,
			 uint64_t now_ns, struct ebb_explain_domain *row);

/* What is asked of a domain, over ebb_snapshot_domain(). */
void ebb_snapshot_decision(const struct ebb_policy *policy,
			   const struct ebb_policy_decision *decision,
			   uint64_t now_ns, struct ebb_explain_domain *row);

/* The policy is off, over ebb_snapshot_domain(). */
void ebb_snapshot_off(struct ebb_explain_domain *row);

/**
 * struct ebb_snapshot_error - what of the rows makes no sense
 * @budget: whether @index is of a budget, else of a domain
 * @field: of that row
 * @text: what is wrong with it, and the remedy, as the end of a sentence
 */
struct ebb_snapshot_error {
	bool budget;
	uint32_t index;
	const char *field;
	char text[EBB_TEXT_BYTES_MAX];
};

/**
 * ebb_snapshot_decide - what the policy decides of the rows, into the rows
 * @head, @domains: of those that follow from others (need, cover, text, bytes, ...)
 *	what is in them is not read, and is written anew
 * @ret_error: filled with -EINVAL
 *
 * A domain whose paused is set is exempt; one whose phase is exempt while paused is
 * not set counts as settled. Nothing is written on failure.
 *
 * Returns 0, -EINVAL or -ENOMEM.
 */
int ebb_snapshot_decide(struct ebb_explain *head,
			struct ebb_explain_domain *domains, uint32_t count,
			struct ebb_snapshot_error *ret_error);

/* ---- names ---- */

/* As struct ebb_explain_domain has it. */
const char *ebb_snapshot_why_name(enum ebb_policy_why why);

/* Returns the index of @name, or -1. */
int ebb_snapshot_find_mode(const char *name);
int ebb_snapshot_find_phase(const char *name);

/* "one, two or three", of all modes or phases. */
#define EBB_SNAPSHOT_MODES "performance, balanced or density"
#define EBB_SNAPSHOT_PHASES \
	"unknown, booting, settled, paused, in-job, leaving or exempt"

#endif /* EBB_HOST_SNAPSHOT_H */
