/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/rung/held.h"

#include <errno.h>
#include <string.h>

#include "common/clock.h"

/* In RAM and in swap. Returns 0, -ESRCH or -errno. */
static int read_held(const struct ebb_lender *lender,
		     struct ebb_holding *ret_holding)
{
	const struct ebb_guest_process *qemu = lender->qemu;
	int r;

	*ret_holding = (struct ebb_holding){ 0 };
	if (qemu->backing_count > 0) {
		ret_holding->resident_bytes = ebb_lender_held_bytes(lender);
		return 0;
	}
	r = ebb_guest_process_usage(qemu->pid, ret_holding);
	/* It was that one's if that one lives. */
	return ebb_guest_process_alive(qemu) ? r : -ESRCH;
}

/* What of it is in swap, if that is known. */
static bool read_swapped(const struct ebb_lender *lender, uint64_t *ret_bytes)
{
	struct ebb_holding holding;

	if (lender->qemu->backing_count > 0)
		return ebb_lender_swapped(lender, ret_bytes);
	if (read_held(lender, &holding) < 0)
		return false;
	*ret_bytes = holding.swapped_bytes;
	return holding.swapped_known;
}

int ebb_held_begin(struct ebb_reclaim *reclaim)
{
	bool first = !reclaim->start_ns;
	struct ebb_holding holding;
	int r = read_held(&reclaim->lender, &holding);

	if (first)
		reclaim->start_ns = ebb_now_ns();
	if (r < 0)
		return r;
	reclaim->before_bytes = holding.resident_bytes + holding.swapped_bytes +
				reclaim->books.reclaimed_bytes;
	if (first)
		reclaim->swapped_before_known = read_swapped(
			&reclaim->lender, &reclaim->swapped_before_bytes);
	return 0;
}

int ebb_held_measure(struct ebb_reclaim *reclaim)
{
	struct ebb_holding holding;
	uint64_t held_bytes, came_bytes;
	int r = read_held(&reclaim->lender, &holding);

	if (r < 0)
		return r;
	held_bytes = holding.resident_bytes + holding.swapped_bytes;
	reclaim->held_bytes = held_bytes;
	came_bytes = reclaim->before_bytes > held_bytes
			     ? reclaim->before_bytes - held_bytes
			     : 0;
	if (came_bytes > reclaim->books.reclaimed_bytes)
		reclaim->books.reclaimed_bytes = came_bytes;
	return 0;
}

struct ebb_outcome ebb_held_unread(int r)
{
	if (r == -ESRCH)
		return ebb_outcome(EBB_END_GUEST_GONE);
	return ebb_outcome_error(
		EBB_END_FAILED, "its process cannot be read: %s", strerror(-r));
}

void ebb_held_end(struct ebb_reclaim *reclaim,
		  const struct ebb_outcome *outcome)
{
	reclaim->outcome = *outcome;
	reclaim->outcome.bytes = reclaim->books.reclaimed_bytes;
	reclaim->after_bytes = reclaim->held_bytes;
	reclaim->swapped_after_known =
		read_swapped(&reclaim->lender, &reclaim->swapped_after_bytes);
	reclaim->end_ns = ebb_now_ns();
}
