/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vm as whoever shares memory out sees it: facts by loads from the ring, or, where
 * there is none, those that the agent, or the driver of the balloon, told when it was
 * asked last; the host's books by fstat(). Nothing waits, no guest is woken, libvirtd is
 * not asked.
 */
#ifndef EBB_HOST_SIGHT_H
#define EBB_HOST_SIGHT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/domain/vm.h"
#include "host/interface/reason.h"
#include "host/interface/rung_id.h"

/**
 * struct ebb_vm_word - what the guest says in the ring's facts page, by its agent or by
 *	its balloon, unchecked
 * @boot_id: of its kernel; without ebb.ko 0
 * @stamp_ns: its CLOCK_BOOTTIME when it said so; by its agent, for how long its kernel
 *	had run then at most, by the host's clock
 * @asked: its agent or its driver said so, and says nothing before it is asked again
 * @by_books: nobody in it is asked, and the host's books say so. They change little, so
 *	that this is no sign of calm
 * @free_huge_bytes: of @free_bytes, in ranges that can be leased; on rung balloon what
 *	the balloon may hold of it (need.h)
 * @available_bytes: what it could free without swapping, @free_bytes among that
 */
struct ebb_vm_word {
	uint8_t boot_id[EBB_BOOT_ID_BYTES];
	uint64_t stamp_ns;
	bool asked;
	bool by_books;
	uint64_t free_bytes;
	uint64_t free_huge_bytes;
	uint64_t available_bytes;
};

/**
 * struct ebb_vm_sight - what ebbd knows of it
 * @pid: of its process, or 0
 * @huge_page_bytes: its memory is from the pool of pages of this size; 0: it is not
 * @paused, @leaving: as libvirt said last; @leaving: it shuts down, or crashed
 * @in_job: a libvirt job reads its memory; @jobs_ended: so many have ended
 * @rung: that it is on
 * @held_known: else @resident_bytes and @swapped_bytes are what it has at least
 * @usable_bytes: its memory without what is not plugged and what a balloon holds; 0
 *	without @held_known: not known, either
 * @balloon_known, @balloon_bytes: that
 * @claimed_bytes: of that, what it may have back at any moment: it holds that for Ebb, or
 *	nobody but the guest says so
 * @base_bytes: @usable_bytes, with what a balloon holds for Ebb
 * @balloon_deflates: by itself, when the guest runs short
 * @balloon_alarms: times that it needed that back
 * @swapped_known: else what is swapped counts as resident, or not at all
 * @stalled_us: for so long some task of the guest waited for memory since its kernel
 *	booted, as the agent said at @said_ns; 0: it did not
 * @working_set_known: the agent said it; @working_set_ns: when. On rung balloon what is
 *	left to the guest by need.h: what it cannot free, and a cushion
 */
struct ebb_vm_sight {
	pid_t pid;
	uint64_t huge_page_bytes;
	bool paused;
	bool leaving;
	bool in_job;
	uint32_t jobs_ended;
	enum ebb_rung_id rung;
	bool held_known;
	uint64_t usable_bytes;
	bool balloon_known;
	uint64_t balloon_bytes;
	uint64_t claimed_bytes;
	uint64_t base_bytes;
	bool balloon_deflates;
	uint32_t balloon_alarms;
	uint64_t resident_bytes;
	bool swapped_known;
	uint64_t swapped_bytes;
	uint64_t stalled_us;
	uint64_t said_ns;
	bool working_set_known;
	uint64_t working_set_bytes;
	uint64_t working_set_ns;
};

/*
 * What the guest says now; false: its facts are no facts, its agent said nothing lately,
 * or it is on a rung that needs no word.
 */
bool ebb_vm_hear(const struct ebb_vm *vm, struct ebb_vm_word *ret_word);

/*
 * Has the agent asked for what the ring does not tell, or the driver of the balloon, once,
 * as soon as nothing else is done with the vm. That wakes the guest. ebb_vm_see() has it
 * then, if it answers, and ebb_vm_hear() what is so now.
 */
void ebb_vm_want_facts(struct ebb_vm *vm);

/* The same, if what it said is old; somebody looks on, and is answered meanwhile. */
void ebb_vm_renew_facts(struct ebb_vm *vm);

/*
 * Has libvirtd asked, likewise, whether a job reads its memory: there is a sign of
 * one. ebb_vm_see() has it then.
 */
void ebb_vm_want_job(struct ebb_vm *vm);

/* Nobody needs what its balloon holds for Ebb any more: it gives that back. */
void ebb_vm_give_back(struct ebb_vm *vm);

void ebb_vm_see(const struct ebb_vm *vm, struct ebb_vm_sight *ret_sight);

/*
 * What it may take back at any moment, without asking. Returns whether that is known;
 * else it is 0.
 */
bool ebb_vm_lent(const struct ebb_vm *vm, uint64_t *ret_bytes);

/* Why rung lease is closed: the first reason; false: it is open, or none is known. */
bool ebb_vm_is_closed(const struct ebb_vm *vm, struct ebb_reason *ret_reason);

#endif /* EBB_HOST_SIGHT_H */
