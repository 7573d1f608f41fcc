/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's free target: taken, pursued, given up. */
#ifndef EBB_KMOD_THRESHOLD_H
#define EBB_KMOD_THRESHOLD_H

#include <linux/types.h>
#include <linux/workqueue.h>

#include "protocol/uapi.h"

/**
 * ebb_threshold_init - no target yet
 * @queue: what is slow runs on it
 * @changed: called when the state has changed, from process context
 */
void ebb_threshold_init(struct workqueue_struct *queue, void (*changed)(void));

/**
 * ebb_threshold_set - take a target, in place of the one before
 *
 * With @target->bytes 0 the marks are the kernel's own when it returns.
 *
 * Return: 0; -EINVAL as in protocol/uapi.h; -ESHUTDOWN.
 */
int ebb_threshold_set(const struct ebb_target *target);

/* What is done for it now. */
void ebb_threshold_get(struct ebb_threshold *threshold);

enum ebb_threshold_state ebb_threshold_state(void);

/*
 * Give the target up for @why, if there is one. From any context that may
 * queue work; the marks are the kernel's own when it returns, the target is gone
 * within one look.
 */
void ebb_threshold_drop(enum ebb_drop_reason why);

/* The memory map changed: look at the marks again. From any such context. */
void ebb_threshold_review(void);

/* Drop the target and take no other until ebb_threshold_reopen(). Sleeps. */
void ebb_threshold_close(void);
void ebb_threshold_reopen(void);

#endif /* EBB_KMOD_THRESHOLD_H */
