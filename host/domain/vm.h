/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One running domain: what it is, what state it is in, what is asked of it.
 *
 * Theory of operation
 * ===================
 *
 * All state of a vm belongs to the event loop's thread. Work that blocks (a
 * look, a renewal, a reclaim) is a job on a worker, one at a time. A look makes
 * the next findings while the last ones are what is known; a reclaim uses the
 * last ones, which nobody changes meanwhile. The event loop's thread sets four
 * flags for a job: @gone, that nothing proven holds any more; @disconnected and
 * @leaving, that libvirtd's end or ebbd's is the cause; and @cancelled, that
 * nobody wants the result.
 *
 * Owners with one life each, from the longest to the shortest: the vm, for as
 * long as libvirt knows that the domain runs; its QEMU process with its files,
 * their lock and the books, until its pidfd says that it ended (vm_process.c);
 * the lease, until something may have touched the memory. A new look renews the
 * lease and leaves the process alone.
 *
 * What happens to a domain does not drive it through states one by one. Each
 * event that may touch memory says "not proven any more", and one function
 * (settle) brings the vm from whatever it is to what is wanted: proven again.
 *
 * The alternatives: callbacks all the way down (unreadable), or a thread for
 * each domain (a thousand of them asleep).
 */
#ifndef EBB_HOST_VM_H
#define EBB_HOST_VM_H

#include <stdbool.h>
#include <stdint.h>

#include "host/config.h"
#include "host/control/call.h"
#include "host/domain/counters.h"
#include "host/domain/probe.h"
#include "host/domain/reclaim_order.h"
#include "host/domain/set_order.h"
#include "host/interface/status.h"
#include "host/libvirt/virt.h"
#include "host/base/worker.h"
#include "host/domain/turns.h"

/**
 * enum ebb_vm_phase - what the vm does now
 *
 * @EBB_VM_IDLE: no job runs. The loop may detach, close channels, drop the
 *	process, free the vm. Any job may begin. The lease holds if attached
 * @EBB_VM_LOOKING: a worker looks at the domain. There is no lease. The loop may
 *	read the last findings and close nothing. Requests wait
 * @EBB_VM_TELLING: a worker tells the guest its free target, keeps what was set
 *	with the domain or reads it. It uses the channel that answered; requests wait
 * @EBB_VM_RECLAIMING: a worker takes memory by the rung. The loop may read the
 *	findings and change nothing of them; a doctor is answered, a second
 *	reclaim is refused, as is a set
 */
enum ebb_vm_phase {
	EBB_VM_IDLE,
	EBB_VM_LOOKING,
	EBB_VM_TELLING,
	EBB_VM_RECLAIMING,
};

struct ebb_crowd;
struct ebb_past;
struct ebb_vm;

/* What a person paused of the policy, as a domain has it. */
enum ebb_vm_pause {
	EBB_VM_PAUSE_NONE,
	EBB_VM_PAUSE_DOMAIN, /* it takes nothing of this one, */
	EBB_VM_PAUSE_ALL, /* or of any */
};

/**
 * struct ebb_vm_environment - what a vm needs of its surroundings; outlives all of them
 * @crowd: of the processes whose end is awaited
 * @turns: of reclaims
 * @past: is told what happened; or NULL
 * @found: is told that a process was found that was not known before; or NULL
 * @pause_of: says what is paused for the domain of @uuid, also if it is off; or NULL
 * @opaque: of both
 */
struct ebb_vm_environment {
	const struct ebb_config *config;
	struct ebb_workers *workers;
	struct ebb_crowd *crowd;
	struct ebb_turns *turns;
	struct ebb_past *past;
	void (*found)(struct ebb_vm *vm, void *opaque);
	enum ebb_vm_pause (*pause_of)(const char *uuid, void *opaque);
	void *opaque;
};

static inline enum ebb_vm_pause
ebb_vm_pause_of(const struct ebb_vm_environment *environment, const char *uuid)
{
	return environment->pause_of
		       ? environment->pause_of(uuid, environment->opaque)
		       : EBB_VM_PAUSE_NONE;
}

/* Returns NULL without memory. A first probe begins at once. */
struct ebb_vm *ebb_vm_new(const struct ebb_vm_environment *environment,
			  struct ebb_domain *domain);

enum ebb_vm_dismissal {
	EBB_VM_DOMAIN_ENDED,
	EBB_VM_EBBD_ENDS,
};

/*
 * Everything is let go. Requests that no job works on are answered at once, and
 * say why. Frees the vm now or when its job is done.
 */
void ebb_vm_dismiss(struct ebb_vm *vm, enum ebb_vm_dismissal why);

const char *ebb_vm_name(const struct ebb_vm *vm);
const char *ebb_vm_uuid(const struct ebb_vm *vm);

/*
 * What was taken of its guest, for the vm to come of the same domain: a guest that is
 * saved and restored is the same. It counts on if its kernel is that one.
 */
struct ebb_counters ebb_vm_counters(const struct ebb_vm *vm);
void ebb_vm_inherit(struct ebb_vm *vm, const struct ebb_counters *earlier);

/* What Ebb holds by its balloon cannot be read now, nor be given back. */
bool ebb_vm_is_guard_unread(const struct ebb_vm *vm);

/* What libvirt says of it now. */
void ebb_vm_note_state(struct ebb_vm *vm, enum ebb_domain_state state);

/* The rung that it is on now. */
enum ebb_rung_id ebb_vm_rung(const struct ebb_vm *vm);

/* Whether rung lease is open now. */
bool ebb_vm_has_lease(const struct ebb_vm *vm);

/*
 * What was proven may not hold any more: no punch begins after this, and the
 * domain is looked at again. Whether its process is a new one is found then.
 */
void ebb_vm_invalidate(struct ebb_vm *vm);

/*
 * Its guest plugs or unplugs memory, piece by piece: as ebb_vm_invalidate(), but
 * it is looked at when that rests.
 */
void ebb_vm_memory_resized(struct ebb_vm *vm);

/*
 * It was paused or resumed, maybe by a job or by its end: as ebb_vm_invalidate(), and
 * libvirtd is asked for a job before it is looked at.
 */
void ebb_vm_job_is_likely(struct ebb_vm *vm);

/* libvirt said that a job on it ended: as ebb_vm_invalidate(). */
void ebb_vm_job_ended(struct ebb_vm *vm);

/* The guest's kernel was reset, crashed or shut down: another one boots. */
void ebb_vm_reset(struct ebb_vm *vm);

/* libvirt saw the guest agent's channel open or close. */
void ebb_vm_agent_changed(struct ebb_vm *vm);

/*
 * Its balloon leaves it @left_bytes, without virtio-mem, as libvirt says; the guest
 * may have said any number.
 */
void ebb_vm_balloon_changed(struct ebb_vm *vm, uint64_t left_bytes);

/* What libvirt keeps of Ebb's with the domain is other than it was. */
void ebb_vm_metadata_changed(struct ebb_vm *vm);

/* The configuration is: settings that are not the domain's own may be others. */
void ebb_vm_config_changed(struct ebb_vm *vm);

/* What the policy is to go by: each has an origin. */
const struct ebb_settings *ebb_vm_settings(const struct ebb_vm *vm);

/* libvirtd went: nobody says what happens to the guest, so it is let go. */
void ebb_vm_disconnect(struct ebb_vm *vm);

/* libvirtd is back, with a new reference to the domain. */
void ebb_vm_reconnect(struct ebb_vm *vm, struct ebb_domain *domain);

/* To be called each second: looks at the ring with loads, tries and tells again. */
void ebb_vm_tick(struct ebb_vm *vm, uint64_t now_ns);

/* Fills all but @state, which libvirt knows. */
void ebb_vm_status(const struct ebb_vm *vm,
		   struct ebb_domain_status *ret_status);

/*
 * The pid of its process where that has no files, so that a job has to read what
 * it holds, and what is known of that is older than @max_age_ms; else 0. For who
 * shows it and for who counts it in a budget.
 */
pid_t ebb_vm_wants_usage(const struct ebb_vm *vm, uint32_t max_age_ms);

/*
 * What was read of it, from @read_ns on. That of a process that has ended since is
 * dropped, and so is what is older than what is known.
 */
void ebb_vm_take_usage(struct ebb_vm *vm, pid_t pid,
		       const struct ebb_holding *usage, uint64_t read_ns);

/* What the guest is owed of the pool of @page_bytes, at most. */
uint64_t ebb_vm_owed_bytes(const struct ebb_vm *vm, uint64_t page_bytes);

/* The files of its process, for a job: see ebb_guest_process_share(). */
int ebb_vm_share_files(const struct ebb_vm *vm,
		       struct ebb_guest_process *ret_process);

/*
 * Takes memory, now or when it can: one reclaim of a domain at a time, another
 * is refused as EBB_REFUSAL_BUSY. @order is copied.
 */
void ebb_vm_reclaim(struct ebb_vm *vm, const struct ebb_reclaim_order *order);

/*
 * Ends the reclaim that was ordered with @opaque, if it has not ended: at once,
 * or, if it runs, at the end of the batch. It is reported done, as any is.
 */
void ebb_vm_cancel_reclaim(struct ebb_vm *vm, const void *opaque);

/*
 * Ends it likewise, if it has not begun. @begun: also if it has and is gentle, unless a
 * job takes a piece just now.
 */
void ebb_vm_withdraw_reclaim(struct ebb_vm *vm, const void *opaque, bool begun);

/*
 * The host's memory is wanted now: if a reclaim of it is gentle, it is so no more. That of
 * a person, or one that runs, goes on as fast as can be, and waits in line as any. The
 * policy's that rests or has not begun ends as cancelled: it is decided anew then.
 */
void ebb_vm_hurry_reclaim(struct ebb_vm *vm);

/*
 * Requests; they answer the call, now or later. @anew: look at the domain before, unless
 * what is known is of now.
 */
void ebb_vm_doctor(struct ebb_vm *vm, struct ebb_call *call, bool anew);
void ebb_vm_set(struct ebb_vm *vm, struct ebb_call *call,
		const struct ebb_set_order *order);

/* All that Ebb holds by its balloon is given back; answers the call then. */
void ebb_vm_deflate(struct ebb_vm *vm, struct ebb_call *call);

/* Whether a request waits for a look or another job that asks libvirtd. */
bool ebb_vm_is_waited_for(const struct ebb_vm *vm);

/* Such a job does not end: what waits for it is answered with what is known. */
void ebb_vm_libvirtd_is_silent(struct ebb_vm *vm);

#endif /* EBB_HOST_VM_H */
