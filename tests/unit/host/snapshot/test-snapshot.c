/* SPDX-License-Identifier: GPL-2.0-only */
/* What is saved of a picture decides alike, and what makes no sense is named. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/size.h"
#include "host/snapshot/snapshot.h"
#include "tests/unit/host/policy/random-host.h"

enum {
	CASES = 10000,
};

struct rows {
	struct ebb_explain head;
	struct ebb_explain_domain domains[DOMAINS_MAX];
	uint32_t count;
};

static struct rows before, after;

static uint64_t whole_ms(uint64_t ns)
{
	return ns - ns % EBB_NS_PER_MS;
}

/* Words have times to the second, which a part of a millisecond may change. */
static void round_times(struct ebb_policy_domain *domain)
{
	struct ebb_policy_history *history = &domain->history;

	domain->heard_ns = whole_ms(domain->heard_ns);
	domain->free_since_ns = whole_ms(domain->free_since_ns);
	history->decided_ns = whole_ms(history->decided_ns);
	history->rest_until_ns = whole_ms(history->rest_until_ns);
	history->stuck_until_ns = whole_ms(history->stuck_until_ns);
}

static void save(struct host *host, struct rows *rows)
{
	struct ebb_policy_decision decisions[DOMAINS_MAX];
	uint32_t count, next = 0;

	memset(rows, 0, sizeof(*rows));
	rows->head.enabled = true;
	rows->head.budget_count = host->policy.budget_count;
	rows->count = host->policy.domain_count;
	count = ebb_policy_decide(&host->policy, NOW, decisions);
	for (uint32_t i = 0; i < rows->head.budget_count; i++)
		ebb_snapshot_budget(&host->policy, i, &rows->head.budgets[i]);
	for (uint32_t i = 0; i < rows->count; i++) {
		ebb_snapshot_domain(&host->policy, i, NOW, &rows->domains[i]);
		rows->domains[i].paused = host->domains[i].phase ==
					  EBB_POLICY_EXEMPT;
		if (next < count && decisions[next].domain == i)
			ebb_snapshot_decision(&host->policy, &decisions[next++],
					      NOW, &rows->domains[i]);
	}
}

/* Nothing of it is read. */
static void spoil_results(struct rows *rows)
{
	for (uint32_t i = 0; i < rows->head.budget_count; i++) {
		struct ebb_explain_budget *budget = &rows->head.budgets[i];

		budget->emergency = budget->covered = budget->mins_fit = true;
		budget->need_bytes = budget->met_bytes = 1;
		budget->debt_bytes = budget->cover_bytes = 1;
		budget->min_bytes = 1;
		budget->unknown_debts = 1;
		strcpy(budget->text, "?");
		strcpy(budget->unknown_debtor, "?");
	}
	for (uint32_t i = 0; i < rows->count; i++) {
		struct ebb_explain_domain *domain = &rows->domains[i];

		domain->bytes = domain->lent_bytes = domain->cushion_bytes = 1;
		strcpy(domain->state, "?");
		strcpy(domain->text, "?");
		strcpy(domain->why, "?");
	}
}

static void assert_same_budget(const struct ebb_explain_budget *a,
			       const struct ebb_explain_budget *b)
{
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->text, b->text);
	assert_true(a->in_need == b->in_need);
	assert_true(a->emergency == b->emergency);
	assert_true(a->covered == b->covered);
	assert_true(a->mins_fit == b->mins_fit);
	assert_int_equal(a->need_bytes, b->need_bytes);
	assert_int_equal(a->met_bytes, b->met_bytes);
	assert_int_equal(a->debt_bytes, b->debt_bytes);
	assert_int_equal(a->cover_bytes, b->cover_bytes);
	assert_int_equal(a->min_bytes, b->min_bytes);
	assert_int_equal(a->unknown_debts, b->unknown_debts);
	assert_string_equal(a->unknown_debtor, b->unknown_debtor);
}

static void assert_same_domain(const struct ebb_explain_domain *a,
			       const struct ebb_explain_domain *b)
{
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->state, b->state);
	assert_string_equal(a->text, b->text);
	assert_string_equal(a->why, b->why);
	assert_int_equal(a->bytes, b->bytes);
	assert_int_equal(a->lent_bytes, b->lent_bytes);
	assert_int_equal(a->cushion_bytes, b->cushion_bytes);
	assert_int_equal(a->asked_age_ms, b->asked_age_ms);
	assert_int_equal(a->rests_left_ms, b->rests_left_ms);
	assert_true(a->heard_since_asked == b->heard_since_asked);
}

static void one_decides_alike(uint64_t seed, uint64_t *asked)
{
	struct ebb_snapshot_error error;
	struct host host;

	chance_begin(seed);
	make_host(&host, BUDGETS_MAX);
	for (uint32_t i = 0; i < host.policy.domain_count; i++)
		round_times(&host.domains[i]);
	save(&host, &before);
	after = before;
	spoil_results(&after);
	assert_int_equal(ebb_snapshot_decide(&after.head, after.domains,
					     after.count, &error),
			 0);
	for (uint32_t i = 0; i < before.head.budget_count; i++)
		assert_same_budget(&before.head.budgets[i],
				   &after.head.budgets[i]);
	for (uint32_t i = 0; i < before.count; i++) {
		assert_same_domain(&before.domains[i], &after.domains[i]);
		*asked += before.domains[i].bytes > 0;
	}
}

static void test_decides_alike(void **state)
{
	uint64_t asked = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= CASES; seed++)
		one_decides_alike(seed, &asked);
	/* It was no comparison of nothing with nothing. */
	assert_true(asked > CASES / 2);
}

/* ---- what an operator changes ---- */

/* A host in need of 1 GiB, and a domain that has it free. */
static void make_rows(struct rows *rows)
{
	memset(rows, 0, sizeof(*rows));
	rows->head.enabled = true;
	rows->head.budget_count = 1;
	rows->head.budgets[0] = (struct ebb_explain_budget){
		.name = "host",
		.limit_bytes = 16 * EBB_GIB,
		.available_bytes = EBB_GIB,
		.low_bytes = EBB_GIB + EBB_MIB,
		.high_bytes = 2 * EBB_GIB,
		.cover_guests = 1,
	};
	rows->count = 1;
	rows->domains[0] = (struct ebb_explain_domain){
		.name = "web1",
		.mode = "balanced",
		.phase = "settled",
		.shares = 100,
		.usable_bytes = 8 * EBB_GIB,
		.resident_bytes = 8 * EBB_GIB,
		.free_bytes = 7 * EBB_GIB,
		.takeable_bytes = 7 * EBB_GIB,
		.lasting_ms = UINT32_MAX,
		.last_age_ms = UINT32_MAX,
		.parts_known = true,
		.part_count = 1,
		.parts = { { "host", 1000000 } },
		.asked_age_ms = UINT32_MAX,
		.heard_since_asked = true,
	};
}

static int decide(struct rows *rows, struct ebb_snapshot_error *ret_error)
{
	return ebb_snapshot_decide(&rows->head, rows->domains, rows->count,
				   ret_error);
}

static void test_changed_by_hand(void **state)
{
	struct ebb_explain_domain *web1 = &before.domains[0];
	struct ebb_snapshot_error error;

	(void)state;
	make_rows(&before);
	assert_int_equal(decide(&before, &error), 0);
	assert_int_equal(web1->bytes, EBB_GIB);
	assert_string_equal(web1->why, "free");
	assert_int_equal(before.head.budgets[0].met_bytes, EBB_GIB);

	/* Down to its min alone. */
	web1->min_bytes = 8 * EBB_GIB - 512 * EBB_MIB;
	assert_int_equal(decide(&before, &error), 0);
	assert_int_equal(web1->bytes, 512 * EBB_MIB);
	assert_non_null(strstr(before.head.budgets[0].text, "host lacks "));

	/* Paused, resumed, and while the policy is off. */
	web1->paused = true;
	assert_int_equal(decide(&before, &error), 0);
	assert_string_equal(web1->state, "policy-paused");
	assert_string_equal(web1->phase, "exempt");
	web1->paused = false;
	assert_int_equal(decide(&before, &error), 0);
	assert_int_equal(web1->bytes, 512 * EBB_MIB);
	before.head.enabled = false;
	assert_int_equal(decide(&before, &error), 0);
	assert_string_equal(web1->state, "off");
	assert_int_equal(web1->bytes, 0);
}

static void assert_misfit(bool budget, const char *field)
{
	struct ebb_snapshot_error error = { 0 };

	after = before;
	assert_int_equal(decide(&before, &error), -EINVAL);
	assert_true(error.budget == budget);
	assert_string_equal(error.field, field);
	assert_true(*error.text);
	/* Nothing is written. */
	assert_memory_equal(&before, &after, sizeof(before));
	make_rows(&before);
}

static void test_makes_no_sense(void **state)
{
	(void)state;
	make_rows(&before);
	before.head.budgets[0].high_bytes = EBB_GIB;
	assert_misfit(true, "high-bytes");
	before.head.budgets[1] = before.head.budgets[0];
	before.head.budget_count = 2;
	assert_misfit(true, "name");
	strcpy(before.domains[0].mode, "fast");
	assert_misfit(false, "mode");
	strcpy(before.domains[0].phase, "dead");
	assert_misfit(false, "phase");
	before.domains[0].shares = 0;
	assert_misfit(false, "shares");
	strcpy(before.domains[0].parts[0].budget, "node 7");
	assert_misfit(false, "parts");
}

static void test_nothing(void **state)
{
	struct ebb_snapshot_error error;

	(void)state;
	memset(&before, 0, sizeof(before));
	assert_int_equal(decide(&before, &error), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decides_alike),
		cmocka_unit_test(test_changed_by_hand),
		cmocka_unit_test(test_makes_no_sense),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
