/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vm's settings of the policy: its own over those of the configuration, changed
 * while it runs, and what bad ones do.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/domain/vm.h"
#include "host/domain/sight.h"
#include "host/domain/vm_state.h"
#include "tests/unit/host/domain/fake-vm.h"

static struct ebb_vm *vm;

static int set_up(void **state)
{
	(void)state;
	fake_vm_reset();
	fake_vm.config.policy.settings.values.shares = 500;
	strcpy(fake_vm.config.policy.settings.origins[EBB_SETTING_SHARES].text,
	       "ebbd.conf:3");
	vm = fake_vm_new();
	fake_vm_settle_down();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_vm_end(vm);
	return 0;
}

static void keep(const struct ebb_set_order *order)
{
	static int call;

	memset(&fake_vm.answer, 0, sizeof(fake_vm.answer));
	ebb_vm_set(vm, (struct ebb_call *)(void *)&call, order);
	fake_vm_settle_down();
	assert_true(fake_vm.answer.done);
}

/* @text: as --min and the others take it. */
static void set_in(enum ebb_scope scope, enum ebb_setting setting,
		   const char *text)
{
	struct ebb_set_order order = { .scope = scope };
	bool is_default = strcmp(text, "default") == 0;

	order.actions[setting] = is_default ? EBB_SET_DEFAULT : EBB_SET_VALUE;
	if (!is_default)
		assert_int_equal(ebb_setting_parse(setting, text, &order.values,
						   NULL),
				 0);
	keep(&order);
}

static void assert_holds(enum ebb_setting setting, const char *value,
			 const char *origin)
{
	const struct ebb_settings *settings = ebb_vm_settings(vm);
	char text[EBB_SETTING_TEXT_BYTES];

	assert_string_equal(
		ebb_setting_format(setting, &settings->values, text), value);
	assert_string_equal(settings->origins[setting].text, origin);
}

/* What ebbctl set is answered. */
static void assert_answers(enum ebb_setting setting, const char *value,
			   const char *origin)
{
	const struct ebb_setting_status *item =
		&fake_vm.answer.result.settings.items[setting];

	assert_string_equal(item->value, value);
	assert_string_equal(item->origin, origin);
}

/* As virsh or another ebbctl would do. */
static void change_metadata(const char *element)
{
	strcpy(fake_vm.element, element);
	ebb_vm_metadata_changed(vm);
	fake_vm_settle_down();
}

static char *trouble(void)
{
	static struct ebb_domain_status status;

	ebb_vm_status(vm, &status);
	return status.settings.trouble;
}

static void test_config_holds_until_set(void **state)
{
	(void)state;
	assert_holds(EBB_SETTING_SHARES, "500", "ebbd.conf:3");
	set_in(EBB_SCOPE_BOTH, EBB_SETTING_SHARES, "7");
	assert_string_equal(fake_vm.answer.error_class, "");
	assert_string_equal(fake_vm.element, "<policy shares=\"7\"/>");
	assert_holds(EBB_SETTING_SHARES, "7", "domain");
	assert_int_equal(fake_vm.answer.result.settings.count,
			 EBB_SETTING_COUNT);
	assert_string_equal(
		fake_vm.answer.result.settings.items[EBB_SETTING_SHARES].origin,
		"domain");
	/* The guest has no part in that. */
	assert_int_equal(fake_vm.tells, 0);
	set_in(EBB_SCOPE_BOTH, EBB_SETTING_SHARES, "default");
	assert_string_equal(fake_vm.element, "-");
	assert_holds(EBB_SETTING_SHARES, "500", "ebbd.conf:3");
}

static void test_scopes(void **state)
{
	(void)state;
	set_in(EBB_SCOPE_CONFIG, EBB_SETTING_MIN, "25%");
	assert_int_equal(fake_vm.scope, EBB_SCOPE_CONFIG);
	assert_non_null(strstr(fake_vm.answer.result.note, "next start"));
	assert_holds(EBB_SETTING_MIN, "none", "default");
	assert_answers(EBB_SETTING_MIN, "25%", "next start");
	assert_answers(EBB_SETTING_SHARES, "500", "ebbd.conf:3");
	set_in(EBB_SCOPE_CONFIG, EBB_SETTING_SHARES, "default");
	assert_answers(EBB_SETTING_SHARES, "500", "next start");
	set_in(EBB_SCOPE_LIVE, EBB_SETTING_MIN, "25%");
	assert_int_equal(fake_vm.scope, EBB_SCOPE_LIVE);
	assert_holds(EBB_SETTING_MIN, "25%", "domain");
}

static const struct ebb_domain_status *shown(void)
{
	static struct ebb_domain_status status;

	ebb_vm_status(vm, &status);
	return &status;
}

/* What is other from the next start on is shown, and nothing else. */
static void test_next_start_is_shown(void **state)
{
	const struct ebb_domain_status *status = shown();

	(void)state;
	assert_true(status->next_known);
	assert_int_equal(status->next.count, 0);
	assert_string_equal(status->next_target, "");
	assert_null(vm->settings.next);
	set_in(EBB_SCOPE_CONFIG, EBB_SETTING_MIN, "25%");
	/* Until libvirt says so, what was read is of before. */
	assert_false(shown()->next_known);
	ebb_vm_metadata_changed(vm);
	fake_vm_settle_down();
	status = shown();
	assert_true(status->next_known);
	assert_int_equal(status->next.count, 1);
	assert_string_equal(status->next.items[0].name, "min");
	assert_string_equal(status->next.items[0].value, "25%");
	assert_string_equal(status->next.items[0].origin, "domain");
	assert_string_equal(status->next.trouble, "");

	/* What holds by ebbd.conf then, and what both have. */
	set_in(EBB_SCOPE_LIVE, EBB_SETTING_SHARES, "7");
	set_in(EBB_SCOPE_LIVE, EBB_SETTING_MIN, "25%");
	ebb_vm_metadata_changed(vm);
	fake_vm_settle_down();
	status = shown();
	assert_int_equal(status->next.count, 1);
	assert_string_equal(status->next.items[0].name, "shares");
	assert_string_equal(status->next.items[0].value, "500");
	assert_string_equal(status->next.items[0].origin, "ebbd.conf:3");

	/* Once both have it, it is kept once. */
	set_in(EBB_SCOPE_CONFIG, EBB_SETTING_SHARES, "7");
	ebb_vm_metadata_changed(vm);
	fake_vm_settle_down();
	status = shown();
	assert_true(status->next_known);
	assert_int_equal(status->next.count, 0);
	assert_null(vm->settings.next);
}

/* As another writes it, and as a look finds it. */
static void test_next_start_by_others(void **state)
{
	const struct ebb_domain_status *status;

	(void)state;
	strcpy(fake_vm.next, "<policy free-target='40%' mni='1G'/>");
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	status = shown();
	assert_string_equal(status->next_target, "40%");
	assert_non_null(strstr(status->next.trouble, "mni"));
	strcpy(fake_vm.next, "<policy min='2G' max='1G'/>");
	ebb_vm_metadata_changed(vm);
	fake_vm_settle_down();
	status = shown();
	assert_string_equal(status->next_target, "");
	assert_int_equal(status->next.count, 2);
	assert_non_null(
		strstr(status->next.trouble, "min is 2G, but max is 1G"));
	/* What is set for then has to go with that. */
	set_in(EBB_SCOPE_CONFIG, EBB_SETTING_MIN, "3G");
	assert_string_equal(fake_vm.answer.error_class, "InvalidArgument");
	fake_vm.transient = true;
	ebb_vm_metadata_changed(vm);
	fake_vm_settle_down();
	status = shown();
	assert_false(status->next_known);
	assert_int_equal(status->next.count, 0);
	assert_string_equal(status->next.trouble, "");
}

static void test_free_target_is_another(void **state)
{
	static const struct ebb_target_setting target = {
		.kind = EBB_TARGET_PERCENT, .percent = 40
	};
	struct ebb_set_order order = { .has_target = true, .target = target };

	(void)state;
	fake_vm.domxml.own_channel = true;
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	set_in(EBB_SCOPE_BOTH, EBB_SETTING_MIN, "25%");
	keep(&order);
	assert_non_null(strstr(fake_vm.element, "min=\"25%\""));
	assert_non_null(strstr(fake_vm.element, "free-target=\"40%\""));
	assert_holds(EBB_SETTING_MIN, "25%", "domain");
}

/* Read by a job of its own, which leaves the lease alone. */
static void test_changed_by_others(void **state)
{
	uint32_t probes;

	(void)state;
	fake_vm.lease = true;
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	assert_true(ebb_vm_has_lease(vm));
	probes = fake_vm.probes;
	change_metadata("<policy mode='density' min='512M'/>");
	assert_int_equal(fake_vm.reads, 1);
	assert_int_equal(fake_vm.probes, probes);
	assert_true(ebb_vm_has_lease(vm));
	assert_holds(EBB_SETTING_MODE, "density", "domain");
	assert_holds(EBB_SETTING_MIN, "512M", "domain");
	change_metadata("-");
	assert_holds(EBB_SETTING_MODE, "balanced", "default");
}

static void test_bad_ones_change_nothing(void **state)
{
	(void)state;
	change_metadata("<policy min='512M'/>");
	assert_string_equal(trouble(), "");
	change_metadata("<policy min='256M' shares='many'/>");
	assert_holds(EBB_SETTING_MIN, "512M", "domain");
	assert_non_null(strstr(trouble(), "shares: 'many' is not accepted"));
	assert_non_null(strstr(trouble(), "ebbctl set"));
	/* Set anew, all of it is understood again. */
	set_in(EBB_SCOPE_BOTH, EBB_SETTING_SHARES, "9");
	assert_string_equal(trouble(), "");
	assert_holds(EBB_SETTING_MIN, "256M", "domain");
	assert_holds(EBB_SETTING_SHARES, "9", "domain");
}

/* ebbd is restarted, or the domain comes here, with metadata that are wrong now. */
static void begin_with(const char *element)
{
	fake_vm_end(vm);
	assert_int_equal(ebb_metadata_parse(element, &fake_vm.domxml.metadata),
			 0);
	strcpy(fake_vm.element, element);
	vm = fake_vm_new();
	fake_vm_settle_down();
}

static void test_bad_ones_from_the_beginning(void **state)
{
	(void)state;
	begin_with("<policy min='512M' mode='performance' priority='3'/>");
	assert_holds(EBB_SETTING_MIN, "512M", "domain");
	assert_holds(EBB_SETTING_MODE, "performance", "domain");
	assert_holds(EBB_SETTING_SHARES, "500", "ebbd.conf:3");
	assert_non_null(strstr(trouble(), "priority: unknown attribute"));
	assert_non_null(strstr(trouble(), "those that are understood hold"));
	/* Still wrong: there is no before that would be better. */
	change_metadata("<policy min='256M' shares='many'/>");
	assert_holds(EBB_SETTING_MIN, "256M", "domain");
	assert_non_null(strstr(trouble(), "those that are understood hold"));
	change_metadata("<policy min='300M'/>");
	assert_string_equal(trouble(), "");
	change_metadata("<policy min='256M' shares='many'/>");
	assert_holds(EBB_SETTING_MIN, "300M", "domain");
	assert_non_null(strstr(trouble(), "those of before hold"));
	begin_with("<policy min='256 elephants'/>");
	assert_holds(EBB_SETTING_MIN, "none", "default");
	assert_non_null(strstr(trouble(), "none of them holds"));
}

static void have_lease(void)
{
	fake_vm.lease = true;
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	assert_int_equal(ebb_vm_rung(vm), EBB_RUNG_LEASE);
}

static const char *reason(void)
{
	static struct ebb_domain_status status;

	ebb_vm_status(vm, &status);
	return status.reason_count > 0 ? status.reasons[0].name : "";
}

/* Without a restart, whoever sets it, and back. */
static void test_a_ban_moves_the_domain(void **state)
{
	uint32_t probes, detaches;

	(void)state;
	have_lease();
	probes = fake_vm.probes;
	detaches = fake_vm.closes;
	set_in(EBB_SCOPE_BOTH, EBB_SETTING_RUNGS, "report");
	assert_int_equal(fake_vm.probes, probes + 1);
	assert_int_equal(ebb_vm_rung(vm), EBB_RUNG_OBSERVE);
	assert_string_equal(reason(), "rung-forbidden");
	assert_string_equal(fake_vm.element, "<policy rungs=\"report\"/>");
	/* The process is held as before, and with it what it is owed. */
	assert_int_equal(fake_vm.closes, detaches);
	/* What forbids the same is no news. */
	change_metadata("<policy rungs='report' mode='density'/>");
	assert_int_equal(fake_vm.probes, probes + 1);
	change_metadata("<policy rungs='lease, report'/>");
	assert_int_equal(ebb_vm_rung(vm), EBB_RUNG_LEASE);
	assert_string_equal(reason(), "");
	fake_vm.config.policy.settings.values.rungs = 0;
	ebb_vm_config_changed(vm);
	fake_vm_settle_down();
	/* The domain's own is over it. */
	assert_int_equal(ebb_vm_rung(vm), EBB_RUNG_LEASE);
	change_metadata("-");
	assert_int_equal(ebb_vm_rung(vm), EBB_RUNG_OBSERVE);
	fake_vm.config.policy.settings.values.rungs = EBB_RUNGS_ALL;
	ebb_vm_config_changed(vm);
	fake_vm_settle_down();
	assert_int_equal(ebb_vm_rung(vm), EBB_RUNG_LEASE);
}

/* Before anything could be taken of it. */
static void test_a_ban_from_the_beginning(void **state)
{
	(void)state;
	fake_vm.lease = true;
	begin_with("<policy rungs='none'/>");
	assert_int_equal(ebb_vm_rung(vm), EBB_RUNG_OBSERVE);
	assert_string_equal(reason(), "rung-forbidden");
	assert_holds(EBB_SETTING_RUNGS, "none", "domain");
}

/* A later ebbd may have written it, or a person who was in a hurry. */
static void test_a_ban_that_is_not_understood(void **state)
{
	(void)state;
	fake_vm.lease = true;
	begin_with("<policy rungs='report, other' mode='density'/>");
	assert_int_equal(ebb_vm_rung(vm), EBB_RUNG_OBSERVE);
	assert_string_equal(reason(), "rung-forbidden");
	assert_holds(EBB_SETTING_RUNGS, "report", "domain");
	assert_holds(EBB_SETTING_MODE, "density", "domain");
}

static void test_a_reservation_is_kept(void **state)
{
	(void)state;
	fake_vm.lease = true;
	strcpy(fake_vm.domxml.reserved, "<vcpupin>");
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	assert_int_equal(ebb_vm_rung(vm), EBB_RUNG_OBSERVE);
	assert_string_equal(reason(), "reserved-memory");
	set_in(EBB_SCOPE_BOTH, EBB_SETTING_RESERVED, "share");
	assert_int_equal(ebb_vm_rung(vm), EBB_RUNG_LEASE);
	set_in(EBB_SCOPE_BOTH, EBB_SETTING_RESERVED, "default");
	assert_int_equal(ebb_vm_rung(vm), EBB_RUNG_OBSERVE);
	assert_string_equal(reason(), "reserved-memory");
}

/* The guest has 1 GiB. */
static void test_min_over_max(void **state)
{
	(void)state;
	set_in(EBB_SCOPE_BOTH, EBB_SETTING_MAX, "512M");
	set_in(EBB_SCOPE_BOTH, EBB_SETTING_MIN, "75%");
	assert_string_equal(fake_vm.answer.error_class, "InvalidArgument");
	assert_non_null(strstr(fake_vm.answer.text, "raise max"));
	assert_holds(EBB_SETTING_MIN, "none", "default");
	/* Where nobody refuses it, it is told. */
	change_metadata("<policy min='75%' max='512M'/>");
	assert_holds(EBB_SETTING_MIN, "75%", "domain");
	assert_non_null(strstr(trouble(), "until then min holds"));
}

/* Parts of its memory are of what is plugged. */
static void test_part_of_what_is_plugged(void **state)
{
	(void)state;
	fake_vm.domxml.cell_bytes[0] = EBB_GIB / 2;
	fake_vm.domxml.device_count = 1;
	fake_vm.domxml.devices[0].bytes = EBB_GIB / 2;
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	/* All of 1 GiB is over this max, all of what is plugged is not. */
	change_metadata("<policy min='100%' max='600M'/>");
	assert_string_equal(trouble(), "");
	set_in(EBB_SCOPE_BOTH, EBB_SETTING_MIN, "99%");
	assert_string_equal(fake_vm.answer.error_class, "");
	fake_vm.domxml.devices[0].plugged_bytes = EBB_GIB / 2;
	assert_int_equal(ebb_metadata_parse(fake_vm.element,
					    &fake_vm.domxml.metadata),
			 0);
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	assert_non_null(strstr(trouble(), "until then min holds"));
}

/* A min over what there is is capped, and nobody has to find that out. */
static void test_min_over_what_there_is(void **state)
{
	(void)state;
	set_in(EBB_SCOPE_BOTH, EBB_SETTING_MIN, "1G");
	assert_string_equal(fake_vm.answer.result.settings.trouble, "");
	set_in(EBB_SCOPE_BOTH, EBB_SETTING_MIN, "2G");
	assert_string_equal(fake_vm.answer.error_class, "");
	assert_non_null(strstr(fake_vm.answer.result.settings.trouble,
			       "min is 2G, but the guest may use 1.0 GiB: it "
			       "counts as that"));
	assert_non_null(strstr(trouble(), "min is 2G"));
	set_in(EBB_SCOPE_BOTH, EBB_SETTING_MIN, "600M");
	assert_string_equal(trouble(), "");
	ebb_vm_balloon_changed(vm, EBB_GIB / 2);
	assert_non_null(strstr(trouble(), "(a balloon holds 512.0 MiB more)"));
}

/* What a balloon holds is not the guest's: by the look, by events, by lies. */
static uint64_t balloon_mib(void)
{
	static struct ebb_domain_status status;

	ebb_vm_status(vm, &status);
	assert_true(status.balloon_known);
	assert_int_equal(status.memory_bytes, EBB_GIB);
	return status.balloon_bytes / EBB_MIB;
}

static void look_again(void)
{
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
}

static void test_part_of_what_a_balloon_leaves(void **state)
{
	static struct ebb_domain_status status;

	(void)state;
	ebb_vm_status(vm, &status);
	assert_false(status.balloon_known);
	fake_vm.domxml.balloon_known = true;
	fake_vm.domxml.balloon_bytes = EBB_GIB / 2;
	look_again();
	assert_int_equal(balloon_mib(), 512);
	/* All of 1 GiB is over this max, all of what the balloon leaves is not. */
	change_metadata("<policy min='100%' max='600M'/>");
	assert_string_equal(trouble(), "");
	ebb_vm_balloon_changed(vm, EBB_GIB - 128 * EBB_MIB);
	assert_int_equal(balloon_mib(), 128);
	assert_non_null(strstr(trouble(), "until then min holds"));
	ebb_vm_balloon_changed(vm, UINT64_MAX);
	assert_int_equal(balloon_mib(), 0);
	ebb_vm_balloon_changed(vm, 0);
	assert_int_equal(balloon_mib(), 1024);
}

/* Beyond what it was defined to hold, what a balloon holds is the guest's word. */
static void test_what_a_guest_claims_of_its_balloon(void **state)
{
	struct ebb_vm_sight sight;

	(void)state;
	ebb_vm_see(vm, &sight);
	assert_int_equal(sight.claimed_bytes, 0);
	fake_vm.domxml.balloon_known = true;
	fake_vm.domxml.balloon_bytes = EBB_GIB / 2;
	look_again();
	ebb_vm_see(vm, &sight);
	assert_int_equal(sight.usable_bytes, EBB_GIB / 2);
	assert_int_equal(sight.claimed_bytes, EBB_GIB / 2);
	fake_vm.domxml.balloon_asked_known = true;
	fake_vm.domxml.balloon_asked_bytes = EBB_GIB / 4;
	look_again();
	ebb_vm_see(vm, &sight);
	assert_int_equal(sight.claimed_bytes, EBB_GIB / 4);
	/* virsh setmem --config asks nothing of the balloon of now. */
	fake_vm.domxml.balloon_asked_bytes = EBB_GIB / 2;
	look_again();
	ebb_vm_see(vm, &sight);
	assert_int_equal(sight.claimed_bytes, EBB_GIB / 4);
	/* Nor does a look that did not get the definition. */
	fake_vm.domxml.balloon_asked_known = false;
	fake_vm.domxml.balloon_asked_bytes = 0;
	look_again();
	ebb_vm_see(vm, &sight);
	assert_int_equal(sight.claimed_bytes, EBB_GIB / 4);
	ebb_vm_balloon_changed(vm, 0);
	ebb_vm_see(vm, &sight);
	assert_int_equal(sight.usable_bytes, 0);
	assert_int_equal(sight.claimed_bytes, EBB_GIB / 4 * 3);
	ebb_vm_balloon_changed(vm, EBB_GIB - EBB_GIB / 8);
	ebb_vm_see(vm, &sight);
	assert_int_equal(sight.claimed_bytes, 0);
}

/* An event during a look is younger than the XML that the look has read. */
static void test_balloon_moves_during_a_look(void **state)
{
	(void)state;
	fake_vm.domxml.balloon_known = true;
	fake_vm.domxml.balloon_bytes = EBB_GIB / 2;
	fake_vm.held = true;
	ebb_vm_invalidate(vm);
	ebb_vm_balloon_changed(vm, EBB_GIB - 256 * EBB_MIB);
	fake_vm.held = false;
	fake_vm_settle_down();
	assert_int_equal(balloon_mib(), 256);
	look_again();
	assert_int_equal(balloon_mib(), 512);
}

static void test_config_is_read_anew(void **state)
{
	(void)state;
	change_metadata("<policy min='512M'/>");
	fake_vm.config.policy.settings.values.shares = 900;
	fake_vm.config.policy.settings.values.min.percent = 10;
	strcpy(fake_vm.config.policy.settings.origins[EBB_SETTING_MIN].text,
	       "ebbd.conf:4");
	ebb_vm_config_changed(vm);
	assert_holds(EBB_SETTING_SHARES, "900", "ebbd.conf:3");
	assert_holds(EBB_SETTING_MIN, "512M", "domain");
}

static void test_libvirt_does_not_keep_it(void **state)
{
	(void)state;
	fake_vm.keep_result = -EIO;
	set_in(EBB_SCOPE_BOTH, EBB_SETTING_SHARES, "7");
	assert_string_equal(fake_vm.answer.error_class, "GenericError");
	assert_non_null(strstr(fake_vm.answer.text, "no luck"));
	assert_holds(EBB_SETTING_SHARES, "500", "ebbd.conf:3");
}

static void test_libvirt_keeps_half_of_it(void **state)
{
	(void)state;
	fake_vm.keep_result = -EALREADY;
	set_in(EBB_SCOPE_BOTH, EBB_SETTING_SHARES, "7");
	assert_string_equal(fake_vm.answer.error_class, "GenericError");
	assert_non_null(strstr(fake_vm.answer.text, "no luck"));
	assert_non_null(strstr(fake_vm.answer.text, "not for its next start"));
	assert_null(strstr(fake_vm.answer.text, "Nothing"));
	assert_holds(EBB_SETTING_SHARES, "7", "domain");
}

/* A min that a new configuration made too much is no reason to refuse another. */
static void test_set_has_nothing_to_do_with_min(void **state)
{
	struct ebb_set_order none = { .has_target = true };

	(void)state;
	change_metadata("<policy min='768M' free-target='40%'/>");
	fake_vm.config.policy.settings.values.max.bytes = 512 * EBB_MIB;
	strcpy(fake_vm.config.policy.settings.origins[EBB_SETTING_MAX].text,
	       "ebbd.conf:4");
	ebb_vm_config_changed(vm);
	assert_non_null(strstr(trouble(), "until then min holds"));
	keep(&none);
	assert_string_equal(fake_vm.answer.error_class, "");
	assert_string_equal(fake_vm.element, "<policy min=\"768M\"/>");
	set_in(EBB_SCOPE_BOTH, EBB_SETTING_SHARES, "7");
	assert_string_equal(fake_vm.answer.error_class, "");
	set_in(EBB_SCOPE_BOTH, EBB_SETTING_MIN, "700M");
	assert_string_equal(fake_vm.answer.error_class, "InvalidArgument");
	set_in(EBB_SCOPE_BOTH, EBB_SETTING_MIN, "default");
	assert_string_equal(fake_vm.answer.error_class, "");
	assert_string_equal(trouble(), "");
}

int main(void)
{
#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_config_holds_until_set),
		TEST(test_scopes),
		TEST(test_next_start_is_shown),
		TEST(test_next_start_by_others),
		TEST(test_free_target_is_another),
		TEST(test_changed_by_others),
		TEST(test_bad_ones_change_nothing),
		TEST(test_bad_ones_from_the_beginning),
		TEST(test_a_ban_moves_the_domain),
		TEST(test_a_ban_from_the_beginning),
		TEST(test_a_ban_that_is_not_understood),
		TEST(test_a_reservation_is_kept),
		TEST(test_min_over_max),
		TEST(test_part_of_what_is_plugged),
		TEST(test_min_over_what_there_is),
		TEST(test_part_of_what_a_balloon_leaves),
		TEST(test_what_a_guest_claims_of_its_balloon),
		TEST(test_balloon_moves_during_a_look),
		TEST(test_config_is_read_anew),
		TEST(test_libvirt_does_not_keep_it),
		TEST(test_libvirt_keeps_half_of_it),
		TEST(test_set_has_nothing_to_do_with_min),
	};

	return cmocka_run_group_tests(tests, fake_vm_set_up_group,
				      fake_vm_tear_down_group);
}
