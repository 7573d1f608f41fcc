/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that guests do not use goes to who needs it, without anybody asking.
 *
 * Theory of operation
 * ===================
 *
 * The problem. host/policy/ decides who gives how much, from a picture of all
 * budgets and all domains, and is pure. Something must take that picture, at the
 * right moments, carry out what is decided, and remember what came of it.
 *
 * The picture (picture.h). Domains come and go by the fleet's word, each with a
 * member here (member.h). What a guest has free is taken by loads from its ring each
 * two seconds into a window of a minute (window.h): what was free all the while.
 * Budgets are read by a worker (ground.h). No thread, no timer and no call to
 * libvirtd is for one domain.
 *
 * The moments. A look begins with a read of the budgets, decides, and carries out. One
 * is made before a budget can run short, or shorter (ebb_budget_patience_ms()), but so
 * seldom that it costs a fiftieth of a core at most; and at least each ten seconds, and
 * each second while a budget is in need. The first sign that one runs short
 * (host/budget/watch.h) brings one about at once, whatever was looked at before: a guest
 * fills a gigabyte in a second. As a guest can give such signs as often as it likes, that
 * holds for ALARM_BURST of them, and for one more each ALARM_PERIOD_S. A look is made
 * sooner, too, when anything happens to a domain, and when a domain that was asked for a
 * budget in need has answered; but these looks are LOOK_GAP_MS apart at least, and where
 * no budget is in need, what a guest can bring about causes one a second at most. Of what
 * is due, the earliest is made.
 *
 * Carrying out (carry.c). A decision becomes an order of a reclaim. What is free in
 * the guest is taken as it is; the guest is driven only where the decision takes what
 * it uses. A person's reclaim goes before these (ebb_vm_reclaim()). Only a few orders
 * are under way at once, and one that waits for its turn is withdrawn when its reason
 * is gone (withdraw.c). What a balloon holds is given back when the host has enough for
 * long (giveback.c). How one ended is for the policy: a guest under pressure has its
 * rest, one that does not move is stuck, and what says nothing of the guest (a job of
 * libvirt's, another's reclaim) does not count.
 *
 * Explaining (explain.c). What is told is made from the structures that decided: the
 * last decision of each domain as it was, and a picture of now that is decided about
 * in the same way and that nobody carries out.
 *
 * Pausing. What an operator paused, all or domains, stays so until he resumes it, also
 * over a restart of ebbd (pause_files.h).
 *
 * The clock. All times of the policy are by one clock, which tests of the whole may
 * have run faster than the machine's; a minute is a minute of it.
 */
#ifndef EBB_HOST_SHARING_H
#define EBB_HOST_SHARING_H

#include "common/clock.h"
#include "host/base/worker.h"
#include "host/budget/watch.h"
#include "host/config.h"
#include "host/control/call.h"
#include "host/domain/fleet.h"
#include "host/history/past.h"
#include "host/interface/explain.h"

struct ebb_sharing;

/* What a guest said longer ago says nothing of now: it tells each second if it runs. */
#define EBB_SHARING_OLD_NS (30 * EBB_NS_PER_S)

/**
 * struct ebb_sharing_options
 * @config: whose policy section holds; it may change between two calls
 * @dry_run: it decides and says so, and carries out nothing, whatever @config says
 * @speed: of the clock; 1 but for tests
 * @old_ns: EBB_SHARING_OLD_NS, by the machine's clock, as guests have none of ours
 * @root: before /proc and /sys; "" but for tests
 * @fleet: knows domains that do not run by their names; NULL: nobody does
 * @state_dir: where pauses are kept over a restart; "": nowhere
 * @past: keeps samples, and is told what happened; NULL: nobody
 * @pressure: of the host, as opened; it is sharing's from here on, also on failure
 */
struct ebb_sharing_options {
	const struct ebb_config *config;
	bool dry_run;
	uint32_t speed;
	uint64_t old_ns;
	const char *root;
	const struct ebb_fleet *fleet;
	const char *state_dir;
	struct ebb_past *past;
	struct ebb_pressure pressure;
};

/* What ebbctl asks of it; @opaque of the handlers is the struct ebb_sharing. */
extern const struct ebb_control_handler ebb_sharing_handlers[];

/* @options->config and @workers outlive it. Returns 0, -ENOMEM or -EIO. */
int ebb_sharing_new(const struct ebb_sharing_options *options,
		    struct ebb_workers *workers,
		    struct ebb_sharing **ret_sharing);

/* For ebb_fleet_watch(); lives as long as @sharing. */
const struct ebb_fleet_watcher *
ebb_sharing_watcher(const struct ebb_sharing *sharing);

/**
 * ebb_sharing_show - what can run short and what is decided of that, as explain tells it
 * @ret_head: written only on success
 *
 * Returns 0 or -ENOMEM.
 */
int ebb_sharing_show(const struct ebb_sharing *sharing,
		     struct ebb_explain *ret_head);

/* By what it is told that a budget runs short. */
struct ebb_watch_sources ebb_sharing_sources(const struct ebb_sharing *sharing);

/* The configuration is another: it holds from now on. */
void ebb_sharing_config_changed(struct ebb_sharing *sharing);

/* The first sign that a budget runs short: looks soon. */
void ebb_sharing_alarm(struct ebb_sharing *sharing);

/* The fleet is gone and no job runs. NULL is fine. */
void ebb_sharing_free(struct ebb_sharing *sharing);

#endif /* EBB_HOST_SHARING_H */
