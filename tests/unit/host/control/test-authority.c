/* SPDX-License-Identifier: GPL-2.0-only */
/* A bus that polkit cannot be asked by: which fault it is. A real bus is in polkit.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "host/base/loop.h"
#include "host/control/authority.h"

static char dir[] = "test-authority.XXXXXX";
static char path[64];
static int peers[2]; /* a connection, whose peer is this process */

static struct {
	bool ended;
	enum ebb_authority_answer answer;
} question;

/* It waits as long as a test may. */
int __real_ebb_loop_timer_named(int period_ms, ebb_loop_timer_fn fn,
				void *opaque, const char *name);
int __wrap_ebb_loop_timer_named(int period_ms, ebb_loop_timer_fn fn,
				void *opaque, const char *name);
int __wrap_ebb_loop_timer_named(int period_ms, ebb_loop_timer_fn fn,
				void *opaque, const char *name)
{
	assert_int_equal(period_ms, EBB_AUTHORITY_WAIT_MS);
	return __real_ebb_loop_timer_named(50, fn, opaque, name);
}

static void on_answer(enum ebb_authority_answer answer, void *opaque)
{
	assert_ptr_equal(opaque, &question);
	assert_false(question.ended);
	question.ended = true;
	question.answer = answer;
}

static void set_bus(const char *address)
{
	assert_int_equal(setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1), 0);
}

static void set_bus_path(void)
{
	char address[128];

	snprintf(address, sizeof(address), "unix:path=%s", path);
	set_bus(address);
}

/* A socket at @path that takes connections. */
static int listen_there(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	memcpy(address.sun_path, path, sizeof(path));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)),
			 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static struct ebb_authority *ask(enum ebb_authority_answer *ret_answer)
{
	question.ended = false;
	return ebb_authority_ask(peers[0], on_answer, &question, ret_answer);
}

static void check_not_asked(enum ebb_authority_answer expected)
{
	enum ebb_authority_answer answer;

	assert_null(ask(&answer));
	assert_int_equal(answer, expected);
	assert_non_null(ebb_authority_fault(answer));
}

static void test_odd_address(void **state)
{
	static const char *const odd[] = { "", "unix:abstract=/ebb",
					   "tcp:host=localhost,port=1",
					   "/run/dbus/system_bus_socket" };
	char longer[256] = "unix:path=/";

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(odd); i++) {
		set_bus(odd[i]);
		check_not_asked(EBB_AUTHORITY_ODD_BUS);
	}
	memset(longer + strlen(longer), 'x', 200);
	set_bus(longer);
	check_not_asked(EBB_AUTHORITY_ODD_BUS);
}

static void test_no_bus(void **state)
{
	int fd;

	(void)state;
	set_bus_path();
	check_not_asked(EBB_AUTHORITY_NO_BUS);
	/* One that is gone has left its socket. */
	fd = listen_there();
	close(fd);
	check_not_asked(EBB_AUTHORITY_NO_BUS);
	assert_int_equal(unlink(path), 0);
}

static void test_bus_is_silent(void **state)
{
	int fd = listen_there();
	enum ebb_authority_answer answer;

	(void)state;
	set_bus_path();
	assert_non_null(ask(&answer));
	while (!question.ended)
		assert_int_equal(ebb_loop_turn(), 0);
	assert_int_equal(question.answer, EBB_AUTHORITY_SILENT);
	close(fd);
	assert_int_equal(unlink(path), 0);
}

static void test_cancelled(void **state)
{
	int fd = listen_there();
	enum ebb_authority_answer answer;

	(void)state;
	set_bus_path();
	ebb_authority_cancel(ask(&answer));
	assert_false(question.ended);
	close(fd);
	assert_int_equal(unlink(path), 0);
}

/* Each answer but polkit's own has a remedy. */
static void test_faults(void **state)
{
	(void)state;
	assert_null(ebb_authority_fault(EBB_AUTHORITY_NO));
	assert_null(ebb_authority_fault(EBB_AUTHORITY_YES));
	for (int i = EBB_AUTHORITY_ODD_BUS; i <= EBB_AUTHORITY_FAILED; i++)
		assert_non_null(strchr(
			ebb_authority_fault((enum ebb_authority_answer)i),
			':'));
}

static int start(void **state)
{
	(void)state;
	if (!mkdtemp(dir) || ebb_loop_init() < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/bus", dir);
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, peers);
}

static int stop(void **state)
{
	(void)state;
	close(peers[0]);
	close(peers[1]);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_odd_address),
		cmocka_unit_test(test_no_bus),
		cmocka_unit_test(test_bus_is_silent),
		cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_faults),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
