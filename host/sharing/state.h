/* SPDX-License-Identifier: GPL-2.0-only */
/* What sharing is made of; for the files of this room. */
#ifndef EBB_HOST_SHARING_STATE_H
#define EBB_HOST_SHARING_STATE_H

#include "common/clock.h"
#include "host/base/pace.h"
#include "host/interface/explain.h"
#include "host/sharing/ground.h"
#include "host/sharing/pause_files.h"
#include "host/sharing/picture.h"
#include "host/sharing/sharing.h"

/**
 * struct ebb_exempt - a domain that is out; it may be off, or gone
 * @name: the last that it ran by; empty: it did not run since ebbd did
 */
struct ebb_exempt {
	char uuid[EBB_UUID_TEXT_BYTES];
	char name[EBB_NAME_BYTES_MAX];
};

/**
 * struct ebb_sharing
 * @wake: a look is due soon; of sharing.c
 * @wake_paced: likewise, but while no budget is in need not more than once a second
 * @order_count: orders that have not ended, those that are gentle not among them
 * @gentle_count: these
 * @ordered_number: whose order was the last
 * @wanted_number: whose agent was asked last
 * @more: decisions were left, as there were orders enough
 * @paused: by an operator: it looks, and carries out nothing
 * @members: that have a vm
 * @hear_timer, @look_timer: of the guests' words and of looks
 * @looked_ns: when the last look was carried out; 0: never
 * @due_ns: when the next look is due, by the policy's clock; UINT64_MAX: not yet known
 * @look_again_ms: after the look that is under way another is due so soon; UINT32_MAX:
 *	none
 * @alarm_pace: of alarms that are looked at without a gap
 * @failed: the last look could not be made, which was told
 * @log_pace, @unlogged: of lines in the log, and how many were left out
 * @need_pace: of lines about budgets
 * @change_pace: of events about budgets
 * @pressed_ns: of the last sign of pressure that is an event which has not ended; 0: none
 * @stall: of the host
 * @exempt_count, @exempt: domains that an operator took out
 * @pause_files: where these and @paused are kept
 */
struct ebb_sharing {
	struct ebb_sharing_options options;
	struct ebb_fleet_watcher watcher;
	void (*wake)(struct ebb_sharing *sharing);
	void (*wake_paced)(struct ebb_sharing *sharing);
	uint32_t order_count;
	uint32_t gentle_count;
	uint64_t ordered_number;
	uint64_t wanted_number;
	bool more;
	bool paused;
	struct ebb_members members;
	uint64_t next_number;
	struct ebb_ground ground;
	struct ebb_watch *watch;
	int hear_timer;
	int look_timer;
	uint64_t looked_ns;
	uint64_t due_ns;
	uint32_t look_again_ms;
	struct ebb_pace alarm_pace;
	bool failed;
	struct ebb_pace log_pace;
	uint32_t unlogged;
	struct ebb_pace need_pace;
	struct ebb_pace change_pace;
	uint64_t pressed_ns;
	struct ebb_stall stall;
	uint32_t exempt_count;
	struct ebb_exempt *exempt;
	struct ebb_pause_files pause_files;
};

/* The policy's clock. */
static inline uint64_t ebb_sharing_now_ns(const struct ebb_sharing *sharing)
{
	return ebb_now_ns() * sharing->options.speed;
}

static inline const struct ebb_policy_config *
ebb_sharing_config(const struct ebb_sharing *sharing)
{
	return &sharing->options.config->policy;
}

static inline bool ebb_sharing_is_dry_run(const struct ebb_sharing *sharing)
{
	return sharing->options.dry_run || ebb_sharing_config(sharing)->dry_run;
}

/*
 * carry.c: all that was decided; @picture is what it was decided from. Only some orders
 * are under way at once: who is left is decided about at the next look, and comes first.
 */
void ebb_sharing_carry_out(struct ebb_sharing *sharing,
			   struct ebb_picture *picture);

/* giveback.c: of what balloons hold, where the host has enough for long. */
void ebb_sharing_give_back(const struct ebb_picture *picture);

/* tell.c: what is news of the budgets, before the ground keeps them. */
void ebb_sharing_tell(struct ebb_sharing *sharing,
		      const struct ebb_picture *picture);

/* record.c: a sample of all, if it is time for one. */
void ebb_sharing_record(struct ebb_sharing *sharing,
			const struct ebb_picture *picture);

/* withdraw.c: orders whose reason is gone and that take nothing just now. */
void ebb_sharing_withdraw_stale(struct ebb_sharing *sharing);

/* withdraw.c: likewise, where nobody needs what would be lent, and it is not covered. */
void ebb_sharing_withdraw_uncovered(const struct ebb_picture *picture);

/* Ends orders, also what runs: of one, of all, or of those whose settings are others. */
void ebb_sharing_end_order(struct ebb_member *member);
void ebb_sharing_end_orders(struct ebb_sharing *sharing);
void ebb_sharing_end_orders_set_anew(struct ebb_sharing *sharing);

/* explain.c, pause.c: the commands; see handlers.c. */
void ebb_sharing_handle_explain(struct ebb_call *call,
				const struct json_object *arguments,
				void *opaque);
void ebb_sharing_handle_pause(struct ebb_call *call,
			      const struct json_object *arguments,
			      void *opaque);

static inline void ebb_sharing_answer_not_found(struct ebb_call *call,
						const char *domain)
{
	ebb_call_error(call, "DomainNotFound",
		       "No running domain '%s'; see: virsh list --all", domain);
}

/* explain_domain.c: of one, of which nothing is decided. */
void ebb_sharing_explain_domain(const struct ebb_picture *picture,
				uint32_t index,
				struct ebb_explain_domain *explained);

/* exempt.c: takes out those that were out when ebbd ended, or all. */
void ebb_sharing_load_pauses(struct ebb_sharing *sharing);

/*
 * exempt.c: takes a domain out, or in again, whether it runs or not. Returns 0 or
 * -ENOMEM. Who calls it keeps that.
 */
int ebb_sharing_exempt(struct ebb_sharing *sharing,
		       const struct ebb_exempt *domain);
void ebb_sharing_readmit(struct ebb_sharing *sharing, const char *uuid);

/* exempt.c: it came: whether it is out. Its name is taken over. */
bool ebb_sharing_came_exempt(struct ebb_sharing *sharing,
			     const struct ebb_member *member);

bool ebb_sharing_is_exempt(const struct ebb_sharing *sharing, const char *uuid);

/*
 * exempt.c: a domain that is out and does not run, by the name that libvirt knows it
 * by, or else the last one, or by UUID. Returns whether there is one.
 */
bool ebb_sharing_find_exempt(const struct ebb_sharing *sharing,
			     const char *name_or_uuid,
			     struct ebb_exempt *ret_domain);

/* exempt.c: which are out. */
void ebb_sharing_show_exempt(const struct ebb_sharing *sharing,
			     struct ebb_explain *head);

#endif /* EBB_HOST_SHARING_STATE_H */
