/* SPDX-License-Identifier: GPL-2.0-only */
/* Times as people write and read them, by the local clock. */
#ifndef EBB_HOST_CTL_WHEN_H
#define EBB_HOST_CTL_WHEN_H

#include <stddef.h>
#include <stdint.h>

#include "host/ctl/ctl.h"

enum {
	CTL_WHEN_BYTES = 40
};

/**
 * ctl_when_parse - "14:30", "2026-11-29", "2026-11-29 14:30", "2026-11-29T14:30:05"
 * @now_ms: a time alone is the last one that was before that
 * @ret_ms: since 1970; written only on success
 *
 * Returns 0 or -EINVAL.
 */
int ctl_when_parse(const char *text, uint64_t now_ms, uint64_t *ret_ms);

/* "14:30:05", with the date before it if that is not of @now_ms. Returns @text. */
const char *ctl_when_format(uint64_t ms, uint64_t now_ms,
			    char text[CTL_WHEN_BYTES]);

/* "2026-11-29T14:30:05+0100", for scripts. Returns @text. */
const char *ctl_when_exact(uint64_t ms, char text[CTL_WHEN_BYTES]);

uint64_t ctl_when_now_ms(void);

/**
 * ctl_when_since - what --since or --last say
 * @command: for its help
 * @ret_since_ms: 0 if neither is given
 *
 * Returns CTL_DONE, or CTL_USAGE after a ctl_error().
 */
int ctl_when_since(const struct ctl_args *args, const char *command,
		   uint64_t now_ms, uint64_t *ret_since_ms);

#endif /* EBB_HOST_CTL_WHEN_H */
