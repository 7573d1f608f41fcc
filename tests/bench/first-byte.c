/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * first-byte FILE COMMAND [ARGUMENT]...
 * first-byte --need LIMIT BYTES CGROUP CACHE FILE
 *
 * How long until the first byte of FILE, the memory of a guest, is the host's again,
 * by the host's own books (st_blocks).
 *
 * In the first form from the start of COMMAND, which is to bring that about. In the
 * second from the host's first sign of need, by a trigger of /proc/pressure/memory that
 * is the same as ebbd's (host/budget/watch.h). The kernel gives such a sign once in the
 * trigger's window at most. So the process joins CGROUP, whose limit is less than CACHE
 * is long, and reads CACHE on and on, until there was a sign; and just before the next
 * one is due it writes BYTES to LIMIT, the file with the limit of the guest, which is
 * in need from then on.
 *
 * Prints "SIGN US": the sign by CLOCK_MONOTONIC in microseconds, and how long after it
 * the byte came; below 0 if it came before, as ebbd saw the need by a look of its own.
 * Exits with 1 if nothing came in time.
 */
#include <config.h>

#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/clock.h"

enum {
	LIMIT_US = 120 * 1000 * 1000,
	POLL_US = 100,
	/* The need begins so long before the sign is due. */
	BEFORE_US = 25 * 1000,
	/* Faults that race with each other make the books shrink by a page or two. */
	BLOCKS_MIN = 2048,
};

struct watched {
	int file;
	int trigger;
	blkcnt_t most;
	int64_t sign_us; /* 0: none yet */
	int64_t byte_us; /* likewise */
};

/* The books grow while the guest works; the first time that they shrink is it. */
static void look(struct watched *watched)
{
	struct pollfd poll_fd = { .fd = watched->trigger, .events = POLLPRI };
	struct stat info;

	if (watched->sign_us == 0 && watched->trigger >= 0 &&
	    poll(&poll_fd, 1, 0) > 0)
		watched->sign_us = now_us();
	if (fstat(watched->file, &info) < 0)
		err(1, "fstat");
	if (info.st_blocks > watched->most)
		watched->most = info.st_blocks;
	else if (watched->most - info.st_blocks >= BLOCKS_MIN &&
		 watched->byte_us == 0)
		watched->byte_us = now_us();
}

static void begin(struct watched *watched, const char *path)
{
	*watched = (struct watched){ .trigger = -1 };
	watched->file = open(path, O_RDONLY | O_CLOEXEC);
	if (watched->file < 0)
		err(1, "%s", path);
	look(watched);
}

static int tell(const struct watched *watched)
{
	if (watched->sign_us == 0 || watched->byte_us == 0) {
		warnx("no %s came",
		      watched->sign_us == 0 ? "sign of need" : "byte");
		return 1;
	}
	printf("%" PRId64 " %" PRId64 "\n", watched->sign_us,
	       watched->byte_us - watched->sign_us);
	return 0;
}

/* ---- a command ---- */

static int run(const char *path, char **command)
{
	struct watched watched;
	int status, r;
	pid_t pid;

	begin(&watched, path);
	watched.sign_us = now_us();
	r = posix_spawn(&pid, command[0], NULL, NULL, command, environ);
	if (r)
		errx(1, "%s: %s", command[0], strerror(r));
	while (watched.byte_us == 0 && now_us() - watched.sign_us < LIMIT_US) {
		look(&watched);
		usleep(POLL_US);
	}
	if (waitpid(pid, &status, 0) < 0)
		err(1, "waitpid");
	return tell(&watched);
}

/* ---- need ---- */

static void write_number(const char *path, const char *number)
{
	FILE *file = fopen(path, "we");

	if (!file || fputs(number, file) < 0 || fclose(file))
		err(1, "%s", path);
}

static void join(const char *cgroup)
{
	char path[4096], pid[16];

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	write_number(path, pid);
}

/* Without CAP_SYS_RESOURCE there is only the slow one. */
static int open_trigger(int64_t *ret_window_us)
{
	static const char fast[] = "some 10000 500000";
	static const char slow[] = "some 40000 2000000";
	int fd = open("/proc/pressure/memory", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	*ret_window_us = 500 * 1000;
	if (fd >= 0 && write(fd, fast, sizeof(fast)) > 0)
		return fd;
	*ret_window_us = 2000 * 1000;
	if (fd < 0 || write(fd, slow, sizeof(slow)) < 0)
		err(1, "/proc/pressure/memory");
	return fd;
}

/* Reads on from where it was: at the limit the kernel must reclaim for it. */
static void thrash(int cache)
{
	static char buffer[64 * 1024];

	if (read(cache, buffer, sizeof(buffer)) < (ssize_t)sizeof(buffer))
		lseek(cache, 0, SEEK_SET);
}

static void await_sign(struct watched *watched, int cache, int64_t end_us)
{
	while (watched->sign_us == 0) {
		if (now_us() > end_us)
			errx(1, "no sign of need came");
		thrash(cache);
		look(watched);
	}
}

static int need(char **argv)
{
	const char *limit = argv[0], *bytes = argv[1], *cgroup = argv[2];
	int64_t window_us, due_us, end_us = now_us() + LIMIT_US;
	struct watched watched;
	int cache;

	cache = open(argv[3], O_RDONLY | O_CLOEXEC);
	if (cache < 0 || posix_fadvise(cache, 0, 0, POSIX_FADV_DONTNEED) != 0)
		err(1, "%s", argv[3]);
	begin(&watched, argv[4]);
	watched.trigger = open_trigger(&window_us);
	join(cgroup);
	await_sign(&watched, cache, end_us);
	due_us = watched.sign_us + window_us - BEFORE_US;
	while (now_us() < due_us)
		thrash(cache);
	watched.sign_us = watched.byte_us = 0;
	write_number(limit, bytes);
	await_sign(&watched, cache, end_us);
	while (watched.byte_us == 0 && now_us() < end_us) {
		usleep(POLL_US);
		look(&watched);
	}
	return tell(&watched);
}

int main(int argc, char **argv)
{
	if (argc == 7 && strcmp(argv[1], "--need") == 0)
		return need(argv + 2);
	if (argc < 3 || strncmp(argv[1], "--", 2) == 0)
		errx(1, "usage: first-byte FILE COMMAND [ARGUMENT]... or "
			"first-byte --need LIMIT BYTES CGROUP CACHE FILE");
	return run(argv[1], argv + 2);
}
