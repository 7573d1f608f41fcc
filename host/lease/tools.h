/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a reclaim works with: made once, for all of its sessions.
 *
 * Two threads (of the permission and of the dialog) and a timer (of the
 * puncher), however many sessions there are.
 */
#ifndef EBB_HOST_TOOLS_H
#define EBB_HOST_TOOLS_H

#include "host/lease/bounds.h"
#include "host/lease/dialog.h"
#include "host/lease/lender.h"
#include "host/lease/permission.h"
#include "host/lease/punch.h"

/**
 * struct ebb_tools - for the reclaiming thread alone
 * @books: read by others
 */
struct ebb_tools {
	const struct ebb_lender *lender;
	const struct ebb_bounds *bounds;
	struct ebb_books *books;
	struct ebb_puncher puncher;
	struct ebb_permission permission;
	struct ebb_dialog dialog;
};

/*
 * Returns 0, or -errno without random numbers, timers, threads or memory; -ESRCH: QEMU has
 * ended.
 */
int ebb_tools_init(struct ebb_tools *tools, const struct ebb_lender *lender,
		   const struct ebb_bounds *bounds, struct ebb_books *books,
		   struct ebb_domain *domain, struct ebb_channel *channel,
		   uint32_t agent_ms);

/* Never waits for libvirt or the agent. */
void ebb_tools_release(struct ebb_tools *tools);

/* That of the bounds, or of a ring that is gone; or EBB_END_NONE. */
enum ebb_reclaim_end ebb_tools_end(const struct ebb_tools *tools);

#endif /* EBB_HOST_TOOLS_H */
