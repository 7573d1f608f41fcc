/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A session with a fake guest, an agent and a libvirt that answer as a test says,
 * and each punch seen (link with -Wl,--wrap=ebb_lapse_punch).
 */
#ifndef EBB_TESTS_SESSION_RIG_H
#define EBB_TESTS_SESSION_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

#include <cmocka.h>

#include "host/lease/bounds.h"
#include "host/lease/outcome.h"
#include "tests/unit/host/lease/fake-agent.h"
#include "tests/unit/host/lease/fake-guest.h"

#define RANGE ((uint64_t)FAKE_RANGE_BYTES)

struct session_rig {
	struct fake_guest guest;
	struct ebb_bounds bounds;
	uint64_t bytes_per_ms; /* that punches achieve; 0: not known yet */
	uint32_t timeout_ms;
	struct ebb_books books;
	struct ebb_outcome outcome;
	int start_result;
	uint32_t answer_ms; /* after the session was started */
	int lost_answer; /* of one that was started */
	int job;
	uint32_t job_after; /* so many punches, that is the answer */
	atomic_uint job_calls;
	uint32_t libvirt_ms; /* for an answer */
	atomic_bool agent_lives; /* what hangs goes on */
	bool gone_when_asked; /* the guest, or libvirt */
	atomic_bool asked_wrong; /* on another thread, which cannot assert */
	bool late; /* it answers when something was punched */
	uint64_t hole_bytes; /* of what is offered */

	/* What a punch does, and what it saw. */
	struct {
		atomic_uint calls;
		void (*before)(void); /* the first call, or NULL */
		uint32_t sleep_ms; /* before the first call returns */
		int error; /* of a call, from the one that is told */
		uint32_t error_from;
		uint32_t pinned_after; /* so many calls, memory is; 0: never */
		bool ungranted; /* a call on a range whose slot was not GRANTED */
		bool after_gone;
		bool unpinned; /* the machine did not pin it */
	} punches;
};

extern struct session_rig rig;

/* A guest of so many ranges, each @stride after the one before; all else is 0. */
void session_begin(uint32_t range_count, uint64_t stride);

/* To its end; what came of it is in the rig. */
void session_run_alone(void);

/*
 * The same, and checks what holds of each end: what is not DONE holds its data,
 * what is DONE reads as zeros, and no slot stays in the host's hands.
 */
enum ebb_reclaim_end session_run(void);

/* Ranges that are DONE. */
uint32_t session_done_count(void);

/* As a test's teardown. */
int session_end(void **state);

#endif /* EBB_TESTS_SESSION_RIG_H */
