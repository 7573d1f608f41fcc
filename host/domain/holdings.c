/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/holdings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "host/base/loop.h"
#include "host/base/worker.h"
#include "host/memory/swapped.h"

enum {
	/* One reading does for a list of all domains. */
	NEW_MS = 500,
	/* A call waits so long, from when the reading began. */
	WAIT_MS = 500,
};

/* A process without files. @result: of reading @usage, at @read_ns; 0 or -errno. */
struct process {
	char uuid[EBB_UUID_TEXT_BYTES];
	pid_t pid;
	int result;
	uint64_t read_ns;
	struct ebb_holding usage;
};

/* A job. */
struct reading {
	struct ebb_holdings *holdings;
	uint32_t count;
	struct process processes[];
};

static void serve_pending(struct ebb_holdings *holdings)
{
	uint64_t now_ns = ebb_now_ns();
	uint64_t next_ns =
		ebb_pending_serve(&holdings->pending, holdings->done, now_ns);

	ebb_loop_timer_set(
		holdings->timer,
		next_ns ? (int)((next_ns - now_ns) / EBB_NS_PER_MS) + 1 : -1);
}

static void on_waited(int timer, void *opaque)
{
	(void)timer;
	serve_pending(opaque);
}

static void read_work(void *opaque)
{
	struct reading *reading = opaque;

	/* What cannot be read is not known, and shown so. */
	if (!ebb_swapped_is_known(NEW_MS))
		ebb_swapped_read(reading->holdings->path);
	for (uint32_t i = 0; i < reading->count; i++) {
		struct process *process = &reading->processes[i];

		process->read_ns = ebb_now_ns();
		process->result =
			ebb_guest_process_usage(process->pid, &process->usage);
	}
}

static void read_done(void *opaque)
{
	struct reading *reading = opaque;
	struct ebb_holdings *holdings = reading->holdings;

	for (uint32_t i = 0; i < reading->count; i++) {
		const struct process *process = &reading->processes[i];
		struct ebb_roster_entry *entry =
			ebb_roster_find(holdings->roster, process->uuid);

		if (process->result == 0 && entry && entry->vm)
			ebb_vm_take_usage(entry->vm, process->pid,
					  &process->usage, process->read_ns);
	}
	free(reading);
	holdings->done = holdings->begun;
	serve_pending(holdings);
}

/* The processes to read, or NULL: out of memory. */
static struct reading *new_reading(struct ebb_holdings *holdings)
{
	const struct ebb_roster *roster = holdings->roster;
	struct reading *reading = calloc(
		1, sizeof(*reading) + roster->count * sizeof(struct process));

	if (!reading)
		return NULL;
	reading->holdings = holdings;
	for (size_t i = 0; i < roster->count; i++) {
		const struct ebb_roster_entry *entry = roster->entries[i];
		struct process *next = &reading->processes[reading->count];

		if (entry->vm)
			next->pid = ebb_vm_wants_usage(entry->vm, NEW_MS);
		if (next->pid <= 0)
			continue;
		memcpy(next->uuid, entry->uuid, sizeof(next->uuid));
		reading->count++;
	}
	return reading;
}

void ebb_holdings_refresh(struct ebb_holdings *holdings)
{
	struct reading *reading;

	if (holdings->begun != holdings->done)
		return;
	reading = new_reading(holdings);
	if (!reading)
		return;
	if ((reading->count == 0 && ebb_swapped_is_known(NEW_MS)) ||
	    ebb_workers_run(holdings->environment->workers, EBB_WORK_READ,
			    read_work, read_done, reading) < 0) {
		free(reading);
		return;
	}
	holdings->begun++;
	holdings->begun_ns = ebb_now_ns();
}

void ebb_holdings_serve(struct ebb_holdings *holdings, ebb_pending_fn serve,
			struct ebb_call *call,
			const struct json_object *arguments, void *opaque)
{
	uint64_t until_ns;

	ebb_holdings_refresh(holdings);
	until_ns = holdings->begun_ns + (uint64_t)WAIT_MS * EBB_NS_PER_MS;
	if (holdings->begun == holdings->done || until_ns <= ebb_now_ns()) {
		serve(call, arguments, opaque);
		return;
	}
	ebb_pending_add(&holdings->pending, holdings->begun, until_ns, serve,
			call, arguments, opaque);
	serve_pending(holdings);
}

void ebb_holdings_dismiss(struct ebb_holdings *holdings)
{
	ebb_pending_serve(&holdings->pending, UINT64_MAX, 0);
}

int ebb_holdings_begin(struct ebb_holdings *holdings,
		       const struct ebb_vm_environment *environment,
		       const struct ebb_roster *roster, const char *path)
{
	*holdings = (struct ebb_holdings){
		.environment = environment,
		.roster = roster,
		.path = path,
		.timer = ebb_loop_timer(-1, on_waited, holdings),
	};
	return holdings->timer < 0 ? -ENOMEM : 0;
}

void ebb_holdings_end(struct ebb_holdings *holdings)
{
	if (holdings->environment && holdings->timer >= 0)
		ebb_loop_timer_remove(holdings->timer);
	holdings->timer = -1;
}
