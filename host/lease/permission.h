/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether memory may be taken now: asked of libvirt before every batch.
 *
 * Theory of operation
 * ===================
 *
 * The problem. Nothing is to be taken while a job works on the domain's memory
 * (migration, save, restore, dump, snapshot). libvirt has no event for the start
 * of a job, so it has to be asked; a question takes a millisecond or more, and
 * batches of huge pages come every millisecond.
 *
 * The invariant. Each batch is taken upon an answer, and that was asked for less
 * than EBB_PERMISSION_MS before, or after the batch was there. A batch that
 * finds an answer of more than half that age has the next one asked for, one
 * call at a time; while there are no batches nothing is asked. So libvirtd gets
 * at most 2000 / EBB_PERMISSION_MS = 10 questions a second, and a reclaim of less
 * than that time asks once.
 *
 * Why an answer may have an age. It had one always: a job can start between the
 * answer and the punch. That is no harm to the guest. What is punched has been
 * granted within the last 50 ms by a kernel that runs and holds the range until
 * it is resolved; its content is nobody's. A save, a dump or a precopy that
 * reads it meanwhile finds zeros in a range that is free. A save, a dump and the
 * last pass of a migration pause the guest, which then grants nothing more, and
 * libvirt's event of that ends the reclaim (@gone). A guest that comes from
 * elsewhere (restore, revert, incoming migration) is in a new process or ring,
 * with which a new reclaim asks anew. So what the age costs is that a job shares
 * the disk and the processors with a reclaim for a fifth of a second, and with one that
 * naps within its batches (gentle.h) for half a second.
 *
 * No answer is no permission: the wait for one ends with the bounds of the
 * reclaim, see asker.h.
 *
 * The alternatives. A thread that keeps an answer of 20 ms ready: 100 questions a
 * second for each reclaim, which libvirtd serves one after the other. Events: they
 * tell the end of a job only. Waiting for the end of a job: hours, for a reclaim
 * that somebody wants now; so it ends, and says that a job is under way.
 */
#ifndef EBB_HOST_PERMISSION_H
#define EBB_HOST_PERMISSION_H

#include <stdint.h>

#include "host/lease/asker.h"
#include "host/libvirt/virt.h"

enum {
	EBB_PERMISSION_MS = 200
};

/**
 * struct ebb_permission - the answers to one reclaim; for one thread
 * @domain: of which is asked
 * @asked_ns: when the question was asked that is out, or was out last
 * @answered_ns: when that of @answer was asked; 0: there is none
 * @answer: 0, -EBUSY (a job works on the memory) or -ENOTCONN
 */
struct ebb_permission {
	struct ebb_asker *asker;
	struct ebb_domain *domain;
	uint64_t asked_ns;
	uint64_t answered_ns;
	int answer;
};

/* Returns 0 or -errno of ebb_asker_new(). @domain outlives @permission. */
int ebb_permission_start(struct ebb_permission *permission,
			 struct ebb_domain *domain);
void ebb_permission_stop(struct ebb_permission *permission);

/* Asks ahead, unless the answer is young. Never waits. */
void ebb_permission_want(struct ebb_permission *permission);

/**
 * ebb_permission_get - the answer that counts now
 * @wanted_ns: since when it is wanted: what was asked after that counts, however
 *	long the answer took
 * @until_ns: CLOCK_MONOTONIC; waits so long
 *
 * Returns 0, -EBUSY, -ENOTCONN, -ENOMEM, or -EAGAIN: there is no answer until
 * then.
 */
int ebb_permission_get(struct ebb_permission *permission, uint64_t wanted_ns,
		       uint64_t until_ns);

#endif /* EBB_HOST_PERMISSION_H */
