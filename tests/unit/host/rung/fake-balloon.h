/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A domain's balloon and the guest in it, in place of host/libvirt/balloon.c. It is asked
 * on threads of others, which cannot assert.
 */
#ifndef EBB_TESTS_FAKE_BALLOON_H
#define EBB_TESTS_FAKE_BALLOON_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "host/libvirt/balloon.h"

/**
 * struct fake_balloon
 * @hung: its QEMU does not answer
 * @waits: somebody waits for it
 * @result: of each act that changes something; 0: it is done
 * @driver: the guest's answers; @stuck: and does not move the balloon
 * @memory_bytes, @used_bytes, @cache_bytes: of the guest; what is left is free
 * @total_bytes: that it takes for its own; 0: it does not say
 * @step_bytes: so far the balloon moves from one reading to the next
 * @record_base_bytes, @record_left_bytes, @record_memory_bytes: of the record that is kept; 0: there is none
 */
struct fake_balloon {
	atomic_bool hung;
	atomic_bool waits;
	atomic_int result;
	atomic_bool driver;
	atomic_bool stuck;
	_Atomic uint64_t memory_bytes;
	_Atomic uint64_t total_bytes;
	_Atomic uint64_t used_bytes;
	_Atomic uint64_t cache_bytes;
	_Atomic uint64_t swapped_bytes;
	_Atomic uint64_t major_faults;
	_Atomic uint64_t actual_bytes;
	_Atomic uint64_t left_bytes;
	_Atomic uint64_t step_bytes;
	_Atomic uint64_t stamp_s;
	_Atomic uint32_t period_s;
	_Atomic uint64_t record_base_bytes;
	_Atomic uint64_t record_left_bytes;
	_Atomic uint64_t record_memory_bytes;
	atomic_uint acts;
	atomic_uint resizes;
	atomic_uint lines; /* that are open */
};

extern struct fake_balloon fake_balloon;

/* A guest of 2 GiB that uses 300 MiB and has 200 MiB of cache; it answers. */
void fake_balloon_reset(void);

#endif /* EBB_TESTS_FAKE_BALLOON_H */
