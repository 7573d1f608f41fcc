/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The answer to domain-list: all domains that are known, some in each turn of
 * the loop, as each costs loads from its ring and a look at its files.
 */
#ifndef EBB_HOST_LISTING_H
#define EBB_HOST_LISTING_H

#include "host/domain/fleet_state.h"

/* Answers @call, soon; @request: see host/interface/selection.h. */
void ebb_listing_begin(struct ebb_fleet *fleet, struct ebb_call *call,
		       const struct json_object *request);

/* One domain of it, as it is known. */
void ebb_listing_fill(struct ebb_fleet *fleet,
		      const struct ebb_roster_entry *entry,
		      struct ebb_domain_status *ret_status);

#endif /* EBB_HOST_LISTING_H */
