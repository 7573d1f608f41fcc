/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/memory/ringmap.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/memory/sigbus.h"

enum {
	FACTS_TRIES = 64,
	SWAP_TRIES = 64
};

/* A private copy of the identity, which is then checked. */
static int check_identity(int fd, uint64_t offset,
			  const uint8_t boot_id[EBB_BOOT_ID_BYTES],
			  const uint8_t challenge[EBB_NONCE_BYTES],
			  uint32_t *ret_tag)
{
	struct ebb_ring copy;

	/* By pread(): if this is a hole, a mapping would fill it. */
	if (pread(fd, &copy, sizeof(copy), (off_t)offset) !=
	    (ssize_t)sizeof(copy))
		return -EBADMSG;
	if (copy.magic != EBB_RING_MAGIC)
		return -EBADMSG;
	if (copy.version != EBB_RING_VERSION ||
	    copy.slot_count != EBB_SLOT_COUNT)
		return -EPROTONOSUPPORT;
	if (copy.tag == 0 ||
	    memcmp(copy.boot_id, boot_id, sizeof(copy.boot_id)) != 0 ||
	    memcmp(copy.challenge, challenge, sizeof(copy.challenge)) != 0)
		return -EBADMSG;
	*ret_tag = copy.tag;
	return 0;
}

int ebb_ringmap_open(int fd, uint64_t offset, uint64_t page_bytes,
		     const uint8_t boot_id[EBB_BOOT_ID_BYTES],
		     const uint8_t challenge[EBB_NONCE_BYTES],
		     struct ebb_ringmap *ret_map)
{
	uint64_t start = offset - offset % page_bytes;
	struct ebb_ringmap map = { .mapping_bytes = page_bytes };
	int r;

	if (offset % EBB_PAGE_BYTES)
		return -EBADMSG;
	r = check_identity(fd, offset, boot_id, challenge, &map.tag);
	if (r < 0)
		return r;

	map.mapping = mmap(NULL, page_bytes, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_NORESERVE, fd, (off_t)start);
	if (map.mapping == MAP_FAILED)
		return -errno;
	map.guard = ebb_sigbus_guard(map.mapping, page_bytes);
	if (map.guard < 0) {
		munmap(map.mapping, page_bytes);
		return map.guard;
	}
	map.ring = (struct ebb_ring *)((char *)map.mapping + (offset - start));
	*ret_map = map;
	return 0;
}

static uint64_t host_word(const struct ebb_ringmap *map,
			  enum ebb_host_state state, uint32_t epoch)
{
	return (uint64_t)map->tag << 32 |
	       (uint64_t)(epoch & EBB_EPOCH_MASK) << 8 | (uint64_t)state;
}

static bool is_host_word(const struct ebb_ringmap *map, uint64_t word)
{
	uint32_t state = ebb_lease_state(word);

	return ebb_lease_nonce(word) == map->tag &&
	       (state == EBB_HOST_DETACHED || state == EBB_HOST_ATTACHED ||
		state == EBB_HOST_DEMANDING);
}

/*
 * What is in flight is in nobody's hands: we hold the lock and have taken
 * nothing yet. A word of another ring is none of ours to replace.
 */
static void resolve_stale(struct ebb_ringmap *map)
{
	for (int i = 0; i < EBB_SLOT_COUNT; i++) {
		struct ebb_slot *slot = &map->ring->slots[i];

		for (int tries = 0; tries < SWAP_TRIES; tries++) {
			uint64_t word = ebb_load_acquire(&slot->word);
			uint32_t state = ebb_lease_state(word);

			if ((state != EBB_LEASE_TAKEN &&
			     state != EBB_LEASE_GRANTED) ||
			    !ebb_nonce_is_of(map->tag, word) ||
			    ebb_slot_resolve(slot, word, EBB_LEASE_FAILED))
				break;
		}
	}
}

static void detach(struct ebb_ringmap *map)
{
	uint64_t demanding = host_word(map, EBB_HOST_DEMANDING, map->epoch);
	uint64_t attached = host_word(map, EBB_HOST_ATTACHED, map->epoch);
	uint64_t detached = host_word(map, EBB_HOST_DETACHED, map->epoch);

	if (map->epoch == 0)
		return;
	if (!ebb_cas(&map->ring->host_word, attached, detached))
		ebb_cas(&map->ring->host_word, demanding, detached);
	map->epoch = 0;
}

int ebb_ringmap_attach(struct ebb_ringmap *map)
{
	__u64 *word_ptr = &map->ring->host_word;
	uint32_t epoch;
	uint64_t word;

	for (int tries = 0;; tries++) {
		word = ebb_load_acquire(word_ptr);
		if (tries == SWAP_TRIES || !is_host_word(map, word))
			return -EBADMSG;
		epoch = (ebb_lease_epoch(word) + 1) & EBB_EPOCH_MASK;
		if (epoch == 0)
			epoch = 1;
		if (ebb_cas(word_ptr, word,
			    host_word(map, EBB_HOST_ATTACHED, epoch)))
			break;
	}
	map->epoch = epoch;

	/* On a page that was given up already there is nothing of a host's. */
	if (ebb_lease_state(word) != EBB_HOST_DETACHED)
		resolve_stale(map);

	/*
	 * Pairs with the barrier between CLOSED and the load of the host word
	 * in the module: one of us sees the other. The word is read again, as
	 * the OPEN may be that of a new ring in the same page.
	 */
	ebb_full_barrier();
	if (!ebb_ringmap_is_open(map) ||
	    ebb_load_acquire(word_ptr) !=
		    host_word(map, EBB_HOST_ATTACHED, epoch)) {
		detach(map);
		return -ESHUTDOWN;
	}
	resolve_stale(map);
	return 0;
}

bool ebb_ringmap_demand(struct ebb_ringmap *map, bool demand)
{
	uint64_t attached = host_word(map, EBB_HOST_ATTACHED, map->epoch);
	uint64_t demanding = host_word(map, EBB_HOST_DEMANDING, map->epoch);

	if (map->epoch == 0)
		return false;
	if (demand)
		return ebb_cas(&map->ring->host_word, attached, demanding);
	return ebb_cas(&map->ring->host_word, demanding, attached);
}

bool ebb_ringmap_is_open(const struct ebb_ringmap *map)
{
	return map->ring && !ebb_sigbus_lost(map->guard) &&
	       ebb_load_acquire(&map->ring->state) == EBB_RING_OPEN;
}

/*
 * JSON carries no more, and one number too large would have a client refuse
 * the whole answer, of all domains.
 */
static bool are_presentable(const struct ebb_facts *facts)
{
	uint64_t bits = facts->total_bytes | facts->free_bytes |
			facts->free_huge_bytes | facts->available_bytes |
			facts->allocstall | facts->refault | facts->oom_kill |
			facts->done_bytes | facts->batches | facts->drop_count |
			facts->target_bytes;

	if (facts->node_count > EBB_NODE_MAX)
		return false;
	for (uint32_t i = 0; i < facts->node_count; i++) {
		const struct ebb_node_facts *node = &facts->nodes[i];

		bits |= node->total_bytes | node->free_bytes |
			node->free_huge_bytes | node->low_watermark_bytes |
			node->high_watermark_bytes | node->target_bytes;
	}
	return bits <= INT64_MAX;
}

int ebb_ringmap_facts(const struct ebb_ringmap *map,
		      struct ebb_facts *ret_facts)
{
	const struct ebb_facts *facts = &map->ring->facts;
	struct ebb_facts copy;

	for (int tries = 0; tries < FACTS_TRIES; tries++) {
		uint32_t seq = ebb_load_acquire(&facts->seq);

		if (seq & 1)
			continue;
		memcpy(&copy, facts, sizeof(copy));
		ebb_read_barrier();
		if (ebb_load_relaxed(&facts->seq) != seq)
			continue;
		if (!are_presentable(&copy))
			return -EBADMSG;
		*ret_facts = copy;
		return 0;
	}
	return -EAGAIN;
}

void ebb_ringmap_close(struct ebb_ringmap *map)
{
	if (!map->ring)
		return;
	detach(map);
	ebb_sigbus_release(map->guard);
	munmap(map->mapping, map->mapping_bytes);
	*map = (struct ebb_ringmap){ 0 };
}
