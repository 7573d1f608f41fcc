/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's free page reporting: where free ranges come from. */
#ifndef EBB_KMOD_REPORT_H
#define EBB_KMOD_REPORT_H

#include <linux/types.h>
#include <linux/workqueue.h>

#include "batch.h"

/* Passes run on @queue, unbound, as they poll, and ordered, which shows their end. */
void ebb_report_init(struct workqueue_struct *queue);

/*
 * Lease these ranges. Called in process context, without locks. Return 0 if
 * the host is through with all of them, -EAGAIN if they are to come again.
 */
typedef int (*report_lease_fn)(const struct batch_range *ranges, u32 count);

/**
 * ebb_report_register - become the kernel's reporting device
 * @lease: called for each batch, from ebb_report_passes() and by the kernel itself
 *
 * Return: 0; -EBUSY if another driver has the slot.
 */
int ebb_report_register(report_lease_fn lease);

/* Leave. No call of the lease function is under way after it. */
void ebb_report_unregister(void);

/* Have all free ranges reported again, also those marked as reported. */
void ebb_report_rearm(void);

/**
 * ebb_report_passes - passes of the kernel over its free lists, until one has nothing
 * @ret_passes: how many there were
 *
 * Return: how many batches the last pass had, including those that had nothing which
 * may be offered. It is 0, unless a batch was to come again.
 */
u32 ebb_report_passes(u32 *ret_passes);

/**
 * ebb_report_held_pages - what of [@pfn, @pfn + @pages) is off the free lists for us
 *
 * From any process context. Return: pages of the ranges that touch it, in whole
 * ranges; more than there are for as long as a pass takes to end, never less.
 */
unsigned long ebb_report_held_pages(unsigned long pfn, unsigned long pages);

#endif /* EBB_KMOD_REPORT_H */
