/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/sharing/refill.h"

#include "common/size.h"

/* Of a guest, what is worth a question: so much, or so small a part of it. */
#define SUSPICIOUS_BYTES (64 * EBB_MIB)

enum {
	SUSPICIOUS_PART = 16
};

/* What became resident that the guest did not come to use; below 0: it used more. */
static int64_t unexplained(const struct ebb_refill_sight *before,
			   const struct ebb_refill_sight *now)
{
	int64_t grown = (int64_t)(before->lent_bytes - now->lent_bytes);
	int64_t used = (int64_t)(before->free_bytes - now->free_bytes);
	int64_t bytes = grown - used;

	/* What it freed itself nobody made resident. */
	if (bytes > 0 && bytes > grown)
		return grown > 0 ? grown : 0;
	return bytes;
}

static uint64_t without(uint64_t *bytes, uint64_t used_bytes)
{
	uint64_t part = used_bytes < *bytes ? used_bytes : *bytes;

	*bytes -= part;
	return used_bytes - part;
}

static void note_change(struct ebb_refill *refill, int64_t bytes,
			uint64_t now_ns)
{
	if (bytes < 0) {
		without(&refill->bytes,
			without(&refill->suspected_bytes, (uint64_t)-bytes));
		return;
	}
	if (refill->suspected_bytes == 0) {
		refill->suspected_ns = now_ns;
		refill->asked = false;
	}
	refill->suspected_bytes += (uint64_t)bytes;
}

static bool is_suspicious(const struct ebb_refill *refill)
{
	uint64_t part = refill->last.usable_bytes / SUSPICIOUS_PART;

	return refill->suspected_bytes >=
	       (part > SUSPICIOUS_BYTES ? part : SUSPICIOUS_BYTES);
}

bool ebb_refill_note(struct ebb_refill *refill,
		     const struct ebb_refill_sight *sight, uint64_t now_ns)
{
	const struct ebb_refill_sight before = refill->last;
	bool seen = refill->seen;

	refill->seen = true;
	refill->last = *sight;
	/* A guest's word may be any number. */
	if (refill->last.free_bytes > sight->usable_bytes)
		refill->last.free_bytes = sight->usable_bytes;
	/* Plugged and unplugged memory is no growth of either kind. */
	if (!seen || sight->usable_bytes != before.usable_bytes)
		return false;
	if (now_ns - refill->suspected_ns >= EBB_REFILL_SUSPECT_NS)
		refill->suspected_bytes = 0;
	note_change(refill, unexplained(&before, &refill->last), now_ns);
	if (sight->in_job || sight->jobs_ended != before.jobs_ended) {
		refill->bytes += refill->suspected_bytes;
		refill->suspected_bytes = 0;
		return false;
	}
	if (refill->asked || !is_suspicious(refill))
		return false;
	refill->asked = true;
	return true;
}
