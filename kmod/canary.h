/* SPDX-License-Identifier: GPL-2.0-only */
/* The RAM segments of this guest and the canary pages in them. */
#ifndef EBB_KMOD_CANARY_H
#define EBB_KMOD_CANARY_H

#include <linux/types.h>
#include <linux/workqueue.h>

#include "protocol/uapi.h"

/**
 * ebb_canary_init - find the segments and place canaries in those of the boot
 * @queue: where those of added memory are let go again
 *
 * A segment in which none can be placed is listed without and never offered
 * from.
 *
 * Return: 0; -ENOMEM.
 */
int ebb_canary_init(struct workqueue_struct *queue);

/* Give the canary pages back. No memory notifier may run any more. */
void ebb_canary_exit(void);

/**
 * ebb_canary_rescan - segments changed: follow, keeping the canaries that fit
 *
 * Does nothing while memory goes offline: call again after its end.
 *
 * Return: 0; -ENOMEM: the segments stay as they were.
 */
int ebb_canary_rescan(void);

/*
 * Let those of added memory go now. The ring may be replaced after it, while nobody
 * asks for the segments.
 */
void ebb_canary_rest(void);

/* Fill all canaries with @nonce under @boot_id, before the ring shows it. */
void ebb_canary_challenge(const u8 boot_id[EBB_BOOT_ID_BYTES],
			  const u8 nonce[EBB_NONCE_BYTES]);

/*
 * Whether [@pfn, @pfn + @pages) may be offered: it is wholly in one segment that
 * has a place for a canary, and over no place that the host takes for one. Does not
 * sleep.
 */
bool ebb_canary_covers(unsigned long pfn, unsigned long pages);

/*
 * The segments as user space sees them, with canaries that are held until a host
 * has had time to challenge them. Sleeps, and may move pages.
 */
void ebb_canary_list(struct ebb_segments *segments);
u32 ebb_canary_segment_count(void);

/*
 * Memory hotplug: [@pfn, @pfn + @pages) goes offline, stays after all, or is
 * gone. Until ebb_canary_rescan(), it has no canaries, and nothing is offered from
 * a segment that lost memory.
 */
void ebb_canary_offline_begin(unsigned long pfn, unsigned long pages);
void ebb_canary_offline_cancel(void);
void ebb_canary_offline_done(unsigned long pfn, unsigned long pages);

#endif /* EBB_KMOD_CANARY_H */
