/* SPDX-License-Identifier: GPL-2.0-only */
/* The host's swap: how much, and what of it is fast enough for a guest. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "common/u64.h"
#include "host/budget/mounts.h"
#include "host/budget/read.h"
#include "host/budget/text.h"

enum {
	/* The kernel has at most 32 areas (MAX_SWAPFILES). */
	AREAS_MAX = 64
};

/* One line of /proc/swaps. Sizes in KiB. */
struct area {
	char path[512];
	char type[16];
	unsigned long long size, used;
};

static bool is_device(const struct area *area, const char *name)
{
	return strncmp(area->path, "/dev/", strlen("/dev/")) == 0 &&
	       strncmp(area->path + strlen("/dev/"), name, strlen(name)) == 0;
}

/* Of a disk, or of the disk that a partition is of. */
static bool does_not_rotate(const char *root, const char *device)
{
	uint64_t rotates;

	if (ebb_text_read_number(&rotates, "%s/sys/%s/queue/rotational", root,
				 device) == 0 ||
	    ebb_text_read_number(&rotates, "%s/sys/%s/../queue/rotational",
				 root, device) == 0)
		return rotates == 0;
	return false;
}

/* Fast is what is known to be. */
static bool is_fast(const char *root, const struct area *area)
{
	char device[EBB_TEXT_PATH_BYTES];
	const char *name = strrchr(area->path, '/') + 1;
	unsigned int major_id, minor_id;

	if (is_device(area, "zram") || is_device(area, "nbd"))
		return false;
	if (strcmp(area->type, "partition") == 0) {
		snprintf(device, sizeof(device), "class/block/%s", name);
		return does_not_rotate(root, device);
	}
	if (ebb_mounts_find_device(root, area->path, &major_id, &minor_id) < 0)
		return false;
	snprintf(device, sizeof(device), "dev/block/%u:%u", major_id, minor_id);
	return does_not_rotate(root, device);
}

static bool parse_area(const char *line, struct area *ret_area)
{
	return sscanf(line, "%511s %15s %llu %llu", ret_area->path,
		      ret_area->type, &ret_area->size, &ret_area->used) == 4 &&
	       ret_area->path[0] == '/' && ret_area->used <= ret_area->size &&
	       ret_area->size <= UINT64_MAX / EBB_KIB / AREAS_MAX;
}

static void add_area(struct ebb_budget_swap *swap, const char *root,
		     const struct area *area)
{
	uint64_t free_bytes = (area->size - area->used) * EBB_KIB;

	swap->total_bytes += area->size * EBB_KIB;
	swap->free_bytes += free_bytes;
	if (is_device(area, "zram"))
		swap->zram_bytes += area->size * EBB_KIB;
	else if (is_fast(root, area))
		swap->fast_free_bytes += free_bytes;
}

static int read_areas(const char *root, struct ebb_budget_swap *swap)
{
	char path[EBB_TEXT_PATH_BYTES], line[1024];
	FILE *file ebb_auto_fclose = NULL;
	struct area area;
	int count = 0;

	if (snprintf(path, sizeof(path), "%s/proc/swaps", root) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "Filename", strlen("Filename")) == 0)
			continue;
		if (count++ == AREAS_MAX || !parse_area(line, &area))
			return -EBADMSG;
		add_area(swap, root, &area);
	}
	return 0;
}

static bool has_zswap(const char *root)
{
	char text[16];

	return ebb_text_read(text, sizeof(text),
			     "%s/sys/module/zswap/parameters/enabled",
			     root) > 0 &&
	       text[0] == 'Y';
}

int ebb_swap_read(const char *root, struct ebb_budget_swap *ret_swap)
{
	struct ebb_budget_swap swap = { .known = true };
	int r = read_areas(root, &swap);

	/* A kernel without swap has no such file. */
	if (r < 0 && r != -ENOENT)
		return r;
	swap.zswap = has_zswap(root);
	*ret_swap = swap;
	return 0;
}

void ebb_budget_read_swap(struct ebb_budget_read *read)
{
	int r = ebb_swap_read(read->reader->root, &read->list.swap);

	if (r < 0)
		ebb_budget_trouble(read,
				   "/proc/swaps cannot be read or understood "
				   "(%s): no swap is counted",
				   strerror(-r));
}

const struct ebb_budget_anon_names ebb_budget_meminfo_names = {
	.active = "Active(anon):",
	.inactive = "Inactive(anon):",
	.mapped = "AnonPages:",
	.shared = "Shmem:",
	.cached = "SwapCached:",
	.writing = "Writeback:",
};

uint64_t ebb_budget_swap_cache(const char *text,
			       const struct ebb_budget_anon_names *names)
{
	uint64_t active, inactive, mapped, shared, cached, writing;
	uint64_t listed, other;

	if (ebb_text_field(text, names->active, &active) < 0 ||
	    ebb_text_field(text, names->inactive, &inactive) < 0 ||
	    ebb_text_field(text, names->mapped, &mapped) < 0 ||
	    ebb_text_field(text, names->shared, &shared) < 0 ||
	    ebb_text_field(text, names->cached, &cached) < 0 ||
	    ebb_text_field(text, names->writing, &writing) < 0 ||
	    __builtin_add_overflow(active, inactive, &listed) ||
	    __builtin_add_overflow(mapped, shared, &other))
		return 0;
	/*
	 * A page that was read back is in the cache as well, and mapped. One that is
	 * still written cannot be taken; how many of those are files is not known.
	 */
	return ebb_u64_minus(ebb_u64_min(cached, ebb_u64_minus(listed, other)),
			     writing);
}
