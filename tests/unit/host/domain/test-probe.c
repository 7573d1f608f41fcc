/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A look at a domain whose agent does not answer: paused, booting, silent and
 * without an agent are four things, and the guest agent's channel is asked only
 * where that is allowed. libvirt, the process and the agent are played.
 */
#include "tests/unit/host/domain/fake-look.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/size.h"
#include "tests/unit/host/rung/fake-balloon.h"

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

/* libvirtd hangs or is gone: the guest may run as before. */
static void test_unknown_state(void **state)
{
	(void)state;
	fake.state = EBB_DOMAIN_UNKNOWN;
	look((struct ebb_probe_order){ 0 });
	assert_true(is_reason(EBB_REASON_INTERNAL));
	assert_false(is_reason(EBB_REASON_NOT_RUNNING));
	assert_int_equal(ebb_probe_rung(&found), EBB_RUNG_OBSERVE);
	fake.state = EBB_DOMAIN_SHUTOFF;
	look((struct ebb_probe_order){ 0 });
	assert_true(is_reason(EBB_REASON_NOT_RUNNING));
	assert_false(is_reason(EBB_REASON_INTERNAL));
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
		cmocka_unit_test_setup(test_paused, look_set_up),
		cmocka_unit_test_setup(test_unknown_state, look_set_up),
		cmocka_unit_test_setup(test_without_channel, look_set_up),
		cmocka_unit_test_setup(test_booting, look_set_up),
		cmocka_unit_test_setup(test_restored, look_set_up),
		cmocka_unit_test_setup(test_no_agent, look_set_up),
		cmocka_unit_test_setup(test_silent, look_set_up),
		cmocka_unit_test_setup(test_pooled_beside_files, look_set_up),
		cmocka_unit_test_setup(test_swap, look_set_up),
		cmocka_unit_test_setup(test_heard, look_set_up),
		cmocka_unit_test_setup(test_qga_is_asked_when_allowed,
				       look_set_up),
		cmocka_unit_test_setup(test_what_the_domain_forbids,
				       look_set_up),
		cmocka_unit_test_setup(test_definition, look_set_up),
		cmocka_unit_test_setup(test_balloon, look_set_up),
		cmocka_unit_test_setup(test_balloon_that_is_not_asked,
				       look_set_up),
		cmocka_unit_test_setup(test_balloons_that_are_left_alone,
				       look_set_up),
		cmocka_unit_test_setup(test_record_of_another_process,
				       look_set_up),
		cmocka_unit_test_setup(test_balloon_that_hangs, look_set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
