/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a reclaim that is over had still to say is not said to the guest: the
 * real dialog, agent and channel, with a libvirt whose calls a test lets wait.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>

#include "common/clock.h"
#include "host/lease/dialog.h"
#include "host/libvirt/connection.h"

enum {
	AGENT_MS = 60000,
	COMMANDS_MAX = 16
};

static struct ebb_domain domain;
static struct ebb_channel *channel;
static atomic_int domain_references;

/* The guest: what it was told, in its order. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char commands[COMMANDS_MAX][256];
static atomic_uint count;
static atomic_bool is_held; /* it does not answer the first */
static atomic_bool refuses_first; /* which it refuses then */

/* ---- in place of libvirt ---- */

char *virDomainQemuAgentCommand(virDomainPtr handle, const char *line,
				int timeout_s, unsigned int flags)
{
	unsigned int index;

	(void)handle;
	(void)timeout_s;
	(void)flags;
	pthread_mutex_lock(&lock);
	index = count++;
	if (index >= COMMANDS_MAX)
		abort();
	strncpy(commands[index], line, sizeof(commands[0]) - 1);
	pthread_mutex_unlock(&lock);
	while (index == 0 && is_held)
		ebb_sleep_us(1000);
	if (index == 0 && refuses_first)
		return strdup("{\"error\":{\"class\":\"GenericError\","
			      "\"desc\":\"a session runs\"}}");
	return strdup("{\"return\":{}}");
}

int virDomainFree(virDomainPtr handle)
{
	(void)handle;
	return 0;
}

/* ---- in place of connection.c and domain.c ---- */

int ebb_connection_begin(struct ebb_connection *connection,
			 enum ebb_call_kind kind)
{
	(void)connection;
	(void)kind;
	return 0;
}

int ebb_connection_begin_listening(struct ebb_connection *connection)
{
	(void)connection;
	return 0;
}

bool ebb_connection_try(struct ebb_connection *connection,
			enum ebb_call_kind kind)
{
	(void)connection;
	(void)kind;
	return true;
}

void ebb_connection_end(struct ebb_connection *connection,
			enum ebb_call_kind kind)
{
	(void)connection;
	(void)kind;
}

virDomainPtr ebb_connection_guest(struct ebb_connection *connection,
				  const char *uuid)
{
	(void)connection;
	(void)uuid;
	return (virDomainPtr)(void *)&domain;
}

struct ebb_domain *ebb_domain_ref(struct ebb_domain *any)
{
	domain_references++;
	return any;
}

void ebb_domain_unref(struct ebb_domain *any)
{
	(void)any;
	domain_references--;
}

/* ---- the tests ---- */

static int set_up(void **state)
{
	static const struct ebb_channel_ops ops;

	(void)state;
	count = 0;
	memset(commands, 0, sizeof(commands));
	refuses_first = false;
	is_held = true;
	return ebb_channel_open(&domain, false, &ops, NULL, &channel);
}

static void await(const atomic_uint *value, unsigned int expected)
{
	for (int i = 0; i < 60000 && *value < expected; i++)
		ebb_sleep_us(1000);
	assert_true(*value >= expected);
}

/* All threads that were left have ended, and said what they had to say. */
static void await_end(void)
{
	ebb_channel_close(channel);
	for (int i = 0; i < 60000 && domain_references; i++)
		ebb_sleep_us(1000);
	assert_int_equal(domain_references, 0);
}

static void say_session(struct ebb_dialog *dialog, uint64_t id)
{
	const struct ebb_dialog_request request = {
		.kind = EBB_DIALOG_SESSION,
		.session = { .session_id = id, .timeout_ms = 1000 },
	};

	assert_int_equal(ebb_dialog_start(dialog, channel, AGENT_MS), 0);
	assert_int_equal(ebb_dialog_say(dialog, &request), 0);
}

static void hear(struct ebb_dialog *dialog)
{
	struct ebb_dialog_reply reply;

	assert_true(ebb_dialog_hear(
		dialog, ebb_now_ns() + AGENT_MS * EBB_NS_PER_MS, &reply));
	assert_int_equal(reply.result, 0);
}

static void assert_said(unsigned int index, const char *command,
			const char *argument)
{
	assert_true(index < count);
	assert_non_null(strstr(commands[index], command));
	assert_non_null(strstr(commands[index], argument));
}

/* While it lasts, a session that an earlier host has left is ended. */
static void test_ends_what_was_left(void **state)
{
	struct ebb_dialog dialog;

	(void)state;
	refuses_first = true;
	is_held = false;
	say_session(&dialog, 1);
	hear(&dialog);
	ebb_dialog_stop(&dialog);
	await_end();
	assert_int_equal(count, 3);
	assert_said(0, "ebb-session-start", "1");
	assert_said(1, "ebb-session-stop", "");
	assert_said(2, "ebb-session-start", "1");
}

/*
 * The first reclaim is over while the guest has not answered yet. When it does,
 * and refuses, the session that runs is the second one's.
 */
static void test_stops_no_session_of_the_next(void **state)
{
	struct ebb_dialog first, second;

	(void)state;
	refuses_first = true;
	say_session(&first, 1);
	await(&count, 1);
	ebb_dialog_stop(&first);
	say_session(&second, 2);
	is_held = false;
	hear(&second);
	ebb_dialog_stop(&second);
	await_end();
	assert_int_equal(count, 2);
	assert_said(0, "ebb-session-start", "\"session-id\":1");
	assert_said(1, "ebb-session-start", "\"session-id\":2");
}

static void *ask_facts(void *opaque)
{
	struct ebb_msg_facts facts;
	struct ebb_msg_error error;

	(void)opaque;
	ebb_agent_facts(channel, AGENT_MS, &facts, &error);
	return NULL;
}

/* A drive that is over would have the guest driven on, for half a minute. */
static void test_sets_no_target_after_it(void **state)
{
	const struct ebb_dialog_request request = {
		.kind = EBB_DIALOG_TARGET,
		.target = { .bytes = 1 << 30, .timeout_ms = 30000 },
	};
	struct ebb_dialog drive, next;
	pthread_t thread;

	(void)state;
	/* It waits for its turn behind another's question. */
	assert_int_equal(pthread_create(&thread, NULL, ask_facts, NULL), 0);
	await(&count, 1);
	assert_int_equal(ebb_dialog_start(&drive, channel, AGENT_MS), 0);
	assert_int_equal(ebb_dialog_say(&drive, &request), 0);
	/* As long as its thread needs to get there, or not: both end alike. */
	ebb_sleep_us(20 * 1000);
	ebb_dialog_stop(&drive);
	say_session(&next, 2);
	is_held = false;
	assert_int_equal(pthread_join(thread, NULL), 0);
	hear(&next);
	ebb_dialog_stop(&next);
	await_end();
	assert_int_equal(count, 2);
	assert_said(0, "ebb-facts", "");
	assert_said(1, "ebb-session-start", "\"session-id\":2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_ends_what_was_left, set_up),
		cmocka_unit_test_setup(test_stops_no_session_of_the_next,
				       set_up),
		cmocka_unit_test_setup(test_sets_no_target_after_it, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
