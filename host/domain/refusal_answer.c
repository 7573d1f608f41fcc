/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/refusal_answer.h"

#include "common/cleanup.h"

static const char *const classes[] = {
	[EBB_REFUSAL_NONE] = "GenericError",
	[EBB_REFUSAL_ARGUMENT] = "InvalidArgument",
	[EBB_REFUSAL_BUSY] = "Busy",
	[EBB_REFUSAL_CANCELLED] = "GenericError",
	[EBB_REFUSAL_NOT_RUNNING] = "DomainNotRunning",
	[EBB_REFUSAL_LIBVIRT_GONE] = "LibvirtGone",
	[EBB_REFUSAL_RUNG_CLOSED] = "RungClosed",
	[EBB_REFUSAL_FAILED] = "GenericError",
};

_Static_assert(EBB_ARRAY_SIZE(classes) == EBB_REFUSAL_COUNT,
	       "each refusal has a class");

void ebb_refusal_answer(const struct ebb_refusal *refusal,
			struct ebb_call *call)
{
	ebb_call_error(call, classes[refusal->kind], "%s", refusal->text);
}
