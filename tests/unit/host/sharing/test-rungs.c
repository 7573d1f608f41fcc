/* SPDX-License-Identifier: GPL-2.0-only */
/* Guests that are not on rung lease give memory by reports, a balloon or swap. */
#include <string.h>

#include "tests/unit/host/sharing/sharing-rig.h"

/* Its free memory goes by itself; its idle memory is taken in need. */
static void on_rung_report_it_is_driven_in_need(void **state)
{
	struct guest *guest = &rig.guests[0];

	(void)state;
	guest->reporting = true;
	start(false);
	come(0);
	pass(3 * MINUTE_S);
	assert_int_equal(guest->orders, 0);
	/* Nobody wants its memory, so nobody wakes it. */
	assert_int_equal(guest->asked_facts, 0);
	assert_string_equal(explained("state"), "unknown");
	assert_non_null(strstr(explained("text"), "QEMU discards by itself"));
	fall_short();
	UNTIL(guest->orders > 0);
	assert_true(guest->asked_facts > 0);
	assert_false(guest->order.wish.free_only);
	assert_true(guest->order.wish.compact);
	assert_non_null(
		strstr(explained("last-text"), "that it does not work with"));
	/* And on, each time by a word that is younger than the last order. */
	UNTIL(guest->orders > 2);
	assert_true(guest->asked_facts >= guest->orders);
}

static void on_rung_report_density_drives_it(void **state)
{
	struct guest *guest = &rig.guests[0];

	(void)state;
	rig.config.policy.settings.values.mode = EBB_MODE_DENSITY;
	guest->reporting = true;
	guest->free_bytes = 0;
	start(false);
	come(0);
	UNTIL(guest->orders > 0);
	assert_false(guest->order.wish.free_only);
}

static void on_rung_report_an_old_word_is_none(void **state)
{
	struct guest *guest = &rig.guests[0];

	(void)state;
	guest->reporting = guest->hangs = true;
	start(false);
	come(0);
	fall_short();
	UNTIL(guest->asked_facts > 2);
	assert_int_equal(guest->orders, 0);
	assert_string_equal(explained("state"), "unknown");
}

static void on_rung_report_who_boots_is_not_driven(void **state)
{
	struct guest *guest = &rig.guests[0];

	(void)state;
	guest->reporting = guest->young = true;
	start(false);
	come(0);
	fall_short();
	UNTIL(guest->asked_facts > 0);
	UNTIL(strcmp(explained("state"), "booting") == 0);
	assert_int_equal(guest->orders, 0);
	UNTIL(guest->orders > 0);
	/* Its first word was no older than this. */
	assert_true(guest->ordered_ns - rig.begun_ns >= 180 * EBB_NS_PER_S);
}

/* The driver of its balloon is asked in need, and the balloon inflated, for that alone. */
static void on_rung_balloon_it_gives_in_need(void **state)
{
	struct guest *guest = &rig.guests[0];

	(void)state;
	rig.config.policy.settings.values.mode = EBB_MODE_DENSITY;
	guest->ballooned = true;
	start(false);
	come(0);
	pass(3 * MINUTE_S);
	assert_int_equal(guest->orders, 0);
	assert_int_equal(guest->asked_facts, 0);
	assert_string_equal(explained("state"), "unknown");
	assert_non_null(strstr(explained("text"), "it has only a balloon"));
	fall_short();
	UNTIL(guest->orders > 0);
	assert_true(guest->order.wish.free_only);
	assert_int_equal(guest->order.wish.timeout_ms, 30 * 1000);
	assert_non_null(strstr(explained("last-text"), "free, by its balloon"));
	assert_string_equal(explained("by-balloon"), "true");
	/* Then the memory that it could free, each time by a younger word. */
	guest->free_bytes = 0;
	UNTIL(!guest->order.wish.free_only);
	assert_true(guest->asked_facts >= guest->orders);
	assert_non_null(strstr(explained("last-text"),
			       "it could free, by its balloon"));
	/* It needed it meanwhile, or while it was asked for it. */
	guest->alarms++;
	UNTIL(strcmp(explained("state"), "rests") == 0);
}

/* In need it is asked, and does not answer: that is no rest. */
static void on_rung_balloon_who_hangs_is_not_at_rest(void **state)
{
	(void)state;
	rig.guests[0].ballooned = rig.guests[0].hangs = true;
	start(false);
	come(0);
	UNTIL(strstr(explained("text"), "it has only a balloon"));
	fall_short();
	UNTIL(rig.guests[0].asked_facts > 0);
	assert_string_equal(explained("state"), "unknown");
	assert_non_null(strstr(explained("text"), "is not known, or old"));
}

/* If it does not deflate when the guest runs short, the guest's kernel would kill. */
static void a_balloon_that_does_not_deflate_is_left_alone(void **state)
{
	struct guest *guest = &rig.guests[0];

	(void)state;
	guest->ballooned = true;
	guest->plain = true;
	start(false);
	come(0);
	fall_short();
	pass(3 * MINUTE_S);
	assert_int_equal(guest->orders, 0);
	assert_int_equal(guest->asked_facts, 0);
	assert_non_null(strstr(explained("text"), "autodeflate='on'"));
}

static void on_rung_balloon_an_alarm_is_a_refusal(void **state)
{
	struct guest *guest = &rig.guests[0];

	(void)state;
	guest->ballooned = true;
	guest->end = EBB_END_GUEST_REFUSED;
	guest->reason = "low-memory";
	start(false);
	come(0);
	fall_short();
	UNTIL(guest->orders > 0);
	pass(MINUTE_S / 2);
	assert_int_equal(guest->orders, 1);
	assert_string_equal(explained("state"), "rests");
	/* No more to take is no refusal, and neither is a guest that hangs. */
	guest->reason = "balloon-stuck";
	UNTIL(guest->orders >= 4);
	assert_string_equal(explained("state"), "stuck");
}

static void come_with_a_balloon(struct guest *guest)
{
	guest->ballooned = true;
	come(guest->index);
}

/* Once nobody needs it for ten minutes, and nobody would if the guest takes all of it. */
static void what_a_balloon_holds_is_given_back(void **state)
{
	struct guest *guest = &rig.guests[0], *other = &rig.guests[1];
	struct guest *third = &rig.guests[2];

	(void)state;
	start(false);
	come_with_a_balloon(guest);
	third->end = EBB_END_GUEST_REFUSED;
	third->reason = "guest-need";
	come_with_a_balloon(third);
	fall_short();
	UNTIL(guest->orders > 0);
	/* A person had it take all that it holds: the policy got nothing. */
	UNTIL(third->orders > 0);
	third->balloon_bytes = EBB_GIB / 8;
	third->hangs = true;
	guest->balloon_bytes = EBB_GIB / 4;
	guest->hangs = true;
	come_with_a_balloon(other);
	/* A person had this one take it. */
	other->balloon_bytes = EBB_GIB / 4;
	other->hangs = true;
	pass(11 * MINUTE_S);
	assert_int_equal(guest->given_back, 0);
	set_available(2 * EBB_GIB + EBB_GIB / 4 - 1);
	pass(11 * MINUTE_S);
	assert_int_equal(guest->given_back, 0);
	set_available(2 * EBB_GIB + EBB_GIB / 4);
	pass(9 * MINUTE_S);
	assert_int_equal(guest->given_back, 0);
	UNTIL(guest->given_back > 0);
	pass(11 * MINUTE_S);
	assert_int_equal(guest->given_back, 1);
	assert_int_equal(other->given_back, 0);
	assert_int_equal(third->given_back, 0);
}

/* Half of its memory may be hot: only a host that is nearly out of memory takes it. */
static void on_rung_pageout_it_is_asked_in_an_emergency(void **state)
{
	struct guest *guest = &rig.guests[0];

	(void)state;
	guest->paged = true;
	guest->working_set_ns = 0;
	rig.config.policy.settings.values.mode = EBB_MODE_DENSITY;
	start(false);
	come(0);
	pass(3 * MINUTE_S);
	assert_int_equal(guest->orders, 0);
	assert_non_null(strstr(explained("text"), "nearly out of memory"));
	fall_short();
	pass(MINUTE_S);
	assert_int_equal(guest->orders, 0);
	assert_string_equal(explained("state"), "no-spare");
	/* Nobody in it could be asked for more. */
	assert_int_equal(guest->asked_facts, 0);
	set_available(EBB_GIB / 4);
	ebb_sharing_alarm(rig.sharing);
	UNTIL(guest->orders > 0);
	assert_false(guest->order.wish.free_only);
	assert_non_null(strstr(explained("last-text"), "more than its share"));
	/* And on: the host's books are a younger word. */
	UNTIL(guest->orders > 1 || guest->resident_bytes == 0);
	/* Once it keeps the rest, nothing tells that the rest may go some other time. */
	rig.config.policy.settings.values.min.percent = 100;
	ebb_sharing_config_changed(rig.sharing);
	UNTIL(strcmp(explained("state"), "no-spare") == 0);
	assert_non_null(strstr(explained("text"), "its min is"));
}

/* Nothing is expected of it then, so that others are asked for all. */
static void where_swap_is_full_others_are_asked(void **state)
{
	struct guest *guest = &rig.guests[0];
	uint64_t full_ns;

	(void)state;
	guest->paged = true;
	guest->end = EBB_END_NO_MORE;
	guest->reason = "swap-full";
	start(false);
	come(0);
	pass(3 * MINUTE_S);
	set_available(EBB_GIB / 4);
	ebb_sharing_alarm(rig.sharing);
	UNTIL(guest->orders > 0);
	full_ns = guest->ordered_ns;
	UNTIL(strcmp(explained("state"), "no-spare") == 0);
	assert_non_null(strstr(explained("text"), "swap was full"));
	assert_int_equal(rig.sharing->members.items[0]->history.idle_answers,
			 0);
	UNTIL(guest->orders > 1);
	assert_true(guest->ordered_ns - full_ns >= MINUTE_S * EBB_NS_PER_S);
	/* Once some of it went there, there is room. */
	guest->end = EBB_END_SATISFIED;
	guest->reason = NULL;
	UNTIL(guest->orders > 2);
	assert_false(ebb_member_is_swap_full(rig.sharing->members.items[0],
					     ebb_sharing_now_ns(rig.sharing)));
}

/* Full swap says nothing of the guest, a guest that works with all it has does. */
static void a_full_swap_is_no_fault_of_the_guest(void **state)
{
	struct guest *guest = &rig.guests[0];

	(void)state;
	guest->paged = true;
	guest->end = EBB_END_NO_MORE;
	guest->reason = "swap-full";
	set_available(EBB_GIB / 4);
	start(false);
	come(0);
	UNTIL(guest->orders >= 5);
	assert_int_equal(rig.sharing->members.items[0]->history.idle_answers,
			 0);
	guest->reason = "in-use";
	UNTIL(strcmp(explained("state"), "stuck") == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHARING_TEST(on_rung_report_it_is_driven_in_need),
		SHARING_TEST(on_rung_report_density_drives_it),
		SHARING_TEST(on_rung_report_an_old_word_is_none),
		SHARING_TEST(on_rung_report_who_boots_is_not_driven),
		SHARING_TEST(on_rung_balloon_it_gives_in_need),
		SHARING_TEST(on_rung_balloon_who_hangs_is_not_at_rest),
		SHARING_TEST(a_balloon_that_does_not_deflate_is_left_alone),
		SHARING_TEST(on_rung_balloon_an_alarm_is_a_refusal),
		SHARING_TEST(what_a_balloon_holds_is_given_back),
		SHARING_TEST(on_rung_pageout_it_is_asked_in_an_emergency),
		SHARING_TEST(where_swap_is_full_others_are_asked),
		SHARING_TEST(a_full_swap_is_no_fault_of_the_guest),
	};

	return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
