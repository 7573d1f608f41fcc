/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/host/control/client.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

#include "host/base/loop.h"

int client_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	strcpy(address.sun_path, path);
	assert_int_equal(
		connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

void client_send(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL),
			 (ssize_t)strlen(text));
}

const char *client_line(int fd)
{
	static char line[4096];
	size_t used = 0;

	for (int i = 0; i < CLIENT_TURNS_MAX; i++) {
		while (recv(fd, line + used, 1, MSG_DONTWAIT) == 1) {
			if (line[used++] == '\n') {
				line[used - 1] = '\0';
				return line;
			}
			assert_true(used < sizeof(line));
		}
		if (errno != EAGAIN ||
		    recv(fd, line, 1, MSG_DONTWAIT | MSG_PEEK) == 0) {
			assert_int_equal(used, 0);
			return "";
		}
		assert_int_equal(ebb_loop_turn(), 0);
	}
	fail_msg("no line came");
	return NULL;
}
