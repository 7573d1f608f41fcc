/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that a guest does not use goes to the host at rest, as its mode allows. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/host/sharing/sharing-rig.h"

static void what_is_unused_for_a_minute_is_taken(void **state)
{
	struct guest *guest = &rig.guests[0];
	uint64_t start_ns = ebb_now_ns();

	(void)state;
	start(false);
	come(0);
	UNTIL(guest->orders > 0);
	assert_true(ebb_now_ns() - start_ns >= MINUTE_S * EBB_NS_PER_S);
	/* An eighth of the free memory beyond the cushion, and nobody is driven. */
	assert_int_equal(guest->order.wish.bytes, 56 * EBB_MIB);
	assert_true(guest->order.wish.free_only);
	assert_false(guest->order.wish.compact);
	/* Each 10 s, not at each look. */
	start_ns = guest->ordered_ns;
	UNTIL(guest->orders > 1);
	assert_true(guest->ordered_ns - start_ns >= 10 * EBB_NS_PER_S);
	assert_int_equal(guest->order.wish.bytes, 48 * EBB_MIB);
	/* It ends. */
	UNTIL(strcmp(explained("state"), "little") == 0);
	assert_in_range(guest->resident_bytes, EBB_GIB - 448 * EBB_MIB,
			EBB_GIB - 432 * EBB_MIB);
}

/* A guest that hangs has said for long that it has much free. */
static void old_facts_are_not_free_memory(void **state)
{
	struct guest *guest = &rig.guests[0];

	(void)state;
	guest->silent = true;
	start(false);
	come(0);
	pass(3 * MINUTE_S);
	assert_int_equal(guest->orders, 0);
	assert_string_equal(explained("state"), "unknown");
}

static void who_lies_nowhere_known_lends_nothing(void **state)
{
	(void)state;
	set_unplaced(true);
	start(false);
	come(0);
	pass(3 * MINUTE_S);
	assert_int_equal(rig.guests[0].orders, 0);
	assert_string_equal(explained("state"), "unplaced");
	set_unplaced(false);
	UNTIL(rig.guests[0].orders > 0);
}

static void closed_rung_is_named(void **state)
{
	(void)state;
	rig.guests[0].closed = true;
	start(false);
	come(0);
	pass(3 * MINUTE_S);
	assert_int_equal(rig.guests[0].orders, 0);
	assert_non_null(strstr(explained("text"), "closed (no-module)"));
}

/* Nobody knows how much a guest takes back that is not found, so others lend nothing. */
static void who_is_not_known_is_owed_and_named(void **state)
{
	struct json_object *budgets;

	(void)state;
	rig.guests[1].unfound = true;
	start(false);
	come(1);
	come(0);
	pass(3 * MINUTE_S);
	assert_int_equal(rig.guests[0].orders, 0);
	call("policy-explain", "{}");
	assert_true(json_object_object_get_ex(fake_call.value, "budgets",
					      &budgets));
	assert_string_equal(of_budget(budgets, 0, "unknown-debtor"), "db1");
	assert_string_equal(of_budget(budgets, 0, "covered"), "false");
	rig.guests[1].unfound = false;
	UNTIL(rig.guests[0].orders > 0);
}

/* A member of the first budget, of the last explanation. */
static uint64_t of_host(const char *member)
{
	struct json_object *budgets, *value;

	assert_true(json_object_object_get_ex(fake_call.value, "budgets",
					      &budgets));
	assert_true(json_object_object_get_ex(
		json_object_array_get_idx(budgets, 0), member, &value));
	return json_object_get_uint64(value);
}

/* Its memory is read from its process, and the rest is a debt as any. */
static void memory_in_no_files_counts(void **state)
{
	(void)state;
	rig.guests[0].filed_nowhere = true;
	rig.guests[0].closed = true;
	start(false);
	come(0);
	/* Nothing was read yet: that is unknown, and not 0. */
	assert_string_equal(explained("memory-known"), "false");
	UNTIL(strcmp(explained("resident-bytes"), "1048576") == 0);
	assert_string_equal(explained("memory-known"), "true");
	assert_string_equal(explained("usable-bytes"), "1073741824");
	assert_int_equal(of_host("debt-bytes"), EBB_GIB - EBB_MIB);
	assert_non_null(strstr(explained("text"), "closed (no-module)"));
	assert_int_equal(rig.guests[0].orders, 0);
}

static void performance_takes_nothing(void **state)
{
	(void)state;
	rig.config.policy.settings.values.mode = EBB_MODE_PERFORMANCE;
	start(false);
	come(0);
	pass(3 * MINUTE_S);
	assert_int_equal(rig.guests[0].orders, 0);
	assert_string_equal(explained("state"), "mode");
}

/* Nobody knows how far it could be driven: its free memory is taken as it is. */
static void density_drives_nobody_whose_working_set_is_unknown(void **state)
{
	struct guest *guest = &rig.guests[0];

	(void)state;
	rig.config.policy.settings.values.mode = EBB_MODE_DENSITY;
	guest->mute = true;
	start(false);
	come(0);
	UNTIL(guest->orders > 0);
	assert_true(guest->asked_facts > 0);
	assert_true(guest->order.wish.free_only);
	assert_false(guest->order.wish.compact);
	guest->mute = false;
	UNTIL(guest->orders > 0 && !guest->order.wish.free_only);
	assert_true(guest->order.wish.compact);
}

static uint64_t explained_working_set_bytes(void)
{
	return strtoull(explained("working-set-bytes"), NULL, 10);
}

static void what_it_took_since_its_word_it_works_with(void **state)
{
	struct guest *guest = &rig.guests[0];

	(void)state;
	rig.config.policy.settings.values.mode = EBB_MODE_PERFORMANCE;
	guest->mute = true;
	guest->working_set_ns = ebb_now_ns();
	start(false);
	come(0);
	pass(MINUTE_S / 2);
	assert_int_equal(explained_working_set_bytes(), EBB_GIB / 4);
	guest->free_bytes -= 64 * EBB_MIB;
	UNTIL(explained_working_set_bytes() == EBB_GIB / 4 + 64 * EBB_MIB);
	/* Its next word has that. */
	guest->working_set_ns = ebb_now_ns();
	UNTIL(explained_working_set_bytes() == EBB_GIB / 4);
	/* It tells nothing any more, and a minute later it may work with anything. */
	UNTIL(strcmp(explained("working-set-known"), "false") == 0);
	assert_in_range(ebb_now_ns() - guest->working_set_ns,
			MINUTE_S * EBB_NS_PER_S, 2 * MINUTE_S * EBB_NS_PER_S);
}

/* A working set is not told to be larger than that. */
static void it_works_with_no_more_than_it_may_use(void **state)
{
	struct guest *guest = &rig.guests[0];

	(void)state;
	rig.config.policy.settings.values.mode = EBB_MODE_PERFORMANCE;
	guest->mute = true;
	guest->boasts = true;
	guest->working_set_ns = ebb_now_ns();
	start(false);
	come(0);
	pass(MINUTE_S / 2);
	guest->free_bytes -= 64 * EBB_MIB;
	pass(MINUTE_S / 3);
	assert_int_equal(explained_working_set_bytes(), EBB_GIB);
}

static void a_dry_run_takes_nothing_and_says_what(void **state)
{
	(void)state;
	start(true);
	come(0);
	UNTIL(*explained("last-text"));
	assert_non_null(strstr(explained("last-text"), "web1: 56.0 MiB of"));
	assert_string_equal(explained("last-dry-run"), "true");
	assert_int_equal(rig.guests[0].orders, 0);
}

static void what_is_off_does_not_look(void **state)
{
	(void)state;
	rig.config.policy.enabled = false;
	start(false);
	come(0);
	pass(2 * MINUTE_S);
	assert_int_equal(rig.host.reads, 0);
	assert_string_equal(explained("state"), "off");
	/* Until it is on. */
	rig.config.policy.enabled = true;
	ebb_sharing_config_changed(rig.sharing);
	UNTIL(rig.guests[0].orders > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHARING_TEST(what_is_unused_for_a_minute_is_taken),
		SHARING_TEST(old_facts_are_not_free_memory),
		SHARING_TEST(who_lies_nowhere_known_lends_nothing),
		SHARING_TEST(closed_rung_is_named),
		SHARING_TEST(who_is_not_known_is_owed_and_named),
		SHARING_TEST(memory_in_no_files_counts),
		SHARING_TEST(performance_takes_nothing),
		SHARING_TEST(
			density_drives_nobody_whose_working_set_is_unknown),
		SHARING_TEST(what_it_took_since_its_word_it_works_with),
		SHARING_TEST(it_works_with_no_more_than_it_may_use),
		SHARING_TEST(a_dry_run_takes_nothing_and_says_what),
		SHARING_TEST(what_is_off_does_not_look),
	};

	return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
