/* SPDX-License-Identifier: GPL-2.0-only */
/* Who gives, how much and why, on hosts that are small enough to see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/size.h"
#include "host/policy/left.h"
#include "host/policy/policy.h"
#include "host/policy/words.h"

#define S EBB_NS_PER_S
#define NOW (1000 * S)

enum {
	BUDGETS_MAX = 3,
	DOMAINS_MAX = 4,
};

static struct ebb_policy_budget budgets[BUDGETS_MAX];
static struct ebb_policy_domain domains[DOMAINS_MAX];
static struct ebb_policy_decision decisions[DOMAINS_MAX];
static struct ebb_policy policy;
static uint64_t now_ns;

/* One host of 16 GiB without need, and no domain. */
static int set_up(void **state)
{
	(void)state;
	memset(budgets, 0, sizeof(budgets));
	memset(domains, 0, sizeof(domains));
	budgets[0] = (struct ebb_policy_budget){
		.name = "host",
		.limit_bytes = 16 * EBB_GIB,
		.available_bytes = 8 * EBB_GIB,
		.low_bytes = 1 * EBB_GIB,
		.high_bytes = 2 * EBB_GIB,
		.cover_guests = 1,
	};
	policy = (struct ebb_policy){
		.budgets = budgets,
		.budget_count = 1,
		.domains = domains,
	};
	now_ns = NOW;
	return 0;
}

/* 4 GiB, all resident, of which so much is free and so much worked with. */
static struct ebb_policy_domain *add(const char *name, uint64_t free_bytes,
				     uint64_t working_set_bytes)
{
	struct ebb_policy_domain *domain = &domains[policy.domain_count++];

	*domain = (struct ebb_policy_domain){
		.name = name,
		.shares = 100,
		.mode = EBB_POLICY_PERFORMANCE,
		.phase = EBB_POLICY_SETTLED,
		.usable_bytes = 4 * EBB_GIB,
		.resident_bytes = 4 * EBB_GIB,
		.heard_ns = NOW - S,
		.free_bytes = free_bytes,
		.lasting_bytes = free_bytes,
		.free_since_ns = NOW - 240 * S,
		.working_set_known = true,
		.working_set_bytes = working_set_bytes,
		.rung = { .free_bytes = free_bytes, .drive = true },
		.part_count = 1,
		.parts = { { .budget = 0, .part = 1 } },
	};
	return domain;
}

static void decide(void)
{
	uint32_t count = ebb_policy_decide(&policy, now_ns, decisions);

	memset(&decisions[count], 0,
	       (DOMAINS_MAX - count) * sizeof(decisions[0]));
}

static const struct ebb_policy_decision *
decision_of(const struct ebb_policy_domain *domain)
{
	for (uint32_t i = 0; i < DOMAINS_MAX; i++)
		if (decisions[i].bytes > 0 &&
		    &domains[decisions[i].domain] == domain)
			return &decisions[i];
	return NULL;
}

static uint64_t taken(const struct ebb_policy_domain *domain)
{
	const struct ebb_policy_decision *decision = decision_of(domain);

	return decision ? decision->bytes : 0;
}

static void host_has(uint64_t available_bytes)
{
	budgets[0].available_bytes = available_bytes;
}

/* Less than low it was, and is not high again. */
static void half_a_gib_is_needed(void)
{
	host_has(EBB_GIB + EBB_GIB / 2);
	budgets[0].in_need = true;
}

/* ---- free memory ---- */

static void without_need_nothing_is_taken(void **state)
{
	struct ebb_policy_domain *domain = add("a", 3 * EBB_GIB, EBB_GIB / 2);

	(void)state;
	decide();
	assert_int_equal(taken(domain), 0);
	assert_int_equal(budgets[0].need_bytes, 0);
}

static void free_memory_goes_first(void **state)
{
	struct ebb_policy_domain *full = add("full", 0, EBB_GIB);
	struct ebb_policy_domain *idle = add("idle", 3 * EBB_GIB, EBB_GIB);

	(void)state;
	half_a_gib_is_needed();
	decide();
	assert_int_equal(taken(full), 0);
	assert_int_equal(taken(idle), EBB_GIB / 2);
	assert_int_equal(decision_of(idle)->why, EBB_POLICY_FREE);
	assert_int_equal(decision_of(idle)->budget, 0);
	assert_int_equal(budgets[0].met_bytes, budgets[0].need_bytes);
}

/* Levelled from the top. */
static void who_has_most_beyond_its_cushion_gives_first(void **state)
{
	struct ebb_policy_domain *more = add("more", 3 * EBB_GIB, EBB_GIB);
	struct ebb_policy_domain *less = add("less", 2 * EBB_GIB, EBB_GIB);

	(void)state;
	half_a_gib_is_needed();
	decide();
	assert_int_equal(taken(more), EBB_GIB / 2);
	assert_int_equal(taken(less), 0);
}

static void need_ends_at_the_high_mark_not_before(void **state)
{
	struct ebb_policy_domain *domain = add("a", 3 * EBB_GIB, EBB_GIB / 2);

	(void)state;
	host_has(EBB_GIB + EBB_GIB / 2);
	decide();
	assert_int_equal(taken(domain), 0);
	host_has(EBB_GIB - 1);
	decide();
	assert_true(taken(domain) > 0);
	host_has(EBB_GIB + EBB_GIB / 2);
	decide();
	assert_int_equal(taken(domain), EBB_GIB / 2);
	host_has(2 * EBB_GIB);
	decide();
	assert_int_equal(taken(domain), 0);
	host_has(EBB_GIB + EBB_GIB / 2);
	decide();
	assert_int_equal(taken(domain), 0);
}

static void the_cushion_is_left(void **state)
{
	struct ebb_policy_domain *domain = add("a", EBB_GIB / 2, 0);

	(void)state;
	domain->rung.drive = false;
	host_has(0);
	decide();
	assert_int_equal(taken(domain), EBB_GIB / 4);
}

static void lent_memory_is_not_taken_again(void **state)
{
	struct ebb_policy_domain *domain = add("a", 3 * EBB_GIB, EBB_GIB);

	(void)state;
	domain->rung.drive = false;
	domain->resident_bytes = EBB_GIB + EBB_GIB / 4;
	host_has(0);
	decide();
	assert_int_equal(taken(domain), 0);
}

/* ---- idle memory ---- */

static void who_works_with_less_gives_first(void **state)
{
	struct ebb_policy_domain *busy = add("busy", 0, 3 * EBB_GIB);
	struct ebb_policy_domain *lazy = add("lazy", 0, EBB_GIB);

	(void)state;
	half_a_gib_is_needed();
	decide();
	assert_int_equal(taken(busy), 0);
	assert_int_equal(taken(lazy), EBB_GIB / 2);
	assert_int_equal(decision_of(lazy)->why, EBB_POLICY_IDLE);
}

static void equal_ones_give_alike(void **state)
{
	struct ebb_policy_domain *a = add("a", 0, EBB_GIB);
	struct ebb_policy_domain *b = add("b", 0, EBB_GIB);

	(void)state;
	half_a_gib_is_needed();
	decide();
	assert_int_equal(taken(a), EBB_GIB / 4);
	assert_int_equal(taken(b), EBB_GIB / 4);
}

static void more_shares_keep_more(void **state)
{
	struct ebb_policy_domain *a = add("a", 0, EBB_GIB);
	struct ebb_policy_domain *b = add("b", 0, EBB_GIB);

	(void)state;
	b->shares = 200;
	half_a_gib_is_needed();
	decide();
	assert_int_equal(taken(a), EBB_GIB / 2);
	assert_int_equal(taken(b), 0);
}

static void at_most_a_quarter_in_ten_seconds(void **state)
{
	struct ebb_policy_domain *domain = add("a", 0, 2 * EBB_GIB);

	(void)state;
	host_has(EBB_GIB - 1);
	decide();
	assert_int_equal(taken(domain), EBB_GIB / 2);
	ebb_policy_asked(domain, taken(domain), now_ns);
	domain->resident_bytes -= EBB_GIB / 2;
	ebb_policy_answered(domain, EBB_POLICY_GAVE, EBB_GIB / 2, now_ns + S);
	now_ns += 5 * S;
	domain->heard_ns = now_ns;
	decide();
	assert_int_equal(taken(domain), 0);
	now_ns += 5 * S;
	decide();
	assert_int_equal(taken(domain), EBB_GIB / 8 * 3);
}

static void without_a_working_set_nobody_is_driven(void **state)
{
	struct ebb_policy_domain *domain = add("a", 0, 0);

	(void)state;
	domain->working_set_known = false;
	domain->free_bytes = EBB_GIB / 8;
	host_has(EBB_GIB - 1);
	decide();
	assert_int_equal(taken(domain), 0);
}

/* ---- ahead ---- */

static void what_will_be_gone_counts_as_gone(void **state)
{
	struct ebb_policy_domain *domain = add("a", 3 * EBB_GIB, EBB_GIB);
	char text[200];

	(void)state;
	host_has(EBB_GIB + EBB_GIB / 4);
	budgets[0].falling_bytes_per_s = EBB_GIB / 4;
	decide();
	assert_int_equal(taken(domain), 0);
	budgets[0].falling_bytes_per_s = EBB_GIB / 2;
	decide();
	assert_int_equal(budgets[0].need_bytes, EBB_GIB + EBB_GIB / 4);
	assert_int_equal(taken(domain), EBB_GIB / 4 * 3);
	assert_false(budgets[0].emergency);
	assert_string_equal(ebb_policy_words(&policy, decision_of(domain),
					     now_ns, text, sizeof(text)),
			    "a: 768.0 MiB of 768.0 MiB free, because host has "
			    "1.2 GiB of the 2.5 GiB it wants");
	/* It is at the end of its memory in a second, and short now. */
	budgets[0].falling_bytes_per_s = EBB_GIB;
	decide();
	assert_false(budgets[0].emergency);
	host_has(EBB_GIB - 1);
	decide();
	assert_true(budgets[0].emergency);
	/* However fast it is, as much as that again is wanted and no more. */
	budgets[0].falling_bytes_per_s = UINT64_MAX;
	assert_int_equal(ebb_policy_wanted_bytes(&budgets[0]), 4 * EBB_GIB);
	host_has(4 * EBB_GIB);
	budgets[0].in_need = false;
	decide();
	assert_int_equal(budgets[0].need_bytes, 0);
}

/* Looks at a budget that has so much, so long after it was seen as it is. */
static void look(struct ebb_policy_budget *budget, uint64_t available_bytes,
		 uint64_t elapsed_ns)
{
	const struct ebb_policy_budget before = *budget;

	budget->available_bytes = available_bytes;
	ebb_policy_note_fall(budget, &before, elapsed_ns);
}

static void a_fall_is_seen_and_fades(void **state)
{
	struct ebb_policy_budget budget = { .available_bytes = 4 * EBB_GIB };

	(void)state;
	look(&budget, 5 * EBB_GIB, S);
	assert_int_equal(budget.falling_bytes_per_s, 0);
	/* Once is no pace. */
	look(&budget, 4 * EBB_GIB, S);
	assert_int_equal(budget.falling_bytes_per_s, 0);
	look(&budget, 4 * EBB_GIB, S);
	assert_int_equal(budget.falling_bytes_per_s, 0);
	look(&budget, 3 * EBB_GIB, S);
	look(&budget, 3 * EBB_GIB - EBB_GIB / 4, S / 4);
	assert_int_equal(budget.falling_bytes_per_s, EBB_GIB);
	/* Others give meanwhile. */
	look(&budget, 3 * EBB_GIB, S / 2);
	assert_int_equal(budget.falling_bytes_per_s, EBB_GIB / 4 * 3);
	look(&budget, 3 * EBB_GIB, S / 2 * 3);
	assert_int_equal(budget.falling_bytes_per_s, EBB_GIB / 32 * 9);
	look(&budget, 3 * EBB_GIB, UINT64_MAX);
	assert_int_equal(budget.falling_bytes_per_s, 0);
	/* Of an instant nothing is known but that it fell. */
	look(&budget, 3 * EBB_GIB - EBB_MIB, 0);
	look(&budget, 3 * EBB_GIB - 2 * EBB_MIB, 0);
	assert_int_equal(budget.falling_bytes_per_s, 10 * EBB_MIB);
}

static void a_pool_has_no_pace(void **state)
{
	struct ebb_policy_budget pool = { .kind = EBB_POLICY_HUGE_POOL,
					  .available_bytes = 4 * EBB_GIB };

	(void)state;
	look(&pool, 2 * EBB_GIB, S);
	look(&pool, 0, S);
	assert_int_equal(pool.falling_bytes_per_s, 0);
}

/* ---- emergencies ---- */

static void in_an_emergency_shares_count(void **state)
{
	struct ebb_policy_domain *a = add("a", 0, 4 * EBB_GIB);
	struct ebb_policy_domain *b = add("b", 0, 4 * EBB_GIB);

	(void)state;
	a->rung.page_out = b->rung.page_out = true;
	a->shares = 300;
	host_has(EBB_GIB / 4);
	decide();
	assert_true(budgets[0].emergency);
	assert_int_equal(taken(a), 0);
	assert_int_equal(taken(b), 2 * EBB_GIB - EBB_GIB / 4);
	assert_int_equal(decision_of(b)->why, EBB_POLICY_OVER_SHARE);
}

/* It reads again what its kernel frees; the host's would end it. */
static void in_an_emergency_what_can_be_freed_goes_too(void **state)
{
	struct ebb_policy_domain *domain = add("a", 0, 4 * EBB_GIB);

	(void)state;
	host_has(EBB_GIB / 2);
	domain->available_bytes = EBB_GIB;
	decide();
	assert_false(budgets[0].emergency);
	assert_int_equal(taken(domain), 0);
	host_has(EBB_GIB / 2 - 1);
	decide();
	assert_true(budgets[0].emergency);
	/* All but its cushion. */
	assert_int_equal(taken(domain), 768 * EBB_MIB);
	assert_int_equal(decision_of(domain)->why, EBB_POLICY_OVER_SHARE);
	assert_true(ebb_policy_is_driven(domain, decision_of(domain)));
	domain->min_bytes = 4 * EBB_GIB - 512 * EBB_MIB;
	decide();
	assert_int_equal(taken(domain), 512 * EBB_MIB);
	/* Who cannot be asked to free it is not asked. */
	domain->rung.drive = false;
	decide();
	assert_int_equal(taken(domain), 0);
}

/* Also where the one that holds more has nothing to give. */
static void in_an_emergency_nobody_gives_of_its_share(void **state)
{
	struct ebb_policy_domain *meek = add("meek", 0, 2 * EBB_GIB);
	struct ebb_policy_domain *hog = add("hog", 0, 4 * EBB_GIB);
	uint64_t share_bytes;

	(void)state;
	host_has(0);
	meek->resident_bytes = 2 * EBB_GIB;
	meek->usable_bytes = 2 * EBB_GIB;
	meek->available_bytes = 2 * EBB_GIB;
	decide();
	assert_int_equal(taken(hog), 0);
	assert_int_equal(taken(meek), 0);
	/* Of what both may keep, a seventh is its share now. */
	hog->shares = 600;
	decide();
	share_bytes = (6 * EBB_GIB - budgets[0].need_bytes) / 7;
	assert_int_equal(taken(hog), 0);
	assert_in_range(taken(meek),
			2 * EBB_GIB - share_bytes - EBB_POLICY_STEP_BYTES,
			2 * EBB_GIB - share_bytes);
}

/* What lies elsewhere is nothing to the budget. */
static void a_share_is_of_the_budget(void **state)
{
	struct ebb_policy_domain *wide = add("wide", 0, 64 * EBB_GIB);
	struct ebb_policy_domain *here = add("here", 0, 10 * EBB_GIB);

	(void)state;
	wide->usable_bytes = wide->resident_bytes = 64 * EBB_GIB;
	here->usable_bytes = here->resident_bytes = 10 * EBB_GIB;
	wide->rung.page_out = here->rung.page_out = true;
	wide->parts[0].part = 0.1;
	host_has(EBB_GIB / 4);
	decide();
	assert_int_equal(taken(wide), 0);
	assert_int_equal(taken(here), 2 * EBB_GIB - EBB_GIB / 4);
}

/* A migration may begin while it gives, or it hangs. */
static void what_does_not_come_in_time_is_asked_of_others(void **state)
{
	struct ebb_policy_domain *asked = add("asked", 3 * EBB_GIB, EBB_GIB);
	struct ebb_policy_domain *other = add("other", 3 * EBB_GIB, EBB_GIB);

	(void)state;
	half_a_gib_is_needed();
	ebb_policy_asked(asked, EBB_GIB / 2, now_ns);
	asked->phase = EBB_POLICY_IN_JOB;
	decide();
	assert_int_equal(taken(other), EBB_GIB / 2);
	asked->phase = EBB_POLICY_SETTLED;
	now_ns += 10 * S - 1;
	decide();
	assert_int_equal(taken(other), 0);
	now_ns += 1;
	decide();
	assert_int_equal(taken(other), EBB_GIB / 2);
}

static void nobody_goes_below_its_min(void **state)
{
	struct ebb_policy_domain *domain = add("a", 2 * EBB_GIB, 0);

	(void)state;
	domain->rung.page_out = true;
	domain->min_bytes = 4 * EBB_GIB - EBB_GIB / 8;
	host_has(0);
	decide();
	assert_int_equal(taken(domain), EBB_GIB / 8);
}

static void assert_left(uint32_t index, const char *words)
{
	char text[EBB_POLICY_WORDS_BYTES];

	assert_string_equal(ebb_policy_left_words(&policy, index, now_ns, text,
						  sizeof(text)),
			    words);
}

/* Of a guest that is paged out neither is what it has free nor its cushion. */
static void what_keeps_it_from_swap_is_named(void **state)
{
	struct ebb_policy_domain *a = add("a", 0, 0);
	struct ebb_policy_domain *b = add("b", 0, 0);

	(void)state;
	a->rung.page_out = b->rung.page_out = true;
	a->min_bytes = 4 * EBB_GIB;
	host_has(0);
	decide();
	assert_int_equal(taken(a), 0);
	assert_left(0, "a: nothing: 4.0 GiB is resident, and its min is "
		       "4.0 GiB");
	/* Of 9 GiB the host needs 2, and each may keep half of the rest. */
	a->min_bytes = 0;
	a->resident_bytes = 8 * EBB_GIB;
	b->resident_bytes = EBB_GIB;
	decide();
	assert_int_equal(taken(b), 0);
	assert_left(1, "b: nothing: 1.0 GiB is resident, and its share of host "
		       "is 3.5 GiB");
}

static void what_is_lacking_is_named(void **state)
{
	struct ebb_policy_domain *small = add("small", 0, EBB_GIB);
	struct ebb_policy_domain *large = add("large", 0, 4 * EBB_GIB);
	char text[EBB_POLICY_WORDS_BYTES];

	(void)state;
	small->min_bytes = 4 * EBB_GIB;
	large->min_bytes = 4 * EBB_GIB;
	large->shares = 1000;
	large->swapped_bytes = EBB_GIB;
	host_has(0);
	decide();
	assert_int_equal(budgets[0].met_bytes, 0);
	assert_ptr_equal(&domains[budgets[0].holder], small);
	assert_ptr_equal(&domains[budgets[0].victim], large);
	assert_string_equal(ebb_policy_need_words(&policy, 0, text,
						  sizeof(text)),
			    "host lacks 2.0 GiB: small holds most by its "
			    "shares; the kernel would end large");
}

/* ---- several budgets ---- */

static void only_who_relieves_the_budget_gives(void **state)
{
	struct ebb_policy_domain *here = add("here", 3 * EBB_GIB, EBB_GIB);
	struct ebb_policy_domain *there = add("there", 3 * EBB_GIB, EBB_GIB);

	(void)state;
	policy.budget_count = 3;
	budgets[1] = budgets[2] = budgets[0];
	budgets[1].name = "node 0";
	budgets[2].name = "node 1";
	budgets[2].available_bytes = EBB_GIB - EBB_GIB / 8;
	budgets[2].high_bytes = EBB_GIB;
	here->part_count = there->part_count = 2;
	here->parts[1] = (struct ebb_policy_part){ .budget = 1, .part = 1 };
	there->parts[1] = (struct ebb_policy_part){ .budget = 2, .part = 0.5 };
	decide();
	assert_int_equal(taken(here), 0);
	/* Half of what it gives lies elsewhere. */
	assert_int_equal(taken(there), EBB_GIB / 4);
	assert_int_equal(decision_of(there)->budget, 2);
}

/* What relieves two is not asked for twice. */
static void one_gift_serves_all_its_budgets(void **state)
{
	struct ebb_policy_domain *domain = add("a", 3 * EBB_GIB, EBB_GIB);

	(void)state;
	policy.budget_count = 2;
	host_has(EBB_GIB - EBB_GIB / 8);
	budgets[0].high_bytes = EBB_GIB;
	budgets[1] = budgets[0];
	budgets[1].name = "machine.slice";
	budgets[1].available_bytes = EBB_GIB - EBB_GIB / 4;
	domain->part_count = 2;
	domain->parts[1] = (struct ebb_policy_part){ .budget = 1, .part = 1 };
	decide();
	assert_int_equal(taken(domain), EBB_GIB / 4);
	assert_int_equal(decision_of(domain)->budget, 1);
}

/* ---- who is not asked ---- */

static void who_cannot_give_is_left_alone(void **state)
{
	static const enum ebb_policy_phase phases[] = {
		EBB_POLICY_UNKNOWN, EBB_POLICY_BOOTING, EBB_POLICY_PAUSED,
		EBB_POLICY_IN_JOB,  EBB_POLICY_LEAVING, EBB_POLICY_EXEMPT,
	};
	struct ebb_policy_domain *domain = add("a", 3 * EBB_GIB, EBB_GIB);

	(void)state;
	host_has(0);
	for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++) {
		domain->phase = phases[i];
		decide();
		assert_int_equal(taken(domain), 0);
	}
	domain->phase = EBB_POLICY_SETTLED;
	domain->heard_ns = 0;
	decide();
	assert_int_equal(taken(domain), 0);
	domain->heard_ns = NOW;
	decide();
	assert_true(taken(domain) > 0);
}

/* On its word, which is of before it gave, it would give again. */
static void who_was_not_heard_since_is_not_asked(void **state)
{
	struct ebb_policy_domain *domain = add("a", 3 * EBB_GIB, EBB_GIB);

	(void)state;
	host_has(0);
	decide();
	ebb_policy_asked(domain, taken(domain), now_ns);
	ebb_policy_answered(domain, EBB_POLICY_GAVE, EBB_GIB, now_ns);
	now_ns += 100 * S;
	decide();
	assert_int_equal(taken(domain), 0);
	domain->heard_ns = now_ns;
	decide();
	assert_true(taken(domain) > 0);
}

static void what_is_on_its_way_counts(void **state)
{
	struct ebb_policy_domain *asked = add("asked", 3 * EBB_GIB, EBB_GIB);
	struct ebb_policy_domain *other = add("other", 3 * EBB_GIB, EBB_GIB);

	(void)state;
	half_a_gib_is_needed();
	ebb_policy_asked(asked, EBB_GIB / 2, now_ns);
	decide();
	assert_int_equal(taken(other), 0);
}

static void who_refuses_rests_longer_each_time(void **state)
{
	static const uint64_t rest_s[] = { 60, 120, 240, 480, 600, 600 };
	struct ebb_policy_domain *domain = add("a", 3 * EBB_GIB, EBB_GIB);

	(void)state;
	host_has(0);
	for (size_t i = 0; i < sizeof(rest_s) / sizeof(rest_s[0]); i++) {
		domain->heard_ns = now_ns;
		decide();
		assert_true(taken(domain) > 0);
		ebb_policy_asked(domain, taken(domain), now_ns - 1);
		ebb_policy_answered(domain, EBB_POLICY_REFUSED, 0, now_ns);
		now_ns += rest_s[i] * S - 1;
		domain->heard_ns = now_ns;
		decide();
		assert_int_equal(taken(domain), 0);
		now_ns += 1;
	}
	domain->heard_ns = now_ns;
	ebb_policy_asked(domain, EBB_GIB, now_ns - 1);
	ebb_policy_answered(domain, EBB_POLICY_GAVE, EBB_GIB, now_ns);
	assert_int_equal(domain->history.rests, 0);
}

static void who_does_not_move_is_stuck(void **state)
{
	struct ebb_policy_domain *domain = add("a", 3 * EBB_GIB, EBB_GIB);

	(void)state;
	host_has(0);
	for (int i = 0; i < 3; i++) {
		assert_false(ebb_policy_is_stuck(domain));
		ebb_policy_asked(domain, EBB_GIB, now_ns - 1);
		ebb_policy_answered(domain, EBB_POLICY_GAVE, EBB_GIB / 16,
				    now_ns);
	}
	assert_true(ebb_policy_is_stuck(domain));
	now_ns += 60 * S - 1;
	domain->heard_ns = now_ns;
	decide();
	assert_int_equal(taken(domain), 0);
	now_ns += 1;
	decide();
	assert_true(taken(domain) > 0);
	ebb_policy_asked(domain, EBB_GIB, now_ns);
	ebb_policy_answered(domain, EBB_POLICY_GAVE, EBB_GIB, now_ns);
	assert_false(ebb_policy_is_stuck(domain));
}

static void nobody_is_driven_for_a_little(void **state)
{
	struct ebb_policy_domain *domain = add("a", 0, 4 * EBB_GIB);

	(void)state;
	half_a_gib_is_needed();
	domain->working_set_bytes -= 62 * EBB_MIB;
	domain->free_bytes = 62 * EBB_MIB;
	domain->rung.free_bytes = 0;
	decide();
	assert_int_equal(taken(domain), 0);
	/* A 64th of what it has. A quarter of that may be asked for at once. */
	domain->working_set_bytes -= 2 * EBB_MIB;
	domain->free_bytes = 64 * EBB_MIB;
	decide();
	assert_int_equal(taken(domain), 16 * EBB_MIB);
	assert_int_equal(decision_of(domain)->why, EBB_POLICY_IDLE);
}

static void who_grows_is_not_stuck(void **state)
{
	struct ebb_policy_domain *domain = add("a", 3 * EBB_GIB, EBB_GIB);

	(void)state;
	domain->resident_bytes = EBB_GIB;
	for (int i = 0; i < 3; i++) {
		ebb_policy_asked(domain, EBB_GIB, now_ns - 1);
		domain->resident_bytes += 65 * EBB_MIB;
		ebb_policy_answered(domain, EBB_POLICY_GAVE, 0, now_ns);
	}
	assert_false(ebb_policy_is_stuck(domain));
	for (int i = 0; i < 3; i++) {
		ebb_policy_asked(domain, EBB_GIB, now_ns - 1);
		domain->resident_bytes += 64 * EBB_MIB;
		ebb_policy_answered(domain, EBB_POLICY_GAVE, 0, now_ns);
	}
	assert_true(ebb_policy_is_stuck(domain));
}

static void what_one_that_grows_promised_does_not_count(void **state)
{
	struct ebb_policy_domain *grows = add("grows", 3 * EBB_GIB, EBB_GIB);
	struct ebb_policy_domain *other = add("other", 3 * EBB_GIB, EBB_GIB);

	(void)state;
	half_a_gib_is_needed();
	grows->resident_bytes = 3 * EBB_GIB;
	ebb_policy_asked(grows, EBB_GIB / 2, now_ns);
	grows->resident_bytes += 64 * EBB_MIB;
	decide();
	assert_int_equal(taken(other), 0);
	grows->resident_bytes += EBB_MIB;
	decide();
	assert_int_equal(taken(other), EBB_GIB / 2);
}

static void what_a_stuck_guest_promised_does_not_count(void **state)
{
	struct ebb_policy_domain *stuck = add("stuck", 3 * EBB_GIB, EBB_GIB);
	struct ebb_policy_domain *other = add("other", 3 * EBB_GIB, EBB_GIB);

	(void)state;
	half_a_gib_is_needed();
	stuck->history.idle_answers = 3;
	ebb_policy_asked(stuck, EBB_GIB / 2, now_ns);
	decide();
	assert_int_equal(taken(other), EBB_GIB / 2);
}

/* ---- without need ---- */

static void balanced_fades(void **state)
{
	struct ebb_policy_domain *domain = add("a", 3 * EBB_GIB, EBB_GIB);

	(void)state;
	domain->mode = EBB_POLICY_BALANCED;
	domain->free_since_ns = now_ns - 59 * S;
	decide();
	assert_int_equal(taken(domain), 0);
	domain->free_since_ns = now_ns - 60 * S;
	decide();
	/* An eighth of 3 GiB without the cushion of 256 MiB, in whole steps. */
	assert_int_equal(taken(domain), 352 * EBB_MIB);
	assert_int_equal(decision_of(domain)->why, EBB_POLICY_UNUSED);
	assert_int_equal(decision_of(domain)->budget, EBB_POLICY_NONE);
	ebb_policy_asked(domain, taken(domain), now_ns);
	ebb_policy_answered(domain, EBB_POLICY_GAVE, 352 * EBB_MIB, now_ns);
	domain->resident_bytes -= 352 * EBB_MIB;
	now_ns += 10 * S - 1;
	domain->heard_ns = now_ns;
	decide();
	assert_int_equal(taken(domain), 0);
	now_ns += 1;
	decide();
	assert_int_equal(taken(domain), 308 * EBB_MIB);
}

/* A burst may need what is free for a moment. */
static void balanced_returns_what_was_free_all_the_while(void **state)
{
	struct ebb_policy_domain *domain = add("a", 3 * EBB_GIB, EBB_GIB);

	(void)state;
	domain->mode = EBB_POLICY_BALANCED;
	domain->lasting_bytes = EBB_GIB;
	decide();
	/* An eighth of 1 GiB without the cushion of 256 MiB. */
	assert_int_equal(taken(domain), 96 * EBB_MIB);
	domain->lasting_bytes = EBB_GIB / 4;
	decide();
	assert_int_equal(taken(domain), 0);
	assert_int_equal(ebb_policy_left(&policy, 0, now_ns),
			 EBB_POLICY_LEFT_YOUNG);
}

/* It ends, and what is left is little. */
static void balanced_comes_to_rest(void **state)
{
	struct ebb_policy_domain *domain = add("a", 3 * EBB_GIB, EBB_GIB);
	int rounds = 0;

	(void)state;
	domain->mode = EBB_POLICY_BALANCED;
	for (;;) {
		domain->heard_ns = now_ns;
		decide();
		if (taken(domain) == 0)
			break;
		ebb_policy_asked(domain, taken(domain), now_ns - 1);
		ebb_policy_answered(domain, EBB_POLICY_GAVE, taken(domain),
				    now_ns);
		domain->resident_bytes -= taken(domain);
		now_ns += 10 * S;
		assert_true(++rounds < 100);
	}
	assert_in_range(domain->resident_bytes, EBB_GIB + EBB_GIB / 4,
			EBB_GIB + EBB_GIB / 4 + 16 * EBB_MIB);
}

static void density_leaves_what_is_worked_with(void **state)
{
	struct ebb_policy_domain *domain = add("a", 0, EBB_GIB);

	(void)state;
	domain->mode = EBB_POLICY_DENSITY;
	for (int i = 0; i < 60; i++) {
		domain->heard_ns = now_ns;
		decide();
		ebb_policy_asked(domain, taken(domain), now_ns - 1);
		ebb_policy_answered(domain, EBB_POLICY_GAVE, taken(domain),
				    now_ns);
		domain->resident_bytes -= taken(domain);
		domain->free_bytes += taken(domain);
		now_ns += 10 * S;
	}
	assert_in_range(domain->resident_bytes, EBB_GIB + EBB_GIB / 4,
			EBB_GIB + EBB_GIB / 4 + 10 * EBB_MIB);
}

static void over_its_max_it_is_driven(void **state)
{
	struct ebb_policy_domain *domain = add("a", 0, EBB_GIB);

	(void)state;
	domain->max_bytes = 4 * EBB_GIB - EBB_GIB / 8;
	decide();
	assert_int_equal(taken(domain), EBB_GIB / 8);
	assert_int_equal(decision_of(domain)->why, EBB_POLICY_OVER_MAX);
}

/* ---- debts ---- */

static void uncovered_debts_stop_returns(void **state)
{
	struct ebb_policy_domain *debtor = add("debtor", 3 * EBB_GIB, EBB_GIB);
	struct ebb_policy_domain *domain = add("a", 3 * EBB_GIB, EBB_GIB);

	(void)state;
	debtor->resident_bytes = EBB_GIB;
	domain->mode = EBB_POLICY_BALANCED;
	host_has(3 * EBB_GIB);
	decide();
	/* 2 GiB beyond low, and what the other has free beyond its cushion. */
	assert_int_equal(budgets[0].debt_bytes, 3 * EBB_GIB);
	assert_int_equal(budgets[0].cover_bytes,
			 2 * EBB_GIB + 3 * EBB_GIB - EBB_GIB / 4);
	assert_true(taken(domain) > 0);
	domain->free_bytes = EBB_GIB;
	domain->rung.free_bytes = EBB_GIB;
	host_has(2 * EBB_GIB);
	decide();
	assert_false(ebb_policy_is_covered(&budgets[0]));
	assert_int_equal(taken(domain), 0);
	budgets[0].fast_swap_bytes = 2 * EBB_GIB;
	decide();
	assert_true(ebb_policy_is_covered(&budgets[0]));
	assert_true(taken(domain) > 0);
}

/* What it has is not known: all that it may use is what it may take back. */
static void who_is_not_known_owes_all(void **state)
{
	struct ebb_policy_domain *unknown = add("b", 0, EBB_GIB);
	struct ebb_policy_domain *domain = add("a", 3 * EBB_GIB, EBB_GIB);

	(void)state;
	domain->mode = EBB_POLICY_BALANCED;
	unknown->phase = EBB_POLICY_UNKNOWN;
	unknown->memory_unknown = true;
	unknown->resident_bytes = 0;
	host_has(3 * EBB_GIB);
	decide();
	assert_int_equal(budgets[0].debt_bytes, 4 * EBB_GIB);
	assert_int_equal(ebb_policy_unknown_debtor(&policy, 0), 0);
	assert_true(taken(domain) > 0);
	domain->free_bytes = EBB_GIB;
	domain->rung.free_bytes = EBB_GIB;
	decide();
	assert_int_equal(taken(domain), 0);
	assert_left(
		1, "a: nothing: host could not have it back in time: 2.8 GiB "
		   "of cover for a debt of 4.0 GiB, that of b at most, as what "
		   "it has is not known");
	/* What it has at least, it does not owe. */
	unknown->resident_bytes = 2 * EBB_GIB;
	decide();
	assert_int_equal(budgets[0].debt_bytes, 2 * EBB_GIB);
	assert_true(taken(domain) > 0);
}

static void nothing_covers_what_is_not_known_at_all(void **state)
{
	struct ebb_policy_domain *domain = add("a", 3 * EBB_GIB, EBB_GIB);
	struct ebb_policy_domain *unknown = add("b", 0, EBB_GIB);

	(void)state;
	domain->mode = EBB_POLICY_BALANCED;
	unknown->phase = EBB_POLICY_UNKNOWN;
	unknown->memory_unknown = true;
	unknown->usable_bytes = unknown->resident_bytes = 0;
	host_has(16 * EBB_GIB);
	decide();
	assert_int_equal(budgets[0].unknown_debts, 1);
	assert_int_equal(budgets[0].debt_bytes, 0);
	assert_false(ebb_policy_is_covered(&budgets[0]));
	assert_int_equal(taken(domain), 0);
	assert_left(0, "a: nothing: host may not have it back in time: how "
		       "much b may take of it is not known");
	/* Nor is it, where it lies is not known either. */
	unknown->part_count = 0;
	unknown->parts_unknown = true;
	decide();
	assert_false(ebb_policy_is_covered(&budgets[0]));
	assert_int_equal(taken(domain), 0);
	/* Who needs memory gets it all the same. */
	half_a_gib_is_needed();
	decide();
	assert_int_equal(taken(domain), EBB_GIB / 2);
}

/* What it says that its balloon holds it may touch as what it lent. */
static void who_claims_a_balloon_owes_it(void **state)
{
	struct ebb_policy_domain *liar = add("b", 0, 0);
	struct ebb_policy_domain *domain = add("a", EBB_GIB, EBB_GIB);

	(void)state;
	domain->mode = EBB_POLICY_BALANCED;
	liar->usable_bytes = liar->resident_bytes = EBB_GIB;
	liar->balloon_bytes = 3 * EBB_GIB;
	host_has(3 * EBB_GIB);
	decide();
	assert_int_equal(budgets[0].debt_bytes, 0);
	assert_true(taken(domain) > 0);
	liar->claimed_bytes = 3 * EBB_GIB;
	decide();
	assert_int_equal(budgets[0].debt_bytes, 3 * EBB_GIB);
	assert_int_equal(taken(domain), 0);
}

/* Nobody knows what stands behind what it would lend. */
static void who_lies_nowhere_known_lends_nothing(void **state)
{
	struct ebb_policy_domain *domain = add("a", 3 * EBB_GIB, EBB_GIB);
	char text[EBB_POLICY_WORDS_BYTES];

	(void)state;
	domain->mode = EBB_POLICY_BALANCED;
	domain->part_count = 0;
	domain->parts_unknown = true;
	decide();
	assert_int_equal(taken(domain), 0);
	assert_string_equal(
		ebb_policy_left_words(&policy, 0, now_ns, text, sizeof(text)),
		"a: nothing: which budgets it lies in is not known");
	/* What is known to be in need is relieved. */
	domain->part_count = 1;
	half_a_gib_is_needed();
	decide();
	assert_int_equal(taken(domain), EBB_GIB / 2);
}

static void a_budget_without_domains_is_not_in_need(void **state)
{
	(void)state;
	budgets[0].for_show = true;
	host_has(0);
	decide();
	assert_false(budgets[0].in_need);
	assert_false(budgets[0].emergency);
	assert_int_equal(budgets[0].need_bytes, 0);
}

static void as_many_debts_as_are_to_be_covered_count(void **state)
{
	(void)state;
	add("a", 0, EBB_GIB)->resident_bytes = 3 * EBB_GIB;
	add("b", 0, EBB_GIB)->resident_bytes = 1 * EBB_GIB;
	add("c", 0, EBB_GIB)->resident_bytes = 2 * EBB_GIB;
	budgets[0].cover_guests = 1;
	decide();
	assert_int_equal(budgets[0].debt_bytes, 3 * EBB_GIB);
	budgets[0].cover_guests = 2;
	decide();
	assert_int_equal(budgets[0].debt_bytes, 5 * EBB_GIB);
	budgets[0].cover_guests = 100;
	decide();
	assert_int_equal(budgets[0].debt_bytes, 6 * EBB_GIB);
}

/* Beside them anybody else may have everything back. */
static void what_a_job_reads_is_called_back(void **state)
{
	struct ebb_policy_domain *read = add("a", 0, EBB_GIB);
	char text[EBB_POLICY_WORDS_BYTES];

	(void)state;
	read->resident_bytes = 3 * EBB_GIB;
	add("b", 0, EBB_GIB)->resident_bytes = 1 * EBB_GIB;
	add("c", 0, EBB_GIB)->resident_bytes = 2 * EBB_GIB;
	decide();
	assert_int_equal(budgets[0].debt_bytes, 3 * EBB_GIB);
	read->phase = EBB_POLICY_IN_JOB;
	decide();
	assert_int_equal(budgets[0].debt_bytes, 4 * EBB_GIB);
	assert_string_equal(
		ebb_policy_left_words(&policy, 0, now_ns, text, sizeof(text)),
		"a: nothing: a libvirt job reads its memory, and 1.0 GiB that "
		"it lent may become resident until that ends");
}

static void what_a_job_made_resident_does_not_fade(void **state)
{
	struct ebb_policy_domain *domain = add("a", 2 * EBB_GIB, EBB_GIB);
	char text[EBB_POLICY_WORDS_BYTES];

	(void)state;
	domain->mode = EBB_POLICY_BALANCED;
	domain->refilled_bytes = EBB_GIB;
	decide();
	/* No more than a quarter of what it does not work with. */
	assert_int_equal(taken(domain), 768 * EBB_MIB);
	/* With an eighth of what is beyond that and the cushion of 256 MiB. */
	domain->refilled_bytes = 512 * EBB_MIB;
	decide();
	assert_int_equal(taken(domain), (512 + 160) * EBB_MIB);
	assert_string_equal(
		ebb_policy_words(&policy, decision_of(domain), now_ns, text,
				 sizeof(text)),
		"a: 672.0 MiB of 1.8 GiB that it does not use, and a libvirt job "
		"made resident, free for 4 min");
	/* What is free for less than a minute may be what the guest is to use. */
	domain->lasting_bytes = EBB_GIB + EBB_GIB / 2;
	decide();
	assert_int_equal(taken(domain), (512 + 96) * EBB_MIB);
	domain->free_since_ns = now_ns - 30 * S;
	decide();
	assert_int_equal(taken(domain), 0);
	domain->free_since_ns = now_ns - 240 * S;
	domain->mode = EBB_POLICY_PERFORMANCE;
	decide();
	assert_int_equal(taken(domain), 0);
}

static void a_pool_covers_all_and_more(void **state)
{
	(void)state;
	add("a", 0, EBB_GIB)->resident_bytes = 2 * EBB_GIB;
	add("b", 0, EBB_GIB)->resident_bytes = 2 * EBB_GIB;
	budgets[0].kind = EBB_POLICY_HUGE_POOL;
	budgets[0].fast_swap_bytes = 100 * EBB_GIB;
	host_has(5 * EBB_GIB - 1);
	decide();
	assert_int_equal(budgets[0].debt_bytes, 5 * EBB_GIB);
	assert_false(ebb_policy_is_covered(&budgets[0]));
	host_has(5 * EBB_GIB);
	decide();
	assert_true(ebb_policy_is_covered(&budgets[0]));
}

/* What is lent of a pool leaves five quarters of it there. */
static void a_pool_lends_what_it_can_cover(void **state)
{
	struct ebb_policy_domain *a = add("a", 0, EBB_GIB);
	struct ebb_policy_domain *b = add("b", 0, EBB_GIB);

	(void)state;
	budgets[0].kind = EBB_POLICY_HUGE_POOL;
	budgets[0].low_bytes = budgets[0].high_bytes = 0;
	a->mode = b->mode = EBB_POLICY_DENSITY;
	host_has(0);
	decide();
	assert_int_equal(taken(a), 0);
	host_has(EBB_GIB / 4);
	decide();
	/* A quarter of 3 GiB is covered by 192 MiB, and 64 MiB are left. */
	assert_int_equal(taken(a), EBB_GIB / 4 * 3);
	assert_int_equal(taken(b), EBB_GIB / 4);
}

static void mins_beyond_the_limit_are_seen(void **state)
{
	struct ebb_policy_domain *a = add("a", 0, EBB_GIB);
	struct ebb_policy_domain *b = add("b", 0, EBB_GIB);

	(void)state;
	a->usable_bytes = a->min_bytes = 10 * EBB_GIB;
	b->usable_bytes = b->min_bytes = 6 * EBB_GIB;
	decide();
	assert_int_equal(budgets[0].min_bytes, 16 * EBB_GIB);
	assert_true(ebb_policy_mins_fit(&budgets[0]));
	budgets[0].limit_bytes--;
	assert_false(ebb_policy_mins_fit(&budgets[0]));
}

/* Nobody keeps more than it has, but of whom nothing is known its min is. */
static void a_min_counts_as_what_its_domain_has(void **state)
{
	struct ebb_policy_domain *domain = add("a", 0, EBB_GIB);

	(void)state;
	domain->min_bytes = 100 * EBB_GIB;
	decide();
	assert_int_equal(budgets[0].min_bytes, domain->usable_bytes);
	assert_true(ebb_policy_mins_fit(&budgets[0]));
	domain->usable_bytes = 0;
	decide();
	assert_int_equal(budgets[0].min_bytes, 100 * EBB_GIB);
}

/* ---- words ---- */

static void a_decision_has_its_words(void **state)
{
	struct ebb_policy_domain *domain = add("web1", 3 * EBB_GIB, EBB_GIB);
	char text[EBB_POLICY_WORDS_BYTES], small[24];

	(void)state;
	budgets[0].name = "node 1";
	half_a_gib_is_needed();
	decide();
	assert_string_equal(
		ebb_policy_words(&policy, decision_of(domain), now_ns, text,
				 sizeof(text)),
		"web1: 512.0 MiB of 768.0 MiB free, because node 1 has 1.5 GiB of the 2.0 GiB it "
		"wants");
	ebb_policy_words(&policy, decision_of(domain), now_ns, small,
			 sizeof(small));
	assert_string_equal(small, "web1: 512.0 MiB of 768.");
	budgets[0].in_need = false;
	host_has(8 * EBB_GIB);
	domain->mode = EBB_POLICY_BALANCED;
	decide();
	assert_string_equal(ebb_policy_words(&policy, decision_of(domain),
					     now_ns, text, sizeof(text)),
			    "web1: 352.0 MiB of 2.8 GiB that it does not use, "
			    "free for 4 min");
	assert_string_equal(
		ebb_policy_need_words(&policy, 0, text, sizeof(text)), "");
}

/* Density drives a guest to its working set: not one whose working set is not known. */
static void who_is_not_driven_gives_what_is_free(void **state)
{
	struct ebb_policy_domain *domain = add("web1", 3 * EBB_GIB, EBB_GIB);
	char text[EBB_POLICY_WORDS_BYTES];

	(void)state;
	domain->mode = EBB_POLICY_DENSITY;
	decide();
	assert_true(ebb_policy_is_driven(domain, decision_of(domain)));
	assert_non_null(strstr(ebb_policy_words(&policy, decision_of(domain),
						now_ns, text, sizeof(text)),
			       " that it does not work with"));
	domain->working_set_known = false;
	decide();
	assert_true(taken(domain) > 0);
	assert_false(ebb_policy_is_driven(domain, decision_of(domain)));
	assert_non_null(strstr(ebb_policy_words(&policy, decision_of(domain),
						now_ns, text, sizeof(text)),
			       " GiB free"));
}

/* In a shortage nobody is told that others give if they do not. */
static void who_gave_its_allowance_is_said_so(void **state)
{
	struct ebb_policy_domain *domain = add("a", EBB_GIB, 2 * EBB_GIB);
	char text[EBB_POLICY_WORDS_BYTES];

	(void)state;
	host_has(EBB_GIB - 1);
	decide();
	assert_int_equal(taken(domain), EBB_GIB / 2);
	ebb_policy_asked(domain, EBB_GIB / 2, now_ns);
	decide();
	assert_string_equal(
		ebb_policy_left_words(&policy, 0, now_ns, text, sizeof(text)),
		"a: nothing: 512.0 MiB was asked for and has not come yet");
	ebb_policy_answered(domain, EBB_POLICY_GAVE, EBB_GIB / 2, now_ns);
	now_ns += 5 * S;
	domain->heard_ns = now_ns;
	decide();
	assert_int_equal(taken(domain), 0);
	assert_int_equal(ebb_policy_left(&policy, 0, now_ns),
			 EBB_POLICY_LEFT_ALLOWANCE);
	/* So it is without need, where it returns all at once. */
	budgets[0].in_need = false;
	host_has(8 * EBB_GIB);
	domain->mode = EBB_POLICY_DENSITY;
	decide();
	assert_int_equal(ebb_policy_left(&policy, 0, now_ns),
			 EBB_POLICY_LEFT_ALLOWANCE);
	assert_string_equal(
		ebb_policy_left_words(&policy, 0, now_ns, text, sizeof(text)),
		"a: nothing: 512.0 MiB was asked for lately, and in 10 s at "
		"most a quarter of what it does not work with is");
}

/* As a gentle reclaim does when need comes: its allowance is there for that. */
static void who_was_cancelled_has_its_allowance(void **state)
{
	struct ebb_policy_domain *domain = add("a", EBB_GIB, 2 * EBB_GIB);

	(void)state;
	host_has(EBB_GIB - 1);
	ebb_policy_asked(domain, EBB_GIB / 2, now_ns);
	ebb_policy_answered(domain, EBB_POLICY_CANCELLED, 64 * EBB_MIB, now_ns);
	now_ns += S;
	domain->heard_ns = now_ns;
	decide();
	assert_int_equal(taken(domain), EBB_GIB / 2 - 64 * EBB_MIB);
	/* It may give more than was asked for. */
	ebb_policy_asked(domain, taken(domain), now_ns);
	ebb_policy_answered(domain, EBB_POLICY_CANCELLED, EBB_GIB, now_ns);
	now_ns += S;
	domain->heard_ns = now_ns;
	decide();
	assert_int_equal(taken(domain), 0);
}

/* ---- balloons ---- */

/* A guest with nothing but a balloon: what it needs is what it says less that. */
static struct ebb_policy_domain *
add_balloon(const char *name, uint64_t free_bytes, uint64_t needed_bytes)
{
	struct ebb_policy_domain *domain = add(name, free_bytes, needed_bytes);

	domain->rung.balloon = true;
	return domain;
}

static void a_balloon_is_for_need_alone(void **state)
{
	struct ebb_policy_domain *domain =
		add_balloon("a", 2 * EBB_GIB, EBB_GIB);

	(void)state;
	domain->max_bytes = EBB_GIB;
	for (int mode = EBB_POLICY_PERFORMANCE; mode <= EBB_POLICY_DENSITY;
	     mode++) {
		domain->mode = (enum ebb_policy_mode)mode;
		decide();
		assert_int_equal(taken(domain), 0);
		assert_int_equal(ebb_policy_left(&policy, 0, now_ns),
				 EBB_POLICY_LEFT_NO_NEED);
	}
	assert_left(0, "a: nothing: no budget needs memory, and its balloon is "
		       "inflated for nothing else");
	half_a_gib_is_needed();
	decide();
	assert_int_equal(taken(domain), EBB_GIB / 2);
	assert_int_equal(decision_of(domain)->why, EBB_POLICY_BALLOON);
	assert_false(ebb_policy_is_driven(domain, decision_of(domain)));
}

/* First what others lend, then what is free in it, then what it could free. */
static void a_balloon_comes_after_free_memory(void **state)
{
	struct ebb_policy_domain *lender = add("lender", 3 * EBB_GIB, EBB_GIB);
	struct ebb_policy_domain *held =
		add_balloon("held", 2 * EBB_GIB, EBB_GIB / 2);
	char text[EBB_POLICY_WORDS_BYTES];

	(void)state;
	half_a_gib_is_needed();
	decide();
	assert_int_equal(taken(lender), EBB_GIB / 2);
	assert_int_equal(taken(held), 0);
	assert_left(1, "held: nothing: 3.5 GiB is spare beyond its cushion, "
		       "but others give what host needs");
	lender->rung = (struct ebb_policy_rung){ .drive = true };
	decide();
	assert_int_equal(taken(lender), 0);
	assert_int_equal(taken(held), EBB_GIB / 2);
	assert_string_equal(
		ebb_policy_words(&policy, decision_of(held), now_ns, text,
				 sizeof(text)),
		"held: 512.0 MiB of 896.0 MiB free, by its balloon, because "
		"host has 1.5 GiB of the 2.0 GiB it wants");
	held->rung.free_bytes = 0;
	lender->rung.drive = false;
	decide();
	assert_int_equal(decision_of(held)->why, EBB_POLICY_IDLE);
	assert_string_equal(
		ebb_policy_words(&policy, decision_of(held), now_ns, text,
				 sizeof(text)),
		"held: 512.0 MiB of 896.0 MiB that it could free, by its "
		"balloon, because host has 1.5 GiB of the 2.0 GiB it wants");
}

/* Also where the host is nearly out of memory. */
static void a_balloon_takes_nothing_that_is_needed(void **state)
{
	struct ebb_policy_domain *domain =
		add_balloon("a", EBB_GIB / 2, 4 * EBB_GIB - EBB_GIB / 4);

	(void)state;
	domain->available_bytes = 3 * EBB_GIB;
	host_has(0);
	decide();
	assert_true(budgets[0].emergency);
	/* What it needs is more than what it uses. */
	assert_int_equal(taken(domain), EBB_GIB / 4);
	domain->free_bytes = domain->rung.free_bytes = 0;
	decide();
	assert_int_equal(taken(domain), EBB_GIB / 4);
	domain->working_set_bytes = 4 * EBB_GIB;
	decide();
	assert_int_equal(taken(domain), 0);
	assert_left(0, "a: nothing: 4.0 GiB is resident, and with a cushion it "
		       "needs 4.0 GiB: its balloon takes nothing of that");
}

/* That it gave before does not say that it can spare it. */
static void who_had_it_back_rests_longer_each_time(void **state)
{
	struct ebb_policy_domain *domain =
		add_balloon("a", 3 * EBB_GIB, EBB_GIB / 2);
	static const uint32_t rests[] = { 60, 120, 240, 480, 600, 600 };

	(void)state;
	half_a_gib_is_needed();
	for (uint32_t i = 0; i < 6; i++) {
		decide();
		assert_int_equal(taken(domain), EBB_GIB / 2);
		ebb_policy_asked(domain, EBB_GIB / 2, now_ns);
		ebb_policy_answered(domain, EBB_POLICY_GAVE, EBB_GIB / 2,
				    now_ns);
		ebb_policy_took_back(&domain->history, now_ns);
		now_ns += rests[i] * S - 1;
		domain->heard_ns = now_ns;
		decide();
		assert_int_equal(taken(domain), 0);
		assert_int_equal(ebb_policy_left(&policy, 0, now_ns),
				 EBB_POLICY_LEFT_RESTS);
		now_ns += 1;
	}
	/* What was long ago is forgotten. */
	now_ns += 600 * S;
	domain->heard_ns = now_ns;
	ebb_policy_took_back(&domain->history, now_ns);
	assert_int_equal(domain->history.rest_until_ns, now_ns + 60 * S);
}

static void what_a_balloon_could_take_is_no_cover(void **state)
{
	struct ebb_policy_domain *debtor = add("debtor", 0, EBB_GIB);
	struct ebb_policy_domain *held =
		add_balloon("held", 3 * EBB_GIB, EBB_GIB / 2);

	(void)state;
	debtor->resident_bytes = EBB_GIB;
	host_has(2 * EBB_GIB);
	decide();
	assert_int_equal(budgets[0].debt_bytes, 3 * EBB_GIB);
	assert_int_equal(budgets[0].cover_bytes, EBB_GIB);
	held->rung.balloon = false;
	decide();
	assert_in_range(budgets[0].cover_bytes, 3 * EBB_GIB, 4 * EBB_GIB);
}

#define POLICY_TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		POLICY_TEST(without_need_nothing_is_taken),
		POLICY_TEST(free_memory_goes_first),
		POLICY_TEST(who_has_most_beyond_its_cushion_gives_first),
		POLICY_TEST(need_ends_at_the_high_mark_not_before),
		POLICY_TEST(the_cushion_is_left),
		POLICY_TEST(lent_memory_is_not_taken_again),
		POLICY_TEST(who_works_with_less_gives_first),
		POLICY_TEST(equal_ones_give_alike),
		POLICY_TEST(more_shares_keep_more),
		POLICY_TEST(at_most_a_quarter_in_ten_seconds),
		POLICY_TEST(without_a_working_set_nobody_is_driven),
		POLICY_TEST(what_will_be_gone_counts_as_gone),
		POLICY_TEST(a_fall_is_seen_and_fades),
		POLICY_TEST(a_pool_has_no_pace),
		POLICY_TEST(in_an_emergency_shares_count),
		POLICY_TEST(in_an_emergency_what_can_be_freed_goes_too),
		POLICY_TEST(in_an_emergency_nobody_gives_of_its_share),
		POLICY_TEST(a_share_is_of_the_budget),
		POLICY_TEST(what_does_not_come_in_time_is_asked_of_others),
		POLICY_TEST(nobody_goes_below_its_min),
		POLICY_TEST(what_keeps_it_from_swap_is_named),
		POLICY_TEST(what_is_lacking_is_named),
		POLICY_TEST(only_who_relieves_the_budget_gives),
		POLICY_TEST(one_gift_serves_all_its_budgets),
		POLICY_TEST(who_cannot_give_is_left_alone),
		POLICY_TEST(who_was_not_heard_since_is_not_asked),
		POLICY_TEST(what_is_on_its_way_counts),
		POLICY_TEST(who_refuses_rests_longer_each_time),
		POLICY_TEST(who_does_not_move_is_stuck),
		POLICY_TEST(nobody_is_driven_for_a_little),
		POLICY_TEST(who_grows_is_not_stuck),
		POLICY_TEST(what_one_that_grows_promised_does_not_count),
		POLICY_TEST(what_a_stuck_guest_promised_does_not_count),
		POLICY_TEST(balanced_fades),
		POLICY_TEST(balanced_returns_what_was_free_all_the_while),
		POLICY_TEST(balanced_comes_to_rest),
		POLICY_TEST(density_leaves_what_is_worked_with),
		POLICY_TEST(over_its_max_it_is_driven),
		POLICY_TEST(uncovered_debts_stop_returns),
		POLICY_TEST(who_is_not_known_owes_all),
		POLICY_TEST(nothing_covers_what_is_not_known_at_all),
		POLICY_TEST(who_claims_a_balloon_owes_it),
		POLICY_TEST(who_lies_nowhere_known_lends_nothing),
		POLICY_TEST(a_budget_without_domains_is_not_in_need),
		POLICY_TEST(as_many_debts_as_are_to_be_covered_count),
		POLICY_TEST(what_a_job_reads_is_called_back),
		POLICY_TEST(what_a_job_made_resident_does_not_fade),
		POLICY_TEST(a_pool_covers_all_and_more),
		POLICY_TEST(a_pool_lends_what_it_can_cover),
		POLICY_TEST(mins_beyond_the_limit_are_seen),
		POLICY_TEST(a_min_counts_as_what_its_domain_has),
		POLICY_TEST(who_gave_its_allowance_is_said_so),
		POLICY_TEST(who_was_cancelled_has_its_allowance),
		POLICY_TEST(a_decision_has_its_words),
		POLICY_TEST(who_is_not_driven_gives_what_is_free),
		POLICY_TEST(a_balloon_is_for_need_alone),
		POLICY_TEST(a_balloon_comes_after_free_memory),
		POLICY_TEST(a_balloon_takes_nothing_that_is_needed),
		POLICY_TEST(who_had_it_back_rests_longer_each_time),
		POLICY_TEST(what_a_balloon_could_take_is_no_cover),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
