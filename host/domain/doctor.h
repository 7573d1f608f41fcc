/* SPDX-License-Identifier: GPL-2.0-only */
/* What keeps a domain from the best rung, point by point. Pure. */
#ifndef EBB_HOST_DOCTOR_H
#define EBB_HOST_DOCTOR_H

#include "host/domain/probe.h"
#include "host/interface/status.h"

/* @probe: done. Fills all but the name. */
void ebb_doctor_examine(const struct ebb_probe *probe,
			struct ebb_doctor *ret_doctor);

/**
 * ebb_doctor_examine_target - adds by what the guest keeps memory free
 * @mechanism: the agent's last word on it, or empty: not asked yet
 * @too_old: the agent knows no free targets
 */
void ebb_doctor_examine_target(const struct ebb_probe *probe,
			       const char *mechanism, bool too_old,
			       struct ebb_doctor *doctor);

/*
 * Adds, where a balloon holds @balloon_bytes of @memory_bytes, that it does; @held_bytes
 * of them for Ebb.
 */
void ebb_doctor_examine_balloon(uint64_t balloon_bytes, uint64_t held_bytes,
				uint64_t memory_bytes,
				struct ebb_doctor *doctor);

/* Adds that a person paused the policy for the domain @name; for all, if it is "". */
void ebb_doctor_examine_pause(const char *name, struct ebb_doctor *doctor);

/**
 * ebb_doctor_examine_silence - adds that the domain could not be looked at
 * @looked_at: it was before; else nothing is known of it
 * @text, @remedy: why not, and what to do
 *
 * To be called last.
 */
void ebb_doctor_examine_silence(bool looked_at, const char *text,
				const char *remedy, struct ebb_doctor *doctor);

#endif /* EBB_HOST_DOCTOR_H */
