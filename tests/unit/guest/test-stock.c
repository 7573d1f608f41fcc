/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stock agent's port, with a qemu-ga behind it that is this program once more
 * and does what it is told: answers at length, hangs, dies. The port is a terminal
 * that passes bytes as they are.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "guest/stock.h"

#define BIG_BYTES ((size_t)20 << 20)
#define WAIT_TURNS 400 /* of 50 ms */

static char dir[] = "/tmp/ebb-test-stock.XXXXXX";
static char program[256];
static sd_event *event;
static struct ebb_stock *stock;
static int host;
static char got[BIG_BYTES + 65536 + 1]; /* of the port; NUL-terminated */
static size_t got_bytes;

/* ---- the fake qemu-ga ---- */

static void say(int fd, const char *text, size_t bytes)
{
	while (bytes > 0) {
		ssize_t done = write(fd, text, bytes);

		if (done <= 0)
			_exit(1);
		text += done;
		bytes -= (size_t)done;
	}
}

static void say_text(int fd, const char *text)
{
	say(fd, text, strlen(text));
}

static void say_big(int fd)
{
	char *text = malloc(BIG_BYTES);

	memset(text, 'x', BIG_BYTES);
	say_text(fd, "{\"return\": \"");
	say(fd, text, BIG_BYTES);
	say_text(fd, "\"}\n");
	free(text);
}

static void write_pid(const char *socket_path)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%.200s.pid", socket_path);
	file = fopen(path, "w");
	fprintf(file, "%d %s\n", (int)getpid(),
		getenv("NOTIFY_SOCKET") ? "notify" : "");
	fclose(file);
}

static void obey(int fd, const char *text)
{
	if (strstr(text, "fake-hang"))
		for (;;)
			pause();
	if (strstr(text, "fake-die"))
		_exit(3);
	if (strstr(text, "fake-big"))
		say_big(fd);
	else if (strstr(text, "guest-info"))
		say_text(fd, "{\"return\": {\"version\": \"fake\", "
			     "\"supported_commands\": [{\"name\": "
			     "\"guest-exec\"}]}}\n");
	else if (strstr(text, "guest-sync-delimited"))
		say_text(fd, "\xff{\"return\": 77}\n");
	else if (strchr(text, '}'))
		say_text(fd, "{\"return\": \"fake\"}\n");
}

static int be_qga(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), fd;
	char text[4096];

	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], "-p") == 0)
			snprintf(address.sun_path, sizeof(address.sun_path),
				 "%s", argv[i + 1]);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    (write_pid(address.sun_path), listen(listener, 1)) < 0)
		return 1;
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		ssize_t bytes;

		while ((bytes = read(fd, text, sizeof(text) - 1)) > 0) {
			text[bytes] = '\0';
			obey(fd, text);
		}
		close(fd);
	}
	return 0;
}

/* ---- the host ---- */

static void take_output(void)
{
	ssize_t bytes;

	/* EIO: nobody has the port open. */
	while (got_bytes < sizeof(got) - 1 &&
	       (bytes = read(host, got + got_bytes,
			     sizeof(got) - 1 - got_bytes)) > 0)
		got_bytes += (size_t)bytes;
	got[got_bytes] = '\0';
}

static void forget_output(void)
{
	take_output();
	got_bytes = 0;
	got[0] = '\0';
}

static void turn(void)
{
	sd_event_run(event, 50 * 1000);
	take_output();
}

static bool says_soon(const char *text)
{
	for (int i = 0; i < WAIT_TURNS; i++) {
		if (strstr(got, text))
			return true;
		turn();
	}
	return false;
}

static void host_says(const char *text)
{
	assert_int_equal(write(host, text, strlen(text)), strlen(text));
}

/* The slave's end, as a pseudo terminal shows it to its master. */
static bool is_served(void)
{
	ssize_t r = read(host, got + got_bytes, 1);

	if (r == 1)
		got_bytes++;
	got[got_bytes] = '\0';
	return r >= 0 || errno == EAGAIN;
}

static void wait_served(bool served)
{
	for (int i = 0; i < WAIT_TURNS && is_served() != served; i++)
		sd_event_run(event, 50 * 1000);
	assert_int_equal(is_served(), served);
}

static pid_t qga_pid(void)
{
	char path[256];
	FILE *file;
	int pid = 0;

	snprintf(path, sizeof(path), "%s/qga.sock.pid", dir);
	file = fopen(path, "r");
	if (file && fscanf(file, "%d", &pid) != 1)
		pid = 0;
	if (file)
		fclose(file);
	return pid;
}

static int set_up(void **state)
{
	static const struct ebb_command_context context = { .proc_dir =
								    "/proc" };
	struct termios raw;
	sigset_t child;
	int slave;

	(void)state;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	signal(SIGPIPE, SIG_IGN);
	setenv("NOTIFY_SOCKET", "/run/none", 1);
	host = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (host < 0 || grantpt(host) < 0 || unlockpt(host) < 0)
		return -1;
	slave = open(ptsname(host), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0 || tcgetattr(slave, &raw) < 0)
		return -1;
	cfmakeraw(&raw);
	if (tcsetattr(slave, TCSANOW, &raw) < 0 || sd_event_new(&event) < 0)
		return -1;
	close(slave);
	got_bytes = 0;
	got[0] = '\0';
	return ebb_stock_new(event, ptsname(host), program, dir, &context,
			     &stock);
}

static int tear_down(void **state)
{
	(void)state;
	ebb_stock_free(stock);
	sd_event_unref(event);
	close(host);
	return 0;
}

/* ---- the tests ---- */

static void each_agent_answers_its_own(void **state)
{
	(void)state;
	wait_served(true);
	host_says("{\"execute\":\"guest-get-time\"}\n");
	assert_true(says_soon("{\"return\": \"fake\"}\n"));
	forget_output();
	host_says("{\"execute\":\"ebb-facts\"}\n");
	assert_true(says_soon("total-bytes"));
	assert_null(strstr(got, "fake"));
	forget_output();
	host_says("{\"execute\":\"guest-info\"}\n");
	assert_true(says_soon("ebb-target"));
	assert_non_null(strstr(got, "guest-exec"));
	forget_output();
	host_says("\xff{\"execute\":\"guest-sync-delimited\",\"arguments\":"
		  "{\"id\":77}}\n");
	assert_true(says_soon("\xff{\"return\": 77}\n"));
}

/* As qemu-ga takes it: over lines, and without any. */
static void a_request_needs_no_line(void **state)
{
	(void)state;
	wait_served(true);
	host_says("{\"execute\":\n\"ebb-facts\"\n}");
	assert_true(says_soon("total-bytes"));
	forget_output();
	host_says("{\"execute\":\"ebb-facts\"}{\"execute\":\"other\"}");
	assert_true(says_soon("fake"));
	assert_non_null(strstr(got, "total-bytes"));
}

/* Nobody says in its name that it lives. */
static void one_that_hangs_answers_nothing(void **state)
{
	pid_t pid;

	(void)state;
	wait_served(true);
	host_says("{\"execute\":\"fake-hang\"}\n");
	for (int i = 0; i < 10; i++)
		turn();
	host_says("{\"execute\":\"guest-ping\"}\n");
	host_says("\xff{\"execute\":\"guest-sync-delimited\",\"arguments\":"
		  "{\"id\":1}}\n");
	/* What is Ebb's comes after both. */
	host_says("{\"execute\":\"ebb-facts\"}\n");
	assert_true(says_soon("total-bytes"));
	assert_null(strstr(got, "return\": {}"));
	assert_null(strstr(got, "\xff"));
	assert_true(is_served());
	/* Its end does not wait for it. */
	pid = qga_pid();
	assert_true(pid > 0 && kill(pid, 0) == 0);
	ebb_stock_free(stock);
	stock = NULL;
	assert_int_equal(kill(pid, 0), -1);
}

/* The port is closed until there is one again. */
static void one_that_dies_takes_the_port_along(void **state)
{
	pid_t pid;

	(void)state;
	wait_served(true);
	pid = qga_pid();
	host_says("{\"execute\":\"fake-die\"}\n");
	wait_served(false);
	wait_served(true);
	assert_int_not_equal(qga_pid(), pid);
	host_says("{\"execute\":\"guest-ping\"}\n");
	assert_true(says_soon("fake"));
}

static void a_long_answer_comes_whole(void **state)
{
	size_t bytes = 0;

	(void)state;
	wait_served(true);
	host_says("{\"execute\":\"fake-big\"}\n");
	for (int i = 0; i < 100000 && got_bytes < BIG_BYTES + 15; i++)
		turn();
	assert_int_equal(got_bytes, BIG_BYTES + 15);
	for (size_t i = 0; i < got_bytes; i++)
		bytes += got[i] == 'x';
	assert_int_equal(bytes, BIG_BYTES);
	assert_true(got[got_bytes - 1] == '\n');
}

/* Both write to one port: an answer of ours waits for the end of qemu-ga's line. */
static void no_answer_lands_in_another(void **state)
{
	const char *end;

	(void)state;
	wait_served(true);
	host_says("{\"execute\":\"fake-big\"}\n");
	for (int i = 0; i < 100000 && got_bytes < BIG_BYTES / 20; i++)
		turn();
	assert_in_range(got_bytes, BIG_BYTES / 20, BIG_BYTES);
	host_says("{\"execute\":\"ebb-facts\"}\n");
	for (int i = 0; i < 100000 && got_bytes < BIG_BYTES + 15; i++)
		turn();
	assert_true(says_soon("total-bytes"));
	end = memchr(got, '\n', got_bytes);
	assert_int_equal(end - got, BIG_BYTES + 14);
	assert_true(strstr(got, "total-bytes") > end);
}

/* A file's content is longer than any command of Ebb's. */
static void a_long_request_comes_whole(void **state)
{
	size_t bytes = (size_t)1 << 20, done = 0;
	char *text = malloc(bytes);

	(void)state;
	wait_served(true);
	memset(text, 'y', bytes);
	memcpy(text, "{\"a\":\"", 6);
	memcpy(text + bytes - 2, "\"}", 2);
	while (done < bytes) {
		ssize_t sent = write(host, text + done, bytes - done);

		if (sent > 0)
			done += (size_t)sent;
		else
			turn();
	}
	assert_true(says_soon("fake"));
	free(text);
}

/* It is nothing of the agent's but its child. */
static void it_has_no_socket_of_systemds(void **state)
{
	char path[256], text[64] = "";
	FILE *file;

	(void)state;
	wait_served(true);
	snprintf(path, sizeof(path), "%s/qga.sock.pid", dir);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	assert_null(strstr(text, "notify"));
}

static int set_up_alone(void **state)
{
	int r;

	strcat(program, ".none");
	r = set_up(state);
	return r;
}

static int tear_down_alone(void **state)
{
	program[strlen(program) - strlen(".none")] = '\0';
	return tear_down(state);
}

static void without_qemu_ga_ebb_is_served(void **state)
{
	(void)state;
	wait_served(true);
	host_says("{\"execute\":\"guest-ping\",\"id\":5}\n");
	assert_true(says_soon("\"id\":5"));
	host_says("{\"execute\":\"ebb-facts\"}\n");
	assert_true(says_soon("total-bytes"));
	host_says("{\"execute\":\"guest-exec\"}\n");
	assert_true(says_soon("CommandNotFound"));
}

#define STOCK_TEST(name) \
	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STOCK_TEST(each_agent_answers_its_own),
		STOCK_TEST(a_request_needs_no_line),
		STOCK_TEST(one_that_hangs_answers_nothing),
		STOCK_TEST(one_that_dies_takes_the_port_along),
		STOCK_TEST(a_long_answer_comes_whole),
		STOCK_TEST(no_answer_lands_in_another),
		STOCK_TEST(a_long_request_comes_whole),
		STOCK_TEST(it_has_no_socket_of_systemds),
		cmocka_unit_test_setup_teardown(without_qemu_ga_ebb_is_served,
						set_up_alone, tear_down_alone),
	};
	ssize_t bytes = readlink("/proc/self/exe", program, 240);
	int failed;

	if (strcmp(argv[0], "qemu-ga") == 0)
		return be_qga(argc, argv);
	if (bytes < 0 || !mkdtemp(dir))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(program, sizeof(program), "rm -rf %s", dir);
	return system(program) == 0 ? failed : 1;
}
