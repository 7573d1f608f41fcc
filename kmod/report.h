/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's free page reporting: where free ranges come from. */
#ifndef EBB_KMOD_REPORT_H
#define EBB_KMOD_REPORT_H

#include <linux/types.h>

#include "batch.h"

/*
 * Lease these ranges. Called in process context, without locks. Return 0 if
 * the host is through with all of them, -EAGAIN if they are to come again.
 */
typedef int (*report_lease_fn)(const struct batch_range *ranges, u32 count);

/**
 * report_register - become the kernel's reporting device
 * @lease: called for each batch, from report_pass() and by the kernel itself
 *
 * Return: 0; -EBUSY if another driver has the slot.
 */
int report_register(report_lease_fn lease);

/* Leave. No call of the lease function is under way after it. */
void report_unregister(void);

/* Have all free ranges reported again, also those marked as reported. */
void report_rearm(void);

/**
 * report_pass - one whole pass of the kernel over its free lists
 *
 * Return: how many batches the kernel had, including those that had nothing
 * which may be offered.
 */
u32 report_pass(void);

#endif /* EBB_KMOD_REPORT_H */
