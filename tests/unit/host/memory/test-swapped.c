/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What of a file is in swap. That the kernel counts it so is shown by the
 * integration test swapped-out, which has a swap file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/memory/swapped.h"

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
	void *mappings[FILES];
	int fds[FILES], count;

	(void)state;
	for (int i = 0; i < FILES; i++) {
		fds[i] = memfd_create("test-swapped", MFD_CLOEXEC);
		assert_true(fds[i] >= 0);
		assert_int_equal(ftruncate(fds[i], 64 * EBB_MIB), 0);
		mappings[i] = ebb_swapped_map(fds[i], 64 * EBB_MIB);
		assert_non_null(mappings[i]);
	}
	count = ebb_swapped_parse("/proc/self/smaps", &entries);
	assert_true(count >= FILES);
	for (int i = 0; i < FILES; i++) {
		uint64_t bytes = 1;
		bool found = false;

		for (int e = 0; e < count; e++)
			found |= entries[e].address == (uintptr_t)mappings[i];
		assert_true(found);
		assert_int_equal(ebb_swapped_bytes(mappings[i], 0, &bytes), 0);
		assert_int_equal(bytes, 0);
		/* Which takes the attempt for a fault of the test's. */
		if (!getenv("EBB_VALGRIND")) {
			assert_int_equal(write(fds[i], mappings[i], 1), -1);
			assert_int_equal(errno, EFAULT);
		}
		ebb_swapped_unmap(mappings[i], 64 * EBB_MIB);
		close(fds[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_mappings_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
