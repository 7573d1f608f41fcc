/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs a fuzzer's entry point over its corpus, and over damaged copies of it,
 * always the same: what "make fuzz" finds by libFuzzer stays found in "make
 * check" with any compiler.
 *
 * Usage: replay-NAME [FILE...]; without files, the corpus of FUZZ_NAME under
 * $srcdir.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

enum {
	INPUT_BYTES_MAX = 1 << 16,
	DAMAGED_COPIES = 500,
};

static uint64_t seed = 1;

static uint32_t chance(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return below ? (uint32_t)(seed >> 32) % below : 0;
}

/* A copy of its own size, so that a read beyond it is found. */
static void run_input(const uint8_t *data, size_t bytes)
{
	uint8_t *copy = malloc(bytes ? bytes : 1);

	if (!copy)
		abort();
	memcpy(copy, data, bytes);
	LLVMFuzzerTestOneInput(copy, bytes);
	free(copy);
}

static size_t damage(uint8_t *data, size_t bytes)
{
	for (uint32_t n = 1 + chance(4); n && bytes; n--) {
		size_t at = chance((uint32_t)bytes);

		switch (chance(5)) {
		case 0:
			data[at] ^= (uint8_t)(1 << chance(8));
			break;
		case 1:
			data[at] = (uint8_t)chance(256);
			break;
		case 2:
			memmove(data + at, data + at + 1, --bytes - at);
			break;
		case 3:
			bytes = at;
			break;
		default:
			data[at] = data[chance((uint32_t)bytes)];
		}
	}
	return bytes;
}

static int run_file(const char *path)
{
	static uint8_t whole[INPUT_BYTES_MAX], copy[INPUT_BYTES_MAX];
	FILE *file = fopen(path, "rb");
	size_t bytes;

	if (!file) {
		perror(path);
		return -1;
	}
	bytes = fread(whole, 1, sizeof(whole), file);
	fclose(file);
	run_input(whole, bytes);
	for (int i = 0; i < DAMAGED_COPIES; i++) {
		memcpy(copy, whole, bytes);
		run_input(copy, damage(copy, bytes));
	}
	return 0;
}

static int run_corpus(void)
{
	const char *srcdir = getenv("srcdir");
	char folder[1024], path[sizeof(folder) + 300];
	struct dirent **entries;
	int count, files = 0, failed = 0;

	snprintf(folder, sizeof(folder), "%s/tests/fuzz/corpus/" FUZZ_NAME,
		 srcdir ? srcdir : ".");
	/* In one order, so that the damage is the same everywhere. */
	count = scandir(folder, &entries, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		if (entries[i]->d_name[0] != '.') {
			snprintf(path, sizeof(path), "%s/%s", folder,
				 entries[i]->d_name);
			failed |= run_file(path) < 0;
			files++;
		}
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	if (files == 0) {
		fprintf(stderr, "%s: no corpus (set $srcdir)\n", folder);
		return 1;
	}
	return failed;
}

int main(int argc, char **argv)
{
	int failed = 0;

	if (argc < 2)
		return run_corpus();
	for (int i = 1; i < argc; i++)
		failed |= run_file(argv[i]) < 0;
	return failed;
}
