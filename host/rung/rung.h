/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ways to take a guest's memory, and which of them a domain is on.
 *
 * Theory of operation
 * ===================
 *
 * The problem. Half of the guests of a host will never have all that the lease
 * needs. Each needs something else and gives something else, so whoever wants
 * memory of a domain (a person, the policy) must know what its rung can do, and
 * an operator must know what keeps it from a better one.
 *
 * The answer. A rung is a row of one table: what it can do, and how one
 * reclaim by it is carried out; a file each has that work. Which rung a domain is
 * on is a pure function of what the last look found (struct ebb_rung_facts): the
 * best that nothing closes. Nobody keeps it, so it cannot be old: when a look
 * finds that the module came, that the agent has gone, or that memory changed, the
 * domain is on another rung by that alone, and the books of what was taken, which
 * belong to the process, go on.
 *
 * The alternatives: a state of the domain that events move from rung to rung. Each
 * event would have to know all of them.
 */
#ifndef EBB_HOST_RUNG_H
#define EBB_HOST_RUNG_H

#include <stdbool.h>
#include <stdint.h>

#include "host/budget/budget.h"
#include "host/interface/reason.h"
#include "host/interface/rung_id.h"
#include "host/lease/reclaim.h"

/**
 * struct ebb_rung_can - what the policy may ask of a rung
 * @take: what is free in the guest is taken when ebbd orders it, at once. Else the
 *	policy takes it for nothing that can be asked for
 * @drive: the guest is made to free what it does not work with
 * @page_out: what it works with can be taken, too
 * @balloon: by a balloon, which the guest cannot take it back from by itself: that is
 *	for need alone
 */
struct ebb_rung_can {
	bool take;
	bool drive;
	bool page_out;
	bool balloon;
};

/**
 * struct ebb_rung - what a rung can do
 * @can: what the policy may ask of it
 * @prepare: takes the books before a reclaim, on the event loop's thread; NULL:
 *	there is no reclaim by it
 * @run: the work, on a worker; see ebb_reclaim_run()
 */
struct ebb_rung {
	struct ebb_rung_can can;
	void (*prepare)(struct ebb_reclaim *reclaim);
	void (*run)(struct ebb_reclaim *reclaim);
};

/**
 * struct ebb_rung_facts - what a look found, as far as a rung rests on it
 * @reasons: what stands in the way of the lease, and maybe of others
 * @attached: the guest's memory is proven and its ring attached, which no reason
 *	allows
 * @answers: an agent does, and there is a way to it
 * @reporting: virtio-balloon has free page reporting on
 * @inflatable: it has a balloon of virtio, whose driver answers
 * @pooled: some of the memory is of a pool of huge pages
 * @swaps: the host has swap that is no RAM
 * @forbidden: the set of rungs that an operator forbids; see ebb_rung_bit(). Empty: all
 *	are allowed
 */
struct ebb_rung_facts {
	const struct ebb_reason_list *reasons;
	bool attached;
	bool answers;
	bool reporting;
	bool inflatable;
	bool pooled;
	bool swaps;
	uint32_t forbidden;
};

/* Pure. Whether a reason closes the rung. */
bool ebb_rung_is_closed_by(enum ebb_rung_id id, enum ebb_reason_id reason);

/* Pure. Whether one of them does. */
bool ebb_rung_is_closed(enum ebb_rung_id id,
			const struct ebb_reason_list *reasons);

/*
 * Pure. Why the host's swap does not do for rung pageout: "there is none" or "it is in
 * zram, which is RAM"; NULL: it does.
 */
const char *ebb_rung_why_no_swap(const struct ebb_budget_swap *swap);

/* Pure. The best rung that is open and allowed. */
enum ebb_rung_id ebb_rung_choose(const struct ebb_rung_facts *facts);

/*
 * Pure. The set of those that are open and better than the one that it is on, but for
 * that they are forbidden. The lease counts as open where nothing stands in its way: it
 * is attached then.
 */
uint32_t ebb_rung_missed(const struct ebb_rung_facts *facts);

/*
 * Pure. Orders the reasons as they are shown: those that close the rung which is next
 * to be had first, each as in their enum.
 */
void ebb_rung_sort(const struct ebb_rung_facts *facts,
		   struct ebb_reason_list *reasons);

const struct ebb_rung *ebb_rung(enum ebb_rung_id id);

#endif /* EBB_HOST_RUNG_H */
