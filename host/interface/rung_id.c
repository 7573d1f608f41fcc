/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/interface/rung_id.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "host/interface/nearest.h"

#define BETWEEN ", \t"

static const char *const names[] = {
	[EBB_RUNG_OBSERVE] = "observe", [EBB_RUNG_PAGEOUT] = "pageout",
	[EBB_RUNG_BALLOON] = "balloon", [EBB_RUNG_REPORT] = "report",
	[EBB_RUNG_LEASE] = "lease",
};

static_assert(EBB_ARRAY_SIZE(names) == EBB_RUNG_COUNT, "each rung has a name");

const char *ebb_rung_name(enum ebb_rung_id id)
{
	return names[id];
}

/* The set that one word stands for. */
static int parse_word(const char *word, size_t length, uint32_t *ret_rungs)
{
	static const struct {
		const char *name;
		uint32_t rungs;
	} whole[] = { { "all", EBB_RUNGS_ALL }, { "none", 0 } };

	for (size_t i = 0; i < EBB_ARRAY_SIZE(whole); i++) {
		if (strlen(whole[i].name) == length &&
		    memcmp(whole[i].name, word, length) == 0) {
			*ret_rungs = whole[i].rungs;
			return 0;
		}
	}
	for (int id = 0; id < EBB_RUNG_COUNT; id++) {
		if (ebb_rungs_have(EBB_RUNGS_NAMED, (enum ebb_rung_id)id) &&
		    strlen(names[id]) == length &&
		    memcmp(names[id], word, length) == 0) {
			*ret_rungs = ebb_rung_bit((enum ebb_rung_id)id);
			return 0;
		}
	}
	return -EINVAL;
}

/* "all" and "none" say all that there is to say. */
static bool stands_alone(uint32_t rungs)
{
	return rungs == 0 || rungs == EBB_RUNGS_ALL;
}

/* From @text on; "", where there is none. */
static const char *next_word(const char *text, size_t *ret_length)
{
	text += strspn(text, BETWEEN);
	*ret_length = strcspn(text, BETWEEN);
	return text;
}

int ebb_rungs_parse(const char *text, uint32_t *ret_rungs, char *ret_word,
		    size_t word_bytes)
{
	uint32_t rungs = 0, more;
	bool complete = false;
	size_t count = 0, length;

	snprintf(ret_word, word_bytes, "%s", "");
	while (*(text = next_word(text, &length))) {
		if (complete || parse_word(text, length, &more) < 0 ||
		    (count > 0 && stands_alone(more))) {
			snprintf(ret_word, word_bytes, "%.*s", (int)length,
				 text);
			return -EINVAL;
		}
		rungs |= more;
		complete = stands_alone(more);
		count++;
		text += length;
	}
	if (count == 0)
		return -EINVAL;
	*ret_rungs = rungs;
	return 0;
}

uint32_t ebb_rungs_named_in(const char *text)
{
	uint32_t rungs = 0, more;
	size_t length;

	for (; *(text = next_word(text, &length)); text += length)
		if (parse_word(text, length, &more) == 0 && !stands_alone(more))
			rungs |= more;
	return rungs;
}

const char *ebb_rungs_nearest(const char *word)
{
	const char *known[EBB_RUNG_COUNT + 2] = { "all", "none" };

	for (int id = 0; id < EBB_RUNG_COUNT; id++)
		if (ebb_rungs_have(EBB_RUNGS_NAMED, (enum ebb_rung_id)id))
			known[2 + id] = names[id];
	return ebb_nearest(word, known, EBB_ARRAY_SIZE(known));
}

static const char *list(uint32_t rungs, const char *between, char *text)
{
	size_t used = 0;

	*text = '\0';
	for (int id = EBB_RUNG_COUNT - 1; id >= 0; id--)
		if (ebb_rungs_have(rungs, (enum ebb_rung_id)id) &&
		    used < EBB_RUNGS_TEXT_BYTES)
			used += (size_t)snprintf(text + used,
						 EBB_RUNGS_TEXT_BYTES - used,
						 "%s%s", used ? between : "",
						 names[id]);
	return text;
}

const char *ebb_rungs_format(uint32_t rungs, char *text)
{
	if (!stands_alone(rungs))
		return list(rungs & EBB_RUNGS_NAMED, ",", text);
	strcpy(text, rungs ? "all" : "none");
	return text;
}

const char *ebb_rungs_list(uint32_t rungs, char *text)
{
	return list(rungs, ", ", text);
}
