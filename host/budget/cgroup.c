/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The limits of cgroups.
 *
 * The cgroups of a read are a table by path, relative to what is mounted: each is
 * read once, however many guests are below it. A cgroup is entered after the one
 * above it, so budgets are in order from top to bottom.
 *
 * The first of all cgroups has no limit. In a container it is not the first of all
 * that is mounted, and what is has the limit of the container.
 */
#include "host/budget/cgroup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
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
 */
struct ebb_cgroup {
	char *path;
	uint32_t above;
	uint32_t budget;
};

/* Names of files, by version. */
struct names {
	const char *limit, *high, *usage, *inactive;
};

static const struct names names_v1 = {
	.limit = "memory.limit_in_bytes",
	.usage = "memory.usage_in_bytes",
	.inactive = "total_inactive_file",
};
static const struct names names_v2 = {
	.limit = "memory.max",
	.high = "memory.high",
	.usage = "memory.current",
	.inactive = "inactive_file",
};

static const struct names *names_of(const struct ebb_cgroups *groups)
{
	return groups->mount.v1 ? &names_v1 : &names_v2;
}

void ebb_cgroups_begin(struct ebb_cgroups *groups, struct ebb_budget_read *read)
{
	int r = ebb_mounts_find_cgroup(read->reader->root, &groups->mount);

	groups->read = read;
	groups->mounted = r == 0;
	if (r < 0)
		ebb_budget_trouble(read,
				   "no cgroups that limit memory are mounted "
				   "here (%s): limits of slices and containers "
				   "are unknown",
				   strerror(-r));
}

void ebb_cgroups_end(struct ebb_cgroups *groups)
{
	for (uint32_t i = 0; i < groups->count; i++)
		free(groups->items[i].path);
	free(groups->items);
	free(groups->slots);
	*groups = (struct ebb_cgroups){ 0 };
}

/* A limit; a file that is not there is none. */
static int read_limit(const char *dir, const char *name, uint64_t *ret_bytes)
{
	int r = ebb_text_read_number(ret_bytes, "%s/%s", dir, name);

	if (r == -ENOENT) {
		*ret_bytes = EBB_TEXT_NO_LIMIT;
		r = 0;
	}
	return r;
}

static int read_limits(const struct ebb_cgroups *groups, const char *dir,
		       uint64_t *ret_bytes)
{
	const struct names *names = names_of(groups);
	uint64_t limit, high = EBB_TEXT_NO_LIMIT;
	int r = read_limit(dir, names->limit, &limit);

	if (r == 0 && names->high)
		r = read_limit(dir, names->high, &high);
	*ret_bytes = r == 0 ? ebb_budget_least(limit, high) : 0;
	return r;
}

/* What of the host's swap the cgroup may still fill; all if it does not say. */
static uint64_t swap_room(const struct ebb_cgroups *groups, const char *dir)
{
	uint64_t limit, usage, memory_limit, memory;

	if (!groups->mount.v1) {
		if (ebb_text_read_number(&limit, "%s/memory.swap.max", dir) <
			    0 ||
		    ebb_text_read_number(&usage, "%s/memory.swap.current",
					 dir) < 0)
			return EBB_TEXT_NO_LIMIT;
		return ebb_budget_less(limit, usage);
	}
	/* These count memory and swap together. */
	if (ebb_text_read_number(&limit, "%s/memory.memsw.limit_in_bytes",
				 dir) < 0 ||
	    ebb_text_read_number(&usage, "%s/memory.memsw.usage_in_bytes",
				 dir) < 0 ||
	    ebb_text_read_number(&memory_limit, "%s/memory.limit_in_bytes",
				 dir) < 0 ||
	    ebb_text_read_number(&memory, "%s/memory.usage_in_bytes", dir) < 0)
		return EBB_TEXT_NO_LIMIT;
	return ebb_budget_less(ebb_budget_less(limit, memory_limit),
			       ebb_budget_less(usage, memory));
}

static int read_available(const struct ebb_cgroups *groups, const char *dir,
			  struct ebb_budget *budget)
{
	const struct names *names = names_of(groups);
	uint64_t usage, inactive;
	char text[EBB_TEXT_BYTES];
	int r = ebb_text_read_number(&usage, "%s/%s", dir, names->usage);

	if (r == 0 && usage == EBB_TEXT_NO_LIMIT)
		r = -EBADMSG;
	if (r == 0)
		r = ebb_text_read(text, sizeof(text), "%s/memory.stat", dir);
	if (r >= 0 && ebb_text_field(text, names->inactive, &inactive) < 0)
		r = -EBADMSG;
	if (r < 0)
		return r;
	budget->available_bytes = ebb_budget_less(
		budget->limit_bytes, usage - ebb_budget_least(inactive, usage));
	return 0;
}

static void name_budget(struct ebb_budget *budget, const char *path)
{
	size_t bytes = strlen(path);

	if (bytes == 0)
		strcpy(budget->name, "this container");
	else if (bytes <= sizeof(budget->name))
		strcpy(budget->name, path + 1);
	else
		snprintf(budget->name, sizeof(budget->name), "...%s",
			 path + bytes - (sizeof(budget->name) - 4));
}

/* Adds the budget of a cgroup, if it has a limit. Returns its index. */
static uint32_t read_budget(struct ebb_cgroups *groups, const char *path,
			    uint32_t above)
{
	struct ebb_budget budget = { .kind = EBB_BUDGET_CGROUP };
	struct ebb_budget_read *read = groups->read;
	char dir[EBB_TEXT_PATH_BYTES];
	int r;

	if (snprintf(dir, sizeof(dir), "%s%s%s", read->reader->root,
		     groups->mount.point, path) >= (int)sizeof(dir))
		r = -ENAMETOOLONG;
	else
		r = read_limits(groups, dir, &budget.limit_bytes);
	if (r == 0 && (budget.limit_bytes == EBB_TEXT_NO_LIMIT ||
		       (read->memory_bytes > 0 &&
			budget.limit_bytes >= read->memory_bytes)))
		return EBB_BUDGET_NONE;
	if (r == 0)
		r = read_available(groups, dir, &budget);
	/* It went away meanwhile. */
	if (r == -ENOENT || r == -ENODEV)
		return EBB_BUDGET_NONE;
	if (r < 0) {
		ebb_budget_trouble(
			read,
			"the memory limit of cgroup %.128s cannot be "
			"read or understood (%s): it is unknown",
			*path ? path : "/", strerror(-r));
		return EBB_BUDGET_NONE;
	}
	name_budget(&budget, path);
	budget.fast_swap_bytes = ebb_budget_least(
		above == EBB_BUDGET_NONE
			? read->list.swap.fast_free_bytes
			: read->list.budgets[above].fast_swap_bytes,
		swap_room(groups, dir));
	ebb_budget_marks(budget.limit_bytes, &budget.low_bytes,
			 &budget.high_bytes);
	budget.dir = strdup(dir);
	return ebb_budget_add(read, &budget);
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

/* The budget of the nearest at or above one that has a limit. */
static uint32_t nearest_budget(const struct ebb_cgroups *groups, uint32_t at)
{
	while (at != EBB_BUDGET_NONE &&
	       groups->items[at].budget == EBB_BUDGET_NONE)
		at = groups->items[at].above;
	return at == EBB_BUDGET_NONE ? at : groups->items[at].budget;
}

/* Finds a cgroup or enters it. Returns its index or EBB_BUDGET_NONE. */
static uint32_t enter(struct ebb_cgroups *groups, const char *path,
		      uint32_t above)
{
	struct ebb_cgroup item = { .above = above };
	uint32_t *slot;

	if (groups->capacity && *find_slot(groups, path) != EBB_BUDGET_NONE)
		return *find_slot(groups, path);
	if (make_room(groups) < 0)
		return EBB_BUDGET_NONE;
	item.path = strdup(path);
	if (!item.path)
		return EBB_BUDGET_NONE;
	item.budget = read_budget(groups, path, nearest_budget(groups, above));
	slot = find_slot(groups, path);
	*slot = groups->count;
	groups->items[groups->count] = item;
	return groups->count++;
}

uint32_t ebb_cgroups_enter(struct ebb_cgroups *groups, const char *path)
{
	char upto[EBB_TEXT_PATH_BYTES];
	const char *end = path;
	uint32_t at = enter(groups, "", EBB_BUDGET_NONE);

	for (int depth = 0; depth < DEPTH_MAX && *end && end[1]; depth++) {
		end = strchr(end + 1, '/');
		if (!end)
			end = path + strlen(path);
		if ((size_t)(end - path) >= sizeof(upto))
			break;
		memcpy(upto, path, (size_t)(end - path));
		upto[end - path] = '\0';
		at = enter(groups, upto, at);
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

int ebb_cgroups_of_process(struct ebb_cgroups *groups, const char *process,
			   uint32_t *ret_cgroup)
{
	char text[EBB_TEXT_BYTES], *save = NULL;
	const char *path = NULL;
	int r;

	if (!groups->mounted)
		return -ENOENT;
	r = ebb_text_read(text, sizeof(text), "%s/proc/%s/cgroup",
			  groups->read->reader->root, process);
	if (r < 0)
		return r;
	for (char *line = strtok_r(text, "\n", &save); line && !path;
	     line = strtok_r(NULL, "\n", &save))
		path = match_line(groups, line);
	path = path ? below_mount(groups, path) : NULL;
	if (!path)
		return -EXDEV;
	*ret_cgroup = ebb_cgroups_enter(groups, path);
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
