/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/lease/steps.h"

#include <errno.h>
#include <string.h>

#include "common/clock.h"

enum {
	/* A guest that compacts is asked so often whether it still does. */
	COMPACT_POLL_US = 50 * 1000,
	/* For the standing target to be put back, once all is over. */
	RESTORE_MS = 500,
	/* While libvirt is waited for, the bounds are looked at so often. */
	LOOK_MS = 20,
};

struct ebb_outcome ebb_step_permission(struct ebb_permission *permission,
				       const struct ebb_bounds *bounds,
				       const struct ebb_books *books)
{
	uint64_t wanted_ns = ebb_now_ns();
	enum ebb_reclaim_end end;
	int r;

	do {
		r = ebb_permission_get(permission, wanted_ns,
				       ebb_now_ns() + LOOK_MS * EBB_NS_PER_MS);
		end = ebb_bounds_end(bounds, books);
	} while (r == -EAGAIN && end == EBB_END_NONE);
	if (end == EBB_END_NONE && r == -EBUSY)
		end = EBB_END_JOB;
	if (end == EBB_END_NONE && r < 0)
		return ebb_outcome_error(EBB_END_FAILED,
					 "cannot ask libvirt whether a job "
					 "runs");
	return ebb_outcome(end);
}

struct ebb_outcome ebb_step_no_thread(int r)
{
	return ebb_outcome_error(EBB_END_FAILED, "%s",
				 r == -EBUSY ? "too many calls of libvirt hang"
					     : strerror(-r));
}

struct ebb_outcome ebb_step_compact(struct ebb_dialog *dialog,
				    const struct ebb_bounds *bounds,
				    struct ebb_books *books)
{
	const struct ebb_dialog_request request = { .kind = EBB_DIALOG_COMPACT };
	struct ebb_dialog_reply reply;
	enum ebb_reclaim_end end;
	bool ran = false;

	books->phase = EBB_PHASE_COMPACTING;
	for (;;) {
		end = ebb_dialog_ask(dialog, bounds, books, &request, &reply);
		if (end != EBB_END_NONE)
			return ebb_outcome(end);
		if (reply.result < 0 || !reply.compact.running)
			break;
		ran = true;
		ebb_sleep_us(COMPACT_POLL_US);
	}
	if (ran)
		return ebb_outcome(EBB_END_NONE);
	if (reply.result < 0)
		return ebb_outcome_reason(
			EBB_END_DRAINED,
			reply.result == -ENOSYS ? "too-old" : "no-answer");
	return ebb_outcome_reason(EBB_END_DRAINED, reply.compact.reason);
}

struct ebb_outcome ebb_step_facts(struct ebb_dialog *dialog,
				  const struct ebb_bounds *bounds,
				  struct ebb_books *books,
				  struct ebb_msg_facts *ret_facts)
{
	const struct ebb_dialog_request request = { .kind = EBB_DIALOG_FACTS };
	struct ebb_dialog_reply reply;
	enum ebb_reclaim_end end =
		ebb_dialog_ask(dialog, bounds, books, &request, &reply);

	if (end != EBB_END_NONE)
		return ebb_outcome(end);
	if (reply.result < 0)
		return ebb_outcome_error(EBB_END_NO_AGENT, "%s",
					 reply.error.text);
	*ret_facts = reply.facts;
	return ebb_outcome(EBB_END_NONE);
}

struct ebb_outcome ebb_step_target(struct ebb_dialog *dialog,
				   const struct ebb_bounds *bounds,
				   struct ebb_books *books, uint64_t bytes,
				   bool told_before,
				   struct ebb_msg_target_state *ret_state)
{
	const struct ebb_dialog_request request = {
		.kind = EBB_DIALOG_TARGET,
		.target = { .bytes = bytes,
			    .timeout_ms = EBB_TARGET_LEASE_MS,
			    .retry = !books->driven,
			    .urgent = true },
	};
	struct ebb_dialog_reply reply;
	enum ebb_reclaim_end end =
		ebb_dialog_ask(dialog, bounds, books, &request, &reply);

	books->driven = true;
	if (end != EBB_END_NONE)
		return ebb_outcome(end);
	if (reply.result == -ENOSYS && !told_before)
		return ebb_outcome_reason(EBB_END_GUEST_REFUSED, "too-old");
	if (reply.result == -ETIMEDOUT || reply.result == -ENOTCONN)
		return ebb_outcome_reason(EBB_END_GUEST_REFUSED, "no-answer");
	if (reply.result < 0)
		return ebb_outcome_reason(EBB_END_GUEST_REFUSED, "agent-error");
	*ret_state = reply.target;
	return ebb_outcome(EBB_END_NONE);
}

void ebb_step_restore_target(struct ebb_dialog *dialog,
			     const struct ebb_msg_target *standing)
{
	const struct ebb_dialog_request request = {
		.kind = EBB_DIALOG_TARGET,
		.target = *standing,
	};
	uint64_t until_ns = ebb_now_ns() + RESTORE_MS * UINT64_C(1000000);
	struct ebb_dialog_reply reply;

	if (ebb_dialog_is_open(dialog) &&
	    !ebb_dialog_hear(dialog, until_ns, &reply))
		return;
	if (ebb_dialog_say(dialog, &request) == 0)
		ebb_dialog_hear(dialog, until_ns, &reply);
}
