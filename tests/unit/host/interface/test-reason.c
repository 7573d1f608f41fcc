/* SPDX-License-Identifier: GPL-2.0-only */
/* Reasons, the doctor who sorts them, and the bounds of a dry run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/size.h"
#include "host/domain/doctor.h"
#include "host/lease/estimate.h"

static void test_words_of_each_reason(void **state)
{
	struct ebb_reason_list list = { 0 };

	(void)state;
	for (int id = 0; id < EBB_REASON_COUNT; id++)
		ebb_reason_add(&list, id, NULL);
	assert_int_equal(list.count, EBB_REASON_COUNT);
	for (uint32_t i = 0; i < list.count; i++) {
		struct ebb_reason reason;

		ebb_reason_render(&list, i, &reason);
		assert_string_equal(reason.name, ebb_reason_name(i));
		assert_true(
			strspn(reason.name, "abcdefghijklmnopqrstuvwxyz-") ==
			strlen(reason.name));
		assert_true(strlen(reason.text) > 10);
		assert_true(strlen(reason.remedy) > 10);
		for (uint32_t j = 0; j < i; j++)
			assert_string_not_equal(reason.name,
						ebb_reason_name(j));
	}
}

static void test_first_of_a_kind_is_kept(void **state)
{
	struct ebb_reason_list list = { 0 };
	struct ebb_reason reason;

	(void)state;
	assert_false(ebb_reason_has(&list, EBB_REASON_VFIO));
	ebb_reason_add(&list, EBB_REASON_VFIO, "device %d", 1);
	ebb_reason_add(&list, EBB_REASON_VFIO, "device %d", 2);
	assert_int_equal(list.count, 1);
	assert_true(ebb_reason_has(&list, EBB_REASON_VFIO));
	ebb_reason_render(&list, 0, &reason);
	assert_non_null(strstr(reason.text, "(device 1)"));
}

static void test_long_detail_is_cut(void **state)
{
	struct ebb_reason_list list = { 0 };
	struct ebb_reason reason;
	char text[1024];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	ebb_reason_add(&list, EBB_REASON_NO_MODULE, "%s", text);
	ebb_reason_render(&list, 0, &reason);
	assert_int_equal(strlen(ebb_reason_detail(&list, 0)),
			 EBB_STRING_BYTES_MAX - 1);
	assert_int_equal(reason.text[strlen(reason.text) - 1], ')');
}

static void test_what_a_guest_says_is_whole(void **state)
{
	struct ebb_reason_list list = { 0 };
	struct ebb_reason reason;
	char text[EBB_STRING_BYTES_MAX];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	ebb_reason_add(&list, EBB_REASON_NO_MODULE, "%s", text);
	ebb_reason_render(&list, 0, &reason);
	assert_non_null(strstr(reason.text, text));
}

/* What does not fit any more costs a reason its detail, not the reason. */
static void test_details_run_out(void **state)
{
	struct ebb_reason_list list = { 0 };
	char text[EBB_STRING_BYTES_MAX];
	size_t whole = 0, bytes = 0;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	for (int id = 0; id < EBB_REASON_COUNT; id++)
		ebb_reason_add(&list, id, "%s", text);
	assert_int_equal(list.count, EBB_REASON_COUNT);
	for (uint32_t i = 0; i < list.count; i++) {
		const char *detail = ebb_reason_detail(&list, i);

		assert_int_equal(list.items[i].id, i);
		whole += strcmp(detail, text) == 0;
		bytes += *detail ? strlen(detail) + 1 : 0;
	}
	assert_int_equal(whole, EBB_REASON_DETAILS_BYTES / sizeof(text) - 1);
	assert_int_equal(bytes, EBB_REASON_DETAILS_BYTES - 1);
	assert_string_equal(ebb_reason_detail(&list, list.count - 1), "");
}

static void test_sort_keeps_details(void **state)
{
	struct ebb_reason_list list = { 0 };

	(void)state;
	for (int id = EBB_REASON_COUNT - 1; id >= 0; id--)
		ebb_reason_add(&list, id, "%d", id);
	ebb_reason_sort(&list);
	for (int id = 0; id < EBB_REASON_COUNT; id++) {
		char detail[16];

		snprintf(detail, sizeof(detail), "%d", id);
		assert_int_equal(list.items[id].id, id);
		assert_string_equal(ebb_reason_detail(&list, id), detail);
	}
}

static struct ebb_doctor examine(const struct ebb_probe *probe)
{
	struct ebb_doctor doctor;

	memset(&doctor, 0xaa, sizeof(doctor));
	ebb_doctor_examine(probe, &doctor);
	assert_true(doctor.check_count <= EBB_ARRAY_SIZE(doctor.checks));
	return doctor;
}

static uint32_t count_status(const struct ebb_doctor *doctor,
			     const char *status)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < doctor->check_count; i++)
		count += strcmp(doctor->checks[i].status, status) == 0;
	return count;
}

static struct ebb_backing backings[2];

static struct ebb_probe running_probe(void)
{
	struct ebb_probe probe = { .running = true };

	memset(backings, 0, sizeof(backings));
	probe.qemu.backing_count = 1;
	probe.qemu.backings = backings;
	backings[0].page_bytes = 2 * EBB_MIB;
	return probe;
}

static void test_healthy_domain(void **state)
{
	struct ebb_probe probe = running_probe();
	struct ebb_doctor doctor;

	(void)state;
	probe.attached = true;
	doctor = examine(&probe);
	assert_string_equal(doctor.rung, "lease");
	assert_int_equal(count_status(&doctor, "ok"), doctor.check_count);
}

static void test_each_reason_fails_one_check(void **state)
{
	(void)state;
	for (int id = 0; id < EBB_REASON_COUNT; id++) {
		struct ebb_probe probe = running_probe();
		struct ebb_doctor doctor;
		struct ebb_reason reason;
		uint32_t found = 0;

		/* Nothing that fails: test_booting(). */
		if (id == EBB_REASON_GUEST_BOOTING)
			continue;
		ebb_reason_add(&probe.reasons, id, "the detail");
		ebb_reason_render(&probe.reasons, 0, &reason);
		doctor = examine(&probe);
		assert_int_equal(count_status(&doctor, "fail"), 1);
		for (uint32_t i = 0; i < doctor.check_count; i++) {
			if (strcmp(doctor.checks[i].status, "fail") != 0)
				continue;
			assert_string_equal(doctor.checks[i].text, reason.text);
			assert_string_equal(doctor.checks[i].remedy,
					    reason.remedy);
			assert_string_equal(doctor.checks[i].xml, reason.xml);
			found++;
		}
		assert_int_equal(found, 1);
		/* Not attached: the last point cannot be well. */
		assert_string_equal(doctor.rung, "observe");
		assert_true(count_status(&doctor, "skip") >= 1 ||
			    count_status(&doctor, "fail") == 1);
	}
}

/* What was found is told even where a check before it failed. */
static void test_all_reasons_at_once(void **state)
{
	struct ebb_probe probe = running_probe();
	struct ebb_doctor doctor;

	(void)state;
	for (int id = 0; id < EBB_REASON_COUNT; id++)
		ebb_reason_add(&probe.reasons, id, NULL);
	doctor = examine(&probe);
	/* That it boots is no fault. */
	assert_int_equal(count_status(&doctor, "fail"), EBB_REASON_COUNT - 1);
	/* There is room for the free target, too. */
	assert_true(doctor.check_count < EBB_ARRAY_SIZE(doctor.checks));
}

static const struct ebb_check *find_check(const struct ebb_doctor *doctor,
					  const char *name)
{
	for (uint32_t i = 0; i < doctor->check_count; i++)
		if (strcmp(doctor->checks[i].name, name) == 0)
			return &doctor->checks[i];
	fail_msg("no check '%s'", name);
	return NULL;
}

static unsigned int seconds_told(const char *text)
{
	const char *told = strstr(text, "look again in ");
	unsigned int seconds = 0;

	assert_non_null(told);
	assert_int_equal(sscanf(told, "look again in %u s", &seconds), 1);
	return seconds;
}

/* It is no fault, and when to look again is told. */
static void test_booting(void **state)
{
	unsigned int left_s;
	struct ebb_probe probe = running_probe();
	struct ebb_doctor doctor;

	(void)state;
	probe.boot_end_ns = ebb_now_ns() + 87 * EBB_NS_PER_S - 1;
	ebb_reason_add(&probe.reasons, EBB_REASON_GUEST_BOOTING, NULL);
	doctor = examine(&probe);
	assert_int_equal(count_status(&doctor, "fail"), 0);
	assert_string_equal(find_check(&doctor, "agent")->status, "skip");
	/* In how long, when that is told. */
	left_s = seconds_told(find_check(&doctor, "agent")->text);
	assert_in_range(left_s, 60, 87);
	probe.boot_end_ns -= 50 * EBB_NS_PER_S;
	doctor = examine(&probe);
	assert_in_range(seconds_told(find_check(&doctor, "agent")->text), 10,
			left_s - 50);
	probe.boot_end_ns = 1;
	doctor = examine(&probe);
	assert_int_equal(seconds_told(find_check(&doctor, "agent")->text), 1);
	assert_string_equal(find_check(&doctor, "module")->text,
			    "Not looked at: the guest boots");
	ebb_doctor_examine_target(&probe, "", false, &doctor);
	assert_string_equal(find_check(&doctor, "free-target")->text,
			    "Not looked at: the guest boots");

	/* A channel is to be mended all the same. */
	ebb_reason_add(&probe.reasons, EBB_REASON_NO_CHANNEL, NULL);
	doctor = examine(&probe);
	assert_int_equal(count_status(&doctor, "fail"), 1);
	assert_non_null(strstr(find_check(&doctor, "module")->text, "mend"));
}

/* Without an agent only the definition of the balloon is known. */
static void test_page_reporting(void **state)
{
	struct ebb_probe probe = running_probe();
	struct ebb_doctor doctor;

	(void)state;
	ebb_reason_add(&probe.reasons, EBB_REASON_NO_AGENT, NULL);
	doctor = examine(&probe);
	assert_null(
		strstr(find_check(&doctor, "page-reporting")->text, "is free"));
	probe.have_info = true;
	doctor = examine(&probe);
	assert_non_null(
		strstr(find_check(&doctor, "page-reporting")->text, "is free"));
	ebb_reason_add(&probe.reasons, EBB_REASON_REPORTING_BUSY, NULL);
	doctor = examine(&probe);
	assert_string_equal(find_check(&doctor, "page-reporting")->status,
			    "fail");
}

/* What the guest can do for a free target, each with its remedy. */
static void test_free_target(void **state)
{
	static const struct {
		bool have_info, module_loaded;
		const char *mechanism;
		bool too_old;
		const char *status, *says, *remedy;
	} cases[] = {
		{ false, false, "", false, "skip", "Not looked at", "" },
		{ true, true, "", false, "ok", "(module)", "" },
		{ true, true, "module", false, "ok", "(module)", "" },
		{ true, false, "", false, "warn", "(knobs)", "modprobe" },
		{ true, true, "knobs", false, "warn", "(knobs)", "modprobe" },
		{ true, false, "none", false, "warn", "(none)", "modprobe" },
		{ true, true, "", true, "warn", "too old", "ebb-agent" },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		struct ebb_probe probe = running_probe();
		struct ebb_doctor doctor = { 0 };

		probe.have_info = cases[i].have_info;
		probe.info.module_loaded = cases[i].module_loaded;
		ebb_doctor_examine_target(&probe, cases[i].mechanism,
					  cases[i].too_old, &doctor);
		assert_int_equal(doctor.check_count, 1);
		assert_string_equal(doctor.checks[0].name, "free-target");
		assert_string_equal(doctor.checks[0].status, cases[i].status);
		assert_non_null(strstr(doctor.checks[0].text, cases[i].says));
		assert_non_null(
			strstr(doctor.checks[0].remedy, cases[i].remedy));
	}
}

static void test_balloon(void **state)
{
	struct ebb_doctor doctor = { 0 };

	(void)state;
	ebb_doctor_examine_balloon(0, 0, EBB_GIB, &doctor);
	assert_int_equal(doctor.check_count, 0);
	ebb_doctor_examine_balloon(EBB_GIB / 2, 0, EBB_GIB, &doctor);
	assert_int_equal(doctor.check_count, 1);
	assert_string_equal(doctor.checks[0].status, "warn");
	assert_non_null(strstr(doctor.checks[0].text,
			       "512.0 MiB of the guest's 1.0 GiB"));
	assert_non_null(strstr(doctor.checks[0].remedy, " 1048576K "));
	ebb_doctor_examine_balloon(EBB_GIB / 2, EBB_GIB / 4, EBB_GIB, &doctor);
	assert_non_null(strstr(doctor.checks[1].text, "256.0 MiB of it for"));
	assert_non_null(strstr(doctor.checks[1].remedy, "ebbctl deflate"));
}

static void test_policy_is_paused(void **state)
{
	struct ebb_doctor doctor = { 0 };

	(void)state;
	ebb_doctor_examine_pause("web1", &doctor);
	ebb_doctor_examine_pause("", &doctor);
	assert_int_equal(doctor.check_count, 2);
	assert_string_equal(doctor.checks[0].status, "warn");
	assert_string_equal(doctor.checks[0].remedy,
			    "To have it go on: ebbctl policy resume web1");
	assert_string_equal(doctor.checks[1].remedy,
			    "To have it go on: ebbctl policy resume");
}

static void test_skipped_after_a_failure(void **state)
{
	struct ebb_probe probe = { 0 };
	struct ebb_doctor doctor;

	(void)state;
	ebb_reason_add(&probe.reasons, EBB_REASON_NOT_RUNNING, NULL);
	doctor = examine(&probe);
	assert_string_equal(doctor.rung, "-");
	assert_string_equal(doctor.checks[0].name, "running");
	assert_string_equal(doctor.checks[0].status, "fail");
	assert_int_equal(count_status(&doctor, "skip"), doctor.check_count - 1);

	probe = running_probe();
	ebb_reason_add(&probe.reasons, EBB_REASON_NO_AGENT, NULL);
	doctor = examine(&probe);
	for (uint32_t i = 0, failed = 0; i < doctor.check_count; i++) {
		const char *status = doctor.checks[i].status;

		if (strcmp(doctor.checks[i].name, "page-size") == 0)
			continue;
		if (strcmp(doctor.checks[i].name, "agent") == 0)
			failed = 1;
		else
			assert_string_equal(status, failed ? "skip" : "ok");
	}
	assert_int_equal(count_status(&doctor, "fail"), 1);
}

/* Where libvirt keeps files is not known before it starts: neither well nor wrong. */
static void test_defined_of_files(void **state)
{
	struct ebb_probe probe = { .defined_only = true };
	struct ebb_doctor doctor;
	const struct ebb_check *check;

	(void)state;
	ebb_reason_add(&probe.reasons, EBB_REASON_NOT_RUNNING, NULL);
	for (int of_files = 0; of_files < 2; of_files++) {
		probe.domxml.of_files = of_files;
		doctor = examine(&probe);
		check = find_check(&doctor, "memory-backing");
		assert_string_equal(check->status, of_files ? "warn" : "ok");
		assert_int_equal(!!*check->remedy, of_files);
	}
}

/* The backing that is worst off decides. */
static void test_transparent_huge_pages(void **state)
{
	static const struct {
		bool fits, enabled;
		enum ebb_backing_kind kind;
		const char *status, *says, *remedy;
	} cases[] = {
		{ false, false, EBB_BACKING_MEMFD, "warn", "do not fit",
		  "Back the guest" },
		{ false, true, EBB_BACKING_FILE, "warn", "do not fit",
		  "Back the guest" },
		{ true, false, EBB_BACKING_MEMFD, "warn", "gives it no",
		  "shmem_enabled" },
		{ true, false, EBB_BACKING_FILE, "warn", "gives it no",
		  "huge=advise" },
		{ true, true, EBB_BACKING_FILE, "ok", "transparent", "" },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		struct ebb_probe probe = running_probe();
		struct ebb_doctor doctor;
		const struct ebb_check *last;

		probe.attached = true;
		probe.qemu.backing_count = 2;
		probe.qemu.backings[1] = (struct ebb_backing){
			.kind = cases[i].kind,
			.page_bytes = 4096,
			.huge_fits = cases[i].fits,
			.huge_enabled = cases[i].enabled,
		};
		doctor = examine(&probe);
		last = &doctor.checks[doctor.check_count - 1];
		assert_string_equal(last->name, "page-size");
		assert_string_equal(last->status, cases[i].status);
		assert_non_null(strstr(last->text, cases[i].says));
		if (!*cases[i].remedy)
			assert_string_equal(last->remedy, "");
		assert_non_null(strstr(last->remedy, cases[i].remedy));
	}
}

static void test_small_pages_are_a_warning(void **state)
{
	struct ebb_probe probe = running_probe();
	struct ebb_doctor doctor;
	struct ebb_check *last;

	(void)state;
	probe.attached = true;
	probe.qemu.backings[0].page_bytes = 4096;
	doctor = examine(&probe);
	last = &doctor.checks[doctor.check_count - 1];
	assert_string_equal(last->name, "page-size");
	assert_string_equal(last->status, "warn");
	assert_non_null(strstr(last->text, "4.0 KiB"));
	assert_non_null(strstr(last->xml, "<hugepages>"));
	assert_int_equal(count_status(&doctor, "fail"), 0);
}

static void test_estimate_table(void **state)
{
	static const struct {
		uint64_t backing, resident, free_huge, min, max;
	} cases[] = {
		{ 0, 0, 0, 0, 0 },
		{ 100, 100, 0, 0, 0 },
		{ 100, 100, 40, 40, 40 },
		{ 100, 60, 40, 0, 40 },
		{ 100, 80, 40, 20, 40 },
		{ 100, 10, 40, 0, 10 },
		{ 100, 0, 100, 0, 0 },
		/* A guest may say anything. */
		{ 100, 70, UINT64_MAX, 70, 70 },
		/* THP beyond the end of the file. */
		{ 100, 128, 100, 100, 100 },
		{ UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		struct ebb_estimate estimate = ebb_estimate_reclaim(
			cases[i].backing, cases[i].resident,
			cases[i].free_huge);

		assert_int_equal(estimate.min_bytes, cases[i].min);
		assert_int_equal(estimate.max_bytes, cases[i].max);
	}
}

/* All books of a small world: the bounds hold, whichever range is resident. */
static void test_estimate_bounds(void **state)
{
	(void)state;
	for (uint64_t backing = 0; backing < 12; backing++)
		for (uint64_t resident = 0; resident < 14; resident++)
			for (uint64_t free_huge = 0; free_huge < 20;
			     free_huge++) {
				struct ebb_estimate estimate =
					ebb_estimate_reclaim(backing, resident,
							     free_huge);

				assert_true(estimate.min_bytes <=
					    estimate.max_bytes);
				assert_true(estimate.max_bytes <= resident);
				assert_true(estimate.max_bytes <= backing);
				assert_true(estimate.max_bytes <= free_huge);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_of_each_reason),
		cmocka_unit_test(test_first_of_a_kind_is_kept),
		cmocka_unit_test(test_long_detail_is_cut),
		cmocka_unit_test(test_what_a_guest_says_is_whole),
		cmocka_unit_test(test_details_run_out),
		cmocka_unit_test(test_sort_keeps_details),
		cmocka_unit_test(test_healthy_domain),
		cmocka_unit_test(test_each_reason_fails_one_check),
		cmocka_unit_test(test_all_reasons_at_once),
		cmocka_unit_test(test_booting),
		cmocka_unit_test(test_page_reporting),
		cmocka_unit_test(test_free_target),
		cmocka_unit_test(test_balloon),
		cmocka_unit_test(test_policy_is_paused),
		cmocka_unit_test(test_skipped_after_a_failure),
		cmocka_unit_test(test_defined_of_files),
		cmocka_unit_test(test_small_pages_are_a_warning),
		cmocka_unit_test(test_transparent_huge_pages),
		cmocka_unit_test(test_estimate_table),
		cmocka_unit_test(test_estimate_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
