/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Some members of an answer.
 *
 * Who asks for all domains each second, and needs half of what there is to say, names it:
 * the request has "members", a list of names, and each element of the answer has these
 * alone. Both ends then build and read half as much. An ebbd that does not know "members"
 * sends all, and members that it does not know are not there.
 */
#ifndef EBB_HOST_INTERFACE_SELECTION_H
#define EBB_HOST_INTERFACE_SELECTION_H

#include "protocol/message.h"

enum {
	EBB_SELECTION_MAX = 96
};

/* A table for ebb_msg_encode() and ebb_msg_decode(). */
struct ebb_selection {
	struct ebb_field fields[EBB_SELECTION_MAX + 1];
};

/**
 * ebb_selection_make - the rows of a table that are named
 * @all: the table, of EBB_SELECTION_MAX rows at most
 * @request: "members" in it, a list of strings; without that, all rows are selected
 * @ret_selection: written only on success
 * @ret_error: filled on failure
 *
 * Returns 0, -EINVAL ("members" is no list of strings) or -E2BIG.
 */
int ebb_selection_make(const struct ebb_field *all,
		       const struct json_object *request,
		       struct ebb_selection *ret_selection,
		       struct ebb_msg_error *ret_error);

#endif /* EBB_HOST_INTERFACE_SELECTION_H */
