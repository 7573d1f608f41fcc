/* SPDX-License-Identifier: GPL-2.0-only */
#include "guest/backoff.h"

/* Without the overflow of @bytes * @factor. */
static uint64_t scale(uint64_t bytes, uint32_t factor)
{
	return bytes / EBB_BACKOFF_WHOLE * factor +
	       bytes % EBB_BACKOFF_WHOLE * factor / EBB_BACKOFF_WHOLE;
}

static bool is_under_floor(uint32_t factor, uint64_t asked_bytes)
{
	return factor < EBB_BACKOFF_STEP ||
	       scale(asked_bytes, factor) < EBB_BACKOFF_FLOOR_BYTES;
}

void ebb_backoff_forget(struct ebb_backoff *backoff)
{
	*backoff = (struct ebb_backoff){ .factor = EBB_BACKOFF_WHOLE };
}

void ebb_backoff_begin(struct ebb_backoff *backoff, uint64_t now_us)
{
	if (now_us - backoff->pressure_us >= EBB_BACKOFF_QUIET_US)
		ebb_backoff_forget(backoff);
}

void ebb_backoff_renewed(struct ebb_backoff *backoff, uint64_t now_us)
{
	if (backoff->factor == EBB_BACKOFF_WHOLE ||
	    now_us - backoff->pressure_us < EBB_BACKOFF_QUIET_US ||
	    now_us - backoff->step_us < EBB_BACKOFF_STEP_US)
		return;
	backoff->step_us = now_us;
	backoff->factor += EBB_BACKOFF_STEP;
	if (backoff->factor >= EBB_BACKOFF_WHOLE)
		ebb_backoff_forget(backoff);
}

bool ebb_backoff_yield(struct ebb_backoff *backoff,
		       enum ebb_backoff_reason reason, uint64_t asked_bytes,
		       uint64_t now_us)
{
	uint32_t before = backoff->factor;

	backoff->pressure_us = now_us;
	if (reason == EBB_BACKOFF_OOM)
		backoff->factor = 0;
	else if (backoff->reason == EBB_BACKOFF_NONE ||
		 now_us - backoff->cut_us >= EBB_BACKOFF_CUT_US)
		backoff->factor /= 2;
	else
		return false;
	if (is_under_floor(backoff->factor, asked_bytes))
		backoff->factor = 0;
	backoff->reason = reason;
	backoff->cut_us = now_us;
	return backoff->factor != before;
}

uint64_t ebb_backoff_scale(const struct ebb_backoff *backoff,
			   uint64_t asked_bytes, uint64_t part_bytes)
{
	if (backoff->factor == EBB_BACKOFF_WHOLE)
		return part_bytes;
	if (is_under_floor(backoff->factor, asked_bytes))
		return 0;
	return scale(part_bytes, backoff->factor);
}

const char *ebb_backoff_reason_name(enum ebb_backoff_reason reason)
{
	switch (reason) {
	case EBB_BACKOFF_PRESSURE:
		return "pressure";
	case EBB_BACKOFF_ALLOCSTALL:
		return "allocstall";
	case EBB_BACKOFF_OOM:
		return "oom";
	case EBB_BACKOFF_NONE:
		break;
	}
	return "";
}
