/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/host/lease/fake-guest.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/clock.h"

enum {
	RING_OFFSET = 0x3000,
	CANARY_OFFSET = 0x5000,
	FIRST_RANGE = 4 << 20,
	PATIENCE_MS = 20000, /* for the whole session; the test then fails */
	LATE_MS = EBB_GRANT_WINDOW_MS + 20,
	FORGED_MS = 20, /* for the host to look at it */
};

static const uint8_t boot_id[EBB_BOOT_ID_BYTES] = "boot-id-of-test";
static const uint8_t nonce[EBB_NONCE_BYTES] = "nonce-of-a-test";

/* Each page of each range is different, so that a shift shows, too. */
static uint64_t pattern(const struct fake_range *range, uint64_t at)
{
	return (range->offset + at) * 0x9e3779b97f4a7c15u | 1;
}

static void fill_range(struct fake_guest *guest, struct fake_range *range)
{
	for (uint64_t at = 0; at < FAKE_RANGE_BYTES; at += EBB_PAGE_BYTES) {
		uint64_t value = pattern(range, at);

		memcpy(guest->memory + range->offset + at, &value,
		       sizeof(value));
	}
}

/* By pread(): a load from a hole would fill it. */
static bool holds(const struct fake_guest *guest, uint32_t index, bool zero)
{
	const struct fake_range *range = &guest->ranges[index];

	for (uint64_t at = 0; at < FAKE_RANGE_BYTES; at += EBB_PAGE_BYTES) {
		uint64_t value;

		if (pread(guest->fd, &value, sizeof(value),
			  (off_t)(range->offset + at)) != sizeof(value))
			return false;
		if (value != (zero ? 0 : pattern(range, at)))
			return false;
	}
	return true;
}

bool fake_range_is_zero(const struct fake_guest *guest, uint32_t index)
{
	return holds(guest, index, true);
}

bool fake_range_is_intact(const struct fake_guest *guest, uint32_t index)
{
	return holds(guest, index, false);
}

void fake_guest_refill(struct fake_guest *guest)
{
	for (uint32_t i = 0; i < guest->range_count; i++)
		fill_range(guest, &guest->ranges[i]);
}

static void make_ring(struct fake_guest *guest)
{
	struct ebb_ring *ring = guest->ring;

	ring->magic = EBB_RING_MAGIC;
	ring->version = EBB_RING_VERSION;
	ring->slot_count = EBB_SLOT_COUNT;
	ring->tag = 0x12345679;
	ring->lease_order = EBB_LEASE_ORDER_MIN;
	ring->state = EBB_RING_OPEN;
	ring->host_word = (uint64_t)ring->tag << 32 | EBB_HOST_DETACHED;
	memcpy(ring->boot_id, boot_id, sizeof(boot_id));
	memcpy(ring->challenge, nonce, sizeof(nonce));
	for (int i = 0; i < EBB_SLOT_COUNT; i++)
		ring->slots[i].word = EBB_LEASE_FREE;
}

static bool make_host(struct fake_guest *guest, uint64_t bytes)
{
	struct ebb_map_segment *segment = &guest->segment;

	guest->qemu.pid = getpid();
	guest->qemu.pidfd = -1;
	guest->qemu.backing_count = 1;
	guest->qemu.backings = &guest->backing;
	guest->backing.fd = guest->fd;
	guest->backing.bytes = bytes;
	guest->backing.page_bytes = EBB_PAGE_BYTES;
	guest->map.segment_count = 1;
	guest->map.segments = segment;
	segment->gpa = FAKE_GPA;
	segment->bytes = bytes;
	segment->canary_count = 1;
	segment->canary_gpas[0] = FAKE_GPA + CANARY_OFFSET;
	guest->lender =
		(struct ebb_lender){ .qemu = &guest->qemu,
				     .map = &guest->map,
				     .ring = &guest->ringmap,
				     .ring_gpa = FAKE_GPA + RING_OFFSET };
	return ebb_ringmap_open(guest->fd, RING_OFFSET, EBB_PAGE_BYTES, boot_id,
				nonce, &guest->ringmap) == 0 &&
	       ebb_ringmap_attach(&guest->ringmap) == 0;
}

bool fake_guest_begin(struct fake_guest *guest, uint32_t range_count,
		      uint64_t stride)
{
	uint64_t bytes = FIRST_RANGE + range_count * stride;

	memset(guest, 0, sizeof(*guest));
	guest->fd = memfd_create("fake-guest", MFD_CLOEXEC);
	if (guest->fd < 0 || ftruncate(guest->fd, (off_t)bytes) < 0)
		return false;
	guest->memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			     guest->fd, 0);
	if (guest->memory == MAP_FAILED)
		return false;
	guest->ring = (struct ebb_ring *)(guest->memory + RING_OFFSET);
	guest->batch_slots = 8;
	guest->rounds = 1;
	guest->ticket = ebb_ticket(0x12345679, 0xabcd);
	guest->range_count = range_count;
	guest->free_count = range_count;
	guest->free_limit = range_count;
	guest->drive_ms = 1;
	for (uint32_t i = 0; i < range_count; i++) {
		guest->ranges[i].offset = FIRST_RANGE + i * stride;
		fill_range(guest, &guest->ranges[i]);
	}
	make_ring(guest);
	return make_host(guest, bytes);
}

void fake_guest_end(struct fake_guest *guest)
{
	ebb_ringmap_close(&guest->ringmap);
	munmap(guest->memory, guest->backing.bytes);
	close(guest->fd);
}

static bool is_demanded(const struct fake_guest *guest)
{
	return ebb_lease_state(ebb_load_acquire(&guest->ring->host_word)) ==
	       EBB_HOST_DEMANDING;
}

static void end_session(struct fake_guest *guest, enum ebb_session_state why)
{
	ebb_store_release(&guest->ring->session_state, (uint32_t)why);
}

/* A batch in work: slot i holds range members[i]. */
struct batch {
	uint32_t count;
	uint32_t members[EBB_SLOT_COUNT];
	uint64_t words[EBB_SLOT_COUNT];
	bool final[EBB_SLOT_COUNT];
};

static void offer_batch(struct fake_guest *guest, struct batch *batch)
{
	for (uint32_t i = 0; i < batch->count; i++) {
		struct fake_range *range = &guest->ranges[batch->members[i]];
		uint64_t gpa = FAKE_GPA + range->offset;

		if (guest->manner == FAKE_OFFERS_OUTSIDE && i == 1)
			gpa = FAKE_GPA - FAKE_RANGE_BYTES;
		if (guest->manner == FAKE_OFFERS_RING && i == 1)
			gpa = FAKE_GPA;
		range->offers++;
		batch->words[i] = ++guest->ticket << 8 | EBB_LEASE_OFFERED;
		ebb_slot_offer(&guest->ring->slots[i], gpa >> EBB_PAGE_SHIFT,
			       EBB_LEASE_ORDER_MIN, guest->ticket);
	}
	ebb_store_relaxed(&guest->ring->batch_slots, batch->count);
	ebb_store_release(&guest->ring->batch, guest->ring->batch + 1);
}

/* The host has taken @slot. */
static void answer(struct fake_guest *guest, struct ebb_slot *slot,
		   uint64_t taken)
{
	uint64_t forged = taken ^ (uint64_t)1 << 32;

	switch (guest->manner) {
	case FAKE_REVOKES_TAKEN:
		ebb_slot_revoke(slot, taken);
		break;
	case FAKE_REVOKES_ONE:
		if (++guest->takes == guest->revoked_take)
			ebb_slot_revoke(slot, taken);
		else
			ebb_slot_grant(slot, taken);
		break;
	case FAKE_NEVER_GRANTS:
		break;
	case FAKE_GRANTS_LATE:
		ebb_sleep_us(LATE_MS * 1000);
		ebb_slot_grant(slot, taken);
		break;
	case FAKE_FORGES_NONCE:
		if (!ebb_cas(&slot->word, taken,
			     ebb_lease_with_state(forged, EBB_LEASE_GRANTED)))
			break;
		ebb_sleep_us(FORGED_MS * 1000);
		if (ebb_load_acquire(&slot->word) !=
		    ebb_lease_with_state(forged, EBB_LEASE_GRANTED))
			guest->wrong = "a forged grant was moved on";
		ebb_store_release(&slot->word, (uint64_t)EBB_LEASE_REVOKED);
		break;
	case FAKE_LEAVES:
		ebb_store_release(&guest->ring->state,
				  (uint32_t)EBB_RING_CLOSED);
		end_session(guest, EBB_SESSION_LEAVING);
		ebb_slot_grant(slot, taken);
		break;
	case FAKE_RESETS:
		guest->gone = true;
		ebb_slot_grant(slot, taken);
		break;
	default:
		ebb_slot_grant(slot, taken);
		break;
	}
}

static void check_final(struct fake_guest *guest, uint32_t member,
			uint32_t state)
{
	struct fake_range *range = &guest->ranges[member];

	range->final = state;
	if (state == EBB_LEASE_DONE) {
		range->done = true;
		if (!fake_range_is_zero(guest, member))
			guest->wrong = "DONE, and not discarded";
		return;
	}
	if (!fake_range_is_intact(guest, member))
		guest->wrong = "not DONE, and discarded";
}

static void step(struct fake_guest *guest, struct batch *batch, uint32_t i)
{
	struct ebb_slot *slot = &guest->ring->slots[i];
	uint64_t word = ebb_load_acquire(&slot->word);
	uint32_t from = ebb_lease_state(batch->words[i]);
	uint32_t state = ebb_lease_state(word);

	if (word != batch->words[i] && from != EBB_LEASE_OFFERED &&
	    state != EBB_LEASE_REVOKED &&
	    !ebb_lease_may(EBB_ACTOR_HOST, from, state) &&
	    !(from == EBB_LEASE_TAKEN && state == EBB_LEASE_GRANTED) &&
	    !(from == EBB_LEASE_TAKEN && state == EBB_LEASE_DONE))
		guest->wrong = "a move that the host may not make";
	batch->words[i] = word;
	if (ebb_lease_is_final(state)) {
		batch->final[i] = true;
		check_final(guest, batch->members[i], state);
	} else if (state == EBB_LEASE_TAKEN) {
		answer(guest, slot, word);
	} else if (state == EBB_LEASE_OFFERED && !is_demanded(guest)) {
		ebb_slot_revoke(slot, word);
	}
}

static bool run_batch(struct fake_guest *guest, struct batch *batch,
		      uint64_t until_ns)
{
	uint32_t open = batch->count;

	offer_batch(guest, batch);
	while (open > 0) {
		if (ebb_now_ns() > until_ns) {
			guest->wrong = "a batch was never resolved";
			return false;
		}
		open = 0;
		for (uint32_t i = 0; i < batch->count; i++) {
			if (!batch->final[i])
				step(guest, batch, i);
			open += !batch->final[i];
		}
		ebb_sleep_us(20);
	}
	for (uint32_t i = 0; i < batch->count; i++)
		ebb_slot_free(&guest->ring->slots[i]);
	return true;
}

/* The next ranges that are to be offered, from @first on. */
static uint32_t gather(const struct fake_guest *guest, uint32_t first,
		       struct batch *batch)
{
	for (; first < guest->free_count && batch->count < guest->batch_slots;
	     first++)
		if (!guest->ranges[first].done)
			batch->members[batch->count++] = first;
	return first;
}

static void *run_session(void *opaque)
{
	struct fake_guest *guest = opaque;
	uint64_t until_ns = ebb_now_ns() + PATIENCE_MS * (uint64_t)1000000;
	uint32_t batches = 0;

	for (uint32_t round = 0; round < guest->rounds; round++)
		for (uint32_t next = 0; next < guest->free_count;) {
			struct batch batch = { 0 };

			next = gather(guest, next, &batch);
			if (batch.count == 0)
				break;
			if (!is_demanded(guest)) {
				end_session(guest, EBB_SESSION_SATISFIED);
				return NULL;
			}
			if (guest->manner == FAKE_PRESSED && batches == 1) {
				end_session(guest, EBB_SESSION_PRESSURE);
				return NULL;
			}
			if (guest->manner == FAKE_IS_CANCELLED && batches == 1)
				guest->cancelled = true;
			if (!run_batch(guest, &batch, until_ns))
				return NULL;
			batches++;
		}
	if (guest->manner != FAKE_LEAVES)
		end_session(guest, EBB_SESSION_DRAINED);
	return NULL;
}

void fake_guest_tell(struct fake_guest *guest, enum ebb_threshold_state state)
{
	struct ebb_facts *facts = &guest->ring->facts;
	uint32_t seq = facts->seq;

	__atomic_store_n(&facts->seq, seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	facts->stamp_ns++;
	facts->free_huge_bytes = (uint64_t)guest->free_count * FAKE_RANGE_BYTES;
	if (guest->drive == FAKE_BOASTS)
		facts->free_huge_bytes = facts->stamp_ns << 32;
	facts->target_bytes =
		state == EBB_THRESHOLD_DROPPED ? 0 : guest->target_bytes;
	facts->threshold_state = state;
	facts->drop_count = guest->drop_count;
	facts->drop_reason = guest->drop_count ? EBB_DROP_ALLOCSTALL
					       : EBB_DROP_NONE;
	__atomic_store_n(&facts->seq, seq + 2, __ATOMIC_RELEASE);
}

/* As kmod/threshold.c does, with a range for each pulse. */
static void *run_driver(void *opaque)
{
	struct fake_guest *guest = opaque;
	uint64_t until_ns = ebb_now_ns() + PATIENCE_MS * (uint64_t)1000000;

	while (guest->target_bytes && ebb_now_ns() < until_ns) {
		uint64_t free_bytes =
			(uint64_t)guest->free_count * FAKE_RANGE_BYTES;
		enum ebb_threshold_state state = EBB_THRESHOLD_DRIVING;

		if (free_bytes >= guest->target_bytes) {
			state = EBB_THRESHOLD_HELD;
		} else if (guest->free_count < guest->free_limit) {
			guest->free_count++;
		} else if (guest->drive == FAKE_DROPS) {
			guest->drop_count++;
			fake_guest_tell(guest, EBB_THRESHOLD_DROPPED);
			break;
		} else if (guest->drive != FAKE_BOASTS) {
			state = EBB_THRESHOLD_EXHAUSTED;
		}
		fake_guest_tell(guest, state);
		ebb_sleep_us(guest->drive_ms * 1000);
	}
	return NULL;
}

void fake_guest_aim(struct fake_guest *guest, uint64_t target_bytes)
{
	guest->target_bytes = 0;
	if (guest->driven)
		pthread_join(guest->driver, NULL);
	guest->driven = false;
	if (target_bytes == 0 || guest->drive == FAKE_IGNORES)
		return;
	guest->target_bytes = target_bytes;
	guest->driven =
		pthread_create(&guest->driver, NULL, run_driver, guest) == 0;
}

int fake_guest_start(struct fake_guest *guest, uint64_t session_id)
{
	/* Of the session before, which is over. */
	fake_guest_join(guest);
	ebb_store_relaxed(&guest->ring->session_id, session_id);
	end_session(guest, EBB_SESSION_RUNNING);
	if (guest->manner == FAKE_SILENT)
		return 0;
	if (pthread_create(&guest->thread, NULL, run_session, guest) != 0)
		return -EAGAIN;
	guest->started = true;
	return 0;
}

void fake_guest_join(struct fake_guest *guest)
{
	if (atomic_exchange(&guest->started, false))
		pthread_join(guest->thread, NULL);
}
