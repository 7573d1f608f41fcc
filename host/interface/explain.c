/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/interface/explain.h"

#include "host/interface/rows.h"

#define REQUEST struct ebb_explain_request
const struct ebb_field ebb_explain_request_fields[] = {
	OPTIONAL_STRING("domain", REQUEST, domain),
	OPTIONAL_STRING("uri", REQUEST, uri),
	END,
};
#undef REQUEST

#define BUDGET struct ebb_explain_budget
const struct ebb_field ebb_explain_budget_fields[] = {
	STRING("name", BUDGET, name),
	FIELD(EBB_FIELD_BOOL, "huge-pages", BUDGET, huge_pages),
	FIELD(EBB_FIELD_U64, "limit-bytes", BUDGET, limit_bytes),
	FIELD(EBB_FIELD_U64, "available-bytes", BUDGET, available_bytes),
	FIELD(EBB_FIELD_U64, "low-bytes", BUDGET, low_bytes),
	FIELD(EBB_FIELD_U64, "high-bytes", BUDGET, high_bytes),
	OPTIONAL(EBB_FIELD_U64, "falling-bytes-per-second", BUDGET,
		 falling_bytes_per_s),
	FIELD(EBB_FIELD_U64, "fast-swap-bytes", BUDGET, fast_swap_bytes),
	FIELD(EBB_FIELD_U32, "cover-guests", BUDGET, cover_guests),
	FIELD(EBB_FIELD_BOOL, "for-show", BUDGET, for_show),
	FIELD(EBB_FIELD_BOOL, "in-need", BUDGET, in_need),
	FIELD(EBB_FIELD_BOOL, "emergency", BUDGET, emergency),
	FIELD(EBB_FIELD_U64, "need-bytes", BUDGET, need_bytes),
	FIELD(EBB_FIELD_U64, "met-bytes", BUDGET, met_bytes),
	FIELD(EBB_FIELD_BOOL, "covered", BUDGET, covered),
	FIELD(EBB_FIELD_U64, "debt-bytes", BUDGET, debt_bytes),
	OPTIONAL(EBB_FIELD_U32, "unknown-debts", BUDGET, unknown_debts),
	OPTIONAL_STRING("unknown-debtor", BUDGET, unknown_debtor),
	FIELD(EBB_FIELD_U64, "cover-bytes", BUDGET, cover_bytes),
	FIELD(EBB_FIELD_U64, "min-bytes", BUDGET, min_bytes),
	FIELD(EBB_FIELD_BOOL, "mins-fit", BUDGET, mins_fit),
	OPTIONAL_STRING("text", BUDGET, text),
	END,
};
#undef BUDGET

#define PART struct ebb_explain_part
const struct ebb_field ebb_explain_part_fields[] = {
	STRING("budget", PART, budget),
	{ .name = "part-ppm",
	  .type = EBB_FIELD_U32,
	  .offset = offsetof(PART, part_ppm),
	  .max = 1000000 },
	END,
};
#undef PART

#define DOMAIN struct ebb_explain_domain
const struct ebb_field ebb_explain_domain_fields[] = {
	STRING("name", DOMAIN, name),
	STRING("uuid", DOMAIN, uuid),
	STRING("mode", DOMAIN, mode),
	FIELD(EBB_FIELD_U64, "min-bytes", DOMAIN, min_bytes),
	FIELD(EBB_FIELD_U64, "max-bytes", DOMAIN, max_bytes),
	FIELD(EBB_FIELD_U32, "shares", DOMAIN, shares),
	FIELD(EBB_FIELD_BOOL, "paused", DOMAIN, paused),
	STRING("state", DOMAIN, state),
	STRING("text", DOMAIN, text),
	FIELD(EBB_FIELD_U64, "bytes", DOMAIN, bytes),
	OPTIONAL_STRING("why", DOMAIN, why),
	LATER(EBB_FIELD_BOOL, "memory-known", DOMAIN, memory_known),
	FIELD(EBB_FIELD_U64, "usable-bytes", DOMAIN, usable_bytes),
	LATER(EBB_FIELD_BOOL, "balloon-known", DOMAIN, balloon_known),
	FIELD(EBB_FIELD_U64, "balloon-bytes", DOMAIN, balloon_bytes),
	OPTIONAL(EBB_FIELD_U64, "claimed-bytes", DOMAIN, claimed_bytes),
	FIELD(EBB_FIELD_U64, "resident-bytes", DOMAIN, resident_bytes),
	LATER(EBB_FIELD_BOOL, "swapped-known", DOMAIN, swapped_known),
	FIELD(EBB_FIELD_U64, "swapped-bytes", DOMAIN, swapped_bytes),
	FIELD(EBB_FIELD_U64, "lent-bytes", DOMAIN, lent_bytes),
	FIELD(EBB_FIELD_U64, "cushion-bytes", DOMAIN, cushion_bytes),
	FIELD(EBB_FIELD_U32, "facts-age-ms", DOMAIN, facts_age_ms),
	FIELD(EBB_FIELD_U64, "free-bytes", DOMAIN, free_bytes),
	FIELD(EBB_FIELD_U64, "lasting-bytes", DOMAIN, lasting_bytes),
	FIELD(EBB_FIELD_U32, "lasting-ms", DOMAIN, lasting_ms),
	FIELD(EBB_FIELD_BOOL, "working-set-known", DOMAIN, working_set_known),
	FIELD(EBB_FIELD_U64, "working-set-bytes", DOMAIN, working_set_bytes),
	FIELD(EBB_FIELD_U32, "last-age-ms", DOMAIN, last_age_ms),
	OPTIONAL_STRING("last-text", DOMAIN, last_text),
	FIELD(EBB_FIELD_U64, "last-asked-bytes", DOMAIN, last_asked_bytes),
	FIELD(EBB_FIELD_U64, "last-came-bytes", DOMAIN, last_came_bytes),
	OPTIONAL_STRING("last-ended", DOMAIN, last_ended),
	FIELD(EBB_FIELD_BOOL, "last-dry-run", DOMAIN, last_dry_run),
	STRING("phase", DOMAIN, phase),
	OPTIONAL(EBB_FIELD_U64, "refilled-bytes", DOMAIN, refilled_bytes),
	OPTIONAL(EBB_FIELD_U64, "available-bytes", DOMAIN, available_bytes),
	FIELD(EBB_FIELD_U64, "takeable-bytes", DOMAIN, takeable_bytes),
	FIELD(EBB_FIELD_BOOL, "can-drive", DOMAIN, can_drive),
	LATER(EBB_FIELD_BOOL, "can-page-out", DOMAIN, can_page_out),
	LATER(EBB_FIELD_BOOL, "by-balloon", DOMAIN, by_balloon),
	FIELD(EBB_FIELD_BOOL, "parts-known", DOMAIN, parts_known),
	ARRAY("parts", DOMAIN, parts, part_count, ebb_explain_part_fields),
	FIELD(EBB_FIELD_U32, "asked-age-ms", DOMAIN, asked_age_ms),
	FIELD(EBB_FIELD_BOOL, "heard-since-asked", DOMAIN, heard_since_asked),
	FIELD(EBB_FIELD_U64, "pending-bytes", DOMAIN, pending_bytes),
	OPTIONAL(EBB_FIELD_U64, "asked-resident-bytes", DOMAIN,
		 asked_resident_bytes),
	FIELD(EBB_FIELD_U64, "window-bytes", DOMAIN, window_bytes),
	FIELD(EBB_FIELD_U32, "rests-left-ms", DOMAIN, rests_left_ms),
	FIELD(EBB_FIELD_U32, "stuck-left-ms", DOMAIN, stuck_left_ms),
	FIELD(EBB_FIELD_U32, "idle-answers", DOMAIN, idle_answers),
	END,
};
#undef DOMAIN

#define PAUSE struct ebb_explain_pause
static const struct ebb_field pause_fields[] = {
	STRING("name", PAUSE, name),
	STRING("uuid", PAUSE, uuid),
	FIELD(EBB_FIELD_BOOL, "running", PAUSE, running),
	END,
};
#undef PAUSE

#define EXPLAIN struct ebb_explain
const struct ebb_field ebb_explain_fields[] = {
	FIELD(EBB_FIELD_BOOL, "enabled", EXPLAIN, enabled),
	FIELD(EBB_FIELD_BOOL, "dry-run", EXPLAIN, dry_run),
	FIELD(EBB_FIELD_BOOL, "paused", EXPLAIN, paused),
	LATER_ARRAY("paused-domains", EXPLAIN, pauses, pause_count,
		    pause_fields),
	OPTIONAL(EBB_FIELD_U32, "paused-left-out", EXPLAIN, pauses_left_out),
	FIELD(EBB_FIELD_U32, "budgets-age-ms", EXPLAIN, budgets_age_ms),
	ARRAY("budgets", EXPLAIN, budgets, budget_count,
	      ebb_explain_budget_fields),
	OPTIONAL(EBB_FIELD_U32, "budgets-left-out", EXPLAIN, budgets_left_out),
	END,
};
#undef EXPLAIN

#define POLICY struct ebb_policy_request
const struct ebb_field ebb_policy_request_fields[] = {
	OPTIONAL_STRING("domain", POLICY, domain),
	OPTIONAL_STRING("uri", POLICY, uri),
	FIELD(EBB_FIELD_BOOL, "pause", POLICY, pause),
	END,
};
#undef POLICY

#define RESULT struct ebb_policy_result
const struct ebb_field ebb_policy_result_fields[] = {
	OPTIONAL_STRING("name", RESULT, name),
	FIELD(EBB_FIELD_BOOL, "paused", RESULT, paused),
	FIELD(EBB_FIELD_BOOL, "was-paused", RESULT, was_paused),
	OPTIONAL_STRING("note", RESULT, note),
	END,
};
#undef RESULT
