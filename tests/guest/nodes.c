/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * nodes NODE: what ebbd reads of NUMA nodes, of the kernel that this runs on.
 *
 * Two processes stand for guests, one bound to node 0 and one to node 1. That of NODE
 * takes memory until the budget of its node is short. Before and after that the budgets
 * are printed as they are read, in KiB:
 *
 *	calm|short BUDGET LIMIT AVAILABLE ok|in-need
 *
 * and of the kernel's own "calm|short MemAvailable LEAST MOST", as it was just before
 * and after. Then who the policy asks: "asked NODE BYTES for BUDGET".
 */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/mempolicy.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/size.h"
#include "host/base/worker.h"
#include "host/budget/budget.h"
#include "host/policy/policy.h"

enum {
	NODES = 2,
	BUDGETS = 8,
	STEPS = 256,
};

#define STEP_BYTES (4 * EBB_MIB)

/* A process, and the pipes by which it is told to take a step more, and says so. */
struct guest {
	pid_t pid;
	int steps[2];
	int acks[2];
	uint64_t bytes;
};

static struct guest guests[NODES];
static struct ebb_budget_process processes[NODES];
static struct ebb_budget_reader *reader;

/* ---- jobs: there is no event loop here ---- */

static struct job {
	void (*work)(void *opaque);
	void (*done)(void *opaque);
	void *opaque;
} jobs[NODES];
static uint32_t job_count;

int ebb_workers_run_named(struct ebb_workers *workers, enum ebb_work kind,
			  void (*work)(void *opaque),
			  void (*done)(void *opaque), void *opaque,
			  const char *name)
{
	(void)workers;
	(void)kind;
	(void)name;
	if (job_count == NODES)
		return -EAGAIN;
	jobs[job_count++] = (struct job){ work, done, opaque };
	return 0;
}

static void do_jobs(void)
{
	for (; job_count > 0; job_count--) {
		jobs[job_count - 1].work(jobs[job_count - 1].opaque);
		jobs[job_count - 1].done(jobs[job_count - 1].opaque);
	}
}

/* ---- guests ---- */

static _Noreturn void play(const struct guest *guest, unsigned int node)
{
	unsigned long mask = 1ul << node;
	char *memory = mmap(NULL, STEPS * STEP_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char step;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (memory == MAP_FAILED ||
	    syscall(SYS_mbind, memory, STEPS * STEP_BYTES, MPOL_BIND, &mask,
		    8 * sizeof(mask), 0) < 0)
		err(1, "memory of node %u", node);
	for (; read(guest->steps[0], &step, 1) == 1; memory += STEP_BYTES) {
		memset(memory, 0xeb, STEP_BYTES);
		if (write(guest->acks[1], &step, 1) != 1)
			break;
	}
	_exit(0);
}

static void grow(struct guest *guest)
{
	char step = 0;

	if (write(guest->steps[1], &step, 1) != 1 ||
	    read(guest->acks[0], &step, 1) != 1)
		errx(1, "a guest has ended");
	guest->bytes += STEP_BYTES;
}

static void start(unsigned int node)
{
	struct guest *guest = &guests[node];

	if (pipe(guest->steps) < 0 || pipe(guest->acks) < 0)
		err(1, "pipe");
	guest->pid = fork();
	if (guest->pid < 0)
		err(1, "fork");
	if (guest->pid == 0)
		play(guest, node);
	close(guest->steps[0]);
	close(guest->acks[1]);
	processes[node].pid = guest->pid;
	/* What it has most of is bound then. */
	for (int i = 0; i < 4; i++)
		grow(guest);
}

/* ---- budgets ---- */

static struct ebb_budget_list read_budgets(void)
{
	struct ebb_budget_list list;

	if (ebb_budget_read(reader, 0, processes, NODES, &list) < 0)
		errx(1, "out of memory");
	for (uint32_t i = 0; i < list.trouble_count; i++)
		warnx("%s", list.troubles[i]);
	return list;
}

static uint64_t mem_available_kib(void)
{
	unsigned long long kib = 0;
	char line[128];
	FILE *file = fopen("/proc/meminfo", "re");

	if (!file)
		err(1, "/proc/meminfo");
	while (kib == 0 && fgets(line, sizeof(line), file))
		sscanf(line, "MemAvailable: %llu kB", &kib);
	fclose(file);
	return kib;
}

static struct ebb_policy_budget policy_budget(const struct ebb_budget *budget)
{
	return (struct ebb_policy_budget){
		.name = budget->name,
		.limit_bytes = budget->limit_bytes,
		.available_bytes = budget->available_bytes,
		.low_bytes = budget->low_bytes,
		.high_bytes = budget->high_bytes,
		.cover_guests = 1,
	};
}

static bool is_short(const struct ebb_budget *budget)
{
	const struct ebb_policy_budget seen = policy_budget(budget);

	return ebb_policy_is_short(&seen);
}

static void show(const char *when)
{
	uint64_t before_kib = mem_available_kib();
	struct ebb_budget_list list = read_budgets();
	uint64_t after_kib = mem_available_kib();

	printf("%s MemAvailable %" PRIu64 " %" PRIu64 "\n", when,
	       before_kib < after_kib ? before_kib : after_kib,
	       before_kib < after_kib ? after_kib : before_kib);
	for (uint32_t i = 0; i < list.count; i++) {
		const struct ebb_budget *budget = &list.budgets[i];

		if (budget->kind == EBB_BUDGET_HOST ||
		    budget->kind == EBB_BUDGET_NODE)
			printf("%s %s %" PRIu64 " %" PRIu64 " %s\n", when,
			       budget->name, budget->limit_bytes / EBB_KIB,
			       budget->available_bytes / EBB_KIB,
			       is_short(budget) ? "in-need" : "ok");
	}
	ebb_budget_list_free(&list);
}

static bool is_node_short(uint32_t node)
{
	struct ebb_budget_list list = read_budgets();
	bool found = false;

	for (uint32_t i = 0; i < list.count; i++)
		if (list.budgets[i].kind == EBB_BUDGET_NODE &&
		    list.budgets[i].node == node)
			found = is_short(&list.budgets[i]);
	ebb_budget_list_free(&list);
	return found;
}

/* ---- who is asked ---- */

/* All that it has is free, so each could give. */
static struct ebb_policy_domain domain_of(uint32_t node, uint32_t budget_count)
{
	static const char *const names[NODES] = { "0", "1" };
	struct ebb_policy_domain domain = {
		.name = names[node],
		.mode = EBB_POLICY_PERFORMANCE,
		.phase = EBB_POLICY_SETTLED,
		.usable_bytes = 64 * EBB_GIB,
		.resident_bytes = 64 * EBB_GIB,
		.heard_ns = ebb_now_ns(),
		.free_bytes = 64 * EBB_GIB,
		.rung = { .free_bytes = 64 * EBB_GIB },
	};

	for (uint32_t i = 0; i < processes[node].part_count; i++)
		if (processes[node].parts[i].budget < budget_count)
			domain.parts[domain.part_count++] =
				(struct ebb_policy_part){
					.budget =
						processes[node].parts[i].budget,
					.part = processes[node].parts[i].part,
				};
	return domain;
}

static void decide(void)
{
	struct ebb_budget_list list = read_budgets();
	struct ebb_policy_budget budgets[BUDGETS] = { { 0 } };
	struct ebb_policy_domain domains[NODES];
	struct ebb_policy_decision decisions[NODES];
	struct ebb_policy policy = { .budgets = budgets,
				     .domains = domains,
				     .domain_count = NODES };
	uint32_t count;

	for (uint32_t i = 0; i < list.count && i < BUDGETS; i++)
		budgets[policy.budget_count++] =
			policy_budget(&list.budgets[i]);
	for (uint32_t node = 0; node < NODES; node++)
		domains[node] = domain_of(node, policy.budget_count);
	count = ebb_policy_decide(&policy, ebb_now_ns(), decisions);
	for (uint32_t i = 0; i < count; i++)
		printf("asked %s %" PRIu64 " for %s\n",
		       domains[decisions[i].domain].name, decisions[i].bytes,
		       decisions[i].budget == EBB_POLICY_NONE
			       ? "nobody"
			       : budgets[decisions[i].budget].name);
	ebb_budget_list_free(&list);
}

int main(int argc, char **argv)
{
	uint32_t node = argc == 2 ? (uint32_t)atoi(argv[1]) : NODES;
	struct ebb_budget_list list;

	if (node >= NODES)
		errx(1, "usage: nodes 0|1");
	setlinebuf(stdout);
	if (ebb_budget_reader_new("", &reader) < 0)
		errx(1, "out of memory");
	for (unsigned int i = 0; i < NODES; i++)
		start(i);
	/* Which nodes they are bound to is known to the next read. */
	list = read_budgets();
	ebb_budget_list_free(&list);
	ebb_budget_look_at_nodes(reader, NULL);
	do_jobs();
	show("calm");
	decide();
	while (!is_node_short(node) && guests[node].bytes < STEPS * STEP_BYTES)
		grow(&guests[node]);
	show("short");
	decide();
	ebb_budget_reader_free(reader);
	return 0;
}
