/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * present PID INODE...: how much of a guest's memory is in its host's RAM, and in
 * what pieces the rest is away: discarded or in swap. Of the mappings that the
 * process has of these files it prints "PRESENT ABSENT HUGE": bytes that are
 * mapped to RAM, bytes that are not, and how many of those are in aligned 2 MiB
 * of the file of which nothing is there.
 *
 * By pagemap: st_blocks and SEEK_DATA count what is in swap as there.
 */
#include <config.h>

#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	PAGE_BYTES = 4096,
	HUGE_BYTES = 2 << 20,
	HUGE_PAGES = HUGE_BYTES / PAGE_BYTES,
};

#define PAGE_IS_PRESENT (UINT64_C(1) << 63)

struct present {
	uint64_t present_bytes;
	uint64_t absent_bytes;
	uint64_t huge_bytes;
};

/* Of @pages, at most HUGE_PAGES, from @address on. */
static void add_piece(struct present *present, int pagemap, uint64_t address,
		      size_t pages)
{
	static uint64_t entries[HUGE_PAGES];
	ssize_t bytes = (ssize_t)(pages * sizeof(entries[0]));
	size_t there = 0;

	if (pread(pagemap, entries, (size_t)bytes,
		  (off_t)(address / PAGE_BYTES * sizeof(entries[0]))) != bytes)
		err(1, "pagemap");
	for (size_t i = 0; i < pages; i++)
		there += (entries[i] & PAGE_IS_PRESENT) != 0;
	present->present_bytes += there * PAGE_BYTES;
	present->absent_bytes += (pages - there) * PAGE_BYTES;
	if (there == 0 && pages == HUGE_PAGES)
		present->huge_bytes += HUGE_BYTES;
}

/* Piece by piece, as they lie in the file. */
static void add_mapping(struct present *present, int pagemap, uint64_t start,
			uint64_t end, uint64_t offset)
{
	while (start < end) {
		uint64_t bytes = HUGE_BYTES - offset % HUGE_BYTES;

		if (bytes > end - start)
			bytes = end - start;
		add_piece(present, pagemap, start, bytes / PAGE_BYTES);
		start += bytes;
		offset += bytes;
	}
}

static bool is_wanted(uint64_t inode, char **inodes)
{
	for (; *inodes; inodes++) {
		if (strtoull(*inodes, NULL, 10) == inode)
			return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	struct present present = { 0 };
	char path[64], line[4608];
	FILE *maps;
	int pagemap;

	if (argc < 3)
		errx(1, "usage: present PID INODE...");
	snprintf(path, sizeof(path), "/proc/%.20s/pagemap", argv[1]);
	pagemap = open(path, O_RDONLY | O_CLOEXEC);
	if (pagemap < 0)
		err(1, "%s", path);
	snprintf(path, sizeof(path), "/proc/%.20s/maps", argv[1]);
	maps = fopen(path, "re");
	if (!maps)
		err(1, "%s", path);
	while (fgets(line, sizeof(line), maps)) {
		uint64_t start, end, offset, inode;

		if (sscanf(line,
			   "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64
			   " %*s %" SCNu64,
			   &start, &end, &offset, &inode) == 4 &&
		    is_wanted(inode, argv + 2))
			add_mapping(&present, pagemap, start, end, offset);
	}
	fclose(maps);
	close(pagemap);
	printf("%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", present.present_bytes,
	       present.absent_bytes, present.huge_bytes);
	return 0;
}
