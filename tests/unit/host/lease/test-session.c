/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A session with guests of many manners. In each: what is not DONE holds its
 * data, what is DONE reads as zeros, and no slot stays in the host's hands.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "host/lease/lapse.h"
#include "common/size.h"
#include "host/lease/session.h"
#include "host/memory/sigbus.h"
#include "tests/unit/host/lease/fake-agent.h"
#include "tests/unit/host/lease/fake-guest.h"

#define RANGE ((uint64_t)FAKE_RANGE_BYTES)

static struct fake_guest guest;
static struct ebb_bounds bounds;
static uint32_t timeout_ms;
static struct ebb_books books;
static struct ebb_outcome outcome;
static int start_result;
static uint32_t answer_ms; /* after the session was started */
static int lost_answer; /* of one that was started */
static int job;
static uint32_t job_after; /* so many punches, that is the answer */
static atomic_uint job_calls;
static uint32_t libvirt_ms; /* for an answer */
static atomic_bool agent_lives; /* what hangs goes on */
static bool gone_when_asked; /* the guest, or libvirt */
static atomic_bool asked_wrong; /* on another thread, which cannot assert */
static bool late; /* it answers when something was punched */
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

	punches.calls++;
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

static int start_session(const struct ebb_msg_session_start *start,
			 int *ret_guest_errno, struct ebb_msg_error *ret_error)
{
	int r;

	if (start->timeout_ms > timeout_ms ||
	    start->timeout_ms + 10000 < timeout_ms)
		asked_wrong = true;
	snprintf(ret_error->text, sizeof(ret_error->text), "the agent's words");
	if (start_result == -EBUSY) {
		*ret_guest_errno = EBUSY;
		return -EREMOTEIO;
	}
	if (start_result < 0)
		return start_result;
	r = fake_guest_start(&guest, start->session_id);
	for (uint32_t ms = 0; ms < answer_ms && !agent_lives; ms++)
		ebb_sleep_us(1000);
	/* As late as that, or never. */
	for (uint32_t ms = 0; ms < 20000 && late && punches.calls == 0; ms++)
		ebb_sleep_us(1000);
	return r < 0 ? r : lost_answer;
}

static int has_job(void)
{
	job_calls++;
	for (uint32_t ms = 0; ms < libvirt_ms && !agent_lives; ms++)
		ebb_sleep_us(1000);
	if (gone_when_asked) {
		ebb_sleep_us(20 * 1000);
		guest.gone = true;
	}
	return punches.calls >= job_after ? job : 0;
}

/* Somebody who goes away. */
static struct {
	pthread_t thread;
	atomic_bool *flag;
	uint32_t ms;
} canceller;

static void *cancel(void *opaque)
{
	(void)opaque;
	ebb_sleep_us(canceller.ms * 1000);
	*canceller.flag = true;
	return NULL;
}

static void cancel_after(atomic_bool *flag, uint32_t ms)
{
	canceller.flag = flag;
	canceller.ms = ms;
	assert_int_equal(pthread_create(&canceller.thread, NULL, cancel, NULL),
			 0);
}

static void begin_guest(uint32_t range_count, uint64_t stride)
{
	assert_true(fake_guest_begin(&guest, range_count, stride));
	/* cmocka puts handlers of its own before each test. */
	assert_int_equal(ebb_sigbus_install(), 0);
	fake_agent =
		(struct fake_agent){ .job = has_job, .start = start_session };
	timeout_ms = 15000;
	bounds = (struct ebb_bounds){
		/* The machine that tests may be slow. */
		.grant_window_ms = 40 * EBB_GRANT_WINDOW_MS,
		.gone = &guest.gone,
		.cancelled = &guest.cancelled,
	};
	memset(&books, 0, sizeof(books));
	memset(&punches, 0, sizeof(punches));
	memset(&outcome, 0, sizeof(outcome));
	start_result = 0;
	answer_ms = 0;
	lost_answer = 0;
	late = false;
	job = 0;
	job_after = 0;
	job_calls = 0;
	libvirt_ms = 0;
	agent_lives = false;
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

static void run_alone(void)
{
	struct ebb_tools tools;

	bounds.deadline_ns = ebb_now_ns() + timeout_ms * UINT64_C(1000000);
	assert_int_equal(ebb_tools_init(&tools, &guest.lender, &bounds, &books,
					fake_domain(), fake_channel(), 5000),
			 0);
	outcome = ebb_session_run(&tools, false);
	ebb_tools_release(&tools);
}

/* Runs to the end, and checks what holds of each end. */
static enum ebb_reclaim_end run(void)
{
	run_alone();
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
	assert_int_equal(books.punched_bytes, count_done() * RANGE);
	assert_int_equal(books.reclaimed_bytes,
			 count_done() * RANGE - hole_bytes);
	/* The demand went with the reclaim. */
	assert_int_equal(ebb_lease_state(guest.ring->host_word),
			 EBB_HOST_ATTACHED);
	assert_int_equal(outcome.bytes, books.reclaimed_bytes);
	agent_lives = true;
	assert_true(fake_agent_is_left());
	return outcome.end;
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
	assert_true(books.batches >= 3);
	assert_true(job_calls >= 1);
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
	bounds.bytes = 10 * RANGE;
	assert_int_equal(run(), EBB_END_SATISFIED);
	assert_int_equal(count_done(), 10);

	end_guest(NULL);
	begin_guest(32, RANGE);
	bounds.bytes = 1;
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
	bounds.grant_window_ms = EBB_GRANT_WINDOW_MS;
	guest.rounds = 1000;
	assert_int_equal(run(), EBB_END_GUEST_SILENT);
	assert_int_equal(punches.calls, 0);
	assert_true(books.failed_slots >= 4);
	/* It was asked for some seconds, and not for ever. */
	assert_true(guest.ranges[0].offers > 30);
	assert_true(guest.ranges[0].offers < 900);
}

static void test_guest_grants_late(void **state)
{
	(void)state;
	begin_guest(3, RANGE);
	guest.manner = FAKE_GRANTS_LATE;
	bounds.grant_window_ms = EBB_GRANT_WINDOW_MS;
	assert_int_equal(run(), EBB_END_DRAINED);
	assert_int_equal(count_done(), 0);
	assert_int_equal(punches.calls, 0);
	assert_int_equal(books.failed_slots, 3);
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
	timeout_ms = 50;
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
	job = EBB_JOB_MEMORY;
	job_after = 1;
	/* Longer than an answer is good for. */
	punches.sleep_ms = EBB_PERMISSION_MS + 10;
	assert_int_equal(run(), EBB_END_JOB);
	assert_int_equal(count_done(), 8);

	end_guest(NULL);
	begin_guest(8, RANGE);
	job = -ENOTCONN;
	assert_int_equal(run(), EBB_END_FAILED);
	assert_true(outcome.error.text[0]);
	assert_int_equal(punches.calls, 0);
}

/* A backup of its disks may take hours, and leaves its memory alone. */
static void test_disk_job(void **state)
{
	(void)state;
	begin_guest(8, RANGE);
	job = EBB_JOB_DISK;
	assert_int_equal(run(), EBB_END_DRAINED);
	assert_int_equal(count_done(), 8);
	assert_true(job_calls >= 1);
}

/* What cannot be asked for is heard of as gone a moment later. */
static void test_libvirt_goes(void **state)
{
	(void)state;
	begin_guest(8, RANGE);
	job = -ENOTCONN;
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
	assert_non_null(strstr(outcome.error.text, "ring"));
	assert_int_equal(punches.calls, 0);
}

static void test_map_changed(void **state)
{
	(void)state;
	begin_guest(8, RANGE);
	guest.manner = FAKE_OFFERS_OUTSIDE;
	assert_int_equal(run(), EBB_END_MAP_CHANGED);
	assert_non_null(strstr(outcome.error.text, "outside"));
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
	bounds.grant_window_ms = 400;
	punches.sleep_ms = bounds.grant_window_ms + 10;
	assert_int_equal(run(), EBB_END_DRAINED);
	assert_int_equal(punches.calls, 1);
	assert_int_equal(count_done(), 1);
	assert_int_equal(guest.ranges[0].final, EBB_LEASE_DONE);
	for (uint32_t i = 1; i < 4; i++)
		assert_int_equal(guest.ranges[i].final, EBB_LEASE_FAILED);
	assert_int_equal(books.failed_slots, 3);
}

static void test_punch_fails(void **state)
{
	(void)state;
	begin_guest(8, 2 * RANGE);
	punches.error = EOPNOTSUPP;
	assert_int_equal(run(), EBB_END_FAILED);
	assert_non_null(strstr(outcome.error.text, strerror(EOPNOTSUPP)));
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
		{ -EREMOTEIO, EBB_END_FAILED },
	};

	(void)state;
	begin_guest(1, RANGE);
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		start_result = cases[i].r;
		assert_int_equal(run(), cases[i].end);
		assert_string_equal(outcome.error.text, "the agent's words");
	}
}

/* Nothing waits for its words. */
static void test_agent_answers_late(void **state)
{
	(void)state;
	begin_guest(8, RANGE);
	late = true;
	assert_int_equal(run(), EBB_END_DRAINED);
	assert_int_equal(count_done(), 8);
	/* One that is lost on the way is none that was not given. */
	end_guest(NULL);
	begin_guest(8, RANGE);
	lost_answer = -ETIMEDOUT;
	assert_int_equal(run(), EBB_END_DRAINED);
	assert_int_equal(count_done(), 8);
}

/* libvirt or an agent that hangs: time and who asked end it all the same. */
static void test_nobody_answers(void **state)
{
	static const struct {
		uint32_t answer_ms, libvirt_ms;
	} cases[] = { { 60000, 0 }, { 0, 60000 } };

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		begin_guest(8, RANGE);
		guest.manner = cases[i].libvirt_ms ? FAKE_HONEST : FAKE_SILENT;
		answer_ms = cases[i].answer_ms;
		libvirt_ms = cases[i].libvirt_ms;
		timeout_ms = 300;
		assert_int_equal(run(), EBB_END_TIMEOUT);
		assert_int_equal(punches.calls, 0);
		end_guest(NULL);

		begin_guest(8, RANGE);
		guest.manner = cases[i].libvirt_ms ? FAKE_HONEST : FAKE_SILENT;
		answer_ms = cases[i].answer_ms;
		libvirt_ms = cases[i].libvirt_ms;
		cancel_after(&guest.cancelled, 300);
		assert_int_equal(run(), EBB_END_CANCELLED);
		pthread_join(canceller.thread, NULL);
		assert_int_equal(punches.calls, 0);
		if (i + 1 < EBB_ARRAY_SIZE(cases))
			end_guest(NULL);
	}
}

static void test_asks_no_more_than_it_needs(void **state)
{
	(void)state;
	begin_guest(FAKE_RANGE_MAX, RANGE);
	guest.batch_slots = 1;
	assert_int_equal(run(), EBB_END_DRAINED);
	assert_true(books.batches >= FAKE_RANGE_MAX);
	/* Forty batches, far within the age of a few answers. */
	assert_in_range(job_calls, 1, 20);
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
	(void)state;
	/* Which does not follow a mapping that a signal handler replaces. */
	if (getenv("EBB_VALGRIND"))
		skip();
	begin_guest(1, RANGE);
	guest.manner = FAKE_SILENT;
	assert_true(ebb_ringmap_demand(&guest.ringmap, true));
	assert_true(ebb_ringmap_demand(&guest.ringmap, false));
	assert_int_equal(ftruncate(guest.fd, 0), 0);
	run_alone();
	assert_int_equal(outcome.end, EBB_END_GUEST_GONE);
	assert_int_equal(punches.calls, 0);
}

#define SESSION_TEST(test) cmocka_unit_test_teardown(test, end_guest)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SESSION_TEST(test_drained),
		SESSION_TEST(test_full_ring),
		SESSION_TEST(test_ranges_apart),
		SESSION_TEST(test_holes_bring_nothing),
		SESSION_TEST(test_satisfied_by_size),
		SESSION_TEST(test_guest_revokes),
		SESSION_TEST(test_guest_never_grants),
		SESSION_TEST(test_guest_grants_late),
		SESSION_TEST(test_guest_forges_nonces),
		SESSION_TEST(test_guest_is_silent),
		SESSION_TEST(test_timeout),
		SESSION_TEST(test_guest_is_gone),
		SESSION_TEST(test_gone_before_it_begins),
		SESSION_TEST(test_ring_is_closed),
		SESSION_TEST(test_cancelled),
		SESSION_TEST(test_libvirt_job),
		SESSION_TEST(test_disk_job),
		SESSION_TEST(test_libvirt_goes),
		SESSION_TEST(test_violation),
		SESSION_TEST(test_map_changed),
		SESSION_TEST(test_guest_needs_its_memory),
		SESSION_TEST(test_slow_punch_fails_the_rest),
		SESSION_TEST(test_punch_fails),
		SESSION_TEST(test_session_does_not_start),
		SESSION_TEST(test_agent_answers_late),
		SESSION_TEST(test_nobody_answers),
		SESSION_TEST(test_asks_no_more_than_it_needs),
		SESSION_TEST(test_words_of_an_earlier_session),
		SESSION_TEST(test_ring_is_truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
