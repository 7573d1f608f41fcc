/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a libvirt job made resident of the memory that a guest had lent. Pure.
 *
 * Theory of operation
 * ===================
 *
 * The problem. A migration, save, dump or snapshot reads all memory, and what was lent
 * is resident after it though the guest never touched it. Free memory that becomes
 * resident is mostly the guest's doing: it used it, and freed other memory. So growth
 * alone is no proof, and a job alone none either, as the guest may run meanwhile.
 *
 * So at each moment the growth on the host is held against the guest's word: what it
 * lent and has not, and did not come to use, somebody else made resident. That counts
 * if a job was under way since the moment before. Where none is known of, it is
 * suspected for a while, and libvirtd is asked. What the guest uses, and what is taken
 * of it, is no more of that.
 */
#ifndef EBB_HOST_REFILL_H
#define EBB_HOST_REFILL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"

/* For so long growth without a cause may turn out to be a job's. */
#define EBB_REFILL_SUSPECT_NS (30 * EBB_NS_PER_S)

/**
 * struct ebb_refill_sight - a guest at one moment
 * @lent_bytes: by the host's books; @free_bytes: by its own last word
 * @in_job: a job reads its memory; @jobs_ended: so many have ended
 */
struct ebb_refill_sight {
	uint64_t usable_bytes;
	uint64_t lent_bytes;
	uint64_t free_bytes;
	bool in_job;
	uint32_t jobs_ended;
};

/**
 * struct ebb_refill - zeroed: nothing was seen
 * @bytes: a job made resident, and the guest has neither used nor given since
 * @suspected_bytes: somebody made so much resident, since @suspected_ns
 * @asked: libvirtd was, about that
 */
struct ebb_refill {
	bool seen;
	struct ebb_refill_sight last;
	uint64_t bytes;
	uint64_t suspected_bytes;
	uint64_t suspected_ns;
	bool asked;
};

/* Takes a moment. Returns whether libvirtd is to be asked for a job. */
bool ebb_refill_note(struct ebb_refill *refill,
		     const struct ebb_refill_sight *sight, uint64_t now_ns);

#endif /* EBB_HOST_REFILL_H */
