/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/budget/bound.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "host/budget/text.h"

enum {
	/* Mappings of one process that are looked at (vm.max_map_count). */
	MAPPINGS_MAX = 100000,
	/* The 22nd field of /proc/PID/stat, counted from the state, which is the 3rd. */
	START_FIELD = 22 - 3,
};

static int by_pid(const void *a, const void *b)
{
	const struct ebb_bound *left = a, *right = b;

	return left->pid < right->pid ? -1 : left->pid > right->pid;
}

static struct ebb_bound *find(const struct ebb_bounds *bounds, pid_t pid)
{
	struct ebb_bound key = { .pid = pid };

	return bounds->count ? bsearch(&key, bounds->items, bounds->count,
				       sizeof(key), by_pid)
			     : NULL;
}

/* When a process was started, in ticks since boot; 0: there is none. */
static uint64_t start_ticks(const char *root, pid_t pid)
{
	unsigned long long ticks = 0;
	char text[1024], *at;

	if (ebb_text_read(text, sizeof(text), "%s/proc/%d/stat", root,
			  (int)pid) < 0)
		return 0;
	/* The name may hold anything, but what follows has no parenthesis. */
	at = strrchr(text, ')');
	at = at && at[1] == ' ' ? at + 2 : NULL;
	for (int i = 0; at && i < START_FIELD; i++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	return at && sscanf(at, "%llu", &ticks) == 1 ? ticks : 0;
}

/* The policy's word in "7f.. bind:1 file=..."; also bind=static:1 and such. */
static bool is_bound(const char *line)
{
	const char *policy = strchr(line, ' ');

	return policy && strncmp(policy, " bind", strlen(" bind")) == 0;
}

static void note_mapping(struct ebb_bound *bound, const char *line)
{
	bool counts = is_bound(line);
	unsigned long long pages;
	unsigned int node;

	for (const char *at = line; (at = strstr(at, " N")); at++) {
		if (sscanf(at, " N%u=%llu", &node, &pages) != 2 ||
		    node >= EBB_BUDGET_NODES_MAX ||
		    pages > UINT64_MAX / MAPPINGS_MAX / EBB_BUDGET_NODES_MAX)
			continue;
		bound->all_pages[node] += pages;
		bound->total_pages += pages;
		if (counts)
			bound->pages[node] += pages;
	}
}

static int read_maps(const char *root, struct ebb_bound *bound)
{
	FILE *file ebb_auto_fclose = NULL;
	char *line ebb_auto_free = NULL;
	char path[EBB_TEXT_PATH_BYTES];
	size_t line_bytes = 0;

	if (snprintf(path, sizeof(path), "%s/proc/%d/numa_maps", root,
		     (int)bound->pid) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	file = fopen(path, "re");
	if (!file)
		return -errno;
	memset(bound->pages, 0, sizeof(bound->pages));
	memset(bound->all_pages, 0, sizeof(bound->all_pages));
	bound->total_pages = 0;
	for (int i = 0;
	     i < MAPPINGS_MAX && getline(&line, &line_bytes, file) > 0; i++)
		note_mapping(bound, line);
	return ferror(file) ? -EIO : 0;
}

int ebb_bounds_read(struct ebb_bounds *bounds, const char *root,
		    const struct ebb_budget_process *processes,
		    uint32_t process_count)
{
	struct ebb_bound *items =
		process_count ? calloc(process_count, sizeof(*items)) : NULL;

	if (process_count && !items)
		return -ENOMEM;
	for (uint32_t i = 0; i < process_count; i++) {
		items[i].pid = processes[i].pid;
		items[i].start_ticks = start_ticks(root, processes[i].pid);
	}
	pthread_mutex_lock(&bounds->lock);
	for (uint32_t i = 0; i < process_count; i++) {
		const struct ebb_bound *before = find(bounds, items[i].pid);

		if (before && before->start_ticks == items[i].start_ticks)
			items[i] = *before;
	}
	free(bounds->items);
	bounds->items = items;
	bounds->count = process_count;
	if (items)
		qsort(items, process_count, sizeof(*items), by_pid);
	pthread_mutex_unlock(&bounds->lock);
	return 0;
}

/* ---- looks ---- */

/* One process's numa_maps; linked while it is under way. */
struct ebb_bound_look {
	struct ebb_bounds *bounds;
	const char *root;
	struct ebb_workers *workers;
	uint64_t begun_ns;
	struct ebb_bound bound;
	struct ebb_bound_look *next;
};

static void look_work(void *opaque)
{
	struct ebb_bound_look *look = opaque;

	look->bound.failed = read_maps(look->root, &look->bound) < 0;
	look->bound.read_ns = ebb_now_ns();
}

static void look_done(void *opaque)
{
	struct ebb_bound_look *look = opaque, **link = &look->bounds->looks;
	struct ebb_bounds *bounds = look->bounds;
	struct ebb_bound *bound;

	while (*link != look)
		link = &(*link)->next;
	pthread_mutex_lock(&bounds->lock);
	*link = look->next;
	bound = find(bounds, look->bound.pid);
	if (bound && bound->start_ticks == look->bound.start_ticks)
		*bound = look->bound;
	pthread_mutex_unlock(&bounds->lock);
	ebb_bounds_look(bounds, look->root, look->workers);
	free(look);
}

static const struct ebb_bound_look *find_look(const struct ebb_bounds *bounds,
					      const struct ebb_bound *bound)
{
	const struct ebb_bound_look *look = bounds->looks;

	while (look && (look->bound.pid != bound->pid ||
			look->bound.start_ticks != bound->start_ticks))
		look = look->next;
	return look;
}

/* Looks that do not hang. */
static uint32_t count_looks(const struct ebb_bounds *bounds, uint64_t now_ns)
{
	uint32_t count = 0;

	for (const struct ebb_bound_look *look = bounds->looks; look;
	     look = look->next)
		count += now_ns - look->begun_ns <
			 EBB_WORKERS_STUCK_S * EBB_NS_PER_S;
	return count;
}

/* The process whose numa_maps are to be read next; NULL: none. */
static const struct ebb_bound *find_due(const struct ebb_bounds *bounds,
					uint64_t now_ns)
{
	const struct ebb_bound *due = NULL;

	for (uint32_t i = 0; i < bounds->count; i++) {
		const struct ebb_bound *bound = &bounds->items[i];

		if (bound->start_ticks &&
		    (bound->read_ns == 0 ||
		     now_ns - bound->read_ns >=
			     EBB_BOUND_AGE_S * EBB_NS_PER_S) &&
		    (!due || bound->read_ns < due->read_ns) &&
		    !find_look(bounds, bound))
			due = bound;
	}
	return due;
}

/* Under the lock. Returns whether one more is under way. */
static bool start_look(struct ebb_bounds *bounds, const char *root,
		       struct ebb_workers *workers, uint64_t now_ns)
{
	const struct ebb_bound *due = find_due(bounds, now_ns);
	struct ebb_bound_look *look = due ? malloc(sizeof(*look)) : NULL;

	if (!look)
		return false;
	*look = (struct ebb_bound_look){
		.bounds = bounds,
		.root = root,
		.workers = workers,
		.begun_ns = now_ns,
		.bound = *due,
		.next = bounds->looks,
	};
	if (ebb_workers_run(workers, EBB_WORK_LOOK, look_work, look_done,
			    look) < 0) {
		free(look);
		return false;
	}
	bounds->looks = look;
	return true;
}

void ebb_bounds_look(struct ebb_bounds *bounds, const char *root,
		     struct ebb_workers *workers)
{
	uint64_t now_ns = ebb_now_ns();

	pthread_mutex_lock(&bounds->lock);
	while (count_looks(bounds, now_ns) < EBB_BOUND_LOOKS_MAX &&
	       start_look(bounds, root, workers, now_ns))
		;
	pthread_mutex_unlock(&bounds->lock);
}

/* Under the lock: why nothing is known of a process that was not read yet. */
static int why_unread(const struct ebb_bounds *bounds,
		      const struct ebb_bound *bound)
{
	const struct ebb_bound_look *look = find_look(bounds, bound);

	return look && ebb_now_ns() - look->begun_ns >=
				       EBB_BOUND_HANGS_S * EBB_NS_PER_S
		       ? -ETIMEDOUT
		       : -EAGAIN;
}

void ebb_bounds_init(struct ebb_bounds *bounds)
{
	*bounds = (struct ebb_bounds){ 0 };
	pthread_mutex_init(&bounds->lock, NULL);
}

void ebb_bounds_free(struct ebb_bounds *bounds)
{
	free(bounds->items);
	pthread_mutex_destroy(&bounds->lock);
	*bounds = (struct ebb_bounds){ 0 };
}

static int read_allowed(const char *root, pid_t pid, uint64_t *ret_nodes)
{
	static const char key[] = "\nMems_allowed_list:\t";
	char text[EBB_TEXT_BYTES];
	const char *at;
	int r = ebb_text_read(text, sizeof(text), "%s/proc/%d/status", root,
			      (int)pid);

	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	at = strstr(text, key);
	return at ? ebb_text_nodes(at + strlen(key), ret_nodes) : -EBADMSG;
}

/* Under the lock. */
static int find_pages(const struct ebb_bounds *bounds, pid_t pid,
		      struct ebb_bound *ret_bound)
{
	const struct ebb_bound *bound = find(bounds, pid);

	if (!bound || bound->start_ticks == 0)
		return -ESRCH;
	if (bound->read_ns == 0)
		return why_unread(bounds, bound);
	if (bound->failed)
		return -EBADMSG;
	*ret_bound = *bound;
	return 0;
}

int ebb_bounds_parts(struct ebb_bounds *bounds, const char *root,
		     uint64_t nodes, pid_t pid,
		     double ret_parts[EBB_BUDGET_NODES_MAX])
{
	struct ebb_bound bound;
	const uint64_t *pages;
	uint64_t allowed;
	int r = read_allowed(root, pid, &allowed);

	if (r < 0)
		return r;
	allowed &= nodes;
	for (uint32_t node = 0; node < EBB_BUDGET_NODES_MAX; node++)
		ret_parts[node] = allowed == UINT64_C(1) << node;
	if (__builtin_popcountll(allowed) == 1)
		return 0;
	pthread_mutex_lock(&bounds->lock);
	r = find_pages(bounds, pid, &bound);
	pthread_mutex_unlock(&bounds->lock);
	if (r < 0)
		return r;
	pages = allowed != nodes ? bound.all_pages : bound.pages;
	for (uint32_t node = 0;
	     node < EBB_BUDGET_NODES_MAX && bound.total_pages; node++)
		ret_parts[node] =
			(double)pages[node] / (double)bound.total_pages;
	return 0;
}
