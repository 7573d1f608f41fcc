/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What has to hold before a look gives the lease, and what is let go where it does not: the
 * map is proven as a whole, the memory is nobody else's, nothing stands in the way, and
 * nothing changed meanwhile. Proving, locking and attaching are played.
 */
#include "tests/unit/host/domain/fake-look.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/size.h"
#include "host/memory/file.h"
#include "host/memory/ram.h"

#define RING_GPA ((uint64_t)3 * EBB_PAGE_BYTES)

static struct {
	int likely; /* what locking gives */
	int proven;
	uint32_t unproven_count;
	int open;
	int attach;
	bool gone_at_attach;
	uint32_t proofs;
	uint32_t opens;
	uint64_t offset; /* of the last one */
	uint32_t attaches;
	uint32_t closes;
} memory;

static struct ebb_ring ring;

int __wrap_ebb_ram_lock_likely(const struct ebb_guest_process *process,
			       const struct ebb_domxml *domxml);
int __wrap_ebb_ram_lock_proven(const struct ebb_guest_process *process,
			       const struct ebb_map *map);
int __wrap_ebb_map_prove(const struct ebb_msg_info *info,
			 const uint8_t nonce[EBB_NONCE_BYTES],
			 const struct ebb_domxml *domxml,
			 const struct ebb_guest_process *qemu,
			 struct ebb_map *ret_map);
int __wrap_ebb_ringmap_open(int fd, uint64_t offset, uint64_t page_bytes,
			    const uint8_t boot_id[EBB_BOOT_ID_BYTES],
			    const uint8_t challenge[EBB_NONCE_BYTES],
			    struct ebb_ringmap *ret_map);
int __wrap_ebb_ringmap_attach(struct ebb_ringmap *map);
void __wrap_ebb_ringmap_close(struct ebb_ringmap *map);

int __wrap_ebb_ram_lock_likely(const struct ebb_guest_process *process,
			       const struct ebb_domxml *domxml)
{
	(void)process;
	(void)domxml;
	return memory.likely;
}

int __wrap_ebb_ram_lock_proven(const struct ebb_guest_process *process,
			       const struct ebb_map *map)
{
	(void)process;
	(void)map;
	return memory.proven;
}

int __wrap_ebb_map_prove(const struct ebb_msg_info *info,
			 const uint8_t nonce[EBB_NONCE_BYTES],
			 const struct ebb_domxml *domxml,
			 const struct ebb_guest_process *qemu,
			 struct ebb_map *ret_map)
{
	(void)info;
	(void)nonce;
	(void)domxml;
	(void)qemu;
	memory.proofs++;
	*ret_map = (struct ebb_map){
		.segment_count = 1,
		.segments = calloc(1, sizeof(*ret_map->segments)),
		.unproven_count = memory.unproven_count,
	};
	ret_map->segments[0] =
		(struct ebb_map_segment){ .bytes = EBB_GIB, .offset = EBB_MIB };
	return 0;
}

int __wrap_ebb_ringmap_open(int fd, uint64_t offset, uint64_t page_bytes,
			    const uint8_t boot_id[EBB_BOOT_ID_BYTES],
			    const uint8_t challenge[EBB_NONCE_BYTES],
			    struct ebb_ringmap *ret_map)
{
	(void)fd;
	(void)page_bytes;
	(void)boot_id;
	(void)challenge;
	memory.opens++;
	memory.offset = offset;
	if (memory.open == 0)
		*ret_map = (struct ebb_ringmap){ .ring = &ring };
	return memory.open;
}

int __wrap_ebb_ringmap_attach(struct ebb_ringmap *map)
{
	assert_ptr_equal(map->ring, &ring);
	memory.attaches++;
	gone |= memory.gone_at_attach;
	return memory.attach;
}

void __wrap_ebb_ringmap_close(struct ebb_ringmap *map)
{
	memory.closes += map->ring != NULL;
	*map = (struct ebb_ringmap){ 0 };
}

/* A guest that can lend. */
static int set_up(void **state)
{
	look_set_up(state);
	memset(&memory, 0, sizeof(memory));
	fake.own = "connected";
	fake.own_answer = 0;
	fake.challenge_answer = 0;
	fake.shared_files = 1;
	fake.info = (struct ebb_msg_info){
		.module_loaded = true,
		.uapi_version = EBB_UAPI_VERSION,
		.ring_bytes = sizeof(struct ebb_ring),
		.ring_gpa = RING_GPA,
		.segment_count = 1,
	};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	ebb_map_clear(&found.map);
	return 0;
}

static void look_plain(void)
{
	ebb_map_clear(&found.map);
	look((struct ebb_probe_order){ 0 });
}

/* No ring is held, nor a file that another one may want. */
static void check_let_go(enum ebb_reason_id id)
{
	assert_false(found.attached);
	assert_null(found.ring.ring);
	assert_int_equal(memory.closes, memory.open == 0 ? memory.opens : 0);
	assert_true(is_reason(id));
	assert_int_not_equal(ebb_probe_rung(&found), EBB_RUNG_LEASE);
	assert_int_equal(fake.unlocks, 1);
}

static void test_lease(void **state)
{
	(void)state;
	look_plain();
	assert_int_equal(found.reasons.count, 0);
	assert_true(found.attached);
	assert_int_equal(ebb_probe_rung(&found), EBB_RUNG_LEASE);
	assert_ptr_equal(found.ring.ring, &ring);
	assert_int_equal(found.ring_gpa, RING_GPA);
	assert_int_equal(memory.offset, RING_GPA + EBB_MIB);
	assert_int_equal(fake.unlocks, 0);
	assert_int_equal(memory.closes, 0);
}

/* Who answers another one's questions is not even asked. */
static void test_of_another_controller(void **state)
{
	(void)state;
	memory.likely = -EBUSY;
	look_plain();
	check_let_go(EBB_REASON_OTHER_CONTROLLER);
	assert_int_equal(fake.own_asks, 0);
	assert_int_equal(memory.proofs, 0);

	set_up(NULL);
	memory.proven = -EBUSY;
	look_plain();
	check_let_go(EBB_REASON_OTHER_CONTROLLER);
	assert_int_equal(memory.opens, 0);
}

static void test_one_segment_is_not_proven(void **state)
{
	(void)state;
	memory.unproven_count = 1;
	look_plain();
	check_let_go(EBB_REASON_MAP_UNPROVEN);
	assert_int_equal(memory.opens, 0);
}

static void test_challenge_is_not_answered(void **state)
{
	(void)state;
	fake.challenge_answer = -ETIMEDOUT;
	look_plain();
	check_let_go(EBB_REASON_NO_AGENT);
	assert_int_equal(memory.proofs, 0);
}

/* Nothing is written into the guest for what is closed all the same. */
static void test_something_stands_in_the_way(void **state)
{
	(void)state;
	fake.info.page_poisoning = true;
	look_plain();
	check_let_go(EBB_REASON_PAGE_POISONING);
	assert_int_equal(memory.proofs, 0);

	set_up(NULL);
	ebb_map_clear(&found.map);
	look((struct ebb_probe_order){ .forbidden =
					       ebb_rung_bit(EBB_RUNG_LEASE) });
	check_let_go(EBB_REASON_RUNG_FORBIDDEN);
	assert_int_equal(memory.proofs, 0);
}

static void test_ring_is_not_to_be_had(void **state)
{
	(void)state;
	memory.open = -EBADMSG;
	look_plain();
	check_let_go(EBB_REASON_RING_INVALID);
	assert_int_equal(memory.attaches, 0);

	set_up(NULL);
	memory.attach = -ESHUTDOWN;
	look_plain();
	check_let_go(EBB_REASON_NO_MODULE);

	/* Outside of what is proven, or across two pages. */
	set_up(NULL);
	fake.info.ring_gpa = EBB_GIB;
	look_plain();
	check_let_go(EBB_REASON_RING_INVALID);
	assert_int_equal(memory.opens, 0);

	set_up(NULL);
	fake.info.ring_gpa = RING_GPA + 64;
	look_plain();
	check_let_go(EBB_REASON_RING_INVALID);
	assert_int_equal(memory.opens, 0);
}

/* As by a device that was attached. */
static void test_it_changes_meanwhile(void **state)
{
	(void)state;
	gone = true;
	look_plain();
	check_let_go(EBB_REASON_INTERNAL);
	assert_int_equal(memory.proofs, 0);

	set_up(NULL);
	memory.gone_at_attach = true;
	look_plain();
	assert_int_equal(memory.attaches, 1);
	assert_false(found.attached);
	assert_int_equal(memory.closes, 1);
	assert_true(is_reason(EBB_REASON_INTERNAL));
	assert_int_not_equal(ebb_probe_rung(&found), EBB_RUNG_LEASE);
}

/* One that had the lease owes the guest memory, for as long as it runs. */
static void test_lock_is_kept(void **state)
{
	struct ebb_backing backing = { .page_bytes = EBB_PAGE_BYTES };
	int fd = memfd_create("test-probe-lease", MFD_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	backing.file = ebb_file_new(fd, EBB_GIB, EBB_PAGE_BYTES);
	assert_non_null(backing.file);
	before.qemu.pid = 1;
	before.qemu.backing_count = 1;
	before.qemu.backings = &backing;
	fake.info.page_poisoning = true;
	look_plain();
	assert_int_equal(fake.unlocks, 1);
	assert_int_equal(ebb_file_lock(backing.file), 0);
	look_plain();
	assert_int_equal(fake.unlocks, 1);
	ebb_file_unref(backing.file);
}

#define LEASE_TEST(test) \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LEASE_TEST(test_lease),
		LEASE_TEST(test_of_another_controller),
		LEASE_TEST(test_one_segment_is_not_proven),
		LEASE_TEST(test_challenge_is_not_answered),
		LEASE_TEST(test_something_stands_in_the_way),
		LEASE_TEST(test_ring_is_not_to_be_had),
		LEASE_TEST(test_it_changes_meanwhile),
		LEASE_TEST(test_lock_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
