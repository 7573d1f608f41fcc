/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/lease/tools.h"

int ebb_tools_init(struct ebb_tools *tools, const struct ebb_lender *lender,
		   const struct ebb_bounds *bounds, struct ebb_books *books,
		   struct ebb_domain *domain, struct ebb_channel *channel,
		   uint32_t agent_ms)
{
	int r;

	*tools = (struct ebb_tools){ .lender = lender,
				     .bounds = bounds,
				     .books = books };
	r = ebb_puncher_init(&tools->puncher, lender, bounds, books);
	if (r < 0)
		return r;
	r = ebb_permission_start(&tools->permission, domain);
	if (r < 0)
		goto no_permission;
	r = ebb_dialog_start(&tools->dialog, channel, agent_ms);
	if (r < 0)
		goto no_dialog;
	return 0;

no_dialog:
	ebb_permission_stop(&tools->permission);
no_permission:
	ebb_puncher_release(&tools->puncher);
	return r;
}

void ebb_tools_release(struct ebb_tools *tools)
{
	ebb_dialog_stop(&tools->dialog);
	ebb_permission_stop(&tools->permission);
	ebb_puncher_release(&tools->puncher);
}

enum ebb_reclaim_end ebb_tools_end(const struct ebb_tools *tools)
{
	enum ebb_reclaim_end end = ebb_bounds_end(tools->bounds, tools->books);

	if (end == EBB_END_NONE && !ebb_ringmap_is_open(tools->lender->ring))
		return EBB_END_GUEST_GONE;
	return end;
}
