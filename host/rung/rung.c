/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/rung/rung.h"

#include "host/rung/balloon.h"
#include "host/rung/pageout.h"
#include "host/rung/report.h"

static const struct ebb_rung rungs[EBB_RUNG_COUNT] = {
	[EBB_RUNG_OBSERVE] = { .run = NULL },
	[EBB_RUNG_PAGEOUT] = {
		.can = { .page_out = true },
		.prepare = ebb_pageout_prepare,
		.run = ebb_pageout_run,
	},
	[EBB_RUNG_BALLOON] = {
		.can = { .drive = true, .balloon = true },
		.prepare = ebb_balloon_prepare,
		.run = ebb_balloon_run,
	},
	[EBB_RUNG_REPORT] = {
		.can = { .drive = true },
		.prepare = ebb_report_prepare,
		.run = ebb_report_run,
	},
	[EBB_RUNG_LEASE] = {
		.can = { .take = true, .drive = true },
		.prepare = ebb_reclaim_prepare,
		.run = ebb_reclaim_run,
	},
};

const struct ebb_rung *ebb_rung(enum ebb_rung_id id)
{
	return &rungs[id];
}
