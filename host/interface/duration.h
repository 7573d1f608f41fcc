/* SPDX-License-Identifier: GPL-2.0-only */
/* Lengths of time as people write them. Pure. */
#ifndef EBB_HOST_DURATION_H
#define EBB_HOST_DURATION_H

#include <stdint.h>

/**
 * ebb_duration_parse - "50ms", "60s", "5m", "6h", "2d" to milliseconds
 * @text: a whole number and its unit, nothing between
 * @ret_ms: written only on success
 *
 * The unit is never optional: a bare 60 may mean seconds or milliseconds.
 * Returns 0, -EINVAL (not such a text) or -ERANGE (more than UINT32_MAX ms).
 */
int ebb_duration_parse(const char *text, uint32_t *ret_ms);

#endif /* EBB_HOST_DURATION_H */
