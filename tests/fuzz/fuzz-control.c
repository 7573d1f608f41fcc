/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any line on the control socket: as a request to ebbd, with its arguments, and
 * as an answer to ebbctl. What is accepted is within bounds, terminated, and
 * the same after a way there and back.
 */
#include <errno.h>
#include <string.h>

#include "host/status.h"
#include "tests/fuzz/fuzz.h"

static union {
	struct ebb_domain_request domain;
	struct ebb_reclaim_request reclaim;
	struct ebb_reclaim_progress progress;
	struct ebb_reclaim_result result;
	struct ebb_daemon_status daemon;
	struct ebb_domain_status status;
	struct ebb_doctor doctor;
} first, second;

static const struct {
	const struct ebb_field *fields;
	size_t bytes;
} bodies[] = {
	{ ebb_domain_request_fields, sizeof(first.domain) },
	{ ebb_reclaim_request_fields, sizeof(first.reclaim) },
	{ ebb_reclaim_progress_fields, sizeof(first.progress) },
	{ ebb_reclaim_result_fields, sizeof(first.result) },
	{ ebb_daemon_status_fields, sizeof(first.daemon) },
	{ ebb_domain_status_fields, sizeof(first.status) },
	{ ebb_doctor_fields, sizeof(first.doctor) },
};

/* Each string ends in its field, each count is within its array. */
static void check_bounds(const struct ebb_field *fields, const char *message)
{
	for (; fields->name; fields++) {
		const char *value = message + fields->offset;
		uint32_t count;

		switch (fields->type) {
		case EBB_FIELD_STRING:
			FUZZ_ASSERT(memchr(value, 0, fields->capacity));
			break;
		case EBB_FIELD_STRUCT:
			check_bounds(fields->sub, value);
			break;
		case EBB_FIELD_STRUCT_ARRAY:
		case EBB_FIELD_U64_ARRAY:
			memcpy(&count, message + fields->count_offset,
			       sizeof(count));
			FUZZ_ASSERT(count <= fields->capacity);
			for (uint32_t i = 0; fields->sub && i < count; i++)
				check_bounds(fields->sub,
					     value + i * fields->sub_bytes);
			break;
		default:
			break;
		}
	}
}

static void check_failure(int r, const struct ebb_msg_error *error)
{
	FUZZ_ASSERT(r == -EINVAL || r == -ERANGE);
	FUZZ_ASSERT(error->text[0]);
	FUZZ_ASSERT(memchr(error->text, 0, sizeof(error->text)));
}

static void check_body(const struct json_object *body,
		       const struct ebb_field *fields, size_t bytes)
{
	struct ebb_msg_error error = { "" };
	struct json_object *object;
	int r;

	memset(&first, 0, sizeof(first));
	memset(&second, 0, sizeof(second));
	r = ebb_msg_decode(body, fields, &first, bytes, &error);
	if (r < 0) {
		check_failure(r, &error);
		return;
	}
	check_bounds(fields, (const char *)&first);
	object = ebb_msg_encode(fields, &first);
	FUZZ_ASSERT(object);
	FUZZ_ASSERT(ebb_msg_decode(object, fields, &second, bytes, &error) ==
		    0);
	FUZZ_ASSERT(memcmp(&first, &second, bytes) == 0);
	json_object_put(object);
}

static void check_list(const struct json_object *body)
{
	struct ebb_status_list list, again;
	struct ebb_msg_error error = { "" };
	struct json_object *object;
	int r = ebb_status_list_decode(body, &list, &error);

	if (r < 0) {
		check_failure(r, &error);
		return;
	}
	FUZZ_ASSERT(list.domain_count <= EBB_LIST_MAX);
	for (uint32_t i = 0; i < list.domain_count; i++)
		check_bounds(ebb_domain_status_fields,
			     (const char *)&list.domains[i]);
	object = ebb_status_list_encode(&list);
	FUZZ_ASSERT(object);
	FUZZ_ASSERT(ebb_status_list_decode(object, &again, &error) == 0);
	FUZZ_ASSERT(again.domain_count == list.domain_count);
	FUZZ_ASSERT(memcmp(again.domains, list.domains,
			   list.domain_count * sizeof(*list.domains)) == 0);
	json_object_put(object);
	free(list.domains);
	free(again.domains);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct ebb_msg_error error = { "" };
	struct ebb_msg msg;
	int r = ebb_msg_parse((const char *)data, bytes, &msg, &error);

	if (r < 0) {
		FUZZ_ASSERT(r == -EBADMSG || r == -EMSGSIZE);
		FUZZ_ASSERT(error.text[0]);
		return 0;
	}
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		check_body(msg.body, bodies[i].fields, bodies[i].bytes);
	check_list(msg.body);
	ebb_msg_clear(&msg);
	return 0;
}
