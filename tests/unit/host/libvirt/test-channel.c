/* SPDX-License-Identifier: GPL-2.0-only */
/* A channel whose guest does not answer, with a stream that takes whatever is sent. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "host/libvirt/channel.h"
#include "host/libvirt/connection.h"

enum {
	CALLS_MAX = 32,
	ANSWER_MS = 60000
};

static struct ebb_connection connection = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.ended = PTHREAD_COND_INITIALIZER,
};
static struct ebb_domain domain = { .connection = &connection };

static struct {
	virStreamEventCallback callback;
	void *opaque;
	int events;
	uint32_t sent;
	uint32_t ended;
	char answer[256];
	atomic_bool answers; /* the next call, and has not done so yet */
	atomic_bool sent_answer;
	uint32_t broken; /* times that it was told so */
} fake;

/* ---- in place of libvirt's ---- */

virDomainPtr virDomainLookupByUUIDString(virConnectPtr handle, const char *uuid)
{
	(void)handle;
	(void)uuid;
	return (virDomainPtr)(void *)&domain;
}

int virDomainFree(virDomainPtr handle)
{
	(void)handle;
	return 0;
}

virStreamPtr virStreamNew(virConnectPtr handle, unsigned int flags)
{
	(void)handle;
	(void)flags;
	return (virStreamPtr)(void *)&fake;
}

int virDomainOpenChannel(virDomainPtr handle, const char *name,
			 virStreamPtr stream, unsigned int flags)
{
	(void)handle;
	(void)name;
	(void)stream;
	(void)flags;
	return 0;
}

int virStreamEventAddCallback(virStreamPtr stream, int events,
			      virStreamEventCallback callback, void *opaque,
			      virFreeCallback release)
{
	(void)stream;
	(void)release;
	fake.callback = callback;
	fake.opaque = opaque;
	fake.events = events;
	return 0;
}

int virStreamEventUpdateCallback(virStreamPtr stream, int events)
{
	(void)stream;
	fake.events = events;
	return 0;
}

int virStreamEventRemoveCallback(virStreamPtr stream)
{
	(void)stream;
	fake.callback = NULL;
	return 0;
}

int virStreamSend(virStreamPtr stream, const char *data, size_t bytes)
{
	const char *id = strstr(data, "\"id\"");

	(void)stream;
	fake.sent++;
	if (fake.answers) {
		snprintf(fake.answer, sizeof(fake.answer),
			 "{\"return\":{},%.*s\n",
			 (int)(bytes - (size_t)(id - data)), id);
		fake.sent_answer = true;
	}
	return (int)bytes;
}

int virStreamRecv(virStreamPtr stream, char *data, size_t bytes)
{
	size_t length = strlen(fake.answer);

	(void)stream;
	if (!fake.sent_answer || length > bytes)
		return -2;
	fake.sent_answer = false;
	memcpy(data, fake.answer, length);
	return (int)length;
}

/* ---- in place of connecting.c, streams.c and worker.c ---- */

int ebb_connection_begin_listening(struct ebb_connection *any)
{
	return ebb_connection_begin(any, EBB_CALL_LISTENING);
}

virDomainPtr ebb_connection_guest(struct ebb_connection *any, const char *uuid)
{
	(void)any;
	(void)uuid;
	return NULL;
}

void ebb_streams_leave(struct ebb_connection *any, virStreamPtr stream)
{
	(void)any;
	(void)stream;
	fake.ended++;
}

void ebb_streams_end(struct ebb_connection *any)
{
	(void)any;
}

int ebb_workers_run_named(struct ebb_workers *workers, enum ebb_work kind,
			  void (*work)(void *opaque),
			  void (*done)(void *opaque), void *opaque,
			  const char *name)
{
	(void)workers;
	(void)kind;
	(void)work;
	(void)done;
	(void)opaque;
	(void)name;
	return -ENOMEM;
}

struct ebb_domain *ebb_domain_ref(struct ebb_domain *any)
{
	return any;
}

void ebb_domain_unref(struct ebb_domain *any)
{
	(void)any;
}

/* ---- the test ---- */

static void on_event(const char *name, const struct json_object *data,
		     void *opaque)
{
	(void)name;
	(void)data;
	(void)opaque;
}

static void on_broken(void *opaque)
{
	(void)opaque;
	fake.broken++;
}

static int set_up(void **state)
{
	static const struct ebb_channel_ops ops = { on_event, on_broken };
	struct ebb_channel *channel;

	memset(&fake, 0, sizeof(fake));
	if (ebb_channel_open(&domain, true, &ops, NULL, &channel) < 0)
		return -1;
	*state = channel;
	return 0;
}

static int tear_down(void **state)
{
	ebb_channel_close(*state);
	return 0;
}

static int ask(struct ebb_channel *channel, uint32_t timeout_ms)
{
	struct ebb_msg reply = { 0 };
	int r = ebb_channel_call(channel, 0, "guest-ping", NULL, timeout_ms,
				 &reply);

	ebb_msg_clear(&reply);
	return r;
}

/* As the loop does. */
static void turn(void)
{
	if (fake.callback && (fake.events & VIR_STREAM_EVENT_WRITABLE))
		fake.callback(NULL, VIR_STREAM_EVENT_WRITABLE, fake.opaque);
}

static void ask_in_vain(struct ebb_channel *channel, uint32_t times)
{
	for (uint32_t i = 0; i < times; i++) {
		assert_int_equal(ask(channel, 1), -ETIMEDOUT);
		turn();
	}
}

static void *read_answer(void *opaque)
{
	(void)opaque;
	while (!fake.sent_answer)
		ebb_sleep_us(1000);
	fake.callback(NULL, VIR_STREAM_EVENT_READABLE, fake.opaque);
	return NULL;
}

/* What it does not read would fill what all other guests need, too. */
static void test_a_guest_that_never_answers(void **state)
{
	ask_in_vain(*state, CALLS_MAX - 1);
	assert_int_equal(fake.broken, 0);
	ask_in_vain(*state, 1);
	assert_int_equal(fake.broken, 1);
	assert_int_equal(fake.ended, 1);
	assert_int_equal(ask(*state, 1), -ENOTCONN);
	assert_int_equal(fake.sent, CALLS_MAX);
}

static void test_a_guest_that_answers_now_and_then(void **state)
{
	pthread_t loop;

	ask_in_vain(*state, CALLS_MAX - 1);
	fake.answers = true;
	assert_int_equal(pthread_create(&loop, NULL, read_answer, NULL), 0);
	assert_int_equal(ask(*state, ANSWER_MS), 0);
	pthread_join(loop, NULL);
	fake.answers = false;
	ask_in_vain(*state, CALLS_MAX - 1);
	assert_int_equal(fake.broken, 0);
}

#define CHANNEL_TEST(test) \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CHANNEL_TEST(test_a_guest_that_never_answers),
		CHANNEL_TEST(test_a_guest_that_answers_now_and_then),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
