/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/rung/cold.h"

#include <errno.h>
#include <stdlib.h>

#define PPM UINT64_C(1000000)

#define PAGE_BYTES UINT64_C(4096)

enum {
	/* A trial of which so small a part is in RAM says nothing. */
	TRIAL_PART = 4,
};

/* xorshift64* */
static uint64_t next_random(struct ebb_cold *cold)
{
	cold->random ^= cold->random >> 12;
	cold->random ^= cold->random << 25;
	cold->random ^= cold->random >> 27;
	return cold->random * UINT64_C(2685821657736338717);
}

static int count_present(const struct ebb_cold *cold, uint64_t start,
			 uint64_t bytes, uint64_t *ret_bytes)
{
	return cold->ops->present(cold->opaque, start, bytes, ret_bytes);
}

/* ---- the parts ---- */

static uint32_t parts_of(uint64_t bytes)
{
	return (uint32_t)((bytes + EBB_COLD_PART_BYTES - 1) /
			  EBB_COLD_PART_BYTES);
}

static void shuffle(struct ebb_cold *cold)
{
	for (uint32_t i = cold->count; i > 1; i--) {
		uint32_t other = (uint32_t)(next_random(cold) % i);
		struct ebb_cold_part part = cold->parts[i - 1];

		cold->parts[i - 1] = cold->parts[other];
		cold->parts[other] = part;
	}
}

static void add_parts(struct ebb_cold *cold,
		      const struct ebb_pages_range *range)
{
	for (uint64_t at = 0; at < range->bytes; at += EBB_COLD_PART_BYTES) {
		uint64_t left = range->bytes - at;

		cold->parts[cold->count++] = (struct ebb_cold_part){
			.start = range->start + at,
			.bytes = left < EBB_COLD_PART_BYTES
					 ? left
					 : EBB_COLD_PART_BYTES,
		};
	}
}

int ebb_cold_begin(const struct ebb_pages_range *ranges, uint32_t range_count,
		   const struct ebb_cold_ops *ops, void *opaque, uint64_t seed,
		   struct ebb_cold *ret_cold)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < range_count; i++)
		count += parts_of(ranges[i].bytes);
	*ret_cold = (struct ebb_cold){
		.ops = ops,
		.opaque = opaque,
		.random = seed ? seed : 1,
		/* An empty one is no lack of memory. */
		.parts =
			calloc(count + (size_t)1, sizeof(struct ebb_cold_part)),
	};
	if (!ret_cold->parts)
		return -ENOMEM;
	for (uint32_t i = 0; i < range_count; i++)
		add_parts(ret_cold, &ranges[i]);
	shuffle(ret_cold);
	return 0;
}

void ebb_cold_end(struct ebb_cold *cold)
{
	free(cold->parts);
	*cold = (struct ebb_cold){ 0 };
}

/* ---- out and back ---- */

/* Whether an error is of one range alone: it is unmapped, locked, or the like. */
static bool is_of_range(int r)
{
	return r == -EINVAL || r == -ENOMEM || r == -EBADF || r == -EFAULT ||
	       r == -EIO;
}

/* Adds to what of @part is watched, which is contiguous. */
static int page_out(struct ebb_cold *cold, struct ebb_cold_part *part,
		    uint64_t start, uint64_t bytes, uint64_t now_ns)
{
	uint64_t before_bytes, after_bytes;
	int r = count_present(cold, start, bytes, &before_bytes);

	if (r == 0)
		r = cold->ops->out(cold->opaque, start, bytes);
	if (r == 0)
		r = count_present(cold, start, bytes, &after_bytes);
	if (r < 0)
		return r;
	part->watched_bytes += bytes;
	part->left_bytes += after_bytes;
	/* The guest goes on meanwhile. */
	if (before_bytes > after_bytes) {
		part->out_bytes += before_bytes - after_bytes;
		cold->out_bytes += before_bytes - after_bytes;
	}
	part->out_ns = now_ns;
	cold->out_ns = now_ns;
	part->reviewed = false;
	return 0;
}

static void watch_anew(struct ebb_cold_part *part, uint64_t start)
{
	part->watched_start = start;
	part->watched_bytes = 0;
	part->out_bytes = 0;
	part->left_bytes = 0;
}

/* How much of what went out came back. */
static int count_back(const struct ebb_cold *cold, struct ebb_cold_part *part,
		      uint64_t *ret_bytes)
{
	uint64_t now_bytes, back_bytes = 0;
	int r = count_present(cold, part->watched_start, part->watched_bytes,
			      &now_bytes);

	if (r < 0)
		return r;
	if (now_bytes > part->left_bytes)
		back_bytes = now_bytes - part->left_bytes;
	/* Others that it never had before are no refaults. */
	if (back_bytes > part->out_bytes)
		back_bytes = part->out_bytes;
	part->back_ppm =
		part->out_bytes ? (uint32_t)(back_bytes * PPM / part->out_bytes)
				: 0;
	*ret_bytes = back_bytes;
	return 0;
}

static bool is_hot(const struct ebb_cold_part *part)
{
	return part->back_ppm > PPM / EBB_COLD_HOT_PART;
}

/* Whole pages, and one at least. */
static uint64_t cut(uint64_t bytes, uint64_t most_bytes)
{
	if (most_bytes < PAGE_BYTES)
		most_bytes = PAGE_BYTES;
	most_bytes -= most_bytes % PAGE_BYTES;
	return bytes < most_bytes ? bytes : most_bytes;
}

/* ---- trials ---- */

/*
 * A place of @trial_bytes: from a random one on, the first of which most is in RAM, or
 * that of which there is most. Returns 0, also where there is none (@ret_present_bytes
 * is small then), or -errno.
 */
static int find_place(struct ebb_cold *cold, const struct ebb_cold_part *part,
		      uint64_t trial_bytes, uint64_t *ret_start,
		      uint64_t *ret_bytes, uint64_t *ret_present_bytes)
{
	uint64_t places = (part->bytes + trial_bytes - 1) / trial_bytes;
	uint64_t first = next_random(cold) % places;

	*ret_present_bytes = 0;
	*ret_start = part->start;
	*ret_bytes = 0;
	for (uint64_t i = 0; i < places; i++) {
		uint64_t at = (first + i) % places * trial_bytes;
		uint64_t bytes = part->bytes - at, present_bytes;
		int r;

		if (bytes > trial_bytes)
			bytes = trial_bytes;
		r = count_present(cold, part->start + at, bytes,
				  &present_bytes);
		if (r < 0)
			return r;
		if (present_bytes <= *ret_present_bytes)
			continue;
		*ret_start = part->start + at;
		*ret_bytes = bytes;
		*ret_present_bytes = present_bytes;
		if (present_bytes >= trial_bytes / 2)
			break;
	}
	return 0;
}

/* Returns 0 or -errno; the part may be found empty. */
static int try_part(struct ebb_cold *cold, struct ebb_cold_part *part,
		    uint64_t most_bytes, uint64_t now_ns)
{
	uint64_t trial_bytes = cut(EBB_COLD_TRIAL_BYTES, most_bytes);
	uint64_t start, bytes, present_bytes;
	int r = find_place(cold, part, trial_bytes, &start, &bytes,
			   &present_bytes);

	part->state = EBB_COLD_EMPTY;
	if (r < 0)
		return is_of_range(r) ? 0 : r;
	if (present_bytes == 0 || present_bytes < trial_bytes / TRIAL_PART)
		return 0;
	watch_anew(part, start);
	r = page_out(cold, part, start, bytes, now_ns);
	if (r < 0 && !is_of_range(r))
		return r;
	if (r < 0 || part->out_bytes == 0) {
		cold->refused++;
		return 0;
	}
	part->state = EBB_COLD_TRIED;
	cold->trials++;
	return 0;
}

int ebb_cold_try(struct ebb_cold *cold, uint64_t most_bytes, uint64_t now_ns,
		 uint64_t *ret_found_bytes)
{
	struct ebb_cold_part *part = &cold->parts[cold->tried];
	int r;

	*ret_found_bytes = 0;
	if (cold->tried == cold->count)
		return 0;
	r = try_part(cold, part, most_bytes, now_ns);
	if (r < 0)
		return r;
	cold->tried++;
	if (part->state == EBB_COLD_TRIED)
		r = count_present(cold, part->start, part->bytes,
				  ret_found_bytes);
	return r < 0 ? r : 1;
}

int ebb_cold_judge(struct ebb_cold *cold)
{
	for (uint32_t i = 0; i < cold->tried; i++) {
		struct ebb_cold_part *part = &cold->parts[i];
		uint64_t back_bytes;
		int r;

		if (part->state != EBB_COLD_TRIED)
			continue;
		r = count_back(cold, part, &back_bytes);
		if (r < 0)
			return r;
		part->state = is_hot(part) ? EBB_COLD_HOT : EBB_COLD_COLD;
	}
	cold->trials = 0;
	return 0;
}

/* ---- what is cold ---- */

/* One that was begun comes first, so that it can be reviewed soon. */
static struct ebb_cold_part *find_coldest(const struct ebb_cold *cold)
{
	struct ebb_cold_part *coldest = NULL;

	for (uint32_t i = 0; i < cold->tried; i++) {
		struct ebb_cold_part *part = &cold->parts[i];

		if (part->state != EBB_COLD_COLD)
			continue;
		if (part->next > 0)
			return part;
		if (!coldest || part->back_ppm < coldest->back_ppm)
			coldest = part;
	}
	return coldest;
}

int ebb_cold_take(struct ebb_cold *cold, uint64_t most_bytes, uint64_t now_ns)
{
	struct ebb_cold_part *part = find_coldest(cold);
	uint64_t bytes;
	int r;

	if (!part)
		return 0;
	/* What the trial took is no more in RAM, and goes unwatched. */
	if (part->next == 0)
		watch_anew(part, part->start);
	bytes = cut(part->bytes - part->next, most_bytes < EBB_COLD_PIECE_BYTES
						      ? most_bytes
						      : EBB_COLD_PIECE_BYTES);
	r = page_out(cold, part, part->start + part->next, bytes, now_ns);
	if (r < 0 && !is_of_range(r))
		return r;
	part->next += bytes;
	if (r < 0 || part->next == part->bytes)
		part->state = EBB_COLD_TAKEN;
	return 1;
}

int ebb_cold_review(struct ebb_cold *cold, uint64_t now_ns, uint64_t age_ns)
{
	for (uint32_t i = 0; i < cold->tried; i++) {
		struct ebb_cold_part *part = &cold->parts[i];
		uint64_t back_bytes;
		int r;

		if (part->state != EBB_COLD_TAKEN || part->reviewed ||
		    now_ns - part->out_ns < age_ns)
			continue;
		r = count_back(cold, part, &back_bytes);
		if (r < 0)
			return r;
		part->reviewed = true;
		cold->reviewed_bytes += part->out_bytes;
		cold->back_bytes += back_bytes;
		if (is_hot(part))
			part->state = EBB_COLD_HOT;
	}
	return 0;
}

int ebb_cold_count_back(struct ebb_cold *cold, uint64_t *ret_bytes)
{
	*ret_bytes = 0;
	for (uint32_t i = 0; i < cold->tried; i++) {
		struct ebb_cold_part *part = &cold->parts[i];
		uint64_t back_bytes;
		int r;

		if (part->out_bytes == 0)
			continue;
		r = count_back(cold, part, &back_bytes);
		if (r < 0)
			return r;
		*ret_bytes += back_bytes;
	}
	return 0;
}
