/* SPDX-License-Identifier: GPL-2.0-only */
/* The commands of this room. */
#include "host/sharing/state.h"

const struct ebb_control_handler ebb_sharing_handlers[] = {
	{ "policy-explain", ebb_sharing_handle_explain, .reads = true },
	{ "policy-pause", ebb_sharing_handle_pause, .reads = false },
	{ .command = NULL },
};
