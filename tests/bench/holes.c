/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * holes FILE...: how much of a guest's memory its host has back, and in what
 * pieces. Prints "RESIDENT HOLES HUGE": bytes that are there, bytes that are
 * not, and how many of those are in aligned 2 MiB of which nothing is there.
 *
 * By SEEK_DATA and SEEK_HOLE, so of tmpfs and memfd; hugetlbfs calls all of a
 * file data.
 */
#include <config.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	HUGE_BYTES = 2 << 20
};

struct holes {
	long long resident;
	long long holes;
	long long huge;
};

/* Of one hole, from @start to @end. */
static void add_hole(struct holes *holes, off_t start, off_t end)
{
	off_t first = (start + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES;
	off_t last = end / HUGE_BYTES * HUGE_BYTES;

	holes->holes += end - start;
	if (last > first)
		holes->huge += last - first;
}

static void walk(struct holes *holes, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	off_t at = 0;

	if (fd < 0 || fstat(fd, &status) < 0)
		err(1, "%s", path);
	while (at < status.st_size) {
		off_t data = lseek(fd, at, SEEK_DATA);
		off_t end;

		if (data < 0 && errno != ENXIO)
			err(1, "%s", path);
		if (data < 0)
			data = status.st_size;
		if (data > at)
			add_hole(holes, at, data);
		if (data == status.st_size)
			break;
		end = lseek(fd, data, SEEK_HOLE);
		if (end < 0)
			err(1, "%s", path);
		holes->resident += end - data;
		at = end;
	}
	close(fd);
}

int main(int argc, char **argv)
{
	struct holes holes = { 0 };

	if (argc < 2)
		errx(1, "usage: holes FILE...");
	for (int i = 1; i < argc; i++)
		walk(&holes, argv[i]);
	printf("%lld %lld %lld\n", holes.resident, holes.holes, holes.huge);
	return 0;
}
