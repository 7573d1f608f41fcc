/* SPDX-License-Identifier: GPL-2.0-only */
/* The facts page: what the guest tells without being asked. */
#ifndef EBB_KMOD_FACTS_H
#define EBB_KMOD_FACTS_H

#include <linux/types.h>
#include <linux/workqueue.h>

#include "protocol/ring.h"

/* Refresh every EBB_FACTS_PERIOD_MS on @queue, waking no idle CPU. */
void ebb_facts_start(struct workqueue_struct *queue);
void ebb_facts_stop(void);

/* Refresh now. Sleeps. */
void ebb_facts_refresh(void);

/* The host discarded @bytes in one more batch. */
void ebb_facts_count_batch(u64 bytes);

/* What the threshold has the next refresh say. @node_pages: targets, by node. */
struct facts_target {
	enum ebb_threshold_state state;
	enum ebb_drop_reason drop_reason;
	u64 drop_count;
	u64 node_pages[EBB_NODE_MAX];
};

void ebb_facts_note_target(const struct facts_target *target);

/*
 * Since boot. @steal: pages that kswapd reclaimed; @refault: pages that were
 * needed again, those of cgroups at their own limits included.
 */
struct facts_events {
	u64 allocstall;
	u64 steal;
	u64 refault;
};

/* The allocstall of facts_events, from any context. */
u64 ebb_facts_allocstall(void);

/* Sleeps. */
void ebb_facts_read_events(struct facts_events *events);

#endif /* EBB_KMOD_FACTS_H */
