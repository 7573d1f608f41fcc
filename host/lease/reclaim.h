/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Taking leased ranges from a guest: the host's side of protocol/lease.h.
 */
#ifndef EBB_HOST_RECLAIM_H
#define EBB_HOST_RECLAIM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "host/memory/map.h"
#include "host/memory/process.h"
#include "host/memory/ringmap.h"

/* What a reclaim works on; proven, attached, and nobody else's meanwhile. */
struct ebb_lender {
	const struct ebb_guest_process *qemu;
	const struct ebb_map *map;
	struct ebb_ringmap *ring;
	uint64_t ring_gpa;
};

/**
 * struct ebb_reclaim_ops - what the loop asks of its surroundings, on threads
 * of their own (may block)
 * @start_session: have the guest offer; returns 0 or -errno with a text, which
 *	ends the reclaim
 * @may_punch: 0, or -EBUSY if a job works on the domain's memory, or -errno;
 *	called as permission.h says
 */
struct ebb_reclaim_ops {
	int (*start_session)(uint64_t session_id, uint32_t timeout_ms,
			     struct ebb_msg_error *ret_error, void *opaque);
	int (*may_punch)(void *opaque);
};

/* Why a reclaim ended. */
enum ebb_reclaim_end {
	EBB_END_SATISFIED, /* as much as was asked for */
	EBB_END_DRAINED, /* the guest has no more */
	EBB_END_TIMEOUT, /* of the request */
	EBB_END_CANCELLED, /* who asked went away */
	EBB_END_GUEST_GONE, /* reset, stopped, or its ring was closed */
	EBB_END_LIBVIRT_GONE, /* the same, as far as a vm knows without it */
	EBB_END_GUEST_SILENT, /* it does not answer in the ring */
	EBB_END_NO_AGENT, /* it does not answer */
	EBB_END_GUEST_PRESSURE, /* it needs its memory itself */
	EBB_END_GUEST_REFUSED, /* it frees no more; of ebb_drive_run() only */
	EBB_END_REPORTING_BUSY, /* the page reporting slot is taken */
	EBB_END_JOB, /* a libvirt job works on the memory */
	EBB_END_MAP_CHANGED, /* offers outside of proven memory */
	EBB_END_VIOLATION, /* the guest broke the rules */
	EBB_END_FAILED, /* see the error */
	EBB_END_COUNT
};

/*
 * Written by the reclaiming thread, read by any. The three of driving are for
 * whoever drives.
 */
struct ebb_reclaim_counters {
	_Atomic uint64_t reclaimed_bytes; /* by the host's books */
	_Atomic uint64_t punched_bytes; /* holes included */
	_Atomic uint64_t driven_bytes; /* reclaimed in drives that are over */
	_Atomic uint64_t undriven_bytes; /* reclaimed before the present one */
	atomic_bool driving; /* there is one */
	_Atomic uint32_t batches;
	_Atomic uint32_t failed_slots;
};

/**
 * struct ebb_reclaim_order - what is wanted
 * @bytes: stop when the host's books show so much less; 0: all there is
 * @timeout_ms: of the whole
 * @grant_window_ms: at most EBB_GRANT_WINDOW_MS
 * @gone: set by others when the guest's memory is not what it was: no punch
 *	begins after that
 * @cancelled: set by others when nobody wants the memory any more
 */
struct ebb_reclaim_order {
	uint64_t bytes;
	uint32_t timeout_ms;
	uint32_t grant_window_ms;
	const atomic_bool *gone;
	const atomic_bool *cancelled;
};

/**
 * ebb_reclaim_run - take what the guest gives (blocks)
 * @lender: the guest
 * @order: how much, how long
 * @ops: surroundings
 * @opaque: for @ops
 * @counters: zeroed by the caller, before the first run of an order
 * @ret_error: text for -EBADMSG, -ESTALE and failures
 *
 * On return no slot is in this host's hands.
 */
enum ebb_reclaim_end ebb_reclaim_run(const struct ebb_lender *lender,
				     const struct ebb_reclaim_order *order,
				     const struct ebb_reclaim_ops *ops,
				     void *opaque,
				     struct ebb_reclaim_counters *counters,
				     struct ebb_msg_error *ret_error);

/* "satisfied", "drained", ... */
const char *ebb_reclaim_end_name(enum ebb_reclaim_end end);

#endif /* EBB_HOST_RECLAIM_H */
