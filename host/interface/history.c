/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/interface/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "host/interface/array.h"
#include "host/interface/rows.h"

static const char *const series_names[][EBB_HISTORY_SERIES] = {
	[EBB_HISTORY_DOMAIN] = {
		[EBB_DOMAIN_RESIDENT] = "resident-bytes",
		[EBB_DOMAIN_SWAPPED] = "swapped-bytes",
		[EBB_DOMAIN_FREE] = "free-bytes",
		[EBB_DOMAIN_LENT] = "lent-bytes",
		[EBB_DOMAIN_USABLE] = "usable-bytes",
		[EBB_DOMAIN_BALLOON] = "balloon-bytes",
		[EBB_DOMAIN_WORKING_SET] = "working-set-bytes",
		[EBB_DOMAIN_PRESSURE] = "pressure-ppm",
	},
	[EBB_HISTORY_BUDGET] = {
		[EBB_BUDGET_LIMIT] = "limit-bytes",
		[EBB_BUDGET_AVAILABLE] = "available-bytes",
		[EBB_BUDGET_USED] = "used-bytes",
		[EBB_BUDGET_LENT] = "lent-bytes",
		[EBB_BUDGET_COVER] = "cover-bytes",
		[EBB_BUDGET_DEBT] = "debt-bytes",
		[EBB_BUDGET_NEED] = "need-bytes",
		[EBB_BUDGET_PRESSURE] = "pressure-ppm",
	},
};

const char *ebb_history_series_name(enum ebb_history_kind kind,
				    unsigned int series)
{
	return series_names[kind][series];
}

#define REQUEST struct ebb_history_request
const struct ebb_field ebb_history_request_fields[] = {
	OPTIONAL_STRING("domain", REQUEST, domain),
	OPTIONAL_STRING("budget", REQUEST, budget),
	OPTIONAL_STRING("uri", REQUEST, uri),
	OPTIONAL(EBB_FIELD_U64, "last-ms", REQUEST, last_ms),
	OPTIONAL(EBB_FIELD_U64, "since-ms", REQUEST, since_ms),
	OPTIONAL(EBB_FIELD_U64, "until-ms", REQUEST, until_ms),
	OPTIONAL(EBB_FIELD_U64, "step-ms", REQUEST, step_ms),
	OPTIONAL(EBB_FIELD_U32, "limit", REQUEST, limit),
	END,
};
#undef REQUEST

#define HISTORY struct ebb_history
const struct ebb_field ebb_history_fields[] = {
	STRING("kind", HISTORY, kind),
	STRING("name", HISTORY, name),
	OPTIONAL_STRING("uuid", HISTORY, uuid),
	FIELD(EBB_FIELD_U64, "now-ms", HISTORY, now_ms),
	FIELD(EBB_FIELD_U64, "since-ms", HISTORY, since_ms),
	FIELD(EBB_FIELD_U64, "step-ms", HISTORY, step_ms),
	OPTIONAL_STRING("note", HISTORY, note),
	END,
};
#undef HISTORY

/* Of a point, but for its series. */
#define POINT struct ebb_history_point
static const struct ebb_field point_fields[] = {
	FIELD(EBB_FIELD_U64, "time-ms", POINT, time_ms),
	OPTIONAL_STRING("rung", POINT, rung),
	END,
};
#undef POINT

/* Three numbers; the table of a message would not know which are unknown. */
struct triple {
	uint32_t count;
	uint64_t values[3];
};

enum ebb_history_kind ebb_history_kind_of(const struct ebb_history *history)
{
	return strcmp(history->kind, "budget") == 0 ? EBB_HISTORY_BUDGET
						    : EBB_HISTORY_DOMAIN;
}

/* ---- encoding ---- */

static int add_value(struct json_object *point, const char *name,
		     const struct ebb_history_value *value)
{
	struct json_object *array = json_object_new_array();
	const uint64_t numbers[] = { value->min, value->avg, value->max };
	int r = array ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < EBB_ARRAY_SIZE(numbers); i++)
		r = ebb_array_append(
			array, json_object_new_int64((int64_t)numbers[i]));
	if (r == 0)
		return ebb_array_add(point, name, array);
	json_object_put(array);
	return r;
}

static struct json_object *encode_point(const struct ebb_history_point *point,
					enum ebb_history_kind kind)
{
	struct json_object *object = ebb_msg_encode(point_fields, point);
	int r = object ? 0 : -ENOMEM;

	for (unsigned int i = 0; r == 0 && i < EBB_HISTORY_SERIES; i++)
		if (point->values[i].known)
			r = add_value(object, series_names[kind][i],
				      &point->values[i]);
	if (r == 0)
		return object;
	json_object_put(object);
	return NULL;
}

struct json_object *ebb_history_encode(const struct ebb_history *history)
{
	enum ebb_history_kind kind = ebb_history_kind_of(history);
	struct json_object *object =
		ebb_msg_encode(ebb_history_fields, history);
	struct json_object *array = json_object_new_array();
	int r = object && array ? 0 : -ENOMEM;

	for (uint32_t i = 0; r == 0 && i < history->point_count; i++)
		r = ebb_array_append(array,
				     encode_point(&history->points[i], kind));
	if (r == 0)
		r = ebb_array_add(object, "points", json_object_get(array));
	json_object_put(array);
	if (r == 0)
		return object;
	json_object_put(object);
	return NULL;
}

/* ---- decoding ---- */

static int decode_value(const struct json_object *object, const char *name,
			struct ebb_history_value *value,
			struct ebb_msg_error *ret_error)
{
	const struct ebb_field fields[] = {
		{ .name = name,
		  .type = EBB_FIELD_U64_ARRAY,
		  .optional = true,
		  .offset = offsetof(struct triple, values),
		  .count_offset = offsetof(struct triple, count),
		  .capacity = 3 },
		END,
	};
	struct triple triple = { 0 };
	int r = ebb_msg_decode(object, fields, &triple, sizeof(triple),
			       ret_error);

	if (r < 0 || triple.count == 0)
		return r;
	if (triple.count != EBB_ARRAY_SIZE(triple.values))
		return ebb_array_error(ret_error, -EINVAL,
				       "a value is not of three numbers");
	*value = (struct ebb_history_value){
		.known = true,
		.min = triple.values[0],
		.avg = triple.values[1],
		.max = triple.values[2],
	};
	return 0;
}

static int decode_point(const struct json_object *object, void *ret_item,
			const void *opaque, struct ebb_msg_error *ret_error)
{
	enum ebb_history_kind kind = ebb_history_kind_of(opaque);
	struct ebb_history_point *point = ret_item;
	int r = ebb_msg_decode(object, point_fields, point, sizeof(*point),
			       ret_error);

	for (unsigned int i = 0; r == 0 && i < EBB_HISTORY_SERIES; i++)
		r = decode_value(object, series_names[kind][i],
				 &point->values[i], ret_error);
	return r;
}

int ebb_history_decode(const struct json_object *object,
		       struct ebb_history *ret_history,
		       struct ebb_msg_error *ret_error)
{
	struct ebb_history history = { 0 };
	void *points;
	int r = ebb_msg_decode(object, ebb_history_fields, &history,
			       sizeof(history), ret_error);

	if (r == 0)
		r = ebb_array_decode(object, "points", EBB_HISTORY_POINTS_MAX,
				     sizeof(*history.points), decode_point,
				     &history, &points, &history.point_count,
				     ret_error);
	if (r < 0)
		return r;
	history.points = points;
	*ret_history = history;
	return 0;
}

void ebb_history_clear(struct ebb_history *history)
{
	free(history->points);
	*history = (struct ebb_history){ 0 };
}
