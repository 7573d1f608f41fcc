/* SPDX-License-Identifier: GPL-2.0-only */
/* What any reclaim asks of libvirt, and has the guest do by its agent, whoever discards. */
#ifndef EBB_HOST_STEPS_H
#define EBB_HOST_STEPS_H

#include "host/lease/dialog.h"
#include "host/lease/permission.h"

/**
 * ebb_step_permission - no libvirt job works on the memory (blocks)
 *
 * Where one does, it is not made to change meanwhile. Returns EBB_END_NONE: it may be;
 * EBB_END_JOB, EBB_END_FAILED or an end of the bounds.
 */
struct ebb_outcome ebb_step_permission(struct ebb_permission *permission,
				       const struct ebb_bounds *bounds,
				       const struct ebb_books *books);

/* What asks libvirt could not be started, with the error @r. */
struct ebb_outcome ebb_step_no_thread(int r);

/**
 * ebb_step_compact - the guest moves together what it uses (blocks)
 *
 * Waits until it has. Returns EBB_END_NONE: it did, and has more free in huge
 * ranges; EBB_END_DRAINED with a reason: it did not, which is no failure; or an end
 * of the bounds.
 */
struct ebb_outcome ebb_step_compact(struct ebb_dialog *dialog,
				    const struct ebb_bounds *bounds,
				    struct ebb_books *books);

/**
 * ebb_step_facts - what the guest says that it has free (blocks)
 * @ret_facts: written only with EBB_END_NONE
 *
 * Returns EBB_END_NONE; EBB_END_NO_AGENT with the agent's words; or an end of the
 * bounds.
 */
struct ebb_outcome ebb_step_facts(struct ebb_dialog *dialog,
				  const struct ebb_bounds *bounds,
				  struct ebb_books *books,
				  struct ebb_msg_facts *ret_facts);

/**
 * ebb_step_target - the guest is given a target, for as long as a lease of it (blocks)
 * @bytes: to have free
 * @told_before: the same agent has taken one already
 * @ret_state: what it says to that; written only with EBB_END_NONE
 *
 * Only with the first target of the whole reclaim it is to try anew what it gave up.
 * Returns EBB_END_NONE: it is set; EBB_END_GUEST_REFUSED with the reason "too-old",
 * "no-answer" or "agent-error"; or an end of the bounds.
 */
struct ebb_outcome ebb_step_target(struct ebb_dialog *dialog,
				   const struct ebb_bounds *bounds,
				   struct ebb_books *books, uint64_t bytes,
				   bool told_before,
				   struct ebb_msg_target_state *ret_state);

/*
 * Puts the target back that holds but for the reclaim. Without it the lease of the
 * reclaim's ends by itself; so it is waited for only for a moment, and an agent that
 * still has another request gets none.
 */
void ebb_step_restore_target(struct ebb_dialog *dialog,
			     const struct ebb_msg_target *standing);

#endif /* EBB_HOST_STEPS_H */
