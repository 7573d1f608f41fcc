/* SPDX-License-Identifier: GPL-2.0-only */
/* Which rung a domain is on, by what was found; and in which order that is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/rung/rung.h"

/* What does not close rung report; all else does. */
static const enum ebb_reason_id leases_own[] = {
	EBB_REASON_PRIVATE_MEMORY, EBB_REASON_AGENT_VERSION,
	EBB_REASON_NO_MODULE,	   EBB_REASON_REPORTING_BUSY,
	EBB_REASON_MAP_UNPROVEN,   EBB_REASON_RING_INVALID,
	EBB_REASON_RUNG_FORBIDDEN, EBB_REASON_NO_SWAP,
	EBB_REASON_NO_BALLOON,
};

/* Nor rung balloon, but for the last one, and nor do these. */
static const enum ebb_reason_id agents[] = {
	EBB_REASON_NO_CHANNEL,
	EBB_REASON_AGENT_SILENT,
	EBB_REASON_NO_AGENT,
};

/* What closes rung pageout; nothing else does. */
static const enum ebb_reason_id pageouts_own[] = {
	EBB_REASON_NOT_RUNNING,
	EBB_REASON_PROCESS_UNKNOWN,
	EBB_REASON_OTHER_CONTROLLER,
	EBB_REASON_QUARANTINED,
	EBB_REASON_CONFIDENTIAL,
	EBB_REASON_VFIO,
	EBB_REASON_VDPA,
	EBB_REASON_VHOST_USER,
	EBB_REASON_PEERS_UNKNOWN,
	EBB_REASON_ARGUMENTS_UNKNOWN,
	EBB_REASON_LOCKED_MEMORY,
	EBB_REASON_RESERVED_MEMORY,
	EBB_REASON_BACKING_ON_DISK,
	EBB_REASON_TOO_MANY_PARTS,
	EBB_REASON_PAGES_TOO_LARGE,
	EBB_REASON_GUEST_PAUSED,
	EBB_REASON_GUEST_BOOTING,
	EBB_REASON_LIBVIRT_JOB,
	EBB_REASON_INTERNAL,
};

static bool is_among(const enum ebb_reason_id *reasons, size_t count,
		     enum ebb_reason_id reason)
{
	for (size_t i = 0; i < count; i++)
		if (reasons[i] == reason)
			return true;
	return false;
}

static bool is_leases_own(enum ebb_reason_id reason)
{
	return is_among(leases_own, EBB_ARRAY_SIZE(leases_own), reason);
}

/* A guest whose QEMU discards what is reported, and an agent that answers. */
static struct ebb_rung_facts reporting(const struct ebb_reason_list *reasons)
{
	return (struct ebb_rung_facts){ .reasons = reasons,
					.answers = true,
					.reporting = true };
}

static void test_lease_is_the_best(void **state)
{
	struct ebb_reason_list reasons = { 0 };
	struct ebb_rung_facts facts = reporting(&reasons);

	(void)state;
	facts.attached = true;
	assert_int_equal(ebb_rung_choose(&facts), EBB_RUNG_LEASE);
}

static void test_each_reason(void **state)
{
	(void)state;
	for (int id = 0; id < EBB_REASON_COUNT; id++) {
		struct ebb_reason_list reasons = { 0 };
		struct ebb_rung_facts facts = reporting(&reasons);

		ebb_reason_add(&reasons, EBB_REASON_REPORTING_BUSY, NULL);
		ebb_reason_add(&reasons, id, NULL);
		/* Told where it is closed already. */
		assert_true(ebb_rung_is_closed_by(EBB_RUNG_LEASE, id));
		assert_int_equal(ebb_rung_is_closed_by(EBB_RUNG_REPORT, id),
				 !is_leases_own(id));
		assert_false(ebb_rung_is_closed_by(EBB_RUNG_OBSERVE, id));
		assert_int_equal(ebb_rung_choose(&facts),
				 is_leases_own(id) ? EBB_RUNG_REPORT
						   : EBB_RUNG_OBSERVE);
		/* What QEMU does not discard is not driven for it. */
		facts.reporting = false;
		assert_int_equal(ebb_rung_choose(&facts), EBB_RUNG_OBSERVE);
	}
}

/* Where the host has swap, each guest is on it but for these. */
static void test_each_reason_on_a_host_with_swap(void **state)
{
	(void)state;
	for (int id = 0; id < EBB_REASON_COUNT; id++) {
		bool closes = is_among(pageouts_own,
				       EBB_ARRAY_SIZE(pageouts_own), id);
		struct ebb_reason_list reasons = { 0 };
		struct ebb_rung_facts facts = { .reasons = &reasons,
						.swaps = true };

		ebb_reason_add(&reasons, id, NULL);
		assert_int_equal(ebb_rung_is_closed_by(EBB_RUNG_PAGEOUT, id),
				 closes);
		assert_int_equal(ebb_rung_choose(&facts),
				 closes ? EBB_RUNG_OBSERVE : EBB_RUNG_PAGEOUT);
	}
}

static void test_which_swap_does(void **state)
{
	struct ebb_budget_swap swap = { 0 };

	(void)state;
	assert_non_null(ebb_rung_why_no_swap(&swap));
	swap.known = true;
	assert_string_equal(ebb_rung_why_no_swap(&swap), "there is none");
	swap.total_bytes = EBB_MIB;
	assert_null(ebb_rung_why_no_swap(&swap));
	/* With zram beside it nobody knows where a page goes. */
	swap.zram_bytes = 1;
	assert_string_equal(ebb_rung_why_no_swap(&swap),
			    "it is in zram, which is RAM");
}

/* Better than nothing, and worse than all else. */
static void test_pageout(void **state)
{
	struct ebb_reason_list reasons = { 0 };
	struct ebb_rung_facts facts = reporting(&reasons);

	(void)state;
	facts.swaps = true;
	ebb_reason_add(&reasons, EBB_REASON_NO_MODULE, NULL);
	assert_int_equal(ebb_rung_choose(&facts), EBB_RUNG_REPORT);
	facts.answers = false;
	assert_int_equal(ebb_rung_choose(&facts), EBB_RUNG_PAGEOUT);
	/* It missed nothing better by an operator's word. */
	facts.forbidden = ebb_rung_bit(EBB_RUNG_LEASE) |
			  ebb_rung_bit(EBB_RUNG_REPORT);
	assert_int_equal(ebb_rung_choose(&facts), EBB_RUNG_PAGEOUT);
	assert_int_equal(ebb_rung_missed(&facts), 0);
	facts.forbidden |= ebb_rung_bit(EBB_RUNG_PAGEOUT);
	assert_int_equal(ebb_rung_choose(&facts), EBB_RUNG_OBSERVE);
	assert_int_equal(ebb_rung_missed(&facts),
			 ebb_rung_bit(EBB_RUNG_PAGEOUT));
	facts.forbidden = 0;
	/* A page of a pool is never swapped. */
	facts.pooled = true;
	assert_int_equal(ebb_rung_choose(&facts), EBB_RUNG_OBSERVE);
	facts.pooled = false;
	facts.swaps = false;
	assert_int_equal(ebb_rung_choose(&facts), EBB_RUNG_OBSERVE);
}

static void test_what_report_needs(void **state)
{
	struct ebb_reason_list reasons = { 0 };
	struct ebb_rung_facts facts = reporting(&reasons);

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(leases_own); i++)
		ebb_reason_add(&reasons, leases_own[i], NULL);
	assert_int_equal(ebb_rung_choose(&facts), EBB_RUNG_REPORT);
	facts.answers = false;
	assert_int_equal(ebb_rung_choose(&facts), EBB_RUNG_OBSERVE);
	facts = reporting(&reasons);
	facts.pooled = true;
	assert_int_equal(ebb_rung_choose(&facts), EBB_RUNG_OBSERVE);
	/* Nothing was looked at yet. */
	facts = (struct ebb_rung_facts){ .reasons = &reasons };
	assert_int_equal(ebb_rung_choose(&facts), EBB_RUNG_OBSERVE);
}

static bool is_agents(enum ebb_reason_id reason)
{
	for (size_t i = 0; i < EBB_ARRAY_SIZE(agents); i++)
		if (agents[i] == reason)
			return true;
	return false;
}

static void test_balloon(void **state)
{
	(void)state;
	for (int id = 0; id < EBB_REASON_COUNT; id++) {
		struct ebb_reason_list reasons = { 0 };
		struct ebb_rung_facts facts = { .reasons = &reasons,
						.inflatable = true };
		bool open = is_agents(id) ||
			    (is_leases_own(id) && id != EBB_REASON_NO_BALLOON);

		ebb_reason_add(&reasons, id, NULL);
		assert_int_equal(ebb_rung_is_closed_by(EBB_RUNG_BALLOON, id),
				 !open);
		assert_int_equal(ebb_rung_choose(&facts),
				 open ? EBB_RUNG_BALLOON : EBB_RUNG_OBSERVE);
		facts.inflatable = false;
		assert_int_equal(ebb_rung_choose(&facts), EBB_RUNG_OBSERVE);
		/* QEMU discards what is reported, and a pool has to be asked. */
		facts.inflatable = facts.reporting = true;
		assert_int_equal(ebb_rung_choose(&facts), EBB_RUNG_OBSERVE);
		facts.reporting = false;
		facts.pooled = true;
		assert_int_equal(ebb_rung_choose(&facts), EBB_RUNG_OBSERVE);
	}
}

/* With an agent it is taken where nothing better is. */
static void test_balloon_is_the_last_resort(void **state)
{
	struct ebb_reason_list reasons = { 0 };
	struct ebb_rung_facts facts = { .reasons = &reasons,
					.answers = true,
					.inflatable = true };

	(void)state;
	assert_int_equal(ebb_rung_choose(&facts), EBB_RUNG_BALLOON);
	facts.attached = true;
	assert_int_equal(ebb_rung_choose(&facts), EBB_RUNG_LEASE);
	facts.forbidden = ebb_rung_bit(EBB_RUNG_LEASE);
	assert_int_equal(ebb_rung_choose(&facts), EBB_RUNG_BALLOON);
	facts.forbidden |= ebb_rung_bit(EBB_RUNG_BALLOON);
	assert_int_equal(ebb_rung_choose(&facts), EBB_RUNG_OBSERVE);
	assert_int_equal(ebb_rung_missed(&facts),
			 ebb_rung_bit(EBB_RUNG_LEASE) |
				 ebb_rung_bit(EBB_RUNG_BALLOON));
}

static void test_what_is_told_first(void **state)
{
	static const enum ebb_reason_id found[] = { EBB_REASON_REPORTING_BUSY,
						    EBB_REASON_NO_AGENT,
						    EBB_REASON_VFIO,
						    EBB_REASON_PRIVATE_MEMORY };
	static const enum ebb_reason_id to_lease[] = {
		EBB_REASON_VFIO, EBB_REASON_PRIVATE_MEMORY, EBB_REASON_NO_AGENT,
		EBB_REASON_REPORTING_BUSY
	};
	static const enum ebb_reason_id to_report[] = {
		EBB_REASON_VFIO, EBB_REASON_NO_AGENT, EBB_REASON_PRIVATE_MEMORY,
		EBB_REASON_REPORTING_BUSY
	};
	struct ebb_reason_list reasons = { 0 };
	struct ebb_rung_facts facts = { .reasons = &reasons };

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(found); i++)
		ebb_reason_add(&reasons, found[i], NULL);
	ebb_rung_sort(&facts, &reasons);
	for (size_t i = 0; i < EBB_ARRAY_SIZE(found); i++)
		assert_int_equal(reasons.items[i].id, to_lease[i]);
	facts.reporting = true;
	ebb_rung_sort(&facts, &reasons);
	assert_int_equal(reasons.count, EBB_ARRAY_SIZE(found));
	for (size_t i = 0; i < EBB_ARRAY_SIZE(found); i++)
		assert_int_equal(reasons.items[i].id, to_report[i]);
	facts.pooled = true;
	ebb_rung_sort(&facts, &reasons);
	for (size_t i = 0; i < EBB_ARRAY_SIZE(found); i++)
		assert_int_equal(reasons.items[i].id, to_lease[i]);
}

static void test_what_is_forbidden_is_not_used(void **state)
{
	struct ebb_reason_list reasons = { 0 };
	struct ebb_rung_facts facts = reporting(&reasons);

	(void)state;
	facts.attached = true;
	facts.forbidden = ebb_rung_bit(EBB_RUNG_LEASE);
	assert_int_equal(ebb_rung_choose(&facts), EBB_RUNG_REPORT);
	facts.forbidden |= ebb_rung_bit(EBB_RUNG_REPORT);
	assert_int_equal(ebb_rung_choose(&facts), EBB_RUNG_OBSERVE);
	facts.forbidden = ebb_rung_bit(EBB_RUNG_REPORT);
	assert_int_equal(ebb_rung_choose(&facts), EBB_RUNG_LEASE);
	/* A worse one than it is on may be forbidden, or the last of all. */
	facts.forbidden = ebb_rung_bit(EBB_RUNG_OBSERVE);
	assert_int_equal(ebb_rung_choose(&facts), EBB_RUNG_LEASE);
	facts.attached = facts.answers = false;
	assert_int_equal(ebb_rung_choose(&facts), EBB_RUNG_OBSERVE);
}

/* What an operator misses by his own word, and no more. */
static void test_what_is_missed(void **state)
{
	static const uint32_t lease = 1 << EBB_RUNG_LEASE;
	static const uint32_t report = 1 << EBB_RUNG_REPORT;
	struct ebb_reason_list reasons = { 0 };
	struct ebb_rung_facts facts = { .reasons = &reasons };

	(void)state;
	/* Nothing stands in its way, so the lease would be attached. */
	assert_int_equal(ebb_rung_missed(&facts), 0);
	facts.forbidden = report;
	assert_int_equal(ebb_rung_missed(&facts), 0);
	facts.forbidden = lease | report;
	assert_int_equal(ebb_rung_missed(&facts), lease);
	ebb_reason_add(&reasons, EBB_REASON_REPORTING_BUSY, NULL);
	assert_int_equal(ebb_rung_missed(&facts), 0);
	facts.answers = facts.reporting = true;
	assert_int_equal(ebb_rung_missed(&facts), report);
	facts.forbidden = lease;
	assert_int_equal(ebb_rung_missed(&facts), 0);
	facts.forbidden = EBB_RUNGS_ALL;
	ebb_reason_add(&reasons, EBB_REASON_RESERVED_MEMORY, NULL);
	assert_int_equal(ebb_rung_missed(&facts), 0);
}

/* The ban is told before what one might mend in vain. */
static void test_ban_is_told_first(void **state)
{
	struct ebb_reason_list reasons = { 0 };
	struct ebb_rung_facts facts = reporting(&reasons);

	(void)state;
	ebb_reason_add(&reasons, EBB_REASON_REPORTING_BUSY, NULL);
	ebb_reason_add(&reasons, EBB_REASON_PRIVATE_MEMORY, NULL);
	ebb_reason_add(&reasons, EBB_REASON_RUNG_FORBIDDEN, "report");
	ebb_rung_sort(&facts, &reasons);
	assert_int_equal(reasons.items[0].id, EBB_REASON_RUNG_FORBIDDEN);
}

/* Whoever can take nothing is asked for nothing. */
static void test_what_each_can(void **state)
{
	(void)state;
	for (int id = 0; id < EBB_RUNG_COUNT; id++) {
		const struct ebb_rung *rung = ebb_rung(id);

		if (!rung->run)
			assert_false(rung->can.take || rung->can.drive ||
				     rung->can.page_out);
	}
	assert_true(ebb_rung(EBB_RUNG_LEASE)->can.take);
	assert_true(ebb_rung(EBB_RUNG_LEASE)->can.drive);
	assert_false(ebb_rung(EBB_RUNG_REPORT)->can.take);
	assert_false(ebb_rung(EBB_RUNG_REPORT)->can.page_out);
	assert_false(ebb_rung(EBB_RUNG_PAGEOUT)->can.take);
	assert_false(ebb_rung(EBB_RUNG_PAGEOUT)->can.drive);
	assert_true(ebb_rung(EBB_RUNG_PAGEOUT)->can.page_out);
	/* What a balloon takes the guest cannot take back by itself. */
	assert_false(ebb_rung(EBB_RUNG_BALLOON)->can.take);
	assert_true(ebb_rung(EBB_RUNG_BALLOON)->can.drive);
	for (int id = 0; id < EBB_RUNG_COUNT; id++)
		assert_true(ebb_rung(id)->can.balloon ==
			    (id == EBB_RUNG_BALLOON));
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(ebb_rung_name(EBB_RUNG_LEASE), "lease");
	assert_string_equal(ebb_rung_name(EBB_RUNG_REPORT), "report");
	assert_string_equal(ebb_rung_name(EBB_RUNG_PAGEOUT), "pageout");
	assert_string_equal(ebb_rung_name(EBB_RUNG_BALLOON), "balloon");
	assert_string_equal(ebb_rung_name(EBB_RUNG_OBSERVE), "observe");
	assert_null(ebb_rung(EBB_RUNG_OBSERVE)->run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lease_is_the_best),
		cmocka_unit_test(test_each_reason),
		cmocka_unit_test(test_each_reason_on_a_host_with_swap),
		cmocka_unit_test(test_which_swap_does),
		cmocka_unit_test(test_pageout),
		cmocka_unit_test(test_what_report_needs),
		cmocka_unit_test(test_balloon),
		cmocka_unit_test(test_balloon_is_the_last_resort),
		cmocka_unit_test(test_what_is_told_first),
		cmocka_unit_test(test_what_is_forbidden_is_not_used),
		cmocka_unit_test(test_what_is_missed),
		cmocka_unit_test(test_ban_is_told_first),
		cmocka_unit_test(test_what_each_can),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
