/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The keeper: the one owner of the guest's free target.
 *
 * Theory of operation
 * ===================
 *
 * The host asks for a target and renews it (ebb-target, protocol/message.h).
 * The keeper holds what was asked and when it ends, takes away what pressure
 * has taught it (backoff.h), and hands on the rest: to the module where it is
 * loaded, with the lease that is left, to the knobs else (fallback.h). When the
 * module comes or goes, the same target goes the other way.
 *
 * The invariant: *what is in force is a function of three things*: what was
 * asked, the back-off, and whether the module is there. Whatever changes one of
 * them ends in apply(), which may be called at any time. A target of nothing,
 * or the end of its lease, puts all back.
 *
 * While a target is held nothing ticks: the keeper is woken by a renewal, by
 * the two files of pressure.h, by the end of a child or of the lease.
 */
#ifndef EBB_GUEST_TARGET_H
#define EBB_GUEST_TARGET_H

#include <systemd/sd-event.h>

#include "protocol/message.h"
#include "protocol/uapi.h"

struct ebb_target_keeper;

/* The module, as in device.h; tests have their own. */
struct ebb_target_device {
	int (*set)(const struct ebb_target *target);
	int (*get)(struct ebb_threshold *ret_threshold);
};

/* What is kept, or why it is less, changed without being asked. */
typedef void (*ebb_target_changed_fn)(const struct ebb_msg_target_state *state,
				      void *opaque);

/**
 * ebb_target_new - a keeper with no target
 * @root: as in sysfile.h, kept
 * @state_dir: as in knobs.h, kept
 * @device: kept; NULL: /dev/ebb
 *
 * Puts back the knobs of an agent that was killed. Returns 0 or -errno.
 */
int ebb_target_new(sd_event *event, const char *root, const char *state_dir,
		   const struct ebb_target_device *device,
		   ebb_target_changed_fn changed, void *opaque,
		   struct ebb_target_keeper **ret_keeper);

/* Ends the target and puts all back. NULL is fine. */
void ebb_target_free(struct ebb_target_keeper *keeper);

/**
 * ebb_target_ask - a target in place of the one before, or its renewal
 * @ret_state: what became of it so far; written only on success
 *
 * Returns at once, 0 or -EINVAL for a timeout of 0.
 */
int ebb_target_ask(struct ebb_target_keeper *keeper,
		   const struct ebb_msg_target *asked,
		   struct ebb_msg_target_state *ret_state);

/*
 * Makes contiguous what is free, if that promises anything, or says whether it
 * is being done. Returns at once; no target is needed.
 */
void ebb_target_compact(struct ebb_target_keeper *keeper,
			struct ebb_msg_compact_state *ret_state);

/* From now on a target may swap, where that frees memory (swap.h). */
void ebb_target_allow_swap(struct ebb_target_keeper *keeper);

/* /dev/ebb came or went. */
void ebb_target_module_changed(struct ebb_target_keeper *keeper);

/* Fills the working set into @facts, which were read just now. */
void ebb_target_look(struct ebb_target_keeper *keeper,
		     struct ebb_msg_facts *facts);

#endif /* EBB_GUEST_TARGET_H */
