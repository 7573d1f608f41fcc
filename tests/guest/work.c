/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * work --cache MIB [--file PATH]|--anon MIB [--write] --report FILE: a load whose
 * speed shows whether its working set has room.
 *
 * Pages of the working set are read and checked in a random order for ever,
 * through the page cache of a file that begins as the disk does, or of the disk
 * itself, or in memory of its own, which --write then writes to, too. The kernel
 * takes a bare disk's pages from blocks that it does not compact. Random, as a round would miss each page once the set
 * is a little too large. A quantum is of a fixed number of pages; each second FILE
 * gets "BYTES/S BYTES MICROSECONDS": of the second, and both since the set was
 * read in.
 */
#include <err.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "disk.h"
#include "tests/clock.h"

enum {
	PAGE_BYTES = 4096,
	QUANTUM_PAGES = 256,
	REPORT_US = 1000000,
};

struct work {
	const char *path;
	int disk; /* -1: in memory of its own */
	unsigned char *memory;
	bool writes;
	uint64_t pages;
	uint64_t random;
	uint64_t bytes;
	const char *report;
	int64_t started_us;
	int64_t reported_us;
	uint64_t reported_bytes;
};

/* xorshift64 */
static uint64_t next_random(struct work *work)
{
	work->random ^= work->random << 13;
	work->random ^= work->random >> 7;
	work->random ^= work->random << 17;
	return work->random;
}

static void look_at(struct work *work, uint64_t page)
{
	static unsigned char buffer[PAGE_BYTES];
	const unsigned char *data = work->memory + page * PAGE_BYTES;

	if (work->disk >= 0) {
		data = buffer;
		if (pread(work->disk, buffer, sizeof(buffer),
			  (off_t)(page * PAGE_BYTES)) != PAGE_BYTES)
			err(1, "%s", work->path);
	}
	if (disk_check(data, PAGE_BYTES) != PAGE_BYTES)
		errx(2, "WRONG byte in page %llu", (unsigned long long)page);
	/* What is there already, so that the page is dirty and right. */
	if (work->writes)
		memcpy(work->memory + page * PAGE_BYTES, DISK_WORD,
		       sizeof(DISK_WORD) - 1);
	work->bytes += PAGE_BYTES;
}

/* The figure on disk is whole at any time: written aside, then renamed. */
static void report(struct work *work)
{
	int64_t us = now_us() - work->reported_us;
	char aside[256];
	FILE *file;

	if (us < REPORT_US)
		return;
	snprintf(aside, sizeof(aside), "%s.new", work->report);
	file = fopen(aside, "w");
	if (!file)
		err(1, "%s", aside);
	fprintf(file, "%.0f %llu %lld\n",
		(double)(work->bytes - work->reported_bytes) * 1e6 / (double)us,
		(unsigned long long)work->bytes,
		(long long)(work->reported_us + us - work->started_us));
	if (fclose(file) != 0 || rename(aside, work->report) < 0)
		err(1, "%s", work->report);
	work->reported_us += us;
	work->reported_bytes = work->bytes;
}

static void prepare_cache(struct work *work)
{
	work->disk = open(work->path, O_RDONLY);
	if (work->disk < 0)
		err(1, "%s", work->path);
	/* Once in order, which is fast, then without reading ahead. */
	for (uint64_t page = 0; page < work->pages; page++)
		look_at(work, page);
	if (posix_fadvise(work->disk, 0, 0, POSIX_FADV_RANDOM) != 0)
		errx(1, "posix_fadvise");
}

static void prepare_memory(struct work *work)
{
	size_t bytes = work->pages * PAGE_BYTES;

	work->disk = -1;
	work->memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (work->memory == MAP_FAILED)
		err(1, "mmap");
	for (size_t at = 0; at < bytes; at += sizeof(DISK_WORD) - 1)
		memcpy(work->memory + at, DISK_WORD, sizeof(DISK_WORD) - 1);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "cache", required_argument, NULL, 'c' },
		{ "anon", required_argument, NULL, 'a' },
		{ "file", required_argument, NULL, 'f' },
		{ "report", required_argument, NULL, 'r' },
		{ "write", no_argument, NULL, 'w' },
		{ 0 },
	};
	static struct work work = { .path = DISK_PATH,
				    .random = 0x9e3779b97f4a7c15ull };
	int kind = 0;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'c' || option == 'a') {
			kind = option;
			work.pages = strtoull(optarg, NULL, 0) *
				     ((1 << 20) / PAGE_BYTES);
		} else if (option == 'f') {
			work.path = optarg;
		} else if (option == 'r') {
			work.report = optarg;
		} else if (option == 'w') {
			work.writes = true;
		}
	}
	if (!work.pages || !work.report || (work.writes && kind != 'a'))
		errx(1, "usage: work --cache MIB [--file PATH]|--anon MIB "
			"[--write] --report FILE");
	if (kind == 'c')
		prepare_cache(&work);
	else
		prepare_memory(&work);
	work.started_us = work.reported_us = now_us();
	work.bytes = 0;
	for (;;) {
		for (int i = 0; i < QUANTUM_PAGES; i++)
			look_at(&work, next_random(&work) % work.pages);
		report(&work);
	}
}
