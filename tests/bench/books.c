/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * books [--every MS] [--settle MS] FILE...: the host's books over time.
 *
 * Prints "MICROSECONDS BYTES", since 1970 and of st_blocks of all files, at
 * once, whenever they have changed, and each second. Goes on until it is ended,
 * or, with --settle, until they have not moved for so long.
 *
 * The files are opened, so that those behind /proc/PID/fd outlive their owner.
 */
#include <config.h>

#include <err.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	FILES_MAX = 64,
	LINE_US = 1000000,
	/* A guest that does nothing touches a page now and then. */
	MOVED_BYTES = 4 << 20,
};

struct books {
	int fds[FILES_MAX];
	int files;
	long every_ms;
	long settle_ms;
	int64_t printed_us;
	int64_t printed_bytes;
	int64_t moved_us;
	int64_t moved_bytes;
};

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t resident(const struct books *books)
{
	int64_t bytes = 0;

	for (int i = 0; i < books->files; i++) {
		struct stat status;

		if (fstat(books->fds[i], &status) < 0)
			err(1, "fstat");
		bytes += (int64_t)status.st_blocks * 512;
	}
	return bytes;
}

static void look(struct books *books)
{
	int64_t bytes = resident(books);
	int64_t us = now_us();

	if (bytes != books->printed_bytes ||
	    us - books->printed_us >= LINE_US) {
		printf("%lld %lld\n", (long long)us, (long long)bytes);
		fflush(stdout);
		books->printed_us = us;
		books->printed_bytes = bytes;
	}
	if (llabs(bytes - books->moved_bytes) >= MOVED_BYTES) {
		books->moved_us = us;
		books->moved_bytes = bytes;
	}
}

static int settled(const struct books *books)
{
	return books->settle_ms &&
	       now_us() - books->moved_us >= books->settle_ms * 1000;
}

static void parse(struct books *books, int argc, char **argv)
{
	static const struct option options[] = {
		{ "every", required_argument, NULL, 'e' },
		{ "settle", required_argument, NULL, 's' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'e')
			books->every_ms = strtol(optarg, NULL, 0);
		else if (option == 's')
			books->settle_ms = strtol(optarg, NULL, 0);
		else
			exit(1);
	}
	books->files = argc - optind;
	if (books->files < 1 || books->files > FILES_MAX || books->every_ms < 1)
		errx(1, "usage: books [--every MS] [--settle MS] FILE...");
	for (int i = 0; i < books->files; i++) {
		books->fds[i] = open(argv[optind + i], O_RDONLY | O_CLOEXEC);
		if (books->fds[i] < 0)
			err(1, "%s", argv[optind + i]);
	}
}

int main(int argc, char **argv)
{
	static struct books books = { .every_ms = 1, .printed_bytes = -1 };
	struct timespec pause;

	parse(&books, argc, argv);
	pause.tv_sec = books.every_ms / 1000;
	pause.tv_nsec = books.every_ms % 1000 * 1000000;
	books.moved_us = now_us();
	for (;;) {
		look(&books);
		if (settled(&books))
			return 0;
		nanosleep(&pause, NULL);
	}
}
