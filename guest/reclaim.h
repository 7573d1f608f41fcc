/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reclaim bursts, where there is no module to drive kswapd: memory.reclaim of
 * the root cgroup (Linux 5.19) frees just what it is told to.
 *
 * A write reclaims before it returns, so a child does it (child.h), in chunks,
 * until enough is free, there is nothing more that may be freed, or the guest
 * is short of memory itself (vmstat.h). As often as limit.h allows.
 */
#ifndef EBB_GUEST_RECLAIM_H
#define EBB_GUEST_RECLAIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "guest/backoff.h"
#include "guest/limited.h"

struct ebb_reclaim;

/*
 * A burst ended by itself; @reason is EBB_BACKOFF_NONE, or why it stopped
 * before its end.
 */
typedef void (*ebb_reclaim_done_fn)(enum ebb_backoff_reason reason,
				    void *opaque);

/*
 * @root: as in sysfile.h, kept. @limited: the owner's, kept. Returns 0 or
 * -ENOMEM.
 */
int ebb_reclaim_new(sd_event *event, const char *root,
		    struct ebb_limited *limited, ebb_reclaim_done_fn done,
		    void *opaque, struct ebb_reclaim **ret_reclaim);

/* Kills a burst that runs, and waits for that. NULL is fine. */
void ebb_reclaim_free(struct ebb_reclaim *reclaim);

/**
 * ebb_reclaim_find - the file that reclaims from all of the guest
 * @ret_path: absolute, below the root; at least @path_bytes
 *
 * Returns 0, or -ENOENT: no cgroup2, not its root, or an older kernel.
 */
int ebb_reclaim_find(const char *root, char *ret_path, size_t path_bytes);

/**
 * ebb_reclaim_start - a burst, if it may be
 * @target_bytes: what is to be free
 * @swap: anonymous memory may be swapped for it
 *
 * Returns 0 (it runs), -EALREADY (enough is free), -EBUSY (one runs), -EAGAIN
 * (too soon), -ENOENT as above, or -errno.
 */
int ebb_reclaim_start(struct ebb_reclaim *reclaim, uint64_t target_bytes,
		      bool swap);

bool ebb_reclaim_runs(const struct ebb_reclaim *reclaim);

/* Kills a burst that runs, and does not wait. */
void ebb_reclaim_stop(struct ebb_reclaim *reclaim);

/* Somebody asks now: the next burst may be at once. */
void ebb_reclaim_retry(struct ebb_reclaim *reclaim);

#endif /* EBB_GUEST_RECLAIM_H */
