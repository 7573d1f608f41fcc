/* SPDX-License-Identifier: GPL-2.0-only */
/* Rung pageout: guests of several manners, on hosts with swap and without. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/size.h"
#include "host/budget/budget.h"
#include "host/budget/text.h"
#include "host/lease/permission.h"
#include "host/memory/pages.h"
#include "host/rung/cold.h"
#include "host/rung/pageout.h"
#include "host/rung/pageout_host.h"

enum {
	PARTS = 16,
};

#define PAGE UINT64_C(4096)
#define START UINT64_C(0x7f0000000000)
#define BYTES (PARTS * EBB_COLD_PART_BYTES)
#define PAGES (BYTES / PAGE)
#define SWAP_BYTES (4 * BYTES)

/*
 * The host, by a clock of its own that a sleep moves on, and one guest on it.
 * @now_ns: of the clock
 * @swap: as it is read; @free_bytes: of it, as the kernel counts
 * @job: of the guest
 * @alive: its process lives
 * @hot_bytes: of the guest, from its beginning: what it works with
 * @late_ns: from then on it works with all
 * @stubborn: nothing of it can be paged out
 * @sparse: but for the first place of a trial in each part, nothing of it is in RAM
 * @cancels_after: so many pieces and trials somebody cancels it; 0: nobody does
 * @unread: the host does not tell how its tasks stall
 * @error: of paging out; @out_takes_ns: that it takes
 * @grows_bytes: that it takes with each sleep, beside what it had
 */
static struct host {
	uint64_t now_ns;
	struct ebb_budget_swap swap;
	int swap_error;
	uint64_t free_bytes;
	int job;
	bool alive;
	uint64_t hot_bytes;
	uint64_t late_ns;
	bool stubborn;
	bool sparse;
	uint32_t cancels_after;
	bool unread;
	int error;
	uint64_t out_takes_ns;
	uint64_t grows_bytes;
	uint64_t grown_bytes;
	uint32_t outs;
	bool out[PAGES];
	atomic_bool gone, cancelled;
} host;

uint64_t __wrap_ebb_now_ns(void);
uint64_t __wrap_ebb_now_ns(void)
{
	/* Work takes time, too. */
	host.now_ns += 1000;
	return host.now_ns;
}

void __wrap_ebb_sleep_us(uint32_t us);
void __wrap_ebb_sleep_us(uint32_t us)
{
	host.now_ns += us * EBB_NS_PER_US;
	host.grown_bytes += host.grows_bytes;
	for (uint64_t i = 0; i < PAGES; i++)
		if (host.out[i] &&
		    (i * PAGE < host.hot_bytes ||
		     (host.late_ns && host.now_ns >= host.late_ns)))
			host.out[i] = false;
}

static uint64_t out_bytes(void)
{
	uint64_t bytes = 0;

	for (uint64_t i = 0; i < PAGES; i++)
		bytes += host.out[i] ? PAGE : 0;
	return bytes;
}

/* It stalls not at all. */
int __wrap_ebb_text_read(char *text, size_t text_bytes, const char *format,
			 ...);
int __wrap_ebb_text_read(char *text, size_t text_bytes, const char *format, ...)
{
	assert_string_equal(format, "/proc/pressure/memory");
	if (host.unread)
		return -EOPNOTSUPP;
	return snprintf(text, text_bytes,
			"some avg10=0.00 avg60=0.00 avg300=0.00 total=17\n");
}

int __wrap_ebb_swap_read(const char *root, struct ebb_budget_swap *ret_swap);
int __wrap_ebb_swap_read(const char *root, struct ebb_budget_swap *ret_swap)
{
	assert_string_equal(root, "");
	*ret_swap = host.swap;
	return host.swap_error;
}

int __wrap_sysinfo(struct sysinfo *info);
int __wrap_sysinfo(struct sysinfo *info)
{
	*info = (struct sysinfo){
		.mem_unit = 1,
		.totalswap = host.swap.total_bytes,
		.freeswap = host.free_bytes - out_bytes(),
	};
	return 0;
}

int __wrap_ebb_guest_process_usage(pid_t pid, struct ebb_holding *ret_holding);
int __wrap_ebb_guest_process_usage(pid_t pid, struct ebb_holding *ret_holding)
{
	assert_int_equal(pid, 77);
	*ret_holding = (struct ebb_holding){
		.resident_bytes = BYTES - out_bytes() + host.grown_bytes,
		.swapped_bytes = out_bytes(),
		.swapped_known = true,
	};
	return host.alive ? 0 : -ESRCH;
}

bool __wrap_ebb_guest_process_alive(const struct ebb_guest_process *process);
bool __wrap_ebb_guest_process_alive(const struct ebb_guest_process *process)
{
	(void)process;
	return host.alive;
}

int __wrap_ebb_pages_open(const struct ebb_guest_process *process,
			  struct ebb_pages *ret_pages);
int __wrap_ebb_pages_open(const struct ebb_guest_process *process,
			  struct ebb_pages *ret_pages)
{
	assert_int_equal(process->pid, 77);
	ret_pages->pagemap_fd = -1;
	ret_pages->range_count = 1;
	ret_pages->ranges[0] = (struct ebb_pages_range){ START, BYTES };
	return 0;
}

static bool is_there(uint64_t at)
{
	return !host.out[at / PAGE] &&
	       (!host.sparse ||
		at % EBB_COLD_PART_BYTES < EBB_COLD_TRIAL_BYTES);
}

int __wrap_ebb_pages_present(const struct ebb_pages *pages, uint64_t start,
			     uint64_t bytes, uint64_t *ret_bytes);
int __wrap_ebb_pages_present(const struct ebb_pages *pages, uint64_t start,
			     uint64_t bytes, uint64_t *ret_bytes)
{
	(void)pages;
	*ret_bytes = 0;
	for (uint64_t at = start; at < start + bytes; at += PAGE)
		*ret_bytes += is_there(at - START) ? PAGE : 0;
	return 0;
}

int __wrap_ebb_pages_out(const struct ebb_pages *pages, uint64_t start,
			 uint64_t bytes);
int __wrap_ebb_pages_out(const struct ebb_pages *pages, uint64_t start,
			 uint64_t bytes)
{
	(void)pages;
	host.outs++;
	host.now_ns += host.out_takes_ns;
	if (host.error || host.stubborn)
		return host.error;
	for (uint64_t at = start; at < start + bytes; at += PAGE)
		host.out[(at - START) / PAGE] |= is_there(at - START);
	host.cancelled |= host.outs == host.cancels_after;
	return 0;
}

int __wrap_ebb_permission_start(struct ebb_permission *permission,
				struct ebb_domain *domain);
int __wrap_ebb_permission_start(struct ebb_permission *permission,
				struct ebb_domain *domain)
{
	(void)permission;
	(void)domain;
	return 0;
}

void __wrap_ebb_permission_stop(struct ebb_permission *permission);
void __wrap_ebb_permission_stop(struct ebb_permission *permission)
{
	(void)permission;
}

int __wrap_ebb_permission_get(struct ebb_permission *permission,
			      uint64_t wanted_ns, uint64_t until_ns);
int __wrap_ebb_permission_get(struct ebb_permission *permission,
			      uint64_t wanted_ns, uint64_t until_ns)
{
	(void)permission;
	(void)wanted_ns;
	(void)until_ns;
	return host.job;
}

static int begin(void **state)
{
	(void)state;
	host = (struct host){
		.now_ns = EBB_NS_PER_S,
		.swap = { .known = true, .total_bytes = SWAP_BYTES },
		.free_bytes = SWAP_BYTES,
		.alive = true,
	};
	return 0;
}

static struct ebb_reclaim reclaim_of(struct ebb_reclaim_wish wish)
{
	static struct ebb_guest_process qemu;
	struct ebb_reclaim reclaim = {
		.wish = wish,
		.gone = &host.gone,
		.cancelled = &host.cancelled,
		.lender = { .qemu = &qemu },
		.memory_bytes = BYTES,
	};

	qemu = (struct ebb_guest_process){ .pid = 77, .pidfd = -1 };
	if (!reclaim.wish.timeout_ms)
		reclaim.wish.timeout_ms = 600 * 1000;
	ebb_pageout_prepare(&reclaim);
	ebb_pageout_run(&reclaim);
	return reclaim;
}

static struct ebb_reclaim take(uint64_t bytes)
{
	return reclaim_of((struct ebb_reclaim_wish){ .bytes = bytes });
}

static void assert_ended(const struct ebb_reclaim *reclaim,
			 enum ebb_reclaim_end end, const char *reason)
{
	assert_string_equal(ebb_reclaim_end_name(reclaim->outcome.end),
			    ebb_reclaim_end_name(end));
	assert_string_equal(reclaim->outcome.reason, reason);
	assert_int_equal(reclaim->outcome.bytes,
			 reclaim->books.reclaimed_bytes);
}

/* ---- decisions ---- */

static void test_rests(void **state)
{
	static const struct {
		uint64_t work_ms, stalled_ms, rest_ms;
	} cases[] = {
		{ 0, 0, 0 },	    { 100, 0, 25 },    { 100, 100, 400 },
		{ 100, 40, 175 },   { 100, 900, 400 }, { 100000, 0, 2000 },
		{ 10000, 0, 2000 },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++)
		assert_int_equal(ebb_pageout_rest_ns(
					 cases[i].work_ms * EBB_NS_PER_MS,
					 cases[i].stalled_ms * EBB_NS_PER_MS),
				 cases[i].rest_ms * EBB_NS_PER_MS);
}

static void test_reserve(void **state)
{
	(void)state;
	assert_int_equal(ebb_pageout_reserve_bytes(0), 32 * EBB_MIB);
	assert_int_equal(ebb_pageout_reserve_bytes(512 * EBB_MIB),
			 32 * EBB_MIB);
	assert_int_equal(ebb_pageout_reserve_bytes(1024 * EBB_MIB),
			 64 * EBB_MIB);
}

/* ---- runs ---- */

static void test_takes_what_is_asked(void **state)
{
	struct ebb_reclaim reclaim = take(100 * EBB_MIB);

	(void)state;
	assert_ended(&reclaim, EBB_END_SATISFIED, "");
	/* And not a page more. */
	assert_int_equal(reclaim.outcome.bytes, 100 * EBB_MIB);
	assert_int_equal(out_bytes(), reclaim.outcome.bytes);
	assert_int_equal(reclaim.before_bytes, BYTES);
	assert_int_equal(reclaim.after_bytes, BYTES);
	assert_int_equal(reclaim.swapped_before_bytes, 0);
	assert_int_equal(reclaim.swapped_after_bytes, out_bytes());
	assert_true(reclaim.swapped_before_known &&
		    reclaim.swapped_after_known);
	assert_true(reclaim.end_ns > reclaim.start_ns);
}

static void test_leaves_what_is_in_use(void **state)
{
	struct ebb_reclaim reclaim;

	(void)state;
	host.hot_bytes = BYTES / 4;
	reclaim = take(BYTES);
	assert_ended(&reclaim, EBB_END_NO_MORE, "in-use");
	assert_int_equal(reclaim.outcome.bytes, BYTES / 4 * 3);
	for (uint64_t i = 0; i < host.hot_bytes / PAGE; i++)
		assert_false(host.out[i]);
	/* Again, all that is left is in use: whoever asks is told to let it be. */
	reclaim = take(BYTES);
	assert_ended(&reclaim, EBB_END_GUEST_PRESSURE, "refault");
	assert_int_equal(reclaim.outcome.bytes, 0);
}

/* All that is in RAM of a part is in its trial. */
static void test_trials_take_no_more_than_is_asked(void **state)
{
	struct ebb_reclaim reclaim;

	(void)state;
	host.sparse = true;
	reclaim = take(7 * EBB_MIB);
	assert_ended(&reclaim, EBB_END_SATISFIED, "");
	assert_int_equal(out_bytes(), 7 * EBB_MIB);
}

/* What comes back of trials is taken elsewhere, however little was asked for. */
static void test_less_than_a_trial(void **state)
{
	struct ebb_reclaim reclaim = take(3 * PAGE);

	(void)state;
	assert_ended(&reclaim, EBB_END_SATISFIED, "");
	assert_int_equal(out_bytes(), 3 * PAGE);
}

static void test_trials_are_looked_after(void **state)
{
	struct ebb_reclaim reclaim;

	(void)state;
	host.cancels_after = 3;
	reclaim = take(BYTES);
	assert_ended(&reclaim, EBB_END_CANCELLED, "");
	assert_int_equal(host.outs, 3);
	assert_int_equal(out_bytes(), 3 * EBB_COLD_TRIAL_BYTES);
	/* Nor do they go on when the time is over. */
	host.cancels_after = 0;
	host.cancelled = false;
	host.outs = 0;
	host.out_takes_ns = EBB_NS_PER_S;
	reclaim = reclaim_of((struct ebb_reclaim_wish){ .bytes = BYTES,
							.timeout_ms = 4000 });
	assert_ended(&reclaim, EBB_END_TIMEOUT, "");
	assert_in_range(host.outs, 3, 4);
}

/* The little that was asked for is too little for a review on the way. */
static void test_refaults_of_little(void **state)
{
	struct ebb_reclaim reclaim;

	(void)state;
	host.late_ns = host.now_ns + 4 * EBB_NS_PER_S;
	reclaim = take(64 * EBB_MIB);
	assert_ended(&reclaim, EBB_END_GUEST_PRESSURE, "refault");
	assert_int_equal(reclaim.outcome.bytes, 0);
	/* As where time is over, of what came back until then. */
	begin(NULL);
	host.out_takes_ns = EBB_NS_PER_S / 4;
	host.late_ns = host.now_ns + 9 * EBB_NS_PER_S;
	reclaim = reclaim_of((struct ebb_reclaim_wish){
		.bytes = 100 * EBB_MIB, .timeout_ms = 10 * 1000 });
	assert_ended(&reclaim, EBB_END_GUEST_PRESSURE, "refault");
}

static uint64_t elapsed_ns(bool unread)
{
	struct ebb_reclaim reclaim;

	begin(NULL);
	host.unread = unread;
	host.out_takes_ns = EBB_NS_PER_S / 10;
	reclaim = take(64 * EBB_MIB);
	assert_ended(&reclaim, EBB_END_SATISFIED, "");
	return reclaim.end_ns - reclaim.start_ns;
}

/* Then it rests as if they all stalled. */
static void test_stalls_are_not_known(void **state)
{
	uint64_t settle_ns = 2 * EBB_PAGEOUT_SETTLE_MS * EBB_NS_PER_MS;

	(void)state;
	/* 32 pieces and trials of 100 ms each, with rests of 25 and of 400 ms. */
	assert_in_range(elapsed_ns(false), settle_ns + 3 * EBB_NS_PER_S,
			settle_ns + 5 * EBB_NS_PER_S);
	assert_in_range(elapsed_ns(true), settle_ns + 14 * EBB_NS_PER_S,
			settle_ns + 18 * EBB_NS_PER_S);
}

/* It worked with nothing while it was tried, and wants all of it later. */
static void test_ends_when_it_comes_back(void **state)
{
	struct ebb_reclaim reclaim;

	(void)state;
	host.out_takes_ns = EBB_NS_PER_S / 4;
	/* Trials take 4 s, and each part 5. */
	host.late_ns = host.now_ns + 15 * EBB_NS_PER_S;
	reclaim = take(BYTES);
	assert_ended(&reclaim, EBB_END_GUEST_PRESSURE, "refault");
	assert_true(reclaim.outcome.bytes < EBB_COLD_PART_BYTES);
	assert_in_range(reclaim.end_ns, host.late_ns,
			host.late_ns + 30 * EBB_NS_PER_S);
}

static void test_swap_is_left_to_the_host(void **state)
{
	struct ebb_reclaim reclaim;

	(void)state;
	host.free_bytes = ebb_pageout_reserve_bytes(SWAP_BYTES) + 64 * EBB_MIB;
	reclaim = take(BYTES);
	assert_ended(&reclaim, EBB_END_NO_MORE, "swap-full");
	assert_int_equal(reclaim.outcome.bytes, 64 * EBB_MIB);
	host.free_bytes = ebb_pageout_reserve_bytes(SWAP_BYTES) + out_bytes();
	host.outs = 0;
	reclaim = take(BYTES);
	assert_ended(&reclaim, EBB_END_NO_MORE, "swap-full");
	assert_int_equal(reclaim.outcome.bytes, 0);
	assert_int_equal(host.outs, 0);
}

static void test_no_swap_any_more(void **state)
{
	struct ebb_reclaim reclaim;

	(void)state;
	host.swap.total_bytes = 0;
	reclaim = take(EBB_MIB);
	assert_ended(&reclaim, EBB_END_FAILED, "");
	assert_non_null(strstr(reclaim.outcome.error.text, "there is none"));
	host.swap_error = -EBADMSG;
	reclaim = take(EBB_MIB);
	assert_ended(&reclaim, EBB_END_FAILED, "");
	assert_int_equal(host.outs, 0);
}

static void test_nothing_goes_out(void **state)
{
	struct ebb_reclaim reclaim;

	(void)state;
	host.stubborn = true;
	reclaim = take(EBB_MIB);
	assert_ended(&reclaim, EBB_END_NO_MORE, "not-swapped");
	assert_int_equal(reclaim.outcome.bytes, 0);
	host.error = -EPERM;
	reclaim = take(EBB_MIB);
	assert_ended(&reclaim, EBB_END_FAILED, "");
	assert_non_null(strstr(reclaim.outcome.error.text, "CAP_SYS_NICE"));
	host.error = -ESRCH;
	reclaim = take(EBB_MIB);
	assert_ended(&reclaim, EBB_END_GUEST_GONE, "");
}

/* Nobody knows what is free in it. */
static void test_free_memory_alone(void **state)
{
	struct ebb_reclaim reclaim =
		reclaim_of((struct ebb_reclaim_wish){ .all = true });

	(void)state;
	assert_ended(&reclaim, EBB_END_NO_MORE, "free-unknown");
	reclaim = reclaim_of((struct ebb_reclaim_wish){ .bytes = EBB_MIB,
							.free_only = true });
	assert_ended(&reclaim, EBB_END_NO_MORE, "free-unknown");
	assert_int_equal(host.outs, 0);
}

static void test_dry_run(void **state)
{
	struct ebb_reclaim reclaim = reclaim_of(
		(struct ebb_reclaim_wish){ .all = true, .dry_run = true });

	(void)state;
	assert_ended(&reclaim, EBB_END_SATISFIED, "");
	assert_int_equal(host.outs, 0);
	assert_int_equal(reclaim.estimate.min_bytes, 0);
	assert_int_equal(reclaim.estimate.max_bytes, BYTES);
}

static void test_bounds(void **state)
{
	struct ebb_reclaim reclaim;

	(void)state;
	host.job = -EBUSY;
	reclaim = take(EBB_MIB);
	assert_ended(&reclaim, EBB_END_JOB, "");
	host.job = -ENOTCONN;
	reclaim = take(EBB_MIB);
	assert_ended(&reclaim, EBB_END_FAILED, "");
	host.job = 0;
	host.cancelled = true;
	reclaim = take(EBB_MIB);
	assert_ended(&reclaim, EBB_END_CANCELLED, "");
	host.cancelled = false;
	host.gone = true;
	reclaim = take(EBB_MIB);
	assert_ended(&reclaim, EBB_END_GUEST_GONE, "");
	host.gone = false;
	assert_int_equal(host.outs, 0);
	/* It waits for what comes back, and not longer than it may. */
	reclaim = reclaim_of((struct ebb_reclaim_wish){ .bytes = EBB_MIB * 64,
							.timeout_ms = 1000 });
	assert_ended(&reclaim, EBB_END_TIMEOUT, "");
	assert_in_range(reclaim.end_ns - reclaim.start_ns, EBB_NS_PER_S,
			EBB_NS_PER_S + 200 * EBB_NS_PER_MS);
	host.alive = false;
	reclaim = take(EBB_MIB);
	assert_ended(&reclaim, EBB_END_GUEST_GONE, "");
}

/* What the guest takes beside is no gain, and what it had is none either. */
static void test_gain_is_what_became_swap(void **state)
{
	struct ebb_reclaim reclaim;

	(void)state;
	host.grows_bytes = EBB_MIB;
	reclaim = take(64 * EBB_MIB);
	assert_ended(&reclaim, EBB_END_SATISFIED, "");
	assert_true(out_bytes() > reclaim.outcome.bytes);
	assert_int_equal(out_bytes() - host.grown_bytes, reclaim.outcome.bytes);
}

#define RUN(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rests),
		cmocka_unit_test(test_reserve),
		RUN(test_takes_what_is_asked),
		RUN(test_leaves_what_is_in_use),
		RUN(test_trials_take_no_more_than_is_asked),
		RUN(test_less_than_a_trial),
		RUN(test_trials_are_looked_after),
		RUN(test_refaults_of_little),
		RUN(test_stalls_are_not_known),
		RUN(test_ends_when_it_comes_back),
		RUN(test_swap_is_left_to_the_host),
		RUN(test_no_swap_any_more),
		RUN(test_nothing_goes_out),
		RUN(test_free_memory_alone),
		RUN(test_dry_run),
		RUN(test_bounds),
		RUN(test_gain_is_what_became_swap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
