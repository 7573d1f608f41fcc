/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What can run short on this host, and by how much.
 *
 * Theory of operation
 * ===================
 *
 * The problem. Memory runs short in several places at once, and /proc/meminfo shows
 * one of them: a slice or a container has a limit of its own, memory that is bound
 * to a NUMA node ends with that node, and a pool of huge pages ends by itself. Each
 * is a budget.
 *
 * One read gives all of them. A worker calls ebb_budget_read() with the processes
 * of all guests, as a read of /proc or of a cgroup may block. It reads a few files
 * for the host, one for each guest's cgroup, and two for each cgroup above it. The
 * result is a list of its own, so it can be handed to the loop.
 *
 * What is a budget:
 *
 *	the host	MemAvailable, without what the pools of huge pages hold and
 *			without what is promised to others (host-free)
 *	a cgroup	with a limit under what the host has: memory.max or, if less,
 *			memory.high; with version 1 memory.limit_in_bytes. All that
 *			hold a guest, ebbd, or machine.slice. What is available is
 *			limit - usage + inactive page cache + half of the active,
 *			which is reclaimed at the limit before anything else
 *			(Documentation/admin-guide/cgroup-v2.rst, "memory.stat":
 *			inactive_file, active_file). Half, as MemAvailable counts
 *			it: a disk with cache=writeback fills both
 *	a NUMA node	if memory of a guest is bound to it. Memory that is not
 *			bound goes to another node when one is full. The kernel has
 *			no MemAvailable by node, so it is computed by the same rule
 *			(si_mem_available(), mm/show_mem.c)
 *	a huge pool	of one size of page, of all nodes and, for who is bound, of
 *			one
 *
 * Swap. What a guest wants back must come in time, so only swap on devices that do
 * not rotate stands behind a budget. zram is memory of the host itself, and nbd is
 * as fast as its network: neither counts.
 *
 * Marks. Need begins under low and ends over high: 5 % and 7.5 % of the limit, but
 * at least 512 MiB and 768 MiB. In a budget under 8 GiB these minimums would be
 * all that there is: there they are a sixteenth and three thirty-seconds of the
 * limit, which is the same at 8 GiB. A pool of huge pages has marks of 0: one that is
 * given out to the last page is used as intended.
 *
 * A cgroup whose guests have nearly all of their memory needs no more than they can
 * still take, else one with a limit a little above its guest would be in need for
 * ever, and a healthy guest would be driven for ever. So its low is at most what its
 * guests can still take, and beside that what others in it may want: a sixty-fourth of
 * the limit, at most 64 MiB, for QEMU itself, or an eighth of what others have now if
 * that is more. Its high is at most one and a half times this for others above what
 * guests can take. Where that of one guest is not known, the marks are as above.
 *
 * What cannot be read or understood is not a budget: it is named among the troubles,
 * once, and is never taken for 0.
 */
#ifndef EBB_HOST_BUDGET_H
#define EBB_HOST_BUDGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	/* Budgets of one read; those above are counted as left out. */
	EBB_BUDGETS_MAX = 4096,
	EBB_BUDGET_NAME_BYTES = 256,
	/* Budgets that one process lies in: as many as the policy takes. */
	EBB_BUDGET_PARTS_MAX = 8,
	EBB_BUDGET_TROUBLES_MAX = 8,
	EBB_BUDGET_TROUBLE_BYTES = 256,
	EBB_BUDGET_NODES_MAX = 64,
};

enum ebb_budget_kind {
	EBB_BUDGET_HOST,
	EBB_BUDGET_CGROUP,
	EBB_BUDGET_NODE, /* ordinary memory of one NUMA node */
	EBB_BUDGET_POOL, /* huge pages of one size, of all nodes */
	EBB_BUDGET_POOL_NODE, /* huge pages of one size, of one node */
};

/**
 * struct ebb_budget - something that can run short
 * @name: "host", "machine.slice" (a path of cgroups), "node 1", "2 MiB pages",
 *	"2 MiB pages of node 1". No two of a list are equal, and a budget keeps its
 *	name from read to read
 * @node: of a node or its pool
 * @page_bytes: of a pool
 * @limit_bytes: what there is at most
 * @available_bytes: what can be had without taking it from anybody; without
 *	@promised_bytes
 * @promised_bytes: of what is available, what others are promised (the host alone)
 * @low_bytes, @high_bytes: marks of @available_bytes
 * @fast_swap_bytes: swap that can still be filled, and is fast; 0 for pools
 * @process_count: guests that lie in it; a budget without any is for show
 * @dir: of a cgroup, belongs to the list; else NULL
 */
struct ebb_budget {
	enum ebb_budget_kind kind;
	char name[EBB_BUDGET_NAME_BYTES];
	uint32_t node;
	uint64_t page_bytes;
	uint64_t limit_bytes;
	uint64_t available_bytes;
	uint64_t promised_bytes;
	uint64_t low_bytes;
	uint64_t high_bytes;
	uint64_t fast_swap_bytes;
	uint32_t process_count;
	char *dir;
};

/* @budget: index in the list; @part: of the process's guest memory, 0 to 1. */
struct ebb_budget_part {
	uint32_t budget;
	double part;
};

/**
 * struct ebb_budget_process - a guest's process, and which budgets it lies in
 * @pid: of it
 * @huge_page_bytes: its memory is from the pool of this size; 0: ordinary memory
 * @memory_known: the next two are
 * @resident_bytes: of the guest's memory
 * @growth_bytes: what the guest can still take, beside that
 *
 * The rest is written by a read:
 * @cgroups_known: else the process has ended or its cgroup cannot be read
 * @nodes_known: else it is not known (yet) whether its memory is bound to nodes
 * @part_count, @parts: what is known
 * @parts_left_out: cgroups with a limit for which there was no room
 */
struct ebb_budget_process {
	pid_t pid;
	uint64_t huge_page_bytes;
	bool memory_known;
	uint64_t resident_bytes;
	uint64_t growth_bytes;

	bool cgroups_known;
	bool nodes_known;
	uint32_t part_count;
	struct ebb_budget_part parts[EBB_BUDGET_PARTS_MAX];
	uint32_t parts_left_out;
};

/**
 * struct ebb_budget_swap - the host's swap
 * @known: else the rest is 0
 * @total_bytes, @free_bytes: of all
 * @fast_free_bytes: of devices that do not rotate
 * @zram_bytes: of @total_bytes, what is compressed memory of the host
 * @zswap: pages are compressed in memory before they are written
 */
struct ebb_budget_swap {
	bool known;
	uint64_t total_bytes;
	uint64_t free_bytes;
	uint64_t fast_free_bytes;
	uint64_t zram_bytes;
	bool zswap;
};

/**
 * ebb_swap_read - what swap the host has now
 * @root: before /proc and /sys; "" but for tests
 * @ret_swap: written only on success
 *
 * From any thread that may wait. Returns 0, -EBADMSG (not understood) or -errno.
 */
int ebb_swap_read(const char *root, struct ebb_budget_swap *ret_swap);

/**
 * struct ebb_budget_list - what one read found
 * @stalled_us: for so long some task of the host waited for memory, since it booted
 *	(psi); 0: the kernel does not tell
 * @nodes_online: NUMA nodes that have memory; 0: not known
 * @left_out: budgets for which there was no room
 * @troubles: sentences about what could not be read, each told by one read of a
 *	reader only
 */
struct ebb_budget_list {
	struct ebb_budget *budgets;
	uint32_t count;
	uint32_t left_out;
	struct ebb_budget_swap swap;
	uint64_t stalled_us;
	uint32_t nodes_online;
	uint32_t trouble_count;
	char troubles[EBB_BUDGET_TROUBLES_MAX][EBB_BUDGET_TROUBLE_BYTES];
};

/* What a reader keeps from read to read. */
struct ebb_budget_reader;
struct ebb_workers;

/**
 * ebb_budget_reader_new - begin to read
 * @root: before /proc and /sys; "" but for tests
 *
 * Reads nothing yet. Returns 0 or -ENOMEM.
 */
int ebb_budget_reader_new(const char *root,
			  struct ebb_budget_reader **ret_reader);

/* NULL is fine. No job may be left. */
void ebb_budget_reader_free(struct ebb_budget_reader *reader);

/**
 * ebb_budget_read - read all budgets now
 * @reader: one read at a time
 * @promised_bytes: of the host's memory, to others (host-free)
 * @processes: of guests; may be NULL if there are none. Their results are written
 * @ret_list: written only on success; free with ebb_budget_list_free()
 *
 * From any thread that may wait. The host comes first in the list if it can be read.
 * Returns 0 or -ENOMEM: what cannot be read is among the troubles.
 */
int ebb_budget_read(struct ebb_budget_reader *reader, uint64_t promised_bytes,
		    struct ebb_budget_process *processes,
		    uint32_t process_count, struct ebb_budget_list *ret_list);

/**
 * ebb_budget_look_at_nodes - find out which nodes memory is bound to
 * @workers: have a job for each process of the last read of which that is not known,
 *	or was long ago
 *
 * For the loop's thread, after each read; a read may be under way. The next read has
 * what was found. Does nothing on a host of one node.
 */
void ebb_budget_look_at_nodes(struct ebb_budget_reader *reader,
			      struct ebb_workers *workers);

void ebb_budget_list_free(struct ebb_budget_list *list);

/* The marks of ordinary memory with this limit, see above. */
void ebb_budget_marks(uint64_t limit_bytes, uint64_t *ret_low_bytes,
		      uint64_t *ret_high_bytes);

/**
 * ebb_budget_patience_ms - how soon a budget can be in need, at the earliest
 *
 * If the guests of a budget fill it at EBB_BUDGET_FILL_BYTES_PER_S, as one does
 * that touches memory as fast as it can. No event tells that available memory
 * passes a mark: the kernel has none for it. From EBB_BUDGET_PATIENCE_MS_MIN, also
 * for one that is in need, to EBB_BUDGET_PATIENCE_MS_MAX.
 */
uint32_t ebb_budget_patience_ms(const struct ebb_budget_list *list);

#define EBB_BUDGET_FILL_BYTES_PER_S ((uint64_t)1 << 30)

enum {
	EBB_BUDGET_PATIENCE_MS_MIN = 250,
	EBB_BUDGET_PATIENCE_MS_MAX = 10 * 1000,
};

#endif /* EBB_HOST_BUDGET_H */
