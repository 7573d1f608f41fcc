/* SPDX-License-Identifier: GPL-2.0-only */
#include "guest/target.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "guest/backoff.h"
#include "guest/compact.h"
#include "guest/device.h"
#include "guest/facts.h"
#include "guest/fallback.h"
#include "guest/knobs.h"
#include "guest/limited.h"
#include "guest/pressure.h"
#include "guest/swap.h"
#include "guest/sysfile.h"
#include "guest/workingset.h"

/* Nobody waits for the end of a lease to the second. */
#define LEASE_ACCURACY_US (5 * 1000 * 1000)

struct ebb_target_keeper {
	sd_event *event;
	const char *root;
	const struct ebb_target_device *device;
	ebb_target_changed_fn changed;
	void *opaque;

	struct ebb_limited *limited;
	struct ebb_pressure *pressure;
	struct ebb_knobs *knobs;
	struct ebb_compact *compact;
	struct ebb_fallback *fallback;
	struct ebb_workingset workingset;
	struct ebb_backoff backoff;
	sd_event_source *lease;

	struct ebb_msg_target asked; /* zeroed: no target */
	uint64_t asked_bytes; /* all of it */
	uint64_t deadline_us;
	uint64_t fallback_bytes; /* what it keeps */
	int module_r; /* of the last request */
	struct ebb_threshold threshold; /* as the module said last */
	bool module_is_old;
	bool refused; /* by the module, in part at least */
	bool swap_allowed;
	bool swap; /* as of the last apply() */
	bool drops_known;
	uint64_t drop_count; /* of those that were acted on */
	struct ebb_msg_target_state told;
};

static const struct ebb_target_device real_device = {
	.set = ebb_device_target_set,
	.get = ebb_device_target_get,
};

static uint64_t now_us(const struct ebb_target_keeper *keeper)
{
	uint64_t usec = 0;

	sd_event_now(keeper->event, CLOCK_MONOTONIC, &usec);
	return usec;
}

static bool is_in_force(const struct ebb_target_keeper *keeper)
{
	return keeper->asked_bytes > 0 || keeper->asked.automatic;
}

/* An older module has no targets: as if there was none. */
static bool has_module(const struct ebb_target_keeper *keeper)
{
	return !ebb_device_is_absent(keeper->module_r) &&
	       keeper->module_r != -ENOTTY;
}

static void ask_module(struct ebb_target_keeper *keeper)
{
	struct ebb_threshold threshold = { 0 };

	keeper->module_r = keeper->device->get(&threshold);
	keeper->threshold = threshold;
	if (keeper->module_r < 0) {
		keeper->drops_known = false;
	} else if (!keeper->drops_known) {
		keeper->drops_known = true;
		keeper->drop_count = threshold.drop_count;
	}
}

/* What a drop that was not acted on asks of the back-off. */
static enum ebb_backoff_reason take_drop(struct ebb_target_keeper *keeper)
{
	uint64_t before = keeper->drop_count;

	if (keeper->module_r < 0)
		return EBB_BACKOFF_NONE;
	keeper->drop_count = keeper->threshold.drop_count;
	if (keeper->drop_count <= before)
		return EBB_BACKOFF_NONE;
	switch (keeper->threshold.drop_reason) {
	case EBB_DROP_ALLOCSTALL:
		return EBB_BACKOFF_ALLOCSTALL;
	case EBB_DROP_REFAULT:
		return EBB_BACKOFF_PRESSURE;
	case EBB_DROP_OOM:
		return EBB_BACKOFF_OOM;
	default:
		/* The next renewal asks again. */
		return EBB_BACKOFF_NONE;
	}
}

/*
 * A module that is older than this agent does not know all flags. It gives the
 * same error for these as for a node that is not there.
 */
static int set_device(struct ebb_target_keeper *keeper,
		      const struct ebb_target *target)
{
	struct ebb_target copy = *target;
	int r;

	if (!keeper->module_is_old) {
		r = keeper->device->set(&copy);
		if (r != -EINVAL)
			return r;
	}
	copy.flags &= ~(uint32_t)(EBB_TARGET_REFAULTS | EBB_TARGET_SWAP);
	copy.limited_refaults = 0;
	r = keeper->device->set(&copy);
	if (r == 0)
		keeper->module_is_old = true;
	return r;
}

/* What the module refuses is told with the state. */
static int set_part(struct ebb_target_keeper *keeper,
		    const struct ebb_target *target)
{
	int r = set_device(keeper, target);

	if (r != -EINVAL)
		return r;
	keeper->refused |= target->bytes > 0;
	return 0;
}

static int set_module(struct ebb_target_keeper *keeper, uint64_t bytes,
		      uint32_t flags)
{
	uint64_t now = now_us(keeper);
	struct ebb_target target = { .bytes = bytes,
				     .node = EBB_NODE_ALL,
				     .timeout_ms = 1,
				     .flags = flags | EBB_TARGET_REFAULTS |
					      (keeper->swap ? EBB_TARGET_SWAP
							    : 0) };
	int r;

	target.limited_refaults = (uint32_t)ebb_limited_look(keeper->limited);
	if (keeper->asked.urgent)
		target.flags |= EBB_TARGET_URGENT;
	if (keeper->deadline_us > now + 1000)
		target.timeout_ms =
			(uint32_t)((keeper->deadline_us - now) / 1000);
	keeper->refused = false;
	if (bytes == 0 || keeper->asked.node_count == 0)
		return set_part(keeper, &target);
	/* A node that is not named has none: what it had before is to end. */
	for (uint32_t node = 0; node < EBB_NODE_MAX; node++) {
		target.node = node;
		target.bytes = node < keeper->asked.node_count
				       ? ebb_backoff_scale(
						 &keeper->backoff,
						 keeper->asked_bytes,
						 keeper->asked.node_bytes[node])
				       : 0;
		r = set_part(keeper, &target);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Before kswapd is driven: which memory it shall leave alone. */
static void guard_anonymous(struct ebb_target_keeper *keeper)
{
	enum ebb_swap swap = ebb_swap_look(keeper->root);

	keeper->swap = keeper->swap_allowed && swap == EBB_SWAP_DISK;
	if (swap != EBB_SWAP_NONE && !keeper->swap)
		ebb_knobs_spare_anonymous(keeper->knobs);
	else
		ebb_knobs_restore_swappiness(keeper->knobs);
}

/* Brings what is in force to what it should be. */
static void apply(struct ebb_target_keeper *keeper, uint32_t flags)
{
	uint64_t bytes = ebb_backoff_scale(
		&keeper->backoff, keeper->asked_bytes, keeper->asked_bytes);

	if (bytes == 0)
		ebb_compact_stop(keeper->compact);
	else
		guard_anonymous(keeper);
	ask_module(keeper);
	if (has_module(keeper)) {
		/* First, as these knobs rewrite the module's marks. */
		keeper->fallback_bytes =
			ebb_fallback_keep(keeper->fallback, 0, false);
		keeper->module_r = set_module(keeper, bytes, flags);
		if (keeper->module_r == 0)
			ask_module(keeper);
	}
	/* It may have gone just now. */
	if (!has_module(keeper))
		keeper->fallback_bytes = ebb_fallback_keep(keeper->fallback,
							   bytes, keeper->swap);
	else if (keeper->threshold.state == EBB_THRESHOLD_FRAGMENTED)
		ebb_compact_start(keeper->compact,
				  keeper->threshold.target_bytes);
	if (bytes == 0)
		ebb_knobs_restore_swappiness(keeper->knobs);
}

/* What the target leaves alone. */
static void fill_held(const struct ebb_target_keeper *keeper,
		      struct ebb_msg_held *held)
{
	char proc_dir[EBB_SYSFILE_PATH_BYTES];
	struct ebb_msg_facts facts;

	snprintf(proc_dir, sizeof(proc_dir), "%s/proc", keeper->root);
	if (ebb_facts_read(proc_dir, &facts) == 0)
		*held = facts.held;
}

static void fill_state(const struct ebb_target_keeper *keeper,
		       struct ebb_msg_target_state *ret_state)
{
	uint32_t state = keeper->threshold.state;
	const char *mechanism = "module";
	const char *reason = ebb_backoff_reason_name(keeper->backoff.reason);

	*ret_state = (struct ebb_msg_target_state){
		.asked_bytes = keeper->asked_bytes,
		.effective_bytes = keeper->threshold.target_bytes,
	};
	if (!has_module(keeper)) {
		mechanism = ebb_fallback_is_there(keeper->fallback) ? "knobs"
								    : "none";
		state = ebb_fallback_state(keeper->fallback);
		ret_state->effective_bytes = keeper->fallback_bytes;
	}
	if (!is_in_force(keeper)) {
		state = EBB_THRESHOLD_IDLE;
		reason = "";
	} else if (keeper->module_r == -ESHUTDOWN) {
		state = EBB_THRESHOLD_DROPPED;
		reason = ebb_drop_reason_name(EBB_DROP_LEAVING);
	} else if (*reason && ret_state->effective_bytes == 0) {
		state = EBB_THRESHOLD_DROPPED;
	} else if (!*reason && state == EBB_THRESHOLD_DROPPED) {
		reason = ebb_drop_reason_name(keeper->threshold.drop_reason);
	} else if (!*reason && has_module(keeper) && keeper->refused) {
		reason = "refused";
	}
	snprintf(ret_state->mechanism, sizeof(ret_state->mechanism), "%s",
		 mechanism);
	snprintf(ret_state->state, sizeof(ret_state->state), "%s",
		 ebb_threshold_state_name(state));
	snprintf(ret_state->reason, sizeof(ret_state->reason), "%s", reason);
	fill_held(keeper, &ret_state->held);
}

/* Says what changed without being asked, if it did. */
static void tell(struct ebb_target_keeper *keeper)
{
	struct ebb_msg_target_state state;
	bool changed;

	fill_state(keeper, &state);
	changed = state.effective_bytes != keeper->told.effective_bytes ||
		  strcmp(state.reason, keeper->told.reason) != 0;
	keeper->told = state;
	if (changed)
		keeper->changed(&state, keeper->opaque);
}

static void end(struct ebb_target_keeper *keeper)
{
	keeper->asked = (struct ebb_msg_target){ 0 };
	keeper->asked_bytes = 0;
	sd_event_source_set_enabled(keeper->lease, SD_EVENT_OFF);
	ebb_pressure_unwatch(keeper->pressure);
	apply(keeper, 0);
	keeper->drops_known = false;
}

/*
 * A target that was cut within the last second is left as it is: if the module
 * dropped it, that was for the same reason, and the next renewal asks again.
 */
static void yield(struct ebb_target_keeper *keeper,
		  enum ebb_backoff_reason reason)
{
	/* A stall that is acted on is not to be found again by a renewal. */
	ebb_pressure_renew(keeper->pressure);
	if (ebb_backoff_yield(&keeper->backoff, reason, keeper->asked_bytes,
			      now_us(keeper)))
		apply(keeper, 0);
	tell(keeper);
}

static void on_pressed(enum ebb_backoff_reason reason, void *opaque)
{
	yield(opaque, reason);
}

static void on_threshold_changed(void *opaque)
{
	struct ebb_target_keeper *keeper = opaque;
	enum ebb_backoff_reason reason;

	ask_module(keeper);
	/* It went: the target goes the other way before anybody hears of it. */
	if (!has_module(keeper))
		apply(keeper, 0);
	reason = take_drop(keeper);
	if (reason != EBB_BACKOFF_NONE) {
		yield(keeper, reason);
		return;
	}
	/* It may have asked whose refaults they are: a new target says it. */
	if (has_module(keeper) && keeper->threshold.target_bytes > 0)
		apply(keeper, 0);
	tell(keeper);
}

/* The module looks at what is free when a target is set. */
static void on_compacted(void *opaque)
{
	struct ebb_target_keeper *keeper = opaque;

	if (!is_in_force(keeper))
		return;
	/* Somebody waits, and it goes on well: at once. */
	if (keeper->asked.urgent && ebb_compact_was_worth_it(keeper->compact))
		ebb_compact_retry(keeper->compact);
	apply(keeper, 0);
	tell(keeper);
}

static void on_reclaimed(enum ebb_backoff_reason reason, void *opaque)
{
	struct ebb_target_keeper *keeper = opaque;

	if (!is_in_force(keeper))
		return;
	if (reason != EBB_BACKOFF_NONE)
		yield(keeper, reason);
	else
		on_compacted(keeper);
}

static int on_lease(sd_event_source *source, uint64_t usec, void *opaque)
{
	struct ebb_target_keeper *keeper = opaque;

	(void)source;
	(void)usec;
	end(keeper);
	tell(keeper);
	return 0;
}

int ebb_target_new(sd_event *event, const char *root, const char *state_dir,
		   const struct ebb_target_device *device,
		   ebb_target_changed_fn changed, void *opaque,
		   struct ebb_target_keeper **ret_keeper)
{
	static const struct ebb_pressure_ops pressure_ops = {
		.pressed = on_pressed,
		.threshold_changed = on_threshold_changed,
	};
	struct ebb_target_keeper *keeper = calloc(1, sizeof(*keeper));
	int r;

	if (!keeper)
		return -ENOMEM;
	keeper->event = sd_event_ref(event);
	keeper->root = root;
	keeper->device = device ? device : &real_device;
	keeper->changed = changed;
	keeper->opaque = opaque;
	ebb_backoff_forget(&keeper->backoff);
	r = ebb_limited_new(root, EBB_LIMITED_RECENT_US, &keeper->limited);
	if (r == 0)
		r = ebb_pressure_new(event, root, keeper->limited,
				     &pressure_ops, keeper, &keeper->pressure);
	if (r == 0)
		r = ebb_knobs_new(root, state_dir, &keeper->knobs);
	if (r == 0)
		r = ebb_compact_new(event, root, keeper->knobs, on_compacted,
				    keeper, &keeper->compact);
	if (r == 0)
		r = ebb_fallback_new(event, root, keeper->knobs,
				     keeper->compact, keeper->limited,
				     on_reclaimed, keeper, &keeper->fallback);
	if (r == 0)
		r = sd_event_add_time(event, &keeper->lease, CLOCK_MONOTONIC, 0,
				      LEASE_ACCURACY_US, on_lease, keeper);
	if (r < 0) {
		ebb_target_free(keeper);
		return r;
	}
	sd_event_source_set_enabled(keeper->lease, SD_EVENT_OFF);
	*ret_keeper = keeper;
	return 0;
}

void ebb_target_free(struct ebb_target_keeper *keeper)
{
	if (!keeper)
		return;
	if (is_in_force(keeper))
		end(keeper);
	ebb_fallback_free(keeper->fallback);
	ebb_compact_free(keeper->compact);
	ebb_knobs_free(keeper->knobs);
	ebb_pressure_free(keeper->pressure);
	ebb_limited_free(keeper->limited);
	sd_event_source_disable_unref(keeper->lease);
	sd_event_unref(keeper->event);
	free(keeper);
}

/* All nodes together; what does not fit on the wire is cut to that. */
static uint64_t sum_asked(struct ebb_target_keeper *keeper)
{
	const struct ebb_msg_target *asked = &keeper->asked;
	char proc_dir[EBB_SYSFILE_PATH_BYTES];
	struct ebb_msg_facts facts;
	uint64_t bytes = 0;

	if (asked->automatic) {
		snprintf(proc_dir, sizeof(proc_dir), "%s/proc", keeper->root);
		if (ebb_facts_read(proc_dir, &facts) < 0)
			return 0;
		ebb_target_look(keeper, &facts);
		return ebb_workingset_target_bytes(&facts);
	}
	if (asked->node_count == 0)
		return asked->bytes;
	for (uint32_t node = 0; node < asked->node_count; node++)
		bytes += asked->node_bytes[node] < INT64_MAX - bytes
				 ? asked->node_bytes[node]
				 : INT64_MAX - bytes;
	return bytes;
}

/* What was learnt since the target was asked for last. */
static void learn(struct ebb_target_keeper *keeper, bool began)
{
	enum ebb_backoff_reason drop, stall;

	ask_module(keeper);
	drop = take_drop(keeper);
	stall = ebb_pressure_renew(keeper->pressure);
	if (drop != EBB_BACKOFF_NONE || stall != EBB_BACKOFF_NONE)
		ebb_backoff_yield(&keeper->backoff, drop > stall ? drop : stall,
				  keeper->asked_bytes, now_us(keeper));
	if (keeper->asked.retry) {
		ebb_backoff_forget(&keeper->backoff);
		ebb_compact_retry(keeper->compact);
		ebb_fallback_retry(keeper->fallback);
	} else if (began) {
		ebb_backoff_begin(&keeper->backoff, now_us(keeper));
	} else {
		ebb_backoff_renewed(&keeper->backoff, now_us(keeper));
	}
}

int ebb_target_ask(struct ebb_target_keeper *keeper,
		   const struct ebb_msg_target *asked,
		   struct ebb_msg_target_state *ret_state)
{
	bool began = !is_in_force(keeper);

	if (asked->timeout_ms == 0)
		return -EINVAL;
	keeper->asked = *asked;
	if (asked->automatic)
		keeper->asked.node_count = 0;
	keeper->asked_bytes = sum_asked(keeper);
	keeper->deadline_us =
		now_us(keeper) + (uint64_t)asked->timeout_ms * 1000;
	if (is_in_force(keeper)) {
		learn(keeper, began);
		ebb_pressure_watch(keeper->pressure);
		apply(keeper, asked->retry ? EBB_TARGET_RETRY : 0);
		sd_event_source_set_time(keeper->lease, keeper->deadline_us);
		sd_event_source_set_enabled(keeper->lease, SD_EVENT_ONESHOT);
	} else {
		end(keeper);
	}
	fill_state(keeper, &keeper->told);
	*ret_state = keeper->told;
	return 0;
}

void ebb_target_allow_swap(struct ebb_target_keeper *keeper)
{
	keeper->swap_allowed = true;
}

void ebb_target_module_changed(struct ebb_target_keeper *keeper)
{
	if (!is_in_force(keeper))
		return;
	keeper->drops_known = false;
	keeper->module_is_old = false;
	ebb_pressure_watch(keeper->pressure);
	apply(keeper, 0);
	tell(keeper);
}

void ebb_target_look(struct ebb_target_keeper *keeper,
		     struct ebb_msg_facts *facts)
{
	ebb_workingset_look(&keeper->workingset, keeper->root, now_us(keeper),
			    ebb_limited_look(keeper->limited), facts);
}

void ebb_target_compact(struct ebb_target_keeper *keeper,
			struct ebb_msg_compact_state *ret_state)
{
	int r = ebb_compact_ask(keeper->compact);
	const char *reason = "";

	if (r == -EALREADY)
		reason = "nothing";
	else if (r == -EAGAIN)
		reason = "too-soon";
	else if (r < 0 && r != -EBUSY)
		reason = "failed";
	*ret_state = (struct ebb_msg_compact_state){
		.running = ebb_compact_runs(keeper->compact),
	};
	snprintf(ret_state->reason, sizeof(ret_state->reason), "%s", reason);
}
