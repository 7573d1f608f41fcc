/* SPDX-License-Identifier: GPL-2.0-only */
/* What holds a guest's memory, in words. */
#ifndef EBB_HOST_INTERFACE_HELD_H
#define EBB_HOST_INTERFACE_HELD_H

#include <stddef.h>

#include "protocol/message.h"

/* For ebb_held_text(). */
#define EBB_HELD_TEXT_BYTES 256

/**
 * ebb_held_text - "900.0 MiB tmpfs and shared memory, 600.0 MiB ..."
 * @ret_text: at least EBB_HELD_TEXT_BYTES; empty if nothing holds 16 MiB or it is
 *	not known
 *
 * Returns @ret_text.
 */
const char *ebb_held_text(const struct ebb_msg_held *held, char *ret_text);

#endif /* EBB_HOST_INTERFACE_HELD_H */
