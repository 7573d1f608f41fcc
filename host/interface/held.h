/* SPDX-License-Identifier: GPL-2.0-only */
/* What holds a guest's memory, in words. */
#ifndef EBB_HOST_INTERFACE_HELD_H
#define EBB_HOST_INTERFACE_HELD_H

#include <stdbool.h>
#include <stddef.h>

#include "protocol/message.h"

/* For ebb_held_text(). */
#define EBB_HELD_TEXT_BYTES 384

enum {
	/* Kinds of what holds memory. */
	EBB_HELD_PARTS = 8
};

/* @part: below EBB_HELD_PARTS. Returns its name, as "page cache". */
const char *ebb_held_part(const struct ebb_msg_held *held, unsigned int part,
			  uint64_t *ret_bytes);

/* Whether no part is more than all that the guest has. */
bool ebb_held_is_plausible(const struct ebb_msg_held *held,
			   uint64_t memory_bytes);

/**
 * ebb_held_text - "900.0 MiB tmpfs and shared memory, 600.0 MiB ..."
 * @ret_text: at least EBB_HELD_TEXT_BYTES; empty if nothing holds 16 MiB or it is
 *	not known
 *
 * Returns @ret_text.
 */
const char *ebb_held_text(const struct ebb_msg_held *held, char *ret_text);

#endif /* EBB_HOST_INTERFACE_HELD_H */
