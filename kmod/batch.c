/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One batch of leases.
 *
 * Theory of operation
 * ===================
 *
 * The problem. The kernel has taken up to 32 free ranges off its lists and
 * takes them back when we return. Until then the host may discard them; after
 * that, each byte of them is somebody's data.
 *
 * The invariant. ebb_batch_run() returns only when every slot was read in a state
 * that nothing of the host's can follow: DONE, FAILED, or our own REVOKED. A
 * slot that we granted is left by DONE or FAILED alone, whatever else appears
 * in its word: a peer that breaks the table may still be discarding.
 *
 * Latency. A host that wrote TAKEN waits for our grant, and its clock runs
 * (EBB_GRANT_WINDOW_MS). So polling is quick after each move and slows down
 * when nothing moves: naps are a part of the time that has passed since, and so
 * is what they add to it. A CPU that sleeps is not interrupted by the host's
 * flushes of its TLB, one for each 2 MiB of small pages, which these wait for.
 *
 * Where nobody waits for the memory the host takes its time, and so does each poll.
 *
 * The alternative to polling, an interrupt from the host, needs a device.
 */
#define pr_fmt(fmt) "ebb: " fmt

#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>

#include "batch.h"
#include "ring.h"

enum {
	/*
	 * After a move, what a host that is awake needs for its next: to be
	 * woken takes as long, and some times that where a guest is emulated.
	 */
	POLL_SPIN_US = 400,
	POLL_MAX_US = 2000,
	POLL_PART = 8, /* of the time that nothing moved */
	/* Where nobody waits; a small part of the host's window for a grant. */
	POLL_GENTLE_US = 2000,
};

/* What is known of one slot. @word is the last that was read or written. */
struct lease {
	u64 word;
	bool granted;
	bool final;
	bool done;
};

struct batch_run {
	struct batch *batch;
	struct lease leases[EBB_SLOT_COUNT];
	u32 open; /* leases that are not final */
	u32 granted; /* of these, granted */
	ktime_t now; /* of this look: some clocks take as long as all of it */
	ktime_t moved;
	bool overdue;
	bool pinned;
};

static void batch_offer(struct batch_run *run)
{
	struct ebb_ring *ring = ebb_ring_page();
	struct batch *batch = run->batch;
	u32 i;

	for (i = 0; i < batch->count; i++) {
		u64 ticket = ebb_ring_next_ticket();

		run->leases[i].word = ticket << 8 | EBB_LEASE_OFFERED;
		ebb_slot_offer(&ring->slots[i], batch->ranges[i].pfn,
			       batch->ranges[i].order, ticket);
	}
	run->open = batch->count;
	run->moved = ktime_get();
	ebb_store_relaxed(&ring->batch_slots, batch->count);
	ebb_store_release(&ring->batch, ring->batch + 1);
}

/*
 * Whether the host may have moved a slot from @from to @to, seen late: from
 * OFFERED it may have gone through TAKEN.
 */
static bool lease_host_may(u32 from, u32 to)
{
	return ebb_lease_may(EBB_ACTOR_HOST, from, to) ||
	       (from == EBB_LEASE_OFFERED &&
		ebb_lease_may(EBB_ACTOR_HOST, EBB_LEASE_TAKEN, to));
}

static void lease_note_move(struct batch_run *run, struct lease *lease,
			    u64 word)
{
	u32 from = ebb_lease_state(lease->word), to = ebb_lease_state(word);
	u64 owner = word & ~0xffull;
	bool kept = from == EBB_LEASE_OFFERED ||
		    owner == (lease->word & ~0xffull);

	if (!lease_host_may(from, to) || !kept) {
		pr_warn_ratelimited(
			"the host moved a lease from %#llx to %#llx\n",
			lease->word, word);
		run->batch->broken = true;
	}
	lease->word = word;
	run->moved = run->now;
}

static void lease_finish(struct batch_run *run, struct lease *lease)
{
	lease->final = true;
	run->open--;
	if (lease->granted)
		run->granted--;
}

static void lease_revoke(struct batch_run *run, struct lease *lease,
			 struct ebb_slot *slot)
{
	if (ebb_slot_revoke(slot, lease->word))
		lease_finish(run, lease);
}

/* From now on only the host ends it; forged or not, a grant is a grant. */
static void lease_hold(struct batch_run *run, struct lease *lease)
{
	if (lease->granted)
		return;
	lease->granted = true;
	run->granted++;
}

static void lease_answer(struct batch_run *run, struct lease *lease,
			 struct ebb_slot *slot)
{
	u64 host = ebb_load_acquire(&ebb_ring_page()->host_word);
	u32 epoch = ebb_lease_epoch(lease->word);

	/* Another epoch is a dead host's: its successor, or the deadline. */
	if (epoch != run->batch->epoch ||
	    !ebb_ring_host_is_attached(host, epoch))
		return;
	if (!ebb_slot_grant(slot, lease->word))
		return;
	lease->word = ebb_lease_with_state(lease->word, EBB_LEASE_GRANTED);
	lease_hold(run, lease);
	run->moved = run->now;
}

/* One look at one slot. @revoke: take back what is not granted. */
static void lease_step(struct batch_run *run, u32 index, bool revoke)
{
	struct ebb_slot *slot = &ebb_ring_page()->slots[index];
	struct lease *lease = &run->leases[index];
	u64 word = ebb_load_acquire(&slot->word);
	u32 state = ebb_lease_state(word);

	if (word != lease->word)
		lease_note_move(run, lease, word);
	switch (state) {
	case EBB_LEASE_DONE:
		lease->done = true;
		run->batch->done++;
		run->batch->done_bytes +=
			batch_range_bytes(&run->batch->ranges[index]);
		fallthrough;
	case EBB_LEASE_FAILED:
		lease_finish(run, lease);
		return;
	case EBB_LEASE_GRANTED:
		lease_hold(run, lease);
		return;
	case EBB_LEASE_TAKEN:
		if (!revoke && !lease->granted) {
			lease_answer(run, lease, slot);
			return;
		}
		break;
	case EBB_LEASE_OFFERED:
		break;
	default:
		revoke = true; /* no word that a host may write */
		break;
	}
	if (revoke && !lease->granted)
		lease_revoke(run, lease, slot);
}

/*
 * A grant waits for a host that may be gone. Pinning lets an rmmod say that
 * the module is in use, where it would hang.
 */
static void batch_note_overdue(struct batch_run *run)
{
	if (run->overdue || !run->granted)
		return;
	if (ktime_ms_delta(run->now, run->moved) < EBB_GRANT_OVERDUE_MS)
		return;
	run->overdue = true;
	run->pinned = try_module_get(THIS_MODULE);
	pr_warn_ratelimited(
		"the host leaves %u granted ranges unresolved: they stay held until a host comes back\n",
		run->granted);
}

static void batch_clear_overdue(struct batch_run *run)
{
	if (!run->overdue)
		return;
	if (run->pinned)
		module_put(THIS_MODULE);
}

/* Wait a little. */
static void batch_nap(const struct batch_run *run)
{
	s64 still_us = ktime_us_delta(run->now, run->moved);
	u32 us;

	if (run->batch->gentle) {
		usleep_range(POLL_GENTLE_US,
			     POLL_GENTLE_US + POLL_GENTLE_US / 4);
		return;
	}
	if (still_us < POLL_SPIN_US) {
		cpu_relax();
		cond_resched();
		return;
	}
	us = min_t(s64, still_us / POLL_PART, POLL_MAX_US);
	usleep_range(us, us + us / 4);
}

static void batch_look(struct batch_run *run)
{
	bool revoke;
	u32 i;

	run->now = ktime_get();
	if (ktime_ms_delta(run->now, run->moved) > EBB_OFFER_DEADLINE_MS)
		run->batch->stalled = true;
	/* Asked always: a host that stalls is no reason not to see the guest's need. */
	revoke = run->batch->verdict() != EBB_SESSION_RUNNING ||
		 run->batch->stalled || run->batch->broken;
	for (i = 0; i < run->batch->count; i++) {
		if (!run->leases[i].final)
			lease_step(run, i, revoke);
	}
}

/* Every slot is final: empty them and keep the ranges that were not done. */
static void batch_settle(struct batch_run *run)
{
	struct batch *batch = run->batch;
	u32 i, left = 0;

	for (i = 0; i < batch->count; i++) {
		ebb_slot_free(&ebb_ring_page()->slots[i]);
		if (!run->leases[i].done)
			batch->ranges[left++] = batch->ranges[i];
	}
	batch->count = left;
}

void ebb_batch_run(struct batch *batch)
{
	struct batch_run run = { .batch = batch };

	batch->done = 0;
	batch->done_bytes = 0;
	batch->stalled = false;
	batch->broken = false;
	batch_offer(&run);
	while (run.open) {
		batch_look(&run);
		if (!run.open)
			break;
		batch_note_overdue(&run);
		batch_nap(&run);
	}
	batch_clear_overdue(&run);
	batch_settle(&run);
}
