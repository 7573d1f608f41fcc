/* SPDX-License-Identifier: GPL-2.0-only */
/* Which of a process's mappings are guest RAM, and what of them is in RAM. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/memory/merged.h"
#include "host/memory/pages.h"

#define GIB (UINT64_C(1) << 30)

static void test_lines(void **state)
{
	static const struct {
		const char *line;
		uint64_t bytes; /* 0: no RAM */
	} cases[] = {
		/* Private memory of a guest, also with a name of its own. */
		{ "7f0000000000-7f0040000000 rw-p 00000000 00:00 0 ", GIB },
		{ "7f0000000000-7f0040000000 rw-p 00000000 00:00 0", GIB },
		{ "7f0000000000-7f0040000000 rw-p 00000000 00:00 0 [anon:ram]",
		  GIB },
		{ "7f0000000000-7f0040000000 rw-p 00000000 00:01 99 "
		  "/memfd:memory-backend-memfd (deleted)",
		  GIB },
		/* A shared file behind its memory. */
		{ "7f0000000000-7f0000200000 rw-s 00000000 00:01 77 "
		  "/memfd:memory-backend-memfd (deleted)",
		  2 << 20 },
		/* Not one of its, of a pool, or only read. */
		{ "7f0000000000-7f0040000000 rw-s 00000000 00:01 79 /memfd:x",
		  0 },
		{ "7f0000000000-7f0040000000 rw-s 00000000 00:02 78 /memfd:x",
		  0 },
		{ "7f0000000000-7f0040000000 r--s 00000000 00:01 77 /memfd:x",
		  0 },
		{ "7f0000000000-7f0040000000 r--p 00000000 00:00 0 ", 0 },
		/* Of code that QEMU makes, a heap, a stack, a library. */
		{ "7f0000000000-7f0040000000 rwxp 00000000 00:00 0 ", 0 },
		{ "7f0000000000-7f0040000000 rw-p 00000000 00:00 0 [heap]", 0 },
		{ "7f0000000000-7f0040000000 rw-p 00000000 00:00 0 [stack]",
		  0 },
		{ "7f0000000000-7f0003fff000 rw-p 00000000 00:00 0 ", 0 },
		{ "7f0000000000-7f0040000000 rw-p 00000000 08:01 5 /lib/x.so",
		  0 },
		/* None at all. */
		{ "", 0 },
		{ "7f0040000000-7f0000000000 rw-p 00000000 00:00 0 ", 0 },
		{ "7f0000000000 rw-p", 0 },
	};

	struct ebb_backing backings[] = {
		{ .kind = EBB_BACKING_MEMFD, .dev = makedev(0, 1), .ino = 77 },
		{ .kind = EBB_BACKING_HUGETLBFS,
		  .dev = makedev(0, 2),
		  .ino = 78 },
	};
	struct ebb_guest_process qemu = { .backing_count = 2,
					  .backings = backings };

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		struct ebb_pages_range range = { 0 };

		assert_int_equal(ebb_pages_parse(cases[i].line, &qemu, &range),
				 cases[i].bytes > 0);
		assert_int_equal(range.bytes, cases[i].bytes);
		assert_int_equal(range.start,
				 cases[i].bytes ? 0x7f0000000000 : 0);
	}
}

/* This process, with what a guest has. */
static void test_own_process(void **state)
{
	static const uint64_t bytes = 72 * EBB_MIB;
	struct ebb_guest_process self = {
		.pid = getpid(),
		.pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0),
	};
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct ebb_pages pages;
	uint64_t present_bytes, start = (uint64_t)(uintptr_t)memory;
	uint32_t found = 0;
	int r;

	(void)state;
	if (self.pidfd < 0)
		skip();
	assert_ptr_not_equal(memory, MAP_FAILED);
	assert_int_equal(madvise(memory, bytes, MADV_NOHUGEPAGE), 0);
	assert_int_equal(ebb_pages_open(&self, &pages), 0);
	for (uint32_t i = 0; i < pages.range_count; i++)
		found += pages.ranges[i].start <= start &&
			 pages.ranges[i].start + pages.ranges[i].bytes >=
				 start + bytes;
	assert_int_equal(found, 1);

	assert_int_equal(
		ebb_pages_present(&pages, start, bytes, &present_bytes), 0);
	assert_int_equal(present_bytes, 0);
	memset(memory + 3 * EBB_MIB, 'x', EBB_MIB);
	memset(memory + bytes - EBB_MIB, 'x', EBB_MIB);
	assert_int_equal(
		ebb_pages_present(&pages, start, bytes, &present_bytes), 0);
	assert_int_equal(present_bytes, 2 * EBB_MIB);
	assert_int_equal(ebb_pages_present(&pages, start + 3 * EBB_MIB, EBB_MIB,
					   &present_bytes),
			 0);
	assert_int_equal(present_bytes, EBB_MIB);

	/* Whether it goes depends on the host's swap; it is still what it was. */
	r = ebb_pages_out(&pages, start, bytes);
	if (r != -ENOSYS)
		assert_int_equal(r, 0);
	for (uint64_t i = 0; i < EBB_MIB; i++)
		assert_int_equal(memory[3 * EBB_MIB + i], 'x');
	assert_int_equal(munmap(memory, bytes), 0);
	if (r != -ENOSYS)
		assert_int_equal(ebb_pages_out(&pages, start, bytes), -ENOMEM);
	ebb_pages_close(&pages);
	close(self.pidfd);
}

static void test_none(void **state)
{
	struct ebb_guest_process none = { .pid = 0x3ffffff, .pidfd = -1 };
	struct ebb_pages pages;
	uint64_t bytes;

	(void)state;
	assert_int_equal(ebb_pages_open(&none, &pages), -ESRCH);
	assert_int_equal(ebb_merged_bytes(none.pid, &bytes), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_own_process),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
