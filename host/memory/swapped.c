/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/memory/swapped.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#include "common/cleanup.h"
#include "common/clock.h"

/* @born: readings that had begun when the file was mapped. */
struct ebb_swapped {
	void *mapping;
	uint64_t bytes;
	uint64_t born;
};

/*
 * What was read last. There is one smaps of a process, and so one of these.
 * @begun: readings that have begun
 * @number: of the reading whose entries these are; 0: there are none
 * @needed: the first that has all files
 * @read_ns: when it began
 */
static struct {
	pthread_mutex_t mutex;
	struct ebb_swapped_entry *entries;
	int count;
	uint64_t begun;
	uint64_t number;
	uint64_t needed;
	uint64_t read_ns;
} book = { .mutex = PTHREAD_MUTEX_INITIALIZER };

struct ebb_swapped *ebb_swapped_map(int fd, uint64_t bytes)
{
	struct ebb_swapped *swapped = malloc(sizeof(*swapped));
	void *mapping = MAP_FAILED;

	if (swapped)
		mapping = mmap(NULL, bytes, PROT_NONE, MAP_SHARED, fd, 0);
	if (mapping == MAP_FAILED) {
		free(swapped);
		return NULL;
	}
	/* To readings so far, the address may have been another file's. */
	pthread_mutex_lock(&book.mutex);
	*swapped = (struct ebb_swapped){ mapping, bytes, book.begun };
	book.needed = book.begun + 1;
	pthread_mutex_unlock(&book.mutex);
	return swapped;
}

void ebb_swapped_unmap(struct ebb_swapped *swapped)
{
	if (swapped)
		munmap(swapped->mapping, swapped->bytes);
	free(swapped);
}

/* "7f0000000000-7f0080000000 ---s 00000000 00:01 1 ..." begins a mapping. */
static bool parse_head(const char *line, uint64_t *ret_address,
		       bool *ret_wanted)
{
	uint64_t address, end;
	char modes[5];

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &address, &end,
		   modes) != 3)
		return false;
	*ret_address = address;
	*ret_wanted = strcmp(modes, "---s") == 0;
	return true;
}

static int add_entry(struct ebb_swapped_entry **entries, int *count,
		     const struct ebb_swapped_entry *entry)
{
	int capacity = *count & (*count - 1) ? 0 : *count ? 2 * *count : 1;
	struct ebb_swapped_entry *larger;

	/* Full at each power of two. */
	if (capacity) {
		larger = realloc(*entries, (size_t)capacity * sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		*entries = larger;
	}
	(*entries)[(*count)++] = *entry;
	return 0;
}

int ebb_swapped_parse(const char *path, struct ebb_swapped_entry **ret_entries)
{
	struct ebb_swapped_entry *entries ebb_auto_free = NULL;
	struct ebb_swapped_entry entry = { 0 };
	FILE *file ebb_auto_fclose = fopen(path, "re");
	bool wanted = false;
	char line[512];
	int count = 0;

	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		uint64_t kib;
		int r;

		if (parse_head(line, &entry.address, &wanted) || !wanted ||
		    sscanf(line, "Swap: %" SCNu64 " kB", &kib) != 1)
			continue;
		entry.bytes = kib * 1024;
		r = add_entry(&entries, &count, &entry);
		if (r < 0)
			return r;
	}
	*ret_entries = ebb_steal_ptr(entries);
	return count;
}

static int compare_entries(const void *a, const void *b)
{
	const struct ebb_swapped_entry *left = a, *right = b;

	return left->address < right->address ? -1
					      : left->address > right->address;
}

static int find(const void *mapping, uint64_t *ret_bytes)
{
	struct ebb_swapped_entry key = { .address = (uintptr_t)mapping };
	const struct ebb_swapped_entry *entry = NULL;

	if (book.count > 0)
		entry = bsearch(&key, book.entries, (size_t)book.count,
				sizeof(key), compare_entries);
	if (!entry)
		return -ENODATA;
	*ret_bytes = entry->bytes;
	return 0;
}

static bool nothing_is_swapped(void)
{
	struct sysinfo info;

	return sysinfo(&info) == 0 && info.freeswap >= info.totalswap;
}

/* Under the mutex. */
static bool is_known(uint64_t number, uint32_t max_age_ms)
{
	return book.number >= number &&
	       (max_age_ms == EBB_SWAPPED_ANY_AGE ||
		ebb_now_ns() - book.read_ns <
			(uint64_t)max_age_ms * EBB_NS_PER_MS);
}

bool ebb_swapped_is_known(uint32_t max_age_ms)
{
	bool known;

	if (nothing_is_swapped())
		return true;
	pthread_mutex_lock(&book.mutex);
	known = is_known(book.needed, max_age_ms);
	pthread_mutex_unlock(&book.mutex);
	return known;
}

int ebb_swapped_read(const char *path)
{
	struct ebb_swapped_entry *entries = NULL;
	uint64_t now_ns = ebb_now_ns(), number;
	int count;

	if (nothing_is_swapped())
		return 0;
	pthread_mutex_lock(&book.mutex);
	number = ++book.begun;
	pthread_mutex_unlock(&book.mutex);
	count = ebb_swapped_parse(path, &entries);
	if (count < 0)
		return count;
	pthread_mutex_lock(&book.mutex);
	/* One that began later may have ended before. */
	if (number > book.number) {
		struct ebb_swapped_entry *before = book.entries;

		book.entries = entries;
		book.count = count;
		book.number = number;
		book.read_ns = now_ns;
		entries = before;
	}
	pthread_mutex_unlock(&book.mutex);
	free(entries);
	return 0;
}

int ebb_swapped_bytes(const struct ebb_swapped *swapped, uint32_t max_age_ms,
		      uint64_t *ret_bytes)
{
	int r = -ENODATA;

	if (nothing_is_swapped()) {
		*ret_bytes = 0;
		return 0;
	}
	pthread_mutex_lock(&book.mutex);
	if (is_known(swapped->born + 1, max_age_ms))
		r = find(swapped->mapping, ret_bytes);
	pthread_mutex_unlock(&book.mutex);
	return r;
}
