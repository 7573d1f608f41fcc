/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any line on the control socket: as a request to ebbd, with its arguments, and
 * as an answer to ebbctl. What is accepted is within bounds, terminated, and
 * the same after a way there and back.
 */
#include <errno.h>
#include <string.h>

#include "host/interface/status.h"
#include "tests/fuzz/check-fields.h"
#include "tests/fuzz/fuzz.h"

static const struct {
	const struct ebb_field *fields;
	size_t bytes;
} bodies[] = {
	{ ebb_domain_request_fields, sizeof(struct ebb_domain_request) },
	{ ebb_set_request_fields, sizeof(struct ebb_set_request) },
	{ ebb_set_result_fields, sizeof(struct ebb_set_result) },
	{ ebb_reclaim_request_fields, sizeof(struct ebb_reclaim_request) },
	{ ebb_reclaim_progress_fields, sizeof(struct ebb_reclaim_progress) },
	{ ebb_reclaim_result_fields, sizeof(struct ebb_reclaim_result) },
	{ ebb_daemon_status_fields, sizeof(struct ebb_daemon_status) },
	{ ebb_domain_status_fields, sizeof(struct ebb_domain_status) },
	{ ebb_doctor_fields, sizeof(struct ebb_doctor) },
};

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
