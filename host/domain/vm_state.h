/* SPDX-License-Identifier: GPL-2.0-only */
/* What a vm is made of; for the files vm*.c, and nobody else. */
#ifndef EBB_HOST_VM_STATE_H
#define EBB_HOST_VM_STATE_H

#include "host/base/pace.h"
#include "host/domain/reclaim_job.h"
#include "host/domain/vm.h"

/* A request that waits for the job that runs; @begin answers, or starts one. */
struct waiter {
	struct ebb_call *call;
	enum {
		WAITS_DOCTOR,
		WAITS_RECLAIM,
		WAITS_RESUME, /* the job that is there, after a probe */
		WAITS_SET
	} kind;
	struct ebb_reclaim_request request;
	struct ebb_target_setting setting;
	struct waiter *next;
};

/*
 * The free target, by the event loop's thread only.
 * @setting: as the domain's metadata keep it
 * @clear_wanted: there was one, and the guest is to be told that it is gone
 * @odd_told: that the metadata hold another is in the log
 * @too_old: the agent knows no targets; until there is another
 * @told: the guest has it, and it was renewed since
 * @failures: to tell it, one after the other
 * @due_ns: when it is to be told next
 * @facts_due_ns: when its working set is to be asked for next
 * @asked_bytes: what @setting is in bytes; 0 with auto
 * @have_state, @state: the guest's last word on it
 * @logged_reason: the last that is in the log
 * @log_pace: of reasons in the log
 */
struct vm_target {
	struct ebb_target_setting setting;
	bool clear_wanted;
	bool odd_told;
	bool too_old;
	bool told;
	uint32_t failures;
	uint64_t due_ns;
	uint64_t facts_due_ns;
	uint64_t asked_bytes;
	bool have_state;
	struct ebb_msg_target_state state;
	uint64_t working_set_bytes;
	char working_set_source[16];
	char logged_reason[32];
	struct ebb_pace log_pace;
};

/*
 * The job of telling it; the worker's while it runs.
 * @call: of a request to set it, or NULL: a renewal
 * @kept: with @call, what libvirt said: 0 or -errno
 * @told: what the agent said: 0 or -errno
 * @want_facts: ask for the working set as well
 */
struct vm_telling {
	struct ebb_call *call;
	struct ebb_target_setting setting;
	struct ebb_msg_target message;
	int kept;
	int told;
	struct ebb_msg_target_state state;
	bool want_facts;
	bool have_facts;
	struct ebb_msg_facts facts;
	struct ebb_msg_error error;
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
	bool guest_changed; /* so it says; a probe is due when its pace allows */
	bool quarantined;
	struct ebb_msg_error quarantine_reason;
	uint32_t stale_count;
	uint64_t retry_ns;
	uint32_t retry_s;
	int settle_timer;
	struct ebb_pace guest_pace; /* of probes that the guest brings about */
	struct ebb_pace told_pace; /* of lines in the log */

	struct ebb_probe probe;
	atomic_bool gone;
	int pidfd_watch;

	struct waiter *waiters;
	uint64_t waiting_since_ns; /* the first of them */
	struct ebb_call *call; /* of the reclaim that runs */
	atomic_bool cancelled;
	struct ebb_reclaim_job job;
	uint8_t job_boot_id[EBB_BOOT_ID_BYTES];
	uint64_t counted_bytes; /* of the job's, in the sums below */
	uint32_t resumes; /* of the job, by the same kernel */
	bool map_examined; /* anew, for the job */
	int progress_timer;

	struct vm_target target;
	struct vm_telling telling;

	uint64_t reclaimed_bytes;
	uint64_t reclaim_runs;
	uint64_t lent_bytes; /* since holes were reserved; for hugetlbfs alone */
	char told[sizeof(((struct ebb_reason *)0)->name)];
};

static inline uint64_t ebb_vm_uncounted_bytes(const struct ebb_vm *vm)
{
	return vm->job.counters.reclaimed_bytes - vm->counted_bytes;
}

/* vm.c: from whatever the vm is to what is wanted. Call it after each change. */
void ebb_vm_settle(struct ebb_vm *vm);

/* vm.c: the error of a request that needs more than there is. */
void ebb_vm_answer_closed(struct ebb_vm *vm, struct ebb_call *call);

/* vm.c: goes on with the job once the guest was looked at anew. */
void ebb_vm_resume_when_probed(struct ebb_vm *vm, struct ebb_call *call);

/* vm_reclaim.c: or answers, where there is no lease or another kernel now. */
void ebb_vm_resume_reclaim(struct ebb_vm *vm, struct ebb_call *call);

/* vm_reclaim.c: begins, or answers why not. */
void ebb_vm_start_reclaim(struct ebb_vm *vm, struct ebb_call *call,
			  const struct ebb_reclaim_request *request);

/* vm_target.c: begins, or answers why not. */
void ebb_vm_start_set(struct ebb_vm *vm, struct ebb_call *call,
		      const struct ebb_target_setting *setting);

/* vm_target.c: a renewal, if it is time and nothing else runs. */
void ebb_vm_tell_if_due(struct ebb_vm *vm);

/* vm_target.c: another agent or kernel is there: it knows of no target. */
void ebb_vm_target_forget(struct ebb_vm *vm);

/* vm_target.c: a probe is done, and read the domain's XML. */
void ebb_vm_target_probed(struct ebb_vm *vm);

/* vm_target.c: EBB_TARGET_CHANGED; @data is hostile. */
void ebb_vm_target_event(struct ebb_vm *vm, const struct json_object *data);

/* vm_target.c: by the guest's last answer. */
void ebb_vm_target_status(const struct ebb_vm *vm,
			  struct ebb_target_status *ret_status);

/* vm_target.c: what the guest is to keep free but for a reclaim. */
struct ebb_msg_target ebb_vm_standing_target(const struct ebb_vm *vm);

/* vm_target.c: of the backings, or else by the XML. */
uint64_t ebb_vm_memory_bytes(const struct ebb_vm *vm);

#endif /* EBB_HOST_VM_STATE_H */
