/* SPDX-License-Identifier: GPL-2.0-only */
/* A round of questions to an ebbd that answers, errs, is slow, leaves or is not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "host/exporter/ask.h"
#include "host/interface/status.h"

static char dir[] = "test-ask.XXXXXX";
static char path[64];
static int listener = -1;
static uint64_t now_ns;
static struct exp_ask ask;

uint64_t __wrap_ebb_now_ns(void);
uint64_t __wrap_ebb_now_ns(void)
{
	return now_ns;
}

static void listen_anew(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (listener >= 0)
		close(listener);
	unlink(path);
	strcpy(address.sun_path, path);
	listener =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address,
			      sizeof(address)),
			 0);
	assert_int_equal(listen(listener, 4), 0);
}

static int accept_peer(void)
{
	int peer = accept(listener, NULL, NULL);

	assert_true(peer >= 0);
	return peer;
}

/* The question that came, which must be this one. */
static void expect_question(int peer, enum exp_question question)
{
	char line[2048] = "";
	char *expected = ebb_msg_request(exp_question_name(question),
					 exp_question_request(question), NULL);

	assert_true(recv(peer, line, sizeof(line) - 1, MSG_DONTWAIT) > 0);
	assert_string_equal(line, expected);
	free(expected);
}

static void answer(int peer, const char *line)
{
	assert_int_equal(send(peer, line, strlen(line), MSG_NOSIGNAL),
			 (ssize_t)strlen(line));
}

static int start_round(void)
{
	assert_false(exp_ask_begin(&ask, false));
	assert_true(ask.asking.fd >= 0);
	return accept_peer();
}

static const char *answered(enum exp_question question)
{
	struct json_object *value = ask.round.answers[question];

	return value ? json_object_to_json_string_ext(value,
						      JSON_C_TO_STRING_PLAIN)
		     : NULL;
}

/* Asks one after the other, on one connection. */
static void do_round(void)
{
	int peer = start_round();

	expect_question(peer, EXP_DAEMON);
	assert_false(exp_ask_turn(&ask));
	assert_int_equal(recv(peer, &(char){ 0 }, 1, MSG_DONTWAIT), -1);
	answer(peer, "{\"return\":{\"d\":1}}\n");
	assert_false(exp_ask_turn(&ask));
	expect_question(peer, EXP_DOMAINS);
	answer(peer, "{\"event\":\"news\",\"data\":{}}\n{\"return\":");
	assert_false(exp_ask_turn(&ask));
	answer(peer, "{\"l\":2}}\n");
	assert_false(exp_ask_turn(&ask));
	expect_question(peer, EXP_POLICY);
	now_ns += 3 * EBB_NS_PER_MS;
	answer(peer, "{\"return\":{\"p\":3}}\n");
	assert_true(exp_ask_turn(&ask));
	assert_int_equal(ask.asking.fd, -1);
	assert_int_equal(recv(peer, &(char){ 0 }, 1, MSG_DONTWAIT), 0);
	close(peer);
	assert_string_equal(answered(EXP_DAEMON), "{\"d\":1}");
	assert_string_equal(answered(EXP_DOMAINS), "{\"l\":2}");
	assert_string_equal(answered(EXP_POLICY), "{\"p\":3}");
	assert_string_equal(ask.round.error, "");
	assert_int_equal(ask.round.took_us, 3000);
}

/* Another process goes on with the socket. */
static void restart(void)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0)
		_exit(listen(listener, 4) == 0 ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* What is known of the policy is not asked again, but of an ebbd that was restarted. */
static void test_kept_policy(void **state)
{
	int peer;

	(void)state;
	do_round();
	assert_false(exp_ask_begin(&ask, true));
	peer = accept_peer();
	expect_question(peer, EXP_DAEMON);
	answer(peer, "{\"return\":{}}\n");
	assert_false(exp_ask_turn(&ask));
	assert_false(ask.round.policy_was_kept);
	expect_question(peer, EXP_DOMAINS);
	answer(peer, "{\"return\":{}}\n");
	assert_true(exp_ask_turn(&ask));
	assert_true(ask.round.policy_was_kept);
	assert_null(ask.round.answers[EXP_POLICY]);
	assert_int_equal(recv(peer, &(char){ 0 }, 1, MSG_DONTWAIT), 0);
	close(peer);

	restart();
	assert_false(exp_ask_begin(&ask, true));
	peer = accept_peer();
	expect_question(peer, EXP_DAEMON);
	answer(peer, "{\"return\":{}}\n");
	assert_false(exp_ask_turn(&ask));
	expect_question(peer, EXP_DOMAINS);
	answer(peer, "{\"return\":{}}\n");
	assert_false(exp_ask_turn(&ask));
	expect_question(peer, EXP_POLICY);
	close(peer);
}

/* The past is asked alone, and its arguments are not asked again. */
static void test_past(void **state)
{
	char line[256] = "";
	int peer;

	(void)state;
	assert_false(exp_ask_begin_past(
		&ask, json_tokener_parse("{\"budget\":\"b\"}")));
	peer = accept_peer();
	assert_true(recv(peer, line, sizeof(line) - 1, MSG_DONTWAIT) > 0);
	assert_string_equal(line, "{\"execute\":\"history\",\"arguments\":"
				  "{\"budget\":\"b\"}}\n");
	answer(peer, "{\"return\":{\"h\":1}}\n");
	assert_true(exp_ask_turn(&ask));
	close(peer);
	assert_string_equal(answered(EXP_PAST), "{\"h\":1}");
	assert_false(ask.round.policy_was_kept);
}

static void test_round(void **state)
{
	(void)state;
	do_round();
	/* Nothing is under way between. */
	assert_false(exp_ask_turn(&ask));
	assert_int_equal(exp_ask_timeout_ms(&ask), -1);
	do_round();
}

static void test_long_answer(void **state)
{
	static char line[EBB_MESSAGE_BYTES_MAX * 4];
	int peer = start_round();
	size_t used, sent = 0;

	(void)state;
	used = (size_t)snprintf(line, sizeof(line), "{\"return\":{\"x\":\"");
	memset(line + used, 'y', sizeof(line) - used - 8);
	strcpy(line + sizeof(line) - 8, "\"}}\n");
	while (sent < strlen(line)) {
		ssize_t r = send(peer, line + sent, strlen(line) - sent,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (r > 0)
			sent += (size_t)r;
		assert_false(exp_ask_turn(&ask));
	}
	while (!answered(EXP_DAEMON))
		assert_false(exp_ask_turn(&ask));
	close(peer);
	assert_true(exp_ask_turn(&ask));
}

/* What it refuses costs that answer alone. */
static void test_refusal(void **state)
{
	int peer = start_round();

	(void)state;
	answer(peer, "{\"return\":{}}\n");
	assert_false(exp_ask_turn(&ask));
	answer(peer, "{\"error\":{\"class\":\"PermissionDenied\","
		     "\"desc\":\"you may not\"}}\n");
	assert_false(exp_ask_turn(&ask));
	answer(peer, "{\"return\":{}}\n");
	assert_true(exp_ask_turn(&ask));
	close(peer);
	assert_string_equal(ask.round.error,
			    "ebbd refuses domain-list: you may not");
	assert_non_null(answered(EXP_DAEMON));
	assert_null(answered(EXP_DOMAINS));
	assert_non_null(answered(EXP_POLICY));
}

static void expect_trouble(const char *text)
{
	assert_int_equal(ask.asking.fd, -1);
	if (!strstr(ask.round.error, text))
		fail_msg("'%s' does not say '%s'", ask.round.error, text);
}

static void test_nonsense(void **state)
{
	int peer = start_round();

	(void)state;
	answer(peer, "HTTP/1.1 400\n");
	assert_true(exp_ask_turn(&ask));
	close(peer);
	expect_trouble("makes no sense");
	assert_null(answered(EXP_DAEMON));

	peer = start_round();
	answer(peer, "{\"execute\":\"x\"}\n");
	assert_true(exp_ask_turn(&ask));
	close(peer);
	expect_trouble("asks instead of answering");
}

/* It is waited for so long, and no longer. */
static void test_silence(void **state)
{
	int peer = start_round();

	(void)state;
	assert_int_equal(exp_ask_timeout_ms(&ask), EXP_ROUND_MS);
	now_ns += 4900 * EBB_NS_PER_MS;
	answer(peer, "{\"return\":{}}\n");
	assert_false(exp_ask_turn(&ask));
	assert_int_equal(exp_ask_timeout_ms(&ask), 100);
	assert_false(exp_ask_turn(&ask));
	now_ns += 100 * EBB_NS_PER_MS;
	assert_int_equal(exp_ask_timeout_ms(&ask), 0);
	assert_true(exp_ask_turn(&ask));
	expect_trouble("did not answer in time");
	assert_non_null(answered(EXP_DAEMON));
	assert_null(answered(EXP_DOMAINS));
	close(peer);
}

/* Events are no answer: they do not make a round longer. */
static void test_events_alone(void **state)
{
	int peer = start_round();

	(void)state;
	answer(peer, "{\"event\":\"news\",\"data\":{}}\n");
	now_ns += 4900 * EBB_NS_PER_MS;
	assert_false(exp_ask_turn(&ask));
	answer(peer, "{\"event\":\"news\",\"data\":{}}\n");
	now_ns += 100 * EBB_NS_PER_MS;
	assert_true(exp_ask_turn(&ask));
	close(peer);
	expect_trouble("did not answer in time");
}

/* Two answers that come at once are both taken, though nothing wakes for the second. */
static void test_answers_at_once(void **state)
{
	int peer = start_round();

	(void)state;
	answer(peer, "{\"return\":{\"d\":1}}\n{\"return\":{\"l\":2}}\n");
	assert_false(exp_ask_turn(&ask));
	assert_string_equal(answered(EXP_DOMAINS), "{\"l\":2}");
	answer(peer, "{\"return\":{\"p\":3}}\n");
	assert_true(exp_ask_turn(&ask));
	close(peer);
	assert_string_equal(answered(EXP_POLICY), "{\"p\":3}");
}

/* One that was restarted is asked as any, and nothing is left of the one before. */
static void test_restart(void **state)
{
	int peer = start_round();

	(void)state;
	answer(peer, "{\"return\":{}}\n{\"ret");
	assert_false(exp_ask_turn(&ask));
	close(peer);
	assert_true(exp_ask_turn(&ask));
	expect_trouble("closed the connection");
	close(listener);
	listener = -1;
	assert_true(exp_ask_begin(&ask, false));
	expect_trouble("Connection refused");
	assert_null(answered(EXP_DAEMON));
	unlink(path);
	assert_true(exp_ask_begin(&ask, false));
	expect_trouble("Start ebbd");
	listen_anew();
	do_round();
}

/* As one that turns everybody away says: before it was asked. */
static void test_turned_away(void **state)
{
	int peer = start_round();

	(void)state;
	answer(peer, "{\"error\":{\"class\":\"PermissionDenied\","
		     "\"desc\":\"only root\"}}\n");
	close(peer);
	while (!exp_ask_turn(&ask))
		;
	expect_trouble("refuses daemon-show: only root");
}

static void test_busy(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fds[64], count = 0;

	(void)state;
	strcpy(address.sun_path, path);
	for (;; count++) {
		assert_true(count < 64);
		fds[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(fds[count], (struct sockaddr *)&address,
			    sizeof(address)) < 0)
			break;
	}
	assert_int_equal(errno, EAGAIN);
	assert_true(exp_ask_begin(&ask, false));
	expect_trouble("takes no connection");
	for (; count >= 0; count--)
		close(fds[count]);
}

static int set_up(void **state)
{
	(void)state;
	now_ns = EBB_NS_PER_S;
	listen_anew();
	exp_ask_init(&ask, path);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	exp_ask_clear(&ask);
	if (listener >= 0)
		close(listener);
	listener = -1;
	unlink(path);
	return 0;
}

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/ebbd.sock", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	return rmdir(dir);
}

#define ASK_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ASK_TEST(test_round),	     ASK_TEST(test_long_answer),
		ASK_TEST(test_kept_policy),  ASK_TEST(test_past),
		ASK_TEST(test_refusal),	     ASK_TEST(test_nonsense),
		ASK_TEST(test_silence),	     ASK_TEST(test_restart),
		ASK_TEST(test_turned_away),  ASK_TEST(test_busy),
		ASK_TEST(test_events_alone), ASK_TEST(test_answers_at_once),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
