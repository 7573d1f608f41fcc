/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * punch DIR|hugetlb MIB STEP-MIB
 * punch --after PID FILE STEP-MIB
 *
 * What a reclaim is measured against: bare fallocate(PUNCH_HOLE), STEP-MIB a
 * call, of memory that is mapped, as QEMU has it. The first form uses new memory
 * of huge pages: a file in DIR that asks for them, or of hugetlbfs. The second
 * uses what a guest left behind: it opens FILE and says so, waits until QEMU,
 * which is PID, has ended, and maps the pages that are there.
 *
 * Prints microseconds and bytes by st_blocks.
 */
#include <config.h>

#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/clock.h"

enum {
	PAGE_BYTES = 4096
};

static int64_t resident(int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		err(1, "fstat");
	return (int64_t)status.st_blocks * 512;
}

static off_t mib(const char *text)
{
	off_t bytes = (off_t)strtoll(text, NULL, 10) << 20;

	if (bytes <= 0)
		errx(1, "%s: MiB must be more than 0", text);
	return bytes;
}

static uint8_t *map(int fd, off_t bytes)
{
	void *memory = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE,
			    MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		err(1, "mmap");
	return memory;
}

static int new_memory(const char *backing, off_t bytes)
{
	bool hugetlb = strcmp(backing, "hugetlb") == 0;
	int fd = hugetlb ? memfd_create("punch", MFD_CLOEXEC | MFD_HUGETLB)
			 : open(backing, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	uint8_t *memory;

	if (fd < 0 || ftruncate(fd, bytes) < 0)
		err(1, "%s", backing);
	memory = map(fd, bytes);
	if (!hugetlb && madvise(memory, (size_t)bytes, MADV_HUGEPAGE) < 0)
		err(1, "madvise");
	memset(memory, 0xeb, (size_t)bytes);
	return fd;
}

static void await_end(const char *pid)
{
	struct pollfd gone = { .events = POLLIN };

	gone.fd = (int)syscall(SYS_pidfd_open, atoi(pid), 0);
	if (gone.fd < 0 || poll(&gone, 1, -1) < 0)
		err(1, "process %s", pid);
}

/* Writes each page of @fd that is there, through its mapping; no holes. */
static void touch(int fd, volatile uint8_t *memory)
{
	off_t at, end = 0;

	while ((at = lseek(fd, end, SEEK_DATA)) >= 0) {
		end = lseek(fd, at, SEEK_HOLE);
		for (; at < end; at += PAGE_BYTES) {
			uint8_t value = memory[at];

			memory[at] = value;
		}
	}
}

/* Of the pages that are mapped and of their mappings: proc(5). */
static void clear_accessed(void)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "1", 1) != 1)
		err(1, "/proc/self/clear_refs");
	close(fd);
}

/*
 * Maps what is there as QEMU had it: dirty, and accessed through the mapping
 * alone, which is noted of each page as it is discarded. QEMU's own end noted
 * it before; for a page of which it is known, that costs more.
 */
static int left_memory(const char *pid, const char *path, off_t *ret_bytes)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	uint8_t *memory;

	if (fd < 0)
		err(1, "%s", path);
	puts("opened");
	fflush(stdout);
	await_end(pid);
	*ret_bytes = lseek(fd, 0, SEEK_END);
	memory = map(fd, *ret_bytes);
	touch(fd, memory);
	clear_accessed();
	touch(fd, memory);
	return fd;
}

int main(int argc, char **argv)
{
	off_t bytes, step;
	int64_t before, start, us;
	int fd;

	if (argc == 5 && strcmp(argv[1], "--after") == 0) {
		fd = left_memory(argv[2], argv[3], &bytes);
	} else if (argc == 4) {
		bytes = mib(argv[2]);
		fd = new_memory(argv[1], bytes);
	} else {
		errx(1, "usage: punch DIR|hugetlb MIB STEP-MIB, or "
			"--after PID FILE STEP-MIB");
	}
	step = mib(argv[argc - 1]);
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
