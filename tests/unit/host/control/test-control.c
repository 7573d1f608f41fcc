/* SPDX-License-Identifier: GPL-2.0-only */
/* The control socket's server, with real sockets on libvirt's event loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include "common/cleanup.h"
#include "host/base/loop.h"
#include "host/control/control.h"
#include "host/interface/status.h"
#include "tests/unit/host/control/client.h"

enum {
	PEERS = EBB_CONTROL_PEERS_MAX
};

static char dir[] = "test-control.XXXXXX";
static char path[64];
static struct ebb_control *control;
static struct ebb_call *held; /* by the handler "hold" */
static unsigned int cancels;
static size_t queued_max; /* bytes that were asked for, at most */

void *__real_realloc(void *old, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes)
{
	if (bytes > queued_max)
		queued_max = bytes;
	return __real_realloc(old, bytes);
}

static void handle_echo(struct ebb_call *call,
			const struct json_object *arguments, void *opaque)
{
	(void)opaque;
	ebb_call_return(
		call, arguments ? json_tokener_parse(json_object_to_json_string(
					  (void *)arguments))
				: NULL);
}

static void handle_hold(struct ebb_call *call,
			const struct json_object *arguments, void *opaque)
{
	(void)arguments;
	(void)opaque;
	held = call;
}

static void handle_refuse(struct ebb_call *call,
			  const struct json_object *arguments, void *opaque)
{
	(void)arguments;
	(void)opaque;
	ebb_call_error(call, "Busy", "try again in %d s", 7);
}

static void handle_huge(struct ebb_call *call,
			const struct json_object *arguments, void *opaque)
{
	static char text[EBB_CONTROL_BYTES_MAX + 1];
	size_t bytes = opaque == &held ? sizeof(text) - 1 : 1 << 20;

	(void)arguments;
	memset(text, 'x', bytes);
	ebb_call_return(call, json_object_new_string_len(text, (int)bytes));
}

static const struct ebb_control_handler handlers[] = {
	{ "echo", handle_echo },
	{ "hold", handle_hold },
	{ "refuse", handle_refuse },
	{ "huge", handle_huge },
	{ NULL, NULL },
};

static void on_cancel(void *opaque)
{
	(void)opaque;
	cancels++;
}

static void on_tick(int timer, void *opaque)
{
	(void)timer;
	(void)opaque;
}

static void turn(void)
{
	assert_int_equal(ebb_loop_turn(), 0);
}

static void turns(unsigned int count)
{
	while (count--)
		turn();
}

static int client_new(void)
{
	return client_connect(path);
}

static void ask(int fd, const char *request, const char *answer)
{
	client_send(fd, request);
	assert_string_equal(client_line(fd), answer);
}

static void wait_held(void)
{
	for (int i = 0; !held && i < CLIENT_TURNS_MAX; i++)
		turn();
	assert_non_null(held);
}

static void test_answers_and_errors(void **state)
{
	int fd = client_new();

	(void)state;
	ask(fd, "{\"execute\":\"echo\",\"arguments\":{\"a\":1},\"id\":5}\n",
	    "{\"return\":{\"a\":1},\"id\":5}");
	ask(fd, "{\"execute\":\"echo\"}\n", "{\"return\":{}}");
	ask(fd, "{\"execute\":\"refuse\",\"id\":\"x\"}\n",
	    "{\"error\":{\"class\":\"Busy\",\"desc\":\"try again in 7 s\"},"
	    "\"id\":\"x\"}");
	client_send(fd, "{\"execute\":\"nonsense\"}\n");
	assert_non_null(strstr(client_line(fd), "\"CommandNotFound\""));
	client_send(fd, "{\"return\":{}}\n");
	assert_non_null(strstr(client_line(fd), "\"InvalidArgument\""));
	client_send(fd, "hello\n");
	assert_non_null(strstr(client_line(fd), "\"InvalidArgument\""));
	/* None of that cost it the connection. */
	ask(fd, "{\"execute\":\"echo\"}\n", "{\"return\":{}}");
	close(fd);
}

static void test_overlong_request(void **state)
{
	int fd = client_new();
	char part[1024];

	(void)state;
	memset(part, 'x', sizeof(part));
	for (int i = 0; i < 80; i++) {
		assert_int_equal(send(fd, part, sizeof(part), 0), sizeof(part));
		turns(1);
	}
	client_send(fd, "\n{\"execute\":\"echo\"}\n");
	/* Told of the line that was dropped, and answered, in some order. */
	for (int seen = 0; seen != 3;) {
		const char *line = client_line(fd);

		if (strstr(line, "too long"))
			seen |= 1;
		else if (strcmp(line, "{\"return\":{}}") == 0)
			seen |= 2;
		else
			fail_msg("%s", line);
	}
	close(fd);
}

static void test_one_request_at_a_time(void **state)
{
	int fd = client_new();
	struct ebb_call *call;

	(void)state;
	client_send(fd, "{\"execute\":\"hold\",\"id\":1}\n"
			"{\"execute\":\"echo\",\"id\":2}\n");
	wait_held();
	turns(5);
	assert_int_equal(recv(fd, &(char){ 0 }, 1, MSG_DONTWAIT), -1);
	call = ebb_steal_ptr(held);
	ebb_call_event(call, "progress", NULL);
	ebb_call_return(call, NULL);
	assert_string_equal(client_line(fd),
			    "{\"event\":\"progress\",\"data\":{}}");
	assert_string_equal(client_line(fd), "{\"return\":{},\"id\":1}");
	assert_string_equal(client_line(fd), "{\"return\":{},\"id\":2}");
	close(fd);
}

/* While a call waits, its peer's bytes stay out of this process. */
static void test_input_is_not_read_ahead(void **state)
{
	int fd = client_new();
	char part[4096] = { 0 };
	size_t sent = 0;

	(void)state;
	client_send(fd, "{\"execute\":\"hold\"}\n");
	wait_held();
	for (int i = 0; i < 4096; i++) {
		if (send(fd, part, sizeof(part), MSG_DONTWAIT) < 0) {
			assert_int_equal(errno, EAGAIN);
			break;
		}
		sent += sizeof(part);
		turns(1);
	}
	/* The kernel's buffer is full, and nobody drains it. */
	assert_true(sent < 4096 * sizeof(part));
	ebb_call_return(ebb_steal_ptr(held), NULL);
	assert_string_equal(client_line(fd), "{\"return\":{}}");
	close(fd);
}

static void test_slow_reader(void **state)
{
	int fd = client_new();
	size_t got = 0;
	char part[65536];

	(void)state;
	/* The second answer is made only when the first one has left. */
	client_send(fd, "{\"execute\":\"huge\"}\n{\"execute\":\"echo\"}\n");
	turns(10);
	for (int i = 0; i < CLIENT_TURNS_MAX && got < (1 << 20) + 13 + 14;
	     i++) {
		ssize_t r = recv(fd, part, sizeof(part), MSG_DONTWAIT);

		if (r > 0)
			got += (size_t)r;
		turn();
	}
	/* {"return":"x..."}\n and {"return":{}}\n */
	assert_int_equal(got, (1 << 20) + 14 + 14);
	close(fd);
}

static void test_events_to_slow_reader_are_dropped(void **state)
{
	int fd = client_new();
	struct ebb_call *call;
	unsigned int events = 0;
	const char *line;

	(void)state;
	client_send(fd, "{\"execute\":\"hold\"}\n");
	wait_held();
	call = ebb_steal_ptr(held);
	for (int i = 0; i < 20000; i++)
		ebb_call_event(call, "progress", NULL);
	ebb_call_return(call, NULL);
	while (strstr(line = client_line(fd), "event"))
		events++;
	assert_string_equal(line, "{\"return\":{}}");
	/* 64 KiB of them, and one that began below that. */
	assert_in_range(events, 1, 64 * 1024 / 31 + 2);
	close(fd);
}

/* It reads a little all the time, but never all: the rest has a bound. */
static void test_events_to_steady_reader_have_a_bound(void **state)
{
	int fd = client_new();
	struct ebb_call *call;
	char part[4096];
	size_t got = 0;

	(void)state;
	client_send(fd, "{\"execute\":\"hold\"}\n");
	wait_held();
	call = ebb_steal_ptr(held);
	queued_max = 0;
	for (int i = 0; i < CLIENT_TURNS_MAX && got < (2 << 20); i++) {
		ssize_t r;

		while (ebb_call_event(call, "progress", NULL))
			;
		r = recv(fd, part, sizeof(part), MSG_DONTWAIT);
		if (r > 0)
			got += (size_t)r;
		turn();
	}
	assert_true(got >= (2 << 20));
	assert_in_range(queued_max, 64 * 1024, 65 * 1024);
	ebb_call_return(call, NULL);
	close(fd);
}

static void test_disconnect_cancels(void **state)
{
	int fd = client_new();
	struct ebb_call *call;

	(void)state;
	cancels = 0;
	client_send(fd, "{\"execute\":\"hold\"}\n");
	wait_held();
	call = ebb_steal_ptr(held);
	ebb_call_on_cancel(call, on_cancel, NULL);
	turns(3);
	assert_int_equal(cancels, 0);
	close(fd);
	for (int i = 0; !cancels && i < CLIENT_TURNS_MAX; i++)
		turn();
	assert_int_equal(cancels, 1);
	/* It is still the owner's, and a late event or answer goes nowhere. */
	ebb_call_event(call, "progress", NULL);
	ebb_call_on_cancel(call, on_cancel, NULL);
	assert_int_equal(cancels, 2);
	ebb_call_return(call, json_object_new_object());
}

static char answered[64];

static void on_answer(const struct json_object *value, const char *error,
		      void *opaque)
{
	(void)opaque;
	snprintf(answered, sizeof(answered), "%s",
		 error	 ? error
		 : value ? "value"
			 : "nothing");
}

/* Also where nobody is there to hear it. */
static void test_tells_how_it_is_answered(void **state)
{
	int fd = client_new();
	struct ebb_call *call;

	(void)state;
	client_send(fd, "{\"execute\":\"hold\"}\n");
	wait_held();
	ebb_call_on_answer(held, on_answer, NULL);
	assert_string_equal(answered, "");
	ebb_call_error(ebb_steal_ptr(held), "Busy", "the %s", "cause");
	assert_string_equal(answered, "the cause");
	client_line(fd);
	client_send(fd, "{\"execute\":\"hold\"}\n");
	wait_held();
	call = ebb_steal_ptr(held);
	ebb_call_on_answer(call, on_answer, NULL);
	close(fd);
	turns(3);
	ebb_call_return(call, json_object_new_object());
	assert_string_equal(answered, "value");
}

/* "socat -" shuts down its writing side, and waits for the answer. */
static void test_half_close_is_answered(void **state)
{
	int fd = client_new();

	(void)state;
	cancels = 0;
	client_send(fd, "{\"execute\":\"hold\"}\n");
	shutdown(fd, SHUT_WR);
	wait_held();
	ebb_call_on_cancel(held, on_cancel, NULL);
	turns(5);
	assert_int_equal(cancels, 0);
	ebb_call_return(ebb_steal_ptr(held), NULL);
	assert_string_equal(client_line(fd), "{\"return\":{}}");
	assert_string_equal(client_line(fd), "");
	close(fd);
}

static void test_too_many_peers(void **state)
{
	int fds[PEERS + 1];

	(void)state;
	for (int i = 0; i < PEERS; i++) {
		fds[i] = client_new();
		ask(fds[i], "{\"execute\":\"echo\"}\n", "{\"return\":{}}");
	}
	fds[PEERS] = client_new();
	assert_non_null(strstr(client_line(fds[PEERS]), "\"Busy\""));
	assert_string_equal(client_line(fds[PEERS]), "");
	close(fds[PEERS]);
	/* One leaves, and its place can be had. */
	close(fds[0]);
	turns(3);
	fds[0] = client_new();
	ask(fds[0], "{\"execute\":\"echo\"}\n", "{\"return\":{}}");
	for (int i = 0; i < PEERS; i++)
		close(fds[i]);
}

#define OTHER_NAME "other"

/* A client of a second control socket, which the test frees. */
static int client_of_other(struct ebb_control **ret_other)
{
	char old_path[sizeof(path)];
	int fd;

	strcpy(old_path, path);
	snprintf(path, sizeof(path), "%s/" OTHER_NAME, dir);
	assert_int_equal(ebb_control_new(path, &EBB_ACCESS_ROOT_ONLY, handlers,
					 &held, ret_other),
			 0);
	fd = client_new();
	strcpy(path, old_path);
	return fd;
}

static void test_answer_too_long(void **state)
{
	struct ebb_control *other;
	int fd = client_of_other(&other);
	char other_path[80];

	(void)state;
	snprintf(other_path, sizeof(other_path), "%s/" OTHER_NAME, dir);
	assert_int_equal(access(other_path, F_OK), 0);
	client_send(fd, "{\"execute\":\"huge\"}\n");
	assert_non_null(strstr(client_line(fd), "the answer is too long"));
	close(fd);
	ebb_control_free(other);
	assert_int_equal(access(other_path, F_OK), -1);
}

/* A daemon that ends has no turn of its loop left. */
static void test_last_answer_is_sent(void **state)
{
	struct ebb_control *other;
	int fd = client_of_other(&other);

	(void)state;
	client_send(fd, "{\"execute\":\"hold\"}\n");
	wait_held();
	ebb_call_error(ebb_steal_ptr(held), "GenericError", "it ends");
	ebb_control_free(other);
	assert_non_null(strstr(client_line(fd), "it ends"));
	close(fd);
}

static void test_second_daemon_is_refused(void **state)
{
	struct ebb_control *other = NULL;
	struct stat before, after;

	(void)state;
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(before.st_mode & 07777, 0660);
	assert_int_equal(ebb_control_new(path, &EBB_ACCESS_ROOT_ONLY, handlers,
					 NULL, &other),
			 -EADDRINUSE);
	assert_null(other);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
}

static int start(void **state)
{
	(void)state;
	if (!mkdtemp(dir) || ebb_loop_init() < 0 ||
	    ebb_loop_timer(5, on_tick, NULL) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/ebbd.sock", dir);
	return ebb_control_new(path, &EBB_ACCESS_ROOT_ONLY, handlers, NULL,
			       &control);
}

static int stop(void **state)
{
	int fd = client_new();

	(void)state;
	/* A daemon that stops while a call waits. */
	cancels = 0;
	client_send(fd, "{\"execute\":\"hold\"}\n");
	wait_held();
	ebb_call_on_cancel(held, on_cancel, NULL);
	ebb_control_free(control);
	assert_int_equal(cancels, 1);
	ebb_call_error(ebb_steal_ptr(held), "GenericError", "stopped");
	assert_string_equal(client_line(fd), "");
	close(fd);
	turns(3);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers_and_errors),
		cmocka_unit_test(test_overlong_request),
		cmocka_unit_test(test_one_request_at_a_time),
		cmocka_unit_test(test_input_is_not_read_ahead),
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_events_to_slow_reader_are_dropped),
		cmocka_unit_test(test_events_to_steady_reader_have_a_bound),
		cmocka_unit_test(test_disconnect_cancels),
		cmocka_unit_test(test_tells_how_it_is_answered),
		cmocka_unit_test(test_half_close_is_answered),
		cmocka_unit_test(test_too_many_peers),
		cmocka_unit_test(test_answer_too_long),
		cmocka_unit_test(test_last_answer_is_sent),
		cmocka_unit_test(test_second_daemon_is_refused),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
