/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What can be said of a domain by the XML that it is defined by, whether it runs or not:
 * what will keep it off rung lease when it starts, and the patch that mends that; and
 * what Ebb keeps with it for that start.
 */
#ifndef EBB_HOST_DEFINED_H
#define EBB_HOST_DEFINED_H

#include "host/control/call.h"
#include "host/domain/fleet_state.h"
#include "host/domain/set_order.h"

/* Answers "domain-doctor" about one that is off, when libvirtd has answered. */
void ebb_defined_doctor(struct ebb_fleet *fleet,
			const struct ebb_roster_entry *entry,
			struct ebb_call *call);

/* Answers "domain-show" about one that is off, likewise. */
void ebb_defined_show(struct ebb_fleet *fleet,
		      const struct ebb_roster_entry *entry,
		      struct ebb_call *call);

/* Answers "domain-fix", likewise. */
void ebb_defined_fix(struct ebb_fleet *fleet,
		     const struct ebb_roster_entry *entry,
		     struct ebb_call *call);

/* Answers "domain-set" for the next start of one that is off, likewise. */
void ebb_defined_set(struct ebb_fleet *fleet,
		     const struct ebb_roster_entry *entry,
		     struct ebb_call *call, const struct ebb_set_order *set);

#endif /* EBB_HOST_DEFINED_H */
