/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What of a file is in swap. That the kernel counts it so is shown by the
 * integration test swapped-out, which has a swap file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/memory/swapped.h"

int __real_sysinfo(struct sysinfo *info);
int __wrap_sysinfo(struct sysinfo *info);

static atomic_bool in_swap; /* something of the host is */

int __wrap_sysinfo(struct sysinfo *info)
{
	int r = __real_sysinfo(info);

	info->totalswap = 2;
	info->freeswap = in_swap ? 1 : 2;
	return r;
}

static const char text[] =
	"559f4b1c0000-559f4b1e0000 r--p 00000000 fe:01 11      /usr/sbin/ebbd\n"
	"Size:                128 kB\n"
	"Swap:                  8 kB\n"
	"VmFlags: rd mr mw me sd \n"
	"7f0000000000-7f0080000000 ---s 00000000 00:01 77      /memfd:m (deleted)\n"
	"Size:            2097152 kB\n"
	"Rss:                   0 kB\n"
	"Swap:            1048580 kB\n"
	"SwapPss:               0 kB\n"
	"VmFlags: sh mr mw me ms sd \n"
	"7f0080000000-7f0080001000 rw-s 00000000 00:01 77      /memfd:m (deleted)\n"
	"Swap:               1000 kB\n"
	"7f0090000000-7f00a0000000 ---s 00000000 00:01 78      /dev/shm/x\n"
	"Swap:                  0 kB\n"
	"7fff0000a000-7fff0000b000 ---s 00000000 00:01 79      /no/swap/line\n";

static void test_parse(void **state)
{
	char path[] = "test-swapped.XXXXXX";
	struct ebb_swapped_entry *entries ebb_auto_free = NULL;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	assert_int_equal(ebb_swapped_parse(path, &entries), 2);
	unlink(path);
	assert_int_equal(entries[0].address, 0x7f0000000000);
	assert_int_equal(entries[0].bytes, 1048580 * EBB_KIB);
	assert_int_equal(entries[1].address, 0x7f0090000000);
	assert_int_equal(entries[1].bytes, 0);
	assert_int_equal(ebb_swapped_parse("/nowhere", &entries), -ENOENT);
}

/* Each mapping is one of its own, is found, and lets nobody touch the file. */
static void test_mappings_are_found(void **state)
{
	enum {
		FILES = 33
	};
	struct ebb_swapped_entry *entries ebb_auto_free = NULL;
	struct ebb_swapped *files[FILES];
	int fds[FILES], count;

	(void)state;
	for (int i = 0; i < FILES; i++) {
		fds[i] = memfd_create("test-swapped", MFD_CLOEXEC);
		assert_true(fds[i] >= 0);
		assert_int_equal(ftruncate(fds[i], 64 * EBB_MIB), 0);
		files[i] = ebb_swapped_map(fds[i], 64 * EBB_MIB);
		assert_non_null(files[i]);
	}
	count = ebb_swapped_parse(EBB_SWAPPED_PATH, &entries);
	assert_true(count >= FILES);
	in_swap = true;
	assert_false(ebb_swapped_is_known(EBB_SWAPPED_ANY_AGE));
	assert_int_equal(ebb_swapped_read(EBB_SWAPPED_PATH), 0);
	assert_true(ebb_swapped_is_known(EBB_SWAPPED_ANY_AGE));
	for (int i = 0; i < FILES; i++) {
		const void *address = (void *)(uintptr_t)entries[i].address;
		uint64_t bytes = 1;

		assert_int_equal(ebb_swapped_bytes(files[i],
						   EBB_SWAPPED_ANY_AGE, &bytes),
				 0);
		assert_int_equal(bytes, 0);
		/* Which takes the attempt for a fault of the test's. */
		if (!getenv("EBB_VALGRIND")) {
			assert_int_equal(write(fds[i], address, 1), -1);
			assert_int_equal(errno, EFAULT);
		}
		close(fds[i]);
	}
	in_swap = false;
	for (int i = 0; i < FILES; i++)
		ebb_swapped_unmap(files[i]);
}

/* ---- a smaps that does not come ---- */

static char fifo[] = "/tmp/test-swapped.XXXXXX";

static struct ebb_swapped *new_file(void)
{
	int fd ebb_auto_close = memfd_create("test-swapped", MFD_CLOEXEC);
	struct ebb_swapped *file;

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 64 * EBB_MIB), 0);
	file = ebb_swapped_map(fd, 64 * EBB_MIB);
	assert_non_null(file);
	return file;
}

/* All mappings of this process, each with @kib in swap. Ends a reading. */
static void let_read(FILE *out, unsigned int kib)
{
	struct ebb_swapped_entry *entries ebb_auto_free = NULL;
	int count = ebb_swapped_parse(EBB_SWAPPED_PATH, &entries);

	for (int i = 0; i < count; i++)
		fprintf(out,
			"%" PRIx64 "-%" PRIx64 " ---s 00000000 00:01 1 /x\n"
			"Swap: %u kB\n",
			entries[i].address, entries[i].address + 1, kib);
	assert_int_equal(fclose(out), 0);
}

static void *read_fifo(void *opaque)
{
	(void)opaque;
	return (void *)(intptr_t)ebb_swapped_read(fifo);
}

/* Begins a reading, and returns when it waits for more. */
static FILE *begin_reading(pthread_t *thread)
{
	FILE *out;

	assert_int_equal(pthread_create(thread, NULL, read_fifo, NULL), 0);
	out = fopen(fifo, "we");
	assert_non_null(out);
	return out;
}

static void end_reading(pthread_t thread, FILE *out, unsigned int kib)
{
	void *result;

	let_read(out, kib);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_null(result);
}

static void assert_swapped(const struct ebb_swapped *file, uint64_t expected)
{
	uint64_t bytes = 1;

	assert_int_equal(ebb_swapped_bytes(file, EBB_SWAPPED_ANY_AGE, &bytes),
			 0);
	assert_int_equal(bytes, expected);
}

static void test_what_is_known_is_told_while_it_is_read(void **state)
{
	struct ebb_swapped *file, *later;
	pthread_t thread;
	uint64_t bytes;
	FILE *out;

	(void)state;
	in_swap = true;
	close(mkstemp(fifo));
	unlink(fifo);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	file = new_file();
	assert_int_equal(ebb_swapped_bytes(file, EBB_SWAPPED_ANY_AGE, &bytes),
			 -ENODATA);
	out = begin_reading(&thread);
	assert_int_equal(ebb_swapped_bytes(file, EBB_SWAPPED_ANY_AGE, &bytes),
			 -ENODATA);
	end_reading(thread, out, 4);
	assert_swapped(file, 4096);
	assert_int_equal(ebb_swapped_bytes(file, 0, &bytes), -ENODATA);

	/* What is mapped after a reading began is not of it. */
	out = begin_reading(&thread);
	assert_swapped(file, 4096);
	assert_true(ebb_swapped_is_known(EBB_SWAPPED_ANY_AGE));
	later = new_file();
	assert_false(ebb_swapped_is_known(EBB_SWAPPED_ANY_AGE));
	end_reading(thread, out, 8);
	assert_swapped(file, 8192);
	assert_int_equal(ebb_swapped_bytes(later, EBB_SWAPPED_ANY_AGE, &bytes),
			 -ENODATA);
	out = begin_reading(&thread);
	end_reading(thread, out, 12);
	assert_swapped(later, 12288);

	unlink(fifo);
	ebb_swapped_unmap(file);
	ebb_swapped_unmap(later);
	in_swap = false;
	assert_true(ebb_swapped_is_known(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_mappings_are_found),
		cmocka_unit_test(test_what_is_known_is_told_while_it_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
