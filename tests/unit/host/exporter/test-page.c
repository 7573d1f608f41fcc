/* SPDX-License-Identifier: GPL-2.0-only */
/* What ebbd answered, as metrics. Answers are made by the tables that ebbd uses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "host/exporter/page.h"
#include "host/interface/explain.h"
#include "host/interface/status.h"

static struct ebb_daemon_status daemon_status;
static struct ebb_domain_status domains[2];
static struct ebb_explain explain;
static struct ebb_explain_domain share;
static struct exp_counts counts;
static struct exp_round round_;
static struct exp_page page;
static struct exp_kept kept;

static void have_domain(struct ebb_domain_status *domain, const char *name)
{
	*domain = (struct ebb_domain_status){
		.state = "running",
		.rung = "lease",
		.phase = "ready",
		.known = true,
		.resident_known = true,
		.policy_paused = "no",
		.memory_bytes = 1000,
		.resident_bytes = 900,
		.reclaimed_bytes = 70,
		.reclaim_runs = 3,
		.facts_age_ms = UINT32_MAX,
	};
	snprintf(domain->name, sizeof(domain->name), "%s", name);
	snprintf(domain->uuid, sizeof(domain->uuid), "u-%.8s", name);
}

static int set_up(void **state)
{
	(void)state;
	daemon_status = (struct ebb_daemon_status){ .version = "9.9",
						    .uri = "qemu:///system",
						    .libvirt_connected = true,
						    .domain_count = 2 };
	have_domain(&domains[0], "a");
	have_domain(&domains[1], "b");
	memset(&explain, 0, sizeof(explain));
	explain.enabled = true;
	explain.budgets_age_ms = 1500;
	explain.budget_count = 1;
	explain.budgets[0] = (struct ebb_explain_budget){
		.name = "host",
		.limit_bytes = 100,
		.available_bytes = 60,
		.low_bytes = 5,
		.high_bytes = 8,
		.covered = true,
		.debt_bytes = 12,
		.cover_bytes = 55,
		.mins_fit = true,
	};
	share = (struct ebb_explain_domain){ .name = "a",
					     .uuid = "u-a",
					     .mode = "balanced",
					     .state = "no-need",
					     .phase = "settled",
					     .shares = 1000,
					     .last_age_ms = UINT32_MAX };
	counts = (struct exp_counts){ 0 };
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	exp_round_clear(&round_);
	exp_page_clear(&page);
	exp_kept_clear(&kept);
	return 0;
}

/* Answers of what the variables above hold, and a page of them. */
static void make_page(void)
{
	const struct ebb_status_list list = { .domain_count = 2,
					      .domains = domains };
	struct json_object *array = json_object_new_array();

	tear_down(NULL);
	round_.took_us = 1200;
	round_.answers[EXP_DAEMON] =
		ebb_msg_encode(ebb_daemon_status_fields, &daemon_status);
	round_.answers[EXP_DOMAINS] = ebb_status_list_encode(&list);
	round_.answers[EXP_POLICY] =
		ebb_msg_encode(ebb_explain_fields, &explain);
	json_object_array_add(array, ebb_msg_encode(ebb_explain_domain_fields,
						    &share));
	json_object_object_add(round_.answers[EXP_POLICY], "domains", array);
	exp_page_make(&round_, &counts, true, &kept, &page);
	assert_false(page.metrics.failed);
}

/* Whether @text is in the page, as whole lines. */
static bool has(const char *text)
{
	const char *all = exp_text_get(&page.metrics);
	size_t length = strlen(text);

	for (const char *at = all; (at = strstr(at, text)); at++)
		if ((at == all || at[-1] == '\n') && at[length] == '\n')
			return true;
	return false;
}

static void must_have(const char *line)
{
	if (!has(line))
		fail_msg("no '%s' in:\n%s", line, exp_text_get(&page.metrics));
}

static void must_not_name(const char *metric)
{
	if (strstr(exp_text_get(&page.metrics), metric))
		fail_msg("'%s' in:\n%s", metric, exp_text_get(&page.metrics));
}

#define A "{domain=\"a\",uuid=\"u-a\"}"

static void test_known_facts(void **state)
{
	(void)state;
	make_page();
	assert_true(page.up);
	assert_string_equal(page.trouble, "");
	must_have("ebb_up 1");
	must_have("ebb_info{version=\"9.9\",uri=\"qemu:///system\"} 1");
	must_have("ebb_libvirt_connected 1");
	must_have("ebb_running_domains 2");
	must_have("# HELP ebb_domain_resident_bytes What the domain has of "
		  "the host's memory.\n"
		  "# TYPE ebb_domain_resident_bytes gauge\n"
		  "ebb_domain_resident_bytes" A " 900\n"
		  "ebb_domain_resident_bytes{domain=\"b\",uuid=\"u-b\"} 900");
	must_have("ebb_domain_memory_bytes" A " 1000");
	must_have("# TYPE ebb_domain_reclaimed_bytes_total counter");
	must_have("ebb_domain_reclaimed_bytes_total" A " 70");
	must_have("ebb_domain_reclaims_total" A " 3");
	must_have("ebb_domain_rung_info{domain=\"a\",uuid=\"u-a\","
		  "rung=\"lease\"} 1");
	must_have("ebb_domain_state_info{domain=\"a\",uuid=\"u-a\","
		  "state=\"running\"} 1");
	must_have("ebb_domain_policy_paused" A " 0");
	must_have("ebb_domain_policy_info{domain=\"a\",uuid=\"u-a\","
		  "mode=\"balanced\",state=\"no-need\"} 1");
	must_have("ebb_policy_enabled 1");
	must_have("ebb_policy_paused 0");
	must_have("ebb_budgets_age_seconds 1.500");
	must_have("ebb_budget_available_bytes{budget=\"host\"} 60");
	must_have("ebb_budget_debt_bytes{budget=\"host\"} 12");
	must_have("ebb_budget_emergency{budget=\"host\"} 0");
	must_have("ebb_exporter_round_seconds 0.001200");
	must_have("ebb_exporter_answered{question=\"policy-explain\"} 1");
	must_have("ebb_exporter_rounds_total 1");
	must_have("ebb_exporter_failures_total 0");
}

/* 0 would be taken for a fact. */
static void test_unknown_is_absent(void **state)
{
	static const char *const absent[] = {
		"ebb_domain_balloon_bytes",
		"ebb_domain_swapped_bytes",
		"ebb_domain_lent_bytes",
		"ebb_domain_free_bytes",
		"ebb_domain_free_huge_bytes",
		"ebb_domain_available_bytes",
		"ebb_domain_facts_age_seconds",
		"ebb_domain_node_",
		"ebb_domain_pool_",
		"ebb_domain_target_",
		"ebb_domain_reason_info",
		"ebb_domain_usable_bytes",
		"ebb_domain_working_set_bytes",
		"ebb_domain_min_bytes",
		"ebb_domain_max_bytes",
		"ebb_domain_budget_ratio",
		"ebb_domain_decision_",
		"ebb_loop_away_max_seconds",
	};

	(void)state;
	make_page();
	for (size_t i = 0; i < EBB_ARRAY_SIZE(absent); i++)
		must_not_name(absent[i]);

	/* Not looked at yet, and not read yet. */
	domains[0].known = domains[1].known = false;
	domains[0].resident_known = domains[1].resident_known = false;
	explain.budgets_age_ms = UINT32_MAX;
	make_page();
	must_not_name("ebb_domain_resident_bytes");
	must_not_name("ebb_domain_memory_bytes");
	must_not_name("ebb_domain_reclaimed_bytes_total");
	must_not_name("ebb_domain_in_job");
	must_not_name("ebb_budget_");
	must_not_name("ebb_budgets_");
	must_have("ebb_policy_enabled 1");
}

static void test_unknown_of_one(void **state)
{
	(void)state;
	domains[1].resident_known = false;
	explain.budgets[0].unknown_debts = 1;
	make_page();
	must_have("ebb_domain_resident_bytes" A " 900");
	must_not_name("ebb_domain_resident_bytes{domain=\"b\"");
	must_not_name("ebb_budget_debt_bytes");
	must_have("ebb_budget_unknown_debts{budget=\"host\"} 1");
}

static void test_what_becomes_known(void **state)
{
	(void)state;
	domains[0].facts_age_ms = 250;
	domains[0].balloon_known = domains[0].swapped_known = true;
	domains[0].lent_known = true;
	domains[0].lent_bytes = 100;
	domains[0].target.bytes = 5;
	domains[0].target.drop_count = 2;
	share.memory_known = share.working_set_known = true;
	share.last_age_ms = 3000;
	share.parts_known = true;
	share.part_count = 2;
	share.parts[0] = (struct ebb_explain_part){ .budget = "host",
						    .part_ppm = 1000000 };
	share.parts[1] = (struct ebb_explain_part){ .budget = "node \"0\"",
						    .part_ppm = 250000 };
	make_page();
	must_have("ebb_domain_facts_age_seconds" A " 0.250");
	must_have("ebb_domain_free_bytes" A " 0");
	must_have("ebb_domain_balloon_bytes" A " 0");
	must_have("ebb_domain_swapped_bytes" A " 0");
	must_have("ebb_domain_lent_bytes" A " 100");
	must_have("ebb_domain_target_bytes" A " 5");
	must_have("ebb_domain_target_effective_bytes" A " 0");
	must_have("ebb_domain_target_drops_total" A " 2");
	must_have("ebb_domain_usable_bytes" A " 0");
	must_have("ebb_domain_working_set_bytes" A " 0");
	must_have("ebb_domain_min_bytes" A " 0");
	must_have("ebb_domain_budget_ratio{domain=\"a\",uuid=\"u-a\","
		  "budget=\"host\"} 1.000000\n"
		  "ebb_domain_budget_ratio{domain=\"a\",uuid=\"u-a\","
		  "budget=\"node \\\"0\\\"\"} 0.250000");
	must_have("ebb_domain_decision_age_seconds" A " 3.000");
	must_not_name("ebb_domain_max_bytes");
}

/* What was reserved again is not reclaimed; the counter goes on all the same. */
static void test_counters_do_not_go_back(void **state)
{
	(void)state;
	domains[0].pool.lent_bytes = 70;
	make_page();
	must_have("ebb_domain_reclaimed_bytes_total" A " 70");
	/* In another process, before its agent has spoken, and after that. */
	domains[0].reclaimed_bytes = domains[0].reclaim_runs = 0;
	make_page();
	must_not_name("ebb_domain_reclaimed_bytes_total" A);
	must_not_name("ebb_domain_reclaims_total" A);
	domains[0].facts_age_ms = 0;
	make_page();
	must_have("ebb_domain_reclaimed_bytes_total" A " 0");
	domains[0].pool.reserved_bytes = 30;
	domains[0].reclaimed_bytes = 40;
	make_page();
	must_have("ebb_domain_reclaimed_bytes_total" A " 70");
	must_have("ebb_domain_pool_reserved_bytes_total" A " 30");
	must_have("ebb_exporter_rounds_total 4");
}

/* A guest that names a node twice would have all samples refused. */
static void test_nodes_are_told_once(void **state)
{
	(void)state;
	domains[0].facts_age_ms = 0;
	domains[0].node_count = 4;
	domains[0].nodes[0].free_bytes = 1;
	domains[0].nodes[1].free_bytes = 2;
	domains[0].nodes[2].node = 1;
	domains[0].nodes[2].free_bytes = 3;
	domains[0].nodes[3].node = 128;
	make_page();
	must_have("# TYPE ebb_domain_node_free_bytes gauge\n"
		  "ebb_domain_node_free_bytes{domain=\"a\",uuid=\"u-a\","
		  "node=\"0\"} 1\n"
		  "ebb_domain_node_free_bytes{domain=\"a\",uuid=\"u-a\","
		  "node=\"1\"} 3");
	must_not_name("node=\"128\"");
}

static void test_reasons(void **state)
{
	(void)state;
	domains[0].reason_count = 2;
	strcpy(domains[0].reasons[0].name, "vfio-device");
	strcpy(domains[0].reasons[1].name, "no-agent");
	make_page();
	must_have("ebb_domain_reason_info{domain=\"a\",uuid=\"u-a\","
		  "reason=\"vfio-device\"} 1\n"
		  "ebb_domain_reason_info{domain=\"a\",uuid=\"u-a\","
		  "reason=\"no-agent\"} 1");
}

/* A guest's words would be new series without end. */
static void test_words_of_guests_are_no_labels(void **state)
{
	(void)state;
	strcpy(domains[0].agent_version, "GUESTWORD");
	strcpy(domains[0].kernel, "GUESTWORD");
	strcpy(domains[0].target.reason, "GUESTWORD");
	strcpy(domains[0].target.state, "GUESTWORD");
	strcpy(domains[0].target.working_set_source, "GUESTWORD");
	domains[0].target.bytes = 1;
	make_page();
	must_not_name("GUESTWORD");
}

static void test_names_are_escaped(void **state)
{
	(void)state;
	strcpy(domains[0].name, "x\"} 1\nebb_up 0\\");
	strcpy(explain.budgets[0].name, "s\\l\"");
	make_page();
	must_have("ebb_domain_memory_bytes{domain=\"x\\\"} 1\\nebb_up 0\\\\\","
		  "uuid=\"u-a\"} 1000");
	must_have("ebb_budget_low_bytes{budget=\"s\\\\l\\\"\"} 5");
	assert_false(has("ebb_up 0"));
}

static void test_domain_that_is_off(void **state)
{
	(void)state;
	domains[1] = (struct ebb_domain_status){ .name = "b",
						 .uuid = "u-b",
						 .state = "shut off",
						 .rung = "-",
						 .policy_paused = "domain",
						 .facts_age_ms = UINT32_MAX };
	make_page();
	must_have("ebb_domain_state_info{domain=\"b\",uuid=\"u-b\","
		  "state=\"shut off\"} 1");
	must_have("ebb_domain_policy_paused{domain=\"b\",uuid=\"u-b\"} 1");
	must_not_name("ebb_domain_rung_info{domain=\"b\"");
	must_not_name("ebb_domain_reclaimed_bytes_total{domain=\"b\"");
}

static void test_ebbd_does_not_answer(void **state)
{
	(void)state;
	make_page();
	tear_down(NULL);
	strcpy(round_.error, "cannot reach ebbd");
	exp_page_make(&round_, &counts, true, &kept, &page);
	assert_false(page.up);
	assert_string_equal(page.trouble, "cannot reach ebbd");
	must_have("ebb_up 0");
	must_have("ebb_exporter_answered{question=\"daemon-show\"} 0");
	must_have("ebb_exporter_failures_total 1");
	must_not_name("ebb_domain_");
	must_not_name("ebb_budget");
	must_not_name("ebb_policy");
	must_not_name("ebb_libvirt");
}

/* An answer that does not fit costs its own metrics alone. */
static void test_answer_does_not_fit(void **state)
{
	(void)state;
	make_page();
	exp_page_clear(&page);
	json_object_put(round_.answers[EXP_DOMAINS]);
	round_.answers[EXP_DOMAINS] = json_object_new_object();
	exp_page_make(&round_, &counts, true, &kept, &page);
	assert_true(page.up);
	assert_non_null(strstr(page.trouble, "domain-list"));
	assert_non_null(strstr(page.trouble, "same version"));
	must_have("ebb_up 1");
	must_have("ebb_exporter_answered{question=\"domain-list\"} 0");
	must_not_name("ebb_domain_resident_bytes");
	must_have("ebb_budget_low_bytes{budget=\"host\"} 5");
}

static void test_libvirtd_is_gone(void **state)
{
	(void)state;
	daemon_status.libvirt_connected = false;
	make_page();
	assert_true(page.up);
	assert_non_null(strstr(page.trouble, "libvirtd"));
	must_have("ebb_up 1");
	must_have("ebb_libvirt_connected 0");
}

/* ---- the live page's figures ---- */

/* "domains.0.name" of @object; NULL: it is not there. */
static struct json_object *at(struct json_object *object, const char *path)
{
	char names[128], *rest = names, *name;

	snprintf(names, sizeof(names), "%s", path);
	while (object && (name = strsep(&rest, ".")))
		object = json_object_is_type(object, json_type_array)
				 ? json_object_array_get_idx(object,
							     (size_t)atoi(name))
				 : json_object_object_get(object, name);
	return object;
}

static void must_be(struct json_object *live, const char *path,
		    const char *value)
{
	struct json_object *found = at(live, path);

	if (!found)
		fail_msg("no %s in %s", path, exp_text_get(&page.live));
	assert_string_equal(json_object_get_string(found), value);
}

static void must_lack(struct json_object *live, const char *path)
{
	if (at(live, path))
		fail_msg("%s in %s", path, exp_text_get(&page.live));
}

static struct json_object *parse_live(void)
{
	struct json_object *live = json_tokener_parse(exp_text_get(&page.live));

	if (!live)
		fail_msg("this is no JSON: %s", exp_text_get(&page.live));
	return live;
}

static void test_live_figures(void **state)
{
	struct json_object *live;

	(void)state;
	strcpy(domains[0].name, "<b>\"\\\n\x7f");
	domains[0].reason_count = 2;
	strcpy(domains[0].reasons[0].name, "vfio-device");
	strcpy(domains[0].reasons[0].remedy, "Detach it");
	strcpy(domains[0].reasons[1].name, "no-agent");
	strcpy(share.text, "nothing");
	share.last_age_ms = 3000;
	strcpy(share.last_text, "90 MiB");
	make_page();
	live = parse_live();
	must_be(live, "up", "true");
	must_be(live, "trouble", "");
	must_be(live, "ebbd.version", "9.9");
	must_be(live, "policy.policy_enabled", "1");
	must_be(live, "budgets.0.name", "host");
	must_be(live, "budgets.0.available_bytes", "60");
	must_be(live, "domains.0.name", "<b>\"\\\n\x7f");
	must_be(live, "domains.0.memory_bytes", "1000");
	must_be(live, "domains.0.reclaimed_bytes_total", "70");
	must_be(live, "domains.0.reasons.0.remedy", "Detach it");
	must_be(live, "domains.0.reasons.1.name", "no-agent");
	must_be(live, "domains.1.rung", "lease");
	must_be(live, "shares.0.text", "nothing");
	must_be(live, "shares.0.decision_text", "90 MiB");
	must_be(live, "shares.0.decision_age_seconds", "3.000");
	/* What is not known is not there. */
	must_lack(live, "domains.0.free_bytes");
	must_lack(live, "domains.0.lent_bytes");
	must_lack(live, "shares.0.working_set_bytes");
	must_lack(live, "budgets.1");
	json_object_put(live);
}

static void test_live_without_ebbd(void **state)
{
	struct json_object *live;

	(void)state;
	strcpy(round_.error, "cannot reach \"ebbd\"");
	exp_page_make(&round_, &counts, true, &kept, &page);
	live = parse_live();
	must_be(live, "up", "false");
	must_be(live, "trouble", "cannot reach \"ebbd\"");
	must_lack(live, "domains");
	json_object_put(live);
}

/* Half of a list is taken off again. */
static void test_live_of_what_does_not_fit(void **state)
{
	struct json_object *live, *array;

	(void)state;
	make_page();
	exp_page_clear(&page);
	array = at(round_.answers[EXP_DOMAINS], "domains");
	json_object_object_del(json_object_array_get_idx(array, 1), "rung");
	exp_page_make(&round_, &counts, true, &kept, &page);
	live = parse_live();
	must_be(live, "up", "true");
	must_lack(live, "domains");
	must_be(live, "shares.0.name", "a");
	assert_non_null(strstr(page.trouble, "domain-list"));
	json_object_put(live);
}

/* The policy is not asked each time, and is told each time. */
static void test_policy_is_kept(void **state)
{
	struct json_object *live;

	(void)state;
	share.last_age_ms = 2900;
	strcpy(share.text, "\"decision_age_seconds\":1");
	strcpy(explain.budgets[0].name, "\nebb_budgets_age_seconds 7");
	make_page();
	exp_page_clear(&page);
	json_object_put(round_.answers[EXP_POLICY]);
	round_.answers[EXP_POLICY] = NULL;
	round_.policy_was_kept = true;
	round_.policy_age_ms = 4250;
	exp_page_make(&round_, &counts, true, &kept, &page);
	assert_string_equal(page.trouble, "");
	must_have("ebb_budget_low_bytes{budget=\"\\nebb_budgets_age_seconds "
		  "7\"} 5");
	must_have("ebb_domain_shares" A " 1000");
	must_have("ebb_exporter_answered{question=\"policy-explain\"} 1");
	/* Ages go on. */
	must_have("ebb_budgets_age_seconds 5.750");
	must_have("ebb_domain_decision_age_seconds" A " 7.150");
	live = parse_live();
	must_be(live, "budgets.0.name", "\nebb_budgets_age_seconds 7");
	must_be(live, "policy.budgets_age_seconds", "5.750");
	must_be(live, "shares.0.name", "a");
	must_be(live, "shares.0.text", "\"decision_age_seconds\":1");
	must_be(live, "shares.0.decision_age_seconds", "7.150");
	json_object_put(live);

	/* It is not kept from an ebbd that does not answer. */
	exp_page_clear(&page);
	exp_round_clear(&round_);
	exp_page_make(&round_, &counts, true, &kept, &page);
	must_not_name("ebb_budget_");
	assert_int_equal(kept.metrics.used, 0);
}

static void test_live_is_made_if_wanted(void **state)
{
	(void)state;
	make_page();
	exp_page_clear(&page);
	exp_page_make(&round_, &counts, false, &kept, &page);
	assert_string_equal(exp_text_get(&page.live), "");
	must_have("ebb_up 1");
}

#define PAGE_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PAGE_TEST(test_known_facts),
		PAGE_TEST(test_unknown_is_absent),
		PAGE_TEST(test_unknown_of_one),
		PAGE_TEST(test_what_becomes_known),
		PAGE_TEST(test_counters_do_not_go_back),
		PAGE_TEST(test_nodes_are_told_once),
		PAGE_TEST(test_reasons),
		PAGE_TEST(test_words_of_guests_are_no_labels),
		PAGE_TEST(test_names_are_escaped),
		PAGE_TEST(test_domain_that_is_off),
		PAGE_TEST(test_ebbd_does_not_answer),
		PAGE_TEST(test_answer_does_not_fit),
		PAGE_TEST(test_libvirtd_is_gone),
		PAGE_TEST(test_live_figures),
		PAGE_TEST(test_live_without_ebbd),
		PAGE_TEST(test_live_of_what_does_not_fit),
		PAGE_TEST(test_live_is_made_if_wanted),
		PAGE_TEST(test_policy_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
