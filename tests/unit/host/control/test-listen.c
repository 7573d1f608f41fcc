/* SPDX-License-Identifier: GPL-2.0-only */
/* The control socket as a file, and who may knock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/control/listen.h"

enum {
	/* Nobody's, here. */
	ACTING_GID = 54321,
	READING_GID,
	OTHER_GID,
	OTHER_UID = 54320,
};

static char dir[] = "test-listen.XXXXXX";

static enum ebb_access access_of(int fd, struct ebb_access_groups groups)
{
	return ebb_listen_peer_access(fd, &groups, NULL);
}

static void test_stale_socket_is_replaced(void **state)
{
	struct ebb_listen dead, alive;
	char stale[80];

	(void)state;
	snprintf(stale, sizeof(stale), "%s/stale", dir);
	assert_int_equal(ebb_listen_open(stale, &EBB_ACCESS_ROOT_ONLY, &dead),
			 0);
	close(dead.fd); /* as a daemon that was killed: the file stays */
	assert_int_equal(ebb_listen_open(stale, &EBB_ACCESS_ROOT_ONLY, &alive),
			 0);
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
	assert_int_equal(ebb_listen_open(file, &EBB_ACCESS_ROOT_ONLY,
					 &listener),
			 -ENOTSOCK);
	assert_int_equal(unlink(file), 0);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(ebb_listen_open(longer, &EBB_ACCESS_ROOT_ONLY,
					 &listener),
			 -ENAMETOOLONG);
}

/* The other end of a socket pair is this process: its user may always ask. */
static void test_peer_is_this_user(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(access_of(fds[0], EBB_ACCESS_ROOT_ONLY),
			 EBB_ACCESS_ACT);
	close(fds[0]);
	assert_int_equal(access_of(fds[1], EBB_ACCESS_ROOT_ONLY),
			 EBB_ACCESS_ACT);
	close(fds[1]);
	assert_int_equal(socket(AF_INET, SOCK_DGRAM, 0), fds[0]);
	assert_int_equal(access_of(fds[0], EBB_ACCESS_ROOT_ONLY),
			 EBB_ACCESS_NONE);
	close(fds[0]);
}

/* A process of another user, in these groups, that connects. Exits with errno. */
static pid_t connect_as(const char *path, gid_t own, gid_t supplementary)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	pid_t pid = fork();
	char byte;
	int fd;

	if (pid != 0)
		return pid;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (setgroups(1, &supplementary) < 0 || setresgid(own, own, own) < 0 ||
	    setresuid(OTHER_UID, OTHER_UID, OTHER_UID) < 0 || fd < 0)
		_exit(255);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		_exit(errno);
	/* Until the other end has seen enough. */
	_exit(read(fd, &byte, 1) == 0 ? 0 : 254);
}

/* What the listener takes such a process for; its errno if it could not connect. */
static enum ebb_access access_as(const struct ebb_listen *listener,
				 const struct ebb_access_groups *groups,
				 gid_t own, gid_t supplementary, int *ret_errno)
{
	pid_t pid = connect_as(listener->path, own, supplementary);
	enum ebb_access access = EBB_ACCESS_NONE;
	struct pollfd poll_fd = { .fd = listener->fd, .events = POLLIN };
	int status, fd = -1;

	assert_true(pid > 0);
	/* One that is refused never comes. */
	for (int i = 0; fd < 0 && waitpid(pid, &status, WNOHANG) == 0; i++) {
		assert_true(i < 1000);
		if (poll(&poll_fd, 1, 10) > 0)
			fd = accept(listener->fd, NULL, NULL);
	}
	if (fd >= 0) {
		access = ebb_listen_peer_access(fd, groups, NULL);
		close(fd);
		assert_int_equal(waitpid(pid, &status, 0), pid);
	}
	assert_true(WIFEXITED(status));
	*ret_errno = WEXITSTATUS(status);
	return access;
}

/* By the file and by the kernel's word, whatever group a process has it from. */
static void test_groups_act_or_read(void **state)
{
	static const struct {
		gid_t own, supplementary;
		enum ebb_access access;
	} rows[] = {
		{ ACTING_GID, OTHER_GID, EBB_ACCESS_ACT },
		{ OTHER_GID, ACTING_GID, EBB_ACCESS_ACT },
		{ READING_GID, OTHER_GID, EBB_ACCESS_READ },
		{ OTHER_GID, READING_GID, EBB_ACCESS_READ },
		{ READING_GID, ACTING_GID, EBB_ACCESS_ACT },
		{ OTHER_GID, OTHER_GID, EBB_ACCESS_NONE },
	};
	const struct ebb_access_groups groups = { .act = ACTING_GID,
						  .read = READING_GID };
	struct ebb_listen listener;
	struct stat stat;
	char path[80];
	int error;

	(void)state;
	if (geteuid() != 0)
		skip();
	snprintf(path, sizeof(path), "%s/groups", dir);
	assert_int_equal(ebb_listen_open(path, &groups, &listener), 0);
	assert_int_equal(lstat(path, &stat), 0);
	assert_int_equal(stat.st_mode & 07777, 0660);
	assert_int_equal(stat.st_gid, ACTING_GID);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum ebb_access access =
			access_as(&listener, &groups, rows[i].own,
				  rows[i].supplementary, &error);

		/* A file system without lists keeps readers out. */
		if (rows[i].access == EBB_ACCESS_READ &&
		    listener.read_error == -EOPNOTSUPP)
			continue;
		assert_int_equal(access, rows[i].access);
		assert_int_equal(error, access == EBB_ACCESS_NONE ? EACCES : 0);
	}
	ebb_listen_close(&listener);
}

/* Without a group that acts, the file is the readers'. */
static void test_readers_alone(void **state)
{
	const struct ebb_access_groups groups = { .act = (gid_t)-1,
						  .read = READING_GID };
	struct ebb_listen listener;
	char path[80];
	int error;

	(void)state;
	if (geteuid() != 0)
		skip();
	snprintf(path, sizeof(path), "%s/readers", dir);
	assert_int_equal(ebb_listen_open(path, &groups, &listener), 0);
	assert_int_equal(listener.read_error, 0);
	assert_int_equal(access_as(&listener, &groups, OTHER_GID, READING_GID,
				   &error),
			 EBB_ACCESS_READ);
	assert_int_equal(access_as(&listener, &groups, OTHER_GID, ACTING_GID,
				   &error),
			 EBB_ACCESS_NONE);
	assert_int_equal(error, EACCES);
	ebb_listen_close(&listener);
}

static int make_dir(void **state)
{
	(void)state;
	/* Others may come as far as the socket. */
	return mkdtemp(dir) && chmod(dir, 0755) == 0 ? 0 : -1;
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
		cmocka_unit_test(test_groups_act_or_read),
		cmocka_unit_test(test_readers_alone),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
