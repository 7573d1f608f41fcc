/* SPDX-License-Identifier: GPL-2.0-only */
/* The setting of a free target: text to setting to text, and to a message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/interface/target.h"
#include "protocol/threshold.h"

static void test_texts(void **state)
{
	static const struct {
		const char *text;
		enum ebb_target_kind kind;
		uint64_t bytes;
		uint32_t percent;
		const char *formatted;
	} cases[] = {
		{ "none", EBB_TARGET_NONE, 0, 0, "none" },
		{ "auto", EBB_TARGET_AUTO, 0, 0, "auto" },
		{ "1%", EBB_TARGET_PERCENT, 0, 1, "1%" },
		{ "40%", EBB_TARGET_PERCENT, 0, 40, "40%" },
		{ "087%", EBB_TARGET_PERCENT, 0, 87, "87%" },
		{ "600M", EBB_TARGET_BYTES, 600 * EBB_MIB, 0, "600M" },
		{ "600MiB", EBB_TARGET_BYTES, 600 * EBB_MIB, 0, "600M" },
		{ "1.5g", EBB_TARGET_BYTES, 1536 * EBB_MIB, 0, "1536M" },
		{ "2048M", EBB_TARGET_BYTES, 2 * EBB_GIB, 0, "2G" },
		{ "3T", EBB_TARGET_BYTES, 3072 * EBB_GIB, 0, "3T" },
		{ "4K", EBB_TARGET_BYTES, 4 * EBB_KIB, 0, "4K" },
		{ "1025B", EBB_TARGET_BYTES, 1025, 0, "1025B" },
		{ "9007199254740993", EBB_TARGET_BYTES, 9007199254740993, 0,
		  "9007199254740993" },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		struct ebb_target_setting setting, again;
		char text[EBB_TARGET_TEXT_BYTES];

		assert_int_equal(
			ebb_target_parse(cases[i].text, &setting, NULL), 0);
		assert_int_equal(setting.kind, cases[i].kind);
		assert_int_equal(setting.bytes, cases[i].bytes);
		assert_int_equal(setting.percent, cases[i].percent);
		assert_string_equal(ebb_target_format(&setting, text),
				    cases[i].formatted);
		assert_int_equal(ebb_target_parse(text, &again, NULL), 0);
		assert_true(ebb_target_is_same(&setting, &again));
	}
}

static void test_bad_texts(void **state)
{
	static const struct {
		const char *text;
		int error;
		const char *says;
	} cases[] = {
		{ "", -EINVAL, "auto or none" },
		{ "None", -EINVAL, "auto or none" },
		{ "all", -EINVAL, "auto or none" },
		{ "-1G", -EINVAL, "auto or none" },
		{ "600MB", -EINVAL, "powers of 1024" },
		{ "600M ", -EINVAL, "such as 512M" },
		{ "0", -ERANGE, "must be positive" },
		{ "0.0G", -ERANGE, "auto or none" },
		{ "99999999T", -ERANGE, "Give less" },
		{ "%", -EINVAL, "40%" },
		{ "40 %", -EINVAL, "40%" },
		{ "40%%", -EINVAL, "40%" },
		{ "4.5%", -EINVAL, "whole number" },
		{ "-5%", -EINVAL, "whole number" },
		{ "0%", -ERANGE, "1% to 87%" },
		{ "88%", -ERANGE, "1% to 87%" },
		{ "4294967297%", -ERANGE, "1% to 87%" },
		{ "99999999999999999999999%", -ERANGE, "1% to 87%" },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		struct ebb_target_setting setting = { .percent = 77 };
		struct ebb_msg_error error;

		assert_int_equal(ebb_target_parse(cases[i].text, &setting,
						  &error),
				 cases[i].error);
		assert_int_equal(setting.percent, 77);
		assert_non_null(strstr(error.text, cases[i].says));
		assert_non_null(strstr(error.text, cases[i].text));
	}
}

static void test_check(void **state)
{
	struct ebb_target_setting setting = { .kind = EBB_TARGET_BYTES,
					      .bytes = 2 * EBB_GIB };
	struct ebb_msg_error error = { "" };

	(void)state;
	assert_int_equal(ebb_target_check(&setting, 2 * EBB_GIB, &error), 0);
	assert_int_equal(ebb_target_check(&setting, 0, &error), 0);
	assert_int_equal(ebb_target_check(&setting, EBB_GIB, &error), -ERANGE);
	assert_string_equal(error.text,
			    "2G is more than the guest's memory, which is 1.0 "
			    "GiB. Give less, or a percentage such as 40%");
	setting.kind = EBB_TARGET_AUTO;
	assert_int_equal(ebb_target_check(&setting, EBB_GIB, &error), 0);
}

static void test_messages(void **state)
{
	static const struct {
		struct ebb_target_setting setting;
		uint64_t bytes;
		bool automatic;
	} cases[] = {
		{ { .kind = EBB_TARGET_NONE }, 0, false },
		{ { .kind = EBB_TARGET_AUTO }, 0, true },
		{ { .kind = EBB_TARGET_BYTES, .bytes = EBB_MIB },
		  EBB_MIB,
		  false },
		{ { .kind = EBB_TARGET_PERCENT, .percent = 50 },
		  (2 * EBB_GIB) / 100 * 50,
		  false },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		struct ebb_msg_target message =
			ebb_target_message(&cases[i].setting, 2 * EBB_GIB);

		assert_int_equal(message.bytes, cases[i].bytes);
		assert_int_equal(message.automatic, cases[i].automatic);
		assert_int_equal(message.timeout_ms, EBB_TARGET_LEASE_MS);
		assert_int_equal(message.node_count, 0);
		assert_false(message.retry);
	}
}

/* Each reason of the module's has words; what no agent says has some, too. */
static void test_reasons(void **state)
{
	const char *unknown = ebb_target_reason_text("no-such-reason");

	(void)state;
	assert_non_null(strstr(unknown, "does not know"));
	for (uint32_t i = 0; i < EBB_DROP_REASON_COUNT; i++)
		assert_string_not_equal(
			ebb_target_reason_text(ebb_drop_reason_name(i)),
			unknown);
}

static void test_words_of_a_guest(void **state)
{
	static const struct {
		const char *word;
		const char *cleaned;
	} cases[] = {
		{ "", "" },
		{ "pressure", "pressure" },
		{ "memory-offline", "memory-offline" },
		{ "Pressure", "unknown" },
		{ "a b", "unknown" },
		{ "a\nweb2: all is well", "unknown" },
		{ "\033[2J", "unknown" },
		{ "\xc3\xa4", "unknown" },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		char word[32];

		strcpy(word, cases[i].word);
		ebb_target_clean_word(word);
		assert_string_equal(word, cases[i].cleaned);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_bad_texts),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_words_of_a_guest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
