/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/budget/limit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/u64.h"
#include "host/budget/text.h"

/* Names of files, by version. */
struct names {
	const char *limit, *high, *usage, *inactive, *active;
	struct ebb_budget_anon_names anon;
};

static const struct names names_v1 = {
	.limit = "memory.limit_in_bytes",
	.usage = "memory.usage_in_bytes",
	.inactive = "total_inactive_file",
	.active = "total_active_file",
	.anon = { "total_active_anon", "total_inactive_anon", "total_rss",
		  "total_shmem", "total_swapcached", "total_writeback" },
};
static const struct names names_v2 = {
	.limit = "memory.max",
	.high = "memory.high",
	.usage = "memory.current",
	.inactive = "inactive_file",
	.active = "active_file",
	.anon = { "active_anon", "inactive_anon", "anon", "shmem", "swapcached",
		  "file_writeback" },
};

static const struct names *names_of(const struct ebb_cgroup_mount *mount)
{
	return mount->v1 ? &names_v1 : &names_v2;
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

static int read_limits(const struct ebb_cgroup_mount *mount, const char *dir,
		       uint64_t *ret_bytes)
{
	const struct names *names = names_of(mount);
	uint64_t limit, high = EBB_TEXT_NO_LIMIT;
	int r = read_limit(dir, names->limit, &limit);

	if (r == 0 && names->high)
		r = read_limit(dir, names->high, &high);
	*ret_bytes = r == 0 ? ebb_u64_min(limit, high) : 0;
	return r;
}

/* What of the host's swap the cgroup may still fill; all if it does not say. */
static uint64_t swap_room(const struct ebb_cgroup_mount *mount, const char *dir)
{
	uint64_t limit, usage, memory_limit, memory;

	if (!mount->v1) {
		if (ebb_text_read_number(&limit, "%s/memory.swap.max", dir) <
			    0 ||
		    ebb_text_read_number(&usage, "%s/memory.swap.current",
					 dir) < 0)
			return EBB_TEXT_NO_LIMIT;
		return ebb_u64_minus(limit, usage);
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
	return ebb_u64_minus(ebb_u64_minus(limit, memory_limit),
			     ebb_u64_minus(usage, memory));
}

static int read_available(const struct ebb_cgroup_mount *mount, const char *dir,
			  struct ebb_budget *budget)
{
	const struct names *names = names_of(mount);
	uint64_t usage, inactive, active;
	char text[EBB_TEXT_BYTES];
	int r = ebb_text_read_number(&usage, "%s/%s", dir, names->usage);

	if (r == 0 && usage == EBB_TEXT_NO_LIMIT)
		r = -EBADMSG;
	if (r == 0)
		r = ebb_text_read(text, sizeof(text), "%s/memory.stat", dir);
	if (r >= 0 && (ebb_text_field(text, names->inactive, &inactive) < 0 ||
		       ebb_text_field(text, names->active, &active) < 0))
		r = -EBADMSG;
	if (r < 0)
		return r;
	usage = ebb_u64_minus(ebb_u64_minus(usage, inactive), active / 2);
	usage = ebb_u64_minus(usage, ebb_budget_swap_cache(text, &names->anon));
	budget->available_bytes = ebb_u64_minus(budget->limit_bytes, usage);
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

int ebb_limit_read(struct ebb_budget_read *read,
		   const struct ebb_cgroup_mount *mount, const char *path,
		   uint64_t swap_bytes, uint32_t *ret_budget)
{
	struct ebb_budget budget = { .kind = EBB_BUDGET_CGROUP };
	char dir[EBB_TEXT_PATH_BYTES];
	int r = -ENAMETOOLONG;

	*ret_budget = EBB_BUDGET_NONE;
	if (snprintf(dir, sizeof(dir), "%s%s%s", read->reader->root,
		     mount->point, path) < (int)sizeof(dir))
		r = read_limits(mount, dir, &budget.limit_bytes);
	if (r == 0 && (budget.limit_bytes == EBB_TEXT_NO_LIMIT ||
		       (read->memory_bytes > 0 &&
			budget.limit_bytes >= read->memory_bytes)))
		return 0;
	if (r == 0)
		r = read_available(mount, dir, &budget);
	/* It went away meanwhile. */
	if (r == -ENOENT || r == -ENODEV)
		return -ENOENT;
	if (r < 0) {
		ebb_budget_trouble(
			read,
			"the memory limit of cgroup %.128s cannot be "
			"read or understood (%s): it is unknown",
			*path ? path : "/", strerror(-r));
		return r;
	}
	name_budget(&budget, path);
	if (swap_bytes > 0)
		budget.fast_swap_bytes =
			ebb_u64_min(swap_bytes, swap_room(mount, dir));
	ebb_budget_marks(budget.limit_bytes, &budget.low_bytes,
			 &budget.high_bytes);
	budget.dir = strdup(dir);
	*ret_budget = ebb_budget_add(read, &budget);
	return 1;
}
