/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/sharing/sharing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "host/base/fault.h"
#include "host/base/loop.h"
#include "host/sharing/state.h"

#define LOOK_NOT_AGAIN UINT32_MAX

enum {
	HEAR_MS = 2000,
	/* Looks: while a budget is in need, at rest, and apart. */
	NEED_MS = 1000,
	REST_MS = 10 * 1000,
	LOOK_GAP_MS = 250,
	/* Alarms that are looked at without a gap, and one more each so many seconds. */
	ALARM_BURST = 4,
	ALARM_PERIOD_S = 5,
	/* Of a core looks that come before their time take one in so many parts at most. */
	LOOK_COST_PART = 50,
	/* Lines in the log at once, and one more each second. */
	LOG_BURST = 100,
	/* About budgets; and one more each minute. */
	NEED_BURST = 10,
	NEED_PERIOD_S = 60,
	/* Events about budgets, which take the place of others. */
	CHANGE_BURST = 60,
	CHANGE_PERIOD_S = 10,
	/* Likewise about a domain that is stuck. */
	STUCK_BURST = 5,
	STUCK_PERIOD_S = 600,
	/* Signs of pressure that are so far apart are of two times of pressure. */
	PRESSED_S = 30,
};

/* A time of the policy's clock, for a timer. */
static int timer_ms(const struct ebb_sharing *sharing, uint64_t ms)
{
	return (int)(ms / sharing->options.speed);
}

/* ---- looks ---- */

static void look_at(struct ebb_sharing *sharing, uint64_t due_ns)
{
	uint64_t now_ns = ebb_sharing_now_ns(sharing);
	int ms = 0;

	if (due_ns > now_ns)
		ms = timer_ms(sharing, (due_ns - now_ns) / EBB_NS_PER_MS + 1);
	sharing->due_ns = due_ns;
	ebb_loop_timer_set(sharing->look_timer, ms);
}

static void look_never(struct ebb_sharing *sharing)
{
	sharing->due_ns = UINT64_MAX;
	ebb_loop_timer_set(sharing->look_timer, -1);
}

/*
 * How soon a budget may be in need; but where much is to be read for it, the looks may
 * not take more than a small part of a core.
 */
static uint64_t patience_ms(const struct ebb_sharing *sharing)
{
	uint64_t ms = ebb_budget_patience_ms(&sharing->ground.list);
	uint64_t least_ms =
		sharing->ground.cost_ns * LOOK_COST_PART / EBB_NS_PER_MS;

	if (least_ms > NEED_MS)
		least_ms = NEED_MS;
	return ms > least_ms ? ms : least_ms;
}

/*
 * A sample is of EBB_FINE_S by the wall clock: a look as they begin leaves none out, while
 * looks that are only so far apart would be late for one now and then.
 */
static uint64_t rest_ms(const struct ebb_sharing *sharing)
{
	uint64_t ms = REST_MS;

	if (sharing->options.past)
		ms = ebb_past_wait_ms() * sharing->options.speed;
	return ms < REST_MS ? ms : REST_MS;
}

/* Also where it decides nothing: for those who ask what was. */
static bool is_looking(const struct ebb_sharing *sharing)
{
	return ebb_sharing_config(sharing)->enabled || sharing->options.past;
}

static void look_if_kept(struct ebb_sharing *sharing)
{
	if (is_looking(sharing))
		look_at(sharing, ebb_sharing_now_ns(sharing) +
					 rest_ms(sharing) * EBB_NS_PER_MS);
	else
		look_never(sharing);
}

static void arm(struct ebb_sharing *sharing)
{
	uint64_t ms = ebb_ground_is_needy(&sharing->ground) ? NEED_MS
							    : rest_ms(sharing);

	/* Who only looks is in no hurry, and may not look at all. */
	if (!ebb_sharing_config(sharing)->enabled) {
		look_if_kept(sharing);
		return;
	}
	/* In need, too: what fills the budget goes on, and no order may end soon. */
	if (sharing->ground.read_ns > 0 && patience_ms(sharing) < ms)
		ms = patience_ms(sharing);
	look_at(sharing, ebb_sharing_now_ns(sharing) + ms * EBB_NS_PER_MS);
}

/* So long after the last look, unless one is due sooner. */
static void wake_after(struct ebb_sharing *sharing, uint32_t gap_ms)
{
	uint64_t due_ns = sharing->looked_ns + gap_ms * EBB_NS_PER_MS;

	if (!ebb_sharing_config(sharing)->enabled)
		return;
	if (sharing->ground.reading) {
		if (gap_ms < sharing->look_again_ms)
			sharing->look_again_ms = gap_ms;
	} else if (due_ns < sharing->due_ns) {
		look_at(sharing, due_ns);
	}
}

static void wake(struct ebb_sharing *sharing)
{
	wake_after(sharing, LOOK_GAP_MS);
}

/* For what a guest can bring about as often as it likes. */
static void wake_paced(struct ebb_sharing *sharing)
{
	bool needy = ebb_ground_is_needy(&sharing->ground);

	wake_after(sharing, needy ? LOOK_GAP_MS : NEED_MS);
}

static void tell_pressure(struct ebb_sharing *sharing, bool began)
{
	const struct ebb_news news = {
		.kind = began ? EBB_EVENT_PRESSURE_BEGAN
			      : EBB_EVENT_PRESSURE_ENDED,
	};

	ebb_past_tell(sharing->options.past, EBB_LOG_DEBUG, &news, "%s",
		      began ? "the host's tasks wait for memory, or a group of "
			      "them reached its limit"
			    : "for a while no task of the host waited for "
			      "memory, and no group of them reached its limit");
}

/* At each look. */
static void end_pressure(struct ebb_sharing *sharing)
{
	if (sharing->pressed_ns == 0 ||
	    ebb_sharing_now_ns(sharing) - sharing->pressed_ns <
		    PRESSED_S * EBB_NS_PER_S)
		return;
	sharing->pressed_ns = 0;
	tell_pressure(sharing, false);
}

/* What fills a budget does not wait: neither does the look, if alarms are few. */
void ebb_sharing_alarm(struct ebb_sharing *sharing)
{
	ebb_fault_point("alarm");
	if (sharing->pressed_ns == 0)
		tell_pressure(sharing, true);
	sharing->pressed_ns = ebb_sharing_now_ns(sharing);
	if (ebb_pace_take(&sharing->alarm_pace, 1, ebb_sharing_now_ns(sharing)))
		wake_after(sharing, 0);
	else
		wake_paced(sharing);
}

static void on_alarm(void *opaque)
{
	ebb_sharing_alarm(opaque);
}

static void hear_all(struct ebb_sharing *sharing)
{
	uint64_t now_ns = ebb_sharing_now_ns(sharing);

	for (uint32_t i = 0; i < sharing->members.count; i++)
		ebb_member_hear(sharing->members.items[i], now_ns);
}

static void on_hear(int timer, void *opaque)
{
	(void)timer;
	hear_all(opaque);
}

/* What cannot be read is told once, by who reads it. */
static void take_list(struct ebb_sharing *sharing)
{
	const struct ebb_budget_list *list = &sharing->ground.list;

	for (uint32_t i = 0; i < list->trouble_count; i++)
		ebb_log(EBB_LOG_WARNING, "policy: %s", list->troubles[i]);
	ebb_watch_follow(sharing->watch, list);
}

/* Whether a look could be made: told once, until one can be again. */
static void note_result(struct ebb_sharing *sharing, int result)
{
	if (result < 0 && !sharing->failed)
		ebb_log(EBB_LOG_WARNING,
			"policy: the budgets of memory cannot be read or "
			"decided about (%s): nothing is taken until they can. "
			"It is tried again all the time",
			strerror(-result));
	sharing->failed = result < 0;
}

static void act(struct ebb_sharing *sharing, struct ebb_picture *picture)
{
	ebb_fault_point("decided");
	ebb_sharing_tell(sharing, picture);
	ebb_sharing_withdraw_uncovered(picture);
	if (!sharing->paused)
		ebb_sharing_carry_out(sharing, picture);
	ebb_ground_keep(&sharing->ground, &picture->policy);
}

static void on_read(int result, void *opaque)
{
	struct ebb_sharing *sharing = opaque;
	uint32_t again_ms = sharing->look_again_ms;
	struct ebb_picture picture;
	int r = result;

	sharing->look_again_ms = LOOK_NOT_AGAIN;
	end_pressure(sharing);
	hear_all(sharing);
	if (r == 0) {
		take_list(sharing);
		ebb_sharing_withdraw_stale(sharing);
	}
	if (r == 0)
		r = ebb_picture_take(sharing->ground.budgets,
				     sharing->ground.list.count,
				     sharing->members.items,
				     sharing->members.count,
				     ebb_sharing_now_ns(sharing), &picture);
	sharing->looked_ns = ebb_sharing_now_ns(sharing);
	if (r == 0) {
		ebb_sharing_record(sharing, &picture);
		if (ebb_sharing_config(sharing)->enabled)
			act(sharing, &picture);
		ebb_picture_clear(&picture);
	}
	note_result(sharing, r);
	arm(sharing);
	if (again_ms != LOOK_NOT_AGAIN)
		wake_after(sharing, again_ms);
}

static uint64_t now_of(void *opaque)
{
	return ebb_sharing_now_ns(opaque);
}

static void on_look(int timer, void *opaque)
{
	struct ebb_sharing *sharing = opaque;
	const struct ebb_ground_order order = {
		.promised_bytes = ebb_sharing_config(sharing)->host_free_bytes,
		.cover_guests = ebb_sharing_config(sharing)->cover_guests,
		.members = &sharing->members,
		.now_ns = now_of,
		.done = on_read,
		.opaque = sharing,
	};
	int r;

	(void)timer;
	look_never(sharing);
	if (sharing->ground.reading || !is_looking(sharing))
		return;
	ebb_fault_point("look");
	r = ebb_ground_read(&sharing->ground, &order);
	if (r < 0) {
		note_result(sharing, r);
		arm(sharing);
	}
}

/* ---- domains that come and go ---- */

static int reserve(struct ebb_members *members)
{
	uint32_t capacity = members->capacity ? 2 * members->capacity : 16;
	struct ebb_member **items;

	if (members->count < members->capacity)
		return 0;
	items = realloc(members->items, capacity * sizeof(*items));
	if (!items)
		return -ENOMEM;
	members->items = items;
	members->capacity = capacity;
	return 0;
}

static void on_came(struct ebb_vm *vm, void *opaque)
{
	struct ebb_sharing *sharing = opaque;
	struct ebb_member *member;

	if (reserve(&sharing->members) < 0)
		return;
	member = calloc(1, sizeof(*member));
	if (!member)
		return;
	member->sharing = sharing;
	member->number = ++sharing->next_number;
	member->vm = vm;
	snprintf(member->name, sizeof(member->name), "%s", ebb_vm_name(vm));
	snprintf(member->uuid, sizeof(member->uuid), "%s", ebb_vm_uuid(vm));
	member->window.old_ns =
		sharing->options.old_ns * sharing->options.speed;
	member->stuck_pace = (struct ebb_pace){
		.burst = STUCK_BURST,
		.period_ns = STUCK_PERIOD_S * EBB_NS_PER_S,
	};
	member->exempt = ebb_sharing_came_exempt(sharing, member);
	member->subject = ebb_past_came(sharing->options.past, member->name,
					member->uuid);
	sharing->members.items[sharing->members.count++] = member;
	wake(sharing);
}

/* What it may take is known now: whether that is covered does not wait. */
static void on_found(struct ebb_vm *vm, void *opaque)
{
	(void)vm;
	wake(opaque);
}

static void on_changed(struct ebb_vm *vm, void *opaque)
{
	(void)vm;
	wake_paced(opaque);
}

static void on_went(struct ebb_vm *vm, void *opaque)
{
	struct ebb_sharing *sharing = opaque;
	struct ebb_members *members = &sharing->members;
	struct ebb_member *member;
	uint32_t i = 0;

	while (i < members->count && members->items[i]->vm != vm)
		i++;
	if (i == members->count)
		return;
	member = members->items[i];
	members->count--;
	memmove(&members->items[i], &members->items[i + 1],
		(members->count - i) * sizeof(*members->items));
	member->vm = NULL;
	ebb_past_went(member->subject);
	if (!member->ordered)
		free(member);
	wake(sharing);
}

static enum ebb_vm_pause pause_of(const char *uuid, void *opaque)
{
	const struct ebb_sharing *sharing = opaque;

	if (ebb_sharing_is_exempt(sharing, uuid))
		return EBB_VM_PAUSE_DOMAIN;
	return sharing->paused ? EBB_VM_PAUSE_ALL : EBB_VM_PAUSE_NONE;
}

/* ---- its life ---- */

int ebb_sharing_new(const struct ebb_sharing_options *options,
		    struct ebb_workers *workers,
		    struct ebb_sharing **ret_sharing)
{
	struct ebb_pressure pressure = options->pressure;
	struct ebb_sharing *sharing = calloc(1, sizeof(*sharing));

	if (!sharing) {
		ebb_close_fd(&pressure.fd);
		return -ENOMEM;
	}
	sharing->options = *options;
	sharing->pause_files.dir_fd = -1;
	/* Also on failure the descriptor is the watch's. */
	if (ebb_watch_new(pressure, on_alarm, sharing, &sharing->watch) < 0) {
		free(sharing);
		return -ENOMEM;
	}
	sharing->wake = wake;
	sharing->wake_paced = wake_paced;
	sharing->watcher = (struct ebb_fleet_watcher){
		.came = on_came,
		.found = on_found,
		.changed = on_changed,
		.went = on_went,
		.pause_of = pause_of,
		.opaque = sharing,
	};
	sharing->log_pace = (struct ebb_pace){
		.burst = LOG_BURST,
		.period_ns = EBB_NS_PER_S,
	};
	sharing->need_pace = (struct ebb_pace){
		.burst = NEED_BURST,
		.period_ns = NEED_PERIOD_S * EBB_NS_PER_S,
	};
	sharing->change_pace = (struct ebb_pace){
		.burst = CHANGE_BURST,
		.period_ns = CHANGE_PERIOD_S * EBB_NS_PER_S,
	};
	sharing->alarm_pace = (struct ebb_pace){
		.burst = ALARM_BURST,
		.period_ns = ALARM_PERIOD_S * EBB_NS_PER_S,
	};
	sharing->due_ns = UINT64_MAX;
	sharing->look_again_ms = LOOK_NOT_AGAIN;
	sharing->look_timer = ebb_loop_timer(-1, on_look, sharing);
	sharing->hear_timer = ebb_loop_timer(-1, on_hear, sharing);
	if (sharing->look_timer < 0 || sharing->hear_timer < 0 ||
	    ebb_ground_begin(&sharing->ground, workers, options->root) < 0) {
		ebb_sharing_free(sharing);
		return -ENOMEM;
	}
	ebb_sharing_load_pauses(sharing);
	ebb_sharing_config_changed(sharing);
	*ret_sharing = sharing;
	return 0;
}

void ebb_sharing_config_changed(struct ebb_sharing *sharing)
{
	bool enabled = ebb_sharing_config(sharing)->enabled;

	ebb_loop_timer_set(sharing->hear_timer,
			   enabled ? timer_ms(sharing, HEAR_MS) : -1);
	if (!enabled || ebb_sharing_is_dry_run(sharing))
		ebb_sharing_end_orders(sharing);
	else
		ebb_sharing_end_orders_set_anew(sharing);
	if (enabled)
		wake(sharing);
	else
		look_if_kept(sharing);
}

const struct ebb_fleet_watcher *
ebb_sharing_watcher(const struct ebb_sharing *sharing)
{
	return &sharing->watcher;
}

void ebb_sharing_free(struct ebb_sharing *sharing)
{
	if (!sharing)
		return;
	if (sharing->look_timer >= 0)
		ebb_loop_timer_remove(sharing->look_timer);
	if (sharing->hear_timer >= 0)
		ebb_loop_timer_remove(sharing->hear_timer);
	ebb_watch_free(sharing->watch);
	ebb_ground_end(&sharing->ground);
	for (uint32_t i = 0; i < sharing->members.count; i++)
		free(sharing->members.items[i]);
	free(sharing->members.items);
	free(sharing->exempt);
	ebb_pause_files_close(&sharing->pause_files);
	free(sharing);
}
