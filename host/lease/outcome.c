/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/lease/outcome.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/cleanup.h"

struct ebb_outcome ebb_outcome(enum ebb_reclaim_end end)
{
	return (struct ebb_outcome){ .end = end };
}

struct ebb_outcome ebb_outcome_reason(enum ebb_reclaim_end end,
				      const char *reason)
{
	struct ebb_outcome outcome = { .end = end };

	snprintf(outcome.reason, sizeof(outcome.reason), "%s", reason);
	return outcome;
}

struct ebb_outcome ebb_outcome_error(enum ebb_reclaim_end end,
				     const char *format, ...)
{
	struct ebb_outcome outcome = { .end = end };
	va_list args;

	va_start(args, format);
	vsnprintf(outcome.error.text, sizeof(outcome.error.text), format, args);
	va_end(args);
	return outcome;
}

const char *ebb_reclaim_end_name(enum ebb_reclaim_end end)
{
	static const char *const names[] = {
		[EBB_END_NONE] = "running",
		[EBB_END_SATISFIED] = "satisfied",
		[EBB_END_DRAINED] = "drained",
		[EBB_END_TIMEOUT] = "timeout",
		[EBB_END_CANCELLED] = "cancelled",
		[EBB_END_GUEST_GONE] = "guest-gone",
		[EBB_END_EBBD_ENDS] = "ebbd-ends",
		[EBB_END_LIBVIRT_GONE] = "libvirt-gone",
		[EBB_END_GUEST_SILENT] = "guest-silent",
		[EBB_END_NO_AGENT] = "no-agent",
		[EBB_END_GUEST_PRESSURE] = "guest-pressure",
		[EBB_END_GUEST_REFUSED] = "guest-refused",
		[EBB_END_NO_MORE] = "no-more",
		[EBB_END_REPORTING_BUSY] = "page-reporting-busy",
		[EBB_END_JOB] = "libvirt-job",
		[EBB_END_MAP_CHANGED] = "map-changed",
		[EBB_END_VIOLATION] = "violation",
		[EBB_END_FAILED] = "failed",
	};

	_Static_assert(EBB_ARRAY_SIZE(names) == EBB_END_COUNT,
		       "each end has a name");
	return names[end];
}
