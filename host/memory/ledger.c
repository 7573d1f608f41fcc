/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/memory/ledger.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/u64.h"
#include "host/memory/hugepool.h"

#define WORD_BITS (sizeof(unsigned long) * CHAR_BIT)

/*
 * @lent: a bit for each page that may be owed
 * @marked_pages: the bits that are set
 * @reserving_pages: whose bits are clear while their reservation is made
 * @sum_pages: what punches freed and was not reserved since, and @suspected_pages
 * @suspected_pages: lent before this ebbd, if at all
 * @lent_pages, @reserved_pages: by this ebbd, ever
 */
struct ebb_ledger {
	pthread_mutex_t mutex;
	uint64_t bytes;
	uint64_t page_bytes;
	uint64_t page_count;
	uint64_t marked_pages;
	uint64_t reserving_pages;
	uint64_t sum_pages;
	uint64_t suspected_pages;
	uint64_t lent_pages;
	uint64_t reserved_pages;
	unsigned long lent[];
};

struct ebb_ledger *ebb_ledger_new(uint64_t bytes, uint64_t page_bytes)
{
	uint64_t count = (bytes + page_bytes - 1) / page_bytes;
	struct ebb_ledger *ledger =
		calloc(1, sizeof(*ledger) + (count / WORD_BITS + 1) *
						    sizeof(ledger->lent[0]));

	if (!ledger)
		return NULL;
	pthread_mutex_init(&ledger->mutex, NULL);
	ledger->bytes = bytes;
	ledger->page_bytes = page_bytes;
	ledger->page_count = count;
	return ledger;
}

void ebb_ledger_free(struct ebb_ledger *ledger)
{
	if (!ledger)
		return;
	pthread_mutex_destroy(&ledger->mutex);
	free(ledger);
}

static bool is_lent(const struct ebb_ledger *ledger, uint64_t page)
{
	return ledger->lent[page / WORD_BITS] >> page % WORD_BITS & 1;
}

static void set_lent(struct ebb_ledger *ledger, uint64_t page, bool lent)
{
	unsigned long bit = 1ul << page % WORD_BITS;

	if (lent)
		ledger->lent[page / WORD_BITS] |= bit;
	else
		ledger->lent[page / WORD_BITS] &= ~bit;
}

/* Sets bits. Returns how many were not set before. */
static uint64_t mark_pages(struct ebb_ledger *ledger, uint64_t first,
			   uint64_t end)
{
	uint64_t fresh = 0;

	for (uint64_t page = first; page < end && page < ledger->page_count;
	     page++) {
		fresh += !is_lent(ledger, page);
		set_lent(ledger, page, true);
	}
	ledger->marked_pages += fresh;
	return fresh;
}

static uint64_t mark(struct ebb_ledger *ledger, uint64_t offset, uint64_t bytes)
{
	return mark_pages(ledger, offset / ledger->page_bytes,
			  (offset + bytes + ledger->page_bytes - 1) /
				  ledger->page_bytes);
}

void ebb_ledger_lend(struct ebb_ledger *ledger, uint64_t offset, uint64_t bytes,
		     uint64_t freed_bytes)
{
	uint64_t freed = ebb_u64_min(freed_bytes, bytes) / ledger->page_bytes;

	pthread_mutex_lock(&ledger->mutex);
	mark(ledger, offset, bytes);
	ledger->sum_pages += freed;
	ledger->lent_pages += freed;
	pthread_mutex_unlock(&ledger->mutex);
}

void ebb_ledger_suspect(struct ebb_ledger *ledger, uint64_t offset,
			uint64_t bytes)
{
	uint64_t fresh;

	pthread_mutex_lock(&ledger->mutex);
	fresh = mark(ledger, offset, bytes);
	ledger->sum_pages += fresh;
	ledger->suspected_pages += fresh;
	pthread_mutex_unlock(&ledger->mutex);
}

static void clear_pages(struct ebb_ledger *ledger, uint64_t first, uint64_t end)
{
	for (uint64_t page = first; page < end && page < ledger->page_count;
	     page++) {
		ledger->marked_pages -= is_lent(ledger, page);
		set_lent(ledger, page, false);
	}
}

/* What may be owed: the pages whose reservation is not made yet as well. */
static uint64_t doubtful_pages(const struct ebb_ledger *ledger)
{
	return ledger->marked_pages + ledger->reserving_pages;
}

static void bound_sum(struct ebb_ledger *ledger)
{
	ledger->sum_pages =
		ebb_u64_min(ledger->sum_pages, doubtful_pages(ledger));
	ledger->suspected_pages =
		ebb_u64_min(ledger->suspected_pages, ledger->sum_pages);
}

void ebb_ledger_forget(struct ebb_ledger *ledger, uint64_t offset,
		       uint64_t bytes)
{
	uint64_t first = (offset + ledger->page_bytes - 1) / ledger->page_bytes;

	pthread_mutex_lock(&ledger->mutex);
	clear_pages(ledger, first, (offset + bytes) / ledger->page_bytes);
	bound_sum(ledger);
	pthread_mutex_unlock(&ledger->mutex);
}

bool ebb_ledger_find_limit(struct ebb_ledger *ledger, int fd,
			   uint64_t plugged_bytes,
			   struct ebb_ledger_limit *ret_limit)
{
	struct ebb_ledger_limit limit = { 0 };
	uint64_t held_bytes;
	struct stat st;
	bool found;

	/* First: what is lent while the file is asked makes it void. */
	pthread_mutex_lock(&ledger->mutex);
	limit.lent_pages = ledger->lent_pages;
	pthread_mutex_unlock(&ledger->mutex);
	if (fstat(fd, &st) < 0)
		return false;
	held_bytes = (uint64_t)st.st_blocks * 512;
	if (plugged_bytes > held_bytes)
		limit.most_pages =
			(plugged_bytes - held_bytes + ledger->page_bytes - 1) /
			ledger->page_bytes;
	pthread_mutex_lock(&ledger->mutex);
	found = ledger->sum_pages > limit.most_pages ||
		(limit.most_pages == 0 && ledger->marked_pages > 0);
	pthread_mutex_unlock(&ledger->mutex);
	if (found)
		*ret_limit = limit;
	return found;
}

void ebb_ledger_cut(struct ebb_ledger *ledger,
		    const struct ebb_ledger_limit *limit)
{
	pthread_mutex_lock(&ledger->mutex);
	if (ledger->lent_pages == limit->lent_pages) {
		if (limit->most_pages == 0)
			clear_pages(ledger, 0, ledger->page_count);
		ledger->sum_pages =
			ebb_u64_min(ledger->sum_pages, limit->most_pages);
		bound_sum(ledger);
	}
	pthread_mutex_unlock(&ledger->mutex);
}

/* The next run of pages that are owed, from @page on; false: there is none. */
static bool next_run(const struct ebb_ledger *ledger, uint64_t page,
		     uint64_t *ret_first, uint64_t *ret_end)
{
	while (page < ledger->page_count && !is_lent(ledger, page))
		page++;
	*ret_first = page;
	while (page < ledger->page_count && is_lent(ledger, page))
		page++;
	*ret_end = page;
	return *ret_first < *ret_end;
}

/* Under the mutex, which is given up for the system call. */
static int reserve_run(struct ebb_ledger *ledger, int fd, uint64_t first,
		       uint64_t end)
{
	uint64_t offset = first * ledger->page_bytes;
	uint64_t stop = ebb_u64_min(end * ledger->page_bytes, ledger->bytes);
	int r;

	clear_pages(ledger, first, end);
	ledger->reserving_pages += end - first;
	pthread_mutex_unlock(&ledger->mutex);
	r = ebb_hugepool_reserve(fd, offset, stop - offset);
	pthread_mutex_lock(&ledger->mutex);
	ledger->reserving_pages -= end - first;
	if (r < 0)
		mark_pages(ledger, first, end);
	return r;
}

static uint64_t hole_pages(const struct ebb_ledger *ledger, uint64_t held_bytes)
{
	if (held_bytes >= ledger->bytes)
		return 0;
	return (ledger->bytes - held_bytes) / ledger->page_bytes;
}

int ebb_ledger_reserve(struct ebb_ledger *ledger, int fd)
{
	uint64_t first, end = 0, known, counted;
	struct stat st;
	int r = 0;

	if (fstat(fd, &st) < 0)
		return -errno;
	pthread_mutex_lock(&ledger->mutex);
	known = ebb_u64_min(ledger->sum_pages - ledger->suspected_pages,
			    hole_pages(ledger, (uint64_t)st.st_blocks * 512));
	while (r == 0 && next_run(ledger, end, &first, &end)) {
		r = reserve_run(ledger, fd, first, end);
		if (r < 0)
			break;
		/* What the guest had taken back needed nothing. */
		counted = ebb_u64_min(known, end - first);
		known -= counted;
		ledger->reserved_pages += counted;
		bound_sum(ledger);
	}
	pthread_mutex_unlock(&ledger->mutex);
	return r;
}

void ebb_ledger_debt(struct ebb_ledger *ledger, uint64_t held_bytes,
		     struct ebb_debt *debt)
{
	uint64_t owed, known, kept;

	pthread_mutex_lock(&ledger->mutex);
	owed = ebb_u64_min(ebb_u64_min(ledger->sum_pages,
				       doubtful_pages(ledger)),
			   hole_pages(ledger, held_bytes));
	known = ebb_u64_min(ledger->sum_pages - ledger->suspected_pages, owed);
	kept = ebb_u64_min(ledger->lent_pages, known + ledger->reserved_pages);
	debt->owed_bytes += owed * ledger->page_bytes;
	debt->lent_bytes += ledger->lent_pages * ledger->page_bytes;
	debt->reserved_bytes += ledger->reserved_pages * ledger->page_bytes;
	debt->returned_bytes +=
		(ledger->lent_pages - kept) * ledger->page_bytes;
	pthread_mutex_unlock(&ledger->mutex);
}
