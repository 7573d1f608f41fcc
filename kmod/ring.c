/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ring page. protocol/ring.h has the theory; what is decided here is when
 * the page may go back to the allocator: only when the host word was read as
 * DETACHED after CLOSED was stored. Else it is leaked, one page for good.
 */
#define pr_fmt(fmt) "ebb: " fmt

#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/printk.h>
#include <linux/random.h>
#include <linux/string.h>

#include "ring.h"

#define DETACH_POLL_US 500

static struct ebb_ring *ring;
static u32 offer_count;

static u32 ring_random_tag(void)
{
	u32 tag;

	do {
		tag = get_random_u32();
	} while (!tag);
	return tag;
}

static struct ebb_ring *ring_create(void)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	struct ebb_ring *fresh;
	int i;

	if (!page)
		return NULL;
	fresh = page_address(page);
	fresh->magic = EBB_RING_MAGIC;
	fresh->version = EBB_RING_VERSION;
	fresh->slot_count = EBB_SLOT_COUNT;
	get_random_bytes(fresh->boot_id, sizeof(fresh->boot_id));
	fresh->tag = ring_random_tag();
	fresh->lease_order = max_t(u32, pageblock_order, EBB_LEASE_ORDER_MIN);
	fresh->host_word = ebb_lease_word(
		(enum ebb_lease_state)EBB_HOST_DETACHED, 0, fresh->tag);
	for (i = 0; i < EBB_SLOT_COUNT; i++)
		ebb_slot_free(&fresh->slots[i]);
	/* Whoever reads OPEN reads all of the above. */
	ebb_store_release(&fresh->state, EBB_RING_OPEN);
	return fresh;
}

int ebb_ring_init(void)
{
	offer_count = get_random_u32();
	ring = ring_create();
	return ring ? 0 : -ENOMEM;
}

struct ebb_ring *ebb_ring_page(void)
{
	return ring;
}

u64 ebb_ring_gpa(void)
{
	return virt_to_phys(ring);
}

bool ebb_ring_host_is_attached(u64 word, u32 epoch)
{
	u32 state = ebb_lease_state(word);

	return (state == EBB_HOST_ATTACHED || state == EBB_HOST_DEMANDING) &&
	       ebb_lease_epoch(word) == epoch &&
	       ebb_lease_nonce(word) == ring->tag;
}

bool ebb_ring_host_demands(u64 word)
{
	return ebb_lease_state(word) == EBB_HOST_DEMANDING &&
	       ebb_lease_nonce(word) == ring->tag;
}

u64 ebb_ring_next_ticket(void)
{
	return ebb_ticket(ring->tag, ++offer_count);
}

void ebb_ring_publish_challenge(const u8 nonce[EBB_NONCE_BYTES])
{
	ebb_write_barrier();
	memcpy(ring->challenge, nonce, EBB_NONCE_BYTES);
	ebb_write_barrier();
}

static bool ring_is_detached(void)
{
	return ebb_lease_state(ebb_load_acquire(&ring->host_word)) ==
	       EBB_HOST_DETACHED;
}

bool ebb_ring_close(void)
{
	unsigned long end = jiffies + msecs_to_jiffies(EBB_DETACH_WAIT_MS);

	ebb_store_release(&ring->state, EBB_RING_CLOSED);
	/* Pairs with the host's swap of the host word before it reads state. */
	ebb_full_barrier();
	while (!ring_is_detached()) {
		if (time_after(jiffies, end))
			return false;
		usleep_range(DETACH_POLL_US, 2 * DETACH_POLL_US);
	}
	return true;
}

static void ring_dispose(struct ebb_ring *old, bool detached)
{
	if (detached)
		free_page((unsigned long)old);
	else
		pr_warn("the host did not detach: leaking the ring page\n");
}

int ebb_ring_renew(void)
{
	struct ebb_ring *old = ring, *fresh = ring_create();
	bool detached = ring_is_detached();

	if (!fresh)
		return -ENOMEM;
	WRITE_ONCE(ring, fresh);
	ring_dispose(old, detached);
	return 0;
}

void ebb_ring_exit(void)
{
	ring_dispose(ring, ebb_ring_close());
}
