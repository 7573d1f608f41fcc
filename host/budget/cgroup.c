/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/budget/cgroup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "host/budget/limit.h"
#include "host/budget/read.h"
#include "host/budget/text.h"

enum {
	/* Levels of a path; no more are looked at. */
	DEPTH_MAX = 32,
	/* Cgroups of a read. */
	COUNT_MAX = 65536,
};

/**
 * struct ebb_cgroup - one of a read
 * @path: "" for what is mounted, else "/machine.slice"
 * @above: EBB_BUDGET_NONE for what is mounted
 * @budget: EBB_BUDGET_NONE if it has no limit that is known
 * @unlimited: it had no limit at @looked_ns
 */
struct ebb_cgroup {
	char *path;
	uint32_t above;
	uint32_t budget;
	bool unlimited;
	uint64_t looked_ns;
};

/* Where a process was at @looked_ns. */
struct ebb_place {
	pid_t pid;
	uint64_t looked_ns;
	char *path;
};

/* Spread, so that not all are due in one read. */
static bool is_due(uint64_t now_ns, uint64_t looked_ns, uint32_t spread)
{
	return now_ns - looked_ns >=
	       (EBB_CGROUP_AGE_S + spread % EBB_CGROUP_AGE_S) * EBB_NS_PER_S;
}

/* ---- the table ---- */

static uint32_t hash(const char *path)
{
	uint32_t value = 0x811c9dc5;

	for (; *path; path++)
		value = (value ^ (unsigned char)*path) * 0x01000193;
	return value;
}

/* The slot of a path: of its cgroup, or a free one. */
static uint32_t *find_slot(const struct ebb_cgroups *groups, const char *path)
{
	uint32_t at = hash(path) & (groups->capacity - 1);

	while (groups->slots[at] != EBB_BUDGET_NONE &&
	       strcmp(groups->items[groups->slots[at]].path, path) != 0)
		at = (at + 1) & (groups->capacity - 1);
	return &groups->slots[at];
}

/* The index of a cgroup, or EBB_BUDGET_NONE. */
static uint32_t find(const struct ebb_cgroups *groups, const char *path)
{
	return groups->capacity ? *find_slot(groups, path) : EBB_BUDGET_NONE;
}

/* Keeps half of the slots free. */
static int make_room(struct ebb_cgroups *groups)
{
	uint32_t capacity = groups->capacity ? 2 * groups->capacity : 64;
	struct ebb_cgroup *items;
	uint32_t *slots;

	if (groups->count < groups->capacity / 2)
		return 0;
	if (capacity / 2 > COUNT_MAX)
		return -ENOSPC;
	items = realloc(groups->items, capacity / 2 * sizeof(*items));
	if (!items)
		return -ENOMEM;
	groups->items = items;
	slots = malloc(capacity * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(groups->slots);
	groups->slots = slots;
	groups->capacity = capacity;
	memset(slots, 0xff, capacity * sizeof(*slots));
	for (uint32_t i = 0; i < groups->count; i++)
		*find_slot(groups, items[i].path) = i;
	return 0;
}

/* What of the host's fast swap the cgroups from @at upwards may fill. */
static uint64_t swap_above(const struct ebb_cgroups *groups, uint32_t at)
{
	const struct ebb_budget_list *list = &groups->read->list;

	for (; at != EBB_BUDGET_NONE; at = groups->items[at].above)
		if (groups->items[at].budget != EBB_BUDGET_NONE)
			return list->budgets[groups->items[at].budget]
				.fast_swap_bytes;
	return list->swap.fast_free_bytes;
}

/* Whether it is known from an earlier read that it has no limit. */
static bool is_known_unlimited(const struct ebb_cgroups *groups,
			       struct ebb_cgroup *item)
{
	const struct ebb_cgroup *before;
	const char *second = *item->path ? strchr(item->path + 1, '/') : NULL;
	uint32_t at = find(groups->before, item->path);

	/* Those of the first level are few, and are for many. */
	if (!second || at == EBB_BUDGET_NONE)
		return false;
	before = &groups->before->items[at];
	if (!before->unlimited ||
	    is_due(groups->now_ns, before->looked_ns, hash(item->path)))
		return false;
	item->looked_ns = before->looked_ns;
	return true;
}

/* @anew: what is known from an earlier read does not count. */
static void look(struct ebb_cgroups *groups, struct ebb_cgroup *item, bool anew)
{
	item->budget = EBB_BUDGET_NONE;
	item->looked_ns = groups->now_ns;
	item->unlimited = (!anew && is_known_unlimited(groups, item)) ||
			  ebb_limit_read(groups->read, &groups->mount,
					 item->path,
					 swap_above(groups, item->above),
					 &item->budget) == 0;
}

/* Finds a cgroup or enters it. Returns its index or EBB_BUDGET_NONE. */
static uint32_t enter(struct ebb_cgroups *groups, const char *path,
		      uint32_t above, bool anew)
{
	struct ebb_cgroup item = { .above = above };
	uint32_t found = find(groups, path);

	if (found != EBB_BUDGET_NONE)
		return found;
	if (make_room(groups) < 0)
		return EBB_BUDGET_NONE;
	item.path = strdup(path);
	if (!item.path)
		return EBB_BUDGET_NONE;
	look(groups, &item, anew);
	*find_slot(groups, path) = groups->count;
	groups->items[groups->count] = item;
	return groups->count++;
}

static uint32_t enter_path(struct ebb_cgroups *groups, const char *path,
			   bool anew)
{
	char upto[EBB_TEXT_PATH_BYTES];
	const char *end = path;
	uint32_t at = enter(groups, "", EBB_BUDGET_NONE, anew);

	for (int depth = 0; depth < DEPTH_MAX && *end && end[1]; depth++) {
		end = strchr(end + 1, '/');
		if (!end)
			end = path + strlen(path);
		if ((size_t)(end - path) >= sizeof(upto))
			break;
		memcpy(upto, path, (size_t)(end - path));
		upto[end - path] = '\0';
		at = enter(groups, upto, at, anew);
		if (at == EBB_BUDGET_NONE)
			break;
	}
	return at;
}

/* ---- of a process ---- */

/* The path in a line "4:cpu,memory:/path" or "0::/path"; NULL: another line. */
static char *match_line(const struct ebb_cgroups *groups, char *line)
{
	char *controllers = strchr(line, ':'), *path, *save, *word;

	path = controllers ? strchr(controllers + 1, ':') : NULL;
	if (!path)
		return NULL;
	controllers++;
	*path++ = '\0';
	if (!groups->mount.v1)
		return *controllers == '\0' ? path : NULL;
	for (word = strtok_r(controllers, ",", &save); word;
	     word = strtok_r(NULL, ",", &save))
		if (strcmp(word, "memory") == 0)
			return path;
	return NULL;
}

/* The part of a path below what is mounted; NULL: it is not below that. */
static const char *below_mount(const struct ebb_cgroups *groups,
			       const char *path)
{
	size_t bytes = strlen(groups->mount.root);

	if (strncmp(path, groups->mount.root, bytes) != 0)
		return NULL;
	path += bytes;
	/* Out of our namespace a path begins with "/..". */
	if (strcmp(path, "/") == 0 || *path == '\0')
		return "";
	return *path == '/' && strncmp(path, "/../", 4) != 0 &&
			       strcmp(path, "/..") != 0
		       ? path
		       : NULL;
}

static int read_place(const struct ebb_cgroups *groups, const char *process,
		      char **ret_path)
{
	char text[EBB_TEXT_BYTES], *save = NULL;
	const char *path = NULL;
	int r = ebb_text_read(text, sizeof(text), "%s/proc/%s/cgroup",
			      groups->read->reader->root, process);

	if (r < 0)
		return r;
	for (char *line = strtok_r(text, "\n", &save); line && !path;
	     line = strtok_r(NULL, "\n", &save))
		path = match_line(groups, line);
	path = path ? below_mount(groups, path) : NULL;
	if (!path)
		return -EXDEV;
	*ret_path = strdup(path);
	return *ret_path ? 0 : -ENOMEM;
}

static int by_pid(const void *a, const void *b)
{
	const struct ebb_place *left = a, *right = b;

	return left->pid < right->pid ? -1 : left->pid > right->pid;
}

/* Where the process is, by an earlier read; NULL: that is to be read. */
static struct ebb_place *find_place(const struct ebb_cgroups *groups, pid_t pid)
{
	const struct ebb_cgroups *before = groups->before;
	struct ebb_place key = { .pid = pid };
	struct ebb_place *place = before->place_count
					  ? bsearch(&key, before->places,
						    before->place_count,
						    sizeof(key), by_pid)
					  : NULL;

	return place && place->path &&
			       !is_due(groups->now_ns, place->looked_ns,
				       (uint32_t)pid)
		       ? place
		       : NULL;
}

int ebb_cgroups_of_process(struct ebb_cgroups *groups, pid_t pid,
			   uint32_t *ret_cgroup)
{
	struct ebb_place place = { .pid = pid, .looked_ns = groups->now_ns };
	struct ebb_place *before;
	char name[16];
	int r;

	if (!groups->mounted)
		return -ENOENT;
	before = find_place(groups, pid);
	if (before) {
		place = *before;
		before->path = NULL;
	} else {
		snprintf(name, sizeof(name), "%d", (int)pid);
		r = read_place(groups, name, &place.path);
		if (r < 0)
			return r;
	}
	*ret_cgroup = enter_path(groups, place.path, !before);
	if (groups->place_count < groups->place_room)
		groups->places[groups->place_count++] = place;
	else
		free(place.path);
	return *ret_cgroup == EBB_BUDGET_NONE ? -ENOMEM : 0;
}

uint32_t ebb_cgroups_budgets(const struct ebb_cgroups *groups, uint32_t cgroup,
			     uint32_t *ret_budgets, uint32_t max)
{
	uint32_t count = 0;

	for (; cgroup != EBB_BUDGET_NONE;
	     cgroup = groups->items[cgroup].above) {
		uint32_t budget = groups->items[cgroup].budget;

		if (budget != EBB_BUDGET_NONE && count++ < max)
			ret_budgets[count - 1] = budget;
	}
	return count;
}

/* ---- a read ---- */

/* The limits that hold for ebbd, and for all guests that come. */
static void enter_known(struct ebb_cgroups *groups)
{
	char *path;

	enter_path(groups, "/machine.slice", true);
	if (read_place(groups, "self", &path) == 0) {
		enter_path(groups, path, true);
		free(path);
	}
}

void ebb_cgroups_begin(struct ebb_cgroups *groups, struct ebb_cgroups *before,
		       struct ebb_budget_read *read, uint32_t process_count)
{
	int r = ebb_mounts_find_cgroup(read->reader->root, &groups->mount);

	groups->read = read;
	groups->before = before;
	groups->now_ns = ebb_now_ns();
	groups->mounted = r == 0;
	if (r < 0) {
		ebb_budget_trouble(read,
				   "no cgroups that limit memory are mounted "
				   "here (%s): limits of slices and containers "
				   "are unknown",
				   strerror(-r));
		return;
	}
	/* Paths are below what is mounted. */
	if (strcmp(groups->mount.root, before->mount.root) != 0 ||
	    strcmp(groups->mount.point, before->mount.point) != 0)
		ebb_cgroups_free(before);
	/* Without room, all is read each time. */
	if (process_count > 0)
		groups->places =
			malloc(process_count * sizeof(*groups->places));
	groups->place_room = groups->places ? process_count : 0;
	enter_known(groups);
}

void ebb_cgroups_end(struct ebb_cgroups *groups)
{
	if (groups->place_count > 0)
		qsort(groups->places, groups->place_count,
		      sizeof(*groups->places), by_pid);
	ebb_cgroups_free(groups->before);
	groups->read = NULL;
}

void ebb_cgroups_free(struct ebb_cgroups *groups)
{
	for (uint32_t i = 0; i < groups->count; i++)
		free(groups->items[i].path);
	for (uint32_t i = 0; i < groups->place_count; i++)
		free(groups->places[i].path);
	free(groups->items);
	free(groups->slots);
	free(groups->places);
	*groups = (struct ebb_cgroups){ 0 };
}
