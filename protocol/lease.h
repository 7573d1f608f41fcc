/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The lease: who owns one free range of guest memory, at each instant.
 *
 * Theory of operation
 * ===================
 *
 * The problem. A guest says "these pages are free", the host acts on it later,
 * and in between the guest has put data there: the host destroys live memory.
 * Free page hints without an answer can make that unlikely, not impossible.
 *
 * The invariant. A range is in exactly one hand. The guest uses it again only
 * after it read DONE, FAILED or REVOKED in its slot, and the host discards it
 * only while it reads GRANTED there with its own epoch and a nonce that is
 * younger than EBB_GRANT_WINDOW_MS. Nobody can hold both at once, since each
 * move is one compare-and-swap of one word:
 *
 *            guest            host             guest            host
 *   FREE ----------> OFFERED ------> TAKEN ------------> GRANTED -----> DONE
 *                       |              |  \                 |             |
 *                 guest |        guest |   \ host           | host        |
 *                       v              v    v               v             |
 *                    REVOKED <---------'   FAILED <---------'             |
 *                       |                   |                             |
 *                       '-----------> FREE <+-----------------------------'
 *                            guest
 *
 * Why GRANTED. A reset, a kexec or a revert to a snapshot does not clear guest
 * memory. Without it, OFFERED slots of a dead kernel could still be taken, and
 * a host thread that slept between TAKEN and the punch would hit the pages of
 * the next kernel. A dead kernel never grants, and a grant is too young to
 * have outlived a reboot. It costs one poll of the guest for each batch.
 *
 * Why the epoch. A controller that died leaves TAKEN and GRANTED slots. Its
 * successor, which holds the lock that the dead one's process held, knows that
 * no punch is in flight any more, and resolves all of them when it attaches:
 * those of its own epoch, too, which a revert to a snapshot may have brought
 * back. The guest answers only the host that is attached.
 *
 * Why the nonce. It ties a grant to one TAKEN: a slot that went round and came
 * back as GRANTED is not the one that this host thread asked for. It also
 * makes each word that the host may overwrite a rare one: see ring.h.
 *
 * The alternatives. Ballooning allocates the pages (and, with init_on_alloc,
 * touches them); virtio's free page reporting orders itself against resets by
 * QEMU's global lock, which a controller outside of QEMU does not have.
 *
 * tests/model/lease.pml models these states under these names.
 *
 * Kernel- and user-safe. No I/O, no clock, no allocation.
 */
#ifndef EBB_PROTOCOL_LEASE_H
#define EBB_PROTOCOL_LEASE_H

#include <linux/types.h>

#ifdef __KERNEL__
#include <linux/build_bug.h>
#else
#include <assert.h>
#include <stdbool.h>
#endif

/**
 * enum ebb_lease_state - what a slot's word says of its range
 *
 * General rules:
 *   - A state is moved on by compare-and-swap of the whole word, never by a
 *     plain store, except FREE -> OFFERED, which only the guest can do.
 *   - Anybody may read a state at any time. What was read is a private copy.
 *   - No code is zero: memory that was wiped is no slot.
 *
 * @EBB_LEASE_FREE: the slot is empty, its range field means nothing
 *	Guest: writes the range, then release-stores OFFERED.
 *	Host: nothing.
 *
 * @EBB_LEASE_OFFERED: the range is off the guest's free lists, for the host
 *	Host: -> TAKEN with its epoch and a fresh nonce.
 *	Guest: -> REVOKED when its deadline passed or it wants the range back.
 *
 * @EBB_LEASE_TAKEN: the host asks whether this kernel is alive and means it
 *	Guest: -> GRANTED with the same epoch and nonce, if the epoch is that
 *	of the host that is attached and the range is still held.
 *	Guest: -> REVOKED when its deadline passed.
 *	Host: -> FAILED, giving up.
 *
 * @EBB_LEASE_GRANTED: the host may discard the range, within the window
 *	Host: discards, then -> DONE; or, not reaching it in time, -> FAILED.
 *	Successor of a dead host: -> FAILED.
 *	Guest: only waits, for as long as it takes.
 *
 * @EBB_LEASE_DONE: the range is discarded and reads as zeros
 * @EBB_LEASE_FAILED: the host did not touch the range
 * @EBB_LEASE_REVOKED: the guest took the range back before a grant
 *	Guest: -> FREE, and the range returns to the free lists.
 *	Host: nothing.
 */
enum ebb_lease_state {
	EBB_LEASE_FREE = 0xe0,
	EBB_LEASE_OFFERED = 0xe1,
	EBB_LEASE_TAKEN = 0xe2,
	EBB_LEASE_GRANTED = 0xe3,
	EBB_LEASE_DONE = 0xe4,
	EBB_LEASE_FAILED = 0xe5,
	EBB_LEASE_REVOKED = 0xe6,
};

/* Who moves a lease. */
enum ebb_lease_actor {
	EBB_ACTOR_GUEST,
	EBB_ACTOR_HOST,
};

/*
 * One word: state in bits 0 to 7, epoch in 8 to 31, nonce in 32 to 63.
 * An OFFERED word carries a ticket in place of epoch and nonce, as no host owns
 * it yet: the ring's tag in 32 to 63 and a count in 8 to 31. The upper half of
 * a nonce is that of the tag. So each word that a host may replace tells of
 * which ring it is (ring.h).
 */
#define EBB_EPOCH_MASK 0xffffffu

static inline __u64 ebb_lease_word(enum ebb_lease_state state, __u32 epoch,
				   __u32 nonce)
{
	return (__u64)nonce << 32 | (__u64)(epoch & EBB_EPOCH_MASK) << 8 |
	       (__u64)state;
}

static inline __u32 ebb_lease_state(__u64 word)
{
	return (__u32)(word & 0xff);
}

static inline __u32 ebb_lease_epoch(__u64 word)
{
	return (__u32)(word >> 8) & EBB_EPOCH_MASK;
}

static inline __u32 ebb_lease_nonce(__u64 word)
{
	return (__u32)(word >> 32);
}

/* The ticket of an offer: @count is one more than that of the offer before. */
static inline __u64 ebb_ticket(__u32 tag, __u32 count)
{
	return (__u64)tag << 24 | (count & EBB_EPOCH_MASK);
}

/* The nonce of a take: @count is one more than that of the take before. */
static inline __u32 ebb_nonce(__u32 tag, __u32 count)
{
	return (tag & 0xffff0000u) | (count & 0xffffu);
}

/* Whether an OFFERED word is one of the ring with this tag. */
static inline bool ebb_offer_is_of(__u32 tag, __u64 word)
{
	return ebb_lease_nonce(word) == tag;
}

/* Whether a TAKEN or GRANTED word is one of the ring with this tag. */
static inline bool ebb_nonce_is_of(__u32 tag, __u64 word)
{
	return ebb_lease_nonce(word) >> 16 == tag >> 16;
}

/* The same epoch and nonce under another state. */
static inline __u64 ebb_lease_with_state(__u64 word, enum ebb_lease_state state)
{
	return (word & ~(__u64)0xff) | (__u64)state;
}

/**
 * ebb_lease_may - whether @actor may move a lease from @from to @to
 *
 * The table of the enum above as code. Tests and the model are held against
 * it, and the fuzzers use it to tell a lie from a move.
 */
static inline bool ebb_lease_may(enum ebb_lease_actor actor, __u32 from,
				 __u32 to)
{
	bool guest = actor == EBB_ACTOR_GUEST;

	switch (from) {
	case EBB_LEASE_FREE:
		return guest && to == EBB_LEASE_OFFERED;
	case EBB_LEASE_OFFERED:
		return to == (guest ? EBB_LEASE_REVOKED : EBB_LEASE_TAKEN);
	case EBB_LEASE_TAKEN:
		if (guest)
			return to == EBB_LEASE_GRANTED ||
			       to == EBB_LEASE_REVOKED;
		return to == EBB_LEASE_FAILED;
	case EBB_LEASE_GRANTED:
		return !guest &&
		       (to == EBB_LEASE_DONE || to == EBB_LEASE_FAILED);
	case EBB_LEASE_DONE:
	case EBB_LEASE_FAILED:
	case EBB_LEASE_REVOKED:
		return guest && to == EBB_LEASE_FREE;
	default:
		return false;
	}
}

/* Whether the guest has its range back: nothing of the host's can follow. */
static inline bool ebb_lease_is_final(__u32 state)
{
	return state == EBB_LEASE_DONE || state == EBB_LEASE_FAILED ||
	       state == EBB_LEASE_REVOKED || state == EBB_LEASE_FREE;
}

#endif /* EBB_PROTOCOL_LEASE_H */
