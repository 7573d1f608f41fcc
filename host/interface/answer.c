/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/interface/answer.h"

#include <errno.h>
#include <stdio.h>

int ebb_answer_parse(const char *line, size_t line_bytes,
		     struct ebb_msg *ret_msg, struct ebb_msg_error *ret_error)
{
	struct ebb_msg msg = { .kind = EBB_MSG_REPLY };
	struct json_tokener *tokener;

	if (line_bytes <= EBB_MESSAGE_BYTES_MAX)
		return ebb_msg_parse(line, line_bytes, ret_msg, ret_error);
	tokener = json_tokener_new_ex(EBB_MESSAGE_DEPTH_MAX);
	if (tokener) {
		json_tokener_set_flags(tokener,
				       JSON_TOKENER_STRICT |
					       JSON_TOKENER_VALIDATE_UTF8);
		msg.root =
			json_tokener_parse_ex(tokener, line, (int)line_bytes);
		json_tokener_free(tokener);
	}
	if (!json_object_object_get_ex(msg.root, "return", &msg.body)) {
		json_object_put(msg.root);
		snprintf(ret_error->text, sizeof(ret_error->text),
			 "%zu bytes that are no answer", line_bytes);
		return -EBADMSG;
	}
	*ret_msg = msg;
	return 0;
}
