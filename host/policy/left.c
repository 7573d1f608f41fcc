/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/policy/left.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/size.h"
#include "host/policy/history.h"
#include "host/policy/quantity.h"
#include "host/policy/stage.h"

static const char *const names[EBB_POLICY_LEFT_COUNT] = {
	[EBB_POLICY_NOT_LEFT] = "asked",
	[EBB_POLICY_LEFT_UNKNOWN] = "unknown",
	[EBB_POLICY_LEFT_BOOTING] = "booting",
	[EBB_POLICY_LEFT_PAUSED] = "guest-paused",
	[EBB_POLICY_LEFT_JOB] = "in-job",
	[EBB_POLICY_LEFT_LEAVING] = "leaving",
	[EBB_POLICY_LEFT_EXEMPT] = "policy-paused",
	[EBB_POLICY_LEFT_PENDING] = "pending",
	[EBB_POLICY_LEFT_RESTS] = "rests",
	[EBB_POLICY_LEFT_STUCK] = "stuck",
	[EBB_POLICY_LEFT_UNHEARD] = "unheard",
	[EBB_POLICY_LEFT_ALLOWANCE] = "allowance",
	[EBB_POLICY_LEFT_UNNEEDED] = "unneeded",
	[EBB_POLICY_LEFT_NO_NEED] = "no-need",
	[EBB_POLICY_LEFT_MODE] = "mode",
	[EBB_POLICY_LEFT_NO_SPARE] = "no-spare",
	[EBB_POLICY_LEFT_UNPLACED] = "unplaced",
	[EBB_POLICY_LEFT_UNCOVERED] = "uncovered",
	[EBB_POLICY_LEFT_YOUNG] = "young",
	[EBB_POLICY_LEFT_PERIOD] = "period",
	[EBB_POLICY_LEFT_LITTLE] = "little",
};

const char *ebb_policy_left_name(enum ebb_policy_left left)
{
	return names[left];
}

static enum ebb_policy_left
left_by_phase(const struct ebb_policy_domain *domain)
{
	switch (domain->phase) {
	case EBB_POLICY_UNKNOWN:
		return EBB_POLICY_LEFT_UNKNOWN;
	case EBB_POLICY_BOOTING:
		return EBB_POLICY_LEFT_BOOTING;
	case EBB_POLICY_SETTLED:
		break;
	case EBB_POLICY_PAUSED:
		return EBB_POLICY_LEFT_PAUSED;
	case EBB_POLICY_IN_JOB:
		return EBB_POLICY_LEFT_JOB;
	case EBB_POLICY_LEAVING:
		return EBB_POLICY_LEFT_LEAVING;
	case EBB_POLICY_EXEMPT:
		return EBB_POLICY_LEFT_EXEMPT;
	}
	return domain->heard_ns == 0 ? EBB_POLICY_LEFT_UNKNOWN
				     : EBB_POLICY_NOT_LEFT;
}

static enum ebb_policy_left
left_by_history(const struct ebb_policy_domain *domain, uint64_t now_ns)
{
	const struct ebb_policy_history *history = &domain->history;

	if (history->pending_bytes > 0)
		return EBB_POLICY_LEFT_PENDING;
	if (now_ns < history->rest_until_ns)
		return EBB_POLICY_LEFT_RESTS;
	if (now_ns < history->stuck_until_ns)
		return EBB_POLICY_LEFT_STUCK;
	if (history->decided_ns > 0 && domain->heard_ns <= history->decided_ns)
		return EBB_POLICY_LEFT_UNHEARD;
	return EBB_POLICY_NOT_LEFT;
}

/* The first budget of a domain that is in need, or that is not covered. */
static const struct ebb_policy_budget *
find_budget(const struct ebb_policy *policy,
	    const struct ebb_policy_domain *domain, bool in_need)
{
	for (uint32_t i = 0; i < domain->part_count; i++) {
		const struct ebb_policy_budget *budget =
			&policy->budgets[domain->parts[i].budget];

		if (in_need ? budget->in_need : !ebb_policy_is_covered(budget))
			return budget;
	}
	return NULL;
}

const struct ebb_policy_budget *
ebb_policy_find_emergency(const struct ebb_policy *policy,
			  const struct ebb_policy_domain *domain)
{
	for (uint32_t i = 0; i < domain->part_count; i++) {
		const struct ebb_policy_budget *budget =
			&policy->budgets[domain->parts[i].budget];

		if (budget->in_need && budget->emergency &&
		    domain->parts[i].part > 0)
			return budget;
	}
	return NULL;
}

/* What was asked of it in the last 10 s leaves less than a huge page of it. */
static bool is_spent(const struct ebb_policy_domain *domain, uint64_t now_ns)
{
	const struct ebb_policy_history *history = &domain->history;

	return history->window_bytes > 0 &&
	       now_ns - history->decided_ns < EBB_POLICY_WINDOW_NS &&
	       ebb_policy_whole_steps(domain->scratch.allowance_bytes) == 0 &&
	       (domain->scratch.ready_bytes > 0 ||
		ebb_policy_can_drive(domain));
}

/* What is free; and by a balloon also what the guest could free. */
static uint64_t giveable_bytes(const struct ebb_policy_domain *domain)
{
	uint64_t idle_bytes = ebb_policy_idle_bytes(domain);

	if (domain->rung.balloon && ebb_policy_can_drive(domain) &&
	    idle_bytes >= ebb_policy_worth_bytes(domain) &&
	    idle_bytes >= EBB_POLICY_STEP_BYTES)
		return ebb_u64_max(domain->scratch.ready_bytes, idle_bytes);
	return domain->scratch.ready_bytes;
}

/* It could be asked. */
static enum ebb_policy_left
left_by_amount(const struct ebb_policy *policy,
	       const struct ebb_policy_domain *domain, uint64_t now_ns)
{
	bool in_need = ebb_policy_is_in_need(policy, domain);

	if (is_spent(domain, now_ns) &&
	    (in_need || domain->mode == EBB_POLICY_DENSITY))
		return EBB_POLICY_LEFT_ALLOWANCE;
	if (in_need)
		return giveable_bytes(domain) > 0 ? EBB_POLICY_LEFT_UNNEEDED
						  : EBB_POLICY_LEFT_NO_SPARE;
	if (domain->rung.balloon)
		return EBB_POLICY_LEFT_NO_NEED;
	if (domain->mode == EBB_POLICY_PERFORMANCE)
		return EBB_POLICY_LEFT_MODE;
	if (domain->scratch.ready_bytes == 0)
		return EBB_POLICY_LEFT_NO_SPARE;
	if (domain->parts_unknown)
		return EBB_POLICY_LEFT_UNPLACED;
	if (find_budget(policy, domain, false))
		return EBB_POLICY_LEFT_UNCOVERED;
	if (domain->mode == EBB_POLICY_DENSITY)
		return EBB_POLICY_LEFT_LITTLE;
	if (!ebb_policy_has_lasted(domain, now_ns) ||
	    ebb_policy_lasting_bytes(domain) == 0)
		return EBB_POLICY_LEFT_YOUNG;
	return ebb_policy_is_due(domain, now_ns) ? EBB_POLICY_LEFT_LITTLE
						 : EBB_POLICY_LEFT_PERIOD;
}

enum ebb_policy_left ebb_policy_left(const struct ebb_policy *policy,
				     uint32_t index, uint64_t now_ns)
{
	const struct ebb_policy_domain *domain = &policy->domains[index];
	enum ebb_policy_left left;

	if (domain->scratch.take_bytes > 0)
		return EBB_POLICY_NOT_LEFT;
	left = left_by_phase(domain);
	if (left == EBB_POLICY_NOT_LEFT)
		left = left_by_history(domain, now_ns);
	if (left == EBB_POLICY_NOT_LEFT)
		left = left_by_amount(policy, domain, now_ns);
	return left;
}

/* ---- in words ---- */

static uint64_t seconds_until(uint64_t until_ns, uint64_t now_ns)
{
	return ebb_u64_minus(until_ns + EBB_NS_PER_S - 1, now_ns) /
	       EBB_NS_PER_S;
}

/* It has nothing free, and could be driven if it had more idle. */
static bool is_idle_little(const struct ebb_policy_domain *domain)
{
	uint64_t idle_bytes = ebb_policy_idle_bytes(domain);

	return ebb_policy_can_drive(domain) &&
	       ebb_policy_spare_bytes(domain) == 0 && idle_bytes > 0 &&
	       idle_bytes < ebb_policy_worth_bytes(domain);
}

/* Its min or its share keeps it from being paged out, or nobody needs that. */
static int kept_words(const struct ebb_policy *policy,
		      const struct ebb_policy_domain *domain,
		      const struct ebb_policy_budget *budget, char *text,
		      size_t bytes)
{
	uint32_t index = (uint32_t)(budget - policy->budgets);
	uint64_t share_bytes = (uint64_t)(ebb_policy_fair_level(policy, index) *
					  ebb_policy_shares(domain) /
					  ebb_policy_part(domain, index));
	uint64_t floor_bytes = ebb_u64_max(domain->min_bytes, share_bytes);

	if (ebb_u64_minus(domain->resident_bytes, floor_bytes) >=
	    ebb_u64_max(ebb_policy_worth_bytes(domain), EBB_POLICY_STEP_BYTES))
		return snprintf(text, bytes, "others give what %s needs",
				budget->name);
	if (domain->min_bytes >= share_bytes)
		return snprintf(text, bytes,
				"%s is resident, and its min is %s",
				EBB_SIZE(domain->resident_bytes),
				EBB_SIZE(domain->min_bytes));
	return snprintf(text, bytes,
			"%s is resident, and its share of %s is %s",
			EBB_SIZE(domain->resident_bytes), budget->name,
			EBB_SIZE(share_bytes));
}

static int no_spare_words(const struct ebb_policy *policy,
			  const struct ebb_policy_domain *domain, char *text,
			  size_t bytes)
{
	const struct ebb_policy_budget *emergency =
		ebb_policy_find_emergency(policy, domain);
	uint64_t free_bytes = ebb_u64_minus(ebb_u64_min(domain->free_bytes,
							domain->usable_bytes),
					    ebb_policy_lent_bytes(domain));

	if (domain->rung.page_out && emergency)
		return kept_words(policy, domain, emergency, text, bytes);
	if (is_idle_little(domain))
		return snprintf(text, bytes,
				"it does not work with %s, which is less than "
				"a 64th of the %s that it holds",
				EBB_SIZE(ebb_policy_idle_bytes(domain)),
				EBB_SIZE(domain->resident_bytes));
	if (domain->rung.balloon && domain->resident_bytes > domain->min_bytes)
		return snprintf(text, bytes,
				"%s is resident, and with a cushion it needs "
				"%s: its balloon takes nothing of that",
				EBB_SIZE(domain->resident_bytes),
				EBB_SIZE(ebb_policy_working_set_bytes(domain)));
	if (ebb_policy_spare_bytes(domain) == 0)
		return snprintf(text, bytes,
				"%s of its free memory is resident, and its "
				"cushion is %s",
				EBB_SIZE(free_bytes),
				EBB_SIZE(ebb_policy_cushion_bytes(domain)));
	if (domain->resident_bytes <= domain->min_bytes)
		return snprintf(text, bytes,
				"%s is resident, and its min is %s",
				EBB_SIZE(domain->resident_bytes),
				EBB_SIZE(domain->min_bytes));
	return snprintf(text, bytes,
			"%s is free beyond its cushion, but cannot be taken: "
			"of its free memory %s is in huge ranges that are "
			"resident",
			EBB_SIZE(ebb_policy_spare_bytes(domain)),
			EBB_SIZE(domain->rung.free_bytes));
}

static int young_words(const struct ebb_policy_domain *domain, uint64_t now_ns,
		       char *text, size_t bytes)
{
	uint64_t s =
		ebb_u64_minus(now_ns, domain->free_since_ns) / EBB_NS_PER_S;

	if (domain->free_since_ns == 0)
		return snprintf(text, bytes,
				"%s is free, not known for how long",
				EBB_SIZE(domain->free_bytes));
	if (s < EBB_POLICY_UNUSED_NS / EBB_NS_PER_S)
		return snprintf(text, bytes,
				"%s has been free for %" PRIu64
				" s; it must be 60 s",
				EBB_SIZE(domain->lasting_bytes), s);
	return snprintf(text, bytes,
			"%s is free, but only %s of it for %" PRIu64
			" s; with %s lent and a cushion of %s "
			"nothing is left that was free for 60 s",
			EBB_SIZE(domain->free_bytes),
			EBB_SIZE(domain->lasting_bytes), s,
			EBB_SIZE(ebb_policy_lent_bytes(domain)),
			EBB_SIZE(ebb_policy_cushion_bytes(domain)));
}

static int uncovered_words(const struct ebb_policy *policy,
			   const struct ebb_policy_budget *budget, char *text,
			   size_t bytes)
{
	uint32_t unknown = ebb_policy_unknown_debtor(
		policy, (uint32_t)(budget - policy->budgets));
	const char *name =
		unknown == EBB_POLICY_NONE ? "" : policy->domains[unknown].name;

	if (budget->unknown_debts > 0)
		return snprintf(text, bytes,
				"%s may not have it back in time: how much %s "
				"may take of it is not known",
				budget->name, name);
	return snprintf(text, bytes,
			"%s could not have it back in time: %s of cover for a "
			"debt of %s%s%s%s",
			budget->name, EBB_SIZE(budget->cover_bytes),
			EBB_SIZE(budget->debt_bytes), *name ? ", that of " : "",
			name,
			*name ? " at most, as what it has is not known" : "");
}

static int words_of(const struct ebb_policy *policy,
		    const struct ebb_policy_domain *domain,
		    enum ebb_policy_left left, uint64_t now_ns, char *text,
		    size_t bytes)
{
	const struct ebb_policy_history *history = &domain->history;

	switch (left) {
	case EBB_POLICY_LEFT_UNKNOWN:
		return snprintf(text, bytes,
				"what it has free is not known, or old");
	case EBB_POLICY_LEFT_BOOTING:
		return snprintf(text, bytes, "it boots");
	case EBB_POLICY_LEFT_PAUSED:
		return snprintf(text, bytes, "it is paused");
	case EBB_POLICY_LEFT_JOB:
		if (domain->memory_unknown)
			return snprintf(text, bytes,
					"a libvirt job reads its memory");
		return snprintf(text, bytes,
				"a libvirt job reads its memory, and %s that "
				"it lent may become resident until that ends",
				EBB_SIZE(ebb_policy_lent_bytes(domain)));
	case EBB_POLICY_LEFT_LEAVING:
		return snprintf(text, bytes, "it shuts down");
	case EBB_POLICY_LEFT_EXEMPT:
		return snprintf(text, bytes, "the policy is paused for it");
	case EBB_POLICY_LEFT_PENDING:
		return snprintf(text, bytes,
				"%s was asked for and has not come yet",
				EBB_SIZE(history->pending_bytes));
	case EBB_POLICY_LEFT_RESTS:
		return snprintf(text, bytes,
				"it needed its memory; it is asked again in "
				"%" PRIu64 " s",
				seconds_until(history->rest_until_ns, now_ns));
	case EBB_POLICY_LEFT_STUCK:
		return snprintf(text, bytes,
				"it is stuck: asked %" PRIu32
				" times, it gave next to nothing; it is asked "
				"again in %" PRIu64 " s",
				history->idle_answers,
				seconds_until(history->stuck_until_ns, now_ns));
	case EBB_POLICY_LEFT_UNHEARD:
		return snprintf(text, bytes,
				"it said nothing since it was last asked");
	case EBB_POLICY_LEFT_ALLOWANCE:
		return snprintf(text, bytes,
				"%s was asked for lately, and in 10 s at most "
				"a quarter of what it does not work with is",
				EBB_SIZE(history->window_bytes));
	case EBB_POLICY_LEFT_UNNEEDED:
		return snprintf(text, bytes,
				"%s is %s beyond its cushion, but others give "
				"what %s needs",
				EBB_SIZE(giveable_bytes(domain)),
				domain->rung.balloon ? "spare" : "free",
				find_budget(policy, domain, true)->name);
	case EBB_POLICY_LEFT_NO_NEED:
		return snprintf(text, bytes,
				"no budget needs memory, and its balloon is "
				"inflated for nothing else");
	case EBB_POLICY_LEFT_MODE:
		return snprintf(text, bytes,
				"no budget needs memory, and its mode is "
				"performance");
	case EBB_POLICY_LEFT_NO_SPARE:
		return no_spare_words(policy, domain, text, bytes);
	case EBB_POLICY_LEFT_UNPLACED:
		return snprintf(text, bytes,
				"which budgets it lies in is not known");
	case EBB_POLICY_LEFT_UNCOVERED:
		return uncovered_words(policy,
				       find_budget(policy, domain, false), text,
				       bytes);
	case EBB_POLICY_LEFT_YOUNG:
		return young_words(domain, now_ns, text, bytes);
	case EBB_POLICY_LEFT_PERIOD:
		return snprintf(text, bytes,
				"it was asked %" PRIu64
				" s ago, and is again after 10 s",
				ebb_u64_minus(now_ns, history->decided_ns) /
					EBB_NS_PER_S);
	case EBB_POLICY_LEFT_LITTLE:
		if (domain->mode == EBB_POLICY_DENSITY)
			return snprintf(text, bytes,
					"what it holds beyond its working set "
					"and its cushion is less than a huge "
					"page, or the host's cover allows no "
					"more");
		return snprintf(text, bytes,
				"an eighth of the %s beyond its cushion is "
				"less than a huge page, or the host's cover "
				"allows no more",
				EBB_SIZE(ebb_policy_lasting_bytes(domain)));
	case EBB_POLICY_NOT_LEFT:
	case EBB_POLICY_LEFT_COUNT:
		break;
	}
	return 0;
}

const char *ebb_policy_left_words(const struct ebb_policy *policy,
				  uint32_t index, uint64_t now_ns,
				  char *ret_text, size_t text_bytes)
{
	const struct ebb_policy_domain *domain = &policy->domains[index];
	enum ebb_policy_left left = ebb_policy_left(policy, index, now_ns);
	size_t used;

	ret_text[0] = '\0';
	if (left == EBB_POLICY_NOT_LEFT)
		return ret_text;
	used = (size_t)snprintf(ret_text, text_bytes,
				"%s: nothing: ", domain->name);
	if (used < text_bytes)
		words_of(policy, domain, left, now_ns, ret_text + used,
			 text_bytes - used);
	return ret_text;
}
