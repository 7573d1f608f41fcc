/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/rung/rung.h"

static bool closes_report(enum ebb_reason_id reason)
{
	switch (reason) {
	/* What the lease alone needs. */
	case EBB_REASON_PRIVATE_MEMORY:
	case EBB_REASON_AGENT_VERSION:
	case EBB_REASON_NO_MODULE:
	case EBB_REASON_REPORTING_BUSY:
	case EBB_REASON_MAP_UNPROVEN:
	case EBB_REASON_RING_INVALID:
	/* Says which rungs are forbidden, and the fact itself closes them. */
	case EBB_REASON_RUNG_FORBIDDEN:
	/* Stand in the way of what is worse. */
	case EBB_REASON_NO_SWAP:
	case EBB_REASON_NO_BALLOON:
		return false;
	/* Whoever paid for memory that stays has it. */
	case EBB_REASON_RESERVED_MEMORY:
	/* Nobody knows what is measured, or another one measures and drives. */
	case EBB_REASON_NOT_RUNNING:
	case EBB_REASON_PROCESS_UNKNOWN:
	case EBB_REASON_OTHER_CONTROLLER:
	case EBB_REASON_BACKING_ON_DISK:
	case EBB_REASON_TOO_MANY_PARTS:
	/* Whoever broke the rules once is left to itself. */
	case EBB_REASON_QUARANTINED:
	/* QEMU does not discard it, */
	case EBB_REASON_CONFIDENTIAL:
	case EBB_REASON_VFIO:
	case EBB_REASON_VDPA:
	case EBB_REASON_LOCKED_MEMORY:
	case EBB_REASON_PAGES_TOO_LARGE:
	case EBB_REASON_PAGE_POISONING:
	/* or may discard what another one has pinned, or what must stay. */
	case EBB_REASON_VHOST_USER:
	case EBB_REASON_PEERS_UNKNOWN:
	case EBB_REASON_ARGUMENTS_UNKNOWN:
	case EBB_REASON_NVDIMM:
	/* Nobody in the guest can be asked. */
	case EBB_REASON_NO_CHANNEL:
	case EBB_REASON_GUEST_PAUSED:
	case EBB_REASON_GUEST_BOOTING:
	case EBB_REASON_AGENT_SILENT:
	case EBB_REASON_NO_AGENT:
	case EBB_REASON_LIBVIRT_JOB:
	case EBB_REASON_INTERNAL:
	case EBB_REASON_COUNT:
		break;
	}
	return true;
}

/* What QEMU cannot or should not discard of the one rung it should not of the other. */
static bool closes_balloon(enum ebb_reason_id reason)
{
	switch (reason) {
	/* Nobody in the guest is asked. */
	case EBB_REASON_NO_CHANNEL:
	case EBB_REASON_AGENT_SILENT:
	case EBB_REASON_NO_AGENT:
		return false;
	case EBB_REASON_NO_BALLOON:
		return true;
	default:
		return closes_report(reason);
	}
}

static bool closes_pageout(enum ebb_reason_id reason)
{
	switch (reason) {
	/* What discarding needs, or an agent, or what the agent says of the guest. */
	case EBB_REASON_PRIVATE_MEMORY:
	case EBB_REASON_NVDIMM:
	case EBB_REASON_NO_CHANNEL:
	case EBB_REASON_AGENT_SILENT:
	case EBB_REASON_NO_AGENT:
	case EBB_REASON_AGENT_VERSION:
	case EBB_REASON_NO_MODULE:
	case EBB_REASON_PAGE_POISONING:
	case EBB_REASON_REPORTING_BUSY:
	case EBB_REASON_MAP_UNPROVEN:
	case EBB_REASON_RING_INVALID:
	/* Says which rungs are forbidden, and the fact itself closes them. */
	case EBB_REASON_RUNG_FORBIDDEN:
	/* Likewise. */
	case EBB_REASON_NO_SWAP:
	case EBB_REASON_NO_BALLOON:
		return false;
	/* Whoever paid for memory that stays has it. */
	case EBB_REASON_RESERVED_MEMORY:
	/* Nobody knows what it is, or all of it. */
	case EBB_REASON_NOT_RUNNING:
	case EBB_REASON_PROCESS_UNKNOWN:
	case EBB_REASON_ARGUMENTS_UNKNOWN:
	case EBB_REASON_BACKING_ON_DISK:
	case EBB_REASON_TOO_MANY_PARTS:
	/* Another one takes of it, or whoever broke the rules is left to itself. */
	case EBB_REASON_OTHER_CONTROLLER:
	case EBB_REASON_QUARANTINED:
	/* It is never swapped, */
	case EBB_REASON_CONFIDENTIAL:
	case EBB_REASON_VFIO:
	case EBB_REASON_VDPA:
	case EBB_REASON_LOCKED_MEMORY:
	case EBB_REASON_PAGES_TOO_LARGE:
	/* or another process may have it pinned, or has it mapped as well. */
	case EBB_REASON_VHOST_USER:
	case EBB_REASON_PEERS_UNKNOWN:
	/* What stands still, or has not begun, touches nothing: all of it looks cold. */
	case EBB_REASON_GUEST_PAUSED:
	case EBB_REASON_GUEST_BOOTING:
	/* It would read all back. */
	case EBB_REASON_LIBVIRT_JOB:
	case EBB_REASON_INTERNAL:
	case EBB_REASON_COUNT:
		break;
	}
	return true;
}

const char *ebb_rung_why_no_swap(const struct ebb_budget_swap *swap)
{
	if (!swap->known || swap->total_bytes == 0)
		return "there is none";
	/* With zram beside a disk nobody knows where a page goes. */
	return swap->zram_bytes > 0 ? "it is in zram, which is RAM" : NULL;
}

bool ebb_rung_is_closed_by(enum ebb_rung_id id, enum ebb_reason_id reason)
{
	switch (id) {
	case EBB_RUNG_LEASE:
		return true;
	case EBB_RUNG_REPORT:
		return closes_report(reason);
	case EBB_RUNG_BALLOON:
		return closes_balloon(reason);
	case EBB_RUNG_PAGEOUT:
		return closes_pageout(reason);
	case EBB_RUNG_OBSERVE:
	case EBB_RUNG_COUNT:
		break;
	}
	return false;
}

/* As far as no reason says it. */
static bool may_report(const struct ebb_rung_facts *facts)
{
	return facts->reporting && !facts->pooled;
}

bool ebb_rung_is_closed(enum ebb_rung_id id,
			const struct ebb_reason_list *reasons)
{
	for (uint32_t i = 0; i < reasons->count; i++)
		if (ebb_rung_is_closed_by(id, reasons->items[i].id))
			return true;
	return false;
}

/* What is free is gone already where it is reported. */
static bool is_balloon_open(const struct ebb_rung_facts *facts)
{
	return facts->inflatable && !facts->reporting && !facts->pooled &&
	       !ebb_rung_is_closed(EBB_RUNG_BALLOON, facts->reasons);
}

static bool is_open(const struct ebb_rung_facts *facts, enum ebb_rung_id id)
{
	switch (id) {
	case EBB_RUNG_LEASE:
		return facts->attached;
	case EBB_RUNG_REPORT:
		return may_report(facts) && facts->answers &&
		       !ebb_rung_is_closed(id, facts->reasons);
	case EBB_RUNG_BALLOON:
		return is_balloon_open(facts);
	case EBB_RUNG_PAGEOUT:
		return facts->swaps && !facts->pooled &&
		       !ebb_rung_is_closed(id, facts->reasons);
	case EBB_RUNG_OBSERVE:
	case EBB_RUNG_COUNT:
		break;
	}
	return true;
}

enum ebb_rung_id ebb_rung_choose(const struct ebb_rung_facts *facts)
{
	for (int id = EBB_RUNG_COUNT - 1; id > EBB_RUNG_OBSERVE; id--)
		if (!ebb_rungs_have(facts->forbidden, (enum ebb_rung_id)id) &&
		    is_open(facts, (enum ebb_rung_id)id))
			return (enum ebb_rung_id)id;
	return EBB_RUNG_OBSERVE;
}

uint32_t ebb_rung_missed(const struct ebb_rung_facts *facts)
{
	uint32_t missed = 0;

	for (int i = EBB_RUNG_COUNT - 1; i > EBB_RUNG_OBSERVE; i--) {
		enum ebb_rung_id id = (enum ebb_rung_id)i;
		bool open = is_open(facts, id) || (id == EBB_RUNG_LEASE &&
						   facts->reasons->count == 0);

		if (open && !ebb_rungs_have(facts->forbidden, id))
			break;
		if (open)
			missed |= ebb_rung_bit(id);
	}
	return missed;
}

void ebb_rung_sort(const struct ebb_rung_facts *facts,
		   struct ebb_reason_list *reasons)
{
	struct ebb_reason_list sorted;

	ebb_reason_sort(reasons);
	if (!may_report(facts))
		return;
	sorted = *reasons;
	sorted.count = 0;
	for (int closing = 1; closing >= 0; closing--)
		for (uint32_t i = 0; i < reasons->count; i++)
			if (ebb_rung_is_closed_by(EBB_RUNG_REPORT,
						  reasons->items[i].id) ==
			    closing)
				sorted.items[sorted.count++] =
					reasons->items[i];
	*reasons = sorted;
}
