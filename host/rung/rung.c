/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/rung/rung.h"

static const struct ebb_rung rungs[EBB_RUNG_COUNT] = {
	[EBB_RUNG_OBSERVE] = { .name = "observe" },
	[EBB_RUNG_LEASE] = {
		.name = "lease",
		.prepare = ebb_reclaim_prepare,
		.run = ebb_reclaim_run,
	},
};

enum ebb_rung_id ebb_rung_choose(const struct ebb_rung_facts *facts)
{
	return facts->attached ? EBB_RUNG_LEASE : EBB_RUNG_OBSERVE;
}

const struct ebb_rung *ebb_rung(enum ebb_rung_id id)
{
	return &rungs[id];
}
