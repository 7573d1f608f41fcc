/* SPDX-License-Identifier: GPL-2.0-only */
/* Sizes in four columns. */
#ifndef EBB_HOST_CTL_TOP_SIZE_H
#define EBB_HOST_CTL_TOP_SIZE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	TOP_SIZE_COLUMNS = 5,
	TOP_SIZE_BYTES = 16,
};

/**
 * top_size_format - "1.5G", "999M", "0"; "-" for TOP_UNKNOWN
 * @old: with "~" before it: of a while ago
 * @text: at least TOP_SIZE_BYTES
 *
 * At most TOP_SIZE_COLUMNS with the mark, in powers of 1024. Returns @text.
 */
const char *top_size_format(uint64_t bytes, bool old, char *text);

#endif /* EBB_HOST_CTL_TOP_SIZE_H */
