/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A request to reclaim, from what was asked to what is answered, on a played
 * guest. The agent, libvirt and the caller stand in for the objects of
 * libhost.a that hold the others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/libvirt/agent.h"
#include "host/domain/reclaim_job.h"
#include "host/memory/sigbus.h"
#include "tests/unit/host/lease/fake-guest.h"

#define RANGE ((uint64_t)FAKE_RANGE_BYTES)

static struct fake_guest guest;
static struct ebb_probe probe;
static struct ebb_reclaim_job job;
static struct ebb_reclaim_result result;
static char error_class[64];
static int tell_result;
static int old_session; /* errno of a start, while there is one */
static bool old_session_stays;
static uint32_t stops;
static uint32_t tells;
static struct ebb_msg_target last_target;
static uint32_t compact_asks;
static uint32_t compact_runs; /* asks, from the first, that find it running */
static uint32_t compact_gain; /* ranges, free when it has ended */
static bool compact_cancels; /* somebody does, at the third ask */
static const char *compact_reason;
static int compact_result;

struct ebb_lender ebb_probe_lender(struct ebb_probe *any)
{
	assert_ptr_equal(any, &probe);
	return guest.lender;
}

int ebb_domain_has_job(struct ebb_domain *domain)
{
	(void)domain;
	return 0;
}

int ebb_agent_facts(struct ebb_channel *channel, uint32_t timeout_ms,
		    struct ebb_msg_facts *ret_facts,
		    struct ebb_msg_error *ret_error)
{
	(void)channel;
	(void)timeout_ms;
	(void)ret_error;
	*ret_facts = (struct ebb_msg_facts){ 0 };
	return 0;
}

int ebb_agent_session_start(struct ebb_channel *channel, uint32_t timeout_ms,
			    const struct ebb_msg_session_start *start,
			    int *ret_guest_errno,
			    struct ebb_msg_error *ret_error)
{
	(void)channel;
	(void)timeout_ms;
	(void)ret_error;
	*ret_guest_errno = old_session;
	if (old_session)
		return -EREMOTEIO;
	return fake_guest_start(&guest, start->session_id);
}

int ebb_agent_session_stop(struct ebb_channel *channel, uint32_t timeout_ms,
			   struct ebb_msg_error *ret_error)
{
	(void)channel;
	(void)timeout_ms;
	(void)ret_error;
	stops++;
	if (!old_session_stays)
		old_session = 0;
	return 0;
}

int ebb_agent_target(struct ebb_channel *channel, uint32_t timeout_ms,
		     const struct ebb_msg_target *target,
		     struct ebb_msg_target_state *ret_state,
		     struct ebb_msg_error *ret_error)
{
	(void)channel;
	(void)timeout_ms;
	(void)ret_error;
	tells++;
	last_target = *target;
	assert_int_equal(target->timeout_ms, EBB_TARGET_LEASE_MS);
	if (tell_result < 0)
		return tell_result;
	fake_guest_aim(&guest, target->bytes);
	*ret_state = (struct ebb_msg_target_state){
		.mechanism = "module", .held.shared_bytes = 900 * EBB_MIB
	};
	return 0;
}

int ebb_agent_compact(struct ebb_channel *channel, uint32_t timeout_ms,
		      struct ebb_msg_compact_state *ret_state,
		      struct ebb_msg_error *ret_error)
{
	(void)channel;
	(void)timeout_ms;
	(void)ret_error;
	if (compact_result < 0)
		return compact_result;
	ret_state->running = compact_asks++ < compact_runs;
	if (compact_asks == 3 && compact_cancels)
		guest.cancelled = true;
	snprintf(ret_state->reason, sizeof(ret_state->reason), "%s",
		 compact_reason);
	if (!ret_state->running && compact_runs)
		guest.free_count += compact_gain;
	return 0;
}

void ebb_call_return(struct ebb_call *call, struct json_object *value)
{
	(void)call;
	assert_int_equal(ebb_msg_decode(value, ebb_reclaim_result_fields,
					&result, sizeof(result), NULL),
			 0);
	json_object_put(value);
}

void ebb_call_error(struct ebb_call *call, const char *class_name,
		    const char *format, ...)
{
	(void)call;
	(void)format;
	snprintf(error_class, sizeof(error_class), "%s", class_name);
}

/* @free_count of 20 ranges are free. */
static void begin(uint32_t free_count)
{
	static const struct ebb_config config = {
		.agent_timeout_ms = 100,
		.reclaim_timeout_ms = 15000,
		.grant_window_ms = 40 * EBB_GRANT_WINDOW_MS,
	};

	assert_true(fake_guest_begin(&guest, 20, RANGE));
	assert_int_equal(ebb_sigbus_install(), 0);
	guest.free_count = free_count;
	fake_guest_tell(&guest, EBB_THRESHOLD_IDLE);
	memset(&probe, 0, sizeof(probe));
	probe.qemu = guest.qemu;
	probe.ring = guest.ringmap;
	memset(&result, 0, sizeof(result));
	memset(error_class, 0, sizeof(error_class));
	memset(&last_target, 0, sizeof(last_target));
	tells = 0;
	tell_result = 0;
	compact_asks = compact_runs = compact_gain = 0;
	compact_cancels = false;
	compact_reason = "";
	compact_result = 0;
	old_session = 0;
	old_session_stays = false;
	stops = 0;
	job = (struct ebb_reclaim_job){
		.probe = &probe,
		.config = &config,
		.gone = &guest.gone,
		.cancelled = &guest.cancelled,
		.request = { .bytes = 10 * RANGE },
		.standing = { .bytes = 3 * RANGE,
			      .timeout_ms = EBB_TARGET_LEASE_MS },
	};
}

static void run(void)
{
	struct ebb_reclaim_progress progress;

	ebb_reclaim_job_prepare(&job);
	ebb_reclaim_job_progress(&job, &progress);
	assert_string_equal(progress.phase, "taking");
	ebb_reclaim_job_run(&job);
	ebb_reclaim_job_progress(&job, &progress);
	assert_string_equal(progress.phase, tells ? "driving" : "taking");
	ebb_reclaim_job_answer(&job, NULL);
	assert_int_equal(progress.driven_bytes, result.driven_bytes);
	fake_guest_aim(&guest, 0);
	fake_guest_join(&guest);
	if (guest.wrong)
		fail_msg("%s", guest.wrong);
}

static int end(void **state)
{
	(void)state;
	fake_guest_end(&guest);
	return 0;
}

static void test_enough_is_free(void **state)
{
	(void)state;
	begin(12);
	run();
	assert_string_equal(result.ended, "satisfied");
	assert_int_equal(result.reclaimed_bytes, 10 * RANGE);
	assert_int_equal(result.driven_bytes, 0);
	assert_int_equal(tells, 0);
}

/* A host that died, or a guest that was examined anew: it is ended first. */
static void test_session_before(void **state)
{
	(void)state;
	begin(20);
	old_session = EALREADY;
	run();
	assert_int_equal(stops, 1);
	assert_string_equal(result.ended, "satisfied");
}

static void test_session_before_stays(void **state)
{
	(void)state;
	begin(20);
	old_session = EALREADY;
	old_session_stays = true;
	run();
	assert_int_equal(stops, 1);
	assert_string_equal(error_class, "GenericError");
}

/* Of another's page reporting: there is no session to end. */
static void test_reporting_is_busy(void **state)
{
	(void)state;
	begin(20);
	old_session = EBUSY;
	run();
	assert_int_equal(stops, 0);
	assert_string_equal(error_class, "RungClosed");
}

static void test_driven(void **state)
{
	(void)state;
	begin(4);
	run();
	assert_string_equal(result.ended, "satisfied");
	assert_int_equal(result.reclaimed_bytes, 10 * RANGE);
	assert_int_equal(result.driven_bytes, 6 * RANGE);
	assert_int_equal(result.refused_bytes, 0);
	assert_string_equal(result.note, "");
	/* What stood before stands again. */
	assert_int_equal(last_target.bytes, 3 * RANGE);
	assert_false(last_target.retry);
}

/* What a job takes for free after it was driven is not driven. */
static void test_goes_on_after_driving(void **state)
{
	(void)state;
	begin(2);
	guest.free_limit = 6;
	run();
	assert_int_equal(result.driven_bytes, 4 * RANGE);
	guest.free_count = 12;
	ebb_reclaim_job_run(&job);
	ebb_reclaim_job_answer(&job, NULL);
	fake_guest_join(&guest);
	assert_string_equal(result.ended, "satisfied");
	assert_int_equal(result.reclaimed_bytes, 10 * RANGE);
	assert_int_equal(result.driven_bytes, 4 * RANGE);
}

static void test_not_to_be_driven(void **state)
{
	(void)state;
	begin(4);
	job.request.free_only = true;
	run();
	assert_string_equal(result.ended, "drained");
	assert_int_equal(result.reclaimed_bytes, 4 * RANGE);
	assert_int_equal(tells, 0);

	end(NULL);
	begin(4);
	job.request = (struct ebb_reclaim_request){ .all = true };
	run();
	assert_string_equal(result.ended, "drained");
	assert_int_equal(tells, 0);

	end(NULL);
	begin(4);
	job.request.dry_run = true;
	run();
	assert_string_equal(result.ended, "dry-run");
	assert_int_equal(tells, 0);
}

static void test_guest_refuses(void **state)
{
	(void)state;
	begin(2);
	guest.free_limit = 6;
	run();
	assert_string_equal(result.ended, "guest-refused");
	assert_int_equal(result.reclaimed_bytes, 6 * RANGE);
	assert_int_equal(result.driven_bytes, 4 * RANGE);
	assert_int_equal(result.refused_bytes, 4 * RANGE);
	assert_string_equal(result.refused_reason, "exhausted");
	assert_non_null(strstr(result.note, "nothing more to give"));
	/* What holds the rest. */
	assert_non_null(
		strstr(result.note, "900.0 MiB tmpfs and shared memory"));
	assert_null(strstr(result.note, "locked"));
	assert_int_equal(result.held.shared_bytes, 900 * EBB_MIB);
	assert_int_equal(last_target.bytes, 3 * RANGE);
}

/* As with --free-only, and it says so. */
static void test_agent_is_too_old(void **state)
{
	(void)state;
	begin(4);
	tell_result = -ENOSYS;
	run();
	assert_string_equal(result.ended, "drained");
	assert_int_equal(result.reclaimed_bytes, 4 * RANGE);
	assert_int_equal(result.refused_bytes, 0);
	assert_non_null(strstr(result.note, "too old"));
}

/* The time is that of the whole. */
static void test_time_of_the_whole(void **state)
{
	(void)state;
	begin(4);
	guest.drive_ms = 4000;
	job.request.timeout_ms = 2000;
	run();
	assert_string_equal(result.ended, "timeout");
	assert_in_range(result.elapsed_us, 1900000, 15000000);
	assert_int_equal(last_target.bytes, 3 * RANGE);
}

static void test_guest_goes_while_driven(void **state)
{
	(void)state;
	begin(0);
	guest.manner = FAKE_RESETS;
	run();
	assert_string_equal(error_class, "GenericError");
	/* Tried all the same. */
	assert_int_equal(last_target.bytes, 3 * RANGE);
}

static void test_compacted(void **state)
{
	(void)state;
	begin(4);
	job.request =
		(struct ebb_reclaim_request){ .all = true, .compact = true };
	compact_runs = 3;
	compact_gain = 5;
	run();
	assert_string_equal(result.ended, "drained");
	assert_int_equal(result.reclaimed_bytes, 9 * RANGE);
	assert_int_equal(compact_asks, 4);
	assert_string_equal(result.note, "");
	assert_int_equal(tells, 0);
}

/* It comes before the guest has to give anything up, and may save that. */
static void test_compacted_and_driven(void **state)
{
	(void)state;
	begin(4);
	job.request.compact = true;
	compact_runs = 1;
	compact_gain = 2;
	run();
	assert_string_equal(result.ended, "satisfied");
	assert_int_equal(result.reclaimed_bytes, 10 * RANGE);
	assert_int_equal(result.driven_bytes, 4 * RANGE);

	end(NULL);
	begin(4);
	job.request.compact = true;
	compact_runs = 1;
	compact_gain = 8;
	run();
	assert_string_equal(result.ended, "satisfied");
	assert_int_equal(tells, 0);

	end(NULL);
	begin(12);
	job.request.compact = true;
	run();
	assert_string_equal(result.ended, "satisfied");
	assert_int_equal(compact_asks, 0);
}

static void test_not_compacted(void **state)
{
	static const struct {
		int result;
		const char *reason;
		const char *note;
	} cases[] = {
		{ 0, "nothing", "little is free" },
		{ 0, "too-soon", "a short while ago" },
		{ 0, "whatever", "whatever" },
		{ -ENOSYS, "", "too old" },
		{ -ETIMEDOUT, "", "does not answer" },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		begin(4);
		job.request = (struct ebb_reclaim_request){ .all = true,
							    .compact = true };
		compact_result = cases[i].result;
		compact_reason = cases[i].reason;
		run();
		assert_string_equal(result.ended, "drained");
		assert_int_equal(result.reclaimed_bytes, 4 * RANGE);
		assert_non_null(strstr(result.note, cases[i].note));
		end(NULL);
	}
	begin(4);
}

/* A guest that says for ever that it compacts. */
static void test_compacts_for_ever(void **state)
{
	(void)state;
	begin(4);
	job.request = (struct ebb_reclaim_request){ .all = true,
						    .compact = true,
						    .timeout_ms = 1000 };
	compact_runs = UINT32_MAX;
	run();
	assert_string_equal(result.ended, "timeout");
	assert_int_equal(result.reclaimed_bytes, 4 * RANGE);
	assert_in_range(compact_asks, 2, 40);

	end(NULL);
	begin(4);
	job.request =
		(struct ebb_reclaim_request){ .all = true, .compact = true };
	compact_runs = UINT32_MAX;
	compact_cancels = true;
	run();
	assert_string_equal(result.ended, "cancelled");
	assert_int_equal(compact_asks, 3);
}

#define JOB_TEST(test) cmocka_unit_test_teardown(test, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		JOB_TEST(test_enough_is_free),
		JOB_TEST(test_session_before),
		JOB_TEST(test_session_before_stays),
		JOB_TEST(test_reporting_is_busy),
		JOB_TEST(test_driven),
		JOB_TEST(test_goes_on_after_driving),
		JOB_TEST(test_not_to_be_driven),
		JOB_TEST(test_guest_refuses),
		JOB_TEST(test_agent_is_too_old),
		JOB_TEST(test_time_of_the_whole),
		JOB_TEST(test_guest_goes_while_driven),
		JOB_TEST(test_compacted),
		JOB_TEST(test_compacted_and_driven),
		JOB_TEST(test_not_compacted),
		JOB_TEST(test_compacts_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
