/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/control/arguments.h"

bool ebb_call_decode(struct ebb_call *call, const struct json_object *arguments,
		     const struct ebb_field *fields, void *ret_request,
		     size_t request_bytes)
{
	struct ebb_msg_error error;

	if (ebb_msg_decode(arguments, fields, ret_request, request_bytes,
			   &error) == 0)
		return true;
	ebb_call_error(call, "InvalidArgument", "%s", error.text);
	return false;
}
