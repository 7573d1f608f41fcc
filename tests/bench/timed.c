/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * timed FILE COMMAND [ARGUMENT]...
 *
 * Runs COMMAND and writes the microseconds from its start to its end to FILE; its
 * exit status is the command's, or 127 with a text where it cannot be run.
 *
 * A shell as long as scripts/bench takes longer to fork than some reclaims take:
 * that is no cost of the command.
 */
#include <config.h>

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/clock.h"

int main(int argc, char **argv)
{
	int64_t start_us, us;
	int status, r;
	FILE *file;
	pid_t pid;

	if (argc < 3)
		errx(127, "usage: timed FILE COMMAND [ARGUMENT]...");
	file = fopen(argv[1], "we");
	if (!file)
		err(127, "%s", argv[1]);
	start_us = now_us();
	r = posix_spawn(&pid, argv[2], NULL, NULL, argv + 2, environ);
	if (r)
		errx(127, "%s: %s", argv[2], strerror(r));
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			err(127, "waitpid");
	}
	us = now_us() - start_us;
	if (fprintf(file, "%" PRId64 "\n", us) < 0 || fclose(file))
		err(127, "%s", argv[1]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
