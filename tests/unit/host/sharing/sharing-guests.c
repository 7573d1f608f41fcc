/* SPDX-License-Identifier: GPL-2.0-only */
/* The guests of the rig, in place of domain/. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/host/sharing/sharing-rig.h"

static struct guest *guest_of(const struct ebb_vm *vm)
{
	return (struct guest *)(uintptr_t)vm;
}

struct ebb_vm *vm_of(struct guest *guest)
{
	return (struct ebb_vm *)guest;
}

const char *__wrap_ebb_vm_name(const struct ebb_vm *vm);
const char *__wrap_ebb_vm_name(const struct ebb_vm *vm)
{
	static const char *const names[GUESTS] = { "web1", "db1", "ci1" };

	return names[guest_of(vm)->index];
}

const char *__wrap_ebb_vm_uuid(const struct ebb_vm *vm);
const char *__wrap_ebb_vm_uuid(const struct ebb_vm *vm)
{
	static const char *const uuids[GUESTS] = {
		"11111111-1111-1111-1111-111111111111",
		"22222222-2222-2222-2222-222222222222",
		"33333333-3333-3333-3333-333333333333",
	};

	return uuids[guest_of(vm)->index];
}

const struct ebb_settings *__wrap_ebb_vm_settings(const struct ebb_vm *vm);
const struct ebb_settings *__wrap_ebb_vm_settings(const struct ebb_vm *vm)
{
	(void)vm;
	return &rig.config.policy.settings;
}

static bool speaks_when_asked(const struct guest *guest)
{
	return guest->reporting || guest->ballooned;
}

bool __wrap_ebb_vm_hear(const struct ebb_vm *vm, struct ebb_vm_word *ret_word);
bool __wrap_ebb_vm_hear(const struct ebb_vm *vm, struct ebb_vm_word *ret_word)
{
	const struct guest *guest = guest_of(vm);

	if (speaks_when_asked(guest) &&
	    (guest->woken_ns == 0 ||
	     ebb_now_ns() - guest->woken_ns > 10 * EBB_NS_PER_S))
		return false;
	if (guest->paged) {
		*ret_word = (struct ebb_vm_word){
			.by_books = true,
			.stamp_ns = 3600 * EBB_NS_PER_S + ebb_now_ns() -
				    rig.begun_ns,
			.free_bytes = EBB_GIB - guest->resident_bytes -
				      guest->swapped_bytes,
		};
		return true;
	}
	*ret_word = (struct ebb_vm_word){
		.asked = speaks_when_asked(guest),
		/* It runs for an hour. */
		.stamp_ns = (guest->young ? 0 : 3600 * EBB_NS_PER_S) +
			    (guest->silent || speaks_when_asked(guest)
				     ? guest->woken_ns - rig.begun_ns
				     : ebb_now_ns() - rig.begun_ns),
		.free_bytes = guest->free_bytes,
		.free_huge_bytes = guest->free_bytes,
	};
	return true;
}

void __wrap_ebb_vm_see(const struct ebb_vm *vm, struct ebb_vm_sight *ret_sight);
void __wrap_ebb_vm_see(const struct ebb_vm *vm, struct ebb_vm_sight *ret_sight)
{
	const struct guest *guest = guest_of(vm);
	bool held = !guest->unfound &&
		    (!guest->filed_nowhere || guest->usage_known);

	*ret_sight = (struct ebb_vm_sight){
		.pid = guest->unfound ? 0 : 1 + guest->index,
		.rung = guest->closed	   ? EBB_RUNG_OBSERVE
			: guest->reporting ? EBB_RUNG_REPORT
			: guest->ballooned ? EBB_RUNG_BALLOON
			: guest->paged	   ? EBB_RUNG_PAGEOUT
					   : EBB_RUNG_LEASE,
		.in_job = guest->in_job,
		.jobs_ended = guest->jobs_ended,
		.held_known = held,
		.usable_bytes = held ? EBB_GIB - guest->balloon_bytes : 0,
		.base_bytes = held ? EBB_GIB : 0,
		.balloon_deflates = !guest->plain,
		.balloon_alarms = guest->alarms,
		.resident_bytes = held ? guest->resident_bytes : 0,
		.swapped_known = held,
		.swapped_bytes = held ? guest->swapped_bytes : 0,
		.working_set_known = guest->working_set_ns > 0,
		.working_set_bytes = guest->boasts ? INT64_MAX : EBB_GIB / 4,
		.working_set_ns = guest->working_set_ns,
	};
}

bool __wrap_ebb_vm_is_closed(const struct ebb_vm *vm,
			     struct ebb_reason *ret_reason);
bool __wrap_ebb_vm_is_closed(const struct ebb_vm *vm,
			     struct ebb_reason *ret_reason)
{
	if (!guest_of(vm)->closed)
		return false;
	snprintf(ret_reason->name, sizeof(ret_reason->name), "no-module");
	snprintf(ret_reason->text, sizeof(ret_reason->text), "No module");
	snprintf(ret_reason->remedy, sizeof(ret_reason->remedy), "Load it");
	return true;
}

void __wrap_ebb_vm_want_facts(struct ebb_vm *vm);
void __wrap_ebb_vm_want_facts(struct ebb_vm *vm)
{
	guest_of(vm)->asked_facts++;
	if (guest_of(vm)->hangs)
		return;
	guest_of(vm)->woken_ns = ebb_now_ns();
	if (!guest_of(vm)->mute)
		guest_of(vm)->working_set_ns = ebb_now_ns();
}

pid_t __wrap_ebb_vm_wants_usage(const struct ebb_vm *vm, uint32_t max_age_ms);
pid_t __wrap_ebb_vm_wants_usage(const struct ebb_vm *vm, uint32_t max_age_ms)
{
	(void)max_age_ms;
	return guest_of(vm)->filed_nowhere ? 1 + guest_of(vm)->index : 0;
}

/* Of the process by its number, as of what it has. */
int __wrap_ebb_guest_process_usage(pid_t pid, struct ebb_holding *ret_holding);
int __wrap_ebb_guest_process_usage(pid_t pid, struct ebb_holding *ret_holding)
{
	*ret_holding = (struct ebb_holding){
		.resident_bytes = (uint64_t)pid * EBB_MIB,
	};
	return 0;
}

void __wrap_ebb_vm_take_usage(struct ebb_vm *vm, pid_t pid,
			      const struct ebb_holding *usage,
			      uint64_t read_ns);
void __wrap_ebb_vm_take_usage(struct ebb_vm *vm, pid_t pid,
			      const struct ebb_holding *usage, uint64_t read_ns)
{
	assert_true(read_ns > 0);
	assert_int_equal(pid, 1 + guest_of(vm)->index);
	guest_of(vm)->usage_known = true;
	guest_of(vm)->resident_bytes = usage->resident_bytes;
}

void __wrap_ebb_vm_want_job(struct ebb_vm *vm);
void __wrap_ebb_vm_want_job(struct ebb_vm *vm)
{
	guest_of(vm)->asked_job++;
}

bool __wrap_ebb_fleet_find(const struct ebb_fleet *fleet,
			   const char *name_or_uuid,
			   struct ebb_fleet_domain *ret_domain);
bool __wrap_ebb_fleet_find(const struct ebb_fleet *fleet,
			   const char *name_or_uuid,
			   struct ebb_fleet_domain *ret_domain)
{
	const struct guest *guest = &rig.guests[GUESTS - 1];
	const char *name = __wrap_ebb_vm_name((const void *)guest);
	const char *uuid = __wrap_ebb_vm_uuid((const void *)guest);

	(void)fleet;
	*ret_domain = (struct ebb_fleet_domain){ name, uuid };
	return rig.known_to_libvirt && (strcmp(name_or_uuid, name) == 0 ||
					strcmp(name_or_uuid, uuid) == 0);
}

void end_job(struct guest *guest)
{
	guest->in_job = false;
	guest->jobs_ended++;
}

void end_order(struct guest *guest, enum ebb_reclaim_end end, uint64_t bytes)
{
	struct ebb_reclaim reclaim = {
		.wish = guest->order.wish,
		.outcome = guest->reason
				   ? ebb_outcome_reason(end, guest->reason)
				   : ebb_outcome(end),
	};
	const struct ebb_reclaim_report report = { .reclaim = &reclaim };

	reclaim.books.reclaimed_bytes = bytes;
	guest->resident_bytes -= bytes;
	guest->swapped_bytes += guest->paged ? bytes : 0;
	guest->pending = false;
	guest->in_job |= end == EBB_END_JOB;
	guest->order.done(&report, guest->order.opaque);
}

void __wrap_ebb_vm_reclaim(struct ebb_vm *vm,
			   const struct ebb_reclaim_order *order);
void __wrap_ebb_vm_reclaim(struct ebb_vm *vm,
			   const struct ebb_reclaim_order *order)
{
	struct guest *guest = guest_of(vm);

	assert_false(guest->pending);
	assert_int_equal(order->owner, EBB_OWNER_POLICY);
	guest->orders++;
	guest->ordered_ns = ebb_now_ns();
	guest->pending = true;
	guest->order = *order;
	if (guest->held || guest->queued || guest->resting)
		return;
	end_order(guest, guest->end,
		  guest->end == EBB_END_SATISFIED ? order->wish.bytes : 0);
}

void __wrap_ebb_vm_cancel_reclaim(struct ebb_vm *vm, const void *opaque);
void __wrap_ebb_vm_cancel_reclaim(struct ebb_vm *vm, const void *opaque)
{
	struct guest *guest = guest_of(vm);

	assert_ptr_equal(guest->order.opaque, opaque);
	end_order(guest, EBB_END_CANCELLED, 0);
}

void __wrap_ebb_vm_withdraw_reclaim(struct ebb_vm *vm, const void *opaque,
				    bool begun);
void __wrap_ebb_vm_withdraw_reclaim(struct ebb_vm *vm, const void *opaque,
				    bool begun)
{
	struct guest *guest = guest_of(vm);
	const struct ebb_reclaim_report report = {
		.refusal = { .kind = EBB_REFUSAL_CANCELLED },
	};

	assert_ptr_equal(guest->order.opaque, opaque);
	if (guest->resting && begun) {
		guest->withdrawn++;
		end_order(guest, EBB_END_CANCELLED, 0);
	}
	if (!guest->queued)
		return;
	guest->pending = false;
	guest->withdrawn++;
	guest->order.done(&report, guest->order.opaque);
}

/* As it rests, it ends. */
void __wrap_ebb_vm_hurry_reclaim(struct ebb_vm *vm);
void __wrap_ebb_vm_hurry_reclaim(struct ebb_vm *vm)
{
	struct guest *guest = guest_of(vm);

	if (!guest->pending || !guest->order.wish.gentle)
		return;
	guest->hurried++;
	end_order(guest, EBB_END_CANCELLED, 0);
}

void __wrap_ebb_vm_give_back(struct ebb_vm *vm);
void __wrap_ebb_vm_give_back(struct ebb_vm *vm)
{
	guest_of(vm)->given_back++;
	guest_of(vm)->balloon_bytes = 0;
}
