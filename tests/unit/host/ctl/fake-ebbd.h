/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs the real ebbctl against an ebbd that says what a test tells it to.
 *
 * $EBBCTL names the program, ./ebbctl else. Functions fail the test.
 */
#ifndef EBB_TESTS_UNIT_FAKE_EBBD_H
#define EBB_TESTS_UNIT_FAKE_EBBD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/types.h>

#include <cmocka.h>

#include "host/interface/status.h"

enum {
	FAKE_OUTPUT_BYTES = 256 * 1024
};

/**
 * struct fake_run - one run of ebbctl
 * @out_fd, @err_fd: what it writes is read there, until fake_finish()
 * @peer: its connection, or -1
 * @request: the line that it sent
 * @out, @err, @status: after fake_finish()
 */
struct fake_run {
	pid_t pid;
	int out_fd;
	int err_fd;
	int peer;
	char request[1024];
	char out[FAKE_OUTPUT_BYTES];
	char err[FAKE_OUTPUT_BYTES];
	int status;
};

extern struct fake_run fake_run;

/* The directory of the socket, for tests that need a place. */
extern char fake_dir[];
extern int fake_listener;

/* The group's fixtures. */
int fake_set_up(void **state);
int fake_tear_down(void **state);

void fake_start(const char *const *arguments);

/* @out_fd, @err_fd: the program's; the caller sets those of fake_run. */
void fake_start_on(const char *const *arguments, int out_fd, int err_fd);

/* Its stderr is a terminal of 60 columns. */
void fake_start_on_terminal(const char *const *arguments);

/* Takes the connection and the request. */
void fake_serve(void);
void fake_answer(const char *text);

/* Waits for its end. */
void fake_finish(void);
void fake_wait_readable(int fd);

/* An answer as a line. The caller frees it. */
char *fake_encode(const struct ebb_field *fields, const void *message);

#define ARGUMENTS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* ebbctl that never asks. */
#define run_alone(...) (fake_start(ARGUMENTS(__VA_ARGS__)), fake_finish())

/* ebbctl that asks once. */
#define run_with(text, ...)                         \
	do {                                        \
		fake_start(ARGUMENTS(__VA_ARGS__)); \
		fake_serve();                       \
		fake_answer(text);                  \
		fake_finish();                      \
	} while (0)

#endif /* EBB_TESTS_UNIT_FAKE_EBBD_H */
