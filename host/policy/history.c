/* SPDX-License-Identifier: GPL-2.0-only */
/* What came of a decision, as far as later ones must know. */
#include "host/policy/history.h"

#include "host/policy/quantity.h"

enum {
	REST_MIN_S = 60,
	REST_MAX_S = 600,
	STUCK_MIN_S = 60,
	STUCK_MAX_S = 600,
	/* So many answers in a row that moved less than so small a part. */
	STUCK_ANSWERS = 3,
	STUCK_PART = 8,
	SHIFT_MAX = 8,
	ALLOWANCE_PART = 4,
	GROWN_PART = 64,
};

/* @min_s, twice that, four times: at most @max_s. */
static uint64_t doubled_ns(uint32_t times, uint32_t min_s, uint32_t max_s)
{
	uint64_t s = (uint64_t)min_s
		     << (times < SHIFT_MAX ? times : (uint32_t)SHIFT_MAX);

	return (s < max_s ? s : max_s) * EBB_NS_PER_S;
}

void ebb_policy_asked(struct ebb_policy_domain *domain, uint64_t bytes,
		      uint64_t now_ns)
{
	struct ebb_policy_history *history = &domain->history;

	if (now_ns - history->decided_ns >= EBB_POLICY_WINDOW_NS)
		history->window_bytes = 0;
	history->window_bytes += bytes;
	history->pending_bytes = bytes;
	history->resident_bytes = domain->resident_bytes;
	history->decided_ns = now_ns;
}

bool ebb_policy_has_grown(const struct ebb_policy_domain *domain)
{
	const struct ebb_policy_history *history = &domain->history;

	return history->resident_bytes > 0 &&
	       ebb_u64_minus(domain->resident_bytes, history->resident_bytes) >
		       domain->usable_bytes / GROWN_PART;
}

static void note_pressure(struct ebb_policy_history *history, uint64_t now_ns)
{
	/* What was long ago says nothing of now. */
	if (now_ns - history->rest_until_ns >= REST_MAX_S * EBB_NS_PER_S &&
	    now_ns > history->rest_until_ns)
		history->rests = 0;
	history->rest_until_ns =
		now_ns + doubled_ns(history->rests, REST_MIN_S, REST_MAX_S);
	history->rests++;
}

static void note_moved(struct ebb_policy_domain *domain, uint64_t bytes,
		       uint64_t now_ns)
{
	struct ebb_policy_history *history = &domain->history;

	if (bytes >= history->pending_bytes / STUCK_PART) {
		history->idle_answers = 0;
		history->stucks = 0;
		/* That a balloon took it does not say that the guest can spare it. */
		if (!domain->rung.balloon)
			history->rests = 0;
		return;
	}
	/* So it is not stuck, but not relied on, either. */
	if (ebb_policy_has_grown(domain) &&
	    history->idle_answers + 1 >= STUCK_ANSWERS)
		return;
	if (++history->idle_answers < STUCK_ANSWERS)
		return;
	history->stuck_until_ns =
		now_ns + doubled_ns(history->stucks, STUCK_MIN_S, STUCK_MAX_S);
	history->stucks++;
}

void ebb_policy_answered(struct ebb_policy_domain *domain,
			 enum ebb_policy_answer answer, uint64_t bytes,
			 uint64_t now_ns)
{
	struct ebb_policy_history *history = &domain->history;

	switch (answer) {
	case EBB_POLICY_REFUSED:
		note_pressure(history, now_ns);
		break;
	case EBB_POLICY_GAVE:
		note_moved(domain, bytes, now_ns);
		break;
	case EBB_POLICY_UNASKED:
		break;
	case EBB_POLICY_CANCELLED:
		history->window_bytes = ebb_u64_minus(
			history->window_bytes,
			ebb_u64_minus(history->pending_bytes, bytes));
		break;
	}
	history->pending_bytes = 0;
}

void ebb_policy_took_back(struct ebb_policy_history *history, uint64_t now_ns)
{
	note_pressure(history, now_ns);
}

bool ebb_policy_is_stuck(const struct ebb_policy_domain *domain)
{
	return domain->history.idle_answers >= STUCK_ANSWERS;
}

bool ebb_policy_obeys(const struct ebb_policy_domain *domain)
{
	return domain->phase == EBB_POLICY_SETTLED && domain->heard_ns > 0 &&
	       !ebb_policy_is_stuck(domain);
}

bool ebb_policy_is_relied_on(const struct ebb_policy_domain *domain)
{
	return ebb_policy_obeys(domain) && !ebb_policy_has_grown(domain) &&
	       domain->history.idle_answers + 1 < STUCK_ANSWERS;
}

bool ebb_policy_may_ask(const struct ebb_policy_domain *domain, uint64_t now_ns)
{
	const struct ebb_policy_history *history = &domain->history;

	return domain->phase == EBB_POLICY_SETTLED && domain->heard_ns > 0 &&
	       (history->decided_ns == 0 ||
		domain->heard_ns > history->decided_ns) &&
	       history->pending_bytes == 0 &&
	       now_ns >= history->rest_until_ns &&
	       now_ns >= history->stuck_until_ns;
}

uint64_t ebb_policy_allowance_bytes(const struct ebb_policy_domain *domain,
				    uint64_t now_ns)
{
	const struct ebb_policy_history *history = &domain->history;
	uint64_t bytes = ebb_u64_minus(domain->resident_bytes,
				       ebb_policy_working_set_bytes(domain)) /
			 ALLOWANCE_PART;

	if (history->decided_ns == 0 ||
	    now_ns - history->decided_ns >= EBB_POLICY_WINDOW_NS)
		return bytes;
	return ebb_u64_minus(bytes, history->window_bytes);
}
