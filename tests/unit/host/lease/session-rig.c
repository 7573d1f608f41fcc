/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/host/lease/session-rig.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/clock.h"
#include "host/lease/lapse.h"
#include "host/lease/session.h"
#include "host/memory/sigbus.h"

struct session_rig rig;

/* The slot whose range holds @offset, as the guest sees it. */
static uint32_t slot_state_at(uint64_t offset)
{
	for (int i = 0; i < EBB_SLOT_COUNT; i++) {
		struct ebb_slot slot = ebb_slot_read(&rig.guest.ring->slots[i]);
		uint64_t start = (ebb_range_pfn(slot.range) << EBB_PAGE_SHIFT) -
				 FAKE_GPA;

		if (start <= offset && offset - start < RANGE &&
		    ebb_lease_epoch(slot.word) == rig.guest.ringmap.epoch)
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

	rig.punches.calls++;
	if (rig.punches.before && rig.punches.calls == 1)
		rig.punches.before();
	rig.punches.after_gone |= rig.guest.gone;
	for (off_t at = 0; at < bytes; at += FAKE_RANGE_BYTES)
		if (slot_state_at((uint64_t)(offset + at)) != EBB_LEASE_GRANTED)
			rig.punches.ungranted = true;
	if (rig.punches.error && rig.punches.calls >= rig.punches.error_from)
		return -rig.punches.error;
	r = __real_ebb_lapse_punch(lapse, fd, offset, bytes);
	/* That of a device counts as this does. Not mlock(), which sanitizers leave out. */
	if (rig.punches.calls == rig.punches.pinned_after &&
	    syscall(SYS_mlock, rig.guest.ring, EBB_PAGE_BYTES) < 0)
		rig.punches.unpinned = true;
	if (rig.punches.sleep_ms && rig.punches.calls == 1)
		ebb_sleep_us(rig.punches.sleep_ms * 1000);
	return r;
}

static int start_session(const struct ebb_msg_session_start *start,
			 int *ret_guest_errno, struct ebb_msg_error *ret_error)
{
	int r;

	if (start->timeout_ms > rig.timeout_ms ||
	    start->timeout_ms + 10000 < rig.timeout_ms)
		rig.asked_wrong = true;
	snprintf(ret_error->text, sizeof(ret_error->text), "the agent's words");
	if (rig.start_result == -EBUSY) {
		*ret_guest_errno = EBUSY;
		return -EREMOTEIO;
	}
	if (rig.start_result < 0)
		return rig.start_result;
	r = fake_guest_start(&rig.guest, start->session_id);
	for (uint32_t ms = 0; ms < rig.answer_ms && !rig.agent_lives; ms++)
		ebb_sleep_us(1000);
	/* As late as that, or never. */
	for (uint32_t ms = 0; ms < 20000 && rig.late && rig.punches.calls == 0;
	     ms++)
		ebb_sleep_us(1000);
	return r < 0 ? r : rig.lost_answer;
}

static int has_job(void)
{
	rig.job_calls++;
	for (uint32_t ms = 0; ms < rig.libvirt_ms && !rig.agent_lives; ms++)
		ebb_sleep_us(1000);
	if (rig.gone_when_asked) {
		ebb_sleep_us(20 * 1000);
		rig.guest.gone = true;
	}
	return rig.punches.calls >= rig.job_after ? rig.job : 0;
}

void session_begin(uint32_t range_count, uint64_t stride)
{
	memset(&rig, 0, sizeof(rig));
	assert_true(fake_guest_begin(&rig.guest, range_count, stride));
	/* cmocka puts handlers of its own before each test. */
	assert_int_equal(ebb_sigbus_install(), 0);
	fake_agent =
		(struct fake_agent){ .job = has_job, .start = start_session };
	rig.timeout_ms = 15000;
	rig.bounds = (struct ebb_bounds){
		/* The machine that tests may be slow. */
		.grant_window_ms = 40 * EBB_GRANT_WINDOW_MS,
		.gone = &rig.guest.gone,
		.cancelled = &rig.guest.cancelled,
	};
}

static bool is_ours(const struct ebb_slot *slot)
{
	uint64_t word = ebb_load_acquire(&slot->word);
	uint32_t state = ebb_lease_state(word);

	if (rig.guest.manner == FAKE_FORGES_NONCE && state == EBB_LEASE_GRANTED)
		return false;
	return state == EBB_LEASE_TAKEN || state == EBB_LEASE_GRANTED;
}

uint32_t session_done_count(void)
{
	uint32_t done = 0;

	for (uint32_t i = 0; i < rig.guest.range_count; i++)
		done += rig.guest.ranges[i].done;
	return done;
}

void session_run_alone(void)
{
	struct ebb_tools tools;

	rig.bounds.deadline_ns =
		ebb_now_ns() + rig.timeout_ms * UINT64_C(1000000);
	assert_int_equal(ebb_tools_init(&tools, &rig.guest.lender, &rig.bounds,
					&rig.books, fake_domain(),
					fake_channel(), 5000),
			 0);
	if (rig.bytes_per_ms)
		tools.puncher.bytes_per_ms = rig.bytes_per_ms;
	rig.outcome = ebb_session_run(&tools, false);
	ebb_tools_release(&tools);
}

/* Runs to the end, and checks what holds of each end. */
enum ebb_reclaim_end session_run(void)
{
	session_run_alone();
	for (int i = 0; i < EBB_SLOT_COUNT; i++)
		assert_false(is_ours(&rig.guest.ring->slots[i]));
	fake_guest_join(&rig.guest);
	if (rig.guest.wrong)
		fail_msg("%s", rig.guest.wrong);
	for (int i = 0; i < EBB_SLOT_COUNT; i++)
		assert_true(ebb_lease_is_final(
			ebb_lease_state(rig.guest.ring->slots[i].word)));
	for (uint32_t i = 0; i < rig.guest.range_count; i++) {
		if (rig.guest.ranges[i].done)
			assert_true(fake_range_is_zero(&rig.guest, i));
		else
			assert_true(fake_range_is_intact(&rig.guest, i));
	}
	assert_false(rig.punches.ungranted);
	assert_false(rig.punches.after_gone);
	assert_false(rig.punches.unpinned);
	assert_false(rig.asked_wrong);
	assert_int_equal(rig.books.punched_bytes, session_done_count() * RANGE);
	assert_int_equal(rig.books.reclaimed_bytes,
			 session_done_count() * RANGE - rig.hole_bytes);
	/* The demand went with the reclaim. */
	assert_int_equal(ebb_lease_state(rig.guest.ring->host_word),
			 EBB_HOST_ATTACHED);
	assert_int_equal(rig.outcome.bytes, rig.books.reclaimed_bytes);
	rig.agent_lives = true;
	assert_true(fake_agent_is_left());
	return rig.outcome.end;
}

int session_end(void **state)
{
	(void)state;
	fake_guest_end(&rig.guest);
	return 0;
}
