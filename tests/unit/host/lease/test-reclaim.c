/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reclaiming from guests of many manners. In each: what is not DONE holds its
 * data, what is DONE reads as zeros, and no slot stays in the host's hands.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "host/lease/lapse.h"
#include "common/size.h"
#include "host/lease/reclaim.h"
#include "host/memory/sigbus.h"
#include "tests/unit/host/lease/fake-guest.h"

#define RANGE ((uint64_t)FAKE_RANGE_BYTES)

static struct fake_guest guest;
static struct ebb_reclaim_order order;
static struct ebb_reclaim_counters counters;
static struct ebb_msg_error error;
static int start_result;
static uint32_t answer_ms; /* after the session was started */
static int lost_answer; /* of one that was started */
static int may_punch_result;
static uint32_t may_punch_after; /* so many punches, that is the answer */
static atomic_uint may_punch_calls;
static bool gone_when_asked; /* the guest, or libvirt */
static atomic_bool asked_wrong; /* on another thread, which cannot assert */
static uint64_t first_punch_ns;
static uint64_t hole_bytes; /* of what is offered */

/* What the punch below does, and what it saw. */
static struct {
	atomic_uint calls;
	uint32_t sleep_ms; /* before the first call returns */
	int error; /* of a call, from the one that is told */
	uint32_t error_from;
	bool ungranted; /* a call on a range whose slot was not GRANTED */
	bool after_gone;
} punches;

/* The slot whose range holds @offset, as the guest sees it. */
static uint32_t slot_state_at(uint64_t offset)
{
	for (int i = 0; i < EBB_SLOT_COUNT; i++) {
		struct ebb_slot slot = ebb_slot_read(&guest.ring->slots[i]);
		uint64_t start = (ebb_range_pfn(slot.range) << EBB_PAGE_SHIFT) -
				 FAKE_GPA;

		if (start <= offset && offset - start < RANGE &&
		    ebb_lease_epoch(slot.word) == guest.ringmap.epoch)
			return ebb_lease_state(slot.word);
	}
	return 0;
}

int __real_ebb_lapse_punch(struct ebb_lapse *lapse, int fd, off_t offset,
			   off_t bytes);
int __wrap_ebb_lapse_punch(struct ebb_lapse *lapse, int fd, off_t offset,
			   off_t bytes);

/* Each punch of libhost.a comes by here (ld --wrap). */
int __wrap_ebb_lapse_punch(struct ebb_lapse *lapse, int fd, off_t offset,
			   off_t bytes)
{
	int r;

	if (punches.calls++ == 0)
		first_punch_ns = ebb_now_ns();
	punches.after_gone |= guest.gone;
	for (off_t at = 0; at < bytes; at += FAKE_RANGE_BYTES)
		if (slot_state_at((uint64_t)(offset + at)) != EBB_LEASE_GRANTED)
			punches.ungranted = true;
	if (punches.error && punches.calls >= punches.error_from)
		return -punches.error;
	r = __real_ebb_lapse_punch(lapse, fd, offset, bytes);
	if (punches.sleep_ms && punches.calls == 1)
		ebb_sleep_us(punches.sleep_ms * 1000);
	return r;
}

static int start_session(uint64_t session_id, uint32_t timeout_ms,
			 struct ebb_msg_error *ret_error, void *opaque)
{
	int r;

	if (opaque != &guest || timeout_ms != order.timeout_ms)
		asked_wrong = true;
	snprintf(ret_error->text, sizeof(ret_error->text), "the agent's words");
	if (start_result < 0)
		return start_result;
	r = fake_guest_start(&guest, session_id);
	ebb_sleep_us(answer_ms * 1000);
	return r < 0 ? r : lost_answer;
}

static int may_punch(void *opaque)
{
	if (opaque != &guest)
		asked_wrong = true;
	may_punch_calls++;
	if (gone_when_asked) {
		ebb_sleep_us(20 * 1000);
		guest.gone = true;
	}
	return punches.calls >= may_punch_after ? may_punch_result : 0;
}

static void begin_guest(uint32_t range_count, uint64_t stride)
{
	assert_true(fake_guest_begin(&guest, range_count, stride));
	/* cmocka puts handlers of its own before each test. */
	assert_int_equal(ebb_sigbus_install(), 0);
	order = (struct ebb_reclaim_order){
		.timeout_ms = 15000,
		/* The machine that tests may be slow. */
		.grant_window_ms = 40 * EBB_GRANT_WINDOW_MS,
		.gone = &guest.gone,
		.cancelled = &guest.cancelled,
	};
	memset(&counters, 0, sizeof(counters));
	memset(&punches, 0, sizeof(punches));
	memset(&error, 0, sizeof(error));
	start_result = 0;
	answer_ms = 0;
	lost_answer = 0;
	first_punch_ns = 0;
	may_punch_result = 0;
	may_punch_after = 0;
	may_punch_calls = 0;
	gone_when_asked = false;
	hole_bytes = 0;
}

static bool is_ours(const struct ebb_slot *slot)
{
	uint64_t word = ebb_load_acquire(&slot->word);
	uint32_t state = ebb_lease_state(word);

	if (guest.manner == FAKE_FORGES_NONCE && state == EBB_LEASE_GRANTED)
		return false;
	return state == EBB_LEASE_TAKEN || state == EBB_LEASE_GRANTED;
}

static uint32_t count_done(void)
{
	uint32_t done = 0;

	for (uint32_t i = 0; i < guest.range_count; i++)
		done += guest.ranges[i].done;
	return done;
}

/* Runs to the end, and checks what holds of each end. */
static enum ebb_reclaim_end run(void)
{
	static const struct ebb_reclaim_ops ops = { start_session, may_punch };
	enum ebb_reclaim_end end = ebb_reclaim_run(&guest.lender, &order, &ops,
						   &guest, &counters, &error);

	for (int i = 0; i < EBB_SLOT_COUNT; i++)
		assert_false(is_ours(&guest.ring->slots[i]));
	fake_guest_join(&guest);
	if (guest.wrong)
		fail_msg("%s", guest.wrong);
	for (int i = 0; i < EBB_SLOT_COUNT; i++)
		assert_true(ebb_lease_is_final(
			ebb_lease_state(guest.ring->slots[i].word)));
	for (uint32_t i = 0; i < guest.range_count; i++) {
		if (guest.ranges[i].done)
			assert_true(fake_range_is_zero(&guest, i));
		else
			assert_true(fake_range_is_intact(&guest, i));
	}
	assert_false(punches.ungranted);
	assert_false(punches.after_gone);
	assert_false(asked_wrong);
	assert_int_equal(counters.punched_bytes, count_done() * RANGE);
	assert_int_equal(counters.reclaimed_bytes,
			 count_done() * RANGE - hole_bytes);
	/* The demand went with the reclaim. */
	assert_int_equal(ebb_lease_state(guest.ring->host_word),
			 EBB_HOST_ATTACHED);
	return end;
}

static int end_guest(void **state)
{
	(void)state;
	fake_guest_end(&guest);
	return 0;
}

static void test_drained(void **state)
{
	(void)state;
	begin_guest(20, RANGE);
	assert_int_equal(run(), EBB_END_DRAINED);
	assert_int_equal(count_done(), 20);
	assert_true(counters.batches >= 3);
	assert_true(may_punch_calls >= 1);
	/* Neighbours are punched by one call. */
	assert_true(punches.calls < 20);
}

static void test_full_ring(void **state)
{
	(void)state;
	begin_guest(FAKE_RANGE_MAX, RANGE);
	guest.batch_slots = EBB_SLOT_COUNT;
	assert_int_equal(run(), EBB_END_DRAINED);
	assert_int_equal(count_done(), FAKE_RANGE_MAX);
}

static void test_ranges_apart(void **state)
{
	(void)state;
	begin_guest(8, 2 * RANGE);
	assert_int_equal(run(), EBB_END_DRAINED);
	assert_int_equal(count_done(), 8);
	assert_int_equal(punches.calls, 8);
}

/* The books count what was resident, not what was punched. */
static void test_holes_bring_nothing(void **state)
{
	(void)state;
	begin_guest(8, RANGE);
	assert_int_equal(syscall(SYS_fallocate, guest.fd,
				 FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				 guest.ranges[0].offset, 4 * RANGE),
			 0);
	hole_bytes = 4 * RANGE;
	assert_int_equal(run(), EBB_END_DRAINED);
	assert_int_equal(count_done(), 8);
}

static void test_satisfied_by_size(void **state)
{
	(void)state;
	begin_guest(32, RANGE);
	order.bytes = 10 * RANGE;
	assert_int_equal(run(), EBB_END_SATISFIED);
	assert_int_equal(count_done(), 10);

	end_guest(NULL);
	begin_guest(32, RANGE);
	order.bytes = 1;
	assert_int_equal(run(), EBB_END_SATISFIED);
	assert_int_equal(count_done(), 1);
}

static void test_guest_revokes(void **state)
{
	(void)state;
	begin_guest(8, RANGE);
	guest.manner = FAKE_REVOKES_TAKEN;
	assert_int_equal(run(), EBB_END_DRAINED);
	assert_int_equal(count_done(), 0);
	assert_int_equal(punches.calls, 0);
	for (uint32_t i = 0; i < 8; i++)
		assert_int_equal(guest.ranges[i].final, EBB_LEASE_REVOKED);
}

static void test_guest_never_grants(void **state)
{
	(void)state;
	begin_guest(4, RANGE);
	guest.manner = FAKE_NEVER_GRANTS;
	order.grant_window_ms = EBB_GRANT_WINDOW_MS;
	guest.rounds = 1000;
	assert_int_equal(run(), EBB_END_GUEST_SILENT);
	assert_int_equal(punches.calls, 0);
	assert_true(counters.failed_slots >= 4);
	/* It was asked for some seconds, and not for ever. */
	assert_true(guest.ranges[0].offers > 30);
	assert_true(guest.ranges[0].offers < 900);
}

static void test_guest_grants_late(void **state)
{
	(void)state;
	begin_guest(3, RANGE);
	guest.manner = FAKE_GRANTS_LATE;
	order.grant_window_ms = EBB_GRANT_WINDOW_MS;
	assert_int_equal(run(), EBB_END_DRAINED);
	assert_int_equal(count_done(), 0);
	assert_int_equal(punches.calls, 0);
	assert_int_equal(counters.failed_slots, 3);
}

static void test_guest_forges_nonces(void **state)
{
	(void)state;
	begin_guest(2, RANGE);
	guest.manner = FAKE_FORGES_NONCE;
	assert_int_equal(run(), EBB_END_DRAINED);
	assert_int_equal(count_done(), 0);
	assert_int_equal(punches.calls, 0);
}

static void test_guest_is_silent(void **state)
{
	uint64_t start_ns = ebb_now_ns(), elapsed_ms;

	(void)state;
	begin_guest(1, RANGE);
	guest.manner = FAKE_SILENT;
	assert_int_equal(run(), EBB_END_GUEST_SILENT);
	elapsed_ms = (ebb_now_ns() - start_ns) / 1000000;
	/* Not before the guest itself would have said so. */
	assert_true(elapsed_ms >= EBB_OFFER_DEADLINE_MS);
}

static void test_timeout(void **state)
{
	(void)state;
	begin_guest(1, RANGE);
	guest.manner = FAKE_SILENT;
	order.timeout_ms = 50;
	assert_int_equal(run(), EBB_END_TIMEOUT);
}

static void test_guest_is_gone(void **state)
{
	(void)state;
	begin_guest(16, RANGE);
	guest.manner = FAKE_RESETS;
	assert_int_equal(run(), EBB_END_GUEST_GONE);
	assert_int_equal(count_done(), 0);
	assert_int_equal(punches.calls, 0);
}

static void test_gone_before_it_begins(void **state)
{
	(void)state;
	begin_guest(8, RANGE);
	guest.gone = true;
	assert_int_equal(run(), EBB_END_GUEST_GONE);
	assert_int_equal(punches.calls, 0);
}

static void test_ring_is_closed(void **state)
{
	(void)state;
	begin_guest(16, RANGE);
	guest.manner = FAKE_LEAVES;
	assert_int_equal(run(), EBB_END_GUEST_GONE);
}

static void test_cancelled(void **state)
{
	(void)state;
	begin_guest(32, RANGE);
	guest.manner = FAKE_IS_CANCELLED;
	assert_int_equal(run(), EBB_END_CANCELLED);
	assert_int_equal(count_done(), 8);
}

static void test_libvirt_job(void **state)
{
	(void)state;
	begin_guest(32, RANGE);
	may_punch_result = -EBUSY;
	may_punch_after = 1;
	/* Longer than an answer is good for. */
	punches.sleep_ms = 30;
	assert_int_equal(run(), EBB_END_JOB);
	assert_int_equal(count_done(), 8);

	end_guest(NULL);
	begin_guest(8, RANGE);
	may_punch_result = -ENOTCONN;
	assert_int_equal(run(), EBB_END_FAILED);
	assert_true(error.text[0]);
	assert_int_equal(punches.calls, 0);
}

/* What cannot be asked for is heard of as gone a moment later. */
static void test_libvirt_goes(void **state)
{
	(void)state;
	begin_guest(8, RANGE);
	may_punch_result = -ENOTCONN;
	gone_when_asked = true;
	assert_int_equal(run(), EBB_END_GUEST_GONE);
	assert_int_equal(punches.calls, 0);
}

static void test_violation(void **state)
{
	(void)state;
	begin_guest(8, RANGE);
	guest.manner = FAKE_OFFERS_RING;
	assert_int_equal(run(), EBB_END_VIOLATION);
	assert_non_null(strstr(error.text, "ring"));
	assert_int_equal(punches.calls, 0);
}

static void test_map_changed(void **state)
{
	(void)state;
	begin_guest(8, RANGE);
	guest.manner = FAKE_OFFERS_OUTSIDE;
	assert_int_equal(run(), EBB_END_MAP_CHANGED);
	assert_non_null(strstr(error.text, "outside"));
	assert_int_equal(punches.calls, 0);
}

static void test_guest_needs_its_memory(void **state)
{
	(void)state;
	begin_guest(32, RANGE);
	guest.manner = FAKE_PRESSED;
	assert_int_equal(run(), EBB_END_GUEST_PRESSURE);
	assert_int_equal(count_done(), 8);
}

/* The window is over while the first of two runs is punched. */
static void test_slow_punch_fails_the_rest(void **state)
{
	(void)state;
	begin_guest(4, 2 * RANGE);
	order.grant_window_ms = 400;
	punches.sleep_ms = order.grant_window_ms + 10;
	assert_int_equal(run(), EBB_END_DRAINED);
	assert_int_equal(punches.calls, 1);
	assert_int_equal(count_done(), 1);
	assert_int_equal(guest.ranges[0].final, EBB_LEASE_DONE);
	for (uint32_t i = 1; i < 4; i++)
		assert_int_equal(guest.ranges[i].final, EBB_LEASE_FAILED);
	assert_int_equal(counters.failed_slots, 3);
}

static void test_punch_fails(void **state)
{
	(void)state;
	begin_guest(8, 2 * RANGE);
	punches.error = EOPNOTSUPP;
	assert_int_equal(run(), EBB_END_FAILED);
	assert_non_null(strstr(error.text, strerror(EOPNOTSUPP)));
	assert_int_equal(punches.calls, 1);
	for (uint32_t i = 0; i < 8; i++)
		assert_int_equal(guest.ranges[i].final, EBB_LEASE_FAILED);

	/* What was discarded before is in the books. */
	end_guest(NULL);
	begin_guest(8, 2 * RANGE);
	punches.error = EIO;
	punches.error_from = 3;
	assert_int_equal(run(), EBB_END_FAILED);
	assert_int_equal(punches.calls, 3);
	assert_int_equal(count_done(), 2);
}

static void test_session_does_not_start(void **state)
{
	static const struct {
		int r;
		enum ebb_reclaim_end end;
	} cases[] = {
		{ -EBUSY, EBB_END_REPORTING_BUSY },
		{ -ETIMEDOUT, EBB_END_NO_AGENT },
		{ -ENOTCONN, EBB_END_NO_AGENT },
		{ -EIO, EBB_END_FAILED },
	};

	(void)state;
	begin_guest(1, RANGE);
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		start_result = cases[i].r;
		assert_int_equal(run(), cases[i].end);
		assert_string_equal(error.text, "the agent's words");
	}
}

/* Nothing waits for its words but the end. */
static void test_agent_answers_late(void **state)
{
	uint64_t start_ns = ebb_now_ns();

	(void)state;
	begin_guest(8, RANGE);
	answer_ms = 400;
	assert_int_equal(run(), EBB_END_DRAINED);
	assert_int_equal(count_done(), 8);
	assert_true(first_punch_ns - start_ns < 400 * UINT64_C(1000000));
	assert_true(ebb_now_ns() - start_ns >= 400 * UINT64_C(1000000));
	/* One that is lost on the way is none that was not given. */
	end_guest(NULL);
	begin_guest(8, RANGE);
	lost_answer = -ETIMEDOUT;
	assert_int_equal(run(), EBB_END_DRAINED);
	assert_int_equal(count_done(), 8);
}

/* What an earlier session left in the ring is not this one's end. */
static void test_words_of_an_earlier_session(void **state)
{
	(void)state;
	begin_guest(8, RANGE);
	guest.ring->session_id = 1;
	guest.ring->session_state = EBB_SESSION_DRAINED;
	assert_int_equal(run(), EBB_END_DRAINED);
	assert_int_equal(count_done(), 8);
}

/* The ring's page is pulled away while the guest is waited for. */
static void test_ring_is_truncated(void **state)
{
	static const struct ebb_reclaim_ops ops = { start_session, may_punch };

	(void)state;
	begin_guest(1, RANGE);
	guest.manner = FAKE_SILENT;
	assert_true(ebb_ringmap_demand(&guest.ringmap, true));
	assert_true(ebb_ringmap_demand(&guest.ringmap, false));
	assert_int_equal(ftruncate(guest.fd, 0), 0);
	assert_int_equal(ebb_reclaim_run(&guest.lender, &order, &ops, &guest,
					 &counters, &error),
			 EBB_END_GUEST_GONE);
	assert_int_equal(punches.calls, 0);
}

static void test_ends_have_names(void **state)
{
	(void)state;
	for (int end = 0; end < EBB_END_COUNT; end++) {
		assert_true(strlen(ebb_reclaim_end_name(end)) > 2);
		for (int other = 0; other < end; other++)
			assert_string_not_equal(ebb_reclaim_end_name(end),
						ebb_reclaim_end_name(other));
	}
}

#define RECLAIM_TEST(test) cmocka_unit_test_teardown(test, end_guest)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RECLAIM_TEST(test_drained),
		RECLAIM_TEST(test_full_ring),
		RECLAIM_TEST(test_ranges_apart),
		RECLAIM_TEST(test_holes_bring_nothing),
		RECLAIM_TEST(test_satisfied_by_size),
		RECLAIM_TEST(test_guest_revokes),
		RECLAIM_TEST(test_guest_never_grants),
		RECLAIM_TEST(test_guest_grants_late),
		RECLAIM_TEST(test_guest_forges_nonces),
		RECLAIM_TEST(test_guest_is_silent),
		RECLAIM_TEST(test_timeout),
		RECLAIM_TEST(test_guest_is_gone),
		RECLAIM_TEST(test_gone_before_it_begins),
		RECLAIM_TEST(test_ring_is_closed),
		RECLAIM_TEST(test_cancelled),
		RECLAIM_TEST(test_libvirt_job),
		RECLAIM_TEST(test_libvirt_goes),
		RECLAIM_TEST(test_violation),
		RECLAIM_TEST(test_map_changed),
		RECLAIM_TEST(test_guest_needs_its_memory),
		RECLAIM_TEST(test_slow_punch_fails_the_rest),
		RECLAIM_TEST(test_punch_fails),
		RECLAIM_TEST(test_session_does_not_start),
		RECLAIM_TEST(test_agent_answers_late),
		RECLAIM_TEST(test_words_of_an_earlier_session),
		RECLAIM_TEST(test_ring_is_truncated),
		cmocka_unit_test(test_ends_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
