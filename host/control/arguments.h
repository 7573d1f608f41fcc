/* SPDX-License-Identifier: GPL-2.0-only */
/* The arguments of a command of the control socket. */
#ifndef EBB_HOST_CONTROL_ARGUMENTS_H
#define EBB_HOST_CONTROL_ARGUMENTS_H

#include "host/control/call.h"

/**
 * ebb_call_decode - as ebb_msg_decode()
 *
 * Returns false if they are not as @fields say: the call was answered with an error.
 */
bool ebb_call_decode(struct ebb_call *call, const struct json_object *arguments,
		     const struct ebb_field *fields, void *ret_request,
		     size_t request_bytes);

#endif /* EBB_HOST_CONTROL_ARGUMENTS_H */
