/* SPDX-License-Identifier: GPL-2.0-only */
/* Amounts of memory as people write and read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/size.h"

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{ "0", 0 },
		{ "1B", 1 },
		{ "1048576", EBB_MIB },
		{ "2097152", 2 * EBB_MIB },
		{ "7B", 7 },
		{ "512K", 512 * EBB_KIB },
		{ "512M", 512 * EBB_MIB },
		{ "512m", 512 * EBB_MIB },
		{ "512MiB", 512 * EBB_MIB },
		{ "512 MiB", 512 * EBB_MIB },
		{ "1.5GiB", 1536 * EBB_MIB },
		{ "0.5k", 512 },
		{ "1.125G", 1152 * EBB_MIB },
		{ "2T", 2048 * EBB_GIB },
		{ "007K", 7 * EBB_KIB },
		{ "4000000000000000000", 4000000000000000000 },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(good); i++) {
		uint64_t bytes = 4711;

		if (ebb_size_parse(good[i].text, &bytes) != 0)
			fail_msg("refused: %s", good[i].text);
		assert_int_equal(bytes, good[i].bytes);
	}
}

static void test_refuse(void **state)
{
	static const struct {
		const char *text;
		int r;
	} bad[] = {
		{ "", -EINVAL },
		{ " ", -EINVAL },
		{ "1", -EINVAL },
		{ "1.5", -EINVAL },
		{ "0.5", -EINVAL },
		{ "1048575", -EINVAL },
		{ "-1", -EINVAL },
		{ "+1", -EINVAL },
		{ "M", -EINVAL },
		{ ".5G", -EINVAL },
		{ "1.", -EINVAL },
		{ "1.G", -EINVAL },
		{ "1.2345G", -EINVAL },
		{ "1,5G", -EINVAL },
		{ "1e9", -EINVAL },
		{ "0x10", -EINVAL },
		{ "1MB", -EINVAL },
		{ "1GB", -EINVAL },
		{ "1P", -EINVAL },
		{ "1MiBx", -EINVAL },
		{ "1M 2", -EINVAL },
		{ "1M ", -EINVAL },
		{ " 1M", -EINVAL },
		{ "99999999999999999999", -ERANGE },
		{ "8388608T", -ERANGE },
		{ "9223372036854775807G", -ERANGE },
		{ "18446744073709551616", -ERANGE },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(bad); i++) {
		uint64_t bytes = 4711;

		if (ebb_size_parse(bad[i].text, &bytes) != bad[i].r)
			fail_msg("not refused as it should: '%s'", bad[i].text);
		assert_int_equal(bytes, 4711);
	}
}

static void test_trouble(void **state)
{
	static const struct {
		const char *text;
		const char *trouble;
	} texts[] = {
		{ "0", "must be positive" },
		{ "-1G", "must be positive" },
		{ "8388608T", "more than any" },
		{ "1MB", "two things" },
		{ "1gb", "two things" },
		{ "512", "no unit" },
		{ "1.5", "no unit" },
		{ "", "is no size" },
		{ "B", "is no size" },
		{ "1MiBx", "is no size" },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(texts); i++)
		if (!strstr(ebb_size_trouble(texts[i].text), texts[i].trouble))
			fail_msg("'%s' %s", texts[i].text,
				 ebb_size_trouble(texts[i].text));
}

static void test_format(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} texts[] = {
		{ 0, "0 B" },
		{ 1, "1 B" },
		{ 1023, "1023 B" },
		{ 1024, "1.0 KiB" },
		{ 1536, "1.5 KiB" },
		{ EBB_MIB - 1, "1.0 MiB" },
		{ 1858 * EBB_MIB, "1.8 GiB" },
		{ 2 * EBB_GIB, "2.0 GiB" },
		{ UINT64_MAX, "16.0 EiB" },
	};
	char text[EBB_SIZE_TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(texts); i++) {
		assert_ptr_equal(ebb_size_format(texts[i].bytes, text,
						 sizeof(text)),
				 text);
		assert_string_equal(text, texts[i].text);
	}
}

/* No text is longer than what the header promises room for. */
static void test_room(void **state)
{
	char text[64];

	(void)state;
	for (int shift = 0; shift < 64; shift++)
		for (int less = 0; less < 2; less++) {
			uint64_t bytes =
				((uint64_t)1 << shift) - (uint64_t)less;

			ebb_size_format(bytes, text, sizeof(text));
			assert_true(strlen(text) < EBB_SIZE_TEXT_BYTES);
		}
}

static void test_format_exact(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} texts[] = {
		{ 0, "0" },
		{ 1, "1B" },
		{ 1025, "1025B" },
		{ EBB_MIB + 1, "1048577" },
		{ 1536 * EBB_KIB, "1536K" },
		{ 4 * EBB_GIB, "4G" },
		{ 2048 * EBB_GIB, "2T" },
		{ INT64_MAX, "9223372036854775807" },
	};
	char text[20];

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(texts); i++)
		assert_string_equal(ebb_size_format_exact(texts[i].bytes, text,
							  sizeof(text)),
				    texts[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_refuse),
		cmocka_unit_test(test_trouble),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_format_exact),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
