/* SPDX-License-Identifier: GPL-2.0-only */
#include "guest/knobs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "guest/sysfile.h"

enum {
	SCALE_PER = 10000, /* unit of watermark_scale_factor: 1/10000 */
	SCALE_MAX = 3000,
	SCALE_MAX_OLD = 1000, /* before Linux 5.18 */
	PROACTIVENESS = 60,
	SWAPPINESS = 1,
	/* Of a zone, by CPU: the kernel then takes the shortest it allows. */
	LISTS_FRACTION = 1 << 20,
};

enum knob_id {
	KNOB_SCALE,
	KNOB_PROACTIVENESS,
	KNOB_LISTS,
	KNOB_SWAPPINESS,
	KNOB_COUNT,
	KNOB_TARGET_COUNT = KNOB_LISTS /* the first ones, for a target */
};

static const char *const knob_paths[KNOB_COUNT] = {
	[KNOB_SCALE] = "/proc/sys/vm/watermark_scale_factor",
	[KNOB_PROACTIVENESS] = "/proc/sys/vm/compaction_proactiveness",
	[KNOB_LISTS] = "/proc/sys/vm/percpu_pagelist_high_fraction",
	[KNOB_SWAPPINESS] = "/proc/sys/vm/swappiness",
};

/**
 * struct knob - one that we may have turned
 * @ours: it was changed, and the file says so
 * @foreign: somebody else turned it since: not touched until all is restored
 * @original, @written, @previous: as in the file
 */
struct knob {
	bool ours;
	bool foreign;
	uint64_t original;
	uint64_t written;
	uint64_t previous;
};

struct ebb_knobs {
	const char *root;
	const char *state_dir;
	char path[EBB_SYSFILE_PATH_BYTES];
	char new_path[EBB_SYSFILE_PATH_BYTES];
	struct knob knobs[KNOB_COUNT];
};

static const char *knob_name(enum knob_id id)
{
	return strrchr(knob_paths[id], '/') + 1;
}

static int write_lines(const struct ebb_knobs *knobs, FILE *file)
{
	for (int id = 0; id < KNOB_COUNT; id++) {
		const struct knob *knob = &knobs->knobs[id];

		if (knob->ours)
			fprintf(file,
				"%s %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
				knob_name(id), knob->original, knob->written,
				knob->previous);
	}
	return fflush(file) != 0 || ferror(file) ? -EIO : 0;
}

/* A reader finds the old file or the new one. */
static int save(const struct ebb_knobs *knobs)
{
	FILE *file ebb_auto_fclose = NULL;
	bool any = false;
	int r;

	for (int id = 0; id < KNOB_COUNT; id++)
		any |= knobs->knobs[id].ours;
	if (!any)
		return unlink(knobs->path) < 0 && errno != ENOENT ? -errno : 0;
	if (mkdir(knobs->state_dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	file = fopen(knobs->new_path, "we");
	if (!file)
		return -errno;
	r = write_lines(knobs, file);
	if (r == 0 && rename(knobs->new_path, knobs->path) < 0)
		r = -errno;
	return r;
}

static void load(struct ebb_knobs *knobs)
{
	FILE *file ebb_auto_fclose = fopen(knobs->path, "re");
	char line[256], name[64];
	struct knob knob = { .ours = true };

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%63s %" SCNu64 " %" SCNu64 " %" SCNu64, name,
			   &knob.original, &knob.written, &knob.previous) != 4)
			continue;
		for (int id = 0; id < KNOB_COUNT; id++)
			if (strcmp(name, knob_name(id)) == 0)
				knobs->knobs[id] = knob;
	}
}

/* What somebody else turned, or what is there no more, needs nothing. */
static int put_back(const struct ebb_knobs *knobs, enum knob_id id)
{
	const struct knob *knob = &knobs->knobs[id];
	uint64_t current;

	if (!knob->ours || knob->foreign ||
	    ebb_sysfile_read_number(knobs->root, knob_paths[id], &current) <
		    0 ||
	    (current != knob->written && current != knob->previous))
		return 0;
	return ebb_sysfile_write_number(knobs->root, knob_paths[id],
					knob->original);
}

/*
 * Those of @first to before @end. One that cannot be put back now stays ours, for
 * the next call and the next start.
 */
static void restore(struct ebb_knobs *knobs, int first, int end)
{
	bool any = false;

	for (int id = first; id < end; id++) {
		any |= knobs->knobs[id].ours;
		if (put_back(knobs, id) == 0)
			knobs->knobs[id] = (struct knob){ 0 };
	}
	if (any)
		save(knobs);
}

int ebb_knobs_new(const char *root, const char *state_dir,
		  struct ebb_knobs **ret_knobs)
{
	struct ebb_knobs *knobs = calloc(1, sizeof(*knobs));

	if (!knobs)
		return -ENOMEM;
	knobs->root = root;
	knobs->state_dir = state_dir;
	snprintf(knobs->path, sizeof(knobs->path), "%s/knobs", state_dir);
	snprintf(knobs->new_path, sizeof(knobs->new_path), "%s/knobs.new",
		 state_dir);
	load(knobs);
	restore(knobs, 0, KNOB_COUNT);
	*ret_knobs = knobs;
	return 0;
}

void ebb_knobs_free(struct ebb_knobs *knobs)
{
	if (!knobs)
		return;
	restore(knobs, 0, KNOB_COUNT);
	free(knobs);
}

/* The file first: a kill in between is mended by the next start. */
static int turn(struct ebb_knobs *knobs, enum knob_id id, uint64_t value)
{
	struct knob *knob = &knobs->knobs[id];
	int r;

	knob->previous = knob->written;
	knob->written = value;
	r = save(knobs);
	if (r == 0)
		r = ebb_sysfile_write_number(knobs->root, knob_paths[id],
					     value);
	if (r < 0) {
		knob->written = knob->previous;
		knob->ours = knob->written != knob->original;
		save(knobs);
	}
	return r;
}

/*
 * @wanted, but never against the direction of the knob: swappiness is lowered,
 * the others are raised. -ENOENT without such a knob; what somebody else turned
 * is left alone.
 */
static int turn_to(struct ebb_knobs *knobs, enum knob_id id, uint64_t wanted)
{
	struct knob *knob = &knobs->knobs[id];
	uint64_t current;
	int r;

	r = ebb_sysfile_read_number(knobs->root, knob_paths[id], &current);
	if (r < 0)
		return r;
	if (knob->ours && current != knob->written)
		knob->foreign = true;
	if (knob->foreign)
		return 0;
	if (!knob->ours)
		*knob = (struct knob){ .original = current,
				       .written = current };
	if (id == KNOB_SWAPPINESS ? wanted > knob->original
				  : wanted < knob->original)
		wanted = knob->original;
	if (wanted == current)
		return 0;
	knob->ours = true;
	return turn(knobs, id, wanted);
}

static int raise_scale(struct ebb_knobs *knobs, uint64_t target_bytes,
		       uint64_t total_bytes)
{
	uint64_t unit_bytes = total_bytes / SCALE_PER * 2;
	uint64_t scale = SCALE_MAX;
	int r;

	if (unit_bytes > 0 && target_bytes / unit_bytes < SCALE_MAX)
		scale = (target_bytes + unit_bytes - 1) / unit_bytes;
	r = turn_to(knobs, KNOB_SCALE, scale);
	if (r == -EINVAL && scale > SCALE_MAX_OLD)
		r = turn_to(knobs, KNOB_SCALE, SCALE_MAX_OLD);
	return r;
}

int ebb_knobs_raise(struct ebb_knobs *knobs, uint64_t target_bytes,
		    uint64_t total_bytes)
{
	int scaled = raise_scale(knobs, target_bytes, total_bytes);
	int proactive = turn_to(knobs, KNOB_PROACTIVENESS, PROACTIVENESS);

	return scaled < 0 && proactive < 0 ? scaled : 0;
}

void ebb_knobs_restore(struct ebb_knobs *knobs)
{
	restore(knobs, 0, KNOB_TARGET_COUNT);
}

void ebb_knobs_shorten_lists(struct ebb_knobs *knobs)
{
	turn_to(knobs, KNOB_LISTS, LISTS_FRACTION);
}

void ebb_knobs_restore_lists(struct ebb_knobs *knobs)
{
	restore(knobs, KNOB_LISTS, KNOB_LISTS + 1);
}

void ebb_knobs_spare_anonymous(struct ebb_knobs *knobs)
{
	turn_to(knobs, KNOB_SWAPPINESS, SWAPPINESS);
}

void ebb_knobs_restore_swappiness(struct ebb_knobs *knobs)
{
	restore(knobs, KNOB_SWAPPINESS, KNOB_SWAPPINESS + 1);
}
