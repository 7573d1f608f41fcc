/* SPDX-License-Identifier: GPL-2.0-only */
/* Where guest memory lies in the files: proven by canaries in real memfds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/memory/map.h"

#define PAGE ((uint64_t)EBB_PAGE_BYTES)

static const uint8_t boot_id[EBB_BOOT_ID_BYTES] = "boot-id-of-test";
static const uint8_t nonce[EBB_NONCE_BYTES] = "nonce-of-a-test";

/* A guest: what it says, what libvirt says, and its files. */
static struct {
	struct ebb_msg_info info;
	struct ebb_domxml domxml;
	struct ebb_guest_process qemu;
	struct ebb_backing backings[EBB_MEMORY_PART_MAX];
	struct ebb_map map;
	bool proven; /* and @map is to be cleared */
} world;

static int begin(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	world.qemu.backings = world.backings;
	memcpy(world.info.boot_id, boot_id, sizeof(boot_id));
	return 0;
}

static int end(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < world.qemu.backing_count; i++)
		close(world.qemu.backings[i].fd);
	if (world.proven)
		ebb_map_clear(&world.map);
	return 0;
}

static void add_file(uint64_t bytes)
{
	struct ebb_backing *backing =
		&world.qemu.backings[world.qemu.backing_count++];

	backing->fd = memfd_create("test-map", MFD_CLOEXEC);
	backing->bytes = bytes;
	backing->page_bytes = PAGE;
	assert_true(backing->fd >= 0);
	assert_int_equal(ftruncate(backing->fd, (off_t)bytes), 0);
}

static void add_cell(uint64_t bytes)
{
	world.domxml.cell_bytes[world.domxml.cell_count++] = bytes;
}

static void write_canary(uint32_t file, uint64_t offset, uint64_t gpa)
{
	struct ebb_canary canary = { .magic = EBB_CANARY_MAGIC, .gpa = gpa };

	memcpy(canary.boot_id, boot_id, sizeof(boot_id));
	memcpy(canary.nonce, nonce, sizeof(nonce));
	assert_int_equal(pwrite(world.qemu.backings[file].fd, &canary,
				sizeof(canary), (off_t)offset),
			 sizeof(canary));
}

/* A segment with canaries in its first and last page, at @offset of @file. */
static void add_segment(uint64_t gpa, uint64_t bytes, uint32_t file,
			uint64_t offset)
{
	struct ebb_msg_segment *segment =
		&world.info.segments[world.info.segment_count++];

	segment->gpa = gpa;
	segment->bytes = bytes;
	segment->canary_count = 2;
	segment->canary_gpas[0] = gpa;
	segment->canary_gpas[1] = gpa + bytes - PAGE;
	write_canary(file, offset, gpa);
	write_canary(file, offset + bytes - PAGE, gpa + bytes - PAGE);
}

static int prove(void)
{
	int r;

	if (world.proven)
		ebb_map_clear(&world.map);
	memset(&world.map, 0xaa, sizeof(world.map));
	r = ebb_map_prove(&world.info, nonce, &world.domxml, &world.qemu,
			  &world.map);
	world.proven = r == 0;
	return r;
}

static void assert_segment(uint32_t index, uint64_t gpa, uint32_t file,
			   uint64_t offset)
{
	assert_int_equal(world.map.segments[index].gpa, gpa);
	assert_int_equal(world.map.segments[index].backing, file);
	assert_int_equal(world.map.segments[index].offset, offset);
}

static void test_small_guest(void **state)
{
	(void)state;
	add_file(2 * EBB_GIB);
	add_cell(2 * EBB_GIB);
	add_segment(EBB_MIB, 2 * EBB_GIB - EBB_MIB, 0, EBB_MIB);
	assert_int_equal(prove(), 0);
	assert_int_equal(world.map.segment_count, 1);
	assert_int_equal(world.map.unproven_count, 0);
	assert_segment(0, EBB_MIB, 0, EBB_MIB);
}

/* i440fx, 6 GiB: 3 GiB below the hole, 3 GiB from 4 GiB on. */
static void test_pc_above_4g(void **state)
{
	(void)state;
	add_file(6 * EBB_GIB);
	add_cell(6 * EBB_GIB);
	add_segment(EBB_MIB, 3 * EBB_GIB - EBB_MIB, 0, EBB_MIB);
	add_segment(4 * EBB_GIB, 3 * EBB_GIB, 0, 3 * EBB_GIB);
	assert_int_equal(prove(), 0);
	assert_int_equal(world.map.segment_count, 2);
	assert_segment(0, EBB_MIB, 0, EBB_MIB);
	assert_segment(1, 4 * EBB_GIB, 0, 3 * EBB_GIB);
}

/* q35, 5 GiB: 2 GiB below the hole. */
static void test_q35_above_4g(void **state)
{
	(void)state;
	add_file(5 * EBB_GIB);
	add_cell(5 * EBB_GIB);
	add_segment(EBB_MIB, 2 * EBB_GIB - EBB_MIB, 0, EBB_MIB);
	add_segment(4 * EBB_GIB, 3 * EBB_GIB, 0, 2 * EBB_GIB);
	assert_int_equal(prove(), 0);
	assert_segment(1, 4 * EBB_GIB, 0, 2 * EBB_GIB);
}

/*
 * 1,012 GiB on an AMD processor: QEMU moves what is above the hole to 1 TiB. The
 * second cell lies there as a whole.
 */
static void test_amd_above_1t(void **state)
{
	(void)state;
	add_file(512 * EBB_GIB);
	add_file(500 * EBB_GIB);
	add_cell(512 * EBB_GIB);
	add_cell(500 * EBB_GIB);
	add_segment(EBB_MIB, 2 * EBB_GIB - EBB_MIB, 0, EBB_MIB);
	add_segment(1024 * EBB_GIB, 510 * EBB_GIB, 0, 2 * EBB_GIB);
	add_segment(1534 * EBB_GIB, 500 * EBB_GIB, 1, 0);
	assert_int_equal(prove(), 0);
	assert_int_equal(world.map.segment_count, 3);
	assert_int_equal(world.map.unproven_count, 0);
	assert_segment(1, 1024 * EBB_GIB, 0, 2 * EBB_GIB);
	assert_segment(2, 1534 * EBB_GIB, 1, 0);
}

/* Two files of one size and name: only the canaries tell which is which. */
static void test_swapped_numa_files(void **state)
{
	(void)state;
	add_file(EBB_GIB);
	add_file(EBB_GIB);
	add_cell(EBB_GIB);
	add_cell(EBB_GIB);
	add_segment(EBB_MIB, EBB_GIB - EBB_MIB, 1, EBB_MIB);
	add_segment(EBB_GIB, EBB_GIB, 0, 0);
	assert_int_equal(prove(), 0);
	assert_segment(0, EBB_MIB, 1, EBB_MIB);
	assert_segment(1, EBB_GIB, 0, 0);
}

/* The second cell begins below the hole of i440fx and ends above it. */
static void test_numa_cell_over_the_hole(void **state)
{
	(void)state;
	add_file(2 * EBB_GIB);
	add_file(4 * EBB_GIB);
	add_cell(2 * EBB_GIB);
	add_cell(4 * EBB_GIB);
	add_segment(EBB_MIB, 2 * EBB_GIB - EBB_MIB, 0, EBB_MIB);
	add_segment(2 * EBB_GIB, EBB_GIB, 1, 0);
	add_segment(4 * EBB_GIB, 3 * EBB_GIB, 1, EBB_GIB);
	assert_int_equal(prove(), 0);
	assert_int_equal(world.map.segment_count, 3);
	assert_segment(1, 2 * EBB_GIB, 1, 0);
	assert_segment(2, 4 * EBB_GIB, 1, EBB_GIB);
}

static void test_dimm(void **state)
{
	(void)state;
	add_file(2 * EBB_GIB);
	add_file(512 * EBB_MIB);
	add_cell(2 * EBB_GIB);
	world.domxml.device_count = 1;
	world.domxml.devices[0].base_gpa = 0x140000000;
	world.domxml.devices[0].bytes = 512 * EBB_MIB;
	add_segment(EBB_MIB, 2 * EBB_GIB - EBB_MIB, 0, EBB_MIB);
	add_segment(0x140000000, 512 * EBB_MIB, 1, 0);
	assert_int_equal(prove(), 0);
	assert_segment(1, 0x140000000, 1, 0);
}

/* Where the guest uses all of it, and where it uses what is not its begin. */
static void test_virtio_mem_of_unknown_base(void **state)
{
	(void)state;
	add_file(2 * EBB_GIB);
	add_file(EBB_GIB);
	add_cell(2 * EBB_GIB);
	world.domxml.device_count = 1;
	world.domxml.devices[0].bytes = EBB_GIB;
	add_segment(EBB_MIB, 2 * EBB_GIB - EBB_MIB, 0, EBB_MIB);
	add_segment(0x140000000, 256 * EBB_MIB, 1, 0);
	add_segment(0x158000000, 128 * EBB_MIB, 1, 384 * EBB_MIB);
	assert_int_equal(prove(), 0);
	assert_int_equal(world.map.unproven_count, 0);
	assert_segment(1, 0x140000000, 1, 0);
	assert_segment(2, 0x158000000, 1, 384 * EBB_MIB);
}

/* Damages one thing of a guest that would be proven. */
static void test_wrong_canaries_prove_nothing(void **state)
{
	static const size_t fields[] = {
		offsetof(struct ebb_canary, magic),
		offsetof(struct ebb_canary, gpa),
		offsetof(struct ebb_canary, boot_id),
		offsetof(struct ebb_canary, nonce),
		offsetof(struct ebb_canary, nonce) + EBB_NONCE_BYTES - 1,
	};
	const uint64_t canary_offsets[] = { EBB_MIB, 2 * EBB_GIB - PAGE };
	struct ebb_map before;

	(void)state;
	memset(&before, 0xaa, sizeof(before));
	add_file(2 * EBB_GIB);
	add_cell(2 * EBB_GIB);
	add_segment(EBB_MIB, 2 * EBB_GIB - EBB_MIB, 0, EBB_MIB);
	for (size_t i = 0; i < EBB_ARRAY_SIZE(fields); i++)
		for (size_t c = 0; c < EBB_ARRAY_SIZE(canary_offsets); c++) {
			int fd = world.qemu.backings[0].fd;
			off_t at = (off_t)(canary_offsets[c] + fields[i]);
			uint8_t byte, other;

			assert_int_equal(pread(fd, &byte, 1, at), 1);
			other = byte ^ 1;
			assert_int_equal(pwrite(fd, &other, 1, at), 1);
			assert_int_equal(prove(), -ENOENT);
			assert_memory_equal(&world.map, &before,
					    sizeof(before));
			assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		}
	assert_int_equal(prove(), 0);
}

/* One end of a segment in a file, the other in another: no place fits. */
static void test_half_a_segment_is_unproven(void **state)
{
	(void)state;
	add_file(EBB_GIB);
	add_file(EBB_GIB);
	add_cell(EBB_GIB);
	add_cell(EBB_GIB);
	add_segment(EBB_MIB, EBB_GIB - EBB_MIB, 0, EBB_MIB);
	add_segment(EBB_GIB, EBB_GIB, 1, 0);
	assert_int_equal(ftruncate(world.qemu.backings[1].fd, 8192), 0);
	assert_int_equal(ftruncate(world.qemu.backings[1].fd, EBB_GIB), 0);
	write_canary(0, EBB_GIB - PAGE, 2 * EBB_GIB - PAGE);
	/* The first segment lost its last canary to the second's. */
	assert_int_equal(prove(), -ENOENT);
	write_canary(0, EBB_GIB - PAGE, EBB_GIB - PAGE);
	assert_int_equal(prove(), 0);
	assert_int_equal(world.map.segment_count, 1);
	assert_int_equal(world.map.unproven_count, 1);
	assert_segment(0, EBB_MIB, 0, EBB_MIB);
}

static void test_segment_without_canary_is_left_out(void **state)
{
	(void)state;
	add_file(2 * EBB_GIB);
	add_cell(2 * EBB_GIB);
	add_segment(EBB_MIB, EBB_GIB - EBB_MIB, 0, EBB_MIB);
	add_segment(EBB_GIB, EBB_GIB, 0, EBB_GIB);
	world.info.segments[1].canary_count = 0;
	assert_int_equal(prove(), 0);
	assert_int_equal(world.map.segment_count, 1);
	assert_int_equal(world.map.unproven_count, 0);
	assert_null(ebb_map_find(&world.map, EBB_GIB, PAGE));
	world.info.segments[0].canary_count = 0;
	assert_int_equal(prove(), -ENOENT);
}

/* A guest that says that it is larger than its file. */
static void test_segment_beyond_the_file(void **state)
{
	(void)state;
	add_file(EBB_GIB);
	add_cell(EBB_GIB);
	add_segment(EBB_MIB, EBB_GIB - EBB_MIB, 0, EBB_MIB);
	world.info.segments[0].canary_count = 1;
	assert_int_equal(prove(), 0);
	world.info.segments[0].bytes += PAGE;
	assert_int_equal(prove(), -ENOENT);
	world.info.segments[0].bytes = INT64_MAX;
	assert_int_equal(prove(), -ENOENT);
}

static void test_hostile_segments(void **state)
{
	struct ebb_msg_segment *first = &world.info.segments[0];
	struct ebb_msg_segment *second = &world.info.segments[1];
	struct ebb_msg_info good;

	(void)state;
	add_file(2 * EBB_GIB);
	add_cell(2 * EBB_GIB);
	add_segment(EBB_MIB, EBB_GIB - EBB_MIB, 0, EBB_MIB);
	add_segment(EBB_GIB, EBB_GIB, 0, EBB_GIB);
	assert_int_equal(prove(), 0);
	good = world.info;

#define HOSTILE(change)                              \
	do {                                         \
		change;                              \
		assert_int_equal(prove(), -EBADMSG); \
		world.info = good;                   \
	} while (0)
	HOSTILE(first->bytes += 1);
	HOSTILE(second->gpa -= PAGE);
	HOSTILE(first->gpa = EBB_GIB; first->canary_count = 0);
	HOSTILE(first->bytes = 0);
	HOSTILE(second->bytes = 0; second->canary_count = 0);
	HOSTILE(second->bytes = UINT64_MAX);
	HOSTILE(second->gpa = UINT64_MAX - 1; second->canary_count = 0);
	HOSTILE(first->canary_gpas[0] -= PAGE);
	HOSTILE(first->canary_gpas[1] = EBB_GIB);
	HOSTILE(first->canary_gpas[1] += 8);
	HOSTILE(second->canary_gpas[0] = UINT64_MAX - PAGE + 1);
	HOSTILE(first->canary_count = EBB_CANARY_PER_SEGMENT + 1);
	HOSTILE(first->canary_count = UINT32_MAX);
#undef HOSTILE
	assert_int_equal(prove(), 0);
}

static struct ebb_map_segment two_segments[] = {
	{ .gpa = 0x100000,
	  .bytes = 0x200000,
	  .canary_count = 1,
	  .canary_gpas = { 0x200000 } },
	{ .gpa = 0x300000, .bytes = 0x100000, .offset = 0x500000 },
};
static const struct ebb_map two = { .segment_count = 2,
				    .segments = two_segments };

static void test_find(void **state)
{
	const struct ebb_map map = two;
	const struct ebb_map empty = { 0 };

	(void)state;
	assert_ptr_equal(ebb_map_find(&map, 0x100000, 0x200000),
			 &map.segments[0]);
	assert_ptr_equal(ebb_map_find(&map, 0x2fffff, 1), &map.segments[0]);
	assert_ptr_equal(ebb_map_find(&map, 0x300000, 0x100000),
			 &map.segments[1]);
	assert_null(ebb_map_find(&map, 0xfffff, 1));
	assert_null(ebb_map_find(&map, 0xfffff, 2));
	assert_null(ebb_map_find(&map, 0x100000, 0x200001));
	/* Neighbours in guest memory need not be neighbours in the file. */
	assert_null(ebb_map_find(&map, 0x2ff000, 0x2000));
	assert_null(ebb_map_find(&map, 0x400000, 1));
	assert_null(ebb_map_find(&map, 0x300000, UINT64_MAX));
	assert_null(ebb_map_find(&map, UINT64_MAX, 1));
	assert_null(ebb_map_find(&map, UINT64_MAX, UINT64_MAX));
	assert_null(ebb_map_find(&empty, 0, 1));
}

static void test_hits_canary(void **state)
{
	const struct ebb_map map = two;

	(void)state;
	assert_true(ebb_map_hits_canary(&map, 0x100000, 0x200000));
	assert_true(ebb_map_hits_canary(&map, 0x200fff, 1));
	assert_true(ebb_map_hits_canary(&map, 0x1ff000, 0x1001));
	assert_false(ebb_map_hits_canary(&map, 0x1ff000, 0x1000));
	assert_false(ebb_map_hits_canary(&map, 0x201000, 0x1000));
	assert_false(ebb_map_hits_canary(&map, 0x300000, 0x100000));
}

#define MAP_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MAP_TEST(test_small_guest),
		MAP_TEST(test_pc_above_4g),
		MAP_TEST(test_q35_above_4g),
		MAP_TEST(test_amd_above_1t),
		MAP_TEST(test_swapped_numa_files),
		MAP_TEST(test_numa_cell_over_the_hole),
		MAP_TEST(test_dimm),
		MAP_TEST(test_virtio_mem_of_unknown_base),
		MAP_TEST(test_wrong_canaries_prove_nothing),
		MAP_TEST(test_half_a_segment_is_unproven),
		MAP_TEST(test_segment_without_canary_is_left_out),
		MAP_TEST(test_segment_beyond_the_file),
		MAP_TEST(test_hostile_segments),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_hits_canary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
