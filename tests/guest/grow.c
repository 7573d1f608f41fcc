/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * grow MIB: what a guest that needs memory does, at once. Allocates and touches
 * so much and prints the microseconds that it took; is killed if there is none.
 */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "tests/clock.h"

enum {
	PAGE_BYTES = 4096
};

int main(int argc, char **argv)
{
	volatile char *memory;
	int64_t start;
	size_t bytes;

	if (argc != 2)
		errx(1, "usage: grow MIB");
	bytes = strtoull(argv[1], NULL, 0) << 20;
	start = now_us();
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		err(1, "mmap");
	for (size_t at = 0; at < bytes; at += PAGE_BYTES) {
		if (memory[at] != 0)
			errx(2, "WRONG: a new page is not zero");
		memory[at] = 1;
	}
	for (size_t at = 0; at < bytes; at += PAGE_BYTES) {
		if (memory[at] != 1)
			errx(2, "WRONG: a page was lost");
	}
	printf("%lld\n", (long long)(now_us() - start));
	return 0;
}
