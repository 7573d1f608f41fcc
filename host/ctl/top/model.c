/* SPDX-License-Identifier: GPL-2.0-only */
#include <config.h>

#include "host/ctl/top/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "host/ctl/text.h"

enum {
	/* As ebbctl list has it. */
	FACTS_OLD_MS = 10 * 1000
};

void top_model_clear(struct top_model *model)
{
	free(model->rows);
	free(model->order);
	*model = (struct top_model){ 0 };
}

/* ---- what a list says ---- */

static uint64_t known(bool is_known, uint64_t bytes)
{
	return is_known ? bytes : TOP_UNKNOWN;
}

static void take_nodes(const struct ebb_domain_status *domain,
		       struct top_row *row)
{
	row->node_count = domain->node_count;
	for (uint32_t i = 0; i < domain->node_count; i++)
		row->nodes[i] = (struct top_node){
			.node = domain->nodes[i].node,
			.total_bytes = domain->nodes[i].total_bytes,
			.free_bytes = domain->nodes[i].free_bytes,
			.free_huge_bytes = domain->nodes[i].free_huge_bytes,
		};
}

/* All but the curve. */
static void take_domain(const struct ebb_domain_status *domain,
			struct top_row *row)
{
	bool facts = domain->facts_age_ms != UINT32_MAX;

	memcpy(row->name, domain->name, sizeof(row->name));
	memcpy(row->uuid, domain->uuid, sizeof(row->uuid));
	memcpy(row->state, domain->state, sizeof(row->state));
	memcpy(row->rung, domain->rung, sizeof(row->rung));
	row->reason[0] = '\0';
	if (domain->reason_count > 0)
		memcpy(row->reason, domain->reasons[0].name,
		       sizeof(row->reason));
	memcpy(row->dropped, domain->target.reason, sizeof(row->dropped));
	row->state_old = domain->state_old;
	row->rung_old = domain->old;
	row->paused = *domain->policy_paused &&
		      strcmp(domain->policy_paused, "no") != 0;
	row->facts_old = domain->old || domain->facts_age_ms > FACTS_OLD_MS;
	row->memory_bytes = known(domain->known, domain->memory_bytes);
	row->balloon_bytes =
		known(domain->balloon_known, domain->balloon_bytes);
	row->resident_bytes =
		known(domain->resident_known, domain->resident_bytes);
	row->swapped_bytes =
		known(domain->resident_known && domain->swapped_known,
		      domain->swapped_bytes);
	row->lent_bytes = known(domain->lent_known, domain->lent_bytes);
	row->free_bytes = known(facts, domain->free_bytes);
	row->free_huge_bytes = known(facts, domain->free_huge_bytes);
	row->stalls = known(domain->stalls_known, domain->allocation_stalls);
	take_nodes(domain, row);
}

static int compare_uuid(const void *a, const void *b)
{
	return strcmp(((const struct top_row *)a)->uuid,
		      ((const struct top_row *)b)->uuid);
}

static int compare_with_uuid(const void *uuid, const void *row)
{
	return strcmp(uuid, ((const struct top_row *)row)->uuid);
}

static struct top_row *find_row(const struct top_model *model, const char *uuid)
{
	if (!model->count)
		return NULL;
	return bsearch(uuid, model->rows, model->count, sizeof(*model->rows),
		       compare_with_uuid);
}

/* @row: the new one of a domain, which goes on with the curve of the one before. */
static void take_one(const struct top_model *model,
		     const struct ebb_domain_status *domain,
		     struct top_row *row)
{
	const struct top_row *before = find_row(model, domain->uuid);

	if (before)
		*row = *before;
	else
		*row = (struct top_row){ 0 };
	take_domain(domain, row);
	/* One that is less is of another kernel. */
	row->stalls_new = before && before->stalls != TOP_UNKNOWN &&
					  row->stalls != TOP_UNKNOWN &&
					  row->stalls >= before->stalls
				  ? row->stalls - before->stalls
				  : TOP_UNKNOWN;
	top_curve_add(&row->curve, row->resident_bytes);
}

static int fail(struct ebb_msg_error *ret_error, int error, const char *text)
{
	snprintf(ret_error->text, sizeof(ret_error->text), "%s", text);
	return error;
}

/* The rows of a list into @rows, which has room. Returns 0 or -errno. */
static int take_all(const struct top_model *model, struct json_object *array,
		    struct top_row *rows, uint32_t *ret_count,
		    struct ebb_msg_error *ret_error)
{
	ebb_auto_free struct ebb_domain_status *domain =
		malloc(sizeof(*domain));
	uint32_t count = 0;

	if (!domain)
		return fail(ret_error, -ENOMEM, "out of memory");
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		int r = ebb_msg_decode(json_object_array_get_idx(array, i),
				       ebb_domain_status_fields, domain,
				       sizeof(*domain), ret_error);

		if (r < 0)
			return r;
		if (ebb_state_is_off(domain->state))
			continue;
		ctl_clean_message(ebb_domain_status_fields, domain);
		take_one(model, domain, &rows[count++]);
	}
	*ret_count = count;
	return 0;
}

int top_model_take(struct top_model *model, const struct json_object *value,
		   struct ebb_msg_error *ret_error)
{
	struct top_row *rows ebb_auto_free = NULL;
	uint32_t *order ebb_auto_free = NULL;
	struct json_object *array;
	uint32_t count;
	size_t length;
	int r;

	if (!json_object_object_get_ex(value, "domains", &array) ||
	    !json_object_is_type(array, json_type_array))
		return fail(ret_error, -EINVAL, "'domains' is no array");
	length = json_object_array_length(array);
	if (length > EBB_LIST_MAX)
		return fail(ret_error, -ERANGE,
			    "'domains' has too many elements");
	rows = calloc(length + 1, sizeof(*rows));
	order = calloc(length + 1, sizeof(*order));
	if (!rows || !order)
		return fail(ret_error, -ENOMEM, "out of memory");
	r = take_all(model, array, rows, &count, ret_error);
	if (r < 0)
		return r;
	free(model->rows);
	free(model->order);
	model->count = count;
	model->rows = ebb_steal_ptr(rows);
	model->order = ebb_steal_ptr(order);
	qsort(model->rows, model->count, sizeof(*model->rows), compare_uuid);
	top_model_arrange(model);
	return 0;
}

/* ---- what a row says ---- */

uint64_t top_row_used(const struct top_row *row)
{
	uint64_t usable;

	if (row->memory_bytes == TOP_UNKNOWN || row->free_bytes == TOP_UNKNOWN)
		return TOP_UNKNOWN;
	usable = row->memory_bytes;
	if (row->balloon_bytes != TOP_UNKNOWN)
		usable -= row->balloon_bytes < usable ? row->balloon_bytes
						      : usable;
	return usable > row->free_bytes ? usable - row->free_bytes : 0;
}

/* At most what is @left, which loses it. */
static uint64_t take(uint64_t bytes, uint64_t *left)
{
	uint64_t taken = bytes;

	if (bytes == TOP_UNKNOWN)
		return 0;
	if (taken > *left)
		taken = *left;
	*left -= taken;
	return taken;
}

/*
 * Of what the guest has free, the host has that which is neither lent nor swapped; how
 * much of it is swapped nobody says, so that is taken to be in use.
 */
bool top_row_parts(const struct top_row *row,
		   uint64_t ret_parts[TOP_PART_COUNT])
{
	uint64_t left = row->memory_bytes, resident, free_bytes = 0;

	if (left == TOP_UNKNOWN || row->resident_bytes == TOP_UNKNOWN)
		return false;
	resident = take(row->resident_bytes, &left);
	ret_parts[TOP_PART_SWAPPED] = take(row->swapped_bytes, &left);
	ret_parts[TOP_PART_LENT] = take(row->lent_bytes, &left);
	ret_parts[TOP_PART_REST] = left;
	if (row->free_bytes != TOP_UNKNOWN &&
	    row->free_bytes > ret_parts[TOP_PART_LENT])
		free_bytes = row->free_bytes - ret_parts[TOP_PART_LENT];
	ret_parts[TOP_PART_FREE] = take(free_bytes, &resident);
	ret_parts[TOP_PART_USED] = resident;
	return true;
}

uint64_t top_model_lent(const struct top_model *model, uint32_t *ret_unknown)
{
	uint64_t sum = 0;

	*ret_unknown = 0;
	for (uint32_t i = 0; i < model->count; i++) {
		if (model->rows[i].lent_bytes == TOP_UNKNOWN)
			++*ret_unknown;
		else
			sum += model->rows[i].lent_bytes;
	}
	return sum;
}

/* ---- which are shown, and in which order ---- */

const char *top_sort_name(enum top_sort sort)
{
	static const char *const names[TOP_SORT_COUNT] = {
		[TOP_SORT_NAME] = "name",	  [TOP_SORT_MEMORY] = "memory",
		[TOP_SORT_RESIDENT] = "resident", [TOP_SORT_USED] = "used",
		[TOP_SORT_FREE] = "free",	  [TOP_SORT_LENT] = "lent",
		[TOP_SORT_SWAPPED] = "swapped",	  [TOP_SORT_RUNG] = "rung",
	};

	return names[sort];
}

static uint64_t sort_size(const struct top_row *row, enum top_sort sort)
{
	switch (sort) {
	case TOP_SORT_MEMORY:
		return row->memory_bytes;
	case TOP_SORT_RESIDENT:
		return row->resident_bytes;
	case TOP_SORT_USED:
		return top_row_used(row);
	case TOP_SORT_FREE:
		return row->free_bytes;
	case TOP_SORT_LENT:
		return row->lent_bytes;
	case TOP_SORT_SWAPPED:
		return row->swapped_bytes;
	case TOP_SORT_NAME:
	case TOP_SORT_RUNG:
	case TOP_SORT_COUNT:
		break;
	}
	return 0;
}

/* The largest comes first, and what is not known last, also where that is turned. */
static int compare_sizes(const struct top_model *model, const struct top_row *a,
			 const struct top_row *b)
{
	uint64_t size_a = sort_size(a, model->sort);
	uint64_t size_b = sort_size(b, model->sort);
	int r = (size_a < size_b) - (size_a > size_b);

	if (size_a == TOP_UNKNOWN || size_b == TOP_UNKNOWN)
		return (size_a == TOP_UNKNOWN) - (size_b == TOP_UNKNOWN);
	return model->reverse ? -r : r;
}

static int compare_texts(const struct top_model *model, const char *a,
			 const char *b)
{
	return model->reverse ? strcmp(b, a) : strcmp(a, b);
}

static int compare_rows(const void *a_index, const void *b_index, void *opaque)
{
	const struct top_model *model = opaque;
	const struct top_row *a = &model->rows[*(const uint32_t *)a_index];
	const struct top_row *b = &model->rows[*(const uint32_t *)b_index];
	int r;

	if (model->sort == TOP_SORT_NAME)
		r = compare_texts(model, a->name, b->name);
	else if (model->sort == TOP_SORT_RUNG)
		r = compare_texts(model, a->rung, b->rung);
	else
		r = compare_sizes(model, a, b);
	if (r == 0)
		r = strcmp(a->name, b->name);
	return r ? r : strcmp(a->uuid, b->uuid);
}

static bool has_text(const struct top_row *row, const char *text)
{
	return strcasestr(row->name, text) || strcasestr(row->rung, text) ||
	       strcasestr(row->state, text) || strcasestr(row->reason, text);
}

/* The selected one where it is now; else the one at its place. */
static void keep_selection(struct top_model *model)
{
	if (model->shown == 0)
		return;
	for (uint32_t i = 0; i < model->shown; i++) {
		if (strcmp(model->rows[model->order[i]].uuid,
			   model->selected) == 0) {
			model->position = i;
			return;
		}
	}
	top_model_move(model, 0);
}

void top_model_arrange(struct top_model *model)
{
	model->shown = 0;
	for (uint32_t i = 0; i < model->count; i++)
		if (has_text(&model->rows[i], model->filter))
			model->order[model->shown++] = i;
	if (model->shown)
		qsort_r(model->order, model->shown, sizeof(*model->order),
			compare_rows, model);
	keep_selection(model);
}

const struct top_row *top_model_selected(const struct top_model *model)
{
	return model->position < model->shown
		       ? &model->rows[model->order[model->position]]
		       : NULL;
}

void top_model_move(struct top_model *model, int64_t by)
{
	int64_t to = (int64_t)model->position + by;

	if (model->shown == 0)
		return;
	if (to >= model->shown)
		to = (int64_t)model->shown - 1;
	if (to < 0)
		to = 0;
	model->position = (uint32_t)to;
	memcpy(model->selected, top_model_selected(model)->uuid,
	       sizeof(model->selected));
}
