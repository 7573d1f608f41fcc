/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What top knows of the domains, and which of them it shows in which order. Pure.
 *
 * A row outlives the lists that it comes from, so that its curve goes on and the
 * selection stays with its domain: it is found again by its UUID.
 */
#ifndef EBB_HOST_CTL_TOP_MODEL_H
#define EBB_HOST_CTL_TOP_MODEL_H

#include "host/ctl/top/bars.h"
#include "host/interface/status.h"

enum top_sort {
	TOP_SORT_NAME,
	TOP_SORT_MEMORY,
	TOP_SORT_RESIDENT,
	TOP_SORT_USED,
	TOP_SORT_FREE,
	TOP_SORT_LENT,
	TOP_SORT_SWAPPED,
	TOP_SORT_RUNG,
	TOP_SORT_COUNT
};

struct top_node {
	uint32_t node;
	uint64_t total_bytes;
	uint64_t free_bytes;
	uint64_t free_huge_bytes;
};

/**
 * struct top_row - of a domain; sizes may be TOP_UNKNOWN
 * @rung_old, @facts_old: of before
 * @reason: the first thing that closes a better rung, or empty
 * @stalls, @stalls_new: of allocations, since the guest booted, and since the list before;
 *	or TOP_UNKNOWN
 * @dropped: why the guest keeps less free than it was asked for, or empty
 */
struct top_row {
	char name[EBB_NAME_BYTES_MAX];
	char uuid[37];
	char state[16];
	bool state_old;
	char rung[16];
	bool rung_old;
	char reason[48];
	char dropped[32];
	bool paused;
	bool facts_old;
	uint64_t memory_bytes;
	uint64_t balloon_bytes;
	uint64_t resident_bytes;
	uint64_t swapped_bytes;
	uint64_t lent_bytes;
	uint64_t free_bytes;
	uint64_t free_huge_bytes;
	uint64_t stalls;
	uint64_t stalls_new;
	uint32_t node_count;
	struct top_node nodes[EBB_NODE_MAX];
	struct top_curve curve; /* of what is resident */
};

/**
 * struct top_model - zeroed is an empty one
 * @rows: by UUID
 * @order: @shown of them, as they are shown
 * @selected: UUID, or empty
 * @position: of the selected one in @order, which the next takes if it goes
 */
struct top_model {
	struct top_row *rows;
	uint32_t count;
	uint32_t *order;
	uint32_t shown;
	enum top_sort sort;
	bool reverse;
	char filter[64];
	char selected[37];
	uint32_t position;
};

void top_model_clear(struct top_model *model);

/**
 * top_model_take - a list of ebbd as what is known now
 * @value: the answer to "domain-list"
 *
 * Domains that do not run are left out. Returns 0, or -errno with @ret_error and what
 * was known before.
 */
int top_model_take(struct top_model *model, const struct json_object *value,
		   struct ebb_msg_error *ret_error);

/* Sorts and filters anew, after @sort, @reverse or @filter were changed. */
void top_model_arrange(struct top_model *model);

/* NULL if none is shown. */
const struct top_row *top_model_selected(const struct top_model *model);

/* @by: so many further down; ends at both ends. */
void top_model_move(struct top_model *model, int64_t by);

const char *top_sort_name(enum top_sort sort);

/* What the guest uses of its memory, or TOP_UNKNOWN. */
uint64_t top_row_used(const struct top_row *row);

/* What a bar shows of it. Returns false: not known. */
bool top_row_parts(const struct top_row *row,
		   uint64_t ret_parts[TOP_PART_COUNT]);

/* What all domains have lent; *@ret_unknown: of so many it is not known. */
uint64_t top_model_lent(const struct top_model *model, uint32_t *ret_unknown);

#endif /* EBB_HOST_CTL_TOP_MODEL_H */
