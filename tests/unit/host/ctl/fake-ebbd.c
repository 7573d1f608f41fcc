/* SPDX-License-Identifier: GPL-2.0-only */
#include <config.h>

#include "tests/unit/host/ctl/fake-ebbd.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum {
	WAIT_MS = 20000,
	ARGUMENTS_MAX = 12,
};

struct fake_run fake_run;
char fake_dir[] = "fake-ebbd.XXXXXX";
int fake_listener = -1;
static char path[64];

static void child_exec(const char *const *arguments, int out_fd, int err_fd)
{
	const char *program = getenv("EBBCTL");

	signal(SIGPIPE, SIG_DFL);
	/* A background job of a shell ignores it, and ebbctl would, too. */
	signal(SIGINT, SIG_DFL);
	dup2(out_fd, STDOUT_FILENO);
	dup2(err_fd, STDERR_FILENO);
	setenv("EBB_SOCKET", path, 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	execv(program ? program : "./ebbctl", (char *const *)arguments);
	_exit(127);
}

/* @out_fd and @err_fd are the child's ends; this one reads the others. */
void fake_start_on(const char *const *arguments, int out_fd, int err_fd)
{
	const char *argv[ARGUMENTS_MAX] = { "ebbctl" };

	for (int i = 0; arguments[i]; i++)
		argv[i + 1] = arguments[i];
	fake_run.peer = -1;
	fake_run.pid = fork();
	assert_true(fake_run.pid >= 0);
	if (fake_run.pid == 0)
		child_exec(argv, out_fd, err_fd);
	close(out_fd);
	close(err_fd);
}

void fake_start(const char *const *arguments)
{
	int out[2], err[2];

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	fake_run.out_fd = out[0];
	fake_run.err_fd = err[0];
	fake_start_on(arguments, out[1], err[1]);
}

void fake_wait_readable(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&poll_fd, 1, WAIT_MS), 1);
}

void fake_serve(void)
{
	size_t used = 0;

	fake_wait_readable(fake_listener);
	fake_run.peer = accept4(fake_listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fake_run.peer >= 0);
	do {
		ssize_t got;

		fake_wait_readable(fake_run.peer);
		got = recv(fake_run.peer, fake_run.request + used,
			   sizeof(fake_run.request) - 1 - used, 0);
		assert_true(got > 0);
		used += (size_t)got;
	} while (fake_run.request[used - 1] != '\n');
	fake_run.request[used - 1] = '\0';
}

void fake_answer(const char *text)
{
	size_t bytes = strlen(text);

	while (bytes) {
		ssize_t sent = send(fake_run.peer, text, bytes, MSG_NOSIGNAL);

		assert_true(sent > 0);
		text += sent;
		bytes -= (size_t)sent;
	}
}

/* A terminal's other end reads EIO once all have closed it. */
static void read_all(int fd, char *text)
{
	size_t used = 0;
	ssize_t got;

	do {
		fake_wait_readable(fd);
		got = read(fd, text + used, FAKE_OUTPUT_BYTES - 1 - used);
		if (got > 0)
			used += (size_t)got;
	} while (got > 0);
	text[used] = '\0';
	close(fd);
}

void fake_finish(void)
{
	int status;

	read_all(fake_run.out_fd, fake_run.out);
	read_all(fake_run.err_fd, fake_run.err);
	assert_int_equal(waitpid(fake_run.pid, &status, 0), fake_run.pid);
	assert_true(WIFEXITED(status));
	fake_run.status = WEXITSTATUS(status);
	if (fake_run.peer >= 0)
		close(fake_run.peer);
}

char *fake_encode(const struct ebb_field *fields, const void *message)
{
	char *line = ebb_msg_reply(ebb_msg_encode(fields, message), NULL);

	assert_non_null(line);
	return line;
}

void fake_start_on_terminal(const char *const *arguments)
{
	struct winsize size = { .ws_row = 24, .ws_col = 60 };
	int out[2], terminal, user_end;

	terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(terminal >= 0);
	assert_int_equal(grantpt(terminal) | unlockpt(terminal), 0);
	user_end = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(user_end >= 0);
	assert_int_equal(ioctl(user_end, TIOCSWINSZ, &size), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	fake_run.out_fd = out[0];
	fake_run.err_fd = terminal;
	setenv("TERM", "xterm", 1);
	fake_start_on(arguments, out[1], user_end);
}

int fake_set_up(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)state;
	if (!mkdtemp(fake_dir))
		return -1;
	unsetenv("LIBVIRT_DEFAULT_URI");
	snprintf(path, sizeof(path), "%s/ebbd.sock", fake_dir);
	strcpy(address.sun_path, path);
	fake_listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(fake_listener, (struct sockaddr *)&address, sizeof(address)) <
	    0)
		return -1;
	return listen(fake_listener, 4);
}

int fake_tear_down(void **state)
{
	(void)state;
	close(fake_listener);
	return unlink(path) | rmdir(fake_dir);
}
