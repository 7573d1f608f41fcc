/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vm and its free target, from a set to its renewals and to what the guest
 * says.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include "common/cleanup.h"
#include "common/size.h"
#include "host/domain/sight.h"
#include "host/domain/vm.h"
#include "tests/unit/host/domain/fake-vm.h"

#define S ((uint64_t)1000000000)

static struct ebb_vm *vm;

static void on_turn(int timer, void *opaque)
{
	bool *turned = opaque;

	ebb_loop_timer_remove(timer);
	*turned = true;
}

/* What a callback of the channel leaves for the loop. */
static void take_turn(void)
{
	bool turned = false;

	assert_true(ebb_loop_timer(0, on_turn, &turned) >= 0);
	fake_vm_until(turned);
}

static int set_up(void **state)
{
	(void)state;
	fake_vm_reset();
	fake_vm.agent = true;
	fake_vm.domxml.own_channel = true;
	fake_vm.tell_answer = (struct ebb_msg_target_state){
		.asked_bytes = 512 * EBB_MIB,
		.effective_bytes = 512 * EBB_MIB,
		.mechanism = "knobs",
		.state = "driving",
	};
	return 0;
}

static void begin(void)
{
	vm = fake_vm_new();
	fake_vm_settle_down();
}

static int tear_down(void **state)
{
	(void)state;
	fake_vm_end(vm);
	return 0;
}

static void set(const char *text)
{
	static int call;
	struct ebb_target_setting setting;

	memset(&fake_vm.answer, 0, sizeof(fake_vm.answer));
	assert_int_equal(ebb_target_parse(text, &setting, NULL), 0);
	fake_vm_set_target(vm, (struct ebb_call *)(void *)&call, &setting);
	fake_vm_settle_down();
	assert_true(fake_vm.answer.done);
}

static void pass(uint64_t seconds)
{
	for (uint64_t i = 0; i < seconds; i++) {
		fake_vm.now_ns += S;
		ebb_vm_tick(vm, fake_vm.now_ns);
		fake_vm_settle_down();
	}
}

static void test_set(void **state)
{
	struct ebb_domain_status *status = calloc(1, sizeof(*status));

	(void)state;
	begin();
	assert_int_equal(fake_vm.tells, 0);
	set("512M");
	assert_string_equal(fake_vm.answer.error_class, "");
	assert_string_equal(fake_vm.answer.result.name, "web1");
	assert_string_equal(fake_vm.answer.result.target.setting, "512M");
	assert_int_equal(fake_vm.answer.result.target.effective_bytes,
			 512 * EBB_MIB);
	assert_string_equal(fake_vm.answer.result.target.mechanism, "knobs");
	assert_int_equal(fake_vm.answer.result.target.working_set_bytes,
			 EBB_MIB);
	assert_string_equal(fake_vm.element, "<policy free-target=\"512M\"/>");
	assert_int_equal(fake_vm.tells, 1);
	assert_int_equal(fake_vm.told.bytes, 512 * EBB_MIB);
	assert_int_equal(fake_vm.told.timeout_ms, EBB_TARGET_LEASE_MS);
	assert_true(fake_vm.told.retry);

	ebb_vm_status(vm, status);
	assert_string_equal(status->target.setting, "512M");
	assert_string_equal(status->target.state, "driving");
	free(status);
}

/* A part is of what a balloon leaves, as it is when the target is told. */
static void test_part_of_what_a_balloon_leaves(void **state)
{
	(void)state;
	fake_vm.domxml.balloon_known = true;
	fake_vm.domxml.balloon_bytes = EBB_GIB / 2;
	fake_vm.domxml.metadata.target =
		(struct ebb_target_setting){ .kind = EBB_TARGET_PERCENT,
					     .percent = 50 };
	begin();
	pass(1);
	assert_int_equal(fake_vm.told.bytes, EBB_GIB / 2 / 100 * 50);
	ebb_vm_balloon_changed(vm, EBB_GIB / 4);
	/* As a look finds it that comes meanwhile. */
	fake_vm.domxml.balloon_bytes = EBB_GIB / 4 * 3;
	pass(60);
	assert_int_equal(fake_vm.told.bytes, EBB_GIB / 4 / 100 * 50);
}

static void test_set_none(void **state)
{
	(void)state;
	begin();
	set("40%");
	set("none");
	assert_string_equal(fake_vm.answer.error_class, "");
	assert_string_equal(fake_vm.answer.result.target.setting, "");
	assert_string_equal(fake_vm.element, "-");
	assert_int_equal(fake_vm.tells, 2);
	assert_int_equal(fake_vm.told.bytes, 0);
	/* Once is enough. */
	pass(60);
	assert_int_equal(fake_vm.tells, 2);

	/* Nobody to tell it is no error: the guest's lease ends. */
	fake_vm.agent = false;
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	set("none");
	assert_string_equal(fake_vm.answer.error_class, "");
	assert_non_null(strstr(fake_vm.answer.result.note, "ends by itself"));
}

static void test_set_is_refused(void **state)
{
	(void)state;
	begin();
	set("2G");
	assert_string_equal(fake_vm.answer.error_class, "InvalidArgument");
	assert_non_null(strstr(fake_vm.answer.text, "1.0 GiB"));

	fake_vm.keep_result = -EIO;
	set("512M");
	assert_string_equal(fake_vm.answer.error_class, "GenericError");
	assert_non_null(strstr(fake_vm.answer.text, "no luck"));
	fake_vm.keep_result = 0;

	fake_vm.agent = false;
	fake_vm.domxml.own_channel = false;
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	set("512M");
	assert_string_equal(fake_vm.answer.error_class, "RungClosed");
	assert_non_null(strstr(fake_vm.answer.text, "not kept"));
	assert_int_equal(fake_vm.keeps, 0);
	assert_int_equal(fake_vm.tells, 0);
}

/* Kept, and an error: it is told as soon as there is an agent. */
static void test_agent_comes_later(void **state)
{
	(void)state;
	fake_vm.agent = false;
	fake_vm.no_agent = true;
	begin();
	set("auto");
	assert_string_equal(fake_vm.answer.error_class, "RungClosed");
	assert_non_null(strstr(fake_vm.answer.text, "setting is kept"));
	assert_int_equal(fake_vm.keeps, 1);
	fake_vm.domxml.metadata.target.kind = EBB_TARGET_AUTO;
	pass(30);
	assert_int_equal(fake_vm.tells, 0);
	fake_vm.agent = true;
	fake_vm.no_agent = false;
	pass(100);
	assert_true(fake_vm.tells > 0);
	assert_true(fake_vm.told.automatic);
	assert_false(fake_vm.told.retry);
}

static void test_agent_is_too_old(void **state)
{
	uint32_t tells;

	(void)state;
	begin();
	fake_vm.tell_result = -ENOSYS;
	set("50%");
	assert_string_equal(fake_vm.answer.error_class, "RungClosed");
	assert_non_null(strstr(fake_vm.answer.text, "too old"));
	assert_int_equal(fake_vm.keeps, 1);
	fake_vm.domxml.metadata.target =
		(struct ebb_target_setting){ .kind = EBB_TARGET_PERCENT,
					     .percent = 50 };
	pass(200);
	assert_int_equal(fake_vm.tells, 1);

	/* Another one. */
	fake_vm.tell_result = 0;
	fake_vm.channel_ops->event("EBB_AGENT_READY", NULL,
				   fake_vm.channel_opaque);
	take_turn();
	tells = fake_vm.tells;
	pass(2);
	assert_int_equal(fake_vm.tells, tells + 1);
}

static void test_metadata_is_told_and_renewed(void **state)
{
	uint32_t tells;

	(void)state;
	fake_vm.domxml.metadata.target =
		(struct ebb_target_setting){ .kind = EBB_TARGET_PERCENT,
					     .percent = 40 };
	begin();
	assert_int_equal(fake_vm.tells, 1);
	assert_int_equal(fake_vm.told.bytes, EBB_GIB / 100 * 40);
	assert_false(fake_vm.told.retry);
	assert_int_equal(fake_vm.keeps, 0);
	pass(600);
	tells = fake_vm.tells;
	assert_in_range(tells, 600 / 25, 600 / 24 + 2);

	/* A silent agent is tried less often, and again when it is back. */
	fake_vm.tell_result = -ETIMEDOUT;
	pass(600);
	assert_in_range(fake_vm.tells - tells, 5, 15);
	fake_vm.tell_result = 0;
	pass(200);
	tells = fake_vm.tells;
	pass(120);
	assert_in_range(fake_vm.tells - tells, 4, 6);
}

static void test_reset_guest_is_told_at_once(void **state)
{
	uint32_t tells;

	(void)state;
	fake_vm.domxml.metadata.target.kind = EBB_TARGET_AUTO;
	begin();
	pass(20);
	tells = fake_vm.tells;
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	assert_int_equal(fake_vm.tells, tells + 1);
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
	struct ebb_msg_target_state told = fake_vm.tell_answer;
	struct json_object *data;

	snprintf(told.reason, sizeof(told.reason), "%s", reason);
	told.effective_bytes = effective_bytes;
	data = ebb_msg_encode(ebb_msg_target_state_fields, &told);
	fake_vm.channel_ops->event("EBB_TARGET_CHANGED", data,
				   fake_vm.channel_opaque);
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
	fake_vm.channel_ops->event("EBB_TARGET_CHANGED", NULL,
				   fake_vm.channel_opaque);
}

static void test_reasons_are_logged_and_bounded(void **state)
{
	struct ebb_domain_status *status = calloc(1, sizeof(*status));
	char text[4096];

	(void)state;
	begin();
	set("512M");
	fake_vm.now_ns += 100 * S;
	assert_int_equal(count_lines(say_pressure, text, sizeof(text)), 1);
	assert_non_null(strstr(text, "web1: the guest keeps 300.0 MiB free of "
				     "512.0 MiB asked: it came under memory "
				     "pressure (pressure)"));
	ebb_vm_status(vm, status);
	assert_int_equal(status->target.effective_bytes, 200 * EBB_MIB);
	assert_string_equal(status->target.reason, "pressure");
	free(status);

	assert_int_equal(count_lines(say_many, text, sizeof(text)), 0);
	fake_vm.now_ns += 61 * S;
	assert_int_equal(count_lines(say_many, text, sizeof(text)), 1);
}

/* Without a free target: who shares memory out wants to know. */
static void test_working_set_is_asked_for(void **state)
{
	struct ebb_vm_sight sight;

	(void)state;
	begin();
	ebb_vm_see(vm, &sight);
	assert_false(sight.working_set_known);
	ebb_vm_want_facts(vm);
	fake_vm_settle_down();
	ebb_vm_see(vm, &sight);
	assert_true(sight.working_set_known);
	assert_int_equal(sight.working_set_bytes, EBB_MIB);
	/* The module refreshes the ring. */
	assert_int_equal(fake_vm.infos, 1);
	assert_int_equal(fake_vm.tells, 0);
}

/* Who shows the domain, who explains it and who scrapes it say the same. */
static void test_working_set_is_the_last_that_was_said(void **state)
{
	struct ebb_domain_status *status = calloc(1, sizeof(*status));
	struct ebb_vm_sight sight;

	(void)state;
	begin();
	set("512M");
	fake_vm.now_ns += S;
	fake_vm.working_set_bytes = 3 * EBB_MIB;
	ebb_vm_want_facts(vm);
	fake_vm_settle_down();
	ebb_vm_status(vm, status);
	assert_int_equal(status->target.working_set_bytes, 3 * EBB_MIB);
	fake_vm.now_ns += S;
	fake_vm.working_set_bytes = 4 * EBB_MIB;
	set("256M");
	ebb_vm_see(vm, &sight);
	assert_int_equal(sight.working_set_bytes, 4 * EBB_MIB);
	free(status);
}

/* Somebody looks on, and a guest that says what cannot be has said nothing. */
static void test_what_holds_the_rest(void **state)
{
	struct ebb_domain_status *status = malloc(sizeof(*status));

	(void)state;
	fake_vm.agent_held = (struct ebb_msg_held){
		.known = true,
		.slab_bytes = 20 * EBB_MIB,
	};
	begin();
	ebb_vm_status(vm, status);
	assert_false(status->held.known);
	ebb_vm_renew_facts(vm);
	fake_vm_settle_down();
	fake_vm.now_ns += 3 * S;
	ebb_vm_status(vm, status);
	assert_true(status->held.known);
	assert_int_equal(status->held.slab_bytes, 20 * EBB_MIB);
	assert_int_equal(status->told_age_ms, 3000);
	assert_true(status->stalls_known);
	/* Not again at once. */
	ebb_vm_renew_facts(vm);
	fake_vm_settle_down();
	assert_int_equal(fake_vm.infos, 1);
	fake_vm.agent_held.slab_bytes = UINT64_MAX / 2;
	fake_vm.now_ns += 11 * S;
	ebb_vm_renew_facts(vm);
	fake_vm_settle_down();
	assert_int_equal(fake_vm.infos, 2);
	ebb_vm_status(vm, status);
	assert_false(status->held.known);
	assert_int_equal(status->held.slab_bytes, 0);
	free(status);
}

/* Without a ring: what the agent says when it is asked, and for a while. */
static void test_word_of_the_agent(void **state)
{
	struct ebb_vm_word word, next;

	(void)state;
	fake_vm.domxml.free_page_reporting = true;
	begin();
	assert_int_equal(ebb_vm_rung(vm), EBB_RUNG_REPORT);
	fake_vm.now_ns += 60 * S;
	assert_false(ebb_vm_hear(vm, &word));
	ebb_vm_want_facts(vm);
	fake_vm_settle_down();
	assert_true(ebb_vm_hear(vm, &word));
	assert_true(word.asked);
	assert_int_equal(word.free_bytes, 2 * EBB_MIB);
	fake_vm.now_ns += 5 * S;
	/* It is the same word. */
	assert_true(ebb_vm_hear(vm, &next));
	assert_int_equal(next.stamp_ns, word.stamp_ns);
	fake_vm.now_ns += 10 * S;
	assert_false(ebb_vm_hear(vm, &next));
	/* Another kernel is younger than the one that spoke. */
	ebb_vm_reset(vm);
	fake_vm_settle_down();
	fake_vm.now_ns += 2 * S;
	ebb_vm_want_facts(vm);
	fake_vm_settle_down();
	assert_true(ebb_vm_hear(vm, &next));
	assert_true(next.stamp_ns < word.stamp_ns);
	/* On no rung it has no word. */
	fake_vm.domxml.free_page_reporting = false;
	ebb_vm_invalidate(vm);
	fake_vm_settle_down();
	ebb_vm_want_facts(vm);
	fake_vm_settle_down();
	assert_false(ebb_vm_hear(vm, &next));
}

#define VM_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		VM_TEST(test_set),
		VM_TEST(test_part_of_what_a_balloon_leaves),
		VM_TEST(test_working_set_is_asked_for),
		VM_TEST(test_working_set_is_the_last_that_was_said),
		VM_TEST(test_what_holds_the_rest),
		VM_TEST(test_word_of_the_agent),
		VM_TEST(test_set_none),
		VM_TEST(test_set_is_refused),
		VM_TEST(test_agent_comes_later),
		VM_TEST(test_agent_is_too_old),
		VM_TEST(test_metadata_is_told_and_renewed),
		VM_TEST(test_reset_guest_is_told_at_once),
		VM_TEST(test_reasons_are_logged_and_bounded),
	};

	return cmocka_run_group_tests(tests, fake_vm_set_up_group,
				      fake_vm_tear_down_group);
}
