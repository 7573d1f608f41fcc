/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * punch memfd|hugetlb MIB STEP-MIB: what a reclaim is measured against.
 *
 * A memfd of MIB MiB is populated through a mapping, as a guest's memory is,
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

int main(int argc, char **argv)
{
	unsigned int flags = MFD_CLOEXEC;
	off_t bytes, step;
	int64_t before, start, us;
	void *memory;
	int fd;

	if (argc != 4)
		errx(1, "usage: punch memfd|hugetlb MIB STEP-MIB");
	if (strcmp(argv[1], "hugetlb") == 0)
		flags |= MFD_HUGETLB;
	bytes = (off_t)strtoll(argv[2], NULL, 10) << 20;
	step = (off_t)strtoll(argv[3], NULL, 10) << 20;
	if (bytes <= 0 || step <= 0)
		errx(1, "MIB and STEP-MIB must be more than 0");
	fd = memfd_create("punch", flags);
	if (fd < 0 || ftruncate(fd, bytes) < 0)
		err(1, "memfd_create");
	memory = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		      fd, 0);
	if (memory == MAP_FAILED)
		err(1, "mmap");
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
