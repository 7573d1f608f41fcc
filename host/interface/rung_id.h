/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rungs by name: the ways to take a guest's memory. Who asks for one, forbids one
 * or shows one names it; host/rung/ knows what it is.
 */
#ifndef EBB_HOST_RUNG_ID_H
#define EBB_HOST_RUNG_ID_H

#include <stdbool.h>
#include <stdint.h>

/**
 * enum ebb_rung_id - from the worst to the best
 *
 * @EBB_RUNG_OBSERVE: facts are shown; nothing can be taken
 * @EBB_RUNG_REPORT: QEMU discards what the guest's kernel reports to be free, some
 *	seconds after it was freed, and ebbd has the guest compact and free more. Nobody
 *	orders it to take: what is free is gone already
 * @EBB_RUNG_LEASE: ebbd discards what the guest leases to it, in whole huge pages
 */
enum ebb_rung_id {
	EBB_RUNG_OBSERVE,
	EBB_RUNG_REPORT,
	EBB_RUNG_LEASE,
	EBB_RUNG_COUNT
};

/* As people and scripts know it. */
const char *ebb_rung_name(enum ebb_rung_id id);

/* A set of rungs has this bit for one that is in it. */
static inline uint32_t ebb_rung_bit(enum ebb_rung_id id)
{
	return UINT32_C(1) << id;
}

static inline bool ebb_rungs_have(uint32_t rungs, enum ebb_rung_id id)
{
	return rungs & ebb_rung_bit(id);
}

#endif /* EBB_HOST_RUNG_ID_H */
