/* SPDX-License-Identifier: GPL-2.0-only */
/* The log and the explanation tell of budgets and orders, and no more than is news. */
#include <string.h>

#include "tests/unit/host/sharing/sharing-rig.h"

/* Each that comes to a host that could not give what is lent is told of, once. */
static void who_comes_to_a_host_without_cover_is_told_of(void **state)
{
	(void)state;
	rig.config.policy.settings.values.mode = EBB_MODE_PERFORMANCE;
	for (int i = 0; i < GUESTS; i++)
		rig.guests[i].resident_bytes = EBB_GIB / 4;
	start(false);
	come(2);
	/* 7 GiB cover what one may take. */
	pass(MINUTE_S);
	assert_int_equal(rig.log.newcomers, 0);
	set_available(EBB_GIB + EBB_GIB / 2);
	pass(MINUTE_S);
	assert_int_equal(rig.log.newcomers, 0);
	come(0);
	UNTIL(rig.log.newcomers > 0);
	assert_non_null(
		strstr(rig.log.newcomer, "policy: web1 came, and host could "));
	assert_non_null(strstr(rig.log.newcomer,
			       "512.0 MiB of cover for a debt of "
			       "768.0 MiB"));
	come(1);
	UNTIL(rig.log.newcomers > 1);
	assert_non_null(
		strstr(rig.log.newcomer, "policy: db1 came, and host could "));
	pass(MINUTE_S);
	assert_int_equal(rig.log.newcomers, 2);
}

/* Looks have found it so when this returns. */
static void provide(uint64_t bytes)
{
	uint32_t enough;

	set_available(bytes);
	enough = count_reads() + 3;
	UNTIL(count_reads() >= enough);
}

/* If the begin of a need was not told, as there were too many, its end is not told either. */
static void an_end_is_told_if_its_begin_was(void **state)
{
	(void)state;
	start(false);
	come(0);
	pass(MINUTE_S);
	rig.sharing->change_pace = (struct ebb_pace){
		.burst = 1,
		.period_ns = 60 * MINUTE_S * EBB_NS_PER_S,
	};
	for (int i = 0; i < 2; i++) {
		provide(EBB_GIB / 2);
		assert_int_equal(rig.log.needs_began, 1);
		provide(8 * EBB_GIB);
		assert_int_equal(rig.log.needs_ended, 1);
	}
}

/* A debt that becomes unknown is not covered. */
static void an_unknown_debt_is_not_covered_again(void **state)
{
	(void)state;
	rig.config.policy.settings.values.mode = EBB_MODE_PERFORMANCE;
	for (int i = 0; i < GUESTS; i++)
		rig.guests[i].resident_bytes = EBB_GIB / 4;
	start(false);
	come(0);
	come(1);
	provide(EBB_GIB + EBB_GIB / 4);
	assert_int_equal(rig.log.covers_lost, 1);
	rig.guests[1].unfound = true;
	provide(8 * EBB_GIB);
	assert_int_equal(rig.log.covers_back, 0);
	rig.guests[1].unfound = false;
	UNTIL(rig.log.covers_back > 0);
	assert_int_equal(rig.log.covers_lost, 1);
}

/* It stops all lending: the log tells it once, with the remedy, and not while a domain starts. */
static void whose_debt_is_not_known_for_long_is_told_of(void **state)
{
	uint64_t came_ns = ebb_now_ns();

	(void)state;
	rig.guests[0].unfound = rig.guests[0].closed = true;
	start(false);
	come(0);
	come(1);
	UNTIL(rig.log.unknowns > 0);
	assert_true(ebb_now_ns() - came_ns >= MINUTE_S * EBB_NS_PER_S);
	assert_non_null(
		strstr(rig.log.unknown, "how much memory web1 may take"));
	assert_non_null(strstr(rig.log.unknown, ": No module. Load it"));
	pass(2 * MINUTE_S);
	assert_int_equal(rig.log.unknowns, 1);
	rig.guests[0].unfound = false;
	UNTIL(!rig.sharing->members.items[0]->debt_unknown);
	came_ns = ebb_now_ns();
	rig.guests[0].unfound = true;
	UNTIL(rig.log.unknowns > 1);
	assert_true(ebb_now_ns() - came_ns >= MINUTE_S * EBB_NS_PER_S);
}

/* At its start the process is not known: once it is, the warning does not wait. */
static void who_is_found_is_looked_at_at_once(void **state)
{
	const struct ebb_fleet_watcher *watcher;

	(void)state;
	rig.config.policy.settings.values.mode = EBB_MODE_PERFORMANCE;
	rig.config.policy.cover_guests = GUESTS;
	set_available(3 * EBB_GIB);
	for (int i = 0; i < GUESTS; i++)
		rig.guests[i].resident_bytes = EBB_GIB / 4;
	rig.guests[0].unfound = true;
	start(false);
	watcher = ebb_sharing_watcher(rig.sharing);
	for (int i = 0; i < GUESTS; i++)
		come(i);
	/* The host may be short in 2 s at the earliest, and is looked at then. */
	UNTIL(!rig.sharing->ground.reading && rig.sharing->looked_ns > 0 &&
	      rig.sharing->due_ns - rig.sharing->looked_ns > EBB_NS_PER_S);
	assert_int_equal(rig.log.newcomers, 0);
	rig.guests[0].unfound = false;
	watcher->found(vm_of(&rig.guests[0]), watcher->opaque);
	assert_int_equal(rig.sharing->due_ns,
			 rig.sharing->looked_ns + 250 * EBB_NS_PER_MS);
	UNTIL(rig.log.newcomers > 0);
	assert_non_null(
		strstr(rig.log.newcomer, "policy: web1 came, and host could "));
}

/* An explanation that lacked a domain would be taken for one of all. */
static void an_explanation_without_memory_is_an_error(void **state)
{
	(void)state;
	start(false);
	come(0);
	pass(MINUTE_S);
	rig.out_of_memory = true;
	call("policy-explain", "{}");
	rig.out_of_memory = false;
	assert_string_equal(fake_call.error_class, "GenericError");
	assert_string_equal(fake_call.error, "out of memory");
	assert_true(*explained("state"));
}

/* Those that lack something are told, and the others as far as there is room. */
static void of_many_budgets_those_in_need_are_told(void **state)
{
	struct json_object *budgets, *left_out;

	(void)state;
	rig.host.slices = 300;
	start(false);
	come(0);
	UNTIL(count_reads() > 3 && rig.sharing->looked_ns > 0 &&
	      !rig.sharing->ground.reading);
	call("policy-explain", "{}");
	assert_true(json_object_object_get_ex(fake_call.value, "budgets",
					      &budgets));
	assert_true(json_object_object_get_ex(fake_call.value,
					      "budgets-left-out", &left_out));
	assert_int_equal(json_object_array_length(budgets), 64);
	assert_int_equal(json_object_get_int(left_out), 301 - 64);
	assert_string_equal(of_budget(budgets, 0, "name"), "host");
	assert_string_equal(of_budget(budgets, 1, "name"), "slice299");
	assert_string_equal(of_budget(budgets, 1, "in-need"), "true");
	assert_string_equal(of_budget(budgets, 2, "in-need"), "false");
	/* The state of a budget goes with its name, not with its place. */
	for (uint32_t i = 0; i < rig.sharing->ground.list.count; i++)
		assert_int_equal(rig.sharing->ground.budgets[i].in_need,
				 strcmp(rig.sharing->ground.budgets[i].name,
					"slice299") == 0);
}

/* Orders that only get an eighth smaller are no news. */
static void what_is_no_news_is_not_told(void **state)
{
	(void)state;
	start(false);
	come(0);
	UNTIL(rig.guests[0].orders >= 4);
	/* From 56 MiB on, each an eighth less. */
	assert_int_equal(rig.log.infos, 1);
	assert_int_equal(rig.log.debugs, rig.guests[0].orders - 1);
	UNTIL(strcmp(explained("state"), "little") == 0);
	assert_in_range(rig.log.infos, 3, 6);
}

static void what_cannot_be_read_is_told_once(void **state)
{
	(void)state;
	set_unreadable(true);
	start(false);
	come(0);
	pass(2 * MINUTE_S);
	assert_int_equal(rig.log.failures, 1);
	assert_int_equal(rig.guests[0].orders, 0);
	set_unreadable(false);
	UNTIL(rig.guests[0].orders > 0);
	assert_int_equal(rig.log.failures, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHARING_TEST(who_comes_to_a_host_without_cover_is_told_of),
		SHARING_TEST(an_end_is_told_if_its_begin_was),
		SHARING_TEST(an_unknown_debt_is_not_covered_again),
		SHARING_TEST(whose_debt_is_not_known_for_long_is_told_of),
		SHARING_TEST(who_is_found_is_looked_at_at_once),
		SHARING_TEST(an_explanation_without_memory_is_an_error),
		SHARING_TEST(of_many_budgets_those_in_need_are_told),
		SHARING_TEST(what_is_no_news_is_not_told),
		SHARING_TEST(what_cannot_be_read_is_told_once),
	};

	return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
