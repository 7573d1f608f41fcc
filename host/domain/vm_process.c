/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vm and its QEMU process.
 *
 * A process is new when its pidfd is. Nothing that libvirt or the guest tells
 * (resumed, woken, reset) begins the books of a process anew, for it still has
 * all that it lent, and is no less hostile. The guest may be the old one, that was
 * saved and restored: then what was taken of it is counted on.
 *
 * Its files are open from the first look to its end. The last one to close them
 * frees the guest's memory, which takes seconds for a large guest, so that is a
 * job of its own: the vm does not wait for it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "host/base/crowd.h"
#include "host/domain/vm_parts.h"
#include "host/memory/debt.h"

/*
 * Files on their way to be closed.
 * @reserve: the process lives on, unwatched: reserve first what it lent
 */
struct farewell {
	struct ebb_guest_process process;
	char name[EBB_NAME_BYTES_MAX];
	bool reserve;
};

/* libvirt may tell of its end before the pidfd does. */
static bool has_ended(const struct ebb_guest_process *process)
{
	return process->pidfd >= 0 && !ebb_guest_process_alive(process);
}

static void farewell_work(void *opaque)
{
	struct farewell *farewell = opaque;

	/* Nobody watches the pool for a guest whose files are closed. */
	if (farewell->reserve && !has_ended(&farewell->process) &&
	    ebb_debt_reserve(&farewell->process, 0) < 0)
		ebb_log(EBB_LOG_WARNING,
			"%s: the pool of huge pages is short of what the guest "
			"gave of it. Raise vm.nr_hugepages or "
			"vm.nr_overcommit_hugepages",
			farewell->name);
	ebb_guest_process_close(&farewell->process);
}

static void farewell_done(void *opaque)
{
	free(opaque);
}

/* Empties @vm->probe.qemu. */
static void close_process(struct ebb_vm *vm, bool reserve)
{
	struct ebb_guest_process *process = &vm->probe.qemu;
	struct farewell *farewell;

	if (process->pid <= 0)
		return;
	farewell = calloc(1, sizeof(*farewell));
	if (!farewell) {
		ebb_guest_process_close(process);
		return;
	}
	farewell->process = *process;
	farewell->reserve = reserve;
	snprintf(farewell->name, sizeof(farewell->name), "%s", vm->name);
	*process = (struct ebb_guest_process){ .pidfd = -1 };
	if (ebb_workers_run(vm->environment->workers, EBB_WORK_RELEASE,
			    farewell_work, farewell_done, farewell) < 0) {
		/* Late is better than never. */
		farewell_work(farewell);
		farewell_done(farewell);
	}
}

void ebb_vm_reserve_lent(struct ebb_vm *vm)
{
	struct farewell *farewell = calloc(1, sizeof(*farewell));

	if (!farewell ||
	    ebb_guest_process_share(&vm->probe.qemu, &farewell->process) < 0) {
		free(farewell);
		return;
	}
	farewell->reserve = true;
	snprintf(farewell->name, sizeof(farewell->name), "%s", vm->name);
	if (ebb_workers_run(vm->environment->workers, EBB_WORK_RELEASE,
			    farewell_work, farewell_done, farewell) < 0) {
		farewell_work(farewell);
		farewell_done(farewell);
	}
}

static void unwatch(struct ebb_vm *vm)
{
	ebb_crowd_leave(vm->process.awaited);
	vm->process.awaited = NULL;
}

static void on_process_ended(void *opaque)
{
	struct ebb_vm *vm = opaque;

	unwatch(vm);
	vm->process.ended = true;
	vm->gone = true;
	vm->look_wanted = true;
	vm->settle(vm);
}

void ebb_vm_init_process(struct ebb_vm *vm)
{
	vm->process = (struct vm_process){ 0 };
}

struct ebb_counters ebb_vm_counters(const struct ebb_vm *vm)
{
	return vm->process.answered ? vm->process.counters : vm->earlier;
}

void ebb_vm_inherit(struct ebb_vm *vm, const struct ebb_counters *earlier)
{
	vm->earlier = *earlier;
}

void ebb_vm_count_on(struct ebb_vm *vm)
{
	struct ebb_counters *counters = &vm->process.counters;

	if (memcmp(vm->earlier.boot_id, vm->probe.info.boot_id,
		   sizeof(counters->boot_id)) == 0) {
		counters->reclaimed_bytes += vm->earlier.reclaimed_bytes;
		counters->reclaim_runs += vm->earlier.reclaim_runs;
	}
	vm->earlier = (struct ebb_counters){ 0 };
	memcpy(counters->boot_id, vm->probe.info.boot_id,
	       sizeof(counters->boot_id));
}

void ebb_vm_drop_process(struct ebb_vm *vm)
{
	struct ebb_channel *own_channel = vm->probe.own_channel;
	struct ebb_channel *qga_channel = vm->probe.qga_channel;

	ebb_probe_detach(&vm->probe);
	unwatch(vm);
	ebb_vm_guard_process_dropped(vm);
	close_process(vm, !vm->process.ended);
	ebb_probe_init(&vm->probe);
	vm->probe.own_channel = own_channel;
	vm->probe.qga_channel = qga_channel;
	vm->retry_s = EBB_VM_RETRY_MIN_S;
	vm->agent.qga_asks = EBB_VM_ASKS_FIRST;
	vm->known = (struct vm_known){ 0 };
	vm->earlier = ebb_vm_counters(vm);
	ebb_vm_init_process(vm);
	ebb_vm_target_forget(vm);
}

int ebb_vm_take_process(struct ebb_vm *vm)
{
	struct ebb_guest_process *next = &vm->next->qemu;
	struct ebb_guest_process *now = &vm->probe.qemu;

	/* That it was not found is no proof: the pidfd says when it ends. */
	if (next->pid <= 0) {
		*next = *now;
		*now = (struct ebb_guest_process){ .pidfd = -1 };
		return 0;
	}
	unwatch(vm);
	if (vm->next->same_process) {
		close_process(vm, false);
	} else {
		/* What there was before has ended, or was another's. */
		vm->process.ended = true;
		ebb_vm_drop_process(vm);
	}
	/* A process that has ended meanwhile is told at once. */
	vm->process.awaited = ebb_crowd_join(vm->environment->crowd,
					     next->pidfd, on_process_ended, vm);
	if (vm->process.awaited)
		return 0;
	/* Unwatched files would outlive the guest. */
	ebb_probe_detach(vm->next);
	*now = *next;
	*next = (struct ebb_guest_process){ .pidfd = -1 };
	close_process(vm, true);
	return -EMFILE;
}
