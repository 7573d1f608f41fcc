/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any line as a message, and its body as each of the agent's messages: what is
 * accepted is within bounds, and is the same after a way there and back.
 */
#include <errno.h>
#include <string.h>

#include "protocol/message.h"
#include "tests/fuzz/fuzz.h"

static union {
	struct ebb_msg_info info;
	struct ebb_msg_facts facts;
	struct ebb_msg_challenge challenge;
	struct ebb_msg_session_start session_start;
} first, second;

static const struct {
	const struct ebb_field *fields;
	size_t bytes;
} messages[] = {
	{ ebb_msg_info_fields, sizeof(first.info) },
	{ ebb_msg_facts_fields, sizeof(first.facts) },
	{ ebb_msg_challenge_fields, sizeof(first.challenge) },
	{ ebb_msg_session_start_fields, sizeof(first.session_start) },
};

static void check_info(const struct ebb_msg_info *info)
{
	FUZZ_ASSERT(info->segment_count <= EBB_SEGMENT_MAX);
	for (uint32_t i = 0; i < info->segment_count; i++)
		FUZZ_ASSERT(info->segments[i].canary_count <=
			    EBB_CANARY_PER_SEGMENT);
	FUZZ_ASSERT(memchr(info->kernel, 0, sizeof(info->kernel)));
	FUZZ_ASSERT(
		memchr(info->agent_version, 0, sizeof(info->agent_version)));
}

static void check_body(const struct json_object *body, size_t index)
{
	const struct ebb_field *fields = messages[index].fields;
	size_t bytes = messages[index].bytes;
	struct ebb_msg_error error = { "" };
	struct json_object *object;
	int r;

	memset(&first, 0, sizeof(first));
	memset(&second, 0, sizeof(second));
	r = ebb_msg_decode(body, fields, &first, bytes, &error);
	if (r < 0) {
		FUZZ_ASSERT(r == -EINVAL || r == -ERANGE);
		FUZZ_ASSERT(error.text[0]);
		return;
	}
	if (index == 0)
		check_info(&first.info);
	object = ebb_msg_encode(fields, &first);
	FUZZ_ASSERT(object);
	FUZZ_ASSERT(ebb_msg_decode(object, fields, &second, bytes, &error) ==
		    0);
	FUZZ_ASSERT(memcmp(&first, &second, bytes) == 0);
	json_object_put(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct ebb_msg_error error = { "" };
	struct ebb_msg msg;
	int r;

	r = ebb_msg_parse((const char *)data, bytes, &msg, &error);
	if (r < 0) {
		FUZZ_ASSERT(r == -EBADMSG || r == -EMSGSIZE);
		FUZZ_ASSERT(error.text[0]);
		return 0;
	}
	FUZZ_ASSERT(memchr(msg.name, 0, sizeof(msg.name)));
	FUZZ_ASSERT(memchr(msg.error_desc, 0, sizeof(msg.error_desc)));
	FUZZ_ASSERT(msg.error_errno >= 0);
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		check_body(msg.body, i);
	ebb_msg_clear(&msg);
	return 0;
}
