/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory of this module: blocks with a pattern, the ring, the canaries.
 *
 * The ring is never freed. A host that was lied to may still have it mapped,
 * and a page for each attack is not much.
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/random.h>
#include <linux/string.h>

#include "hostile.h"

#define PATTERN_STEP 0x9e3779b97f4a7c15ull
#define MEMORY_START ((phys_addr_t)HOSTILE_HALF_PAGES << PAGE_SHIFT)
#define WORDS_PER_PAGE (PAGE_SIZE / sizeof(u64))

static struct ebb_ring *ring;
static struct page *canaries[EBB_CANARY_PER_SEGMENT];
static struct page *blocks[HOSTILE_BLOCKS];
static bool done[HOSTILE_BLOCKS];

static u64 pattern_seed(const struct page *page)
{
	return (page_to_pfn(page) + 1) * PATTERN_STEP;
}

static void pattern_write(struct page *page)
{
	u64 *words = page_address(page), seed = pattern_seed(page);
	unsigned int i;

	for (i = 0; i < WORDS_PER_PAGE; i++)
		words[i] = seed + i;
}

static bool pattern_is_whole(struct page *page)
{
	const u64 *words = page_address(page);
	u64 seed = pattern_seed(page);
	unsigned int i;

	for (i = 0; i < WORDS_PER_PAGE; i++)
		if (words[i] != seed + i)
			return false;
	return true;
}

/* Whether all pages of a half hold their pattern, or all of them nothing. */
static bool half_is_whole(struct page *half)
{
	unsigned int i;

	for (i = 0; i < HOSTILE_HALF_PAGES; i++)
		if (!pattern_is_whole(half + i))
			return false;
	return true;
}

static bool half_is_zero(struct page *half)
{
	return !memchr_inv(page_address(half), 0,
			   (size_t)HOSTILE_HALF_PAGES << PAGE_SHIFT);
}

int memory_verdict(char *text, size_t bytes)
{
	unsigned int i, whole = 0, zero = 0, stolen = 0, wrong = 0;

	for (i = 0; i < HOSTILE_BLOCKS; i++) {
		if (!half_is_whole(blocks[i] + HOSTILE_HALF_PAGES))
			wrong++;
		if (half_is_whole(blocks[i]))
			whole++;
		else if (!half_is_zero(blocks[i]))
			wrong++;
		else if (done[i])
			zero++;
		else
			stolen++;
		cond_resched();
	}
	return scnprintf(text, bytes, "whole %u zero %u stolen %u wrong %u\n",
			 whole, zero, stolen, wrong);
}

/*
 * A page beyond the first MEMORY_START, so that the huge range around it lies
 * in the segment that is told.
 */
static struct page *page_take(void)
{
	struct page *page, *next;
	LIST_HEAD(low);

	for (;;) {
		page = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!page || page_to_phys(page) >= MEMORY_START)
			break;
		list_add(&page->lru, &low);
	}
	while (!list_empty(&low)) {
		next = list_first_entry(&low, struct page, lru);
		list_del(&next->lru);
		__free_page(next);
	}
	return page;
}

static int ring_create(void)
{
	struct page *page = page_take();
	unsigned int i;

	if (!page)
		return -ENOMEM;
	ring = page_address(page);
	ring->magic = EBB_RING_MAGIC;
	ring->version = EBB_RING_VERSION;
	ring->slot_count = EBB_SLOT_COUNT;
	get_random_bytes(ring->boot_id, sizeof(ring->boot_id));
	ring->tag = get_random_u32() | 1;
	ring->lease_order = EBB_LEASE_ORDER_MIN;
	ring->host_word = ebb_lease_word(
		(enum ebb_lease_state)EBB_HOST_DETACHED, 0, ring->tag);
	for (i = 0; i < EBB_SLOT_COUNT; i++)
		ebb_slot_free(&ring->slots[i]);
	ebb_store_release(&ring->state, EBB_RING_OPEN);
	return 0;
}

static int blocks_create(void)
{
	unsigned int i, k;

	for (i = 0; i < HOSTILE_BLOCKS; i++) {
		blocks[i] = alloc_pages(GFP_KERNEL | __GFP_NOWARN,
					HOSTILE_ORDER + 1);
		if (!blocks[i])
			return -ENOMEM;
		for (k = 0; k < 2 * HOSTILE_HALF_PAGES; k++)
			pattern_write(blocks[i] + k);
	}
	return 0;
}

int memory_init(void)
{
	unsigned int i;
	int err = ring_create();

	for (i = 0; !err && i < EBB_CANARY_PER_SEGMENT; i++) {
		canaries[i] = page_take();
		if (!canaries[i])
			err = -ENOMEM;
	}
	if (!err)
		err = blocks_create();
	if (err)
		memory_exit();
	return err;
}

void memory_exit(void)
{
	unsigned int i;

	for (i = 0; i < HOSTILE_BLOCKS; i++) {
		if (blocks[i])
			__free_pages(blocks[i], HOSTILE_ORDER + 1);
	}
	for (i = 0; i < EBB_CANARY_PER_SEGMENT; i++) {
		if (canaries[i])
			__free_page(canaries[i]);
	}
}

struct ebb_ring *memory_ring(void)
{
	return ring;
}

struct page *memory_canary(unsigned int index)
{
	return canaries[index];
}

unsigned long memory_pfn(unsigned int block)
{
	return page_to_pfn(blocks[block]);
}

void memory_note_done(unsigned int block)
{
	done[block] = true;
}

/* One segment from 2 MiB on is enough for a small guest of one node. */
unsigned long memory_end_pfn(void)
{
	const pg_data_t *node = NODE_DATA(0);

	return node->node_start_pfn + node->node_spanned_pages;
}

void memory_list(struct ebb_segments *segments)
{
	struct ebb_segment *segment = &segments->segments[0];
	unsigned int i;

	segments->count = 1;
	segment->gpa = MEMORY_START;
	segment->bytes = ((u64)memory_end_pfn() << PAGE_SHIFT) - segment->gpa;
	segment->canary_count = EBB_CANARY_PER_SEGMENT;
	for (i = 0; i < EBB_CANARY_PER_SEGMENT; i++)
		segment->canary_gpas[i] = page_to_phys(canaries[i]);
}

void memory_challenge(const u8 nonce[EBB_NONCE_BYTES])
{
	struct ebb_canary *canary;
	unsigned int i;

	for (i = 0; i < EBB_CANARY_PER_SEGMENT; i++) {
		canary = page_address(canaries[i]);
		canary->magic = EBB_CANARY_MAGIC;
		canary->gpa = page_to_phys(canaries[i]);
		memcpy(canary->boot_id, ring->boot_id, EBB_BOOT_ID_BYTES);
		memcpy(canary->nonce, nonce, EBB_NONCE_BYTES);
	}
	memcpy(ring->challenge, nonce, EBB_NONCE_BYTES);
	ebb_full_barrier();
}
