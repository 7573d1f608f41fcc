/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * share-io FILE REPORT: writes a file on a shared file system and reads it back,
 * for ever, until SIGTERM.
 *
 * Each round has buffers of its own, of memory that is free again afterwards: a
 * reclaim takes it, and the next round's is memory that the guest gets back. The
 * file is opened O_DIRECT, so that who serves it reads and writes these very
 * pages. Each other round goes through the page cache, which is dropped in
 * between. REPORT has the bytes that were verified. Ends with 2 at the first
 * wrong byte.
 */
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/clock.h"

enum {
	EXIT_WRONG = 2,
	BYTES = 2 << 20,
	WORDS = BYTES / 8,
};

static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
	(void)signal_number;
	stopped = 1;
}

static uint64_t word_of(uint64_t round, uint64_t word)
{
	return (round << 32 | word) * 0xd1342543de82ef95ull;
}

static uint64_t *buffer_new(void)
{
	uint64_t *words = mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (words == MAP_FAILED)
		err(1, "mmap");
	return words;
}

static int file_open(const char *path, bool direct)
{
	int fd = open(path, O_RDWR | O_CREAT | (direct ? O_DIRECT : 0), 0600);

	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

static void write_file(const char *path, bool direct, uint64_t round)
{
	uint64_t *words = buffer_new();
	int fd = file_open(path, direct);

	for (uint64_t w = 0; w < WORDS; w++)
		words[w] = word_of(round, w);
	if (pwrite(fd, words, BYTES, 0) != BYTES || fsync(fd) < 0)
		err(1, "write of %s", path);
	/* It must come from the host again. */
	posix_fadvise(fd, 0, BYTES, POSIX_FADV_DONTNEED);
	close(fd);
	munmap(words, BYTES);
}

static void verify_file(const char *path, bool direct, uint64_t round)
{
	uint64_t *words = buffer_new();
	int fd = file_open(path, direct);

	if (pread(fd, words, BYTES, 0) != BYTES)
		err(1, "read of %s", path);
	for (uint64_t w = 0; w < WORDS; w++) {
		if (words[w] == word_of(round, w))
			continue;
		printf("share-io: WRONG byte in round %llu at %llu: expected "
		       "%016llx, found %016llx\n",
		       (unsigned long long)round, (unsigned long long)w * 8,
		       (unsigned long long)word_of(round, w),
		       (unsigned long long)words[w]);
		exit(EXIT_WRONG);
	}
	close(fd);
	munmap(words, BYTES);
}

/* Whole at any time: written aside, then renamed. */
static void report(const char *path, uint64_t rounds)
{
	char aside[256];
	FILE *file;

	snprintf(aside, sizeof(aside), "%s.new", path);
	file = fopen(aside, "w");
	if (!file)
		err(1, "%s", aside);
	fprintf(file, "%llu\n", (unsigned long long)rounds * BYTES);
	if (fclose(file) != 0 || rename(aside, path) < 0)
		err(1, "%s", path);
}

int main(int argc, char **argv)
{
	uint64_t round = 0;

	if (argc != 3)
		errx(1, "usage: share-io FILE REPORT");
	signal(SIGTERM, stop);
	while (!stopped) {
		bool direct = round % 2 == 0;
		int64_t start_us = now_us();

		write_file(argv[1], direct, round);
		verify_file(argv[1], direct, round);
		report(argv[2], ++round);
		usleep((useconds_t)(now_us() - start_us));
	}
	printf("share-io: %llu bytes verified, none wrong\n",
	       (unsigned long long)round * BYTES);
	return 0;
}
