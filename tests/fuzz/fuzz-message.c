/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any line as a message, and its body as each of the agent's messages: what is
 * accepted is within bounds, and is the same after a way there and back.
 */
#include <errno.h>
#include <string.h>

#include "protocol/message.h"
#include "tests/fuzz/check-fields.h"
#include "tests/fuzz/fuzz.h"

static const struct {
	const struct ebb_field *fields;
	size_t bytes;
} messages[] = {
	{ ebb_msg_info_fields, sizeof(struct ebb_msg_info) },
	{ ebb_msg_facts_fields, sizeof(struct ebb_msg_facts) },
	{ ebb_msg_challenge_fields, sizeof(struct ebb_msg_challenge) },
	{ ebb_msg_session_start_fields, sizeof(struct ebb_msg_session_start) },
	{ ebb_msg_target_fields, sizeof(struct ebb_msg_target) },
	{ ebb_msg_target_state_fields, sizeof(struct ebb_msg_target_state) },
};

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
		check_body(msg.body, messages[i].fields, messages[i].bytes);
	ebb_msg_clear(&msg);
	return 0;
}
