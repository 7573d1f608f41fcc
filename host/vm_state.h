/* SPDX-License-Identifier: GPL-2.0-only */
/* What a vm is made of; for the files vm*.c, and nobody else. */
#ifndef EBB_HOST_VM_STATE_H
#define EBB_HOST_VM_STATE_H

#include "host/reclaim_job.h"
#include "host/vm.h"

/* A request that waits for the probe. */
struct waiter {
	struct ebb_call *call;
	bool doctor; /* else a reclaim */
	struct ebb_reclaim_request request;
	struct waiter *next;
};

struct ebb_vm {
	const struct ebb_vm_environment *environment;
	struct ebb_domain *domain;
	struct ebb_domain *next_domain; /* of a new connection */
	char name[EBB_NAME_BYTES_MAX];
	char uuid[EBB_UUID_TEXT_BYTES];

	enum ebb_vm_phase phase;
	bool connected;
	bool dismissed;
	bool probe_wanted;
	bool channels_broken;
	bool quarantined;
	struct ebb_msg_error quarantine_reason;
	uint32_t stale_count;
	uint64_t retry_ns;
	uint32_t retry_s;
	int settle_timer;

	struct ebb_probe probe;
	atomic_bool gone;
	int pidfd_watch;

	struct waiter *waiters;
	struct ebb_call *call; /* of the reclaim that runs */
	atomic_bool cancelled;
	struct ebb_reclaim_job job;
	int progress_timer;

	uint64_t reclaimed_bytes;
	uint64_t reclaim_runs;
	uint64_t lent_bytes; /* since holes were reserved; for hugetlbfs alone */
	char told[sizeof(((struct ebb_reason *)0)->name)];
};

/* vm.c: from whatever the vm is to what is wanted. Call it after each change. */
void ebb_vm_settle(struct ebb_vm *vm);

/* vm.c: the error of a request that needs more than there is. */
void ebb_vm_answer_closed(struct ebb_vm *vm, struct ebb_call *call);

/* vm_reclaim.c: begins, or answers why not. */
void ebb_vm_start_reclaim(struct ebb_vm *vm, struct ebb_call *call,
			  const struct ebb_reclaim_request *request);

#endif /* EBB_HOST_VM_STATE_H */
