/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cache [--check] MIB: fills the page cache with the first MIB of the disk.
 *
 * Returns when they are read and leaves a process that has the disk open: its
 * pid is printed, and its end drops the cache, as the last close does. --check
 * reads them only, against what must be there, and holds nothing.
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
	PIECE_BYTES = 1 << 20
};

/* The disk stays open: that is what holds the cache. */
static void read_disk(const void *what)
{
	static char piece[PIECE_BYTES];
	const unsigned long *mib = what;
	int disk = open(DISK_PATH, O_RDONLY);

	if (disk < 0)
		err(1, DISK_PATH);
	for (unsigned long i = 0; i < *mib; i++) {
		off_t at = (off_t)i * PIECE_BYTES;
		ssize_t got = pread(disk, piece, sizeof(piece), at);
		size_t right;

		if (got != PIECE_BYTES)
			err(1, DISK_PATH " at %lu MiB", i);
		right = disk_check(piece, sizeof(piece));
		if (right != sizeof(piece))
			errx(2, "WRONG byte of " DISK_PATH " at %lld",
			     (long long)at + (long long)right);
	}
}

int main(int argc, char **argv)
{
	bool check = argc == 3 && strcmp(argv[1], "--check") == 0;
	unsigned long mib;

	if (argc != 2 + check)
		errx(1, "usage: cache [--check] MIB");
	mib = strtoul(argv[argc - 1], NULL, 0);
	if (check)
		read_disk(&mib);
	else
		hold(read_disk, &mib);
	return 0;
}
