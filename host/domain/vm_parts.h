/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files vm*.c, the parts of a vm, have of one another: each function says whose
 * it is.
 */
#ifndef EBB_HOST_VM_PARTS_H
#define EBB_HOST_VM_PARTS_H

#include "host/domain/vm_state.h"

/**
 * enum ebb_vm_serving - what became of a request
 * @EBB_VM_SERVES: a job works on it
 * @EBB_VM_SERVED: it was answered, and is not in the queue any more
 * @EBB_VM_WAITS: for its turn, and those behind it need not
 * @EBB_VM_REFUSES: it is to be answered with the refusal
 */
enum ebb_vm_serving {
	EBB_VM_SERVES,
	EBB_VM_WAITS,
	EBB_VM_SERVED,
	EBB_VM_REFUSES,
};

/* vm_job.c: of its UUID, to do at different moments what all domains do. */
uint32_t ebb_vm_hash(const struct ebb_vm *vm);

/* vm_job.c: starts it; the vm must be idle. Returns 0 or -errno. */
int ebb_vm_run(struct ebb_vm *vm, const struct vm_job *job);

/* vm_answer.c: a request needs more than there is. */
struct ebb_refusal ebb_vm_why_closed(const struct ebb_vm *vm);

/* vm_answer.c: no thread could be started for a request. */
struct ebb_refusal ebb_vm_why_no_thread(void);

/* vm_answer.c: the vm is. */
struct ebb_refusal ebb_vm_why_dismissed(const struct ebb_vm *vm);

/* vm_answer.c: a reclaim that rests goes on when the vm is settled next. */
void ebb_vm_end_rest(struct ebb_vm *vm);

/* vm_answer.c: ends a reclaim and its request. */
void ebb_vm_report(struct ebb_vm *vm, struct ebb_request *request,
		   const struct ebb_reclaim_report *report);

/* vm_answer.c: ends a request of any kind that did not begin. */
void ebb_vm_refuse(struct ebb_vm *vm, struct ebb_request *request,
		   const struct ebb_refusal *refusal);

/* vm_requests.c: begins or answers what waits, in its order, until one runs. */
void ebb_vm_serve(struct ebb_vm *vm);

/* vm_requests.c: answers all that no job works on; the vm is dismissed. */
void ebb_vm_serve_last(struct ebb_vm *vm);

/* vm_requests.c: as ebb_vm_serve(), if one of them waited long enough. */
void ebb_vm_serve_overdue(struct ebb_vm *vm);

/* vm_look.c: a worker examines the domain. */
void ebb_vm_look(struct ebb_vm *vm);

/* vm_resize.c: how long a look is put off as its memory is resized; 0: it is not. */
uint32_t ebb_vm_resize_wait_ms(const struct ebb_vm *vm);

/* vm_look.c: the guest says of itself that it is another. */
void ebb_vm_guest_changed(struct ebb_vm *vm);

/* vm_look.c: lets go of the lease, and of broken channels. No job may run. */
void ebb_vm_detach(struct ebb_vm *vm);

/*
 * vm_process.c: takes the process of @vm->next in place of that of @vm->probe,
 * and watches it. Returns 0, or -EMFILE: nothing is held of any.
 */
int ebb_vm_take_process(struct ebb_vm *vm);

/*
 * vm_process.c: lets go of the process, and of all that is known of it. No job
 * may run.
 */
void ebb_vm_drop_process(struct ebb_vm *vm);

/*
 * vm_process.c: gives what was lent its reservations back, beside a job that
 * runs: ebbd ends, and does not wait for it.
 */
void ebb_vm_reserve_lent(struct ebb_vm *vm);

/* vm_process.c: the agent answered: its guest may be one that gave before. */
void ebb_vm_count_on(struct ebb_vm *vm);

/* vm_process.c: at the beginning of a vm. */
void ebb_vm_init_process(struct ebb_vm *vm);

/* vm_reclaim.c: begins the request or goes on with it. */
enum ebb_vm_serving ebb_vm_start_reclaim(struct ebb_vm *vm,
					 struct ebb_request *request,
					 struct ebb_refusal *ret_refusal);

/*
 * vm_reclaim.c: one that has begun, and cannot go on as nothing is proven, has waited
 * for longer than it may: for its time limit since it began, or, in line, where time
 * does not count, since it last ran.
 */
bool ebb_vm_is_given_up(const struct ebb_vm *vm,
			const struct ebb_request *request);

/* vm_reclaim.c: ends one that has begun, and that no job works on. */
void ebb_vm_end_reclaim(struct ebb_vm *vm, struct ebb_request *request);

/* vm_facts.c: what the agent said when it was asked then is its last word. */
void ebb_vm_take_facts(struct ebb_vm *vm, const struct ebb_msg_facts *facts,
		       uint64_t asked_ns);

/* vm_facts.c: asks the agent, if somebody wants that and nothing else runs. */
void ebb_vm_ask_if_wanted(struct ebb_vm *vm);

/* vm_libvirt_job.c: asks libvirtd for one, if it is time and nothing else runs. */
void ebb_vm_ask_job_if_wanted(struct ebb_vm *vm);

/* vm_libvirt_job.c: libvirtd said so of one that reads the memory. */
void ebb_vm_job_is_under_way(struct ebb_vm *vm);

/* vm_set.c: libvirt keeps the set (blocks). Fills @kept, @have_metadata and @metadata. */
void ebb_vm_keep_set(struct ebb_domain *domain, struct vm_telling *telling);

/* vm_set.c: answers @call by the result of the telling. */
void ebb_vm_answer_set(const struct ebb_vm *vm, struct ebb_call *call);

/* vm_set.c: whether nothing may be kept for this domain. */
bool ebb_vm_refuses_set(const struct ebb_vm *vm,
			const struct ebb_set_order *set,
			struct ebb_refusal *ret_refusal);

/* vm_tell.c: begins the request. */
enum ebb_vm_serving ebb_vm_start_set(struct ebb_vm *vm,
				     struct ebb_request *request,
				     struct ebb_refusal *ret_refusal);

/* vm_tell.c: a renewal, if it is time and nothing else runs. */
void ebb_vm_tell_if_due(struct ebb_vm *vm);

/* vm_target.c: another agent or kernel is there: it knows of no target. */
void ebb_vm_target_forget(struct ebb_vm *vm);

/*
 * vm_target.c: what libvirt keeps with the domain was read or written. @next: what its
 * definition has; NULL: that is not known, or not any more.
 */
void ebb_vm_take_metadata(struct ebb_vm *vm,
			  const struct ebb_metadata *metadata,
			  const struct ebb_metadata *next);

/* vm_metadata.c: begins to read it, if it changed and nothing else runs. */
void ebb_vm_read_if_changed(struct ebb_vm *vm);

/* vm_settings.c: of the backings, or else by the XML; settings in percent are of it. */
uint64_t ebb_vm_memory_bytes(const struct ebb_vm *vm);

/*
 * Of that, without memory devices that are not plugged and without what a balloon
 * holds: what parts of it are of.
 */
uint64_t ebb_vm_usable_bytes(const struct ebb_vm *vm);

/*
 * vm_balloon.c: what a balloon holds of the guest's memory, 0 without one. Returns
 * whether that is known.
 */
bool ebb_vm_balloon(const struct ebb_vm *vm, uint64_t *ret_bytes);

/*
 * What it may use, with what its balloon holds for Ebb: settings in percent are of it, as
 * they are not to move with what is taken.
 */
uint64_t ebb_vm_base_bytes(const struct ebb_vm *vm);

/*
 * vm_balloon.c: what of that is owed: Ebb had the balloon take it, or it was not defined
 * to hold it, which is the guest's word alone. 0 where what it holds is not known, as
 * ebb_vm_usable_bytes() has all of it then.
 */
uint64_t ebb_vm_claimed_bytes(const struct ebb_vm *vm);

/* vm_guard.c: at the beginning of a vm. */
void ebb_vm_init_guard(struct ebb_vm *vm);

/* vm_guard.c: a reclaim on rung balloon ended. */
void ebb_vm_guard_reclaimed(struct ebb_vm *vm);

/* vm_guard.c: its kernel was reset. */
void ebb_vm_guard_reset(struct ebb_vm *vm);

/* vm_guard.c: its process was another's, or has ended: of that nothing is held. */
void ebb_vm_guard_process_dropped(struct ebb_vm *vm);

/* vm_guard.c: the hand is back from a worker that asked the driver for a word. */
void ebb_vm_guard_asked(struct ebb_vm *vm);

/*
 * vm_guard.c: the period that the statistics of its balloon had before Ebb. Where the last
 * look was while something was held, that of its XML may be Ebb's own.
 */
uint32_t ebb_vm_balloon_period_s(const struct ebb_vm *vm);

/* vm_guard.c: a look goes on, for a second at least. */
void ebb_vm_guard_looking(struct ebb_vm *vm);

/* vm_guard.c: a look ended. */
void ebb_vm_guard_looked(struct ebb_vm *vm);

/*
 * vm_guard.c: lets go of the hand, by a job, unless a reclaim has it. @give_back: of what
 * it holds first, as ebbd ends.
 */
void ebb_vm_end_guard(struct ebb_vm *vm, bool give_back);

/* vm_balloon.c: a look begins, and ended; @found: it has the XML. */
void ebb_vm_balloon_look_begins(struct ebb_vm *vm);
void ebb_vm_balloon_look_ended(struct ebb_vm *vm, bool found);

/* vm_settings.c: anew, of the configuration and of what the domain has. */
void ebb_vm_hold_settings(struct ebb_vm *vm);

/* vm_settings.c: takes the settings, if they are understood. */
void ebb_vm_settings_take(struct ebb_vm *vm,
			  const struct ebb_metadata *metadata);

/*
 * vm_settings.c: a look begins, which goes by what holds now. Returns whether the one
 * before went by something else: what the guest was told is told anew.
 */
bool ebb_vm_settings_look_begins(struct ebb_vm *vm);

/*
 * vm_next.c: it is defined to have @next when it starts again; NULL: that is not known.
 * To be called after what it has now was taken.
 */
void ebb_vm_take_next(struct ebb_vm *vm, const struct ebb_metadata *next);

/* vm_next.c: the settings of that, if it is known. */
const struct ebb_settings *ebb_vm_next_layer(const struct ebb_vm *vm);

/* vm_next.c: what of that is other than now, for show and list. */
void ebb_vm_next_status(const struct ebb_vm *vm,
			struct ebb_domain_status *status);

/* vm_settings.c: for show, list and set. */
void ebb_vm_settings_status(const struct ebb_vm *vm,
			    struct ebb_settings_status *ret_status);

/* vm_target.c: the guest said this of its target. */
void ebb_vm_take_target_state(struct ebb_vm *vm,
			      const struct ebb_msg_target_state *state);

/* vm_target.c: EBB_TARGET_CHANGED; @data is hostile. */
void ebb_vm_target_event(struct ebb_vm *vm, const struct json_object *data);

/* vm_target.c: by the guest's last answer. */
void ebb_vm_target_status(const struct ebb_vm *vm,
			  struct ebb_target_status *ret_status);

/* vm_target.c: what the guest is to keep free but for a reclaim. */
struct ebb_msg_target ebb_vm_standing_target(const struct ebb_vm *vm);

#endif /* EBB_HOST_VM_PARTS_H */
