/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/policy/words.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/size.h"
#include "host/policy/quantity.h"

enum {
	MINUTE_S = 60,
	HOUR_S = 3600,
	UNUSED_BYTES = 48,
};

/* ", free for 4 min", or "". */
static const char *free_for(uint64_t since_ns, uint64_t now_ns, char *text)
{
	uint64_t s = ebb_u64_minus(now_ns, since_ns) / EBB_NS_PER_S;

	text[0] = '\0';
	if (since_ns == 0)
		return text;
	if (s < 2 * MINUTE_S)
		snprintf(text, UNUSED_BYTES, ", free for %" PRIu64 " s", s);
	else if (s < 2 * HOUR_S)
		snprintf(text, UNUSED_BYTES, ", free for %" PRIu64 " min",
			 s / MINUTE_S);
	else
		snprintf(text, UNUSED_BYTES, ", free for %" PRIu64 " h",
			 s / HOUR_S);
	return text;
}

/* What the memory is to the guest. */
static const char *kind(const struct ebb_policy_domain *domain,
			const struct ebb_policy_decision *decision)
{
	switch (decision->why) {
	case EBB_POLICY_FREE:
		return "free";
	case EBB_POLICY_BALLOON:
		return "free, by its balloon";
	case EBB_POLICY_IDLE:
		return domain->rung.balloon
			       ? "that it could free, by its balloon"
			       : "that it does not work with";
	case EBB_POLICY_OVER_SHARE:
		return "of which it holds more than its share";
	case EBB_POLICY_UNUSED:
		if (domain->mode == EBB_POLICY_BALANCED)
			return ebb_policy_refilled_bytes(domain) > 0
				       ? "that it does not use, and a libvirt "
					 "job made resident"
				       : "that it does not use";
		return ebb_policy_is_driven(domain, decision)
			       ? "that it does not work with"
			       : "free";
	case EBB_POLICY_OVER_MAX:
		return "over its max";
	}
	return "";
}

static size_t room(size_t used, size_t bytes)
{
	return used < bytes ? bytes - used : 0;
}

const char *ebb_policy_words(const struct ebb_policy *policy,
			     const struct ebb_policy_decision *decision,
			     uint64_t now_ns, char *ret_text, size_t text_bytes)
{
	const struct ebb_policy_domain *domain =
		&policy->domains[decision->domain];
	char take[EBB_SIZE_TEXT_BYTES], give[EBB_SIZE_TEXT_BYTES];
	char has[EBB_SIZE_TEXT_BYTES], wants[EBB_SIZE_TEXT_BYTES];
	char age[UNUSED_BYTES] = "";
	const struct ebb_policy_budget *budget;
	size_t used;

	/* Other memory may be free since a moment ago. */
	if (decision->why == EBB_POLICY_UNUSED &&
	    domain->mode == EBB_POLICY_BALANCED)
		free_for(domain->free_since_ns, now_ns, age);
	used = (size_t)snprintf(
		ret_text, text_bytes, "%s: %s of %s %s%s", domain->name,
		ebb_size_format(decision->bytes, take, sizeof(take)),
		ebb_size_format(decision->give_bytes, give, sizeof(give)),
		kind(domain, decision), age);
	if (decision->budget == EBB_POLICY_NONE)
		return ret_text;
	budget = &policy->budgets[decision->budget];
	if (room(used, text_bytes) > 0)
		snprintf(ret_text + used, room(used, text_bytes),
			 ", because %s has %s of the %s it wants", budget->name,
			 ebb_size_format(budget->available_bytes, has,
					 sizeof(has)),
			 ebb_size_format(ebb_policy_wanted_bytes(budget), wants,
					 sizeof(wants)));
	return ret_text;
}

const char *ebb_policy_need_words(const struct ebb_policy *policy,
				  uint32_t index, char *ret_text,
				  size_t text_bytes)
{
	const struct ebb_policy_budget *budget = &policy->budgets[index];
	uint64_t left_bytes =
		ebb_u64_minus(budget->need_bytes, budget->met_bytes);
	char left[EBB_SIZE_TEXT_BYTES];
	size_t used;

	ret_text[0] = '\0';
	if (left_bytes == 0)
		return ret_text;
	used = (size_t)snprintf(
		ret_text, text_bytes, "%s lacks %s", budget->name,
		ebb_size_format(left_bytes, left, sizeof(left)));
	if (budget->holder != EBB_POLICY_NONE &&
	    budget->victim != EBB_POLICY_NONE && room(used, text_bytes) > 0)
		snprintf(ret_text + used, room(used, text_bytes),
			 ": %s holds most by its shares; the kernel would end "
			 "%s",
			 policy->domains[budget->holder].name,
			 policy->domains[budget->victim].name);
	return ret_text;
}
