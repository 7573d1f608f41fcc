/* SPDX-License-Identifier: GPL-2.0-only */
/* What a guest is owed of the pools of huge pages: all its ledgers together. */
#ifndef EBB_HOST_DEBT_H
#define EBB_HOST_DEBT_H

#include <stdbool.h>
#include <stdint.h>

#include "host/libvirt/domxml.h"
#include "host/memory/ledger.h"
#include "host/memory/map.h"
#include "host/memory/process.h"

/* What a file on hugetlbfs holds, for ebb_debt_lend(); 0 for any other. */
uint64_t ebb_debt_held_bytes(const struct ebb_backing *backing);

/* A range was punched. @held_bytes: of the file, just before. */
void ebb_debt_lend(const struct ebb_backing *backing, uint64_t offset,
		   uint64_t bytes, uint64_t held_bytes);

/**
 * ebb_debt_proven - the guest's memory was proven, anew or for the first time
 * @process, @map: of the look that proved it
 * @complete: each segment that the guest named is proven
 *
 * What an ebbd before this one may have taken is taken for lent; and of what is
 * no segment's any more, as unplugged memory, nothing is owed.
 */
void ebb_debt_proven(const struct ebb_guest_process *process,
		     const struct ebb_map *map, bool complete);

/**
 * struct ebb_debt_limits - what can be owed at the most
 * @found: of each file, whether its ledger has more
 * @limits: of those
 */
struct ebb_debt_limits {
	bool found[EBB_BACKING_MAX];
	struct ebb_ledger_limit limits[EBB_BACKING_MAX];
};

/**
 * ebb_debt_find_limits - see what can be owed where a part is unplugged
 * @process, @map: of the look that proved it
 * @domxml: the devices with what is plugged of them
 * @ret_limits: written always
 *
 * They hold if the same is plugged before and after. Returns whether there are
 * any.
 */
bool ebb_debt_find_limits(const struct ebb_guest_process *process,
			  const struct ebb_map *map,
			  const struct ebb_domxml *domxml,
			  struct ebb_debt_limits *ret_limits);

/* Cuts what is owed to limits that hold. */
void ebb_debt_cut(const struct ebb_guest_process *process,
		  const struct ebb_debt_limits *limits);

/**
 * ebb_debt_of - what a guest is owed and has had
 * @page_bytes: of the pool; 0: of all pools
 *
 * From any thread.
 */
struct ebb_debt ebb_debt_of(const struct ebb_guest_process *process,
			    uint64_t page_bytes);

/**
 * ebb_debt_reserve - give what a guest is owed its reservations back
 * @page_bytes: of the pool; 0: of all pools
 *
 * Returns 0 or the first error of ebb_ledger_reserve().
 */
int ebb_debt_reserve(const struct ebb_guest_process *process,
		     uint64_t page_bytes);

#endif /* EBB_HOST_DEBT_H */
