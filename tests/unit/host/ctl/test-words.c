/* SPDX-License-Identifier: GPL-2.0-only */
/* Durations, and the words that mistyped ones are near to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "host/interface/duration.h"
#include "host/interface/nearest.h"

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		int error;
		uint32_t ms;
	} cases[] = {
		{ "0ms", 0, 0 },
		{ "50ms", 0, 50 },
		{ "60s", 0, 60000 },
		{ "5m", 0, 300000 },
		{ "4294967295ms", 0, UINT32_MAX },
		{ "4294967296ms", -ERANGE, 0 },
		{ "4294968s", -ERANGE, 0 },
		{ "99999999999999999999s", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "60", -EINVAL, 0 },
		{ "s", -EINVAL, 0 },
		{ "-1s", -EINVAL, 0 },
		{ "+1s", -EINVAL, 0 },
		{ " 1s", -EINVAL, 0 },
		{ "1 s", -EINVAL, 0 },
		{ "1.5s", -EINVAL, 0 },
		{ "6h", 0, 21600000 },
		{ "2d", 0, 172800000 },
		{ "50d", -ERANGE, 0 },
		{ "1w", -EINVAL, 0 },
		{ "1sx", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		uint32_t ms = 0;

		assert_int_equal(ebb_duration_parse(cases[i].text, &ms),
				 cases[i].error);
		assert_int_equal(ms, cases[i].ms);
	}
}

static void test_nearest(void **state)
{
	static const char *const known[] = { "list", NULL, "reclaim", "doctor",
					     "log-level" };
	static const struct {
		const char *word;
		const char *near;
	} cases[] = {
		{ "list", "list" },
		{ "lst", "list" },
		{ "lits", "list" },
		{ "recalim", "reclaim" },
		{ "docter", "doctor" },
		{ "loglevel", "log-level" },
		{ "log_levl", "log-level" },
		{ "rec", "reclaim" },
		{ "l", NULL },
		{ "xy", NULL },
		{ "status", NULL },
		{ "", NULL },
	};
	char longer[500];

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		const char *near = ebb_nearest(cases[i].word, known,
					       EBB_ARRAY_SIZE(known));

		if (cases[i].near)
			assert_string_equal(near, cases[i].near);
		else
			assert_null(near);
	}
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_null(ebb_nearest(longer, known, EBB_ARRAY_SIZE(known)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
