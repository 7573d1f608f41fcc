/* SPDX-License-Identifier: GPL-2.0-only */
#include "guest/limited.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "guest/cgroup.h"
#include "guest/sysfile.h"
#include "guest/taken.h"
#include "guest/vmstat.h"

enum {
	CGROUPS_MAX = 4096,
	DEPTH_MAX = 32,
	/* What a cgroup's counters may be behind the guest's, at most. */
	LATE_PAGES = 4096,
};

/**
 * struct group - one cgroup at one look
 * @id: its inode, which the kernel does not use again
 * @met: how often a limit was met, in it and below
 * @met_here: in it alone
 * @met_us: when a look found that it had met one, in it alone; 0: none has
 * @refaults: in it and below, in pages
 * @steals: what was reclaimed of it and what is below, in pages
 * @kswapd: of @steals, by kswapd
 * @has_refaults, @has_steals, @has_kswapd: the kernel tells them
 * @taken: what lacks because of others than its limit
 */
struct group {
	uint64_t id;
	uint64_t met;
	uint64_t met_here;
	uint64_t met_us;
	uint64_t refaults;
	uint64_t steals;
	uint64_t kswapd;
	bool has_refaults;
	bool has_steals;
	bool has_kswapd;
	struct ebb_taken taken;
};

struct look {
	struct group *groups;
	size_t count;
};

struct ebb_limited {
	const char *root;
	uint64_t recent_us;
	uint64_t now_us; /* of this look */
	bool looked;
	uint32_t visited; /* at this look, kept or not: a container may make many */
	uint64_t guest_refaults; /* all of them, when the last look began */
	uint64_t limited_refaults;
	uint64_t kswapd; /* what it took of the guest until the last look */
	uint64_t kswapd_took; /* of the guest, since */
	uint64_t agent_took; /* since, by memory.reclaim, which counts as a limit */
	uint64_t agent_taken; /* in all */
	struct look last; /* sorted by id */
	struct look now;
	bool is_v1;
	bool unknown; /* a cgroup of v1 is at its limit and says no more */
};

/* What one cgroup with all below it had since the last look. */
struct growth {
	uint64_t met;
	uint64_t refaults;
	uint64_t limited; /* of @refaults */
};

/* A prefix that ends with a space is a whole name. */
static bool begins(const char *word, const char *prefix)
{
	size_t length = strcspn(prefix, " ");

	return strncmp(word, prefix, length) == 0 &&
	       (prefix[length] == '\0' || word[length] == '\0');
}

/* Adds up the numbers of the lines "NAME NUMBER" whose name begins so. */
static bool sum_lines(int dir, const char *name, const char *const *prefixes,
		      uint64_t *ret_sum)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	FILE *file ebb_auto_fclose = fd < 0 ? NULL : fdopen(fd, "r");
	char word[EBB_SYSFILE_NAME_BYTES];
	uint64_t number;
	bool found = false;

	if (!file) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	*ret_sum = 0;
	while (ebb_sysfile_next(file, word, &number)) {
		for (size_t i = 0; prefixes[i]; i++) {
			if (!begins(word, prefixes[i]))
				continue;
			*ret_sum += number;
			found = true;
		}
	}
	return found;
}

static bool read_number(int dir, const char *name, uint64_t *ret_number)
{
	int fd ebb_auto_close = openat(dir, name, O_RDONLY | O_CLOEXEC);
	char text[32] = "";

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return false;
	*ret_number = strtoull(text, NULL, 10);
	return true;
}

/* Version 1 does not tell who took what. */
static void read_stat(const struct ebb_limited *limited, int dir,
		      struct group *group)
{
	static const char *const refaults[] = { "workingset_refault", NULL };
	static const char *const refaults_v1[] = { "total_workingset_refault",
						   NULL };
	static const char *const steals[] = { "pgsteal ", NULL };
	static const char *const kswapd[] = { "pgsteal_kswapd ", NULL };

	group->has_refaults = sum_lines(dir, "memory.stat",
					limited->is_v1 ? refaults_v1 : refaults,
					&group->refaults);
	if (limited->is_v1)
		return;
	group->has_steals =
		sum_lines(dir, "memory.stat", steals, &group->steals);
	group->has_kswapd =
		sum_lines(dir, "memory.stat", kswapd, &group->kswapd);
}

static void read_group(const struct ebb_limited *limited, int dir,
		       struct group *group)
{
	static const char *const limits[] = { "high", "max", NULL };

	if (limited->is_v1) {
		read_number(dir, "memory.failcnt", &group->met);
		group->met_here = group->met;
	} else {
		sum_lines(dir, "memory.events", limits, &group->met);
		sum_lines(dir, "memory.events.local", limits, &group->met_here);
	}
	if (group->met > 0)
		read_stat(limited, dir, group);
}

static int compare(const void *a, const void *b)
{
	const struct group *one = a, *other = b;

	return (one->id > other->id) - (one->id < other->id);
}

/* One that is new began with nothing; what was there before us did not. */
static struct group find_last(const struct ebb_limited *limited,
			      const struct group *group)
{
	const struct group *last = NULL;

	if (!limited->looked)
		return *group;
	if (limited->last.count > 0)
		last = bsearch(group, limited->last.groups, limited->last.count,
			       sizeof(*group), compare);
	return last ? *last : (struct group){ .id = group->id };
}

static uint64_t grown(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

static struct growth look_at(struct ebb_limited *limited, int dir,
			     unsigned int depth);

static struct growth look_below(struct ebb_limited *limited, int dir,
				unsigned int depth)
{
	struct growth below = { 0 };
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries ebb_auto_closedir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!entries && copy >= 0)
		close(copy);
	while (entries && depth < DEPTH_MAX && limited->visited < CGROUPS_MAX &&
	       (entry = readdir(entries))) {
		int fd ebb_auto_close = -1;
		struct growth one;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		fd = openat(dir, entry->d_name,
			    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			continue;
		one = look_at(limited, fd, depth + 1);
		below.met += one.met;
		below.refaults += one.refaults;
		below.limited += one.limited;
	}
	return below;
}

static bool is_at_limit(const struct ebb_limited *limited,
			const struct group *group)
{
	uint64_t since_us = limited->now_us - group->met_us;

	return group->met_us > 0 &&
	       (since_us <= limited->recent_us ||
		(group->taken.was_short && since_us <= EBB_TAKEN_US));
}

/*
 * What was taken of it since the last look, and not for its limit. A kernel before
 * 6.0 does not say who took it: then as much as was taken of the guest, at most.
 */
static uint64_t taken_by_others(const struct ebb_limited *limited,
				const struct group *group,
				const struct group *last)
{
	uint64_t steals = grown(group->steals, last->steals);
	uint64_t others = limited->kswapd_took + limited->agent_took;

	if (group->has_kswapd && limited->agent_took == 0)
		return grown(group->kswapd, last->kswapd);
	return steals < others ? steals : others;
}

/* Returns what of its refaults since the last look is not due to its limit. */
static uint64_t settle(const struct ebb_limited *limited, struct group *group,
		       const struct group *last)
{
	struct ebb_taken_growth growth = {
		.steals = grown(group->steals, last->steals),
		.others = taken_by_others(limited, group, last),
		.refaults = grown(group->refaults, last->refaults),
	};

	if (!group->has_steals)
		return 0;
	group->taken = last->taken;
	if (limited->looked && last->has_steals)
		return ebb_taken_settle(&group->taken, &growth,
					limited->now_us);
	ebb_taken_begin(&group->taken, group->steals, group->refaults);
	return 0;
}

static struct growth look_at(struct ebb_limited *limited, int dir,
			     unsigned int depth)
{
	struct group group = { 0 }, last;
	struct growth below, whole;
	struct stat status;
	uint64_t due;

	if (limited->visited++ >= CGROUPS_MAX || fstat(dir, &status) < 0)
		return (struct growth){ 0 };
	group.id = status.st_ino;
	read_group(limited, dir, &group);
	/* Of v1 nothing is told of what lies below. */
	if (group.met == 0 && !limited->is_v1)
		return (struct growth){ 0 };
	last = find_last(limited, &group);
	group.met_us = group.met_here > last.met_here ? limited->now_us
						      : last.met_us;
	due = settle(limited, &group, &last);
	limited->now.groups[limited->now.count++] = group;
	whole = (struct growth){
		.met = grown(group.met, last.met),
		.refaults = grown(group.refaults, last.refaults),
	};
	below = look_below(limited, dir, depth);
	if (is_at_limit(limited, &group)) {
		whole.limited = whole.refaults - due;
		limited->unknown |= !group.has_refaults &&
				    group.met_us == limited->now_us;
	} else {
		whole.limited = below.limited;
		/* Children that are gone met a limit. */
		if (!limited->is_v1 && whole.met > below.met)
			whole.limited += grown(whole.refaults, below.refaults);
	}
	return whole;
}

static int find_mount(struct ebb_limited *limited, char *ret_path,
		      size_t path_bytes)
{
	limited->is_v1 = false;
	if (ebb_cgroup_find(limited->root, 2, ret_path, path_bytes) == 0)
		return 0;
	limited->is_v1 = true;
	return ebb_cgroup_find(limited->root, 1, ret_path, path_bytes);
}

/* The root of all has no limit and no memory.events. */
static uint64_t look(struct ebb_limited *limited)
{
	char point[EBB_SYSFILE_PATH_BYTES], whole[2 * EBB_SYSFILE_PATH_BYTES];
	int dir ebb_auto_close = -1;

	if (find_mount(limited, point, sizeof(point)) < 0)
		return 0;
	snprintf(whole, sizeof(whole), "%s%s", limited->root, point);
	dir = open(whole, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 ? 0 : look_below(limited, dir, 0).limited;
}

int ebb_limited_new(const char *root, uint64_t recent_us,
		    struct ebb_limited **ret_limited)
{
	struct ebb_limited *limited = calloc(1, sizeof(*limited));

	if (!limited)
		return -ENOMEM;
	limited->root = root;
	limited->recent_us = recent_us;
	limited->last.groups =
		calloc(CGROUPS_MAX, sizeof(*limited->last.groups));
	limited->now.groups = calloc(CGROUPS_MAX, sizeof(*limited->now.groups));
	if (!limited->last.groups || !limited->now.groups) {
		ebb_limited_free(limited);
		return -ENOMEM;
	}
	*ret_limited = limited;
	return 0;
}

void ebb_limited_free(struct ebb_limited *limited)
{
	if (!limited)
		return;
	free(limited->last.groups);
	free(limited->now.groups);
	free(limited);
}

static void proc_dir_of(const struct ebb_limited *limited,
			char dir[static EBB_SYSFILE_PATH_BYTES])
{
	snprintf(dir, EBB_SYSFILE_PATH_BYTES, "%s/proc", limited->root);
}

static struct ebb_vmstat guest_counters(const struct ebb_limited *limited)
{
	char proc_dir[EBB_SYSFILE_PATH_BYTES];
	struct ebb_vmstat vmstat = { 0 };

	proc_dir_of(limited, proc_dir);
	ebb_vmstat_read(proc_dir, &vmstat);
	return vmstat;
}

int ebb_limited_read(struct ebb_limited *limited, struct ebb_vmstat *ret_now,
		     struct ebb_vmstat *ret_next)
{
	char proc_dir[EBB_SYSFILE_PATH_BYTES];
	struct ebb_vmstat now, after;
	int r;

	proc_dir_of(limited, proc_dir);
	r = ebb_vmstat_read(proc_dir, &now);
	if (r < 0)
		return r;
	now.limited = ebb_limited_look(limited);
	/* The kernel counts it for a cgroup, not for kswapd. */
	now.steal += limited->agent_taken;
	r = ebb_vmstat_read(proc_dir, &after);
	if (r < 0)
		return r;
	*ret_next = *ret_now = now;
	ret_next->refault = after.refault;
	return 0;
}

static uint64_t clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void ebb_limited_note_reclaim(struct ebb_limited *limited, uint64_t pages)
{
	limited->agent_took += pages;
	limited->agent_taken += pages;
}

uint64_t ebb_limited_look(struct ebb_limited *limited)
{
	struct look last = limited->last;
	struct ebb_vmstat before, after;
	uint64_t grew, guest_grew;

	limited->now.count = 0;
	limited->visited = 0;
	limited->unknown = false;
	limited->now_us = clock_us();
	before = guest_counters(limited);
	limited->kswapd_took = grown(before.steal, limited->kswapd);
	grew = look(limited);
	after = guest_counters(limited);
	/* From before the last look's reading of cgroups to after that of this one. */
	guest_grew = grown(after.refault, limited->guest_refaults);
	if (limited->unknown || grew > guest_grew + LATE_PAGES)
		grew = guest_grew;
	if (limited->looked)
		limited->limited_refaults += grew;
	limited->looked = true;
	limited->guest_refaults = before.refault;
	limited->kswapd = before.steal;
	limited->agent_took = 0;
	qsort(limited->now.groups, limited->now.count,
	      sizeof(*limited->now.groups), compare);
	limited->last = limited->now;
	limited->now = last;
	return limited->limited_refaults;
}
