/* SPDX-License-Identifier: GPL-2.0-only */
/* The facts page: what the guest tells without being asked. */
#ifndef EBB_KMOD_FACTS_H
#define EBB_KMOD_FACTS_H

#include <linux/types.h>
#include <linux/workqueue.h>

/* Refresh every EBB_FACTS_PERIOD_MS on @queue, waking no idle CPU. */
void facts_start(struct workqueue_struct *queue);
void facts_stop(void);

/* Refresh now. Sleeps. */
void facts_refresh(void);

/* The host discarded @bytes in one more batch. */
void facts_count_batch(u64 bytes);

#endif /* EBB_KMOD_FACTS_H */
