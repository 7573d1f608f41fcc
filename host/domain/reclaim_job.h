/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One request to reclaim: from what was asked to what is answered.
 */
#ifndef EBB_HOST_RECLAIM_JOB_H
#define EBB_HOST_RECLAIM_JOB_H

#include <stdatomic.h>

#include "host/control/control.h"
#include "host/domain/estimate.h"
#include "host/domain/probe.h"
#include "host/lease/reclaim.h"

/**
 * struct ebb_reclaim_job - all of one reclaim
 * @probe: attached; the job's while it runs
 * @gone, @cancelled: as in struct ebb_reclaim_order
 * @standing: the free target that holds but for this reclaim
 * @counters: may be read at any time
 * @end, @error, @after_bytes, @end_ns: valid when the job is done
 * @rearm: the next session is to offer also what was offered before
 * @refused_reason, @too_old: why a guest that was to be driven gave less, when
 *	the job is done
 * @estimate: of a dry run, when it is done
 */
struct ebb_reclaim_job {
	struct ebb_probe *probe;
	struct ebb_domain *domain;
	const struct ebb_config *config;
	const atomic_bool *gone;
	const atomic_bool *cancelled;
	struct ebb_reclaim_request request;
	struct ebb_msg_target standing;
	struct ebb_reclaim_counters counters;
	uint64_t target_bytes;
	uint64_t before_bytes;
	uint64_t start_ns;
	bool rearm;
	enum ebb_reclaim_end end;
	struct ebb_msg_error error;
	char refused_reason[32];
	struct ebb_msg_held held; /* as it said when it was driven last */
	bool too_old; /* the agent, to be driven */
	char uncompacted_reason[16]; /* why the guest did not compact, or "" */
	struct ebb_estimate estimate;
	uint64_t after_bytes;
	uint64_t end_ns;
};

/* Of all backings of a probe. */
uint64_t ebb_probe_backing_bytes(const struct ebb_probe *probe);
uint64_t ebb_probe_resident_bytes(const struct ebb_probe *probe);

/* Takes the books before; the other fields are set. */
void ebb_reclaim_job_prepare(struct ebb_reclaim_job *job);

/* The work (blocks). Again, with a new probe: what is left of it. */
void ebb_reclaim_job_run(struct ebb_reclaim_job *job);

/* How far it is; at any time from ebb_reclaim_job_prepare() on. */
void ebb_reclaim_job_progress(const struct ebb_reclaim_job *job,
			      struct ebb_reclaim_progress *ret_progress);

/* Answers the call, with a result or an error, once the job is done. */
void ebb_reclaim_job_answer(const struct ebb_reclaim_job *job,
			    struct ebb_call *call);

#endif /* EBB_HOST_RECLAIM_JOB_H */
