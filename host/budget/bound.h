/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which NUMA nodes the memory of processes is bound to. This room's own.
 *
 * Theory of operation
 * ===================
 *
 * Memory is bound in two ways. A process may be allowed some nodes only
 * (Mems_allowed_list in /proc/PID/status: libvirt's <numatune> does that by a
 * cpuset): cheap to read, and if it is one node, all is known. Or single mappings are
 * (<memnode>, mbind()), which numa_maps alone tells, and how many pages lie where.
 *
 * numa_maps is slow: the kernel walks all page tables of the process, which takes
 * seconds for a guest of 512 GiB. And it takes the lock of the process's memory map,
 * so it never ends while a QEMU hangs that holds this. So no read of the budgets waits
 * for it: it is a job of its own for each process (EBB_WORK_LOOK, of which one that
 * hangs costs no other), on hosts with more than one node only, EBB_BOUND_LOOKS_MAX
 * at once beside those that hang, and again when EBB_BOUND_AGE_S have passed. Until it
 * is done, what it would say is not known, and said so; what an earlier one said stays.
 *
 * The book is kept from read to read, by process id and the time of its start. A
 * worker reads it while the loop's thread takes in what a job found, so it has a lock,
 * under which nothing waits.
 */
#ifndef EBB_HOST_BUDGET_BOUND_H
#define EBB_HOST_BUDGET_BOUND_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/base/worker.h"
#include "host/budget/budget.h"

enum {
	EBB_BOUND_LOOKS_MAX = 2,
	EBB_BOUND_AGE_S = 300,
	/* What takes longer is told. */
	EBB_BOUND_HANGS_S = 30,
};

/**
 * struct ebb_bound - of one process
 * @pid, @start_ticks: the process; start_ticks 0: it has ended
 * @read_ns: when numa_maps was read; 0: never
 * @failed: it could not be read then
 * @pages: on each node, of mappings that are bound
 * @all_pages: on each node, of all mappings
 * @total_pages: of all mappings and nodes
 */
struct ebb_bound {
	pid_t pid;
	uint64_t start_ticks;
	uint64_t read_ns;
	bool failed;
	uint64_t pages[EBB_BUDGET_NODES_MAX];
	uint64_t all_pages[EBB_BUDGET_NODES_MAX];
	uint64_t total_pages;
};

struct ebb_bound_look;

/**
 * struct ebb_bounds - the book
 * @lock: of all
 * @items: by pid
 * @looks: that are under way; the loop's thread alone changes them
 */
struct ebb_bounds {
	pthread_mutex_t lock;
	uint32_t count;
	struct ebb_bound *items;
	struct ebb_bound_look *looks;
};

void ebb_bounds_init(struct ebb_bounds *bounds);

/**
 * ebb_bounds_read - renew the list of processes
 * @root: before /proc
 * @processes: whose books are kept; others are forgotten
 *
 * Returns 0 or -ENOMEM: nothing changed.
 */
int ebb_bounds_read(struct ebb_bounds *bounds, const char *root,
		    const struct ebb_budget_process *processes,
		    uint32_t process_count);

/*
 * Has numa_maps of those that are due read, @root being kept until all are. For the
 * loop's thread.
 */
void ebb_bounds_look(struct ebb_bounds *bounds, const char *root,
		     struct ebb_workers *workers);

/* No look may be under way. */
void ebb_bounds_free(struct ebb_bounds *bounds);

/**
 * ebb_bounds_parts - what part of a process's memory lies bound on each node
 * @nodes: that have memory, a bit for each
 * @ret_parts: of each node, 0 to 1; 0 for all if nothing is bound
 *
 * Returns 0; -ESRCH: it has ended; -EAGAIN: it is not known yet; -ETIMEDOUT: nor for
 * EBB_BOUND_HANGS_S; -EBADMSG or -errno.
 */
int ebb_bounds_parts(struct ebb_bounds *bounds, const char *root,
		     uint64_t nodes, pid_t pid,
		     double ret_parts[EBB_BUDGET_NODES_MAX]);

#endif /* EBB_HOST_BUDGET_BOUND_H */
