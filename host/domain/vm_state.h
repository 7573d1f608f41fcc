/* SPDX-License-Identifier: GPL-2.0-only */
/* What a vm is made of; for the files vm*.c, and nobody else. */
#ifndef EBB_HOST_VM_STATE_H
#define EBB_HOST_VM_STATE_H

#include "host/base/pace.h"
#include "host/domain/request_queue.h"
#include "host/domain/vm.h"
#include "host/history/past.h"
#include "host/rung/hand.h"

enum {
	EBB_VM_RETRY_MIN_S = 2,
	/*
	 * How often the guest agent's channel is asked where no ebb-agent
	 * answers there: once, and a few times after an event, as an agent that
	 * comes may need a moment.
	 */
	EBB_VM_ASKS_FIRST = 1,
	EBB_VM_ASKS_AGAIN = 3,
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
	char logged_reason[32];
	struct ebb_pace log_pace;
};

/*
 * The settings of the policy.
 * @layer: what the domain's own metadata say
 * @understood: all that they said was, once
 * @odd: why not all that they say now is understood; else empty
 * @held: @layer over the configuration
 * @looked_rungs, @looked_reserved: what the look that ran last, or runs, goes by
 * @min_told: that min is more than the domain has, which holds still
 * @changed: libvirt said so of the metadata, and they are to be read
 * @next_known, @next: what its definition has for its next start; NULL: what @layer and
 *	the free target have
 * @reading: while a job reads both
 */
struct vm_settings {
	struct ebb_settings layer;
	bool understood;
	struct ebb_msg_error odd;
	struct ebb_settings held;
	uint32_t looked_rungs;
	enum ebb_reserved looked_reserved;
	bool min_told;
	bool changed;
	bool next_known;
	struct ebb_metadata *next;
	struct vm_reading *reading;
};

/*
 * The job of telling the free target, and of keeping what was set; the worker's while
 * it runs.
 * @call: of a request to set something, or NULL: a renewal
 * @set: what is to be kept; of a renewal the target only
 * @tells: the agent is told
 * @kept: with @call, what libvirt said: 0 or -errno
 * @have_metadata, @metadata: as the domain that runs has them then
 * @told: what the agent said: 0 or -errno
 * @want_facts: ask for the working set as well
 * @asked_ns, @have_facts, @facts: then
 */
struct vm_telling {
	struct ebb_call *call;
	struct ebb_set_order set;
	bool tells;
	struct ebb_msg_target message;
	int kept;
	bool have_metadata;
	struct ebb_metadata metadata;
	int told;
	struct ebb_msg_target_state state;
	bool want_facts;
	uint64_t asked_ns;
	bool have_facts;
	struct ebb_msg_facts facts;
	struct ebb_msg_error error;
};

/**
 * struct vm_asking - for the agent's facts, or for the word of the balloon's driver
 * @wanted: as soon as nothing else runs
 * @by_balloon: the driver is asked, with the guard's hand
 * @result, @asked_ns, @facts, @driver: the worker's while it asks; @result: 0 or -errno
 */
struct vm_asking {
	bool wanted;
	bool by_balloon;
	int result;
	uint64_t asked_ns;
	struct ebb_msg_facts facts;
	struct ebb_hand_answer driver;
};

/**
 * struct vm_libvirt_job - one that reads its memory
 * @wanted: libvirtd is to be asked, as soon as nothing else runs
 * @under_way: there is one, as libvirtd said last; it is asked again at @due_ns
 * @ended: how many ended; they are known by events, too
 * @answer: the worker's while it asks: an enum ebb_job or -errno
 */
struct vm_libvirt_job {
	bool wanted;
	bool under_way;
	uint64_t due_ns;
	uint32_t ended;
	int answer;
};

/**
 * struct vm_job - one kind of work that blocks
 * @phase: the vm's while it runs
 * @work: on a worker
 * @done: after it, on the event loop's thread, with the vm in EBB_VM_IDLE
 * @name: of @done, see ebb_workers_run()
 */
struct vm_job {
	enum ebb_vm_phase phase;
	void (*work)(void *vm);
	void (*done)(struct ebb_vm *vm);
	const char *name;
};

/**
 * struct vm_process - the books of one QEMU process; another one begins anew
 * @awaited: its pidfd, in the crowd of those, from when it was found to its end; or NULL
 * @ended: it has; what is held of it is let go as soon as no job uses it
 * @quarantined, @quarantine_reason: it broke the rules of the lease
 * @stale_count: offers outside of proven memory, one after the other
 * @counters: of the guest in it, with what it gave in an earlier process once its
 *	agent has said that it is the same guest
 * @answered: its ebb-agent did, once
 * @balloon_asked_known, @balloon_asked_bytes: the least that the balloon was defined to
 *	hold at any look: who edits the definition asks nothing of a domain that runs
 * @usage, @usage_ns: where it has no files, what it had and when; 0: not known
 */
struct vm_process {
	struct ebb_crowd_member *awaited;
	bool ended;
	bool quarantined;
	struct ebb_msg_error quarantine_reason;
	uint32_t stale_count;
	struct ebb_counters counters;
	bool answered;
	bool balloon_asked_known;
	uint64_t balloon_asked_bytes;
	struct ebb_holding usage;
	uint64_t usage_ns;
};

/**
 * struct vm_known - what was known when the last look was let go
 * @looked_at: at least once, in this process
 * @rung: that it was on
 * @facts_ns, @facts: the last of the ring's; 0: none
 */
struct vm_known {
	bool looked_at;
	enum ebb_rung_id rung;
	uint64_t facts_ns;
	struct ebb_facts facts;
};

/**
 * struct vm_balloon - what libvirt's events say of it since the last look
 * @told: something, and @left_bytes is it; else the look's XML has it
 * @told_in_look: since the look began that runs now, or ran last
 */
struct vm_balloon {
	bool told;
	bool told_in_look;
	uint64_t left_bytes;
};

/**
 * struct vm_guard - of what Ebb holds by the balloon
 * @hand: what that is; the reclaim's while one runs on rung balloon
 * @timer: of the next reading, or -1: nothing is held
 * @stats, @heard_ns: what was read last, and when the driver said something new; 0:
 *	nothing was read yet
 * @held_bytes: by that
 * @above_ns: since when the balloon leaves more than it did before Ebb; 0: it does not
 * @reset: its kernel was: the next thing to do
 * @freeing: the question that is out is that
 * @freed: that is done, and the driver of the next kernel has said nothing yet
 * @reason: why all is given back, a stable word; NULL: it is not
 * @unread: it cannot be read now, which is in the log
 * @changed: what is held did, since the last look began: its XML may be older
 * @record_read: the look that runs has read what is on record
 * @early: it was taken from there, before that look ended
 * @call: of who asked for it to be given back, or NULL
 * @alarms: times that the guest needed it back, while ebbd has run
 * @word, @word_ns: what its driver said of a balloon that rested, and when; 0: nothing
 * @word_base_bytes: what the guest could use then without what was held
 */
struct vm_guard {
	struct ebb_hand hand;
	int timer;
	struct ebb_balloon_stats stats;
	uint64_t heard_ns;
	uint64_t held_bytes;
	uint64_t above_ns;
	bool reset;
	bool freeing;
	bool freed;
	const char *reason;
	bool unread;
	bool changed;
	atomic_bool record_read;
	bool early;
	struct ebb_call *call;
	uint32_t alarms;
	struct ebb_balloon_stats word;
	uint64_t word_ns;
	uint64_t word_base_bytes;
};

/**
 * enum ebb_vm_life - what libvirt says of the domain as such
 *
 * @EBB_VM_CONNECTED: its events are told. Jobs may begin
 * @EBB_VM_DISCONNECTED: nobody tells what happens to it. There is no lease and
 *	no channel, and no job begins; its process is still watched. Becomes
 *	CONNECTED with the domain of a new connection
 * @EBB_VM_DISMISSED: it runs no more, or ebbd leaves. The end: what waits is
 *	answered, and the vm is freed when its job is done
 */
enum ebb_vm_life {
	EBB_VM_CONNECTED,
	EBB_VM_DISCONNECTED,
	EBB_VM_DISMISSED,
};

/**
 * struct vm_agent - what is heard of the agent between looks
 * @broken: a channel ended; both are closed when no job uses them
 * @changed: it said so; a look is due as soon as @pace allows
 * @heard: it spoke since the last look began
 * @heard_by_look: it did before that
 * @qga_asks: may be made of the guest agent's channel
 * @pace: of looks that the guest brings about
 */
struct vm_agent {
	bool broken;
	bool changed;
	bool heard;
	bool heard_by_look;
	uint32_t qga_asks;
	struct ebb_pace pace;
};

struct ebb_vm {
	const struct ebb_vm_environment *environment;
	struct ebb_domain *domain;
	struct ebb_domain *next_domain; /* of a new connection */
	char name[EBB_NAME_BYTES_MAX];
	char uuid[EBB_UUID_TEXT_BYTES];

	enum ebb_domain_state state; /* as libvirt said last */
	enum ebb_vm_life life;
	enum ebb_vm_dismissal dismissal; /* once life is DISMISSED */
	enum ebb_vm_phase phase;
	const struct vm_job *running;
	void (*settle)(struct ebb_vm *vm); /* after each job */
	bool look_wanted;
	uint64_t resizing_ns; /* of its memory, since when; 0: it is not */
	uint64_t resized_ns; /* and when it was last */
	uint64_t retry_ns;
	uint32_t retry_s;
	int settle_timer;
	uint64_t booted_ns; /* the last reset, or 0 */
	struct vm_agent agent;
	struct ebb_pace told_pace; /* of lines in the log */

	struct ebb_probe probe; /* what the last look found */
	struct ebb_probe *next; /* the look's that runs; NULL: none does yet */
	struct vm_process process; /* that of @probe */
	struct ebb_counters earlier; /* of the guest that was here before it */
	struct vm_known known;
	struct vm_balloon balloon;
	struct vm_guard guard;
	atomic_bool gone;
	atomic_bool disconnected; /* that is why */
	atomic_bool leaving; /* or that ebbd ends */

	struct ebb_request_queue requests;
	bool reporting; /* to who asked for a reclaim: no job begins */
	struct ebb_turn turn; /* of the reclaim */
	uint64_t in_line_ns; /* since when it waits for that */
	atomic_bool cancelled;
	atomic_bool hurried; /* it began gentle, and somebody waits now */
	int rest_timer; /* of one that is gentle; -1: it does not rest */
	struct ebb_reclaim reclaim;
	enum ebb_rung_id job_rung;
	uint8_t job_boot_id[EBB_BOOT_ID_BYTES];
	uint64_t counted_bytes; /* of the job's, in the sums below */
	uint32_t resumes; /* of the job, by the same kernel */
	bool map_examined; /* anew, for the job */
	int progress_timer;

	struct vm_target target;
	struct vm_telling *telling; /* while that runs */
	struct vm_asking asking;
	struct vm_libvirt_job libvirt_job;
	struct vm_settings settings;

	char told[sizeof(((struct ebb_reason *)0)->name)];
};

static inline uint64_t ebb_vm_uncounted_bytes(const struct ebb_vm *vm)
{
	return vm->reclaim.books.reclaimed_bytes - vm->counted_bytes;
}

/*
 * What the last look found was let go, and the next one has not begun: its rung is not
 * known. Of one in quarantine it is.
 */
static inline bool ebb_vm_is_let_go(const struct ebb_vm *vm)
{
	return (vm->gone || vm->life != EBB_VM_CONNECTED) &&
	       !vm->process.quarantined;
}

#endif /* EBB_HOST_VM_STATE_H */
