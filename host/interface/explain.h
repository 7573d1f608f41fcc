/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the policy decided, would decide now, and why: of ebbctl explain and ebbctl
 * policy, as it goes over the control socket.
 */
#ifndef EBB_HOST_EXPLAIN_H
#define EBB_HOST_EXPLAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "host/interface/status.h"

/* @domain: name or UUID; empty: all. @uri: as of struct ebb_domain_request. */
struct ebb_explain_request {
	char domain[EBB_NAME_BYTES_MAX];
	char uri[EBB_URI_BYTES_MAX];
};

/* Of one budget. Sizes in bytes. */
struct ebb_explain_budget {
	char name[EBB_NAME_BYTES_MAX];
	bool huge_pages; /* a pool of them */
	uint64_t limit_bytes;
	uint64_t available_bytes;
	uint64_t low_bytes; /* need begins below that, */
	uint64_t high_bytes; /* and ends there */
	uint64_t falling_bytes_per_s; /* so fast it was taken of late */
	uint64_t fast_swap_bytes;
	uint32_t cover_guests; /* so many of the largest debts must be covered */
	bool for_show; /* no domain lies in it */
	bool in_need;
	bool emergency;
	uint64_t need_bytes;
	uint64_t met_bytes; /* of it, what is asked for */
	bool covered;
	uint64_t debt_bytes; /* of the largest debtors, which must be covered */
	uint32_t unknown_debts; /* of guests of which not even the most is known */
	char unknown_debtor
		[EBB_NAME_BYTES_MAX]; /* one, or of which it is the most */
	uint64_t cover_bytes;
	uint64_t min_bytes; /* of all its domains */
	bool mins_fit;
	char text[EBB_TEXT_BYTES_MAX]; /* what lacks, or empty */
};

/* A budget that memory of a domain counts in, and how much of it in millionths. */
struct ebb_explain_part {
	char budget[EBB_NAME_BYTES_MAX];
	uint32_t part_ppm;
};

enum {
	EBB_EXPLAIN_PARTS_MAX = 8
};

/**
 * struct ebb_explain_domain - of one domain
 * @state: as ebb_policy_left_name(): "asked", or why nothing is
 * @text: the same in words, with numbers
 * @bytes, @why: what would be asked for now; 0: nothing
 * @memory_known: else @usable_bytes is the most that it may use, 0: not known either;
 *	@resident_bytes and @swapped_bytes are what it has at least, and @lent_bytes is 0
 * @balloon_known, @swapped_known: else what it has of that is 0
 * @claimed_bytes: of @balloon_bytes, what Ebb had the balloon take, or nobody but the
 *	guest says: it is owed, too
 * @facts_age_ms: of what the guest says (free, lasting); UINT32_MAX: not known
 * @lasting_bytes: of what is free, what was all the while, for @lasting_ms
 * @last_*: the last decision that was carried out; none without @last_age_ms,
 *	which is UINT32_MAX then
 *
 * What else the policy decides from:
 * @phase: as ebb_snapshot_domain() names it
 * @refilled_bytes: of what is free, what a libvirt job made resident
 * @available_bytes: what the guest could free without swapping, with what is free; 0:
 *	not known
 * @takeable_bytes: of what is free, what its rung can take at once
 * @can_drive: its rung can have the guest free more
 * @can_page_out: its rung can take what it uses, too, in an emergency
 * @by_balloon: it does all that by the guest's balloon: in need alone
 * @parts_known: else it lies in other budgets than @parts, too, or may
 * @asked_age_ms: of the last time that it was asked; UINT32_MAX: never
 * @heard_since_asked: the guest said something since
 * @pending_bytes: asked for, and not answered yet
 * @asked_resident_bytes: it had when it was asked last; 0: not known
 * @window_bytes: asked for without a rest of 10 s between
 * @rests_left_ms, @stuck_left_ms: it is left alone for so long
 * @idle_answers: in a row, that moved next to nothing
 */
struct ebb_explain_domain {
	char name[EBB_NAME_BYTES_MAX];
	char uuid[37];
	char mode[16];
	uint64_t min_bytes;
	uint64_t max_bytes;
	uint32_t shares;
	bool paused; /* the policy, for it */
	char state[24];
	char text[EBB_TEXT_BYTES_MAX];
	uint64_t bytes;
	char why[16];
	bool memory_known;
	uint64_t usable_bytes;
	bool balloon_known;
	uint64_t balloon_bytes; /* which a balloon holds beside that */
	uint64_t claimed_bytes;
	uint64_t resident_bytes;
	bool swapped_known;
	uint64_t swapped_bytes;
	uint64_t lent_bytes;
	uint64_t cushion_bytes;
	uint32_t facts_age_ms;
	uint64_t free_bytes;
	uint64_t lasting_bytes;
	uint32_t lasting_ms;
	bool working_set_known;
	uint64_t working_set_bytes;
	uint32_t last_age_ms;
	char last_text[EBB_TEXT_BYTES_MAX];
	uint64_t last_asked_bytes;
	uint64_t last_came_bytes;
	char last_ended[32]; /* empty: it is under way */
	bool last_dry_run;
	char phase[16];
	uint64_t refilled_bytes;
	uint64_t available_bytes;
	uint64_t takeable_bytes;
	bool can_drive;
	bool can_page_out;
	bool by_balloon;
	bool parts_known;
	uint32_t part_count;
	struct ebb_explain_part parts[EBB_EXPLAIN_PARTS_MAX];
	uint32_t asked_age_ms;
	bool heard_since_asked;
	uint64_t pending_bytes;
	uint64_t asked_resident_bytes;
	uint64_t window_bytes;
	uint32_t rests_left_ms;
	uint32_t stuck_left_ms;
	uint32_t idle_answers;
};

/**
 * struct ebb_explain_pause - a domain that the policy is paused for
 * @name: the last that is known, or empty
 */
struct ebb_explain_pause {
	char name[EBB_NAME_BYTES_MAX];
	char uuid[37];
	bool running;
};

enum {
	EBB_EXPLAIN_BUDGETS_MAX = 64,
	EBB_EXPLAIN_PAUSES_MAX = 64,
};

/* Without the domains, which the answer has as "domains". */
struct ebb_explain {
	bool enabled;
	bool dry_run;
	bool paused;
	uint32_t pause_count;
	struct ebb_explain_pause pauses[EBB_EXPLAIN_PAUSES_MAX];
	uint32_t pauses_left_out;
	uint32_t budgets_age_ms; /* UINT32_MAX: not read yet */
	uint32_t budget_count;
	struct ebb_explain_budget budgets[EBB_EXPLAIN_BUDGETS_MAX];
	uint32_t budgets_left_out; /* of which few lack anything: see explain.c */
};

/* @domain: empty: for all. */
struct ebb_policy_request {
	char domain[EBB_NAME_BYTES_MAX];
	char uri[EBB_URI_BYTES_MAX];
	bool pause;
};

struct ebb_policy_result {
	char name[EBB_NAME_BYTES_MAX]; /* or empty */
	bool paused;
	bool was_paused;
	char note[EBB_TEXT_BYTES_MAX]; /* what a person should know, or empty */
};

extern const struct ebb_field ebb_explain_request_fields[];
extern const struct ebb_field ebb_explain_budget_fields[];
extern const struct ebb_field ebb_explain_part_fields[];
extern const struct ebb_field ebb_explain_domain_fields[];
extern const struct ebb_field ebb_explain_fields[];
extern const struct ebb_field ebb_policy_request_fields[];
extern const struct ebb_field ebb_policy_result_fields[];

#endif /* EBB_HOST_EXPLAIN_H */
