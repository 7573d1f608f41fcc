/* SPDX-License-Identifier: GPL-2.0-only */
/* The settings of a domain: what is read, written, and laid over what. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/interface/settings.h"

static struct ebb_settings settings;
static struct ebb_msg_error error;

static int set(enum ebb_setting setting, const char *text)
{
	return ebb_setting_parse(setting, text, &settings.values, &error);
}

static void assert_is(enum ebb_setting setting, const char *expected)
{
	char text[EBB_SETTING_TEXT_BYTES];

	assert_string_equal(ebb_setting_format(setting, &settings.values, text),
			    expected);
}

static void test_default(void **state)
{
	(void)state;
	ebb_settings_default(&settings);
	assert_is(EBB_SETTING_MODE, "balanced");
	assert_is(EBB_SETTING_MIN, "none");
	assert_is(EBB_SETTING_MAX, "none");
	assert_is(EBB_SETTING_SHARES, "1000");
	assert_is(EBB_SETTING_RUNGS, "all");
	assert_is(EBB_SETTING_RESERVED, "keep");
	for (int i = 0; i < EBB_SETTING_COUNT; i++) {
		assert_string_equal(settings.origins[i].text, "default");
		assert_int_equal(
			ebb_setting_find(ebb_setting_name((enum ebb_setting)i)),
			i);
	}
	assert_int_equal(ebb_setting_find("Mode"), -ENOENT);
}

/* What is written is what was read. */
static void test_round_trip(void **state)
{
	static const struct {
		enum ebb_setting setting;
		const char *text;
		const char *exact;
	} cases[] = {
		{ EBB_SETTING_MODE, "performance", "performance" },
		{ EBB_SETTING_MODE, "density", "density" },
		{ EBB_SETTING_MIN, "1.5 GiB", "1536M" },
		{ EBB_SETTING_MIN, "1%", "1%" },
		{ EBB_SETTING_MIN, "0", "none" },
		{ EBB_SETTING_MAX, "100%", "100%" },
		{ EBB_SETTING_MAX, "none", "none" },
		{ EBB_SETTING_SHARES, "1", "1" },
		{ EBB_SETTING_SHARES, "1000000", "1000000" },
		{ EBB_SETTING_RUNGS, "none", "none" },
		{ EBB_SETTING_RUNGS, " lease", "lease" },
		{ EBB_SETTING_RUNGS, "report , report", "report" },
		{ EBB_SETTING_RUNGS, "all,", "all" },
		{ EBB_SETTING_RESERVED, "share", "share" },
		{ EBB_SETTING_RESERVED, "keep", "keep" },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		assert_int_equal(set(cases[i].setting, cases[i].text), 0);
		assert_is(cases[i].setting, cases[i].exact);
		assert_int_equal(set(cases[i].setting, cases[i].exact), 0);
		assert_is(cases[i].setting, cases[i].exact);
	}
}

static void test_refused(void **state)
{
	static const struct {
		enum ebb_setting setting;
		const char *text;
		int result;
		const char *says;
	} cases[] = {
		{ EBB_SETTING_MODE, "", -EINVAL, "give performance, balanced" },
		{ EBB_SETTING_MODE, "dense", -EINVAL,
		  "give performance, balanced" },
		{ EBB_SETTING_MODE, "densty", -EINVAL, "mean 'density'?" },
		{ EBB_SETTING_MIN, "-1", -EINVAL, "'-1' must be positive" },
		{ EBB_SETTING_MIN, "0%", -ERANGE, "25%" },
		{ EBB_SETTING_MIN, "101%", -ERANGE, "25%" },
		{ EBB_SETTING_MIN, "1000000000000000000000%", -ERANGE, "25%" },
		{ EBB_SETTING_MIN, "50% ", -EINVAL, "25%" },
		{ EBB_SETTING_MIN, "4GB", -EINVAL, "two things" },
		{ EBB_SETTING_MIN, "2", -EINVAL, "no unit" },
		{ EBB_SETTING_MAX, "0", -ERANGE, "none" },
		{ EBB_SETTING_SHARES, "0", -ERANGE, "1 to 1000000" },
		{ EBB_SETTING_SHARES, "1000001", -ERANGE, "1 to 1000000" },
		{ EBB_SETTING_SHARES, "4294967297", -ERANGE, "1 to 1000000" },
		{ EBB_SETTING_SHARES, "2.5", -EINVAL, "1 to 1000000" },
		{ EBB_SETTING_SHARES, "x\ny", -EINVAL, "'x?y'" },
		{ EBB_SETTING_RUNGS, "", -EINVAL,
		  "give all, none, or some of" },
		{ EBB_SETTING_RUNGS, " , ", -EINVAL, "lease, report" },
		{ EBB_SETTING_RUNGS, "leese", -EINVAL, "mean 'lease'?" },
		{ EBB_SETTING_RUNGS, "lease, reprot", -EINVAL,
		  "'reprot' is not accepted: did you mean 'report'?" },
		{ EBB_SETTING_RUNGS, "Lease", -EINVAL, "mean 'lease'?" },
		/* It is always allowed, so nobody can mean it alone. */
		{ EBB_SETTING_RUNGS, "observe", -EINVAL,
		  "'observe' is not accepted: give all, none" },
		{ EBB_SETTING_RUNGS, "lease none", -EINVAL,
		  "'none' is not accepted: give" },
		{ EBB_SETTING_RUNGS, "all report", -EINVAL,
		  "'report' is not accepted: give" },
		{ EBB_SETTING_RUNGS, "lease;report", -EINVAL,
		  "'lease;report'" },
		{ EBB_SETTING_RESERVED, "shared", -EINVAL, "mean 'share'?" },
		{ EBB_SETTING_RESERVED, "yes", -EINVAL, "keep or share" },
	};

	(void)state;
	ebb_settings_default(&settings);
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		struct ebb_settings before = settings;

		assert_int_equal(set(cases[i].setting, cases[i].text),
				 cases[i].result);
		assert_non_null(strstr(error.text, cases[i].says));
		assert_memory_equal(&settings, &before, sizeof(before));
	}
}

/* Whatever rungs there are: each by itself, and all but each. */
static void test_each_rung(void **state)
{
	(void)state;
	for (int id = 0; id < EBB_RUNG_COUNT; id++) {
		uint32_t bit = ebb_rung_bit((enum ebb_rung_id)id);
		const uint32_t sets[] = { bit & EBB_RUNGS_NAMED,
					  EBB_RUNGS_NAMED & ~bit,
					  EBB_RUNGS_NAMED, EBB_RUNGS_ALL };

		for (size_t i = 0; i < EBB_ARRAY_SIZE(sets); i++) {
			char text[EBB_SETTING_TEXT_BYTES];

			settings.values.rungs = sets[i];
			ebb_setting_format(EBB_SETTING_RUNGS, &settings.values,
					   text);
			settings.values.rungs = 0;
			assert_int_equal(set(EBB_SETTING_RUNGS, text), 0);
			assert_int_equal(settings.values.rungs, sets[i]);
		}
	}
	assert_false(ebb_rungs_have(EBB_RUNGS_NAMED, EBB_RUNG_OBSERVE));
	assert_int_equal(ebb_rungs_named_in("lease, other report"),
			 ebb_rung_bit(EBB_RUNG_LEASE) |
				 ebb_rung_bit(EBB_RUNG_REPORT));
	assert_int_equal(ebb_rungs_named_in("all, lease"),
			 ebb_rung_bit(EBB_RUNG_LEASE));
	assert_int_equal(ebb_rungs_named_in("observe"), 0);
}

static void test_amounts(void **state)
{
	struct ebb_amount amount = { .percent = 25 };

	(void)state;
	assert_int_equal(ebb_amount_bytes(&amount, 4 * EBB_GIB), EBB_GIB);
	assert_int_equal(ebb_amount_bytes(&amount, 0), 0);
	amount = (struct ebb_amount){ .bytes = EBB_MIB };
	assert_int_equal(ebb_amount_bytes(&amount, 4 * EBB_GIB), EBB_MIB);
}

static void test_overlay(void **state)
{
	struct ebb_settings over = { .values.shares = 7 };

	(void)state;
	ebb_settings_default(&settings);
	strcpy(over.origins[EBB_SETTING_SHARES].text, "domain");
	ebb_settings_overlay(&settings, &over);
	assert_is(EBB_SETTING_SHARES, "7");
	assert_is(EBB_SETTING_MODE, "balanced");
	assert_string_equal(settings.origins[EBB_SETTING_SHARES].text,
			    "domain");
	assert_string_equal(settings.origins[EBB_SETTING_MODE].text, "default");
}

static void test_check(void **state)
{
	static const struct {
		const char *min;
		const char *max;
		uint64_t memory_bytes;
		bool fits;
	} cases[] = {
		{ "none", "none", 0, true },
		{ "4G", "none", 0, true },
		{ "none", "1G", 0, true },
		{ "1G", "1G", 0, true },
		{ "1025M", "1G", 0, false },
		{ "50%", "49%", 0, false },
		{ "49%", "50%", 0, true },
		{ "50%", "1G", 0, true },
		{ "50%", "1G", EBB_GIB, true },
		{ "50%", "1G", 4 * EBB_GIB, false },
		{ "1G", "20%", 0, true },
		{ "1G", "20%", EBB_GIB, false },
	};

	(void)state;
	ebb_settings_default(&settings);
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		assert_int_equal(set(EBB_SETTING_MIN, cases[i].min), 0);
		assert_int_equal(set(EBB_SETTING_MAX, cases[i].max), 0);
		assert_int_equal(ebb_settings_check(&settings.values,
						    cases[i].memory_bytes,
						    &error),
				 cases[i].fits ? 0 : -ERANGE);
	}
	assert_string_equal(error.text, "min is 1G, but max is 20%: lower min, "
					"or raise max");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_each_rung),
		cmocka_unit_test(test_amounts),
		cmocka_unit_test(test_overlay),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
