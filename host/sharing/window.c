/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/sharing/window.h"

#include <string.h>

#include "common/size.h"

/* The band of a guest that is calm: so much, or so small a part of what is free. */
#define CALM_BYTES (64 * EBB_MIB)

enum {
	CALM_PART = 16
};

static void begin_kernel(struct ebb_window *window,
			 const struct ebb_vm_word *word, uint64_t now_ns)
{
	*window = (struct ebb_window){
		.old_ns = window->old_ns,
		.kernel_ns = now_ns,
		.kernel_age_ns = word->stamp_ns,
	};
	memcpy(window->boot_id, word->boot_id, sizeof(window->boot_id));
}

static void note_calm(struct ebb_window *window, uint64_t free_bytes,
		      uint64_t now_ns)
{
	uint64_t band_bytes = free_bytes / CALM_PART > CALM_BYTES
				      ? free_bytes / CALM_PART
				      : CALM_BYTES;

	if (free_bytes < window->calm_least)
		window->calm_least = free_bytes;
	if (free_bytes > window->calm_most)
		window->calm_most = free_bytes;
	if (window->calm_ns > 0 &&
	    window->calm_most - window->calm_least <= band_bytes)
		return;
	window->calm_ns = now_ns;
	window->calm_least = free_bytes;
	window->calm_most = free_bytes;
}

/* Of a span: above EBB_WINDOW_SPANS, so that one that was never written is old. */
static uint64_t number_of(uint64_t ns)
{
	return ns / EBB_WINDOW_SPAN_NS + EBB_WINDOW_SPANS;
}

static void note_least(struct ebb_window *window, uint64_t free_bytes,
		       uint64_t now_ns)
{
	uint64_t number = number_of(now_ns);
	struct ebb_window_span *span =
		&window->spans[number % EBB_WINDOW_SPANS];

	if (span->number != number || free_bytes < span->least_bytes)
		span->least_bytes = free_bytes;
	span->number = number;
}

void ebb_window_hear(struct ebb_window *window, const struct ebb_vm_word *word,
		     uint64_t now_ns)
{
	/* Where its clock goes back it was reverted to a snapshot. */
	bool same_kernel = window->heard_ns > 0 &&
			   word->stamp_ns >= window->stamp_ns &&
			   memcmp(window->boot_id, word->boot_id,
				  sizeof(window->boot_id)) == 0;

	if (same_kernel && word->stamp_ns == window->stamp_ns)
		return;
	if (!same_kernel)
		begin_kernel(window, word, now_ns);
	if (!ebb_window_is_fresh(window, now_ns)) {
		window->since_ns = now_ns;
		window->calm_ns = 0;
		memset(window->spans, 0, sizeof(window->spans));
	}
	window->heard_ns = now_ns;
	window->stamp_ns = word->stamp_ns;
	window->asked = word->asked;
	window->by_books = word->by_books;
	window->free_bytes = word->free_bytes;
	window->free_huge_bytes = word->free_huge_bytes;
	window->available_bytes = word->available_bytes;
	note_calm(window, word->free_bytes, now_ns);
	window->booted = ebb_window_has_booted(window, now_ns);
	note_least(window, word->free_bytes, now_ns);
}

void ebb_window_hold(struct ebb_window *window, uint64_t now_ns)
{
	if (!ebb_window_is_fresh(window, now_ns))
		return;
	window->held_ns = now_ns;
	note_least(window, window->free_bytes, now_ns);
}

bool ebb_window_is_fresh(const struct ebb_window *window, uint64_t now_ns)
{
	uint64_t known_ns = window->held_ns > window->heard_ns
				    ? window->held_ns
				    : window->heard_ns;

	return window->heard_ns > 0 && now_ns - known_ns <= window->old_ns;
}

bool ebb_window_has_booted(const struct ebb_window *window, uint64_t now_ns)
{
	uint64_t age_ns = now_ns - window->kernel_ns;

	if (window->heard_ns == 0)
		return false;
	if (window->booted)
		return true;
	/* Its word may be any number. */
	if (window->kernel_age_ns >= EBB_WINDOW_BOOT_NS ||
	    age_ns >= EBB_WINDOW_BOOT_NS - window->kernel_age_ns)
		return true;
	if (window->by_books)
		return false;
	/* Who speaks when he is asked alone was not calm because he was silent. */
	return (window->asked ? window->heard_ns : now_ns) - window->calm_ns >=
	       EBB_WINDOW_CALM_NS;
}

uint64_t ebb_window_lasting(const struct ebb_window *window, uint64_t now_ns,
			    uint64_t *ret_since_ns)
{
	uint64_t number = number_of(now_ns);
	uint64_t first = number - (EBB_WINDOW_SPANS - 1);
	uint64_t first_ns =
		first > EBB_WINDOW_SPANS
			? (first - EBB_WINDOW_SPANS) * EBB_WINDOW_SPAN_NS
			: 0;
	uint64_t least_bytes = window->free_bytes;

	*ret_since_ns = 0;
	if (!ebb_window_is_fresh(window, now_ns))
		return 0;
	for (uint32_t i = 0; i < EBB_WINDOW_SPANS; i++) {
		const struct ebb_window_span *span = &window->spans[i];

		if (span->number >= first && span->number <= number &&
		    span->least_bytes < least_bytes)
			least_bytes = span->least_bytes;
	}
	*ret_since_ns = window->since_ns > first_ns ? window->since_ns
						    : first_ns;
	return least_bytes;
}
