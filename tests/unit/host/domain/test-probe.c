/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A look at a domain whose agent does not answer: paused, booting, silent and
 * without an agent are four things, and the guest agent's channel is asked only
 * where that is allowed. libvirt, the process and the agent are played.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/size.h"
#include "host/memory/peers.h"
#include "host/domain/probe.h"
#include "host/libvirt/agent.h"
#include "host/memory/age.h"
#include "tests/unit/host/rung/fake-balloon.h"

static struct {
	enum ebb_domain_state state;
	const char *own; /* state of the channel; NULL: there is none */
	const char *qga;
	const char *definition; /* NULL: it is transient */
	const char *own_policy; /* attributes of Ebb's metadata; NULL: none */
	bool pinned;
	int own_answer; /* of asking there */
	int qga_answer;
	uint32_t own_asks;
	uint32_t qga_asks;
	uint32_t age_s;
	bool restored;
	uint64_t start_ticks;
	const char *record; /* of its balloon, attributes; NULL: none */
	bool reporting; /* as of freePageReporting='on' */
	const char *
		balloon; /* what is in <memballoon model='virtio'>; NULL: none */
	const char *memory_device;
	uint32_t shared_files; /* of its process */
	bool pooled; /* some of its memory, by /proc */
	int usage_result;
	struct ebb_budget_swap swap; /* of the host */
} fake;

static int own_channel, qga_channel; /* their addresses are two */
static struct ebb_probe before, found;
static atomic_bool gone;

/* ---- in place of virt.c, channel.c, agent.c ---- */

enum ebb_domain_state ebb_domain_ask_state(struct ebb_domain *domain)
{
	(void)domain;
	return fake.state;
}

bool ebb_domain_state_is_active(enum ebb_domain_state state)
{
	return state != EBB_DOMAIN_SHUTOFF;
}

static void add_channel(char *xml, const char *name, const char *state)
{
	if (!state)
		return;
	strcat(xml, "<channel type='unix'><target type='virtio' name='");
	strcat(xml, name);
	strcat(xml, "' state='");
	strcat(xml, state);
	strcat(xml, "'/></channel>");
}

int ebb_domain_xml(struct ebb_domain *domain, char **ret_xml)
{
	(void)domain;
	*ret_xml = calloc(1, 4096);
	assert_non_null(*ret_xml);
	strcpy(*ret_xml, "<domain type='kvm'><memory unit='KiB'>1048576"
			 "</memory><currentMemory unit='KiB'>1048576"
			 "</currentMemory>");
	if (fake.own_policy)
		sprintf(*ret_xml + strlen(*ret_xml),
			"<metadata><ebb:policy xmlns:ebb='" EBB_METADATA_URI
			"' %s/></metadata>",
			fake.own_policy);
	if (fake.record)
		sprintf(*ret_xml + strlen(*ret_xml),
			"<metadata><a:held xmlns:a='" EBB_BALLOON_URI
			"' %s/></metadata>",
			fake.record);
	if (fake.pinned)
		strcat(*ret_xml, "<cputune><vcpupin vcpu='0' cpuset='0'/>"
				 "</cputune>");
	strcat(*ret_xml, "<devices>");
	add_channel(*ret_xml, EBB_CHANNEL_NAME, fake.own);
	add_channel(*ret_xml, QGA_CHANNEL_NAME, fake.qga);
	if (fake.reporting)
		strcat(*ret_xml, "<memballoon model='virtio' "
				 "freePageReporting='on'/>");
	if (fake.balloon)
		sprintf(*ret_xml + strlen(*ret_xml),
			"<memballoon model='virtio'>%s</memballoon>",
			fake.balloon);
	if (fake.memory_device)
		strcat(*ret_xml, fake.memory_device);
	strcat(*ret_xml, "</devices></domain>");
	return 0;
}

int ebb_domain_definition(struct ebb_domain *domain, char **ret_xml)
{
	(void)domain;
	if (!fake.definition)
		return -ENODATA;
	*ret_xml = strdup(fake.definition);
	return 0;
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

int ebb_channel_open(struct ebb_domain *domain, bool own,
		     const struct ebb_channel_ops *ops, void *opaque,
		     struct ebb_channel **ret_channel)
{
	(void)domain;
	(void)ops;
	(void)opaque;
	*ret_channel = (struct ebb_channel *)(void *)(own ? &own_channel
							  : &qga_channel);
	return 0;
}

void ebb_channel_close(struct ebb_channel *channel)
{
	(void)channel;
}

uint64_t ebb_channel_events_before_reply(struct ebb_channel *channel)
{
	(void)channel;
	return 3;
}

int ebb_agent_info(struct ebb_channel *channel, uint32_t timeout_ms,
		   struct ebb_msg_info *ret_info,
		   struct ebb_msg_error *ret_error)
{
	bool own = channel == (void *)&own_channel;

	(void)timeout_ms;
	memset(ret_info, 0, sizeof(*ret_info));
	strcpy(ret_error->text, "its words");
	fake.own_asks += own;
	fake.qga_asks += !own;
	return own ? fake.own_answer : fake.qga_answer;
}

int ebb_agent_facts(struct ebb_channel *channel, uint32_t timeout_ms,
		    struct ebb_msg_facts *ret_facts,
		    struct ebb_msg_error *ret_error)
{
	(void)channel;
	(void)timeout_ms;
	(void)ret_facts;
	(void)ret_error;
	return -ENOSYS;
}

int ebb_agent_challenge(struct ebb_channel *channel, uint32_t timeout_ms,
			const uint8_t nonce[EBB_NONCE_BYTES],
			struct ebb_msg_error *ret_error)
{
	(void)channel;
	(void)timeout_ms;
	(void)nonce;
	(void)ret_error;
	return -ETIMEDOUT;
}

/* ---- in place of process.c, peers.c and age.c ---- */

int ebb_guest_process_open(const char *run_dir, const char *name,
			   const char *uuid,
			   struct ebb_guest_process *ret_process,
			   struct ebb_reason_list *reasons)
{
	(void)run_dir;
	(void)name;
	(void)uuid;
	(void)reasons;
	static struct ebb_backing backing = { .fd = -1, .page_bytes = 4096 };

	*ret_process = (struct ebb_guest_process){
		.pid = 1,
		.pidfd = -1,
		.backing_count = fake.shared_files,
		.backings = &backing,
	};
	return 0;
}

int ebb_guest_process_look(const struct ebb_guest_process *process,
			   struct ebb_guest_process *ret_next,
			   struct ebb_reason_list *reasons)
{
	(void)reasons;
	*ret_next = *process;
	return 0;
}

int ebb_peers_examine(const struct ebb_guest_process *process, bool vhost_user,
		      const struct ebb_peers_limits *limits,
		      struct ebb_reason_list *reasons)
{
	(void)process;
	(void)vhost_user;
	(void)limits;
	(void)reasons;
	return 0;
}

int ebb_guest_process_usage(pid_t pid, struct ebb_holding *ret_holding)
{
	(void)pid;
	*ret_holding = (struct ebb_holding){ .pooled = fake.pooled };
	return fake.usage_result;
}

int ebb_swap_read(const char *root, struct ebb_budget_swap *ret_swap)
{
	(void)root;
	*ret_swap = fake.swap;
	return 0;
}

void ebb_guest_process_unlock(const struct ebb_guest_process *process)
{
	(void)process;
}

bool ebb_process_was_restored(pid_t pid)
{
	(void)pid;
	return fake.restored;
}

uint64_t ebb_process_start_ticks(pid_t pid)
{
	assert_int_equal(pid, 1);
	return fake.start_ticks;
}

uint32_t ebb_process_age_s(pid_t pid)
{
	assert_int_equal(pid, 1);
	return fake.age_s;
}

/* ---- the tests ---- */

static int set_up(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	fake.state = EBB_DOMAIN_RUNNING;
	fake.age_s = 3600;
	fake.own_answer = fake.qga_answer = -ETIMEDOUT;
	ebb_probe_init(&before);
	fake_balloon_reset();
	return 0;
}

static atomic_bool record_read;

static void look(struct ebb_probe_order order)
{
	static const struct ebb_config config = { .agent_timeout_ms = 1 };

	order.config = &config;
	order.gone = &gone;
	order.before = &before;
	order.record_read = &record_read;
	ebb_probe_run(&order, &found);
}

static bool is_reason(enum ebb_reason_id id)
{
	return ebb_reason_has(&found.reasons, id);
}

static void test_paused(void **state)
{
	(void)state;
	fake.own = fake.qga = "connected";
	fake.state = EBB_DOMAIN_PAUSED;
	look((struct ebb_probe_order){ .ask_qga = true, .answered = true });
	assert_true(is_reason(EBB_REASON_GUEST_PAUSED));
	assert_false(is_reason(EBB_REASON_NO_AGENT));
	assert_false(is_reason(EBB_REASON_AGENT_SILENT));
	assert_int_equal(fake.own_asks + fake.qga_asks, 0);
	fake.state = EBB_DOMAIN_PMSUSPENDED;
	look((struct ebb_probe_order){ .ask_qga = true });
	assert_true(is_reason(EBB_REASON_GUEST_PAUSED));
	assert_int_equal(fake.own_asks + fake.qga_asks, 0);
}

/* Nobody in it can be asked, but what stands still or begins looks cold all the same. */
static void test_without_channel(void **state)
{
	(void)state;
	fake.swap = (struct ebb_budget_swap){ .known = true,
					      .total_bytes = EBB_GIB };
	look((struct ebb_probe_order){ 0 });
	assert_true(is_reason(EBB_REASON_NO_CHANNEL));
	assert_int_equal(ebb_probe_rung(&found), EBB_RUNG_PAGEOUT);
	fake.state = EBB_DOMAIN_PAUSED;
	look((struct ebb_probe_order){ 0 });
	assert_true(is_reason(EBB_REASON_NO_CHANNEL));
	assert_true(is_reason(EBB_REASON_GUEST_PAUSED));
	assert_int_equal(ebb_probe_rung(&found), EBB_RUNG_OBSERVE);
	fake.state = EBB_DOMAIN_RUNNING;
	fake.age_s = 5;
	look((struct ebb_probe_order){ 0 });
	assert_true(is_reason(EBB_REASON_NO_CHANNEL));
	assert_true(is_reason(EBB_REASON_GUEST_BOOTING));
	assert_int_equal(ebb_probe_rung(&found), EBB_RUNG_OBSERVE);
	fake.restored = true;
	look((struct ebb_probe_order){ 0 });
	assert_int_equal(ebb_probe_rung(&found), EBB_RUNG_PAGEOUT);
	fake.age_s = 3600;
	look((struct ebb_probe_order){ .booted_ns = ebb_now_ns() });
	assert_int_equal(ebb_probe_rung(&found), EBB_RUNG_OBSERVE);
	/* Where nothing could be taken anyway, it is nothing to wait for. */
	fake.swap.total_bytes = 0;
	look((struct ebb_probe_order){ .booted_ns = ebb_now_ns() });
	assert_false(is_reason(EBB_REASON_GUEST_BOOTING));
	assert_true(is_reason(EBB_REASON_NO_SWAP));
}

/* Nobody waits for an agent that cannot be there yet. */
static void test_booting(void **state)
{
	uint64_t now_ns;

	(void)state;
	fake.own = "disconnected";
	fake.age_s = 5;
	now_ns = ebb_now_ns();
	look((struct ebb_probe_order){ 0 });
	assert_true(is_reason(EBB_REASON_GUEST_BOOTING));
	assert_true(found.boot_end_ns >= now_ns + 115 * EBB_NS_PER_S);
	assert_true(found.boot_end_ns <= ebb_now_ns() + 115 * EBB_NS_PER_S);
	assert_int_equal(fake.own_asks, 0);
	assert_non_null(found.own_channel);
	/* An old process, whose guest was reset a moment ago. */
	fake.age_s = 3600;
	now_ns = ebb_now_ns();
	look((struct ebb_probe_order){ .booted_ns = now_ns });
	assert_true(is_reason(EBB_REASON_GUEST_BOOTING));
	assert_int_equal(found.boot_end_ns, now_ns + 120 * EBB_NS_PER_S);
}

/* libvirt goes on taking its channel for closed: it saw nobody open it. */
static void test_restored(void **state)
{
	(void)state;
	fake.own = "disconnected";
	fake.age_s = 5;
	fake.restored = true;
	fake.own_answer = -ETIMEDOUT;
	look((struct ebb_probe_order){ 0 });
	assert_false(is_reason(EBB_REASON_GUEST_BOOTING));
	assert_int_equal(fake.own_asks, 1);
}

static void test_no_agent(void **state)
{
	(void)state;
	fake.own = fake.qga = "disconnected";
	look((struct ebb_probe_order){ .ask_qga = true });
	assert_true(is_reason(EBB_REASON_NO_AGENT));
	assert_int_equal(fake.own_asks + fake.qga_asks, 0);
}

static void test_silent(void **state)
{
	(void)state;
	fake.own = "connected";
	look((struct ebb_probe_order){ .answered = true });
	assert_true(is_reason(EBB_REASON_AGENT_SILENT));
	assert_int_equal(fake.own_asks, 1);
	/* Who never answered may be anything. */
	look((struct ebb_probe_order){ 0 });
	assert_true(is_reason(EBB_REASON_NO_AGENT));
}

/* One part of the memory is a file, another one private and of a pool. */
static void test_pooled_beside_files(void **state)
{
	(void)state;
	fake.own = "disconnected";
	fake.reporting = true;
	for (fake.shared_files = 0; fake.shared_files < 2;
	     fake.shared_files++) {
		fake.pooled = false;
		fake.usage_result = 0;
		look((struct ebb_probe_order){ 0 });
		assert_false(found.pooled);
		fake.pooled = true;
		look((struct ebb_probe_order){ 0 });
		assert_true(found.pooled);
		fake.pooled = false;
		fake.usage_result = -EACCES;
		look((struct ebb_probe_order){ 0 });
		assert_true(found.pooled);
	}
}

/* What nothing but swap is lacking for, is told where that is all that helps. */
static void test_swap(void **state)
{
	static const struct ebb_budget_swap some = { .known = true,
						     .total_bytes = 4096 };

	(void)state;
	fake.own = "disconnected";
	look((struct ebb_probe_order){ 0 });
	assert_int_equal(ebb_probe_rung(&found), EBB_RUNG_OBSERVE);
	assert_true(is_reason(EBB_REASON_NO_SWAP));
	assert_string_equal(ebb_reason_detail(&found.reasons,
					      found.reasons.count - 1),
			    "there is none");
	fake.swap = some;
	look((struct ebb_probe_order){ 0 });
	assert_int_equal(ebb_probe_rung(&found), EBB_RUNG_PAGEOUT);
	assert_false(is_reason(EBB_REASON_NO_SWAP));
	fake.swap.zram_bytes = 4096;
	look((struct ebb_probe_order){ 0 });
	assert_true(is_reason(EBB_REASON_NO_SWAP));
	/* What it would be closed for all the same. */
	fake.pooled = true;
	look((struct ebb_probe_order){ 0 });
	assert_false(is_reason(EBB_REASON_NO_SWAP));
	fake.pooled = false;
	look((struct ebb_probe_order){
		.forbidden = ebb_rung_bit(EBB_RUNG_PAGEOUT) });
	assert_false(is_reason(EBB_REASON_NO_SWAP));
	/* Allowed, and not: an operator's word is told. */
	fake.swap = some;
	look((struct ebb_probe_order){
		.forbidden = ebb_rung_bit(EBB_RUNG_PAGEOUT) });
	assert_int_equal(ebb_probe_rung(&found), EBB_RUNG_OBSERVE);
	assert_true(is_reason(EBB_REASON_RUNG_FORBIDDEN));
	/* Who reserved it has it. */
	fake.pinned = true;
	look((struct ebb_probe_order){ 0 });
	assert_int_equal(ebb_probe_rung(&found), EBB_RUNG_OBSERVE);
	look((struct ebb_probe_order){ .share_reserved = true });
	assert_int_equal(ebb_probe_rung(&found), EBB_RUNG_PAGEOUT);
}

/* The agent's own word is newer than what libvirt says of its channel. */
static void test_heard(void **state)
{
	(void)state;
	fake.own = "disconnected";
	fake.own_answer = 0;
	look((struct ebb_probe_order){ .heard = true });
	assert_int_equal(fake.own_asks, 1);
	assert_true(found.have_info);
	assert_int_equal(found.events, 3);
}

static void test_qga_is_asked_when_allowed(void **state)
{
	(void)state;
	fake.qga = "connected";
	fake.qga_answer = -EREMOTEIO;
	look((struct ebb_probe_order){ .ask_qga = true });
	assert_int_equal(fake.qga_asks, 1);
	assert_true(found.asked_qga);
	assert_true(is_reason(EBB_REASON_NO_AGENT));
	before = found;
	for (int i = 0; i < 10; i++) {
		look((struct ebb_probe_order){ 0 });
		assert_int_equal(fake.qga_asks, 1);
		assert_false(found.asked_qga);
		/* What was said of it stays. */
		assert_true(is_reason(EBB_REASON_NO_AGENT));
		before = found;
	}
}

/* What the host asks its balloon to hold, the guest has no say in. */
/* They are the vm's only after the first look, which may not attach a ring for that. */
static void test_what_the_domain_forbids(void **state)
{
	(void)state;
	look((struct ebb_probe_order){ 0 });
	assert_int_equal(found.forbidden, 0);
	fake.own_policy = "rungs='report'";
	look((struct ebb_probe_order){ 0 });
	assert_int_equal(found.forbidden,
			 EBB_RUNGS_NAMED & ~ebb_rung_bit(EBB_RUNG_REPORT));
	fake.own_policy = "rungs='none'";
	look((struct ebb_probe_order){ 0 });
	assert_int_equal(found.forbidden, EBB_RUNGS_NAMED);
	fake.own_policy = NULL;
	fake.pinned = true;
	look((struct ebb_probe_order){ .share_reserved = true });
	assert_false(is_reason(EBB_REASON_RESERVED_MEMORY));
	fake.own_policy = "reserved='keep'";
	look((struct ebb_probe_order){ .share_reserved = true });
	assert_true(is_reason(EBB_REASON_RESERVED_MEMORY));
}

static void test_definition(void **state)
{
	(void)state;
	look((struct ebb_probe_order){ 0 });
	assert_int_equal(found.domxml.balloon_asked_bytes, 0);
	fake.definition = "<domain type='kvm'><memory unit='KiB'>1048576"
			  "</memory><currentMemory unit='KiB'>786432"
			  "</currentMemory></domain>";
	look((struct ebb_probe_order){ 0 });
	assert_int_equal(found.domxml.balloon_bytes, 0);
	assert_int_equal(found.domxml.balloon_asked_bytes, EBB_GIB / 4);
}

/* It was looked at before. */
static void set_known(void)
{
	before.qemu.pid = 1;
}

static const char *why_no_balloon(struct ebb_probe_order order)
{
	look(order);
	assert_int_equal(found.inflatable, !is_reason(EBB_REASON_NO_BALLOON));
	for (uint32_t i = 0; i < found.reasons.count; i++)
		if (found.reasons.items[i].id == EBB_REASON_NO_BALLOON)
			return ebb_reason_detail(&found.reasons, i);
	return "";
}

static void test_balloon(void **state)
{
	static const struct ebb_probe_order plain = { 0 };

	(void)state;
	set_known();
	look(plain);
	assert_false(found.inflatable);
	assert_false(is_reason(EBB_REASON_NO_BALLOON));
	/* Without a period it gets one for a moment. */
	fake.balloon = "";
	assert_string_equal(why_no_balloon(plain), "");
	assert_int_equal(ebb_probe_rung(&found), EBB_RUNG_BALLOON);
	assert_int_equal(fake_balloon.period_s, 0);
	/* With one, its word is young or it is not. */
	fake_balloon.period_s = 10;
	fake.balloon = "<stats period='10'/>";
	assert_string_equal(why_no_balloon(plain), "");
	fake_balloon.stamp_s = 1000;
	assert_non_null(strstr(why_no_balloon(plain), "driver"));
	assert_int_not_equal(ebb_probe_rung(&found), EBB_RUNG_BALLOON);
	assert_int_equal(fake_balloon.period_s, 10);
	assert_int_equal(fake_balloon.lines, 0);
}

/* First looks are quick, and so are those at a driver that was silent. */
static void test_balloon_that_is_not_asked(void **state)
{
	static const struct ebb_probe_order plain = { 0 };
	struct ebb_probe_order reset = { 0 };

	(void)state;
	fake.balloon = "<stats period='10'/>";
	fake_balloon.stamp_s = 1000;
	assert_non_null(strstr(why_no_balloon(plain), "soon"));
	assert_int_equal(fake_balloon.acts, 0);
	set_known();
	assert_non_null(strstr(why_no_balloon(plain), "does not answer"));
	assert_int_equal(fake_balloon.acts, 1);
	before = found;
	assert_non_null(strstr(why_no_balloon(plain), "does not answer"));
	assert_int_equal(fake_balloon.acts, 1);
	/* Another kernel has another one. */
	reset.booted_ns = ebb_now_ns() - 121 * EBB_NS_PER_S;
	before.silent_ns = reset.booted_ns - 1;
	why_no_balloon(reset);
	assert_int_equal(fake_balloon.acts, 2);
	before.silent_ns = ebb_now_ns() - 601 * EBB_NS_PER_S;
	why_no_balloon(plain);
	assert_int_equal(fake_balloon.acts, 3);
}

static void test_balloons_that_are_left_alone(void **state)
{
	static const struct ebb_probe_order plain = { 0 };

	(void)state;
	set_known();
	fake.balloon = "";
	fake.age_s = 10;
	assert_non_null(strstr(why_no_balloon(plain), "short while"));
	fake.age_s = 3600;
	assert_non_null(strstr(why_no_balloon((struct ebb_probe_order){
				       .booted_ns = ebb_now_ns() }),
			       "short while"));
	fake.pooled = true;
	assert_non_null(strstr(why_no_balloon(plain), "huge pages"));
	fake.pooled = false;
	fake.memory_device = "<memory model='virtio-mem'><target>"
			     "<size unit='KiB'>1024</size>"
			     "<requested unit='KiB'>0</requested>"
			     "</target></memory>";
	assert_non_null(strstr(why_no_balloon(plain), "virtio-mem"));
	fake.memory_device = NULL;
	fake.pinned = true;
	look(plain);
	assert_false(found.inflatable);
	fake.pinned = false;
	/* What is forbidden is not touched to find out. */
	fake.own_policy = "rungs='lease'";
	look(plain);
	assert_int_equal(ebb_probe_rung(&found), EBB_RUNG_OBSERVE);
	assert_true(is_reason(EBB_REASON_RUNG_FORBIDDEN));
	assert_int_equal(fake_balloon.acts, 0);
}

/* Of a QEMU before, whose live XML somebody defined the domain by. */
static void test_record_of_another_process(void **state)
{
	static const struct ebb_probe_order plain = { 0 };

	(void)state;
	fake.balloon = "";
	fake.record = "base='1048576' left='524288' start='100'";
	fake_balloon.record_base_bytes = EBB_GIB;
	fake.start_ticks = 100;
	record_read = false;
	look(plain);
	assert_int_equal(found.domxml.balloon_record.base_bytes, EBB_GIB);
	assert_true(record_read);
	fake.start_ticks = 200;
	fake.restored = true;
	look(plain);
	assert_int_equal(found.domxml.balloon_record.base_bytes, EBB_GIB);
	assert_int_equal(fake_balloon.record_base_bytes, EBB_GIB);
	fake.restored = false;
	look(plain);
	assert_int_equal(found.domxml.balloon_record.base_bytes, 0);
	assert_int_equal(fake_balloon.record_base_bytes, 0);
	assert_int_equal(fake_balloon.resizes, 0);
}

static void test_balloon_that_hangs(void **state)
{
	(void)state;
	set_known();
	fake.balloon = "";
	fake_balloon.hung = true;
	assert_non_null(
		strstr(why_no_balloon((struct ebb_probe_order){ 0 }), "QEMU"));
	fake_balloon.hung = false;
	while (fake_balloon.lines)
		usleep(1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_paused, set_up),
		cmocka_unit_test_setup(test_without_channel, set_up),
		cmocka_unit_test_setup(test_booting, set_up),
		cmocka_unit_test_setup(test_restored, set_up),
		cmocka_unit_test_setup(test_no_agent, set_up),
		cmocka_unit_test_setup(test_silent, set_up),
		cmocka_unit_test_setup(test_pooled_beside_files, set_up),
		cmocka_unit_test_setup(test_swap, set_up),
		cmocka_unit_test_setup(test_heard, set_up),
		cmocka_unit_test_setup(test_qga_is_asked_when_allowed, set_up),
		cmocka_unit_test_setup(test_what_the_domain_forbids, set_up),
		cmocka_unit_test_setup(test_definition, set_up),
		cmocka_unit_test_setup(test_balloon, set_up),
		cmocka_unit_test_setup(test_balloon_that_is_not_asked, set_up),
		cmocka_unit_test_setup(test_balloons_that_are_left_alone,
				       set_up),
		cmocka_unit_test_setup(test_record_of_another_process, set_up),
		cmocka_unit_test_setup(test_balloon_that_hangs, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
