/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The ring: one page of guest memory in which a guest and its host meet.
 *
 * Theory of operation
 * ===================
 *
 * ebb.ko owns the page; the host maps it through the shared backing of the
 * domain. Each word has one writer, except the slots' words, whose next writer
 * is named by their state (lease.h), and the host word (below).
 *
 *   offset     what                                    written by
 *   0          identity: magic, version, boot id       guest, once
 *   64         challenge and ring state                guest
 *   128        session: id, state, counters            guest
 *   192        host word: who is attached, its wish    host (guest: at load)
 *   256        32 slots of 16 bytes                    by state
 *   1024       facts, under a seqlock                  guest
 *
 * The invariant: *the host writes to this page only by compare-and-swap from a
 * word that nobody but this ring would have there.* A reset does not tell the
 * host in time that the page now belongs to another kernel. So no word that
 * the host may replace is ever zero or guessable: states are non-zero codes,
 * and offers, nonces and the host word carry the ring's random tag, which the
 * host compares with its private copy before it swaps what it has read. On a
 * page that was reused nothing is written.
 *
 * Why a ticket that counts: the host reads OFFERED, reads the range, then
 * swaps to TAKEN. Were two offers alike, the slot could have gone round with
 * another range in between, and the host would punch the old one under a grant
 * for the new one. A revert to a snapshot brings tickets back: so the host
 * reads the slot, swaps and punches within one grant window, which is shorter
 * than a revert.
 *
 * A double fetch is a bug: each side copies a slot once (ebb_slot_read) and
 * works on the copy. The host validates the copy, as the guest may lie.
 *
 * Leaving. The guest stores CLOSED, then reads the host word; the host swaps
 * itself in, then reads the ring state. Both are ordered by full barriers, so
 * at least one of them sees the other. A host that sees CLOSED resolves what is
 * in flight, swaps back to DETACHED and unmaps; a guest frees the page only
 * when it reads DETACHED. The host reads its own word again after it read OPEN:
 * the page may have been freed and be the next ring's by then.
 *
 * Fields are little-endian, as all machines that Ebb runs on are.
 */
#ifndef EBB_PROTOCOL_RING_H
#define EBB_PROTOCOL_RING_H

#include <linux/types.h>

#include "atomic.h"
#include "lease.h"
#include "limits.h"
#include "threshold.h"

#define EBB_RING_MAGIC 0x31474e4952424245ull /* "EBBRING1" */
#define EBB_RING_VERSION 1u
#define EBB_CANARY_MAGIC 0x3159524e41434245ull /* "EBCANRY1" */

/**
 * enum ebb_ring_state - whether the host may attach
 *
 * @EBB_RING_CLOSED: the module leaves (unload, reboot, suspend)
 *	Host: resolves what is in flight, detaches, touches nothing more.
 *	Guest: waits for DETACHED, then frees the page, or leaks it.
 * @EBB_RING_OPEN: a host may attach
 */
enum ebb_ring_state {
	EBB_RING_CLOSED = 0xc0,
	EBB_RING_OPEN = 0xc1,
};

/**
 * enum ebb_host_state - bits 0 to 7 of the host word
 *
 * The other bits are the epoch of the last host (8 to 31) and the ring's tag
 * (32 to 63).
 *
 * @EBB_HOST_DETACHED: no host has the page mapped
 *	Host: -> ATTACHED with the next epoch.
 * @EBB_HOST_ATTACHED: a host reads facts; it wants no memory
 *	Host: -> DEMANDING, -> DETACHED. A successor: -> ATTACHED, next epoch.
 * @EBB_HOST_DEMANDING: the host wants offers
 *	Guest: offers while a session runs. Ends the session when it is gone.
 *	Host: -> ATTACHED when it has enough. A successor: as above.
 */
enum ebb_host_state {
	EBB_HOST_DETACHED = 0xd0,
	EBB_HOST_ATTACHED = 0xd1,
	EBB_HOST_DEMANDING = 0xd2,
};

/**
 * enum ebb_session_state - what became of the last reclaim session
 *
 * A session begins by EBB_IOC_SESSION_START and is ended by the guest alone.
 *
 * @EBB_SESSION_NONE: there was none since the module was loaded
 * @EBB_SESSION_RUNNING: offers come, batch after batch
 * @EBB_SESSION_DRAINED: a whole pass found nothing that was not yet reported
 * @EBB_SESSION_SATISFIED: the host took its demand back
 * @EBB_SESSION_HOST_ABSENT: nothing moved for EBB_OFFER_DEADLINE_MS
 * @EBB_SESSION_EXPIRED: the time that the host had given it is over
 * @EBB_SESSION_STOPPED: by EBB_IOC_SESSION_STOP
 * @EBB_SESSION_BUSY: the kernel's page reporting slot is taken (-EBUSY),
 *	mostly by virtio-balloon with freePageReporting='on'
 * @EBB_SESSION_PRESSURE: the guest needs its memory itself
 * @EBB_SESSION_LEAVING: the module leaves (unload, reboot, suspend)
 */
enum ebb_session_state {
	EBB_SESSION_NONE = 0,
	EBB_SESSION_RUNNING = 1,
	EBB_SESSION_DRAINED = 2,
	EBB_SESSION_SATISFIED = 3,
	EBB_SESSION_HOST_ABSENT = 4,
	EBB_SESSION_EXPIRED = 5,
	EBB_SESSION_STOPPED = 6,
	EBB_SESSION_BUSY = 7,
	EBB_SESSION_PRESSURE = 8,
	EBB_SESSION_LEAVING = 9,
	EBB_SESSION_STATE_COUNT
};

/* One leased range. */
struct ebb_slot {
	__u64 word; /* lease.h */
	__u64 range; /* ebb_range(): pfn in bits 8 to 63, order in 0 to 7 */
};

static inline __u64 ebb_range(__u64 pfn, __u32 order)
{
	return pfn << 8 | (order & 0xff);
}

static inline __u64 ebb_range_pfn(__u64 range)
{
	return range >> 8;
}

static inline __u32 ebb_range_order(__u64 range)
{
	return (__u32)(range & 0xff);
}

/* Memory of one NUMA node of the guest, in bytes. */
struct ebb_node_facts {
	__u32 node;
	__u32 flags; /* none yet, zero */
	__u64 total_bytes; /* managed by the buddy allocator */
	__u64 free_bytes;
	__u64 free_huge_bytes; /* in blocks of EBB_LEASE_ORDER_MIN or more */
	__u64 low_watermark_bytes;
	__u64 high_watermark_bytes;
	__u64 target_bytes; /* free target in force, 0: none */
	__u64 reserved;
};

/*
 * What the guest tells without being asked, under a seqlock: @seq is odd while
 * the guest writes. Counters only grow; they restart with the module.
 */
struct ebb_facts {
	__u32 seq;
	__u32 node_count;
	__u64 stamp_ns; /* guest's CLOCK_BOOTTIME of this reading */
	__u64 total_bytes;
	__u64 free_bytes;
	__u64 free_huge_bytes;
	__u64 available_bytes; /* si_mem_available() */
	__u64 allocstall; /* events, all zones, since boot */
	__u64 refault; /* workingset refaults, pages, since boot */
	__u64 oom_kill; /* events, since boot */
	__u64 done_bytes; /* given to the host, since load */
	__u64 batches; /* since load */
	__u32 threshold_state; /* enum ebb_threshold_state */
	__u32 drop_reason; /* enum ebb_drop_reason, of the last */
	__u64 drop_count; /* targets that the guest dropped, since load */
	__u64 target_bytes; /* free target in force, all nodes; 0: none */
	__u64 reserved[2];
	struct ebb_node_facts nodes[EBB_NODE_MAX];
};

struct ebb_ring {
	/* Identity: written once, before the ring is OPEN. */
	__u64 magic;
	__u32 version;
	__u32 slot_count;
	__u8 boot_id[EBB_BOOT_ID_BYTES]; /* random at load */
	__u32 tag; /* random at load, never 0 */
	__u32 lease_order; /* smallest order that is offered */
	__u64 reserved0[3];

	/* offset 64: guest */
	__u8 challenge[EBB_NONCE_BYTES]; /* the last nonce, as in canaries */
	__u32 state; /* enum ebb_ring_state */
	__u32 reserved1;
	__u64 reserved2[5];

	/* offset 128: guest */
	__u64 session_id; /* as given to EBB_IOC_SESSION_START */
	__u32 session_state; /* enum ebb_session_state, stored last */
	__u32 session_passes; /* whole passes of the kernel so far */
	__u64 session_offered_bytes;
	__u64 session_done_bytes;
	__u64 batch; /* counts up with each batch that is wholly OFFERED */
	__u32 batch_slots; /* slots of that batch, from slot 0 */
	__u32 reserved7;
	__u64 reserved3[2];

	/* offset 192: host, by compare-and-swap only */
	__u64 host_word;
	__u64 reserved4[7];

	/* offset 256 */
	struct ebb_slot slots[EBB_SLOT_COUNT];
	__u64 reserved5[32];

	/* offset 1024 */
	struct ebb_facts facts;
	__u64 reserved6[(EBB_PAGE_BYTES - 1024 - sizeof(struct ebb_facts)) / 8];
};

static_assert(sizeof(struct ebb_slot) == 16, "ABI");
static_assert(sizeof(struct ebb_node_facts) == 64, "ABI");
static_assert(sizeof(struct ebb_facts) == 128 + EBB_NODE_MAX * 64, "ABI");
static_assert(sizeof(struct ebb_ring) == EBB_PAGE_BYTES, "the ring is a page");
static_assert(__builtin_offsetof(struct ebb_ring, challenge) == 64, "ABI");
static_assert(__builtin_offsetof(struct ebb_ring, session_id) == 128, "ABI");
static_assert(__builtin_offsetof(struct ebb_ring, host_word) == 192, "ABI");
static_assert(__builtin_offsetof(struct ebb_ring, slots) == 256, "ABI");
static_assert(__builtin_offsetof(struct ebb_ring, facts) == 1024, "ABI");

/*
 * A canary page, filled by the guest at each challenge. The rest is zero.
 * @gpa is where the guest believes that the page is, in bytes.
 */
struct ebb_canary {
	__u64 magic;
	__u64 gpa;
	__u8 boot_id[EBB_BOOT_ID_BYTES];
	__u8 nonce[EBB_NONCE_BYTES];
};

static_assert(sizeof(struct ebb_canary) == 48, "ABI");

/* A private copy of a slot. Valid only if @word says OFFERED or later. */
static inline struct ebb_slot ebb_slot_read(const struct ebb_slot *slot)
{
	struct ebb_slot copy;

	/* Pairs with the release in ebb_slot_offer(). */
	copy.word = ebb_load_acquire(&slot->word);
	copy.range = ebb_load_relaxed(&slot->range);
	return copy;
}

/*
 * Guest: FREE -> OFFERED. @ticket: ebb_ticket(), counted up from that of the
 * offer before.
 */
static inline void ebb_slot_offer(struct ebb_slot *slot, __u64 pfn, __u32 order,
				  __u64 ticket)
{
	ebb_store_relaxed(&slot->range, ebb_range(pfn, order));
	/* Pairs with the acquire in ebb_slot_read(). */
	ebb_store_release(&slot->word, ticket << 8 | EBB_LEASE_OFFERED);
}

/* Guest: TAKEN -> GRANTED. @taken is the word that was read. */
static inline bool ebb_slot_grant(struct ebb_slot *slot, __u64 taken)
{
	return ebb_cas(&slot->word, taken,
		       ebb_lease_with_state(taken, EBB_LEASE_GRANTED));
}

/* Guest: OFFERED or TAKEN -> REVOKED. @seen is the word that was read. */
static inline bool ebb_slot_revoke(struct ebb_slot *slot, __u64 seen)
{
	return ebb_cas(&slot->word, seen,
		       ebb_lease_with_state(seen, EBB_LEASE_REVOKED));
}

/* Guest: DONE, FAILED or REVOKED -> FREE, before the range is used again. */
static inline void ebb_slot_free(struct ebb_slot *slot)
{
	ebb_store_release(&slot->word, (__u64)EBB_LEASE_FREE);
}

/* Host: OFFERED -> TAKEN. @offered is the word of the copy. */
static inline bool ebb_slot_take(struct ebb_slot *slot, __u64 offered,
				 __u32 epoch, __u32 nonce)
{
	return ebb_cas(&slot->word, offered,
		       ebb_lease_word(EBB_LEASE_TAKEN, epoch, nonce));
}

/*
 * Host: TAKEN -> FAILED, or GRANTED -> DONE or FAILED. @owned is the word as
 * it must still be; on false the slot is not the host's (any more).
 */
static inline bool ebb_slot_resolve(struct ebb_slot *slot, __u64 owned,
				    enum ebb_lease_state outcome)
{
	return ebb_cas(&slot->word, owned,
		       ebb_lease_with_state(owned, outcome));
}

#endif /* EBB_PROTOCOL_RING_H */
