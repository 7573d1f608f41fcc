/* SPDX-License-Identifier: GPL-2.0-only */
/* The progress bar as a pure function of bytes, time and width. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/ctl/progress.h"

static void test_lines(void **state)
{
	static const struct {
		struct ctl_progress progress;
		unsigned int columns;
		const char *line;
	} cases[] = {
		{ { 512 * EBB_MIB, EBB_GIB, 1000 },
		  80,
		  "[=============>            ]  50%  512.0 MiB of 1.0 GiB  "
		  "512.0 MiB/s  0:01 left" },
		{ { 0, EBB_GIB, 0 },
		  60,
		  "[>                                ]   0%  0 B of 1.0 GiB  "
		  "-" },
		{ { EBB_GIB, EBB_GIB, 2000 },
		  60,
		  "[===================] 100%  1.0 GiB of 1.0 GiB  512.0 "
		  "MiB/s" },
		/* More than was hoped for is not more than all. */
		{ { 3 * EBB_GIB, EBB_GIB, 1000 },
		  60,
		  "[=====================] 100%  3.0 GiB of 1.0 GiB  3.0 "
		  "GiB/s" },
		/* Not known how much there is: no bar and no percentage. */
		{ { EBB_GIB, 0, 1000 }, 80, "1.0 GiB  1.0 GiB/s" },
		/* Narrower and narrower. */
		{ { 512 * EBB_MIB, EBB_GIB, 1000 },
		  51,
		  " 50%  512.0 MiB of 1.0 GiB  512.0 MiB/s  0:01 left" },
		{ { 512 * EBB_MIB, EBB_GIB, 1000 },
		  50,
		  " 50%  512.0 MiB of 1.0 GiB  512.0 MiB/s" },
		{ { 512 * EBB_MIB, EBB_GIB, 1000 },
		  39,
		  "[====>    ]  50%  512.0 MiB of 1.0 GiB" },
		{ { 512 * EBB_MIB, EBB_GIB, 1000 },
		  37,
		  " 50%  512.0 MiB of 1.0 GiB" },
		{ { 512 * EBB_MIB, EBB_GIB, 1000 }, 11, " 50%  512." },
		{ { 512 * EBB_MIB, EBB_GIB, 1000 }, 1, "" },
		{ { 512 * EBB_MIB, EBB_GIB, 1000 }, 0, "" },
		/* A guest that is driven: no estimate of its speed. */
		{ { 512 * EBB_MIB, EBB_GIB, 1000, true },
		  70,
		  "[=========>        ]  50%  512.0 MiB of 1.0 GiB  512.0 MiB/s  "
		  "driving" },
		{ { 512 * EBB_MIB, EBB_GIB, 1000, true },
		  46,
		  " 50%  512.0 MiB of 1.0 GiB  512.0 MiB/s" },
		/* One whose turn it is not. */
		{ { .waiting = true, .running = 1 },
		  80,
		  "waiting: 1 reclaim runs" },
		{ { .waiting = true, .running = 4, .ahead = 1 },
		  80,
		  "waiting: 4 reclaims run, 1 is ahead" },
		{ { .waiting = true, .running = 4, .ahead = 12 },
		  80,
		  "waiting: 4 reclaims run, 12 are ahead" },
		{ { .waiting = true, .running = 4, .ahead = 12 },
		  18,
		  "waiting: 4 reclai" },
		/* An estimate of days says nothing. */
		{ { 1, EBB_GIB, 60000 },
		  40,
		  "[>        ]   0%  1 B of 1.0 GiB  0 B/s" },
		{ { EBB_MIB, 125 * EBB_MIB, 1000 },
		  70,
		  "[>                 ]   0%  1.0 MiB of 125.0 MiB  1.0 MiB/s  "
		  "2:04 left" },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		char text[CTL_PROGRESS_TEXT_BYTES];

		ctl_progress_render(&cases[i].progress, cases[i].columns, text);
		assert_string_equal(text, cases[i].line);
	}
}

/* Whatever the numbers, the line never wraps. */
static void test_never_wraps(void **state)
{
	static const uint64_t bytes[] = { 0, 1, EBB_MIB, UINT64_MAX };
	static const uint32_t times[] = { 0, 1, UINT32_MAX };

	(void)state;
	for (unsigned int columns = 0; columns < 300; columns++) {
		for (size_t i = 0; i < 4 * 4 * 3; i++) {
			struct ctl_progress progress = {
				.bytes = bytes[i % 4],
				.total_bytes = bytes[i / 4 % 4],
				.elapsed_ms = times[i / 16],
				.driving = i % 2,
				.waiting = i % 5 == 0,
				.running = times[i / 16],
				.ahead = times[i % 3],
			};
			char text[CTL_PROGRESS_TEXT_BYTES];

			ctl_progress_render(&progress, columns, text);
			if (columns)
				assert_true(strlen(text) < columns);
		}
	}
}

static void test_rate(void **state)
{
	char text[EBB_SIZE_TEXT_BYTES + 2];

	(void)state;
	assert_string_equal(ctl_rate_format(EBB_GIB, 500000, text,
					    sizeof(text)),
			    "2.0 GiB/s");
	assert_string_equal(ctl_rate_format(EBB_GIB, 0, text, sizeof(text)),
			    "-");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_never_wraps),
		cmocka_unit_test(test_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
