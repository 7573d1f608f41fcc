/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/lease/punch.h"

#include <errno.h>
#include <sched.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/u64.h"
#include "host/base/fault.h"
#include "host/base/worker.h"
#include "host/lease/gentle.h"
#include "host/memory/debt.h"
#include "host/memory/pinned.h"

enum {
	/* Of an unknown backing: 4 KiB pages on a slow machine, in bytes. */
	FIRST_BYTES_PER_MS = 2 << 20,
	/*
	 * A group's punches shall take this part of its window: it begins while
	 * those of the group before are still to be made.
	 */
	WINDOW_PARTS = 3,
	/* Looks at the ring before the thread sleeps in between. */
	SPINS = 200,
	POLL_US = 20,
	/* In a nap it is looked so often whether somebody does now. */
	NAP_LOOK_US = 5000,
	/* No naps in a batch that is out for so long: libvirt allowed it before. */
	NAPS_MS = 300,
	/* So many pieces are taken without a rest, if batches fail. */
	PIECES_MAX = 4,
};

/* Offers [first, end) of a batch that were taken together; none: first == end. */
struct group {
	uint32_t first;
	uint32_t end;
	uint64_t bytes; /* of them, when they were taken */
	uint64_t taken_ns; /* since when their window runs */
};

/* A run of offers, [first, end) of a batch, that lie side by side. */
struct run {
	uint32_t first;
	uint32_t end;
	uint64_t bytes;
};

int ebb_puncher_init(struct ebb_puncher *puncher,
		     const struct ebb_lender *lender,
		     const struct ebb_bounds *bounds, struct ebb_books *books)
{
	int r;

	*puncher = (struct ebb_puncher){
		.lender = lender,
		.bounds = bounds,
		.books = books,
		.bytes_per_ms = FIRST_BYTES_PER_MS,
	};
	if (getrandom(&puncher->take_count, sizeof(puncher->take_count), 0) !=
	    sizeof(puncher->take_count))
		return -EIO;
	puncher->status_fd = ebb_pinned_open(lender->qemu->pid);
	if (puncher->status_fd < 0)
		return puncher->status_fd;
	r = ebb_lapse_init(&puncher->lapse);
	if (r < 0)
		close(puncher->status_fd);
	return r;
}

void ebb_puncher_release(struct ebb_puncher *puncher)
{
	ebb_lapse_release(&puncher->lapse);
	close(puncher->status_fd);
}

static struct ebb_slot *slot_of(struct ebb_puncher *puncher,
				const struct ebb_offer *offer)
{
	return &puncher->lender->ring->ring->slots[offer->slot];
}

static uint64_t window_ns(const struct ebb_puncher *puncher)
{
	return (uint64_t)puncher->bounds->grant_window_ms * 1000000;
}

/* How much a group may be: what fits the window, and what is still wanted. */
static uint64_t group_budget(const struct ebb_puncher *puncher,
			     uint64_t underway_bytes)
{
	uint64_t budget = puncher->bytes_per_ms *
			  puncher->bounds->grant_window_ms / WINDOW_PARTS;
	uint64_t had = puncher->books->reclaimed_bytes + underway_bytes;

	if (ebb_bounds_pace(puncher->bounds))
		budget = ebb_u64_min(
			budget, ebb_gentle_group_bytes(puncher->bytes_per_ms));
	if (puncher->bounds->bytes == 0)
		return budget;
	if (had >= puncher->bounds->bytes)
		return 0;
	return ebb_u64_min(puncher->bounds->bytes - had, budget);
}

/* At least one offer, if anything is wanted. */
static struct group next_group(const struct ebb_puncher *puncher,
			       const struct ebb_batch *batch, uint32_t first,
			       uint64_t underway_bytes)
{
	uint64_t budget = group_budget(puncher, underway_bytes);
	struct group group = { .first = first, .end = first };

	while (budget && group.end < batch->count &&
	       (group.end == first ||
		group.bytes + batch->offers[group.end].bytes <= budget))
		group.bytes += batch->offers[group.end++].bytes;
	return group;
}

/*
 * OFFERED -> TAKEN. The slot is read again, within the window: what was checked
 * may be from before a revert that brought the ticket back with another range.
 * What the guest revoked or changed meanwhile is left out by bytes 0.
 */
static void take_group(struct ebb_puncher *puncher, struct ebb_batch *batch,
		       struct group *group)
{
	uint32_t epoch = puncher->lender->ring->epoch;
	uint32_t tag = puncher->lender->ring->tag;

	/* The window begins before a slot is read for the last time. */
	group->taken_ns = ebb_now_ns();
	for (uint32_t i = group->first; i < group->end; i++) {
		struct ebb_offer *offer = &batch->offers[i];
		struct ebb_slot *slot = slot_of(puncher, offer);
		struct ebb_slot copy = ebb_slot_read(slot);
		uint32_t nonce = ebb_nonce(tag, ++puncher->take_count);

		if (copy.word == offer->word && copy.range == offer->range &&
		    ebb_slot_take(slot, offer->word, epoch, nonce))
			offer->word =
				ebb_lease_word(EBB_LEASE_TAKEN, epoch, nonce);
		else
			offer->bytes = 0;
	}
	if (group->first < group->end)
		ebb_fault_point("taken");
}

/*
 * TAKEN -> GRANTED is the guest's. Waits until each slot of the group is, or
 * until half of the window is over, and then takes its hand off the rest.
 */
static void await_grants(struct ebb_puncher *puncher, struct ebb_batch *batch,
			 const struct group *group)
{
	bool gentle = ebb_bounds_pace(puncher->bounds);
	uint32_t waiting = group->first, spins = 0;

	while (waiting < group->end) {
		struct ebb_offer *offer = &batch->offers[waiting];
		struct ebb_slot *slot = slot_of(puncher, offer);
		uint64_t word = ebb_load_acquire(&slot->word);

		if (offer->bytes == 0) {
			waiting++;
		} else if (word == ebb_lease_with_state(offer->word,
							EBB_LEASE_GRANTED)) {
			offer->word = word;
			waiting++;
		} else if (word != offer->word ||
			   ebb_now_ns() - group->taken_ns >
				   window_ns(puncher) / 2 ||
			   *puncher->bounds->gone) {
			/* Not to be had; or granted just now: look again. */
			if (word == offer->word &&
			    !ebb_slot_resolve(slot, word, EBB_LEASE_FAILED))
				continue;
			offer->bytes = 0;
			waiting++;
			puncher->books->failed_slots++;
		} else if (gentle) {
			ebb_sleep_us(EBB_GENTLE_POLL_US);
		} else if (++spins < SPINS) {
			sched_yield();
		} else {
			ebb_sleep_us(POLL_US);
		}
	}
}

/* GRANTED -> DONE or FAILED. */
static void resolve_run(struct ebb_puncher *puncher,
			const struct ebb_batch *batch, const struct run *run,
			enum ebb_lease_state outcome)
{
	for (uint32_t i = run->first; i < run->end; i++) {
		const struct ebb_offer *offer = &batch->offers[i];

		/* False on a ring that is gone or lies: nothing was written. */
		if (offer->bytes)
			ebb_slot_resolve(slot_of(puncher, offer), offer->word,
					 outcome);
		if (offer->bytes && outcome == EBB_LEASE_FAILED)
			puncher->books->failed_slots++;
	}
}

static struct run next_run(const struct ebb_batch *batch, uint32_t first,
			   uint32_t end)
{
	struct run run = { .first = first, .end = first };

	for (; run.end < end; run.end++) {
		const struct ebb_offer *offer = &batch->offers[run.end];
		const struct ebb_offer *start = &batch->offers[run.first];

		if (offer->bytes == 0 || offer->backing != start->backing ||
		    offer->offset != start->offset + run.bytes)
			break;
		run.bytes += offer->bytes;
	}
	return run;
}

/*
 * The one place that destroys data. Returns 0, -ETIME if the window is over or
 * the guest gone, or -errno.
 */
static int punch_run(struct ebb_puncher *puncher, const struct ebb_batch *batch,
		     const struct run *run, uint64_t taken_ns)
{
	const struct ebb_offer *offer = &batch->offers[run->first];
	const struct ebb_backing *backing =
		&puncher->lender->qemu->backings[offer->backing];
	uint64_t held_bytes = ebb_debt_held_bytes(backing);
	int r;

	ebb_fault_point("granted");
	/* The timer has this done; but the clock alone is what counts. */
	if (*puncher->bounds->gone ||
	    ebb_now_ns() - taken_ns >= window_ns(puncher))
		return -ETIME;
	ebb_fault_point("checked");
	r = ebb_lapse_punch(&puncher->lapse, backing->fd, (off_t)offer->offset,
			    (off_t)run->bytes);
	/* One that failed may have punched a part. */
	if (r != -ETIME)
		ebb_debt_lend(backing, offer->offset, run->bytes, held_bytes);
	return r;
}

/* The average of the last punches, so that one that was disturbed counts less. */
static void note_rate(struct ebb_puncher *puncher, uint64_t bytes,
		      uint64_t elapsed_ns)
{
	uint64_t rate = bytes * 1000000 / (elapsed_ns + 1);

	puncher->bytes_per_ms = (puncher->bytes_per_ms + rate) / 2 + 1;
}

/* @ret_punched: bytes that were discarded, also where a later punch failed. */
static int punch_group(struct ebb_puncher *puncher,
		       const struct ebb_batch *batch, const struct group *group,
		       uint64_t *ret_punched)
{
	uint64_t start_ns = ebb_now_ns(), punched = 0;
	uint32_t first = group->first;
	int error = ebb_lapse_begin(&puncher->lapse,
				    group->taken_ns + window_ns(puncher));

	/* libvirt tells of a device that pins memory when it has done so. */
	if (error == 0)
		error = ebb_pinned_ask(puncher->status_fd);
	while (first < group->end) {
		struct run run = next_run(batch, first, group->end);
		int r;

		if (run.bytes == 0) {
			first++;
			continue;
		}
		r = error ? error
			  : punch_run(puncher, batch, &run, group->taken_ns);
		ebb_fault_point("punched");
		resolve_run(puncher, batch, &run,
			    r == 0 ? EBB_LEASE_DONE : EBB_LEASE_FAILED);
		if (r == 0)
			punched += run.bytes;
		else if (r != -ETIME)
			error = r;
		first = run.end;
	}
	ebb_lapse_end(&puncher->lapse);
	if (punched && !error)
		note_rate(puncher, punched, ebb_now_ns() - start_ns);
	*ret_punched = punched;
	return error;
}

/* TAKEN, or GRANTED meanwhile, -> FAILED: nothing of it is punched. */
static void put_back(struct ebb_puncher *puncher, const struct ebb_batch *batch,
		     const struct group *group)
{
	for (uint32_t i = group->first; i < group->end; i++) {
		const struct ebb_offer *offer = &batch->offers[i];
		struct ebb_slot *slot = slot_of(puncher, offer);
		uint64_t granted =
			ebb_lease_with_state(offer->word, EBB_LEASE_GRANTED);

		if (offer->bytes == 0)
			continue;
		if (!ebb_slot_resolve(slot, offer->word, EBB_LEASE_FAILED))
			ebb_slot_resolve(slot, granted, EBB_LEASE_FAILED);
		puncher->books->failed_slots++;
	}
}

static uint64_t resident_bytes(const struct ebb_puncher *puncher,
			       const struct ebb_batch *batch,
			       const struct group *group)
{
	uint64_t bytes = 0;

	for (uint32_t i = group->first; i < group->end; i++)
		if (i == group->first ||
		    batch->offers[i].backing != batch->offers[i - 1].backing)
			bytes += ebb_backing_held_bytes(
				&puncher->lender->qemu
					 ->backings[batch->offers[i].backing]);
	return bytes;
}

/* punch_group(), and the books of it. */
static int discard_group(struct ebb_puncher *puncher,
			 const struct ebb_batch *batch,
			 const struct group *group, uint64_t *ret_punched)
{
	struct ebb_books *books = puncher->books;
	uint64_t before = resident_bytes(puncher, batch, group);
	int r = punch_group(puncher, batch, group, ret_punched);
	uint64_t after = resident_bytes(puncher, batch, group);

	/* The guest may have touched more elsewhere meanwhile. */
	if (before > after) {
		books->reclaimed_bytes += before - after;
		if (books->phase == EBB_PHASE_DRIVING)
			books->driven_bytes += before - after;
	}
	books->punched_bytes += *ret_punched;
	return r;
}

static bool is_over(const struct ebb_puncher *puncher)
{
	return *puncher->bounds->gone || *puncher->bounds->cancelled ||
	       (puncher->bounds->bytes &&
		puncher->books->reclaimed_bytes >= puncher->bounds->bytes);
}

/* What is behind a group in the batch, where that is not to be asked for yet. */
static struct group none_after(const struct group *group)
{
	return (struct group){ .first = group->end, .end = group->end };
}

/* Nothing was revoked, or not granted in time. */
static bool is_whole(const struct ebb_batch *batch)
{
	for (uint32_t i = 0; i < batch->count; i++)
		if (batch->offers[i].bytes == 0)
			return false;
	return true;
}

/*
 * Nobody wants a batch after one that ends a piece: the guest has to know before it is
 * resolved, or it holds the next one by then. What it has granted it leaves to us.
 *
 * A guest that is not wanted to go on lets all of a batch go as if nothing of it had been
 * discarded, if something was not, and offers it anew in the next session. So a piece
 * goes on until the guest has offered once more what failed; but not for ever.
 */
static void end_piece(struct ebb_puncher *puncher,
		      const struct ebb_batch *batch, const struct group *group)
{
	struct ebb_gentle *pace = ebb_bounds_pace(puncher->bounds);
	uint64_t taken_bytes;

	if (!pace || group->end < batch->count)
		return;
	taken_bytes = pace->taken_bytes + batch->bytes;
	if (taken_bytes < pace->piece_bytes ||
	    (!is_whole(batch) && taken_bytes / PIECES_MAX < pace->piece_bytes))
		return;
	pace->over = true;
	ebb_ringmap_demand(puncher->lender->ring, false);
}

static void nap(struct ebb_puncher *puncher, uint64_t work_ns)
{
	struct ebb_gentle *pace = ebb_bounds_pace(puncher->bounds);
	uint64_t start_ns = ebb_now_ns(), left_ns;

	if (!pace)
		return;
	left_ns = ebb_gentle_nap_ns(work_ns, pace->busy_percent);
	while (left_ns > 0 && ebb_bounds_pace(puncher->bounds) &&
	       !is_over(puncher)) {
		uint64_t look_ns =
			ebb_u64_min(left_ns, NAP_LOOK_US * EBB_NS_PER_US);

		ebb_sleep_us((uint32_t)(look_ns / EBB_NS_PER_US) + 1);
		left_ns -= look_ns;
	}
	pace->napped_ns += ebb_now_ns() - start_ns;
}

static int64_t take_and_punch(struct ebb_puncher *puncher,
			      struct ebb_batch *batch)
{
	struct group group = next_group(puncher, batch, 0, 0), next;
	uint64_t naps_until_ns = ebb_now_ns() + NAPS_MS * EBB_NS_PER_MS;
	int64_t total = 0;
	int r = 0;

	take_group(puncher, batch, &group);
	while (r == 0 && group.first < group.end) {
		bool gentle = ebb_bounds_pace(puncher->bounds);
		uint64_t punched, start_ns;

		await_grants(puncher, batch, &group);
		end_piece(puncher, batch, &group);
		/* The guest grants the next while this one is punched. */
		next = gentle ? none_after(&group)
			      : next_group(puncher, batch, group.end,
					   group.bytes);
		take_group(puncher, batch, &next);
		start_ns = ebb_now_ns();
		r = discard_group(puncher, batch, &group, &punched);
		total += (int64_t)punched;
		if (r < 0 || is_over(puncher)) {
			put_back(puncher, batch, &next);
			break;
		}
		if (gentle && next.first < batch->count &&
		    ebb_now_ns() < naps_until_ns)
			nap(puncher, ebb_now_ns() - start_ns);
		/* Where less came of it than was taken, there is more to do. */
		if (next.first == next.end) {
			next = next_group(puncher, batch, group.end, 0);
			take_group(puncher, batch, &next);
		}
		group = next;
	}
	puncher->books->batches++;
	return r < 0 ? r : total;
}

int64_t ebb_puncher_batch(struct ebb_puncher *puncher, struct ebb_batch *batch)
{
	int64_t total;

	/* An ebbd that ends waits for a batch, and begins none. */
	if (!ebb_worker_hold())
		return 0;
	total = take_and_punch(puncher, batch);
	if (puncher->bounds->pace)
		puncher->bounds->pace->taken_bytes += batch->bytes;
	ebb_worker_let_go();
	return total;
}
