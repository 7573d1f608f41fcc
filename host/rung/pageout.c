/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/rung/pageout.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "common/clock.h"
#include "common/u64.h"
#include "host/budget/budget.h"
#include "host/lease/steps.h"
#include "host/memory/pages.h"
#include "host/rung/cold.h"
#include "host/rung/held.h"
#include "host/rung/pageout_host.h"
#include "host/rung/rung.h"

enum {
	POLL_US = 100 * 1000,
	/* So many times what is missing is tried: some of it will be hot. */
	TRIED_TIMES = 2,
	/* Of what was looked at again, so small a part may have come back. */
	BACK_PART = 4,
	/* Of what was asked for and came, likewise. */
	MISSED_PART = 8,
};

/* While it goes on, less that was looked at again says nothing: a trial may err. */
#define REVIEWED_BYTES_MIN (4 * EBB_COLD_PART_BYTES)

/* ---- the books ---- */

/**
 * struct pageout - one run, for its thread alone
 * @start: what the host held when it began; @came_bytes: what had come before
 */
struct pageout {
	struct ebb_reclaim *reclaim;
	struct ebb_bounds bounds;
	struct ebb_permission permission;
	struct ebb_pages pages;
	struct ebb_cold cold;
	struct ebb_holding start;
	uint64_t came_bytes;
};

static int read_holding(const struct ebb_lender *lender,
			struct ebb_holding *ret_holding)
{
	const struct ebb_guest_process *qemu = lender->qemu;
	int r;

	if (qemu->backing_count == 0) {
		r = ebb_guest_process_usage(qemu->pid, ret_holding);
		/* It was that one's if that one lives. */
		return ebb_guest_process_alive(qemu) ? r : -ESRCH;
	}
	r = ebb_swapped_read(EBB_SWAPPED_PATH);
	if (r < 0)
		return r;
	ebb_guest_process_holding(qemu, EBB_SWAPPED_ANY_AGE, ret_holding);
	return ret_holding->swapped_known ? 0 : -ENODATA;
}

/* EBB_END_NONE, or why it is over. */
static struct ebb_outcome measure(struct pageout *pageout)
{
	struct ebb_reclaim *reclaim = pageout->reclaim;
	struct ebb_holding now = { 0 };
	int r = read_holding(&reclaim->lender, &now);

	if (r < 0)
		return ebb_held_unread(r);
	reclaim->held_bytes = now.resident_bytes;
	reclaim->after_bytes = now.resident_bytes + now.swapped_bytes;
	reclaim->swapped_after_bytes = now.swapped_bytes;
	reclaim->swapped_after_known = now.swapped_known;
	reclaim->books.reclaimed_bytes =
		pageout->came_bytes +
		ebb_u64_min(ebb_u64_minus(pageout->start.resident_bytes,
					  now.resident_bytes),
			    ebb_u64_minus(now.swapped_bytes,
					  pageout->start.swapped_bytes));
	return ebb_outcome(ebb_bounds_end(&pageout->bounds, &reclaim->books));
}

static int begin_books(struct pageout *pageout)
{
	struct ebb_reclaim *reclaim = pageout->reclaim;
	bool first = !reclaim->start_ns;
	int r = read_holding(&reclaim->lender, &pageout->start);

	if (first)
		reclaim->start_ns = ebb_now_ns();
	if (r < 0)
		return r;
	pageout->came_bytes = reclaim->books.reclaimed_bytes;
	if (!first)
		return 0;
	reclaim->swapped_before_bytes = pageout->start.swapped_bytes;
	reclaim->swapped_before_known = pageout->start.swapped_known;
	reclaim->before_bytes =
		pageout->start.resident_bytes + pageout->start.swapped_bytes;
	return 0;
}

/* ---- the loop ---- */

static struct ebb_outcome no_more(const char *reason)
{
	return ebb_outcome_reason(EBB_END_NO_MORE, reason);
}

/* Of the operations. */
static struct ebb_outcome failed(int r)
{
	if (r == -ESRCH)
		return ebb_outcome(EBB_END_GUEST_GONE);
	if (r == -EPERM)
		return ebb_outcome_error(EBB_END_FAILED,
					 "ebbd may not page out: it lacks "
					 "CAP_SYS_NICE");
	if (r == -ENOSYS)
		return ebb_outcome_error(EBB_END_FAILED,
					 "the host's kernel has no "
					 "process_madvise(); it is in Linux "
					 "5.10");
	return ebb_outcome_error(EBB_END_FAILED,
				 "the guest's memory cannot be paged out: %s",
				 strerror(-r));
}

static uint64_t missing_bytes(const struct pageout *pageout)
{
	return ebb_u64_minus(pageout->reclaim->wish.bytes,
			     pageout->reclaim->books.reclaimed_bytes);
}

/* Whether more may be paged out now. */
static struct ebb_outcome may_take(struct pageout *pageout)
{
	struct ebb_outcome outcome = measure(pageout);

	if (outcome.end == EBB_END_NONE)
		outcome = ebb_step_permission(&pageout->permission,
					      &pageout->bounds,
					      &pageout->reclaim->books);
	if (outcome.end == EBB_END_NONE && ebb_pageout_room_bytes() == 0)
		return no_more(EBB_PAGEOUT_SWAP_FULL);
	return outcome;
}

static struct ebb_outcome rest(const struct pageout *pageout,
			       const struct ebb_bounds *bounds,
			       uint64_t until_ns)
{
	struct ebb_outcome outcome = ebb_outcome(EBB_END_NONE);
	uint64_t now_ns;

	while (outcome.end == EBB_END_NONE &&
	       (now_ns = ebb_now_ns()) < until_ns) {
		ebb_sleep_us((uint32_t)(ebb_u64_min(until_ns - now_ns,
						    POLL_US * EBB_NS_PER_US) /
					EBB_NS_PER_US) +
			     1);
		outcome = ebb_outcome(
			ebb_bounds_end(bounds, &pageout->reclaim->books));
	}
	return outcome;
}

/* Until the guest had the time to show what it wants back, also of the last piece. */
static struct ebb_outcome settle(const struct pageout *pageout)
{
	struct ebb_bounds bounds = pageout->bounds;

	/* That all is out is no reason not to wait. */
	bounds.bytes = 0;
	return rest(pageout, &bounds,
		    pageout->cold.out_ns +
			    EBB_PAGEOUT_SETTLE_MS * EBB_NS_PER_MS);
}

static struct ebb_outcome rest_after(const struct pageout *pageout,
				     const struct ebb_pageout_pace *pace)
{
	return rest(pageout, &pageout->bounds, ebb_pageout_rested_ns(pace));
}

/* No more than that goes out by one step. */
static uint64_t most_bytes(const struct pageout *pageout)
{
	return ebb_u64_min(missing_bytes(pageout), ebb_pageout_room_bytes());
}

/* A little of the next part. DRAINED: there is none. */
static struct ebb_outcome try_part(struct pageout *pageout,
				   uint64_t *ret_found_bytes)
{
	struct ebb_pageout_pace pace = ebb_pageout_begin_pace();
	int r = ebb_cold_try(&pageout->cold, most_bytes(pageout), pace.begun_ns,
			     ret_found_bytes);

	if (r < 0)
		return failed(r);
	if (r == 0)
		return ebb_outcome(EBB_END_DRAINED);
	return rest_after(pageout, &pace);
}

/* A little of as many parts as may hold what is missing, and what comes of it. */
static struct ebb_outcome try_parts(struct pageout *pageout)
{
	struct ebb_cold *cold = &pageout->cold;
	struct ebb_outcome outcome = may_take(pageout);
	uint64_t found_bytes = 0, part_bytes, out_bytes;
	int r;

	if (outcome.end != EBB_END_NONE)
		return outcome;
	do {
		out_bytes = cold->out_bytes;
		outcome = try_part(pageout, &part_bytes);
		found_bytes += part_bytes;
		/* To read the books takes longer than to pass an empty part. */
		if (outcome.end == EBB_END_NONE && cold->out_bytes > out_bytes)
			outcome = may_take(pageout);
	} while (outcome.end == EBB_END_NONE &&
		 found_bytes / TRIED_TIMES < missing_bytes(pageout));
	if (outcome.end == EBB_END_DRAINED && cold->trials == 0)
		return no_more(cold->refused > cold->tried / 2 ? "not-swapped"
							       : "in-use");
	/* Some of the memory that trials took may come back, so more is to be taken. */
	if (outcome.end != EBB_END_NONE && outcome.end != EBB_END_DRAINED &&
	    outcome.end != EBB_END_SATISFIED)
		return outcome;
	outcome = settle(pageout);
	if (outcome.end != EBB_END_NONE)
		return outcome;
	r = ebb_cold_judge(cold);
	return r < 0 ? failed(r) : measure(pageout);
}

static bool is_refault(uint64_t out_bytes, uint64_t back_bytes)
{
	return back_bytes > out_bytes / BACK_PART;
}

static struct ebb_outcome refault(void)
{
	return ebb_outcome_reason(EBB_END_GUEST_PRESSURE, "refault");
}

/* The guest wants back what was taken as cold. */
static struct ebb_outcome review(struct pageout *pageout)
{
	struct ebb_cold *cold = &pageout->cold;
	int r = ebb_cold_review(cold, ebb_now_ns(),
				EBB_PAGEOUT_SETTLE_MS * EBB_NS_PER_MS);

	if (r < 0)
		return failed(r);
	if (cold->reviewed_bytes >= REVIEWED_BYTES_MIN &&
	    is_refault(cold->reviewed_bytes, cold->back_bytes))
		return refault();
	return ebb_outcome(EBB_END_NONE);
}

/*
 * Once more, of all that went out, with the trials: @outcome, or that the guest wants it
 * back. A caller that asks again soon has to know that.
 */
static struct ebb_outcome review_all(struct pageout *pageout,
				     struct ebb_outcome outcome)
{
	struct ebb_cold *cold = &pageout->cold;
	struct ebb_outcome settled;
	uint64_t back_bytes;
	int r;

	if (cold->out_bytes == 0 ||
	    (outcome.end != EBB_END_SATISFIED &&
	     outcome.end != EBB_END_NO_MORE && outcome.end != EBB_END_TIMEOUT))
		return outcome;
	settled = settle(pageout);
	/* If no time is left, the memory that came back until now counts. */
	if (settled.end != EBB_END_NONE && settled.end != EBB_END_TIMEOUT)
		return outcome.end == EBB_END_SATISFIED ? outcome : settled;
	r = ebb_cold_count_back(cold, &back_bytes);
	if (r < 0)
		return failed(r);
	if (!is_refault(cold->out_bytes, back_bytes))
		return outcome;
	/* Trials of memory in use come back. Only what was asked for has to stay. */
	if (outcome.end == EBB_END_SATISFIED) {
		settled = measure(pageout);
		if (settled.end != EBB_END_NONE &&
		    settled.end != EBB_END_SATISFIED)
			return settled;
		if (missing_bytes(pageout) <=
		    pageout->reclaim->wish.bytes / MISSED_PART)
			return outcome;
	}
	return refault();
}

/* DRAINED: nothing that is known to be cold is left. */
static struct ebb_outcome take_piece(struct pageout *pageout)
{
	struct ebb_outcome outcome = may_take(pageout);
	struct ebb_pageout_pace pace;
	int r;

	if (outcome.end == EBB_END_NONE)
		outcome = review(pageout);
	if (outcome.end != EBB_END_NONE)
		return outcome;
	pace = ebb_pageout_begin_pace();
	r = ebb_cold_take(&pageout->cold, most_bytes(pageout), pace.begun_ns);
	if (r < 0)
		return failed(r);
	if (r == 0)
		return ebb_outcome(EBB_END_DRAINED);
	return rest_after(pageout, &pace);
}

static struct ebb_outcome take(struct pageout *pageout)
{
	struct ebb_outcome outcome;

	pageout->reclaim->books.phase = EBB_PHASE_PAGING_OUT;
	do {
		outcome = try_parts(pageout);
		while (outcome.end == EBB_END_NONE)
			outcome = take_piece(pageout);
	} while (outcome.end == EBB_END_DRAINED);
	return review_all(pageout, outcome);
}

/* At the least nothing: what is cold is known once it was tried. */
static struct ebb_outcome estimate(struct pageout *pageout)
{
	uint64_t present_bytes, sum_bytes = 0;

	for (uint32_t i = 0; i < pageout->pages.range_count; i++) {
		const struct ebb_pages_range *range = &pageout->pages.ranges[i];
		int r = ebb_pages_present(&pageout->pages, range->start,
					  range->bytes, &present_bytes);

		if (r < 0)
			return failed(r);
		sum_bytes += present_bytes;
	}
	pageout->reclaim->estimate.max_bytes =
		ebb_u64_min(sum_bytes, ebb_pageout_room_bytes());
	return ebb_outcome(EBB_END_SATISFIED);
}

/* ---- one run ---- */

static int count_present(void *opaque, uint64_t start, uint64_t bytes,
			 uint64_t *ret_bytes)
{
	return ebb_pages_present(opaque, start, bytes, ret_bytes);
}

static int page_out(void *opaque, uint64_t start, uint64_t bytes)
{
	return ebb_pages_out(opaque, start, bytes);
}

static const struct ebb_cold_ops ops = {
	.present = count_present,
	.out = page_out,
};

static struct ebb_outcome search(struct pageout *pageout)
{
	struct ebb_outcome outcome;
	uint64_t seed = 0;
	int r;

	/* Without it the order is the same each time. */
	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) < 0)
		seed = ebb_now_ns();
	r = ebb_cold_begin(pageout->pages.ranges, pageout->pages.range_count,
			   &ops, &pageout->pages, seed, &pageout->cold);
	if (r < 0)
		return failed(r);
	r = ebb_permission_start(&pageout->permission,
				 pageout->reclaim->domain);
	if (r < 0) {
		ebb_cold_end(&pageout->cold);
		return ebb_step_no_thread(r);
	}
	outcome = take(pageout);
	ebb_permission_stop(&pageout->permission);
	ebb_cold_end(&pageout->cold);
	return outcome;
}

static struct ebb_outcome run(struct pageout *pageout)
{
	const struct ebb_reclaim_wish *wish = &pageout->reclaim->wish;
	struct ebb_outcome outcome = measure(pageout);
	struct ebb_budget_swap swap;
	const char *why;
	int r;

	if (outcome.end != EBB_END_NONE)
		return outcome;
	r = ebb_swap_read("", &swap);
	why = r < 0 ? strerror(-r) : ebb_rung_why_no_swap(&swap);
	if (why)
		return ebb_outcome_error(EBB_END_FAILED,
					 "the host's swap cannot be used: %s",
					 why);
	if ((wish->all || wish->free_only) && !wish->dry_run)
		return no_more("free-unknown");
	r = ebb_pages_open(pageout->reclaim->lender.qemu, &pageout->pages);
	if (r < 0)
		return failed(r);
	outcome = wish->dry_run ? estimate(pageout) : search(pageout);
	ebb_pages_close(&pageout->pages);
	return outcome;
}

/* The process is read by a worker. */
void ebb_pageout_prepare(struct ebb_reclaim *reclaim)
{
	reclaim->target_bytes = reclaim->wish.all ? 0 : reclaim->wish.bytes;
}

void ebb_pageout_run(struct ebb_reclaim *reclaim)
{
	struct pageout pageout = {
		.reclaim = reclaim,
	};
	int r = begin_books(&pageout);

	pageout.bounds = ebb_reclaim_bounds(reclaim);
	reclaim->outcome = r < 0 ? ebb_held_unread(r) : run(&pageout);
	/* What came back until now is no gain. */
	if (r == 0)
		measure(&pageout);
	reclaim->outcome.bytes = reclaim->books.reclaimed_bytes;
	reclaim->end_ns = ebb_now_ns();
}
