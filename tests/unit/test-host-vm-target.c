/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vm and its free target, from a set to its renewals and to what the guest
 * says. The vm, its workers and the event loop are the real ones. libvirt, the
 * probe, the agent, the callers and the clock are played here: these functions
 * stand in for the objects of libhost.a that hold the others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <libvirt/libvirt.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "common/size.h"
#include "host/agent.h"
#include "host/domxml.h"
#include "host/punch.h"
#include "host/vm.h"

#define S ((uint64_t)1000000000)

static struct {
	struct ebb_domxml domxml;
	bool agent; /* one answers */
	int tell_result;
	struct ebb_msg_target_state answer;
	int keep_result;
} guest;

/* Written by workers, read when they are done. */
static struct {
	atomic_uint probes;
	atomic_uint tells;
	struct ebb_msg_target target;
	uint32_t keeps;
	char element[EBB_METADATA_BYTES]; /* "-" for none */
} seen;

static struct {
	bool done;
	char error_class[64];
	char text[1024];
	struct ebb_set_result result;
} answer;

static _Atomic uint64_t clock_ns = 1000 * S;
static const struct ebb_channel_ops *channel_ops;
static void *channel_opaque;
static int channel; /* its address is one */

/* ---- in place of punch.c ---- */

uint64_t ebb_now_ns(void)
{
	return clock_ns;
}

void ebb_sleep_us(uint32_t us)
{
	usleep(us);
}

int ebb_puncher_init(struct ebb_puncher *puncher,
		     const struct ebb_lender *lender,
		     const struct ebb_reclaim_order *order,
		     struct ebb_reclaim_counters *counters)
{
	(void)puncher;
	(void)lender;
	(void)order;
	(void)counters;
	return -EIO;
}

void ebb_puncher_release(struct ebb_puncher *puncher)
{
	(void)puncher;
}

int64_t ebb_puncher_batch(struct ebb_puncher *puncher, struct ebb_batch *batch)
{
	(void)puncher;
	(void)batch;
	return -EIO;
}

/* ---- in place of virt.c ---- */

struct ebb_domain *ebb_domain_ref(struct ebb_domain *domain)
{
	return domain;
}

void ebb_domain_unref(struct ebb_domain *domain)
{
	(void)domain;
}

const char *ebb_domain_name(const struct ebb_domain *domain)
{
	(void)domain;
	return "web1";
}

const char *ebb_domain_uuid(const struct ebb_domain *domain)
{
	(void)domain;
	return "11111111-2222-3333-4444-555555555555";
}

int ebb_domain_has_job(struct ebb_domain *domain)
{
	(void)domain;
	return 0;
}

int ebb_domain_set_metadata(struct ebb_domain *domain, const char *prefix,
			    const char *uri, const char *element,
			    char *ret_error)
{
	(void)domain;
	assert_string_equal(prefix, "ebb");
	assert_string_equal(uri, "urn:ebb:domain:1");
	if (guest.keep_result < 0) {
		strcpy(ret_error, "no luck");
		return guest.keep_result;
	}
	seen.keeps++;
	snprintf(seen.element, sizeof(seen.element), "%s",
		 element ? element : "-");
	return 0;
}

/* ---- in place of probe.c, channel.c and agent.c ---- */

void ebb_probe_init(struct ebb_probe *probe)
{
	*probe = (struct ebb_probe){ .qemu.pidfd = -1 };
}

void ebb_probe_run(struct ebb_probe *probe, struct ebb_domain *domain,
		   const struct ebb_config *config,
		   const struct ebb_channel_ops *ops, void *opaque,
		   const atomic_bool *gone)
{
	(void)domain;
	(void)config;
	(void)gone;
	channel_ops = ops;
	channel_opaque = opaque;
	probe->running = true;
	probe->domxml = guest.domxml;
	probe->have_info = guest.agent;
	if (guest.agent)
		probe->channel = (struct ebb_channel *)(void *)&channel;
	/* No lease: a target does not need one. */
	ebb_reason_add(&probe->reasons, EBB_REASON_PRIVATE_MEMORY, NULL);
	seen.probes++;
}

void ebb_probe_release(struct ebb_probe *probe)
{
	ebb_probe_init(probe);
}

void ebb_probe_close_channels(struct ebb_probe *probe)
{
	(void)probe;
}

struct ebb_lender ebb_probe_lender(struct ebb_probe *probe)
{
	(void)probe;
	return (struct ebb_lender){ 0 };
}

const char *ebb_channel_name(const struct ebb_channel *any)
{
	(void)any;
	return "fake";
}

int ebb_agent_facts(struct ebb_channel *any, uint32_t timeout_ms,
		    struct ebb_msg_facts *ret_facts,
		    struct ebb_msg_error *ret_error)
{
	(void)any;
	(void)timeout_ms;
	(void)ret_error;
	*ret_facts = (struct ebb_msg_facts){ .working_set_bytes = EBB_MIB,
					     .working_set_source = "mglru" };
	return 0;
}

int ebb_agent_session_start(struct ebb_channel *any, uint32_t timeout_ms,
			    const struct ebb_msg_session_start *start,
			    int *ret_guest_errno,
			    struct ebb_msg_error *ret_error)
{
	(void)any;
	(void)timeout_ms;
	(void)start;
	(void)ret_guest_errno;
	(void)ret_error;
	return -EIO;
}

int ebb_agent_session_stop(struct ebb_channel *any, uint32_t timeout_ms,
			   struct ebb_msg_error *ret_error)
{
	(void)any;
	(void)timeout_ms;
	(void)ret_error;
	return -EIO;
}

int ebb_agent_target(struct ebb_channel *any, uint32_t timeout_ms,
		     const struct ebb_msg_target *target,
		     struct ebb_msg_target_state *ret_state,
		     struct ebb_msg_error *ret_error)
{
	(void)any;
	(void)timeout_ms;
	seen.target = *target;
	seen.tells++;
	*ret_state = guest.answer;
	strcpy(ret_error->text, "its own words");
	return guest.tell_result;
}

int ebb_agent_compact(struct ebb_channel *any, uint32_t timeout_ms,
		      struct ebb_msg_compact_state *ret_state,
		      struct ebb_msg_error *ret_error)
{
	(void)any;
	(void)timeout_ms;
	(void)ret_state;
	(void)ret_error;
	return -ENOSYS;
}

int ebb_agent_target_decode(const struct json_object *data,
			    struct ebb_msg_target_state *ret_state,
			    struct ebb_msg_error *ret_error)
{
	return ebb_msg_decode(data, ebb_msg_target_state_fields, ret_state,
			      sizeof(*ret_state), ret_error);
}

/* ---- in place of control.c ---- */

void ebb_call_return(struct ebb_call *call, struct json_object *value)
{
	(void)call;
	assert_false(answer.done);
	answer.done = true;
	assert_int_equal(ebb_msg_decode(value, ebb_set_result_fields,
					&answer.result, sizeof(answer.result),
					NULL),
			 0);
	json_object_put(value);
}

void ebb_call_error(struct ebb_call *call, const char *error_class,
		    const char *format, ...)
{
	va_list args;

	(void)call;
	assert_false(answer.done);
	answer.done = true;
	snprintf(answer.error_class, sizeof(answer.error_class), "%s",
		 error_class);
	va_start(args, format);
	vsnprintf(answer.text, sizeof(answer.text), format, args);
	va_end(args);
}

void ebb_call_event(struct ebb_call *call, const char *name,
		    struct json_object *data)
{
	(void)call;
	(void)name;
	json_object_put(data);
}

void ebb_call_on_cancel(struct ebb_call *call, void (*cancelled)(void *opaque),
			void *opaque)
{
	(void)call;
	(void)cancelled;
	(void)opaque;
}

/* ---- the tests ---- */

static struct ebb_workers *workers;
static struct ebb_vm *vm;
static int alarm_timer;

static void on_alarm(int timer, void *opaque)
{
	(void)timer;
	(void)opaque;
	fail_msg("what was waited for did not happen");
}

static int set_up_group(void **state)
{
	(void)state;
	ebb_log_init("test", EBB_LOG_INFO);
	if (virEventRegisterDefaultImpl() < 0)
		return -1;
	alarm_timer = virEventAddTimeout(-1, on_alarm, NULL, NULL);
	return ebb_workers_new(&workers);
}

static int tear_down_group(void **state)
{
	(void)state;
	ebb_workers_free(workers);
	return 0;
}

/* Until no job runs. */
static void settle_down(void)
{
	virEventUpdateTimeout(alarm_timer, 20000);
	while (ebb_workers_count(workers) > 0)
		virEventRunDefaultImpl();
	virEventUpdateTimeout(alarm_timer, -1);
}

static void on_turn(int timer, void *opaque)
{
	bool *turned = opaque;

	virEventRemoveTimeout(timer);
	*turned = true;
}

/* What a callback of the channel leaves for the loop. */
static void take_turn(void)
{
	bool turned = false;

	assert_true(virEventAddTimeout(0, on_turn, &turned, NULL) >= 0);
	while (!turned)
		virEventRunDefaultImpl();
}

static int set_up(void **state)
{
	(void)state;
	memset(&guest, 0, sizeof(guest));
	memset(&seen, 0, sizeof(seen));
	memset(&answer, 0, sizeof(answer));
	guest.agent = true;
	guest.domxml.cell_count = 1;
	guest.domxml.cell_bytes[0] = EBB_GIB;
	guest.domxml.own_channel = true;
	guest.answer = (struct ebb_msg_target_state){
		.asked_bytes = 512 * EBB_MIB,
		.effective_bytes = 512 * EBB_MIB,
		.mechanism = "knobs",
		.state = "driving",
	};
	return 0;
}

static void begin(void)
{
	static const struct ebb_config config = { .agent_timeout_ms = 100 };
	static struct ebb_vm_environment environment = { .config = &config };
	static int domain;

	environment.workers = workers;
	vm = ebb_vm_new(&environment, (struct ebb_domain *)(void *)&domain);
	assert_non_null(vm);
	settle_down();
}

static int tear_down(void **state)
{
	(void)state;
	ebb_vm_dismiss(vm);
	settle_down();
	return 0;
}

static void set(const char *text)
{
	static int call;
	struct ebb_target_setting setting;

	memset(&answer, 0, sizeof(answer));
	assert_int_equal(ebb_target_parse(text, &setting, NULL), 0);
	ebb_vm_set_target(vm, (struct ebb_call *)(void *)&call, &setting);
	settle_down();
	assert_true(answer.done);
}

static void pass(uint64_t seconds)
{
	for (uint64_t i = 0; i < seconds; i++) {
		clock_ns += S;
		ebb_vm_tick(vm, clock_ns);
		settle_down();
	}
}

static void test_set(void **state)
{
	struct ebb_domain_status *status = calloc(1, sizeof(*status));

	(void)state;
	begin();
	assert_int_equal(seen.tells, 0);
	set("512M");
	assert_string_equal(answer.error_class, "");
	assert_string_equal(answer.result.name, "web1");
	assert_string_equal(answer.result.target.setting, "512M");
	assert_int_equal(answer.result.target.effective_bytes, 512 * EBB_MIB);
	assert_string_equal(answer.result.target.mechanism, "knobs");
	assert_int_equal(answer.result.target.working_set_bytes, EBB_MIB);
	assert_string_equal(seen.element, "<policy free-target='512M'/>");
	assert_int_equal(seen.tells, 1);
	assert_int_equal(seen.target.bytes, 512 * EBB_MIB);
	assert_int_equal(seen.target.timeout_ms, EBB_TARGET_LEASE_MS);
	assert_true(seen.target.retry);

	ebb_vm_status(vm, status);
	assert_string_equal(status->target.setting, "512M");
	assert_string_equal(status->target.state, "driving");
	free(status);
}

static void test_set_none(void **state)
{
	(void)state;
	begin();
	set("40%");
	set("none");
	assert_string_equal(answer.error_class, "");
	assert_string_equal(answer.result.target.setting, "");
	assert_string_equal(seen.element, "-");
	assert_int_equal(seen.tells, 2);
	assert_int_equal(seen.target.bytes, 0);
	/* Once is enough. */
	pass(60);
	assert_int_equal(seen.tells, 2);

	/* Nobody to tell it is no error: the guest's lease ends. */
	guest.agent = false;
	ebb_vm_invalidate(vm, false);
	settle_down();
	set("none");
	assert_string_equal(answer.error_class, "");
	assert_non_null(strstr(answer.result.note, "ends by itself"));
}

static void test_set_is_refused(void **state)
{
	(void)state;
	begin();
	set("2G");
	assert_string_equal(answer.error_class, "InvalidArgument");
	assert_non_null(strstr(answer.text, "1.0 GiB"));

	guest.keep_result = -EIO;
	set("512M");
	assert_string_equal(answer.error_class, "GenericError");
	assert_non_null(strstr(answer.text, "no luck"));
	guest.keep_result = 0;

	guest.agent = false;
	guest.domxml.own_channel = false;
	ebb_vm_invalidate(vm, false);
	settle_down();
	set("512M");
	assert_string_equal(answer.error_class, "RungClosed");
	assert_non_null(strstr(answer.text, "not kept"));
	assert_int_equal(seen.keeps, 0);
	assert_int_equal(seen.tells, 0);
}

/* Kept, and an error: it is told as soon as there is an agent. */
static void test_agent_comes_later(void **state)
{
	(void)state;
	guest.agent = false;
	begin();
	set("auto");
	assert_string_equal(answer.error_class, "RungClosed");
	assert_non_null(strstr(answer.text, "setting is kept"));
	assert_int_equal(seen.keeps, 1);
	guest.domxml.target.kind = EBB_TARGET_AUTO;
	pass(30);
	assert_int_equal(seen.tells, 0);
	guest.agent = true;
	pass(100);
	assert_true(seen.tells > 0);
	assert_true(seen.target.automatic);
	assert_false(seen.target.retry);
}

static void test_agent_is_too_old(void **state)
{
	uint32_t tells;

	(void)state;
	begin();
	guest.tell_result = -ENOSYS;
	set("50%");
	assert_string_equal(answer.error_class, "RungClosed");
	assert_non_null(strstr(answer.text, "too old"));
	assert_int_equal(seen.keeps, 1);
	guest.domxml.target =
		(struct ebb_target_setting){ .kind = EBB_TARGET_PERCENT,
					     .percent = 50 };
	pass(200);
	assert_int_equal(seen.tells, 1);

	/* Another one. */
	guest.tell_result = 0;
	channel_ops->event("EBB_AGENT_READY", NULL, channel_opaque);
	take_turn();
	tells = seen.tells;
	pass(2);
	assert_int_equal(seen.tells, tells + 1);
}

static void test_metadata_is_told_and_renewed(void **state)
{
	uint32_t tells;

	(void)state;
	guest.domxml.target =
		(struct ebb_target_setting){ .kind = EBB_TARGET_PERCENT,
					     .percent = 40 };
	begin();
	assert_int_equal(seen.tells, 1);
	assert_int_equal(seen.target.bytes, EBB_GIB / 100 * 40);
	assert_false(seen.target.retry);
	assert_int_equal(seen.keeps, 0);
	pass(600);
	tells = seen.tells;
	assert_in_range(tells, 600 / 25, 600 / 24 + 2);

	/* A silent agent is tried less often, and again when it is back. */
	guest.tell_result = -ETIMEDOUT;
	pass(600);
	assert_in_range(seen.tells - tells, 5, 15);
	guest.tell_result = 0;
	pass(200);
	tells = seen.tells;
	pass(120);
	assert_in_range(seen.tells - tells, 4, 6);
}

static void test_reset_guest_is_told_at_once(void **state)
{
	uint32_t tells;

	(void)state;
	guest.domxml.target.kind = EBB_TARGET_AUTO;
	begin();
	pass(20);
	tells = seen.tells;
	ebb_vm_invalidate(vm, false);
	settle_down();
	assert_int_equal(seen.tells, tells + 1);
}

/* Lines on stderr while @work runs. */
static uint32_t count_lines(void (*work)(void), char *text, size_t text_bytes)
{
	ebb_auto_close int file = memfd_create("stderr", MFD_CLOEXEC);
	ebb_auto_close int saved = dup(STDERR_FILENO);
	uint32_t lines = 0;
	ssize_t got;

	assert_true(file >= 0 && saved >= 0);
	fflush(stderr);
	dup2(file, STDERR_FILENO);
	work();
	dup2(saved, STDERR_FILENO);
	got = pread(file, text, text_bytes - 1, 0);
	assert_true(got >= 0);
	text[got] = '\0';
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	return lines;
}

static void say(const char *reason, uint64_t effective_bytes)
{
	struct ebb_msg_target_state told = guest.answer;
	struct json_object *data;

	snprintf(told.reason, sizeof(told.reason), "%s", reason);
	told.effective_bytes = effective_bytes;
	data = ebb_msg_encode(ebb_msg_target_state_fields, &told);
	channel_ops->event("EBB_TARGET_CHANGED", data, channel_opaque);
	json_object_put(data);
}

static void say_pressure(void)
{
	say("pressure", 300 * EBB_MIB);
	say("pressure", 200 * EBB_MIB);
}

static void say_many(void)
{
	for (int i = 0; i < 1000; i++)
		say(i % 2 ? "oom" : "allocstall", EBB_MIB);
	channel_ops->event("EBB_TARGET_CHANGED", NULL, channel_opaque);
}

static void test_reasons_are_logged_and_bounded(void **state)
{
	struct ebb_domain_status *status = calloc(1, sizeof(*status));
	char text[4096];

	(void)state;
	begin();
	set("512M");
	clock_ns += 100 * S;
	assert_int_equal(count_lines(say_pressure, text, sizeof(text)), 1);
	assert_non_null(strstr(text, "web1: the guest keeps 300.0 MiB free of "
				     "512.0 MiB asked: it came under memory "
				     "pressure (pressure)"));
	ebb_vm_status(vm, status);
	assert_int_equal(status->target.effective_bytes, 200 * EBB_MIB);
	assert_string_equal(status->target.reason, "pressure");
	free(status);

	assert_int_equal(count_lines(say_many, text, sizeof(text)), 0);
	clock_ns += 61 * S;
	assert_int_equal(count_lines(say_many, text, sizeof(text)), 1);
}

#define VM_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		VM_TEST(test_set),
		VM_TEST(test_set_none),
		VM_TEST(test_set_is_refused),
		VM_TEST(test_agent_comes_later),
		VM_TEST(test_agent_is_too_old),
		VM_TEST(test_metadata_is_told_and_renewed),
		VM_TEST(test_reset_guest_is_told_at_once),
		VM_TEST(test_reasons_are_logged_and_bounded),
	};

	return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
