/* SPDX-License-Identifier: GPL-2.0-only */
/* Which budgets the memory of each guest's process lies in. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "host/budget/process.h"

static void add_part(struct ebb_budget_read *read,
		     struct ebb_budget_process *process, uint32_t budget,
		     double part)
{
	if (budget == EBB_BUDGET_NONE)
		return;
	if (process->part_count == EBB_BUDGET_PARTS_MAX) {
		process->parts_left_out++;
		return;
	}
	read->list.budgets[budget].process_count++;
	process->parts[process->part_count++] =
		(struct ebb_budget_part){ budget, part };
}

/* The budget of its kind of memory on a node, which is added for the first. */
static uint32_t node_budget(struct ebb_budget_read *read,
			    const struct ebb_budget_process *process,
			    uint32_t node)
{
	bool huge = process->huge_page_bytes > 0;
	uint32_t found = ebb_budget_find(
		&read->list, huge ? EBB_BUDGET_POOL_NODE : EBB_BUDGET_NODE,
		node, process->huge_page_bytes);

	if (found != EBB_BUDGET_NONE)
		return found;
	return huge ? ebb_budget_add_node_pool(read, node,
					       process->huge_page_bytes)
		    : ebb_budget_add_node(read, node);
}

static void add_nodes(struct ebb_budget_read *read,
		      struct ebb_budget_process *process)
{
	double parts[EBB_BUDGET_NODES_MAX];
	int r;

	if (__builtin_popcountll(read->nodes) == 1) {
		process->nodes_known = true;
		return;
	}
	if (read->nodes == 0)
		return;
	r = ebb_bounds_parts(&read->reader->bounds, read->reader->root,
			     read->nodes, process->pid, parts);
	if (r == -ETIMEDOUT)
		ebb_budget_trouble(
			read,
			"/proc/%d/numa_maps is being read for %d s "
			"now: this QEMU may hang; its NUMA nodes are "
			"unknown until it does not",
			(int)process->pid, EBB_BOUND_HANGS_S);
	if (r < 0) {
		if (r != -EAGAIN && r != -ESRCH && r != -ETIMEDOUT)
			ebb_budget_trouble(read,
					   "/proc/%d/status or numa_maps "
					   "cannot be read or understood (%s): "
					   "its NUMA nodes are unknown",
					   (int)process->pid, strerror(-r));
		return;
	}
	process->nodes_known = true;
	for (uint32_t node = 0; node < EBB_BUDGET_NODES_MAX; node++)
		if (parts[node] > 0)
			add_part(read, process,
				 node_budget(read, process, node), parts[node]);
}

static void add_cgroups(struct ebb_cgroups *groups,
			struct ebb_budget_process *process)
{
	uint32_t budgets[EBB_BUDGET_PARTS_MAX], cgroup, count;
	int r = ebb_cgroups_of_process(groups, process->pid, &cgroup);

	if (r == -EXDEV)
		ebb_budget_trouble(groups->read,
				   "the cgroup of a guest cannot be seen from "
				   "here: run ebbd in the cgroup namespace of "
				   "libvirtd, else limits of guests are "
				   "unknown");
	if (r < 0)
		return;
	process->cgroups_known = true;
	/* Huge pages of pools count in a hierarchy that is mounted so only. */
	if (process->huge_page_bytes && !groups->mount.counts_hugetlb)
		return;
	count = ebb_cgroups_budgets(groups, cgroup, budgets,
				    EBB_ARRAY_SIZE(budgets));
	for (uint32_t i = 0; i < count; i++) {
		if (i < EBB_ARRAY_SIZE(budgets))
			add_part(groups->read, process, budgets[i], 1);
		else
			process->parts_left_out++;
	}
}

void ebb_budget_read_process(struct ebb_budget_read *read,
			     struct ebb_cgroups *groups,
			     struct ebb_budget_process *process)
{
	bool huge = process->huge_page_bytes > 0;

	process->cgroups_known = process->nodes_known = false;
	process->part_count = process->parts_left_out = 0;
	add_part(read, process,
		 ebb_budget_find(&read->list,
				 huge ? EBB_BUDGET_POOL : EBB_BUDGET_HOST, 0,
				 process->huge_page_bytes),
		 1);
	add_nodes(read, process);
	add_cgroups(groups, process);
}
