/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cache [--aged|--check] MIB: fills the page cache with the first MIB of the disk.
 *
 * Returns when they are read and leaves a process that has the disk open: its
 * pid is printed, and its end drops the cache, as the last close does. --aged
 * reads every other page, by chance, once more: what the kernel will let go of
 * first then lies between what it will keep, as it does in a guest that has run
 * for long. --check reads only, against what must be there, and holds nothing.
 */
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "disk.h"
#include "hold.h"

enum {
	PAGE_BYTES = 4096,
	PIECE_BYTES = 1 << 20,
};

struct part {
	unsigned long mib;
	bool aged;
};

static void read_at(int disk, void *data, size_t bytes, off_t at)
{
	size_t right;

	if (pread(disk, data, bytes, at) != (ssize_t)bytes)
		err(1, DISK_PATH " at %lld", (long long)at);
	right = disk_check(data, bytes);
	if (right != bytes)
		errx(2, "WRONG byte of " DISK_PATH " at %lld",
		     (long long)at + (long long)right);
}

static void age(int disk, off_t end)
{
	static char page[PAGE_BYTES];
	unsigned int random = 1;

	for (off_t at = 0; at < end; at += PAGE_BYTES) {
		random = random * 1103515245 + 12345;
		if (random >> 16 & 1)
			read_at(disk, page, sizeof(page), at);
	}
}

/* The disk stays open: that is what holds the cache. */
static void read_disk(const void *what)
{
	static char piece[PIECE_BYTES];
	const struct part *part = what;
	off_t end = (off_t)part->mib * PIECE_BYTES;
	int disk = open(DISK_PATH, O_RDONLY);

	if (disk < 0)
		err(1, DISK_PATH);
	for (off_t at = 0; at < end; at += PIECE_BYTES)
		read_at(disk, piece, sizeof(piece), at);
	if (part->aged)
		age(disk, end);
}

int main(int argc, char **argv)
{
	const char *option = argc == 3 ? argv[1] : "";
	bool check = strcmp(option, "--check") == 0;
	struct part part = { .aged = strcmp(option, "--aged") == 0 };

	if (argc != 2 + (check || part.aged))
		errx(1, "usage: cache [--aged|--check] MIB");
	part.mib = strtoul(argv[argc - 1], NULL, 0);
	if (check)
		read_disk(&part);
	else
		hold(read_disk, &part);
	return 0;
}
