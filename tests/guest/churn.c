/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * churn: proves that no byte of a guest changes under it.
 *
 * Memory of random sizes is allocated, filled, checked, filled anew and freed
 * for ever, so that pages of the whole guest pass through the free lists while
 * the host takes free ones away. Each 64 bit word of a page depends on the
 * page's address, on a generation that is new at each fill and on the word's
 * place, so a page that was zeroed, swapped for another or is of yesterday is
 * seen, and every word is looked at before it is written again.
 *
 * Memory is bounded: never more than --bytes at once. So is time, if it is to
 * leave some to what runs beside it: of that it works --duty percent, and rests
 * after each step.
 */
#include <err.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/clock.h"

enum {
	PAGE_BYTES = 4096,
	PAGE_WORDS = PAGE_BYTES / sizeof(uint64_t),
	CHUNK_COUNT = 256,
	/* Chunks are of 1 to 2^15 pages: 4 KiB to 128 MiB. */
	CHUNK_ORDER_MAX = 15,
	EXIT_WRONG = 2,
	US_PER_S = 1000000,
};

struct chunk {
	uint64_t *words;
	size_t pages;
	uint64_t generation;
};

struct churn {
	struct chunk chunks[CHUNK_COUNT];
	size_t pages_max;
	size_t pages;
	uint64_t random;
	uint64_t generation;
	uint64_t verified_pages;
	const char *report;
	int64_t reported_s;
	int64_t duty_percent;
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

/* splitmix64 */
static uint64_t mix(uint64_t value)
{
	value += 0x9e3779b97f4a7c15ull;
	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9ull;
	value = (value ^ value >> 27) * 0x94d049bb133111ebull;
	return value ^ value >> 31;
}

static uint64_t next_random(struct churn *churn)
{
	churn->random += 0x9e3779b97f4a7c15ull;
	return mix(churn->random);
}

static uint64_t page_seed(const uint64_t *page, uint64_t generation)
{
	return mix((uint64_t)(uintptr_t)page ^ mix(generation));
}

static uint64_t word_of(uint64_t seed, size_t word)
{
	return seed + word * 0xd1342543de82ef95ull;
}

static void fill(struct churn *churn, struct chunk *chunk)
{
	chunk->generation = ++churn->generation;
	for (size_t p = 0; p < chunk->pages; p++) {
		uint64_t *page = chunk->words + p * PAGE_WORDS;
		uint64_t seed = page_seed(page, chunk->generation);

		for (size_t w = 0; w < PAGE_WORDS; w++)
			page[w] = word_of(seed, w);
	}
}

static void verify(struct churn *churn, const struct chunk *chunk)
{
	for (size_t p = 0; p < chunk->pages; p++) {
		const uint64_t *page = chunk->words + p * PAGE_WORDS;
		uint64_t seed = page_seed(page, chunk->generation);

		for (size_t w = 0; w < PAGE_WORDS; w++) {
			if (page[w] == word_of(seed, w))
				continue;
			printf("churn: WRONG page %p offset %zu: expected "
			       "%016llx, found %016llx\n",
			       (const void *)page, w * sizeof(*page),
			       (unsigned long long)word_of(seed, w),
			       (unsigned long long)page[w]);
			exit(EXIT_WRONG);
		}
	}
	churn->verified_pages += chunk->pages;
}

static void chunk_free(struct churn *churn, struct chunk *chunk)
{
	if (munmap(chunk->words, chunk->pages * PAGE_BYTES) < 0)
		err(1, "munmap");
	churn->pages -= chunk->pages;
	chunk->words = NULL;
}

static void chunk_new(struct churn *churn, struct chunk *chunk)
{
	size_t order = next_random(churn) % (CHUNK_ORDER_MAX + 1);
	size_t pages = 1 + next_random(churn) % ((size_t)1 << order);
	void *words;

	if (pages > churn->pages_max - churn->pages)
		return;
	words = mmap(NULL, pages * PAGE_BYTES, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (words == MAP_FAILED)
		err(1, "mmap");
	chunk->words = words;
	chunk->pages = pages;
	churn->pages += pages;
	fill(churn, chunk);
}

/* One random move: a chunk comes, changes or goes. */
static void step(struct churn *churn)
{
	uint64_t random = next_random(churn);
	struct chunk *chunk = &churn->chunks[random % CHUNK_COUNT];

	if (!chunk->words) {
		chunk_new(churn, chunk);
		return;
	}
	verify(churn, chunk);
	if (random >> 32 & 1)
		chunk_free(churn, chunk);
	else
		fill(churn, chunk);
}

/* After a step that began at @start_us. A signal cuts it short. */
static void rest(const struct churn *churn, int64_t start_us)
{
	int64_t rest_us = (now_us() - start_us) * (100 - churn->duty_percent) /
			  churn->duty_percent;

	if (rest_us > 0)
		usleep((useconds_t)rest_us);
}

/* The figure on disk is whole at any time: written aside, then renamed. */
static void report(struct churn *churn, bool now)
{
	int64_t now_s = now_us() / US_PER_S;
	char aside[256];
	FILE *file;

	if (!churn->report || (!now && now_s == churn->reported_s))
		return;
	churn->reported_s = now_s;
	snprintf(aside, sizeof(aside), "%s.new", churn->report);
	file = fopen(aside, "w");
	if (!file)
		err(1, "%s", aside);
	fprintf(file, "%llu\n",
		(unsigned long long)churn->verified_pages * PAGE_BYTES);
	if (fclose(file) != 0 || rename(aside, churn->report) < 0)
		err(1, "%s", churn->report);
}

static void usage(void)
{
	errx(1, "usage: churn [--bytes N] [--seconds N] [--seed N] "
		"[--report FILE] [--duty PERCENT]");
}

static void parse(struct churn *churn, int64_t *ret_seconds, int argc,
		  char **argv)
{
	static const struct option options[] = {
		{ "bytes", required_argument, NULL, 'b' },
		{ "seconds", required_argument, NULL, 't' },
		{ "seed", required_argument, NULL, 's' },
		{ "report", required_argument, NULL, 'r' },
		{ "duty", required_argument, NULL, 'd' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'b':
			churn->pages_max =
				strtoull(optarg, NULL, 0) / PAGE_BYTES;
			break;
		case 't':
			*ret_seconds = strtoll(optarg, NULL, 0);
			break;
		case 's':
			churn->random = strtoull(optarg, NULL, 0);
			break;
		case 'r':
			churn->report = optarg;
			break;
		case 'd':
			churn->duty_percent = strtoll(optarg, NULL, 0);
			break;
		default:
			usage();
		}
	}
	if (churn->duty_percent < 1 || churn->duty_percent > 100)
		usage();
}

int main(int argc, char **argv)
{
	static struct churn churn = {
		.pages_max = (size_t)(256 << 20) / PAGE_BYTES,
		.random = 1,
		.duty_percent = 100,
	};
	int64_t seconds = 0;
	int64_t end_us;

	parse(&churn, &seconds, argc, argv);
	signal(SIGTERM, stop);
	signal(SIGINT, stop);
	end_us = now_us() + seconds * US_PER_S;
	while (!stopped && (seconds == 0 || now_us() < end_us)) {
		int64_t start_us = now_us();

		step(&churn);
		rest(&churn, start_us);
		report(&churn, false);
	}
	for (size_t i = 0; i < CHUNK_COUNT; i++) {
		if (churn.chunks[i].words)
			verify(&churn, &churn.chunks[i]);
	}
	report(&churn, true);
	printf("churn: %llu bytes verified, none wrong\n",
	       (unsigned long long)churn.verified_pages * PAGE_BYTES);
	return 0;
}
