/* SPDX-License-Identifier: GPL-2.0-only */
/* WMARK_HIGH of the zones: raised, kept and given back. */
#ifndef EBB_KMOD_WATERMARK_H
#define EBB_KMOD_WATERMARK_H

#include <linux/types.h>

#include "protocol/limits.h"

/* Nodes whose marks can be raised: those that have facts (protocol/ring.h). */
static inline bool watermark_has_node(int node)
{
	return node >= 0 && node < EBB_NODE_MAX;
}

/**
 * ebb_watermark_raise_over - raise the marks of @node over what is free
 * @step: pages, shared by the zones by their size; each zone gets a pageblock
 *	more than it has free at least, so that no zone passes for the node
 */
void ebb_watermark_raise_over(int node, u64 step);

/**
 * ebb_watermark_hold - keep the marks of @node at its target, as far as it is met
 * @target: pages, shared by the zones by their size
 *
 * No mark is above what its zone has free now, so that nothing has to be done
 * for it.
 */
void ebb_watermark_hold(int node, u64 target);

/* What the kernel wrote over, as it does at sysctls and hotplug, again. */
void ebb_watermark_reassert(int node);

/* The kernel's own marks, as it has computed them last. */
void ebb_watermark_restore(int node);

/*
 * Wake kswapd of @node, by an allocation that finds its zone boosted, as
 * wakeup_kswapd() is not exported: rmqueue() of mm/page_alloc.c. The boost is
 * one pageblock, for it counts in WMARK_MIN as well; at its end kswapd wakes
 * kcompactd for a huge page.
 */
void ebb_watermark_kick(int node);

#endif /* EBB_KMOD_WATERMARK_H */
