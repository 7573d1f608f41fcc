/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A reclaim that somebody asks of a domain, and what he is told of it.
 *
 * A client of the control socket is one of those who ask (reclaim_call.h). None
 * of this knows clients or JSON.
 */
#ifndef EBB_HOST_RECLAIM_ORDER_H
#define EBB_HOST_RECLAIM_ORDER_H

#include "host/domain/refusal.h"
#include "host/lease/reclaim.h"

enum ebb_reclaim_owner {
	/* A person: a domain that is not on rung lease is looked at for it. */
	EBB_OWNER_OPERATOR,
	/* ebbd itself: it knows the rung, and costs a closed one nothing. */
	EBB_OWNER_POLICY,
};

/**
 * struct ebb_reclaim_state - how far it is
 * @waits: for its turn, as reclaims at once are limited; its time does not run
 * @waited_ns: with @waits: that it has waited, since it came in line last
 * @running: with @waits: so many have theirs
 * @ahead: with @waits: so many more are before it in line
 * @reclaim: what came of it until now, or NULL: it has not begun. Valid within
 *	the callback
 */
struct ebb_reclaim_state {
	bool waits;
	uint64_t waited_ns;
	uint32_t running;
	uint32_t ahead;
	const struct ebb_reclaim *reclaim;
};

/**
 * struct ebb_reclaim_report - how it ended
 * @refusal: why it did not begin; of kind EBB_REFUSAL_NONE if it did
 * @reclaim: what came of it, if it began; else NULL. Valid within the callback
 */
struct ebb_reclaim_report {
	struct ebb_refusal refusal;
	const struct ebb_reclaim *reclaim;
};

/**
 * struct ebb_reclaim_order - what is asked
 * @wish: how much and how. @wish.timeout_ms is of the time that it runs; 0: the
 *	configured one
 * @owner: who asks
 * @progress: how far it is, ten times a second while it runs, and once a second
 *	while it waits for its turn; may be NULL
 * @done: how it ended, exactly once, and possibly before ebb_vm_reclaim() returns
 * @opaque: for both, and its name for ebb_vm_cancel_reclaim()
 *
 * Both are called on the event loop's thread. They may ask for another reclaim,
 * which begins after they have returned.
 */
struct ebb_reclaim_order {
	struct ebb_reclaim_wish wish;
	enum ebb_reclaim_owner owner;
	void (*progress)(const struct ebb_reclaim_state *state, void *opaque);
	void (*done)(const struct ebb_reclaim_report *report, void *opaque);
	void *opaque;
};

#endif /* EBB_HOST_RECLAIM_ORDER_H */
