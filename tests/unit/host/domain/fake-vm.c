/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/host/domain/fake-vm.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/size.h"
#include "host/base/crowd.h"
#include "host/libvirt/agent.h"
#include "host/lease/reclaim.h"
#include "host/rung/balloon.h"
#include "host/rung/pageout.h"
#include "host/rung/report.h"

struct fake_vm fake_vm = { .now_ns = (uint64_t)1000 * 1000 * 1000 * 1000 };
static int channel; /* its address is one */
static struct ebb_ring ring = { .state = EBB_RING_OPEN };

static void take_answer(void)
{
	const struct json_object *value = fake_call.value;

	assert_false(fake_vm.answer.done);
	fake_vm.answer.done = true;
	strcpy(fake_vm.answer.error_class, fake_call.error_class);
	strcpy(fake_vm.answer.text, fake_call.error);
	/* Of a set, a doctor or a deflate; any other is only known to have come. */
	ebb_msg_decode(value, ebb_set_result_fields, &fake_vm.answer.result,
		       sizeof(fake_vm.answer.result), NULL);
	ebb_msg_decode(value, ebb_doctor_fields, &fake_vm.answer.doctor,
		       sizeof(fake_vm.answer.doctor), NULL);
	ebb_msg_decode(value, ebb_deflate_result_fields,
		       &fake_vm.answer.deflated,
		       sizeof(fake_vm.answer.deflated), NULL);
	fake_call_forget();
}

void fake_vm_reset(void)
{
	uint64_t now_ns = fake_vm.now_ns;

	memset(&fake_vm, 0, sizeof(fake_vm));
	fake_vm.working_set_bytes = EBB_MIB;
	fake_vm.now_ns = now_ns;
	fake_vm.loop_thread = pthread_self();
	fake_call_reset();
	fake_call.on_answer = take_answer;
	fake_vm.turns.limit = 4;
	fake_vm.config.agent_timeout_ms = 100;
	fake_vm.config.reclaim_timeout_ms = 60000;
	ebb_settings_default(&fake_vm.config.policy.settings);
	fake_vm.domxml.cell_count = 1;
	fake_vm.domxml.cell_bytes[0] = EBB_GIB;
}

/* ---- in place of clock.c ---- */

uint64_t ebb_now_ns(void)
{
	return fake_vm.now_ns;
}

void ebb_sleep_us(uint32_t us)
{
	usleep(us);
}

/* ---- in place of reclaim.c, report.c and balloon.c ---- */

void ebb_reclaim_prepare(struct ebb_reclaim *reclaim)
{
	(void)reclaim;
}

void ebb_report_prepare(struct ebb_reclaim *reclaim)
{
	(void)reclaim;
}

void ebb_pageout_prepare(struct ebb_reclaim *reclaim)
{
	(void)reclaim;
}

static void play(struct ebb_reclaim *reclaim)
{
	while (fake_vm.reclaim_held && !*reclaim->gone && !*reclaim->cancelled)
		usleep(1000);
	reclaim->books.reclaimed_bytes += fake_vm.take_bytes;
	reclaim->outcome = fake_vm.outcome;
	if (fake_vm.rests > 0 && reclaim->wish.gentle && !*reclaim->hurried) {
		fake_vm.rests--;
		if (!reclaim->start_ns)
			reclaim->start_ns = fake_vm.now_ns;
		reclaim->outcome = ebb_outcome(EBB_END_NONE);
		reclaim->rest_ns = fake_vm.rest_ms * EBB_NS_PER_MS;
	}
	if (*reclaim->gone)
		reclaim->outcome = ebb_outcome(*reclaim->leaving
						       ? EBB_END_EBBD_ENDS
						       : EBB_END_GUEST_GONE);
	else if (*reclaim->cancelled)
		reclaim->outcome = ebb_outcome(EBB_END_CANCELLED);
	reclaim->outcome.bytes = reclaim->books.reclaimed_bytes;
}

void ebb_reclaim_run(struct ebb_reclaim *reclaim)
{
	fake_vm.reclaims++;
	play(reclaim);
}

void ebb_report_run(struct ebb_reclaim *reclaim)
{
	fake_vm.reports++;
	play(reclaim);
}

void ebb_pageout_run(struct ebb_reclaim *reclaim)
{
	play(reclaim);
}

void ebb_balloon_prepare(struct ebb_reclaim *reclaim)
{
	(void)reclaim;
}

void ebb_balloon_run(struct ebb_reclaim *reclaim)
{
	if (fake_vm.inflate)
		fake_vm.inflate(reclaim);
	play(reclaim);
}

const char *ebb_reclaim_phase_name(enum ebb_reclaim_phase phase)
{
	(void)phase;
	return "taking";
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
	/* The vm takes a copy. */
	static char uuid[EBB_UUID_TEXT_BYTES];

	snprintf(uuid, sizeof(uuid), "11111111-2222-3333-4444-%012d",
		 *(const int *)(const void *)domain);
	return uuid;
}

int ebb_domain_job(struct ebb_domain *domain)
{
	(void)domain;
	fake_vm.job_asks++;
	return fake_vm.job;
}

static const char *element_of(const char *text)
{
	return text[0] == '<' ? text : NULL;
}

static void change_element(char *element,
			   const struct ebb_metadata_change *changes,
			   size_t count)
{
	char *after ebb_auto_free = NULL;

	assert_int_equal(ebb_metadata_edit(element_of(element), changes, count,
					   &after),
			 0);
	snprintf(element, sizeof(fake_vm.element), "%s", after ? after : "-");
}

int ebb_domain_change_metadata(struct ebb_domain *domain, enum ebb_scope scope,
			       const struct ebb_metadata_change *changes,
			       size_t count, struct ebb_metadata *ret_live,
			       char *ret_error)
{
	(void)domain;
	if (fake_vm.keep_result < 0)
		strcpy(ret_error, "no luck");
	if (fake_vm.keep_result < 0 && fake_vm.keep_result != -EALREADY)
		return fake_vm.keep_result;
	fake_vm.keeps++;
	fake_vm.scope = scope;
	if (scope != EBB_SCOPE_LIVE && fake_vm.keep_result == 0)
		change_element(fake_vm.next, changes, count);
	if (scope == EBB_SCOPE_CONFIG)
		return fake_vm.keep_result;
	change_element(fake_vm.element, changes, count);
	assert_int_equal(
		ebb_metadata_parse(element_of(fake_vm.element), ret_live), 0);
	return fake_vm.keep_result;
}

int ebb_domain_read_metadata(struct ebb_domain *domain,
			     struct ebb_metadata *ret_live,
			     bool *ret_next_known,
			     struct ebb_metadata *ret_next)
{
	(void)domain;
	fake_vm.reads++;
	*ret_next_known =
		!fake_vm.transient &&
		ebb_metadata_parse(element_of(fake_vm.next), ret_next) == 0;
	return ebb_metadata_parse(element_of(fake_vm.element), ret_live) < 0
		       ? -ENOTCONN
		       : 0;
}

/* ---- in place of probe.c, channel.c and agent.c ---- */

void ebb_probe_init(struct ebb_probe *probe)
{
	*probe = (struct ebb_probe){ .qemu.pidfd = -1 };
}

void ebb_probe_run(const struct ebb_probe_order *order, struct ebb_probe *probe)
{
	ebb_probe_init(probe);
	fake_vm.channel_ops = order->ops;
	fake_vm.channel_opaque = order->opaque;
	probe->running = true;
	probe->silent_ns = order->before->silent_ns;
	probe->asked_qga = order->ask_qga && fake_vm.qga_only;
	fake_vm.qga_asks += probe->asked_qga;
	probe->domxml = fake_vm.domxml;
	/* What was written since is in its XML, too. */
	if (fake_vm.element[0])
		ebb_metadata_parse(element_of(fake_vm.element),
				   &probe->domxml.metadata);
	probe->domxml.next_known = !fake_vm.transient &&
				   ebb_metadata_parse(element_of(fake_vm.next),
						      &probe->domxml.next) == 0;
	probe->have_info = fake_vm.agent;
	probe->info.boot_id[0] = fake_vm.kernel;
	if (fake_vm.agent)
		probe->channel = (struct ebb_channel *)(void *)&channel;
	if (fake_vm.own)
		probe->own_channel = probe->channel;
	if (fake_vm.pidfd > 0) {
		probe->qemu.pid = 1;
		probe->qemu.pidfd = dup(fake_vm.pidfd);
		probe->same_process = order->before->qemu.pid > 0;
	}
	probe->forbidden = order->forbidden;
	if (*fake_vm.domxml.reserved && !order->share_reserved)
		ebb_reason_add(&probe->reasons, EBB_REASON_RESERVED_MEMORY,
			       "%s", fake_vm.domxml.reserved);
	else if (fake_vm.lease &&
		 ebb_rungs_have(order->forbidden, EBB_RUNG_LEASE))
		ebb_reason_add(&probe->reasons, EBB_REASON_RUNG_FORBIDDEN,
			       "lease");
	probe->attached = fake_vm.lease && probe->reasons.count == 0;
	if (probe->attached)
		probe->ring.ring = &ring;
	probe->inflatable = fake_vm.inflatable;
	/* A target does not need a lease. */
	if (!fake_vm.lease)
		ebb_reason_add(&probe->reasons,
			       fake_vm.no_agent ? EBB_REASON_NO_AGENT
						: EBB_REASON_PRIVATE_MEMORY,
			       NULL);
	fake_vm.probes++;
	*order->record_read = true;
	while (fake_vm.held)
		usleep(1000);
	probe->events = fake_vm.events_before_reply;
}

void ebb_probe_detach(struct ebb_probe *probe)
{
	probe->attached = false;
	probe->ring = (struct ebb_ringmap){ 0 };
}

void ebb_guest_process_close(struct ebb_guest_process *process)
{
	if (process->pid <= 0)
		return;
	fake_vm.closes++;
	if (pthread_equal(pthread_self(), fake_vm.loop_thread))
		fake_vm.closes_on_loop++;
	close(process->pidfd);
	*process = (struct ebb_guest_process){ .pidfd = -1 };
}

int ebb_guest_process_share(const struct ebb_guest_process *process,
			    struct ebb_guest_process *ret_process)
{
	*ret_process = *process;
	ret_process->pidfd = -1;
	return 0;
}

bool ebb_guest_process_alive(const struct ebb_guest_process *process)
{
	(void)process;
	return !fake_vm.dead;
}

void ebb_guest_process_holding(const struct ebb_guest_process *process,
			       uint32_t max_age_ms,
			       struct ebb_holding *ret_holding)
{
	(void)process;
	(void)max_age_ms;
	*ret_holding = (struct ebb_holding){ 0 };
}

int ebb_guest_process_usage(pid_t pid, struct ebb_holding *ret_holding)
{
	(void)pid;
	*ret_holding = (struct ebb_holding){ 0 };
	return 0;
}

void ebb_probe_close_channels(struct ebb_probe *probe)
{
	(void)probe;
}

uint64_t ebb_probe_backing_bytes(const struct ebb_probe *probe)
{
	return probe->attached ? EBB_GIB : 0;
}

struct ebb_lender ebb_probe_lender(struct ebb_probe *probe)
{
	return (struct ebb_lender){ .qemu = &probe->qemu };
}

const char *ebb_channel_name(const struct ebb_channel *any)
{
	(void)any;
	return "fake";
}

int ebb_agent_info(struct ebb_channel *any, uint32_t timeout_ms,
		   struct ebb_msg_info *ret_info,
		   struct ebb_msg_error *ret_error)
{
	(void)any;
	(void)timeout_ms;
	(void)ret_info;
	(void)ret_error;
	fake_vm.infos++;
	return 0;
}

int ebb_agent_facts(struct ebb_channel *any, uint32_t timeout_ms,
		    struct ebb_msg_facts *ret_facts,
		    struct ebb_msg_error *ret_error)
{
	(void)any;
	(void)timeout_ms;
	(void)ret_error;
	*ret_facts = (struct ebb_msg_facts){ .free_bytes = 2 * EBB_MIB,
					     .working_set_bytes =
						     fake_vm.working_set_bytes,
					     .working_set_source = "mglru",
					     .held = fake_vm.agent_held };
	return 0;
}

uint64_t ebb_channel_events(const struct ebb_channel *any)
{
	(void)any;
	return fake_vm.events;
}

uint64_t ebb_channel_begin_talk(struct ebb_channel *any)
{
	(void)any;
	return 1;
}

int ebb_agent_target(const struct ebb_agent_line *line,
		     const struct ebb_msg_target *target,
		     struct ebb_msg_target_state *ret_state,
		     struct ebb_msg_error *ret_error)
{
	(void)line;
	fake_vm.told = *target;
	fake_vm.tells++;
	*ret_state = fake_vm.tell_answer;
	strcpy(ret_error->text, "its own words");
	return fake_vm.tell_result;
}

int ebb_agent_target_decode(const struct json_object *data,
			    struct ebb_msg_target_state *ret_state,
			    struct ebb_msg_error *ret_error)
{
	return ebb_msg_decode(data, ebb_msg_target_state_fields, ret_state,
			      sizeof(*ret_state), ret_error);
}

/* ---- the test's own ---- */

static struct ebb_workers *workers;
static struct ebb_crowd *crowd;
static struct ebb_vm_environment environment;
static int alarm_timer;

static void on_alarm(int timer, void *opaque)
{
	(void)timer;
	(void)opaque;
	fail_msg("what was waited for did not happen");
}

static enum ebb_vm_pause pause_of(const char *uuid, void *opaque)
{
	(void)uuid;
	(void)opaque;
	return fake_vm.pause;
}

int fake_vm_set_up_group(void **state)
{
	(void)state;
	ebb_log_init("test", EBB_LOG_INFO);
	if (ebb_loop_init() < 0)
		return -1;
	alarm_timer = ebb_loop_timer(-1, on_alarm, NULL);
	if (ebb_workers_new(8, 4, &workers) < 0 || ebb_crowd_new(&crowd) < 0)
		return -1;
	/* Once: workers read it. */
	environment = (struct ebb_vm_environment){
		.config = &fake_vm.config,
		.workers = workers,
		.crowd = crowd,
		.turns = &fake_vm.turns,
		.pause_of = pause_of,
	};
	return 0;
}

int fake_vm_tear_down_group(void **state)
{
	(void)state;
	ebb_workers_free(workers);
	ebb_crowd_free(crowd);
	return 0;
}

struct ebb_vm *fake_vm_new_numbered(int *number)
{
	struct ebb_vm *vm =
		ebb_vm_new(&environment, (struct ebb_domain *)(void *)number);

	assert_non_null(vm);
	return vm;
}

void fake_vm_end(struct ebb_vm *vm)
{
	ebb_vm_dismiss(vm, EBB_VM_DOMAIN_ENDED);
	fake_vm_settle_down();
}

void fake_vm_set_target(struct ebb_vm *vm, struct ebb_call *call,
			const struct ebb_target_setting *target)
{
	struct ebb_set_order order = { .has_target = true, .target = *target };

	ebb_vm_set(vm, call, &order);
}

struct ebb_vm *fake_vm_new(void)
{
	static int number;

	return fake_vm_new_numbered(&number);
}

void fake_vm_alarm(int ms)
{
	ebb_loop_timer_set(alarm_timer, ms);
}

void fake_vm_settle_down(void)
{
	fake_vm_until(ebb_workers_count(workers) == 0);
}
