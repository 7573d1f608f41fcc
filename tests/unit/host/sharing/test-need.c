/* SPDX-License-Identifier: GPL-2.0-only */
/* A budget in need is seen in time, and the guests that have most are asked. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/host/sharing/sharing-rig.h"

enum {
	/* ALARM_BURST of sharing.c. */
	ALARMS_AT_ONCE = 4
};

static void need_is_met_at_once_by_who_has_most(void **state)
{
	uint64_t start_ns;

	(void)state;
	rig.guests[0].held = true;
	rig.guests[1].held = true;
	rig.guests[1].free_bytes = EBB_GIB / 8;
	start(false);
	come(0);
	come(1);
	/* Both were heard. */
	pass(5);
	start_ns = ebb_now_ns();
	fall_short();
	UNTIL(rig.guests[0].orders > 0);
	assert_int_equal(ebb_now_ns() - start_ns, 0);
	/* A quarter of its idle memory in 10 s. */
	assert_int_equal(rig.guests[0].order.wish.bytes, 128 * EBB_MIB);
	assert_true(rig.guests[0].order.wish.free_only);
	assert_true(!rig.guests[1].pending ||
		    rig.guests[1].order.wish.bytes <
			    rig.guests[0].order.wish.bytes);
	end_order(&rig.guests[0], EBB_END_SATISFIED, 128 * EBB_MIB);
	if (rig.guests[1].pending)
		end_order(&rig.guests[1], EBB_END_SATISFIED, 0);
}

static void on_tick(int timer, void *opaque)
{
	(void)timer;
	(void)opaque;
}

/* Its agent may come and go as often as it likes. */
static void a_guest_causes_one_look_a_second(void **state)
{
	const struct ebb_fleet_watcher *watcher;
	uint64_t start_ns, s = 0;
	uint32_t before;
	int tick;

	(void)state;
	start(false);
	watcher = ebb_sharing_watcher(rig.sharing);
	come(0);
	pass(2);
	before = count_reads();
	start_ns = ebb_now_ns();
	/* The loop turns each millisecond at least. */
	tick = ebb_loop_timer(1, on_tick, NULL);
	while (s < 30) {
		watcher->changed(vm_of(&rig.guests[0]), watcher->opaque);
		ebb_sharing_alarm(rig.sharing);
		ebb_loop_turn();
		s = (ebb_now_ns() - start_ns) / EBB_NS_PER_S;
	}
	ebb_loop_timer_remove(tick);
	/* Some alarms are looked at without a gap: a few, and one each 5 s. */
	assert_in_range(count_reads() - before, 2, s + ALARMS_AT_ONCE + s / 5);
}

static bool is_look_due(void)
{
	return rig.sharing->due_ns <= ebb_sharing_now_ns(rig.sharing);
}

/* A guest fills a gigabyte in a second: the gap between two looks is too long. */
static void an_alarm_right_after_a_look_does_not_wait(void **state)
{
	const struct ebb_fleet_watcher *watcher;

	(void)state;
	start(false);
	watcher = ebb_sharing_watcher(rig.sharing);
	come(0);
	pass(5);
	UNTIL(!rig.sharing->ground.reading);
	rig.sharing->looked_ns = ebb_sharing_now_ns(rig.sharing);
	ebb_sharing_alarm(rig.sharing);
	assert_true(is_look_due());
	/* Causes that may wait do not put it off. */
	watcher->changed(vm_of(&rig.guests[0]), watcher->opaque);
	come(1);
	assert_true(is_look_due());
}

/* Nothing tells when available memory passes a mark: the looks must be there in time. */
static void a_budget_that_may_soon_be_short_is_looked_at_soon(void **state)
{
	(void)state;
	start(false);
	come(0);
	/* A quarter of a gigabyte is left: a guest fills that in 250 ms. */
	set_available(EBB_GIB + EBB_GIB / 4);
	ebb_sharing_alarm(rig.sharing);
	UNTIL(rig.sharing->due_ns > rig.sharing->looked_ns &&
	      rig.sharing->due_ns - rig.sharing->looked_ns <
		      300 * EBB_NS_PER_MS);
}

/* While an order is under way, whose end would bring a look about, too. */
static void a_budget_in_need_is_looked_at_as_soon(void **state)
{
	(void)state;
	rig.guests[0].held = true;
	set_available(EBB_GIB / 2);
	start(false);
	come(0);
	UNTIL(rig.guests[0].orders > 0);
	/* Until then other causes bring looks about. */
	pass(5);
	UNTIL(rig.sharing->due_ns > rig.sharing->looked_ns &&
	      rig.sharing->due_ns - rig.sharing->looked_ns <
		      300 * EBB_NS_PER_MS);
	assert_true(rig.guests[0].pending);
	end_order(&rig.guests[0], EBB_END_SATISFIED, 0);
}

/* The look that is under way may have read its numbers before the alarm. */
static void an_alarm_amid_a_look_causes_another(void **state)
{
	const struct ebb_fleet_watcher *watcher;

	(void)state;
	start(false);
	watcher = ebb_sharing_watcher(rig.sharing);
	come(0);
	UNTIL(rig.sharing->ground.reading);
	ebb_sharing_alarm(rig.sharing);
	watcher->changed(vm_of(&rig.guests[0]), watcher->opaque);
	UNTIL(!rig.sharing->ground.reading);
	assert_true(is_look_due());
}

/* A guest with no free memory is driven. Only in need is it asked first how far. */
static void idle_memory_is_taken_once_the_guest_was_asked(void **state)
{
	struct guest *guest = &rig.guests[0];

	(void)state;
	guest->free_bytes = 32 * EBB_MIB;
	start(false);
	come(0);
	pass(MINUTE_S);
	assert_int_equal(guest->orders, 0);
	assert_int_equal(guest->asked_facts, 0);
	fall_short();
	UNTIL(guest->orders > 0);
	assert_true(guest->asked_facts > 0);
	assert_false(guest->order.wish.free_only);
	assert_true(guest->order.wish.compact);
	assert_non_null(
		strstr(explained("last-text"), "that it does not work with"));
}

/* It said nothing for long, as it is idle: the guest that has most free is not left out. */
static void an_idle_guest_is_woken_in_need(void **state)
{
	struct guest *guest = &rig.guests[0];

	(void)state;
	guest->silent = true;
	start(false);
	come(0);
	pass(MINUTE_S);
	assert_int_equal(guest->asked_facts, 0);
	assert_string_equal(explained("state"), "unknown");
	fall_short();
	UNTIL(guest->orders > 0);
	assert_true(guest->asked_facts > 0);
}

/* However many are before them. */
static void all_agents_are_asked_in_turn(void **state)
{
	struct ebb_member *members = calloc(100, sizeof(*members));
	struct ebb_policy_domain *domains = calloc(100, sizeof(*domains));
	struct ebb_member *items[100];
	struct ebb_picture picture = {
		.policy = { .domains = domains, .domain_count = 100 },
		.members = items,
	};

	(void)state;
	start(false);
	assert_non_null(members);
	assert_non_null(domains);
	for (uint32_t i = 0; i < 100; i++) {
		items[i] = &members[i];
		members[i].number = i + 1;
		members[i].vm = vm_of(&rig.guests[0]);
		domains[i].phase = EBB_POLICY_SETTLED;
		domains[i].mode = EBB_POLICY_DENSITY;
		domains[i].rung.drive = true;
	}
	/* Six looks in which 16 are asked, then the first may be asked again. */
	for (uint64_t look = 1; look <= 7; look++) {
		picture.now_ns = look * 5 * EBB_NS_PER_S;
		ebb_sharing_carry_out(rig.sharing, &picture);
	}
	for (uint32_t i = 0; i < 100; i++)
		assert_true(members[i].asked_facts_ns > 0);
	free(members);
	free(domains);
}

/* Orders are gentle until the host is in need: then the memory is asked for anew. */
static void need_ends_what_is_gentle(void **state)
{
	struct guest *guest = &rig.guests[0];

	(void)state;
	guest->held = true;
	start(false);
	come(0);
	UNTIL(guest->orders > 0);
	assert_true(guest->order.wish.gentle);
	assert_non_null(strstr(explained("last-text"), ", gently"));
	assert_int_equal(guest->hurried, 0);
	set_available(EBB_GIB / 4);
	ebb_sharing_alarm(rig.sharing);
	UNTIL(guest->orders > 1);
	assert_int_equal(guest->hurried, 1);
	assert_false(guest->order.wish.gentle);
	assert_null(strstr(explained("last-text"), ", gently"));
	assert_non_null(strstr(explained("last-text"), "because host"));
	end_order(guest, EBB_END_SATISFIED, guest->order.wish.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHARING_TEST(need_is_met_at_once_by_who_has_most),
		SHARING_TEST(a_guest_causes_one_look_a_second),
		SHARING_TEST(an_alarm_right_after_a_look_does_not_wait),
		SHARING_TEST(a_budget_that_may_soon_be_short_is_looked_at_soon),
		SHARING_TEST(a_budget_in_need_is_looked_at_as_soon),
		SHARING_TEST(an_alarm_amid_a_look_causes_another),
		SHARING_TEST(idle_memory_is_taken_once_the_guest_was_asked),
		SHARING_TEST(an_idle_guest_is_woken_in_need),
		SHARING_TEST(all_agents_are_asked_in_turn),
		SHARING_TEST(need_ends_what_is_gentle),
	};

	return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
