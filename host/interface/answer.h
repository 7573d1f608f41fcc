/* SPDX-License-Identifier: GPL-2.0-only */
/* What comes back from ebbd, for those who ask it. */
#ifndef EBB_HOST_ANSWER_H
#define EBB_HOST_ANSWER_H

#include <stddef.h>

#include "protocol/message.h"

/**
 * ebb_answer_parse - as ebb_msg_parse()
 * @line_bytes: at most EBB_CONTROL_BYTES_MAX
 *
 * The bound of ebb_msg_parse() is made for guests. A list of many domains is longer,
 * and only a reply is: what else is that long is -EBADMSG.
 */
int ebb_answer_parse(const char *line, size_t line_bytes,
		     struct ebb_msg *ret_msg, struct ebb_msg_error *ret_error);

#endif /* EBB_HOST_ANSWER_H */
