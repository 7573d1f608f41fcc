/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/history/samples.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "host/history/samples_file.h"

#define FINE_MS ((uint64_t)EBB_FINE_S * 1000)
#define COARSE_MS (FINE_MS * EBB_FINE_PER_COARSE)

enum {
	/* A day, in fine records: a clock that is further behind is wrong. */
	WIPE_MAX = 24 * 3600 / EBB_FINE_S,
};

/* @count: fine ones that it is of. */
struct coarse {
	uint32_t slot; /* in spans of its own */
	uint32_t check;
	uint32_t min[EBB_HISTORY_SERIES];
	uint32_t avg[EBB_HISTORY_SERIES];
	uint32_t max[EBB_HISTORY_SERIES];
	uint8_t rung;
	uint8_t known;
	uint16_t count;
};

_Static_assert(sizeof(struct ebb_fine) == 44 && sizeof(struct coarse) == 108,
	       "the file's format: another one is another EBB_SAMPLES_FORMAT");
_Static_assert(EBB_FINE_COUNT % EBB_FINE_PER_COARSE == 0,
	       "the fine records of a coarse one lie side by side");

#define COARSE_OFFSET \
	(EBB_STORE_HEAD_BYTES + EBB_FINE_COUNT * sizeof(struct ebb_fine))

static bool is_pressure(enum ebb_history_kind kind, unsigned int series)
{
	return series == (kind == EBB_HISTORY_DOMAIN
				  ? (unsigned int)EBB_DOMAIN_PRESSURE
				  : (unsigned int)EBB_BUDGET_PRESSURE);
}

uint32_t ebb_samples_pack(enum ebb_history_kind kind, unsigned int series,
			  uint64_t value)
{
	if (!is_pressure(kind, series))
		value = value / EBB_SAMPLES_UNIT_BYTES;
	return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

static uint64_t unpack(enum ebb_history_kind kind, unsigned int series,
		       uint64_t value)
{
	return is_pressure(kind, series) ? value
					 : value * EBB_SAMPLES_UNIT_BYTES;
}

/* ---- records ---- */

static uint64_t fine_offset(uint32_t slot)
{
	return EBB_STORE_HEAD_BYTES +
	       slot % EBB_FINE_COUNT * sizeof(struct ebb_fine);
}

static uint64_t coarse_offset(uint32_t slot)
{
	return COARSE_OFFSET + slot % EBB_COARSE_COUNT * sizeof(struct coarse);
}

static uint32_t check_fine(const struct ebb_fine *fine)
{
	struct ebb_fine copy = *fine;

	copy.check = 0;
	return ebb_store_check(&copy, sizeof(copy));
}

static uint32_t check_coarse(const struct coarse *coarse)
{
	struct coarse copy = *coarse;

	copy.check = 0;
	return ebb_store_check(&copy, sizeof(copy));
}

static bool is_fine_of(const struct ebb_fine *fine, uint32_t slot)
{
	return fine->slot == slot && fine->check == check_fine(fine);
}

static bool is_coarse_of(const struct coarse *coarse, uint32_t slot)
{
	return coarse->slot == slot && coarse->check == check_coarse(coarse);
}

/* Sums up what several records say. */
struct sum {
	uint32_t count;
	uint8_t rung;
	uint32_t counts[EBB_HISTORY_SERIES];
	uint64_t min[EBB_HISTORY_SERIES];
	uint64_t max[EBB_HISTORY_SERIES];
	uint64_t sum[EBB_HISTORY_SERIES];
};

static void sum_value(struct sum *sum, unsigned int series,
		      const struct coarse *of)
{
	if (sum->counts[series] == 0 || of->min[series] < sum->min[series])
		sum->min[series] = of->min[series];
	if (of->max[series] > sum->max[series])
		sum->max[series] = of->max[series];
	sum->sum[series] += (uint64_t)of->avg[series] * of->count;
	sum->counts[series] += of->count;
}

static void sum_coarse(struct sum *sum, const struct coarse *coarse)
{
	sum->count += coarse->count;
	sum->rung = coarse->rung;
	for (unsigned int i = 0; i < EBB_HISTORY_SERIES; i++)
		if (coarse->known & 1U << i)
			sum_value(sum, i, coarse);
}

static void sum_fine(struct sum *sum, const struct ebb_fine *fine)
{
	struct coarse one = {
		.rung = fine->rung,
		.known = fine->known,
		.count = 1,
	};

	memcpy(one.min, fine->values, sizeof(one.min));
	memcpy(one.avg, fine->values, sizeof(one.avg));
	memcpy(one.max, fine->values, sizeof(one.max));
	sum_coarse(sum, &one);
}

/* A coarse record of all fine ones of its span, as they lie in the file. */
static void make_coarse(const struct ebb_fine *fines, uint32_t slot,
			struct coarse *ret_coarse)
{
	struct sum sum = { 0 };

	memset(ret_coarse, 0, sizeof(*ret_coarse));
	for (uint32_t i = 0; i < EBB_FINE_PER_COARSE; i++)
		if (is_fine_of(&fines[i], slot * EBB_FINE_PER_COARSE + i))
			sum_fine(&sum, &fines[i]);
	if (sum.count == 0)
		return;
	ret_coarse->slot = slot;
	ret_coarse->rung = sum.rung;
	ret_coarse->count = (uint16_t)sum.count;
	for (unsigned int i = 0; i < EBB_HISTORY_SERIES; i++) {
		if (sum.counts[i] == 0)
			continue;
		ret_coarse->known = (uint8_t)(ret_coarse->known | 1U << i);
		ret_coarse->min[i] = (uint32_t)sum.min[i];
		ret_coarse->avg[i] = (uint32_t)(sum.sum[i] / sum.counts[i]);
		ret_coarse->max[i] = (uint32_t)sum.max[i];
	}
	ret_coarse->check = check_coarse(ret_coarse);
}

/* ---- writing ---- */

static void drop_later(struct ebb_fine *fines, uint32_t count, uint32_t last)
{
	for (uint32_t i = 0; i < count; i++)
		if (fines[i].slot > last)
			fines[i] = (struct ebb_fine){ 0 };
}

/*
 * All fine records of the span of a coarse one, as they are in the file (@fd: -1: there
 * is none) but for those after @last, with those of @fines that belong to it. Returns 0 or
 * -errno.
 */
static int load_span(int fd, uint32_t slot, const struct ebb_fine *fines,
		     uint32_t count, uint32_t last, struct ebb_fine *ret_fines)
{
	size_t bytes = EBB_FINE_PER_COARSE * sizeof(*ret_fines);
	int r = 0;

	memset(ret_fines, 0, bytes);
	if (fd >= 0)
		r = ebb_store_read(fd, ret_fines, bytes,
				   fine_offset(slot * EBB_FINE_PER_COARSE));
	drop_later(ret_fines, EBB_FINE_PER_COARSE, last);
	for (uint32_t i = 0; i < count; i++) {
		struct ebb_fine *fine;

		if (fines[i].slot / EBB_FINE_PER_COARSE != slot)
			continue;
		fine = &ret_fines[fines[i].slot % EBB_FINE_PER_COARSE];
		*fine = fines[i];
		fine->zero = 0;
		fine->check = check_fine(fine);
	}
	return r;
}

static int write_span(int fd, uint32_t slot, const struct ebb_fine *fines,
		      uint32_t count)
{
	struct ebb_fine span[EBB_FINE_PER_COARSE];
	struct coarse coarse;
	int r = load_span(fd, slot, fines, count, UINT32_MAX, span);

	if (r < 0)
		return r;
	make_coarse(span, slot, &coarse);
	r = ebb_store_write(fd, span, sizeof(span),
			    fine_offset(slot * EBB_FINE_PER_COARSE));
	if (r < 0)
		return r;
	return ebb_store_write(fd, &coarse, sizeof(coarse),
			       coarse_offset(slot));
}

/* Whether some record is so much later than @last that the clock must be wrong now. */
static bool is_far_behind(const struct ebb_fine *fines, uint32_t last)
{
	for (uint32_t i = 0; i < EBB_FINE_COUNT; i++)
		if (fines[i].slot > last && fines[i].slot - last > WIPE_MAX &&
		    is_fine_of(&fines[i], fines[i].slot))
			return true;
	return false;
}

/*
 * All that is later than @last, but for the coarse record that it is of. Returns 0 or
 * -errno.
 */
static int wipe_rings(int fd, uint32_t last)
{
	static const struct ebb_fine no_fine;
	static const struct coarse no_coarse;
	ebb_auto_free struct ebb_fine *fines =
		calloc(EBB_FINE_COUNT, sizeof(*fines));
	ebb_auto_free struct coarse *coarses =
		calloc(EBB_COARSE_COUNT, sizeof(*coarses));
	int r = fines && coarses ? 0 : -ENOMEM;

	if (r == 0)
		r = ebb_store_read(fd, fines, EBB_FINE_COUNT * sizeof(*fines),
				   fine_offset(0));
	if (r == 0)
		r = ebb_store_read(fd, coarses,
				   EBB_COARSE_COUNT * sizeof(*coarses),
				   coarse_offset(0));
	if (r == 0 && is_far_behind(fines, last))
		return 0;
	for (uint32_t i = 0; r == 0 && i < EBB_FINE_COUNT; i++)
		if (fines[i].slot > last)
			r = ebb_store_write(fd, &no_fine, sizeof(no_fine),
					    fine_offset(i));
	for (uint32_t i = 0; r == 0 && i < EBB_COARSE_COUNT; i++)
		if (coarses[i].slot > last / EBB_FINE_PER_COARSE)
			r = ebb_store_write(fd, &no_coarse, sizeof(no_coarse),
					    coarse_offset(i));
	return r;
}

int ebb_samples_write(const struct ebb_store *store,
		      const struct ebb_subject_key *key,
		      const struct ebb_fine *fines, uint32_t count, bool wipe,
		      bool *ret_set_aside)
{
	ebb_auto_close int fd = -1;
	uint32_t first = 0;
	int r = 0;

	if (count == 0)
		return 0;
	fd = ebb_samples_open_ready(store, key, ret_set_aside);
	if (fd < 0)
		return fd;
	if (wipe)
		r = wipe_rings(fd, fines[count - 1].slot);
	while (r == 0 && first < count) {
		uint32_t slot = fines[first].slot / EBB_FINE_PER_COARSE;

		r = write_span(fd, slot, fines, count);
		while (first < count &&
		       fines[first].slot / EBB_FINE_PER_COARSE == slot)
			first++;
	}
	return r;
}

/* ---- reading ---- */

struct ebb_samples_span
ebb_samples_plan(const struct ebb_history_request *request, uint64_t now_ms)
{
	uint64_t fine_ms = FINE_MS * EBB_FINE_COUNT;
	uint64_t coarse_ms = COARSE_MS * EBB_COARSE_COUNT;
	uint32_t limit = request->limit ? request->limit : EBB_HISTORY_POINTS;
	struct ebb_samples_span span = {
		.since_ms = request->since_ms,
		.until_ms = request->until_ms,
	};
	uint64_t base_ms;
	uint32_t points;

	if (limit > EBB_HISTORY_POINTS_MAX)
		limit = EBB_HISTORY_POINTS_MAX;
	if (request->last_ms) {
		span.until_ms = 0;
		span.since_ms = request->last_ms < now_ms
					? now_ms - request->last_ms
					: 0;
	}
	/* What is of now is there, too. */
	if (span.until_ms == 0 || span.until_ms > now_ms)
		span.until_ms = now_ms + 1;
	if (now_ms > coarse_ms && span.since_ms < now_ms - coarse_ms)
		span.since_ms = now_ms - coarse_ms;
	if (span.since_ms > span.until_ms)
		span.since_ms = span.until_ms;

	/* A step and a limit may mean less than that. */
	if (request->step_ms > 0 && request->step_ms < coarse_ms &&
	    (span.until_ms - span.since_ms) / request->step_ms >= limit)
		span.since_ms = span.until_ms - request->step_ms * limit;
	span.coarse = now_ms > fine_ms && span.since_ms < now_ms - fine_ms;
	base_ms = span.coarse ? COARSE_MS : FINE_MS;
	span.step_ms = request->step_ms;
	if (span.step_ms == 0)
		span.step_ms = (span.until_ms - span.since_ms) / limit;
	if (span.step_ms > coarse_ms)
		span.step_ms = coarse_ms;
	span.step_ms = (span.step_ms + base_ms - 1) / base_ms * base_ms;
	if (span.step_ms == 0)
		span.step_ms = base_ms;
	/* Points begin at multiples of the step, so that they are the same next time. */
	span.since_ms -= span.since_ms % span.step_ms;
	points = ebb_samples_points(&span);
	if (points > limit)
		span.since_ms += span.step_ms * (points - limit);
	return span;
}

uint32_t ebb_samples_points(const struct ebb_samples_span *span)
{
	return (uint32_t)((span->until_ms - span->since_ms + span->step_ms -
			   1) /
			  span->step_ms);
}

static void make_point(const struct sum *sum, enum ebb_history_kind kind,
		       uint64_t time_ms, struct ebb_history_point *ret_point)
{
	*ret_point = (struct ebb_history_point){ .time_ms = time_ms };
	if (sum->rung < EBB_RUNG_COUNT)
		snprintf(ret_point->rung, sizeof(ret_point->rung), "%s",
			 ebb_rung_name((enum ebb_rung_id)sum->rung));
	for (unsigned int i = 0; i < EBB_HISTORY_SERIES; i++) {
		if (sum->counts[i] == 0)
			continue;
		ret_point->values[i] = (struct ebb_history_value){
			.known = true,
			.min = unpack(kind, i, sum->min[i]),
			.avg = unpack(kind, i, sum->sum[i] / sum->counts[i]),
			.max = unpack(kind, i, sum->max[i]),
		};
	}
}

/* The rings as they are in the file, with what is not written yet. */
struct image {
	struct ebb_fine *fines;
	struct coarse *coarses;
};

static void place_fine(struct ebb_fine *fines, const struct ebb_fine *fine)
{
	struct ebb_fine *place = &fines[fine->slot % EBB_FINE_COUNT];

	*place = *fine;
	place->zero = 0;
	place->check = check_fine(place);
}

/* Each coarse record of @fines as it will be. */
static int place_coarse(int fd, struct coarse *coarses,
			const struct ebb_fine *fines, uint32_t count,
			uint32_t last)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t slot = fines[i].slot / EBB_FINE_PER_COARSE;
		struct ebb_fine span[EBB_FINE_PER_COARSE];
		int r;

		if (i > 0 && fines[i - 1].slot / EBB_FINE_PER_COARSE == slot)
			continue;
		r = load_span(fd, slot, fines, count, last, span);
		if (r < 0)
			return r;
		make_coarse(span, slot, &coarses[slot % EBB_COARSE_COUNT]);
	}
	return 0;
}

static int load_coarse(int fd, const struct ebb_fine *fines, uint32_t count,
		       uint32_t last, struct coarse *coarses)
{
	int r = 0;

	if (fd >= 0)
		r = ebb_store_read(fd, coarses,
				   EBB_COARSE_COUNT * sizeof(*coarses),
				   coarse_offset(0));
	for (uint32_t i = 0; i < EBB_COARSE_COUNT; i++)
		if (coarses[i].slot > last / EBB_FINE_PER_COARSE)
			coarses[i] = (struct coarse){ 0 };
	return r < 0 ? r : place_coarse(fd, coarses, fines, count, last);
}

static int load_fine(int fd, const struct ebb_fine *fines, uint32_t count,
		     uint32_t last, struct ebb_fine *all)
{
	int r = 0;

	if (fd >= 0)
		r = ebb_store_read(fd, all, EBB_FINE_COUNT * sizeof(*all),
				   fine_offset(0));
	drop_later(all, EBB_FINE_COUNT, last);
	for (uint32_t i = 0; i < count; i++)
		place_fine(all, &fines[i]);
	return r;
}

static void sum_slot(const struct image *image, bool coarse, uint32_t slot,
		     struct sum *sum)
{
	if (coarse) {
		const struct coarse *record =
			&image->coarses[slot % EBB_COARSE_COUNT];

		if (is_coarse_of(record, slot))
			sum_coarse(sum, record);
	} else {
		const struct ebb_fine *record =
			&image->fines[slot % EBB_FINE_COUNT];

		if (is_fine_of(record, slot))
			sum_fine(sum, record);
	}
}

static int make_points(const struct image *image, enum ebb_history_kind kind,
		       const struct ebb_samples_span *span,
		       struct ebb_history_point *ret_points)
{
	uint64_t base_ms = span->coarse ? COARSE_MS : FINE_MS;
	uint32_t points = ebb_samples_points(span);
	int count = 0;

	for (uint32_t p = 0; p < points; p++) {
		uint64_t time_ms = span->since_ms + p * span->step_ms;
		struct sum sum = { 0 };

		for (uint64_t ms = time_ms;
		     ms < time_ms + span->step_ms && ms < span->until_ms;
		     ms += base_ms)
			sum_slot(image, span->coarse, (uint32_t)(ms / base_ms),
				 &sum);
		if (sum.count > 0)
			make_point(&sum, kind, time_ms, &ret_points[count++]);
	}
	return count;
}

int ebb_samples_read(const struct ebb_store *store,
		     const struct ebb_subject_key *key,
		     const struct ebb_fine *fines, uint32_t count, bool wipe,
		     const struct ebb_samples_span *span,
		     struct ebb_history_point *ret_points)
{
	ebb_auto_free struct ebb_fine *fine_image =
		calloc(EBB_FINE_COUNT, sizeof(*fine_image));
	ebb_auto_free struct coarse *coarse_image =
		calloc(EBB_COARSE_COUNT, sizeof(*coarse_image));
	const struct image image = { fine_image, coarse_image };
	uint32_t last = wipe && count > 0 ? fines[count - 1].slot : UINT32_MAX;
	ebb_auto_close int fd = -1;
	int r;

	if (!fine_image || !coarse_image)
		return -ENOMEM;
	r = ebb_samples_open_to_read(store, key, &fd);
	if (r == 0 && span->coarse)
		r = load_coarse(fd, fines, count, last, coarse_image);
	else if (r == 0)
		r = load_fine(fd, fines, count, last, fine_image);
	return r < 0 ? r : make_points(&image, key->kind, span, ret_points);
}
