/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * quanta triad|loop|pages SECONDS: what a program in the guest feels of what is done
 * to the guest. A quantum of work is always the same: with triad so many of
 * a[i] = b[i] + s * c[i], as STREAM's, on and on through more memory than caches
 * hold; with loop arithmetic in registers; with pages 8 MiB that come from the
 * kernel and go back to it, page by page.
 *
 * Prints "MEAN P1 COUNT": quanta a second over all the time; the speed that 99
 * of 100 quanta had at least; how many there were.
 */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/clock.h"

enum {
	QUANTA_MAX = 1 << 20,
	TRIAD_WORDS = 1 << 21, /* three arrays of 16 MiB */
	TRIAD_STEPS = 1 << 16,
	LOOP_ROUNDS = 1 << 19,
	PAGES_BYTES = 8 << 20,
	PAGE_BYTES = 4096,
};

static double *a, *b, *c;

static double *array(double value)
{
	double *words = malloc(TRIAD_WORDS * sizeof(*words));

	if (!words)
		err(1, NULL);
	for (int i = 0; i < TRIAD_WORDS; i++)
		words[i] = value;
	return words;
}

static void triad(void)
{
	static volatile double scale = 3.3;
	static int at;
	double s = scale;

	for (int i = at; i < at + TRIAD_STEPS; i++)
		a[i] = b[i] + s * c[i];
	/* Or else nobody would need the sums. */
	__asm__ volatile("" : : "r"(a) : "memory");
	at = (at + TRIAD_STEPS) % TRIAD_WORDS;
}

static void loop(void)
{
	static volatile uint64_t result;
	uint64_t value = result + 1;

	for (int i = 0; i < LOOP_ROUNDS; i++) {
		value ^= value << 13;
		value ^= value >> 7;
		value ^= value << 17;
	}
	result = value;
}

static void pages(void)
{
	char *at = mmap(NULL, PAGES_BYTES, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED || madvise(at, PAGES_BYTES, MADV_NOHUGEPAGE))
		err(1, "8 MiB");
	for (int i = 0; i < PAGES_BYTES; i += PAGE_BYTES)
		*(volatile char *)(at + i) = 1;
	munmap(at, PAGES_BYTES);
}

static int by_value(const void *left, const void *right)
{
	uint32_t l = *(const uint32_t *)left;
	uint32_t r = *(const uint32_t *)right;

	return l < r ? -1 : l > r;
}

int main(int argc, char **argv)
{
	static uint32_t quanta_us[QUANTA_MAX];
	void (*quantum)(void) = loop;
	int64_t start, end, at;
	size_t count = 0;

	if (argc != 3 ||
	    (strcmp(argv[1], "triad") != 0 && strcmp(argv[1], "loop") != 0 &&
	     strcmp(argv[1], "pages") != 0))
		errx(1, "usage: quanta triad|loop|pages SECONDS");
	if (argv[1][0] == 'p')
		quantum = pages;
	if (argv[1][0] == 't') {
		a = array(0.0);
		/*
		 * Sums that are not exact: an emulator is slow until it has
		 * seen one, and when that was would be chance.
		 */
		b = array(1.1);
		c = array(2.7);
		quantum = triad;
	}
	/* Once before: where guests are emulated, it is of translating code. */
	quantum();
	start = at = now_us();
	end = start + (int64_t)(atof(argv[2]) * 1e6);
	while (at < end && count < QUANTA_MAX) {
		int64_t before = at;

		quantum();
		at = now_us();
		quanta_us[count++] = (uint32_t)(at - before);
	}
	qsort(quanta_us, count, sizeof(*quanta_us), by_value);
	printf("%.3f %.3f %zu\n", (double)count * 1e6 / (double)(at - start),
	       1e6 / (double)(quanta_us[(count - 1) * 99 / 100] + 1), count);
	return 0;
}
