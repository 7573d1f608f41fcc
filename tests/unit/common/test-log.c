/* SPDX-License-Identifier: GPL-2.0-only */
/* Lines of the log with fields, as the journal gets them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/log.h"

static char path[] = "test-log.XXXXXX";
static int journal = -1;
static int lines[2] = { -1, -1 }; /* in place of stderr */
static int own_stderr = -1;

static const struct ebb_log_field fields[] = {
	{ "EBB_DOMAIN", "web1" },
	{ "EBB_UUID", NULL },
	{ "EBB_REASON", "two\nlines" },
};

static void say(void)
{
	ebb_log_fields(EBB_LOG_INFO, fields, EBB_ARRAY_SIZE(fields), "%s gave",
		       "web1");
}

static size_t receive(int fd, char *bytes, size_t room)
{
	ssize_t got = recv(fd, bytes, room, MSG_DONTWAIT);

	return got < 0 ? 0 : (size_t)got;
}

static void test_journal_gets_fields(void **state)
{
	static const char head[] = "MESSAGE=web1 gave\nPRIORITY=6\n"
				   "SYSLOG_IDENTIFIER=test\nEBB_DOMAIN=web1\n"
				   "EBB_REASON\n";
	uint64_t length = htole64(9);
	char bytes[1024];
	size_t got;

	(void)state;
	say();
	got = receive(journal, bytes, sizeof(bytes));
	assert_int_equal(got, strlen(head) + sizeof(length) + 10);
	assert_memory_equal(bytes, head, strlen(head));
	assert_memory_equal(bytes + strlen(head), &length, sizeof(length));
	assert_memory_equal(bytes + strlen(head) + sizeof(length),
			    "two\nlines\n", 10);
	/* And nothing else is said. */
	assert_int_equal(receive(lines[0], bytes, sizeof(bytes)), 0);
}

/* It is not waited for, and the line is not lost. */
static void test_journal_that_does_not_read(void **state)
{
	char bytes[1024];
	size_t got = 0;

	(void)state;
	for (int i = 0; i < 10000 && got == 0; i++) {
		say();
		got = receive(lines[0], bytes, sizeof(bytes));
	}
	assert_true(got > 0);
	bytes[got] = '\0';
	assert_string_equal(bytes, "test: web1 gave\n");
	while (receive(journal, bytes, sizeof(bytes)) > 0)
		;
}

static void test_journal_that_is_gone(void **state)
{
	char bytes[64];

	(void)state;
	close(journal);
	journal = -1;
	say();
	assert_int_equal(receive(lines[0], bytes, sizeof(bytes)), 16);
}

static void test_what_is_not_grave_is_not_said(void **state)
{
	char bytes[64];

	(void)state;
	ebb_log_fields(EBB_LOG_DEBUG, fields, 1, "no");
	assert_int_equal(receive(lines[0], bytes, sizeof(bytes)), 0);
}

static int set_up(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)state;
	strcpy(path, "test-log.XXXXXX");
	if (!mkdtemp(path))
		return -1;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", path);
	journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (bind(journal, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, lines) < 0)
		return -1;
	own_stderr = dup(STDERR_FILENO);
	dup2(lines[1], STDERR_FILENO);
	unsetenv("JOURNAL_STREAM");
	ebb_log_init("test", EBB_LOG_INFO);
	return ebb_log_open_journal(address.sun_path);
}

static int tear_down(void **state)
{
	char command[64];

	(void)state;
	dup2(own_stderr, STDERR_FILENO);
	close(own_stderr);
	close(lines[0]);
	close(lines[1]);
	close(journal);
	snprintf(command, sizeof(command), "rm -r ./%s", path);
	return system(command);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_journal_gets_fields),
		TEST(test_journal_that_does_not_read),
		TEST(test_journal_that_is_gone),
		TEST(test_what_is_not_grave_is_not_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
