/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What holds of every decision, on hosts made by chance: EBB_POLICY_CASES of them
 * (default 10,000), the same ones in each run, or those of EBB_POLICY_SEED. A case
 * that fails prints its seed; EBB_POLICY_CASES=1 EBB_POLICY_SEED=... runs it alone.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/size.h"
#include "host/policy/policy.h"
#include "host/policy/history.h"
#include "host/policy/quantity.h"
#include "host/policy/stage.h"
#include "tests/unit/host/policy/random-host.h"

#define S EBB_NS_PER_S
#define STEP ((uint64_t)EBB_POLICY_STEP_BYTES)

enum {
	ROUNDS = 300,
};

struct outcome {
	struct ebb_policy_decision decisions[DOMAINS_MAX];
	uint32_t count;
};

static uint64_t case_seed;

#define check(truth)                                                               \
	do {                                                                       \
		if (!(truth))                                                      \
			fail_msg(                                                  \
				"%s: EBB_POLICY_CASES=1 EBB_POLICY_SEED=%" PRIu64, \
				#truth, case_seed);                                \
	} while (0)

/* ---- one host ---- */

/*
 * Two hosts alike, for one to change its domain @ret_i. False: it has none. Whoever has
 * little in the budget gives many steps for what one of another's is there.
 */
static bool make_pair(struct host *host, struct host *copy, uint32_t *ret_i)
{
	make_host(host, 1);
	for (uint32_t i = 0; i < host->policy.domain_count; i++)
		if (one_in(8))
			host->domains[i].parts[0].part = 0.01;
	copy_host(copy, host);
	if (host->policy.domain_count == 0)
		return false;
	*ret_i = (uint32_t)up_to(host->policy.domain_count - 1);
	return true;
}

static void decide(struct host *host, uint64_t now_ns, struct outcome *outcome)
{
	*outcome = (struct outcome){ 0 };
	outcome->count =
		ebb_policy_decide(&host->policy, now_ns, outcome->decisions);
}

static uint64_t taken(const struct outcome *outcome, uint32_t domain)
{
	for (uint32_t i = 0; i < outcome->count; i++)
		if (outcome->decisions[i].domain == domain)
			return outcome->decisions[i].bytes;
	return 0;
}

/*
 * What of that a budget gets, which is the measure of what changes: whole steps leave
 * up to a step there, and that may be many of a domain's that has a small part in it.
 */
static double relief(const struct host *host, const struct outcome *outcome,
		     uint32_t domain)
{
	return host->domains[domain].parts[0].part *
	       (double)taken(outcome, domain);
}

static void for_each_case(void (*one)(void))
{
	const char *cases = getenv("EBB_POLICY_CASES");
	const char *seed = getenv("EBB_POLICY_SEED");
	uint64_t count = cases ? strtoull(cases, NULL, 10) : 10000;

	case_seed = seed ? strtoull(seed, NULL, 10) : 1;
	for (uint64_t i = 0; i < count; i++) {
		chance_begin(case_seed);
		one();
		case_seed++;
	}
}

/* ---- what holds of one decision ---- */

static uint64_t over_share_bytes(const struct ebb_policy *policy,
				 const struct ebb_policy_domain *domain,
				 uint32_t budget)
{
	double share = ebb_policy_fair_level(policy, budget) *
		       ebb_policy_shares(domain) /
		       ebb_policy_part(domain, budget);

	return ebb_u64_minus(domain->resident_bytes, (uint64_t)share);
}

static void check_decision(const struct host *host,
			   const struct ebb_policy_decision *decision)
{
	const struct ebb_policy_domain *domain =
		&host->domains[decision->domain];
	bool relieves = decision->budget == EBB_POLICY_NONE;
	uint64_t idle_bytes = ebb_u64_minus(
		domain->resident_bytes, ebb_policy_working_set_bytes(domain));

	check(decision->bytes > 0 && decision->bytes % STEP == 0);
	check(decision->bytes <= decision->give_bytes);
	check(decision->bytes <= domain->resident_bytes);
	check(domain->resident_bytes - decision->bytes >= domain->min_bytes);
	check(domain->phase == EBB_POLICY_SETTLED);
	check(domain->heard_ns > domain->history.decided_ns);
	check(domain->history.pending_bytes == 0);
	check(domain->history.rest_until_ns <= NOW);
	check(domain->history.stuck_until_ns <= NOW);
	if (!domain->rung.drive && !domain->rung.page_out)
		check(decision->bytes <= domain->rung.free_bytes);
	if (decision->why == EBB_POLICY_OVER_SHARE)
		check(decision->bytes <=
		      ebb_u64_max(
			      idle_bytes,
			      ebb_u64_min(domain->rung.page_out
						  ? UINT64_MAX
						  : ebb_policy_yielding_bytes(
							    domain),
					  over_share_bytes(&host->policy, domain,
							   decision->budget))));
	else if (!domain->rung.page_out)
		check(domain->resident_bytes - decision->bytes >=
			      ebb_policy_working_set_bytes(domain) ||
		      decision->bytes <= domain->rung.free_bytes);
	if (decision->why == EBB_POLICY_OVER_SHARE)
		check(host->budgets[decision->budget].emergency);
	for (uint32_t i = 0; i < domain->part_count; i++)
		if (domain->parts[i].budget == decision->budget)
			relieves = domain->parts[i].part > 0 &&
				   host->budgets[decision->budget].in_need;
	check(relieves);
}

/* In need alone, after what is free elsewhere, and nothing of what it needs. */
static void check_balloon(const struct host *host,
			  const struct ebb_policy_decision *decision)
{
	const struct ebb_policy_domain *domain =
		&host->domains[decision->domain];

	check(domain->rung.balloon || decision->why != EBB_POLICY_BALLOON);
	if (!domain->rung.balloon)
		return;
	check(decision->budget != EBB_POLICY_NONE);
	check(host->budgets[decision->budget].in_need);
	check(decision->why != EBB_POLICY_FREE);
	check(domain->rung.page_out ||
	      domain->resident_bytes - decision->bytes >=
		      ebb_policy_working_set_bytes(domain) ||
	      decision->bytes <= domain->rung.free_bytes);
}

static void check_pace(const struct host *host,
		       const struct ebb_policy_decision *decision)
{
	const struct ebb_policy_domain *domain =
		&host->domains[decision->domain];

	for (uint32_t i = 0; i < domain->part_count; i++)
		if (host->budgets[domain->parts[i].budget].emergency)
			return;
	check(decision->bytes <= ebb_policy_allowance_bytes(domain, NOW));
}

static void one_is_within_its_bounds(void)
{
	struct outcome outcome;
	struct host host;

	make_host(&host, BUDGETS_MAX);
	decide(&host, NOW, &outcome);
	for (uint32_t i = 0; i < outcome.count; i++) {
		check_decision(&host, &outcome.decisions[i]);
		check_pace(&host, &outcome.decisions[i]);
		check_balloon(&host, &outcome.decisions[i]);
		check(i == 0 || outcome.decisions[i].domain >
					outcome.decisions[i - 1].domain);
	}
}

static void every_decision_is_within_its_bounds(void **state)
{
	(void)state;
	for_each_case(one_is_within_its_bounds);
}

/* ---- need ---- */

/* Less than this is not asked for. */
static uint64_t least_bytes(const struct ebb_policy_domain *domain)
{
	return ebb_u64_max(STEP, ebb_policy_worth_bytes(domain));
}

/* What it could still give of what is free or idle. */
static uint64_t left_to_give(const struct ebb_policy *policy, uint32_t budget,
			     const struct ebb_policy_domain *domain,
			     uint64_t taken_bytes)
{
	bool emergency = policy->budgets[budget].emergency;
	uint64_t held = domain->resident_bytes - taken_bytes;
	uint64_t working_set = ebb_policy_working_set_bytes(domain);
	uint64_t allowance = ebb_policy_allowance_bytes(domain, NOW);
	uint64_t give = ebb_policy_ready_bytes(domain);

	give = ebb_u64_minus(give, taken_bytes);
	if (ebb_policy_can_drive(domain))
		give = ebb_u64_max(
			give,
			ebb_u64_minus(held, ebb_u64_max(working_set,
							domain->min_bytes)));
	if (emergency) {
		uint64_t more = domain->rung.page_out
					? UINT64_MAX
					: ebb_policy_yielding_bytes(domain);

		more = ebb_u64_min(
			ebb_u64_min(more,
				    over_share_bytes(policy, domain, budget)),
			ebb_u64_minus(domain->resident_bytes,
				      domain->min_bytes));
		if (domain->rung.page_out || ebb_policy_can_drive(domain))
			give = ebb_u64_max(give,
					   ebb_u64_minus(more, taken_bytes));
	}
	return emergency ? give
			 : ebb_u64_min(give,
				       ebb_u64_minus(allowance, taken_bytes));
}

static void one_need_is_met_or_named(void)
{
	struct outcome outcome;
	struct host host;

	make_host(&host, BUDGETS_MAX);
	decide(&host, NOW, &outcome);
	for (uint32_t b = 0; b < host.policy.budget_count; b++) {
		const struct ebb_policy_budget *budget = &host.budgets[b];
		double held = 0;

		if (budget->met_bytes >= budget->need_bytes)
			continue;
		for (uint32_t i = 0; i < host.policy.domain_count; i++) {
			const struct ebb_policy_domain *domain =
				&host.domains[i];

			for (uint32_t k = 0; k < domain->part_count; k++) {
				if (domain->parts[k].budget != b ||
				    domain->parts[k].part <= 0)
					continue;
				held += (double)domain->resident_bytes;
				if (ebb_policy_may_ask(domain, NOW))
					check(left_to_give(&host.policy, b,
							   domain,
							   taken(&outcome, i)) <
					      least_bytes(domain));
			}
		}
		check(held == 0 || budget->holder != EBB_POLICY_NONE);
		check(held == 0 || budget->victim != EBB_POLICY_NONE);
	}
}

static void every_need_is_met_or_named(void **state)
{
	(void)state;
	for_each_case(one_need_is_met_or_named);
}

static void one_takes_no_more_than_is_needed(void)
{
	struct outcome outcome;
	struct host host;
	double sum = 0;

	make_host(&host, 1);
	decide(&host, NOW, &outcome);
	for (uint32_t i = 0; i < outcome.count; i++)
		if (outcome.decisions[i].budget == 0)
			sum += host.domains[outcome.decisions[i].domain]
				       .parts[0]
				       .part *
			       (double)outcome.decisions[i].bytes;
	check(sum <= (double)(host.budgets[0].need_bytes + STEP));
}

static void no_more_is_taken_than_is_needed(void **state)
{
	(void)state;
	for_each_case(one_takes_no_more_than_is_needed);
}

static bool is_ballooned(const struct outcome *outcome)
{
	for (uint32_t i = 0; i < outcome->count; i++)
		if (outcome->decisions[i].why == EBB_POLICY_BALLOON)
			return true;
	return false;
}

/* Where a balloon is to take what is free, who lends gives all that it has free. */
static void one_takes_by_balloons_last(void)
{
	struct outcome outcome;
	struct host host;

	make_host(&host, 1);
	decide(&host, NOW, &outcome);
	if (!is_ballooned(&outcome))
		return;
	for (uint32_t i = 0; i < host.policy.domain_count; i++) {
		const struct ebb_policy_domain *domain = &host.domains[i];
		uint64_t give = ebb_policy_ready_bytes(domain);

		if (domain->rung.balloon || !ebb_policy_may_ask(domain, NOW) ||
		    ebb_policy_part(domain, 0) <= 0)
			continue;
		if (!host.budgets[0].emergency)
			give = ebb_u64_min(
				give, ebb_policy_allowance_bytes(domain, NOW));
		check(taken(&outcome, i) + STEP > give);
	}
}

static void a_balloon_takes_what_nobody_lends(void **state)
{
	(void)state;
	for_each_case(one_takes_by_balloons_last);
}

/* ---- debts ---- */

static void one_covers_no_more_than_there_is(void)
{
	struct outcome outcome;
	struct host host;

	make_host(&host, BUDGETS_MAX);
	decide(&host, NOW, &outcome);
	for (uint32_t b = 0; b < host.policy.budget_count; b++) {
		const struct ebb_policy_budget *budget = &host.budgets[b];
		uint64_t most =
			budget->available_bytes + budget->fast_swap_bytes;

		for (uint32_t i = 0; i < host.policy.domain_count; i++)
			most += host.domains[i].resident_bytes;
		check(budget->cover_bytes <= most);
	}
}

static void no_word_of_a_guest_makes_cover(void **state)
{
	(void)state;
	for_each_case(one_covers_no_more_than_there_is);
}

/* Where the copy's debt is to be no less: or there is no cover, as it is not known. */
static void check_owes_no_less(struct host *host, struct host *copy)
{
	struct outcome outcome;

	decide(host, NOW, &outcome);
	decide(copy, NOW, &outcome);
	for (uint32_t b = 0; b < host->policy.budget_count; b++)
		check(copy->budgets[b].debt_bytes >=
			      host->budgets[b].debt_bytes ||
		      !ebb_policy_is_covered(&copy->budgets[b]));
	for (uint32_t i = 0; i < outcome.count; i++) {
		const struct ebb_policy_domain *domain =
			&copy->domains[outcome.decisions[i].domain];

		for (uint32_t k = 0; k < domain->part_count; k++)
			check(outcome.decisions[i].budget != EBB_POLICY_NONE ||
			      ebb_policy_is_covered(
				      &copy->budgets[domain->parts[k].budget]));
	}
}

static void one_that_is_not_known_owes_no_less(void)
{
	struct host host, copy;
	uint32_t i;

	make_host(&host, BUDGETS_MAX);
	copy_host(&copy, &host);
	if (host.policy.domain_count == 0)
		return;
	i = (uint32_t)up_to(host.policy.domain_count - 1);
	forget_memory(&copy.domains[i]);
	if (one_in(2)) {
		copy.domains[i].part_count = 0;
		copy.domains[i].parts_unknown = true;
	}
	check_owes_no_less(&host, &copy);
}

static void what_is_not_known_is_owed(void **state)
{
	(void)state;
	for_each_case(one_that_is_not_known_owes_no_less);
}

/* Its balloon holds more now, says a guest: more than anybody asked it to. */
static void one_that_claims_owes_no_less(void)
{
	struct ebb_policy_domain *domain;
	struct host host, copy;
	uint64_t bytes;

	make_host(&host, BUDGETS_MAX);
	copy_host(&copy, &host);
	if (host.policy.domain_count == 0)
		return;
	domain = &copy.domains[up_to(host.policy.domain_count - 1)];
	bytes = up_to(domain->usable_bytes);
	domain->usable_bytes -= bytes;
	domain->balloon_bytes += bytes;
	domain->claimed_bytes += bytes;
	check_owes_no_less(&host, &copy);
}

static void no_word_of_a_balloon_makes_a_debt_less(void **state)
{
	(void)state;
	for_each_case(one_that_claims_owes_no_less);
}

/* What is free in a guest that has nothing but a balloon is no cover for others. */
static void one_covers_nothing_by_a_balloon(void)
{
	struct outcome outcome;
	struct host host, copy;

	make_host(&host, BUDGETS_MAX);
	for (uint32_t i = 0; i < host.policy.domain_count; i++)
		host.domains[i].rung.balloon |= one_in(2);
	copy_host(&copy, &host);
	for (uint32_t i = 0; i < copy.policy.domain_count; i++)
		if (copy.domains[i].rung.balloon)
			copy.domains[i].rung.free_bytes = 0;
	decide(&host, NOW, &outcome);
	decide(&copy, NOW, &outcome);
	for (uint32_t b = 0; b < host.policy.budget_count; b++)
		check(copy.budgets[b].cover_bytes ==
		      host.budgets[b].cover_bytes);
}

static void a_balloon_makes_no_cover(void **state)
{
	(void)state;
	for_each_case(one_covers_nothing_by_a_balloon);
}

/* Guests that do as they are asked, and then nothing. */
static void carry_out(struct host *host, const struct outcome *outcome,
		      uint64_t now_ns)
{
	for (uint32_t i = 0; i < outcome->count; i++) {
		const struct ebb_policy_decision *decision =
			&outcome->decisions[i];
		struct ebb_policy_domain *domain =
			&host->domains[decision->domain];

		ebb_policy_asked(domain, decision->bytes, now_ns);
		ebb_policy_answered(domain, EBB_POLICY_GAVE, decision->bytes,
				    now_ns);
		domain->resident_bytes -= decision->bytes;
		domain->rung.free_bytes =
			ebb_u64_minus(domain->rung.free_bytes, decision->bytes);
		for (uint32_t k = 0; k < domain->part_count; k++)
			host->budgets[domain->parts[k].budget].available_bytes +=
				(uint64_t)(domain->parts[k].part *
					   (double)decision->bytes);
	}
}

static void one_pool_that_is_covered_stays_so(void)
{
	bool covered[BUDGETS_MAX] = { false };
	struct outcome outcome;
	struct host host;

	make_host(&host, BUDGETS_MAX);
	for (uint32_t b = 0; b < host.policy.budget_count; b++) {
		host.budgets[b].in_need = false;
		host.budgets[b].falling_bytes_per_s = 0;
		host.budgets[b].available_bytes += host.budgets[b].high_bytes;
	}
	decide(&host, NOW, &outcome);
	for (uint32_t b = 0; b < host.policy.budget_count; b++)
		covered[b] = host.budgets[b].kind == EBB_POLICY_HUGE_POOL &&
			     ebb_policy_is_covered(&host.budgets[b]);
	carry_out(&host, &outcome, NOW);
	decide(&host, NOW, &outcome);
	for (uint32_t b = 0; b < host.policy.budget_count; b++) {
		const struct ebb_policy_budget *budget = &host.budgets[b];

		/* Parts of bytes are lost by each domain. */
		check(!covered[b] || budget->cover_bytes + 4 * DOMAINS_MAX >=
					     budget->debt_bytes);
	}
}

static void without_need_a_pool_stays_covered(void **state)
{
	(void)state;
	for_each_case(one_pool_that_is_covered_stays_so);
}

/* ---- what changes what ---- */

static void one_is_repeated(void)
{
	struct outcome first, second;
	struct host host, copy;

	make_host(&host, BUDGETS_MAX);
	copy_host(&copy, &host);
	decide(&host, NOW, &first);
	decide(&copy, NOW, &second);
	check(first.count == second.count);
	for (uint32_t i = 0; i < first.count; i++) {
		check(first.decisions[i].domain == second.decisions[i].domain);
		check(first.decisions[i].bytes == second.decisions[i].bytes);
		check(first.decisions[i].why == second.decisions[i].why);
	}
}

static void the_same_host_gives_the_same_decisions(void **state)
{
	(void)state;
	for_each_case(one_is_repeated);
}

static void one_with_more_shares_gives_no_more(void)
{
	struct outcome before, after;
	struct host host, copy;
	uint32_t i;

	if (!make_pair(&host, &copy, &i))
		return;
	copy.domains[i].shares += 1 + (uint32_t)up_to(1000);
	decide(&host, NOW, &before);
	decide(&copy, NOW, &after);
	check(relief(&copy, &after, i) <=
	      relief(&host, &before, i) + (double)STEP);
}

static void more_shares_never_give_more(void **state)
{
	(void)state;
	for_each_case(one_with_more_shares_gives_no_more);
}

static void one_with_a_lower_min_gives_no_less(void)
{
	struct outcome before, after;
	struct host host, copy;
	uint32_t i;

	if (!make_pair(&host, &copy, &i))
		return;
	copy.domains[i].min_bytes -= up_to(copy.domains[i].min_bytes);
	decide(&host, NOW, &before);
	decide(&copy, NOW, &after);
	check(relief(&copy, &after, i) + (double)STEP >=
	      relief(&host, &before, i));
	/* Without need nobody makes up for what whole steps leave. */
	if (host.budgets[0].need_bytes == 0)
		check(taken(&after, i) + STEP >= taken(&before, i));
}

static void a_lower_min_never_gives_less(void **state)
{
	(void)state;
	for_each_case(one_with_a_lower_min_gives_no_less);
}

/* What a guest that is stuck fails to give is all that others may be asked for. */
static void one_that_is_stuck_moves_little(void)
{
	struct outcome before, after;
	double more = 0, failed;
	struct host host, copy;
	uint32_t i;

	if (!make_pair(&host, &copy, &i))
		return;
	copy.domains[i].history.idle_answers = 3;
	copy.domains[i].history.stuck_until_ns = NOW + S;
	decide(&host, NOW, &before);
	decide(&copy, NOW, &after);
	if (host.budgets[0].need_bytes == 0)
		return;
	failed = (double)(taken(&before, i) +
			  host.domains[i].history.pending_bytes) *
		 host.domains[i].parts[0].part;
	for (uint32_t k = 0; k < host.policy.domain_count; k++) {
		double own =
			relief(&host, &after, k) - relief(&host, &before, k);

		if (k == i)
			continue;
		/* Nobody is asked for less because of it, and for more by that. */
		check(own >= -(double)STEP);
		more += own;
	}
	check(more <= failed + (double)STEP);
}

static void a_stuck_guest_moves_no_more_than_it_owes(void **state)
{
	(void)state;
	for_each_case(one_that_is_stuck_moves_little);
}

/* The others are asked for no more than it gives less, and for no less than it gives more. */
static void check_others(const struct host *host, uint32_t liar,
			 const struct outcome *before,
			 const struct outcome *after)
{
	double moved = 0, own;

	own = relief(host, after, liar) - relief(host, before, liar);
	for (uint32_t k = 0; k < host->policy.domain_count; k++) {
		double more = relief(host, after, k) - relief(host, before, k);

		if (k == liar)
			continue;
		/* Whole steps may go to another. */
		check(own > 0 ? more <= (double)STEP : more >= -(double)STEP);
		moved += more;
	}
	check(own > 0 ? moved >= -own - (double)STEP
		      : moved <= -own + (double)STEP);
}

static void say_that_all_is_free(struct ebb_policy_domain *domain)
{
	domain->free_bytes = UINT64_MAX;
	domain->available_bytes = UINT64_MAX;
	domain->working_set_bytes = 0;
	domain->rung.free_bytes = UINT64_MAX;
}

/* It says that all is free, or that it needs all; the others are as they were. */
static void one_that_lies_moves_little(void)
{
	struct outcome before, after;
	struct host host, copy;
	uint32_t i;

	if (!make_pair(&host, &copy, &i))
		return;
	if (one_in(2)) {
		say_that_all_is_free(&copy.domains[i]);
	} else {
		copy.domains[i].free_bytes = 0;
		copy.domains[i].available_bytes = 0;
		copy.domains[i].working_set_bytes = UINT64_MAX;
		copy.domains[i].rung.free_bytes = 0;
	}
	decide(&host, NOW, &before);
	decide(&copy, NOW, &after);
	if (host.budgets[0].need_bytes > 0)
		check_others(&host, i, &before, &after);
}

static void a_lying_guest_moves_no_more_than_it_gives(void **state)
{
	(void)state;
	for_each_case(one_that_lies_moves_little);
}

/* All free, and @takeable_bytes of that can be taken at once. */
static struct ebb_policy_domain
free_domain(uint64_t bytes, uint64_t takeable_bytes, double part)
{
	return (struct ebb_policy_domain){
		.name = "domain 0",
		.phase = EBB_POLICY_SETTLED,
		.usable_bytes = bytes,
		.resident_bytes = bytes,
		.heard_ns = NOW,
		.free_bytes = bytes,
		.working_set_known = true,
		.rung = { .free_bytes = takeable_bytes, .drive = true },
		.part_count = 1,
		.parts = { { .part = part } },
	};
}

/*
 * The liar gives as many whole steps as before, and a part of a step less or more is
 * left of the need: that is many steps of who has a hundredth of its memory there.
 */
static void a_small_part_is_moved_by_a_step_of_the_budget(void **state)
{
	struct outcome before, after;
	struct host host, copy;

	(void)state;
	host = (struct host){
		.budgets = { { .name = "host",
			       .limit_bytes = 64 * EBB_GIB,
			       .available_bytes = 20 * EBB_MIB,
			       .low_bytes = 1000 * EBB_MIB,
			       .high_bytes = 5020 * EBB_MIB } },
		.domains = { free_domain(5926 * EBB_MIB, 5342 * EBB_MIB, 0.91),
			     free_domain(664 * EBB_MIB, 585 * EBB_MIB, 0.01) },
		.policy = { .budgets = host.budgets,
			    .budget_count = 1,
			    .domains = host.domains,
			    .domain_count = 2 },
	};
	copy_host(&copy, &host);
	say_that_all_is_free(&copy.domains[0]);
	decide(&host, NOW, &before);
	decide(&copy, NOW, &after);
	check(taken(&after, 0) == taken(&before, 0));
	check(taken(&after, 1) + 2 * STEP < taken(&before, 1));
	check_others(&host, 0, &before, &after);
}

/* ---- time ---- */

struct asked {
	uint64_t ns;
	uint64_t bytes;
};

/* In no 10 s more than a quarter of what it did not work with at their begin. */
static void check_window(const struct asked *asked, int count, uint64_t most)
{
	for (int i = 0; i < count; i++) {
		uint64_t sum = 0;

		for (int k = i; k < count && asked[k].ns < asked[i].ns + 10 * S;
		     k++)
			sum += asked[k].bytes;
		check(sum <= most);
	}
}

static void one_is_paced(void)
{
	struct ebb_policy_domain *domain;
	struct asked asked[ROUNDS];
	uint64_t now_ns = NOW, most;
	struct outcome outcome;
	struct host host;
	int count = 0;

	if (case_seed % 20)
		return;
	make_host(&host, 1);
	domain = &host.domains[0];
	host.policy.domain_count = 1;
	make_domain(domain, 1);
	domain->history = (struct ebb_policy_history){ 0 };
	/* What it gave before is beyond that. */
	domain->refilled_bytes = 0;
	host.budgets[0].low_bytes = 4 * EBB_GIB;
	most = ebb_u64_minus(domain->resident_bytes,
			     ebb_policy_working_set_bytes(domain)) /
	       4;
	for (int round = 0; round < ROUNDS; round++) {
		now_ns += up_to(2 * S);
		/* In need, of more or less, and never an emergency. */
		host.budgets[0].falling_bytes_per_s = 0;
		host.budgets[0].available_bytes = 3 * EBB_GIB;
		host.budgets[0].high_bytes = 4 * EBB_GIB + up_to(4 * EBB_GIB);
		domain->heard_ns = now_ns;
		decide(&host, now_ns, &outcome);
		if (outcome.count > 0)
			asked[count++] =
				(struct asked){ now_ns,
						outcome.decisions[0].bytes };
		carry_out(&host, &outcome, now_ns);
	}
	check_window(asked, count, most);
}

static void nobody_is_asked_faster_than_it_may(void **state)
{
	(void)state;
	for_each_case(one_is_paced);
}

/* Each is heard again, and the rounds are ten seconds apart. */
static void next_round(struct host *host, uint64_t *now_ns,
		       struct outcome *outcome)
{
	*now_ns += 10 * S;
	for (uint32_t i = 0; i < host->policy.domain_count; i++)
		if (host->domains[i].heard_ns > 0)
			host->domains[i].heard_ns = *now_ns;
	decide(host, *now_ns, outcome);
}

/* Whether a budget has less room to lend in than the domain has to give. */
static bool lacks_room(const struct host *host,
		       const struct ebb_policy_decision *decision)
{
	const struct ebb_policy_domain *domain =
		&host->domains[decision->domain];

	for (uint32_t i = 0; i < domain->part_count; i++) {
		const struct ebb_policy_budget *budget =
			&host->budgets[domain->parts[i].budget];
		uint64_t room =
			ebb_u64_minus(budget->cover_bytes, budget->debt_bytes);

		if ((double)room <
		    domain->parts[i].part * (double)decision->give_bytes)
			return true;
	}
	return false;
}

/*
 * What is lent makes as much room as it takes, so the room may stay at a step in each
 * round, and rest takes as many rounds as that has steps.
 */
static bool is_slowed(const struct host *host, const struct outcome *outcome)
{
	for (uint32_t i = 0; i < outcome->count; i++)
		if (lacks_room(host, &outcome->decisions[i]))
			return true;
	return false;
}

static uint64_t steps_of(const struct host *host)
{
	uint64_t steps = 0;

	for (uint32_t i = 0; i < host->policy.domain_count; i++)
		steps += host->domains[i].resident_bytes / STEP;
	return steps;
}

static void one_comes_to_rest(void)
{
	struct outcome outcome = { 0 };
	uint64_t now_ns = NOW, steps;
	struct host host;
	int rounds = 0;

	/* Each is ROUNDS decisions: some do. */
	if (case_seed % 20)
		return;
	make_host(&host, BUDGETS_MAX);
	steps = steps_of(&host);
	while (rounds < ROUNDS) {
		next_round(&host, &now_ns, &outcome);
		if (!is_slowed(&host, &outcome)) {
			rounds++;
		} else {
			check(steps > 0);
			steps--;
		}
		carry_out(&host, &outcome, now_ns);
	}
	check(outcome.count == 0);
}

static void guests_that_obey_come_to_rest(void **state)
{
	(void)state;
	for_each_case(one_comes_to_rest);
}

/* What is asked of @index comes to nothing; the rest is carried out. */
static bool fail_one(struct host *host, struct outcome *outcome, uint32_t index,
		     enum ebb_policy_answer answer, uint64_t now_ns)
{
	for (uint32_t i = 0; i < outcome->count; i++) {
		struct ebb_policy_domain *domain = &host->domains[index];

		if (outcome->decisions[i].domain != index)
			continue;
		ebb_policy_asked(domain, outcome->decisions[i].bytes, now_ns);
		ebb_policy_answered(domain, answer, 0, now_ns);
		outcome->decisions[i] = outcome->decisions[--outcome->count];
		return true;
	}
	return false;
}

/*
 * A need that does not grow, of guests that return nothing by themselves; one of them
 * gives nothing at all. How often is that one asked?
 */
static uint32_t ask_who_gives_nothing(enum ebb_policy_answer answer)
{
	struct outcome outcome = { 0 };
	uint64_t now_ns = NOW, high;
	struct host host, copy;
	uint32_t i, asks = 0;

	if (case_seed % 20 || !make_pair(&host, &copy, &i))
		return 0;
	for (uint32_t k = 0; k < host.policy.domain_count; k++) {
		host.domains[k].mode = EBB_POLICY_PERFORMANCE;
		host.domains[k].max_bytes = 0;
		host.domains[k].history = (struct ebb_policy_history){ 0 };
	}
	host.budgets[0].available_bytes = host.budgets[0].low_bytes / 3;
	high = ebb_policy_wanted_bytes(&host.budgets[0]);
	for (int round = 0; round < ROUNDS; round++) {
		next_round(&host, &now_ns, &outcome);
		asks += fail_one(&host, &outcome, i, answer, now_ns);
		carry_out(&host, &outcome, now_ns);
		/* However often that one fails, the others do not give it twice. */
		check(host.budgets[0].available_bytes <=
		      ebb_u64_max(high, host.budgets[0].low_bytes / 3) + STEP);
	}
	/* The others are at rest, or at their ends. */
	check(outcome.count == 0);
	return asks;
}

/* 3,000 s: with rests of 60, 120, 240, 480, 600, ... s between. */
static void one_that_refuses_is_left_alone(void)
{
	check(ask_who_gives_nothing(EBB_POLICY_REFUSED) <= 9);
}

static void who_refuses_is_asked_ever_less(void **state)
{
	(void)state;
	for_each_case(one_that_refuses_is_left_alone);
}

/* Three times, and then with as long between. */
static void one_that_is_stuck_is_left_alone(void)
{
	check(ask_who_gives_nothing(EBB_POLICY_GAVE) <= 3 + 8);
}

static void who_is_stuck_is_asked_ever_less(void **state)
{
	(void)state;
	for_each_case(one_that_is_stuck_is_left_alone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_decision_is_within_its_bounds),
		cmocka_unit_test(every_need_is_met_or_named),
		cmocka_unit_test(no_more_is_taken_than_is_needed),
		cmocka_unit_test(a_balloon_takes_what_nobody_lends),
		cmocka_unit_test(no_word_of_a_guest_makes_cover),
		cmocka_unit_test(a_balloon_makes_no_cover),
		cmocka_unit_test(what_is_not_known_is_owed),
		cmocka_unit_test(no_word_of_a_balloon_makes_a_debt_less),
		cmocka_unit_test(without_need_a_pool_stays_covered),
		cmocka_unit_test(nobody_is_asked_faster_than_it_may),
		cmocka_unit_test(the_same_host_gives_the_same_decisions),
		cmocka_unit_test(more_shares_never_give_more),
		cmocka_unit_test(a_lower_min_never_gives_less),
		cmocka_unit_test(a_stuck_guest_moves_no_more_than_it_owes),
		cmocka_unit_test(a_lying_guest_moves_no_more_than_it_gives),
		cmocka_unit_test(a_small_part_is_moved_by_a_step_of_the_budget),
		cmocka_unit_test(guests_that_obey_come_to_rest),
		cmocka_unit_test(who_refuses_is_asked_ever_less),
		cmocka_unit_test(who_is_stuck_is_asked_ever_less),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
