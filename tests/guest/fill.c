/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fill [--hold] [--every BYTES] MIB: populates memory.
 *
 * Without --hold the memory is free again when fill has ended. With it, fill
 * returns when all is populated and leaves a process that holds it; its pid is
 * printed, and its end frees the memory. --every then keeps only one page of
 * each so many bytes: the guest is left in fragments.
 */
#include <err.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	PAGE_BYTES = 4096
};

static void populate(size_t bytes, size_t every)
{
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		err(1, "mmap");
	memset(memory, 0xeb, bytes);
	if (!every)
		return;
	for (size_t at = 0; at + every <= bytes; at += every) {
		if (madvise(memory + at + PAGE_BYTES, every - PAGE_BYTES,
			    MADV_DONTNEED) < 0)
			err(1, "madvise");
	}
}

/* The parent leaves when the child, which goes on, has populated. */
static void hold(size_t bytes, size_t every)
{
	int ready[2];
	char byte;
	pid_t holder;

	if (pipe(ready) < 0 || (holder = fork()) < 0)
		err(1, "fork");
	if (holder == 0) {
		close(ready[0]);
		setsid();
		populate(bytes, every);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		close(ready[1]);
		close(0);
		close(1);
		close(2);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		errx(1, "could not hold %zu bytes", bytes);
	printf("%d\n", (int)holder);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "hold", no_argument, NULL, 'h' },
		{ "every", required_argument, NULL, 'e' },
		{ 0 },
	};
	bool keep = false;
	size_t every = 0;
	size_t bytes;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'h')
			keep = true;
		else if (option == 'e')
			every = strtoull(optarg, NULL, 0);
		else
			return 1;
	}
	if (optind + 1 != argc || every % PAGE_BYTES != 0)
		errx(1, "usage: fill [--hold] [--every BYTES] MIB");
	bytes = strtoull(argv[optind], NULL, 0) << 20;
	if (keep)
		hold(bytes, every);
	else
		populate(bytes, every);
	return 0;
}
