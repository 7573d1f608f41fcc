/* SPDX-License-Identifier: GPL-2.0-only */
/* What must hold of any message that has a table. */
#ifndef EBB_TESTS_CHECK_FIELDS_H
#define EBB_TESTS_CHECK_FIELDS_H

#include "protocol/message.h"

/* Why something was not accepted: one of two errors, and a text. */
void check_failure(int r, const struct ebb_msg_error *error);

/* Each string ends in its field, each count is within its array. */
void check_bounds(const struct ebb_field *fields, const char *message);

/*
 * @body as a message of @bytes: refused as above, or within bounds and the same
 * after a way there and back.
 */
void check_body(const struct json_object *body, const struct ebb_field *fields,
		size_t bytes);

#endif /* EBB_TESTS_CHECK_FIELDS_H */
