/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The real ebbctl top in a pseudo terminal, with an ebbd that answers, is silent or goes
 * away.
 *
 * What ncurses sends is what differs from the picture before. So a text is looked for
 * after the terminal was resized, which has all of it drawn anew, and by its words.
 */
#include <config.h>

#include "tests/unit/host/ctl/fake-ebbd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "host/ctl/top/view.h"
#include "tests/unit/host/ctl/top/example.h"

enum {
	WAIT_MS = 20000,
	OUTPUT_BYTES = 1024 * 1024,
};

enum behaviour {
	ANSWER,
	CLOSE,
	BE_SILENT, /* connections are taken, and stay open */
};

/*
 * @output: since the last look_from_here()
 * @silent: connections that get no answer
 * @lists, @explains, @shows: so many were asked for
 */
static struct {
	pid_t pid;
	int fd;
	enum behaviour behaviour;
	char output[OUTPUT_BYTES];
	size_t used;
	int silent[16];
	unsigned int silent_count;
	unsigned int lists;
	unsigned int explains;
	unsigned int shows;
} session;

static void start(const char *terminal, const char *locale, bool colour)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };

	memset(&session, 0, sizeof(session));
	session.pid = forkpty(&session.fd, NULL, NULL, &size);
	assert_true(session.pid >= 0);
	if (session.pid == 0) {
		const char *program = getenv("EBBCTL");
		char path[64];

		snprintf(path, sizeof(path), "%s/ebbd.sock", fake_dir);
		setenv("EBB_SOCKET", path, 1);
		setenv("LC_ALL", locale, 1);
		setenv("TERM", terminal, 1);
		unsetenv("LINES");
		unsetenv("COLUMNS");
		if (colour)
			unsetenv("NO_COLOR");
		else
			setenv("NO_COLOR", "1", 1);
		execl(program ? program : "./ebbctl", "ebbctl", "top",
		      "--interval", "1s", NULL);
		_exit(127);
	}
}

/* ---- ebbd ---- */

static struct json_object *answer_to(const char *request)
{
	struct ebb_domain_status domains[] = { example_domain(1),
					       example_domain(2) };

	/* A name that would set the terminal's title. */
	strcpy(domains[1].name, "evil\033]0;title\007");
	if (strstr(request, "\"domain-list\"")) {
		session.lists++;
		return example_list(domains, 2);
	}
	if (strstr(request, "\"policy-explain\"")) {
		session.explains++;
		return example_explain();
	}
	if (strstr(request, "\"events\""))
		return example_events(1, 2);
	assert_non_null(strstr(request, "\"domain-show\""));
	session.shows++;
	return ebb_msg_encode(
		ebb_domain_status_fields,
		&domains[strstr(request, domains[1].uuid) ? 1 : 0]);
}

static void serve_one(void)
{
	ebb_auto_close int peer =
		accept4(fake_listener, NULL, NULL, SOCK_CLOEXEC);
	ebb_auto_free char *line = NULL;
	char request[1024];
	ssize_t got;

	assert_true(peer >= 0);
	if (session.behaviour == CLOSE)
		return;
	if (session.behaviour == BE_SILENT) {
		assert_true(session.silent_count < 16);
		session.silent[session.silent_count++] = ebb_steal_fd(&peer);
		return;
	}
	fake_wait_readable(peer);
	got = recv(peer, request, sizeof(request) - 1, 0);
	assert_true(got > 0);
	request[got] = '\0';
	line = ebb_msg_reply(answer_to(request), NULL);
	assert_non_null(line);
	/* It may have been ended meanwhile. */
	got = send(peer, line, strlen(line), MSG_NOSIGNAL);
	assert_true(got == (ssize_t)strlen(line) || errno == EPIPE);
}

/* ---- the terminal ---- */

/* Returns false once ebbctl has closed it. */
static bool read_output(void)
{
	ssize_t got = read(session.fd, session.output + session.used,
			   sizeof(session.output) - 1 - session.used);

	if (got <= 0)
		return false;
	session.used += (size_t)got;
	session.output[session.used] = '\0';
	return true;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* One turn of both ends. Returns false once ebbctl has closed the terminal. */
static bool turn(void)
{
	struct pollfd fds[] = { { .fd = session.fd, .events = POLLIN },
				{ .fd = fake_listener, .events = POLLIN } };

	assert_true(poll(fds, 2, WAIT_MS) > 0);
	if (fds[1].revents)
		serve_one();
	return !fds[0].revents || read_output();
}

static void look_from_here(void)
{
	session.used = 0;
	session.output[0] = '\0';
}

static void wait_for(const char *text)
{
	uint64_t end_ms = now_ms() + WAIT_MS;

	while (!strstr(session.output, text)) {
		if (now_ms() > end_ms || !turn())
			fail_msg("no '%s' came, but: %s", text, session.output);
	}
}

/* A picture that is whole. */
static void resize(unsigned short rows, unsigned short columns)
{
	struct winsize size = { .ws_row = rows, .ws_col = columns };
	struct pollfd fd = { .fd = session.fd, .events = POLLIN };

	while (poll(&fd, 1, 0) > 0)
		assert_true(read_output());
	look_from_here();
	assert_int_equal(ioctl(session.fd, TIOCSWINSZ, &size), 0);
}

static void press(const char *keys)
{
	assert_int_equal(write(session.fd, keys, strlen(keys)),
			 (ssize_t)strlen(keys));
}

static void wait_for_count(const unsigned int *count, unsigned int least)
{
	uint64_t end_ms = now_ms() + WAIT_MS;

	while (*count < least)
		assert_true(now_ms() < end_ms && turn());
}

/* What was on its way may still have it; the keys are drawn last. */
static void wait_for_whole_without(const char *text)
{
	uint64_t end_ms = now_ms() + WAIT_MS;
	unsigned short columns = 80;

	do {
		assert_true(now_ms() < end_ms && turn());
		resize(24, columns++);
		wait_for("quit");
	} while (strstr(session.output, text));
}

/* Whether the terminal is as it was. */
static bool is_restored(void)
{
	struct termios modes;

	assert_int_equal(tcgetattr(session.fd, &modes), 0);
	return (modes.c_lflag & (ICANON | ECHO)) == (ICANON | ECHO);
}

static int finish(void)
{
	uint64_t end_ms = now_ms() + WAIT_MS;
	int status;

	while (turn())
		assert_true(now_ms() < end_ms);
	assert_true(is_restored());
	assert_int_equal(waitpid(session.pid, &status, 0), session.pid);
	close(session.fd);
	for (unsigned int i = 0; i < session.silent_count; i++)
		close(session.silent[i]);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* ---- tests ---- */

static void test_keys_and_a_resize(void **state)
{
	(void)state;
	start("xterm", "C.UTF-8", true);
	wait_for("vm-0001");
	assert_false(is_restored());
	assert_null(strstr(session.output, "\033]0;"));
	assert_non_null(strstr(session.output, "\033[34m"));
	press("?");
	resize(34, 100);
	wait_for("powers");
	press("?/evil");
	resize(30, 120);
	wait_for("'evil'");
	wait_for("Filter");
	press("\033");
	wait_for_count(&session.lists, session.lists + 1);
	/* Details are asked for soon, and only then. */
	assert_int_equal(session.shows, 0);
	press("\r");
	wait_for_count(&session.shows, 1);
	resize(24, 80);
	wait_for("UUID");
	press("qq");
	assert_int_equal(finish(), 0);
}

/* A key that is held down asks for as much as the least interval does. */
static void test_enter_is_held_down(void **state)
{
	uint64_t begin_ms;
	unsigned int before;

	(void)state;
	start("xterm", "C.UTF-8", true);
	wait_for("vm-0001");
	before = session.lists;
	begin_ms = now_ms();
	for (int i = 0; i < 60; i++) {
		press("\r");
		assert_true(turn());
	}
	assert_true(session.lists - before <=
		    2 + (now_ms() - begin_ms) / TOP_INTERVAL_MIN_MS);
	press("qq");
	assert_int_equal(finish(), 0);
}

static void test_filter_that_nothing_fits(void **state)
{
	(void)state;
	start("xterm", "C.UTF-8", true);
	wait_for("vm-0001");
	press("/nobody\r");
	wait_for("nobody");
	/* One may be under way. Then longer than from one explanation to the next. */
	wait_for_count(&session.lists, session.lists + 2);
	session.explains = 0;
	wait_for_count(&session.lists, session.lists + 6);
	assert_int_equal(session.explains, 0);
	press("q");
	assert_int_equal(finish(), 0);
}

static void test_without_colours(void **state)
{
	(void)state;
	start("xterm", "C", false);
	wait_for("vm-0001");
	wait_for("##");
	assert_null(strstr(session.output, "\033[34m"));
	for (size_t i = 0; i < session.used; i++)
		assert_true((unsigned char)session.output[i] < 0x80);
	press("q");
	assert_int_equal(finish(), 0);
}

static void test_old_terminal(void **state)
{
	(void)state;
	start("vt100", "C", true);
	wait_for("vm-0001");
	press("q");
	assert_int_equal(finish(), 0);
}

static void test_ebbd_goes_away_and_comes_back(void **state)
{
	(void)state;
	start("xterm", "C.UTF-8", true);
	wait_for("vm-0001");
	session.behaviour = CLOSE;
	wait_for("closed");
	resize(30, 100);
	/* What was known is still there. */
	wait_for("closed");
	wait_for("vm-0001");
	session.behaviour = ANSWER;
	wait_for_whole_without("closed");
	press("q");
	assert_int_equal(finish(), 0);
}

static void test_keys_work_while_ebbd_is_silent(void **state)
{
	(void)state;
	start("xterm", "C.UTF-8", true);
	session.behaviour = BE_SILENT;
	while (session.silent_count == 0)
		assert_true(turn());
	press("?");
	resize(34, 100);
	wait_for("powers");
	press("qq");
	assert_int_equal(finish(), 0);
}

static void test_signal_leaves_the_terminal_as_it_was(void **state)
{
	(void)state;
	start("xterm", "C.UTF-8", true);
	wait_for("vm-0001");
	kill(session.pid, SIGTERM);
	assert_int_equal(finish(), 0);

	start("xterm", "C.UTF-8", true);
	wait_for("vm-0001");
	press("\034");
	assert_int_equal(finish(), 0);
}

static void test_refuses_a_terminal_that_cannot(void **state)
{
	static const char *const names[] = { "dumb", "", "no-such-terminal" };

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(names); i++) {
		start(names[i], "C.UTF-8", true);
		assert_int_equal(finish(), 2);
		assert_non_null(strstr(session.output, "--once"));
	}
	run_alone("top");
	assert_int_equal(fake_run.status, 2);
	assert_non_null(strstr(fake_run.err, "needs a terminal"));
}

static void answer_once(void)
{
	ebb_auto_free char *line = NULL;

	fake_serve();
	line = ebb_msg_reply(answer_to(fake_run.request), NULL);
	fake_answer(line);
	close(fake_run.peer);
	fake_run.peer = -1;
}

static void test_once(void **state)
{
	(void)state;
	setenv("COLUMNS", "120", 1);
	fake_start(ARGUMENTS("top", "--once"));
	for (int i = 0; i < 3; i++)
		answer_once();
	fake_finish();
	unsetenv("COLUMNS");
	assert_int_equal(fake_run.status, 0);
	assert_string_equal(fake_run.err, "");
	assert_non_null(strstr(fake_run.out, " 1.0G  512M  1.5G  1.0G"));
	assert_non_null(strstr(fake_run.out, "evil?]0;title?"));
	assert_non_null(strstr(fake_run.out, "5.0 GiB of 16.0 GiB, no need"));
	assert_non_null(strstr(fake_run.out, "vm-0001: asked for it"));
	assert_null(strstr(fake_run.out, "q quit"));
}

static void test_once_of_an_ebbd_that_refuses(void **state)
{
	(void)state;
	run_with("{\"error\": {\"class\": \"GenericError\", \"desc\": "
		 "\"no\\u001b[2J\"}}\n",
		 "top", "--once");
	assert_int_equal(fake_run.status, 1);
	assert_string_equal(fake_run.err, "ebbctl: error: no?[2J\n");
	run_alone("top", "--once", "--socket", "/nowhere/ebbd.sock");
	assert_int_equal(fake_run.status, 3);
	assert_non_null(strstr(fake_run.err, "cannot reach ebbd"));
}

static void test_command_line(void **state)
{
	(void)state;
	run_alone("top", "--interval", "10ms");
	assert_int_equal(fake_run.status, 2);
	assert_non_null(strstr(fake_run.err, "from 1s to 60s"));
	run_alone("top", "--json");
	assert_int_equal(fake_run.status, 2);
	run_alone("list", "--once");
	assert_int_equal(fake_run.status, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_and_a_resize),
		cmocka_unit_test(test_enter_is_held_down),
		cmocka_unit_test(test_filter_that_nothing_fits),
		cmocka_unit_test(test_without_colours),
		cmocka_unit_test(test_old_terminal),
		cmocka_unit_test(test_ebbd_goes_away_and_comes_back),
		cmocka_unit_test(test_keys_work_while_ebbd_is_silent),
		cmocka_unit_test(test_signal_leaves_the_terminal_as_it_was),
		cmocka_unit_test(test_refuses_a_terminal_that_cannot),
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_once_of_an_ebbd_that_refuses),
		cmocka_unit_test(test_command_line),
	};

	return cmocka_run_group_tests(tests, fake_set_up, fake_tear_down);
}
