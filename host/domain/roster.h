/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All domains that libvirt knows, running or not, with the last state of each.
 *
 * Theory of operation
 * ===================
 *
 * The problem. ebbctl asks for the states of all domains, also while libvirtd
 * does not answer; and what libvirt tells comes in two ways that overtake each
 * other: by events, at once, and by lists that a worker asked for a while ago.
 *
 * The rule. An event is younger than each list that was asked for before it
 * came. So each change by an event has a number, a list is asked for at a
 * number, and an entry that changed since is left as it is. A domain that was
 * removed meanwhile may come back with such a list; so where anything changed,
 * the fleet asks once more.
 *
 * The entries are sorted by UUID. Pure: it calls nothing and knows no vm.
 */
#ifndef EBB_HOST_ROSTER_H
#define EBB_HOST_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/domain/counters.h"
#include "host/interface/status.h"
#include "host/libvirt/virt.h"

struct ebb_vm;

/**
 * struct ebb_roster_entry - a domain
 * @state: the last that was told
 * @changed: number of the last event that changed it; 0: only listed
 * @listed: it was in the list that is taken over now
 * @found: the fleet's: it ran already when ebbd was started
 * @vm, @fresh: the fleet's: the vm of one that runs, and a reference that the
 *	vm is to be given
 * @counters: the fleet's: of the guest that ran last
 */
struct ebb_roster_entry {
	char name[EBB_NAME_BYTES_MAX];
	char uuid[EBB_UUID_TEXT_BYTES];
	enum ebb_domain_state state;
	uint64_t changed;
	bool listed;
	bool found;
	struct ebb_vm *vm;
	struct ebb_domain *fresh;
	struct ebb_counters counters;
};

struct ebb_roster {
	struct ebb_roster_entry **entries;
	size_t count;
	size_t capacity;
	uint64_t sequence; /* number of the last event */
};

/* The entry of @uuid, NULL if there is none. */
struct ebb_roster_entry *ebb_roster_find(const struct ebb_roster *roster,
					 const char *uuid);

/* By name, else by UUID in any case; NULL if there is none. */
struct ebb_roster_entry *ebb_roster_find_name(const struct ebb_roster *roster,
					      const char *name_or_uuid);

/* The first entry after @uuid, in order; "" for the first of all. */
struct ebb_roster_entry *ebb_roster_next(const struct ebb_roster *roster,
					 const char *uuid);

/*
 * The entry of that UUID, made if there is none; its name is renewed. NULL
 * without memory.
 */
struct ebb_roster_entry *ebb_roster_add(struct ebb_roster *roster,
					const char *uuid, const char *name);

/* An event changed the entry to that. */
void ebb_roster_change(struct ebb_roster *roster,
		       struct ebb_roster_entry *entry,
		       enum ebb_domain_state state);

/* Takes it out and frees it; its vm and reference are the caller's. */
void ebb_roster_remove(struct ebb_roster *roster,
		       struct ebb_roster_entry *entry);

/*
 * A list says @state of an entry. @asked: the roster's sequence when the list
 * was asked for. Returns whether it was taken over.
 */
bool ebb_roster_list(struct ebb_roster_entry *entry,
		     enum ebb_domain_state state, uint64_t asked);

/* Begins to take over a list: no entry is listed. */
void ebb_roster_begin(struct ebb_roster *roster);

/* An entry that was neither listed nor changed since @asked; NULL: none. */
struct ebb_roster_entry *ebb_roster_unlisted(const struct ebb_roster *roster,
					     uint64_t asked);

/* Frees all; vms and references are gone before. */
void ebb_roster_clear(struct ebb_roster *roster);

#endif /* EBB_HOST_ROSTER_H */
