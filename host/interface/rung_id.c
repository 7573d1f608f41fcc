/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/interface/rung_id.h"

#include <assert.h>

#include "common/cleanup.h"

static const char *const names[] = {
	[EBB_RUNG_OBSERVE] = "observe",
	[EBB_RUNG_REPORT] = "report",
	[EBB_RUNG_LEASE] = "lease",
};

static_assert(EBB_ARRAY_SIZE(names) == EBB_RUNG_COUNT, "each rung has a name");

const char *ebb_rung_name(enum ebb_rung_id id)
{
	return names[id];
}
