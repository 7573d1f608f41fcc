/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/cover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "host/base/loop.h"
#include "host/base/worker.h"
#include "host/memory/debt.h"

enum {
	PERIOD_MS = 1000
};

/* Larger pages than the largest range are never discarded. */
#define PAGE_BYTES_MIN ((uint64_t)2 * EBB_PAGE_BYTES)
#define PAGE_BYTES_MAX ((uint64_t)EBB_PAGE_BYTES << EBB_LEASE_ORDER_MAX)

/* A job: one guest's part of a round. */
struct reservation {
	struct ebb_cover *cover;
	struct ebb_guest_process process;
	uint64_t page_bytes;
	uint64_t owed_bytes;
	int result;
};

static void look_from(struct ebb_cover *cover, uint64_t page_bytes);

static void tell(struct ebb_cover *cover)
{
	const struct ebb_hugepool *before = &cover->before;
	uint32_t bit = (uint32_t)(before->page_bytes >> EBB_PAGE_SHIFT);
	struct ebb_hugepool after;

	if (ebb_hugepool_read(cover->root, before->page_bytes, &after) == 0 &&
	    after.reserved_pages > before->reserved_pages)
		ebb_log(EBB_LOG_INFO,
			"the pool of %llu KiB huge pages runs short: %llu MiB "
			"that guests gave are reserved for them again",
			(unsigned long long)(before->page_bytes >> 10),
			(unsigned long long)((after.reserved_pages -
					      before->reserved_pages) *
						     before->page_bytes >>
					     20));
	if (cover->refused_bytes && !(cover->short_pools & bit))
		ebb_log(EBB_LOG_WARNING,
			"the pool of %llu KiB huge pages is short: guests may "
			"need %llu MiB of it that are not there. Raise "
			"vm.nr_hugepages or vm.nr_overcommit_hugepages, or end "
			"what took them",
			(unsigned long long)(before->page_bytes >> 10),
			(unsigned long long)(cover->refused_bytes >> 20));
	if (cover->refused_bytes)
		cover->short_pools |= bit;
	else
		cover->short_pools &= ~bit;
}

/* ---- a round ---- */

static void go_on(struct ebb_cover *cover);

static void reserve_work(void *opaque)
{
	struct reservation *reservation = opaque;

	reservation->result = ebb_debt_reserve(&reservation->process,
					       reservation->page_bytes);
	/* If the guest has ended meanwhile, this frees its memory. */
	ebb_guest_process_close(&reservation->process);
}

static void reserve_done(void *opaque)
{
	struct reservation *reservation = opaque;
	struct ebb_cover *cover = reservation->cover;

	if (reservation->result < 0)
		cover->refused_bytes += reservation->owed_bytes;
	free(reservation);
	go_on(cover);
}

/* Returns whether a job runs. */
static bool reserve(struct ebb_cover *cover, const struct ebb_vm *vm)
{
	uint64_t page_bytes = cover->before.page_bytes;
	uint64_t owed_bytes = ebb_vm_owed_bytes(vm, page_bytes);
	struct reservation *reservation;

	if (owed_bytes == 0)
		return false;
	reservation = calloc(1, sizeof(*reservation));
	if (reservation && ebb_vm_share_files(vm, &reservation->process) == 0) {
		reservation->cover = cover;
		reservation->page_bytes = page_bytes;
		reservation->owed_bytes = owed_bytes;
		if (ebb_workers_run(cover->environment->workers,
				    EBB_WORK_RELEASE, reserve_work,
				    reserve_done, reservation) == 0)
			return true;
		/* The vm has them open: this frees nothing. */
		ebb_guest_process_close(&reservation->process);
	}
	free(reservation);
	cover->refused_bytes += owed_bytes;
	return false;
}

static void go_on(struct ebb_cover *cover)
{
	const struct ebb_roster_entry *entry;

	while ((entry = ebb_roster_next(cover->roster, cover->uuid))) {
		memcpy(cover->uuid, entry->uuid, sizeof(cover->uuid));
		if (entry->vm && reserve(cover, entry->vm))
			return;
	}
	tell(cover);
	look_from(cover, 2 * cover->before.page_bytes);
}

/* ---- looking ---- */

static bool is_short(struct ebb_cover *cover, uint64_t page_bytes)
{
	struct ebb_hugepool pool = { .page_bytes = page_bytes };
	uint64_t owed_bytes = 0;

	for (size_t i = 0; i < cover->roster->count; i++)
		if (cover->roster->entries[i]->vm)
			owed_bytes += ebb_vm_owed_bytes(
				cover->roster->entries[i]->vm, page_bytes);
	if (owed_bytes == 0)
		return false;
	/* A pool that cannot be read, all zero, is taken as short. */
	ebb_hugepool_read(cover->root, page_bytes, &pool);
	cover->before = pool;
	return ebb_hugepool_is_short(
		&pool, owed_bytes,
		cover->environment->config->hugetlb_cover_percent);
}

static void look_from(struct ebb_cover *cover, uint64_t page_bytes)
{
	for (; page_bytes <= PAGE_BYTES_MAX; page_bytes *= 2) {
		if (!is_short(cover, page_bytes))
			continue;
		cover->uuid[0] = '\0';
		cover->refused_bytes = 0;
		go_on(cover);
		return;
	}
	ebb_loop_timer_set(cover->timer, PERIOD_MS);
}

static void on_cover(int timer, void *opaque)
{
	ebb_loop_timer_set(timer, -1);
	look_from(opaque, PAGE_BYTES_MIN);
}

int ebb_cover_begin(struct ebb_cover *cover,
		    const struct ebb_vm_environment *environment,
		    const struct ebb_roster *roster, const char *root)
{
	*cover = (struct ebb_cover){
		.environment = environment,
		.roster = roster,
		.root = root,
		.timer = ebb_loop_timer(PERIOD_MS, on_cover, cover),
	};
	return cover->timer < 0 ? -ENOMEM : 0;
}

void ebb_cover_end(struct ebb_cover *cover)
{
	if (cover->environment && cover->timer >= 0)
		ebb_loop_timer_remove(cover->timer);
	cover->timer = -1;
}
