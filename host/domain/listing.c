/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/loop.h"
#include "host/interface/array.h"
#include "host/interface/selection.h"

enum {
	DOMAINS_A_TURN = 16
};

/* @uuid: of the last domain that is in @domains; others may come and go. */
struct listing {
	struct ebb_fleet *fleet;
	struct ebb_call *call;
	struct json_object *domains;
	int timer;
	char uuid[EBB_UUID_TEXT_BYTES];
	struct ebb_selection selection;
	struct ebb_domain_status status;
};

static const char *const pauses[] = {
	[EBB_VM_PAUSE_NONE] = "no",
	[EBB_VM_PAUSE_DOMAIN] = "domain",
	[EBB_VM_PAUSE_ALL] = "all",
};

void ebb_listing_fill(struct ebb_fleet *fleet,
		      const struct ebb_roster_entry *entry,
		      struct ebb_domain_status *ret_status)
{
	if (entry->vm) {
		ebb_vm_status(entry->vm, ret_status);
	} else {
		/* Of a domain that does not run, there is little to say. */
		memset(ret_status, 0, sizeof(*ret_status));
		memcpy(ret_status->name, entry->name, sizeof(ret_status->name));
		memcpy(ret_status->uuid, entry->uuid, sizeof(ret_status->uuid));
		strcpy(ret_status->rung, "-");
		ret_status->facts_age_ms = UINT32_MAX;
	}
	snprintf(ret_status->policy_paused, sizeof(ret_status->policy_paused),
		 "%s",
		 pauses[ebb_vm_pause_of(&fleet->environment, entry->uuid)]);
	snprintf(ret_status->state, sizeof(ret_status->state), "%s",
		 ebb_domain_state_name(entry->state));
	ret_status->state_old = ebb_fleet_is_old(fleet);
}

/* @whole: else it lacks a domain for want of memory, and is no answer. */
static void end_listing(struct listing *listing, bool whole)
{
	struct json_object *value = whole ? json_object_new_object() : NULL;

	if (value &&
	    json_object_object_add(value, "domains", listing->domains) == 0) {
		ebb_call_return(listing->call, value);
	} else {
		json_object_put(value);
		json_object_put(listing->domains);
		ebb_call_error(listing->call, "GenericError", "out of memory");
	}
	ebb_loop_timer_remove(listing->timer);
	free(listing);
}

static void on_turn(int timer, void *opaque)
{
	struct listing *listing = opaque;
	struct ebb_fleet *fleet = listing->fleet;
	struct ebb_roster_entry *entry;

	(void)timer;
	for (int i = 0; i < DOMAINS_A_TURN; i++) {
		entry = ebb_roster_next(&fleet->roster, listing->uuid);
		if (!entry || json_object_array_length(listing->domains) >=
				      EBB_LIST_MAX) {
			end_listing(listing, true);
			return;
		}
		memcpy(listing->uuid, entry->uuid, sizeof(listing->uuid));
		ebb_listing_fill(fleet, entry, &listing->status);
		if (ebb_array_append_text(listing->domains,
					  listing->selection.fields,
					  &listing->status) < 0) {
			end_listing(listing, false);
			return;
		}
	}
}

void ebb_listing_begin(struct ebb_fleet *fleet, struct ebb_call *call,
		       const struct json_object *request)
{
	struct listing *listing = calloc(1, sizeof(*listing));
	struct ebb_msg_error error;

	if (!listing) {
		ebb_call_error(call, "GenericError", "out of memory");
		return;
	}
	if (ebb_selection_make(ebb_domain_status_fields, request,
			       &listing->selection, &error) < 0) {
		ebb_call_error(call, "InvalidArgument", "%s", error.text);
		free(listing);
		return;
	}
	listing->fleet = fleet;
	listing->call = call;
	listing->domains = json_object_new_array();
	listing->timer = ebb_loop_timer(0, on_turn, listing);
	if (listing->domains && listing->timer >= 0)
		return;
	ebb_call_error(call, "GenericError", "out of memory");
	json_object_put(listing->domains);
	if (listing->timer >= 0)
		ebb_loop_timer_remove(listing->timer);
	free(listing);
}
