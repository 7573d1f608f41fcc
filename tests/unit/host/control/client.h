/* SPDX-License-Identifier: GPL-2.0-only */
/* A client of the control socket, in the thread that turns the loop. */
#ifndef EBB_TESTS_UNIT_CLIENT_H
#define EBB_TESTS_UNIT_CLIENT_H

enum {
	CLIENT_TURNS_MAX = 2000 /* of the loop, each 5 ms at most */
};

/* Connects, and fails the test if it cannot. */
int client_connect(const char *path);

void client_send(int fd, const char *text);

/* The next line, turning the loop meanwhile. "" at the end of the stream. */
const char *client_line(int fd);

#endif /* EBB_TESTS_UNIT_CLIENT_H */
