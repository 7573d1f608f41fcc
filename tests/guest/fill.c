/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fill [--hold] [--every BYTES] MIB: populates memory.
 *
 * Without --hold the memory is free again when fill has ended. With it, fill
 * returns when all is populated and leaves a process that holds it; its pid is
 * printed, and its end frees the memory. --every then keeps only one page of
 * each so many bytes, by chance which: the guest is left in fragments, between
 * pages that can be moved. A pattern without chance is found by nobody: where
 * all that is free has odd numbers, the kernel's compaction sees none of it, as
 * it looks at each second page, then at each fourth (isolate_freepages()).
 */
#include <err.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "hold.h"

enum {
	PAGE_BYTES = 4096
};

struct amount {
	size_t bytes;
	size_t every;
};

/* Frees [@memory, @memory + @every) but for one page. */
static void keep_one(char *memory, size_t every)
{
	char *kept =
		memory + (size_t)rand() % (every / PAGE_BYTES) * PAGE_BYTES;
	char *after = kept + PAGE_BYTES;
	char *end = memory + every;

	if (kept > memory &&
	    madvise(memory, (size_t)(kept - memory), MADV_DONTNEED) < 0)
		err(1, "madvise");
	if (end > after &&
	    madvise(after, (size_t)(end - after), MADV_DONTNEED) < 0)
		err(1, "madvise");
}

static void populate(const void *what)
{
	const struct amount *amount = what;
	size_t every = amount->every;
	char *memory = mmap(NULL, amount->bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		err(1, "mmap");
	/* A part of a huge page would not be free before that is split. */
	if (every && madvise(memory, amount->bytes, MADV_NOHUGEPAGE) < 0)
		err(1, "madvise");
	memset(memory, 0xeb, amount->bytes);
	if (!every)
		return;
	for (size_t at = 0; at + every <= amount->bytes; at += every)
		keep_one(memory + at, every);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "hold", no_argument, NULL, 'h' },
		{ "every", required_argument, NULL, 'e' },
		{ 0 },
	};
	struct amount amount = { 0 };
	bool keep = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'h')
			keep = true;
		else if (option == 'e')
			amount.every = strtoull(optarg, NULL, 0);
		else
			return 1;
	}
	if (optind + 1 != argc || amount.every % PAGE_BYTES != 0)
		errx(1, "usage: fill [--hold] [--every BYTES] MIB");
	amount.bytes = strtoull(argv[optind], NULL, 0) << 20;
	if (keep)
		hold(populate, &amount);
	else
		populate(&amount);
	return 0;
}
