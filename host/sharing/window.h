/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a guest said in the last minute. Pure.
 *
 * Theory of operation
 * ===================
 *
 * The problem. What is free at this moment may be in use at the next: memory that a
 * build or a backup wants each half minute is not spare. And a guest that boots has
 * much free memory that it is about to use.
 *
 * So the guest's word is taken every few seconds, and of each span of some seconds
 * the least is kept. The least of all spans was free all the while, whatever the
 * guest did in between, as far as it was seen.
 *
 * A guest has booted when its free memory has stayed within a band for a while, or
 * when its kernel has run for some minutes whatever it does. From then on it has, until
 * another kernel speaks: a load that comes up later is no boot. Of a guest that says
 * nothing only the minutes count: to the host's books all that it has is in use, always.
 *
 * A word is new if its stamp is. A guest that is idle may refresh its facts seldom;
 * when the last word is older than @old_ns nothing is known of the guest, and the minute
 * begins anew with its next word. So it does when a stamp goes back: the guest was
 * reverted to a snapshot. A guest that is paused says nothing, and its last word holds.
 */
#ifndef EBB_HOST_WINDOW_H
#define EBB_HOST_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "host/domain/sight.h"

#define EBB_WINDOW_SPAN_NS (5 * EBB_NS_PER_S)
#define EBB_WINDOW_CALM_NS (30 * EBB_NS_PER_S)
#define EBB_WINDOW_BOOT_NS (180 * EBB_NS_PER_S)

enum {
	/* More than a minute of them. */
	EBB_WINDOW_SPANS = 14
};

/**
 * struct ebb_window - zeroed but for @old_ns: nothing was heard
 * @old_ns: as above; the caller's, as guests have a clock of their own
 * @boot_id: of the kernel that spoke
 * @kernel_ns: when it spoke first, @kernel_age_ns: how long it had run then
 * @heard_ns: when its last word came; 0: none
 * @held_ns: until when it was paused, so that its word held
 * @since_ns: since when it was heard without a gap
 * @asked: its last word was asked for; @by_books: it was the host's books'
 * @stamp_ns, @free_bytes, @free_huge_bytes, @available_bytes: its last word
 * @calm_ns: since when @free_bytes is from @calm_least to @calm_most
 * @booted: it has settled down after its boot, by an earlier word
 * @spans: by number, which ascends each EBB_WINDOW_SPAN_NS
 */
struct ebb_window {
	uint64_t old_ns;
	uint8_t boot_id[EBB_BOOT_ID_BYTES];
	uint64_t kernel_ns;
	uint64_t kernel_age_ns;
	uint64_t heard_ns;
	uint64_t held_ns;
	uint64_t since_ns;
	bool asked;
	bool by_books;
	uint64_t stamp_ns;
	uint64_t free_bytes;
	uint64_t free_huge_bytes;
	uint64_t available_bytes;
	uint64_t calm_ns;
	uint64_t calm_least;
	uint64_t calm_most;
	bool booted;
	struct ebb_window_span {
		uint64_t number;
		uint64_t least_bytes;
	} spans[EBB_WINDOW_SPANS];
};

/* Takes a word, if it is new; the same as before changes nothing. */
void ebb_window_hear(struct ebb_window *window, const struct ebb_vm_word *word,
		     uint64_t now_ns);

/* The guest is paused: what it said last, if that is not old, it would say now. */
void ebb_window_hold(struct ebb_window *window, uint64_t now_ns);

/* Whether the last word says something of now. */
bool ebb_window_is_fresh(const struct ebb_window *window, uint64_t now_ns);

/* Whether the guest has settled down after its boot. */
bool ebb_window_has_booted(const struct ebb_window *window, uint64_t now_ns);

/**
 * ebb_window_lasting - what was free all the while
 * @ret_since_ns: since when that was so at least; 0 if nothing is known
 */
uint64_t ebb_window_lasting(const struct ebb_window *window, uint64_t now_ns,
			    uint64_t *ret_since_ns);

#endif /* EBB_HOST_WINDOW_H */
