/* SPDX-License-Identifier: GPL-2.0-only */
/* The control socket as a file, and who may knock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/control/listen.h"

static char dir[] = "test-listen.XXXXXX";

static void test_stale_socket_is_replaced(void **state)
{
	struct ebb_listen dead, alive;
	char stale[80];

	(void)state;
	snprintf(stale, sizeof(stale), "%s/stale", dir);
	assert_int_equal(ebb_listen_open(stale, (gid_t)-1, &dead), 0);
	close(dead.fd); /* as a daemon that was killed: the file stays */
	assert_int_equal(ebb_listen_open(stale, (gid_t)-1, &alive), 0);
	/* The dead one's end must not take the successor's file away. */
	dead.fd = dup(alive.fd);
	dead.ino++;
	ebb_listen_close(&dead);
	assert_int_equal(access(stale, F_OK), 0);
	ebb_listen_close(&alive);
	assert_int_equal(access(stale, F_OK), -1);
}

static void test_other_files_stay(void **state)
{
	struct ebb_listen listener;
	char file[80], longer[200];
	int fd;

	(void)state;
	snprintf(file, sizeof(file), "%s/file", dir);
	fd = open(file, O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(ebb_listen_open(file, (gid_t)-1, &listener),
			 -ENOTSOCK);
	assert_int_equal(unlink(file), 0);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(ebb_listen_open(longer, (gid_t)-1, &listener),
			 -ENAMETOOLONG);
}

/* The other end of a socket pair is this process: its user may always ask. */
static void test_peer_is_this_user(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_true(ebb_listen_peer_allowed(fds[0], (gid_t)-1));
	close(fds[0]);
	assert_true(ebb_listen_peer_allowed(fds[1], (gid_t)-1));
	close(fds[1]);
	assert_int_equal(socket(AF_INET, SOCK_DGRAM, 0), fds[0]);
	assert_false(ebb_listen_peer_allowed(fds[0], (gid_t)-1));
	close(fds[0]);
}

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stale_socket_is_replaced),
		cmocka_unit_test(test_other_files_stay),
		cmocka_unit_test(test_peer_is_this_user),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
