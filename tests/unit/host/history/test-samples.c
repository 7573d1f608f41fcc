/* SPDX-License-Identifier: GPL-2.0-only */
/* The file of samples: rings that wrap, damage, clocks that are set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "host/history/samples.h"
#include "host/history/wall.h"

#define MIB (UINT64_C(1) << 20)

enum {
	/* A multiple of all spans. */
	BASE = 5670000 * EBB_FINE_PER_COARSE,
	FILE_BYTES = 512 + EBB_FINE_COUNT * 44 + EBB_COARSE_COUNT * 108,
};

static char dir[32];
static struct ebb_store store = EBB_STORE_NONE;
static const struct ebb_subject_key key = {
	.kind = EBB_HISTORY_DOMAIN,
	.name = "web1",
	.uuid = "11111111-2222-3333-4444-555555555555",
};
static struct ebb_history_point points[EBB_HISTORY_POINTS_MAX];

static struct ebb_fine fine_of(uint32_t slot, uint64_t resident_bytes)
{
	struct ebb_fine fine = { .slot = slot, .rung = EBB_RUNG_LEASE };

	ebb_fine_set(&fine, EBB_HISTORY_DOMAIN, EBB_DOMAIN_RESIDENT,
		     resident_bytes);
	return fine;
}

static void write_fines(const struct ebb_fine *fines, uint32_t count, bool wipe,
			bool is_set_aside)
{
	bool set_aside = false;

	assert_int_equal(ebb_samples_write(&store, &key, fines, count, wipe,
					   &set_aside),
			 0);
	assert_int_equal(set_aside, is_set_aside);
}

/* One for each slot, with a resident of so many MiB as its number from @first on. */
static void write_run(uint32_t first, uint32_t count)
{
	struct ebb_fine fines[EBB_FINE_PER_COARSE];

	for (uint32_t i = 0; i < count; i++) {
		fines[i % EBB_FINE_PER_COARSE] = fine_of(first + i, i * MIB);
		if ((i + 1) % EBB_FINE_PER_COARSE == 0 || i + 1 == count)
			write_fines(fines, i % EBB_FINE_PER_COARSE + 1, false,
				    false);
	}
}

static int read_span(uint32_t first, uint32_t count, uint32_t step, bool coarse,
		     const struct ebb_fine *fines, uint32_t fine_count)
{
	const struct ebb_samples_span span = {
		.since_ms = (uint64_t)first * EBB_FINE_S * 1000,
		.until_ms = (uint64_t)(first + count) * EBB_FINE_S * 1000,
		.step_ms = (uint64_t)step * EBB_FINE_S * 1000,
		.coarse = coarse,
	};

	return ebb_samples_read(&store, &key, fines, fine_count, false, &span,
				points);
}

static void check_point(const struct ebb_history_point *point, uint32_t slot,
			uint64_t min_mib, uint64_t avg_mib, uint64_t max_mib)
{
	const struct ebb_history_value *value =
		&point->values[EBB_DOMAIN_RESIDENT];

	assert_int_equal(point->time_ms, (uint64_t)slot * EBB_FINE_S * 1000);
	assert_string_equal(point->rung, "lease");
	assert_true(value->known);
	assert_int_equal(value->min, min_mib * MIB);
	assert_int_equal(value->avg, avg_mib * MIB);
	assert_int_equal(value->max, max_mib * MIB);
	assert_false(point->values[EBB_DOMAIN_FREE].known);
}

static void path_of(char *path, size_t bytes)
{
	char name[EBB_SAMPLES_NAME_BYTES];

	ebb_samples_name(&key, name);
	snprintf(path, bytes, "%s/%s", dir, name);
}

static void overwrite(uint64_t offset, const void *bytes, size_t count)
{
	ebb_auto_close int fd = -1;
	char path[128];

	path_of(path, sizeof(path));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, count, (off_t)offset),
			 (ssize_t)count);
}

/* ---- what is kept ---- */

static void test_what_was_written_is_read(void **state)
{
	(void)state;
	write_run(BASE, 6);
	assert_int_equal(read_span(BASE - 3, 20, 1, false, NULL, 0), 6);
	check_point(&points[0], BASE, 0, 0, 0);
	check_point(&points[5], BASE + 5, 5, 5, 5);
	/* Steps of more than one, which begin at their multiples. */
	assert_int_equal(read_span(BASE, 6, 3, false, NULL, 0), 2);
	check_point(&points[0], BASE, 0, 1, 2);
	check_point(&points[1], BASE + 3, 3, 4, 5);
}

static void test_what_waits_is_read_with_it(void **state)
{
	const struct ebb_fine fines[] = { fine_of(BASE + 1, 9 * MIB),
					  fine_of(BASE + 2, 3 * MIB) };

	(void)state;
	write_run(BASE, 2);
	assert_int_equal(read_span(BASE, 30, 1, false, fines, 2), 3);
	check_point(&points[1], BASE + 1, 9, 9, 9);
	check_point(&points[2], BASE + 2, 3, 3, 3);
	assert_int_equal(read_span(BASE, 30, 30, true, fines, 2), 1);
	check_point(&points[0], BASE, 0, 4, 9);
	/* Also where nothing is kept on disk. */
	store = EBB_STORE_NONE;
	assert_int_equal(read_span(BASE, 30, 1, false, fines, 2), 2);
}

static void test_rings_wrap(void **state)
{
	uint32_t count = EBB_FINE_COUNT + 2 * EBB_FINE_PER_COARSE;
	struct stat info;
	char path[128];
	int read;

	(void)state;
	write_run(BASE, count);
	/* The first of them are overwritten, and are not taken for others. */
	read = read_span(BASE, 4 * EBB_FINE_PER_COARSE, 1, false, NULL, 0);
	assert_int_equal(read, 2 * EBB_FINE_PER_COARSE);
	check_point(&points[0], BASE + 2 * EBB_FINE_PER_COARSE, 60, 60, 60);
	/* What they were is in the coarse ring. */
	read = read_span(BASE, EBB_FINE_PER_COARSE, EBB_FINE_PER_COARSE, true,
			 NULL, 0);
	assert_int_equal(read, 1);
	assert_int_equal(points[0].values[EBB_DOMAIN_RESIDENT].min, 0);
	assert_int_equal(points[0].values[EBB_DOMAIN_RESIDENT].max, 29 * MIB);
	path_of(path, sizeof(path));
	assert_int_equal(stat(path, &info), 0);
	assert_true(info.st_size <= FILE_BYTES);
}

/* ebbd was started again in the midst of a coarse span. */
static void test_coarse_goes_on(void **state)
{
	const struct ebb_fine later = fine_of(BASE + 20, 100 * MIB);

	(void)state;
	write_run(BASE, 4);
	write_fines(&later, 1, true, false);
	assert_int_equal(read_span(BASE, 30, 30, true, NULL, 0), 1);
	/* (0 + 1 + 2 + 3 + 100) / 5 in whole pages. */
	assert_int_equal(points[0].values[EBB_DOMAIN_RESIDENT].avg / MIB, 21);
	assert_int_equal(points[0].values[EBB_DOMAIN_RESIDENT].max, 100 * MIB);
}

/* ---- damage ---- */

static void test_damaged_record_is_a_gap(void **state)
{
	(void)state;
	write_run(BASE, 5);
	overwrite(EBB_STORE_HEAD_BYTES + (BASE + 2) % EBB_FINE_COUNT * 44 + 9,
		  "\x55", 1);
	assert_int_equal(read_span(BASE, 30, 1, false, NULL, 0), 4);
	check_point(&points[1], BASE + 1, 1, 1, 1);
	check_point(&points[2], BASE + 3, 3, 3, 3);
}

static void test_file_cut_short(void **state)
{
	const struct ebb_fine next = fine_of(BASE + 5, 7 * MIB);
	char path[128];

	(void)state;
	write_run(BASE, 5);
	path_of(path, sizeof(path));
	assert_int_equal(
		truncate(path, EBB_STORE_HEAD_BYTES +
				       (BASE + 3) % EBB_FINE_COUNT * 44 + 20),
		0);
	assert_int_equal(read_span(BASE, 30, 1, false, NULL, 0), 3);
	/* And is written to again. */
	write_fines(&next, 1, true, false);
	assert_int_equal(read_span(BASE, 30, 1, false, NULL, 0), 4);
}

static void check_begins_anew(void)
{
	const struct ebb_fine next = fine_of(BASE + 9, 7 * MIB);
	struct ebb_subject_key found;
	char name[EBB_SAMPLES_NAME_BYTES], damaged[128];

	/* Who reads is told of no samples, and changes nothing. */
	assert_int_equal(read_span(BASE, 30, 1, false, NULL, 0), 0);
	ebb_samples_name(&key, name);
	assert_int_equal(ebb_samples_identify(&store, name, &found), -EBADMSG);
	write_fines(&next, 1, true, true);
	assert_int_equal(read_span(BASE, 30, 1, false, NULL, 0), 1);
	assert_int_equal(ebb_samples_identify(&store, name, &found), 0);
	assert_string_equal(found.name, "web1");
	snprintf(damaged, sizeof(damaged), "%s/damaged", dir);
	assert_int_equal(access(damaged, F_OK), 0);
}

static void test_damaged_head_is_set_aside(void **state)
{
	(void)state;
	write_run(BASE, 5);
	overwrite(30, "\x55", 1);
	check_begins_anew();
}

static void test_other_version_is_set_aside(void **state)
{
	(void)state;
	write_run(BASE, 5);
	overwrite(8, "\x02", 1);
	check_begins_anew();
}

static void test_other_file_is_set_aside(void **state)
{
	char path[128];

	(void)state;
	path_of(path, sizeof(path));
	assert_int_equal(mkfifo(path, 0600), 0);
	check_begins_anew();
}

static void test_head_cut_short_is_set_aside(void **state)
{
	char path[128];

	(void)state;
	write_run(BASE, 5);
	path_of(path, sizeof(path));
	assert_int_equal(truncate(path, 3), 0);
	check_begins_anew();
}

/* What a disk that is full does; it is no fault of the file. */
static void test_no_room(void **state)
{
	struct rlimit before, none;
	const struct ebb_fine fine = fine_of(BASE, MIB);
	bool set_aside = false;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none = before;
	none.rlim_cur = 100;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_int_equal(ebb_samples_write(&store, &key, &fine, 1, true,
					   &set_aside),
			 -EFBIG);
	assert_false(set_aside);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	/* The head that was half written then is set aside, and all is well. */
	assert_int_equal(
		ebb_samples_write(&store, &key, &fine, 1, true, &set_aside), 0);
	assert_int_equal(read_span(BASE, 30, 1, false, NULL, 0), 1);
}

/* ---- the clock ---- */

static void test_clock_set_back_wipes_what_is_later(void **state)
{
	const struct ebb_fine now = fine_of(BASE - 35, 50 * MIB);

	(void)state;
	write_run(BASE - 40, 60);
	write_fines(&now, 1, true, false);
	assert_int_equal(read_span(BASE - 40, 90, 1, false, NULL, 0), 6);
	check_point(&points[5], BASE - 35, 50, 50, 50);
	/* Of the coarse ones as well. */
	assert_int_equal(read_span(BASE - 60, 90, 30, true, NULL, 0), 1);
	assert_int_equal(points[0].values[EBB_DOMAIN_RESIDENT].max, 50 * MIB);
}

static void test_clock_set_on_leaves_a_gap(void **state)
{
	const struct ebb_fine now = fine_of(BASE + 100, 50 * MIB);

	(void)state;
	write_run(BASE, 3);
	write_fines(&now, 1, true, false);
	assert_int_equal(read_span(BASE, 120, 1, false, NULL, 0), 4);
	check_point(&points[3], BASE + 100, 50, 50, 50);
}

static void test_changes_of_the_clock(void **state)
{
	const struct ebb_wall before = { 1000000, 500000, 400000 };
	static const struct {
		struct ebb_wall now;
		int64_t step_ms;
		uint64_t slept_ms;
	} cases[] = {
		{ { 1010000, 510000, 410000 }, 0, 0 },
		/* Made to go a little faster. */
		{ { 1010500, 510000, 410000 }, 0, 0 },
		{ { 4610000, 510000, 410000 }, 3600000, 0 },
		{ { 410000, 510000, 410000 }, -600000, 0 },
		/* Slept: both know. */
		{ { 1070000, 570000, 410000 }, 0, 60000 },
		{ { 4670000, 570000, 410000 }, 3600000, 60000 },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		struct ebb_wall_change change =
			ebb_wall_change(&before, &cases[i].now);

		assert_int_equal(change.step_ms, cases[i].step_ms);
		assert_int_equal(change.slept_ms, cases[i].slept_ms);
	}
}

/* ---- what is asked for ---- */

static void check_plan(struct ebb_history_request request, uint64_t since_ms,
		       uint64_t step_ms, bool coarse)
{
	uint64_t now_ms = (uint64_t)BASE * EBB_FINE_S * 1000 + 5000;
	struct ebb_samples_span span = ebb_samples_plan(&request, now_ms);

	assert_int_equal(span.since_ms, since_ms);
	assert_int_equal(span.step_ms, step_ms);
	assert_int_equal(span.coarse, coarse);
	assert_true(ebb_samples_points(&span) <= EBB_HISTORY_POINTS_MAX);
}

static void test_plans(void **state)
{
	uint64_t base_ms = (uint64_t)BASE * EBB_FINE_S * 1000;
	uint64_t now_ms = base_ms + 5000;

	(void)state;
	/* An hour, each 10 s. */
	check_plan((struct ebb_history_request){ .last_ms = 3600000 },
		   base_ms - 3590000, 10000, false);
	/* A day does not fit into the fine ring. */
	check_plan((struct ebb_history_request){ .last_ms = 86400000 },
		   base_ms - 86400000, 300000, true);
	/* All: not before there can be anything. */
	check_plan((struct ebb_history_request){ .limit = 5000 },
		   base_ms - 604800000, 600000, true);
	/* A step that is none, and a limit: the newest. */
	check_plan((struct ebb_history_request){ .last_ms = 3600000,
						 .step_ms = 11000,
						 .limit = 3 },
		   base_ms - 40000, 20000, false);
	/* The future. */
	check_plan((struct ebb_history_request){ .since_ms = now_ms * 2 },
		   base_ms, 10000, false);
	check_plan((struct ebb_history_request){ .step_ms = UINT64_MAX >> 1 },
		   base_ms - base_ms % 604800000 - 604800000, 604800000, true);
}

/* As at a boot, before the host has the right time. */
static void test_wrong_clock_wipes_nothing(void **state)
{
	const uint32_t early = BASE - 400 * 24 * 3600 / EBB_FINE_S;
	struct ebb_fine fine = fine_of(early, MIB);

	(void)state;
	write_run(BASE, 60);
	write_fines(&fine, 1, true, false);
	/* But for those whose places it takes, if any. */
	assert_true(read_span(BASE, 60, 1, false, NULL, 0) >=
		    60 - EBB_FINE_PER_COARSE);
	fine = fine_of(BASE - 10, MIB);
	write_fines(&fine, 1, true, false);
	assert_int_equal(read_span(BASE, 60, 1, false, NULL, 0), 0);
}

/* Some number below 2^63, the same each time. */
static uint64_t draw(uint64_t *state, uint64_t below)
{
	*state = *state * UINT64_C(6364136223846793005) +
		 UINT64_C(1442695040888963407);
	return (*state >> 1) % below;
}

static void test_no_plan_has_more_points_than_its_limit(void **state)
{
	const uint64_t now_ms = (uint64_t)BASE * EBB_FINE_S * 1000 + 5000;
	const uint64_t week_ms = UINT64_C(604800000);
	uint64_t seed = 1;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		struct ebb_history_request request = {
			.limit = (uint32_t)draw(&seed,
						EBB_HISTORY_POINTS_MAX + 1),
			.step_ms = draw(&seed, 2) * draw(&seed, week_ms),
			.last_ms = draw(&seed, 2) * draw(&seed, week_ms * 2),
			.since_ms = now_ms - draw(&seed, week_ms * 2),
			.until_ms = draw(&seed, 2) * (now_ms + week_ms -
						      draw(&seed, week_ms * 2)),
		};
		const struct ebb_samples_span span =
			ebb_samples_plan(&request, now_ms);
		uint32_t limit = request.limit ? request.limit
					       : EBB_HISTORY_POINTS;

		assert_true(ebb_samples_points(&span) <= limit);
		assert_true(span.since_ms <= span.until_ms);
		assert_int_equal(span.since_ms % span.step_ms, 0);
	}
}

static void test_sizes_have_a_bound(void **state)
{
	(void)state;
	assert_int_equal(ebb_samples_pack(EBB_HISTORY_DOMAIN,
					  EBB_DOMAIN_RESIDENT, UINT64_MAX),
			 UINT32_MAX);
	assert_int_equal(ebb_samples_pack(EBB_HISTORY_DOMAIN,
					  EBB_DOMAIN_PRESSURE, 12345),
			 12345);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(dir, "test-samples.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	return ebb_store_open(dir, &store);
}

static int tear_down(void **state)
{
	static const char *const names[] = { "lock", "damaged" };
	char path[128];

	(void)state;
	ebb_store_close(&store);
	path_of(path, sizeof(path));
	unlink(path);
	for (size_t i = 0; i < EBB_ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	return rmdir(dir);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_was_written_is_read),
		TEST(test_what_waits_is_read_with_it),
		TEST(test_rings_wrap),
		TEST(test_coarse_goes_on),
		TEST(test_damaged_record_is_a_gap),
		TEST(test_file_cut_short),
		TEST(test_damaged_head_is_set_aside),
		TEST(test_other_version_is_set_aside),
		TEST(test_other_file_is_set_aside),
		TEST(test_head_cut_short_is_set_aside),
		TEST(test_no_room),
		TEST(test_clock_set_back_wipes_what_is_later),
		TEST(test_clock_set_on_leaves_a_gap),
		cmocka_unit_test(test_changes_of_the_clock),
		TEST(test_wrong_clock_wipes_nothing),
		cmocka_unit_test(test_plans),
		cmocka_unit_test(test_no_plan_has_more_points_than_its_limit),
		cmocka_unit_test(test_sizes_have_a_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
