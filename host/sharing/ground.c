/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/sharing/ground.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "host/memory/process.h"
#include "host/memory/swapped.h"
#include "host/policy/quantity.h"

enum {
	/* What was read so lately, of swap or a process, is not read again. */
	NEW_MS = 1000
};

/* Of a process without files. @result: 0 or -errno, of @read_ns, if it was @wanted. */
struct usage {
	bool wanted;
	int result;
	uint64_t read_ns;
	struct ebb_holding holding;
};

/* A read: the job's until it is done. */
struct reading {
	struct ebb_ground *ground;
	struct ebb_ground_order order;
	int result;
	uint64_t cost_ns;
	struct ebb_budget_list list;
	uint32_t count;
	uint64_t *numbers; /* of the members of @processes */
	struct ebb_budget_process *processes;
	struct usage *usages; /* of each of @processes */
};

static void free_reading(struct reading *reading)
{
	if (!reading)
		return;
	free(reading->numbers);
	free(reading->processes);
	free(reading->usages);
	free(reading);
}

static struct reading *new_reading(struct ebb_ground *ground,
				   const struct ebb_ground_order *order)
{
	const struct ebb_members *members = order->members;
	size_t room = members->count ? members->count : 1;
	struct reading *reading = calloc(1, sizeof(*reading));
	struct ebb_vm_sight sight;

	if (!reading)
		return NULL;
	reading->ground = ground;
	reading->order = *order;
	reading->numbers = calloc(room, sizeof(*reading->numbers));
	reading->processes = calloc(room, sizeof(*reading->processes));
	reading->usages = calloc(room, sizeof(*reading->usages));
	if (!reading->numbers || !reading->processes || !reading->usages) {
		free_reading(reading);
		return NULL;
	}
	for (uint32_t i = 0; i < members->count; i++) {
		uint32_t next = reading->count;

		ebb_vm_see(members->items[i]->vm, &sight);
		if (sight.pid <= 0)
			continue;
		reading->numbers[next] = members->items[i]->number;
		reading->usages[next].wanted =
			ebb_vm_wants_usage(members->items[i]->vm, NEW_MS) ==
			sight.pid;
		reading->processes[next].pid = sight.pid;
		reading->processes[next].huge_page_bytes =
			sight.huge_page_bytes;
		reading->processes[next].memory_known = sight.held_known;
		reading->processes[next].resident_bytes = sight.resident_bytes;
		reading->processes[next].growth_bytes =
			ebb_u64_minus(sight.usable_bytes + sight.claimed_bytes,
				      sight.resident_bytes);
		reading->count++;
	}
	return reading;
}

static void read_work(void *opaque)
{
	struct reading *reading = opaque;
	uint64_t start_ns = ebb_now_ns();

	/* What cannot be read is not known, and taken so. */
	if (!ebb_swapped_is_known(NEW_MS))
		ebb_swapped_read(EBB_SWAPPED_PATH);
	for (uint32_t i = 0; i < reading->count; i++) {
		struct usage *usage = &reading->usages[i];

		if (!usage->wanted)
			continue;
		usage->read_ns = ebb_now_ns();
		usage->result = ebb_guest_process_usage(
			reading->processes[i].pid, &usage->holding);
	}
	reading->result = ebb_budget_read(reading->ground->reader,
					  reading->order.promised_bytes,
					  reading->processes, reading->count,
					  &reading->list);
	reading->cost_ns = ebb_now_ns() - start_ns;
}

/* ---- what was read ---- */

static enum ebb_policy_budget_kind kind_of(enum ebb_budget_kind kind)
{
	switch (kind) {
	case EBB_BUDGET_POOL:
	case EBB_BUDGET_POOL_NODE:
		return EBB_POLICY_HUGE_POOL;
	default:
		return EBB_POLICY_MEMORY;
	}
}

/*
 * The budgets as they were, by name. One is mostly where it was, and where one came or
 * went, @next to the last that was found. There may be thousands, so @sorted is made for
 * the first that is elsewhere.
 */
struct before {
	const struct ebb_policy_budget *budgets;
	uint32_t count;
	uint32_t next;
	const struct ebb_policy_budget **sorted;
};

static int compare_names(const void *a, const void *b)
{
	const struct ebb_policy_budget *const *left = a, *const *right = b;

	return strcmp((*left)->name, (*right)->name);
}

/* Returns 0 or -ENOMEM. */
static int sort_before(struct before *before)
{
	before->sorted =
		calloc(before->count, sizeof(struct ebb_policy_budget *));
	if (!before->sorted)
		return -ENOMEM;
	for (uint32_t i = 0; i < before->count; i++)
		before->sorted[i] = &before->budgets[i];
	qsort(before->sorted, before->count, sizeof(struct ebb_policy_budget *),
	      compare_names);
	return 0;
}

/* NULL: it is new, or taken for that without memory. */
static const struct ebb_policy_budget *find_before(struct before *before,
						   const char *name)
{
	const struct ebb_policy_budget wanted = { .name = name };
	const struct ebb_policy_budget *key = &wanted, **found;

	if (before->next < before->count &&
	    strcmp(before->budgets[before->next].name, name) == 0)
		return &before->budgets[before->next++];
	if (before->count == 0 || (!before->sorted && sort_before(before) < 0))
		return NULL;
	found = bsearch(&key, before->sorted, before->count,
			sizeof(struct ebb_policy_budget *), compare_names);
	if (!found)
		return NULL;
	before->next = (uint32_t)(*found - before->budgets) + 1;
	return *found;
}

/* Until the next decision it is as the last one left it. */
static void take_before(struct ebb_policy_budget *budget,
			const struct ebb_policy_budget *before,
			uint64_t elapsed_ns)
{
	if (!before)
		return;
	ebb_policy_note_fall(budget, before, elapsed_ns);
	budget->in_need = before->in_need;
	budget->need_bytes = before->need_bytes;
	budget->met_bytes = before->met_bytes;
	budget->debt_bytes = before->debt_bytes;
	budget->cover_bytes = before->cover_bytes;
}

/* Returns 0 or -ENOMEM. */
static int new_budgets(const struct reading *reading, uint64_t elapsed_ns,
		       struct ebb_policy_budget **ret_budgets,
		       struct ebb_ground_told **ret_told)
{
	const struct ebb_budget_list *list = &reading->list;
	const struct ebb_ground *ground = reading->ground;
	struct before before = { .budgets = ground->budgets,
				 .count = ground->list.count };
	size_t room = list->count ? list->count : 1;
	ebb_auto_free struct ebb_policy_budget *budgets =
		calloc(room, sizeof(*budgets));
	ebb_auto_free struct ebb_ground_told *told =
		calloc(room, sizeof(*told));

	if (!budgets || !told)
		return -ENOMEM;
	for (uint32_t i = 0; i < list->count; i++) {
		const struct ebb_budget *budget = &list->budgets[i];
		const struct ebb_policy_budget *old =
			find_before(&before, budget->name);

		budgets[i] = (struct ebb_policy_budget){
			.name = budget->name,
			.kind = kind_of(budget->kind),
			.limit_bytes = budget->limit_bytes,
			.available_bytes = budget->available_bytes,
			.low_bytes = budget->low_bytes,
			.high_bytes = budget->high_bytes,
			.fast_swap_bytes = budget->fast_swap_bytes,
			.cover_guests = reading->order.cover_guests,
			.for_show = budget->process_count == 0,
			.holder = EBB_POLICY_NONE,
			.victim = EBB_POLICY_NONE,
		};
		take_before(&budgets[i], old, elapsed_ns);
		if (old)
			told[i] = ground->told[old - ground->budgets];
	}
	free(before.sorted);
	*ret_budgets = ebb_steal_ptr(budgets);
	*ret_told = ebb_steal_ptr(told);
	return 0;
}

static void take_parts(struct ebb_member *member,
		       const struct ebb_budget_process *process)
{
	for (uint32_t i = 0; i < process->part_count; i++)
		member->parts[i] = (struct ebb_policy_part){
			.budget = process->parts[i].budget,
			.part = process->parts[i].part,
		};
	member->part_count = process->part_count;
	member->parts_known = process->cgroups_known && process->nodes_known &&
			      process->parts_left_out == 0;
}

/* Both are by ascending number. One that came meanwhile has no place yet. */
static void place_members(const struct reading *reading)
{
	const struct ebb_members *members = reading->order.members;
	uint32_t next = 0;

	for (uint32_t i = 0; i < members->count; i++) {
		struct ebb_member *member = members->items[i];

		while (next < reading->count &&
		       reading->numbers[next] < member->number)
			next++;
		member->part_count = 0;
		member->parts_known = false;
		if (next == reading->count ||
		    reading->numbers[next] != member->number)
			continue;
		take_parts(member, &reading->processes[next]);
		if (reading->usages[next].wanted &&
		    reading->usages[next].result == 0)
			ebb_vm_take_usage(member->vm,
					  reading->processes[next].pid,
					  &reading->usages[next].holding,
					  reading->usages[next].read_ns);
	}
}

static int take_reading(struct reading *reading)
{
	struct ebb_ground *ground = reading->ground;
	uint64_t now_ns = reading->order.now_ns(reading->order.opaque);
	struct ebb_policy_budget *budgets;
	struct ebb_ground_told *told;
	int r;

	if (reading->result < 0)
		return reading->result;
	r = new_budgets(reading, now_ns - ground->read_ns, &budgets, &told);
	if (r < 0) {
		ebb_budget_list_free(&reading->list);
		return r;
	}
	ebb_budget_list_free(&ground->list);
	free(ground->budgets);
	free(ground->told);
	ground->list = reading->list;
	ground->budgets = budgets;
	ground->told = told;
	ground->cost_ns = reading->cost_ns;
	ground->read_ns = now_ns;
	place_members(reading);
	return 0;
}

static void read_done(void *opaque)
{
	struct reading *reading = opaque;
	struct ebb_ground_order order = reading->order;
	int r = take_reading(reading);

	reading->ground->reading = false;
	ebb_budget_look_at_nodes(reading->ground->reader,
				 reading->ground->workers);
	free_reading(reading);
	order.done(r, order.opaque);
}

/* ---- the room's own ---- */

int ebb_ground_read(struct ebb_ground *ground,
		    const struct ebb_ground_order *order)
{
	struct reading *reading = new_reading(ground, order);
	int r;

	if (!reading)
		return -ENOMEM;
	r = ebb_workers_run(ground->workers, EBB_WORK_READ, read_work,
			    read_done, reading);
	if (r < 0) {
		free_reading(reading);
		return r;
	}
	ground->reading = true;
	return 0;
}

void ebb_ground_keep(struct ebb_ground *ground, const struct ebb_policy *policy)
{
	for (uint32_t i = 0; i < policy->budget_count; i++)
		ground->budgets[i] = policy->budgets[i];
}

bool ebb_ground_is_short(const struct ebb_ground *ground, uint32_t index)
{
	return index < ground->list.count &&
	       ebb_policy_is_short(&ground->budgets[index]);
}

bool ebb_ground_is_needy(const struct ebb_ground *ground)
{
	for (uint32_t i = 0; i < ground->list.count; i++)
		if (ground->budgets[i].in_need)
			return true;
	return false;
}

int ebb_ground_begin(struct ebb_ground *ground, struct ebb_workers *workers,
		     const char *root)
{
	*ground = (struct ebb_ground){ .workers = workers };
	return ebb_budget_reader_new(root, &ground->reader);
}

void ebb_ground_end(struct ebb_ground *ground)
{
	ebb_budget_list_free(&ground->list);
	free(ground->budgets);
	free(ground->told);
	ebb_budget_reader_free(ground->reader);
	*ground = (struct ebb_ground){ 0 };
}
