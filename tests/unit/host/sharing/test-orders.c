/* SPDX-License-Identifier: GPL-2.0-only */
/* Orders wait, run and end, and how they end decides about the next one. */
#include <string.h>

#include "tests/unit/host/sharing/sharing-rig.h"

static void a_guest_that_needs_its_memory_has_a_rest(void **state)
{
	struct guest *guest = &rig.guests[0];

	(void)state;
	guest->end = EBB_END_GUEST_PRESSURE;
	start(false);
	come(0);
	UNTIL(guest->orders > 0);
	pass(MINUTE_S / 2);
	assert_int_equal(guest->orders, 1);
	assert_string_equal(explained("state"), "rests");
	UNTIL(guest->orders > 1);
}

static void a_job_of_libvirts_says_nothing_of_the_guest(void **state)
{
	struct guest *guest = &rig.guests[0];

	(void)state;
	guest->end = EBB_END_JOB;
	start(false);
	come(0);
	for (uint32_t i = 1; i <= 4; i++) {
		UNTIL(guest->orders == i);
		assert_string_equal(explained("state"), "in-job");
		end_job(guest);
	}
	/* It is not stuck. */
	assert_int_equal(rig.sharing->members.items[0]->history.idle_answers,
			 0);
}

/* It was free all the while, so it does not fade an eighth at a time. */
static void what_a_job_made_resident_is_taken_back(void **state)
{
	struct guest *guest = &rig.guests[0];

	(void)state;
	guest->resident_bytes = EBB_GIB / 2;
	start(false);
	come(0);
	pass(2 * MINUTE_S);
	assert_int_equal(guest->orders, 0);
	/*
	 * Nobody told of the job, and libvirtd is asked for one. Until it is known it
	 * may look; what is resident then is no more than the cushion.
	 */
	guest->resident_bytes = EBB_GIB / 2 + 64 * EBB_MIB;
	UNTIL(guest->asked_job > 0);
	guest->in_job = true;
	UNTIL(strcmp(explained("state"), "in-job") == 0);
	guest->resident_bytes = EBB_GIB;
	pass(MINUTE_S / 2);
	assert_int_equal(guest->orders, 0);
	end_job(guest);
	UNTIL(guest->orders > 0);
	/* A quarter of its idle memory; it would be 56 MiB else. */
	assert_int_equal(guest->order.wish.bytes, 128 * EBB_MIB);
	assert_non_null(
		strstr(explained("last-text"), "a libvirt job made resident"));
}

/* It is unknown here whether it had lent memory before: it fades as with any. */
static void who_is_restored_or_migrated_here_gives_as_any(void **state)
{
	struct guest *guest = &rig.guests[0];

	(void)state;
	guest->in_job = true;
	start(false);
	come(0);
	UNTIL(strcmp(explained("state"), "in-job") == 0);
	end_job(guest);
	UNTIL(guest->orders > 0);
	assert_int_equal(guest->order.wish.bytes, 56 * EBB_MIB);
}

static void who_gives_nothing_is_stuck(void **state)
{
	struct guest *guest = &rig.guests[0];

	(void)state;
	guest->end = EBB_END_DRAINED;
	start(false);
	come(0);
	UNTIL(guest->orders >= 3);
	assert_string_equal(explained("state"), "stuck");
}

/* The order outlives the member. */
static void a_domain_goes_while_it_is_asked(void **state)
{
	struct guest *guest = start_with_order();

	(void)state;
	go(0);
	pass(5);
	assert_int_equal(rig.sharing->members.count, 0);
	end_order(guest, EBB_END_EBBD_ENDS, 0);
	pass(5);
	come(0);
	assert_int_equal(rig.sharing->members.count, 1);
}

static void an_order_ends_with_the_need(void **state)
{
	struct guest *guest = &rig.guests[0];

	(void)state;
	guest->queued = true;
	start(false);
	come(0);
	pass(5);
	set_available(EBB_GIB - 1);
	UNTIL(guest->pending);
	set_available(8 * EBB_GIB);
	UNTIL(guest->withdrawn == 1);
	assert_string_equal(explained("last-ended"), "cancelled");
	/* That says nothing of the guest. */
	assert_int_equal(rig.sharing->members.items[0]->history.pending_bytes,
			 0);
	assert_int_equal(rig.sharing->members.items[0]->history.idle_answers,
			 0);
	/* And it may be asked for all of it at once. */
	assert_int_equal(rig.sharing->members.items[0]->history.window_bytes,
			 0);
	pass(5);
	assert_int_equal(guest->orders, 1);
}

/* One that has begun goes on. */
static void an_order_does_not_wait_for_long(void **state)
{
	(void)state;
	rig.guests[0].queued = true;
	rig.guests[1].held = true;
	start(false);
	come(0);
	come(1);
	UNTIL(rig.guests[0].pending && rig.guests[1].pending);
	UNTIL(rig.guests[0].orders == 3);
	assert_int_equal(rig.guests[0].withdrawn, 2);
	assert_int_equal(rig.guests[1].orders, 1);
	end_order(&rig.guests[0], EBB_END_SATISFIED, 0);
	end_order(&rig.guests[1], EBB_END_SATISFIED, 0);
}

static struct guest *start_with_a_rest(void)
{
	struct guest *guest = &rig.guests[0];

	guest->resting = true;
	start(false);
	come(0);
	UNTIL(guest->pending);
	assert_true(guest->order.wish.gentle);
	return guest;
}

/* It may take longer than one waits to begin. */
static void what_rests_may_last(void **state)
{
	const struct guest *guest = start_with_a_rest();
	uint64_t ordered_ns = guest->ordered_ns;

	(void)state;
	UNTIL(guest->withdrawn == 1);
	assert_true(ebb_now_ns() - ordered_ns >= MINUTE_S * EBB_NS_PER_S);
	UNTIL(guest->orders > 1);
}

static void a_job_ends_what_rests(void **state)
{
	struct guest *guest = start_with_a_rest();

	(void)state;
	guest->in_job = true;
	UNTIL(guest->withdrawn == 1);
	assert_true(ebb_now_ns() - guest->ordered_ns <
		    MINUTE_S / 2 * EBB_NS_PER_S);
	assert_string_equal(explained("last-ended"), "cancelled");
	assert_string_equal(explained("state"), "in-job");
}

/* Nobody knows how much the other one may take back. */
static void what_rests_lends_no_more_without_cover(void **state)
{
	struct guest *guest = start_with_a_rest();

	(void)state;
	rig.guests[1].unfound = true;
	come(1);
	UNTIL(guest->withdrawn == 1);
	assert_true(ebb_now_ns() - guest->ordered_ns <
		    MINUTE_S / 2 * EBB_NS_PER_S);
	pass(MINUTE_S);
	assert_int_equal(guest->orders, 1);
}

/* The guest moves it, and a min of so much percent is other bytes then. */
static void a_balloon_does_not_end_an_order(void **state)
{
	struct guest *guest = &rig.guests[0];

	(void)state;
	rig.config.policy.settings.values.min = (struct ebb_amount){
		.percent = 10,
	};
	guest->held = true;
	start(false);
	come(0);
	UNTIL(guest->pending);
	guest->balloon_bytes = EBB_GIB / 2;
	ebb_sharing_config_changed(rig.sharing);
	assert_true(guest->pending);
	rig.config.policy.settings.values.min.percent = 20;
	ebb_sharing_config_changed(rig.sharing);
	assert_false(guest->pending);
}

static void another_setting_ends_an_order(void **state)
{
	struct guest *guest = start_with_order();

	(void)state;
	ebb_sharing_config_changed(rig.sharing);
	assert_true(guest->pending);
	rig.config.policy.settings.values.mode = EBB_MODE_PERFORMANCE;
	ebb_sharing_config_changed(rig.sharing);
	assert_false(guest->pending);
}

static void what_is_switched_off_ends_orders(void **state)
{
	struct guest *guest = start_with_order();

	(void)state;
	rig.config.policy.dry_run = true;
	ebb_sharing_config_changed(rig.sharing);
	assert_false(guest->pending);
	rig.config.policy.dry_run = false;
	ebb_sharing_config_changed(rig.sharing);
	UNTIL(guest->pending);
	rig.config.policy.enabled = false;
	ebb_sharing_config_changed(rig.sharing);
	assert_false(guest->pending);
}

/* A guest that is left is decided about at the next look, by its facts then, and comes first. */
static void only_some_orders_are_under_way(void **state)
{
	(void)state;
	rig.config.reclaims = 1;
	set_available(EBB_GIB / 4);
	start(false);
	for (int i = 0; i < GUESTS; i++) {
		rig.guests[i].held = true;
		come(i);
	}
	UNTIL(rig.guests[0].pending && rig.guests[1].pending);
	pass(15);
	assert_int_equal(rig.guests[2].orders, 0);
	assert_int_equal(rig.sharing->members.items[2]->history.decided_ns, 0);
	end_order(&rig.guests[0], EBB_END_SATISFIED, EBB_MIB);
	UNTIL(rig.guests[2].pending);
	assert_int_equal(rig.guests[0].orders, 1);
	end_order(&rig.guests[1], EBB_END_SATISFIED, EBB_MIB);
	end_order(&rig.guests[2], EBB_END_SATISFIED, EBB_MIB);
	UNTIL(rig.guests[0].pending);
	for (int i = 0; i < GUESTS; i++)
		if (rig.guests[i].pending)
			end_order(&rig.guests[i], EBB_END_SATISFIED, EBB_MIB);
}

/* They rest most of the time, so there may be more of them. */
static void more_gentle_orders_are_under_way(void **state)
{
	(void)state;
	rig.config.reclaims = 1;
	start(false);
	for (int i = 0; i < GUESTS; i++) {
		rig.guests[i].held = true;
		come(i);
	}
	UNTIL(rig.guests[0].pending && rig.guests[1].pending &&
	      rig.guests[2].pending);
	assert_int_equal(rig.sharing->order_count, 0);
	assert_int_equal(rig.sharing->gentle_count, GUESTS);
	for (int i = 0; i < GUESTS; i++)
		end_order(&rig.guests[i], EBB_END_SATISFIED, EBB_MIB);
	assert_int_equal(rig.sharing->gentle_count, 0);
}

/* A pageout may hold a turn for long. */
static void what_is_free_is_ordered_first(void **state)
{
	struct ebb_policy_domain domains[GUESTS] = { 0 };
	struct ebb_policy_decision decisions[GUESTS] = {
		{ .domain = 0, .why = EBB_POLICY_OVER_SHARE },
		{ .domain = 1, .why = EBB_POLICY_OVER_SHARE },
		{ .domain = 2, .why = EBB_POLICY_FREE },
	};
	struct ebb_policy_budget budget = { .name = "host" };
	struct ebb_picture picture = {
		.now_ns = 3600 * EBB_NS_PER_S,
		.policy = { .budgets = &budget,
			    .budget_count = 1,
			    .domains = domains,
			    .domain_count = GUESTS },
		.decisions = decisions,
		.decision_count = GUESTS,
	};

	(void)state;
	rig.config.reclaims = 1;
	start(false);
	for (int i = 0; i < GUESTS; i++) {
		rig.guests[i].held = true;
		come(i);
		domains[i].name = "guest";
		decisions[i].bytes = EBB_POLICY_STEP_BYTES;
	}
	picture.members = rig.sharing->members.items;
	ebb_sharing_carry_out(rig.sharing, &picture);
	assert_true(rig.guests[2].pending);
	/* The turn that is left, two at a time, goes to the next guest. */
	assert_true(rig.guests[0].pending);
	assert_false(rig.guests[1].pending);
	assert_true(rig.sharing->more);
	for (int i = 0; i < GUESTS; i++)
		if (rig.guests[i].pending)
			end_order(&rig.guests[i], EBB_END_SATISFIED, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHARING_TEST(a_guest_that_needs_its_memory_has_a_rest),
		SHARING_TEST(a_job_of_libvirts_says_nothing_of_the_guest),
		SHARING_TEST(what_a_job_made_resident_is_taken_back),
		SHARING_TEST(who_is_restored_or_migrated_here_gives_as_any),
		SHARING_TEST(who_gives_nothing_is_stuck),
		SHARING_TEST(a_domain_goes_while_it_is_asked),
		SHARING_TEST(an_order_ends_with_the_need),
		SHARING_TEST(an_order_does_not_wait_for_long),
		SHARING_TEST(what_rests_may_last),
		SHARING_TEST(a_job_ends_what_rests),
		SHARING_TEST(what_rests_lends_no_more_without_cover),
		SHARING_TEST(a_balloon_does_not_end_an_order),
		SHARING_TEST(another_setting_ends_an_order),
		SHARING_TEST(what_is_switched_off_ends_orders),
		SHARING_TEST(only_some_orders_are_under_way),
		SHARING_TEST(more_gentle_orders_are_under_way),
		SHARING_TEST(what_is_free_is_ordered_first),
	};

	return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
