/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * punch memfd|hugetlb|DIR MIB STEP-MIB: what a reclaim is measured against.
 *
 * A memfd, or a file in DIR that asks for huge pages, of MIB MiB is populated through a mapping, as a guest's memory is,
 * and discarded by bare fallocate(PUNCH_HOLE) of STEP-MIB a call, while the
 * mapping is there, as QEMU's is. Prints microseconds and bytes by st_blocks.
 */
#include <config.h>

#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/clock.h"

static int64_t resident(int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		err(1, "fstat");
	return (int64_t)status.st_blocks * 512;
}

static int make_file(const char *backing)
{
	if (strcmp(backing, "memfd") == 0)
		return memfd_create("punch", MFD_CLOEXEC);
	if (strcmp(backing, "hugetlb") == 0)
		return memfd_create("punch", MFD_CLOEXEC | MFD_HUGETLB);
	return open(backing, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

int main(int argc, char **argv)
{
	off_t bytes, step;
	int64_t before, start, us;
	void *memory;
	int fd;

	if (argc != 4)
		errx(1, "usage: punch memfd|hugetlb|DIR MIB STEP-MIB");
	bytes = (off_t)strtoll(argv[2], NULL, 10) << 20;
	step = (off_t)strtoll(argv[3], NULL, 10) << 20;
	if (bytes <= 0 || step <= 0)
		errx(1, "MIB and STEP-MIB must be more than 0");
	fd = make_file(argv[1]);
	if (fd < 0 || ftruncate(fd, bytes) < 0)
		err(1, "%s", argv[1]);
	memory = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		      fd, 0);
	if (memory == MAP_FAILED)
		err(1, "mmap");
	if (argv[1][0] == '/' &&
	    madvise(memory, (size_t)bytes, MADV_HUGEPAGE) < 0)
		err(1, "madvise");
	memset(memory, 0xeb, (size_t)bytes);
	before = resident(fd);
	start = now_us();
	for (off_t at = 0; at < bytes; at += step) {
		if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			      at, at + step > bytes ? bytes - at : step) < 0)
			err(1, "fallocate");
	}
	us = now_us() - start;
	printf("%lld %lld\n", (long long)us,
	       (long long)(before - resident(fd)));
	return 0;
}
